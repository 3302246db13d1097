/* SPDX-License-Identifier: MIT */
/* Looking at streams from outside: the list, the monitor, the plan. */
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "stream.h"

static int64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * INT64_C(1000000000) + ts.tv_nsec;
}

static struct zt_monitor *watch(const char *name)
{
	char reason[ZT_REASON_MAX] = "";
	struct zt_monitor *monitor;
	int r = zt_monitor_open(name, stream_patience(), &monitor, reason);

	if (r < 0)
		fail_msg("cannot look at %s: %s", name, reason);
	return monitor;
}

static void lists_streams_by_name(void)
{
	static const char *const names[] = { "b", "a", "c.2" };
	struct zt_publisher *pubs[3];
	struct zt_stream_entry *entries = NULL;

	assert_int_equal(zt_stream_list(&entries), 0);
	free(entries);
	for (int i = 0; i < 3; i++)
		pubs[i] = stream_create(names[i], NULL);
	assert_int_equal(zt_stream_list(&entries), 3);
	assert_string_equal(entries[0].name, "a");
	assert_string_equal(entries[1].name, "b");
	assert_string_equal(entries[2].name, "c.2");
	for (int i = 0; i < 3; i++)
		assert_string_equal(entries[i].directory,
				    getenv("ZOETROPE_DIR"));
	free(entries);
	for (int i = 0; i < 3; i++)
		zt_publisher_destroy(pubs[i]);
	assert_int_equal(zt_stream_list(&entries), 0);
	free(entries);
	assert_int_equal(zt_stream_list(NULL), -EINVAL);
}

/* ------------------------------------------------------------------------
 * Many streams.
 */

#define EACH 50
#define PROCESSES 4

static int publish_many(int fd, void *argument)
{
	unsigned int first = *(unsigned int *)argument;
	struct zt_publisher *pubs[EACH];
	struct zt_format format = stream_small();
	uint64_t event;

	for (unsigned int i = 0; i < EACH; i++) {
		char name[16];

		snprintf(name, sizeof(name), "cam%03u", first + i);
		pubs[i] = stream_create(name, NULL);
		stream_publish(pubs[i], &format);
	}
	harness_send_event(fd, 1);
	harness_wait_event(fd, 10 * HARNESS_PATIENCE, &event);
	for (unsigned int i = 0; i < EACH; i++)
		zt_publisher_destroy(pubs[i]);
	return 0;
}

static void two_hundred_streams_in_one_directory(void)
{
	struct harness_peer peers[PROCESSES];
	struct zt_stream_entry *entries;

	for (unsigned int i = 0; i < PROCESSES; i++) {
		unsigned int first = i * EACH;

		peers[i] = harness_spawn(publish_many, &first);
	}
	for (unsigned int i = 0; i < PROCESSES; i++)
		harness_expect_event(peers[i].fd, 1);
	assert_int_equal(zt_stream_list(&entries), PROCESSES * EACH);
	for (unsigned int i = 0; i < PROCESSES * EACH; i++) {
		struct zt_subscriber *sub;
		char name[16];

		snprintf(name, sizeof(name), "cam%03u", i);
		assert_string_equal(entries[i].name, name);
		sub = stream_open(name, NULL);
		stream_expect(sub, 1);
		zt_subscriber_close(sub);
	}
	free(entries);
	for (unsigned int i = 0; i < PROCESSES; i++) {
		harness_send_event(peers[i].fd, 1);
		assert_int_equal(harness_reap(&peers[i]), 0);
	}
	assert_int_equal(zt_stream_list(&entries), 0);
	free(entries);
}

/* ------------------------------------------------------------------------
 * One stream.
 */

static const struct zt_publisher_options publishing = {
	.flags = ZT_PUBLISHER_BACKPRESSURE, .loans = 2, .slots = 16,
	.metadata_size = 80, .max_memory = 1 << 24,
};

