/* SPDX-License-Identifier: MIT */
/* `queue`: frames in order; the oldest that waits gives its place. */
#include "stream.h"

static const struct zt_subscriber_options queue4 = { .delivery = ZT_QUEUE };
static const struct zt_subscriber_options queue2 = {
	.delivery = ZT_QUEUE, .depth = 2,
};

static void gets_frames_in_order(void)
{
	struct zt_publisher *pub = stream_create("cam0", NULL);
	struct zt_subscriber *sub = stream_open("cam0", &queue4);
	struct zt_format format = stream_small();

	stream_expect_error(sub, -EAGAIN);
	for (unsigned int round = 0; round < 5; round++) {
		for (unsigned int i = 0; i < 4; i++)
			stream_publish(pub, &format);
		for (unsigned int i = 1; i <= 4; i++)
			stream_expect(sub, round * 4 + i);
		stream_expect_error(sub, -EAGAIN);
	}
	assert_int_equal(stream_reader_stats(sub).dropped, 0);
	zt_subscriber_close(sub);
	zt_publisher_destroy(pub);
}

static void drops_the_oldest_that_waits(void)
{
	struct zt_publisher *pub = stream_create("cam0", NULL);
	struct zt_subscriber *sub = stream_open("cam0", &queue4);
	struct zt_format format = stream_small();
	const struct zt_frame *frame;

	for (int i = 0; i < 10; i++)
		stream_publish(pub, &format);
	frame = stream_take_this(sub, 7);
	assert_int_equal(frame->dropped, 6);
	/* It holds 7, so three places are left: 8 and 9 give theirs. */
	stream_publish(pub, &format);
	stream_publish(pub, &format);
	assert_true(stream_is_painted(frame, 7));
	zt_release(frame);
	frame = stream_take_this(sub, 10);
	assert_int_equal(frame->dropped, 2);
	zt_release(frame);
	stream_expect(sub, 11);
	stream_expect(sub, 12);
	stream_expect_error(sub, -EAGAIN);
	assert_int_equal(stream_reader_stats(sub).taken, 4);
	assert_int_equal(stream_reader_stats(sub).dropped, 8);
	zt_subscriber_close(sub);
	zt_publisher_destroy(pub);
}

static void drops_the_new_ones_while_it_holds_all(void)
{
	struct zt_publisher *pub = stream_create("cam0", NULL);
	struct zt_subscriber *sub = stream_open("cam0", &queue2);
	struct zt_format format = stream_small();
	const struct zt_frame *held[2], *frame;

	stream_publish(pub, &format);
	stream_publish(pub, &format);
	held[0] = stream_take_this(sub, 1);
	held[1] = stream_take_this(sub, 2);
	stream_expect_error(sub, -EBUSY);
	for (int i = 0; i < 3; i++)
		stream_publish(pub, &format);
	assert_true(stream_is_painted(held[0], 1));
	assert_true(stream_is_painted(held[1], 2));

	/* In the other order. */
	zt_release(held[1]);
	stream_expect_error(sub, -EAGAIN);
	stream_publish(pub, &format);
	frame = stream_take_this(sub, 6);
	assert_int_equal(frame->dropped, 3);
	assert_true(stream_is_painted(held[0], 1));
	zt_release(held[0]);
	zt_release(frame);
	stream_expect_error(sub, -EAGAIN);
	zt_subscriber_close(sub);
	zt_publisher_destroy(pub);
}

static void a_depth_of_one_is_a_queue(void)
{
	static const struct zt_subscriber_options queue1 = {
		.delivery = ZT_QUEUE, .depth = 1,
	};
	struct zt_publisher *pub = stream_create("cam0", NULL);
	struct zt_subscriber *sub = stream_open("cam0", &queue1);
	struct zt_format format = stream_small();
	const struct zt_frame *frame;

	for (int i = 0; i < 3; i++)
		stream_publish(pub, &format);
	frame = stream_take_this(sub, 3);
	stream_publish(pub, &format);
	stream_expect_error(sub, -EBUSY);
	zt_release(frame);
	stream_expect_error(sub, -EAGAIN);
	stream_publish(pub, &format);
	stream_expect(sub, 5);
	zt_subscriber_close(sub);
	zt_publisher_destroy(pub);
}

/* Frames come and go at full speed, in another process. */
static int publish_fast(int fd, void *argument)
{
	const uint64_t *frames = argument;
	struct zt_publisher *pub = stream_create("cam0", NULL);
	struct zt_format format = stream_small();

	(void)fd;
	stream_wait_subscribers(pub, 2);
	for (uint64_t i = 0; i < *frames; i++)
		stream_publish(pub, &format);
	assert_int_equal(stream_stats(pub).loan_waits, 0);
	zt_publisher_destroy(pub);
	return 0;
}

static void follow(struct zt_subscriber *sub, unsigned int depth)
{
	const struct zt_frame *held[64], *frame;
	uint64_t last = 0, taken = 0, dropped = 0;
	unsigned int count = 0;
	int r;

	while ((r = zt_take(sub, stream_patience(), &frame)) == 0) {
		assert_true(frame->sequence > last);
		assert_int_equal(frame->dropped, frame->sequence - last - 1);
		last = frame->sequence;
		dropped += frame->dropped;
		taken++;
		held[count++] = frame;
		/* From all but one on, back to none, the last first. */
		if (count + 1 < depth)
			continue;
		for (; count; count--) {
			frame = held[count - 1];
			assert_true(stream_is_painted(frame, frame->sequence));
			zt_release(frame);
		}
	}
	assert_int_equal(r, -EPIPE);
	for (; count; count--)
		zt_release(held[count - 1]);
	assert_int_equal(stream_reader_stats(sub).taken, taken);
	assert_int_equal(stream_reader_stats(sub).dropped, dropped);
	assert_int_equal(taken + dropped, 20000);
}

static int follow_in_peer(int fd, void *argument)
{
	struct zt_subscriber_options options = {
		.delivery = ZT_QUEUE, .flags = ZT_SUBSCRIBER_WAIT,
		.depth = *(unsigned int *)argument,
	};
	struct zt_subscriber *sub = stream_open("cam0", &options);

	(void)fd;
	follow(sub, options.depth);
	zt_subscriber_close(sub);
	return 0;
}

static void keeps_the_order_at_full_speed(void)
{
	uint64_t frames = 20000;
	unsigned int deep = 16, shallow = 3;
	struct harness_peer reader = harness_spawn(follow_in_peer, &deep);
	struct harness_peer publisher = harness_spawn(publish_fast, &frames);

	follow_in_peer(-1, &shallow);
	assert_int_equal(harness_reap(&publisher), 0);
	assert_int_equal(harness_reap(&reader), 0);
}

static const struct zt_test tests[] = {
	ZT_TEST(gets_frames_in_order),
	ZT_TEST(drops_the_oldest_that_waits),
	ZT_TEST(drops_the_new_ones_while_it_holds_all),
	ZT_TEST(a_depth_of_one_is_a_queue),
	ZT_TEST(keeps_the_order_at_full_speed),
};
ZT_TEST_MAIN(tests)
