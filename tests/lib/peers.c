/* SPDX-License-Identifier: MIT */
/*
 * Waiting, and the other processes of a test.
 */
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "harness.h"
#include "inside.h"

static int64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * INT64_C(1000000000) + ts.tv_nsec;
}

int64_t harness_limit_ns(int timeout_ms)
{
	const char *scale = getenv("ZT_TEST_SCALE");
	int64_t times = scale ? atoi(scale) : 1;

	return now_ns() + timeout_ms * (times > 0 ? times : 1) * 1000000;
}

bool harness_nap_until(int64_t limit_ns)
{
	const struct timespec nap = { .tv_nsec = 1000000 };

	if (now_ns() >= limit_ns)
		return false;
	nanosleep(&nap, NULL);
	return true;
}

bool harness_wait_readable(int fd, int timeout_ms)
{
	int64_t limit = harness_limit_ns(timeout_ms);
	struct pollfd pollfd = { .fd = fd, .events = POLLIN };

	for (;;) {
		int64_t left = (limit - now_ns() + 999999) / 1000000;
		int ready = poll(&pollfd, 1, left > 0 ? (int)left : 0);

		if (ready > 0)
			return true;
		if (ready == 0 && left <= 0)
			return false;
		if (ready < 0 && errno != EINTR)
			fail_msg("poll: %m");
	}
}

struct errand {
	harness_peer_fn run;
	void *argument;
	int fd;
	int status;
};

static void run_errand(void *argument)
{
	struct errand *errand = argument;

	errand->status = errand->run(errand->fd, errand->argument);
}

static void run_peer(struct errand *errand)
{
	int result = inside_run("peer", run_errand, errand);

	exit(result == INSIDE_PASSED ? errand->status : HARNESS_FAILED);
}

struct harness_peer harness_spawn(harness_peer_fn run, void *argument)
{
	struct harness_peer peer;
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		fail_msg("socketpair: %m");
	fflush(NULL);
	peer.pid = fork();
	if (peer.pid < 0)
		fail_msg("fork: %m");
	if (peer.pid == 0) {
		struct errand errand = { run, argument, ends[1], 0 };

		close(ends[0]);
		run_peer(&errand);
	}
	close(ends[1]);
	peer.fd = ends[0];
	return peer;
}

bool harness_send_event(int fd, uint64_t event)
{
	return send(fd, &event, sizeof(event), MSG_NOSIGNAL) == sizeof(event);
}

int harness_wait_event(int fd, int timeout_ms, uint64_t *ret_event)
{
	if (!harness_wait_readable(fd, timeout_ms))
		return -ETIMEDOUT;
	if (recv(fd, ret_event, sizeof(*ret_event), 0) != sizeof(*ret_event))
		return -EPIPE;
	return 0;
}

void harness_expect_event(int fd, uint64_t event)
{
	uint64_t came;
	int r = harness_wait_event(fd, HARNESS_PATIENCE, &came);

	if (r == -ETIMEDOUT)
		fail_msg("event %ju did not come", (uintmax_t)event);
	if (r < 0)
		fail_msg("the other side ended before event %ju",
			 (uintmax_t)event);
	if (came != event)
		fail_msg("event %ju came in place of %ju", (uintmax_t)came,
			 (uintmax_t)event);
}

void harness_signal(const struct harness_peer *peer, int signal_number)
{
	int state = signal_number == SIGSTOP ? WSTOPPED :
		    signal_number == SIGCONT ? WCONTINUED : 0;
	siginfo_t info;

	if (kill(peer->pid, signal_number) < 0)
		fail_msg("kill: %m");
	if (state && waitid(P_PID, (id_t)peer->pid, &info, state) < 0)
		fail_msg("waitid: %m");
}

int harness_reap(struct harness_peer *peer)
{
	int pidfd = pidfd_open(peer->pid, 0);
	int status;

	if (pidfd < 0)
		fail_msg("pidfd_open: %m");
	if (!harness_wait_readable(pidfd, HARNESS_PATIENCE))
		fail_msg("peer %d did not end", (int)peer->pid);
	close(pidfd);
	if (waitpid(peer->pid, &status, 0) != peer->pid)
		fail_msg("waitpid: %m");
	close(peer->fd);
	*peer = (struct harness_peer){ .pid = -1, .fd = -1 };
	return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

void harness_kill(struct harness_peer *peer)
{
	harness_signal(peer, SIGKILL);
	harness_reap(peer);
}

bool harness_pin(unsigned int index)
{
	cpu_set_t allowed, one;
	unsigned int cpu;

	if (sched_getaffinity(0, sizeof(allowed), &allowed) < 0)
		return false;
	for (cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, &allowed) && index-- == 0)
			break;
	if (cpu == CPU_SETSIZE)
		return false;
	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	return sched_setaffinity(0, sizeof(one), &one) == 0;
}
