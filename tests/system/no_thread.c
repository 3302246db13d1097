/* SPDX-License-Identifier: MIT */
/* A publisher without a thread of its own, served by its program's loop. */
#include <dirent.h>
#include <poll.h>
#include <unistd.h>

#include "stream.h"

static const struct zt_publisher_options no_thread = {
	.flags = ZT_PUBLISHER_NO_THREAD | ZT_PUBLISHER_BACKPRESSURE,
};
static const struct zt_subscriber_options lossless2 = {
	.delivery = ZT_LOSSLESS, .depth = 2,
};

/* Serve until nothing is left to be served. */
static void dispatch(struct zt_publisher *pub)
{
	struct pollfd pollfd = { .fd = zt_publisher_fd(pub), .events = POLLIN };

	while (poll(&pollfd, 1, 0) == 1)
		assert_true(zt_publisher_dispatch(pub) >= 0);
}

/* Serve as events come, until the reader replies. */
static int64_t serve_until_reply(struct zt_publisher *pub,
				 struct stream_reader *reader)
{
	struct pollfd pollfds[2] = {
		{ .fd = zt_publisher_fd(pub), .events = POLLIN },
		{ .fd = reader->peer.fd, .events = POLLIN },
	};

	while (!pollfds[1].revents) {
		assert_true(poll(pollfds, 2, HARNESS_PATIENCE) > 0);
		if (pollfds[0].revents)
			assert_true(zt_publisher_dispatch(pub) >= 0);
	}
	return stream_reader_reply(reader);
}

static int64_t ask(struct zt_publisher *pub, struct stream_reader *reader,
		   enum stream_verb verb)
{
	stream_reader_tell(reader, verb);
	return serve_until_reply(pub, reader);
}

static struct stream_reader start(struct zt_publisher *pub,
				  const struct zt_subscriber_options *options)
{
	struct stream_reader reader = stream_reader_spawn("cam0", options, 0);

	assert_int_equal(serve_until_reply(pub, &reader), 0);
	return reader;
}

static bool is_readable(struct zt_publisher *pub)
{
	struct pollfd pollfd = { .fd = zt_publisher_fd(pub), .events = POLLIN };

	return poll(&pollfd, 1, 0) == 1;
}

static unsigned int count_threads(void)
{
	DIR *dir = opendir("/proc/self/task");
	unsigned int count = 0;

	while (readdir(dir))
		count++;
	closedir(dir);
	return count - 2;
}

static void there_is_no_thread(void)
{
	unsigned int before = count_threads();
	struct zt_publisher *pub = stream_create("cam0", &no_thread);

	assert_int_equal(count_threads(), before);
	zt_publisher_destroy(pub);
	pub = stream_create("cam0", NULL);
	assert_int_equal(count_threads(), before + 1);
	zt_publisher_destroy(pub);
}

static void serves_joins_and_hang_ups(void)
{
	struct zt_publisher *pub = stream_create("cam0", &no_thread);

	dispatch(pub);
	assert_false(is_readable(pub));
	assert_int_equal(zt_publisher_dispatch(pub), 0);
	for (int i = 0; i < 3; i++) {
		struct stream_reader reader = start(pub, &lossless2);

		assert_int_equal(zt_publisher_subscribers(pub), 1);
		dispatch(pub);
		assert_false(is_readable(pub));
		if (i == 2)
			harness_kill(&reader.peer);
		else
			assert_int_equal(ask(pub, &reader, STREAM_CLOSE), 0);
		harness_until((dispatch(pub),
			       zt_publisher_subscribers(pub) == 0));
		if (i != 2)
			stream_reader_end(&reader);
	}
	zt_publisher_destroy(pub);
}

/* Nobody calls zt_publisher_dispatch() here. */
static void waiting_for_subscribers_serves(void)
{
	struct zt_publisher *pub = stream_create("cam0", &no_thread);
	struct stream_reader readers[2];

	assert_int_equal(zt_publisher_wait_subscribers(pub, 1, 0), -ETIMEDOUT);
	assert_int_equal(zt_publisher_wait_subscribers(pub, 1, 1000000),
			 -ETIMEDOUT);
	for (int i = 0; i < 2; i++)
		readers[i] = stream_reader_spawn("cam0", &lossless2, 0);
	/* The first has to map the second's memory: it is in zt_take. */
	stream_wait_subscribers(pub, 1);
	for (int i = 0; i < 2; i++)
		stream_reader_tell(&readers[i], STREAM_TAKE);
	stream_wait_subscribers(pub, 2);
	stream_publish_in_time(pub, NULL);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(stream_reader_reply(&readers[i]), 0);
		assert_int_equal(stream_reader_reply(&readers[i]), 1);
		stream_reader_end(&readers[i]);
	}
	zt_publisher_destroy(pub);
}

