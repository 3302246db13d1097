/* SPDX-License-Identifier: MIT */
/*
 * Formats as V4L2 defines them: the code of each row, the order of its
 * samples and its bits a pixel are those that linux/videodev2.h gives.
 */
#include <stdlib.h>

#include <linux/videodev2.h>

#include "format_witness.h"
#include "harness.h"

#ifndef V4L2_PIX_FMT_P010	/* since Linux 6.0 */
#define V4L2_PIX_FMT_P010 v4l2_fourcc('P', '0', '1', '0')
#endif

/* `text` is the comment beside the code: bits a pixel, then the components in
   the order of memory, or the first pixels of two rows. Where it names no
   order, `order` has it from the documentation of the format, plane by
   plane. */
static const struct row {
	const char *name;
	uint32_t code;
	const char *text;
	const char *order;
} rows[] = {
	{ "RGB24", V4L2_PIX_FMT_RGB24, "24  RGB-8-8-8", NULL },
	{ "BGR24", V4L2_PIX_FMT_BGR24, "24  BGR-8-8-8", NULL },
	{ "RGBA", V4L2_PIX_FMT_RGBA32, "32  RGBA-8-8-8-8", NULL },
	{ "BGRA", V4L2_PIX_FMT_ABGR32, "32  BGRA-8-8-8-8", NULL },
	{ "RGBX", V4L2_PIX_FMT_RGBX32, "32  RGBX-8-8-8-8", NULL },
	{ "BGRX", V4L2_PIX_FMT_XBGR32, "32  BGRX-8-8-8-8", NULL },
	{ "GRAY8", V4L2_PIX_FMT_GREY, "8  Greyscale", "Y" },
	{ "GRAY16", V4L2_PIX_FMT_Y16, "16  Greyscale", "Y" },
	{ "YUYV", V4L2_PIX_FMT_YUYV, "16  YUV 4:2:2", "YUYV" },
	{ "UYVY", V4L2_PIX_FMT_UYVY, "16  YUV 4:2:2", "UYVY" },
	{ "NV12", V4L2_PIX_FMT_NV12, "12  Y/CbCr 4:2:0", "Y/UV" },
	{ "NV21", V4L2_PIX_FMT_NV21, "12  Y/CrCb 4:2:0", "Y/VU" },
	{ "NV16", V4L2_PIX_FMT_NV16, "16  Y/CbCr 4:2:2", "Y/UV" },
	{ "I420", V4L2_PIX_FMT_YUV420, "12  YUV 4:2:0", "Y/U/V" },
	{ "YV12", V4L2_PIX_FMT_YVU420, "12  YVU 4:2:0", "Y/V/U" },
	{ "I422", V4L2_PIX_FMT_YUV422P, "16  YUV422 planar", "Y/U/V" },
	{ "P010", V4L2_PIX_FMT_P010, "24  Y/CbCr 4:2:0 10-bit", "Y/UV" },
	{ "SRGGB8", V4L2_PIX_FMT_SRGGB8, "8  RGRG.. GBGB..", NULL },
	{ "SGRBG8", V4L2_PIX_FMT_SGRBG8, "8  GRGR.. BGBG..", NULL },
	{ "SGBRG8", V4L2_PIX_FMT_SGBRG8, "8  GBGB.. RGRG..", NULL },
	{ "SBGGR8", V4L2_PIX_FMT_SBGGR8, "8  BGBG.. GRGR..", NULL },
	{ "SRGGB10", V4L2_PIX_FMT_SRGGB10, "10  RGRG.. GBGB..", NULL },
	{ "SGRBG10", V4L2_PIX_FMT_SGRBG10, "10  GRGR.. BGBG..", NULL },
	{ "SGBRG10", V4L2_PIX_FMT_SGBRG10, "10  GBGB.. RGRG..", NULL },
	{ "SBGGR10", V4L2_PIX_FMT_SBGGR10, "10  BGBG.. GRGR..", NULL },
	{ "SRGGB12", V4L2_PIX_FMT_SRGGB12, "12  RGRG.. GBGB..", NULL },
	{ "SGRBG12", V4L2_PIX_FMT_SGRBG12, "12  GRGR.. BGBG..", NULL },
	{ "SGBRG12", V4L2_PIX_FMT_SGBRG12, "12  GBGB.. RGRG..", NULL },
	{ "SBGGR12", V4L2_PIX_FMT_SBGGR12, "12  BGBG.. GRGR..", NULL },
	{ "SRGGB16", V4L2_PIX_FMT_SRGGB16, "16  RGRG.. GBGB..", NULL },
	{ "SGRBG16", V4L2_PIX_FMT_SGRBG16, "16  GRGR.. BGBG..", NULL },
	{ "SGBRG16", V4L2_PIX_FMT_SGBRG16, "16  GBGB.. RGRG..", NULL },
	{ "SBGGR16", V4L2_PIX_FMT_SBGGR16, "16  BGBG.. GRGR..", NULL },
	{ "MJPG", V4L2_PIX_FMT_MJPEG, NULL, NULL },
	{ "H264", V4L2_PIX_FMT_H264, NULL, NULL },
	{ "HEVC", V4L2_PIX_FMT_HEVC, NULL, NULL },
};

