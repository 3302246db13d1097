/* SPDX-License-Identifier: MIT */
/* Subscribers that keep what they are lent, and take what they are not. */
#include <string.h>

#include "court.h"
#include "raw.h"

/* A stream whose slots are there before anybody joins. */
static void open_court(struct court *court, uint64_t evict_after_ns)
{
	struct zt_publisher_options options = {
		.slots = 32, .evict_after_ns = evict_after_ns,
	};

	court_open(court, &options);
}

static void hold_for_ever(uint32_t delivery, uint32_t bound)
{
	struct court court;
	struct raw raw;
	uint64_t held = 0;

	open_court(&court, 0);
	assert_true(raw_join(&raw, COURT_STREAM, delivery, bound));
	for (uint32_t i = 0; i < bound; i++) {
		court_frame(&court);
		held |= raw_take_all(&raw);
	}
	assert_int_equal(__builtin_popcountll(held), bound);
	court_frames(&court, 20000);
	assert_int_equal(stream_stats(court.pub).cut_off, 0);
	assert_int_equal(zt_publisher_subscribers(court.pub), 2);
	raw_close(&raw);
	court_close(&court);
}

static void latest_holds_for_ever(void)
{
	hold_for_ever(ZT_LATEST, 1);
	hold_for_ever(ZT_LATEST, 8);
}

static void queue_holds_for_ever(void)
{
	hold_for_ever(ZT_QUEUE, 1);
	hold_for_ever(ZT_QUEUE, 8);
}

/* It may keep the publisher waiting, once and so long as was agreed. */
static void lossless_holds_for_ever(void)
{
	struct court court;
	uint64_t waits;
	struct raw raw;

	open_court(&court, 100000000);
	court.may_wait = true;
	assert_true(raw_join(&raw, COURT_STREAM, ZT_LOSSLESS, 4));
	for (int i = 0; i < 8; i++) {
		court_frame(&court);
		raw_take_all(&raw);
	}
	assert_int_equal(stream_stats(court.pub).evicted, 1);
	waits = stream_stats(court.pub).loan_waits;
	court.may_wait = false;
	court.evictions = 1;
	court_frames(&court, 5000);
	assert_int_equal(stream_stats(court.pub).loan_waits, waits);
	raw_keep_up(&raw);
	assert_true(raw.evicted);
	raw_close(&raw);
	court.may_wait = true;
	court_close(&court);
}

/* The slots that a subscriber has are free again when it is cut off. */
static void expect_cut_off(struct court *court, struct raw *raw)
{
	court_until_cut_off(court, 1);
	raw_await_end(raw);
	court_until(court, zt_publisher_subscribers(court->pub) == 1);
	raw_close(raw);
	court_close(court);
}

/* Each frame taken, none returned. */
static void over_the_bound(uint32_t held)
{
	struct court court;
	struct raw raw;

	open_court(&court, 0);
	assert_true(raw_join(&raw, COURT_STREAM, ZT_LATEST, held));
	for (uint32_t i = 0; i < held; i++) {
		court_frame(&court);
		assert_int_equal(__builtin_popcountll(raw_take_all(&raw)), 1);
	}
	court_frames(&court, 10);
	assert_int_equal(stream_stats(court.pub).cut_off, 0);
	/* It has its share, and was offered the newest in advance. */
	assert_int_equal(__builtin_popcountll(raw_take_all(&raw)), 1);
	court_frame(&court);
	expect_cut_off(&court, &raw);
}

static void latest_takes_more_than_it_may_hold(void)
{
	over_the_bound(1);
	over_the_bound(5);
}

/*
 * A queue cannot be lent more than its depth. It can only play with the word
 * while the publisher looks at it: see page.c.
 */
static void queue_is_lent_no_more_than_its_depth(void)
{
	struct court court;
	uint64_t held = 0;
	struct raw raw;

	open_court(&court, 0);
	assert_true(raw_join(&raw, COURT_STREAM, ZT_QUEUE, 3));
	for (int i = 0; i < 100; i++) {
		court_frame(&court);
		held |= raw_take_all(&raw);
	}
	assert_int_equal(__builtin_popcountll(held), 3);
	raw_close(&raw);
	court_close(&court);
}

/*
 * It returns every slot there is, with each frame: those that the honest one
 * holds, the newest, and those being written.
 */
static void what_others_hold_cannot_be_returned(void)
{
	static const uint32_t deliveries[] = { ZT_LATEST, ZT_QUEUE,
					       ZT_LOSSLESS };

	for (int i = 0; i < 3; i++) {
		struct court court;
		struct raw raw;

		open_court(&court, 0);
		assert_true(raw_join(&raw, COURT_STREAM, deliveries[i], 2));
		for (int n = 0; n < 5000; n++) {
			raw_return(&raw, UINT64_MAX);
			court_frame(&court);
		}
		court.may_wait = deliveries[i] == ZT_LOSSLESS;
		raw_close(&raw);
		court_close(&court);
	}
}

/* It gives back what is still offered to it, and takes it all the same. */
static void what_was_returned_is_no_longer_ones_own(void)
{
	struct court court;
	struct raw raw;

	open_court(&court, 0);
	assert_true(raw_join(&raw, COURT_STREAM, ZT_QUEUE, 4));
	for (int n = 0; n < 5000; n++) {
		raw_return(&raw, atomic_load(&raw.page->offered.word));
		court_frame(&court);
	}
	assert_int_equal(stream_stats(court.pub).cut_off, 0);
	raw_close(&raw);
	court_close(&court);
}

/* It offers to itself what it was never lent: the publisher sees none of it. */
static void what_was_not_lent_is_not_withdrawn(void)
{
	struct court court;
	struct raw raw;

	open_court(&court, 0);
	assert_true(raw_join(&raw, COURT_STREAM, ZT_QUEUE, 4));
	for (int n = 0; n < 5000; n++) {
		atomic_fetch_or(&raw.page->offered.word, UINT64_MAX);
		court_frame(&court);
	}
	raw_close(&raw);
	court_close(&court);
}

static const struct zt_test tests[] = {
	ZT_TEST(latest_holds_for_ever),
	ZT_TEST(queue_holds_for_ever),
	ZT_TEST(lossless_holds_for_ever),
	ZT_TEST(latest_takes_more_than_it_may_hold),
	ZT_TEST(queue_is_lent_no_more_than_its_depth),
	ZT_TEST(what_others_hold_cannot_be_returned),
	ZT_TEST(what_was_returned_is_no_longer_ones_own),
	ZT_TEST(what_was_not_lent_is_not_withdrawn),
};
ZT_TEST_MAIN(tests)
