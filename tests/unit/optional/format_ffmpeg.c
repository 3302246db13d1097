/* SPDX-License-Identifier: MIT */
/*
 * Formats as FFmpeg defines them, an independent witness: the order of bytes,
 * the planes, and the size of a packed picture, for sizes even and odd. Where
 * its pixel formats and ours agree, a pipe from ffmpeg's rawvideo is a pipe
 * into `zoetrope pub --raw`.
 */
#include <libavutil/imgutils.h>
#include <libavutil/pixdesc.h>

#include "../format_witness.h"
#include "harness.h"

static const struct row {
	const char *name, *pix_fmt;
} rows[] = {
	{ "RGB24", "rgb24" },
	{ "BGR24", "bgr24" },
	{ "RGBA", "rgba" },
	{ "BGRA", "bgra" },
	{ "RGBX", "rgb0" },
	{ "BGRX", "bgr0" },
	{ "GRAY8", "gray" },
	{ "GRAY16", "gray16le" },
	{ "YUYV", "yuyv422" },
	{ "UYVY", "uyvy422" },
	{ "NV12", "nv12" },
	{ "NV21", "nv21" },
	{ "NV16", "nv16" },
	{ "I420", "yuv420p" },
	{ "I422", "yuv422p" },
	{ "I444", "yuv444p" },
	{ "P010", "p010le" },
	{ "GRAYF32", "grayf32le" },
	{ "SRGGB8", "bayer_rggb8" },
	{ "SGRBG8", "bayer_grbg8" },
	{ "SGBRG8", "bayer_gbrg8" },
	{ "SBGGR8", "bayer_bggr8" },
	{ "SRGGB16", "bayer_rggb16le" },
	{ "SGRBG16", "bayer_grbg16le" },
	{ "SGBRG16", "bayer_gbrg16le" },
	{ "SBGGR16", "bayer_bggr16le" },
};

#define ROWS (sizeof(rows) / sizeof(rows[0]))

static enum AVPixelFormat pix_fmt_of(const struct row *row)
{
	enum AVPixelFormat format = av_get_pix_fmt(row->pix_fmt);

	if (format == AV_PIX_FMT_NONE)
		fail_msg("FFmpeg does not know %s", row->pix_fmt);
	return format;
}

/* Write each component's letter wherever its step and offset put it. */
static void spell(const AVPixFmtDescriptor *d,
		  const struct zt_format_info *info, unsigned int sample,
		  char ret_plane[4][8])
{
	const char *letters = d->flags & AV_PIX_FMT_FLAG_RGB ? "RGBA" : "YUVA";

	memset(ret_plane, 0, sizeof(char[4][8]));
	for (unsigned int p = 0; p < info->plane_count; p++)
		memset(ret_plane[p], 'x', info->block_size[p] / sample);
	for (int c = 0; c < d->nb_components; c++) {
		const AVComponentDescriptor *comp = &d->comp[c];
		unsigned int at = (unsigned int)comp->offset;

		assert_in_range(comp->plane, 0, info->plane_count - 1);
		assert_int_equal(comp->depth, info->bits);
		assert_int_equal(at % sample, 0);
		for (; at < info->block_size[comp->plane];
		     at += (unsigned int)comp->step)
			ret_plane[comp->plane][at / sample] = letters[c];
	}
}

static void bytes_lie_in_ffmpegs_order(void)
{
	for (size_t i = 0; i < ROWS; i++) {
		const struct zt_format_info *info =
			zt_format_by_name(rows[i].name);
		const struct witness *w = witness_of(rows[i].name);
		enum AVPixelFormat format = pix_fmt_of(&rows[i]);
		const AVPixFmtDescriptor *d = av_pix_fmt_desc_get(format);
		char plane[4][8];

		assert_int_equal(av_pix_fmt_count_planes(format),
				 info->plane_count);
		assert_false(d->flags & AV_PIX_FMT_FLAG_BE);
		/* Of Bayer only the name tells the order. */
		if (info->kind == ZT_KIND_BAYER)
			continue;
		spell(d, info, w->sample_bytes, plane);
		for (unsigned int p = 0; p < info->plane_count; p++)
			assert_string_equal(plane[p], w->plane[p]);
	}
}

static void packed_pictures_have_ffmpegs_size(void)
{
	for (size_t i = 0; i < ROWS; i++) {
		enum AVPixelFormat format = pix_fmt_of(&rows[i]);
		uint32_t code = zt_format_by_name(rows[i].name)->fourcc;

		for (int n = 0; n < 40 * 40; n++) {
			int width = n % 40 + 1, height = n / 40 + 1;
			struct zt_format f = {
				.fourcc = code,
				.width = (uint32_t)width,
				.height = (uint32_t)height,
			};
			int strides[4];

			assert_int_equal(zt_format_complete_packed(&f), 0);
			assert_int_equal(f.payload_size,
					 av_image_get_buffer_size(
						 format, width, height, 1));
			assert_true(av_image_fill_linesizes(strides, format,
							    width) >= 0);
			for (unsigned int p = 0; p < f.plane_count; p++)
				assert_int_equal(f.planes[p].stride,
						 strides[p]);
		}
	}
}

static const struct zt_test tests[] = {
	ZT_TEST(bytes_lie_in_ffmpegs_order),
	ZT_TEST(packed_pictures_have_ffmpegs_size),
};

ZT_TEST_MAIN(tests)
