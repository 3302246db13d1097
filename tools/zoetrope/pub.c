/* SPDX-License-Identifier: MIT */
/*
 * zoetrope pub: frames from a source into a stream, at a rate. Each frame is
 * written straight into the slot that was taken for it.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <zoetrope/publisher.h>

#include "clock.h"
#include "pace.h"
#include "pub_options.h"
#include "source.h"
#include "stop.h"
#include "summary.h"
#include "verb.h"

#define USUAL_FPS 30

struct pub {
	struct pub_options options;
	struct voice voice;
	struct source *source;
	struct zt_publisher *publisher;
	struct pace pace;
	struct progress progress;
	struct tally tally;	/* dropped: skipped, for want of a slot */
	bool gap;		/* frames were skipped since the last one */
	char reason[ZT_REASON_MAX];
};

/* Say what failed, and which status that is. A signal is no failure. */
static int end_with(struct pub *pub, int error, const char *what, int status)
{
	if (error == -EINTR && stop_requested())
		return STATUS_DONE;
	voice_error(&pub->voice, "%s: %s", what,
		    voice_reason(pub->reason, error));
	return status;
}

static struct zt_fraction nominal_rate(const struct pub_options *options)
{
	struct zt_fraction usual = { USUAL_FPS, 1 };

	return options->rate.fps.num ? options->rate.fps : usual;
}

/* What to call it while there is no struct source yet. */
static const char *source_name(const struct pub_options *o)
{
	const char *path = o->y4m ? o->y4m : o->raw ? o->raw : o->image;

	if (!path)
		return "--test";
	return strcmp(path, "-") == 0 && !o->image ? "standard input" : path;
}

static int open_source(struct pub *pub)
{
	const struct pub_options *o = &pub->options;
	const struct dimensions *size = o->raw ? &o->size : &o->test;
	const struct zt_format_info *info =
		o->format ? o->format : zt_format_by_name("RGB24");
	struct zt_format format = {
		.fourcc = info->fourcc,
		.width = size->width,
		.height = size->height,
		.frame_rate = nominal_rate(o),
		.pixel_aspect = { 1, 1 },
		.interlacing = ZT_INTERLACING_PROGRESSIVE,
	};

	if (o->y4m)
		return source_open_y4m(o->y4m, &pub->source, pub->reason);
	if (o->image)
		return source_open_images(o->images, o->image_count,
					  &pub->source, pub->reason);
	if (o->raw)
		return source_open_raw(o->raw, &format, &pub->source,
				       pub->reason);
	format.colour.range = info->kind == ZT_KIND_YUV ? ZT_RANGE_LIMITED :
							  ZT_RANGE_FULL;
	return source_open_test(&format, &pub->source, pub->reason);
}

/* Pictures do not say how fast they follow each other. */
static void complete_rate(const struct pub *pub, struct zt_format *format)
{
	if (pub->options.image)
		format->frame_rate = nominal_rate(&pub->options);
}

static void set_pace(struct pub *pub)
{
	const struct rate *rate = &pub->options.rate;
	struct zt_fraction own = pub->source->format.frame_rate;

	if (rate->max)
		return;
	pub->pace.fps = rate->fps.num ? rate->fps : own;
	if (!pub->pace.fps.num)
		pub->pace.fps = nominal_rate(&pub->options);
}

static int create_publisher(struct pub *pub)
{
	const struct pub_options *o = &pub->options;
	struct zt_format format = pub->source->format;
	struct zt_publisher_options options = {
		.size = sizeof(options),
		.flags = o->backpressure ? ZT_PUBLISHER_BACKPRESSURE : 0,
		.slots = o->slots,
		.metadata_size = o->metadata_size,
		.max_memory = o->max_memory,
		.evict_after_ns = o->evict_after_ns,
		.spin_ns = (uint64_t)o->spin_ns,
		.mode = o->mode,
		.group = o->group,
		.format = &format,
		.log = voice_log,
		.log_userdata = &pub->voice,
	};

	complete_rate(pub, &format);
	return zt_publisher_create(o->name, &options, &pub->publisher,
				   pub->reason);
}

