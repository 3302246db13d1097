/* SPDX-License-Identifier: MIT */
/* See world.h. */
#include <string.h>

#include "world.h"

struct world world;

void world_serve(void)
{
	enum starve_side before = starve_as(STARVE_PUBLISHER);
	int fd = world.pub ? zt_publisher_fd(world.pub) : -1;

	while (fd >= 0 && harness_wait_readable(fd, 0))
		zt_publisher_dispatch(world.pub);
	starve_as(before);
}

/* The bystander takes what there is, and nothing is missing. */
static void look_on(void)
{
	enum starve_side before = starve_as(STARVE_NOBODY);
	const struct zt_frame *frame;
	int r;

	if (!world.bystander)
		return;
	while ((r = zt_take(world.bystander, 0, &frame)) == 0) {
		assert_int_equal(frame->sequence, ++world.seen);
		assert_true(stream_is_painted(frame, frame->sequence));
		zt_release(frame);
	}
	if (r != (world.pub ? -EAGAIN : -EPIPE))
		fail_msg("the bystander gets %s: %s", strerrorname_np(-r),
			 zt_subscriber_reason(world.bystander));
	starve_as(before);
}

/* While a reader sleeps, the publisher works; and the other way round. */
static int idle(enum starve_side sleeper)
{
	if (sleeper != STARVE_PUBLISHER)
		world_serve();
	look_on();
	if (world.idle)
		world.idle();
	return sleeper != STARVE_PUBLISHER && world.pub ?
		zt_publisher_fd(world.pub) : -1;
}

static void open_world(struct zt_publisher *pub)
{
	struct zt_subscriber_options lossless = { .delivery = ZT_LOSSLESS };

	world = (struct world){ .pub = pub, .format = stream_small() };
	starve_idle = idle;
	world.bystander = stream_open(WORLD_STREAM, &lossless);
}

static const struct zt_publisher_options options = {
	.flags = ZT_PUBLISHER_NO_THREAD | ZT_PUBLISHER_BACKPRESSURE,
};

struct zt_publisher *world_publisher(void)
{
	return stream_create(WORLD_STREAM, &options);
}

void world_open(void)
{
	open_world(world_publisher());
}

void world_open_alone(void)
{
	world = (struct world){ .format = stream_small() };
	starve_idle = idle;
}

void world_open_bare(void)
{
	open_world(stream_create_bare(WORLD_STREAM, &options));
}

void world_frame(void)
{
	enum starve_side before = starve_as(STARVE_PUBLISHER);

	stream_publish_in_time(world.pub, &world.format);
	world.published++;
	starve_as(before);
	look_on();
	assert_int_equal(world.seen, world.published);
}

void world_await(struct zt_subscriber *sub)
{
	enum starve_side before = starve_as(STARVE_READER);
	struct pollfd fd = { .fd = zt_subscriber_fd(sub), .events = POLLIN };

	if (starve_sleep(&fd, INT64_C(1000000000)) != 1)
		fail_msg("there is a frame, and the fd does not say so");
	starve_as(before);
}

void world_goes_on(void)
{
	struct zt_subscriber *sub;

	starve_end();
	world_frame();
	sub = stream_open(WORLD_STREAM, NULL);
	stream_expect(sub, world.published);
	world_frame();
	stream_expect(sub, world.published);
	zt_subscriber_close(sub);
	world_serve();
	world_frame();
}

void world_close(void)
{
	starve_end();
	starve_as(STARVE_PUBLISHER);
	zt_publisher_destroy(world.pub);
	starve_as(STARVE_NOBODY);
	if (world.bystander)
		stream_expect_error(world.bystander, -EPIPE);
	zt_subscriber_close(world.bystander);
	starve_idle = NULL;
}
