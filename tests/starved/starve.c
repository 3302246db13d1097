/* SPDX-License-Identifier: MIT */
/* See starve.h. */
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "harness.h"
#include "leaks.h"
#include "starve.h"

/* Longer than any time-out of a test's own: nobody would have come. */
#define FOREVER_MS 5000

/* Whose turn it is: the `number`-th call's, with its `which`-th error. */
static unsigned int number, which;
static enum starve_side starved;

static unsigned int counted;
static bool under_way;		/* between begin and end */
static bool reading;		/* for the limits of memory, too */
static const char *failed_call;
static int failed_error;
static bool had_such_error;	/* the call in question has a `which`-th */

/* A thread of the library's own is nobody. */
static _Thread_local enum starve_side at_work;

int (*starve_idle)(enum starve_side sleeper);

enum starve_side starve_as(enum starve_side side)
{
	enum starve_side before = at_work;

	at_work = side;
	return before;
}

void starve_begin(void)
{
	under_way = true;
	reading = false;
}

void starve_begin_reading(void)
{
	under_way = true;
	reading = true;
}

void starve_end(void)
{
	under_way = false;
}

const char *starve_call(void)
{
	return failed_call;
}

int starve_error(void)
{
	return failed_error;
}

static bool reads_file(const char *call)
{
	return !strcmp(call, "fopen") || !strcmp(call, "fgets") ||
	       !strcmp(call, "getline");
}

bool starve_turn(const char *call, const int *errors)
{
	unsigned int count = 0;

	if (!under_way || at_work == STARVE_NOBODY || at_work != starved ||
	    (!reading && reads_file(call)) || counted++ != number)
		return false;
	while (errors[count])
		count++;
	had_such_error = which < count;
	if (!had_such_error)
		return false;
	failed_call = call;
	failed_error = errors[which];
	errno = failed_error;
	return true;
}

static void run_once(void (*run)(void))
{
	struct holdings before;
	bool good;

	counted = 0;
	failed_call = NULL;
	failed_error = 0;
	had_such_error = false;
	under_way = false;
	holdings_take(&before);
	run();
	starve_as(STARVE_NOBODY);
	good = holdings_check(&before);
	holdings_free(&before);
	if (!good)
		fail_msg("left after call %u, %s, failed with %s", number + 1,
			 failed_call ? failed_call : "none",
			 strerrorname_np(failed_error));
}

void starve_each(enum starve_side side, void (*run)(void))
{
	unsigned int runs = 0;

	starved = STARVE_NOBODY;
	run_once(run);		/* what is made once in a process */
	starved = side;
	for (number = 0;; number++) {
		for (which = 0;; which++) {
			run_once(run);
			if (!had_such_error)
				break;
			runs++;
		}
		if (counted <= number)
			break;
	}
	starved = STARVE_NOBODY;
	printf("%u calls, %u failures\n", number, runs);
	assert_true(runs > 0);
}

/* ------------------------------------------------------------------------
 * What a failure is to give.
 */

/* What a call's error becomes where it is not handed on as it is. */
static const struct {
	const char *call;
	int error, result;
} translated[] = {
	{ "fallocate", ENOSPC, ENOMEM },
	{ "madvise(populate)", EFAULT, ENOMEM },
	{ "mmap", EAGAIN, ENOMEM },
};

/* What the library does without, or tries again. */
static const struct {
	const char *call;
	int error;		/* 0: any */
} borne[] = {
	{ "close", 0 },
	{ "memfd_create", EINVAL },
	{ "madvise(populate)", EINVAL },
	{ "madvise(populate)", EINTR },
	{ "madvise(populate)", EAGAIN },
	{ "fallocate", EINTR },
	{ "fopen", 0 },
	{ "fgets", 0 },
	{ "getline", 0 },
	{ "flock", EINTR },
	{ "fstatat", ENOENT },
	{ "setsockopt", 0 },
	{ "shutdown", 0 },
	{ "connect", EINTR },
	{ "sendmsg", EINTR },
	{ "sendmsg(fds)", EINTR },
	{ "recvmsg", EINTR },
};

static bool is_borne(const char *call, int error)
{
	for (size_t i = 0; i < sizeof(borne) / sizeof(*borne); i++)
		if (!strcmp(borne[i].call, call) &&
		    (!borne[i].error || borne[i].error == error))
			return true;
	return false;
}

static int expected(const char *call, int error)
{
	for (size_t i = 0; i < sizeof(translated) / sizeof(*translated); i++)
		if (!strcmp(translated[i].call, call) &&
		    translated[i].error == error)
			return -translated[i].result;
	return -error;
}

static void check_reason(const char *verb, const char *reason)
{
	size_t length = strnlen(reason, 256);

	if (!length || length >= 256 || reason[length - 1] == '.' ||
	    strchr(reason, '\n'))
		fail_msg("%s: %s fails with %s, and the reason is \"%s\"", verb,
			 failed_call, strerrorname_np(failed_error), reason);
}

bool starve_judge(const char *verb, int r, const char *reason)
{
	if (!failed_call) {
		if (r < 0)
			fail_msg("%s: nothing failed, and it gives %s (%s)",
				 verb, strerrorname_np(-r), reason);
		return true;
	}
	printf("%s: call %u, %s, fails with %s: %s%s%s\n", verb, number + 1,
	       failed_call, strerrorname_np(failed_error),
	       r < 0 ? strerrorname_np(-r) : "borne", r < 0 ? ", " : "",
	       r < 0 && reason ? reason : "");
	if (getenv("X"))return r>=0;
	if (r >= 0) {
		if (!is_borne(failed_call, failed_error))
			fail_msg("%s hides that %s fails with %s", verb,
				 failed_call, strerrorname_np(failed_error));
		return true;
	}
	if (r != expected(failed_call, failed_error))
		fail_msg("%s: %s fails with %s, and it gives %s", verb,
			 failed_call, strerrorname_np(failed_error),
			 strerrorname_np(-r));
	if (reason)
		check_reason(verb, reason);
	return false;
}

/* ------------------------------------------------------------------------
 * Sleeping.
 */

static int64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

static void nobody_comes(void)
{
	printf("call %u, %s, failed with %s: now it sleeps for ever\n",
	       number + 1, failed_call ? failed_call : "none",
	       failed_error ? strerrorname_np(failed_error) : "nothing");
	_exit(HARNESS_FAILED);
}

int starve_sleep(struct pollfd *fd, const struct timespec *timeout,
		 starve_ppoll real)
{
	int64_t limit = now_ns() + FOREVER_MS * INT64_C(1000000);
	int64_t until = INT64_MAX;
	struct pollfd both[2];

	if (timeout)
		until = now_ns() + timeout->tv_sec * INT64_C(1000000000) +
			timeout->tv_nsec;
	for (;;) {
		enum starve_side sleeper = starve_as(STARVE_NOBODY);
		int64_t left = (until < limit ? until : limit) - now_ns();
		struct timespec ts = {
			.tv_sec = left > 0 ? left / 1000000000 : 0,
			.tv_nsec = left > 0 ? left % 1000000000 : 0,
		};
		int n;

		both[0] = *fd;
		both[1] = (struct pollfd){ .fd = -1, .events = POLLIN };
		if (starve_idle)
			both[1].fd = starve_idle(sleeper);
		n = real(both, 2, &ts, NULL);
		starve_as(sleeper);
		fd->revents = both[0].revents;
		if (n < 0)
			return n;
		if (both[0].revents)
			return 1;
		if (!n && until <= now_ns())
			return 0;
		if (!n && limit <= now_ns())
			nobody_comes();
	}
}
