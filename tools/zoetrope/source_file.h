/* SPDX-License-Identifier: MIT */
/* A file or standard input, as the sources that read bytes share it. */
#ifndef ZOETROPE_TOOL_SOURCE_FILE_H
#define ZOETROPE_TOOL_SOURCE_FILE_H

#include <stdbool.h>

#include "input.h"

struct source_file {
	int fd;
	bool owned, rewinds;
	const char *name;
	struct input input;
};

/** Open `path`, "-" for standard input. 0, or a negative errno and a reason. */
int source_file_open(struct source_file *file, const char *path, char *reason);

/** Go back to the first byte. */
int source_file_rewind(struct source_file *file, char *reason);

void source_file_close(struct source_file *file);

#endif
