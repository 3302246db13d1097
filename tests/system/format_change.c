/* SPDX-License-Identifier: MIT */
/* Frames change their format and size in mid-stream; nobody reconnects. */
#include <string.h>

#include "stream.h"

static const struct zt_publisher_options backpressure = {
	.flags = ZT_PUBLISHER_BACKPRESSURE,
};

/* Larger, larger again, smaller, of another kind, and back. */
static const struct zt_format steps[] = {
	{ .fourcc = ZT_FOURCC('B', 'G', '2', '4'), .width = 64, .height = 48 },
	{ .fourcc = ZT_FOURCC('B', 'G', '2', '4'), .width = 320, .height = 240 },
	{ .fourcc = ZT_FOURCC('N', 'V', '1', '2'), .width = 800, .height = 600 },
	{ .fourcc = ZT_FOURCC('R', '8', ' ', ' '), .width = 64, .height = 64 },
	{ .fourcc = ZT_FOURCC('M', 'J', 'P', 'G'), .width = 800, .height = 600,
	  .payload_size = 50000 },
	{ .fourcc = ZT_FOURCC('B', 'G', '2', '4'), .width = 1280,
	  .height = 720 },
	{ .fourcc = ZT_FOURCC('B', 'G', '2', '4'), .width = 64, .height = 48 },
};
#define STEPS (sizeof(steps) / sizeof(*steps))

/* 1280 x 720 x 3 bytes, in pages. */
#define LARGEST 2764800

static void goes_through_under_three_subscribers(void)
{
	static const struct zt_subscriber_options options[] = {
		{ .delivery = ZT_LOSSLESS },
		{ .delivery = ZT_QUEUE },
		{ .delivery = ZT_LATEST },
	};
	struct zt_publisher *pub = stream_create("cam0", &backpressure);
	struct stream_reader readers[3];
	int64_t published = 0, taken[3];

	for (unsigned int i = 0; i < 3; i++) {
		readers[i] = stream_reader_start("cam0", &options[i], 0);
		stream_reader_tell(&readers[i], STREAM_RUN);
	}
	for (unsigned int i = 0; i < STEPS; i++)
		for (int n = 0; n < 20; n++)
			published = (int64_t)stream_publish_in_time(pub,
								    &steps[i]);
	/* The old memory goes, and is not missed. */
	harness_until(stream_stats(pub).memory == 11 * LARGEST);
	assert_int_equal(stream_stats(pub).slots, 11);
	assert_int_equal(stream_stats(pub).subscribers, 3);
	assert_int_equal(stream_stats(pub).cut_off, 0);
	zt_publisher_destroy(pub);
	for (unsigned int i = 0; i < 3; i++) {
		taken[i] = stream_reader_reply(&readers[i]);
		stream_reader_end(&readers[i]);
		assert_true(taken[i] > 0);
	}
	assert_int_equal(taken[0], published);
}

static void each_frame_tells_its_own_format(void)
{
	static const struct zt_subscriber_options options = {
		.held = STEPS,
	};
	struct zt_publisher *pub = stream_create("cam0", NULL);
	struct zt_subscriber *sub = stream_open("cam0", &options);
	const struct zt_frame *held[STEPS];

	for (unsigned int i = 0; i < STEPS; i++) {
		stream_publish(pub, &steps[i]);
		held[i] = stream_take_this(sub, i + 1);
	}
	for (unsigned int i = 0; i < STEPS; i++) {
		struct zt_format complete = steps[i];

		assert_int_equal(zt_format_complete(&complete), 0);
		assert_memory_equal(&held[i]->format, &complete,
				    sizeof(complete));
		assert_true(stream_is_painted(held[i], i + 1));
		zt_release(held[i]);
	}
	zt_subscriber_close(sub);
	zt_publisher_destroy(pub);
}

