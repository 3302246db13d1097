/* SPDX-License-Identifier: MIT */
/*
 * JPEG by libjpeg-turbo. Its errors jump out of it: each function here that
 * calls it sets the place to land first, and keeps what it needs afterwards in
 * the struct.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdlib.h>

#include "config.h"
#include "fourcc.h"
#include "image.h"
#include "voice.h"

#if HAVE_JPEG

#include <jpeglib.h>
#include <jerror.h>

#define QUALITY 92

struct trap {
	struct jpeg_error_mgr manager;	/* first: libjpeg hands this back */
	jmp_buf landing;
	bool cut_short;
	char text[JMSG_LENGTH_MAX];
};

struct jpeg_in {
	struct jpeg_decompress_struct codec;
	struct trap trap;
};

struct jpeg_out {
	struct jpeg_compress_struct codec;
	struct trap trap;
};

static void on_error(j_common_ptr codec)
{
	struct trap *trap = (struct trap *)codec->err;

	codec->err->format_message(codec, trap->text);
	longjmp(trap->landing, 1);
}

static void on_message(j_common_ptr codec, int level)
{
	struct trap *trap = (struct trap *)codec->err;

	if (level >= 0)
		return;
	codec->err->num_warnings++;
	if (codec->err->msg_code == JWRN_JPEG_EOF ||
	    codec->err->msg_code == JWRN_HIT_MARKER)
		trap->cut_short = true;
}

static struct jpeg_error_mgr *set_trap(struct trap *trap)
{
	jpeg_std_error(&trap->manager);
	trap->manager.error_exit = on_error;
	trap->manager.emit_message = on_message;
	return &trap->manager;
}

static void close_in(void *state)
{
	struct jpeg_in *in = state;

	jpeg_destroy_decompress(&in->codec);
	free(in);
}

static int open_in(FILE *file, void **ret_state, struct zt_format *ret_format,
		   char *reason)
{
	struct jpeg_in *in = calloc(1, sizeof(*in));

	if (!in)
		return reason_set(reason, -ENOMEM, "out of memory");
	*ret_state = in;
	in->codec.err = set_trap(&in->trap);
	if (setjmp(in->trap.landing))
		return reason_set(reason, -EINVAL, "JPEG: %s", in->trap.text);
	jpeg_create_decompress(&in->codec);
	jpeg_stdio_src(&in->codec, file);
	jpeg_read_header(&in->codec, TRUE);
	in->codec.out_color_space = JCS_RGB;
	*ret_format = (struct zt_format){
		.fourcc = FORMAT_RGB24,
		.width = in->codec.image_width,
		.height = in->codec.image_height,
		.interlacing = ZT_INTERLACING_PROGRESSIVE,
		.colour.range = ZT_RANGE_FULL,
		.pixel_aspect = { 1, 1 },
	};
	return 0;
}

static int decode_in(void *state, uint8_t *data, size_t stride,
		     bool *ret_damaged, char *reason)
{
	struct jpeg_in *in = state;
	JSAMPROW row;

	if (setjmp(in->trap.landing))
		return reason_set(reason, -EINVAL, "JPEG: %s", in->trap.text);
	jpeg_start_decompress(&in->codec);
	while (in->codec.output_scanline < in->codec.output_height) {
		row = data + in->codec.output_scanline * stride;
		jpeg_read_scanlines(&in->codec, &row, 1);
	}
	if (in->trap.cut_short)
		return reason_set(reason, -EINVAL, "JPEG: the file ends in the "
				  "middle of the picture");
	*ret_damaged = in->trap.manager.num_warnings > 0;
	return 0;
}

static bool find_colours(uint32_t fourcc, J_COLOR_SPACE *ret, int *ret_count)
{
	static const struct {
		uint32_t fourcc;
		J_COLOR_SPACE colours;
		int count;
	} rows[] = {
		{ FORMAT_RGB24, JCS_EXT_RGB, 3 },
		{ FORMAT_BGR24, JCS_EXT_BGR, 3 },
		{ FORMAT_RGBA, JCS_EXT_RGBX, 4 },
		{ FORMAT_RGBX, JCS_EXT_RGBX, 4 },
		{ FORMAT_BGRA, JCS_EXT_BGRX, 4 },
		{ FORMAT_BGRX, JCS_EXT_BGRX, 4 },
		{ FORMAT_GRAY8, JCS_GRAYSCALE, 1 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (rows[i].fourcc != fourcc)
			continue;
		*ret = rows[i].colours;
		*ret_count = rows[i].count;
		return true;
	}
	return false;
}

static void encode(struct jpeg_out *out, FILE *to,
		   const struct picture *picture)
{
	JSAMPROW row;

	jpeg_create_compress(&out->codec);
	jpeg_stdio_dest(&out->codec, to);
	out->codec.image_width = picture->width;
	out->codec.image_height = picture->height;
	find_colours(picture->fourcc, &out->codec.in_color_space,
		     &out->codec.input_components);
	jpeg_set_defaults(&out->codec);
	jpeg_set_quality(&out->codec, QUALITY, TRUE);
	jpeg_start_compress(&out->codec, TRUE);
	while (out->codec.next_scanline < out->codec.image_height) {
		/* libjpeg only reads it */
		row = (JSAMPROW)(uintptr_t)picture->data +
		      out->codec.next_scanline * picture->stride;
		jpeg_write_scanlines(&out->codec, &row, 1);
	}
	jpeg_finish_compress(&out->codec);
}

int image_write_jpeg(FILE *to, const struct picture *picture, char *reason)
{
	struct jpeg_out out = { 0 };
	J_COLOR_SPACE colours;
	int count;

	if (!find_colours(picture->fourcc, &colours, &count))
		return reason_set(reason, -EINVAL, "JPEG has 8 bits a sample; "
				  "use --image-format png");
	out.codec.err = set_trap(&out.trap);
	if (setjmp(out.trap.landing)) {
		jpeg_destroy_compress(&out.codec);
		return reason_set(reason, -EIO, "JPEG: %s", out.trap.text);
	}
	encode(&out, to, picture);
	jpeg_destroy_compress(&out.codec);
	return 0;
}

#else

static int open_in(FILE *file, void **ret_state, struct zt_format *ret_format,
		   char *reason)
{
	(void)file;
	(void)ret_state;
	(void)ret_format;
	return reason_set(reason, -EOPNOTSUPP, "this zoetrope was built "
			  "without JPEG (libjpeg-turbo)");
}

static int decode_in(void *state, uint8_t *data, size_t stride,
		     bool *ret_damaged, char *reason)
{
	(void)state;
	(void)data;
	(void)stride;
	(void)ret_damaged;
	return reason_set(reason, -EOPNOTSUPP, "no JPEG");
}

static void close_in(void *state)
{
	(void)state;
}

int image_write_jpeg(FILE *to, const struct picture *picture, char *reason)
{
	(void)to;
	(void)picture;
	return reason_set(reason, -EOPNOTSUPP, "this zoetrope was built "
			  "without JPEG (libjpeg-turbo)");
}

#endif

const struct image_decoder image_jpeg_decoder = {
	.open = open_in, .decode = decode_in, .close = close_in,
};
