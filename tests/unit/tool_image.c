/* SPDX-License-Identifier: MIT */
/*
 * Picture files: PNG comes back bit by bit in each format that it can hold,
 * JPEG nearly, YUV frames become the colours they stand for, and files that are
 * cut, damaged or something else are refused in words.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <zoetrope/error.h>

#include "config.h"
#include "fourcc.h"
#include "image.h"
#include "picture.h"

#include "harness.h"

static char reason[ZT_REASON_MAX];

static void need(bool built, const char *what)
{
	if (!built)
		harness_skip("built without %s", what);
}

/* A smooth picture, which JPEG keeps well. */
static struct picture make_picture(uint32_t fourcc, uint32_t width,
				   uint32_t height)
{
	size_t bytes = zt_format_info(fourcc)->block_size[0];
	size_t stride = width * bytes + 13;
	uint8_t *data = malloc(stride * height);

	for (uint32_t y = 0; y < height; y++)
		for (uint32_t x = 0; x < width; x++)
			for (size_t b = 0; b < bytes; b++)
				data[y * stride + x * bytes + b] =
					(uint8_t)(x + 2 * y + 40 * b);
	return (struct picture){ fourcc, width, height, stride, data };
}

static void write_picture(const char *path, image_write_fn write,
			  const struct picture *picture)
{
	FILE *to = fopen(path, "wb");

	assert_int_equal(write(to, picture, reason), 0);
	assert_int_equal(fclose(to), 0);
}

/* Which byte of the decoded pixel a byte of the written one became. */
static size_t decoded_byte(uint32_t fourcc, size_t byte)
{
	bool bgr = fourcc == FORMAT_BGR24 || fourcc == FORMAT_BGRA ||
		   fourcc == FORMAT_BGRX;

	return bgr && byte < 3 ? 2 - byte : byte;
}

static void compare(const struct picture *picture, const uint8_t *got,
		    size_t got_bytes, int tolerance)
{
	size_t bytes = zt_format_info(picture->fourcc)->block_size[0];

	for (size_t i = 0; i < (size_t)picture->width * picture->height; i++) {
		size_t x = i % picture->width, y = i / picture->width;

		for (size_t b = 0; b < bytes && b < got_bytes; b++) {
			int was = picture->data[y * picture->stride +
						x * bytes + b];
			int is = got[i * got_bytes +
				     decoded_byte(picture->fourcc, b)];

			assert_true(abs(was - is) <= tolerance);
		}
	}
}

static void round_trip(image_write_fn write, uint32_t fourcc, uint32_t back,
		       int tolerance)
{
	struct picture picture = make_picture(fourcc, 61, 37);
	size_t bytes = zt_format_info(back)->block_size[0];
	struct zt_format format;
	struct image_file *image;
	uint8_t *got = malloc(61 * 37 * bytes);
	bool damaged = true;

	write_picture("picture", write, &picture);
	assert_int_equal(image_open("picture", &image, &format, reason), 0);
	assert_int_equal(format.fourcc, back);
	assert_int_equal(format.width, 61);
	assert_int_equal(format.height, 37);
	assert_int_equal(image_decode(image, got, 61 * bytes, &damaged,
				      reason), 0);
	assert_false(damaged);
	compare(&picture, got, bytes, tolerance);
	image_close(image);
	free(got);
	free((void *)(uintptr_t)picture.data);
}

static void png_comes_back_exactly(void)
{
	need(HAVE_PNG, "libpng");
	round_trip(image_write_png, FORMAT_RGB24, FORMAT_RGB24, 0);
	round_trip(image_write_png, FORMAT_BGR24, FORMAT_RGB24, 0);
	round_trip(image_write_png, FORMAT_RGBX, FORMAT_RGB24, 0);
	round_trip(image_write_png, FORMAT_BGRX, FORMAT_RGB24, 0);
	round_trip(image_write_png, FORMAT_RGBA, FORMAT_RGBA, 0);
	round_trip(image_write_png, FORMAT_BGRA, FORMAT_RGBA, 0);
	round_trip(image_write_png, FORMAT_GRAY8, FORMAT_GRAY8, 0);
	round_trip(image_write_png, FORMAT_GRAY16, FORMAT_GRAY16, 0);
}

static void jpeg_comes_back_nearly(void)
{
	static const uint32_t formats[] = {
		FORMAT_RGB24, FORMAT_BGR24, FORMAT_RGBX, FORMAT_BGRX,
		FORMAT_RGBA, FORMAT_BGRA,
	};

	need(HAVE_JPEG, "libjpeg");
	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++)
		round_trip(image_write_jpeg, formats[i], FORMAT_RGB24, 24);
	/* one byte a pixel is compared with the first of three */
	round_trip(image_write_jpeg, FORMAT_GRAY8, FORMAT_RGB24, 24);
}

