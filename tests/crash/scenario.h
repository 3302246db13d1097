/* SPDX-License-Identifier: MIT */
/* The calls that victims die in: a table in scenarios.c. */
#ifndef CRASH_SCENARIO_H
#define CRASH_SCENARIO_H

#include <stddef.h>

#include "actor.h"

enum role {
	ROLE_PUBLISHER,		/* the thread that calls */
	ROLE_SERVICE,		/* the publisher's own thread */
	ROLE_SUBSCRIBER,
	ROLE_MONITOR,
};

enum {
	/* A publisher without a spare slot, so that joins make it grow. */
	SCENARIO_TIGHT = 1 << 0,
	/* A publisher that evicts at once. */
	SCENARIO_EVICTS = 1 << 1,
	/* The survivors' publisher is a new one each time. */
	SCENARIO_FRESH = 1 << 2,
	/* The call publishes: the frame may be there afterwards, or not. */
	SCENARIO_PUBLISHES = 1 << 3,
	/* The publisher dies before it has subscribers. */
	SCENARIO_CREATES = 1 << 4,
	/* The call is the publisher's last: the stream may have ended. */
	SCENARIO_ENDS = 1 << 5,
	/* Memory is added on the way. */
	SCENARIO_GROWS = 1 << 6,
	/* The publisher begins without any. */
	SCENARIO_BARE = 1 << 7,
	/* The victim is not killed, but goes on after `between`. */
	SCENARIO_RESUMES = 1 << 8,
};

struct scenario {
	const char *verb;
	enum role role;
	unsigned int flags;
	/* Reader 3's. */
	enum zt_delivery delivery;
	uint32_t bound;
	const char *before;	/* script */
	/* What the victim is ordered; not for ROLE_SERVICE. */
	struct order order;
	/* Script for when the victim waits; for ROLE_SERVICE, what awakes
	   it. */
	const char *meanwhile;
	/* Script for while the victim stands at its instruction. */
	const char *between;
	/* Script for after a victim's death, before anything else. */
	const char *after;
	/* For ROLE_SERVICE, how often it is to awake; 0: until it sleeps. */
	unsigned int turns;
};

extern const struct scenario scenarios[];
extern const size_t scenario_count;

#endif
