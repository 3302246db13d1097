/* SPDX-License-Identifier: MIT */
/*
 * What the command computes: percentiles are right to 3 %, rates count from
 * frame to frame, deadlines do not drift, and tables line up.
 */
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "pace.h"
#include "table.h"
#include "tally.h"

#include "harness.h"

static void percentiles_are_close(void)
{
	struct tally *tally = calloc(1, sizeof(*tally));
	static const double parts[] = { 0.01, 0.5, 0.99, 1 };

	for (int64_t i = 1; i <= 100000; i++)
		tally_latency(tally, i * 1000);
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		double exact = parts[i] * 100000 * 1000;
		double told = (double)tally_percentile(tally, parts[i]);

		assert_true(told >= exact && told <= exact * 1.032);
	}
	assert_int_equal(tally->latency_max_ns, 100000000);
	free(tally);
}

static void any_latency_has_a_place(void)
{
	struct tally *tally = calloc(1, sizeof(*tally));

	assert_int_equal(tally_percentile(tally, 0.5), 0);
	for (unsigned int bit = 0; bit < 63; bit++)
		tally_latency(tally, (int64_t)1 << bit);
	tally_latency(tally, INT64_MAX);
	assert_true(tally_percentile(tally, 1) == INT64_MAX);
	tally_latency(tally, -5);
	assert_int_equal(tally_percentile(tally, 0), 0);
	free(tally);
}

static void rates_are_from_frame_to_frame(void)
{
	struct tally *tally = calloc(1, sizeof(*tally));

	tally_frame(tally, 1000, 5 * NS_PER_S);
	assert_true(tally_fps(tally) == 0);
	for (int i = 1; i <= 50; i++)
		tally_frame(tally, 1000, 5 * NS_PER_S + i * NS_PER_S / 25);
	assert_true(tally_fps(tally) == 25);
	assert_true(tally_seconds(tally) == 2);
	assert_true(tally_bytes_per_second(tally) == 25000);
	assert_int_equal(tally->frames, 51);
	free(tally);
}

static void deadlines_do_not_drift(void)
{
	struct pace pace = { .fps = { 30000, 1001 } };
	int64_t start = 7 * NS_PER_S, due = 0;

	assert_true(pace_next_ns(&pace, start) == start);
	/* each time a little late: the deadlines stay where they are */
	for (int i = 1; i <= 30000; i++) {
		due = pace_next_ns(&pace, due + 10000);
		assert_true(due > 0);
	}
	assert_true(due == start + 1001 * NS_PER_S);
}

static void who_is_late_begins_anew(void)
{
	struct pace pace = { .fps = { 10, 1 } };
	int64_t now = NS_PER_S;

	pace_next_ns(&pace, now);
	assert_true(pace_next_ns(&pace, now) == now + NS_PER_S / 10);
	/* two frames late is caught up with, more is not */
	assert_true(pace_next_ns(&pace, now + NS_PER_S * 4 / 10) ==
		    now + NS_PER_S * 2 / 10);
	now += 5 * NS_PER_S;
	assert_true(pace_next_ns(&pace, now) == now);
	assert_true(pace_next_ns(&pace, now) == now + NS_PER_S / 10);
}

static void no_rate_is_no_wait(void)
{
	struct pace pace = { 0 };

	assert_true(pace_next_ns(&pace, 5) == 0);
	assert_int_equal(pace_wait(&pace), 0);
}

static void absurd_rates_do_no_harm(void)
{
	struct pace slow = { .fps = { 1, UINT32_MAX } };
	struct pace fast = { .fps = { UINT32_MAX, 1 } };

	for (int i = 0; i < 100; i++) {
		assert_true(pace_next_ns(&slow, NS_PER_S) >= NS_PER_S);
		assert_true(pace_next_ns(&fast, NS_PER_S) >= NS_PER_S);
	}
}

static void tables_line_up(void)
{
	static const struct table_column columns[] = {
		{ "NAME", false }, { "N", true }, { "STATE", false },
	};
	struct table *table = table_create(columns, 3);
	char *text = NULL;
	size_t size;
	FILE *to = open_memstream(&text, &size);

	table_add(table, "%s", "a");
	table_add(table, "%d", 12345);
	table_add(table, "ok");
	table_add(table, "longer");
	table_add(table, "%d", 1);
	table_add(table, "ok");
	table_print(table, "> ", to);
	fclose(to);
	assert_string_equal(text, "> NAME        N  STATE\n"
				  "> a       12345  ok\n"
				  "> longer      1  ok\n");
	free(text);
	table_destroy(table);
}

static const struct zt_test tests[] = {
	ZT_TEST(percentiles_are_close),
	ZT_TEST(any_latency_has_a_place),
	ZT_TEST(rates_are_from_frame_to_frame),
	ZT_TEST(deadlines_do_not_drift),
	ZT_TEST(who_is_late_begins_anew),
	ZT_TEST(no_rate_is_no_wait),
	ZT_TEST(absurd_rates_do_no_harm),
	ZT_TEST(tables_line_up),
};
ZT_TEST_MAIN(tests)
