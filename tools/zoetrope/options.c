/* SPDX-License-Identifier: MIT */
/*
 * From a table of options to getopt_long() and to the help. Arguments that are
 * no options are handed on in their order on the line, since --images takes
 * those that follow it.
 */
#include <errno.h>
#include <getopt.h>
#include <string.h>

#include <zoetrope/format.h>

#include "options.h"
#include "voice.h"

#define MOST_OPTIONS 48
#define FIRST_VALUE 256		/* getopt's number of row 0; below: letters */

struct getopt_tables {
	struct option options[MOST_OPTIONS + 1];
	char letters[2 + 2 * MOST_OPTIONS + 1];
};

static bool is_end(const struct option_row *row)
{
	return !row->name && !row->help;
}

static void fill_tables(const struct option_row *rows,
			struct getopt_tables *tables)
{
	struct option *option = tables->options;
	char *letter = tables->letters;
	int i;

	memset(tables, 0, sizeof(*tables));
	*letter++ = '-';	/* arguments in order, as option 1 */
	*letter++ = ':';	/* tell a missing argument from an unknown */
	for (i = 0; !is_end(&rows[i]) && i < MOST_OPTIONS; i++) {
		if (!rows[i].name)
			continue;
		option->name = rows[i].name;
		option->has_arg = rows[i].argument ? required_argument :
						     no_argument;
		option->val = FIRST_VALUE + i;
		option++;
		if (rows[i].letter) {
			*letter++ = rows[i].letter;
			if (rows[i].argument)
				*letter++ = ':';
		}
	}
}

static const struct option_row *find_row(const struct option_row *rows,
					 int value)
{
	if (value >= FIRST_VALUE)
		return &rows[value - FIRST_VALUE];
	for (; !is_end(rows); rows++)
		if (rows->letter && rows->letter == value)
			return rows;
	return NULL;
}

static int apply(const struct option_row *row, const char *argument,
		 void *fields, char *reason)
{
	void *field = (char *)fields + row->field;
	char why[ZT_REASON_MAX];

	if (!row->argument) {
		if (row->repeats)
			++*(int *)field;
		else
			*(bool *)field = true;
		return 0;
	}
	if (row->parse(argument, field, why) == 0)
		return 0;
	return reason_set(reason, -EINVAL, "--%s: %s", row->name, why);
}

/* getopt did not like argv[optind - 1], or the letter optopt in it. */
static int complain(const struct command_line *line, int code, char **argv,
		    char *reason)
{
	const struct option_row *row = find_row(line->options, optopt);
	const char *word = argv[optind - 1];

	if (code == ':' && row)
		return reason_set(reason, -EINVAL, "--%s wants an argument: %s",
				  row->name, row->argument);
	if (row && strchr(word, '='))
		return reason_set(reason, -EINVAL, "--%s takes no argument",
				  row->name);
	if (optopt > 0 && optopt < FIRST_VALUE)
		return reason_set(reason, -EINVAL,
				  "there is no option -%c; see 'zoetrope %s "
				  "--help'", optopt, line->verb);
	return reason_set(reason, -EINVAL,
			  "there is no option '%.80s', or more than one begins "
			  "so; see 'zoetrope %s --help'", word, line->verb);
}

int options_parse(const struct command_line *line, int argc, char **argv,
		  void *fields, char *reason)
{
	struct getopt_tables tables;
	int code, error = 0;

	fill_tables(line->options, &tables);
	optind = 0;
	opterr = 0;
	while (!error && (code = getopt_long(argc, argv, tables.letters,
					     tables.options, NULL)) != -1) {
		if (code == 1)
			error = line->positional(fields, optarg, reason);
		else if (code == '?' || code == ':')
			error = complain(line, code, argv, reason);
		else
			error = apply(find_row(line->options, code), optarg,
				      fields, reason);
	}
	for (; !error && optind < argc; optind++)
		error = line->positional(fields, argv[optind], reason);
	return error;
}

static void print_row(const struct option_row *row, FILE *to)
{
	const char *text = row->help, *end;
	char left[48];

	snprintf(left, sizeof(left), "%c%c%c --%s%s%s",
		 row->letter ? '-' : ' ', row->letter ? row->letter : ' ',
		 row->letter ? ',' : ' ', row->name, row->argument ? " " : "",
		 row->argument ? row->argument : "");
	fprintf(to, "  %-26s", left);
	if (strlen(left) > 25)
		fprintf(to, "\n  %-26s", "");
	for (; (end = strchr(text, '\n')); text = end + 1)
		fprintf(to, "%.*s\n  %-26s", (int)(end - text), text, "");
	fprintf(to, "%s\n", text);
}

static void print_formats(FILE *to)
{
	const struct zt_format_info *info;
	size_t column = 0;

	fputs("\nFormats:", to);
	for (size_t i = 0; (info = zt_format_by_index(i)); i++) {
		if (column == 0 || column + strlen(info->name) > 76)
			column = (size_t)fprintf(to, "\n ") - 1;
		column += (size_t)fprintf(to, " %s", info->name);
	}
	fputs("\n", to);
}

void options_print_help(const struct command_line *line, FILE *to)
{
	const struct option_row *row;

	fprintf(to, "Usage: zoetrope %s %s\n\n%s\n", line->verb, line->usage,
		line->about);
	for (row = line->options; !is_end(row); row++) {
		if (row->name)
			print_row(row, to);
		else
			fprintf(to, "\n%s\n", row->help);
	}
	if (line->lists_formats)
		print_formats(to);
	if (line->notes)
		fprintf(to, "\n%s\n", line->notes);
}
