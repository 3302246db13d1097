/* SPDX-License-Identifier: MIT */
/*
 * The ledger: memory that all processes of the soak share, beside the library
 * and never through it, so that what a process wrote there outlives a SIGKILL.
 * Publishers note what they published, readers what they got, the driver whom
 * it stopped and killed; all note what they looked at and what was wrong.
 *
 * A word has one writer, but for counters. Where one is believed over another,
 * it was written before it (all orders are seq_cst here: it is no fast path).
 */
#ifndef SOAK_LEDGER_H
#define SOAK_LEDGER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <zoetrope/zoetrope.h>

#define LEDGER_STREAMS 8
#define LEDGER_READERS 64
#define LEDGER_WATCHERS 8
#define LEDGER_EPOCHS 256	/* the last ones of a stream are remembered */
#define LEDGER_FAULTS 64
#define LEDGER_SLOTS 64
#define LEDGER_FRAMES 64	/* the last ones of an epoch */

/* What is promised, and looked at: see promises[] in ledger.c. */
enum promise {
	PIXELS, ORDER, ACCOUNT, BEQUEST, WAKING, PROGRESS, EVICTION, CALLS,
	HOLDINGS, PROCESSES, REMAINS, PROMISES
};

enum count {
	PUBLISHED, COPIED, DISCARDED, FORMATS, TAKEN, CHECKED_BYTES, JOINS,
	LEAVES, LEAVES_HOLDING, RECONNECTS, EVICTIONS, REFUSALS, ENDS_SEEN,
	AUDITS, ACCOUNTS, PUBLISHERS_BEGUN, PUBLISHERS_ENDED,
	PUBLISHERS_KILLED, READERS_BEGUN, READERS_KILLED, MONITORS,
	MONITORS_KILLED, STOPS, COUNTS
};

/* What a process is at, so that one that hangs is found. */
enum doing {
	STARTING, OPENING, TAKING, RESTING, CLOSING, LOANING, PUBLISHING,
	PAUSING, LEAVING
};

/* A publisher of a stream. */
struct epoch_row {
	_Atomic uint64_t epoch;		/* 0: no such */
	_Atomic uint64_t begun, done;	/* calls of zt_publish: sequences */
	_Atomic int64_t begun_ns[LEDGER_FRAMES];	/* when they were */
	_Atomic int64_t done_ns[LEDGER_FRAMES];
	_Atomic int64_t grew_ns;	/* when new memory was seen last */
	_Atomic int64_t over_ns;	/* its end began, or a SIGKILL; or 0 */
	_Atomic uint32_t ended;		/* by itself, properly */
	uint32_t loans, metadata_room;
	uint64_t evict_after_ns;
	bool backpressure;
};

struct process_row {
	_Atomic int32_t pid;		/* 0: none lives */
	_Atomic uint32_t doing;		/* enum doing */
	_Atomic int64_t since_ns;
	_Atomic uint32_t stopped;
	_Atomic int64_t continued_ns;
	_Atomic int64_t nudged_ns;	/* the last SIGUSR1 */
};

struct stream_row {
	struct process_row process;
	char name[32];
	struct epoch_row epochs[LEDGER_EPOCHS];
	_Atomic uint64_t epoch;		/* the present one; 0: none */
	_Atomic uint32_t attempts;	/* publishers that were started */
	_Atomic uint32_t end;		/* the publisher is to end the stream */
	_Atomic int64_t room_ns;	/* when one that a loan may wait for
					   last gave room */
	/* An audit: the number of the one that is asked for, or 0; and of the
	   last that the publisher has stopped publishing for. */
	_Atomic uint32_t audit, paused;
	_Atomic int64_t paused_ns;
	_Atomic uint32_t loans_out;	/* valid then */
};

/* A reader's account, as it stands in an audit. */
struct statement {
	uint64_t epoch;			/* 0: it reads nothing */
	uint64_t first, last, taken, dropped;
	uint32_t delivery, bound;
	uint32_t held;			/* of this subscription */
	uint32_t held_in_all;		/* of this epoch */
	uint64_t slots_held;		/* of this epoch */
	bool holds_newest;
};

struct reader_row {
	struct process_row process;
	_Atomic uint32_t stream;
	_Atomic uint32_t lossless;	/* loans may wait for it */
	_Atomic uint32_t audited;	/* the audit that `statement` is for */
	struct statement statement;
};

struct ledger {
	uint64_t seed;
	int64_t scale;			/* of time limits */
	unsigned int streams, readers, watchers;
	_Atomic uint32_t finish;	/* everybody is to leave */
	struct stream_row stream[LEDGER_STREAMS];
	struct reader_row reader[LEDGER_READERS];
	struct process_row watcher[LEDGER_WATCHERS];
	_Atomic uint64_t counts[COUNTS];
	_Atomic uint64_t checks[PROMISES], violations[PROMISES];
	_Atomic uint32_t faults;
	struct {
		_Atomic bool written;
		enum promise promise;
		char text[480];
	} fault[LEDGER_FAULTS];
};

/* One a process tree: made before any fork. */
extern struct ledger *ledger;

bool ledger_make(void);

extern const struct promise_text {
	const char *name, *text;
} promises[PROMISES];

void ledger_count(enum count what, uint64_t more);

/* Something promised was looked at, and was `right`, or else: in words. */
bool ledger_check(enum promise promise, bool right, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* The row of an epoch, or NULL where it is not remembered. */
struct epoch_row *ledger_epoch(struct stream_row *stream, uint64_t epoch);

/* The same, for its publisher to begin. */
struct epoch_row *ledger_begin_epoch(struct stream_row *stream,
				     uint64_t epoch);

/* Whether what is noted by sequence in the row is about this frame still. */
bool ledger_remembers(const struct epoch_row *row, uint64_t sequence);

void ledger_doing(struct process_row *row, enum doing doing);

int64_t ledger_now_ns(void);

/* A time limit, scaled. */
int64_t ledger_ms(int64_t ms);

/* Sleep while the word is `value`, at most so long, or until a signal. */
void ledger_wait(const _Atomic uint32_t *word, uint32_t value, int64_t ns);
void ledger_wake(const _Atomic uint32_t *word);

#endif