/* Loans that never wait, in a loop, with frames that outgrow their slots. */
static void serves_a_loop(void)
{
	struct zt_publisher *pub = stream_create("cam0", &no_thread);
	struct stream_reader reader = start(pub, &lossless2);
	struct pollfd pollfd = { .fd = zt_publisher_fd(pub), .events = POLLIN };

	stream_reader_tell(&reader, STREAM_RUN);
	for (uint64_t n = 1; n <= 200;) {
		struct zt_format format = stream_sized(4096 * (1 + n / 20));
		struct zt_loan *loan;
		int r = zt_loan(pub, &format, 0, &loan);

		if (r == -EAGAIN) {
			assert_int_equal(poll(&pollfd, 1, HARNESS_PATIENCE),
					 1);
			assert_true(zt_publisher_dispatch(pub) >= 0);
			continue;
		}
		assert_int_equal(r, 0);
		stream_paint(loan, n++);
		assert_int_equal(zt_publish(pub, loan), 0);
	}
	zt_publisher_destroy(pub);
	assert_int_equal(stream_reader_reply(&reader), 200);
	stream_reader_end(&reader);
}

/* While it sleeps, a loan serves as the loop would. */
static void a_blocked_loan_serves(void)
{
	struct zt_publisher *pub = stream_create("cam0", &no_thread);
	struct stream_reader reader = start(pub, &lossless2), second;
	struct zt_loan *loan;

	stream_reader_tell(&reader, STREAM_RUN);
	for (uint64_t n = 1; n <= 100; n++) {
		struct zt_format format = stream_sized(4096 * (1 + n / 20));

		stream_publish_in_time(pub, &format);
		if (n == 50)
			second = stream_reader_spawn("cam0", NULL, 0);
	}
	stream_wait_subscribers(pub, 2);
	/* One that is in the way dies, and nobody dispatches. */
	harness_signal(&reader.peer, SIGSTOP);
	while (zt_loan(pub, NULL, 0, &loan) == 0) {
		stream_paint(loan, stream_stats(pub).published + 1);
		assert_int_equal(zt_publish(pub, loan), 0);
	}
	harness_kill(&reader.peer);
	zt_discard(pub, stream_loan_in_time(pub, NULL));
	assert_int_equal(zt_publisher_subscribers(pub), 1);
	assert_int_equal(stream_reader_reply(&second), 0);
	stream_reader_end(&second);
	zt_publisher_destroy(pub);
}

static void a_slot_that_comes_free_makes_the_fd_readable(void)
{
	struct zt_publisher *pub = stream_create("cam0", &no_thread);
	struct stream_reader reader = start(pub, &lossless2);
	struct zt_format format = stream_small();
	struct zt_loan *loan;

	for (int64_t n = 1; n <= 20; n++) {
		int64_t timeout_ns = n % 2 ? 0 : 1000;

		while (stream_stats(pub).published < (uint64_t)n + 1)
			stream_publish(pub, &format);
		assert_int_equal(zt_loan(pub, &format, timeout_ns, &loan),
				 n % 2 ? -EAGAIN : -ETIMEDOUT);
		dispatch(pub);
		assert_false(is_readable(pub));
		/* Nobody dispatches: the fd alone is looked at. */
		assert_int_equal(stream_reader_ask(&reader, STREAM_TAKE), n);
		stream_reader_ask(&reader, STREAM_RELEASE);
		assert_true(is_readable(pub));
		loan = stream_loan(pub, &format);
		zt_discard(pub, loan);
		dispatch(pub);
	}
	stream_reader_end(&reader);
	zt_publisher_destroy(pub);
}

static void tells_of_evictions(void)
{
	static const struct zt_publisher_options options = {
		.flags = ZT_PUBLISHER_NO_THREAD | ZT_PUBLISHER_BACKPRESSURE,
		.evict_after_ns = 1000000,
	};
	struct zt_publisher *pub = stream_create("cam0", &options);
	struct stream_reader reader = start(pub, &lossless2);
	struct zt_format format = stream_small();

	for (int i = 0; i < 3; i++)
		stream_publish_in_time(pub, &format);
	assert_int_equal(stream_stats(pub).evicted, 1);
	assert_int_equal(ask(pub, &reader, STREAM_TAKE), -ESHUTDOWN);
	stream_reader_end(&reader);
	zt_publisher_destroy(pub);
}

static const struct zt_test tests[] = {
	ZT_TEST(there_is_no_thread),
	ZT_TEST(serves_joins_and_hang_ups),
	ZT_TEST(waiting_for_subscribers_serves),
	ZT_TEST(serves_a_loop),
	ZT_TEST(a_blocked_loan_serves),
	ZT_TEST(a_slot_that_comes_free_makes_the_fd_readable),
	ZT_TEST(tells_of_evictions),
};
ZT_TEST_MAIN(tests)
