/* SPDX-License-Identifier: MIT */
/* See steps.h. The peer stops itself with SIGSTOP at both ends of the call. */
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

#include "steps.h"

void steps_prepare(void)
{
	harness_pin(0);
}

void steps_begin(void)
{
	static bool traced;

	if (!traced && ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0)
		fail_msg("ptrace: %m");
	traced = true;
	raise(SIGSTOP);
}

void steps_end(void)
{
	raise(SIGSTOP);
}

/* The signal that it stopped for, or 0 where it ended. */
static int wait_stop(pid_t pid)
{
	int status;

	if (waitpid(pid, &status, 0) != pid)
		fail_msg("waitpid: %m");
	return WIFSTOPPED(status) ? WSTOPSIG(status) : 0;
}

static void run_freely(const struct harness_peer *peer)
{
	if (ptrace(PTRACE_CONT, peer->pid, NULL, NULL) < 0)
		fail_msg("ptrace: %m");
}

/* One step; false when the call has ended, and the peer is let go. */
static bool step(const struct harness_peer *peer, enum steps steps)
{
	int signal_number;

	if (ptrace(steps == STEP_SYSCALLS ? PTRACE_SYSCALL : PTRACE_SINGLESTEP,
		   peer->pid, NULL, NULL) < 0)
		fail_msg("ptrace: %m");
	signal_number = wait_stop(peer->pid);
	if (signal_number == SIGSTOP) {
		run_freely(peer);
		return false;
	}
	/* 0x80: for a kernel call, as PTRACE_O_TRACESYSGOOD asks. */
	if ((signal_number & ~0x80) != SIGTRAP)
		fail_msg("the peer's call ends in signal %d (%s)",
			 signal_number, strsignal(signal_number));
	return true;
}

static void wait_begin(const struct harness_peer *peer)
{
	if (wait_stop(peer->pid) != SIGSTOP)
		fail_msg("the peer does not begin its call");
	ptrace(PTRACE_SETOPTIONS, peer->pid, NULL, PTRACE_O_TRACESYSGOOD);
}

bool steps_hold_at(struct harness_peer *peer, enum steps steps, unsigned int n)
{
	wait_begin(peer);
	for (unsigned int i = 1; i < n; i++)
		if (!step(peer, steps))
			return false;
	return true;
}

/* Step to the end of a kernel call of this number. */
static bool step_over(const struct harness_peer *peer, long syscall_number)
{
	struct __ptrace_syscall_info info = { 0 };

	do {
		if (!step(peer, STEP_SYSCALLS))
			return false;
		ptrace(PTRACE_GET_SYSCALL_INFO, peer->pid, sizeof(info),
		       &info);
	} while (info.op != PTRACE_SYSCALL_INFO_ENTRY ||
		 info.entry.nr != (uint64_t)syscall_number);
	return step(peer, STEP_SYSCALLS);
}

bool steps_hold_after(struct harness_peer *peer, long syscall_number,
		      unsigned int count, unsigned int n)
{
	wait_begin(peer);
	for (unsigned int i = 0; i < count; i++)
		if (!step_over(peer, syscall_number))
			return false;
	for (unsigned int i = 1; i < n; i++)
		if (!step(peer, STEP_INSTRUCTIONS))
			return false;
	return true;
}

void steps_go_on(struct harness_peer *peer)
{
	run_freely(peer);
	if (wait_stop(peer->pid) != SIGSTOP)
		fail_msg("the peer does not end its call");
	run_freely(peer);
}

bool steps_kill_at(struct harness_peer *peer, enum steps steps, unsigned int n)
{
	bool held = steps_hold_at(peer, steps, n);

	if (held)
		harness_kill(peer);
	return held;
}

unsigned int steps_stride(struct harness_peer peer, enum steps steps,
			  unsigned int deaths)
{
	unsigned int count = 0;

	wait_begin(&peer);
	while (step(&peer, steps))
		count++;
	if (harness_reap(&peer) != 0)
		fail_msg("the peer did not end well");
	return 1 + count / deaths;
}
