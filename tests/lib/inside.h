/* SPDX-License-Identifier: MIT */
/*
 * What runs inside a forked process of a test: one function under cmocka, so
 * that its assertions work there.
 */
#ifndef ZT_TEST_INSIDE_H
#define ZT_TEST_INSIDE_H

/* Exit statuses of a test's process. */
enum {
	INSIDE_PASSED = 0,
	INSIDE_SKIPPED = 77,
	INSIDE_FAILED = 99,	/* HARNESS_FAILED */
};

/*
 * Run function(argument) under cmocka, in a process that is to end afterwards.
 * What cmocka has to say goes to stdout and stderr.
 */
int inside_run(const char *name, void (*function)(void *), void *argument);

#endif
