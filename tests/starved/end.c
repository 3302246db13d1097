/* SPDX-License-Identifier: MIT */
/*
 * Each call that ending a stream makes fails in turn, and each that putting a
 * subscriber out does: nothing is left, the readers get all that was published
 * and see the end, or where nobody could tell them, a death; the name can be
 * had again.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "world.h"

/* Told of the end, or not told: then it looks for the next publisher. */
static void see_the_end(struct zt_subscriber *sub)
{
	const struct zt_frame *frame;
	int r;

	stream_expect(sub, 1);
	starve_as(STARVE_READER);
	r = zt_take(sub, 0, &frame);
	starve_as(STARVE_NOBODY);
	if (r != -EPIPE && !(r == -EAGAIN && starve_call() &&
			     !strcmp(starve_call(), "sendmsg")))
		fail_msg("at the end zt_take gives %s", strerrorname_np(-r));
}

static void end(void)
{
	struct zt_subscriber_options lossless = { .delivery = ZT_LOSSLESS };
	struct zt_subscriber *sub, *other;
	struct zt_monitor *monitor;
	char path[300];

	world_open_alone();
	world.pub = world_publisher();
	sub = stream_open(WORLD_STREAM, NULL);
	other = stream_open(WORLD_STREAM, &lossless);
	starve_as(STARVE_READER);
	assert_int_equal(zt_monitor_open(WORLD_STREAM, ZT_FOREVER, &monitor,
					 NULL), 0);
	starve_as(STARVE_PUBLISHER);
	stream_publish(world.pub, NULL);
	starve_begin();
	zt_publisher_destroy(world.pub);
	starve_end();
	world.pub = NULL;
	starve_as(STARVE_NOBODY);
	see_the_end(sub);
	see_the_end(other);
	zt_subscriber_close(sub);
	zt_subscriber_close(other);
	zt_monitor_close(monitor);
	world.pub = world_publisher();
	zt_publisher_destroy(world.pub);
	world.pub = NULL;
	snprintf(path, sizeof(path), "%s/" WORLD_STREAM ".sock",
		 getenv("ZOETROPE_DIR"));
	assert_int_equal(access(path, F_OK), -1);
	world_close();
}

static void of_a_stream(void)
{
	starve_each(STARVE_PUBLISHER, end);
}

/* A lossless subscriber is in the way for too long. */
static void evict(void)
{
	struct zt_subscriber_options lossless = {
		.delivery = ZT_LOSSLESS, .depth = 1,
	};
	const struct zt_frame *held;
	struct zt_subscriber *slow;
	struct zt_loan *loan;
	int r;

	world_open();
	slow = stream_open(WORLD_STREAM, &lossless);
	world_frame();
	held = stream_take_this(slow, 1);
	starve_as(STARVE_PUBLISHER);
	starve_begin();
	r = zt_loan(world.pub, NULL, INT64_C(60000000000), &loan);
	if (starve_judge_bearing("loan", "epoll_wait", r,
				 zt_publisher_reason(world.pub)))
		zt_discard(world.pub, loan);
	world_serve();
	starve_end();
	starve_as(STARVE_NOBODY);
	world_frame();
	assert_int_equal(stream_stats(world.pub).evicted, 1);
	assert_true(stream_is_painted(held, 1));
	zt_release(held);
	world_await(slow);
	stream_await_error(slow, -ESHUTDOWN);
	zt_subscriber_close(slow);
	world_serve();
	world_goes_on();
	world_close();
}

static void of_a_subscriber_that_is_slow(void)
{
	starve_each(STARVE_PUBLISHER, evict);
}

static const struct zt_test tests[] = {
	ZT_TEST(of_a_stream),
	ZT_TEST(of_a_subscriber_that_is_slow),
};
ZT_TEST_MAIN(tests)
