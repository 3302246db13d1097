/* SPDX-License-Identifier: MIT */
/*
 * Chance that can be repeated: every decision of the soak comes from its seed.
 * (When the machine carries it out does not, so no two runs are the same.)
 */
#ifndef SOAK_DICE_H
#define SOAK_DICE_H

#include <stdbool.h>
#include <stdint.h>

struct dice {
	uint64_t state;
};

static inline uint64_t dice_mix(uint64_t x)
{
	x ^= x >> 30;
	x *= UINT64_C(0xbf58476d1ce4e5b9);
	x ^= x >> 27;
	x *= UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

/* A number that depends on all four. */
static inline uint64_t dice_hash(uint64_t a, uint64_t b, uint64_t c,
				 uint64_t d)
{
	return dice_mix(dice_mix(dice_mix(dice_mix(a) + b) + c) + d);
}

static inline uint64_t dice_roll(struct dice *dice)
{
	dice->state += UINT64_C(0x9e3779b97f4a7c15);
	return dice_mix(dice->state);
}

/* 0 to n - 1. */
static inline uint64_t dice_below(struct dice *dice, uint64_t n)
{
	return dice_roll(dice) % n;
}

/* first to last */
static inline uint64_t dice_between(struct dice *dice, uint64_t first,
				    uint64_t last)
{
	return first + dice_below(dice, last + 1 - first);
}

static inline bool dice_chance(struct dice *dice, unsigned int percent)
{
	return dice_below(dice, 100) < percent;
}

#endif
