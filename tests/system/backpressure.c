/* SPDX-License-Identifier: MIT */
/* A lossless subscriber makes loans wait; no other one does. */
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "stream.h"

static const struct zt_publisher_options backpressure = {
	.flags = ZT_PUBLISHER_BACKPRESSURE,
	.slots = 16,	/* enough for all: no join waits for memory */
	.evict_after_ns = ZT_NEVER,
};
static const struct zt_subscriber_options lossless2 = {
	.delivery = ZT_LOSSLESS, .depth = 2,
};

static void expect_no_loan(struct zt_publisher *pub, int64_t timeout_ns,
			   int error)
{
	struct zt_format format = stream_small();
	struct zt_loan *loan = NULL;

	assert_int_equal(zt_loan(pub, &format, timeout_ns, &loan), error);
	assert_null(loan);
	assert_non_null(strstr(zt_publisher_reason(pub), "cam0"));
}

static void loans_fail_at_once_or_in_time(void)
{
	struct zt_publisher *pub = stream_create("cam0", &backpressure);
	struct zt_subscriber *sub = stream_open("cam0", &lossless2);
	struct zt_format format = stream_small();
	const struct zt_frame *frame;

	stream_publish(pub, &format);
	stream_publish(pub, &format);
	assert_int_equal(stream_stats(pub).loan_waits, 0);
	expect_no_loan(pub, 0, -EAGAIN);
	expect_no_loan(pub, 2000000, -ETIMEDOUT);
	assert_int_equal(stream_stats(pub).loan_failures, 2);
	assert_true(stream_stats(pub).loan_waits >= 1);
	assert_true(stream_stats(pub).loan_wait_ns >= 2000000);
	/* Taken is not given back. */
	frame = stream_take_this(sub, 1);
	expect_no_loan(pub, 0, -EAGAIN);
	zt_release(frame);
	zt_subscriber_close(sub);
	zt_publisher_destroy(pub);
}

/* Room that came back before the loan is no wait. */
static void a_loan_that_finds_room_does_not_count_as_a_wait(void)
{
	static const struct zt_subscriber_options options = {
		.delivery = ZT_LOSSLESS, .depth = 1,
	};
	struct zt_publisher *pub = stream_create("cam0", &backpressure);
	struct zt_subscriber *sub = stream_open("cam0", &options);
	struct zt_format format = stream_small();

	for (uint64_t i = 1; i <= 100; i++) {
		stream_publish(pub, &format);
		stream_expect(sub, i);
	}
	assert_int_equal(stream_stats(pub).loan_waits, 0);
	assert_int_equal(stream_stats(pub).loan_wait_ns, 0);
	assert_int_equal(stream_stats(pub).loan_failures, 0);
	zt_subscriber_close(sub);
	zt_publisher_destroy(pub);
}

/* What another thread does once this one sleeps in its loan. */
struct relief {
	pid_t blocked;
	const struct zt_frame *frame;	/* released */
	struct zt_subscriber *sub;	/* or closed */
	pid_t victim;			/* or killed */
};

static void *relieve(void *argument)
{
	const struct relief *relief = argument;
	int64_t limit = harness_limit_ns(HARNESS_PATIENCE);

	while (!stream_sleeps(relief->blocked) && harness_nap_until(limit))
		continue;
	zt_release(relief->frame);
	zt_subscriber_close(relief->sub);
	if (relief->victim)
		kill(relief->victim, SIGKILL);
	return NULL;
}

/* This loan has to sleep, and to go on. */
static void check_blocked_loan(struct zt_publisher *pub, struct relief *relief)
{
	uint64_t waits = stream_stats(pub).loan_waits;
	struct zt_format format = stream_small();
	struct zt_loan *loan;
	pthread_t thread;

	relief->blocked = gettid();
	expect_no_loan(pub, 0, -EAGAIN);
	assert_int_equal(pthread_create(&thread, NULL, relieve, relief), 0);
	loan = stream_loan_in_time(pub, &format);
	pthread_join(thread, NULL);
	zt_discard(pub, loan);
	assert_true(stream_stats(pub).loan_waits > waits);
	assert_true(stream_stats(pub).loan_wait_ns > 0);
}

static void a_blocked_loan_goes_on_at_a_release(void)
{
	struct zt_publisher *pub = stream_create("cam0", &backpressure);
	struct zt_subscriber *sub = stream_open("cam0", &lossless2);
	struct zt_format format = stream_small();
	struct relief relief = { 0 };

	for (uint64_t i = 1; i <= 20; i++) {
		stream_publish(pub, &format);
		stream_publish(pub, &format);
		relief.frame = stream_take_this(sub, 2 * i - 1);
		check_blocked_loan(pub, &relief);
		stream_expect(sub, 2 * i);
	}
	zt_subscriber_close(sub);
	zt_publisher_destroy(pub);
}