static void tells_what_the_stream_is(void)
{
	int64_t before = now_ns();
	struct zt_publisher *pub = stream_create("cam0", &publishing);
	struct zt_format format = stream_small();
	struct zt_format complete = format;
	struct zt_monitor *monitor = watch("cam0");
	struct zt_stream_info info;

	assert_int_equal(zt_monitor_read(monitor, &info, NULL, 0), 0);
	assert_int_equal(info.format.fourcc, 0);
	assert_int_equal(info.epoch, 1);
	assert_int_equal(info.published, 0);
	assert_int_equal(info.pid, getpid());
	assert_int_equal(info.uid, geteuid());
	assert_int_equal(info.loans, 2);
	assert_int_equal(info.metadata_size, 80);
	assert_int_equal(info.backpressure, 1);
	assert_int_equal(info.max_memory, 1 << 24);
	assert_int_equal(info.monitors, 1);
	assert_true(info.started_ns >= before && info.started_ns <= now_ns());

	for (int i = 0; i < 7; i++)
		stream_publish(pub, &format);
	/* What counts frames is there at once. */
	assert_int_equal(zt_monitor_read(monitor, &info, NULL, 0), 0);
	assert_int_equal(info.published, 7);
	assert_true(info.newest_ns >= info.started_ns);
	harness_until((zt_monitor_read(monitor, &info, NULL, 0),
		       info.format.fourcc != 0));
	assert_int_equal(zt_format_complete(&complete), 0);
	assert_memory_equal(&info.format, &complete, sizeof(complete));
	assert_int_equal(info.slots, 16);
	assert_int_equal(info.slots_in_use, 1);
	assert_int_equal(info.memory, stream_stats(pub).memory);
	assert_true(info.updated_ns >= before && info.updated_ns <= now_ns());
	zt_monitor_close(monitor);
	zt_publisher_destroy(pub);
}

/* It is no subscriber: it takes no slot and hinders nobody. */
static void takes_nothing(void)
{
	struct zt_publisher *pub = stream_create("cam0", NULL);
	struct zt_format format = stream_small();
	struct zt_monitor *monitors[3];

	for (int i = 0; i < 3; i++)
		monitors[i] = watch("cam0");
	for (int i = 0; i < 10; i++)
		stream_publish(pub, &format);
	assert_int_equal(stream_stats(pub).slots, 2);
	assert_int_equal(zt_publisher_subscribers(pub), 0);
	for (int i = 0; i < 3; i++)
		zt_monitor_close(monitors[i]);
	zt_publisher_destroy(pub);
}

static const struct zt_subscription_info *
find(const struct zt_subscription_info *rows, int count, uint32_t delivery)
{
	for (int i = 0; i < count; i++)
		if (rows[i].delivery == delivery)
			return &rows[i];
	fail_msg("no row of delivery %u", delivery);
	return NULL;
}

/* Rows that were written after now. */
static int read_rows(struct zt_monitor *monitor,
		     struct zt_subscription_info *rows, size_t count)
{
	struct zt_stream_info info;
	int64_t now = now_ns();
	int r;

	harness_until((r = zt_monitor_read(monitor, &info, rows, count),
		       r < 0 || info.updated_ns > now));
	assert_true(r >= 0);
	assert_int_equal(info.subscribers, r);
	return r;
}

static void tells_what_each_subscriber_does(void)
{
	static const struct zt_subscriber_options options[] = {
		{ .delivery = ZT_LATEST, .held = 2 },
		{ .delivery = ZT_QUEUE, .depth = 3 },
		{ .delivery = ZT_LOSSLESS, .depth = 5 },
	};
	struct zt_publisher *pub = stream_create("cam0", &publishing);
	struct zt_monitor *monitor = watch("cam0");
	struct zt_format format = stream_small();
	struct zt_subscription_info rows[3];
	const struct zt_subscription_info *row;
	const struct zt_frame *held[3];
	struct zt_subscriber *subs[3];
	int64_t before = now_ns();

	for (int i = 0; i < 3; i++)
		subs[i] = stream_open("cam0", &options[i]);
	stream_publish(pub, &format);
	for (int i = 0; i < 3; i++)
		held[i] = stream_take_this(subs[i], 1);
	for (int i = 0; i < 4; i++)
		stream_publish(pub, &format);
	for (int i = 0; i < 2; i++)
		stream_expect(subs[2], 2 + (uint64_t)i);

	assert_int_equal(read_rows(monitor, rows, 3), 3);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(rows[i].pid, getpid());
		assert_int_equal(rows[i].uid, geteuid());
		/* The lossless one has won all that was offered. */
		assert_int_equal(rows[i].held,
				 rows[i].delivery == ZT_LOSSLESS ? 3 : 1);
		assert_int_equal(rows[i].evicted, 0);
		assert_int_equal(rows[i].stalled, 0);
		assert_true(rows[i].joined_ns >= before);
		assert_true(rows[i].latency_p50_ns > 0);
		assert_true(rows[i].latency_p50_ns <= rows[i].latency_p99_ns);
		assert_true(rows[i].latency_max_ns > 0);
	}
	row = find(rows, 3, ZT_LATEST);
	assert_int_equal(row->depth, 2);
	assert_int_equal(row->waiting, 1);
	assert_int_equal(row->offered, 5);
	assert_int_equal(row->taken, 1);
	assert_int_equal(row->dropped, 3);
	row = find(rows, 3, ZT_QUEUE);
	assert_int_equal(row->depth, 3);
	assert_int_equal(row->waiting, 2);
	assert_int_equal(row->taken, 1);
	assert_int_equal(row->dropped, 2);
	row = find(rows, 3, ZT_LOSSLESS);
	assert_int_equal(row->depth, 5);
	assert_int_equal(row->waiting, 0);
	assert_int_equal(row->offered, 5);
	assert_int_equal(row->taken, 5);
	assert_int_equal(row->dropped, 0);

	/* With room for fewer than there are. */
	memset(rows, 0, sizeof(rows));
	assert_int_equal(read_rows(monitor, rows, 1), 3);
	assert_true(rows[0].pid != 0);
	assert_int_equal(rows[1].pid, 0);
	for (int i = 0; i < 3; i++) {
		zt_release(held[i]);
		zt_subscriber_close(subs[i]);
	}
	harness_until(stream_stats(pub).subscribers == 0);
	assert_int_equal(read_rows(monitor, rows, 3), 0);
	zt_monitor_close(monitor);
	zt_publisher_destroy(pub);
}

