/* SPDX-License-Identifier: MIT */
/* Slots are reserved at the join, grown within bounds, and refused in words. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "stream.h"

/* Slots that a stream comes to own, and whether all their bytes count. */
static void check_slots(struct zt_publisher *pub, uint64_t slots)
{
	assert_int_equal(stream_stats(pub).slots, slots);
	assert_int_equal(stream_stats(pub).memory, slots * 12288);
}

static void a_latest_reader_takes_one_slot(void)
{
	struct zt_publisher *pub = stream_create("cam0", NULL);
	struct zt_format format = stream_small();
	struct zt_subscriber *sub;

	check_slots(pub, 2);
	stream_publish(pub, &format);
	check_slots(pub, 2);
	sub = stream_open("cam0", NULL);
	check_slots(pub, 3);
	stream_publish(pub, &format);
	check_slots(pub, 3);
	zt_subscriber_close(sub);
	/* What is there serves the next one. */
	harness_until(stream_stats(pub).subscribers == 0);
	zt_subscriber_close(stream_open("cam0", NULL));
	check_slots(pub, 3);
	zt_publisher_destroy(pub);
}

static void each_kind_takes_its_reserve(void)
{
	static const struct zt_publisher_options options = {
		.flags = ZT_PUBLISHER_BACKPRESSURE, .loans = 2,
	};
	static const struct {
		struct zt_subscriber_options options;
		uint64_t slots;
	} joins[] = {
		{ { .held = 1 }, 1 },
		{ { .held = 5 }, 5 },
		{ { .delivery = ZT_QUEUE }, 4 },
		{ { .delivery = ZT_QUEUE, .depth = 1 }, 1 },
		{ { .delivery = ZT_LOSSLESS, .depth = 7 }, 7 },
	};
	struct zt_publisher *pub = stream_create("cam0", &options);
	struct zt_subscriber *subs[5];
	uint64_t slots = 3;

	for (unsigned int i = 0; i < 5; i++) {
		check_slots(pub, slots);
		subs[i] = stream_open("cam0", &joins[i].options);
		slots += joins[i].slots;
	}
	check_slots(pub, slots);
	for (unsigned int i = 0; i < 5; i++)
		zt_subscriber_close(subs[i]);
	zt_publisher_destroy(pub);
}

static void slots_can_be_had_in_advance(void)
{
	static const struct zt_publisher_options options = { .slots = 10 };
	static const struct zt_subscriber_options held = { .held = 8 };
	struct zt_publisher *pub = stream_create("cam0", &options);
	struct zt_subscriber *sub;

	check_slots(pub, 10);
	sub = stream_open("cam0", &held);
	check_slots(pub, 10);
	zt_subscriber_close(sub);
	zt_publisher_destroy(pub);
}

/* No memory is taken before a format is known. */
static void nothing_is_taken_before_the_first_loan(void)
{
	struct zt_publisher *pub = stream_create_bare("cam0", NULL);
	struct zt_subscriber *sub = stream_open("cam0", NULL);
	struct zt_format format = stream_small();

	check_slots(pub, 0);
	stream_publish(pub, &format);
	check_slots(pub, 3);
	stream_expect(sub, 1);
	zt_subscriber_close(sub);
	zt_publisher_destroy(pub);
}

/* What there is for each now; the last one's sequence. */
static void take_each(struct zt_subscriber **subs, uint64_t *taken, int count)
{
	const struct zt_frame *frame;

	for (int i = 0; i < count; i++)
		while (zt_take(subs[i], 0, &frame) == 0) {
			taken[i] = frame->sequence;
			zt_release(frame);
		}
}

/*
 * A lossless reader has to map the memory that the next one brings, and may
 * be busy. The other is let in all the same, and gets its frames after that:
 * one thread can have both.
 */
static void a_busy_lossless_reader_keeps_nobody_out(void)
{
	static const struct zt_publisher_options options = {
		.flags = ZT_PUBLISHER_BACKPRESSURE,
	};
	static const struct zt_subscriber_options kinds[] = {
		{ .delivery = ZT_LOSSLESS }, { .delivery = ZT_LATEST },
		{ .delivery = ZT_LOSSLESS },
	};
	struct zt_publisher *pub = stream_create("cam0", &options);
	struct zt_format format = stream_small();
	struct zt_subscriber *subs[3];
	uint64_t taken[3] = { 0 };

	for (int i = 0; i < 3; i++)
		subs[i] = stream_open("cam0", &kinds[i]);
	stream_publish(pub, &format);
	harness_until((take_each(subs, taken, 3), taken[0] && taken[1] &&
							  taken[2]));
	stream_wait_subscribers(pub, 3);
	for (uint64_t n = 2; n < 20; n++) {
		stream_publish(pub, &format);
		for (int i = 0; i < 3; i++)
			stream_expect(subs[i], n);
	}
	assert_int_equal(stream_stats(pub).loan_waits, 0);
	for (int i = 0; i < 3; i++)
		zt_subscriber_close(subs[i]);
	zt_publisher_destroy(pub);
}

