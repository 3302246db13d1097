/* SPDX-License-Identifier: MIT */
/* A lossless subscriber that is too slow is put out; what it holds stays. */
#include <string.h>

#include "stream.h"

static const struct zt_subscriber_options lossless4 = {
	.delivery = ZT_LOSSLESS,
};

static struct zt_publisher *create(uint64_t evict_after_ns)
{
	struct zt_publisher_options options = {
		.flags = ZT_PUBLISHER_BACKPRESSURE,
		.evict_after_ns = evict_after_ns,
		.slots = 16,	/* so that no join waits for memory */
	};

	return stream_create("cam0", &options);
}

/* Fill a subscriber's depth of four, two of them taken. */
static void fill(struct zt_publisher *pub, struct zt_subscriber *sub,
		 const struct zt_frame *ret_held[2])
{
	struct zt_format format = stream_small();
	uint64_t first = stream_stats(pub).published + 1;

	for (int i = 0; i < 4; i++)
		stream_publish(pub, &format);
	ret_held[0] = stream_take_this(sub, first);
	ret_held[1] = stream_take_this(sub, first + 1);
}

static void what_the_evicted_holds_stays_untouched(void)
{
	struct zt_publisher *pub = create(10000000);
	struct zt_subscriber *sub = stream_open("cam0", &lossless4);
	struct zt_format format = stream_small();
	const struct zt_frame *held[2];

	fill(pub, sub, held);
	for (int i = 0; i < 100; i++) {
		stream_publish_in_time(pub, &format);
		assert_true(stream_is_painted(held[0], 1));
		assert_true(stream_is_painted(held[1], 2));
	}
	assert_int_equal(stream_stats(pub).evicted, 1);
	assert_int_equal(stream_stats(pub).loan_failures, 0);
	assert_true(stream_stats(pub).loan_wait_ns >= 10000000);

	/* What it had won comes yet; nothing after it does. */
	stream_expect(sub, 3);
	stream_expect(sub, 4);
	stream_await_error(sub, -ESHUTDOWN);
	assert_non_null(strstr(zt_subscriber_reason(sub), "evicted"));
	stream_expect_error(sub, -ESHUTDOWN);
	zt_release(held[1]);
	stream_publish(pub, &format);
	assert_true(stream_is_painted(held[0], 1));
	stream_expect_error(sub, -ESHUTDOWN);
	zt_subscriber_close(sub);
	for (int i = 0; i < 20; i++)
		stream_publish(pub, &format);
	assert_true(stream_is_painted(held[0], 1));
	zt_release(held[0]);
	zt_publisher_destroy(pub);
}

/* It learns so while it waits, from its fd as well. */
static void the_evicted_is_woken(void)
{
	struct zt_publisher *pub = create(10000000);
	struct zt_subscriber *sub = stream_open("cam0", &lossless4);
	struct zt_format format = stream_small();
	const struct zt_frame *held[4];

	for (uint64_t i = 0; i < 4; i++) {
		stream_expect_error(sub, -EAGAIN);
		stream_publish(pub, &format);
		held[i] = stream_take_this(sub, i + 1);
	}
	zt_release(held[3]);
	stream_expect_error(sub, -EAGAIN);
	stream_publish(pub, &format);
	stream_publish_in_time(pub, &format);
	assert_true(harness_wait_readable(zt_subscriber_fd(sub),
					  HARNESS_PATIENCE));
	stream_await_error(sub, -ESHUTDOWN);
	for (uint64_t i = 0; i < 3; i++) {
		assert_true(stream_is_painted(held[i], i + 1));
		zt_release(held[i]);
	}
	zt_subscriber_close(sub);
	zt_publisher_destroy(pub);
}

/* The evicted's reserve is its own until it has returned all. */
static void the_evicted_keeps_its_reserve(void)
{
	struct zt_publisher *pub = create(10000000);
	struct zt_subscriber *slow = stream_open("cam0", &lossless4);
	struct zt_subscriber *good = stream_open("cam0", &lossless4);
	struct zt_format format = stream_small();
	const struct zt_frame *held[2];
	uint64_t waits;

	fill(pub, slow, held);
	for (uint64_t i = 1; i <= 4; i++)
		stream_expect(good, i);
	stream_publish_in_time(pub, &format);
	stream_expect(good, 5);
	waits = stream_stats(pub).loan_waits;
	for (uint64_t i = 6; i <= 100; i++) {
		stream_publish(pub, &format);
		stream_expect(good, i);
	}
	assert_int_equal(stream_stats(pub).loan_waits, waits);
	assert_int_equal(stream_reader_stats(good).dropped, 0);
	zt_release(held[0]);
	zt_release(held[1]);
	zt_subscriber_close(slow);
	zt_subscriber_close(good);
	zt_publisher_destroy(pub);
}

