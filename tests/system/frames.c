/* SPDX-License-Identifier: MIT */
/* What a publisher says of a frame is what its subscribers are told. */
#include <string.h>
#include <time.h>

#include "stream.h"

static int64_t now_by(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return ts.tv_sec * INT64_C(1000000000) + ts.tv_nsec;
}

static void metadata_passes(void)
{
	static const struct zt_publisher_options options = {
		.metadata_size = 100,
	};
	struct zt_publisher *pub = stream_create("cam0", &options);
	struct zt_subscriber *sub = stream_open("cam0", NULL);
	struct zt_format format = stream_small();
	const struct zt_frame *frame;

	for (uint32_t used = 0; used <= 100; used += 25) {
		struct zt_loan *loan = stream_loan(pub, &format);

		assert_int_equal(loan->metadata_size, 100);
		assert_int_equal(loan->metadata_used, 0);
		memset(loan->metadata, (int)used + 1, 100);
		loan->metadata_used = used;
		stream_paint(loan, used / 25 + 1);
		assert_int_equal(zt_publish(pub, loan), 0);

		frame = stream_take(sub);
		assert_int_equal(frame->metadata_used, used);
		assert_int_equal(frame->metadata != NULL, used != 0);
		for (uint32_t i = 0; i < used; i++)
			assert_int_equal(frame->metadata[i], used + 1);
		zt_release(frame);
	}
	zt_subscriber_close(sub);
	zt_publisher_destroy(pub);
}

/* The largest there is, beside a payload that fills its pages. */
static void metadata_may_be_large(void)
{
	static const struct zt_publisher_options options = {
		.metadata_size = 1 << 20,
	};
	struct zt_publisher *pub = stream_create("cam0", &options);
	struct zt_subscriber *sub = stream_open("cam0", NULL);
	struct zt_format format = stream_sized(65536);
	struct zt_loan *loan = stream_loan(pub, &format);
	const struct zt_frame *frame;

	memset(loan->metadata, 0x5a, loan->metadata_size);
	stream_paint(loan, 1);
	assert_int_equal(loan->metadata[0], 0x5a);
	loan->metadata_used = loan->metadata_size;
	assert_int_equal(zt_publish(pub, loan), 0);
	frame = stream_take_this(sub, 1);
	assert_int_equal(frame->metadata_used, 1 << 20);
	for (uint32_t i = 0; i < 1 << 20; i++)
		assert_int_equal(frame->metadata[i], 0x5a);
	zt_release(frame);
	zt_subscriber_close(sub);
	zt_publisher_destroy(pub);
}

static void a_stream_may_be_without_metadata(void)
{
	struct zt_publisher *pub = stream_create("cam0", NULL);
	struct zt_format format = stream_small();
	struct zt_loan *loan = stream_loan(pub, &format);

	assert_null(loan->metadata);
	assert_int_equal(loan->metadata_size, 0);
	zt_discard(pub, loan);
	zt_publisher_destroy(pub);
}

static void flags_timestamps_and_clocks_pass(void)
{
	static const uint32_t flags[] = {
		0, ZT_FRAME_DISCONTINUITY, ZT_FRAME_CORRUPT,
		ZT_FRAME_END_OF_STREAM | ZT_FRAME_CORRUPT,
	};
	struct zt_publisher *pub = stream_create("cam0", NULL);
	struct zt_subscriber *sub = stream_open("cam0", NULL);
	struct zt_format format = stream_small();

	for (uint32_t clock = ZT_CLOCK_MONOTONIC; clock <= ZT_CLOCK_REALTIME;
	     clock++) {
		struct zt_loan *loan = stream_loan(pub, &format);
		int64_t before = now_by(CLOCK_MONOTONIC);
		const struct zt_frame *frame;

		stream_paint(loan, clock + 1);
		loan->clock = clock;
		loan->timestamp_ns = 1234567890123456789 + clock;
		loan->flags = flags[clock];
		assert_int_equal(zt_publish(pub, loan), 0);
		frame = stream_take(sub);
		assert_int_equal(frame->clock, clock);
		assert_int_equal(frame->timestamp_ns,
				 1234567890123456789 + clock);
		assert_int_equal(frame->flags, flags[clock]);
		assert_true(frame->published_ns >= before);
		assert_true(frame->published_ns <= now_by(CLOCK_MONOTONIC));
		zt_release(frame);
	}
	zt_subscriber_close(sub);
	zt_publisher_destroy(pub);
}

