/* SPDX-License-Identifier: MIT */
/* What the calling process holds. */
#ifndef SOAK_SELF_H
#define SOAK_SELF_H

#include <stdint.h>

unsigned int self_descriptors(void);

/*
 * Bytes mapped of memfds of this name; NULL: of all of the library's.
 */
uint64_t self_mapped(const char *memfd);

/*
 * For how long the calling thread, or all threads of the process together,
 * have run or waited for a processor: what they have not slept. 0 where the
 * kernel does not tell.
 */
int64_t self_awake_ns(void);
int64_t self_all_awake_ns(void);

#endif
