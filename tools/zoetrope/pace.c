/* SPDX-License-Identifier: MIT */
/* Deadlines on CLOCK_MONOTONIC. */
#include <errno.h>
#include <poll.h>

#include "clock.h"
#include "pace.h"
#include "stop.h"

#define FRAMES_BEHIND 2

/* A year: further than anybody waits, and no sum of times passes 64 bits. */
#define FAR_NS (366 * 86400 * NS_PER_S)

int64_t pace_due_ns(const struct pace *pace, uint64_t count)
{
	long double after = (long double)count * pace->fps.den * NS_PER_S /
			    pace->fps.num;

	return pace->start_ns + (after < FAR_NS ? (int64_t)after : FAR_NS);
}

int64_t pace_next_ns(struct pace *pace, int64_t now_ns)
{
	int64_t due, late;

	if (pace->fps.num == 0)
		return 0;
	if (pace->start_ns) {
		due = pace_due_ns(pace, pace->count++);
		late = pace_due_ns(pace, FRAMES_BEHIND) - pace->start_ns;
		if (now_ns - due <= late)
			return due;
	}
	pace->start_ns = now_ns;
	pace->count = 1;
	return now_ns;
}

int pace_wait(struct pace *pace)
{
	int64_t now = clock_now_ns(), due = pace_next_ns(pace, now);

	while (now < due) {
		struct timespec left = {
			.tv_sec = (due - now) / NS_PER_S,
			.tv_nsec = (due - now) % NS_PER_S,
		};

		ppoll(NULL, 0, &left, NULL);
		if (stop_requested())
			return -EINTR;
		now = clock_now_ns();
	}
	return 0;
}
