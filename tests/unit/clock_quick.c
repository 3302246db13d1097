/* SPDX-License-Identifier: MIT */
/*
 * The quick clock tells CLOCK_MONOTONIC, whether it reads it or reckons: to
 * within 10 us, never going back, whatever the processor's counter does.
 */
#include "harness.h"
#include "os/clock.h"

#define TOLERANCE_NS 10000
#define MILLISECOND 1000000

/* Read for a while; returns whether any of it was reckoned. */
static bool check_for(struct zti_quick_clock *clock, int64_t ns)
{
	int64_t start = zti_now_ns(), after = start, last = clock->last;
	bool reckoned = false;

	while (after - start < ns) {
		int64_t before = zti_now_ns();
		int64_t told = zti_quick_now_ns(clock);

		after = zti_now_ns();
		assert_true(told >= last);
		assert_true(told >= before - TOLERANCE_NS);
		assert_true(told <= after + TOLERANCE_NS);
		reckoned |= clock->good_for != 0;
		last = told;
	}
	return reckoned;
}

static void tells_the_time(void)
{
	struct zti_quick_clock clock;

	zti_quick_clock_init(&clock);
	if (check_for(&clock, 50 * MILLISECOND) != clock.usable)
		fail_msg("a usable counter is %s",
			 clock.usable ? "never used" : "not what was used");
}

static void without_a_counter_the_clock_is_read(void)
{
	struct zti_quick_clock clock;

	zti_quick_clock_init(&clock);
	clock.usable = false;
	assert_false(check_for(&clock, 5 * MILLISECOND));
}

/* As after the machine slept: the counter ran on, the clock did not. */
static void a_counter_that_jumped_is_not_believed(void)
{
	static const int64_t jumps[] = { -(INT64_C(1) << 43), -100000000,
					 100000000, INT64_C(1) << 43 };
	struct zti_quick_clock clock;

	zti_quick_clock_init(&clock);
	for (size_t i = 0; i < sizeof(jumps) / sizeof(jumps[0]); i++) {
		check_for(&clock, 5 * MILLISECOND);
		clock.ticks += (uint64_t)jumps[i];
		check_for(&clock, 5 * MILLISECOND);
	}
}

static const struct zt_test tests[] = {
	ZT_TEST(tells_the_time),
	ZT_TEST(without_a_counter_the_clock_is_read),
	ZT_TEST(a_counter_that_jumped_is_not_believed),
};
ZT_TEST_MAIN(tests)
