/* SPDX-License-Identifier: MIT */
/* A subscriber outlives its publisher, and goes on with the next one. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "stream.h"

/* Start a publisher in another process; returns when its frames are out. */
static struct harness_peer start(uint64_t frames, unsigned int subscribers)
{
	struct stream_source source = {
		.name = "cam0", .frames = frames,
		.options.flags = ZT_PUBLISHER_BACKPRESSURE,
		.wait_subscribers = subscribers,
	};
	struct harness_peer peer = stream_source_start(&source);

	if (!subscribers)
		harness_expect_event(peer.fd, frames);
	return peer;
}

/* Let it end its stream. */
static void finish(struct harness_peer *peer)
{
	harness_send_event(peer->fd, 0);
	assert_int_equal(harness_reap(peer), 0);
}

/* A publisher, and a subscriber that it has offered four frames. */
static struct zt_subscriber *open_and_start(uint32_t delivery, uint32_t flags,
					    struct harness_peer *ret_peer)
{
	struct zt_subscriber_options options = {
		.delivery = delivery, .held = 4, .flags = flags,
	};
	struct zt_subscriber *sub;

	*ret_peer = start(4, 1);
	sub = stream_open("cam0", &options);
	harness_expect_event(ret_peer->fd, 4);
	return sub;
}

static void frames_of_the_dead_are_drained(void)
{
	for (uint32_t delivery = ZT_LATEST; delivery <= ZT_LOSSLESS;
	     delivery++) {
		struct harness_peer first, second;
		struct zt_subscriber *sub = open_and_start(delivery, 0, &first);
		uint32_t epoch = stream_reader_stats(sub).epoch;
		const struct zt_frame *held, *frame;

		harness_kill(&first);
		held = stream_take_this(sub, delivery == ZT_LATEST ? 4 : 1);
		for (uint64_t i = held->sequence + 1; i <= 4; i++)
			stream_expect(sub, i);
		stream_expect_error(sub, -EAGAIN);
		stream_expect_error(sub, -EAGAIN);
		assert_true(stream_is_painted(held, held->sequence));
		assert_int_equal(held->epoch, epoch);

		second = start(1, 0);
		frame = stream_take_this(sub, 1);
		assert_int_equal(frame->epoch, epoch + 1);
		assert_int_equal(frame->dropped, 0);
		assert_int_equal(stream_reader_stats(sub).epoch, epoch + 1);
		assert_int_equal(stream_reader_stats(sub).reconnects, 1);
		assert_true(stream_is_painted(held, held->sequence));
		zt_release(frame);
		zt_release(held);
		finish(&second);
		stream_await_error(sub, -EPIPE);
		zt_subscriber_close(sub);
	}
}

static void without_reconnecting_it_ends(void)
{
	struct harness_peer peer;
	struct zt_subscriber *sub =
		open_and_start(ZT_QUEUE, ZT_SUBSCRIBER_NO_RECONNECT, &peer);
	const struct zt_frame *held;

	held = stream_take_this(sub, 1);
	harness_kill(&peer);
	for (uint64_t i = 2; i <= 4; i++)
		stream_expect(sub, i);
	stream_await_error(sub, -ECONNRESET);
	stream_expect_error(sub, -ECONNRESET);
	assert_string_not_equal(zt_subscriber_reason(sub), "");
	peer = start(1, 0);
	stream_expect_error(sub, -ECONNRESET);
	assert_true(stream_is_painted(held, 1));
	zt_release(held);
	zt_subscriber_close(sub);
	finish(&peer);
}

static void the_end_comes_after_the_last_frame(void)
{
	for (uint32_t delivery = ZT_LATEST; delivery <= ZT_LOSSLESS;
	     delivery++) {
		struct harness_peer peer;
		struct zt_subscriber *sub = open_and_start(delivery, 0, &peer);
		const struct zt_frame *held;

		finish(&peer);
		held = stream_take_this(sub, delivery == ZT_LATEST ? 4 : 1);
		for (uint64_t i = held->sequence + 1; i <= 4; i++)
			stream_expect(sub, i);
		stream_await_error(sub, -EPIPE);
		stream_expect_error(sub, -EPIPE);
		assert_non_null(strstr(zt_subscriber_reason(sub), "ended"));
		assert_true(stream_is_painted(held, held->sequence));
		zt_subscriber_close(sub);
		assert_true(stream_is_painted(held, held->sequence));
		zt_release(held);
	}
}