/* What the publisher does not set begins anew with each loan. */
static void what_is_not_set_is_the_usual(void)
{
	static const struct zt_publisher_options options = {
		.metadata_size = 64,
	};
	struct zt_publisher *pub = stream_create("cam0", &options);
	struct zt_subscriber *sub = stream_open("cam0", NULL);
	struct zt_format format = stream_small();
	const struct zt_frame *frame;
	struct zt_loan *loan;

	for (unsigned int i = 0; i < 3; i++) {
		loan = stream_loan(pub, &format);
		loan->flags = ZT_FRAME_CORRUPT;
		loan->timestamp_ns = 5;
		loan->clock = ZT_CLOCK_TAI;
		loan->bytes_used = 10;
		loan->metadata_used = 64;
		assert_int_equal(zt_publish(pub, loan), 0);
	}
	for (uint64_t i = 4; i < 7; i++) {
		stream_publish(pub, &format);
		frame = stream_take_this(sub, i);
		assert_int_equal(frame->flags, 0);
		assert_int_equal(frame->clock, ZT_CLOCK_MONOTONIC);
		assert_int_equal(frame->timestamp_ns, frame->published_ns);
		assert_int_equal(frame->bytes_used,
				 frame->format.payload_size);
		assert_int_equal(frame->metadata_used, 0);
		assert_null(frame->metadata);
		zt_release(frame);
	}
	zt_subscriber_close(sub);
	zt_publisher_destroy(pub);
}

static void the_whole_format_passes(void)
{
	struct zt_publisher *pub = stream_create("cam0", NULL);
	struct zt_subscriber *sub;
	const struct zt_frame *frame;
	struct zt_format format = stream_format(ZT_FOURCC('N', 'V', '1', '2'),
						333, 222);
	struct zt_format complete;

	format.interlacing = ZT_INTERLACING_TOP_FIRST;
	format.visible = (struct zt_rect){ 2, 4, 320, 200 };
	format.colour = (struct zt_colour){ 9, 16, 9, ZT_RANGE_FULL,
					    ZT_CHROMA_TOPLEFT, { 0 } };
	format.frame_rate = (struct zt_fraction){ 30000, 1001 };
	format.pixel_aspect = (struct zt_fraction){ 10, 11 };
	complete = format;
	assert_int_equal(zt_format_complete(&complete), 0);
	stream_publish(pub, &format);
	sub = stream_open("cam0", NULL);
	frame = stream_take_this(sub, 1);
	assert_memory_equal(&frame->format, &complete, sizeof(complete));
	assert_ptr_equal(frame->data[0], frame->payload);
	assert_ptr_equal(frame->data[1],
			 frame->payload + complete.planes[1].offset);
	assert_null(frame->data[2]);
	assert_int_equal(frame->epoch, 1);
	assert_true(frame->slot < 64);
	zt_release(frame);
	zt_subscriber_close(sub);
	zt_publisher_destroy(pub);
}

/* Where a loan names no format, it is that of the one before. */
static void no_format_is_the_last_one(void)
{
	struct zt_format format = stream_small();
	const struct zt_publisher_options options = { .format = &format };
	struct zt_publisher *pub = stream_create_bare("cam0", &options);
	struct zt_format other = stream_sized(8192);
	struct zt_loan *loan = stream_loan(pub, NULL);

	/* At first it is the one that the publisher was created with. */
	assert_int_equal(loan->format.width, 64);
	zt_discard(pub, loan);
	loan = stream_loan(pub, &other);
	assert_int_equal(loan->format.width, 4096);
	zt_discard(pub, loan);
	for (int i = 0; i < 4; i++) {
		loan = stream_loan(pub, NULL);
		assert_int_equal(loan->format.width, 4096);
		assert_int_equal(loan->format.height, 2);
		assert_int_equal(zt_publish(pub, loan), 0);
	}
	zt_publisher_destroy(pub);
}

/* Slots lie at pages, rows at cache lines. */
static void payloads_are_aligned(void)
{
	struct zt_publisher *pub = stream_create("cam0", NULL);
	struct zt_subscriber *sub = stream_open("cam0", NULL);
	struct zt_format format = stream_format(ZT_FOURCC('Y', 'U', '1', '2'),
						101, 51);

	for (unsigned int i = 0; i < 4; i++) {
		const struct zt_frame *frame;

		stream_publish(pub, &format);
		frame = stream_take(sub);
		assert_int_equal((uintptr_t)frame->payload % 4096, 0);
		for (unsigned int p = 0; p < 3; p++) {
			assert_int_equal((uintptr_t)frame->data[p] % 64, 0);
			assert_int_equal(frame->format.planes[p].stride % 64,
					 0);
		}
		zt_release(frame);
	}
	zt_subscriber_close(sub);
	zt_publisher_destroy(pub);
}

