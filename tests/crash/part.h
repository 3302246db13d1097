/* SPDX-License-Identifier: MIT */
/* What an actor's process does: takes orders until there is nobody left. */
#ifndef CRASH_PART_H
#define CRASH_PART_H

#include <stdnoreturn.h>

#include "actor.h"

noreturn void part_play(int fd);

/* A trap, for who traces us; part_trapped is where we stand then. */
void part_trap(void);
extern const char part_trapped[];

/* Where a stepped call begins, and where it ends. */
static inline void part_mark(const struct order *order)
{
	if (order->stepped)
		part_trap();
}

/* part_publisher.c: what a publisher is ordered. */
int part_publish(const struct order *order, struct answer *answer);

#endif
