/* SPDX-License-Identifier: MIT */
/*
 * What `zoetrope sub` does with frames: one sink_….c for each kind. Calls
 * return 0 or a negative errno and a reason. -EINTR means that a signal asked
 * for the end.
 */
#ifndef ZOETROPE_TOOL_SINK_H
#define ZOETROPE_TOOL_SINK_H

#include <stdbool.h>

#include <jansson.h>
#include <zoetrope/frame.h>

#include "voice.h"

struct sink {
	const struct sink_ops *ops;
	const char *where;	/* what to name in messages: a file, … */
};

struct sink_ops {
	int (*put)(struct sink *sink, const struct zt_frame *frame,
		   char *reason);
	/** Write what is left, or give the verdict; NULL: nothing to do. */
	int (*finish)(struct sink *sink, char *reason);
	/** Add what it found to the summary; NULL: nothing to add. */
	void (*describe)(const struct sink *sink, json_t *summary);
	void (*close)(struct sink *sink);
};

/** `path` "-" is standard output. */
int sink_open_y4m(const char *path, struct sink **ret, char *reason);
int sink_open_raw(const char *path, struct sink **ret, char *reason);

/** Pictures in a directory, which is made where there is none. */
int sink_open_images(const char *directory, bool jpeg, struct sink **ret,
		     char *reason);

/**
 * Compare with the test picture. `lossless`: a gap is a fault. The first fault
 * is told at once, by `voice`, all by finish.
 */
int sink_open_verify(bool lossless, struct voice *voice, struct sink **ret,
		     char *reason);

int sink_open_null(struct sink **ret, char *reason);

#endif
