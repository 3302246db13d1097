/* SPDX-License-Identifier: MIT */
/* Options of `ls` and `info`. */
#include <errno.h>
#include <string.h>

#include "view_options.h"
#include "voice.h"

static const struct option_row rows[] = {
	OPTIONS_HEADING("Options:"),
	OPTIONS_COMMON(struct view_options),
};

static int take_none(void *fields, char *text, char *reason)
{
	(void)fields;
	return reason_set(reason, -EINVAL, "what is '%.64s'? to see one "
			  "stream, say 'zoetrope info %.64s'", text, text);
}

static int take_name(void *fields, char *text, char *reason)
{
	struct view_options *options = fields;

	if (options->name)
		return reason_set(reason, -EINVAL, "what is '%.80s'? one "
				  "stream at a time", text);
	options->name = text;
	return 0;
}

const struct command_line ls_command_line = {
	.verb = "ls",
	.usage = "[OPTION...]",
	.about =
	"List the streams of this machine that this user may see: the rate at "
	"which\nframes come now, slots in use of those owned, and who "
	"publishes.",
	.options = rows,
	.positional = take_none,
};

const struct command_line info_command_line = {
	.verb = "info",
	.usage = "NAME [OPTION...]",
	.about = "Show all about the stream NAME and its subscribers.",
	.options = rows,
	.positional = take_name,
};

int view_options_parse(const struct command_line *line, int argc, char **argv,
		       struct view_options *options, char *reason)
{
	int error;

	memset(options, 0, sizeof(*options));
	error = options_parse(line, argc, argv, options, reason);
	if (error || options->common.help)
		return error;
	if (line == &info_command_line && !options->name)
		return reason_set(reason, -EINVAL, "the stream's name is "
				  "missing; 'zoetrope ls' lists them");
	return 0;
}