/* A packet takes what it needs of its room. */
static void compressed_frames_tell_their_length(void)
{
	struct zt_publisher *pub = stream_create("cam0", NULL);
	struct zt_format format = stream_format(ZT_FOURCC('M', 'J', 'P', 'G'),
						640, 480);
	struct zt_subscriber *sub;
	static const uint64_t lengths[] = { 1, 1000, 0, 77777, 100000 };

	format.payload_size = 100000;
	stream_publish(pub, &format);
	sub = stream_open("cam0", NULL);
	stream_expect(sub, 1);
	for (unsigned int i = 0; i < 5; i++) {
		struct zt_loan *loan = stream_loan(pub, NULL);
		const struct zt_frame *frame;

		assert_int_equal(loan->format.payload_size, 100000);
		assert_int_equal(loan->bytes_used, 100000);
		loan->bytes_used = lengths[i];
		stream_paint(loan, i + 2);
		assert_int_equal(zt_publish(pub, loan), 0);
		frame = stream_take_this(sub, i + 2);
		assert_int_equal(frame->bytes_used, lengths[i]);
		assert_int_equal(frame->format.planes[0].stride, 0);
		zt_release(frame);
	}
	zt_subscriber_close(sub);
	zt_publisher_destroy(pub);
}

static void loans_are_apart_and_go_in_the_order_of_publishing(void)
{
	static const struct zt_publisher_options options = { .loans = 4 };
	static const struct zt_subscriber_options queue = {
		.delivery = ZT_QUEUE, .depth = 4,
	};
	static const unsigned int order[] = { 2, 0, 3 };
	struct zt_publisher *pub = stream_create("cam0", &options);
	struct zt_subscriber *sub = stream_open("cam0", &queue);
	struct zt_format format = stream_small();

	for (unsigned int round = 0; round < 6; round++) {
		struct zt_loan *loans[4], *fifth;

		for (unsigned int i = 0; i < 4; i++) {
			loans[i] = stream_loan(pub, &format);
			stream_paint(loans[i], round * 3 + i);
		}
		assert_int_equal(zt_loan(pub, &format, 0, &fifth), -EBUSY);
		assert_string_not_equal(zt_publisher_reason(pub), "");
		zt_discard(pub, loans[1]);
		for (unsigned int i = 0; i < 3; i++)
			assert_int_equal(zt_publish(pub, loans[order[i]]), 0);
		for (unsigned int i = 0; i < 3; i++) {
			const struct zt_frame *frame;

			assert_int_equal(zt_take(sub, 0, &frame), 0);
			assert_int_equal(frame->sequence, round * 3 + i + 1);
			assert_true(stream_is_painted(frame,
						      round * 3 + order[i]));
			zt_release(frame);
		}
	}
	assert_int_equal(stream_stats(pub).published, 18);
	zt_subscriber_close(sub);
	zt_publisher_destroy(pub);
}

/* A discarded loan leaves no trace, and its slot is free again. */
static void discarded_loans_are_not_seen(void)
{
	struct zt_publisher *pub = stream_create("cam0", NULL);
	struct zt_subscriber *sub = stream_open("cam0", NULL);
	struct zt_format format = stream_small();

	for (unsigned int i = 0; i < 100; i++)
		zt_discard(pub, stream_loan(pub, &format));
	zt_discard(pub, NULL);
	stream_expect_error(sub, -EAGAIN);
	assert_int_equal(stream_publish(pub, &format), 1);
	zt_discard(pub, stream_loan(pub, &format));
	stream_expect(sub, 1);
	assert_int_equal(stream_stats(pub).published, 1);
	zt_subscriber_close(sub);
	zt_publisher_destroy(pub);
}

static const struct zt_test tests[] = {
	ZT_TEST(metadata_passes),
	ZT_TEST(metadata_may_be_large),
	ZT_TEST(a_stream_may_be_without_metadata),
	ZT_TEST(flags_timestamps_and_clocks_pass),
	ZT_TEST(what_is_not_set_is_the_usual),
	ZT_TEST(the_whole_format_passes),
	ZT_TEST(no_format_is_the_last_one),
	ZT_TEST(payloads_are_aligned),
	ZT_TEST(compressed_frames_tell_their_length),
	ZT_TEST(loans_are_apart_and_go_in_the_order_of_publishing),
	ZT_TEST(discarded_loans_are_not_seen),
};
ZT_TEST_MAIN(tests)
