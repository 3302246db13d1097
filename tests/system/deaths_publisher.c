/* SPDX-License-Identifier: MIT */
/*
 * A publisher that is killed at any step of any call: what it published can
 * still be taken, no torn frame is seen, and the next one can begin.
 */
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include "steps.h"
#include "stream.h"

#define SUBSCRIBERS 3

/* One of each kind; they live through all the publishers of a test. */
static const struct zt_subscriber_options kinds[SUBSCRIBERS] = {
	{ .flags = ZT_SUBSCRIBER_WAIT, .delivery = ZT_LATEST },
	{ .flags = ZT_SUBSCRIBER_WAIT, .delivery = ZT_QUEUE },
	{ .flags = ZT_SUBSCRIBER_WAIT, .delivery = ZT_LOSSLESS },
};

struct follower {
	struct zt_subscriber *sub;
	bool lossless;
	uint64_t epoch, last;
};

struct verb {
	void (*act)(struct zt_publisher *pub, struct zt_loan *loan);
	enum steps steps;
	bool loaned;		/* a painted loan is there for it */
};

/* Published before the victim's call begins. */
#define BEFORE 2

static int be_victim(int fd, void *argument)
{
	const struct verb *verb = argument;
	struct zt_publisher_options options = {
		.flags = ZT_PUBLISHER_BACKPRESSURE, .slots = 16,
	};
	struct zt_publisher *pub = stream_create("cam0", &options);
	struct zt_format format = stream_small();
	struct zt_loan *loan = NULL;

	stream_wait_subscribers(pub, SUBSCRIBERS);
	harness_send_event(fd, 0);
	for (int i = 0; i < BEFORE; i++)
		stream_publish_in_time(pub, &format);
	if (verb->loaned) {
		loan = stream_loan_in_time(pub, &format);
		stream_paint(loan, BEFORE + 1);
	}
	harness_send_event(fd, BEFORE);
	steps_begin();
	verb->act(pub, loan);
	steps_end();
	_exit(0);
}

/* Take all there is; returns what zt_take says at the end. */
static int drain(struct follower *follower)
{
	const struct zt_frame *frame;
	int r;

	while ((r = zt_take(follower->sub, 0, &frame)) == 0) {
		assert_true(stream_is_painted(frame, frame->sequence));
		if (frame->epoch != follower->epoch) {
			assert_true(frame->epoch > follower->epoch);
			follower->epoch = frame->epoch;
			follower->last = 0;
		}
		assert_true(frame->sequence > follower->last);
		if (follower->lossless)
			assert_int_equal(frame->sequence, follower->last + 1);
		follower->last = frame->sequence;
		zt_release(frame);
	}
	return r;
}

static void open_all(struct follower followers[SUBSCRIBERS])
{
	for (unsigned int i = 0; i < SUBSCRIBERS; i++)
		followers[i] = (struct follower){
			.sub = stream_open("cam0", &kinds[i]),
			.lossless = kinds[i].delivery == ZT_LOSSLESS,
		};
}

static void close_all(struct follower followers[SUBSCRIBERS])
{
	for (unsigned int i = 0; i < SUBSCRIBERS; i++)
		zt_subscriber_close(followers[i].sub);
}

/* Join, and take, until the publisher tells this. */
static void accompany(struct follower followers[SUBSCRIBERS],
		      const struct harness_peer *peer, uint64_t event)
{
	do
		for (unsigned int i = 0; i < SUBSCRIBERS; i++)
			assert_int_equal(drain(&followers[i]), -EAGAIN);
	while (!harness_wait_readable(peer->fd, 1));
	harness_expect_event(peer->fd, event);
}

/* The dead one's frames, all of them; then the next one's are to come. */
static void check(struct follower followers[SUBSCRIBERS], int end)
{
	for (unsigned int i = 0; i < SUBSCRIBERS; i++) {
		int r = drain(&followers[i]);

		if (r != end)
			assert_int_equal(r, -EAGAIN);
		assert_true(followers[i].last >= BEFORE);
		assert_true(followers[i].last <= BEFORE + 1);
	}
}

/* A publisher that does as it should takes over, and ends. */
static void check_next(struct follower followers[SUBSCRIBERS])
{
	struct stream_source source = {
		.name = "cam0", .frames = BEFORE,
		.wait_subscribers = SUBSCRIBERS,
		.options.flags = ZT_PUBLISHER_BACKPRESSURE,
	};
	struct harness_peer peer = stream_source_start(&source);

	accompany(followers, &peer, BEFORE);
	harness_send_event(peer.fd, 0);
	assert_int_equal(harness_reap(&peer), 0);
	for (unsigned int i = 0; i < SUBSCRIBERS; i++) {
		assert_int_equal(drain(&followers[i]), -EPIPE);
		assert_int_equal(followers[i].last, BEFORE);
	}
}

