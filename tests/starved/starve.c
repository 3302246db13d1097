/* SPDX-License-Identifier: MIT */
/* See starve.h. */
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "harness.h"
#include "leaks.h"
#include "starve.h"

/* Whose turn it is: the `number`-th call's, with its `which`-th error. */
static unsigned int number, which;
static bool lasting;
static enum starve_side starved, mute;

static unsigned int counted;
static bool under_way;		/* between begin and end */
static bool reading;		/* for the limits of memory, too */
static const char *failed_call;
static int failed_error;
static bool had_such_error;	/* the call in question has a `which`-th */

/* A thread of the library's own is nobody. */
static _Thread_local enum starve_side at_work;

int (*starve_idle)(enum starve_side sleeper);

int __real_timerfd_settime(int fd, int flags, const struct itimerspec *when,
			   struct itimerspec *ret_old);

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

void starve_mute(enum starve_side side)
{
	mute = side;
}

bool starve_is_mute(void)
{
	return mute && at_work == mute;
}

const char *starve_call(void)
{
	return failed_call;
}

bool starve_lasts(void)
{
	return lasting;
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

/*
 * What passes by itself does not last; nor does what is tried again for as
 * long as it lasts, the message still being there.
 */
static bool can_last(const char *call, int error)
{
	return error != EINTR && error != EAGAIN && error != ECONNABORTED &&
	       error != ENOENT && error != EINVAL && strcmp(call, "recvmsg");
}

static bool has_error(const int *errors, int error)
{
	while (*errors && *errors != error)
		errors++;
	return *errors;
}

/* Calls beyond this are made in a loop that does not end. */
#define CALLS_MAX 10000

static void it_spins(const char *call)
{
	printf("call %u, %s, failed with %s: now %s is called for ever\n",
	       number + 1, failed_call ? failed_call : "none",
	       failed_error ? strerrorname_np(failed_error) : "nothing", call);
	_exit(HARNESS_FAILED);
}

bool starve_turn(const char *call, const int *errors)
{
	unsigned int count = 0;

	if (!under_way || at_work == STARVE_NOBODY || at_work != starved ||
	    (!reading && reads_file(call)))
		return false;
	if (failed_call && lasting && can_last(call, failed_error) &&
	    has_error(errors, failed_error)) {
		errno = failed_error;
		return true;
	}
	if (counted == CALLS_MAX)
		it_spins(call);
	if (counted++ != number)
		return false;
	while (errors[count])
		count++;
	had_such_error = which < count;
	if (!had_such_error || (lasting && !can_last(call, errors[which])))
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
	mute = STARVE_NOBODY;
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

	starved = side;
	for (number = 0;; number++) {
		for (which = 0;; which++) {
			lasting = false;
			run_once(run);
			if (!had_such_error)
				break;
			lasting = true;
			run_once(run);
			runs += failed_call ? 2 : 1;
		}
		if (counted <= number && !which)
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
	{ "madvise", EAGAIN, ENOMEM },
	{ "madvise(populate)", EFAULT, ENOMEM },
	{ "mmap", EAGAIN, ENOMEM },
	{ "sendmsg", ENOBUFS, ENOMEM },
	/* Nobody listens: a dead publisher's. */
	{ "connect", ECONNREFUSED, ENOENT },
	/* Not such memory as a publisher makes. */
	{ "fcntl(F_GET_SEALS)", EINVAL, EPROTO },
	{ "fstat", EIO, EPROTO },
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
	{ "flock", EINTR },
	{ "fstatat", ENOENT },
	{ "setsockopt", 0 },
	{ "shutdown", 0 },
	{ "connect", EINTR },
	{ "sendmsg", EINTR },
	{ "sendmsg(fds)", EINTR },
	{ "recvmsg", 0 },
	{ "ppoll", EINTR },
	/* What cannot be read sets no limit. */
	{ "fopen", 0 },
	{ "fgets", 0 },
	{ "getline", 0 },
	/* Nor is the processor's counter known to be a clock. */
	{ "open(/sys)", 0 },
	/* There is a timer beside it. */
	{ "inotify_init1", 0 },
	{ "inotify_add_watch", 0 },
};

static bool is_borne(const char *call, int error)
{
	for (size_t i = 0; i < sizeof(borne) / sizeof(*borne); i++)
		if (!strcmp(borne[i].call, call) &&
		    (!borne[i].error || borne[i].error == error))
			return true;
	return false;
}

static bool is_expected(const char *call, int error, int result)
{
	for (size_t i = 0; i < sizeof(translated) / sizeof(*translated); i++)
		if (!strcmp(translated[i].call, call) &&
		    translated[i].error == error &&
		    translated[i].result == result)
			return true;
	return error == result;
}

static bool has_word(const char *list, const char *word)
{
	size_t length = strlen(word);

	while ((list = strstr(list, word)))
		if (list[length] == ' ' || !list[length])
			return true;
		else
			list += length;
	return false;
}

static void check_reason(const char *verb, const char *reason)
{
	size_t length = strnlen(reason, 256);

	if (!length || length >= 256 || reason[length - 1] == '.' ||
	    strchr(reason, '\n'))
		fail_msg("%s: %s fails with %s, and the reason is \"%s\"", verb,
			 failed_call, strerrorname_np(failed_error), reason);
}

void starve_say(const char *verb, int r, const char *reason)
{
	if (failed_call)
		printf("%s: call %u, %s, fails with %s%s: %s%s%s\n", verb,
		       number + 1, failed_call, strerrorname_np(failed_error),
		       lasting ? " and goes on to" : "",
		       r < 0 ? strerrorname_np(-r) : "borne",
		       r < 0 && reason ? ", " : "",
		       r < 0 && reason ? reason : "");
}

bool starve_judge_bearing(const char *verb, const char *calls, int r,
			  const char *reason)
{
	if (!failed_call) {
		if (r < 0)
			fail_msg("%s: nothing failed, and it gives %s (%s)",
				 verb, strerrorname_np(-r), reason);
		return true;
	}
	starve_say(verb, r, reason);
	if (r >= 0) {
		if (!is_borne(failed_call, failed_error) &&
		    !has_word(calls, failed_call))
			fail_msg("%s hides that %s fails with %s", verb,
				 failed_call, strerrorname_np(failed_error));
		return true;
	}
	/* What lasts may be waited for until the time is over. */
	if (!is_expected(failed_call, failed_error, -r) &&
	    !(lasting && r == -ETIMEDOUT))
		fail_msg("%s: %s fails with %s, and it gives %s", verb,
			 failed_call, strerrorname_np(failed_error),
			 strerrorname_np(-r));
	if (reason && r != -EINTR)
		check_reason(verb, reason);
	return false;
}

bool starve_judge(const char *verb, int r, const char *reason)
{
	return starve_judge_bearing(verb, "", r, reason);
}

/* ------------------------------------------------------------------------
 * Sleeping.
 */

static _Atomic int64_t slept_ns;

static struct timer {
	int fd;
	int64_t at, interval_ns;
} timers[8];
#define TIMERS (sizeof(timers) / sizeof(*timers))

int64_t starve_slept_ns(void)
{
	return slept_ns;
}

int64_t starve_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

void starve_set_timer(int fd, int64_t at, int64_t interval_ns)
{
	struct timer *free_one = NULL;

	for (size_t i = 0; i < TIMERS; i++) {
		if (timers[i].at && timers[i].fd == fd)
			timers[i].at = 0;
		if (!timers[i].at)
			free_one = &timers[i];
	}
	if (at == INT64_MAX)
		return;
	assert_non_null(free_one);
	*free_one = (struct timer){ fd, at, interval_ns };
}

/* Let the timers fire that are due. Returns when the next one is. */
static int64_t fire_timers(void)
{
	struct itimerspec at_once = { .it_value.tv_nsec = 1 };
	int64_t next = INT64_MAX;

	for (size_t i = 0; i < TIMERS; i++) {
		struct timer *timer = &timers[i];

		if (timer->at && timer->at <= starve_now_ns()) {
			__real_timerfd_settime(timer->fd, 0, &at_once, NULL);
			timer->at = timer->interval_ns ?
				timer->at + timer->interval_ns : 0;
		}
		if (timer->at && timer->at < next)
			next = timer->at;
	}
	return next;
}

static void nobody_comes(void)
{
	printf("call %u, %s, failed with %s: now it sleeps for ever\n",
	       number + 1, failed_call ? failed_call : "none",
	       failed_error ? strerrorname_np(failed_error) : "nothing");
	_exit(HARNESS_FAILED);
}

/* Somebody has something to do. */
static bool is_anything(int fd, int other_fd)
{
	struct pollfd fds[2] = {
		{ .fd = fd, .events = POLLIN },
		{ .fd = other_fd, .events = POLLIN },
	};

	return poll(fds, 2, 0) > 0;
}

int starve_sleep(struct pollfd *fd, int64_t timeout_ns)
{
	enum starve_side sleeper = at_work;
	int64_t until = timeout_ns == INT64_MAX ? timeout_ns :
						  starve_now_ns() + timeout_ns;

	for (;;) {
		int64_t next;
		int other;

		fire_timers();
		starve_as(STARVE_NOBODY);
		other = starve_idle ? starve_idle(sleeper) : -1;
		starve_as(sleeper);
		if (poll(fd, 1, 0) > 0)
			return 1;
		if (until <= starve_now_ns())
			return 0;
		if (is_anything(fd->fd, other))
			continue;
		next = fire_timers();
		next = next < until ? next : until;
		if (next == INT64_MAX)
			nobody_comes();
		if (next > starve_now_ns())
			slept_ns += next - starve_now_ns();
	}
}
