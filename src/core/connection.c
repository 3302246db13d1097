/* SPDX-License-Identifier: MIT */
/* Control messages at the subscriber, and the mappings: see connection.h. */
#include "core/connection.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/message.h"
#include "core/verify.h"
#include "os/clock.h"
#include "os/reason.h"
#include "os/socket.h"

#define FDS_MAX 2

/* The child has neither socket nor page; pixels stay, to be read. */
static void in_child(struct zti_fork_entry *entry)
{
	struct zti_connection *conn = (struct zti_connection *)(
		(char *)entry - offsetof(struct zti_connection, fork_entry));

	if (conn->socket >= 0)
		close(conn->socket);
	if (conn->page_fd >= 0)
		close(conn->page_fd);
	for (unsigned int i = 0; i < conn->fd_count; i++)
		close(conn->fds[i]);
}

static void free_connection(struct zti_connection *conn)
{
	zti_fork_unregister(&conn->fork_entry);
	if (conn->socket >= 0)
		close(conn->socket);
	if (conn->page_fd >= 0)
		close(conn->page_fd);
	for (unsigned int i = 0; i < ZTI_SEGMENTS_MAX; i++)
		if (conn->segments[i].address)
			zti_memory_backend(conn->segments[i].kind)
				->detach(&conn->segments[i]);
	if (conn->board)
		zti_memfd_backend.detach(&conn->board_memory);
	if (conn->page)
		zti_memfd_backend.detach(&conn->page_memory);
	pthread_mutex_destroy(&conn->lock);
	free(conn);
}

static int say_hello(struct zti_connection *conn, uint32_t role,
		     const struct zt_subscriber_options *options)
{
	struct zti_message msg = zti_message_make(ZTI_HELLO);

	msg.hello.role = role;
	msg.hello.delivery = conn->delivery;
	msg.hello.bound = conn->bound;
	msg.hello.min_interval_ns = options->min_interval_ns;
	return zti_message_send(conn->socket, &msg, NULL, 0);
}

static int connect_and_greet(struct zti_connection *conn, int directory_fd,
			     const char *name, uint32_t role,
			     const struct zt_subscriber_options *options)
{
	int r;

	pthread_mutex_lock(&conn->lock);
	r = zti_socket_connect(directory_fd, name);
	if (r >= 0) {
		conn->socket = r;
		r = say_hello(conn, role, options);
		/* It may refuse us before it hears us: read what it said. */
		if (r == -EPIPE || r == -ECONNRESET)
			r = 0;
	}
	pthread_mutex_unlock(&conn->lock);
	return r;
}

int zti_connection_open(int directory_fd, const char *name, uint32_t role,
			const struct zt_subscriber_options *options,
			struct zti_connection **ret_connection)
{
	struct zti_connection *conn = calloc(1, sizeof(*conn));
	int r;

	if (!conn)
		return -ENOMEM;
	conn->state = ZTI_CONNECTION_GREETED;
	conn->socket = conn->page_fd = -1;
	conn->delivery = options->delivery;
	conn->bound = options->delivery == ZT_LATEST ? options->held :
						       options->depth;
	for (unsigned int i = 0; i < ZTI_SLOTS_MAX; i++)
		conn->slots[i].connection = conn;
	pthread_mutex_init(&conn->lock, NULL);
	r = zti_fork_register(&conn->fork_entry, &conn->lock, in_child);
	if (r >= 0)
		r = connect_and_greet(conn, directory_fd, name, role, options);
	if (r < 0) {
		free_connection(conn);
		return r;
	}
	*ret_connection = conn;
	return 0;
}

/*
 * Want no more of this publisher. It sees us hang up at once, unless frames of
 * it are held, which a hang-up would free under our eyes.
 */
void zti_connection_abandon(struct zti_connection *conn, int error)
{
	struct zti_message msg = zti_message_make(ZTI_BYE);

	conn->state = ZTI_CONNECTION_DEAD;
	conn->error = error;
	if (atomic_load_explicit(&conn->held, memory_order_acquire))
		zti_message_send(conn->socket, &msg, NULL, 0);
	else
		shutdown(conn->socket, SHUT_RDWR);
}

