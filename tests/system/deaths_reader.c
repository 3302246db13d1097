/* SPDX-License-Identifier: MIT */
/*
 * A subscriber that is killed at any step of any call: its slots are free
 * again, a loan that it blocks goes on, and the others notice nothing.
 */
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include "steps.h"
#include "stream.h"

/* What a victim has. */
struct victim {
	const struct zt_subscriber_options *options;
	struct zt_subscriber *sub;
	const struct zt_frame *held[2];
};

static const struct zt_subscriber_options kinds[] = {
	{ .delivery = ZT_LATEST, .held = 2 },
	{ .delivery = ZT_QUEUE, .depth = 2 },
	{ .delivery = ZT_LOSSLESS, .depth = 2 },
};

static void do_open(struct victim *victim)
{
	victim->sub = stream_open("cam0", victim->options);
}

/* The newest frame is there for whoever joins. */
static void do_take(struct victim *victim)
{
	if (zt_take(victim->sub, 0, &victim->held[0]) < 0)
		abort();
}

static void open_and_take(struct victim *victim)
{
	do_open(victim);
	do_take(victim);
}

static void do_release(struct victim *victim)
{
	zt_release(victim->held[0]);
}

static void open_take_and_release(struct victim *victim)
{
	open_and_take(victim);
	do_release(victim);
}

static void do_close(struct victim *victim)
{
	zt_subscriber_close(victim->sub);
}

/* With nothing there: it says that it waits. */
static void do_take_nothing(struct victim *victim)
{
	if (zt_take(victim->sub, 0, &victim->held[1]) != -EAGAIN)
		abort();
}

/* The connection is closed by the last release. */
static void open_take_and_close(struct victim *victim)
{
	open_and_take(victim);
	do_close(victim);
}

struct verb {
	void (*prepare)(struct victim *victim);
	void (*act)(struct victim *victim);
	enum steps steps;
	const struct zt_subscriber_options *options;
};

static int be_victim(int fd, void *argument)
{
	const struct verb *verb = argument;
	struct victim victim = { .options = verb->options };

	if (verb->prepare)
		verb->prepare(&victim);
	harness_send_event(fd, 1);
	steps_begin();
	verb->act(&victim);
	steps_end();
	_exit(0);
}

struct stage {
	struct zt_publisher *pub;
	struct zt_subscriber *witness;
};

/* Slots for the witness and one victim; a leak would be missed at once. */
static void set_stage(struct stage *stage)
{
	static const struct zt_publisher_options options = {
		.flags = ZT_PUBLISHER_BACKPRESSURE,
		.slots = 2 + 2 + 2,
	};
	static const struct zt_subscriber_options lossless = {
		.delivery = ZT_LOSSLESS, .depth = 2,
	};
	struct zt_format format = stream_small();

	stage->pub = stream_create("cam0", &options);
	stage->witness = stream_open("cam0", &lossless);
	stream_expect(stage->witness, stream_publish(stage->pub, &format));
}

static void clear_stage(struct stage *stage)
{
	assert_int_equal(stream_stats(stage->pub).slots, 6);
	assert_int_equal(stream_stats(stage->pub).cut_off, 0);
	assert_int_equal(stream_reader_stats(stage->witness).dropped, 0);
	zt_subscriber_close(stage->witness);
	zt_publisher_destroy(stage->pub);
}

/* What a monitor is told when it joins is true at that moment. */
static uint32_t slots_in_use(void)
{
	struct zt_stream_info info;
	struct zt_monitor *monitor;

	assert_int_equal(zt_monitor_open("cam0", stream_patience(), &monitor,
					 NULL), 0);
	assert_true(zt_monitor_read(monitor, &info, NULL, 0) >= 0);
	zt_monitor_close(monitor);
	return info.slots_in_use;
}

/* Right after the death: the stream goes on, then is as if nothing was. */
static void check_stage(struct stage *stage)
{
	struct zt_format format = stream_small();

	for (int i = 0; i < 4; i++)
		stream_expect(stage->witness,
			      stream_publish_in_time(stage->pub, &format));
	harness_until(stream_stats(stage->pub).subscribers == 1);
	/* Both of the witness's at once, beside one that is written. */
	stream_publish(stage->pub, &format);
	stream_publish(stage->pub, &format);
	stream_expect(stage->witness, stream_stats(stage->pub).published - 1);
	zt_discard(stage->pub, stream_loan(stage->pub, &format));
	stream_expect(stage->witness, stream_stats(stage->pub).published);
	/* The newest frame's. */
	harness_until(slots_in_use() == 1);
}

