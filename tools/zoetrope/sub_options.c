/* SPDX-License-Identifier: MIT */
/* Options of `zoetrope sub`: their table, and what goes together. */
#include <errno.h>
#include <string.h>

#include <zoetrope/subscriber.h>

#include "delivery.h"
#include "sub_options.h"
#include "voice.h"

#define FIELD(member) offsetof(struct sub_options, member)

/* struct sub_options.jpeg, and that it was given. */
static int parse_image_format(const char *text, void *ret, char *reason)
{
	struct sub_options *options = (void *)((char *)ret - FIELD(jpeg));

	options->jpeg = strcmp(text, "jpg") == 0 || strcmp(text, "jpeg") == 0;
	options->image_format_given = true;
	if (!options->jpeg && strcmp(text, "png") != 0)
		return reason_set(reason, -EINVAL,
				  "'%.20s' is neither png nor jpg", text);
	return 0;
}

static const struct option_row rows[] = {
	OPTIONS_HEADING("Sink, one of:"),
	{ "y4m", "FILE|-", units_text, FIELD(y4m),
	  "YUV4MPEG2, as for 'ffplay -'", 0, false },
	{ "raw", "FILE|-", units_text, FIELD(raw),
	  "packed frames without headers", 0, false },
	{ "images", "DIR", units_text, FIELD(images),
	  "a picture a frame in DIR, each whole or not there", 0, false },
	{ "verify", NULL, NULL, FIELD(verify),
	  "check every pixel of a 'zoetrope pub --test' stream,\n"
	  "that no frame is missing, and their order", 0, false },
	{ "null", NULL, NULL, FIELD(null),
	  "nothing; count them", 0, false },
	{ "image-format", "png|jpg", parse_image_format, FIELD(jpeg),
	  "of --images (default png)", 0, false },

	OPTIONS_HEADING("Subscription:"),
	{ "delivery", "KIND", delivery_parse, FIELD(delivery),
	  "latest (default): the newest frame, passing over the\n"
	  "rest; queue: in order, the oldest dropped when slow;\n"
	  "lossless: every frame, and the publisher waits", 0, false },
	{ "depth", "N", units_count32, FIELD(depth),
	  "queue, lossless: frames waiting or held (default 4)", 0, false },
	{ "held", "N", units_count32, FIELD(held),
	  "latest: frames held at once (default 1)", 0, false },
	{ "max-rate", "N", units_rate, FIELD(max_rate),
	  "latest: at most N frames a second", 0, false },
	{ "wait", NULL, NULL, FIELD(wait),
	  "wait for a stream that is not there yet", 0, false },
	{ "no-reconnect", NULL, NULL, FIELD(no_reconnect),
	  "end when the publisher dies (default: wait for the\n"
	  "next one of that name)", 0, false },
	{ "spin", "DURATION", units_duration, FIELD(spin_ns),
	  "look this long for a frame before sleeping", 0, false },

	OPTIONS_HEADING("End:"),
	{ "frames", "N", units_count, FIELD(frames),
	  "after N frames", 0, false },
	{ "timeout", "DURATION", units_duration, FIELD(timeout_ns),
	  "fail when no frame came for this long (default: wait\n"
	  "for ever)", 0, false },

	OPTIONS_HEADING("General:"),
	OPTIONS_COMMON(struct sub_options),
};

static int positional(void *fields, char *text, char *reason)
{
	struct sub_options *options = fields;

	if (options->name)
		return reason_set(reason, -EINVAL,
				  "what is '%.80s'? the stream's name is '%.64s'"
				  " already", text, options->name);
	options->name = text;
	return 0;
}

const struct command_line sub_command_line = {
	.verb = "sub",
	.usage = "NAME SINK [OPTION...]",
	.about = "Take the frames of the stream NAME.",
	.options = rows,
	.positional = positional,
	.notes =
	"Durations are written 500ms, 5s, 100us, 2m. With frames on standard "
	"output,\n--json goes to standard error.\n"
	"\n"
	"  zoetrope sub cam0 --delivery lossless --y4m - | ffplay -\n"
	"  zoetrope sub cam0 --images pictures --image-format jpg "
	"--frames 100",
};

int sub_options_parse(int argc, char **argv, struct sub_options *o,
		      char *reason)
{
	int sinks, error;

	memset(o, 0, sizeof(*o));
	error = options_parse(&sub_command_line, argc, argv, o, reason);
	if (error || o->common.help)
		return error;
	sinks = !!o->y4m + !!o->raw + !!o->images + o->verify + o->null;
	if (!o->name)
		return reason_set(reason, -EINVAL, "the stream's name is "
				  "missing, as in 'zoetrope sub cam0 --null'; "
				  "'zoetrope ls' lists them");
	if (sinks != 1)
		return reason_set(reason, -EINVAL, "give %s sink: --y4m, "
				  "--raw, --images, --verify or --null",
				  sinks ? "only one" : "a");
	if (o->image_format_given && !o->images)
		return reason_set(reason, -EINVAL, "--image-format is for "
				  "--images");
	if (o->depth && o->delivery == ZT_LATEST)
		return reason_set(reason, -EINVAL, "--depth is for --delivery "
				  "queue and lossless; latest takes --held");
	if ((o->held || o->max_rate.fps.num) && o->delivery != ZT_LATEST)
		return reason_set(reason, -EINVAL, "%s is for --delivery "
				  "latest", o->held ? "--held" : "--max-rate");
	return 0;
}
