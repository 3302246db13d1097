/* SPDX-License-Identifier: MIT */
/*
 * The test picture: what was written is found right, and a changed byte, a row
 * of another frame, another number or another time is found wrong, in every
 * format and at odd sizes; and its number can be read.
 */
#include <stdlib.h>
#include <string.h>

#include "digits.h"
#include "fourcc.h"
#include "pattern.h"

#include "harness.h"

struct shot {
	struct zt_format format;
	struct pattern *pattern;
	uint8_t *payload, *data[ZT_MAX_PLANES];
};

static void open_shot(struct shot *shot, uint32_t fourcc, uint32_t width,
		      uint32_t height)
{
	memset(shot, 0, sizeof(*shot));
	shot->format.fourcc = fourcc;
	shot->format.width = width;
	shot->format.height = height;
	assert_int_equal(zt_format_complete(&shot->format), 0);
	assert_int_equal(pattern_create(&shot->format, &shot->pattern), 0);
	shot->payload = calloc(1, shot->format.payload_size);
	for (unsigned int p = 0; p < shot->format.plane_count; p++)
		shot->data[p] = shot->payload + shot->format.planes[p].offset;
}

static void close_shot(struct shot *shot)
{
	pattern_destroy(shot->pattern);
	free(shot->payload);
}

static void write_shot(struct shot *shot, uint64_t sequence, int64_t time)
{
	pattern_begin(shot->pattern, sequence, time);
	pattern_write(shot->pattern, &shot->format, shot->data);
}

static bool check_shot(struct shot *shot, uint64_t sequence, int64_t time,
		       struct pattern_fault *ret)
{
	const uint8_t *data[ZT_MAX_PLANES];

	for (unsigned int p = 0; p < ZT_MAX_PLANES; p++)
		data[p] = shot->data[p];
	pattern_begin(shot->pattern, sequence, time);
	return pattern_check(shot->pattern, &shot->format, data, ret);
}

static const struct dimension {
	uint32_t width, height;
} sizes[] = {
	{ 640, 480 }, { 321, 97 }, { 1, 1 }, { 9000, 3 }, { 2, 8200 },
};

#define SIZES (sizeof(sizes) / sizeof(sizes[0]))

/* With `check` for each format that has planes, at each size. */
static void for_all(void (*check)(struct shot *shot))
{
	const struct zt_format_info *info;
	struct shot shot;

	for (size_t i = 0; (info = zt_format_by_index(i)); i++) {
		if (info->kind == ZT_KIND_COMPRESSED)
			continue;
		for (size_t s = 0; s < SIZES; s++) {
			open_shot(&shot, info->fourcc, sizes[s].width,
				  sizes[s].height);
			check(&shot);
			close_shot(&shot);
		}
	}
}

static void check_right(struct shot *shot)
{
	struct pattern_fault fault;

	write_shot(shot, 7, 1234567890123);
	assert_true(check_shot(shot, 7, 1234567890123, &fault));
	write_shot(shot, 100000, 0);
	assert_true(check_shot(shot, 100000, 0, &fault));
}

static void what_was_written_is_right(void)
{
	for_all(check_right);
}

/* Each byte of a row's end, its start and its middle is looked at. */
static void check_byte(struct shot *shot)
{
	const struct zt_format_info *info = zt_format_info(shot->format.fourcc);
	struct pattern_fault fault;

	write_shot(shot, 3, 5);
	for (unsigned int p = 0; p < info->plane_count; p++) {
		size_t row = zt_format_row_bytes(info, shot->format.width, p);
		size_t rows = zt_format_rows(info, shot->format.height, p);
		size_t places[3][2] = { { 0, 0 },
					{ rows - 1, row - 1 },
					{ rows / 2, row / 2 } };

		for (unsigned int i = 0; i < 3; i++) {
			uint8_t *byte = shot->data[p] + places[i][1] +
					places[i][0] *
						shot->format.planes[p].stride;

			*byte ^= 0x40;
			assert_false(check_shot(shot, 3, 5, &fault));
			assert_int_equal(fault.plane, p);
			assert_int_equal(fault.y, places[i][0] *
							  info->block_height[p]);
			assert_int_equal(fault.x, places[i][1] /
							  info->block_size[p] *
							  info->block_width[p]);
			assert_int_equal(fault.got, *byte);
			assert_int_equal(fault.expected, *byte ^ 0x40);
			*byte ^= 0x40;
		}
	}
	assert_true(check_shot(shot, 3, 5, &fault));
}

static void a_changed_byte_is_found(void)
{
	for_all(check_byte);
}

/* A torn frame: the last row is that of a frame before or after. */
static void check_torn(struct shot *shot)
{
	struct pattern_fault fault;
	const struct zt_format_info *info = zt_format_info(shot->format.fourcc);
	size_t row = zt_format_row_bytes(info, shot->format.width, 0);
	size_t y = zt_format_rows(info, shot->format.height, 0) - 1;

	if (row < 32)
		return;
	for (uint64_t other = 1; other < 400; other++) {
		if (other == 200)
			continue;
		write_shot(shot, 200, 5);
		pattern_begin(shot->pattern, other, 5);
		memcpy(shot->data[0] + y * shot->format.planes[0].stride,
		       pattern_row(shot->pattern, 0, y), row);
		assert_false(check_shot(shot, 200, 5, &fault));
		assert_int_equal(fault.y, y * info->block_height[0]);
	}
}

