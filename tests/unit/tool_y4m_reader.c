/* SPDX-License-Identifier: MIT */
/*
 * y4m: each header of ffmpeg's comes back as it was, what cannot be held or is
 * not y4m is refused in words, and files that end or break anywhere give the
 * whole frames before, then an error that names the place.
 */
#include <stdlib.h>
#include <string.h>

#include <zoetrope/error.h>

#include "packed_rows.h"
#include "y4m.h"

#include "harness.h"

static char reason[ZT_REASON_MAX];

/* As `ffmpeg -f yuv4mpegpipe` wrote them, version 5.1. */
static const char *const headers[] = {
	"YUV4MPEG2 W32 H16 F30000:1001 Ip A1:1 C420jpeg XYSCSS=420JPEG "
	"XCOLORRANGE=LIMITED",
	"YUV4MPEG2 W32 H16 F25:1 It A4:3 C420mpeg2 XYSCSS=420MPEG2 "
	"XCOLORRANGE=LIMITED",
	"YUV4MPEG2 W32 H16 F25:1 Ib A4:3 C420paldv XYSCSS=420PALDV",
	"YUV4MPEG2 W1 H1 F25:1 Im A0:0 C422 XYSCSS=422 XCOLORRANGE=FULL",
	"YUV4MPEG2 W33 H17 F60:1 Ip A1:1 C444 XYSCSS=444 XCOLORRANGE=FULL",
	"YUV4MPEG2 W32 H16 F24:1 Ip A1:1 Cmono XCOLORRANGE=FULL",
	"YUV4MPEG2 W65536 H65536 F0:0 I? A0:0 Cmono16",
	"YUV4MPEG2 W32 H16 F25:1 Ip A1:1 C420",
};

static void headers_come_back(void)
{
	char text[Y4M_HEADER_ROOM];
	struct zt_format format;
	int length;

	for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
		assert_int_equal(y4m_parse_header(headers[i], &format, reason),
				 0);
		length = y4m_print_header(&format, text, reason);
		assert_int_equal(length, strlen(headers[i]) + 1);
		assert_int_equal(text[length - 1], '\n');
		text[length - 1] = '\0';
		assert_string_equal(text, headers[i]);
	}
}

static void header_fields_are_understood(void)
{
	struct zt_format f;

	assert_int_equal(y4m_parse_header(headers[1], &f, reason), 0);
	assert_int_equal(f.fourcc, zt_format_by_name("I420")->fourcc);
	assert_int_equal(f.width, 32);
	assert_int_equal(f.height, 16);
	assert_int_equal(f.frame_rate.num, 25);
	assert_int_equal(f.pixel_aspect.num, 4);
	assert_int_equal(f.pixel_aspect.den, 3);
	assert_int_equal(f.interlacing, ZT_INTERLACING_TOP_FIRST);
	assert_int_equal(f.colour.chroma_siting, ZT_CHROMA_LEFT);
	assert_int_equal(f.colour.range, ZT_RANGE_LIMITED);

	/* no C, F, I, A: what y4m says that means */
	assert_int_equal(y4m_parse_header("YUV4MPEG2 H2 W4", &f, reason), 0);
	assert_int_equal(f.fourcc, zt_format_by_name("I420")->fourcc);
	assert_int_equal(f.colour.chroma_siting, ZT_CHROMA_CENTER);
	assert_int_equal(f.frame_rate.num, 0);
	assert_int_equal(f.interlacing, ZT_INTERLACING_UNKNOWN);
	assert_int_equal(f.colour.range, ZT_RANGE_UNKNOWN);
}

