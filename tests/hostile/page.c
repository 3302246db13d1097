/* SPDX-License-Identifier: MIT */
/* Subscribers that write what they like on their page, as fast as they can. */
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
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

/*
 * A store to a page in which somebody is punching a hole waits in the kernel
 * until he is done, and he need not be: see hostile_scheduling() below. So
 * nobody is let punch where the publisher may write.
 */
static void no_holes_can_be_punched(void)
{
	const int mode = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;
	struct zt_publisher_options options = { .slots = 16 };
	struct court court;
	struct raw raw;
	char path[64];
	int fd;

	court_open(&court, &options);
	assert_true(raw_join(&raw, COURT_STREAM, ZT_LATEST, 1));
	snprintf(path, sizeof(path), "/proc/self/fd/%d", raw.page_fd);
	fd = open(path, O_RDWR | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(fallocate(raw.page_fd, mode, 0, ZTI_PAGE_SIZE), -1);
	assert_int_equal(fallocate(fd, mode, 0, ZTI_PAGE_SIZE), -1);
	assert_int_equal(madvise(raw.page, ZTI_PAGE_SIZE, MADV_REMOVE), -1);
	assert_int_equal(ftruncate(fd, 0), -1);
	assert_int_equal(ftruncate(fd, 1 << 20), -1);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), -1);
	close(fd);
	court_frames(&court, 100);
	raw_close(&raw);
	court_close(&court);
}

/* Be welcomed, and have a page that the publisher has not sealed yet. */
static void be_welcomed(struct raw *raw)
{
	struct zti_message msg = raw_hello(ZT_LATEST, 1);

	raw_open(raw, COURT_STREAM);
	raw_say(raw, &msg);
	assert_int_equal(raw_await(raw, &msg), ZTI_WELCOME);
}

/* Acknowledge it; the publisher looks what it got. */
static void hand_back(struct court *court, struct raw *raw, bool good)
{
	struct zti_message msg = raw_ack(ZTI_ACK_PAGE, false);
	uint64_t cut_off = stream_stats(court->pub).cut_off;

	raw_say(raw, &msg);
	if (good)
		while (!raw->first) {
			raw_await(raw, &msg);
			raw_answer(raw, &msg);
		}
	else
		raw_await_end(raw);
	court_frames(court, 10);
	assert_int_equal(stream_stats(court->pub).cut_off, cut_off + !good);
	raw_close(raw);
}

static void pages_are_not_tampered_with(void)
{
	const int mode = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;
	struct zt_publisher_options options = { .slots = 16 };
	struct court court;
	struct raw raw;

	court_open(&court, &options);
	/* With a hole in it. */
	be_welcomed(&raw);
	assert_int_equal(fallocate(raw.page_fd, mode, 0, ZTI_PAGE_SIZE), 0);
	hand_back(&court, &raw, false);
	/* Sealed, so that nobody else can. */
	be_welcomed(&raw);
	assert_int_equal(fcntl(raw.page_fd, F_ADD_SEALS, F_SEAL_SEAL), 0);
	hand_back(&court, &raw, false);
	/* As it is to be. */
	be_welcomed(&raw);
	assert_int_equal(fcntl(raw.page_fd, F_ADD_SEALS,
			       F_SEAL_FUTURE_WRITE | F_SEAL_SEAL), 0);
	hand_back(&court, &raw, true);
	/* Of another size. */
	be_welcomed(&raw);
	assert_int_equal(ftruncate(raw.page_fd, 0), -1);
	assert_int_equal(ftruncate(raw.page_fd, 2 * ZTI_PAGE_SIZE), -1);
	assert_int_equal(fcntl(raw.page_fd, F_ADD_SEALS, F_SEAL_WRITE), -1);
	hand_back(&court, &raw, true);
	court_close(&court);
}

static void *be_busy(void *unused)
{
	(void)unused;
	for (;;)
		continue;
	return NULL;
}

/*
 * Punch holes for as long as it is let: with no claim to a processor, beside a
 * busy loop that has one, so that it is long in the middle of it.
 */
static int hostile_scheduling(int fd, void *argument)
{
	const int mode = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;
	struct sched_param none = { 0 };
	pthread_t thread;
	struct raw raw;

	(void)argument;
	be_welcomed(&raw);
	harness_pin(0);
	assert_int_equal(pthread_create(&thread, NULL, be_busy, NULL), 0);
	sched_setscheduler(0, SCHED_IDLE, &none);
	harness_send_event(fd, 0);
	while (fallocate(raw.page_fd, mode, 0, ZTI_PAGE_SIZE) == 0 ||
	       errno == EINTR)
		continue;
	return 0;
}

static void holes_before_the_join_harm_nobody(void)
{
	struct zt_publisher_options options = { .slots = 16 };
	struct harness_peer peer;
	struct court court;

	court_open(&court, &options);
	peer = court_spawn(hostile_scheduling, NULL, true);
	court_run_until(&court, peer.fd);
	for (int i = 0; i < 10; i++) {
		court_run(&court, 30);
		zt_subscriber_close(stream_open(COURT_STREAM, NULL));
	}
	harness_kill(&peer);
	court_close(&court);
}

static const struct zt_test tests[] = {
	ZT_TEST(latest_writes_noise),
	ZT_TEST(queue_writes_noise),
	ZT_TEST(lossless_writes_noise),
	ZT_TEST(latest_plays_with_masks),
	ZT_TEST(queue_plays_with_masks),
	ZT_TEST(lossless_plays_with_masks),
	ZT_TEST(no_holes_can_be_punched),
	ZT_TEST(pages_are_not_tampered_with),
	ZT_TEST(holes_before_the_join_harm_nobody),
};
ZT_TEST_MAIN(tests)
