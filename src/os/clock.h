/* SPDX-License-Identifier: MIT */
/* The library's one clock: CLOCK_MONOTONIC, in nanoseconds. Any thread. */
#ifndef ZTI_OS_CLOCK_H
#define ZTI_OS_CLOCK_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

static inline int64_t zti_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/*
 * The same clock for frames that come thousands a second. Reading it makes the
 * processor finish all it has begun, which is a third of a handoff; so for up
 * to a millisecond after one reading, the next are reckoned from the
 * processor's own counter, good to about 100 ns. Only where the kernel itself
 * keeps time by that counter; else, and with slower frames, every reading is
 * the clock's own. One thread at a time.
 */
struct zti_quick_clock {
	bool usable;
	uint64_t ticks;		/* the counter at `ns` */
	uint64_t good_for;	/* ticks from there on; 0: read the clock */
	uint64_t scale;		/* nanoseconds in a tick, << 32 */
	int64_t ns;
	int64_t last;		/* what was answered last: never go back */
};

void zti_quick_clock_init(struct zti_quick_clock *clock);
int64_t zti_quick_clock_read(struct zti_quick_clock *clock);

static inline int64_t zti_quick_now_ns(struct zti_quick_clock *clock)
{
#ifdef __x86_64__
	uint64_t since = __builtin_ia32_rdtsc() - clock->ticks;

	if (since < clock->good_for) {
		int64_t ns = clock->ns + (int64_t)(since * clock->scale >> 32);

		if (ns > clock->last)
			clock->last = ns;
		return clock->last;
	}
#endif
	return zti_quick_clock_read(clock);
}

#endif
