/* SPDX-License-Identifier: MIT */
/* Subscribers that come and go, come in crowds, or come and say nothing. */
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "court.h"
#include "raw.h"

/* Joins and leaves; fewer where a machine does it for every change. */
static unsigned int comings(void)
{
	const char *scale = getenv("ZT_TEST_SCALE");
	unsigned int count = getenv("CI") ? 10000 : 100000;

	return count / (unsigned int)(scale && atoi(scale) > 0 ?
				      atoi(scale) : 1);
}

/* ------------------------------------------------------------------------
 * Coming and going.
 */

/* Join and leave, each time at another point of it. */
static int come_and_go(int fd, void *argument)
{
	static const uint32_t deliveries[] = { ZT_LATEST, ZT_QUEUE,
					       ZT_LOSSLESS };
	unsigned int count = *(unsigned int *)argument;
	struct zti_message bye = raw_message(ZTI_BYE);

	for (unsigned int i = 0; i < count; i++) {
		struct zti_message msg = raw_hello(deliveries[i / 8 % 3],
						   1 + i % 4);
		struct raw raw;

		if (i % 8 < 4) {
			raw_open(&raw, COURT_STREAM);
			if (i % 8 > 0)
				raw_say(&raw, &msg);
			if (i % 8 > 1)
				raw_await(&raw, &msg);
			if (i % 8 > 2)
				raw_answer(&raw, &msg);
		} else {
			assert_true(raw_join(&raw, COURT_STREAM,
					     msg.hello.delivery,
					     msg.hello.bound));
			if (i % 8 == 4)
				raw_say(&raw, &bye);
			if (i % 8 == 5)
				raw_return(&raw, raw_take_all(&raw));
			if (i % 8 == 6)
				raw_take_all(&raw);
		}
		raw_close(&raw);
		if (i == count / 4)
			harness_send_event(fd, 0);
	}
	return 0;
}

static void coming_and_going(void)
{
	struct zt_publisher_options options = { .slots = 16 };
	unsigned int count = comings() / 2, fds;
	struct harness_peer peers[2];
	struct court court;
	uint64_t memory;

	court_open(&court, &options);
	court.may_wait = true;	/* for who joins as lossless, a moment */
	for (int i = 0; i < 2; i++)
		peers[i] = court_spawn(come_and_go, &count, false);
	for (int i = 0; i < 2; i++)
		court_run_until(&court, peers[i].fd);
	memory = stream_stats(court.pub).memory;
	for (int i = 0; i < 2; i++)
		court_dismiss(&court, &peers[i]);
	court_until(&court, zt_publisher_subscribers(court.pub) == 1);
	court_frames(&court, 100);
	printf("%u joins\n", 2 * count);
	assert_int_equal(stream_stats(court.pub).memory, memory);
	assert_int_equal(stream_stats(court.pub).evicted, 0);
	fds = court_fds();
	for (int i = 0; i < 10; i++)
		zt_subscriber_close(stream_open(COURT_STREAM, NULL));
	court_until(&court, zt_publisher_subscribers(court.pub) == 1);
	court_until(&court, court_fds() == fds);
	court_close(&court);
}

/* ------------------------------------------------------------------------
 * Crowds.
 */

#define CROWD 400
#define COME 1

/* Told to, connect very often, and stay; say who we are, or not. */
static int crowd(int fd, void *argument)
{
	bool greets = *(bool *)argument;
	struct zti_message msg = raw_hello(ZT_LATEST, 1);
	int sockets[CROWD];
	uint64_t told;

	harness_expect_event(fd, COME);
	for (int i = 0; i < CROWD; i++) {
		do
			sockets[i] = raw_connect(COURT_STREAM);
		while (sockets[i] == -EAGAIN && !court_over(fd));
		if (greets && sockets[i] >= 0)
			raw_send(sockets[i], &msg, sizeof(msg), NULL, 0);
	}
	harness_send_event(fd, 0);
	harness_wait_event(fd, 10 * HARNESS_PATIENCE, &told);
	return 0;
}

