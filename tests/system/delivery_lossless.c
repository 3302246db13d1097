/* SPDX-License-Identifier: MIT */
/* `lossless`: every frame from the join on, in order. */
#include <pthread.h>

#include "stream.h"

#define FRAMES 20000

static const struct zt_publisher_options backpressure = {
	.flags = ZT_PUBLISHER_BACKPRESSURE,
};
static const struct zt_subscriber_options lossless = {
	.delivery = ZT_LOSSLESS,
};

static void gets_every_frame_in_order(void)
{
	struct zt_publisher *pub = stream_create("cam0", &backpressure);
	struct zt_subscriber *sub = stream_open("cam0", &lossless);
	struct zt_format format = stream_small();

	stream_expect_error(sub, -EAGAIN);
	for (unsigned int round = 0; round < 10; round++) {
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

static void holds_as_many_as_its_depth(void)
{
	struct zt_publisher *pub = stream_create("cam0", &backpressure);
	struct zt_subscriber *sub = stream_open("cam0", &lossless);
	struct zt_format format = stream_small();
	const struct zt_frame *held[4];
	struct zt_loan *loan;

	for (unsigned int i = 0; i < 4; i++) {
		stream_publish(pub, &format);
		held[i] = stream_take_this(sub, i + 1);
	}
	stream_expect_error(sub, -EBUSY);
	assert_int_equal(zt_loan(pub, &format, 0, &loan), -EAGAIN);
	/* In any order. */
	zt_release(held[2]);
	stream_publish(pub, &format);
	assert_int_equal(zt_loan(pub, &format, 0, &loan), -EAGAIN);
	zt_release(held[0]);
	stream_publish(pub, &format);
	assert_true(stream_is_painted(held[1], 2));
	assert_true(stream_is_painted(held[3], 4));
	held[0] = stream_take_this(sub, 5);
	held[2] = stream_take_this(sub, 6);
	stream_expect_error(sub, -EBUSY);
	for (unsigned int i = 0; i < 4; i++)
		zt_release(held[i]);
	zt_subscriber_close(sub);
	zt_publisher_destroy(pub);
}

/* What came before its join is not its own; the newest frame is. */
static void begins_with_the_newest_frame(void)
{
	struct zt_publisher *pub = stream_create("cam0", &backpressure);
	struct zt_format format = stream_small();
	struct zt_subscriber *sub;
	const struct zt_frame *frame;

	for (int i = 0; i < 5; i++)
		stream_publish(pub, &format);
	sub = stream_open("cam0", &lossless);
	frame = stream_take_this(sub, 5);
	assert_int_equal(frame->dropped, 0);
	zt_release(frame);
	stream_publish(pub, &format);
	stream_expect(sub, 6);
	stream_expect_error(sub, -EAGAIN);
	zt_subscriber_close(sub);
	zt_publisher_destroy(pub);
}

/* A depth of one is taken up by the loan that may be out. */
static void begins_with_the_next_where_its_room_is_promised(void)
{
	static const struct zt_subscriber_options narrow = {
		.delivery = ZT_LOSSLESS, .depth = 1,
	};
	struct zt_publisher *pub = stream_create("cam0", &backpressure);
	struct zt_format format = stream_small();
	struct zt_subscriber *sub;

	stream_publish(pub, &format);
	sub = stream_open("cam0", &narrow);
	stream_expect_error(sub, -EAGAIN);
	for (unsigned int i = 2; i < 20; i++) {
		assert_int_equal(stream_publish(pub, &format), i);
		stream_expect(sub, i);
	}
	assert_int_equal(stream_reader_stats(sub).dropped, 0);
	zt_subscriber_close(sub);
	zt_publisher_destroy(pub);
}

struct joined {
	struct zt_subscriber *sub;
	pthread_t thread;
	int error;
};

static void *join_and_follow(void *argument)
{
	struct joined *joined = argument;
	struct zt_subscriber_options options = {
		.size = sizeof(options), .delivery = ZT_LOSSLESS,
	};
	const struct zt_frame *frame;
	uint64_t last = 0;
	int r;

	r = zt_subscriber_open("cam0", &options, &joined->sub, NULL);
	while (r == 0 &&
	       (r = zt_take(joined->sub, stream_patience(), &frame)) == 0) {
		if ((last && frame->sequence != last + 1) || frame->dropped ||
		    !stream_is_painted(frame, frame->sequence))
			r = -EIO;
		last = frame->sequence;
		zt_release(frame);
	}
	joined->error = r;
	return NULL;
}

/* Joining while frames are published: no gap after the first it is told. */
static void joins_in_mid_stream_without_a_gap(void)
{
	struct zt_publisher *pub = stream_create("cam0", &backpressure);
	struct zt_format format = stream_small();
	struct joined joined[8] = { 0 };

	for (unsigned int i = 0; i < 8; i++) {
		assert_int_equal(pthread_create(&joined[i].thread, NULL,
						join_and_follow, &joined[i]),
				 0);
		while (stream_stats(pub).subscribers <= i)
			stream_publish_in_time(pub, &format);
	}
	for (unsigned int i = 0; i < 200; i++)
		stream_publish_in_time(pub, &format);
	zt_publisher_destroy(pub);
	for (unsigned int i = 0; i < 8; i++) {
		pthread_join(joined[i].thread, NULL);
		assert_int_equal(joined[i].error, -EPIPE);
		assert_true(stream_reader_stats(joined[i].sub).taken > 200);
		zt_subscriber_close(joined[i].sub);
	}
}

static int follow(int fd, void *argument)
{
	struct zt_subscriber_options options = {
		.delivery = ZT_LOSSLESS, .flags = ZT_SUBSCRIBER_WAIT,
		.depth = *(unsigned int *)argument,
	};
	struct zt_subscriber *sub = stream_open("cam0", &options);

	(void)fd;
	for (uint64_t i = 1; i <= FRAMES; i++)
		stream_expect(sub, i);
	stream_await_error(sub, -EPIPE);
	stream_expect_error(sub, -EPIPE);
	zt_subscriber_close(sub);
	return 0;
}

static void loses_nothing_at_full_speed(void)
{
	struct zt_publisher *pub = stream_create("cam0", &backpressure);
	struct zt_format format = stream_small();
	unsigned int depths[] = { 1, 2, 7 };
	struct harness_peer readers[3];

	for (unsigned int i = 0; i < 3; i++)
		readers[i] = harness_spawn(follow, &depths[i]);
	stream_wait_subscribers(pub, 3);
	for (uint64_t i = 0; i < FRAMES; i++)
		stream_publish_in_time(pub, &format);
	zt_publisher_destroy(pub);
	for (unsigned int i = 0; i < 3; i++)
		assert_int_equal(harness_reap(&readers[i]), 0);
}

/* The retained newest frame, for late joiners of each kind. */
static void late_joiners_get_the_newest_frame(void)
{
	struct zt_publisher *pub = stream_create("cam0", &backpressure);
	struct zt_format format = stream_small();

	for (int i = 0; i < 3; i++)
		stream_publish(pub, &format);
	for (uint32_t delivery = ZT_LATEST; delivery <= ZT_LOSSLESS;
	     delivery++) {
		struct zt_subscriber_options options = { .delivery = delivery };
		struct zt_subscriber *sub = stream_open("cam0", &options);
		const struct zt_frame *frame = stream_take_this(sub, 3);

		assert_int_equal(frame->dropped, 0);
		zt_release(frame);
		stream_expect_error(sub, -EAGAIN);
		zt_subscriber_close(sub);
	}
	zt_publisher_destroy(pub);
}

static const struct zt_test tests[] = {
	ZT_TEST(gets_every_frame_in_order),
	ZT_TEST(holds_as_many_as_its_depth),
	ZT_TEST(begins_with_the_newest_frame),
	ZT_TEST(begins_with_the_next_where_its_room_is_promised),
	ZT_TEST(joins_in_mid_stream_without_a_gap),
	ZT_TEST(loses_nothing_at_full_speed, .timeout_s = 60),
	ZT_TEST(late_joiners_get_the_newest_frame),
};
ZT_TEST_MAIN(tests)
