/* SPDX-License-Identifier: MIT */
/* Subscribers that write what they like on their page, as fast as they can. */
#include <fcntl.h>
#include <linux/memfd.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "court.h"
#include "raw.h"

#define WORDS (ZTI_PAGE_SIZE / sizeof(uint64_t))

struct storm {
	uint32_t delivery, bound;
	uint64_t seed;
	void (*play)(struct raw *raw, uint64_t *state);
};

static _Atomic uint64_t *word(struct raw *raw, uint64_t index)
{
	return (_Atomic uint64_t *)raw->page + index % WORDS;
}

/* Anything anywhere. */
static void write_noise(struct raw *raw, uint64_t *state)
{
	uint64_t place = raw_random(state);

	atomic_store(word(raw, place), raw_random(state));
	atomic_store(word(raw, 0), raw_random(state));
}

/* The masks alone, a few bits at a time: more of it looks as if it was meant. */
static void play_with_masks(struct raw *raw, uint64_t *state)
{
	uint64_t bits = 1ULL << raw_below(state, 8);

	switch (raw_below(state, 8)) {
	case 0:
		atomic_fetch_or(&raw->page->offered.word, bits);
		break;
	case 1:
		atomic_fetch_xor(&raw->page->offered.word, bits | bits << 1);
		break;
	case 2:
	case 3:
		atomic_fetch_and(&raw->page->offered.word, ~bits);
		break;
	case 4:
		atomic_fetch_xor(&raw->page->returned.word, bits);
		break;
	case 5:
		atomic_fetch_or(&raw->page->returned.word, ~0ULL);
		break;
	case 6:
		atomic_store(&raw->page->waiting.word, 1);
		break;
	default:
		atomic_fetch_add(&raw->page->messages.word, 1);
	}
}

/* Take the page's memory away under the publisher's mapping. */
static void punch_holes(struct raw *raw, uint64_t *state)
{
	play_with_masks(raw, state);
	if (raw_random(state) & 1)
		fallocate(raw->page_fd, FALLOC_FL_PUNCH_HOLE |
			  FALLOC_FL_KEEP_SIZE, 0, ZTI_PAGE_SIZE);
	else
		madvise(raw->page, ZTI_PAGE_SIZE, MADV_REMOVE);
	assert_int_equal(ftruncate(raw->page_fd, 0), -1);
	assert_int_equal(ftruncate(raw->page_fd, 1 << 20), -1);
	assert_int_equal(fcntl(raw->page_fd, F_ADD_SEALS, F_SEAL_WRITE), -1);
}

/* Join, play, and when cut off begin again, until told to end. */
static int run_storm(int fd, void *argument)
{
	const struct storm *storm = argument;
	uint64_t state = storm->seed, joins = 0;
	struct raw raw;

	while (!court_over(fd)) {
		if (raw_join(&raw, COURT_STREAM, storm->delivery,
			     storm->bound))
			joins++;
		while (raw.page && !raw.ended && !raw.evicted &&
		       !court_over(fd)) {
			for (int i = 0; i < 2000; i++)
				storm->play(&raw, &state);
			raw_keep_up(&raw);
		}
		raw_close(&raw);
	}
	printf("%ju joins\n", (uintmax_t)joins);
	return joins ? 0 : 1;
}

/* Two of the kind, of another user, beside the honest one. */
static void storm(uint32_t delivery, uint32_t bound,
		  void (*play)(struct raw *raw, uint64_t *state))
{
	struct storm storms[2] = {
		{ delivery, bound, 1, play }, { delivery, bound, 2, play },
	};
	/* Those who let a loan wait are not to do so for long. */
	struct zt_publisher_options options = {
		.evict_after_ns = delivery == ZT_LOSSLESS ? 100000000 : 0,
	};
	struct harness_peer peers[2];
	struct court court;

	court_open(&court, &options);
	court.may_wait = delivery == ZT_LOSSLESS;
	for (int i = 0; i < 2; i++)
		peers[i] = court_spawn(run_storm, &storms[i], true);
	court_until_joined(&court, 2);
	court_run(&court, 700);
	/* And while frames outgrow their slots. */
	for (uint32_t bytes = 16384; bytes <= 262144; bytes *= 2) {
		court_change(&court, stream_sized(bytes));
		court_run(&court, 50);
	}
	for (int i = 0; i < 2; i++)
		court_dismiss(&court, &peers[i]);
	court_close(&court);
}

static void latest_writes_noise(void)
{
	storm(ZT_LATEST, 1, write_noise);
}

static void queue_writes_noise(void)
{
	storm(ZT_QUEUE, 4, write_noise);
}

static void lossless_writes_noise(void)
{
	storm(ZT_LOSSLESS, 4, write_noise);
}

static void latest_plays_with_masks(void)
{
	storm(ZT_LATEST, 2, play_with_masks);
}

static void queue_plays_with_masks(void)
{
	storm(ZT_QUEUE, 3, play_with_masks);
}

static void lossless_plays_with_masks(void)
{
	storm(ZT_LOSSLESS, 3, play_with_masks);
}

static void pages_lose_their_memory(void)
{
	storm(ZT_LATEST, 1, punch_holes);
}

static const struct zt_test tests[] = {
	ZT_TEST(latest_writes_noise),
	ZT_TEST(queue_writes_noise),
	ZT_TEST(lossless_writes_noise),
	ZT_TEST(latest_plays_with_masks),
	ZT_TEST(queue_plays_with_masks),
	ZT_TEST(lossless_plays_with_masks),
	ZT_TEST(pages_lose_their_memory),
};
ZT_TEST_MAIN(tests)
