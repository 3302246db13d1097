/* SPDX-License-Identifier: MIT */
/* Publishers that say nothing, or do not stop, or do not listen. */
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fake.h"
#include "raw.h"

#define SEGMENT ((uint64_t)FAKE_SLOTS * FAKE_SLOT)

static void end(struct fake *fake, struct zt_subscriber *sub)
{
	zt_subscriber_close(sub);
	fake_end(fake);
}

/* In another process: answer as little as this, until told to end. */
struct silence {
	bool accepts, welcomes;
};

static int be_silent(int fd, void *argument)
{
	const struct silence *silence = argument;
	struct fake fake;
	uint64_t told;

	fake_begin(&fake);
	fake_listen(&fake);
	harness_send_event(fd, 0);
	if (silence->accepts)
		fake_accept(&fake);
	if (silence->welcomes)
		fake_welcome(&fake);
	harness_wait_event(fd, 10 * HARNESS_PATIENCE, &told);
	fake_end(&fake);
	return 0;
}

static void who_does_not_answer_is_left(void)
{
	static const struct silence silences[] = {
		{ false, false }, { true, false }, { true, true },
	};

	for (int i = 0; i < 3; i++) {
		struct silence silence = silences[i];
		struct harness_peer peer = harness_spawn(be_silent, &silence);
		struct zt_subscriber_options options = {
			.size = sizeof(options), .join_timeout_ns = 100000000,
		};
		struct zt_subscriber *sub = NULL;
		char reason[ZT_REASON_MAX];

		harness_expect_event(peer.fd, 0);
		assert_int_equal(zt_subscriber_open(FAKE_STREAM, &options,
						    &sub, reason), -ETIMEDOUT);
		printf("%s\n", reason);
		assert_null(sub);
		harness_send_event(peer.fd, 0);
		assert_int_equal(harness_reap(&peer), 0);
	}
}

struct talking {
	struct fake *fake;
	_Atomic bool stop;
	const struct zti_message *msg;
	size_t size;
};

static void *talk(void *argument)
{
	struct talking *talking = argument;

	while (!atomic_load(&talking->stop))
		raw_send(talking->fake->socket, talking->msg, talking->size,
			 NULL, 0);
	return NULL;
}

/* A take keeps to its time, whatever is said meanwhile. */
static void talk_without_end(enum fake_state state, size_t size)
{
	struct zti_message msg = raw_message(1000);
	struct talking talking = { .msg = &msg, .size = size };
	const struct zt_frame *frame;
	struct zt_subscriber *sub;
	pthread_t thread;
	struct fake fake;

	fake_enter(&fake, &sub, state);
	talking.fake = &fake;
	assert_int_equal(pthread_create(&thread, NULL, talk, &talking), 0);
	for (int i = 0; i < 20; i++) {
		assert_int_equal(zt_take(sub, 0, &frame), -EAGAIN);
		assert_int_equal(zt_take(sub, 10000000, &frame), -ETIMEDOUT);
		if (state != FAKE_STARTED)
			continue;
		fake_publish(&fake, 0);
		assert_int_equal(zt_take(sub, 0, &frame), 0);
		zt_release(frame);
	}
	atomic_store(&talking.stop, true);
	pthread_join(thread, NULL);
	end(&fake, sub);
}

static void who_talks_without_end_keeps_nobody(void)
{
	for (unsigned int state = 0; state < FAKE_STATES; state++) {
		talk_without_end(state, 1);
		talk_without_end(state, sizeof(struct zti_message));
	}
}

/* Accept and hang up, as fast as it goes. */
static void *slam(void *argument)
{
	struct talking *talking = argument;

	while (!atomic_load(&talking->stop)) {
		int fd = accept4(talking->fake->listener, NULL, NULL,
				 SOCK_CLOEXEC);

		if (fd >= 0)
			close(fd);
	}
	return NULL;
}

static void who_hangs_up_at_once_keeps_nobody(void)
{
	struct talking talking = { 0 };
	const struct zt_frame *frame;
	struct zt_subscriber *sub;
	pthread_t threads[2];
	struct fake fake;

	fake_begin(&fake);
	sub = fake_subscriber(ZT_LATEST, 1);
	fake_listen(&fake);
	talking.fake = &fake;
	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, slam,
						&talking), 0);
	for (int i = 0; i < 200; i++) {
		assert_int_equal(zt_take(sub, 0, &frame), -EAGAIN);
		assert_int_equal(zt_take(sub, 1000000, &frame), -ETIMEDOUT);
	}
	atomic_store(&talking.stop, true);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	end(&fake, sub);
}

/* It does not read what it is answered. */
static void who_does_not_read_is_left(void)
{
	struct zti_message msg = raw_message(ZTI_RETIRE);
	const struct zt_frame *frame;
	struct zt_subscriber *sub;
	struct fake fake;
	int r = -EAGAIN;

	fake_enter(&fake, &sub, FAKE_STARTED);
	for (int i = 0; i < 10000 && r == -EAGAIN; i++) {
		if (i % 2)
			fake_tell_segment(&fake, 0, fake.segment_fd, SEGMENT);
		else
			fake_say(&fake, &msg, NULL, 0);
		r = fake_take(sub, &frame);
	}
	assert_int_equal(r, -EPROTO);
	assert_non_null(strstr(zt_subscriber_reason(sub), "does not read"));
	end(&fake, sub);
}

static const struct zt_test tests[] = {
	ZT_TEST(who_does_not_answer_is_left),
	ZT_TEST(who_talks_without_end_keeps_nobody),
	ZT_TEST(who_hangs_up_at_once_keeps_nobody),
	ZT_TEST(who_does_not_read_is_left),
};
ZT_TEST_MAIN(tests)
