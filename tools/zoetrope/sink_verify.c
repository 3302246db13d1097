/* SPDX-License-Identifier: MIT */
/*
 * Frames compared with the test picture, byte by byte, and their order: within
 * an epoch sequences rise, gaps are what the library counted as dropped (none
 * at all for lossless), and times do not go back.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "pattern.h"
#include "sink.h"

struct verify_sink {
	struct sink sink;	/* first: what callers see */
	struct voice *voice;
	struct pattern *pattern; /* for the last format; NULL: none yet */
	bool lossless;
	uint64_t epoch, sequence; /* of the last frame; 0: none yet */
	int64_t timestamp_ns, published_ns;
	uint64_t frames, wrong, gaps, disorders;
	char first[ZT_REASON_MAX]; /* fault; "": none */
};

__attribute__((format(printf, 3, 4)))
static void fault(struct verify_sink *verify, uint64_t *count,
		  const char *format, ...)
{
	va_list arguments;

	++*count;
	if (verify->first[0])
		return;
	va_start(arguments, format);
	vsnprintf(verify->first, sizeof(verify->first), format, arguments);
	va_end(arguments);
	voice_error(verify->voice, "%s", verify->first);
}

static void check_order(struct verify_sink *verify,
			const struct zt_frame *frame)
{
	uint64_t due = verify->sequence + 1;

	if (frame->epoch != verify->epoch)
		return;
	if (frame->sequence < due)
		fault(verify, &verify->disorders,
		      "frame %" PRIu64 " came after frame %" PRIu64,
		      frame->sequence, verify->sequence);
	else if (frame->sequence > due && verify->lossless)
		fault(verify, &verify->gaps,
		      "frames %" PRIu64 " to %" PRIu64 " are missing",
		      due, frame->sequence - 1);
	else if (frame->sequence - due != frame->dropped)
		fault(verify, &verify->gaps,
		      "%" PRIu64 " frames are missing before frame %" PRIu64
		      ", and it says %" PRIu64, frame->sequence - due,
		      frame->sequence, frame->dropped);
	if (frame->published_ns < verify->published_ns ||
	    frame->timestamp_ns < verify->timestamp_ns)
		fault(verify, &verify->disorders,
		      "frame %" PRIu64 " is older than frame %" PRIu64
		      " before it", frame->sequence, verify->sequence);
}

static int check_pixels(struct verify_sink *verify,
			const struct zt_frame *frame, char *reason)
{
	struct pattern_fault at;
	int error;

	if (verify->pattern && !pattern_fits(verify->pattern, &frame->format)) {
		pattern_destroy(verify->pattern);
		verify->pattern = NULL;
	}
	if (!verify->pattern) {
		error = pattern_create(&frame->format, &verify->pattern);
		if (error == -EINVAL)
			return reason_set(reason, error,
					  "a compressed frame is not one of "
					  "'zoetrope pub --test'");
		if (error)
			return reason_set(reason, error, "out of memory");
	}
	pattern_begin(verify->pattern, frame->sequence, frame->timestamp_ns);
	if (pattern_check(verify->pattern, &frame->format, frame->data, &at))
		return 0;
	fault(verify, &verify->wrong,
	      "frame %" PRIu64 " is wrong: plane %u at %u,%u should be %u and "
	      "is %u%s", frame->sequence, at.plane, at.x, at.y, at.expected,
	      at.got, verify->frames == 0 ?
	      "; does the stream come from 'zoetrope pub --test'?" : "");
	return 0;
}

static int put(struct sink *sink, const struct zt_frame *frame, char *reason)
{
	struct verify_sink *verify = (struct verify_sink *)sink;
	int error;

	check_order(verify, frame);
	error = check_pixels(verify, frame, reason);
	verify->frames++;
	verify->epoch = frame->epoch;
	verify->sequence = frame->sequence;
	verify->timestamp_ns = frame->timestamp_ns;
	verify->published_ns = frame->published_ns;
	return error;
}

static int finish(struct sink *sink, char *reason)
{
	struct verify_sink *verify = (struct verify_sink *)sink;

	if (verify->frames == 0)
		return reason_set(reason, -ENODATA, "no frame came: nothing "
				  "was verified");
	if (!verify->first[0]) {
		voice_note(verify->voice, "verified %" PRIu64 " frames, every "
			   "pixel", verify->frames);
		return 0;
	}
	return reason_set(reason, -EILSEQ,
			  "%" PRIu64 " of %" PRIu64 " frames are wrong, %"
			  PRIu64 " gaps, %" PRIu64 " out of order",
			  verify->wrong, verify->frames, verify->gaps,
			  verify->disorders);
}

static void describe(const struct sink *sink, json_t *summary)
{
	const struct verify_sink *verify = (const struct verify_sink *)sink;
	json_t *found = json_pack(
		"{s:I, s:I, s:I, s:I}", "frames", (json_int_t)verify->frames,
		"wrong", (json_int_t)verify->wrong, "gaps",
		(json_int_t)verify->gaps, "disorders",
		(json_int_t)verify->disorders);

	if (verify->first[0])
		json_object_set_new(found, "first",
				    json_string(verify->first));
	json_object_set_new(summary, "verify", found);
}

static void close_sink(struct sink *sink)
{
	pattern_destroy(((struct verify_sink *)sink)->pattern);
	free(sink);
}

static const struct sink_ops ops = {
	.put = put, .finish = finish, .describe = describe,
	.close = close_sink,
};

int sink_open_verify(bool lossless, struct voice *voice, struct sink **ret,
		     char *reason)
{
	struct verify_sink *verify = calloc(1, sizeof(*verify));

	if (!verify)
		return reason_set(reason, -ENOMEM, "out of memory");
	verify->sink.ops = &ops;
	verify->sink.where = "--verify";
	verify->voice = voice;
	verify->lossless = lossless;
	*ret = &verify->sink;
	return 0;
}