/* With a line to renew, waits last no longer than that. */
static int64_t wait_ns(const struct pub *pub)
{
	return pub->progress.on ? PROGRESS_NS : ZT_FOREVER;
}

static int wait_for_subscribers(struct pub *pub)
{
	int error;

	do {
		progress_show(&pub->progress, &pub->tally, clock_now_ns(),
			      "waiting for subscribers");
		error = zt_publisher_wait_subscribers(
			pub->publisher, pub->options.wait_subscribers,
			wait_ns(pub));
	} while (!stop_requested() && (error == -EINTR ||
				       error == -ETIMEDOUT));
	return error;
}

/* A slot, or -EAGAIN where --nonblock found none. */
static int take_slot(struct pub *pub, const struct zt_format *format,
		     struct zt_loan **ret)
{
	bool block = !pub->options.nonblock;
	int error;

	for (;;) {
		error = zt_loan(pub->publisher, format,
				block ? wait_ns(pub) : 0, ret);
		if (error != -ETIMEDOUT && error != -EINTR)
			return error;
		if (stop_requested())
			return -EINTR;
		progress_show(&pub->progress, &pub->tally, clock_now_ns(),
			      "waiting for a lossless subscriber");
	}
}

static int skip_frame(struct pub *pub, int *status)
{
	int error = pub->source->ops->skip(pub->source, pub->reason);

	pub->gap = true;
	pub->tally.dropped++;
	if (!error)
		return 0;
	*status = end_with(pub, error, pub->source->where, STATUS_INVALID);
	return error;
}

static int publish_frame(struct pub *pub, struct zt_loan *loan, int *status)
{
	uint64_t bytes;
	int64_t now;
	int error = pub->source->ops->fill(pub->source, loan,
					   pub->tally.frames + 1, pub->reason);

	if (error) {
		zt_discard(pub->publisher, loan);
		*status = end_with(pub, error, pub->source->where,
				   STATUS_INVALID);
		return error;
	}
	if (pub->gap)
		loan->flags |= ZT_FRAME_DISCONTINUITY;
	pub->gap = false;
	bytes = loan->bytes_used;
	error = zt_publish(pub->publisher, loan);
	if (error) {
		pub->reason[0] = '\0';
		*status = end_with(pub, error, "cannot publish", STATUS_FAILED);
		return error;
	}
	now = clock_now_ns();
	tally_frame(&pub->tally, bytes, now);
	progress_show(&pub->progress, &pub->tally, now, NULL);
	return 0;
}

/* 1, 0 when all is published, or an error, told and put into *status. */
static int step(struct pub *pub, int *status)
{
	struct source *source = pub->source;
	struct zt_format format;
	struct zt_loan *loan;
	int error = source->ops->next(source, &format, pub->reason);

	if (error == 0)
		return 0;
	if (error < 0) {
		*status = end_with(pub, error, source->where, STATUS_INVALID);
		return error;
	}
	complete_rate(pub, &format);
	error = pace_wait(&pub->pace);
	if (!error)
		error = take_slot(pub, &format, &loan);
	if (error == -EAGAIN) {
		error = skip_frame(pub, status);
		return error ? error : 1;
	}
	if (error) {
		reason_set(pub->reason, error, "%s",
			   voice_reason(zt_publisher_reason(pub->publisher),
					error));
		*status = end_with(pub, error, "cannot publish",
				   STATUS_INVALID);
		return error;
	}
	error = publish_frame(pub, loan, status);
	return error ? error : 1;
}

static bool is_enough(const struct pub *pub)
{
	return stop_requested() || (pub->options.frames &&
				    pub->tally.frames >= pub->options.frames);
}

static int publish_all(struct pub *pub)
{
	int status = STATUS_DONE, more = 1, error;
	uint64_t seen = 0, all;

	while (more >= 0 && !is_enough(pub)) {
		more = step(pub, &status);
		if (more != 0)
			continue;
		all = pub->tally.frames + pub->tally.dropped;
		if (!pub->options.loop || all == seen)
			break;
		seen = all;
		error = pub->source->ops->rewind(pub->source, pub->reason);
		if (error)
			return end_with(pub, error, pub->source->where,
					STATUS_INVALID);
	}
	return status;
}

