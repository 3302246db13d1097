/* SPDX-License-Identifier: MIT */
/*
 * Each call that looking at streams makes fails in turn: monitors, the list,
 * the plan of memory. The error is told; a list is whole or there is none.
 */
#include <stdlib.h>
#include <string.h>

#include "world.h"

#define PATIENCE_NS INT64_C(2000000000)

static int try_open(struct zt_monitor **ret_monitor, char *ret_reason)
{
	int r;

	starve_as(STARVE_READER);
	starve_begin();
	r = zt_monitor_open(WORLD_STREAM, PATIENCE_NS, ret_monitor, ret_reason);
	starve_end();
	starve_as(STARVE_NOBODY);
	return r;
}

static void read_and_close(struct zt_monitor *monitor)
{
	struct zt_subscription_info rows[4];
	struct zt_stream_info info;
	int r;

	starve_as(STARVE_READER);
	starve_begin();
	r = zt_monitor_read(monitor, &info, rows, 4);
	if (r < 0)
		starve_judge("read", r, NULL);
	else
		assert_int_equal(info.published, 1);
	world_serve();
	zt_monitor_close(monitor);
	world_serve();
	starve_end();
	starve_as(STARVE_NOBODY);
}

static void monitor(void)
{
	struct zt_monitor *mon = NULL;
	char reason[ZT_REASON_MAX] = "";
	int r;

	world_open();
	world_frame();
	r = try_open(&mon, reason);
	if (starve_judge("open", r, reason))
		read_and_close(mon);
	else
		assert_null(mon);
	world_goes_on();
	world_close();
}

static void a_monitor_is_short(void)
{
	starve_each(STARVE_READER, monitor);
}

static void serve_monitor(void)
{
	struct zt_monitor *mon = NULL;
	char reason[ZT_REASON_MAX] = "";
	int r;

	world_open();
	world_frame();
	r = try_open(&mon, reason);
	starve_say("open", r, reason);
	if (r == 0)
		read_and_close(mon);
	else if (r != -ECONNREFUSED &&
		 !(starve_lasts() && (r == -ETIMEDOUT || r == -ECONNRESET)))
		fail_msg("the monitor gets %s", strerrorname_np(-r));
	else
		assert_true(strlen(reason) > 0);
	world_goes_on();
	world_close();
}

static void its_publisher_is_short(void)
{
	starve_each(STARVE_PUBLISHER, serve_monitor);
}

static void list(void)
{
	struct zt_stream_entry *entries = NULL;
	struct zt_publisher *other;
	int r;

	world_open();
	other = stream_create("cam1", NULL);
	starve_as(STARVE_READER);
	starve_begin();
	r = zt_stream_list(&entries);
	starve_end();
	starve_as(STARVE_NOBODY);
	/* A directory that we may not look in has no streams for us. */
	if (r != 2 && !(r == 0 && starve_error() == EACCES))
		starve_judge_bearing("list", "connect", r, NULL);
	if (r >= 0)
		free(entries);
	else
		assert_null(entries);
	zt_publisher_destroy(other);
	world_goes_on();
	world_close();
}

static void a_list(void)
{
	starve_each(STARVE_READER, list);
}

/* What cannot be read sets no limit, and what can still does. */
static void plan(void)
{
	struct zt_memory_plan plan = { .size = sizeof(plan) };
	struct zt_format format = stream_small();
	int r;

	starve_as(STARVE_PUBLISHER);
	starve_begin_reading();
	r = zt_memory_plan(&format, 0, 1, 4, &plan);
	starve_end();
	starve_as(STARVE_NOBODY);
	starve_judge("plan", r, NULL);
	assert_int_equal(plan.slots, 6);
	assert_true(plan.available >= plan.needed);
}

static void the_plan_of_memory(void)
{
	starve_each(STARVE_PUBLISHER, plan);
}

static const struct zt_test tests[] = {
	ZT_TEST(a_monitor_is_short, .timeout_s = 60),
	ZT_TEST(its_publisher_is_short),
	ZT_TEST(a_list),
	ZT_TEST(the_plan_of_memory),
};
ZT_TEST_MAIN(tests)
