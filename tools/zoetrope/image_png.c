/* SPDX-License-Identifier: MIT */
/*
 * PNG by libpng. Its errors jump out of it, as libjpeg's do. Palettes, bits
 * below 8 and transparency by key are expanded; colour of 16 bits a sample is
 * cut to 8, which is what the frame formats hold; gray keeps its 16.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdlib.h>

#include "config.h"
#include "fourcc.h"
#include "image.h"
#include "voice.h"

#if HAVE_PNG

#include <png.h>

struct png_in {
	png_structp png;
	png_infop info;
	uint32_t height;
	png_bytep *rows;
	char text[128];
};

struct png_out {
	png_structp png;
	png_infop info;
	char text[128];
};

/* libpng's error pointer is a text of 128 bytes here. */
static void on_error(png_structp png, png_const_charp message)
{
	snprintf(png_get_error_ptr(png), 128, "%s", message);
	longjmp(png_jmpbuf(png), 1);
}

static void on_read_warning(png_structp png, png_const_charp message)
{
	(void)png;
	(void)message;
}

static void close_in(void *state)
{
	struct png_in *in = state;

	png_destroy_read_struct(&in->png, &in->info, NULL);
	free(in->rows);
	free(in);
}

/* Have libpng give 8-bit RGB(A), or gray of 8 or 16 bits little endian. */
static uint32_t choose_format(struct png_in *in)
{
	int colour = png_get_color_type(in->png, in->info);
	int bits = png_get_bit_depth(in->png, in->info);
	bool keyed = png_get_valid(in->png, in->info, PNG_INFO_tRNS) != 0;
	bool alpha = keyed || (colour & PNG_COLOR_MASK_ALPHA);

	png_set_expand(in->png);
	if (colour == PNG_COLOR_TYPE_GRAY && !alpha) {
		if (bits == 16)
			png_set_swap(in->png);
		return bits == 16 ? FORMAT_GRAY16 : FORMAT_GRAY8;
	}
	if (bits == 16)
		png_set_scale_16(in->png);
	png_set_gray_to_rgb(in->png);
	return alpha ? FORMAT_RGBA : FORMAT_RGB24;
}

static int open_in(FILE *file, void **ret_state, struct zt_format *ret_format,
		   char *reason)
{
	struct png_in *in = calloc(1, sizeof(*in));

	if (!in)
		return reason_set(reason, -ENOMEM, "out of memory");
	*ret_state = in;
	in->png = png_create_read_struct(PNG_LIBPNG_VER_STRING, in->text,
					 on_error, on_read_warning);
	in->info = in->png ? png_create_info_struct(in->png) : NULL;
	if (!in->info)
		return reason_set(reason, -ENOMEM, "out of memory");
	if (setjmp(png_jmpbuf(in->png)))
		return reason_set(reason, -EINVAL, "PNG: %s", in->text);
	png_set_user_limits(in->png, 65536, 65536);
	png_init_io(in->png, file);
	png_read_info(in->png, in->info);
	in->height = png_get_image_height(in->png, in->info);
	*ret_format = (struct zt_format){
		.fourcc = choose_format(in),
		.width = png_get_image_width(in->png, in->info),
		.height = in->height,
		.interlacing = ZT_INTERLACING_PROGRESSIVE,
		.colour.range = ZT_RANGE_FULL,
		.pixel_aspect = { 1, 1 },
	};
	return 0;
}

static int decode_in(void *state, uint8_t *data, size_t stride,
		     bool *ret_damaged, char *reason)
{
	struct png_in *in = state;

	in->rows = calloc(in->height, sizeof(*in->rows));
	if (!in->rows)
		return reason_set(reason, -ENOMEM, "out of memory");
	for (uint32_t y = 0; y < in->height; y++)
		in->rows[y] = data + y * stride;
	if (setjmp(png_jmpbuf(in->png)))
		return reason_set(reason, -EINVAL, "PNG: %s", in->text);
	png_read_image(in->png, in->rows);
	png_read_end(in->png, NULL);
	*ret_damaged = false;
	return 0;
}

