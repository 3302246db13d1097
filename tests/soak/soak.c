/* SPDX-License-Identifier: MIT */
/*
 * The soak: publishers and subscribers of every kind, each in a process of its
 * own, that join, leave, stop, die, come back and change what they publish,
 * all by the dice; while every byte of every frame is looked at, and every
 * frame accounted for.
 *
 *	soak [--minutes N | --seconds N] [--seed N] [--streams N]
 *	     [--subscribers N] [--enough N] [--json] [--tap]
 *
 * What is checked stands in account.h (each subscription, frame by frame),
 * audit.c (what both sides say, where a stream rests), publisher.c and
 * ledger.c (the list of promises); content.h says what a frame is. The seed is
 * printed; the same one makes the same decisions, at other moments. After so
 * many violations (--enough, 40) it ends before its time.
 *
 * Ends with "N passed, N failed", which counts promises. Exit 1 where one was
 * broken, 2 where it could not be run.
 */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "director.h"
#include "report.h"

static struct {
	struct report report;
	struct remains remains;
	double seconds;
	unsigned int enough;
} soak = { .seconds = 60, .enough = 40 };

static volatile sig_atomic_t interrupted;

static void interrupt(int signal_number)
{
	interrupted = signal_number;
}

static void do_nothing(int signal_number)
{
	(void)signal_number;
}

/* Between two looks: until a child ends, or so long. */
static void wait_a_little(int64_t ns)
{
	struct timespec ts = { .tv_nsec = ns };
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	if (ns > 0)
		sigtimedwait(&set, NULL, &ts);
}

static void tell(struct director *director)
{
	remains_sample(&soak.remains);
	report_progress(&soak.report, cast_living(&director->cast, READER),
			cast_living(&director->cast, PUBLISHER));
}

static void turn(struct director *director)
{
	tell(director);
	wait_a_little(5000000);
}

static bool goes_on(int64_t ends_ns)
{
	return !interrupted && ledger_now_ns() < ends_ns &&
	       atomic_load(&ledger->faults) < soak.enough;
}

static void run(void)
{
	static struct director director;
	int64_t ends_ns = ledger_now_ns() + (int64_t)(soak.seconds * 1e9);

	director_make(&director);
	while (goes_on(ends_ns)) {
		int64_t next = director_turn(&director);

		tell(&director);
		wait_a_little(next - ledger_now_ns());
	}
	director_finish(&director, turn);
	remains_check(&soak.remains);
}

/* ------------------------------------------------------------------------
 * The command line.
 */

static bool read_count(const char *text, unsigned int most, unsigned int *ret)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	if (!*text || *end || n < 1 || n > most) {
		fprintf(stderr, "soak: %s: give a number from 1 to %u\n", text,
			most);
		return false;
	}
	*ret = (unsigned int)n;
	return true;
}

static bool read_time(const char *text, double unit)
{
	char *end;
	double n = strtod(text, &end);

	if (!*text || *end || !(n > 0 && n < 1e6)) {
		fprintf(stderr, "soak: %s: give a time above 0\n", text);
		return false;
	}
	soak.seconds = n * unit;
	return true;
}

static bool read_seed(const char *text)
{
	char *end;

	ledger->seed = strtoull(text, &end, 0);
	if (*text && !*end)
		return true;
	fprintf(stderr, "soak: %s: the seed is a number\n", text);
	return false;
}

static bool read_option(int option)
{
	switch (option) {
	case 'm':
		return read_time(optarg, 60);
	case 's':
		return read_time(optarg, 1);
	case 'S':
		return read_seed(optarg);
	case 'n':
		return read_count(optarg, LEDGER_STREAMS, &ledger->streams);
	case 'r':
		return read_count(optarg, LEDGER_READERS, &ledger->readers);
	case 'e':
		return read_count(optarg, LEDGER_FAULTS, &soak.enough);
	case 'j':
		soak.report.json = true;
		soak.report.out = stderr;
		return true;
	case 't':
		soak.report.tap = true;
		return true;
	default:
		return false;
	}
}

static bool read_options(int argc, char **argv)
{
	static const struct option known[] = {
		{ "minutes", required_argument, NULL, 'm' },
		{ "seconds", required_argument, NULL, 's' },
		{ "seed", required_argument, NULL, 'S' },
		{ "streams", required_argument, NULL, 'n' },
		{ "subscribers", required_argument, NULL, 'r' },
		{ "enough", required_argument, NULL, 'e' },
		{ "json", no_argument, NULL, 'j' },
		{ "tap", no_argument, NULL, 't' },
		{ 0 },
	};
	int option;

	while ((option = getopt_long(argc, argv, "", known, NULL)) != -1)
		if (!read_option(option))
			return false;
	if (optind < argc)
		fprintf(stderr, "soak: %s: what is that?\n", argv[optind]);
	return optind == argc;
}

static void make_ledger(void)
{
	const char *scale = getenv("ZT_TEST_SCALE");
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	ledger->seed = (uint64_t)ts.tv_sec * 1000 +
		       (uint64_t)ts.tv_nsec / 1000000;
	ledger->scale = scale && atoi(scale) > 0 ? atoi(scale) : 1;
	ledger->streams = 3;
	ledger->readers = 32;
	ledger->watchers = 4;
}

static void prepare_signals(void)
{
	struct sigaction action = { .sa_handler = interrupt };
	struct sigaction nothing = {
		.sa_handler = do_nothing, .sa_flags = SA_NOCLDSTOP,
	};
	sigset_t set;

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGCHLD, &nothing, NULL);
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	/* A child can be nudged before it is ready for it. */
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_SETMASK, &set, NULL);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
}

int main(int argc, char **argv)
{
	unsigned int broken;

	soak.report.out = stdout;
	if (!ledger_make()) {
		perror("soak: no memory");
		return 2;
	}
	make_ledger();
	if (!read_options(argc, argv) || !remains_begin(&soak.remains))
		return 2;
	for (unsigned int i = 0; i < ledger->streams; i++)
		snprintf(ledger->stream[i].name,
			 sizeof(ledger->stream[i].name), "soak%d-%u",
			 (int)getpid(), i);
	soak.report.live = !soak.report.tap &&
			   isatty(fileno(soak.report.out));
	prepare_signals();
	report_begin(&soak.report);
	run();
	broken = report_end(&soak.report, &soak.remains);
	return interrupted ? 128 + interrupted : broken != 0;
}
