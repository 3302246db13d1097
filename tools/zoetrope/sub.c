/* SPDX-License-Identifier: MIT */
/* zoetrope sub: frames from a stream into a sink. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <zoetrope/subscriber.h>

#include "clock.h"
#include "sink.h"
#include "stop.h"
#include "sub_options.h"
#include "summary.h"
#include "verb.h"

struct sub {
	struct sub_options options;
	struct voice voice;
	struct zt_subscriber *subscriber;
	struct sink *sink;
	struct progress progress;
	struct tally tally;	/* dropped: gaps that the library counted */
	int64_t start_ns;
	int64_t last_ns;	/* when a frame came, or the start */
	char reason[ZT_REASON_MAX];
};

static int end_with(struct sub *sub, int error, int status)
{
	if (error == -EINTR && stop_requested())
		return STATUS_DONE;
	voice_error(&sub->voice, "%s", voice_reason(sub->reason, error));
	return status;
}

static int open_subscriber(struct sub *sub)
{
	const struct sub_options *o = &sub->options;
	struct zt_subscriber_options options = {
		.size = sizeof(options),
		.flags = (o->wait ? ZT_SUBSCRIBER_WAIT : 0U) |
			 (o->no_reconnect ? ZT_SUBSCRIBER_NO_RECONNECT : 0U),
		.delivery = o->delivery,
		.held = o->held,
		.depth = o->depth,
		.spin_ns = (uint64_t)o->spin_ns,
		.log = voice_log,
		.log_userdata = &sub->voice,
	};
	int error;

	if (o->max_rate.fps.num)
		options.min_interval_ns = (uint64_t)NS_PER_S *
					  o->max_rate.fps.den /
					  o->max_rate.fps.num;
	error = zt_subscriber_open(o->name, &options, &sub->subscriber,
				   sub->reason);
	if (error != -ENOENT)
		return error;
	return reason_set(sub->reason, error,
			  "there is no stream '%.64s' now; 'zoetrope ls' lists "
			  "what there is, --wait waits for it", o->name);
}

static int open_sink(struct sub *sub)
{
	const struct sub_options *o = &sub->options;

	if (o->y4m)
		return sink_open_y4m(o->y4m, &sub->sink, sub->reason);
	if (o->raw)
		return sink_open_raw(o->raw, &sub->sink, sub->reason);
	if (o->images)
		return sink_open_images(o->images, o->jpeg, &sub->sink,
					sub->reason);
	if (o->verify)
		return sink_open_verify(o->delivery == ZT_LOSSLESS,
					&sub->voice, &sub->sink, sub->reason);
	return sink_open_null(&sub->sink, sub->reason);
}

/* How long to wait at once: to the time-out, or to the next progress line. */
static int64_t wait_ns(const struct sub *sub)
{
	int64_t wait = ZT_FOREVER;

	if (sub->options.timeout_ns) {
		wait = sub->last_ns + sub->options.timeout_ns - clock_now_ns();
		if (wait < 0)
			wait = 0;
	}
	if (sub->progress.on && (wait < 0 || wait > PROGRESS_NS))
		wait = PROGRESS_NS;
	return wait;
}

static bool is_timed_out(struct sub *sub)
{
	char text[16];

	if (!sub->options.timeout_ns ||
	    clock_now_ns() - sub->last_ns < sub->options.timeout_ns)
		return false;
	units_duration_text((uint64_t)sub->options.timeout_ns, text);
	reason_set(sub->reason, 0, "%.64s: no frame came for %s",
		   sub->options.name, text);
	return true;
}

/* 0 and a frame, 1 at the end of the stream, or an error and a reason. */
static int take(struct sub *sub, const struct zt_frame **ret)
{
	uint64_t waited_at = sub->tally.frames;
	int error;

	for (;;) {
		error = zt_take(sub->subscriber, wait_ns(sub), ret);
		if (error == 0)
			return 0;
		if (stop_requested())
			return -EINTR;
		if (error == -EINTR)
			continue;
		if (error != -ETIMEDOUT && error != -EAGAIN)
			break;
		if (is_timed_out(sub))
			return -ETIMEDOUT;
		progress_show(&sub->progress, &sub->tally, clock_now_ns(),
			      waited_at ? "waiting for the next" :
					  "waiting for the first");
	}
	if (error == -EPIPE)
		return 1;
	return reason_set(sub->reason, error, "%.64s: %.180s",
			  sub->options.name,
			  voice_reason(zt_subscriber_reason(sub->subscriber),
				       error));
}

