/* SPDX-License-Identifier: MIT */
/* See steps.h. The peer stops itself with SIGSTOP at both ends of the call. */
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

#include "steps.h"

void steps_begin(void)
{
	if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0)
		fail_msg("ptrace: %m");
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

bool steps_kill_at(struct harness_peer *peer, enum steps steps, unsigned int n)
{
	int signal_number = wait_stop(peer->pid);

	if (signal_number != SIGSTOP)
		fail_msg("the peer does not begin its call");
	for (unsigned int i = 1; i < n; i++) {
		if (ptrace(steps == STEP_SYSCALLS ? PTRACE_SYSCALL :
						    PTRACE_SINGLESTEP,
			   peer->pid, NULL, NULL) < 0)
			fail_msg("ptrace: %m");
		signal_number = wait_stop(peer->pid);
		if (signal_number == SIGSTOP) {
			ptrace(PTRACE_DETACH, peer->pid, NULL, NULL);
			return false;
		}
		if (signal_number != SIGTRAP)
			fail_msg("the peer's call ends in signal %d (%s)",
				 signal_number, strsignal(signal_number));
	}
	harness_kill(peer);
	return true;
}
