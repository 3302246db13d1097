/* SPDX-License-Identifier: MIT */
/*
 * A steady rate. Deadlines are counted from the start, so that rounding and
 * late wake-ups do not add up; whoever falls behind by more than two frames
 * begins to count anew instead of making a burst.
 */
#ifndef ZOETROPE_TOOL_PACE_H
#define ZOETROPE_TOOL_PACE_H

#include <stdint.h>

#include <zoetrope/format.h>

struct pace {
	struct zt_fraction fps;	/* 0/0: as fast as it goes */
	int64_t start_ns;	/* 0: not begun */
	uint64_t count;		/* deadlines since then */
};

/** When frame `count` is due, from the start. */
int64_t pace_due_ns(const struct pace *pace, uint64_t count);

/**
 * The next deadline, at the time `now_ns`: 0 where there is nothing to wait
 * for. The first one is now.
 */
int64_t pace_next_ns(struct pace *pace, int64_t now_ns);

/** Wait for the next deadline. 0, or -EINTR: a signal asked for the end. */
int pace_wait(struct pace *pace);

#endif