#define ROWS (sizeof(rows) / sizeof(rows[0]))

static void codes_are_those_of_the_header(void)
{
	const struct zt_format_info *info;
	size_t with_a_code = 0;

	for (size_t i = 0; i < ROWS; i++) {
		info = zt_format_by_name(rows[i].name);
		assert_non_null(info);
		assert_int_equal(info->v4l2_fourcc, rows[i].code);
	}
	for (size_t i = 0; (info = zt_format_by_index(i)); i++)
		with_a_code += info->v4l2_fourcc != 0;
	assert_int_equal(with_a_code, ROWS);
}

static void order_of(const struct row *row, char ret_order[16])
{
	const char *words = strchr(row->text, ' ') + 2;

	if (row->order) {
		strcpy(ret_order, row->order);
	} else if (strstr(words, "..")) {
		/* "RGRG.. GBGB..": two pixels of each row */
		snprintf(ret_order, 16, "%.2s%.2s", words, words + 7);
	} else {
		snprintf(ret_order, 16, "%.*s", (int)strcspn(words, "-"),
			 words);
		for (char *c = ret_order; *c; c++)
			*c = *c == 'X' ? 'x' : *c;
	}
}

static void samples_lie_in_v4l2s_order(void)
{
	for (size_t i = 0; i < ROWS; i++) {
		const struct witness *w = witness_of(rows[i].name);
		char order[16], ours[16] = "";

		if (!rows[i].text)
			continue;
		order_of(&rows[i], order);
		for (int p = 0; p < 3 && w->plane[p]; p++) {
			if (p)
				strcat(ours, "/");
			strcat(ours, w->plane[p]);
		}
		assert_string_equal(ours, order);
	}
}

/* V4L2 counts the significant bits of Bayer, not those of its words. */
static void pixels_have_v4l2s_bits(void)
{
	for (size_t i = 0; i < ROWS; i++) {
		const struct zt_format_info *info =
			zt_format_by_name(rows[i].name);
		unsigned long bits = 0, theirs;

		if (!rows[i].text)
			continue;
		theirs = strtoul(rows[i].text, NULL, 10);
		if (info->kind == ZT_KIND_BAYER) {
			assert_int_equal(info->bits, theirs);
			theirs = theirs > 8 ? 16 : 8;
		}
		for (unsigned int p = 0; p < info->plane_count; p++)
			bits += info->block_size[p] * 8UL /
				info->block_width[p] / info->block_height[p];
		assert_int_equal(bits, theirs);
	}
}

static const struct zt_test tests[] = {
	ZT_TEST(codes_are_those_of_the_header),
	ZT_TEST(samples_lie_in_v4l2s_order),
	ZT_TEST(pixels_have_v4l2s_bits),
};

ZT_TEST_MAIN(tests)
