/* SPDX-License-Identifier: MIT */
/* zt_subscriber_fd: readable whenever zt_take would not return -EAGAIN. */
#include <poll.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "stream.h"

static bool readable_now(int fd)
{
	struct pollfd pollfd = { .fd = fd, .events = POLLIN };

	assert_true(poll(&pollfd, 1, 0) >= 0);
	return pollfd.revents & POLLIN;
}

/* Nothing is there: then the fd is not readable, and stays so. */
static void settle(struct zt_subscriber *sub)
{
	const struct zt_frame *frame;

	harness_until((assert_int_equal(zt_take(sub, 0, &frame), -EAGAIN),
		       !readable_now(zt_subscriber_fd(sub))));
}

static void is_readable_where_a_frame_is(uint32_t delivery)
{
	static const struct zt_publisher_options backpressure = {
		.flags = ZT_PUBLISHER_BACKPRESSURE,
	};
	struct zt_subscriber_options options = {
		.delivery = delivery, .held = 4,
	};
	struct zt_publisher *pub = stream_create("cam0", &backpressure);
	struct zt_subscriber *sub = stream_open("cam0", &options);
	struct zt_format format = stream_small();
	int fd = zt_subscriber_fd(sub);
	const struct zt_frame *held;

	settle(sub);
	for (uint64_t i = 1; i < 50; i++) {
		stream_publish(pub, &format);
		assert_true(readable_now(fd));
		stream_expect(sub, i);
		stream_expect_error(sub, -EAGAIN);
		assert_false(readable_now(fd));
	}
	/* While others are held. */
	stream_publish(pub, &format);
	held = stream_take_this(sub, 50);
	settle(sub);
	for (uint64_t i = 51; i < 60; i++) {
		stream_publish(pub, &format);
		assert_true(readable_now(fd));
		stream_expect(sub, i);
		stream_expect_error(sub, -EAGAIN);
		assert_false(readable_now(fd));
	}
	/* A release is not what it tells. */
	zt_release(held);
	assert_false(readable_now(fd));
	assert_int_equal(zt_subscriber_fd(sub), fd);
	zt_subscriber_close(sub);
	zt_publisher_destroy(pub);
}

static void tells_of_frames(void)
{
	for (uint32_t delivery = ZT_LATEST; delivery <= ZT_LOSSLESS;
	     delivery++)
		is_readable_where_a_frame_is(delivery);
}

/* Who does not take at once is told once more. */
static void stays_readable_until_all_is_taken(void)
{
	static const struct zt_subscriber_options queue = {
		.delivery = ZT_QUEUE,
	};
	struct zt_publisher *pub = stream_create("cam0", NULL);
	struct zt_subscriber *sub = stream_open("cam0", &queue);
	struct zt_format format = stream_small();

	settle(sub);
	for (int i = 0; i < 3; i++)
		stream_publish(pub, &format);
	for (uint64_t i = 1; i <= 3; i++) {
		assert_true(readable_now(zt_subscriber_fd(sub)));
		stream_expect(sub, i);
	}
	settle(sub);
	zt_subscriber_close(sub);
	zt_publisher_destroy(pub);
}

static struct harness_peer start(void)
{
	struct stream_source source = { .name = "cam0", .frames = 1 };
	struct harness_peer peer = stream_source_start(&source);

	harness_expect_event(peer.fd, 1);
	return peer;
}

/* The newest frame is there for who joins, who may wait for it at once. */
static void is_readable_right_after_the_join(void)
{
	struct zt_publisher *pub = stream_create("cam0", NULL);
	struct zt_format format = stream_small();

	stream_publish(pub, &format);
	for (uint32_t delivery = ZT_LATEST; delivery <= ZT_QUEUE; delivery++) {
		struct zt_subscriber_options options = { .delivery = delivery };
		struct zt_subscriber *sub = stream_open("cam0", &options);

		assert_true(harness_wait_readable(zt_subscriber_fd(sub),
						  1000));
		stream_expect(sub, 1);
		settle(sub);
		zt_subscriber_close(sub);
	}
	zt_publisher_destroy(pub);
}

