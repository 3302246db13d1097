/* SPDX-License-Identifier: MIT */
/*
 * What a process holds, and what it leaves behind: lists of lines that are
 * taken before and after a test and compared.
 */
#ifndef ZT_TEST_LEAKS_H
#define ZT_TEST_LEAKS_H

#include <stdbool.h>
#include <stddef.h>

struct lines {
	char **line;
	size_t count;
};

void lines_free(struct lines *lines);

/* The first line of `lines` that is not in `others`, or NULL. */
const char *lines_first_new(const struct lines *lines,
			    const struct lines *others);

/* What this process holds: taken and compared in the process itself. */
struct holdings {
	struct lines fds;
	struct lines mappings;
	struct lines threads;
};

void holdings_take(struct holdings *holdings);
void holdings_free(struct holdings *holdings);

/*
 * Compare with what the process holds now. Returns false, and says on stdout
 * what is wrong, for each thing that was left, or was taken away.
 */
bool holdings_check(const struct holdings *before);

/*
 * The shared memory objects of the machine that are this user's (all, for
 * root): names in /dev/shm and System V ids.
 */
struct lines objects_take(void);

/*
 * The first object that is new since `before` and that no living process has
 * in use: to be asked when all processes of a test are dead. Those of tests
 * that run beside this one are in use, or on their way, which is waited for.
 * Returns NULL or a line to be freed.
 */
char *objects_left(const struct lines *before);

#endif
