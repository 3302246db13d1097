/* SPDX-License-Identifier: MIT */
/*
 * Fuzzes the command line: arguments that a newline separates, the verb first,
 * up to the point where the verb would begin to work.
 */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "pub_options.h"
#include "sub_options.h"
#include "verb.h"
#include "view_options.h"
#include "voice.h"

#define ARGUMENTS_MAX 32

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	return 0;
}

static int split(char *text, char **argv)
{
	char *rest = NULL;
	int argc = 0;

	for (char *word = strtok_r(text, "\n", &rest);
	     word && argc < ARGUMENTS_MAX; word = strtok_r(NULL, "\n", &rest))
		argv[argc++] = word;
	argv[argc] = NULL;
	return argc;
}

/* A reason is one sentence of one line, or nothing was wrong. */
static void check(int error, const char *reason)
{
	fuzz_check(error <= 0);
	if (error)
		fuzz_check(*reason && strlen(reason) < ZT_REASON_MAX);
}

static void parse(int argc, char **argv)
{
	char reason[ZT_REASON_MAX] = "";
	struct pub_options pub;
	struct sub_options sub;
	struct view_options view;
	int error = 0;

	if (!strcmp(argv[0], "pub")) {
		error = pub_options_parse(argc, argv, &pub, reason);
		if (!error && !pub.common.help)
			fuzz_check(pub.name && pub.image_count <= (size_t)argc);
		pub_options_free(&pub);
	} else if (!strcmp(argv[0], "sub")) {
		error = sub_options_parse(argc, argv, &sub, reason);
		if (!error && !sub.common.help)
			fuzz_check(sub.name && sub.delivery <= 2);
	} else if (!strcmp(argv[0], "ls")) {
		error = view_options_parse(&ls_command_line, argc, argv, &view,
					   reason);
	} else if (!strcmp(argv[0], "info")) {
		error = view_options_parse(&info_command_line, argc, argv,
					   &view, reason);
	} else if (!strcmp(argv[0], "plan")) {
		/* all that it does is to count and to tell */
		verb_plan(argc, argv);
	}
	check(error, reason);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1), *argv[ARGUMENTS_MAX + 1];
	int argc;

	fuzz_check(text);
	memcpy(text, data, size);
	text[size] = '\0';
	argc = split(text, argv);
	if (argc)
		parse(argc, argv);
	free(text);
	return 0;
}
