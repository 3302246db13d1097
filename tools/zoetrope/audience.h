/* SPDX-License-Identifier: MIT */
/* Subscribers to come, as `zoetrope plan --subscribers` takes them. */
#ifndef ZOETROPE_TOOL_AUDIENCE_H
#define ZOETROPE_TOOL_AUDIENCE_H

#include <stdint.h>

struct audience {
	uint32_t subscribers;
	uint32_t reserve;	/* frames that they may have at once */
	uint32_t shallowest;	/* lossless depth; 0: none is lossless */
};

/**
 * An option's parser: struct audience, added up. A list with commas of
 * DELIVERY[/DEPTH][:COUNT], as latest:2,queue/4,lossless/8:3; a depth not given
 * is what the library takes.
 */
int audience_parse(const char *text, void *ret, char *reason);

#endif
