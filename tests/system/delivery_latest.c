/* SPDX-License-Identifier: MIT */
/* `latest`: the newest frame not yet seen, for whoever is slow, too. */
#include <pthread.h>

#include "stream.h"

static void gets_the_newest_only(void)
{
	struct zt_publisher *pub = stream_create("cam0", NULL);
	struct zt_subscriber *sub = stream_open("cam0", NULL);
	struct zt_format format = stream_small();
	const struct zt_frame *frame;

	stream_expect_error(sub, -EAGAIN);
	for (int i = 0; i < 3; i++)
		stream_publish(pub, &format);
	frame = stream_take_this(sub, 3);
	assert_int_equal(frame->dropped, 2);
	zt_release(frame);
	stream_expect_error(sub, -EAGAIN);

	for (int i = 0; i < 5; i++)
		stream_publish(pub, &format);
	frame = stream_take_this(sub, 8);
	assert_int_equal(frame->dropped, 4);
	zt_release(frame);
	stream_expect_error(sub, -EAGAIN);
	assert_int_equal(stream_reader_stats(sub).taken, 2);
	assert_int_equal(stream_reader_stats(sub).dropped, 6);
	zt_subscriber_close(sub);
	zt_publisher_destroy(pub);
}

static void holding_one_it_still_gets_the_newest_after(void)
{
	struct zt_publisher *pub = stream_create("cam0", NULL);
	struct zt_subscriber *sub = stream_open("cam0", NULL);
	struct zt_format format = stream_small();
	const struct zt_frame *held;

	stream_publish(pub, &format);
	held = stream_take_this(sub, 1);
	for (int i = 0; i < 20; i++) {
		stream_publish(pub, &format);
		stream_expect_error(sub, -EBUSY);
		assert_true(stream_is_painted(held, 1));
	}
	assert_string_not_equal(zt_subscriber_reason(sub), "");
	zt_release(held);
	stream_expect(sub, 21);
	stream_expect_error(sub, -EAGAIN);
	zt_subscriber_close(sub);
	zt_publisher_destroy(pub);
}

static void holds_several_and_releases_in_any_order(void)
{
	static const struct zt_subscriber_options options = { .held = 3 };
	struct zt_publisher *pub = stream_create("cam0", NULL);
	struct zt_subscriber *sub = stream_open("cam0", &options);
	struct zt_format format = stream_small();
	const struct zt_frame *held[3];

	for (unsigned int i = 0; i < 3; i++) {
		stream_publish(pub, &format);
		held[i] = stream_take_this(sub, i + 1);
	}
	assert_int_equal(stream_reader_stats(sub).held, 3);
	for (int i = 0; i < 10; i++)
		stream_publish(pub, &format);
	stream_expect_error(sub, -EBUSY);
	for (unsigned int i = 0; i < 3; i++)
		assert_true(stream_is_painted(held[i], i + 1));

	zt_release(held[1]);
	held[1] = stream_take_this(sub, 13);
	stream_expect_error(sub, -EBUSY);
	zt_release(held[2]);
	stream_expect_error(sub, -EAGAIN);
	for (int i = 0; i < 10; i++)
		stream_publish(pub, &format);
	assert_true(stream_is_painted(held[0], 1));
	assert_true(stream_is_painted(held[1], 13));
	zt_release(held[1]);
	zt_release(held[0]);
	stream_expect(sub, 23);
	assert_int_equal(stream_reader_stats(sub).held, 0);
	zt_subscriber_close(sub);
	zt_publisher_destroy(pub);
}

/* Twice is ignored; so is NULL. */
static void releasing_what_is_released_does_no_harm(void)
{
	static const struct zt_subscriber_options options = { .held = 2 };
	struct zt_publisher *pub = stream_create("cam0", NULL);
	struct zt_subscriber *sub = stream_open("cam0", &options);
	struct zt_format format = stream_small();
	const struct zt_frame *first, *second;

	stream_publish(pub, &format);
	first = stream_take_this(sub, 1);
	stream_publish(pub, &format);
	second = stream_take_this(sub, 2);
	zt_release(NULL);
	zt_release(first);
	zt_release(first);
	zt_release(first);
	assert_int_equal(stream_reader_stats(sub).held, 1);
	for (int i = 0; i < 10; i++)
		stream_publish(pub, &format);
	assert_true(stream_is_painted(second, 2));
	zt_release(second);
	stream_expect(sub, 12);
	zt_subscriber_close(sub);
	zt_publisher_destroy(pub);
}

static void *release_it(void *frame)
{
	zt_release(frame);
	return NULL;
}