__attribute__((format(printf, 3, 4)))
static int fail(struct zti_connection *conn, int error, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	if (!conn->reason[0])
		vsnprintf(conn->reason, sizeof(conn->reason), format, args);
	va_end(args);
	zti_connection_abandon(conn, error);
	return error;
}

static int acknowledge(struct zti_connection *conn, uint32_t id, bool retire)
{
	struct zti_message msg = zti_message_make(ZTI_ACK);
	int r;

	msg.segment.segment = id;
	msg.segment.retire = retire;
	r = zti_message_send(conn->socket, &msg, NULL, 0);
	if (r == -EAGAIN)
		return fail(conn, -EPROTO,
			    "the publisher does not read what we answer");
	if (r == -ENOMEM)
		return fail(conn, r, "cannot answer the publisher: %s",
			    strerror(-r));
	/* A publisher that is gone shows at the next read. */
	return 0;
}

static int map_board(struct zti_connection *conn, int fd)
{
	const struct zti_board *board;
	int r;

	r = zti_memfd_backend.attach(fd, -1, sizeof(struct zti_board), 0,
				     &conn->board_memory, conn->reason);
	if (r < 0)
		return r;
	board = conn->board_memory.address;
	conn->board = board;
	return zti_verify_board(board->magic, board->version, board->size,
				board->incompatible);
}

static int map_page(struct zti_connection *conn, int fd)
{
	int r;

	r = zti_memfd_backend.attach(fd, -1, ZTI_PAGE_SIZE,
				     ZTI_MEMORY_WRITABLE_BY_PEER,
				     &conn->page_memory, conn->reason);
	if (r < 0)
		return r;
	conn->page = conn->page_memory.address;
	/* Kept until the publisher has sealed it. */
	conn->page_fd = fd;
	conn->fd_count = 1;
	return acknowledge(conn, ZTI_ACK_PAGE, false);
}

static int welcomed(struct zti_connection *conn, const struct zti_message *msg)
{
	int r;

	if (conn->state != ZTI_CONNECTION_GREETED || conn->fd_count < 1)
		return fail(conn, -EPROTO,
			    "the publisher's welcome is out of order");
	r = map_board(conn, conn->fds[0]);
	if (r >= 0 && conn->fd_count > 1)
		r = map_page(conn, conn->fds[1]);
	if (r < 0)
		return fail(conn, r,
			    "the publisher's board is not one that we can read");
	conn->epoch = msg->welcome.epoch;
	conn->state = ZTI_CONNECTION_WELCOMED;
	return 0;
}

static int add_segment(struct zti_connection *conn,
		       const struct zti_segment_told *told)
{
	const struct zti_memory_backend *backend =
		zti_memory_backend(told->kind);
	struct zti_memory *memory = &conn->segments[told->segment];
	int r;

	if (!conn->page || !backend || memory->address)
		return fail(conn, -EPROTO,
			    "the publisher sent a segment that cannot be");
	r = backend->attach(conn->fd_count ? conn->fds[0] : -1, told->id,
			    told->size, ZTI_MEMORY_INHERIT, memory,
			    conn->reason);
	if (r < 0)
		return fail(conn, r, "cannot map the stream's memory: %s",
			    strerror(-r));
	conn->memory += memory->size;
	return acknowledge(conn, told->segment, false);
}

/* Whether a frame in a segment is held, or won. */
static bool in_use(const struct zti_connection *conn, uint32_t segment)
{
	for (unsigned int i = 0; i < ZTI_SLOTS_MAX; i++) {
		const struct zti_taken *taken = &conn->slots[i];

		if (taken->verified && taken->segment == segment &&
		    (atomic_load_explicit(&taken->out, memory_order_acquire) ||
		     (conn->pending >> i & 1)))
			return true;
	}
	return false;
}

