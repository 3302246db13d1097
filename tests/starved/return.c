/* SPDX-License-Identifier: MIT */
/*
 * A subscriber that waits for a stream, to come or to come back, while each
 * call that it makes fails in turn: zt_take tells the error, or the frame
 * comes; and it comes at the next try.
 */
#include <string.h>

#include "world.h"

#define PATIENCE_NS INT64_C(60000000000)

/*
 * A stream that is not there, or has no time, is looked for again; a directory
 * that cannot be watched, by the timer.
 */
#define BORNE "connect open epoll_ctl(ADD)"

static struct zt_subscriber *sub;

/* A publisher appears, with a frame. */
static void appear(void)
{
	struct zt_publisher_options options = {
		.flags = ZT_PUBLISHER_NO_THREAD,
	};

	if (world.pub)
		return;
	starve_as(STARVE_PUBLISHER);
	world.pub = stream_create(WORLD_STREAM, &options);
	stream_publish(world.pub, NULL);
	starve_as(STARVE_NOBODY);
}

static void vanish(void)
{
	starve_as(STARVE_PUBLISHER);
	zt_publisher_destroy(world.pub);
	starve_as(STARVE_NOBODY);
	world.pub = NULL;
}

/* As if the publisher had been killed: nobody says that the stream ends. */
static void die(void)
{
	starve_mute(STARVE_PUBLISHER);
	vanish();
	starve_mute(STARVE_NOBODY);
}

/* Take the first frame of the publisher that appears while we sleep. */
static int try_take(void)
{
	const struct zt_frame *frame;
	int r;

	world.idle = appear;
	starve_as(STARVE_READER);
	starve_begin();
	r = zt_take(sub, PATIENCE_NS, &frame);
	starve_end();
	starve_as(STARVE_NOBODY);
	if (r == 0) {
		assert_int_equal(frame->sequence, 1);
		assert_true(stream_is_painted(frame, 1));
		zt_release(frame);
	}
	return r;
}

static void judge_take(int r)
{
	starve_judge_bearing("take", BORNE, r, zt_subscriber_reason(sub));
}

/* Whatever failed, the next frame comes. */
static void go_on(int r)
{
	appear();
	if (r < 0)
		stream_expect(sub, 1);
	starve_as(STARVE_PUBLISHER);
	stream_publish(world.pub, NULL);
	starve_as(STARVE_NOBODY);
	stream_expect(sub, 2);
}

static void come_back(void)
{
	int r;

	world_open_alone();
	appear();
	sub = stream_open(WORLD_STREAM, NULL);
	stream_expect(sub, 1);
	die();
	r = try_take();
	judge_take(r);
	go_on(r);
	zt_subscriber_close(sub);
	vanish();
	world_close();
}

static void a_stream_that_comes_back(void)
{
	starve_each(STARVE_READER, come_back);
}

static void open_before(void)
{
	struct zt_subscriber_options wait = {
		.size = sizeof(wait), .flags = ZT_SUBSCRIBER_WAIT,
	};
	char reason[ZT_REASON_MAX] = "";
	int r;

	world_open_alone();
	sub = NULL;
	starve_as(STARVE_READER);
	starve_begin();
	r = zt_subscriber_open(WORLD_STREAM, &wait, &sub, reason);
	starve_end();
	starve_as(STARVE_NOBODY);
	if (starve_judge_bearing("open", BORNE, r, reason)) {
		r = try_take();
		judge_take(r);
		go_on(r);
		zt_subscriber_close(sub);
		vanish();
	} else {
		assert_null(sub);
	}
	world_close();
}

static void a_stream_that_is_to_come(void)
{
	starve_each(STARVE_READER, open_before);
}

static const struct zt_test tests[] = {
	ZT_TEST(a_stream_that_comes_back, .timeout_s = 60),
	ZT_TEST(a_stream_that_is_to_come, .timeout_s = 60),
};
ZT_TEST_MAIN(tests)
