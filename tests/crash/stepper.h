/* SPDX-License-Identifier: MIT */
/*
 * Stopping a thread of another process at the n-th instruction of a call.
 *
 * What counts as an instruction: one in the code of libzoetrope.so. A call
 * that leaves it (for the C library, and through it for the kernel) is one
 * step with the instruction that makes it. Position n of a call is the moment
 * when n instructions have been executed.
 *
 * A call is stepped through once, and where it went is recorded. Later ones
 * are brought to position n without stepping through all before it: by
 * hardware breakpoints on addresses that were not reached earlier on the way.
 * All processes are forked from one, so addresses are the same in each.
 */
#ifndef CRASH_STEPPER_H
#define CRASH_STEPPER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Where a call went: the address of each instruction, as offsets. */
struct trace {
	uint32_t *offsets;
	int32_t *before;	/* the last earlier visit of the same, or -1 */
	bool *landing;		/* it follows a call or a locked instruction */
	size_t count, room;
};

enum stepped {
	STEPPED_ON,		/* at the next instruction of the library */
	STEPPED_ENDED,		/* the call is over */
	STEPPED_IDLE,		/* nothing happens any more */
	STEPPED_DIED,		/* by itself */
};

struct stepper {
	pid_t tid;
	int status;		/* of the death, for STEPPED_DIED */
	bool by_breakpoint;	/* it stands on one */
	uintptr_t breakpoint;	/* 0: none */
	uintptr_t rip;		/* where it was found to stand */
	bool astray;		/* which is not where position n was */
	uintptr_t caught_at;	/* by stepper_catch() */
	unsigned int turns;	/* record until it has been there so often; 0:
				   until it is idle */
	int idle_ms;		/* silence after which a call waits */
	/* Called the first time that it waits; may be NULL. */
	void (*when_idle)(void *userdata);
	void *userdata;
};

/* False, and why in *ret_reason, where nothing can be stepped here. */
bool stepper_prepare(const char **ret_reason);

/* Take hold of a thread. */
bool stepper_seize(struct stepper *stepper, pid_t tid);

/* It runs until the mark that begins a call, and on to the library. */
enum stepped stepper_begin(struct stepper *stepper);

/*
 * For a thread that sleeps in epoll_wait: it goes on sleeping, and will stop
 * when it awakes. stepper_awake() waits for that.
 */
bool stepper_catch(struct stepper *stepper);
enum stepped stepper_awake(struct stepper *stepper);

/* From position 0 to the end, recording the way. */
enum stepped stepper_record(struct stepper *stepper, struct trace *trace);

/* From position 0 to position n. */
enum stepped stepper_run(struct stepper *stepper, const struct trace *trace,
			 size_t n);

/* Stop it where it sleeps. */
bool stepper_stop(struct stepper *stepper);

/* From wherever it was stopped on, and out of our hands; a call that was begun
   comes to its end first. */
enum stepped stepper_let_go(struct stepper *stepper, bool in_call);

void trace_free(struct trace *trace);

/* The offset of an instruction in the library's file, for addr2line. */
uintptr_t trace_address(const struct trace *trace, size_t n);

/* The library that is stepped through. */
extern char stepper_library[];

#endif
