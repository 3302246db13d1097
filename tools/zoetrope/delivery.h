/* SPDX-License-Identifier: MIT */
/* Names of enum zt_delivery. */
#ifndef ZOETROPE_TOOL_DELIVERY_H
#define ZOETROPE_TOOL_DELIVERY_H

#include <stdint.h>

/** An option's parser: uint32_t, enum zt_delivery. */
int delivery_parse(const char *text, void *ret, char *reason);

/** "latest", "queue", "lossless", or "?". */
const char *delivery_name(uint32_t delivery);

#endif
