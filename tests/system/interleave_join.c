/* SPDX-License-Identifier: MIT */
/*
 * A subscriber joins while frames are published: the service is held at one
 * instruction after the other of the join, and the frame path goes on. It never
 * waits for the service, and the joiner misses nothing.
 */
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sanitizers.h"
#include "steps.h"
#include "stream.h"

#define STRIDE (ADDRESS_SANITIZER || THREAD_SANITIZER ? 397 : 149)

/* By then it has joined: what comes after is the log. */
#define LAST 2400

/* The publisher's process: one thread serves, in steps; one publishes. */
struct publishing {
	struct zt_publisher *pub;
	int fd;			/* told how many, and tells the last */
};

static void *publish_when_told(void *argument)
{
	struct publishing *publishing = argument;
	struct zt_format format = stream_small();
	uint64_t count, sequence = 1;

	while (harness_wait_event(publishing->fd, 10 * HARNESS_PATIENCE,
				  &count) == 0) {
		for (uint64_t i = 0; i < count; i++) {
			struct zt_loan *loan;

			if (zt_loan(publishing->pub, &format, 0, &loan) < 0)
				abort();
			stream_paint(loan, ++sequence);
			zt_publish(publishing->pub, loan);
		}
		harness_send_event(publishing->fd, sequence);
	}
	return NULL;
}

static void dispatch(struct zt_publisher *pub)
{
	struct pollfd pollfd = { .fd = zt_publisher_fd(pub), .events = POLLIN };

	poll(&pollfd, 1, -1);
	if (zt_publisher_dispatch(pub) < 0)
		abort();
}

/* Readers come and leave, one by one. */
static void serve_in_steps(struct zt_publisher *pub, int fd)
{
	uint64_t go;

	while (harness_wait_event(fd, HARNESS_PATIENCE, &go) == 0 && go) {
		steps_begin();
		while (zt_publisher_subscribers(pub) == 0)
			dispatch(pub);
		steps_end();
		while (zt_publisher_subscribers(pub) != 0)
			dispatch(pub);
		harness_send_event(fd, 2);
	}
}

static int serve(int fd, void *argument)
{
	static const struct zt_publisher_options options = {
		.flags = ZT_PUBLISHER_NO_THREAD | ZT_PUBLISHER_BACKPRESSURE,
		.slots = 16,
	};
	struct publishing publishing = { .fd = *(int *)argument };
	struct zt_format format = stream_small();
	pthread_t thread;

	publishing.pub = stream_create("cam0", &options);
	stream_publish(publishing.pub, &format);
	pthread_create(&thread, NULL, publish_when_told, &publishing);
	harness_send_event(fd, 1);
	serve_in_steps(publishing.pub, fd);
	_exit(0);
}

static const struct zt_subscriber_options kinds[] = {
	{ .delivery = ZT_LATEST },
	{ .delivery = ZT_QUEUE, .depth = 8 },
	{ .delivery = ZT_LOSSLESS, .depth = 8 },
};

struct service {
	struct harness_peer peer;
	int publisher_fd;
};

/* Have frames published; nothing may hold this up. */
static uint64_t publish(const struct service *service, uint64_t count)
{
	uint64_t newest;

	harness_send_event(service->publisher_fd, count);
	assert_int_equal(harness_wait_event(service->publisher_fd,
					    HARNESS_PATIENCE, &newest), 0);
	return newest;
}

/* All that came since its join, and the newest frame at that time or a later
   one first. */
static void check_reader(const struct service *service,
			 struct stream_reader *reader, uint32_t delivery,
			 uint64_t at_join)
{
	uint64_t newest = publish(service, 2);
	int64_t sequence = stream_reader_ask(reader, STREAM_TAKE), last;

	assert_true(sequence >= (int64_t)at_join);
	if (delivery != ZT_LATEST)
		assert_true(sequence <= (int64_t)newest - 2 + 1);
	for (last = sequence; last < (int64_t)newest; last = sequence) {
		stream_reader_ask(reader, STREAM_RELEASE);
		sequence = stream_reader_ask(reader, STREAM_TAKE);
		assert_true(sequence > last);
		if (delivery != ZT_LATEST)
			assert_int_equal(sequence, last + 1);
	}
	assert_int_equal(last, newest);
	stream_reader_ask(reader, STREAM_RELEASE);
	assert_int_equal(stream_reader_ask(reader, STREAM_TRY), -EAGAIN);
	stream_reader_end(reader);
}

static void join_in_steps(const struct zt_subscriber_options *options)
{
	struct service service;
	struct stream_reader reader;
	unsigned int misses = 0;
	int ends[2];
	bool held;

	steps_prepare();
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0,
				    ends), 0);
	service.peer = harness_spawn(serve, &ends[1]);
	service.publisher_fd = ends[0];
	harness_expect_event(service.peer.fd, 1);
	for (unsigned int n = 1; misses < 5 && n < LAST; n += STRIDE) {
		uint64_t before = publish(&service, 0);

		harness_send_event(service.peer.fd, 1);
		reader = stream_reader_spawn("cam0", options, 0);
		/* From the last segment that the joiner is told of on: what
		   comes before concerns nobody else. */
		held = steps_hold_after(&service.peer, SYS_sendmsg, 2, n);
		publish(&service, 1 + n % 3);
		if (held)
			steps_go_on(&service.peer);
		/* How many steps it takes differs from time to time. */
		misses += !held;
		assert_int_equal(stream_reader_reply(&reader), 0);
		check_reader(&service, &reader, options->delivery, before);
		harness_expect_event(service.peer.fd, 2);
	}
	harness_kill(&service.peer);
	close(ends[0]);
	close(ends[1]);
	zt_publisher_destroy(stream_create("cam0", NULL));
}

static void of_a_reader_of_the_newest(void)
{
	join_in_steps(&kinds[ZT_LATEST]);
}

static void of_a_queue(void)
{
	join_in_steps(&kinds[ZT_QUEUE]);
}

static void of_a_lossless_reader(void)
{
	join_in_steps(&kinds[ZT_LOSSLESS]);
}

static const struct zt_test tests[] = {
	ZT_TEST(of_a_reader_of_the_newest, .timeout_s = 60),
	ZT_TEST(of_a_queue, .timeout_s = 60),
	ZT_TEST(of_a_lossless_reader, .timeout_s = 60),
};
ZT_TEST_MAIN(tests)