static void releases_from_another_thread(void)
{
	struct zt_publisher *pub = stream_create("cam0", NULL);
	struct zt_subscriber *sub = stream_open("cam0", NULL);
	struct zt_format format = stream_small();

	for (unsigned int i = 1; i <= 50; i++) {
		const struct zt_frame *frame;
		pthread_t thread;

		stream_publish(pub, &format);
		frame = stream_take_this(sub, i);
		assert_int_equal(pthread_create(&thread, NULL, release_it,
						(void *)(uintptr_t)frame), 0);
		pthread_join(thread, NULL);
	}
	zt_subscriber_close(sub);
	zt_publisher_destroy(pub);
}

/* A publisher that does not wait for anybody. */
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

/* Take all there is to the end; give back in another order than it came. */
static void follow(struct zt_subscriber *sub, uint64_t frames)
{
	const struct zt_frame *held[2] = { NULL, NULL }, *frame;
	uint64_t last = 0, dropped = 0, taken = 0;
	int r;

	while ((r = zt_take(sub, stream_patience(), &frame)) == 0) {
		assert_true(frame->sequence > last);
		assert_int_equal(frame->dropped, frame->sequence - last - 1);
		assert_true(stream_is_painted(frame, frame->sequence));
		last = frame->sequence;
		dropped += frame->dropped;
		taken++;
		if (held[last & 1])
			assert_true(stream_is_painted(
				held[last & 1], held[last & 1]->sequence));
		zt_release(held[last & 1]);
		held[last & 1] = frame;
	}
	assert_int_equal(r, -EPIPE);
	assert_int_equal(last, frames);
	assert_int_equal(taken + dropped, frames);
	assert_int_equal(stream_reader_stats(sub).taken, taken);
	assert_int_equal(stream_reader_stats(sub).dropped, dropped);
	zt_release(held[0]);
	zt_release(held[1]);
}

static int follow_in_peer(int fd, void *argument)
{
	static const struct zt_subscriber_options options = {
		.held = 3, .flags = ZT_SUBSCRIBER_WAIT,
	};
	struct zt_subscriber *sub = stream_open("cam0", &options);

	(void)fd;
	follow(sub, *(const uint64_t *)argument);
	zt_subscriber_close(sub);
	return 0;
}

static void never_goes_back(void)
{
	uint64_t frames = 20000;
	struct harness_peer reader = harness_spawn(follow_in_peer, &frames);
	struct harness_peer publisher = harness_spawn(publish_fast, &frames);

	follow_in_peer(-1, &frames);
	assert_int_equal(harness_reap(&publisher), 0);
	assert_int_equal(harness_reap(&reader), 0);
}

/* What it gets was published at least that far apart; nobody waits. */
static void min_interval_limits_the_rate(void)
{
	static const struct zt_subscriber_options options = {
		.min_interval_ns = 20000000,
	};
	struct zt_publisher *pub = stream_create("cam0", NULL);
	struct zt_subscriber *sub = stream_open("cam0", &options);
	struct zt_subscriber *all = stream_open("cam0", NULL);
	struct zt_format format = stream_small();
	const struct zt_frame *frame;
	int64_t last = 0;

	for (int i = 0; i < 5; i++) {
		uint64_t before = stream_stats(pub).published;

		do
			stream_expect(all, stream_publish(pub, &format));
		while (zt_take(sub, 0, &frame) < 0);
		assert_true(frame->sequence > before);
		if (last)
			assert_true(frame->published_ns - last >= 20000000);
		last = frame->published_ns;
		zt_release(frame);
	}
	assert_true(stream_reader_stats(sub).dropped > 0);
	zt_subscriber_close(all);
	zt_subscriber_close(sub);
	zt_publisher_destroy(pub);
}

/* A frame that waited long and was replaced by newer ones does not count. */
static void min_interval_counts_from_what_is_taken(void)
{
	static const struct zt_subscriber_options options = {
		.min_interval_ns = 50000000,
	};
	struct zt_publisher *pub = stream_create("cam0", NULL);
	struct zt_subscriber *sub = stream_open("cam0", &options);
	struct zt_format format = stream_small();
	const struct zt_frame *frame;
	int64_t limit = harness_limit_ns(60), first;

	while (harness_nap_until(limit))
		stream_publish(pub, &format);
	frame = stream_take_this(sub, stream_publish(pub, &format));
	first = frame->published_ns;
	zt_release(frame);
	stream_publish(pub, &format);
	if (zt_take(sub, 0, &frame) == 0) {
		assert_true(frame->published_ns - first >= 50000000);
		zt_release(frame);
	}
	zt_subscriber_close(sub);
	zt_publisher_destroy(pub);
}

static const struct zt_test tests[] = {
	ZT_TEST(gets_the_newest_only),
	ZT_TEST(holding_one_it_still_gets_the_newest_after),
	ZT_TEST(holds_several_and_releases_in_any_order),
	ZT_TEST(releasing_what_is_released_does_no_harm),
	ZT_TEST(releases_from_another_thread),
	ZT_TEST(never_goes_back),
	ZT_TEST(min_interval_limits_the_rate),
	ZT_TEST(min_interval_counts_from_what_is_taken),
};
ZT_TEST_MAIN(tests)
