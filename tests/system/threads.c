/* SPDX-License-Identifier: MIT */
/* What may be called from any thread is called from many at once. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "stream.h"

#define RELEASERS 3
#define FRAMES 5000

/* Frames on their way from the thread that takes to those that release. */
struct belt {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	const struct zt_frame *frames[64];
	unsigned int count;
	bool end;
	int error;
};

static void *release_frames(void *argument)
{
	struct belt *belt = argument;

	for (;;) {
		const struct zt_frame *frame = NULL;

		pthread_mutex_lock(&belt->lock);
		while (!belt->count && !belt->end)
			pthread_cond_wait(&belt->changed, &belt->lock);
		/* Not in the order in which they came. */
		if (belt->count)
			frame = belt->frames[--belt->count];
		pthread_mutex_unlock(&belt->lock);
		if (!frame)
			return NULL;
		if (!stream_is_painted(frame, frame->sequence))
			belt->error = -EIO;
		zt_release(frame);
	}
}

static void put(struct belt *belt, const struct zt_frame *frame)
{
	pthread_mutex_lock(&belt->lock);
	if (frame)
		belt->frames[belt->count++] = frame;
	else
		belt->end = true;
	pthread_cond_broadcast(&belt->changed);
	pthread_mutex_unlock(&belt->lock);
}

struct reading {
	struct zt_subscriber *sub;
	bool lossless;
	uint64_t taken;
	int error;
};

/* Take in this thread, release in three others. */
static void *read_on(void *argument)
{
	struct reading *reading = argument;
	struct belt belt = {
		.lock = PTHREAD_MUTEX_INITIALIZER,
		.changed = PTHREAD_COND_INITIALIZER,
	};
	pthread_t releasers[RELEASERS];
	const struct zt_frame *frame;
	uint64_t last = 0;
	int r;

	for (int i = 0; i < RELEASERS; i++)
		pthread_create(&releasers[i], NULL, release_frames, &belt);
	for (;;) {
		r = zt_take(reading->sub, stream_patience(), &frame);
		if (r == -EBUSY)
			continue;
		if (r < 0)
			break;
		if (frame->sequence <= last ||
		    (reading->lossless && frame->sequence != last + 1))
			reading->error = -EPROTO;
		last = frame->sequence;
		reading->taken++;
		put(&belt, frame);
	}
	put(&belt, NULL);
	for (int i = 0; i < RELEASERS; i++)
		pthread_join(releasers[i], NULL);
	if (r != -EPIPE)
		reading->error = r;
	if (belt.error)
		reading->error = belt.error;
	return NULL;
}

static void releases_come_from_several_threads(void)
{
	static const struct zt_publisher_options options = {
		.flags = ZT_PUBLISHER_BACKPRESSURE, .slots = 32,
	};
	static const struct zt_subscriber_options kinds[3] = {
		{ .held = 6 },
		{ .delivery = ZT_QUEUE, .depth = 6 },
		{ .delivery = ZT_LOSSLESS, .depth = 6 },
	};
	struct zt_publisher *pub = stream_create("cam0", &options);
	struct reading readings[3] = { 0 };
	struct zt_format format = stream_small();
	pthread_t threads[3];

	for (int i = 0; i < 3; i++) {
		readings[i].sub = stream_open("cam0", &kinds[i]);
		readings[i].lossless = kinds[i].delivery == ZT_LOSSLESS;
	}
	for (int i = 0; i < 3; i++)
		pthread_create(&threads[i], NULL, read_on, &readings[i]);
	for (int i = 0; i < FRAMES; i++)
		stream_publish_in_time(pub, &format);
	zt_publisher_destroy(pub);
	for (int i = 0; i < 3; i++) {
		struct zt_subscriber_stats stats;

		pthread_join(threads[i], NULL);
		stats = stream_reader_stats(readings[i].sub);
		assert_int_equal(readings[i].error, 0);
		assert_int_equal(stats.held, 0);
		assert_int_equal(stats.taken, readings[i].taken);
		if (readings[i].lossless)
			assert_int_equal(readings[i].taken, FRAMES);
		zt_subscriber_close(readings[i].sub);
	}
}

static void *release_one(void *frame)
{
	zt_release(frame);
	return NULL;
}

/* The last release frees what is left of the subscriber. */
static void releases_come_while_it_is_closed(void)
{
	static const struct zt_subscriber_options options = { .held = 4 };
	struct zt_publisher *pub = stream_create("cam0", NULL);
	struct zt_format format = stream_small();

	for (int round = 0; round < 100; round++) {
		struct zt_subscriber *sub = stream_open("cam0", &options);
		const struct zt_frame *frames[4];
		pthread_t threads[4];

		for (int i = 0; i < 4; i++) {
			stream_publish(pub, &format);
			frames[i] = stream_take(sub);
		}
		for (int i = 0; i < 4; i++)
			pthread_create(&threads[i], NULL, release_one,
				       (void *)(uintptr_t)frames[i]);
		zt_subscriber_close(sub);
		for (int i = 0; i < 4; i++)
			pthread_join(threads[i], NULL);
		harness_until(zt_publisher_subscribers(pub) == 0);
	}
	zt_publisher_destroy(pub);
}