/*
 * Unmap segments that we were asked to. One with a frame held stays: an honest
 * publisher asks only when all is back, and then a zt_release() in another
 * thread is about to end.
 */
static void retire(struct zti_connection *conn)
{
	for (uint64_t rest = conn->to_retire; rest; rest &= rest - 1) {
		uint32_t id = (uint32_t)__builtin_ctzll(rest);

		if (in_use(conn, id))
			continue;
		for (unsigned int i = 0; i < ZTI_SLOTS_MAX; i++)
			if (conn->slots[i].segment == id)
				conn->slots[i].verified = false;
		conn->memory -= conn->segments[id].size;
		zti_memory_backend(conn->segments[id].kind)
			->detach(&conn->segments[id]);
		conn->to_retire &= ~(1ULL << id);
		acknowledge(conn, id, true);
	}
}

static int told_to_retire(struct zti_connection *conn, uint32_t id)
{
	if (!conn->segments[id].address)
		return fail(conn, -EPROTO,
			    "the publisher retires a segment that is not there");
	conn->to_retire |= 1ULL << id;
	return 0;
}

static int started(struct zti_connection *conn, uint64_t first)
{
	if (conn->state != ZTI_CONNECTION_WELCOMED || !conn->page || !first)
		return fail(conn, -EPROTO,
			    "the publisher's start is out of order");
	if (zti_memfd_page_finished(conn->page_fd, conn->reason) < 0)
		return fail(conn, -EPROTO,
			    "the publisher did not seal our page");
	close(conn->page_fd);
	conn->page_fd = -1;
	conn->last = first - 1;
	conn->started_ns = zti_now_ns();
	conn->state = ZTI_CONNECTION_STARTED;
	return 0;
}

/* Another process's words, for a person's eyes: one line of text. */
static void take_words(char *ret, const char *text)
{
	size_t i;

	for (i = 0; text[i]; i++)
		ret[i] = (unsigned char)text[i] < ' ' || text[i] == 127 ?
			'?' : text[i];
	ret[i] = '\0';
}

static int refused(struct zti_connection *conn,
		   const struct zti_refusal *refusal)
{
	char words[ZT_REASON_MAX];

	take_words(words, refusal->text);
	return fail(conn, refusal->error == -EPROTONOSUPPORT ?
				  -EPROTONOSUPPORT : -ECONNREFUSED,
		    "%s", words);
}

static int handle(struct zti_connection *conn, const struct zti_message *msg)
{
	if (zti_verify_message(msg) < 0)
		return fail(conn, -EPROTO,
			    "the publisher sent a message that makes no sense");
	switch (msg->type) {
	case ZTI_WELCOME:
		return welcomed(conn, msg);
	case ZTI_SEGMENT:
		return add_segment(conn, &msg->segment);
	case ZTI_RETIRE:
		return told_to_retire(conn, msg->segment.segment);
	case ZTI_LATER:
		conn->later = true;
		return 0;
	case ZTI_START:
		return started(conn, msg->start.first);
	case ZTI_REFUSED:
		return refused(conn, &msg->refusal);
	case ZTI_EVICTED:
		conn->evicted = true;
		take_words(conn->reason, msg->refusal.text);
		return 0;
	case ZTI_BYE:
		conn->state = ZTI_CONNECTION_ENDED;
		return 0;
	default:
		return 0;
	}
}

static bool open_ended(const struct zti_connection *conn)
{
	return conn->state != ZTI_CONNECTION_ENDED &&
	       conn->state != ZTI_CONNECTION_DEAD;
}

