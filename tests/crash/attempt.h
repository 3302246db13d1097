/* SPDX-License-Identifier: MIT */
/* One death: the world made ready, the victim brought to its n-th
   instruction and killed, the survivors looked at. */
#ifndef CRASH_ATTEMPT_H
#define CRASH_ATTEMPT_H

#include "scenario.h"
#include "stepper.h"
#include "world.h"

enum attempt {
	ATTEMPT_KILLED,		/* where it was to be */
	ATTEMPT_ASTRAY,		/* killed elsewhere: the call went another way,
				   or ended before */
	ATTEMPT_VIOLATION,	/* world->fault says what */
};

/* Where trace is empty, step through the whole call, record it, and kill. */
enum attempt attempt_kill(struct world *world, const struct scenario *scenario,
			  struct trace *trace, size_t n);

/*
 * After the last of a scenario: those who are left go on with a new publisher,
 * which then dies in its sleep. False: world->fault says why.
 */
bool attempt_finish(struct world *world);

#endif
