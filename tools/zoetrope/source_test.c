/* SPDX-License-Identifier: MIT */
/* Frames of the test picture. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "pattern.h"
#include "source.h"
#include "voice.h"

struct test_source {
	struct source source;	/* first: what callers see */
	struct pattern *pattern;
};

static int next(struct source *source, struct zt_format *ret_format,
		char *reason)
{
	(void)reason;
	*ret_format = source->format;
	return 1;
}

static int fill(struct source *source, struct zt_loan *loan, uint64_t sequence,
		char *reason)
{
	struct test_source *test = (struct test_source *)source;

	(void)reason;
	loan->clock = ZT_CLOCK_MONOTONIC;
	loan->timestamp_ns = clock_now_ns();
	pattern_begin(test->pattern, sequence, loan->timestamp_ns);
	pattern_write(test->pattern, &loan->format, loan->data);
	return 0;
}

static int skip(struct source *source, char *reason)
{
	(void)source;
	(void)reason;
	return 0;
}

static void close_source(struct source *source)
{
	struct test_source *test = (struct test_source *)source;

	pattern_destroy(test->pattern);
	free(test);
}

static const struct source_ops ops = {
	.next = next, .fill = fill, .skip = skip, .rewind = skip,
	.close = close_source,
};

int source_open_test(const struct zt_format *format, struct source **ret,
		     char *reason)
{
	struct test_source *test = calloc(1, sizeof(*test));
	int error;

	if (!test)
		return reason_set(reason, -ENOMEM, "out of memory");
	error = pattern_create(format, &test->pattern);
	if (error) {
		free(test);
		return reason_set(reason, error, "%s", strerror(-error));
	}
	test->source.ops = &ops;
	test->source.where = "--test";
	test->source.format = *format;
	test->source.rewinds = true;
	*ret = &test->source;
	return 0;
}