/* A stopped process is evicted too, and lives on. */
static void a_stopped_reader_is_evicted(void)
{
	struct zt_publisher *pub = create(10000000);
	struct stream_reader reader =
		stream_reader_start("cam0", &lossless4, 0);
	struct zt_format format = stream_small();

	stream_publish(pub, &format);
	assert_int_equal(stream_reader_ask(&reader, STREAM_TAKE), 1);
	harness_signal(&reader.peer, SIGSTOP);
	for (int i = 0; i < 50; i++)
		stream_publish_in_time(pub, &format);
	assert_int_equal(stream_stats(pub).evicted, 1);
	harness_signal(&reader.peer, SIGCONT);
	assert_int_equal(stream_reader_ask(&reader, STREAM_CHECK), 1);
	assert_int_equal(stream_reader_ask(&reader, STREAM_TAKE), -ESHUTDOWN);
	stream_reader_end(&reader);
	zt_publisher_destroy(pub);
}

/* A publisher that never blocks evicts as well. */
static void loans_that_do_not_wait_evict(void)
{
	struct zt_publisher *pub = create(10000000);
	struct zt_subscriber *sub = stream_open("cam0", &lossless4);
	struct zt_format format = stream_small();
	const struct zt_frame *held[2];
	struct zt_loan *loan;

	fill(pub, sub, held);
	assert_int_equal(zt_loan(pub, &format, 0, &loan), -EAGAIN);
	harness_until(zt_loan(pub, &format, 0, &loan) == 0);
	zt_discard(pub, loan);
	assert_int_equal(stream_stats(pub).evicted, 1);
	stream_expect(sub, 3);
	stream_expect(sub, 4);
	stream_await_error(sub, -ESHUTDOWN);
	zt_release(held[0]);
	zt_release(held[1]);
	zt_subscriber_close(sub);
	zt_publisher_destroy(pub);
}

/* Slow for long, but never for so long at a time. */
static void a_slow_reader_that_gets_on_is_not_evicted(void)
{
	struct zt_publisher *pub = create(300000000);
	struct zt_subscriber *sub = stream_open("cam0", &lossless4);
	struct zt_format format = stream_small();
	int64_t limit = harness_limit_ns(600);
	struct zt_loan *loan;
	uint64_t i = 1;

	for (int n = 0; n < 4; n++)
		stream_publish(pub, &format);
	while (harness_nap_until(limit)) {
		assert_int_equal(zt_loan(pub, &format, 0, &loan), -EAGAIN);
		stream_expect(sub, i++);
		stream_publish(pub, &format);
	}
	assert_int_equal(stream_stats(pub).evicted, 0);
	stream_expect(sub, i);
	zt_subscriber_close(sub);
	zt_publisher_destroy(pub);
}

/* Nor one that was in the way long ago, and is not now. */
static void waits_of_the_past_do_not_count(void)
{
	struct zt_publisher *pub = create(50000000);
	struct zt_subscriber *sub = stream_open("cam0", &lossless4);
	struct zt_format format = stream_small();
	int64_t limit;
	const struct zt_frame *held[2];
	struct zt_loan *loan;

	fill(pub, sub, held);
	assert_int_equal(zt_loan(pub, &format, 0, &loan), -EAGAIN);
	zt_release(held[0]);
	limit = harness_limit_ns(60);
	while (harness_nap_until(limit))
		continue;
	stream_publish(pub, &format);
	assert_int_equal(zt_loan(pub, &format, 0, &loan), -EAGAIN);
	assert_int_equal(stream_stats(pub).evicted, 0);
	zt_release(held[1]);
	zt_subscriber_close(sub);
	zt_publisher_destroy(pub);
}

static void never_is_never(void)
{
	struct zt_publisher *pub = create(ZT_NEVER);
	struct zt_subscriber *sub = stream_open("cam0", &lossless4);
	struct zt_format format = stream_small();
	const struct zt_frame *held[2];
	struct zt_loan *loan;

	fill(pub, sub, held);
	assert_int_equal(zt_loan(pub, &format, 50000000, &loan), -ETIMEDOUT);
	assert_int_equal(stream_stats(pub).evicted, 0);
	zt_release(held[0]);
	stream_publish(pub, &format);
	for (uint64_t i = 3; i <= 5; i++)
		stream_expect(sub, i);
	zt_release(held[1]);
	zt_subscriber_close(sub);
	zt_publisher_destroy(pub);
}

static const struct zt_test tests[] = {
	ZT_TEST(what_the_evicted_holds_stays_untouched),
	ZT_TEST(the_evicted_is_woken),
	ZT_TEST(the_evicted_keeps_its_reserve),
	ZT_TEST(a_stopped_reader_is_evicted),
	ZT_TEST(loans_that_do_not_wait_evict),
	ZT_TEST(a_slow_reader_that_gets_on_is_not_evicted),
	ZT_TEST(waits_of_the_past_do_not_count),
	ZT_TEST(never_is_never),
};
ZT_TEST_MAIN(tests)