static void a_blocked_loan_goes_on_when_the_reader_leaves(void)
{
	struct zt_publisher *pub = stream_create("cam0", &backpressure);
	struct zt_format format = stream_small();
	struct relief relief = { 0 };

	relief.sub = stream_open("cam0", &lossless2);
	stream_publish(pub, &format);
	stream_publish(pub, &format);
	check_blocked_loan(pub, &relief);
	zt_publisher_destroy(pub);
}

/* Also where it keeps all the frames that it may. */
static void a_blocked_loan_goes_on_when_the_reader_leaves_holding(void)
{
	struct zt_publisher *pub = stream_create("cam0", &backpressure);
	struct zt_format format = stream_small();
	const struct zt_frame *held[2];
	struct relief relief = { 0 };

	relief.sub = stream_open("cam0", &lossless2);
	for (uint64_t i = 0; i < 2; i++) {
		stream_publish(pub, &format);
		held[i] = stream_take_this(relief.sub, i + 1);
	}
	check_blocked_loan(pub, &relief);
	for (int i = 0; i < 20; i++)
		stream_publish(pub, &format);
	for (uint64_t i = 0; i < 2; i++) {
		assert_true(stream_is_painted(held[i], i + 1));
		zt_release(held[i]);
	}
	zt_publisher_destroy(pub);
}

static void a_blocked_loan_goes_on_when_the_reader_dies(void)
{
	struct zt_publisher *pub = stream_create("cam0", &backpressure);
	struct zt_format format = stream_small();

	for (int i = 0; i < 10; i++) {
		struct stream_reader reader =
			stream_reader_start("cam0", &lossless2, 0);
		struct relief relief = { .victim = reader.peer.pid };

		if (stream_stats(pub).published == 0)
			stream_publish(pub, &format);
		stream_publish(pub, &format);
		stream_reader_ask(&reader, STREAM_TAKE);
		check_blocked_loan(pub, &relief);
		assert_int_equal(harness_reap(&reader.peer), -SIGKILL);
	}
	zt_publisher_destroy(pub);
}

static void the_slowest_of_several_counts(void)
{
	struct zt_publisher *pub = stream_create("cam0", &backpressure);
	struct zt_subscriber *fast = stream_open("cam0", &lossless2);
	struct zt_subscriber *slow = stream_open("cam0", &lossless2);
	struct zt_format format = stream_small();

	stream_publish(pub, &format);
	stream_publish(pub, &format);
	for (uint64_t i = 1; i <= 10; i++) {
		stream_expect(fast, i);
		expect_no_loan(pub, 0, -EAGAIN);
		stream_expect(slow, i);
		stream_publish(pub, &format);
	}
	zt_subscriber_close(slow);
	zt_subscriber_close(fast);
	zt_publisher_destroy(pub);
}

/* Loans that are out have their room promised. */
static void loans_count_against_the_depth(void)
{
	static const struct zt_publisher_options options = {
		.flags = ZT_PUBLISHER_BACKPRESSURE, .loans = 3,
	};
	static const struct zt_subscriber_options lossless3 = {
		.delivery = ZT_LOSSLESS, .depth = 3,
	};
	struct zt_publisher *pub = stream_create("cam0", &options);
	struct zt_subscriber *sub = stream_open("cam0", &lossless3);
	struct zt_format format = stream_small();
	struct zt_loan *loans[2];

	stream_publish(pub, &format);
	loans[0] = stream_loan(pub, &format);
	loans[1] = stream_loan(pub, &format);
	expect_no_loan(pub, 0, -EAGAIN);
	stream_paint(loans[1], 2);
	assert_int_equal(zt_publish(pub, loans[1]), 0);
	stream_paint(loans[0], 3);
	assert_int_equal(zt_publish(pub, loans[0]), 0);
	expect_no_loan(pub, 0, -EAGAIN);
	for (uint64_t i = 1; i <= 3; i++)
		stream_expect(sub, i);
	zt_discard(pub, stream_loan(pub, &format));
	zt_subscriber_close(sub);
	zt_publisher_destroy(pub);
}

