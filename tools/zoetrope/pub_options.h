/* SPDX-License-Identifier: MIT */
/* The command line of `zoetrope pub`. */
#ifndef ZOETROPE_TOOL_PUB_OPTIONS_H
#define ZOETROPE_TOOL_PUB_OPTIONS_H

#include <sys/types.h>

#include "options.h"
#include "units.h"

struct pub_options {
	struct common_options common;
	const char *name;
	/* the source: one of these */
	const char *y4m, *raw, *image;	/* image: the first of images */
	struct dimensions test;
	const char **images;		/* for --images; allocated */
	size_t image_count;
	/* what frames are */
	struct dimensions size;
	const struct zt_format_info *format;
	struct rate rate;
	uint64_t frames;		/* 0: all */
	bool loop;
	/* the stream */
	bool backpressure, nonblock;
	uint32_t slots, metadata_size, wait_subscribers;
	uint64_t max_memory, evict_after_ns;
	int64_t spin_ns;
	mode_t mode;
	gid_t group;
	bool group_given;
};

extern const struct command_line pub_command_line;

/**
 * Fill in *options and check it as a whole; with common.help set, only that
 * counts. 0, or -EINVAL and a reason. Free it in either case.
 */
int pub_options_parse(int argc, char **argv, struct pub_options *options,
		      char *reason);

void pub_options_free(struct pub_options *options);

#endif
