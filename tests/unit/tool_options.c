/* SPDX-License-Identifier: MIT */
/*
 * Command lines of `zoetrope pub` and `sub`: every option reaches its field,
 * and what does not go together is refused with a reason.
 */
#include <stdlib.h>
#include <string.h>

#include <zoetrope/publisher.h>
#include <zoetrope/subscriber.h>

#include "pub_options.h"
#include "sub_options.h"

#include "harness.h"

#define MOST_WORDS 40

static char reason[ZT_REASON_MAX];

/* Cut a line into words, in place. */
static int cut(char *line, char **words)
{
	char *rest = NULL, *word = strtok_r(line, " ", &rest);
	int count = 0;

	for (; word && count < MOST_WORDS; word = strtok_r(NULL, " ", &rest))
		words[count++] = word;
	words[count] = NULL;
	return count;
}

/* The struct points into the line: keep it. */
static char line[512];
static char *words[MOST_WORDS + 1];

static int parse_pub(const char *text, struct pub_options *options)
{
	assert_true(strlen(text) < sizeof(line));
	strcpy(line, text);
	return pub_options_parse(cut(line, words), words, options, reason);
}

static int parse_sub(const char *text, struct sub_options *options)
{
	assert_true(strlen(text) < sizeof(line));
	strcpy(line, text);
	return sub_options_parse(cut(line, words), words, options, reason);
}

static void pub_options_reach_their_fields(void)
{
	struct pub_options o;

	assert_int_equal(parse_pub("pub cam0 --test 640x480 --format nv12 "
				   "--fps 29.97 --frames 9 --loop --slots 5 "
				   "--max-memory 512M --backpressure "
				   "--nonblock --wait-subscribers 2 "
				   "--evict-after 5s --mode 0660 --group root "
				   "--metadata-size 4K --spin 50us --json -vv",
				   &o), 0);
	assert_string_equal(o.name, "cam0");
	assert_int_equal(o.test.width, 640);
	assert_int_equal(o.test.height, 480);
	assert_string_equal(o.format->name, "NV12");
	assert_int_equal(o.rate.fps.num, 2997);
	assert_int_equal(o.frames, 9);
	assert_true(o.loop && o.backpressure && o.nonblock);
	assert_int_equal(o.slots, 5);
	assert_int_equal(o.max_memory, 512 << 20);
	assert_int_equal(o.wait_subscribers, 2);
	assert_int_equal(o.evict_after_ns, 5000000000);
	assert_int_equal(o.mode, 0660);
	assert_true(o.group_given);
	assert_int_equal(o.group, 0);
	assert_int_equal(o.metadata_size, 4096);
	assert_int_equal(o.spin_ns, 50000);
	assert_true(o.common.json && !o.common.quiet);
	assert_int_equal(o.common.verbose, 2);
	pub_options_free(&o);
}

static void pub_takes_each_source(void)
{
	struct pub_options o;

	assert_int_equal(parse_pub("pub --y4m - cam0", &o), 0);
	assert_string_equal(o.y4m, "-");
	assert_string_equal(o.name, "cam0");
	pub_options_free(&o);
	assert_int_equal(parse_pub("pub a --raw x --size 8x8 --format I420",
				   &o), 0);
	assert_string_equal(o.raw, "x");
	assert_int_equal(o.size.width, 8);
	pub_options_free(&o);
	assert_int_equal(parse_pub("pub a --images 1.png 2.png --fps max "
				   "3.png", &o), 0);
	assert_int_equal(o.image_count, 3);
	assert_string_equal(o.images[0], "1.png");
	assert_string_equal(o.images[2], "3.png");
	assert_true(o.rate.max);
	pub_options_free(&o);
}

