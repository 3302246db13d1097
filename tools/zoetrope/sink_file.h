/* SPDX-License-Identifier: MIT */
/* A file or standard output, as the sinks that write bytes share it. */
#ifndef ZOETROPE_TOOL_SINK_FILE_H
#define ZOETROPE_TOOL_SINK_FILE_H

#include <stdbool.h>

#include "output.h"

struct sink_file {
	int fd;
	bool owned;
	const char *name;
	struct output output;
};

/** Open `path`, "-" for standard output. 0, or a negative errno and reason. */
int sink_file_open(struct sink_file *file, const char *path, char *reason);

/** Say in words what a failed output_…() means. Returns error. */
int sink_file_failed(const struct sink_file *file, int error, char *reason);

/** Close; only then some file systems tell that a write failed. */
int sink_file_finish(struct sink_file *file, char *reason);

void sink_file_close(struct sink_file *file);

#endif
