/* SPDX-License-Identifier: MIT */
/*
 * A process that has used up its descriptors (RLIMIT_NOFILE): with each number
 * that is left, from none up, it is told -EMFILE with a reason and keeps what
 * it has, until there are enough.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "stream.h"

static struct rlimit usual;

static rlim_t limit_for(unsigned int left)
{
	rlim_t limit = 0;

	for (;; limit++) {
		if (fcntl((int)limit, F_GETFD) >= 0)
			continue;
		if (!left--)
			return limit;
	}
}

static void leave(unsigned int left)
{
	struct rlimit limit;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &usual), 0);
	limit = usual;
	limit.rlim_cur = limit_for(left);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

static void leave_all(void)
{
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &usual), 0);
}

static void check_told(int r, const char *reason, unsigned int left)
{
	printf("%u left: %s\n", left, reason);
	if (r != -EMFILE || !strlen(reason))
		fail_msg("with %u left it is told %s (%s)", left,
			 strerrorname_np(-r), reason);
}

static void a_publisher_is_created(void)
{
	struct zt_format format = stream_small();
	struct zt_publisher_options options = {
		.size = sizeof(options), .format = &format,
	};
	struct zt_publisher *pub = NULL;
	char reason[ZT_REASON_MAX] = "";
	unsigned int left = 0;

	for (; !pub; left++) {
		int r;

		leave(left);
		r = zt_publisher_create("cam0", &options, &pub, reason);
		leave_all();
		if (r < 0)
			check_told(r, reason, left);
	}
	assert_true(left > 5);
	stream_publish(pub, NULL);
	zt_publisher_destroy(pub);
}

static void a_subscriber_is_opened(void)
{
	struct stream_source source = { .name = "cam0", .frames = 1 };
	struct harness_peer publisher = stream_source_start(&source);
	struct zt_subscriber *sub = NULL;
	char reason[ZT_REASON_MAX] = "";
	unsigned int left = 0;

	harness_expect_event(publisher.fd, 1);
	for (; !sub; left++) {
		int r;

		leave(left);
		r = stream_try_open("cam0", NULL, &sub, reason);
		leave_all();
		if (r < 0)
			check_told(r, reason, left);
	}
	assert_true(left > 3);
	stream_expect(sub, 1);
	zt_subscriber_close(sub);
	assert_true(harness_send_event(publisher.fd, 0));
	assert_int_equal(harness_reap(&publisher), 0);
}

/*
 * New memory comes, and there is no number for its descriptor: the stream is
 * lost to this subscriber, which can be closed, and opened again.
 */
static void memory_grows(void)
{
	struct zt_format big = stream_sized(65536);
	struct zt_publisher *pub = stream_create("cam0", NULL);
	struct zt_subscriber *sub = stream_open("cam0", NULL);
	struct stream_reader other = stream_reader_start("cam0", NULL, 0);

	stream_publish(pub, NULL);
	stream_expect(sub, 1);
	assert_int_equal(stream_reader_ask(&other, STREAM_TAKE), 1);
	assert_int_equal(stream_reader_ask(&other, STREAM_RELEASE), 1);
	stream_publish(pub, &big);
	leave(0);
	stream_await_error(sub, -EMFILE);
	printf("%s\n", zt_subscriber_reason(sub));
	assert_true(strlen(zt_subscriber_reason(sub)) > 0);
	stream_expect_error(sub, -EMFILE);
	leave_all();
	zt_subscriber_close(sub);
	assert_int_equal(stream_reader_ask(&other, STREAM_TAKE), 2);
	sub = stream_open("cam0", NULL);
	stream_expect(sub, 2);
	zt_subscriber_close(sub);
	stream_reader_end(&other);
	zt_publisher_destroy(pub);
}

/*
 * Joins come to a publisher that has too few left: it refuses in words, or
 * leaves them waiting until it has some again. Who has joined goes on.
 */
static void others_join(void)
{
	struct zt_subscriber_options lossless = { .delivery = ZT_LOSSLESS };
	struct zt_publisher_options options = {
		.flags = ZT_PUBLISHER_BACKPRESSURE, .slots = 16,
	};
	struct zt_publisher *pub = stream_create("cam0", &options);
	struct stream_reader old = stream_reader_start("cam0", &lossless, 0);
	bool joined = false;

	for (unsigned int left = 0; !joined; left++) {
		struct stream_reader reader =
			stream_reader_spawn("cam0", NULL, 0);
		uint64_t frame, event;
		int r;

		leave(left);
		frame = stream_publish_in_time(pub, NULL);
		assert_int_equal(stream_reader_ask(&old, STREAM_TAKE), frame);
		r = harness_wait_event(reader.peer.fd, left ? 3000 : 300,
				       &event);
		leave_all();
		if (r == -ETIMEDOUT)
			event = (uint64_t)stream_reader_reply(&reader);
		printf("%u left: %s\n", left, (int)event ?
		       strerrorname_np(-(int)event) : "joined");
		joined = r == 0 && event == 0;
		assert_true(event == 0 || (int)event == -ECONNREFUSED);
		stream_reader_end(&reader);
		assert_int_equal(stream_reader_ask(&old, STREAM_RELEASE),
				 frame);
	}
	stream_reader_end(&old);
	zt_publisher_destroy(pub);
}

static void streams_are_listed(void)
{
	struct zt_publisher *pub = stream_create("cam0", NULL);
	struct zt_stream_entry *entries = NULL;
	struct zt_monitor *monitor = NULL;
	char reason[ZT_REASON_MAX] = "";
	unsigned int left = 0;
	int r;

	do {
		leave(left);
		r = zt_stream_list(&entries);
		leave_all();
		if (r != 1)
			assert_int_equal(r, -EMFILE);
	} while (r != 1 && ++left);
	assert_true(left > 0);
	assert_string_equal(entries[0].name, "cam0");
	free(entries);
	leave(0);
	r = zt_monitor_open("cam0", stream_patience(), &monitor, reason);
	leave_all();
	check_told(r, reason, 0);
	zt_publisher_destroy(pub);
}

static const struct zt_test tests[] = {
	ZT_TEST(a_publisher_is_created),
	ZT_TEST(a_subscriber_is_opened),
	ZT_TEST(memory_grows),
	ZT_TEST(others_join),
	ZT_TEST(streams_are_listed),
};
ZT_TEST_MAIN(tests)
