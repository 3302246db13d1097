/* SPDX-License-Identifier: MIT */
/* What handoff says: a table in Markdown, and JSON. */
#ifndef BENCH_REPORT_H
#define BENCH_REPORT_H

#include "measures.h"

#define ROUNDS_MAX 99
#define MEASURES_MAX 32
#define TURNS_MAX 9

enum unit {
	UNIT_NS,	/* nanoseconds */
	UNIT_RATE,	/* millions a second */
	UNIT_FRAMES,	/* 1080p frames a second, and gigabytes */
};

/* Measures that belong together, and alternate: first to before end. */
struct group {
	const char *title;
	enum unit unit;
	unsigned int first, end;
	unsigned int turns;	/* in a round */
	const char *note;	/* what the figures include, or NULL */
};

enum ratio {
	RATIO_COST,	/* our time over the other's: less is better */
	RATIO_SPEED,	/* the other's time over ours: more is better */
};

/* One measure beside another; limit 0: only for information. */
struct aim {
	const char *measure, *beside;
	enum ratio ratio;
	double limit;
};

/* Nanoseconds of each measure in each round; 0: not measured. */
struct results {
	double values[MEASURES_MAX][ROUNDS_MAX];
	unsigned int rounds;
	int cpus[2];
	const struct measure *measures;
	const struct group *groups;
	unsigned int group_count;
	const struct aim *aims;
	unsigned int aim_count;
};

void report_table(const struct results *results);

/* Returns the status to exit with. */
int report_json(const struct results *results, const char *path);

#endif
