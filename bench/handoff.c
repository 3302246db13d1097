/* SPDX-License-Identifier: MIT */
/*
 * What a handoff costs, beside what the machine could do without us. One run,
 * the same two processes throughout; each round does the limits and us one
 * right after the other, in turned order every second time, so that whatever
 * slows the machine slows both. Ratios are taken within a round; figures are
 * medians over the rounds.
 *
 * Options are read and the rounds are run here; see measures.h for what is
 * measured and report.h for what comes out.
 */
#include <errno.h>
#include <getopt.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "measures.h"
#include "report.h"

static struct measure measures[] = {
	{ "spin_line", "bare cache line, one way", bare_line, 21, 5000,
	  0, 0, 0, 0 },
	{ "spin_ball", "bare cache line, both writing it in turn", bare_ball,
	  21, 5000, 0, 0, 0, 0 },
	{ "spin_handoff", "handoff",
	  stream_spinning, 21, 2000, 0, 0, 0, 0 },
	{ "spin_whole", "loan, publish, take, release",
	  stream_whole, 21, 2000, 0, 0, 0, 0 },

	{ "wake_futex", "bare futex, one way", bare_futex, 5, 100,
	  0, 0, 0, 0 },
	{ "wake_eventfd", "bare eventfd, one way", bare_eventfd, 5, 100,
	  0, 0, 0, 0 },
	{ "wake_handoff", "handoff, reader asleep", stream_blocked,
	  5, 100, 0, 0, 0, 0 },

	{ "rate_line", "one-way trips of a bare cache line", bare_line,
	  21, 5000, 0, 0, 0, 0 },
	{ "rate_1_least", "lossless, 1 subscriber, 3 slots", stream_rate,
	  21, 5000, 3, 1, 1, 0 },
	{ "rate_1_64", "lossless, 1 subscriber, 64 slots", stream_rate,
	  21, 5000, 64, 62, 1, 0 },
	{ "rate_latest_1_least", "latest, 1 subscriber, 3 slots, frames taken",
	  stream_rate_latest, 21, 5000, 3, 1, 1, 0 },
	{ "rate_8_least", "lossless, 8 subscribers, 10 slots", stream_rate,
	  21, 1000, 10, 1, 8, 0 },
	{ "rate_8_64", "lossless, 8 subscribers, 64 slots", stream_rate,
	  21, 1000, 64, 7, 8, 0 },
	{ "rate_60_least", "lossless, 60 subscribers, 62 slots", stream_rate,
	  21, 200, 62, 1, 60, 0 },
	{ "rate_60_64", "lossless, 60 subscribers, 64 slots", stream_rate,
	  21, 200, 64, 1, 60, 0 },

	{ "publish_0", "loan and publish, nobody joined", stream_unread,
	  21, 5000, 3, 0, 0, 0 },
	{ "publish_1", "… 1 subscriber that does not look", stream_unread,
	  21, 5000, 3, 0, 1, 0 },
	{ "publish_8", "… 8 subscribers that do not look", stream_unread,
	  21, 2000, 10, 0, 8, 0 },
	{ "publish_60", "… 60 subscribers that do not look", stream_unread,
	  21, 500, 62, 0, 60, 0 },

	{ "copy_alone", "memcpy and read, one process", bare_frames_alone,
	  13, 6, 0, 0, 0, FILL_COPY },
	{ "copy_shared", "memcpy and read, two processes, bare flag",
	  bare_frames_shared, 13, 6, 0, 0, 0, FILL_COPY },
	{ "copy_stream", "memcpy and read, through a stream", stream_frames,
	  13, 6, 4, 2, 1, FILL_COPY },
	{ "set_alone", "memset and read, one process", bare_frames_alone,
	  13, 6, 0, 0, 0, FILL_SET },
	{ "set_shared", "memset and read, two processes, bare flag",
	  bare_frames_shared, 13, 6, 0, 0, 0, FILL_SET },
	{ "set_stream", "memset and read, through a stream", stream_frames,
	  13, 6, 4, 2, 1, FILL_SET },
};

