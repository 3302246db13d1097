/* SPDX-License-Identifier: MIT */
/*
 * Killed at every instruction: each call of the library runs in a process that
 * gets a SIGKILL before its first instruction, after it, after its second, …
 * after its last; and after each death the survivors are looked at. The calls
 * stand in scenarios.c, what survivors must find in survivors.c. Some calls,
 * marked with a star, are not killed, but stopped at each instruction while
 * others go on, and let go again.
 *
 *	crash [-lt] [-s STRIDE | -T SECONDS | -n INSTRUCTION] [PATTERN...]
 *
 *	-l	list the calls
 *	-t	speak TAP
 *	-s N	not at every instruction: at every N-th, and at more of those
 *		that follow a call or a locked instruction
 *	-T S	choose strides so that all takes about S seconds
 *	-n N	only at instruction N
 *
 * PATTERN is a shell pattern of calls. Ends with "N passed, N failed", which
 * counts calls; exits with 1 where one failed, with 77 where this machine
 * cannot single-step.
 */
#include <fnmatch.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "attempt.h"
#include "leaks.h"

/* After so many violations it is known that a call is broken. */
#define ENOUGH 10
/* Tries that a call gets, however short of time we are. */
#define TRIES_MIN 12

static struct {
	bool list, tap;
	size_t stride;		/* 0: by the time */
	double seconds;		/* 0: no limit */
	long only_at;		/* -1: all */
	char **patterns;
} options = { .stride = 1, .only_at = -1 };

struct row {
	const struct scenario *scenario;
	struct trace trace;
	size_t stride, landing_stride;
	unsigned int tries, astray, violations;
};

static struct {
	double began;
	unsigned int tries, passed, failed;
	size_t instructions;
} total;

static volatile sig_atomic_t interrupted;

static const char *const role_names[] = {
	[ROLE_PUBLISHER] = "publisher",
	[ROLE_SERVICE] = "publisher's thread",
	[ROLE_SUBSCRIBER] = "subscriber",
	[ROLE_MONITOR] = "monitor",
};

/* Who is brought to each instruction; with a star, who is not killed there. */
static const char *victim_of(const struct scenario *scenario)
{
	static char text[32];

	snprintf(text, sizeof(text), "%s%s", role_names[scenario->role],
		 scenario->flags & SCENARIO_RESUMES ? " *" : "");
	return text;
}

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

static void interrupt(int signal_number)
{
	interrupted = signal_number;
}

/* ------------------------------------------------------------------------
 * One call.
 */

static void complain(struct row *row, size_t n, const char *fault)
{
	row->violations++;
	printf("%sviolation: %s, %s at instruction %zu of %zu (%s+0x%jx): %s\n",
	       options.tap ? "# " : "", row->scenario->verb,
	       victim_of(row->scenario), n, row->trace.count,
	       strrchr(stepper_library, '/') + 1,
	       (uintmax_t)trace_address(&row->trace, n), fault);
}

/* n < 0: at the end of the call, which is recorded on the way. */
static void try_at(struct row *row, struct world *world, long n)
{
	enum attempt attempt = attempt_kill(world, row->scenario, &row->trace,
					    n < 0 ? 0 : (size_t)n);

	if (interrupted)
		return;
	row->tries++;
	row->astray += n >= 0 && attempt == ATTEMPT_ASTRAY;
	if (attempt == ATTEMPT_VIOLATION)
		complain(row, n < 0 ? row->trace.count : (size_t)n,
			 world->fault);
}

/* How many tries there is time for, with so many calls to come. */
static double affordable(size_t calls_left)
{
	double spent = now() - total.began;
	double rate = total.tries > 50 ? total.tries / spent : 100;
	double share = (options.seconds - spent) / (double)calls_left;

	return share * rate > TRIES_MIN ? share * rate : TRIES_MIN;
}

static size_t count_landings(const struct trace *trace)
{
	size_t n = 0;

	for (size_t i = 0; i < trace->count; i++)
		n += trace->landing[i];
	return n;
}

static void choose_stride(struct row *row, size_t calls_left)
{
	double count = (double)row->trace.count;
	double landings = (double)count_landings(&row->trace), tries;

	row->stride = options.stride;
	row->landing_stride = 1 + options.stride / 50;
	if (row->stride)
		return;
	tries = affordable(calls_left);
	row->stride = 1 + (size_t)(2 * count / tries);
	row->landing_stride = 1 + (size_t)(2 * landings / tries);
	if (count < tries)
		row->stride = 1;
}

static void try_all_along(struct row *row, struct world *world)
{
	size_t landings = 0;

	for (size_t n = 0; n < row->trace.count && !interrupted; n++) {
		bool landing = row->trace.landing[n] &&
			       landings++ % row->landing_stride == 0;

		if (options.only_at >= 0 ? n != (size_t)options.only_at :
					   n % row->stride && !landing)
			continue;
		try_at(row, world, (long)n);
		if (row->violations >= ENOUGH)
			break;
	}
}

