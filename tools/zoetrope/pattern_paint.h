/* SPDX-License-Identifier: MIT */
/* What the samples of each format are, as far as the test picture cares. */
#ifndef ZOETROPE_TOOL_PATTERN_PAINT_H
#define ZOETROPE_TOOL_PATTERN_PAINT_H

#include <zoetrope/format.h>

/**
 * Write block `i` of a plane's endless line of moving colours; `block` has the
 * plane's block_size.
 */
void pattern_paint_line(const struct zt_format_info *info, unsigned int plane,
			uint32_t i, uint8_t *block);

/** Write a block of the text's dots, set (white) or not (black). */
void pattern_paint_dot(const struct zt_format_info *info, unsigned int plane,
		       int set, uint8_t *block);

#endif
