/* SPDX-License-Identifier: MIT */
/*
 * Actors: the processes of a crash test. Each does what it is ordered over a
 * socket pair, one order at a time, and answers. Any actor can be anything: a
 * publisher, up to four subscribers, a monitor. One of them is the victim; the
 * others are the survivors who are looked at afterwards.
 *
 * An order that is marked `stepped` runs its one library call between two
 * traps: see stepper.h.
 */
#ifndef CRASH_ACTOR_H
#define CRASH_ACTOR_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <zoetrope/zoetrope.h>

#define ACTOR_READERS 4
#define ACTOR_ROWS 8
#define ACTOR_SCRIPT 24
#define ACTOR_FAULT 160

/* The width of every frame: rows are as long as they are aligned to. */
#define ACTOR_WIDTH ZT_STRIDE_ALIGN

enum actor_verb {
	ACTOR_CREATE,		/* a: slots, b: evict_after_ns, c: height of
				   frames to reserve memory for, or 0 */
	ACTOR_AWAIT,		/* a: subscribers */
	ACTOR_LOAN,		/* a: height, b: timeout_ns, c: publish too */
	ACTOR_PUBLISH,
	ACTOR_DISCARD,
	ACTOR_COPY,		/* a: height; zt_publish_copy */
	ACTOR_DESTROY,
	ACTOR_OPEN,		/* a: reader, b: delivery, c: held or depth,
				   d: ZT_SUBSCRIBER_* */
	ACTOR_TAKE,		/* a: reader, b: timeout_ns */
	ACTOR_RELEASE,		/* a: reader; its oldest frame */
	ACTOR_CLOSE,		/* a: reader */
	ACTOR_SCRIPT_RUN,	/* script: '0' to '3' take, 'a' to 'd' release */
	ACTOR_EXHAUST,		/* a: set of readers: each takes and releases
				   all that there is for it */
	ACTOR_DRAIN,		/* a: reader of a publisher that is dead, b: of
				   what epoch: take all that is left */
	ACTOR_RELICS,		/* a: release what is held of epochs before */
	ACTOR_ATTEND,		/* a: set of readers, that are to answer their
				   publisher while they wait for orders; no
				   frame is to come meanwhile */
	ACTOR_WATCH,		/* zt_monitor_open */
	ACTOR_LOOK,		/* zt_monitor_read */
	ACTOR_UNWATCH,
	ACTOR_LIST,		/* zt_stream_list */
	ACTOR_SURVEY,		/* a monitor's open, read and close */
};

struct order {
	uint32_t verb;		/* enum actor_verb */
	uint32_t stepped;
	int64_t a, b, c, d;
	char script[ACTOR_SCRIPT];
};

/* What became of one step of a script, or of one reader's exhaustion. */
struct result {
	int64_t r;
	uint64_t sequence, dropped, taken;
	/* Since it joined. */
	uint64_t all_dropped, all_taken;
};

struct drained {
	uint64_t first, last, count, dropped;
};

struct survey {
	struct zt_stream_info info;
	struct zt_subscription_info rows[ACTOR_ROWS];
};

struct answer {
	int32_t r;		/* what the library's call returned */
	uint32_t done;		/* results */
	uint64_t epoch;
	union {
		struct result results[ACTOR_SCRIPT];
		struct drained drained;
		struct survey survey;
	};
	char reason[ZT_REASON_MAX];
	char fault[ACTOR_FAULT]; /* a promise that the actor saw broken */
};

struct actor {
	pid_t pid;		/* 0: there is none */
	int fd;
	bool busy;		/* an answer is to come */
};

/* The stream that all of them use. */
extern const char actor_stream[];

struct actor actor_spawn(void);

/* Give an order. */
void actor_order(struct actor *actor, const struct order *order);

/* The answer; false where none comes within the time, or the actor is dead. */
bool actor_answer(struct actor *actor, int timeout_ms, struct answer *ret);

/* SIGKILL, where it lives, and forget it; waits for its end. */
void actor_end(struct actor *actor);

/* The descriptors it has open, and the memfds it has mapped. */
unsigned int actor_descriptors(const struct actor *actor);
unsigned int actor_mappings(const struct actor *actor);

#endif
