/* SPDX-License-Identifier: MIT */
/*
 * One side is held at each instruction of a call, while the other makes its
 * own calls to the end: whatever meets, no frame is lost, seen twice, torn or
 * out of order, and neither waits for the other.
 */
#include <stdlib.h>
#include <unistd.h>

#include "sanitizers.h"
#include "steps.h"
#include "stream.h"

/* Instructions from one time to the next; most of a sanitizer's are its own. */
#define STRIDE (ADDRESS_SANITIZER || THREAD_SANITIZER ? 97 : 2)

static const struct zt_publisher_options publishing = {
	.flags = ZT_PUBLISHER_BACKPRESSURE, .slots = 16,
};

/* ------------------------------------------------------------------------
 * A publisher is held in zt_publish(); one of each kind takes.
 */

static int publish_in_steps(int fd, void *unused)
{
	struct zt_publisher *pub = stream_create("cam0", &publishing);
	struct zt_format format = stream_small();
	uint64_t go;

	(void)unused;
	harness_send_event(fd, 0);
	while (harness_wait_event(fd, HARNESS_PATIENCE, &go) == 0 && go) {
		uint64_t sequence = stream_publish(pub, &format);
		struct zt_loan *loan = stream_loan(pub, &format);

		stream_paint(loan, sequence + 1);
		harness_send_event(fd, sequence);
		steps_begin();
		if (zt_publish(pub, loan) < 0)
			abort();
		steps_end();
	}
	zt_publisher_destroy(pub);
	_exit(0);	/* no leak check: it does not work where it is traced */
}

/* Take all; returns the last one's sequence. */
static uint64_t drain(struct zt_subscriber *sub, uint64_t last, bool gaps)
{
	const struct zt_frame *frame;

	while (zt_take(sub, 0, &frame) == 0) {
		assert_true(frame->sequence > last);
		assert_true(gaps || !last || frame->sequence == last + 1);
		assert_true(stream_is_painted(frame, frame->sequence));
		last = frame->sequence;
		zt_release(frame);
	}
	return last;
}

static void a_frame_is_there_while_another_is_published(void)
{
	struct harness_peer peer;
	struct zt_subscriber *subs[3];
	uint64_t before, last[3] = { 0 };
	bool held = true;

	steps_prepare();
	peer = harness_spawn(publish_in_steps, NULL);
	harness_expect_event(peer.fd, 0);
	for (uint32_t i = 0; i < 3; i++) {
		struct zt_subscriber_options options = {
			.delivery = i, .depth = 2,
		};

		subs[i] = stream_open("cam0", &options);
	}
	for (unsigned int n = 1; held; n += STRIDE) {
		harness_send_event(peer.fd, 1);
		assert_int_equal(harness_wait_event(peer.fd, HARNESS_PATIENCE,
						    &before), 0);
		held = steps_hold_at(&peer, STEP_INSTRUCTIONS, n);
		for (unsigned int i = 0; i < 3; i++) {
			last[i] = drain(subs[i], last[i], i == ZT_LATEST);
			assert_true(last[i] == before || last[i] == before + 1);
		}
		if (held)
			steps_go_on(&peer);
		for (unsigned int i = 0; i < 3; i++) {
			last[i] = drain(subs[i], last[i], false);
			assert_int_equal(last[i], before + 1);
		}
	}
	harness_send_event(peer.fd, 0);
	for (unsigned int i = 0; i < 3; i++) {
		stream_await_error(subs[i], -EPIPE);
		zt_subscriber_close(subs[i]);
	}
	assert_int_equal(harness_reap(&peer), 0);
}

/* ------------------------------------------------------------------------
 * A subscriber is held in zt_take() or zt_release(); the publisher goes on.
 */

struct reading {
	uint32_t delivery;
	bool in_release;
};

#define DEPTH 3
#define END UINT64_MAX

