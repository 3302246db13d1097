/* SPDX-License-Identifier: MIT */
/*
 * Each call that a subscriber makes in zt_take and zt_release fails in turn:
 * it gets its frame, or the error with a reason, and can be closed; the
 * publisher and the others go on.
 */
#include <string.h>

#include "world.h"

#define PATIENCE_NS INT64_C(2000000000)

static const struct zt_subscriber_options queue = {
	.delivery = ZT_QUEUE, .depth = 3,
};

static struct zt_subscriber *sub;

/* Returns what zt_take does; a frame is looked at and given back. */
static int try_take(int64_t timeout_ns)
{
	const struct zt_frame *frame;
	int r;

	starve_as(STARVE_READER);
	starve_begin();
	r = zt_take(sub, timeout_ns, &frame);
	if (r == 0) {
		assert_int_equal(frame->sequence, world.published);
		assert_true(stream_is_painted(frame, frame->sequence));
		zt_release(frame);
	}
	starve_end();
	starve_as(STARVE_NOBODY);
	return r;
}

static void publish_once(void)
{
	world.idle = NULL;
	world_frame();
}

static void finish(void)
{
	zt_subscriber_close(sub);
	world_serve();
	world_goes_on();
	world_close();
}

/* A frame comes while it sleeps. */
static void sleep_for_frame(void)
{
	int r;

	world_open();
	sub = stream_open(WORLD_STREAM, &queue);
	world.idle = publish_once;
	r = try_take(PATIENCE_NS);
	starve_judge("take", r, zt_subscriber_reason(sub));
	if (world.idle)
		publish_once();
	if (r < 0)
		stream_expect(sub, 1);
	world_frame();
	stream_expect(sub, 2);
	finish();
}

static void that_sleeps(void)
{
	starve_each(STARVE_READER, sleep_for_frame);
}

/* It gets frames as before, or the same error over and over. */
static void take_on(int error)
{
	bool passes = error == 0 || !strcmp(starve_call(), "ppoll");
	const struct zt_frame *frame;
	int r;

	world_frame();
	starve_as(STARVE_READER);
	r = zt_take(sub, PATIENCE_NS, &frame);
	starve_as(STARVE_NOBODY);
	if (r == 0) {
		assert_true(stream_is_painted(frame, frame->sequence));
		zt_release(frame);
	} else if (passes || r != error) {
		fail_msg("after %s, zt_take gives %s: %s",
			 strerrorname_np(-error), strerrorname_np(-r),
			 zt_subscriber_reason(sub));
	}
}

/* The frame lies in memory that it does not know yet, and the old is to go. */
static void map_memory(void)
{
	int r;

	world_open();
	sub = stream_open(WORLD_STREAM, &queue);
	world_frame();
	stream_expect(sub, 1);
	world.format = stream_sized(65536);
	world_frame();
	r = try_take(PATIENCE_NS);
	if (starve_judge("take", r, zt_subscriber_reason(sub))) {
		world_frame();
		r = try_take(PATIENCE_NS);
		if (starve_call())
			starve_judge("take", r, zt_subscriber_reason(sub));
	}
	take_on(r);
	finish();
}

static void that_maps_new_memory(void)
{
	starve_each(STARVE_READER, map_memory);
}

/*
 * The publisher sleeps until this one gives a frame back, and the message that
 * says so cannot be sent: then its next zt_take does not sleep too, but says
 * what is the matter.
 */
static const struct zt_frame *held;

static void give_back_and_take(void)
{
	const struct zt_frame *frame;
	int r;

	starve_as(STARVE_READER);
	starve_begin();
	zt_release(held);
	held = NULL;
	r = zt_take(sub, 0, &frame);
	starve_end();
	starve_as(STARVE_NOBODY);
	if (r != -EAGAIN)
		starve_judge("take", r, zt_subscriber_reason(sub));
}

static void give_back(void)
{
	struct zt_subscriber_options lossless = {
		.delivery = ZT_LOSSLESS, .depth = 1,
	};
	struct zt_loan *loan;
	int64_t since;
	int r;

	world_open();
	sub = stream_open(WORLD_STREAM, &lossless);
	world_frame();
	held = stream_take_this(sub, 1);
	world.idle = give_back_and_take;
	starve_as(STARVE_PUBLISHER);
	since = starve_now_ns();
	r = zt_loan(world.pub, NULL, PATIENCE_NS, &loan);
	/* Woken, that is, and not because the time was over. */
	assert_true(starve_lasts() || starve_now_ns() - since < PATIENCE_NS);
	starve_as(STARVE_NOBODY);
	world.idle = NULL;
	if (r == 0)
		zt_discard(world.pub, loan);
	else
		assert_true(r == -ETIMEDOUT && starve_lasts());
	assert_null(held);
	world_frame();
	stream_expect(sub, 2);
	finish();
}

static void that_a_loan_waits_for(void)
{
	starve_each(STARVE_READER, give_back);
}

/* The stream ends, with a frame to be had. */
static void end(void)
{
	int r;

	world_open();
	sub = stream_open(WORLD_STREAM, &queue);
	world_frame();
	starve_as(STARVE_PUBLISHER);
	zt_publisher_destroy(world.pub);
	starve_as(STARVE_NOBODY);
	world.pub = NULL;
	r = try_take(PATIENCE_NS);
	if (r == 0)
		r = try_take(PATIENCE_NS);
	if (r != -EPIPE)
		starve_judge("take", r, zt_subscriber_reason(sub));
	stream_expect_error(sub, -EPIPE);
	zt_subscriber_close(sub);
	world_close();
}

static void at_the_end_of_the_stream(void)
{
	starve_each(STARVE_READER, end);
}

static const struct zt_test tests[] = {
	ZT_TEST(that_sleeps),
	ZT_TEST(that_maps_new_memory, .timeout_s = 60),
	ZT_TEST(that_a_loan_waits_for),
	ZT_TEST(at_the_end_of_the_stream),
};
ZT_TEST_MAIN(tests)