static const struct group groups[] = {
	{ "One way, both sides spinning", UNIT_NS, 0, 4, 1,
	  "Half a round trip over two streams, one each way. Handoff: from the call of\n"
	  "zt_publish to the return of zt_take in the other process, so with taking the\n"
	  "time, describing, offering, seeing, winning and checking the frame; the slot\n"
	  "was loaned before, and the frame before it is released, while the other side\n"
	  "works. The line below has all four calls one after the other. Pixels are not\n"
	  "touched. Bare cache line: one side writes, the other spins on it, one line\n"
	  "each way, as a stream is; where both write the same line in turn, the way\n"
	  "there brings room for the answer along." },
	{ "One way, the reader asleep", UNIT_NS, 4, 7, 7,
	  "As above, with spin_ns 0: each side sleeps in zt_take, in read() of an\n"
	  "eventfd, in FUTEX_WAIT." },
	{ "Handoffs a second, both sides spinning", UNIT_RATE, 7, 15, 1,
	  "Frames times subscribers; all of these are read by one process in turn. With\n"
	  "lossless and the least slots the publisher waits for each frame's return." },
	{ "What a frame costs the publisher", UNIT_NS, 15, 19, 1, NULL },
	{ "1080p RGB24, written and read whole", UNIT_FRAMES, 19, 25, 3,
	  "In two hot buffers of the same shared memory each: one process writes a frame\n"
	  "and reads it; two processes, one writing while the other reads, hand over by a\n"
	  "bare flag each way; the same through a stream (lossless, depth 2). Every sum\n"
	  "is checked. Two processes cannot be faster than their processors pass data." },
};

static const struct aim aims[] = {
	{ "spin_handoff", "spin_line", RATIO_COST, 2.0 },
	{ "spin_handoff", "spin_ball", RATIO_COST, 0 },
	{ "spin_whole", "spin_line", RATIO_COST, 0 },
	{ "wake_handoff", "wake_eventfd", RATIO_COST, 1.2 },
	{ "wake_handoff", "wake_futex", RATIO_COST, 0 },
	{ "rate_1_64", "rate_line", RATIO_SPEED, 0.6 },
	{ "rate_latest_1_least", "rate_line", RATIO_SPEED, 0 },
	{ "rate_1_least", "rate_line", RATIO_SPEED, 0 },
	{ "copy_stream", "copy_shared", RATIO_SPEED, 0.97 },
	{ "copy_stream", "copy_alone", RATIO_SPEED, 0.97 },
	{ "copy_shared", "copy_alone", RATIO_SPEED, 0 },
	{ "set_stream", "set_shared", RATIO_SPEED, 0.97 },
	{ "set_stream", "set_alone", RATIO_SPEED, 0 },
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct options {
	unsigned int rounds;
	const char *json;
	const char *only;
	uint64_t busy;
	int cpus[2];
};

/* Is one of the comma-separated words in the name? */
static bool chosen(const char *name, const char *words)
{
	char copy[256];
	char *rest = copy, *word;

	if (!words)
		return true;
	snprintf(copy, sizeof(copy), "%s", words);
	while ((word = strsep(&rest, ",")))
		if (strstr(name, word))
			return true;
	return false;
}

/* One round of a group: each measure's median over the group's turns. */
static void run_group(struct pair *pair, const struct options *options,
		      const struct group *group, unsigned int round,
		      struct results *results)
{
	static double samples[MEASURES_MAX][TURNS_MAX];
	unsigned int first = group->first, last = group->end - 1;

	for (unsigned int turn = 0; turn < group->turns; turn++)
		for (unsigned int i = first; i <= last; i++) {
			bool back = (round + turn) % 2;
			unsigned int at = back ? first + last - i : i;
			const struct measure *m = &measures[at];

			if (chosen(m->name, options->only))
				samples[at][turn] = m->run(pair, m);
		}
	for (unsigned int i = first; i <= last; i++)
		results->values[i][round] = median(samples[i], group->turns);
}

static void run_rounds(struct pair *pair, const struct options *options,
		       struct results *results)
{
	for (unsigned int round = 0; round < options->rounds; round++)
		for (unsigned int g = 0; g < COUNT(groups); g++)
			run_group(pair, options, &groups[g], round, results);
}

/* For strace: nothing but a lossless stream, both sides busy. */
static void run_busy(struct pair *pair, uint64_t frames)
{
	struct measure busy = {
		.batches = 1, .count = frames, .slots = 64, .depth = 62,
		.subscribers = 1,
	};
	double ns = stream_rate(pair, &busy);

	if (pair->side == SIDE_A)
		printf("%llu frames, %.1f ns each\n",
		       (unsigned long long)frames, ns);
}

static _Noreturn void usage(int status)
{
	fputs("Usage: handoff [OPTION...]\n"
	      "What a handoff costs, as a table.\n"
	      "\n"
	      "  --rounds N    measure everything N times (default 9)\n"
	      "  --quick       2 short rounds: does it work?\n"
	      "  --only A,B…   only measures with A or B in their names\n"
	      "  --json FILE   write all figures there, too\n"
	      "  --cpus A,B    pin publisher and reader there\n"
	      "  --busy N      only hand over N frames (for strace)\n",
	      status ? stderr : stdout);
	exit(status);
}

static unsigned long number(const char *text, unsigned long most)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	if (end == text || *end || !value || value > most) {
		fprintf(stderr, "handoff: %s is not a number from 1 to %lu\n",
			text, most);
		exit(2);
	}
	return value;
}

