/* SPDX-License-Identifier: MIT */
/*
 * Pictures as files hold them (rows packed, plane after plane) from and to
 * frames, whose rows have a stride. A plane without padding moves in one piece.
 */
#ifndef ZOETROPE_TOOL_PACKED_ROWS_H
#define ZOETROPE_TOOL_PACKED_ROWS_H

#include <zoetrope/format.h>

#include "input.h"
#include "output.h"

/** Bytes of a packed picture. The format has planes. */
uint64_t packed_rows_size(const struct zt_format *format);

/** Read a packed picture into a frame's planes. As input_block(). */
int packed_rows_read(struct input *input, const struct zt_format *format,
		     uint8_t *const data[ZT_MAX_PLANES]);

/** Add one plane of a frame to an output. As output_add(). */
int packed_rows_add(struct output *output, const struct zt_format *format,
		    unsigned int plane, const uint8_t *data);

#endif