static void max_memory_bounds_the_joins(void)
{
	static const struct zt_publisher_options options = {
		.max_memory = 5 * 12288 + 1,
	};
	static const struct zt_subscriber_options three = { .held = 3 };
	static const struct zt_subscriber_options four = { .held = 4 };
	struct zt_publisher *pub = stream_create("cam0", &options);
	struct zt_subscriber *sub;
	const char *reason;

	reason = stream_refused("cam0", &four, -ECONNREFUSED);
	assert_non_null(strstr(reason, "max_memory"));
	check_slots(pub, 2);
	sub = stream_open("cam0", &three);
	check_slots(pub, 5);
	stream_refused("cam0", NULL, -ECONNREFUSED);
	harness_until(stream_stats(pub).refused == 2);
	assert_int_equal(stream_stats(pub).subscribers, 1);
	zt_subscriber_close(sub);
	zt_publisher_destroy(pub);
}

static void max_memory_bounds_the_publisher(void)
{
	struct zt_format format = stream_small(), large = stream_sized(8192);
	struct zt_publisher_options options = {
		.size = sizeof(options), .max_memory = 2 * 12288 - 1,
		.format = &format,
	};
	char reason[ZT_REASON_MAX] = "";
	struct zt_publisher *pub = NULL;
	struct zt_loan *loan = NULL;

	assert_int_equal(zt_publisher_create("cam0", &options, &pub, reason),
			 -ENOBUFS);
	assert_null(pub);
	assert_non_null(strstr(reason, "max_memory"));

	options.format = NULL;
	pub = stream_create_bare("cam0", &options);
	assert_int_equal(zt_loan(pub, &format, ZT_FOREVER, &loan), -ENOBUFS);
	assert_null(loan);
	assert_non_null(strstr(zt_publisher_reason(pub), "max_memory"));
	check_slots(pub, 0);
	/* Smaller frames go. */
	stream_publish(pub, &large);
	assert_int_equal(stream_stats(pub).memory, 2 * 8192);
	zt_publisher_destroy(pub);
}

/* 1 loan, the newest, and 62. */
static void a_stream_has_64_slots_at_most(void)
{
	static const struct zt_subscriber_options rest = { .held = 61 };
	struct zt_publisher *pub = stream_create("cam0", NULL);
	struct zt_format format = stream_small();
	struct zt_subscriber *many = stream_open("cam0", &rest), *last;
	const struct zt_frame *held[61], *frame;
	const char *reason;

	check_slots(pub, 63);
	last = stream_open("cam0", NULL);
	check_slots(pub, 64);
	reason = stream_refused("cam0", NULL, -ECONNREFUSED);
	assert_non_null(strstr(reason, "64"));
	/* All of them in use at once. */
	for (uint64_t i = 0; i < 61; i++) {
		stream_publish(pub, &format);
		held[i] = stream_take_this(many, i + 1);
	}
	stream_expect(last, 61);
	stream_publish(pub, &format);
	frame = stream_take_this(last, 62);
	for (uint64_t i = 63; i < 200; i++)
		stream_publish(pub, &format);
	for (uint64_t i = 0; i < 61; i++) {
		assert_true(stream_is_painted(held[i], i + 1));
		zt_release(held[i]);
	}
	assert_true(stream_is_painted(frame, 62));
	zt_release(frame);
	zt_subscriber_close(many);
	harness_until(stream_stats(pub).subscribers == 1);
	zt_subscriber_close(stream_open("cam0", &rest));
	zt_subscriber_close(last);
	zt_publisher_destroy(pub);
}

static void sixty_subscribers_on_one_stream(void)
{
	struct zt_publisher *pub = stream_create("cam0", NULL);
	struct zt_format format = stream_small();
	struct stream_reader readers[60];

	for (unsigned int i = 0; i < 60; i++)
		readers[i] = stream_reader_start("cam0", NULL, 0);
	assert_int_equal(zt_publisher_subscribers(pub), 60);
	check_slots(pub, 62);
	for (int64_t n = 1; n <= 5; n++) {
		stream_publish(pub, &format);
		for (unsigned int i = 0; i < 60; i++) {
			assert_int_equal(
				stream_reader_ask(&readers[i], STREAM_TAKE), n);
			stream_reader_ask(&readers[i], STREAM_RELEASE);
		}
	}
	/* All at once, to the end. */
	for (unsigned int i = 0; i < 60; i++)
		stream_reader_tell(&readers[i], STREAM_RUN);
	for (int i = 0; i < 1000; i++)
		stream_publish(pub, &format);
	assert_int_equal(stream_stats(pub).loan_waits, 0);
	zt_publisher_destroy(pub);
	for (unsigned int i = 0; i < 60; i++) {
		assert_true(stream_reader_reply(&readers[i]) > 0);
		stream_reader_end(&readers[i]);
	}
}

