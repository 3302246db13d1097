/* SPDX-License-Identifier: MIT */
/*
 * Bytes out to a descriptor, gathered from where they lie: nothing is copied,
 * so what was added must stay as it is until output_flush() returned.
 */
#ifndef ZOETROPE_TOOL_OUTPUT_H
#define ZOETROPE_TOOL_OUTPUT_H

#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

struct output {
	int fd;			/* borrowed */
	int count;
	uint64_t written;
	struct iovec pieces[512];
};

void output_start(struct output *output, int fd);

/** Add bytes; may write. 0 or a negative errno; -EINTR: stop. */
int output_add(struct output *output, const void *data, size_t size);

/** Write all that was added. */
int output_flush(struct output *output);

#endif
