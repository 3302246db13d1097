/* SPDX-License-Identifier: MIT */
/* Frames to y4m. The first one decides the header. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "packed_rows.h"
#include "sink.h"
#include "sink_file.h"
#include "y4m.h"

struct y4m_sink {
	struct sink sink;		/* first: what callers see */
	struct sink_file file;
	struct zt_format format;	/* of the first frame; fourcc 0: none */
	char header[Y4M_HEADER_ROOM];
};

static int begin(struct y4m_sink *y4m, const struct zt_frame *frame,
		 char *reason)
{
	int length = y4m_print_header(&frame->format, y4m->header, reason);

	if (length < 0)
		return length;
	y4m->format = frame->format;
	return output_add(&y4m->file.output, y4m->header, (size_t)length);
}

static int check_same(const struct y4m_sink *y4m, const struct zt_frame *frame,
		      char *reason)
{
	const struct zt_format *was = &y4m->format, *is = &frame->format;
	char was_text[11], is_text[11];

	if (was->fourcc == is->fourcc && was->width == is->width &&
	    was->height == is->height)
		return 0;
	return reason_set(reason, -EINVAL,
			  "frame %" PRIu64 " is %ux%u %s, the file began as "
			  "%ux%u %s, and y4m holds one kind; use --raw or "
			  "--images", frame->sequence, is->width, is->height,
			  zt_fourcc_text(is->fourcc, is_text), was->width,
			  was->height, zt_fourcc_text(was->fourcc, was_text));
}

static int put(struct sink *sink, const struct zt_frame *frame, char *reason)
{
	struct y4m_sink *y4m = (struct y4m_sink *)sink;
	struct output *output = &y4m->file.output;
	unsigned int order[ZT_MAX_PLANES];
	int error;

	error = y4m->format.fourcc ? check_same(y4m, frame, reason) :
				     begin(y4m, frame, reason);
	if (error)
		return error;
	y4m_plane_order(frame->format.fourcc, order);
	error = output_add(output, "FRAME\n", 6);
	for (unsigned int p = 0; !error && p < frame->format.plane_count; p++)
		error = packed_rows_add(output, &frame->format, order[p],
					frame->data[order[p]]);
	if (!error)
		error = output_flush(output);
	return error ? sink_file_failed(&y4m->file, error, reason) : 0;
}

static int finish(struct sink *sink, char *reason)
{
	return sink_file_finish(&((struct y4m_sink *)sink)->file, reason);
}

static void close_sink(struct sink *sink)
{
	sink_file_close(&((struct y4m_sink *)sink)->file);
	free(sink);
}

static const struct sink_ops ops = {
	.put = put, .finish = finish, .close = close_sink,
};

int sink_open_y4m(const char *path, struct sink **ret, char *reason)
{
	struct y4m_sink *y4m = calloc(1, sizeof(*y4m));
	int error;

	if (!y4m)
		return reason_set(reason, -ENOMEM, "out of memory");
	y4m->sink.ops = &ops;
	error = sink_file_open(&y4m->file, path, reason);
	if (error) {
		close_sink(&y4m->sink);
		return error;
	}
	*ret = &y4m->sink;
	return 0;
}
