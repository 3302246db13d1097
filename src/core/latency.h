/* SPDX-License-Identifier: MIT */
/*
 * The buckets of a latency histogram: four to an octave, from 32 ns on, so
 * that a value is known to within a fifth. Pure.
 */
#ifndef ZTI_LATENCY_H
#define ZTI_LATENCY_H

#include <stdint.h>

#include "layout.h"

#define ZTI_LATENCY_FIRST_OCTAVE 5

static inline unsigned int zti_latency_bucket(uint64_t ns)
{
	unsigned int octave, index;

	if (ns < 1U << ZTI_LATENCY_FIRST_OCTAVE)
		return 0;
	octave = 63 - (unsigned int)__builtin_clzll(ns);
	index = (octave - ZTI_LATENCY_FIRST_OCTAVE) * 4 +
		(unsigned int)(ns >> (octave - 2) & 3);
	return index < ZTI_LATENCY_BUCKETS ? index : ZTI_LATENCY_BUCKETS - 1;
}

/* The middle of a bucket, in nanoseconds. */
static inline uint64_t zti_latency_value(unsigned int bucket)
{
	uint64_t octave = 1ULL << (bucket / 4 + ZTI_LATENCY_FIRST_OCTAVE);

	return octave + octave / 8 * (2 * (bucket % 4) + 1);
}

#endif
