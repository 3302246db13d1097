/* SPDX-License-Identifier: MIT */
/* What the soak prints. */
#ifndef SOAK_REPORT_H
#define SOAK_REPORT_H

#include <stdio.h>

#include "remains.h"

struct report {
	FILE *out;		/* for people */
	bool tap, json;
	bool live;		/* out is a terminal */
	int64_t began_ns;
	int64_t line_ns;	/* when the last line of progress came */
	uint32_t faults;	/* printed so far */
};

void report_begin(struct report *report);

/* New violations at once, a line of progress when it is time. */
void report_progress(struct report *report, unsigned int readers,
		     unsigned int publishers);

/* The end. Returns how many promises were broken. */
unsigned int report_end(struct report *report, const struct remains *remains);

#endif