static void limit_fds(unsigned int count)
{
	struct rlimit limit;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = count;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

static unsigned int fds_limit(void)
{
	struct rlimit limit;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	return (unsigned int)limit.rlim_cur;
}

/* The publisher has few descriptors, and a crowd takes them all. */
static void fds_run_out(bool greets)
{
	struct zt_publisher_options options = { .slots = 64 };
	unsigned int limit = fds_limit(), before;
	struct harness_peer peer;
	struct court court;

	court_open(&court, &options);
	peer = court_spawn(crowd, &greets, false);
	before = court_fds();
	limit_fds(before + 20);
	harness_send_event(peer.fd, COME);
	court_run_until(&court, peer.fd);
	court_run(&court, 300);
	court_send_away(&court, &peer);
	court_until(&court, court_fds() <= before);
	zt_subscriber_close(stream_open(COURT_STREAM, NULL));
	limit_fds(limit);
	assert_int_equal(harness_reap(&peer), 0);
	court_close(&court);
}

static void a_crowd_takes_all_descriptors(void)
{
	fds_run_out(false);
}

static void a_crowd_joins_with_all_descriptors(void)
{
	fds_run_out(true);
}

#define UNREAD 60

/* A stream of the same user, whose subscribers read nothing. */
static int keep_unread(int fd, void *argument)
{
	struct zt_publisher_options options = { .slots = 64 };
	struct zt_publisher *pub = stream_create("cam1", &options);
	struct zti_message msg = raw_hello(ZT_LATEST, 1);
	struct raw raws[UNREAD];
	uint64_t told;

	(void)argument;
	for (int i = 0; i < UNREAD; i++) {
		raw_open(&raws[i], "cam1");
		raw_say(&raws[i], &msg);
	}
	for (int i = 0; i < UNREAD; i++)
		assert_true(harness_wait_readable(raws[i].socket,
						  HARNESS_PATIENCE));
	harness_send_event(fd, 0);
	harness_wait_event(fd, 10 * HARNESS_PATIENCE, &told);
	for (int i = 0; i < UNREAD; i++)
		raw_close(&raws[i]);
	zt_publisher_destroy(pub);
	return 0;
}

/*
 * Descriptors that are sent and not received count against the sender's user,
 * whichever of his processes sent them; past his limit he can send none. What
 * is to be sent then waits, and nobody is cut off for it.
 */
static void unread_descriptors_cut_off_nobody(void)
{
	struct zt_publisher_options options = { .slots = 16 };
	struct zt_format large = stream_sized(65536);
	unsigned int limit = fds_limit();
	struct harness_peer peer;
	struct zt_loan *loan;
	struct court court;

	if (geteuid() == 0) {	/* it knows no such limit */
		stream_open_directory();
		assert_int_equal(chown(getenv("ZOETROPE_DIR"), COURT_STRANGER,
				       COURT_STRANGER), 0);
		stream_become(COURT_STRANGER);
	}
	court_open(&court, &options);
	peer = harness_spawn(keep_unread, NULL);
	court_run_until(&court, peer.fd);
	harness_expect_event(peer.fd, 0);
	limit_fds(court_fds() + 20);
	assert_true(fds_limit() < 2 * UNREAD);
	for (int i = 0; i < 5; i++) {
		const struct zt_frame *frame;

		assert_int_equal(zt_loan(court.pub, &large, 10000000, &loan),
				 -ETIMEDOUT);
		court.excused++;
		assert_int_equal(zt_take(court.honest, 0, &frame), -EAGAIN);
	}
	limit_fds(limit);
	court.may_wait = true;
	court_dismiss(&court, &peer);
	court_change(&court, large);
	assert_int_equal(stream_stats(court.pub).cut_off, 0);
	court_close(&court);
}

static void a_crowd_is_bounded(void)
{
	struct zt_publisher_options options = {
		.slots = 16, .max_connections = 50,
	};
	struct harness_peer peer;
	bool greets = false;
	unsigned int before;
	struct court court;
	struct raw raw;

	court_open(&court, &options);
	before = court_fds();
	peer = court_spawn(crowd, &greets, false);
	harness_send_event(peer.fd, COME);
	court_run_until(&court, peer.fd);
	court_until(&court, stream_stats(court.pub).refused == CROWD - 49);
	assert_in_range(court_fds(), before + 48, before + 52);
	raw_open(&raw, COURT_STREAM);
	raw_await_end(&raw);
	assert_int_equal(raw.refused, -EBUSY);
	printf("refused: %s\n", raw.reason);
	raw_close(&raw);
	court_dismiss(&court, &peer);
	court_close(&court);
}

/* Another user has no more than its share, and others can still join. */
static void strangers_have_their_share(void)
{
	struct zt_publisher_options options = {
		.slots = 64, .max_connections_per_uid = 10,
	};
	struct harness_peer peer;
	struct court court;
	bool greets = true;

	if (geteuid() != 0)
		harness_skip("only root can be two users");
	court_open(&court, &options);
	peer = court_spawn(crowd, &greets, true);
	harness_send_event(peer.fd, COME);
	court_run_until(&court, peer.fd);
	court_until(&court, stream_stats(court.pub).refused == CROWD - 10);
	for (int i = 0; i < 10; i++)
		zt_subscriber_close(stream_open(COURT_STREAM, NULL));
	court_dismiss(&court, &peer);
	court_close(&court);
}

/* Nor do they have more than half of all slots. */
static int ask_for_much(int fd, void *argument)
{
	struct raw raws[5];
	int joined = 0;

	(void)argument;
	for (int i = 0; i < 5; i++)
		joined += raw_join(&raws[i], COURT_STREAM, ZT_QUEUE, 8);
	printf("refused: %s\n", raws[4].reason);
	assert_int_equal(raws[4].refused, -ENOBUFS);
	for (int i = 0; i < 5; i++)
		raw_close(&raws[i]);
	harness_send_event(fd, 0);
	return joined == 4 ? 0 : 1;
}

static void strangers_have_half_the_slots(void)
{
	struct zt_publisher_options options = { .slots = 64 };
	struct harness_peer peer;
	struct court court;

	if (geteuid() != 0)
		harness_skip("only root can be two users");
	court_open(&court, &options);
	peer = court_spawn(ask_for_much, NULL, true);
	court_run_until(&court, peer.fd);
	court_dismiss(&court, &peer);
	court_close(&court);
}

/* ------------------------------------------------------------------------
 * Silence.
 */

/* One says nothing at all, the others stop in the middle of their joins. */
static void who_says_nothing_is_cut_off(void)
{
	struct zt_publisher_options options = { .slots = 16 };
	struct zti_message msg = raw_hello(ZT_LOSSLESS, 4);
	struct court court;
	struct raw raws[3];

	court_open(&court, &options);
	for (int i = 0; i < 3; i++)
		raw_open(&raws[i], COURT_STREAM);
	raw_say(&raws[1], &msg);
	raw_say(&raws[2], &msg);
	raw_await(&raws[2], &msg);
	raw_answer(&raws[2], &msg);
	while (stream_stats(court.pub).cut_off < 3) {
		court_run(&court, 10);
		harness_wait_readable(raws[0].socket, 50);
	}
	for (int i = 0; i < 3; i++) {
		raw_await_end(&raws[i]);
		raw_close(&raws[i]);
	}
	court_close(&court);
}

static const struct zt_test tests[] = {
	ZT_TEST(coming_and_going, .timeout_s = 300),
	ZT_TEST(a_crowd_takes_all_descriptors),
	ZT_TEST(a_crowd_joins_with_all_descriptors),
	ZT_TEST(unread_descriptors_cut_off_nobody),
	ZT_TEST(a_crowd_is_bounded),
	ZT_TEST(strangers_have_their_share),
	ZT_TEST(strangers_have_half_the_slots),
	ZT_TEST(who_says_nothing_is_cut_off, .timeout_s = 60),
};
ZT_TEST_MAIN(tests)
