/* SPDX-License-Identifier: MIT */
/* The command lines of `ls` and `info`. */
#ifndef ZOETROPE_TOOL_VIEW_OPTIONS_H
#define ZOETROPE_TOOL_VIEW_OPTIONS_H

#include "options.h"

struct view_options {
	struct common_options common;
	const char *name;	/* info; NULL for ls */
};

extern const struct command_line ls_command_line, info_command_line;

/** 0, or -EINVAL and a reason. */
int view_options_parse(const struct command_line *line, int argc, char **argv,
		       struct view_options *options, char *reason);

#endif
