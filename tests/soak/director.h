/* SPDX-License-Identifier: MIT */
/*
 * Who is started, stopped, killed and audited when.
 */
#ifndef SOAK_DIRECTOR_H
#define SOAK_DIRECTOR_H

#include "cast.h"

/* An audit of a stream, step by step. */
enum audit_phase {
	NO_AUDIT,
	COMING_TO_REST,		/* the publisher is asked to pause */
	SETTLING,		/* the readers take what there is */
	COMPARING,		/* the auditor is at work */
};

struct audit_state {
	enum audit_phase phase;
	uint32_t number;
	bool patient;		/* nobody is woken for it at first */
	int64_t phase_ns;	/* when this phase began */
	int64_t nudge_ns;	/* when to nudge next */
	int64_t next_ns;	/* when the next audit may be */
	int64_t grew_ns;	/* growth that was seen */
};

struct director {
	struct cast cast;
	struct dice dice;
	struct audit_state audits[LEDGER_STREAMS];
	uint32_t audit_count;
	unsigned int storm;		/* actions a second, on average */
	int64_t storm_ends_ns;
	int64_t act_ns;			/* when to act next */
};

void director_make(struct director *director);

/* Do what is due. Returns when it wants to be called again. */
int64_t director_turn(struct director *director);

/*
 * The end of it all: everybody goes on, is audited a last time, leaves, and
 * the publishers end their streams. `turn` is called all along. Whoever does
 * not end is killed.
 */
void director_finish(struct director *director,
		     void (*turn)(struct director *director));

#endif
