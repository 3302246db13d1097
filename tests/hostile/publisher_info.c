/* SPDX-License-Identifier: MIT */
/* Publishers that tell monitors what cannot be. */
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include <zoetrope/monitor.h>

#include "fake.h"
#include "raw.h"

static void *serve(void *argument)
{
	struct fake *fake = argument;

	fake_accept(fake);
	fake_welcome(fake);
	return NULL;
}

/* Open a monitor of a fake stream: what zt_monitor_open() says. */
static int open_monitor(struct fake *fake, struct zt_monitor **ret_monitor)
{
	char reason[ZT_REASON_MAX] = "";
	pthread_t thread;
	int r;

	fake_listen(fake);
	assert_int_equal(pthread_create(&thread, NULL, serve, fake), 0);
	r = zt_monitor_open(FAKE_STREAM, 10000000000, ret_monitor,
			    reason);
	pthread_join(thread, NULL);
	if (r < 0)
		printf("%s\n", reason);
	return r;
}

static int read_monitor(struct zt_monitor *monitor)
{
	struct zt_subscription_info rows[ZTI_SUBSCRIPTIONS_MAX];
	struct zt_stream_info info;

	return zt_monitor_read(monitor, &info, rows, ZTI_SUBSCRIPTIONS_MAX);
}

static void boards_are_sealed(void)
{
	struct zt_monitor *monitor;
	struct fake fake;

	fake_begin(&fake);
	close(fake.board_fd);
	fake.board_fd = fake_memory(sizeof(*fake.board), true, 0, NULL);
	assert_int_equal(open_monitor(&fake, &monitor), -EPROTO);
	fake_end(&fake);
}

static void boards_are_of_our_kind(void)
{
	struct zt_monitor *monitor;
	struct fake fake;

	for (int i = 0; i < 4; i++) {
		fake_begin(&fake);
		fake.board->magic += i == 0;
		fake.board->version += i == 1;
		fake.board->size += i == 2;
		fake.board->incompatible += i == 3;
		assert_int_equal(open_monitor(&fake, &monitor),
				 i % 2 ? -EPROTONOSUPPORT : -EPROTO);
		fake_end(&fake);
	}
}

static void what_is_told_cannot_be(void)
{
	struct zt_monitor *monitor;
	struct fake fake;

	fake_begin(&fake);
	assert_int_equal(open_monitor(&fake, &monitor), 0);
	memset(&fake.board->info, 0xff, sizeof(fake.board->info));
	memset(fake.board->rows, 0xff, sizeof(fake.board->rows));
	/* For ever being written. */
	assert_int_equal(read_monitor(monitor), -EAGAIN);
	fake.board->info.serial.word = 2;
	assert_int_equal(read_monitor(monitor), -EPROTO);
	fake.board->info.rows = ZTI_SUBSCRIPTIONS_MAX + 1;
	assert_int_equal(read_monitor(monitor), -EPROTO);
	fake.board->info.rows = ZTI_SUBSCRIPTIONS_MAX;
	assert_int_equal(read_monitor(monitor), ZTI_SUBSCRIPTIONS_MAX);
	fake_hang_up(&fake);
	assert_int_equal(read_monitor(monitor), -ECONNRESET);
	zt_monitor_close(monitor);
	fake_end(&fake);
}

struct scribbling {
	struct fake *fake;
	_Atomic bool stop;
};

static void *scribble(void *argument)
{
	struct scribbling *scribbling = argument;
	struct zti_board *board = scribbling->fake->board;
	uint64_t state = 1;

	while (!atomic_load(&scribbling->stop)) {
		atomic_store(&board->info.serial.word,
			     raw_random(&state) & 3);
		board->info.rows = raw_below(&state, 100);
		board->rows[raw_below(&state, 64)].pid =
			raw_below(&state, 1000);
	}
	return NULL;
}

static void what_is_told_changes(void)
{
	struct scribbling scribbling = { 0 };
	struct zt_monitor *monitor;
	pthread_t thread;
	struct fake fake;

	fake_begin(&fake);
	assert_int_equal(open_monitor(&fake, &monitor), 0);
	scribbling.fake = &fake;
	assert_int_equal(pthread_create(&thread, NULL, scribble, &scribbling),
			 0);
	for (int i = 0; i < 1000; i++) {
		int r = read_monitor(monitor);

		assert_true(r == -EAGAIN || r == -EPROTO ||
			    (r >= 0 && r <= ZTI_SUBSCRIPTIONS_MAX));
	}
	atomic_store(&scribbling.stop, true);
	pthread_join(thread, NULL);
	zt_monitor_close(monitor);
	fake_end(&fake);
}

static void monitors_hear_no_more_than_a_welcome(void)
{
	static const unsigned int types[] = { ZTI_SEGMENT, ZTI_RETIRE,
		ZTI_START, ZTI_WELCOME, ZTI_EVICTED, ZTI_REFUSED, ZTI_BYE,
		ZTI_LATER, 1000 };

	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++) {
		struct zti_message msg = raw_message(types[i]);
		struct zt_monitor *monitor;
		struct fake fake;
		int r;

		fake_begin(&fake);
		assert_int_equal(open_monitor(&fake, &monitor), 0);
		fake_say(&fake, &msg, &fake.segment_fd, 1);
		r = read_monitor(monitor);
		assert_true(r == 0 || r == -ECONNRESET);
		zt_monitor_close(monitor);
		fake_end(&fake);
	}
}

static const struct zt_test tests[] = {
	ZT_TEST(boards_are_sealed),
	ZT_TEST(boards_are_of_our_kind),
	ZT_TEST(what_is_told_cannot_be),
	ZT_TEST(what_is_told_changes),
	ZT_TEST(monitors_hear_no_more_than_a_welcome),
};
ZT_TEST_MAIN(tests)
