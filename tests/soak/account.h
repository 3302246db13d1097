/* SPDX-License-Identifier: MIT */
/*
 * The account of one subscription: what it has been given, held against what
 * the ledger says was published, by the rules of its delivery.
 *
 * With every frame:
 *
 *   sequence = last + 1 + the frame's count of dropped ones, which is 0 for
 *   lossless, from the first frame on; so for each epoch
 *   last + 1 - first = taken + dropped, and the library's own totals agree;
 *   epochs only rise; no frame comes that was not begun to be published;
 *   latest: none older than what was published before the call; two are
 *   min_interval_ns apart.
 *
 * With every call that gives none: nothing was owed, see is_owed(). With every
 * one that waits: it did not sleep on when a frame had come (see take.c).
 *
 * When a publisher is gone: nothing of it is owed, what it had published
 * before its end being what it noted in the ledger. (Killed within
 * zt_publish, its last frame may be there or not.)
 *
 * Of a subscriber that is killed only the above can be said, up to its last
 * call; that its slots come back, the audit sees.
 */
#ifndef SOAK_ACCOUNT_H
#define SOAK_ACCOUNT_H

#include "ledger.h"

struct account {
	const char *who;
	struct stream_row *stream;
	uint32_t delivery, bound;
	uint64_t min_interval_ns;

	/* Of one connection; epoch 0: no frame of it yet. */
	uint64_t epoch, first, last, taken, dropped;
	int64_t published_ns;		/* the last frame */
	unsigned int held;
	struct visit {			/* of the last frames taken */
		int64_t entered_ns;	/* the call that gave it */
		int64_t released_ns;	/* INT64_MAX: not yet */
	} visits[LEDGER_FRAMES];
	int64_t calm_ns;		/* when it was last seen to hold
					   nothing and to be owed nothing */
	int64_t longest_ns;		/* from calm to calm */
	int64_t owed_ns;		/* lossless: since when it is owed */

	/* New memory, which the publisher has to tell of first. */
	int64_t grew_ns, grew_seen_ns;
	unsigned int looks;		/* calls since */

	/* Since it was opened. */
	uint64_t taken_in_all, dropped_in_all, connections;
};

/* What is known before a call of zt_take. */
struct look {
	int64_t entered_ns;
	const struct epoch_row *row;	/* of the account's epoch, or NULL */
	uint64_t done;			/* frames of it */
	bool wakes;			/* it has them all: the next one ends
					   the wait */
};

void account_open(struct account *account, const char *who,
		  struct stream_row *stream,
		  const struct zt_subscriber_options *options);

struct look account_look(struct account *account);

void account_took(struct account *account, const struct look *look,
		  const struct zt_frame *frame);

/* The call gave no frame: nothing, a time-out, a signal. */
void account_nothing(struct account *account, const struct look *look);

/* The frame that was the `number`-th to be taken of this connection. */
void account_released(struct account *account, uint64_t number);

/* The library's totals. */
void account_compare(const struct account *account,
		     const struct zt_subscriber_stats *stats);

/*
 * Its publisher is gone, or says so. `ended`: that it has ended the stream;
 * else it is said to be dead.
 */
void account_over(struct account *account, bool ended);

void account_evicted(struct account *account);

/* With nothing left to take: is it owed a frame of a publisher that rests? */
bool account_settled(const struct account *account, uint64_t published);

#endif