static void connections_are_bounded(void)
{
	static const struct zt_publisher_options options = {
		.max_connections = 3,
	};
	struct zt_publisher *pub = stream_create("cam0", &options);
	struct zt_subscriber *subs[2];
	struct zt_monitor *monitor, *other = NULL;
	char reason[ZT_REASON_MAX] = "";

	subs[0] = stream_open("cam0", NULL);
	assert_int_equal(zt_monitor_open("cam0", stream_patience(), &monitor,
					 reason), 0);
	subs[1] = stream_open("cam0", NULL);
	assert_non_null(strstr(stream_refused("cam0", NULL, -ECONNREFUSED),
			       "connections"));
	assert_int_equal(zt_monitor_open("cam0", stream_patience(), &other,
					 reason), -ECONNREFUSED);
	assert_non_null(strstr(reason, "connections"));
	assert_null(other);
	zt_subscriber_close(subs[0]);
	harness_until(zt_publisher_subscribers(pub) == 1);
	subs[0] = stream_open("cam0", NULL);
	zt_monitor_close(monitor);
	zt_subscriber_close(subs[0]);
	zt_subscriber_close(subs[1]);
	zt_publisher_destroy(pub);
}

#define SOMEBODY 54321
#define SOMEBODY_ELSE 54322

static void need_root(void)
{
	if (geteuid() != 0)
		harness_skip("only root can be several users");
	stream_open_directory();
}

static void a_user_has_a_bound_of_slots(void)
{
	static const struct zt_publisher_options options = { .mode = 0666 };
	static const struct zt_subscriber_options most = { .held = 32 };
	static const struct zt_subscriber_options more = { .held = 33 };
	struct stream_reader reader, other;
	struct zt_subscriber *own;
	struct zt_publisher *pub;

	need_root();
	pub = stream_create("cam0", &options);
	assert_int_equal(stream_reader_refused("cam0", &more, SOMEBODY),
			 -ECONNREFUSED);
	reader = stream_reader_start("cam0", &most, SOMEBODY);
	assert_int_equal(stream_reader_refused("cam0", NULL, SOMEBODY),
			 -ECONNREFUSED);
	/* That is nobody else's. */
	other = stream_reader_start("cam0", NULL, SOMEBODY_ELSE);
	own = stream_open("cam0", NULL);
	zt_subscriber_close(own);
	stream_reader_end(&reader);
	harness_until(stream_stats(pub).subscribers == 1);
	reader = stream_reader_start("cam0", &most, SOMEBODY);
	stream_reader_end(&reader);
	stream_reader_end(&other);
	zt_publisher_destroy(pub);
}

static void a_user_has_a_bound_of_connections(void)
{
	static const struct zt_publisher_options options = {
		.mode = 0666, .max_connections_per_uid = 2,
	};
	struct stream_reader readers[3];
	struct zt_subscriber *own[3];
	struct zt_publisher *pub;

	need_root();
	pub = stream_create("cam0", &options);
	for (unsigned int i = 0; i < 2; i++)
		readers[i] = stream_reader_start("cam0", NULL, SOMEBODY);
	assert_int_equal(stream_reader_refused("cam0", NULL, SOMEBODY),
			 -ECONNREFUSED);
	readers[2] = stream_reader_start("cam0", NULL, SOMEBODY_ELSE);
	/* It does not hold for us. */
	for (unsigned int i = 0; i < 3; i++)
		own[i] = stream_open("cam0", NULL);
	for (unsigned int i = 0; i < 3; i++) {
		zt_subscriber_close(own[i]);
		stream_reader_end(&readers[i]);
	}
	zt_publisher_destroy(pub);
}

/* The socket's mode and group say who may join. */
static void the_mode_keeps_others_out(void)
{
	struct zt_publisher_options options = { 0 };
	struct stream_reader reader;
	struct zt_publisher *pub;

	need_root();
	pub = stream_create("cam0", NULL);
	assert_int_equal(stream_reader_refused("cam0", NULL, SOMEBODY),
			 -EACCES);
	zt_publisher_destroy(pub);

	options.mode = 0660;
	options.group = SOMEBODY;
	pub = stream_create("cam0", &options);
	assert_int_equal(stream_reader_refused("cam0", NULL, SOMEBODY_ELSE),
			 -EACCES);
	reader = stream_reader_start("cam0", NULL, SOMEBODY);
	stream_reader_end(&reader);
	zt_publisher_destroy(pub);
}

static const struct zt_test tests[] = {
	ZT_TEST(a_latest_reader_takes_one_slot),
	ZT_TEST(each_kind_takes_its_reserve),
	ZT_TEST(slots_can_be_had_in_advance),
	ZT_TEST(nothing_is_taken_before_the_first_loan),
	ZT_TEST(a_busy_lossless_reader_keeps_nobody_out),
	ZT_TEST(max_memory_bounds_the_joins),
	ZT_TEST(max_memory_bounds_the_publisher),
	ZT_TEST(a_stream_has_64_slots_at_most),
	ZT_TEST(sixty_subscribers_on_one_stream),
	ZT_TEST(connections_are_bounded),
	ZT_TEST(a_user_has_a_bound_of_slots),
	ZT_TEST(a_user_has_a_bound_of_connections),
	ZT_TEST(the_mode_keeps_others_out),
};
ZT_TEST_MAIN(tests)