struct png_layout {
	uint32_t fourcc;
	int colour, bits;
	bool bgr, filler;
};

static const struct png_layout *find_layout(uint32_t fourcc)
{
	static const struct png_layout rows[] = {
		{ FORMAT_RGB24, PNG_COLOR_TYPE_RGB, 8, false, false },
		{ FORMAT_BGR24, PNG_COLOR_TYPE_RGB, 8, true, false },
		{ FORMAT_RGBA, PNG_COLOR_TYPE_RGB_ALPHA, 8, false, false },
		{ FORMAT_BGRA, PNG_COLOR_TYPE_RGB_ALPHA, 8, true, false },
		{ FORMAT_RGBX, PNG_COLOR_TYPE_RGB, 8, false, true },
		{ FORMAT_BGRX, PNG_COLOR_TYPE_RGB, 8, true, true },
		{ FORMAT_GRAY8, PNG_COLOR_TYPE_GRAY, 8, false, false },
		{ FORMAT_GRAY16, PNG_COLOR_TYPE_GRAY, 16, false, false },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].fourcc == fourcc)
			return &rows[i];
	return NULL;
}

static void encode(struct png_out *out, FILE *to,
		   const struct picture *picture)
{
	const struct png_layout *layout = find_layout(picture->fourcc);

	png_init_io(out->png, to);
	/* Made to be written in time, not to be small. */
	png_set_compression_level(out->png, 1);
	png_set_IHDR(out->png, out->info, picture->width, picture->height,
		     layout->bits, layout->colour, PNG_INTERLACE_NONE,
		     PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
	png_write_info(out->png, out->info);
	if (layout->bgr)
		png_set_bgr(out->png);
	if (layout->filler)
		png_set_filler(out->png, 0, PNG_FILLER_AFTER);
	if (layout->bits == 16)
		png_set_swap(out->png);
	for (uint32_t y = 0; y < picture->height; y++)
		png_write_row(out->png, picture->data + y * picture->stride);
	png_write_end(out->png, NULL);
}

int image_write_png(FILE *to, const struct picture *picture, char *reason)
{
	struct png_out out = { 0 };
	volatile int error = 0;	/* libpng jumps over us */

	out.png = png_create_write_struct(PNG_LIBPNG_VER_STRING, out.text,
					  on_error, on_read_warning);
	out.info = out.png ? png_create_info_struct(out.png) : NULL;
	if (!out.info) {
		png_destroy_write_struct(&out.png, NULL);
		return reason_set(reason, -ENOMEM, "out of memory");
	}
	if (setjmp(png_jmpbuf(out.png)))
		error = reason_set(reason, -EIO, "PNG: %s", out.text);
	else
		encode(&out, to, picture);
	png_destroy_write_struct(&out.png, &out.info);
	return error;
}

#else

static int open_in(FILE *file, void **ret_state, struct zt_format *ret_format,
		   char *reason)
{
	(void)file;
	(void)ret_state;
	(void)ret_format;
	return reason_set(reason, -EOPNOTSUPP, "this zoetrope was built "
			  "without PNG (libpng)");
}

static int decode_in(void *state, uint8_t *data, size_t stride,
		     bool *ret_damaged, char *reason)
{
	(void)state;
	(void)data;
	(void)stride;
	(void)ret_damaged;
	return reason_set(reason, -EOPNOTSUPP, "no PNG");
}

static void close_in(void *state)
{
	(void)state;
}

int image_write_png(FILE *to, const struct picture *picture, char *reason)
{
	(void)to;
	(void)picture;
	return reason_set(reason, -EOPNOTSUPP, "this zoetrope was built "
			  "without PNG (libpng)");
}

#endif

const struct image_decoder image_png_decoder = {
	.open = open_in, .decode = decode_in, .close = close_in,
};
