/* SPDX-License-Identifier: MIT */
/* See court.h. */
#include "court.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define END 0xe0d

/* What is said of hostile peers fills pages. */
static void log_errors(void *userdata, int level, const char *line)
{
	(void)userdata;
	if (level < 4)
		printf("log %d: %s\n", level, line);
}

void court_open(struct court *court, const struct zt_publisher_options *options)
{
	struct zt_subscriber_options lossless = {
		.delivery = ZT_LOSSLESS, .depth = COURT_HELD + 1,
	};
	struct zt_publisher_options own = { 0 };

	memset(court, 0, sizeof(*court));
	if (options)
		own = *options;
	own.flags |= ZT_PUBLISHER_BACKPRESSURE;
	if (!own.mode)
		own.mode = 0666;
	own.log = log_errors;
	if (geteuid() == 0)
		stream_open_directory();
	court->format = stream_small();
	court->pub = stream_create(COURT_STREAM, &own);
	court->honest = stream_open(COURT_STREAM, &lossless);
}

static void give_back(const struct zt_frame *frame)
{
	if (!frame)
		return;
	assert_true(stream_is_painted(frame, frame->sequence));
	zt_release(frame);
}

/* The honest one has nothing to take, and a word to say at most. */
static void keep_up(struct court *court)
{
	const struct zt_frame *frame;

	assert_int_equal(zt_take(court->honest, 0, &frame), -EAGAIN);
}

static struct zt_loan *get_loan(struct court *court)
{
	int64_t limit = harness_limit_ns(HARNESS_PATIENCE);
	int64_t timeout = court->may_wait ? 1000000 : 0;
	struct zt_loan *loan;
	int r;

	while ((r = zt_loan(court->pub, &court->format, timeout, &loan)) < 0) {
		if (!court->may_wait || harness_limit_ns(0) > limit)
			fail_msg("frame %ju: the loan fails on a hostile "
				 "peer's account: %s (%s)",
				 (uintmax_t)court->frames + 1,
				 zt_publisher_reason(court->pub), strerror(-r));
		court->excused++;
		keep_up(court);
	}
	return loan;
}

void court_frame(struct court *court)
{
	const struct zt_frame **place;
	struct zt_loan *loan = get_loan(court);

	court->frames++;
	stream_paint(loan, court->frames);
	assert_int_equal(zt_publish(court->pub, loan), 0);
	place = &court->held[court->frames % COURT_HELD];
	give_back(*place);
	*place = stream_take_this(court->honest, court->frames);
	assert_int_equal((*place)->dropped, 0);
}

void court_frames(struct court *court, unsigned int count)
{
	while (count--)
		court_frame(court);
}

void court_change(struct court *court, struct zt_format format)
{
	int64_t limit = harness_limit_ns(HARNESS_PATIENCE);
	struct zt_loan *loan;

	court->format = format;
	while (zt_loan(court->pub, &format, 1000000, &loan) < 0) {
		court->excused++;
		keep_up(court);
		if (harness_limit_ns(0) > limit)
			fail_msg("frames cannot grow: %s",
				 zt_publisher_reason(court->pub));
	}
	zt_discard(court->pub, loan);
}

void court_run(struct court *court, int ms)
{
	int64_t until = harness_limit_ns(ms);

	do
		court_frames(court, 16);
	while (harness_limit_ns(0) < until);
}

void court_run_until(struct court *court, int fd)
{
	int64_t limit = harness_limit_ns(6 * HARNESS_PATIENCE);

	while (!harness_wait_readable(fd, 0)) {
		court_frames(court, 16);
		if (harness_limit_ns(0) > limit)
			fail_msg("the hostile peer does not get done");
	}
}

void court_until_joined(struct court *court, int count)
{
	court_until(court, zt_publisher_subscribers(court->pub) >= count);
}

void court_until_cut_off(struct court *court, uint64_t count)
{
	court_until(court, stream_stats(court->pub).cut_off >= count);
}

void court_close(struct court *court)
{
	struct zt_publisher_stats stats;

	court_until(court, zt_publisher_subscribers(court->pub) == 1);
	court_frames(court, 16);
	for (unsigned int i = 0; i < COURT_HELD; i++)
		give_back(court->held[i]);
	stats = stream_stats(court->pub);
	assert_int_equal(stats.published, court->frames);
	assert_int_equal(stats.loan_failures, court->excused);
	if (!court->may_wait) {
		assert_in_range(stats.loan_waits, 0, court->excused);
		assert_int_equal(stats.evicted, court->evictions);
	}
	assert_int_equal(stream_reader_stats(court->honest).taken,
			 court->frames);
	assert_int_equal(stream_reader_stats(court->honest).dropped, 0);
	printf("%ju frames, %ju waits, %ju evicted, %ju cut off, %ju refused\n",
	       (uintmax_t)stats.published, (uintmax_t)stats.loan_waits,
	       (uintmax_t)stats.evicted, (uintmax_t)stats.cut_off,
	       (uintmax_t)stats.refused);
	zt_subscriber_close(court->honest);
	zt_publisher_destroy(court->pub);
}

/* Without needing one more. */
unsigned int court_fds(void)
{
	unsigned int count = 0;

	for (int fd = 0; fd < 4096; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

struct errand {
	harness_peer_fn run;
	void *argument;
	bool foreign;
};

static int run_errand(int fd, void *argument)
{
	struct errand *errand = argument;

	if (errand->foreign && geteuid() == 0)
		stream_become(COURT_STRANGER);
	return errand->run(fd, errand->argument);
}

struct harness_peer court_spawn(harness_peer_fn run, void *argument,
				bool foreign)
{
	struct errand errand = { run, argument, foreign };

	return harness_spawn(run_errand, &errand);
}

bool court_over(int fd)
{
	return harness_wait_readable(fd, 0);
}

void court_send_away(struct court *court, struct harness_peer *peer)
{
	uint64_t event;

	harness_send_event(peer->fd, END);
	while (harness_wait_event(peer->fd, 0, &event) != -EPIPE)
		court_frames(court, 16);
}

void court_dismiss(struct court *court, struct harness_peer *peer)
{
	court_send_away(court, peer);
	assert_int_equal(harness_reap(peer), 0);
}
