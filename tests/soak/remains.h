/* SPDX-License-Identifier: MIT */
/* What is there before the soak, and what is left after it. */
#ifndef SOAK_REMAINS_H
#define SOAK_REMAINS_H

#include "leaks.h"
#include "ledger.h"

struct remains {
	struct lines objects;		/* in /dev/shm, System V: before */
	uint64_t shmem_before, shmem_most, shmem_after;	/* of the machine */
	char directory[256];		/* ZOETROPE_DIR */
};

/* Makes the runtime directory; false where that cannot be. */
bool remains_begin(struct remains *remains);

/* Now and then. */
void remains_sample(struct remains *remains);

/* All processes are gone: what is left? Removes the directory. */
void remains_check(struct remains *remains);

#endif