static atomic_bool stop;

static void *ask_again_and_again(void *argument)
{
	struct zt_publisher *pub = argument;

	while (!atomic_load(&stop)) {
		struct zt_publisher_stats stats = { .size = sizeof(stats) };

		if (zt_publisher_get_stats(pub, &stats) < 0 ||
		    zt_publisher_subscribers(pub) < 0)
			break;
	}
	return NULL;
}

/* The frame thread changes from call to call; others ask for counters. */
static void the_frame_thread_may_change(void)
{
	struct zt_publisher *pub = stream_create("cam0", NULL);
	struct zt_subscriber *sub = stream_open("cam0", NULL);
	struct zt_format format = stream_small();
	pthread_t threads[2];

	for (int i = 0; i < 2; i++)
		pthread_create(&threads[i], NULL, ask_again_and_again, pub);
	for (uint64_t i = 1; i <= 1000; i++) {
		stream_publish(pub, &format);
		stream_expect(sub, i);
	}
	atomic_store(&stop, true);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	zt_subscriber_close(sub);
	zt_publisher_destroy(pub);
}

/* ------------------------------------------------------------------------
 * Joins and departures without end, while frames are published.
 */

struct visitor {
	pthread_t thread;
	uint32_t delivery;
	atomic_uint visits;
	atomic_int error;
	atomic_bool gone;
};

static int visit(uint32_t delivery)
{
	struct zt_subscriber_options options = {
		.size = sizeof(options), .delivery = delivery, .depth = 2,
	};
	const struct zt_frame *frame;
	struct zt_subscriber *sub;
	uint64_t last = 0;
	int r = zt_subscriber_open("cam0", &options, &sub, NULL);

	if (r < 0)
		return r;
	for (int i = 0; i < 5 && r == 0; i++) {
		r = zt_take(sub, stream_patience(), &frame);
		if (r < 0)
			break;
		if (frame->sequence <= last ||
		    !stream_is_painted(frame, frame->sequence) ||
		    (delivery == ZT_LOSSLESS && last &&
		     frame->sequence != last + 1))
			r = -EIO;
		last = frame->sequence;
		/* Some leave with what they hold. */
		if (i == 4 && last % 3 == 0) {
			zt_subscriber_close(sub);
			sub = NULL;
		}
		zt_release(frame);
	}
	zt_subscriber_close(sub);
	return r;
}

static void *visit_often(void *argument)
{
	struct visitor *visitor = argument;

	while (!atomic_load(&stop) && !visitor->error) {
		visitor->error = visit(visitor->delivery);
		visitor->visits++;
	}
	visitor->gone = true;
	return NULL;
}

static void readers_come_and_go(void)
{
	static const struct zt_publisher_options options = {
		.flags = ZT_PUBLISHER_BACKPRESSURE,
	};
	struct zt_publisher *pub = stream_create("cam0", &options);
	struct zt_format format = stream_small();
	struct visitor visitors[3] = { 0 };

	for (uint32_t i = 0; i < 3; i++) {
		visitors[i].delivery = i;
		pthread_create(&visitors[i].thread, NULL, visit_often,
			       &visitors[i]);
	}
	while (visitors[2].visits < 100 || visitors[1].visits < 100 ||
	       visitors[0].visits < 100) {
		stream_publish_in_time(pub, &format);
		for (uint32_t i = 0; i < 3; i++)
			assert_int_equal(visitors[i].error, 0);
	}
	atomic_store(&stop, true);
	for (uint32_t i = 0; i < 3; i++) {
		while (!visitors[i].gone)
			stream_publish_in_time(pub, &format);
		pthread_join(visitors[i].thread, NULL);
		assert_int_equal(visitors[i].error, 0);
	}
	/* The reserves of three, and of three whose hang-up is on its way. */
	assert_true(stream_stats(pub).slots <= 2 + 2 * 3 * 2);
	assert_int_equal(stream_stats(pub).cut_off, 0);
	zt_publisher_destroy(pub);
}

static const struct zt_test tests[] = {
	ZT_TEST(releases_come_from_several_threads),
	ZT_TEST(releases_come_while_it_is_closed),
	ZT_TEST(the_frame_thread_may_change),
	ZT_TEST(readers_come_and_go, .timeout_s = 60),
};
ZT_TEST_MAIN(tests)