static void bad_headers_are_refused(void)
{
	static const char *const bad[] = {
		"", " ", "YUV4MPEG", "YUV4MPEG2", "YUV4MPEG2 W2", "JUNK W2 H2",
		"YUV4MPEG2 W2 H0", "YUV4MPEG2 W-2 H2", "YUV4MPEG2 W65537 H2",
		"YUV4MPEG2 W99999999999999999999 H2", "YUV4MPEG2 W H2",
		"YUV4MPEG2 W2 H2 F25", "YUV4MPEG2 W2 H2 F25:",
		"YUV4MPEG2 W2 H2 F25:0", "YUV4MPEG2 W2 H2 F1:2:3",
		"YUV4MPEG2 W2 H2 Ix", "YUV4MPEG2 W2 H2 I", "YUV4MPEG2 W2 H2 Ipp",
		"YUV4MPEG2 W2 H2 C420p10", "YUV4MPEG2 W2 H2 C411",
		"YUV4MPEG2 W2 H2 C", "YUV4MPEG2 W2 H2 XCOLORRANGE=SOME",
		"YUV4MPEG2 W2x H2", "YUV4MPEG2 W2\tH2",
	};
	struct zt_format format = { .width = 42 };

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		reason[0] = '\0';
		if (y4m_parse_header(bad[i], &format, reason) != -EINVAL)
			fail_msg("'%s' was taken", bad[i]);
		assert_true(strlen(reason) > 10);
	}
	assert_int_equal(format.width, 42);
}

static void unknown_parameters_are_passed_over(void)
{
	struct zt_format format;

	assert_int_equal(y4m_parse_header("YUV4MPEG2 W2 H2 Xanything=1 Qx",
					  &format, reason), 0);
}

static void formats_without_a_tag_are_refused(void)
{
	struct zt_format format = {
		.fourcc = zt_format_by_name("RGB24")->fourcc,
		.width = 2,
		.height = 2,
	};
	char text[Y4M_HEADER_ROOM];

	assert_int_equal(y4m_print_header(&format, text, reason), -EINVAL);
	assert_non_null(strstr(reason, "RGB24"));
}

static void yv12_is_written_as_420(void)
{
	struct zt_format format = {
		.fourcc = zt_format_by_name("YV12")->fourcc,
		.width = 2,
		.height = 2,
	};
	char text[Y4M_HEADER_ROOM];
	unsigned int order[ZT_MAX_PLANES];

	assert_true(y4m_print_header(&format, text, reason) > 0);
	assert_non_null(strstr(text, " C420\n"));
	y4m_plane_order(format.fourcc, order);
	assert_int_equal(order[0], 0);
	assert_int_equal(order[1], 2);
	assert_int_equal(order[2], 1);
}

/* A file in memory that is read `step` bytes at a time. */
struct memory {
	const char *bytes;
	size_t size, at, step;
};

static ssize_t read_memory(void *context, void *into, size_t size)
{
	struct memory *memory = context;

	if (size > memory->size - memory->at)
		size = memory->size - memory->at;
	if (size > memory->step)
		size = memory->step;
	memcpy(into, memory->bytes + memory->at, size);
	memory->at += size;
	return (ssize_t)size;
}

/* 5x3 in 4:2:0 is 15 + 6 + 6 bytes a frame. */
#define HEAD "YUV4MPEG2 W5 H3 F25:1\n"
#define FRAME_1 "abcdefghijklmnoUVWXYZuvwxyz"
#define FRAME_2 "ABCDEFGHIJKLMNO012345567890"
static const char file[] = HEAD "FRAME\n" FRAME_1 "FRAME Ixyz Xa\n" FRAME_2;
#define FILE_BYTES (sizeof(file) - 1)

struct result {
	int end;		/* 0 or an error */
	unsigned int frames;
	char frame[2][28];
};

/* Read all frames into padded planes. */
static struct result read_file(const char *bytes, size_t size, size_t step)
{
	struct memory memory = { bytes, size, 0, step };
	struct input *input = malloc(sizeof(*input));
	struct y4m_reader reader;
	struct result result = { 0 };
	struct zt_format format;
	uint8_t payload[512], *data[ZT_MAX_PLANES];

	input_start(input, read_memory, &memory);
	result.end = y4m_reader_start(&reader, input, reason);
	if (result.end)
		goto out;
	format = reader.format;
	assert_int_equal(zt_format_complete(&format), 0);
	assert_true(format.payload_size <= sizeof(payload));
	for (unsigned int p = 0; p < 3; p++)
		data[p] = payload + format.planes[p].offset;
	while ((result.end = y4m_reader_next(&reader, reason)) == 1) {
		result.end = y4m_reader_frame(&reader, &format, data, reason);
		if (result.end)
			break;
		for (size_t i = 0; i < 27; i++)
			result.frame[result.frames][i] = (char)(
				i < 15 ? data[0][i / 5 * 64 + i % 5] :
				i < 21 ? data[1][(i - 15) / 3 * 64 + i % 3] :
					 data[2][(i - 21) / 3 * 64 + i % 3]);
		result.frames++;
	}
out:
	free(input);
	return result;
}

