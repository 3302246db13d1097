/* SPDX-License-Identifier: MIT */
/*
 * Reading y4m frame by frame. Memory does not grow with what the input claims:
 * the caller gives the planes, the lines have limits. No globals.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "packed_rows.h"
#include "voice.h"
#include "y4m.h"

int y4m_reader_start(struct y4m_reader *reader, struct input *input,
		     char *reason)
{
	char line[Y4M_HEADER_ROOM];
	int error = input_line(input, line, sizeof(line));

	memset(reader, 0, sizeof(*reader));
	reader->input = input;
	if (error == 0)
		return reason_set(reason, -ENODATA, "it is empty: no y4m "
				  "header came");
	if (error == -ENODATA || error == -EMSGSIZE)
		return reason_set(reason, -EINVAL, "it is not y4m: it does not "
				  "begin with a line; with ffmpeg, add "
				  "-f yuv4mpegpipe");
	if (error < 0)
		return reason_set(reason, error, "%s", strerror(-error));
	error = y4m_parse_header(line, &reader->format, reason);
	if (error)
		return error;
	reader->frame_bytes = packed_rows_size(&reader->format);
	if (reader->frame_bytes > Y4M_FRAME_BYTES)
		return reason_set(reason, -EINVAL, "its header says that a "
				  "frame has %" PRIu64 " bytes, which is over "
				  "1 GiB", reader->frame_bytes);
	return 0;
}

static int cut_short(const struct y4m_reader *reader, char *reason)
{
	return reason_set(reason, -ENODATA,
			  "it ends at byte %" PRIu64 ", in the middle of frame "
			  "%" PRIu64, reader->input->offset, reader->frames);
}

int y4m_reader_next(struct y4m_reader *reader, char *reason)
{
	uint64_t offset = reader->input->offset;
	char line[Y4M_FRAME_ROOM];
	int error = input_line(reader->input, line, sizeof(line));

	if (error == 0)
		return 0;
	reader->frames++;
	if (error == -ENODATA)
		return cut_short(reader, reason);
	if (error < 0 && error != -EMSGSIZE)
		return reason_set(reason, error, "%s", strerror(-error));
	if (error < 0 || strncmp(line, "FRAME", 5) != 0 ||
	    (line[5] != '\0' && line[5] != ' '))
		return reason_set(reason, -EINVAL,
				  "at byte %" PRIu64 ", where frame %" PRIu64
				  " should begin, there is no line FRAME",
				  offset, reader->frames);
	return 1;
}

int y4m_reader_frame(struct y4m_reader *reader, const struct zt_format *format,
		     uint8_t *const data[ZT_MAX_PLANES], char *reason)
{
	int error = data ? packed_rows_read(reader->input, format, data) :
			   input_skip(reader->input, reader->frame_bytes);

	if (error == -ENODATA)
		return cut_short(reader, reason);
	if (error)
		return reason_set(reason, error, "%s", strerror(-error));
	return 0;
}
