/* SPDX-License-Identifier: MIT */
/* Frames from y4m. */
#include <errno.h>
#include <stdlib.h>

#include "source.h"
#include "source_file.h"
#include "voice.h"
#include "y4m.h"

struct y4m_source {
	struct source source;	/* first: what callers see */
	struct source_file file;
	struct y4m_reader reader;
};

static int next(struct source *source, struct zt_format *ret_format,
		char *reason)
{
	struct y4m_source *y4m = (struct y4m_source *)source;
	int more = y4m_reader_next(&y4m->reader, reason);

	if (more == 1)
		*ret_format = y4m->reader.format;
	return more;
}

static int fill(struct source *source, struct zt_loan *loan, uint64_t sequence,
		char *reason)
{
	struct y4m_source *y4m = (struct y4m_source *)source;

	(void)sequence;
	return y4m_reader_frame(&y4m->reader, &loan->format, loan->data,
				reason);
}

static int skip(struct source *source, char *reason)
{
	struct y4m_source *y4m = (struct y4m_source *)source;

	return y4m_reader_frame(&y4m->reader, NULL, NULL, reason);
}

static int again(struct source *source, char *reason)
{
	struct y4m_source *y4m = (struct y4m_source *)source;
	int error = source_file_rewind(&y4m->file, reason);

	return error ? error : y4m_reader_start(&y4m->reader,
						&y4m->file.input, reason);
}

static void close_source(struct source *source)
{
	struct y4m_source *y4m = (struct y4m_source *)source;

	source_file_close(&y4m->file);
	free(y4m);
}

static const struct source_ops ops = {
	.next = next, .fill = fill, .skip = skip, .rewind = again,
	.close = close_source,
};

int source_open_y4m(const char *path, struct source **ret, char *reason)
{
	struct y4m_source *y4m = calloc(1, sizeof(*y4m));
	int error;

	if (!y4m)
		return reason_set(reason, -ENOMEM, "out of memory");
	y4m->source.ops = &ops;
	error = source_file_open(&y4m->file, path, reason);
	if (!error)
		error = y4m_reader_start(&y4m->reader, &y4m->file.input,
					 reason);
	if (error) {
		close_source(&y4m->source);
		return error;
	}
	y4m->source.where = y4m->file.name;
	y4m->source.format = y4m->reader.format;
	y4m->source.rewinds = y4m->file.rewinds;
	*ret = &y4m->source;
	return 0;
}