static struct harness_peer start_victim(struct verb *verb)
{
	struct harness_peer peer = harness_spawn(be_victim, verb);

	harness_expect_event(peer.fd, 1);
	return peer;
}

static void kill_in(struct verb verb, unsigned int deaths)
{
	unsigned int count = 0, stride;
	struct stage stage;
	bool killed = true;

	steps_prepare();
	set_stage(&stage);
	stride = steps_stride(start_victim(&verb), verb.steps, deaths);
	check_stage(&stage);
	for (unsigned int n = 1; killed; n += stride) {
		struct harness_peer peer = start_victim(&verb);

		killed = steps_kill_at(&peer, verb.steps, n);
		if (!killed)
			assert_int_equal(harness_reap(&peer), 0);
		check_stage(&stage);
		count++;
	}
	clear_stage(&stage);
	print_message("%u deaths\n", count - 1);
	assert_true(count > deaths / 4);
}

/* In each kind of subscriber. */
static void kill_all(struct verb verb, unsigned int deaths)
{
	for (unsigned int i = 0; i < 3; i++) {
		verb.options = &kinds[i];
		kill_in(verb, deaths);
	}
}

static void in_join(void)
{
	kill_all((struct verb){ .act = do_open, .steps = STEP_SYSCALLS }, 60);
}

static void in_take(void)
{
	kill_all((struct verb){ .prepare = do_open, .act = do_take,
				.steps = STEP_INSTRUCTIONS }, 60);
}

static void in_take_of_nothing(void)
{
	struct verb verb = { .prepare = open_take_and_release,
			     .act = do_take_nothing, .steps = STEP_SYSCALLS };

	kill_all(verb, 10);
	verb.steps = STEP_INSTRUCTIONS;
	kill_all(verb, 60);
}

static void in_release(void)
{
	kill_all((struct verb){ .prepare = open_and_take, .act = do_release,
				.steps = STEP_INSTRUCTIONS }, 60);
}

static void in_leaving(void)
{
	kill_all((struct verb){ .prepare = do_open, .act = do_close,
				.steps = STEP_SYSCALLS }, 20);
}

static void in_leaving_with_a_frame(void)
{
	kill_all((struct verb){ .prepare = open_and_take, .act = do_close,
				.steps = STEP_SYSCALLS }, 20);
	kill_all((struct verb){ .prepare = open_take_and_close,
				.act = do_release, .steps = STEP_SYSCALLS },
		 20);
}

/* ------------------------------------------------------------------------
 * Growth: a take that maps new memory, and later lets old memory go.
 */

static int be_victim_of_growth(int fd, void *argument)
{
	struct zt_subscriber *sub = stream_open("cam0", argument);
	struct pollfd pollfd = {
		.fd = zt_subscriber_fd(sub), .events = POLLIN,
	};
	const struct zt_frame *frame;
	uint64_t event;

	if (zt_take(sub, stream_patience(), &frame) == 0)
		zt_release(frame);
	harness_send_event(fd, 1);
	harness_wait_event(fd, HARNESS_PATIENCE, &event);
	steps_begin();
	if (zt_take(sub, stream_patience(), &frame) == 0)
		zt_release(frame);
	/* It is asked to let the old memory go now, or was already. */
	poll(&pollfd, 1, 50);
	if (zt_take(sub, 0, &frame) == 0)
		zt_release(frame);
	steps_end();
	_exit(0);
}

/* The publisher's memory is larger each time; the witness goes along. */
static void grow(struct stage *stage, uint64_t bytes)
{
	struct zt_format format = stream_sized(bytes);
	const struct zt_frame *frame;
	struct zt_loan *loan;

	harness_until((zt_take(stage->witness, 0, &frame),
		       zt_loan(stage->pub, &format, 0, &loan) == 0));
	zt_discard(stage->pub, loan);
}

static void publish_sized(struct stage *stage, uint64_t bytes)
{
	struct zt_format format = stream_sized(bytes);

	stream_expect(stage->witness,
		      stream_publish_in_time(stage->pub, &format));
}

