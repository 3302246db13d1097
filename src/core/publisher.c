/* SPDX-License-Identifier: MIT */
/* The life of a publisher: creation, destruction, and what it tells. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "core/options.h"
#include "core/peer.h"
#include "core/publisher_impl.h"
#include "os/clock.h"
#include "os/limits.h"
#include "os/rundir.h"
#include "os/socket.h"

static int fail(char *ret_reason, int error, const char *text)
{
	if (ret_reason && !*ret_reason)
		snprintf(ret_reason, ZT_REASON_MAX, "%s: %s", text,
			 strerror(-error));
	return error;
}

static int check_options(struct zt_publisher_options *options, char *reason)
{
	const char *wrong = NULL;

	if (options->flags &
	    ~(uint32_t)(ZT_PUBLISHER_BACKPRESSURE | ZT_PUBLISHER_NO_THREAD))
		wrong = "unknown flags";
	else if (options->loans > ZTI_LOANS_MAX)
		wrong = "more than 16 loans at once";
	else if (options->slots > ZTI_SLOTS_MAX)
		wrong = "more than 64 slots";
	else if (options->metadata_size > ZTI_METADATA_MAX)
		wrong = "more than 1 MiB of metadata a frame";
	else if (options->mode & ~0777U)
		wrong = "a mode that is not between 0 and 0777";
	if (wrong) {
		snprintf(reason, ZT_REASON_MAX,
			 "the options ask for what cannot be: %s", wrong);
		return -EINVAL;
	}
	if (!options->loans)
		options->loans = 1;
	if (!options->evict_after_ns)
		options->evict_after_ns = 5000000000ULL;
	if (!options->mode)
		options->mode = 0600;
	if (!options->max_connections)
		options->max_connections = 256;
	if (!options->max_connections_per_uid)
		options->max_connections_per_uid = 64;
	return 0;
}

static int make_board(struct zt_publisher *pub, char *reason)
{
	char label[80];
	int r;

	r = zti_limits_check(sizeof(struct zti_board),
			     sizeof(struct zti_board), reason);
	if (r < 0)
		return r;
	snprintf(label, sizeof(label), "zoetrope-board-%s", pub->name);
	r = zti_memfd_backend.create(label, sizeof(struct zti_board), 0,
				     &pub->board_memory, reason);
	if (r < 0)
		return r;
	pub->board = pub->board_memory.address;
	pub->board->magic = ZTI_BOARD_MAGIC;
	pub->board->version = ZTI_LAYOUT_VERSION;
	pub->board->size = sizeof(struct zti_board);
	pub->board->epoch = pub->epoch;
	pub->board->pid = (uint32_t)getpid();
	return 0;
}

static int watch_fd(struct zt_publisher *pub, int *fd)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = fd };

	if (*fd < 0 ||
	    epoll_ctl(pub->epoll_fd, EPOLL_CTL_ADD, *fd, &event) < 0)
		return -errno;
	return 0;
}

static int make_fds(struct zt_publisher *pub)
{
	int r;

	pub->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (pub->epoll_fd < 0)
		return -errno;
	pub->loan_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (pub->loan_fd < 0)
		return -errno;
	pub->kick_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	r = watch_fd(pub, &pub->kick_fd);
	if (r < 0)
		return r;
	pub->timer_fd = timerfd_create(CLOCK_MONOTONIC,
				       TFD_CLOEXEC | TFD_NONBLOCK);
	return watch_fd(pub, &pub->timer_fd);
}

static int take_name(struct zt_publisher *pub, char *reason)
{
	char path[ZTI_RUNDIR_PATH_MAX];
	int r;

	r = zti_rundir_open_publisher(path, reason);
	if (r < 0)
		return r;
	pub->directory_fd = r;
	r = zti_lock_acquire(pub->directory_fd, pub->name, &pub->epoch);
	if (r == -EADDRINUSE)
		snprintf(reason, ZT_REASON_MAX,
			 "another publisher has the stream %s in %.100s: choose another name, or end that one",
			 pub->name, path);
	if (r < 0)
		return fail(reason, r, "cannot lock the stream's name");
	pub->lock_fd = r;
	return 0;
}

/* The last step: from here on subscribers come. */
static int open_door(struct zt_publisher *pub, char *reason)
{
	int r;

	r = zti_socket_listen(pub->directory_fd, pub->name, pub->options.mode,
			      pub->options.group);
	if (r < 0)
		return fail(reason, r, "cannot make the stream's socket");
	pub->listen_fd = r;
	r = watch_fd(pub, &pub->listen_fd);
	if (r < 0)
		return r;
	if (pub->options.flags & ZT_PUBLISHER_NO_THREAD)
		return 0;
	return zti_serve_start(pub);
}

static int set_up(struct zt_publisher *pub, char *reason)
{
	int r;

	r = take_name(pub, reason);
	if (r < 0)
		return r;
	zti_quick_clock_init(&pub->clock);
	r = make_board(pub, reason);
	if (r < 0)
		return r;
	r = make_fds(pub);
	if (r < 0)
		return r;
	if (pub->options.format) {
		r = zti_loan_format(pub, pub->options.format);
		pub->options.format = NULL;
		if (r >= 0)
			r = zti_segments_provide(pub, pub->wanted.slot_size, 0,
						 reason);
		else
			memcpy(reason, pub->reason, ZT_REASON_MAX);
		if (r < 0)
			return r;
	}
	return open_door(pub, reason);
}

static void close_fds(struct zt_publisher *pub)
{
	int fds[] = { pub->listen_fd, pub->timer_fd, pub->kick_fd,
		      pub->loan_fd, pub->epoll_fd, pub->lock_fd,
		      pub->directory_fd };

	for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++)
		if (fds[i] >= 0)
			close(fds[i]);
}

