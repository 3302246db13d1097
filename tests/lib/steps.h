/* SPDX-License-Identifier: MIT */
/*
 * Killing a peer in the middle of a call, or holding it there, at one of its
 * steps after the other:
 *
 *	stride = steps_stride(harness_spawn(run, …), STEP_SYSCALLS, 50);
 *	for (unsigned int n = 1; killed; n += stride) {
 *		peer = harness_spawn(run, …);	steps_begin(); call(); steps_end();
 *		killed = steps_kill_at(&peer, STEP_SYSCALLS, n);
 *		… what must hold now …
 *	}
 *
 * A step is an instruction (a kernel call counts as one), or the beginning or
 * the end of a kernel call. Only the thread that makes the call is stepped;
 * the death is the whole process's.
 */
#ifndef ZT_TEST_STEPS_H
#define ZT_TEST_STEPS_H

#include "harness.h"

enum steps {
	STEP_SYSCALLS,
	STEP_INSTRUCTIONS,
};

/*
 * Before peers are spawned that take many steps: stay on one processor with
 * them, where a step takes a tenth of the time.
 */
void steps_prepare(void);

/* In the peer, before and after the call; it may make many, one by one. */
void steps_begin(void);
void steps_end(void);

/*
 * In the thread that spawned the peer: wait for its steps_begin(), let it take
 * n - 1 steps, and kill and reap it. False when the call ends before: then the
 * peer is let go, and lives.
 */
bool steps_kill_at(struct harness_peer *peer, enum steps steps,
		   unsigned int n);

/*
 * The same, but it is held there, until it is let go on. That returns when it
 * has come to the end of its call.
 */
bool steps_hold_at(struct harness_peer *peer, enum steps steps,
		   unsigned int n);
void steps_go_on(struct harness_peer *peer);

/* The same, n - 1 instructions after its count-th kernel call of this number. */
bool steps_hold_after(struct harness_peer *peer, long syscall_number,
		      unsigned int count, unsigned int n);

/*
 * Let the peer do its call, and end, with status 0. Returns a stride with which
 * there are about `deaths` deaths.
 */
unsigned int steps_stride(struct harness_peer peer, enum steps steps,
			  unsigned int deaths);

#endif
