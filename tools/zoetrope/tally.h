/* SPDX-License-Identifier: MIT */
/*
 * What went by: frames, bytes, times, and a histogram of latencies. Each power
 * of two of the histogram has 32 steps, so a percentile is right to 3 %.
 */
#ifndef ZOETROPE_TOOL_TALLY_H
#define ZOETROPE_TOOL_TALLY_H

#include <stdint.h>

#define TALLY_STEPS 32
#define TALLY_BINS (TALLY_STEPS * 60)

struct tally {
	uint64_t frames, bytes;
	uint64_t dropped;	/* sub: passed over; pub: not published */
	int64_t first_ns, last_ns; /* when frames came */
	uint64_t latencies, latency_max_ns;
	uint64_t bins[TALLY_BINS];
};

/** Count a frame. */
void tally_frame(struct tally *tally, uint64_t bytes, int64_t now_ns);

/** Count a latency; one below 0 counts as 0. */
void tally_latency(struct tally *tally, int64_t ns);

/** What `part` of all latencies (0 to 1) do not exceed; 0 where none were. */
uint64_t tally_percentile(const struct tally *tally, double part);

/** Seconds between the first frame and the last. */
double tally_seconds(const struct tally *tally);

/** Frames a second, and bytes; 0 where there were fewer than two frames. */
double tally_fps(const struct tally *tally);
double tally_bytes_per_second(const struct tally *tally);

#endif
