/* SPDX-License-Identifier: MIT */
/* The processor's counter as a clock: see clock.h. */
#include "os/clock.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define GOOD_FOR_NS 1000000
#define GAP_MAX_NS 1000000000
/* A reading that took longer was interrupted: it says nothing of the counter. */
#define READING_TICKS_MAX 20000

void zti_quick_clock_init(struct zti_quick_clock *clock)
{
	char name[8] = "";
	int fd = open("/sys/devices/system/clocksource/clocksource0/current_clocksource",
		      O_RDONLY | O_CLOEXEC);

	*clock = (struct zti_quick_clock){ 0 };
	if (fd < 0)
		return;
	clock->usable = read(fd, name, sizeof(name) - 1) == 4 &&
			!strcmp(name, "tsc\n");
	close(fd);
}

#ifdef __x86_64__
/*
 * How fast the counter ran since the reading before. Two that are too close
 * do not tell: then the earlier one stays. Believed when it is told twice: the
 * counter may have run on while the clock did not (the machine slept).
 */
static void learn(struct zti_quick_clock *clock, int64_t ns, uint64_t ticks)
{
	uint64_t gap = (uint64_t)(ns - clock->ns);
	uint64_t scale = 0;

	if (gap < GOOD_FOR_NS / 2)
		return;
	if (gap < GAP_MAX_NS && ticks > clock->ticks)
		scale = (gap << 32) / (ticks - clock->ticks);
	clock->good_for = 0;
	if (scale && scale - clock->scale + scale / 1024 <= scale / 512)
		clock->good_for = ((uint64_t)GOOD_FOR_NS << 32) / scale;
	clock->scale = scale;
	clock->ns = ns;
	clock->ticks = ticks;
}
#endif

int64_t zti_quick_clock_read(struct zti_quick_clock *clock)
{
	int64_t ns;
#ifdef __x86_64__
	uint64_t before = __builtin_ia32_rdtsc(), after;

	ns = zti_now_ns();
	after = __builtin_ia32_rdtsc();
	if (clock->usable && after - before < READING_TICKS_MAX)
		learn(clock, ns, after);
#else
	ns = zti_now_ns();
#endif
	if (ns > clock->last)
		clock->last = ns;
	return clock->last;
}