static struct harness_peer
start_victim(struct verb *verb, struct follower followers[SUBSCRIBERS])
{
	struct harness_peer peer = harness_spawn(be_victim, verb);

	/* All have joined; what is published now stays where it is. */
	accompany(followers, &peer, 0);
	harness_expect_event(peer.fd, BEFORE);
	return peer;
}

static void kill_in(struct verb verb, unsigned int deaths)
{
	struct follower followers[SUBSCRIBERS];
	unsigned int count = 0, stride;
	bool killed = true;

	steps_prepare();
	open_all(followers);
	stride = steps_stride(start_victim(&verb, followers), verb.steps,
			      deaths);
	for (unsigned int n = 1; killed; n += stride) {
		struct harness_peer peer = start_victim(&verb, followers);

		killed = steps_kill_at(&peer, verb.steps, n);
		if (!killed)
			assert_int_equal(harness_reap(&peer), 0);
		check(followers, -EAGAIN);
		count++;
	}
	check_next(followers);
	close_all(followers);
	print_message("%u deaths\n", count - 1);
	assert_true(count > deaths / 4);
}

static void do_loan(struct zt_publisher *pub, struct zt_loan *unused)
{
	(void)unused;
	stream_loan(pub, NULL);
}

static void do_publish(struct zt_publisher *pub, struct zt_loan *loan)
{
	if (zt_publish(pub, loan) < 0)
		abort();
}

static void do_discard(struct zt_publisher *pub, struct zt_loan *loan)
{
	zt_discard(pub, loan);
}

static void do_grow(struct zt_publisher *pub, struct zt_loan *unused)
{
	struct zt_format format = stream_sized(1 << 20);
	struct zt_loan *loan;

	(void)unused;
	/* The lossless one has not mapped it yet. */
	if (zt_loan(pub, &format, 0, &loan) != -EAGAIN)
		abort();
}

static void in_loan(void)
{
	kill_in((struct verb){ .act = do_loan, .steps = STEP_INSTRUCTIONS },
		80);
}

static void in_publish(void)
{
	kill_in((struct verb){ .act = do_publish, .steps = STEP_INSTRUCTIONS,
			       .loaned = true }, 150);
}

static void in_discard(void)
{
	kill_in((struct verb){ .act = do_discard, .steps = STEP_INSTRUCTIONS,
			       .loaned = true }, 40);
}

static void in_growth(void)
{
	kill_in((struct verb){ .act = do_grow, .steps = STEP_SYSCALLS }, 80);
}

/* ------------------------------------------------------------------------
 * Eviction: who is put out, is not there for the next one.
 */

static void do_evict(struct zt_publisher *pub, struct zt_loan *loan)
{
	zt_publish(pub, loan);
	stream_loan_in_time(pub, NULL);
}

static int be_evicting_victim(int fd, void *unused)
{
	static const struct zt_publisher_options options = {
		.flags = ZT_PUBLISHER_BACKPRESSURE | ZT_PUBLISHER_NO_THREAD,
		.evict_after_ns = 1000000,
	};
	struct zt_publisher *pub = stream_create("cam0", &options);
	struct zt_format format = stream_small();
	struct zt_loan *loan;

	(void)unused;
	harness_send_event(fd, 0);
	stream_wait_subscribers(pub, 1);
	for (int i = 0; i < 3; i++)
		stream_publish(pub, &format);
	loan = stream_loan(pub, &format);
	stream_paint(loan, 4);
	harness_send_event(fd, 3);
	steps_begin();
	do_evict(pub, loan);
	steps_end();
	_exit(0);
}

static void in_eviction(void)
{
	static const struct zt_subscriber_options lossless = {
		.delivery = ZT_LOSSLESS,
	};
	bool killed = true;

	for (unsigned int n = 1; killed; n++) {
		struct harness_peer peer = harness_spawn(be_evicting_victim,
							 NULL);
		struct follower follower = { .lossless = true };
		const struct zt_frame *held;
		int r;

		harness_expect_event(peer.fd, 0);
		follower.sub = stream_open("cam0", &lossless);
		harness_expect_event(peer.fd, 3);
		held = stream_take_this(follower.sub, 1);
		follower.epoch = held->epoch;
		follower.last = 1;
		killed = steps_kill_at(&peer, STEP_SYSCALLS, n);
		if (!killed)
			assert_int_equal(harness_reap(&peer), 0);
		r = drain(&follower);
		assert_true(r == -EAGAIN || r == -ESHUTDOWN);
		assert_true(r == -ESHUTDOWN || follower.last >= 3);
		assert_true(stream_is_painted(held, 1));
		zt_release(held);
		zt_subscriber_close(follower.sub);
	}
	zt_publisher_destroy(stream_create("cam0", NULL));
}

