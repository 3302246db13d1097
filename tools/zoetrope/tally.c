/* SPDX-License-Identifier: MIT */
/* Counting frames and latencies. Pure. */
#include "clock.h"
#include "tally.h"

/* log2 of TALLY_STEPS */
#define STEP_BITS 5

static unsigned int find_bin(uint64_t ns)
{
	unsigned int top;

	if (ns < TALLY_STEPS)
		return (unsigned int)ns;
	top = 63 - (unsigned int)__builtin_clzll(ns);
	return (top - STEP_BITS + 1) * TALLY_STEPS +
	       (unsigned int)(ns >> (top - STEP_BITS) & (TALLY_STEPS - 1));
}

/* The largest number that falls into a bin. */
static uint64_t bin_end(unsigned int bin)
{
	unsigned int shift;

	if (bin < TALLY_STEPS)
		return bin;
	shift = bin / TALLY_STEPS - 1;
	return ((uint64_t)(TALLY_STEPS + bin % TALLY_STEPS + 1) << shift) - 1;
}

void tally_frame(struct tally *tally, uint64_t bytes, int64_t now_ns)
{
	if (tally->frames++ == 0)
		tally->first_ns = now_ns;
	tally->last_ns = now_ns;
	tally->bytes += bytes;
}

void tally_latency(struct tally *tally, int64_t ns)
{
	uint64_t latency = ns > 0 ? (uint64_t)ns : 0;

	tally->latencies++;
	tally->bins[find_bin(latency)]++;
	if (latency > tally->latency_max_ns)
		tally->latency_max_ns = latency;
}

uint64_t tally_percentile(const struct tally *tally, double part)
{
	double wanted = part * (double)tally->latencies;
	uint64_t seen = 0, end;

	for (unsigned int i = 0; i < TALLY_BINS; i++) {
		seen += tally->bins[i];
		if (seen == 0 || (double)seen < wanted)
			continue;
		end = bin_end(i);
		return end < tally->latency_max_ns ? end :
						     tally->latency_max_ns;
	}
	return tally->latency_max_ns;
}

double tally_seconds(const struct tally *tally)
{
	return (double)(tally->last_ns - tally->first_ns) / (double)NS_PER_S;
}

double tally_fps(const struct tally *tally)
{
	double seconds = tally_seconds(tally);

	return seconds > 0 ? (double)(tally->frames - 1) / seconds : 0;
}

double tally_bytes_per_second(const struct tally *tally)
{
	if (tally->frames == 0)
		return 0;
	return (double)tally->bytes / (double)tally->frames * tally_fps(tally);
}