/* Tells the sequences of what it takes, then END. */
static int read_in_steps(int fd, void *argument)
{
	const struct reading *reading = argument;
	struct zt_subscriber_options options = {
		.delivery = reading->delivery, .depth = DEPTH,
	};
	struct zt_subscriber *sub = stream_open("cam0", &options);
	uint64_t go;

	harness_send_event(fd, 0);
	while (harness_wait_event(fd, HARNESS_PATIENCE, &go) == 0 && go) {
		const struct zt_frame *frame = NULL;

		if (reading->in_release)
			frame = stream_take(sub);
		steps_begin();
		if (reading->in_release)
			zt_release(frame);
		else if (zt_take(sub, 0, &frame) < 0)
			abort();
		steps_end();
		if (reading->in_release)
			frame = NULL;
		while (frame || zt_take(sub, 0, &frame) == 0) {
			assert_true(stream_is_painted(frame, frame->sequence));
			harness_send_event(fd, frame->sequence);
			zt_release(frame);
			frame = NULL;
		}
		harness_send_event(fd, END);
	}
	zt_subscriber_close(sub);
	_exit(0);
}

/* How many it took; they are in order, and the newest is the last. */
static unsigned int check_report(int fd, uint64_t newest)
{
	uint64_t sequence = 0, last = 0;
	unsigned int count = 0;

	for (;;) {
		assert_int_equal(harness_wait_event(fd, HARNESS_PATIENCE,
						    &sequence), 0);
		if (sequence == END)
			break;
		assert_true(sequence > last);
		last = sequence;
		count++;
	}
	assert_int_equal(last, newest);
	return count;
}

/* Publish some more, as far as there is room. */
static unsigned int publish_more(struct zt_publisher *pub, uint32_t delivery,
				 unsigned int wanted)
{
	struct zt_format format = stream_small();
	unsigned int count = 0;
	struct zt_loan *loan;

	while (count < wanted && zt_loan(pub, &format, 0, &loan) == 0) {
		stream_paint(loan, stream_stats(pub).published + 1);
		assert_int_equal(zt_publish(pub, loan), 0);
		count++;
	}
	/* Only one kind may be in the way. */
	if (delivery != ZT_LOSSLESS)
		assert_int_equal(count, wanted);
	return count;
}

static void hold_reader(struct reading reading)
{
	struct zt_publisher *pub = stream_create("cam0", &publishing);
	struct zt_format format = stream_small();
	struct harness_peer peer;
	bool held = true;

	steps_prepare();
	peer = harness_spawn(read_in_steps, &reading);
	harness_expect_event(peer.fd, 0);
	for (unsigned int n = 1; held; n += STRIDE) {
		unsigned int count, expected;

		stream_publish(pub, &format);
		harness_send_event(peer.fd, 1);
		held = steps_hold_at(&peer, STEP_INSTRUCTIONS, n);
		count = publish_more(pub, reading.delivery, 1 + n % 7);
		if (held)
			steps_go_on(&peer);
		/* A take in steps is one of the report; a frame whose release
		   is under way has its place in the queue as yet, or not. */
		expected = count + !reading.in_release;
		count = check_report(peer.fd, stream_stats(pub).published);
		if (reading.delivery == ZT_QUEUE && expected > DEPTH)
			expected = DEPTH;
		if (reading.delivery == ZT_QUEUE && reading.in_release &&
		    count == DEPTH - 1)
			expected = count;
		if (reading.delivery != ZT_LATEST)
			assert_int_equal(count, expected);
	}
	assert_int_equal(stream_stats(pub).cut_off, 0);
	harness_send_event(peer.fd, 0);
	assert_int_equal(harness_reap(&peer), 0);
	zt_publisher_destroy(pub);
}

static void all_is_there_after_a_take_in_between(void)
{
	for (uint32_t delivery = ZT_LATEST; delivery <= ZT_LOSSLESS;
	     delivery++)
		hold_reader((struct reading){ .delivery = delivery });
}

static void all_is_there_after_a_release_in_between(void)
{
	for (uint32_t delivery = ZT_LATEST; delivery <= ZT_LOSSLESS;
	     delivery++)
		hold_reader((struct reading){ .delivery = delivery,
					      .in_release = true });
}

static const struct zt_test tests[] = {
	ZT_TEST(a_frame_is_there_while_another_is_published, .timeout_s = 60),
	ZT_TEST(all_is_there_after_a_take_in_between, .timeout_s = 60),
	ZT_TEST(all_is_there_after_a_release_in_between, .timeout_s = 60),
};
ZT_TEST_MAIN(tests)
