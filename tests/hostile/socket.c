/* SPDX-License-Identifier: MIT */
/* Subscribers that fill the publisher's sockets, or do not empty their own. */
#include <string.h>
#include <unistd.h>

#include "court.h"
#include "raw.h"

/* Send without end and read nothing; join first, or not. */
struct flood {
	bool joins, wakes;
};

static int pour(int fd, void *argument)
{
	const struct flood *kind = argument;
	struct zti_message msg = raw_message(1000);
	struct raw raw;

	if (kind->joins)
		assert_true(raw_join(&raw, COURT_STREAM, ZT_LATEST, 1));
	else
		raw_open(&raw, COURT_STREAM);
	harness_send_event(fd, 0);
	while (!court_over(fd))
		for (int i = 0; i < 1000; i++)
			raw_send(raw.socket, &msg,
				 kind->wakes ? 1 : sizeof(msg), NULL, 0);
	raw_close(&raw);
	return 0;
}

/* Three floods at once while frames go on, and outgrow their slots. */
static void endure(bool joins, bool wakes)
{
	struct zt_publisher_options options = { .slots = 16 };
	struct flood kind = { joins, wakes };
	struct harness_peer peers[3];
	struct court court;
	int joined = joins ? 4 : 1;

	court_open(&court, &options);
	for (int i = 0; i < 3; i++)
		peers[i] = court_spawn(pour, &kind, true);
	for (int i = 0; i < 3; i++)
		harness_expect_event(peers[i].fd, 0);
	court_until_joined(&court, joined);
	court_run(&court, 500);
	for (uint32_t bytes = 16384; bytes <= 1 << 20; bytes *= 2) {
		court_change(&court, stream_sized(bytes));
		court_frames(&court, 16);
	}
	assert_int_equal(zt_publisher_subscribers(court.pub), joined);
	for (int i = 0; i < 3; i++)
		court_dismiss(&court, &peers[i]);
	court_close(&court);
}

static void floods_of_wakes(void)
{
	endure(true, true);
}

static void floods_of_messages(void)
{
	endure(true, false);
}

static void floods_without_a_hello(void)
{
	endure(false, false);
}

/* Its socket is full of wakes that it asks for with every frame. */
static void who_does_not_read_is_cut_off(void)
{
	struct zt_publisher_options options = { .slots = 16 };
	struct court court;
	struct raw raw;

	court_open(&court, &options);
	assert_true(raw_join(&raw, COURT_STREAM, ZT_LATEST, 1));
	for (int i = 0; i < 5000; i++) {
		atomic_store(&raw.page->waiting.word, 1);
		court_frame(&court);
	}
	assert_int_equal(stream_stats(court.pub).cut_off, 0);
	court_change(&court, stream_sized(65536));
	court_until_cut_off(&court, 1);
	raw_await_end(&raw);
	raw_close(&raw);
	court_close(&court);
}

/* It is told of new memory and says nothing: it gets no more, nothing else. */
static void who_does_not_answer_is_offered_nothing(void)
{
	struct zt_publisher_options options = { .slots = 16 };
	struct court court;
	struct raw raw;

	court_open(&court, &options);
	assert_true(raw_join(&raw, COURT_STREAM, ZT_LATEST, 1));
	court_change(&court, stream_sized(65536));
	court_frames(&court, 100);
	raw_take_all(&raw);
	court_frames(&court, 100);
	assert_int_equal(raw_take_all(&raw), 0);
	raw_close(&raw);
	court_close(&court);
}

/*
 * Nor does it keep memory from others for ever: where the limit leaves no room
 * beside what it does not let go of, it is cut off. So is one that holds a
 * frame there: nobody will write to it, but it no longer counts.
 */
static void pin_memory(bool holds, bool answers)
{
	struct zt_publisher_options options = {
		.slots = 8, .max_memory = 21 << 20, .evict_after_ns = 300000000,
	};
	struct court court;
	struct raw raw;

	court_open(&court, &options);
	court.may_wait = true;
	court_change(&court, stream_sized(1 << 19));
	assert_true(raw_join(&raw, COURT_STREAM, ZT_LATEST, 1));
	court_frames(&court, 4);
	if (holds)
		assert_true(raw_take_all(&raw));
	for (uint32_t bytes = 1 << 20; bytes <= 3 << 19; bytes += 1 << 19) {
		court_change(&court, stream_sized(bytes));
		court_frames(&court, 4);
		if (answers)
			raw_keep_up(&raw);
	}
	assert_int_equal(stream_stats(court.pub).cut_off, 1);
	court_frames(&court, 100);
	raw_close(&raw);
	court_close(&court);
}

static void who_does_not_answer_pins_no_memory(void)
{
	pin_memory(false, false);
}

static void who_holds_old_memory_is_cut_off(void)
{
	pin_memory(true, false);
}

static void who_answers_and_holds_old_memory_is_cut_off(void)
{
	pin_memory(true, true);
}

/*
 * A lossless one that takes its frames but does not map new memory is put out,
 * as one without room would be: others wait for it to join.
 */
static void who_does_not_answer_holds_up_no_join(void)
{
	struct zt_publisher_options options = {
		.slots = 16, .evict_after_ns = 300000000,
	};
	struct zt_subscriber_options deep = { .delivery = ZT_QUEUE,
					      .depth = 24 };
	struct zt_subscriber *sub;
	const struct zt_frame *frame;
	struct court court;
	struct raw raw;

	court_open(&court, &options);
	assert_true(raw_join(&raw, COURT_STREAM, ZT_LOSSLESS, 4));
	sub = stream_open(COURT_STREAM, &deep);
	while (zt_take(sub, 1000000, &frame) < 0) {
		court_frame(&court);
		raw_return(&raw, raw_take_all(&raw));
	}
	zt_release(frame);
	court.evictions = 1;
	zt_subscriber_close(sub);
	raw_close(&raw);
	court_close(&court);
}

static const struct zt_test tests[] = {
	ZT_TEST(floods_of_wakes),
	ZT_TEST(floods_of_messages),
	ZT_TEST(floods_without_a_hello),
	ZT_TEST(who_does_not_read_is_cut_off),
	ZT_TEST(who_does_not_answer_is_offered_nothing),
	ZT_TEST(who_does_not_answer_pins_no_memory),
	ZT_TEST(who_holds_old_memory_is_cut_off),
	ZT_TEST(who_answers_and_holds_old_memory_is_cut_off),
	ZT_TEST(who_does_not_answer_holds_up_no_join),
};
ZT_TEST_MAIN(tests)
