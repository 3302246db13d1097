/* SPDX-License-Identifier: MIT */
/*
 * Each call that a join makes fails in turn, the subscriber's and the
 * publisher's: the subscriber is told, or joins all the same; the publisher
 * and its other subscribers go on.
 */
#include <string.h>

#include "world.h"

/* The join needs more slots, and so a new segment. */
static const struct zt_subscriber_options queue = {
	.size = sizeof(queue), .delivery = ZT_QUEUE, .depth = 3,
};

static int try_open(struct zt_subscriber **ret_sub, char *ret_reason)
{
	int r;

	starve_as(STARVE_READER);
	starve_begin();
	r = zt_subscriber_open(WORLD_STREAM, &queue, ret_sub, ret_reason);
	starve_end();
	starve_as(STARVE_NOBODY);
	return r;
}

/* What it got is a subscriber like any other. */
static void use(struct zt_subscriber *sub)
{
	world_await(sub);
	stream_expect(sub, world.published);
	world_frame();
	world_await(sub);
	stream_expect(sub, world.published);
	zt_subscriber_close(sub);
}

static void join(void)
{
	struct zt_subscriber *sub = NULL;
	char reason[ZT_REASON_MAX] = "";

	world_open();
	world_frame();
	if (starve_judge("open", try_open(&sub, reason), reason))
		use(sub);
	else
		assert_null(sub);
	world_goes_on();
	world_close();
}

static void the_subscriber_is_short(void)
{
	starve_each(STARVE_READER, join);
}

/*
 * A publisher that cannot take a subscriber says so. It hangs up in silence
 * only where the page cannot be sealed, which it takes for the peer's doing;
 * and where what it lacks is memory for messages, for good.
 */
static void check_refusal(int r, const char *reason)
{
	bool silent = starve_lasts() || !strncmp(starve_call(), "fcntl", 5) ||
		      !strcmp(starve_call(), "fstat");

	starve_say("open", r, reason);
	if (r == -ECONNREFUSED || (silent && r == -ECONNRESET) ||
	    (starve_lasts() && r == -ETIMEDOUT))
		assert_true(strlen(reason) > 0);
	else
		fail_msg("the join gives %s: %s", strerrorname_np(-r), reason);
}

static void serve_join(void)
{
	struct zt_subscriber *sub = NULL;
	char reason[ZT_REASON_MAX] = "";
	int r;

	world_open();
	world_frame();
	r = try_open(&sub, reason);
	if (r < 0)
		check_refusal(r, reason);
	else
		use(sub);
	world_goes_on();
	world_close();
}

static void the_publisher_is_short(void)
{
	starve_each(STARVE_PUBLISHER, serve_join);
}

/* Leaving: closes, hang-ups, and the publisher's clearing up. */
static void leave(void)
{
	struct zt_subscriber *sub;
	const struct zt_frame *frame;

	world_open();
	world_frame();
	sub = stream_open(WORLD_STREAM, &queue);
	frame = stream_take(sub);
	starve_as(STARVE_READER);
	starve_begin();
	zt_subscriber_close(sub);
	world_serve();
	zt_release(frame);
	world_serve();
	starve_end();
	starve_as(STARVE_NOBODY);
	world_goes_on();
	assert_int_equal(stream_stats(world.pub).subscribers, 1);
	world_close();
}

static void a_subscriber_that_leaves_is_short(void)
{
	starve_each(STARVE_READER, leave);
}

static void the_publisher_it_leaves_is_short(void)
{
	starve_each(STARVE_PUBLISHER, leave);
}

static const struct zt_test tests[] = {
	ZT_TEST(the_subscriber_is_short, .timeout_s = 60),
	ZT_TEST(the_publisher_is_short, .timeout_s = 60),
	ZT_TEST(a_subscriber_that_leaves_is_short),
	ZT_TEST(the_publisher_it_leaves_is_short),
};
ZT_TEST_MAIN(tests)
