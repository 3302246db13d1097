/* SPDX-License-Identifier: MIT */
/*
 * Command lines, by table: each verb lists its options once, and from that
 * list come the parsing, the messages and the help. Parsing touches nothing
 * but the struct that it fills in (and getopt's own state).
 */
#ifndef ZOETROPE_TOOL_OPTIONS_H
#define ZOETROPE_TOOL_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/** Read an argument into *ret: 0, or -EINVAL and a reason. */
typedef int (*option_parse_fn)(const char *text, void *ret, char *reason);

/**
 * One option. A row without a name is a heading of the help, a row of zeroes
 * the end. Without `argument` it is a switch: a bool, or an int counted up
 * where it repeats.
 */
struct option_row {
	const char *name;
	const char *argument;		/* what the help calls it */
	option_parse_fn parse;		/* for the argument */
	size_t field;			/* offset in the verb's struct */
	const char *help;		/* may hold newlines */
	char letter;			/* 0: none */
	bool repeats;			/* switch: an int that counts */
};

/** A verb's command line. */
struct command_line {
	const char *verb;
	const char *usage;		/* after "zoetrope VERB" */
	const char *about;
	const struct option_row *options;
	/** An argument that is no option, in the order of the line. */
	int (*positional)(void *fields, char *text, char *reason);
	const char *notes;		/* at the end of the help, or NULL */
	bool lists_formats;		/* in the help */
};

/** What each verb takes: the first member of its struct. */
struct common_options {
	bool help, json, quiet;
	int verbose;
};

#define OPTIONS_COMMON(type)                                               \
	{ "json", NULL, NULL, offsetof(type, common.json),                 \
	  "print the result as JSON on standard output", 0, false },       \
	{ "quiet", NULL, NULL, offsetof(type, common.quiet),               \
	  "no progress line and no summary", 'q', false },                 \
	{ "verbose", NULL, NULL, offsetof(type, common.verbose),           \
	  "log what happens; twice: in detail", 'v', true },               \
	{ "help", NULL, NULL, offsetof(type, common.help),                 \
	  "print this", 'h', false },                                      \
	{ 0 }

#define OPTIONS_HEADING(text) { .help = (text) }

/** Fill in *fields. Returns 0, or -EINVAL and a reason. */
int options_parse(const struct command_line *line, int argc, char **argv,
		  void *fields, char *reason);

/** Print the help. */
void options_print_help(const struct command_line *line, FILE *to);

#endif
