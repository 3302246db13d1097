/* SPDX-License-Identifier: MIT */
/*
 * Monitors: a connection without a subscription, and copies of what the board
 * says. The board is another process's: copied word by word between two looks
 * at its sequence lock, then checked.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <zoetrope/monitor.h>

#include "core/connection.h"
#include "os/clock.h"
#include "os/rundir.h"
#include "os/socket.h"

struct zt_monitor {
	struct zti_connection *conn;
	pid_t pid;
	uid_t uid;
	char name[65];
};

static int connect_any(const char *name, struct zti_connection **ret_conn)
{
	struct zt_subscriber_options none = { .size = sizeof(none) };
	int result = -ENOENT;

	for (unsigned int i = 0; i < zti_rundir_reader_count(); i++) {
		char path[ZTI_RUNDIR_PATH_MAX];
		int fd = zti_rundir_open_reader(i, path), r;

		if (fd < 0) {
			if (fd != -ENOENT)
				result = fd;
			continue;
		}
		r = zti_connection_open(fd, name, ZTI_ROLE_MONITOR, &none,
					ret_conn);
		close(fd);
		if (r >= 0)
			return 0;
		if (r != -ENOENT && r != -ECONNREFUSED)
			result = r;
	}
	return result;
}

static int wait_welcome(struct zti_connection *conn, int64_t timeout_ns)
{
	int64_t deadline = zti_now_ns() + timeout_ns;

	for (;;) {
		struct pollfd pfd = { .fd = conn->socket, .events = POLLIN };
		int64_t left = deadline - zti_now_ns();
		struct timespec ts;

		zti_connection_process(conn);
		if (conn->state == ZTI_CONNECTION_WELCOMED)
			return 0;
		if (conn->state != ZTI_CONNECTION_GREETED)
			return conn->error ? conn->error : -ECONNRESET;
		if (timeout_ns >= 0 && left <= 0)
			return -ETIMEDOUT;
		ts.tv_sec = left / 1000000000;
		ts.tv_nsec = left % 1000000000;
		if (ppoll(&pfd, 1, timeout_ns < 0 ? NULL : &ts, NULL) < 0)
			return -errno;
	}
}

static void explain(int error, const char *name,
		    const struct zti_connection *conn, char *ret_reason)
{
	if (!ret_reason)
		return;
	if (conn && conn->reason[0])
		memcpy(ret_reason, conn->reason, ZT_REASON_MAX);
	else if (error == -ENOENT)
		snprintf(ret_reason, ZT_REASON_MAX,
			 "no publisher has the stream %s: start one, or see `zoetrope ls`",
			 name);
	else if (error == -ETIMEDOUT)
		snprintf(ret_reason, ZT_REASON_MAX,
			 "the publisher of %s does not answer: it may be stopped",
			 name);
	else
		snprintf(ret_reason, ZT_REASON_MAX, "cannot look at %s: %s",
			 name, strerror(-error));
}

int zt_monitor_open(const char *name, int64_t timeout_ns,
		    struct zt_monitor **ret_monitor, char *ret_reason)
{
	struct zt_monitor *mon;
	int r = zti_stream_name_check(name);

	if (r < 0 || !ret_monitor) {
		if (ret_reason)
			snprintf(ret_reason, ZT_REASON_MAX,
				 "a stream's name is 1 to 64 of A-Z a-z 0-9 . _ - and does not begin with a dot");
		return -EINVAL;
	}
	mon = calloc(1, sizeof(*mon));
	if (!mon) {
		explain(-ENOMEM, name, NULL, ret_reason);
		return -ENOMEM;
	}
	memccpy(mon->name, name, '\0', sizeof(mon->name) - 1);
	r = connect_any(name, &mon->conn);
	if (r >= 0)
		r = wait_welcome(mon->conn, timeout_ns);
	if (r >= 0)
		r = zti_socket_peer(mon->conn->socket, &mon->pid, &mon->uid);
	if (r < 0) {
		explain(r, name, mon->conn, ret_reason);
		zt_monitor_close(mon);
		return r;
	}
	*ret_monitor = mon;
	return 0;
}

void zt_monitor_close(struct zt_monitor *mon)
{
	if (!mon)
		return;
	if (mon->conn && !zti_forked(&mon->conn->fork_entry))
		zti_connection_close(mon->conn);
	free(mon);
}

/* Both are made of whole aligned words. */
static void copy_words(void *to, const void *from, size_t size)
{
	const _Atomic uint64_t *shared = from;

	for (size_t i = 0; i < size / sizeof(*shared); i++) {
		uint64_t word = atomic_load_explicit(&shared[i],
						     memory_order_relaxed);

		memcpy((char *)to + i * sizeof(word), &word, sizeof(word));
	}
}

static int copy_board(const struct zti_board *board,
		      struct zti_board_info *info, struct zti_board_row *rows)
{
	for (int tries = 0; tries < 1000; tries++) {
		uint64_t before = atomic_load_explicit(
			&board->info.serial.word, memory_order_acquire);

		copy_words(info, &board->info, sizeof(*info));
		copy_words(rows, board->rows, sizeof(board->rows));
		atomic_thread_fence(memory_order_acquire);
		if (!(before & 1) &&
		    before == atomic_load_explicit(&board->info.serial.word,
						   memory_order_relaxed))
			return 0;
	}
	return -EAGAIN;
}