static void jpeg_refuses_16_bits(void)
{
	struct picture picture = make_picture(FORMAT_GRAY16, 4, 4);
	FILE *to = fopen("picture", "wb");

	need(HAVE_JPEG, "libjpeg");
	assert_int_equal(image_write_jpeg(to, &picture, reason), -EINVAL);
	assert_non_null(strstr(reason, "png"));
	fclose(to);
	free((void *)(uintptr_t)picture.data);
}

/* 0 where it decodes; it must never do so cut, and never crash. */
static int try_file(const char *path)
{
	static uint8_t got[61 * 37 * 8];
	struct zt_format format;
	struct image_file *image;
	bool damaged;
	int error = image_open(path, &image, &format, reason);

	if (error)
		return error;
	if (format.width <= 61 && format.height <= 37)
		error = image_decode(image, got, 61 * 8, &damaged, reason);
	image_close(image);
	return error;
}

static void cut_everywhere(image_write_fn write)
{
	struct picture picture = make_picture(FORMAT_RGB24, 61, 37);
	FILE *from;
	long size;

	write_picture("picture", write, &picture);
	from = fopen("picture", "rb");
	fseek(from, 0, SEEK_END);
	size = ftell(from);
	fclose(from);
	/* a JPEG's last two bytes end it; its pixels are complete before */
	for (long at = size - 3; at >= 0; at -= at > 64 ? 13 : 1) {
		assert_int_equal(truncate("picture", at), 0);
		reason[0] = '\0';
		assert_true(try_file("picture") < 0);
		assert_true(strlen(reason) > 5);
	}
	free((void *)(uintptr_t)picture.data);
}

static void cut_pictures_are_refused(void)
{
	need(HAVE_PNG && HAVE_JPEG, "libpng or libjpeg");
	cut_everywhere(image_write_png);
	cut_everywhere(image_write_jpeg);
}

/* Any outcome will do, but one that a sanitizer objects to. */
static void spoilt_pictures_do_no_harm(void)
{
	static const image_write_fn writes[] = { image_write_png,
						 image_write_jpeg };
	struct picture picture = make_picture(FORMAT_RGB24, 61, 37);
	unsigned int seed = 1;

	need(HAVE_PNG && HAVE_JPEG, "libpng or libjpeg");
	for (int i = 0; i < 400; i++) {
		FILE *file;

		write_picture("picture", writes[i % 2], &picture);
		file = fopen("picture", "r+b");
		seed = seed * 1103515245 + 12345;
		fseek(file, (long)(seed >> 8) % 700, SEEK_SET);
		fputc((int)(seed >> 24), file);
		fclose(file);
		try_file("picture");
	}
	free((void *)(uintptr_t)picture.data);
}

static void other_files_are_refused(void)
{
	FILE *to = fopen("text", "wb");

	fputs("This is no picture.\n", to);
	fclose(to);
	assert_int_equal(try_file("text"), -EINVAL);
	assert_non_null(strstr(reason, "neither JPEG nor PNG"));
	assert_int_equal(try_file("nothing"), -ENOENT);
	assert_int_equal(truncate("text", 0), 0);
	assert_int_equal(try_file("text"), -EINVAL);
}

/* A frame of one colour in Y, U, V. */
struct flat {
	struct zt_frame frame;
	uint8_t payload[32768];
};

static void fill(uint8_t *to, size_t size, const uint8_t *unit, size_t length)
{
	for (size_t i = 0; i < size; i++)
		to[i] = unit[i % length];
}