/* One message. Returns false when there is none to be had now. */
static bool process_one(struct zti_connection *conn)
{
	struct zti_message msg;
	int r;

	conn->fd_count = FDS_MAX;
	r = zti_message_receive(conn->socket, &msg, conn->fds,
				&conn->fd_count);
	if (r <= 0)
		conn->fd_count = 0;
	if (r == -EAGAIN)
		return false;
	/* After a reset there can be messages yet: read on to the end. */
	if (r == -ECONNRESET)
		return true;
	if (r == ZTI_GOT_MESSAGE)
		handle(conn, &msg);
	else if (r == -EPROTO || r == -EPROTONOSUPPORT)
		fail(conn, r,
		     "the publisher sent what is no message of ours: is it another version of the library?");
	else if (!r)
		fail(conn, 0, "the publisher is gone");
	else if (r < 0)
		fail(conn, r, "cannot hear the publisher: %s", strerror(-r));
	conn->read_any = true;
	for (unsigned int i = 0; i < conn->fd_count; i++)
		close(conn->fds[i]);
	conn->fd_count = 0;
	return true;
}

void zti_connection_process(struct zti_connection *conn)
{
	if (!open_ended(conn))
		return;
	pthread_mutex_lock(&conn->lock);
	if (conn->page)
		conn->messages_seen = atomic_load_explicit(
			&conn->page->messages.word, memory_order_relaxed);
	/* A bound: a publisher that talks without end does not keep us. */
	for (int i = 0; i < 256 && open_ended(conn); i++) {
		bool joined = conn->state == ZTI_CONNECTION_STARTED;

		if (!process_one(conn))
			break;
		/* What comes after START is for who takes frames. */
		if (!joined && conn->state == ZTI_CONNECTION_STARTED)
			break;
	}
	if (conn->to_retire)
		retire(conn);
	pthread_mutex_unlock(&conn->lock);
}

/*
 * Pairs with the harvest in zti_offer(): our reads of the pixels happen before
 * the publisher writes there again. The look at `waiting` comes after, in the
 * one order of all seq_cst operations: see layout.h.
 */
void zti_connection_return(struct zti_connection *conn, uint64_t bit)
{
	atomic_fetch_or_explicit(&conn->page->returned.word, bit,
				 memory_order_seq_cst);
	if (atomic_load_explicit(&conn->board->waiting.word,
				 memory_order_seq_cst) &&
	    zti_socket_send(conn->socket, "", 1, NULL, 0) == -ENOMEM)
		atomic_store_explicit(&conn->wake_owed, true,
				      memory_order_relaxed);
}

/* A WAKE that could not be sent: before we sleep, it has to be. */
int zti_connection_pay(struct zti_connection *conn)
{
	if (!atomic_load_explicit(&conn->wake_owed, memory_order_relaxed))
		return 0;
	if (zti_socket_send(conn->socket, "", 1, NULL, 0) == -ENOMEM)
		return -ENOMEM;
	atomic_store_explicit(&conn->wake_owed, false, memory_order_relaxed);
	return 0;
}

void zti_connection_close(struct zti_connection *conn)
{
	struct zti_message msg = zti_message_make(ZTI_BYE);
	uint32_t before;

	if (conn->pending)
		zti_connection_return(conn, conn->pending);
	conn->pending = 0;
	if (conn->state == ZTI_CONNECTION_STARTED &&
	    atomic_load_explicit(&conn->held, memory_order_relaxed))
		zti_message_send(conn->socket, &msg, NULL, 0);
	before = atomic_fetch_or_explicit(&conn->held, ZTI_HELD_CLOSED,
					  memory_order_acq_rel);
	if (!before)
		free_connection(conn);
}

void zt_release(const struct zt_frame *frame)
{
	struct zti_taken *taken = (struct zti_taken *)(uintptr_t)frame;
	struct zti_connection *conn;
	uint64_t bit;

	if (!taken)
		return;
	conn = taken->connection;
	if (zti_forked(&conn->fork_entry) ||
	    !atomic_load_explicit(&taken->out, memory_order_relaxed))
		return;
	bit = 1ULL << frame->slot;
	atomic_store_explicit(&taken->out, false, memory_order_release);
	zti_connection_return(conn, bit);
	/* Last of all: the count allows the next take, and the end of the
	   connection. */
	if (atomic_fetch_sub_explicit(&conn->held, 1, memory_order_acq_rel) ==
	    (ZTI_HELD_CLOSED | 1))
		free_connection(conn);
}
