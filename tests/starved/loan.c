/* SPDX-License-Identifier: MIT */
/*
 * Each call that the frame path makes fails in turn: making memory, waiting
 * for a slot, waking readers. The error comes back with a reason, or a frame
 * goes out; all is as it was before, and the next loan is given.
 */
#include "world.h"

#define PATIENCE_NS INT64_C(2000000000)

/* Loan and publish, and serve who has to be told. */
static bool try_frame(const struct zt_format *format)
{
	struct zt_loan *loan = NULL;
	bool good;
	int r;

	starve_as(STARVE_PUBLISHER);
	starve_begin();
	world_serve();
	r = zt_loan(world.pub, format, PATIENCE_NS, &loan);
	good = starve_judge_bearing("loan", "sendmsg sendmsg(fds) epoll_wait",
				    r, zt_publisher_reason(world.pub));
	if (good) {
		stream_paint(loan, ++world.published);
		assert_int_equal(zt_publish(world.pub, loan), 0);
		world_serve();
	} else {
		assert_null(loan);
	}
	starve_end();
	starve_as(STARVE_NOBODY);
	return good;
}

/* The first loan of a stream with a subscriber makes its memory. */
static void first(void)
{
	world_open_bare();
	try_frame(&world.format);
	world_goes_on();
	world_close();
}

static void the_first(void)
{
	starve_each(STARVE_PUBLISHER, first);
}

/*
 * Frames outgrow their slots: new memory is made and told, the old goes. Where
 * that fails, smaller frames still have theirs.
 */
static void growth(void)
{
	struct zt_format big = stream_sized(65536);

	world_open();
	world_frame();
	if (try_frame(&big)) {
		world.format = big;
		world_frame();
		/* by now the old memory is let go of */
		try_frame(&big);
	}
	world_frame();
	world_frame();
	world.format = big;
	world_goes_on();
	assert_int_equal(stream_stats(world.pub).cut_off, 0);
	world_close();
}

static void that_outgrows_its_slot(void)
{
	starve_each(STARVE_PUBLISHER, growth);
}

/* The one that is in the way gives a frame back while the loan sleeps. */
static struct zt_subscriber *slow;
static const struct zt_frame *held;

static void give_back(void)
{
	zt_release(held);
	held = NULL;
}

static void open_slow(void)
{
	struct zt_subscriber_options options = {
		.delivery = ZT_LOSSLESS, .depth = 1,
	};

	world_open();
	slow = stream_open(WORLD_STREAM, &options);
	world_frame();
	held = stream_take_this(slow, world.published);
	world.idle = give_back;
}

static void wait_for_room(void)
{
	open_slow();
	if (try_frame(&world.format))
		stream_expect(slow, world.published);
	give_back();
	zt_subscriber_close(slow);
	world_serve();
	world_goes_on();
	world_close();
}

static void that_waits(void)
{
	starve_each(STARVE_PUBLISHER, wait_for_room);
}

/* A reader that sleeps is woken, if not at once, then soon. */
static void wake(void)
{
	struct zt_subscriber *reader;

	world_open();
	reader = stream_open(WORLD_STREAM, NULL);
	stream_expect_error(reader, -EAGAIN);
	assert_true(try_frame(&world.format));
	world_await(reader);
	stream_expect(reader, world.published);
	zt_subscriber_close(reader);
	world_serve();
	world_goes_on();
	world_close();
}

static void whose_frame_wakes(void)
{
	starve_each(STARVE_PUBLISHER, wake);
}

static void wait_subscribers(void)
{
	int r;

	world_open();
	starve_as(STARVE_PUBLISHER);
	starve_begin();
	r = zt_publisher_wait_subscribers(world.pub, 2, PATIENCE_NS);
	starve_end();
	if (r == -ETIMEDOUT)
		r = 0;
	starve_judge_bearing("wait_subscribers", "epoll_wait", r, NULL);
	assert_int_equal(zt_publisher_wait_subscribers(world.pub, 1, 0), 0);
	starve_as(STARVE_NOBODY);
	world_goes_on();
	world_close();
}

static void until_subscribers_come(void)
{
	starve_each(STARVE_PUBLISHER, wait_subscribers);
}

static const struct zt_test tests[] = {
	ZT_TEST(the_first),
	ZT_TEST(that_outgrows_its_slot, .timeout_s = 60),
	ZT_TEST(that_waits),
	ZT_TEST(whose_frame_wakes),
	ZT_TEST(until_subscribers_come),
};
ZT_TEST_MAIN(tests)