static void a_torn_frame_is_found(void)
{
	struct shot shot;

	open_shot(&shot, FORMAT_RGB24, 64, 40);
	check_torn(&shot);
	close_shot(&shot);
	open_shot(&shot, FORMAT_NV12, 64, 40);
	check_torn(&shot);
	close_shot(&shot);
	open_shot(&shot, FORMAT_GRAY8, 64, 40);
	check_torn(&shot);
	close_shot(&shot);
}

static void another_time_is_found(void)
{
	struct pattern_fault fault;
	struct shot shot;

	open_shot(&shot, FORMAT_I420, 640, 480);
	write_shot(&shot, 7, 1000000000);
	assert_true(check_shot(&shot, 7, 1000999999, &fault));
	assert_false(check_shot(&shot, 7, 1001000000, &fault));
	close_shot(&shot);
}

/* Read a cell of the box in a gray frame as a person would. */
static char read_cell(const struct shot *shot, unsigned int line,
		      unsigned int column)
{
	static const char shown[] = "0123456789:.# ";
	unsigned int scale = shot->pattern->scale;
	unsigned int top = (1 + line) * DIGITS_CELL * scale;
	unsigned int left = (1 + column) * DIGITS_CELL * scale;

	for (unsigned int glyph = 0; glyph < DIGITS_COUNT; glyph++) {
		bool same = true;

		for (unsigned int i = 0; i < DIGITS_CELL * DIGITS_CELL; i++) {
			unsigned int x = i % DIGITS_CELL, y = i / DIGITS_CELL;
			const uint8_t *pixel =
				shot->data[0] + left + x * scale +
				(size_t)(top + y * scale) *
					shot->format.planes[0].stride;

			same &= digits_dot(glyph, x, y) == (*pixel == 255);
			same &= *pixel == 255 || *pixel == 0;
		}
		if (same)
			return shown[glyph];
	}
	return '?';
}

static void number_and_time_can_be_read(void)
{
	char text[PATTERN_COLUMNS + 1] = "";
	struct shot shot;

	open_shot(&shot, FORMAT_GRAY8, 640, 480);
	write_shot(&shot, 1234567890, 45296789 * 1000000LL);
	for (unsigned int c = 0; c < PATTERN_COLUMNS; c++)
		text[c] = read_cell(&shot, 0, c);
	assert_string_equal(text, "#1234567890 ");
	for (unsigned int c = 0; c < PATTERN_COLUMNS; c++)
		text[c] = read_cell(&shot, 1, c);
	assert_string_equal(text, "12:34:56.789");
	close_shot(&shot);
}

static void compressed_kinds_have_no_picture(void)
{
	struct zt_format format = { .fourcc = FORMAT_MJPG };
	struct pattern *pattern = NULL;

	assert_int_equal(pattern_create(&format, &pattern), -EINVAL);
	assert_null(pattern);
}

/* The codes that the command knows by name are the table's. */
static void codes_are_the_tables(void)
{
	static const struct {
		uint32_t fourcc;
		const char *name;
	} codes[] = {
		{ FORMAT_RGB24, "RGB24" }, { FORMAT_BGR24, "BGR24" },
		{ FORMAT_RGBA, "RGBA" }, { FORMAT_BGRA, "BGRA" },
		{ FORMAT_RGBX, "RGBX" }, { FORMAT_BGRX, "BGRX" },
		{ FORMAT_GRAY8, "GRAY8" }, { FORMAT_GRAY16, "GRAY16" },
		{ FORMAT_YUYV, "YUYV" }, { FORMAT_UYVY, "UYVY" },
		{ FORMAT_NV12, "NV12" }, { FORMAT_NV21, "NV21" },
		{ FORMAT_NV16, "NV16" }, { FORMAT_I420, "I420" },
		{ FORMAT_YV12, "YV12" }, { FORMAT_I422, "I422" },
		{ FORMAT_I444, "I444" }, { FORMAT_P010, "P010" },
		{ FORMAT_MJPG, "MJPG" }, { FORMAT_PNG, "PNG" },
	};

	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		assert_string_equal(zt_format_info(codes[i].fourcc)->name,
				    codes[i].name);
}

static const struct zt_test tests[] = {
	ZT_TEST(what_was_written_is_right),
	ZT_TEST(a_changed_byte_is_found),
	ZT_TEST(a_torn_frame_is_found),
	ZT_TEST(another_time_is_found),
	ZT_TEST(number_and_time_can_be_read),
	ZT_TEST(compressed_kinds_have_no_picture),
	ZT_TEST(codes_are_the_tables),
};
ZT_TEST_MAIN(tests)
