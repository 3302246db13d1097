/* SPDX-License-Identifier: MIT */
/*
 * Where `zoetrope pub` gets its frames: one source_….c for each kind. A source
 * first tells what the next frame looks like, then writes it into the slot
 * that was taken for it, or skips it.
 *
 * Calls return 0 (next: 1, or 0 at the end) or a negative errno and a reason.
 * -EINTR means that a signal asked for the end.
 */
#ifndef ZOETROPE_TOOL_SOURCE_H
#define ZOETROPE_TOOL_SOURCE_H

#include <stdbool.h>

#include <zoetrope/frame.h>

struct source {
	const struct source_ops *ops;
	const char *where;	/* what to name in messages: a file, … */
	struct zt_format format; /* of the first frame; no planes */
	bool rewinds;		/* can begin again */
};

struct source_ops {
	int (*next)(struct source *source, struct zt_format *ret_format,
		    char *reason);
	/** `sequence` is the number that the frame will get. */
	int (*fill)(struct source *source, struct zt_loan *loan,
		    uint64_t sequence, char *reason);
	int (*skip)(struct source *source, char *reason);
	int (*rewind)(struct source *source, char *reason);
	void (*close)(struct source *source);
};

/** `path` "-" is standard input. */
int source_open_y4m(const char *path, struct source **ret, char *reason);

/** Packed frames of this format, one after another. */
int source_open_raw(const char *path, const struct zt_format *format,
		    struct source **ret, char *reason);

/** Pictures; `paths` is borrowed until the source is closed. */
int source_open_images(const char *const *paths, size_t count,
		       struct source **ret, char *reason);

/** The test picture (pattern.h), for ever. */
int source_open_test(const struct zt_format *format, struct source **ret,
		     char *reason);

#endif
