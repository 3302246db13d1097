/* SPDX-License-Identifier: MIT */
/*
 * The test picture: moving colours, the frame's number and its time. Every
 * byte of every plane follows from the format, the position, the sequence and
 * the timestamp, all of which a frame's descriptor carries, so that whoever has
 * a frame can tell what each of its bytes ought to be.
 *
 * Row y of a plane is a stretch of one long line of samples, beginning further
 * along by one for each row and by PATTERN_SPEED for each frame; the line
 * repeats after PATTERN_PERIOD blocks. So writing a picture is copying, and
 * checking it is comparing. A box near the top left corner holds the number and
 * the time (hours, minutes, seconds of the timestamp's clock).
 */
#ifndef ZOETROPE_TOOL_PATTERN_H
#define ZOETROPE_TOOL_PATTERN_H

#include <stdbool.h>

#include <zoetrope/format.h>

#define PATTERN_PERIOD 8192	/* blocks, a power of two */
#define PATTERN_SPEED 3		/* blocks a frame; odd */
#define PATTERN_COLUMNS 12	/* of text, in two lines */
#define PATTERN_LINES 2

/** One plane of it, made once for a format. */
struct pattern_plane {
	size_t block_size, row_bytes, rows;
	uint8_t *line;		/* PATTERN_PERIOD blocks and a row */
	uint8_t *glyphs;	/* rows of cells, ready to copy */
	uint8_t *text;		/* rows of the box, for this frame */
	uint8_t *scratch;	/* one row with text in it */
	size_t cell_bytes;	/* a glyph's row */
	size_t dot_rows;	/* rows of the plane that a dot is high */
	size_t box_offset;	/* bytes from a row's start */
	size_t box_top;		/* rows from the plane's */
};

struct pattern {
	struct zt_format format;
	const struct zt_format_info *info;
	uint64_t sequence;	/* of the frame begun */
	unsigned int scale;	/* pixels a dot; 0: no room for text */
	struct pattern_plane planes[ZT_MAX_PLANES];
};

/** 0, -EINVAL (the format has no planes) or -ENOMEM. */
int pattern_create(const struct zt_format *format, struct pattern **ret);

/** NULL is allowed. */
void pattern_destroy(struct pattern *pattern);

/** Whether it was made for this format and size. */
bool pattern_fits(const struct pattern *pattern,
		  const struct zt_format *format);

/** Begin a frame. */
void pattern_begin(struct pattern *pattern, uint64_t sequence,
		   int64_t timestamp_ns);

/** A row of the frame begun: valid until the next call. */
const uint8_t *pattern_row(struct pattern *pattern, unsigned int plane,
			   size_t y);

/** Write the frame begun into planes. */
void pattern_write(struct pattern *pattern, const struct zt_format *format,
		   uint8_t *const data[ZT_MAX_PLANES]);

/** The first byte that is not as it should be. */
struct pattern_fault {
	unsigned int plane;
	uint32_t x, y;		/* pixel of the frame */
	uint8_t expected, got;
};

/** Whether planes hold the frame begun; if not, *ret says where. */
bool pattern_check(struct pattern *pattern, const struct zt_format *format,
		   const uint8_t *const data[ZT_MAX_PLANES],
		   struct pattern_fault *ret);

#endif
