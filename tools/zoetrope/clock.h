/* SPDX-License-Identifier: MIT */
/* Time, as the library's timestamps have it: CLOCK_MONOTONIC, nanoseconds. */
#ifndef ZOETROPE_TOOL_CLOCK_H
#define ZOETROPE_TOOL_CLOCK_H

#include <stdint.h>
#include <time.h>

#define NS_PER_S 1000000000LL

static inline int64_t clock_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * NS_PER_S + now.tv_nsec;
}

#endif