static void print_row(const struct row *row)
{
	unsigned int number = total.passed + total.failed;

	if (options.tap)
		printf("%sok %u - %s: %s\n", row->violations ? "not " : "",
		       number, row->scenario->verb,
		       victim_of(row->scenario));
	printf("%s%-43s %-20s %7zu %7zu %7u %7u %6u%s\n",
	       options.tap ? "# " : "", row->scenario->verb,
	       victim_of(row->scenario), row->trace.count, row->stride,
	       row->tries, row->astray, row->violations,
	       row->violations >= ENOUGH ? " (given up)" : "");
}

static void try_call(const struct scenario *scenario, struct world *world,
		     size_t calls_left)
{
	struct row row = { .scenario = scenario };

	try_at(&row, world, -1);
	choose_stride(&row, calls_left);
	try_all_along(&row, world);
	if (!interrupted && !attempt_finish(world))
		complain(&row, row.trace.count, world->fault);
	total.tries += row.tries;
	total.instructions += row.trace.count;
	total.failed += row.violations != 0;
	total.passed += row.violations == 0;
	print_row(&row);
	trace_free(&row.trace);
}

/* ------------------------------------------------------------------------
 * All of them.
 */

static bool is_wanted(const struct scenario *scenario)
{
	if (!*options.patterns)
		return true;
	for (char **pattern = options.patterns; *pattern; pattern++)
		if (fnmatch(*pattern, scenario->verb, 0) == 0)
			return true;
	return false;
}

static size_t count_wanted(size_t from)
{
	size_t n = 0;

	for (size_t i = from; i < scenario_count; i++)
		n += is_wanted(&scenarios[i]);
	return n;
}

static void print_head(void)
{
	if (options.tap)
		printf("1..%zu\n", count_wanted(0));
	printf("%s%-43s %-20s %7s %7s %7s %7s %6s\n", options.tap ? "# " : "",
	       "call", "victim", "instr.", "stride", "tries", "astray",
	       "wrong");
}

static void print_total(void)
{
	const char *prefix = options.tap ? "# " : "";
	double spent = now() - total.began;

	printf("%s%u calls, %zu instructions, %u tries in %.0f s (%.0f a second)\n",
	       prefix, total.passed + total.failed, total.instructions,
	       total.tries, spent, total.tries / spent);
	if (interrupted)
		printf("%sinterrupted: not all was tried\n", prefix);
	printf("%s%u passed, %u failed\n", prefix, total.passed,
	       total.failed);
}

static void fail(const char *what, const char *which)
{
	printf("%sviolation: %s%s\n", options.tap ? "# " : "", what, which);
	total.failed++;
}

/* All are dead. Other programs may be making objects of their own. */
static void look_around(const struct lines *before)
{
	char *left = objects_left(before);

	if (left && (strstr(left, "zoetrope") || strstr(left, "System V")))
		fail("left behind: ", left);
	free(left);
	if (waitpid(-1, NULL, WNOHANG) >= 0)
		fail("left behind: ", "a process");
}

static void try_calls(void)
{
	struct lines objects = objects_take();
	struct world world = { 0 };

	print_head();
	total.began = now();
	for (size_t i = 0; i < scenario_count && !interrupted; i++)
		if (is_wanted(&scenarios[i]))
			try_call(&scenarios[i], &world, count_wanted(i));
	world_end(&world);
	look_around(&objects);
	lines_free(&objects);
	print_total();
}

static int remove_entry(const char *path, const struct stat *st, int type,
			struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static int run(void)
{
	const char *parent = getenv("TMPDIR"), *reason;
	char directory[256];

	if (!stepper_prepare(&reason)) {
		printf(options.tap ? "1..0 # SKIP %s\n" : "skipped: %s\n",
		       reason);
		return options.tap ? 0 : 77;
	}
	snprintf(directory, sizeof(directory), "%s/zoetrope-crash-XXXXXX",
		 parent && *parent ? parent : "/tmp");
	if (!mkdtemp(directory)) {
		perror(directory);
		return 2;
	}
	setenv("ZOETROPE_DIR", directory, 1);
	try_calls();
	nftw(directory, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
	return interrupted ? 128 + interrupted :
	       total.failed || !total.passed;
}

int main(int argc, char **argv)
{
	struct sigaction action = { .sa_handler = interrupt };
	int option;

	while ((option = getopt(argc, argv, "lts:T:n:")) != -1) {
		if (option == '?')
			return 2;
		options.list |= option == 'l';
		options.tap |= option == 't';
		if (option == 's')
			options.stride = strtoul(optarg, NULL, 10);
		if (option == 'T') {
			options.seconds = strtod(optarg, NULL);
			options.stride = 0;
		}
		if (option == 'n')
			options.only_at = strtol(optarg, NULL, 10);
	}
	options.patterns = argv + optind;
	for (size_t i = 0; i < scenario_count && options.list; i++)
		if (is_wanted(&scenarios[i]))
			puts(scenarios[i].verb);
	if (options.list)
		return 0;
	setvbuf(stdout, NULL, _IOLBF, 0);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	return run();
}
