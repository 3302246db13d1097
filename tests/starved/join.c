/* SPDX-License-Identifier: MIT */
/*
 * Each call that a join makes fails in turn, the subscriber's and the
 * publisher's: the subscriber is told, or joins all the same; the publisher
 * and its other subscribers go on.
 */
#include <string.h>

#include "world.h"

static int try_open(const struct zt_subscriber_options *options,
		    struct zt_subscriber **ret_sub, char *ret_reason)
{
	struct zt_subscriber_options own = *options;

	own.size = sizeof(own);
	return zt_subscriber_open(WORLD_STREAM, &own, ret_sub, ret_reason);
}

/* What it got is a subscriber like any other. */
static void use(struct zt_subscriber *sub)
{
	stream_expect(sub, world.published);
	world_frame();
	stream_expect(sub, world.published);
	zt_subscriber_close(sub);
}

/* The join needs more slots, and so a new segment. */
static const struct zt_subscriber_options queue = {
	.delivery = ZT_QUEUE, .depth = 3,
};

static void join(void)
{
	struct zt_subscriber *sub = NULL;
	char reason[ZT_REASON_MAX] = "";
	int r;

	world_open(NULL);
	world_frame();
	starve_as(STARVE_READER);
	starve_begin();
	r = try_open(&queue, &sub, reason);
	starve_end();
	starve_as(STARVE_NOBODY);
	if (starve_judge("open", r, reason))
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

static void the_publisher_is_short(void)
{
	starve_each(STARVE_PUBLISHER, join);
}

static const struct zt_test tests[] = {
	ZT_TEST(the_subscriber_is_short),
	ZT_TEST(the_publisher_is_short),
};
ZT_TEST_MAIN(tests)