/* All that a child has of us, beside memory that is its own. */
static void in_child(struct zti_fork_entry *entry)
{
	struct zt_publisher *pub = (struct zt_publisher *)(
		(char *)entry - offsetof(struct zt_publisher, fork_entry));

	close_fds(pub);
	for (struct zti_peer *p = pub->peers; p; p = p->next) {
		if (p->fd >= 0)
			close(p->fd);
		if (zti_peer_subscribes(p) && p->page.fd >= 0)
			close(p->page.fd);
	}
	for (unsigned int i = 0; i < ZTI_SEGMENTS_MAX; i++)
		if (pub->segments[i].memory.address)
			close(pub->segments[i].memory.fd);
	if (pub->board)
		close(pub->board_memory.fd);
}

static struct zt_publisher *allocate(const char *name,
				     const struct zt_publisher_options *options)
{
	struct zt_publisher *pub = calloc(1, sizeof(*pub));

	if (!pub)
		return NULL;
	pub->options = *options;
	pub->log.fn = options->log;
	pub->log.userdata = options->log_userdata;
	memccpy(pub->name, name, '\0', sizeof(pub->name) - 1);
	pub->newest = ZTI_NO_SLOT;
	pub->phase = zti_phase(0, ZTI_NO_SLOT);
	for (unsigned int i = 0; i < ZTI_SLOTS_MAX; i++)
		pub->recent[i] = (uint8_t)i;
	pub->directory_fd = pub->lock_fd = pub->listen_fd = -1;
	pub->epoll_fd = pub->timer_fd = pub->kick_fd = pub->loan_fd = -1;
	pub->timer_at = INT64_MAX;
	pub->started_ns = zti_now_ns();
	pthread_mutex_init(&pub->serving, NULL);
	return pub;
}

/* What set_up() made, in the reverse order; the socket's name goes first. */
static void tear_down(struct zt_publisher *pub)
{
	if (pub->listen_fd >= 0)
		zti_socket_unlink(pub->directory_fd, pub->name);
	zti_serve_stop(pub);
	zti_peers_destroy(pub);
	zti_segments_free_all(pub);
	if (pub->board)
		zti_memfd_backend.detach(&pub->board_memory);
	/* A child that is being forked may have the lock's file open. */
	if (pub->lock_fd >= 0)
		flock(pub->lock_fd, LOCK_UN);
	close_fds(pub);
	pthread_mutex_destroy(&pub->serving);
	free(pub);
}

int zt_publisher_create(const char *name,
			const struct zt_publisher_options *options,
			struct zt_publisher **ret_publisher, char *ret_reason)
{
	struct zt_publisher_options own;
	char reason[ZT_REASON_MAX] = "";
	struct zt_publisher *pub;
	int r;

	if (!ret_publisher)
		return -EINVAL;
	r = zti_options_copy(&own, sizeof(own), options, reason);
	if (r >= 0)
		r = check_options(&own, reason);
	if (r >= 0 && zti_stream_name_check(name) < 0) {
		snprintf(reason, sizeof(reason),
			 "a stream's name is 1 to 64 of A-Z a-z 0-9 . _ - and does not begin with a dot");
		r = -EINVAL;
	}
	if (r < 0)
		goto out;
	pub = allocate(name, &own);
	if (!pub) {
		r = fail(reason, -ENOMEM, "cannot make a publisher");
		goto out;
	}
	r = zti_fork_register(&pub->fork_entry, &pub->serving, in_child);
	if (r >= 0) {
		pthread_mutex_lock(&pub->serving);
		r = set_up(pub, reason);
		pthread_mutex_unlock(&pub->serving);
	}
	if (r < 0) {
		zti_fork_unregister(&pub->fork_entry);
		fail(reason, r, "cannot make a publisher");
		tear_down(pub);
		goto out;
	}
	*ret_publisher = pub;
	return 0;
out:
	if (ret_reason)
		memcpy(ret_reason, reason, sizeof(reason));
	return r;
}

void zt_publisher_destroy(struct zt_publisher *pub)
{
	if (!pub || zti_forked(&pub->fork_entry))
		return;
	zti_fork_unregister(&pub->fork_entry);
	tear_down(pub);
}

int zt_publisher_subscribers(struct zt_publisher *pub)
{
	if (!pub)
		return -EINVAL;
	if (zti_forked(&pub->fork_entry))
		return -ECHILD;
	return (int)atomic_load_explicit(&pub->subscribers,
					 memory_order_acquire);
}

int zt_publisher_get_stats(struct zt_publisher *pub,
			   struct zt_publisher_stats *stats)
{
	struct zt_publisher_stats own = { 0 };

	if (!pub || !stats || stats->size < sizeof(stats->size))
		return -EINVAL;
	if (zti_forked(&pub->fork_entry))
		return -ECHILD;
	own.size = stats->size;
	own.published = atomic_load_explicit(&pub->board->published.word,
					     memory_order_relaxed);
	own.loan_waits = pub->loan_waits;
	own.loan_wait_ns = pub->loan_wait_ns;
	own.loan_failures = pub->loan_failures;
	own.evicted = pub->evicted;
	own.cut_off = pub->cut_off;
	own.refused = pub->refused;
	own.subscribers = pub->subscribers;
	own.epoch = (uint32_t)pub->epoch;
	pthread_mutex_lock(&pub->serving);
	own.slots = zti_count(pub->slots_owned);
	own.memory = pub->memory_used;
	pthread_mutex_unlock(&pub->serving);
	memcpy(stats, &own, own.size < sizeof(own) ? own.size : sizeof(own));
	return 0;
}