/* ------------------------------------------------------------------------
 * The end of a stream: half of the subscribers may have been told.
 */

static void do_destroy(struct zt_publisher *pub, struct zt_loan *unused)
{
	(void)unused;
	zt_publisher_destroy(pub);
}

static void in_ending(void)
{
	struct verb verb = { .act = do_destroy };
	bool killed = true;

	for (unsigned int n = 1; killed; n++) {
		struct follower followers[SUBSCRIBERS];
		struct harness_peer peer;

		open_all(followers);
		peer = start_victim(&verb, followers);
		killed = steps_kill_at(&peer, STEP_SYSCALLS, n);
		if (!killed)
			assert_int_equal(harness_reap(&peer), 0);
		check(followers, -EPIPE);
		close_all(followers);
	}
	zt_publisher_destroy(stream_create("cam0", NULL));
}

/* ------------------------------------------------------------------------
 * The beginning, with readers that come as soon as they can.
 */

static int be_beginner(int fd, void *argument)
{
	const uint32_t *flags = argument;
	struct zt_publisher_options options = {
		.flags = *flags | ZT_PUBLISHER_BACKPRESSURE,
	};
	struct zt_format format = stream_small();
	struct zt_publisher *pub;

	(void)fd;
	steps_begin();
	pub = stream_create("cam0", &options);
	if (*flags & ZT_PUBLISHER_NO_THREAD) {
		stream_wait_subscribers(pub, SUBSCRIBERS);
		stream_publish_in_time(pub, &format);
	}
	steps_end();
	_exit(0);
}

static void kill_all_beginners(uint32_t flags, unsigned int deaths)
{
	unsigned int count = 0, stride;
	bool killed = true;

	stride = steps_stride(harness_spawn(be_beginner, &flags),
			      STEP_SYSCALLS, deaths);
	for (unsigned int n = 1; killed; n += stride) {
		struct harness_peer peer = harness_spawn(be_beginner, &flags);

		killed = steps_kill_at(&peer, STEP_SYSCALLS, n);
		if (!killed)
			assert_int_equal(harness_reap(&peer), 0);
		count++;
	}
	print_message("%u deaths\n", count - 1);
	assert_true(count > deaths / 4);
}

/* Readers join each one in turn, and check what they see. */
static void in_creating_and_serving(uint32_t flags, unsigned int deaths)
{
	struct stream_reader readers[SUBSCRIBERS];
	struct stream_source source = {
		.name = "cam0", .frames = 3, .wait_subscribers = SUBSCRIBERS,
		.options.flags = ZT_PUBLISHER_BACKPRESSURE,
	};
	struct harness_peer peer;

	for (unsigned int i = 0; i < SUBSCRIBERS; i++) {
		readers[i] = stream_reader_start("cam0", &kinds[i], 0);
		stream_reader_tell(&readers[i], STREAM_RUN);
	}
	kill_all_beginners(flags, deaths);
	peer = stream_source_start(&source);
	harness_expect_event(peer.fd, 3);
	harness_send_event(peer.fd, 0);
	assert_int_equal(harness_reap(&peer), 0);
	for (unsigned int i = 0; i < SUBSCRIBERS; i++) {
		assert_true(stream_reader_reply(&readers[i]) > 0);
		stream_reader_end(&readers[i]);
	}
}

static void in_creation(void)
{
	in_creating_and_serving(0, 100);
}

static void in_serving_joins(void)
{
	in_creating_and_serving(ZT_PUBLISHER_NO_THREAD, 150);
}

static const struct zt_test tests[] = {
	ZT_TEST(in_loan, .timeout_s = 60),
	ZT_TEST(in_publish, .timeout_s = 60),
	ZT_TEST(in_discard, .timeout_s = 60),
	ZT_TEST(in_growth, .timeout_s = 60),
	ZT_TEST(in_eviction, .timeout_s = 60),
	ZT_TEST(in_ending, .timeout_s = 60),
	ZT_TEST(in_creation, .timeout_s = 60),
	ZT_TEST(in_serving_joins, .timeout_s = 60),
};
ZT_TEST_MAIN(tests)
