/* SPDX-License-Identifier: MIT */
/*
 * The one global of the command: a flag that its signal handler sets. A signal
 * that comes between a look at the flag and the call that waits would be slept
 * through, so the handler has SIGALRM follow it, each second, until the command
 * is gone. A second SIGINT kills.
 */
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "stop.h"

static volatile sig_atomic_t requested;

static void on_signal(int number)
{
	(void)number;
	requested = 1;
	alarm(1);
}

void stop_prepare(void)
{
	struct sigaction action;

	memset(&action, 0, sizeof(action));
	sigemptyset(&action.sa_mask);
	action.sa_handler = on_signal;
	sigaction(SIGALRM, &action, NULL);
	action.sa_flags = (int)SA_RESETHAND;
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	action.sa_flags = 0;
	action.sa_handler = SIG_IGN;
	sigaction(SIGPIPE, &action, NULL);
}

bool stop_requested(void)
{
	return requested != 0;
}
