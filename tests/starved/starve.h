/* SPDX-License-Identifier: MIT */
/*
 * Injected shortage: each call that the library makes to the C library and
 * that can fail is wrapped (calls.c), and fails when it is its turn.
 *
 * A test tells who is at work, and which of what it does is to be starved:
 *
 *	static void join_and_leave(void)
 *	{
 *		…
 *		starve_begin();
 *		r = zt_subscriber_open(…);
 *		starve_end();
 *		…
 *	}
 *	starve_each(STARVE_READER, join_and_leave);
 *
 * runs it again and again: the first time the first call that the reader makes
 * between begin and end fails, with the first error that this call can give;
 * then with the second error; then the second call, and so on, until a run has
 * no call left that could fail. After each run the process has to hold what it
 * held before.
 *
 * Each is tried once as a passing failure, and once as a lasting one: then all
 * later calls that can give this error give it, up to the end.
 *
 * Publisher and readers share a thread here: where one would sleep, the others
 * work (`starve_idle`), so that every run makes the same calls in the same
 * order. When all of them sleep, the clock is moved on to what the first waits
 * for. A sleep from which nobody would ever wake the sleeper is noticed.
 */
#ifndef STARVED_STARVE_H
#define STARVED_STARVE_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

/* Who is at work on this thread, and so makes the calls. */
enum starve_side {
	STARVE_NOBODY,
	STARVE_PUBLISHER,
	STARVE_READER,
};

/* Who is at work from now on; returns who was. */
enum starve_side starve_as(enum starve_side side);

void starve_each(enum starve_side side, void (*run)(void));

/*
 * Only calls between these fail. Reading /proc and cgroups for the limits of memory is spared, but for
 * starve_begin_reading().
 */
void starve_begin(void);
void starve_begin_reading(void);
void starve_end(void);

/* From now on this side's messages go nowhere: as if it had died. */
void starve_mute(enum starve_side side);

/* What failed in this run: NULL when nothing has, so far. */
const char *starve_call(void);
int starve_error(void);		/* its errno; 0 */
bool starve_lasts(void);

/*
 * Check what a verb returned: 0 (or a count), or the error that its failed
 * call stands for; with a reason in words, where `reason` is not NULL and the
 * verb failed. Returns whether it succeeded.
 */
bool starve_judge(const char *verb, int r, const char *reason);

/* The same, of a verb that can do without these calls, or makes them later. */
bool starve_judge_bearing(const char *verb, const char *calls, int r,
			  const char *reason);

/* Only tell what came of it. */
void starve_say(const char *verb, int r, const char *reason);

/*
 * What the others do while `sleeper` sleeps: all there is for them to do.
 * Returns a fd that is readable when there is more, or -1. Set by world.c.
 */
extern int (*starve_idle)(enum starve_side sleeper);

/* For calls.c: is it this call's turn to fail? `errors` ends in 0. */
bool starve_turn(const char *call, const int *errors);

/* For calls.c: is who is at work mute? */
bool starve_is_mute(void);

/* For calls.c: ppoll() of one fd, the clock, and the timers that run by it. */
int starve_sleep(struct pollfd *fd, int64_t timeout_ns);
int64_t starve_now_ns(void);
int64_t starve_slept_ns(void);
void starve_set_timer(int fd, int64_t at, int64_t interval_ns);

#endif
