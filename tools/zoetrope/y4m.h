/* SPDX-License-Identifier: MIT */
/*
 * YUV4MPEG2, the format of "ffmpeg -f yuv4mpegpipe": a line that describes the
 * video, then for each frame a line FRAME and its planes, packed.
 *
 * What the header says of size, rate, aspect, interlacing, chroma siting and
 * range goes into struct zt_format and comes back from it. Parameters of single
 * FRAME lines and comments (X…) other than the range are not kept.
 */
#ifndef ZOETROPE_TOOL_Y4M_H
#define ZOETROPE_TOOL_Y4M_H

#include <stdbool.h>

#include <zoetrope/format.h>

#include "input.h"

/** Most bytes of a frame that are believed: 1 GiB. */
#define Y4M_FRAME_BYTES (1U << 30)

/** Longest lines that are read, the 0 included. */
#define Y4M_HEADER_ROOM 4096
#define Y4M_FRAME_ROOM 256

/**
 * Read the line that a file begins with. Sets all of *ret but planes. -EINVAL
 * and a reason (ZT_REASON_MAX bytes) where it is not such a line, or describes
 * what a frame cannot hold.
 */
int y4m_parse_header(const char *line, struct zt_format *ret, char *reason);

/**
 * Write that line, its newline included, into text. Returns its length, or
 * -EINVAL and a reason where the file format cannot say this.
 */
int y4m_print_header(const struct zt_format *format,
		     char text[Y4M_HEADER_ROOM], char *reason);

/** The planes of a frame, in the order that the file holds them. */
void y4m_plane_order(uint32_t fourcc, unsigned int order[ZT_MAX_PLANES]);

/** Reading, from any struct input; what comes is not trusted. */
struct y4m_reader {
	struct input *input;		/* borrowed */
	struct zt_format format;	/* of every frame */
	uint64_t frame_bytes;
	uint64_t frames;		/* begun */
};

/** Read the header. 0, or a negative errno and a reason. */
int y4m_reader_start(struct y4m_reader *reader, struct input *input,
		     char *reason);

/** Come to the next frame: 1, 0 at the end, or a negative errno and reason. */
int y4m_reader_next(struct y4m_reader *reader, char *reason);

/**
 * Read that frame into planes laid out as `format` says, or skip it where
 * `data` is NULL.
 */
int y4m_reader_frame(struct y4m_reader *reader, const struct zt_format *format,
		     uint8_t *const data[ZT_MAX_PLANES], char *reason);

#endif
