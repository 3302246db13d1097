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

#endif