static void tells_of_an_eviction(void)
{
	static const struct zt_publisher_options options = {
		.flags = ZT_PUBLISHER_BACKPRESSURE, .evict_after_ns = 1000000,
	};
	static const struct zt_subscriber_options lossless = {
		.delivery = ZT_LOSSLESS, .depth = 1,
	};
	struct zt_publisher *pub = stream_create("cam0", &options);
	struct zt_subscriber *sub = stream_open("cam0", &lossless);
	struct zt_monitor *monitor = watch("cam0");
	struct zt_format format = stream_small();
	struct zt_subscription_info row;
	struct zt_stream_info info;

	for (int i = 0; i < 2; i++)
		stream_publish_in_time(pub, &format);
	assert_int_equal(read_rows(monitor, &row, 1), 1);
	assert_int_equal(row.evicted, 1);
	assert_int_equal(row.waiting, 0);
	assert_int_equal(row.dropped, 2);
	assert_int_equal(zt_monitor_read(monitor, &info, NULL, 0), 1);
	assert_int_equal(info.evicted, 1);
	assert_int_equal(info.loan_waits, stream_stats(pub).loan_waits);
	zt_subscriber_close(sub);
	zt_monitor_close(monitor);
	zt_publisher_destroy(pub);
}

static void tells_who_does_not_answer(void)
{
	struct zt_publisher *pub = stream_create("cam0", NULL);
	struct stream_reader reader = stream_reader_start("cam0", NULL, 0);
	struct zt_monitor *monitor = watch("cam0");
	struct zt_format large = stream_sized(1 << 20);
	struct zt_subscription_info row;

	harness_signal(&reader.peer, SIGSTOP);
	stream_publish(pub, &large);
	assert_int_equal(read_rows(monitor, &row, 1), 1);
	assert_int_equal(row.stalled, 1);
	assert_int_equal(row.pid, reader.peer.pid);
	harness_signal(&reader.peer, SIGCONT);
	assert_int_equal(stream_reader_ask(&reader, STREAM_TAKE), 1);
	assert_int_equal(read_rows(monitor, &row, 1), 1);
	assert_int_equal(row.stalled, 0);
	stream_reader_end(&reader);
	zt_monitor_close(monitor);
	zt_publisher_destroy(pub);
}

static void the_end_of_a_stream_is_told(void)
{
	struct stream_source source = { .name = "cam0", .frames = 3 };
	struct harness_peer peer = stream_source_start(&source);
	struct zt_monitor *monitor;
	struct zt_stream_info info;

	harness_expect_event(peer.fd, 3);
	monitor = watch("cam0");
	harness_kill(&peer);
	harness_until(zt_monitor_read(monitor, &info, NULL, 0) == -ECONNRESET);
	assert_int_equal(info.published, 3);
	assert_int_equal(zt_monitor_read(monitor, &info, NULL, 0),
			 -ECONNRESET);
	zt_monitor_close(monitor);

	peer = stream_source_start(&source);
	monitor = watch("cam0");
	harness_expect_event(peer.fd, 3);
	harness_send_event(peer.fd, 0);
	assert_int_equal(harness_reap(&peer), 0);
	harness_until(zt_monitor_read(monitor, &info, NULL, 0) == -ECONNRESET);
	assert_int_equal(info.published, 3);
	zt_monitor_close(monitor);
}

