/* SPDX-License-Identifier: MIT */
/* Options structs that may be older or newer than the library. */
#ifndef ZTI_OPTIONS_H
#define ZTI_OPTIONS_H

#include <stddef.h>

/*
 * Copy an options struct (its first member the size it has at the caller's)
 * into one of ours. What the caller's lacks is 0; NULL is all 0. Errors:
 * -EINVAL, no plausible size; -E2BIG, it asks for what we do not know.
 */
int zti_options_copy(void *to, size_t size, const void *from, char *reason);

#endif