/* Asleep in zt_take, whatever happens on the other side. */
static void a_blocked_take_is_woken(void)
{
	struct harness_peer peer = start(1, 0);
	struct stream_reader reader = stream_reader_start("cam0", NULL, 0);

	assert_int_equal(stream_reader_ask(&reader, STREAM_TAKE), 1);
	stream_reader_ask(&reader, STREAM_RELEASE);
	for (int i = 0; i < 5; i++) {
		stream_reader_tell(&reader, STREAM_TAKE);
		harness_until(stream_sleeps(reader.peer.pid));
		harness_kill(&peer);
		peer = start(1, 0);
		assert_int_equal(stream_reader_reply(&reader), 1);
		stream_reader_ask(&reader, STREAM_RELEASE);
	}
	stream_reader_tell(&reader, STREAM_TAKE);
	harness_until(stream_sleeps(reader.peer.pid));
	finish(&peer);
	assert_int_equal(stream_reader_reply(&reader), -EPIPE);
	stream_reader_end(&reader);
}

static void a_stream_that_is_not_there_yet_is_waited_for(void)
{
	static const struct zt_subscriber_options options = {
		.flags = ZT_SUBSCRIBER_WAIT,
	};
	const struct zt_frame *frame;
	struct zt_subscriber *sub;
	struct harness_peer peer;

	assert_non_null(strstr(stream_refused("cam0", NULL, -ENOENT),
			       "no publisher"));
	sub = stream_open("cam0", &options);
	assert_int_equal(zt_take(sub, 1000000, &frame), -ETIMEDOUT);
	assert_int_equal(stream_reader_stats(sub).epoch, 0);
	peer = start(1, 0);
	assert_true(harness_wait_readable(zt_subscriber_fd(sub),
					  HARNESS_PATIENCE));
	stream_expect(sub, 1);
	assert_int_equal(stream_reader_stats(sub).reconnects, 0);
	zt_subscriber_close(sub);
	finish(&peer);
}

/* Nor is its directory. */
static void a_directory_that_is_not_there_yet_is_waited_for(void)
{
	static const struct zt_subscriber_options options = {
		.flags = ZT_SUBSCRIBER_WAIT,
	};
	const char *directory = getenv("ZOETROPE_DIR");
	const struct zt_frame *frame;
	struct zt_subscriber *sub;
	struct harness_peer peer;

	assert_int_equal(rmdir(directory), 0);
	stream_refused("cam0", NULL, -ENOENT);
	sub = stream_open("cam0", &options);
	assert_int_equal(zt_take(sub, 1000000, &frame), -ETIMEDOUT);
	peer = start(1, 0);
	stream_expect(sub, 1);
	zt_subscriber_close(sub);
	finish(&peer);
}

static void a_socket_left_behind_is_in_nobodys_way(void)
{
	struct harness_peer peer = start(1, 0);
	struct zt_stream_entry *entries = NULL;
	struct zt_subscriber *sub;
	struct stat status;
	char path[300];

	harness_kill(&peer);
	snprintf(path, sizeof(path), "%s/cam0.sock", getenv("ZOETROPE_DIR"));
	assert_int_equal(stat(path, &status), 0);
	stream_refused("cam0", NULL, -ENOENT);
	assert_int_equal(zt_stream_list(&entries), 0);
	free(entries);
	peer = start(1, 0);
	sub = stream_open("cam0", NULL);
	stream_expect(sub, 1);
	assert_int_equal(stream_reader_stats(sub).epoch, 2);
	zt_subscriber_close(sub);
	finish(&peer);
	assert_int_equal(stat(path, &status), -1);
}

