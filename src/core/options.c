/* SPDX-License-Identifier: MIT */
/* See options.h. Pure. */
#include "core/options.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <zoetrope/error.h>

int zti_options_copy(void *to, size_t size, const void *from, char *reason)
{
	const unsigned char *bytes = from;
	size_t given;

	memset(to, 0, size);
	if (!from)
		return 0;
	memcpy(&given, from, sizeof(given));
	if (given < sizeof(given) || given > 4096) {
		snprintf(reason, ZT_REASON_MAX,
			 "the options' size is not set: initialise it with sizeof");
		return -EINVAL;
	}
	for (size_t i = size; i < given; i++) {
		if (!bytes[i])
			continue;
		snprintf(reason, ZT_REASON_MAX,
			 "the options ask for what this version of the library does not know");
		return -E2BIG;
	}
	memcpy(to, from, given < size ? given : size);
	return 0;
}