static void pub_refuses(void)
{
	static const struct {
		const char *line, *word;
	} bad[] = {
		{ "pub", "name" },
		{ "pub a", "source" },
		{ "pub a b --test 8x8", "'b'" },
		{ "pub --images 1.png a", "name" },
		{ "pub a --test 8x8 --y4m -", "only one" },
		{ "pub a --raw x", "--size" },
		{ "pub a --raw x --size 8x8", "--format" },
		{ "pub a --raw x --size 8x8 --format MJPG", "MJPG" },
		{ "pub a --test 8x8 --format H264", "H264" },
		{ "pub a --test 8x8 --size 8x8", "--size" },
		{ "pub a --y4m x --format I420", "--format" },
		{ "pub a --test 8x8 --nonblock", "--backpressure" },
		{ "pub a --test 8x8 --evict-after 1s", "--backpressure" },
		{ "pub a --test 8x8 --nonsense", "--nonsense" },
		{ "pub a --test 8x8 -z", "-z" },
		{ "pub a --test 8x8 --fps", "--fps" },
		{ "pub a --test 8x8 --loop=1", "--loop" },
		{ "pub a --test 8x8 --slots x", "--slots" },
		{ "pub a --test 8x8 --format RGB23", "RGB23" },
		{ "pub a --test 8x8 --f 3", "'--f'" },
	};
	struct pub_options o;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		reason[0] = '\0';
		assert_int_equal(parse_pub(bad[i].line, &o), -EINVAL);
		pub_options_free(&o);
		if (!strstr(reason, bad[i].word))
			fail_msg("%s: '%s' does not tell of %s", bad[i].line,
				 reason, bad[i].word);
	}
}

static void sub_options_reach_their_fields(void)
{
	struct sub_options o;

	assert_int_equal(parse_sub("sub cam0 --images d --image-format jpg "
				   "--delivery lossless --depth 6 --frames 10 "
				   "--timeout 3s --no-reconnect --wait "
				   "--spin 20us -q", &o), 0);
	assert_string_equal(o.name, "cam0");
	assert_string_equal(o.images, "d");
	assert_true(o.jpeg && o.no_reconnect && o.wait && o.common.quiet);
	assert_int_equal(o.delivery, ZT_LOSSLESS);
	assert_int_equal(o.depth, 6);
	assert_int_equal(o.frames, 10);
	assert_int_equal(o.timeout_ns, 3000000000);
	assert_int_equal(o.spin_ns, 20000);
	assert_int_equal(parse_sub("sub a --null --held 3 --max-rate 10", &o),
			 0);
	assert_true(o.null);
	assert_int_equal(o.delivery, ZT_LATEST);
	assert_int_equal(o.held, 3);
	assert_int_equal(o.max_rate.fps.num, 10);
}

static void sub_refuses(void)
{
	static const struct {
		const char *line, *word;
	} bad[] = {
		{ "sub --null", "name" },
		{ "sub a", "sink" },
		{ "sub a --null --verify", "only one" },
		{ "sub a b --null", "'b'" },
		{ "sub a --null --depth 2", "--depth" },
		{ "sub a --null --delivery queue --held 2", "--held" },
		{ "sub a --null --delivery queue --max-rate 2", "--max-rate" },
		{ "sub a --null --image-format png", "--images" },
		{ "sub a --images d --image-format gif", "gif" },
		{ "sub a --null --delivery all", "all" },
	};
	struct sub_options o;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		reason[0] = '\0';
		assert_int_equal(parse_sub(bad[i].line, &o), -EINVAL);
		if (!strstr(reason, bad[i].word))
			fail_msg("%s: '%s' does not tell of %s", bad[i].line,
				 reason, bad[i].word);
	}
}

static void help_needs_nothing_else(void)
{
	struct pub_options pub;
	struct sub_options sub;

	assert_int_equal(parse_pub("pub --help", &pub), 0);
	assert_true(pub.common.help);
	pub_options_free(&pub);
	assert_int_equal(parse_sub("sub -h", &sub), 0);
	assert_true(sub.common.help);
}

/* Each option of the table stands in the help, and the help fits a screen. */
static void help_tells_every_option(void)
{
	const struct option_row *row = pub_command_line.options;
	char *text = NULL, option[40];
	size_t size;
	FILE *to = open_memstream(&text, &size);

	options_print_help(&pub_command_line, to);
	fclose(to);
	for (; row->name || row->help; row++) {
		if (!row->name)
			continue;
		snprintf(option, sizeof(option), " --%s", row->name);
		assert_non_null(strstr(text, option));
	}
	for (char *start = text, *end; (end = strchr(start, '\n'));
	     start = end + 1)
		assert_true(end - start <= 80);
	free(text);
}

static const struct zt_test tests[] = {
	ZT_TEST(pub_options_reach_their_fields),
	ZT_TEST(pub_takes_each_source),
	ZT_TEST(pub_refuses),
	ZT_TEST(sub_options_reach_their_fields),
	ZT_TEST(sub_refuses),
	ZT_TEST(help_needs_nothing_else),
	ZT_TEST(help_tells_every_option),
};
ZT_TEST_MAIN(tests)
