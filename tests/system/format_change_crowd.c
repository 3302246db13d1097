/* SPDX-License-Identifier: MIT */
/*
 * Frames outgrow their slots under sixty readers, so that old and new slots
 * have to share 64 numbers: no loan waits or fails on their account.
 */
#include <poll.h>
#include <pthread.h>

#include "stream.h"

#define READERS 60

struct crowd {
	struct zt_publisher *pub;
	struct zt_subscriber *subs[READERS];
	const struct zt_frame *held[READERS];
};

static void *open_all(void *argument)
{
	struct crowd *crowd = argument;
	struct zt_subscriber_options options = { .size = sizeof(options) };

	for (unsigned int i = 0; i < READERS; i++)
		if (zt_subscriber_open("cam0", &options, &crowd->subs[i],
				       NULL) < 0)
			break;
	return NULL;
}

static void dispatch(struct crowd *crowd)
{
	while (zt_publisher_dispatch(crowd->pub) > 0)
		continue;
}

static void gather(struct crowd *crowd, uint32_t flags)
{
	/* All slots at once, or each join would be a segment for all to map. */
	struct zt_publisher_options options = {
		.flags = flags, .slots = READERS + 2,
	};
	pthread_t thread;

	*crowd = (struct crowd){ .pub = stream_create("cam0", &options) };
	assert_int_equal(pthread_create(&thread, NULL, open_all, crowd), 0);
	stream_wait_subscribers(crowd->pub, READERS);
	pthread_join(thread, NULL);
	assert_non_null(crowd->subs[READERS - 1]);
}

static void disperse(struct crowd *crowd)
{
	for (unsigned int i = 0; i < READERS; i++) {
		zt_release(crowd->held[i]);
		zt_subscriber_close(crowd->subs[i]);
	}
	zt_publisher_destroy(crowd->pub);
}

/* Each one holds a frame of its own. */
static void fill(struct crowd *crowd)
{
	struct zt_format small = stream_small();

	for (unsigned int i = 0; i < READERS; i++) {
		uint64_t sequence = stream_publish(crowd->pub, &small);

		crowd->held[i] = stream_take_this(crowd->subs[i], sequence);
	}
}

static void check_held(const struct crowd *crowd)
{
	for (unsigned int i = 0; i < READERS; i++)
		assert_true(stream_is_painted(crowd->held[i],
					      crowd->held[i]->sequence));
}

/* They map what is new, with their hands full. */
static void acknowledge(struct crowd *crowd)
{
	for (unsigned int i = 0; i < READERS; i++)
		stream_expect_error(crowd->subs[i], -EBUSY);
}

/* One after the other gives its old frame back and takes a new one. */
static void exchange(struct crowd *crowd, const struct zt_format *format)
{
	for (unsigned int i = 0; i < READERS; i++) {
		uint64_t sequence;

		zt_release(crowd->held[i]);
		sequence = stream_publish(crowd->pub, format);
		crowd->held[i] = stream_catch_up(crowd->subs[i], sequence);
		assert_int_equal(crowd->held[i]->format.width, format->width);
	}
	check_held(crowd);
}

static void sixty_readers_change_over(void)
{
	struct zt_format large = stream_sized(32768);
	struct zt_format larger = stream_sized(65536);
	const struct zt_frame *frame;
	struct crowd crowd;

	gather(&crowd, 0);
	fill(&crowd);
	stream_publish(crowd.pub, &large);
	check_held(&crowd);
	acknowledge(&crowd);
	exchange(&crowd, &large);
	stream_publish(crowd.pub, &larger);
	acknowledge(&crowd);
	exchange(&crowd, &larger);
	assert_int_equal(stream_stats(crowd.pub).loan_failures, 0);
	assert_int_equal(stream_stats(crowd.pub).loan_waits, 0);
	/* All that is left is 62 of the largest. */
	harness_until(({
		for (unsigned int i = 0; i < READERS; i++)
			zt_take(crowd.subs[i], 0, &frame);
		stream_stats(crowd.pub).memory == 62 * 65536;
	}));
	assert_int_equal(stream_stats(crowd.pub).subscribers, READERS);
	disperse(&crowd);
}

/* Nor where the program does not dispatch between one loan and the next. */
static void no_loan_needs_the_service(void)
{
	struct zt_format large = stream_sized(32768);
	struct crowd crowd;

	gather(&crowd, ZT_PUBLISHER_NO_THREAD);
	fill(&crowd);
	stream_publish(crowd.pub, &large);
	acknowledge(&crowd);
	dispatch(&crowd);
	exchange(&crowd, &large);
	assert_int_equal(stream_stats(crowd.pub).loan_failures, 0);
	assert_int_equal(stream_stats(crowd.pub).loan_waits, 0);
	dispatch(&crowd);
	disperse(&crowd);
}

static const struct zt_test tests[] = {
	ZT_TEST(sixty_readers_change_over),
	ZT_TEST(no_loan_needs_the_service),
};
ZT_TEST_MAIN(tests)
