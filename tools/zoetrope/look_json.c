/* SPDX-License-Identifier: MIT */
/* A stream and its subscribers as JSON. Times are nanoseconds, sizes bytes. */
#include "delivery.h"
#include "look.h"

static json_t *subscriber_json(const struct zt_subscription_info *row)
{
	return json_pack(
		"{s:i, s:I, s:s, s:I, s:I, s:I, s:b, s:b, s:I, s:I, s:I, "
		"s:{s:I, s:I, s:I}}",
		"pid", (int)row->pid, "uid", (json_int_t)row->uid, "delivery",
		delivery_name(row->delivery), "depth", (json_int_t)row->depth,
		"held", (json_int_t)row->held, "waiting",
		(json_int_t)row->waiting, "evicted", (int)row->evicted,
		"stalled", (int)row->stalled, "offered",
		(json_int_t)row->offered, "taken", (json_int_t)row->taken,
		"dropped", (json_int_t)row->dropped, "latency_ns", "p50",
		(json_int_t)row->latency_p50_ns, "p99",
		(json_int_t)row->latency_p99_ns, "max",
		(json_int_t)row->latency_max_ns);
}

static json_t *subscribers_json(const struct look *look)
{
	json_t *array = json_array();

	for (size_t i = 0; i < look->row_count; i++)
		json_array_append_new(array, subscriber_json(&look->rows[i]));
	return array;
}

static json_t *format_json(const struct zt_format *format)
{
	char text[11];

	if (format->fourcc == 0)
		return json_null();
	return json_pack(
		"{s:s, s:I, s:I, s:[I, I], s:[I, I], s:s, s:i, s:i, s:i, s:s, "
		"s:s, s:I}",
		"name", look_format_name(format->fourcc, text), "width",
		(json_int_t)format->width, "height",
		(json_int_t)format->height, "frame_rate",
		(json_int_t)format->frame_rate.num,
		(json_int_t)format->frame_rate.den, "pixel_aspect",
		(json_int_t)format->pixel_aspect.num,
		(json_int_t)format->pixel_aspect.den, "interlacing",
		look_interlacing(format), "primaries",
		(int)format->colour.primaries, "transfer",
		(int)format->colour.transfer, "matrix",
		(int)format->colour.matrix, "range",
		look_range(format), "chroma_siting",
		look_siting(format), "payload_size",
		(json_int_t)format->payload_size);
}

static json_t *stream_json(const struct look *look)
{
	const struct zt_stream_info *info = &look->info;

	return json_pack(
		"{s:s, s:i, s:I, s:I, s:I, s:f, s:I, s:I, s:I, s:I, s:I, s:I, "
		"s:I, s:I, s:I, s:I, s:I, s:I, s:b, s:I, s:o, s:o}",
		"name", look->name, "pid", (int)info->pid, "uid",
		(json_int_t)info->uid, "epoch", (json_int_t)info->epoch,
		"published", (json_int_t)info->published, "fps",
		look_fps(look), "started_ns", (json_int_t)info->started_ns,
		"newest_ns", (json_int_t)info->newest_ns, "loan_waits",
		(json_int_t)info->loan_waits, "loan_wait_ns",
		(json_int_t)info->loan_wait_ns, "evicted",
		(json_int_t)info->evicted, "cut_off",
		(json_int_t)info->cut_off, "refused",
		(json_int_t)info->refused, "memory", (json_int_t)info->memory,
		"max_memory", (json_int_t)info->max_memory, "slots",
		(json_int_t)info->slots, "slots_in_use",
		(json_int_t)info->slots_in_use, "loans",
		(json_int_t)info->loans, "backpressure",
		(int)info->backpressure, "metadata_size",
		(json_int_t)info->metadata_size, "format",
		format_json(&info->format), "subscribers",
		subscribers_json(look));
}

json_t *look_json(const struct look *look)
{
	json_t *object = look->error ?
		json_pack("{s:s, s:s}", "name", look->name, "error",
			  look->reason) :
		stream_json(look);

	if (object && look->directory)
		json_object_set_new(object, "directory",
				    json_string(look->directory));
	return object;
}