static void a_name_has_one_publisher(void)
{
	struct zt_publisher_options options = { .size = sizeof(options) };
	struct zt_publisher *own, *pub = NULL;
	char reason[ZT_REASON_MAX] = "";
	struct harness_peer peer = start(1, 0);
	struct zt_subscriber *sub = stream_open("cam0", NULL);

	assert_int_equal(zt_publisher_create("cam0", &options, &pub, reason),
			 -EADDRINUSE);
	assert_null(pub);
	assert_non_null(strstr(reason, "cam0"));
	/* The other one did not notice. */
	stream_expect(sub, 1);
	zt_subscriber_close(sub);
	harness_kill(&peer);

	own = stream_create("cam0", NULL);
	assert_int_equal(zt_publisher_create("cam0", &options, &pub, reason),
			 -EADDRINUSE);
	sub = stream_open("cam0", NULL);
	zt_subscriber_close(sub);
	zt_publisher_destroy(own);
	zt_publisher_destroy(stream_create("cam0", NULL));
}

static void follows_many_publishers(void)
{
	static const struct zt_subscriber_options options = {
		.delivery = ZT_LOSSLESS, .flags = ZT_SUBSCRIBER_WAIT,
	};
	struct zt_subscriber *sub = stream_open("cam0", &options);
	const struct zt_frame *frame;

	for (uint64_t epoch = 1; epoch <= 20; epoch++) {
		struct harness_peer peer = start(2, 0);

		frame = stream_take_this(sub, 2);
		assert_int_equal(frame->epoch, epoch);
		zt_release(frame);
		harness_kill(&peer);
	}
	assert_int_equal(stream_reader_stats(sub).reconnects, 19);
	assert_int_equal(stream_reader_stats(sub).taken, 20);
	zt_subscriber_close(sub);
}

/* The next publisher may not want it. */
static void the_next_publisher_may_refuse(void)
{
	static const struct zt_subscriber_options options = {
		.delivery = ZT_LOSSLESS,
	};
	struct harness_peer peer = start(1, 0);
	struct zt_subscriber *sub = stream_open("cam0", &options);
	struct zt_publisher *pub;

	harness_kill(&peer);
	stream_expect(sub, 1);
	pub = stream_create("cam0", NULL);
	stream_await_error(sub, -ECONNREFUSED);
	assert_non_null(strstr(zt_subscriber_reason(sub), "back-pressure"));
	zt_publisher_destroy(pub);
	zt_subscriber_close(sub);
}

static void a_publisher_that_does_not_answer_is_not_waited_for_ever(void)
{
	struct zt_subscriber_options options = { .join_timeout_ns = 20000000 };
	struct harness_peer peer = start(1, 0);
	const struct zt_frame *frame;
	struct zt_subscriber *sub;

	harness_signal(&peer, SIGSTOP);
	assert_non_null(strstr(stream_refused("cam0", &options, -ETIMEDOUT),
			       "does not answer"));
	/* One that waits is told by zt_take, and can try again. */
	options.flags = ZT_SUBSCRIBER_WAIT;
	assert_non_null(strstr(stream_refused("cam0", &options, -ETIMEDOUT),
			       "does not answer"));
	harness_kill(&peer);
	sub = stream_open("cam0", &options);
	peer = start(1, 0);
	harness_until(zt_take(sub, 0, &frame) == 0);
	zt_release(frame);
	zt_subscriber_close(sub);
	finish(&peer);
}

static const struct zt_test tests[] = {
	ZT_TEST(frames_of_the_dead_are_drained, .flags = ZT_LEAVES_SOCKETS),
	ZT_TEST(without_reconnecting_it_ends),
	ZT_TEST(the_end_comes_after_the_last_frame),
	ZT_TEST(a_blocked_take_is_woken),
	ZT_TEST(a_stream_that_is_not_there_yet_is_waited_for),
	ZT_TEST(a_directory_that_is_not_there_yet_is_waited_for),
	ZT_TEST(a_socket_left_behind_is_in_nobodys_way),
	ZT_TEST(a_name_has_one_publisher),
	ZT_TEST(follows_many_publishers, .flags = ZT_LEAVES_SOCKETS),
	ZT_TEST(the_next_publisher_may_refuse),
	ZT_TEST(a_publisher_that_does_not_answer_is_not_waited_for_ever),
};
ZT_TEST_MAIN(tests)