static void lossless_needs_a_publisher_that_allows_it(void)
{
	static const struct zt_publisher_options three = {
		.flags = ZT_PUBLISHER_BACKPRESSURE, .loans = 3,
	};
	static const struct zt_subscriber_options lossless3 = {
		.delivery = ZT_LOSSLESS, .depth = 3,
	};
	struct zt_publisher *pub = stream_create("cam0", NULL);
	const char *reason;

	reason = stream_refused("cam0", &lossless2, -ECONNREFUSED);
	assert_non_null(strstr(reason, "back-pressure"));
	assert_int_equal(stream_stats(pub).refused, 1);
	zt_publisher_destroy(pub);

	pub = stream_create("cam0", &three);
	reason = stream_refused("cam0", &lossless2, -ECONNREFUSED);
	assert_non_null(strstr(reason, "depth of at least 3"));
	zt_subscriber_close(stream_open("cam0", &lossless3));
	zt_publisher_destroy(pub);
}

/* Stopped, holding what they may hold and being offered what they may be. */
static void stopped_readers_of_other_kinds_make_nobody_wait(void)
{
	static const struct zt_subscriber_options options[] = {
		{ .delivery = ZT_LATEST },
		{ .delivery = ZT_LATEST, .held = 2 },
		{ .delivery = ZT_QUEUE, .depth = 3 },
		{ .delivery = ZT_QUEUE, .depth = 1 },
	};
	struct zt_publisher *pub = stream_create("cam0", &backpressure);
	struct zt_subscriber *sub = stream_open("cam0", &lossless2);
	struct zt_format format = stream_small();
	struct stream_reader readers[4];

	for (unsigned int i = 0; i < 4; i++)
		readers[i] = stream_reader_start("cam0", &options[i], 0);
	stream_publish(pub, &format);
	for (unsigned int i = 0; i < 4; i++) {
		if (i % 2)
			assert_int_equal(
				stream_reader_ask(&readers[i], STREAM_TAKE), 1);
		harness_signal(&readers[i].peer, SIGSTOP);
	}
	stream_expect(sub, 1);
	for (uint64_t i = 2; i <= 2000; i++) {
		stream_publish(pub, &format);
		stream_expect(sub, i);
	}
	assert_int_equal(stream_stats(pub).loan_waits, 0);
	for (unsigned int i = 0; i < 4; i++) {
		harness_signal(&readers[i].peer, SIGCONT);
		assert_int_equal(stream_reader_ask(&readers[i], STREAM_CHECK),
				 i % 2);
		if (i % 2)
			stream_reader_ask(&readers[i], STREAM_RELEASE);
	}
	assert_int_equal(stream_reader_ask(&readers[0], STREAM_TAKE), 2000);
	assert_int_equal(stream_reader_ask(&readers[1], STREAM_TAKE), 2000);
	for (int64_t i = 1998; i <= 2000; i++)
		assert_int_equal(stream_reader_ask(&readers[2], STREAM_TAKE),
				 i);
	assert_int_equal(stream_publish(pub, &format), 2001);
	assert_int_equal(stream_reader_ask(&readers[3], STREAM_TAKE), 2001);
	for (unsigned int i = 0; i < 4; i++)
		stream_reader_end(&readers[i]);
	zt_subscriber_close(sub);
	zt_publisher_destroy(pub);
}

static void a_stopped_lossless_reader_loses_nothing(void)
{
	struct zt_publisher *pub = stream_create("cam0", &backpressure);
	struct stream_reader reader =
		stream_reader_start("cam0", &lossless2, 0);
	struct zt_format format = stream_small();

	harness_signal(&reader.peer, SIGSTOP);
	stream_publish(pub, &format);
	stream_publish(pub, &format);
	expect_no_loan(pub, 1000000, -ETIMEDOUT);
	harness_signal(&reader.peer, SIGCONT);
	for (int64_t i = 1; i <= 10; i++) {
		assert_int_equal(stream_reader_ask(&reader, STREAM_TAKE), i);
		stream_reader_ask(&reader, STREAM_RELEASE);
		stream_publish(pub, &format);
	}
	stream_reader_end(&reader);
	zt_publisher_destroy(pub);
}

static const struct zt_test tests[] = {
	ZT_TEST(loans_fail_at_once_or_in_time),
	ZT_TEST(a_loan_that_finds_room_does_not_count_as_a_wait),
	ZT_TEST(a_blocked_loan_goes_on_at_a_release),
	ZT_TEST(a_blocked_loan_goes_on_when_the_reader_leaves),
	ZT_TEST(a_blocked_loan_goes_on_when_the_reader_leaves_holding),
	ZT_TEST(a_blocked_loan_goes_on_when_the_reader_dies),
	ZT_TEST(the_slowest_of_several_counts),
	ZT_TEST(loans_count_against_the_depth),
	ZT_TEST(lossless_needs_a_publisher_that_allows_it),
	ZT_TEST(stopped_readers_of_other_kinds_make_nobody_wait),
	ZT_TEST(a_stopped_lossless_reader_loses_nothing),
};
ZT_TEST_MAIN(tests)
