/* SPDX-License-Identifier: MIT */
/*
 * The test runner. A test program is a table of functions that use cmocka's
 * assertions:
 *
 *	#include "harness.h"
 *
 *	static void frames_arrive_in_order(void)
 *	{
 *		assert_int_equal(1 + 1, 2);
 *	}
 *
 *	static const struct zt_test tests[] = {
 *		ZT_TEST(frames_arrive_in_order),
 *		ZT_TEST(survives_sigkill, .timeout_s = 60,
 *			.flags = ZT_LEAVES_SOCKETS),
 *	};
 *	ZT_TEST_MAIN(tests)
 *
 * Each test runs in a process and a process group of its own, with
 *
 *   ZOETROPE_DIR    a new, empty runtime directory
 *   the working     a new, empty directory for what the test writes; both are
 *   directory       removed afterwards
 *   XDG_RUNTIME_DIR unset
 *   umask           022
 *
 * and fails when it fails an assertion, exits or is killed, takes longer than
 * its time limit, or leaves behind: a descriptor, a shared mapping, a thread,
 * a child (running, or not waited for), an object in /dev/shm (semaphores lie
 * there too), a System V segment, or anything but lock files in its runtime
 * directory. Closing a descriptor that was there before fails it as well.
 *
 * A test that leaves a shared memory object for a moment with nobody using it,
 * on purpose, must not run beside others (is_parallel: false in meson.build).
 *
 * The program speaks TAP; what a test printed is shown where it failed.
 * Arguments are shell patterns of the tests to run; -l lists them, -v shows
 * what passing tests print too. All time limits, those of the waits below too,
 * are multiplied by the number in ZT_TEST_SCALE (for slow tools). In gdb, set
 * follow-fork-mode to child.
 */
#ifndef ZT_TEST_HARNESS_H
#define ZT_TEST_HARNESS_H

/* cmocka.h wants these included before it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

/* The test kills publishers: their sockets may remain beside the locks. */
#define ZT_LEAVES_SOCKETS (1U << 0)

struct zt_test {
	const char *name;
	void (*run)(void);
	unsigned int timeout_s;	/* 0: 30 */
	unsigned int flags;	/* ZT_LEAVES_… */
};

#define ZT_TEST(function, ...)                                        \
	{ .name = #function, .run = function, __VA_ARGS__ }

#define ZT_TEST_MAIN(tests)                                           \
	int main(int argc, char **argv)                               \
	{                                                             \
		return harness_main(argc, argv, tests,                \
				    sizeof(tests) / sizeof(*(tests))); \
	}

int harness_main(int argc, char **argv, const struct zt_test *tests,
		 size_t count);

/* End the test here, as skipped, with the reason: this machine cannot do it. */
void harness_skip(const char *format, ...)
	__attribute__((format(printf, 1, 2), noreturn));

/* ------------------------------------------------------------------------
 * Waiting. Never sleep in a test: wait for what is to happen, with a limit.
 */

/* A limit, in ms, that is only ever reached when something is wrong. */
#define HARNESS_PATIENCE 10000

/* True when fd is readable or hung up, within the time. */
bool harness_wait_readable(int fd, int timeout_ms);

/*
 * Wait until the expression is true, or fail the test; for what gives no event
 * to wait on, such as a counter. The expression is evaluated many times.
 */
#define harness_until(expression)                                       \
	do {                                                            \
		int64_t limit_ = harness_limit_ns(HARNESS_PATIENCE);    \
		while (!(expression))                                   \
			if (!harness_nap_until(limit_))                 \
				fail_msg("waited in vain for " #expression); \
	} while (0)

int64_t harness_limit_ns(int timeout_ms); /* that far from now, scaled */
bool harness_nap_until(int64_t limit_ns); /* false: it is past that time */

/* ------------------------------------------------------------------------
 * Other processes. A peer is a forked child that runs a C function; the two
 * talk through a socket pair, in events, which are numbers that the test gives
 * a meaning. Assertions may be used in a peer: one that fails ends it with
 * HARNESS_FAILED.
 */
struct harness_peer {
	pid_t pid;
	int fd;
};

#define HARNESS_FAILED 99

/* What a peer runs; returns its exit status, 0 to 98. */
typedef int (*harness_peer_fn)(int fd, void *argument);

/*
 * Start a peer. It inherits all the caller has, as any fork does; of the
 * harness, only its end of the socket pair.
 */
struct harness_peer harness_spawn(harness_peer_fn run, void *argument);

/* Tell the other side; true unless it is gone. */
bool harness_send_event(int fd, uint64_t event);

/* 0 and the event; -ETIMEDOUT; -EPIPE where the other side is gone. */
int harness_wait_event(int fd, int timeout_ms, uint64_t *ret_event);

/* Wait for the next event, which is to be this one; fails the test if not. */
void harness_expect_event(int fd, uint64_t event);

/*
 * Send a signal. SIGSTOP and SIGCONT: returns when the peer has stopped, or
 * goes on.
 */
void harness_signal(const struct harness_peer *peer, int signal_number);

/*
 * Wait for the peer's end and close its fd. Returns its exit status, or the
 * negative number of the signal that killed it; fails the test when the peer
 * outlives HARNESS_PATIENCE.
 */
int harness_reap(struct harness_peer *peer);

/* SIGKILL, and reap. */
void harness_kill(struct harness_peer *peer);

/*
 * Pin the calling thread to the index-th processor of those it may run on;
 * false where there are not so many.
 */
bool harness_pin(unsigned int index);

#endif