static void in_growth(void)
{
	for (unsigned int i = 0; i < 2; i++) {
		uint64_t bytes = 16384;
		bool killed = true;
		struct stage stage;

		set_stage(&stage);
		for (unsigned int n = 1; killed; n++) {
			struct harness_peer peer = harness_spawn(
				be_victim_of_growth, (void *)&kinds[i]);

			harness_expect_event(peer.fd, 1);
			bytes += 4096;
			grow(&stage, bytes);
			publish_sized(&stage, bytes);
			publish_sized(&stage, bytes);
			harness_send_event(peer.fd, 1);
			killed = steps_kill_at(&peer, STEP_SYSCALLS, n);
			if (!killed)
				assert_int_equal(harness_reap(&peer), 0);
			for (int k = 0; k < 4; k++)
				publish_sized(&stage, bytes);
			harness_until(stream_stats(stage.pub).subscribers == 1);
			/* What the dead had mapped is not missed either. */
			harness_until((stream_expect_error(stage.witness,
							   -EAGAIN),
				       stream_stats(stage.pub).memory ==
					       6 * bytes));
		}
		clear_stage(&stage);
	}
}

/* ------------------------------------------------------------------------
 * Eviction, and the next publisher.
 */

/* One take, once it is told to. */
static int be_victim_later(int fd, void *argument)
{
	struct zt_subscriber *sub = stream_open("cam0", argument);
	const struct zt_frame *frame;
	uint64_t event;

	harness_send_event(fd, 1);
	harness_wait_event(fd, HARNESS_PATIENCE, &event);
	steps_begin();
	if (zt_take(sub, stream_patience(), &frame) == 0)
		zt_release(frame);
	steps_end();
	_exit(0);
}

static void in_learning_of_its_eviction(void)
{
	static const struct zt_publisher_options options = {
		.flags = ZT_PUBLISHER_BACKPRESSURE, .evict_after_ns = 1000000,
	};
	struct zt_publisher *pub = stream_create("cam0", &options);
	struct zt_format format = stream_small();
	bool killed = true;

	for (unsigned int n = 1; killed; n++) {
		struct harness_peer peer = harness_spawn(be_victim_later,
							 (void *)&kinds[2]);

		harness_expect_event(peer.fd, 1);
		for (int i = 0; i < 3; i++)
			stream_publish_in_time(pub, &format);
		assert_int_equal(stream_stats(pub).evicted, n);
		harness_send_event(peer.fd, 1);
		killed = steps_kill_at(&peer, STEP_SYSCALLS, n);
		if (!killed)
			assert_int_equal(harness_reap(&peer), 0);
		harness_until(stream_stats(pub).subscribers == 0);
		stream_publish(pub, &format);
	}
	assert_int_equal(stream_stats(pub).slots, 4);
	zt_publisher_destroy(pub);
}

static void in_reconnecting(void)
{
	struct stream_source source = { .name = "cam0", .frames = 1 };
	bool killed = true;

	for (unsigned int n = 1; killed; n++) {
		struct harness_peer first = stream_source_start(&source);
		struct harness_peer peer;
		struct stage stage;

		harness_expect_event(first.fd, 1);
		peer = harness_spawn(be_victim_later, (void *)&kinds[0]);
		harness_expect_event(peer.fd, 1);
		harness_kill(&first);
		set_stage(&stage);
		harness_send_event(peer.fd, 1);
		killed = steps_kill_at(&peer, STEP_SYSCALLS, n);
		if (!killed)
			assert_int_equal(harness_reap(&peer), 0);
		check_stage(&stage);
		clear_stage(&stage);
	}
}

static const struct zt_test tests[] = {
	ZT_TEST(in_join, .timeout_s = 60),
	ZT_TEST(in_take, .timeout_s = 60),
	ZT_TEST(in_take_of_nothing),
	ZT_TEST(in_release, .timeout_s = 60),
	ZT_TEST(in_leaving, .timeout_s = 60),
	ZT_TEST(in_leaving_with_a_frame, .timeout_s = 60),
	ZT_TEST(in_growth, .timeout_s = 60),
	ZT_TEST(in_learning_of_its_eviction, .timeout_s = 60),
	ZT_TEST(in_reconnecting, .timeout_s = 60),
};
ZT_TEST_MAIN(tests)