/* Old memory is there as long as a frame in it is held, and no longer. */
static void old_segments_go_with_their_last_frame(void)
{
	static const struct zt_publisher_options four = { .slots = 4 };
	static const struct zt_subscriber_options options = { .held = 2 };
	struct zt_publisher *pub = stream_create("cam0", &four);
	struct zt_subscriber *sub = stream_open("cam0", &options);
	struct zt_format small = stream_small(), large = stream_sized(1 << 20);
	const struct zt_frame *held[2], *frame;

	stream_publish(pub, &small);
	held[0] = stream_take_this(sub, 1);
	stream_publish(pub, &small);
	held[1] = stream_take_this(sub, 2);
	for (int i = 0; i < 30; i++) {
		stream_publish(pub, &large);
		stream_expect_error(sub, -EBUSY);
	}
	assert_true(stream_is_painted(held[0], 1));
	assert_true(stream_is_painted(held[1], 2));
	assert_int_equal(stream_stats(pub).memory, 4 * 12288 + (4 << 20));

	zt_release(held[0]);
	held[0] = stream_take_this(sub, 32);
	for (int i = 0; i < 30; i++)
		stream_publish(pub, &large);
	assert_true(stream_is_painted(held[1], 2));
	assert_int_equal(stream_stats(pub).memory, 4 * 12288 + (4 << 20));
	assert_true(stream_reader_stats(sub).memory > 4 << 20);

	zt_release(held[1]);
	stream_publish(pub, &large);
	frame = stream_take(sub);
	zt_release(frame);
	harness_until((zt_take(sub, 0, &frame),
		       stream_stats(pub).memory == 4 << 20));
	assert_int_equal(stream_reader_stats(sub).memory, 4 << 20);
	zt_release(held[0]);
	zt_subscriber_close(sub);
	zt_publisher_destroy(pub);
}

static void ten_generations_at_once(void)
{
	static const struct zt_subscriber_options options = {
		.delivery = ZT_LOSSLESS, .depth = 11,
	};
	struct zt_publisher *pub = stream_create("cam0", &backpressure);
	struct zt_subscriber *sub = stream_open("cam0", &options);
	const struct zt_frame *held[10], *frame;

	for (uint64_t i = 0; i < 10; i++) {
		struct zt_format format = stream_sized(16384 + i * 4096);
		struct zt_loan *loan;

		/* A lossless one has to know the memory first. */
		harness_until((zt_take(sub, 0, &frame),
			       zt_loan(pub, &format, 0, &loan) == 0));
		stream_paint(loan, i + 1);
		assert_int_equal(zt_publish(pub, loan), 0);
		held[i] = stream_take_this(sub, i + 1);
	}
	/* The last first, so that segments in the middle go as well. */
	for (uint64_t i = 10; i-- > 0;) {
		for (uint64_t j = 0; j <= i; j++)
			assert_true(stream_is_painted(held[j], j + 1));
		zt_release(held[i]);
		stream_publish_in_time(pub, NULL);
		stream_expect(sub, 20 - i);
	}
	harness_until((zt_take(sub, 0, &frame),
		       stream_stats(pub).memory ==
			       stream_stats(pub).slots * (16384 + 9 * 4096)));
	zt_subscriber_close(sub);
	zt_publisher_destroy(pub);
}

/* The newest frame is the joiner's, though its memory is about to go. */
static void a_late_joiner_gets_an_old_frame(void)
{
	struct zt_publisher *pub = stream_create("cam0", NULL);
	struct zt_format small = stream_small(), large = stream_sized(1 << 20);
	struct zt_subscriber *sub;

	stream_publish(pub, &small);
	zt_discard(pub, stream_loan(pub, &large));
	sub = stream_open("cam0", NULL);
	stream_expect(sub, 1);
	stream_publish(pub, &large);
	stream_expect(sub, 2);
	zt_subscriber_close(sub);
	zt_publisher_destroy(pub);
}

/* Loans of the old size are out while the new memory is made. */
static void old_loans_can_be_published_after(void)
{
	static const struct zt_publisher_options options = { .loans = 3 };
	static const struct zt_subscriber_options queue = {
		.delivery = ZT_QUEUE, .depth = 3,
	};

	for (uint64_t round = 0; round < 20; round++) {
		struct zt_publisher *pub = stream_create("cam0", &options);
		struct zt_subscriber *sub = stream_open("cam0", &queue);
		struct zt_format small = stream_small();

		for (uint64_t i = 1; i < 10; i++) {
			struct zt_format large = stream_sized(16384 * i);
			struct zt_loan *old = stream_loan(pub, &small);
			struct zt_loan *new = stream_loan(pub, &large);
			const struct zt_frame *frame;

			stream_paint(old, 2 * i - 1);
			assert_int_equal(zt_publish(pub, old), 0);
			stream_expect(sub, 2 * i - 1);
			stream_paint(new, 2 * i);
			assert_int_equal(zt_publish(pub, new), 0);
			frame = stream_take_this(sub, 2 * i);
			small = large;
			zt_release(frame);
		}
		zt_subscriber_close(sub);
		zt_publisher_destroy(pub);
	}
}