static int handle(struct sub *sub, const struct zt_frame *frame)
{
	int64_t now = clock_now_ns();

	sub->last_ns = now;
	tally_frame(&sub->tally, frame->bytes_used, now);
	/* The frame that a late joiner gets at once is older than its join. */
	if (frame->published_ns >= sub->start_ns)
		tally_latency(&sub->tally, now - frame->published_ns);
	sub->tally.dropped += frame->dropped;
	progress_show(&sub->progress, &sub->tally, now, NULL);
	return sub->sink->ops->put(sub->sink, frame, sub->reason);
}

static int take_all(struct sub *sub)
{
	const struct sub_options *o = &sub->options;
	const struct zt_frame *frame;
	int error = 0;

	sub->start_ns = clock_now_ns();
	sub->last_ns = sub->start_ns;
	while (!error && !stop_requested() &&
	       (!o->frames || sub->tally.frames < o->frames)) {
		error = take(sub, &frame);
		if (error)
			break;
		error = handle(sub, frame);
		zt_release(frame);
	}
	return error < 0 ? end_with(sub, error, STATUS_FAILED) : STATUS_DONE;
}

static bool frames_on_stdout(const struct sub_options *o)
{
	return (o->y4m && strcmp(o->y4m, "-") == 0) ||
	       (o->raw && strcmp(o->raw, "-") == 0);
}

static void summarise(struct sub *sub, int status)
{
	bool to_stderr = frames_on_stdout(&sub->options);
	struct zt_subscriber_stats stats = { .size = sizeof(stats) };
	char more[48] = "";
	json_t *summary;

	zt_subscriber_get_stats(sub->subscriber, &stats);
	if (stats.reconnects)
		snprintf(more, sizeof(more), ", %" PRIu64 " reconnect%s",
			 stats.reconnects, stats.reconnects == 1 ? "" : "s");
	if (status == STATUS_DONE || sub->tally.frames)
		summary_print(&sub->voice, sub->options.name, &sub->tally,
			      "dropped", more);
	if (!sub->options.common.json)
		return;
	summary = summary_json(sub->options.name, &sub->tally);
	json_object_set_new(summary, "wakes",
			    json_integer((json_int_t)stats.wakes));
	json_object_set_new(summary, "reconnects",
			    json_integer((json_int_t)stats.reconnects));
	json_object_set_new(summary, "epoch", json_integer(stats.epoch));
	if (sub->sink->ops->describe)
		sub->sink->ops->describe(sub->sink, summary);
	summary_print_json(summary, to_stderr ? stderr : stdout);
}

static int run(struct sub *sub)
{
	int status, error;

	/* The stream first: an existing file is not emptied for nothing. */
	error = open_subscriber(sub);
	if (!error)
		error = open_sink(sub);
	if (error)
		return end_with(sub, error, STATUS_INVALID);
	progress_start(&sub->progress, &sub->voice, sub->options.name,
		       "dropped");
	status = take_all(sub);
	if (sub->sink->ops->finish) {
		error = sub->sink->ops->finish(sub->sink, sub->reason);
		if (error)
			status = end_with(sub, error, STATUS_FAILED);
	}
	summarise(sub, status);
	return status;
}

int verb_sub(int argc, char **argv)
{
	struct sub *sub = calloc(1, sizeof(*sub));
	int status = STATUS_INVALID;

	if (!sub)
		return STATUS_INVALID;
	sub->voice.verb = "sub";
	if (sub_options_parse(argc, argv, &sub->options, sub->reason)) {
		voice_error(&sub->voice, "%s", sub->reason);
	} else if (sub->options.common.help) {
		options_print_help(&sub_command_line, stdout);
		status = STATUS_DONE;
	} else {
		sub->voice.level = sub->options.common.quiet ?
					   -1 : sub->options.common.verbose;
		stop_prepare();
		status = run(sub);
	}
	if (sub->sink)
		sub->sink->ops->close(sub->sink);
	zt_subscriber_close(sub->subscriber);
	free(sub);
	return status;
}
