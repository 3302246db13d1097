/* SPDX-License-Identifier: MIT */
/* zoetrope plan: what memory a stream will take, before it is started. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <zoetrope/monitor.h>

#include "audience.h"
#include "options.h"
#include "summary.h"
#include "units.h"
#include "verb.h"
#include "voice.h"

struct plan_options {
	struct common_options common;
	struct dimensions size;
	const struct zt_format_info *format;
	struct audience audience;
	uint32_t loans, metadata_size;
};

#define FIELD(member) offsetof(struct plan_options, member)

static const struct option_row rows[] = {
	OPTIONS_HEADING("Frames:"),
	{ "size", "WxH", units_dimensions, FIELD(size),
	  "size of the frames", 0, false },
	{ "format", "FMT", units_format, FIELD(format),
	  "format of the frames (default RGB24)", 0, false },
	{ "metadata-size", "SIZE", units_size32, FIELD(metadata_size),
	  "room for metadata in each slot (default 0)", 0, false },
	{ "loans", "N", units_count32, FIELD(loans),
	  "frames being written at once (default 1)", 0, false },
	{ "subscribers", "LIST", audience_parse, FIELD(audience),
	  "DELIVERY[/DEPTH][:COUNT],... (default none); without\n"
	  "a depth, latest holds 1 frame and the others have 4",
	  0, false },

	OPTIONS_HEADING("General:"),
	OPTIONS_COMMON(struct plan_options),
};

static int take_none(void *fields, char *text, char *reason)
{
	(void)fields;
	return reason_set(reason, -EINVAL, "what is '%.64s'? see 'zoetrope "
			  "plan --help'", text);
}

static const struct command_line line = {
	.verb = "plan",
	.usage = "--size WxH [OPTION...]",
	.about = "Tell what memory a stream will take, against what there is. "
		 "Exit status 2 where\nit does not fit.",
	.options = rows,
	.positional = take_none,
	.lists_formats = true,
	.notes = "  zoetrope plan --size 1920x1080 --format NV12 \\\n"
		 "      --subscribers latest:2,queue/4,lossless/8:3",
};

/* 0, or -EINVAL and a reason: no stream can be so, whatever memory there is. */
static int check(const struct plan_options *o, char *reason)
{
	if (!o->size.width)
		return reason_set(reason, -EINVAL, "give --size, as "
				  "1920x1080");
	if (o->format->kind == ZT_KIND_COMPRESSED)
		return reason_set(reason, -EINVAL, "%s frames differ in "
				  "length; plan with the format that they "
				  "decode to", o->format->name);
	if (o->audience.shallowest && o->audience.shallowest < o->loans)
		return reason_set(reason, -EINVAL,
				  "a lossless depth of %u is below --loans %u: "
				  "that join would be refused",
				  o->audience.shallowest, o->loans);
	return 0;
}

static void print_text(const struct plan_options *o,
		       const struct zt_memory_plan *plan, bool fits)
{
	char slot[16], needed[16], available[16];

	printf("%ux%u %s\n", o->size.width, o->size.height, o->format->name);
	printf("  slot         %s\n", units_size_text(plan->slot_size, slot));
	printf("  slots        %" PRIu64 ": %u being written, 1 the newest, %u "
	       "for %u subscriber%s\n", plan->slots, o->loans,
	       o->audience.reserve, o->audience.subscribers,
	       o->audience.subscribers == 1 ? "" : "s");
	printf("  needed       %s\n", units_size_text(plan->needed, needed));
	printf("  available    %s%s%s\n",
	       plan->available == UINT64_MAX ? "no limit known" :
	       units_size_text(plan->available, available),
	       plan->limit[0] ? ", " : "", plan->limit);
	printf("  verdict      %s\n", fits ? "fits" : "does not fit");
}

static void print_json(const struct plan_options *o,
		       const struct zt_memory_plan *plan, bool fits)
{
	json_t *object = json_pack(
		"{s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:s, s:b}", "format",
		o->format->name, "width", (json_int_t)o->size.width, "height",
		(json_int_t)o->size.height, "slot_size",
		(json_int_t)plan->slot_size, "slots", (json_int_t)plan->slots,
		"subscribers", (json_int_t)o->audience.subscribers, "reserve",
		(json_int_t)o->audience.reserve, "needed",
		(json_int_t)plan->needed, "limit", plan->limit, "fits",
		(int)fits);

	json_object_set_new(object, "available",
			    plan->available == UINT64_MAX ? json_null() :
			    json_integer((json_int_t)plan->available));
	summary_print_json(object, stdout);
}

static void explain(struct voice *voice, const struct plan_options *o,
		    const struct zt_memory_plan *plan, int error)
{
	char needed[16], available[16];

	fflush(stdout);
	if (error == -ENOBUFS)
		voice_error(voice, "it needs %u slots and a stream has at most "
			    "64; plan fewer subscribers, or less depth",
			    o->loans + 1 + o->audience.reserve);
	else if (error == -ENOMEM)
		voice_error(voice, "it needs %s and there is %s (%s); plan "
			    "smaller frames, fewer subscribers or less depth",
			    units_size_text(plan->needed, needed),
			    units_size_text(plan->available, available),
			    plan->limit);
	else
		voice_error(voice, "no such stream can be: %s",
			    strerror(-error));
}

static int run(struct voice *voice, const struct plan_options *o)
{
	struct zt_format format = {
		.fourcc = o->format->fourcc,
		.width = o->size.width,
		.height = o->size.height,
	};
	struct zt_memory_plan plan = { .size = sizeof(plan) };
	int error;

	error = zt_memory_plan(&format, o->metadata_size, o->loans,
			       o->audience.reserve, &plan);
	if (error == 0 || error == -ENOMEM) {
		if (o->common.json)
			print_json(o, &plan, !error);
		else
			print_text(o, &plan, !error);
	}
	if (!error)
		return STATUS_DONE;
	explain(voice, o, &plan, error);
	return STATUS_INVALID;
}

int verb_plan(int argc, char **argv)
{
	struct plan_options options = {
		.format = zt_format_by_name("RGB24"),
		.loans = 1,
	};
	struct voice voice = { .verb = "plan" };
	char reason[ZT_REASON_MAX];
	int error = options_parse(&line, argc, argv, &options, reason);

	if (!error && options.common.help) {
		options_print_help(&line, stdout);
		return STATUS_DONE;
	}
	if (!error)
		error = check(&options, reason);
	if (error) {
		voice_error(&voice, "%s", reason);
		return STATUS_INVALID;
	}
	return run(&voice, &options);
}
