/* SPDX-License-Identifier: MIT */
/* The command `zoetrope`: finds the verb and hands over. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <zoetrope/version.h>

#include "config.h"
#include "verb.h"
#include "voice.h"

static const struct verb {
	const char *name, *summary;
	verb_fn run;
} verbs[] = {
	{ "pub", "publish frames of a file, a pipe or a test picture",
	  verb_pub },
	{ "sub", "take a stream's frames: save, pipe on, verify or count them",
	  verb_sub },
	{ "ls", "list the streams of this machine", verb_ls },
	{ "info", "show all about a stream and its subscribers", verb_info },
	{ "plan", "tell what memory a stream will take", verb_plan },
};

#define VERBS (sizeof(verbs) / sizeof(verbs[0]))

static void print_help(FILE *to)
{
	fputs("Usage: zoetrope VERB ...\n\n"
	      "Camera frames shared between processes without a copy.\n\n",
	      to);
	for (size_t i = 0; i < VERBS; i++)
		fprintf(to, "  %-8s%s\n", verbs[i].name, verbs[i].summary);
	fputs("\n'zoetrope VERB --help' tells what a verb takes. Exit status: "
	      "0 done, 1 failed while\nrunning, 2 invalid input or "
	      "unavailable resource.\n", to);
}

static const struct verb *find_verb(const char *name)
{
	for (size_t i = 0; i < VERBS; i++)
		if (strcmp(verbs[i].name, name) == 0)
			return &verbs[i];
	return NULL;
}

/* Run it, and see that what it printed was taken. */
static int run(const struct verb *verb, int argc, char **argv)
{
	struct voice voice = { .verb = verb->name };
	int status = verb->run(argc, argv);

	if (fflush(stdout) == 0 && !ferror(stdout))
		return status;
	voice_error(&voice, "cannot write to standard output: %s",
		    strerror(errno));
	return status ? status : STATUS_FAILED;
}

static int refuse(const char *name)
{
	struct voice voice = { 0 };

	voice_error(&voice, "there is no verb '%.80s'; see 'zoetrope --help'",
		    name);
	return STATUS_INVALID;
}

int main(int argc, char **argv)
{
	static char help_option[] = "--help";
	const struct verb *verb;

	if (argc < 2) {
		print_help(stderr);
		return STATUS_INVALID;
	}
	if (strcmp(argv[1], "--version") == 0) {
		printf("zoetrope %s%s%s%s\n", zt_version(),
		       HAVE_JPEG ? " +jpeg" : "", HAVE_PNG ? " +png" : "",
		       HAVE_YUV ? " +yuv" : "");
		return STATUS_DONE;
	}
	/* "help VERB" is "VERB --help" */
	if (strcmp(argv[1], "help") == 0 && argc > 2) {
		argv[1] = argv[2];
		argv[2] = help_option;
		argc = 3;
	} else if (strcmp(argv[1], "help") == 0 ||
		   strcmp(argv[1], "--help") == 0 ||
		   strcmp(argv[1], "-h") == 0) {
		print_help(stdout);
		return STATUS_DONE;
	}
	verb = find_verb(argv[1]);
	return verb ? run(verb, argc - 1, argv + 1) : refuse(argv[1]);
}