static void add_stats(json_t *summary, const struct zt_publisher_stats *stats)
{
	json_t *more = json_pack(
		"{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "loan_waits",
		(json_int_t)stats->loan_waits, "loan_wait_ns",
		(json_int_t)stats->loan_wait_ns, "evicted",
		(json_int_t)stats->evicted, "cut_off",
		(json_int_t)stats->cut_off, "refused",
		(json_int_t)stats->refused, "slots", (json_int_t)stats->slots,
		"memory", (json_int_t)stats->memory, "epoch",
		(json_int_t)stats->epoch);

	json_object_update(summary, more);
	json_decref(more);
}

static void print_summary(struct pub *pub,
			  const struct zt_publisher_stats *stats)
{
	char wait[16], more[160] = "";
	int used = 0;

	if (stats->loan_waits)
		used = snprintf(more, sizeof(more),
				", %" PRIu64 " wait%s of %s in all",
				stats->loan_waits,
				stats->loan_waits == 1 ? "" : "s",
				units_duration_text(stats->loan_wait_ns, wait));
	if (stats->evicted || stats->cut_off || stats->refused)
		snprintf(more + used, sizeof(more) - (size_t)used,
			 ", subscribers: %" PRIu64 " evicted, %" PRIu64
			 " cut off, %" PRIu64 " refused",
			 stats->evicted, stats->cut_off, stats->refused);
	summary_print(&pub->voice, pub->options.name, &pub->tally, "skipped",
		      more);
}

static void summarise(struct pub *pub, int status)
{
	struct zt_publisher_stats stats = { .size = sizeof(stats) };
	json_t *summary;

	zt_publisher_get_stats(pub->publisher, &stats);
	if (status == STATUS_DONE || pub->tally.frames)
		print_summary(pub, &stats);
	if (!pub->options.common.json)
		return;
	summary = summary_json(pub->options.name, &pub->tally);
	add_stats(summary, &stats);
	summary_print_json(summary, stdout);
}

static int run(struct pub *pub)
{
	int status = STATUS_DONE, error = open_source(pub);

	if (error)
		return end_with(pub, error, source_name(&pub->options),
				STATUS_INVALID);
	if (pub->options.loop && !pub->source->rewinds) {
		voice_error(&pub->voice, "%s cannot begin again; --loop needs "
			    "a file", pub->source->where);
		return STATUS_INVALID;
	}
	set_pace(pub);
	error = create_publisher(pub);
	if (error)
		return end_with(pub, error, pub->options.name, STATUS_INVALID);
	progress_start(&pub->progress, &pub->voice, pub->options.name,
		       "skipped");
	pub->reason[0] = '\0';
	if (pub->options.wait_subscribers)
		error = wait_for_subscribers(pub);
	if (error)
		status = end_with(pub, error, pub->options.name,
				  STATUS_FAILED);
	else
		status = publish_all(pub);
	summarise(pub, status);
	return status;
}

int verb_pub(int argc, char **argv)
{
	struct pub *pub = calloc(1, sizeof(*pub));
	int status = STATUS_INVALID;

	if (!pub)
		return STATUS_INVALID;
	pub->voice.verb = "pub";
	if (pub_options_parse(argc, argv, &pub->options, pub->reason)) {
		voice_error(&pub->voice, "%s", pub->reason);
	} else if (pub->options.common.help) {
		options_print_help(&pub_command_line, stdout);
		status = STATUS_DONE;
	} else {
		pub->voice.level = pub->options.common.quiet ?
					   -1 : pub->options.common.verbose;
		stop_prepare();
		status = run(pub);
	}
	zt_publisher_destroy(pub->publisher);
	if (pub->source)
		pub->source->ops->close(pub->source);
	pub_options_free(&pub->options);
	free(pub);
	return status;
}