static void what_cannot_be_watched_is_refused(void)
{
	struct stream_source source = { .name = "cam0" };
	struct zt_monitor *monitor = NULL;
	char reason[ZT_REASON_MAX] = "";
	struct harness_peer peer;

	assert_int_equal(zt_monitor_open("cam0", 0, &monitor, reason),
			 -ENOENT);
	assert_non_null(strstr(reason, "no publisher"));
	peer = stream_source_start(&source);
	harness_signal(&peer, SIGSTOP);
	assert_int_equal(zt_monitor_open("cam0", 1000000, &monitor, reason),
			 -ETIMEDOUT);
	assert_non_null(strstr(reason, "does not answer"));
	assert_null(monitor);
	harness_kill(&peer);
	assert_int_equal(zt_monitor_open("cam0", 0, &monitor, reason),
			 -ENOENT);
	zt_publisher_destroy(stream_create("cam0", NULL));
}

/* ------------------------------------------------------------------------
 * The plan.
 */

static void the_plan_tells_what_a_stream_takes(void)
{
	static const struct zt_publisher_options options = {
		.loans = 2, .metadata_size = 100,
	};
	static const struct zt_subscriber_options held = { .held = 5 };
	struct zt_format format = stream_format(ZT_FOURCC('N', 'V', '1', '2'),
						640, 480);
	struct zt_memory_plan plan = { .size = sizeof(plan) };
	struct zt_publisher *pub;
	struct zt_subscriber *sub;

	assert_int_equal(zt_memory_plan(&format, 100, 2, 5, &plan), 0);
	assert_int_equal(plan.slots, 8);
	/* 460800 bytes of pixels, 128 of metadata, in pages. */
	assert_int_equal(plan.slot_size, 113 * 4096);
	assert_true(plan.available >= plan.needed);
	pub = stream_create_bare("cam0", &options);
	sub = stream_open("cam0", &held);
	stream_publish(pub, &format);
	assert_int_equal(stream_stats(pub).slots, plan.slots);
	assert_int_equal(stream_stats(pub).memory,
			 plan.slots * plan.slot_size);
	assert_true(plan.needed > stream_stats(pub).memory);
	assert_true(plan.needed < stream_stats(pub).memory + 500000);
	zt_subscriber_close(sub);
	zt_publisher_destroy(pub);
}

static void the_plan_tells_what_cannot_be(void)
{
	struct zt_format format = stream_small(), none = { 0 };
	struct zt_memory_plan plan = { .size = sizeof(plan) };

	assert_int_equal(zt_memory_plan(&format, 0, 1, 62, &plan), 0);
	assert_int_equal(zt_memory_plan(&format, 0, 1, 63, &plan), -ENOBUFS);
	assert_int_equal(zt_memory_plan(&format, 0, 17, 1, &plan), -EINVAL);
	assert_int_equal(zt_memory_plan(&format, (1 << 20) + 1, 1, 1, &plan),
			 -EINVAL);
	assert_int_equal(zt_memory_plan(&none, 0, 1, 1, &plan), -EINVAL);
	assert_int_equal(zt_memory_plan(&format, 0, 1, 1, NULL), -EINVAL);
	assert_int_equal(zt_memory_plan(NULL, 0, 1, 1, &plan), -EINVAL);

	format = stream_format(ZT_FOURCC('B', 'G', '2', '4'), 65536, 65536);
	assert_int_equal(zt_memory_plan(&format, 0, 1, 62, &plan), -ENOMEM);
	assert_int_equal(plan.slots, 64);
	assert_true(plan.needed > plan.available);
	assert_string_not_equal(plan.limit, "");
}

static const struct zt_test tests[] = {
	ZT_TEST(lists_streams_by_name),
	ZT_TEST(two_hundred_streams_in_one_directory),
	ZT_TEST(tells_what_the_stream_is),
	ZT_TEST(takes_nothing),
	ZT_TEST(tells_what_each_subscriber_does),
	ZT_TEST(tells_of_an_eviction),
	ZT_TEST(tells_who_does_not_answer),
	ZT_TEST(the_end_of_a_stream_is_told),
	ZT_TEST(what_cannot_be_watched_is_refused),
	ZT_TEST(the_plan_tells_what_a_stream_takes),
	ZT_TEST(the_plan_tells_what_cannot_be),
};
ZT_TEST_MAIN(tests)
