/* SPDX-License-Identifier: MIT */
/*
 * While both sides are busy a frame costs no system call: here any one of
 * them, on the frame's path, is death.
 */
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "sanitizers.h"
#include "stream.h"

/* From here on this thread may do nothing but end. */
static void allow_no_syscalls(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit_group, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
	};
	struct sock_fprog program = {
		.len = sizeof(code) / sizeof(*code), .filter = code,
	};

	assert_int_equal(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
	assert_int_equal(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program),
			 0);
}

static int tell_the_time(int fd, void *unused)
{
	struct timespec ts;

	(void)fd;
	(void)unused;
	allow_no_syscalls();
	for (int i = 0; i < 100; i++)
		clock_gettime(CLOCK_MONOTONIC, &ts);
	_exit(0);
}

static void need_a_clock_without_syscalls(void)
{
	struct harness_peer peer;

	if (THREAD_SANITIZER)
		harness_skip("the sanitizer makes system calls of its own");
	peer = harness_spawn(tell_the_time, NULL);
	if (harness_reap(&peer) != 0)
		harness_skip("reading the clock is a system call here");
}

static const struct zt_publisher_options publishing = {
	.flags = ZT_PUBLISHER_BACKPRESSURE, .slots = 16,
	.spin_ns = 60000000000,
};

static int take_what_you_publish(int fd, void *unused)
{
	struct zt_publisher *pub = stream_create("cam0", &publishing);
	struct zt_format format = stream_small();
	struct zt_subscriber *subs[3];

	(void)fd;
	(void)unused;
	for (uint32_t delivery = ZT_LATEST; delivery <= ZT_LOSSLESS;
	     delivery++) {
		struct zt_subscriber_options options = { .delivery = delivery };

		subs[delivery] = stream_open("cam0", &options);
	}
	/* This one wakes those who have just joined. */
	stream_publish(pub, &format);
	for (unsigned int i = 0; i < 3; i++)
		stream_expect(subs[i], 1);
	allow_no_syscalls();
	for (uint64_t n = 2; n <= 5000; n++) {
		const struct zt_frame *frame;
		struct zt_loan *loan;

		if (zt_loan(pub, &format, ZT_FOREVER, &loan) < 0 ||
		    zt_publish(pub, loan) < 0)
			_exit(1);
		for (unsigned int i = 0; i < 3; i++) {
			if (zt_take(subs[i], ZT_FOREVER, &frame) < 0 ||
			    frame->sequence != n)
				_exit(2);
			zt_release(frame);
		}
	}
	_exit(0);
}

static void in_one_thread(void)
{
	struct harness_peer peer;

	need_a_clock_without_syscalls();
	peer = harness_spawn(take_what_you_publish, NULL);
	assert_int_equal(harness_reap(&peer), 0);
	zt_publisher_destroy(stream_create("cam0", NULL));
}

#define FRAMES 2000

static int publish_busily(int fd, void *unused)
{
	struct zt_publisher *pub = stream_create("cam0", &publishing);
	struct zt_format format = stream_small();
	struct zt_loan *loan;
	uint64_t event;

	(void)unused;
	harness_send_event(fd, 1);
	stream_wait_subscribers(pub, 1);
	stream_publish(pub, &format);
	harness_wait_event(fd, HARNESS_PATIENCE, &event);
	/* The reader said that it waits: it is woken, and spins from then. */
	stream_publish(pub, &format);
	allow_no_syscalls();
	for (uint64_t n = 3; n <= FRAMES + 100; n++)
		if (zt_loan(pub, &format, ZT_FOREVER, &loan) < 0 ||
		    zt_publish(pub, loan) < 0)
			_exit(1);
	_exit(0);
}

static int read_busily(int fd, void *argument)
{
	struct zt_subscriber_options options = {
		.delivery = *(uint32_t *)argument, .depth = 4,
		.spin_ns = 60000000000,
	};
	struct zt_subscriber *sub = stream_open("cam0", &options);
	const struct zt_frame *frame;
	uint64_t sequence;

	stream_expect(sub, 1);
	/* This reads what came while it joined, too. */
	stream_expect_error(sub, -EAGAIN);
	harness_send_event(fd, 1);
	allow_no_syscalls();
	do {
		if (zt_take(sub, ZT_FOREVER, &frame) < 0)
			_exit(1);
		sequence = frame->sequence;
		zt_release(frame);
	} while (sequence < FRAMES);
	_exit(0);
}

static void in_two_processes(uint32_t delivery)
{
	struct harness_peer publisher, reader;

	publisher = harness_spawn(publish_busily, NULL);
	harness_expect_event(publisher.fd, 1);
	reader = harness_spawn(read_busily, &delivery);
	harness_expect_event(reader.fd, 1);
	harness_send_event(publisher.fd, 1);
	assert_int_equal(harness_reap(&reader), 0);
	assert_int_equal(harness_reap(&publisher), 0);
}

static void between_two_processes(void)
{
	need_a_clock_without_syscalls();
	in_two_processes(ZT_LOSSLESS);
	zt_publisher_destroy(stream_create("cam0", NULL));
}

static void with_a_reader_of_the_newest(void)
{
	need_a_clock_without_syscalls();
	in_two_processes(ZT_LATEST);
	zt_publisher_destroy(stream_create("cam0", NULL));
}

static const struct zt_test tests[] = {
	ZT_TEST(in_one_thread),
	ZT_TEST(between_two_processes),
	ZT_TEST(with_a_reader_of_the_newest),
};
ZT_TEST_MAIN(tests)
