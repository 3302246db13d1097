/* SPDX-License-Identifier: MIT */
/*
 * The processes of the soak, as the driver has them: starting, stopping,
 * killing them, and seeing how they end. All of them die with the driver.
 */
#ifndef SOAK_CAST_H
#define SOAK_CAST_H

#include <signal.h>

#include "dice.h"
#include "ledger.h"

enum role {
	PUBLISHER, READER, WATCHER, AUDITOR, ROLES
};

struct actor {
	enum role role;
	unsigned int number;
	unsigned int stream;
	unsigned int life;		/* how many came before */
	struct process_row *row;
	pid_t pid;			/* 0: it does not live */
	bool killed;			/* by us */
	int64_t resumes_ns;		/* it is stopped until then; or 0 */
	int64_t returns_ns;		/* dead until then */
	int64_t complained_ns;		/* that it hangs; or nudged for it */
	uint32_t audit;			/* an auditor's */
};

struct cast {
	struct actor actors[2 * LEDGER_STREAMS + LEDGER_READERS +
			    LEDGER_WATCHERS];
	unsigned int count;
	struct actor *publishers, *readers, *watchers, *auditors;
	struct process_row auditor_rows[LEDGER_STREAMS];
};

void cast_make(struct cast *cast);

void cast_start(struct actor *actor);
void cast_stop(struct actor *actor, int64_t for_ns);
void cast_resume(struct actor *actor);
void cast_kill(struct actor *actor);

/* A signal that interrupts what it waits in, and is noted. */
void cast_nudge(struct actor *actor);

/* See who has died, and how; the dice say when they return. */
void cast_reap(struct cast *cast, struct dice *dice);

/* Resume who is due; find who hangs, and kill it. */
void cast_look_after(struct cast *cast, int64_t now);

unsigned int cast_living(const struct cast *cast, enum role role);

#endif
