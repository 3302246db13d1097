/* SPDX-License-Identifier: MIT */
/*
 * One function under cmocka. cmocka catches the signals of crashes and turns
 * them into a failure without a trace; they are given back here, so that a
 * sanitizer or a core dump tells what happened, and the runner sees the death.
 */
#include <stdlib.h>

#include "harness.h"
#include "inside.h"

static const int crashes[] = { SIGFPE, SIGILL, SIGSEGV, SIGBUS, SIGSYS };
#define CRASHES (sizeof(crashes) / sizeof(*crashes))

struct inside {
	void (*function)(void *);
	void *argument;
	struct sigaction actions[CRASHES];
	bool done;
};

static void run(void **state)
{
	struct inside *inside = *state;

	for (size_t i = 0; i < CRASHES; i++)
		sigaction(crashes[i], &inside->actions[i], NULL);
	inside->function(inside->argument);
	inside->done = true;
}

int inside_run(const char *name, void (*function)(void *), void *argument)
{
	struct inside inside = { .function = function, .argument = argument };
	const struct CMUnitTest test[] = {
		{ .name = name, .test_func = run, .initial_state = &inside },
	};

	unsetenv("CMOCKA_MESSAGE_OUTPUT");
	unsetenv("CMOCKA_TEST_ABORT");
	for (size_t i = 0; i < CRASHES; i++)
		sigaction(crashes[i], NULL, &inside.actions[i]);
	if (cmocka_run_group_tests(test, NULL, NULL))
		return INSIDE_FAILED;
	return inside.done ? INSIDE_PASSED : INSIDE_SKIPPED;
}
