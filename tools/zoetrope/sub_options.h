/* SPDX-License-Identifier: MIT */
/* The command line of `zoetrope sub`. */
#ifndef ZOETROPE_TOOL_SUB_OPTIONS_H
#define ZOETROPE_TOOL_SUB_OPTIONS_H

#include "options.h"
#include "units.h"

struct sub_options {
	struct common_options common;
	const char *name;
	/* the sink: one of these */
	const char *y4m, *raw, *images;
	bool verify, null;
	bool jpeg;			/* --image-format */
	bool image_format_given;
	/* the subscription */
	uint32_t delivery;		/* enum zt_delivery */
	uint32_t depth, held;
	struct rate max_rate;
	uint64_t frames;		/* 0: all */
	int64_t timeout_ns;		/* 0: none */
	int64_t spin_ns;
	bool wait, no_reconnect;
};

extern const struct command_line sub_command_line;

/** As pub_options_parse(); nothing to free. */
int sub_options_parse(int argc, char **argv, struct sub_options *options,
		      char *reason);

#endif