static void fill_flat(struct flat *flat, uint32_t fourcc, uint8_t y, uint8_t u,
		      uint8_t v)
{
	struct zt_format *format = &flat->frame.format;
	bool pair = zt_format_info(fourcc)->plane_count == 2;
	const uint8_t yuyv[] = { y, u, y, v }, uyvy[] = { u, y, v, y };
	const uint8_t ten_y[] = { 0, y }, ten_uv[] = { 0, u, 0, v };
	const uint8_t uv[] = { u, v }, vu[] = { v, u };
	uint8_t *planes[3];

	memset(flat, 0, sizeof(*flat));
	format->fourcc = fourcc;
	format->width = 33;
	format->height = 21;
	assert_int_equal(zt_format_complete(format), 0);
	assert_true(format->payload_size <= sizeof(flat->payload));
	for (unsigned int p = 0; p < format->plane_count; p++) {
		planes[p] = flat->payload + format->planes[p].offset;
		flat->frame.data[p] = planes[p];
	}
	fill(planes[0], format->planes[0].size,
	     fourcc == FORMAT_YUYV ? yuyv : fourcc == FORMAT_UYVY ? uyvy :
	     fourcc == FORMAT_P010 ? ten_y : &y,
	     fourcc == FORMAT_YUYV || fourcc == FORMAT_UYVY ? 4 :
	     fourcc == FORMAT_P010 ? 2 : 1);
	if (pair)
		fill(planes[1], format->planes[1].size,
		     fourcc == FORMAT_P010 ? ten_uv :
		     fourcc == FORMAT_NV21 ? vu : uv,
		     fourcc == FORMAT_P010 ? 4 : 2);
	else if (format->plane_count == 3) {
		bool swapped = fourcc == FORMAT_YV12;

		fill(planes[1], format->planes[1].size, swapped ? &v : &u, 1);
		fill(planes[2], format->planes[2].size, swapped ? &u : &v, 1);
	}
}

static void check_colour(struct picture_room *room, const struct flat *flat,
			 int red, int green, int blue)
{
	struct picture picture;

	assert_int_equal(picture_of_frame(room, &flat->frame, &picture, reason),
			 0);
	assert_int_equal(picture.fourcc, FORMAT_BGRX);
	for (size_t i = 0; i < 33 * 21; i++) {
		const uint8_t *pixel = picture.data +
				       i / 33 * picture.stride + i % 33 * 4;

		assert_true(abs(pixel[0] - blue) <= 3);
		assert_true(abs(pixel[1] - green) <= 3);
		assert_true(abs(pixel[2] - red) <= 3);
	}
}

static void yuv_becomes_its_colour(void)
{
	static const uint32_t formats[] = {
		FORMAT_I420, FORMAT_YV12, FORMAT_I422, FORMAT_I444,
		FORMAT_NV12, FORMAT_NV21, FORMAT_NV16, FORMAT_YUYV,
		FORMAT_UYVY, FORMAT_P010,
	};
	struct flat *flat = malloc(sizeof(*flat));
	struct picture_room room = { 0 };

	need(HAVE_YUV, "libyuv");
	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		/* red by BT.601, limited; by BT.709; by BT.601, full */
		fill_flat(flat, formats[i], 81, 90, 240);
		check_colour(&room, flat, 254, 0, 0);
		fill_flat(flat, formats[i], 63, 102, 240);
		flat->frame.format.colour.matrix = 1;
		check_colour(&room, flat, 255, 0, 0);
		fill_flat(flat, formats[i], 76, 85, 255);
		flat->frame.format.colour.range = ZT_RANGE_FULL;
		check_colour(&room, flat, 254, 0, 0);
	}
	picture_room_empty(&room);
	free(flat);
}

static void rgb_is_not_copied(void)
{
	struct flat *flat = malloc(sizeof(*flat));
	struct picture_room room = { 0 };
	struct picture picture;

	fill_flat(flat, FORMAT_RGB24, 1, 0, 0);
	assert_int_equal(picture_of_frame(&room, &flat->frame, &picture,
					  reason), 0);
	assert_ptr_equal(picture.data, flat->frame.data[0]);
	assert_null(room.pixels);
	free(flat);
}

static void what_is_no_picture_is_refused(void)
{
	struct flat *flat = malloc(sizeof(*flat));
	struct picture_room room = { 0 };
	struct picture picture;

	fill_flat(flat, zt_format_by_name("SRGGB10")->fourcc, 1, 0, 0);
	assert_int_equal(picture_of_frame(&room, &flat->frame, &picture,
					  reason), -EINVAL);
	assert_non_null(strstr(reason, "SRGGB10"));
	free(flat);
}

static const struct zt_test tests[] = {
	ZT_TEST(png_comes_back_exactly),
	ZT_TEST(jpeg_comes_back_nearly),
	ZT_TEST(jpeg_refuses_16_bits),
	ZT_TEST(cut_pictures_are_refused),
	ZT_TEST(spoilt_pictures_do_no_harm),
	ZT_TEST(other_files_are_refused),
	ZT_TEST(yuv_becomes_its_colour),
	ZT_TEST(rgb_is_not_copied),
	ZT_TEST(what_is_no_picture_is_refused),
};
ZT_TEST_MAIN(tests)