static void memory_holds_old_and_new_or_the_loan_fails(void)
{
	struct zt_format small = stream_small(), large = stream_sized(1 << 20);
	struct zt_publisher_options options = {
		.max_memory = 3 * 12288 + (3 << 20) - 1,
	};
	struct zt_publisher *pub = stream_create("cam0", &options);
	struct zt_subscriber *sub = stream_open("cam0", NULL);
	struct zt_loan *loan = NULL;

	stream_publish(pub, &small);
	assert_int_equal(zt_loan(pub, &large, ZT_FOREVER, &loan), -ENOBUFS);
	assert_null(loan);
	assert_non_null(strstr(zt_publisher_reason(pub), "max_memory"));
	/* All goes on as before. */
	stream_expect(sub, 1);
	stream_publish(pub, &small);
	stream_expect(sub, 2);
	assert_int_equal(stream_stats(pub).memory, 3 * 12288);
	zt_subscriber_close(sub);
	zt_publisher_destroy(pub);

	options.max_memory++;
	pub = stream_create("cam0", &options);
	sub = stream_open("cam0", NULL);
	stream_publish(pub, &small);
	stream_publish(pub, &large);
	/* It did not know that memory yet: it is still offered the other. */
	stream_expect(sub, 1);
	stream_expect(sub, 2);
	zt_subscriber_close(sub);
	zt_publisher_destroy(pub);
}

/* A format that could not be had is not the format of the next loan. */
static void a_failed_loan_does_not_change_the_format(void)
{
	struct zt_publisher_options options = { .max_memory = 65536 };
	struct zt_publisher *pub = stream_create("cam0", &options);
	struct zt_format small = stream_small(), large = stream_sized(1 << 20);
	struct zt_loan *loan;

	stream_publish(pub, &small);
	assert_int_equal(zt_loan(pub, &large, 0, &loan), -ENOBUFS);
	loan = stream_loan(pub, NULL);
	assert_int_equal(loan->format.width, 64);
	zt_discard(pub, loan);
	zt_publisher_destroy(pub);
}

/*
 * A stopped reader does not let its old memory go. Where that is missing, it
 * costs the reader its place after a while.
 */
static void who_keeps_old_memory_that_is_missing_is_cut_off(void)
{
	static const struct zt_publisher_options options = {
		.max_memory = 3 * 12288 + (3 << 20),
	};
	struct zt_publisher *pub = stream_create("cam0", &options);
	struct zt_format small = stream_small(), large = stream_sized(1 << 20),
			 larger = stream_sized((1 << 20) + 4096);
	struct stream_reader reader = stream_reader_start("cam0", NULL, 0);
	struct zt_loan *loan = NULL;

	stream_publish(pub, &small);
	assert_int_equal(stream_reader_ask(&reader, STREAM_TAKE), 1);
	stream_reader_ask(&reader, STREAM_RELEASE);
	harness_signal(&reader.peer, SIGSTOP);
	stream_publish(pub, &large);
	stream_publish(pub, &large);
	assert_int_equal(zt_loan(pub, &larger, 0, &loan), -ENOBUFS);
	/* `large` can not be kept beside `larger`, whoever lets go. */
	harness_until(zt_loan(pub, &larger, 0, &loan) == -ENOBUFS &&
		      stream_stats(pub).cut_off == 1);
	harness_until(stream_stats(pub).memory == 3 << 20);
	harness_signal(&reader.peer, SIGCONT);
	harness_kill(&reader.peer);
	zt_publisher_destroy(pub);
}

static const struct zt_test tests[] = {
	ZT_TEST(goes_through_under_three_subscribers),
	ZT_TEST(each_frame_tells_its_own_format),
	ZT_TEST(old_segments_go_with_their_last_frame),
	ZT_TEST(ten_generations_at_once),
	ZT_TEST(a_late_joiner_gets_an_old_frame),
	ZT_TEST(old_loans_can_be_published_after),
	ZT_TEST(memory_holds_old_and_new_or_the_loan_fails),
	ZT_TEST(a_failed_loan_does_not_change_the_format),
	ZT_TEST(who_keeps_old_memory_that_is_missing_is_cut_off),
};
ZT_TEST_MAIN(tests)
