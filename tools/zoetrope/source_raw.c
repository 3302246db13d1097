/* SPDX-License-Identifier: MIT */
/* Frames from bytes without any header. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "packed_rows.h"
#include "source.h"
#include "source_file.h"
#include "voice.h"

struct raw_source {
	struct source source;	/* first: what callers see */
	struct source_file file;
	uint64_t frame_bytes;
	uint64_t frames;	/* begun */
};

static int input_failed(const struct raw_source *raw, int error, char *reason)
{
	if (error != -ENODATA)
		return reason_set(reason, error, "%s", strerror(-error));
	return reason_set(reason, -ENODATA,
			  "it ends at byte %" PRIu64 ", in the middle of frame "
			  "%" PRIu64 " (a frame is %" PRIu64 " bytes; are "
			  "--size and --format right?)",
			  raw->file.input.offset, raw->frames,
			  raw->frame_bytes);
}

/* Whether there is another byte: a raw file ends where a frame does. */
static int next(struct source *source, struct zt_format *ret_format,
		char *reason)
{
	struct raw_source *raw = (struct raw_source *)source;
	int more = input_more(&raw->file.input);

	if (more < 0)
		return input_failed(raw, more, reason);
	if (more) {
		raw->frames++;
		*ret_format = source->format;
	}
	return more;
}

static int fill(struct source *source, struct zt_loan *loan, uint64_t sequence,
		char *reason)
{
	struct raw_source *raw = (struct raw_source *)source;
	int error = packed_rows_read(&raw->file.input, &loan->format,
				     loan->data);

	(void)sequence;
	return error ? input_failed(raw, error, reason) : 0;
}

static int skip(struct source *source, char *reason)
{
	struct raw_source *raw = (struct raw_source *)source;
	int error = input_skip(&raw->file.input, raw->frame_bytes);

	return error ? input_failed(raw, error, reason) : 0;
}

static int again(struct source *source, char *reason)
{
	struct raw_source *raw = (struct raw_source *)source;

	raw->frames = 0;
	return source_file_rewind(&raw->file, reason);
}

static void close_source(struct source *source)
{
	struct raw_source *raw = (struct raw_source *)source;

	source_file_close(&raw->file);
	free(raw);
}

static const struct source_ops ops = {
	.next = next, .fill = fill, .skip = skip, .rewind = again,
	.close = close_source,
};

int source_open_raw(const char *path, const struct zt_format *format,
		    struct source **ret, char *reason)
{
	struct raw_source *raw = calloc(1, sizeof(*raw));
	int error;

	if (!raw)
		return reason_set(reason, -ENOMEM, "out of memory");
	raw->source.ops = &ops;
	error = source_file_open(&raw->file, path, reason);
	if (error) {
		close_source(&raw->source);
		return error;
	}
	raw->source.where = raw->file.name;
	raw->source.format = *format;
	raw->source.rewinds = raw->file.rewinds;
	raw->frame_bytes = packed_rows_size(format);
	*ret = &raw->source;
	return 0;
}
