/* SPDX-License-Identifier: MIT */
/* zoetrope ls: a line per stream. */
#include <stdlib.h>
#include <string.h>

#include "look.h"
#include "stop.h"
#include "summary.h"
#include "table.h"
#include "units.h"
#include "verb.h"
#include "view_options.h"
#include "voice.h"

static const struct table_column columns[] = {
	{ "NAME", false }, { "FORMAT", false }, { "SIZE", true },
	{ "FPS", true }, { "SLOTS", true }, { "MEMORY", true },
	{ "SUBSCRIBERS", true }, { "EPOCH", true }, { "PID", true },
};

#define COLUMNS (sizeof(columns) / sizeof(columns[0]))

static void add_row(struct table *table, const struct look *look)
{
	const struct zt_stream_info *info = &look->info;
	char text[16], code[11];

	table_add(table, "%s", look->name);
	table_add(table, "%s", look_format_name(info->format.fourcc, code));
	if (info->format.fourcc)
		table_add(table, "%ux%u", info->format.width,
			  info->format.height);
	else
		table_add(table, "-");
	table_add(table, "%.1f", look_fps(look));
	table_add(table, "%u/%u", info->slots_in_use, info->slots);
	table_add(table, "%s", units_size_text(info->memory, text));
	table_add(table, "%u", info->subscribers);
	table_add(table, "%llu", (unsigned long long)info->epoch);
	table_add(table, "%d", (int)info->pid);
}

static void print_text(struct voice *voice, const struct look *looks,
		       size_t count)
{
	struct table *table = table_create(columns, COLUMNS);
	size_t shown = 0;

	if (!table)
		return;
	for (size_t i = 0; i < count; i++) {
		if (looks[i].error)
			continue;
		add_row(table, &looks[i]);
		shown++;
	}
	if (shown)
		table_print(table, "", stdout);
	else if (count == 0)
		voice_note(voice, "there are no streams; 'zoetrope pub' makes "
			   "one");
	table_destroy(table);
	for (size_t i = 0; i < count; i++)
		if (looks[i].error)
			voice_error(voice, "%s",
				    voice_reason(looks[i].reason,
						 looks[i].error));
}

static void print_json(const struct look *looks, size_t count)
{
	json_t *array = json_array();

	for (size_t i = 0; i < count; i++)
		json_array_append_new(array, look_json(&looks[i]));
	summary_print_json(array, stdout);
}

static int run(struct voice *voice, bool json)
{
	struct zt_stream_entry *entries = NULL;
	int count = zt_stream_list(&entries);
	struct look *looks;

	if (count < 0) {
		voice_error(voice, "cannot list streams: %s",
			    strerror(-count));
		return STATUS_INVALID;
	}
	looks = calloc((size_t)count + 1, sizeof(*looks));
	if (!looks) {
		free(entries);
		return STATUS_FAILED;
	}
	for (int i = 0; i < count; i++) {
		looks[i].name = entries[i].name;
		looks[i].directory = entries[i].directory;
	}
	if (count > 0)
		look_at(looks, (size_t)count);
	if (json)
		print_json(looks, (size_t)count);
	else
		print_text(voice, looks, (size_t)count);
	look_end(looks, (size_t)count);
	free(looks);
	free(entries);
	return STATUS_DONE;
}

int verb_ls(int argc, char **argv)
{
	struct voice voice = { .verb = "ls" };
	struct view_options options;
	char reason[ZT_REASON_MAX];

	if (view_options_parse(&ls_command_line, argc, argv, &options,
			       reason)) {
		voice_error(&voice, "%s", reason);
		return STATUS_INVALID;
	}
	if (options.common.help) {
		options_print_help(&ls_command_line, stdout);
		return STATUS_DONE;
	}
	voice.level = options.common.quiet ? -1 : options.common.verbose;
	stop_prepare();
	return run(&voice, options.common.json);
}