static void frames_are_read_however_they_come(void)
{
	struct result result;

	for (size_t step = 1; step <= FILE_BYTES; step++) {
		result = read_file(file, FILE_BYTES, step);
		assert_int_equal(result.end, 0);
		assert_int_equal(result.frames, 2);
		assert_string_equal(result.frame[0], FRAME_1);
		assert_string_equal(result.frame[1], FRAME_2);
	}
}

/* Cut at every byte: whole frames, then the place where it ends. */
static void cut_files_give_what_is_whole(void)
{
	size_t first = strlen(HEAD), second = first + 6 + 27;
	struct result result;
	char place[32];

	for (size_t size = 0; size < FILE_BYTES; size++) {
		result = read_file(file, size, 7);
		assert_int_equal(result.frames, size >= second);
		if (size == first || size == second) {
			assert_int_equal(result.end, 0);
			continue;
		}
		assert_true(result.end < 0);
		if (size < first)
			continue;
		snprintf(place, sizeof(place), "byte %zu,", size);
		assert_non_null(strstr(reason, place));
		assert_non_null(strstr(reason, size < second ? "frame 1" :
							       "frame 2"));
	}
}

static void broken_frame_lines_are_named(void)
{
	static const char bad[] = HEAD "FRAME\n" FRAME_1 "FRAMES\n" FRAME_2;
	struct result result = read_file(bad, sizeof(bad) - 1, 100);

	assert_int_equal(result.end, -EINVAL);
	assert_int_equal(result.frames, 1);
	assert_non_null(strstr(reason, "byte 55,"));
	assert_non_null(strstr(reason, "frame 2"));
}

static void long_lines_are_cut_off(void)
{
	size_t size = 100000;
	char *bytes = malloc(size);
	struct result result;

	memset(bytes, 'Y', size);
	assert_int_equal(read_file(bytes, size, size).end, -EINVAL);
	memcpy(bytes, HEAD, strlen(HEAD));
	result = read_file(bytes, size, size);
	assert_int_equal(result.end, -EINVAL);
	assert_non_null(strstr(reason, "no line FRAME"));
	free(bytes);
}

static void frames_beyond_belief_are_refused(void)
{
	static const char huge[] = "YUV4MPEG2 W65536 H65536\nFRAME\n";

	assert_int_equal(read_file(huge, sizeof(huge) - 1, 100).end, -EINVAL);
	assert_non_null(strstr(reason, "1 GiB"));
}

static void frames_can_be_skipped(void)
{
	struct memory memory = { file, FILE_BYTES, 0, 10 };
	struct input *input = malloc(sizeof(*input));
	struct y4m_reader reader;

	input_start(input, read_memory, &memory);
	assert_int_equal(y4m_reader_start(&reader, input, reason), 0);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(y4m_reader_next(&reader, reason), 1);
		assert_int_equal(y4m_reader_frame(&reader, NULL, NULL, reason),
				 0);
	}
	assert_int_equal(y4m_reader_next(&reader, reason), 0);
	free(input);
}

static const struct zt_test tests[] = {
	ZT_TEST(headers_come_back),
	ZT_TEST(header_fields_are_understood),
	ZT_TEST(bad_headers_are_refused),
	ZT_TEST(unknown_parameters_are_passed_over),
	ZT_TEST(formats_without_a_tag_are_refused),
	ZT_TEST(yv12_is_written_as_420),
	ZT_TEST(frames_are_read_however_they_come),
	ZT_TEST(cut_files_give_what_is_whole),
	ZT_TEST(broken_frame_lines_are_named),
	ZT_TEST(long_lines_are_cut_off),
	ZT_TEST(frames_beyond_belief_are_refused),
	ZT_TEST(frames_can_be_skipped),
};
ZT_TEST_MAIN(tests)
