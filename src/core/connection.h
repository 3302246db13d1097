/* SPDX-License-Identifier: MIT */
/*
 * A subscriber's end of one connection to one publisher: the socket, the
 * mappings, the frames held. It outlives its publisher while frames of it are
 * to be had, and its subscriber while frames of it are held.
 *
 *   state     left when
 *   GREETED   WELCOME came: board and page are mapped
 *   WELCOMED  START came: segments are mapped
 *   STARTED   BYE, or the hang-up
 *   ENDED     -   the publisher said BYE
 *   DEAD      -   it hung up without, or broke the protocol (`error`)
 *
 * Threads: all is the taking thread's, but for zt_release(), which touches
 * `held`, one frame's `out`, the page's `returned`, the board's `waiting`, and
 * the socket.
 */
#ifndef ZTI_CONNECTION_H
#define ZTI_CONNECTION_H

#include <pthread.h>
#include <stdbool.h>

#include <zoetrope/subscriber.h>

#include "core/fork.h"
#include "core/log.h"
#include "layout.h"
#include "memory/memory_impl.h"

enum zti_connection_state {
	ZTI_CONNECTION_GREETED,
	ZTI_CONNECTION_WELCOMED,
	ZTI_CONNECTION_STARTED,
	ZTI_CONNECTION_ENDED,
	ZTI_CONNECTION_DEAD,
};

/* In `held`: the subscriber has let go of the connection. */
#define ZTI_HELD_CLOSED (1U << 31)

struct zti_connection;

/* A slot as the subscriber sees it, and what it knows to be true of it. */
struct zti_taken {
	struct zt_frame frame;
	struct zti_connection *connection;
	_Atomic bool out;		/* held by the program */
	bool verified;			/* what follows is, and frame.format */
	uint32_t format_serial;
	uint32_t segment;
	uint64_t offset;
	uint64_t metadata_offset;
};

struct zti_connection {
	enum zti_connection_state state;
	int socket;
	int page_fd;			/* until START; else -1 */
	bool evicted;
	bool later;			/* granted, but START is yet to come */
	bool read_any;			/* messages, since it was last false */
	int error;			/* why it is DEAD; 0: a hang-up */
	char reason[ZT_REASON_MAX];

	const struct zti_board *board;
	struct zti_page *page;
	uint32_t delivery, bound;
	uint64_t epoch;
	uint64_t last;			/* sequence delivered last */
	uint64_t pending;		/* queue, lossless: won, not delivered */
	uint8_t order[ZTI_SLOTS_MAX];	/* lossless: slots by sequence */
	uint32_t messages_seen;
	_Atomic uint32_t held;		/* frames out, | ZTI_HELD_CLOSED */
	uint64_t taken, dropped, latency_max_ns;
	int64_t started_ns, last_published_ns;

	struct zti_memory board_memory, page_memory;
	struct zti_memory segments[ZTI_SEGMENTS_MAX];
	_Atomic bool wake_owed;		/* to a publisher that may sleep */
	uint64_t to_retire;		/* asked to, but frames are held */
	uint64_t memory;		/* bytes mapped */
	struct zti_taken slots[ZTI_SLOTS_MAX];

	int fds[2];			/* of the message in hand */
	unsigned int fd_count;
	pthread_mutex_t lock;		/* against fork: see fork.h */
	struct zti_fork_entry fork_entry;
};

/*
 * Connect to <name>.sock in a directory and say HELLO. Errors: those of
 * connect(2), -ENOMEM.
 */
int zti_connection_open(int directory_fd, const char *name, uint32_t role,
			const struct zt_subscriber_options *options,
			struct zti_connection **ret_connection);

/*
 * Read what the publisher sent, answer it. Never waits. The connection's state
 * says what came of it.
 */
void zti_connection_process(struct zti_connection *conn);

/*
 * The next frame by the connection's delivery: 0, -EAGAIN, -EBUSY, or -EPROTO
 * (then the connection is DEAD).
 */
int zti_connection_next(struct zti_connection *conn,
			const struct zt_frame **ret_frame);

/* Make it DEAD from this side, for a reason already in `reason`. */
void zti_connection_abandon(struct zti_connection *conn, int error);

/* Let go of it; it is freed when no frame of it is held. */
void zti_connection_close(struct zti_connection *conn);

/* Give a slot back to the publisher. */
void zti_connection_return(struct zti_connection *conn, uint64_t bit);

/* Before sleeping: send what could not be sent then. 0, or -ENOMEM. */
int zti_connection_pay(struct zti_connection *conn);

#endif
