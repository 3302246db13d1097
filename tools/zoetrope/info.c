/* SPDX-License-Identifier: MIT */
/* zoetrope info: one stream and its subscribers. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "clock.h"
#include "delivery.h"
#include "look.h"
#include "stop.h"
#include "summary.h"
#include "table.h"
#include "units.h"
#include "verb.h"
#include "view_options.h"
#include "voice.h"

static const struct table_column columns[] = {
	{ "PID", true }, { "UID", true }, { "DELIVERY", false },
	{ "DEPTH", true }, { "HELD", true }, { "WAITING", true },
	{ "TAKEN", true }, { "DROPPED", true }, { "P50", true },
	{ "P99", true }, { "MAX", true }, { "STATE", false },
};

#define COLUMNS (sizeof(columns) / sizeof(columns[0]))

static void print_format(const struct zt_format *format)
{
	char text[11];

	if (format->fourcc == 0) {
		printf("  format       no frame yet\n");
		return;
	}
	printf("  format       %s %ux%u", look_format_name(format->fourcc,
							     text),
	       format->width, format->height);
	if (format->frame_rate.num)
		printf(", nominal %u/%u fps", format->frame_rate.num,
		       format->frame_rate.den);
	if (format->pixel_aspect.num)
		printf(", pixel aspect %u:%u", format->pixel_aspect.num,
		       format->pixel_aspect.den);
	if (format->interlacing)
		printf(", %s", look_interlacing(format));
	if (format->colour.range)
		printf(", %s range", look_range(format));
	if (format->colour.chroma_siting)
		printf(", chroma %s", look_siting(format));
	printf("\n");
}

static void print_rate(const struct look *look)
{
	const struct zt_stream_info *info = &look->info;
	double fps = look_fps(look);
	char age[16];

	printf("  frames       %" PRIu64, info->published);
	if (info->published)
		printf(", now %.1f fps, %.3f GB/s, the newest %s old", fps,
		       fps * (double)info->format.payload_size / 1e9,
		       units_duration_text((uint64_t)(look->info_ns -
						      info->newest_ns), age));
	printf("\n");
}

static void print_memory(const struct zt_stream_info *info)
{
	char memory[16], most[16];

	printf("  slots        %u owned, %u in use, %u for writing, %u bytes "
	       "of metadata each\n", info->slots, info->slots_in_use,
	       info->loans, info->metadata_size);
	printf("  memory       %s", units_size_text(info->memory, memory));
	if (info->max_memory)
		printf(" of at most %s", units_size_text(info->max_memory,
							 most));
	printf("\n");
}

static void print_subscribers(const struct look *look)
{
	struct table *table = table_create(columns, COLUMNS);
	char p50[16], p99[16], max[16];

	if (!table)
		return;
	for (size_t i = 0; i < look->row_count; i++) {
		const struct zt_subscription_info *row = &look->rows[i];

		table_add(table, "%d", (int)row->pid);
		table_add(table, "%u", (unsigned int)row->uid);
		table_add(table, "%s", delivery_name(row->delivery));
		table_add(table, "%u", row->depth);
		table_add(table, "%u", row->held);
		table_add(table, "%u", row->waiting);
		table_add(table, "%" PRIu64, row->taken);
		table_add(table, "%" PRIu64, row->dropped);
		table_add(table, "%s",
			  units_duration_text(row->latency_p50_ns, p50));
		table_add(table, "%s",
			  units_duration_text(row->latency_p99_ns, p99));
		table_add(table, "%s",
			  units_duration_text(row->latency_max_ns, max));
		table_add(table, "%s", row->evicted ? "evicted" :
				       row->stalled ? "stalled" : "ok");
	}
	printf("\n");
	table_print(table, "  ", stdout);
	table_destroy(table);
}

static void print_text(const struct look *look)
{
	const struct zt_stream_info *info = &look->info;
	char age[16], wait[16];

	printf("%s\n", look->name);
	printf("  publisher    pid %d, uid %u, epoch %" PRIu64
	       ", %s old\n", (int)info->pid, (unsigned int)info->uid,
	       info->epoch,
	       units_duration_text((uint64_t)(look->info_ns -
					      info->started_ns), age));
	print_format(&info->format);
	print_rate(look);
	print_memory(info);
	printf("  backpressure %s", info->backpressure ? "yes" : "no");
	if (info->loan_waits)
		printf(", waited %" PRIu64 " times, %s in all",
		       info->loan_waits,
		       units_duration_text(info->loan_wait_ns, wait));
	printf("\n  subscribers  %u; %" PRIu64 " evicted, %" PRIu64
	       " cut off, %" PRIu64 " refused\n", info->subscribers,
	       info->evicted, info->cut_off, info->refused);
	if (look->row_count)
		print_subscribers(look);
}

static int run(struct voice *voice, const struct view_options *options)
{
	struct look look = { .name = options->name };
	int status = STATUS_DONE;

	look_at(&look, 1);
	if (look.error) {
		voice_error(voice, "%s", voice_reason(look.reason,
						      look.error));
		status = STATUS_INVALID;
	} else if (options->common.json) {
		summary_print_json(look_json(&look), stdout);
	} else {
		print_text(&look);
	}
	look_end(&look, 1);
	return status;
}

int verb_info(int argc, char **argv)
{
	struct voice voice = { .verb = "info" };
	struct view_options options;
	char reason[ZT_REASON_MAX];

	if (view_options_parse(&info_command_line, argc, argv, &options,
			       reason)) {
		voice_error(&voice, "%s", reason);
		return STATUS_INVALID;
	}
	if (options.common.help) {
		options_print_help(&info_command_line, stdout);
		return STATUS_DONE;
	}
	voice.level = options.common.quiet ? -1 : options.common.verbose;
	stop_prepare();
	return run(&voice, &options);
}