static void fill_info(const struct zt_monitor *mon,
		      const struct zti_board_info *from,
		      struct zt_stream_info *to)
{
	const struct zti_board *board = mon->conn->board;

	*to = (struct zt_stream_info){
		.format = from->format,
		.epoch = mon->conn->epoch,
		.published = atomic_load_explicit(&board->published.word,
						  memory_order_relaxed),
		.started_ns = from->started_ns,
		.newest_ns = (int64_t)atomic_load_explicit(
			&board->newest_ns.word, memory_order_relaxed),
		.updated_ns = from->updated_ns,
		.loan_waits = from->loan_waits,
		.loan_wait_ns = from->loan_wait_ns,
		.evicted = from->evicted,
		.cut_off = from->cut_off,
		.refused = from->refused,
		.memory = from->memory,
		.max_memory = from->max_memory,
		.pid = mon->pid,
		.uid = mon->uid,
		.slots = from->slots,
		.slots_in_use = from->slots_in_use,
		.loans = from->loans,
		.metadata_size = from->metadata_size,
		.backpressure = from->backpressure,
		.subscribers = from->subscribers,
		.monitors = from->monitors,
	};
}

static void fill_row(const struct zti_board_row *from,
		     struct zt_subscription_info *to)
{
	*to = (struct zt_subscription_info){
		.pid = (pid_t)from->pid,
		.uid = from->uid,
		.delivery = from->delivery,
		.depth = from->bound,
		.held = from->held,
		.waiting = from->waiting,
		.evicted = from->evicted,
		.stalled = from->stalled,
		.offered = from->offered,
		.taken = from->taken,
		.dropped = from->dropped,
		.latency_p50_ns = from->latency_p50_ns,
		.latency_p99_ns = from->latency_p99_ns,
		.latency_max_ns = from->latency_max_ns,
		.joined_ns = from->joined_ns,
	};
}

int zt_monitor_read(struct zt_monitor *mon, struct zt_stream_info *ret_info,
		    struct zt_subscription_info *rows, size_t count)
{
	struct zti_board_row shared[ZTI_SUBSCRIPTIONS_MAX];
	struct zti_board_info info;
	int r;

	if (!mon || !ret_info || (count && !rows))
		return -EINVAL;
	if (zti_forked(&mon->conn->fork_entry))
		return -ECHILD;
	zti_connection_process(mon->conn);
	r = copy_board(mon->conn->board, &info, shared);
	if (r < 0)
		return r;
	fill_info(mon, &info, ret_info);
	if (mon->conn->state != ZTI_CONNECTION_WELCOMED)
		return -ECONNRESET;
	if (info.rows > ZTI_SUBSCRIPTIONS_MAX)
		return -EPROTO;
	for (uint32_t i = 0; i < info.rows && i < count; i++)
		fill_row(&shared[i], &rows[i]);
	return (int)info.rows;
}

struct list {
	struct zt_stream_entry *entries;
	size_t count;
	int directory_fd;
	const char *path;
};

/* A name counts where somebody listens, and once. */
static int add_entry(void *userdata, const char *name)
{
	struct list *list = userdata;
	struct zt_stream_entry *entries, *entry;
	int fd;

	for (size_t i = 0; i < list->count; i++)
		if (!strcmp(list->entries[i].name, name))
			return 0;
	fd = zti_socket_connect(list->directory_fd, name);
	if (fd == -ENOENT || fd == -ECONNREFUSED)
		return 0;
	/* One that we may not join, or that has no time now, is there too. */
	if (fd < 0 && fd != -EACCES && fd != -EPERM && fd != -EAGAIN)
		return fd;
	if (fd >= 0)
		close(fd);
	entries = realloc(list->entries,
			  (list->count + 1) * sizeof(*entries));
	if (!entries)
		return -ENOMEM;
	list->entries = entries;
	entry = &entries[list->count++];
	snprintf(entry->name, sizeof(entry->name), "%s", name);
	snprintf(entry->directory, sizeof(entry->directory), "%s", list->path);
	return 0;
}

static int compare(const void *a, const void *b)
{
	const struct zt_stream_entry *left = a, *right = b;

	return strcmp(left->name, right->name);
}

/* A directory that is not there, or not ours to look in, has no streams. */
static bool is_absent(int error)
{
	return error != -EMFILE && error != -ENFILE && error != -ENOMEM;
}

int zt_stream_list(struct zt_stream_entry **ret_entries)
{
	struct list list = { 0 };
	int r = 0;

	if (!ret_entries)
		return -EINVAL;
	for (unsigned int i = 0; r >= 0 && i < zti_rundir_reader_count();
	     i++) {
		char path[ZTI_RUNDIR_PATH_MAX];

		list.directory_fd = zti_rundir_open_reader(i, path);
		if (list.directory_fd < 0) {
			if (is_absent(list.directory_fd))
				continue;
			r = list.directory_fd;
			break;
		}
		list.path = path;
		r = zti_rundir_list(list.directory_fd, add_entry, &list);
		close(list.directory_fd);
	}
	if (r < 0) {
		free(list.entries);
		return r;
	}
	if (list.count)
		qsort(list.entries, list.count, sizeof(*list.entries),
		      compare);
	*ret_entries = list.entries;
	return (int)list.count;
}
