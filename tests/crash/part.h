/* SPDX-License-Identifier: MIT */
/* What an actor's process does: takes orders until there is nobody left. */
#ifndef CRASH_PART_H
#define CRASH_PART_H

#include <stdnoreturn.h>

noreturn void part_play(int fd);

/* Where a stepped call begins and ends: stops here, when it is traced. */
void part_mark(void);

/* The address at which it then stands. */
extern const char part_marked[];

#endif