/* The first two processors that we may use. */
static void choose_cpus(int cpus[2])
{
	cpu_set_t set;
	int found = 0;

	if (sched_getaffinity(0, sizeof(set), &set) < 0)
		die("cannot tell the processors", -errno, NULL);
	for (unsigned int i = 0; i < CPU_SETSIZE && found < 2; i++)
		if (CPU_ISSET(i, &set))
			cpus[found++] = (int)i;
	if (found < 2) {
		fputs("handoff: needs two processors: two processes that spin cannot share one\n",
		      stderr);
		exit(2);
	}
}

static void make_quick(struct options *options)
{
	options->rounds = 2;
	for (unsigned int i = 0; i < COUNT(measures); i++) {
		measures[i].batches = 2;
		measures[i].count = measures[i].count / 20 + 1;
	}
}

static void read_options(struct options *options, int argc, char **argv)
{
	static const struct option longs[] = {
		{ "rounds", required_argument, NULL, 'r' },
		{ "quick", no_argument, NULL, 'q' },
		{ "only", required_argument, NULL, 'o' },
		{ "json", required_argument, NULL, 'j' },
		{ "cpus", required_argument, NULL, 'c' },
		{ "busy", required_argument, NULL, 'b' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	int c;

	choose_cpus(options->cpus);
	while ((c = getopt_long(argc, argv, "", longs, NULL)) >= 0) {
		if (c == 'r')
			options->rounds = (unsigned int)number(optarg,
							       ROUNDS_MAX);
		else if (c == 'q')
			make_quick(options);
		else if (c == 'o')
			options->only = optarg;
		else if (c == 'j')
			options->json = optarg;
		else if (c == 'b')
			options->busy = number(optarg, 1000000000);
		else if (c != 'c')
			usage(c == 'h' ? 0 : 2);
		else if (sscanf(optarg, "%d,%d", &options->cpus[0],
				&options->cpus[1]) != 2)
			usage(2);
	}
	if (optind != argc)
		usage(2);
}

int main(int argc, char **argv)
{
	struct options options = { .rounds = 9 };
	static struct results results;
	struct pair pair;

	read_options(&options, argc, argv);
	setvbuf(stdout, NULL, _IOLBF, 0);
	bare_prepare();
	pair_start(&pair, options.cpus);
	if (options.busy)
		run_busy(&pair, options.busy);
	else
		run_rounds(&pair, &options, &results);
	pair_finish(&pair);
	if (options.busy)
		return 0;

	results.rounds = options.rounds;
	results.cpus[0] = options.cpus[0];
	results.cpus[1] = options.cpus[1];
	results.measures = measures;
	results.groups = groups;
	results.group_count = COUNT(groups);
	results.aims = aims;
	results.aim_count = COUNT(aims);
	report_table(&results);
	return options.json ? report_json(&results, options.json) : 0;
}