static void is_the_same_across_publishers(void)
{
	static const struct zt_subscriber_options options = {
		.flags = ZT_SUBSCRIBER_WAIT,
	};
	struct zt_subscriber *sub = stream_open("cam0", &options);
	int fd = zt_subscriber_fd(sub);

	for (int i = 0; i < 3; i++) {
		const struct zt_frame *frame;
		struct harness_peer peer;
		int r;

		settle(sub);
		peer = start();
		/* Step by step: it joins from within zt_take. */
		do {
			assert_true(harness_wait_readable(fd,
							  HARNESS_PATIENCE));
			r = zt_take(sub, 0, &frame);
		} while (r == -EAGAIN);
		assert_int_equal(r, 0);
		zt_release(frame);
		settle(sub);
		harness_kill(&peer);
		assert_true(harness_wait_readable(fd, HARNESS_PATIENCE));
		assert_int_equal(zt_subscriber_fd(sub), fd);
	}
	zt_subscriber_close(sub);
	zt_publisher_destroy(stream_create("cam0", NULL));
}

static void tells_of_the_end(void)
{
	struct harness_peer peer = start();
	struct zt_subscriber *sub = stream_open("cam0", NULL);
	int fd = zt_subscriber_fd(sub);

	stream_expect(sub, 1);
	settle(sub);
	harness_send_event(peer.fd, 0);
	assert_true(harness_wait_readable(fd, HARNESS_PATIENCE));
	assert_int_equal(harness_reap(&peer), 0);
	stream_await_error(sub, -EPIPE);
	assert_true(readable_now(fd));
	zt_subscriber_close(sub);
}

/* Only the end of it ends this loop; it never turns without a reason. */
static void serves_an_event_loop(void)
{
	struct stream_source source = {
		.name = "cam0", .frames = 200, .wait_subscribers = 2,
		.options.flags = ZT_PUBLISHER_BACKPRESSURE,
	};
	static const struct zt_subscriber_options options[2] = {
		{ .delivery = ZT_LOSSLESS }, { .delivery = ZT_LATEST },
	};
	struct harness_peer peer = stream_source_start(&source);
	int epoll = epoll_create1(EPOLL_CLOEXEC);
	struct zt_subscriber *subs[2];
	unsigned int open = 2, taken[2] = { 0 }, turns = 0;

	for (unsigned int i = 0; i < 2; i++) {
		struct epoll_event event = { .events = EPOLLIN,
					     .data.u32 = i };

		subs[i] = stream_open("cam0", &options[i]);
		assert_int_equal(epoll_ctl(epoll, EPOLL_CTL_ADD,
					   zt_subscriber_fd(subs[i]), &event),
				 0);
	}
	harness_send_event(peer.fd, 0);
	while (open) {
		struct epoll_event event;
		const struct zt_frame *frame;
		struct zt_subscriber *sub;
		int r;

		assert_int_equal(epoll_wait(epoll, &event, 1,
					    HARNESS_PATIENCE), 1);
		turns++;
		sub = subs[event.data.u32];
		while ((r = zt_take(sub, 0, &frame)) == 0) {
			assert_true(stream_is_painted(frame, frame->sequence));
			zt_release(frame);
			taken[event.data.u32]++;
		}
		if (r == -EAGAIN)
			continue;
		assert_int_equal(r, -EPIPE);
		epoll_ctl(epoll, EPOLL_CTL_DEL, zt_subscriber_fd(sub), NULL);
		open--;
	}
	assert_int_equal(taken[0], 200);
	assert_true(taken[1] > 0);
	/* A wake a frame for each, the messages of two joins, two ends. */
	assert_true(turns < 2 * 200 + 20);
	for (unsigned int i = 0; i < 2; i++)
		zt_subscriber_close(subs[i]);
	close(epoll);
	harness_expect_event(peer.fd, 200);
	assert_int_equal(harness_reap(&peer), 0);
}

static const struct zt_test tests[] = {
	ZT_TEST(tells_of_frames),
	ZT_TEST(stays_readable_until_all_is_taken),
	ZT_TEST(is_readable_right_after_the_join),
	ZT_TEST(is_the_same_across_publishers),
	ZT_TEST(tells_of_the_end),
	ZT_TEST(serves_an_event_loop),
};
ZT_TEST_MAIN(tests)
