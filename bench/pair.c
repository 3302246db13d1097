/* SPDX-License-Identifier: MIT */
/* See pair.h. */
#include "pair.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define BATCHES_MAX 64

void die(const char *what, int error, const char *reason)
{
	fprintf(stderr, "handoff: %s: %s\n", what,
		reason && *reason ? reason : strerror(-error));
	exit(1);
}

int64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

double median(double *values, unsigned int count)
{
	qsort(values, count, sizeof(*values), compare);
	return count % 2 ? values[count / 2] :
			   (values[count / 2 - 1] + values[count / 2]) / 2;
}

static void pin(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET((unsigned int)cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set) < 0)
		die("cannot pin a process to a processor", -errno, NULL);
}

/* SIDE_A spins on what SIDE_B does: without it, for ever. */
static void other_side_died(int signal)
{
	static const char text[] = "handoff: the reading process died\n";
	ssize_t n = write(STDERR_FILENO, text, sizeof(text) - 1);

	(void)signal;
	(void)n;
	_exit(1);
}

void pair_start(struct pair *pair, const int cpus[2])
{
	int sockets[2];

	pair->arena = mmap(NULL, sizeof(*pair->arena), PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (pair->arena == MAP_FAILED ||
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets) < 0)
		die("cannot set up two processes", -errno, NULL);
	signal(SIGCHLD, other_side_died);
	pair->child = fork();
	if (pair->child < 0)
		die("cannot start a process", -errno, NULL);
	pair->side = pair->child ? SIDE_A : SIDE_B;
	if (pair->side == SIDE_B)
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	pair->socket = sockets[pair->side];
	close(sockets[!pair->side]);
	pin(cpus[pair->side]);
	pair_meet(pair);
}

void pair_finish(struct pair *pair)
{
	if (pair->side == SIDE_A)
		signal(SIGCHLD, SIG_DFL);
	pair_meet(pair);
	if (pair->side == SIDE_B)
		exit(0);
	waitpid(pair->child, NULL, 0);
}

void pair_meet(struct pair *pair)
{
	char byte = 0;

	if (send(pair->socket, &byte, 1, MSG_NOSIGNAL) != 1 ||
	    recv(pair->socket, &byte, 1, 0) != 1)
		die("the other process is gone", -ECONNRESET, NULL);
}

double pair_time(struct pair *pair, pair_work a, pair_work b, void *context,
		 unsigned int batches, uint64_t n)
{
	double values[BATCHES_MAX];

	if (batches > BATCHES_MAX)
		batches = BATCHES_MAX;
	pair_meet(pair);
	if (pair->side == SIDE_B)
		b(context, batches * n);
	for (unsigned int i = 0; pair->side == SIDE_A && i < batches; i++) {
		int64_t start = now_ns();

		a(context, n);
		values[i] = (double)(now_ns() - start) / (double)n;
	}
	pair_meet(pair);
	return pair->side == SIDE_A ? median(values, batches) : 0;
}
