/* SPDX-License-Identifier: MIT */
/* Frames to plain bytes: packed rows, or the packets of a compressed kind. */
#include <errno.h>
#include <stdlib.h>

#include "packed_rows.h"
#include "sink.h"
#include "sink_file.h"

struct raw_sink {
	struct sink sink;	/* first: what callers see */
	struct sink_file file;
};

static int put(struct sink *sink, const struct zt_frame *frame, char *reason)
{
	struct raw_sink *raw = (struct raw_sink *)sink;
	struct output *output = &raw->file.output;
	const struct zt_format_info *info =
		zt_format_info(frame->format.fourcc);
	int error = 0;

	if (info->kind == ZT_KIND_COMPRESSED)
		error = output_add(output, frame->payload,
				   (size_t)frame->bytes_used);
	else
		for (unsigned int p = 0; !error && p < info->plane_count; p++)
			error = packed_rows_add(output, &frame->format, p,
						frame->data[p]);
	if (!error)
		error = output_flush(output);
	return error ? sink_file_failed(&raw->file, error, reason) : 0;
}

static int finish(struct sink *sink, char *reason)
{
	return sink_file_finish(&((struct raw_sink *)sink)->file, reason);
}

static void close_sink(struct sink *sink)
{
	sink_file_close(&((struct raw_sink *)sink)->file);
	free(sink);
}

static const struct sink_ops ops = {
	.put = put, .finish = finish, .close = close_sink,
};

int sink_open_raw(const char *path, struct sink **ret, char *reason)
{
	struct raw_sink *raw = calloc(1, sizeof(*raw));
	int error;

	if (!raw)
		return reason_set(reason, -ENOMEM, "out of memory");
	raw->sink.ops = &ops;
	error = sink_file_open(&raw->file, path, reason);
	if (error) {
		close_sink(&raw->sink);
		return error;
	}
	*ret = &raw->sink;
	return 0;
}
