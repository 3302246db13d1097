/* SPDX-License-Identifier: MIT */
/*
 * Two processes, each pinned to a processor of its own, that do the same list
 * of measurements together. SIDE_A starts and times each; SIDE_B answers.
 */
#ifndef BENCH_PAIR_H
#define BENCH_PAIR_H

#include <stdatomic.h>
#include <stdint.h>
#include <sys/types.h>

enum side {
	SIDE_A,
	SIDE_B,
};

/* Words on cache lines of their own, for the bare measurements. */
struct word {
	_Alignas(64) _Atomic uint32_t value;
};

struct arena {
	struct word there, back;
	_Alignas(64) double result;
};

struct pair {
	enum side side;
	int socket;		/* to the other side, for pair_meet() */
	pid_t child;		/* SIDE_A: the other side */
	struct arena *arena;	/* mapped by both, written by both */
};

/* One side's part of a measurement: do it n times. */
typedef void (*pair_work)(void *context, uint64_t n);

/*
 * Fork SIDE_B and pin both. Returns in both processes. Where the other process
 * dies, this one ends too.
 */
void pair_start(struct pair *pair, const int cpus[2]);

/* SIDE_A: wait for SIDE_B's end. SIDE_B: end. */
void pair_finish(struct pair *pair);

/* Wait, asleep, until the other side is here too. */
void pair_meet(struct pair *pair);

/*
 * Meet, run a on SIDE_A and b on SIDE_B, as many times in all, and meet again.
 * SIDE_A times `batches` batches of n and returns the median batch's
 * nanoseconds for one of the n; SIDE_B returns 0. A batch that the scheduler
 * disturbed so counts as one bad batch, not as a share of every one.
 */
double pair_time(struct pair *pair, pair_work a, pair_work b, void *context,
		 unsigned int batches, uint64_t n);

/* CLOCK_MONOTONIC in nanoseconds. */
int64_t now_ns(void);

double median(double *values, unsigned int count);

/* Say what failed and end with status 1. */
_Noreturn void die(const char *what, int error, const char *reason);

#endif
