/* SPDX-License-Identifier: MIT */
/* Options of `zoetrope pub`: their table, and what goes together. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "pub_options.h"
#include "voice.h"

#define FIELD(member) offsetof(struct pub_options, member)

/* struct pub_options.group, and that it was given: 0 is a group too. */
static int parse_group(const char *text, void *ret, char *reason)
{
	struct pub_options *options =
		(void *)((char *)ret - FIELD(group));
	int error = units_group(text, &options->group, reason);

	options->group_given = !error;
	return error;
}

static const struct option_row rows[] = {
	OPTIONS_HEADING("Source, one of:"),
	{ "y4m", "FILE|-", units_text, FIELD(y4m),
	  "YUV4MPEG2, as of 'ffmpeg -f yuv4mpegpipe'", 0, false },
	{ "raw", "FILE|-", units_text, FIELD(raw),
	  "packed frames without headers; needs --size and\n"
	  "--format", 0, false },
	{ "images", "FILE...", units_text, FIELD(image),
	  "JPEG and PNG pictures, each of its own size", 0, false },
	{ "test", "WxH", units_dimensions, FIELD(test),
	  "a moving test picture with number and time, which\n"
	  "'zoetrope sub --verify' checks", 0, false },

	OPTIONS_HEADING("Frames:"),
	{ "size", "WxH", units_dimensions, FIELD(size),
	  "size of --raw frames", 0, false },
	{ "format", "FMT", units_format, FIELD(format),
	  "format of --raw frames; of --test (default RGB24)", 0, false },
	{ "fps", "N|max", units_rate, FIELD(rate),
	  "frames a second: 30, 29.97, 30000/1001; max: as fast\n"
	  "as it goes (default: what the y4m says; 30)", 0, false },
	{ "frames", "N", units_count, FIELD(frames),
	  "end after N frames", 0, false },
	{ "loop", NULL, NULL, FIELD(loop),
	  "begin again when the source ends", 0, false },

	OPTIONS_HEADING("Stream:"),
	{ "backpressure", NULL, NULL, FIELD(backpressure),
	  "allow lossless subscribers, and wait for them", 0, false },
	{ "nonblock", NULL, NULL, FIELD(nonblock),
	  "skip a frame instead of waiting for them", 0, false },
	{ "evict-after", "DURATION|never", units_duration_or_never,
	  FIELD(evict_after_ns),
	  "put out a lossless subscriber that kept us waiting\n"
	  "this long (default 5s)", 0, false },
	{ "wait-subscribers", "N", units_count32, FIELD(wait_subscribers),
	  "begin when N subscribers have joined", 0, false },
	{ "slots", "N", units_count32, FIELD(slots),
	  "own at least N slots, up to 64 (default: what is\n"
	  "needed)", 0, false },
	{ "max-memory", "SIZE", units_size, FIELD(max_memory),
	  "most memory for frames (default: what there is)", 0, false },
	{ "metadata-size", "SIZE", units_size32, FIELD(metadata_size),
	  "room for metadata in each slot (default 0)", 0, false },
	{ "mode", "OCTAL", units_mode, FIELD(mode),
	  "who may join: permissions of the socket (default\n"
	  "0600)", 0, false },
	{ "group", "NAME", parse_group, FIELD(group),
	  "group of the socket", 0, false },
	{ "spin", "DURATION", units_duration, FIELD(spin_ns),
	  "look this long for a free slot before sleeping", 0, false },

	OPTIONS_HEADING("General:"),
	OPTIONS_COMMON(struct pub_options),
};

static int positional(void *fields, char *text, char *reason)
{
	struct pub_options *options = fields;

	if (options->image) {
		/* place 0 is kept for the first, the option's argument */
		options->images[++options->image_count] = text;
		return 0;
	}
	if (options->name)
		return reason_set(reason, -EINVAL,
				  "what is '%.80s'? the stream's name is '%.64s'"
				  " already", text, options->name);
	options->name = text;
	return 0;
}

const struct command_line pub_command_line = {
	.verb = "pub",
	.usage = "NAME SOURCE [OPTION...]",
	.about = "Publish frames as the stream NAME.",
	.options = rows,
	.positional = positional,
	.lists_formats = true,
	.notes =
	"Durations are written 500ms, 5s, 100us, 2m; sizes 64K, 512M, 4G.\n"
	"\n"
	"  ffmpeg -i any.mp4 -pix_fmt yuv420p -f yuv4mpegpipe - |\n"
	"      zoetrope pub cam0 --y4m - --backpressure --wait-subscribers 2\n"
	"  zoetrope pub cam1 --test 1920x1080 --fps 60",
};

static int check_source(const struct pub_options *o, char *reason)
{
	int sources = !!o->y4m + !!o->raw + !!o->image + !!o->test.width;
	bool sized = o->size.width || o->format;

	if (!o->name)
		return reason_set(reason, -EINVAL, "the stream's name is "
				  "missing; it comes first, as in 'zoetrope pub "
				  "cam0 --test 640x480'");
	if (sources != 1)
		return reason_set(reason, -EINVAL, "give %s source: --y4m, "
				  "--raw, --images or --test",
				  sources ? "only one" : "a");
	if (o->raw && (!o->size.width || !o->format))
		return reason_set(reason, -EINVAL, "--raw needs --size and "
				  "--format: the file does not tell");
	if (o->raw && o->format->kind == ZT_KIND_COMPRESSED)
		return reason_set(reason, -EINVAL, "%s frames differ in "
				  "length, so --raw cannot tell where one ends",
				  o->format->name);
	if (o->test.width && o->format &&
	    o->format->kind == ZT_KIND_COMPRESSED)
		return reason_set(reason, -EINVAL, "--test draws pixels; %s "
				  "has none", o->format->name);
	if (sized && !o->raw && (!o->test.width || o->size.width))
		return reason_set(reason, -EINVAL, "%s is for --raw; %s",
				  o->size.width ? "--size" : "--format",
				  o->test.width ? "--test has the size with it" :
						  "this source tells itself");
	return 0;
}

static int check_stream(const struct pub_options *o, char *reason)
{
	if (!o->backpressure && (o->nonblock || o->evict_after_ns))
		return reason_set(reason, -EINVAL, "%s is about lossless "
				  "subscribers; add --backpressure to allow them",
				  o->nonblock ? "--nonblock" : "--evict-after");
	return 0;
}

int pub_options_parse(int argc, char **argv, struct pub_options *options,
		      char *reason)
{
	int error;

	memset(options, 0, sizeof(*options));
	options->images = calloc((size_t)argc + 1, sizeof(*options->images));
	if (!options->images)
		return reason_set(reason, -ENOMEM, "out of memory");
	error = options_parse(&pub_command_line, argc, argv, options, reason);
	if (error || options->common.help)
		return error;
	error = check_source(options, reason);
	if (!error)
		error = check_stream(options, reason);
	if (!error && options->image) {
		options->images[0] = options->image;
		options->image_count++;
	}
	return error;
}

void pub_options_free(struct pub_options *options)
{
	free(options->images);
	options->images = NULL;
}
