/* SPDX-License-Identifier: MIT */
/*
 * The table of formats: every kind that we promise is there, found by index,
 * by code and by name; names and codes are unambiguous; the geometry of a row
 * agrees with the samples that its name promises.
 */
#include <ctype.h>
#include <locale.h>

#include "format_witness.h"
#include "harness.h"

static const char *const compressed[] = { "MJPG", "H264", "HEVC", "PNG" };

#define COMPRESSED (sizeof(compressed) / sizeof(compressed[0]))

#define for_each_format(info)                                       \
	for (size_t i_ = 0; (info = zt_format_by_index(i_)); i_++)

static void all_promised_formats_are_there(void)
{
	size_t count = 0;

	for (size_t i = 0; i < WITNESSES; i++)
		assert_non_null(zt_format_by_name(witnesses[i].name));
	for (size_t i = 0; i < COMPRESSED; i++) {
		const struct zt_format_info *info =
			zt_format_by_name(compressed[i]);

		assert_non_null(info);
		assert_int_equal(info->kind, ZT_KIND_COMPRESSED);
	}
	while (zt_format_by_index(count))
		count++;
	assert_int_equal(count, WITNESSES + COMPRESSED);
	assert_null(zt_format_by_index(count + 1));
	assert_null(zt_format_by_index(SIZE_MAX));
}

static void a_row_is_found_by_code_and_by_name(void)
{
	const struct zt_format_info *info;
	char text[11], other[32];

	for_each_format(info) {
		assert_ptr_equal(zt_format_info(info->fourcc), info);
		assert_ptr_equal(zt_format_by_name(info->name), info);
		zt_fourcc_text(info->fourcc, text);
		assert_int_equal(strlen(text), 4);
		assert_ptr_equal(zt_format_by_name(text), info);

		snprintf(other, sizeof(other), "%s", info->name);
		for (char *c = other; *c; c++)
			*c = (char)tolower(*c);
		assert_ptr_equal(zt_format_by_name(other), info);
		other[0] = (char)toupper(other[0]);
		assert_ptr_equal(zt_format_by_name(other), info);
	}
	assert_string_equal(zt_format_by_name("R8")->name, "GRAY8");
	assert_string_equal(zt_format_by_name("R16")->name, "GRAY16");
	assert_string_equal(zt_format_by_name("BG24")->name, "RGB24");
}

static void what_is_not_there_is_not_found(void)
{
	static const char *const none[] = {
		"", " ", "    ", "RGB", "RGB2", "RGB244", "RGB24 ", " RGB24",
		"bg24", "NV1", "NV122", "\xff\xff\xff\xff", "0x34324742",
		"a name that is longer than any name in the table is",
	};

	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
		assert_null(zt_format_by_name(none[i]));
	assert_null(zt_format_by_name(NULL));
	assert_null(zt_format_info(0));
	assert_null(zt_format_info(UINT32_MAX));
	assert_null(zt_format_info(ZT_FOURCC('B', 'G', '2', '5')));
}

/* In Turkish, i is not the small letter of I. */
static void names_mean_the_same_in_every_locale(void)
{
	if (!setlocale(LC_ALL, "tr_TR") && !setlocale(LC_ALL, "tr_TR.UTF-8"))
		return; /* not installed: nothing to be wrong in */
	assert_string_equal(zt_format_by_name("i420")->name, "I420");
	setlocale(LC_ALL, "C");
}

static int same_ignoring_case(const char *a, const char *b)
{
	while (*a && tolower(*a) == tolower(*b))
		a++, b++;
	return !*a && !*b;
}

static void assert_distinct(const struct zt_format_info *a,
			    const struct zt_format_info *b)
{
	char code[11];

	assert_int_not_equal(a->fourcc, b->fourcc);
	assert_false(same_ignoring_case(a->name, b->name));
	assert_false(same_ignoring_case(a->name,
					zt_fourcc_text(b->fourcc, code)));
	if (a->drm_fourcc)
		assert_int_not_equal(a->drm_fourcc, b->drm_fourcc);
	if (a->v4l2_fourcc)
		assert_int_not_equal(a->v4l2_fourcc, b->v4l2_fourcc);
	if (a->gstreamer && b->gstreamer)
		assert_string_not_equal(a->gstreamer, b->gstreamer);
	if (a->ros && b->ros)
		assert_string_not_equal(a->ros, b->ros);
}

static void no_two_rows_share_a_name_or_a_code(void)
{
	const struct zt_format_info *a, *b;

	for (size_t i = 0; (a = zt_format_by_index(i)); i++)
		for (size_t k = 0; (b = zt_format_by_index(k)); k++)
			if (a != b)
				assert_distinct(a, b);
}

/* DRM's where it has one, else V4L2's, else ours. */
static void the_code_is_drms_where_it_has_one(void)
{
	const struct zt_format_info *info;

	for_each_format(info) {
		int special = !strcmp(info->name, "SRGGB16") ||
			      !strcmp(info->name, "SGRBG12");

		if (info->drm_fourcc)
			assert_int_equal(info->fourcc, info->drm_fourcc);
		else if (info->v4l2_fourcc && !special)
			assert_int_equal(info->fourcc, info->v4l2_fourcc);
		else
			assert_null(zt_format_info(info->v4l2_fourcc));
	}
}

static enum zt_format_kind kind_of(const struct witness *w)
{
	if (w->name[0] == 'S')
		return ZT_KIND_BAYER;
	if (strchr(w->plane[0], 'R'))
		return ZT_KIND_RGB;
	return strchr(w->plane[0], 'U') || w->plane[1] ? ZT_KIND_YUV :
							 ZT_KIND_GRAY;
}

static void geometry_agrees_with_the_samples(void)
{
	for (size_t i = 0; i < WITNESSES; i++) {
		const struct witness *w = &witnesses[i];
		const struct zt_format_info *info = zt_format_by_name(w->name);
		int bayer = kind_of(w) == ZT_KIND_BAYER;

		assert_int_equal(info->kind, kind_of(w));
		assert_int_equal((info->bits + 7) / 8, w->sample_bytes);
		for (unsigned int p = 0; p < ZT_MAX_PLANES; p++) {
			size_t samples = p < 3 && w->plane[p] ?
				strlen(w->plane[p]) : 0;

			if (bayer)
				samples /= 4;
			assert_int_equal(!samples, p >= info->plane_count);
			assert_int_equal(info->block_size[p],
					 samples * w->sample_bytes);
			assert_int_equal(!samples, !info->block_width[p]);
			assert_int_equal(!samples, !info->block_height[p]);
		}
	}
}

static void rows_and_row_bytes_round_up(void)
{
	const struct zt_format_info *nv12 = zt_format_by_name("NV12");
	const struct zt_format_info *yuyv = zt_format_by_name("YUYV");
	const struct zt_format_info *p010 = zt_format_by_name("P010");
	const struct zt_format_info *i422 = zt_format_by_name("I422");

	assert_int_equal(zt_format_row_bytes(nv12, 5, 0), 5);
	assert_int_equal(zt_format_row_bytes(nv12, 5, 1), 6);
	assert_int_equal(zt_format_rows(nv12, 5, 0), 5);
	assert_int_equal(zt_format_rows(nv12, 5, 1), 3);
	assert_int_equal(zt_format_rows(nv12, 1, 1), 1);
	assert_int_equal(zt_format_row_bytes(yuyv, 5, 0), 12);
	assert_int_equal(zt_format_rows(yuyv, 5, 0), 5);
	assert_int_equal(zt_format_row_bytes(p010, 5, 0), 10);
	assert_int_equal(zt_format_row_bytes(p010, 5, 1), 12);
	assert_int_equal(zt_format_row_bytes(i422, 5, 2), 3);
	assert_int_equal(zt_format_rows(i422, 5, 2), 5);
	assert_int_equal(zt_format_row_bytes(nv12, UINT32_MAX, 0), UINT32_MAX);
}

static void what_has_no_rows_gives_0(void)
{
	const struct zt_format_info *rgb = zt_format_by_name("RGB24");
	const struct zt_format_info *h264 = zt_format_by_name("H264");

	assert_int_equal(zt_format_row_bytes(NULL, 8, 0), 0);
	assert_int_equal(zt_format_rows(NULL, 8, 0), 0);
	assert_int_equal(zt_format_row_bytes(rgb, 8, 1), 0);
	assert_int_equal(zt_format_rows(rgb, 8, 1), 0);
	assert_int_equal(zt_format_row_bytes(rgb, 8, UINT32_MAX), 0);
	assert_int_equal(zt_format_rows(rgb, 8, UINT32_MAX), 0);
	assert_int_equal(zt_format_row_bytes(h264, 8, 0), 0);
	assert_int_equal(zt_format_rows(h264, 8, 0), 0);
}

static void a_code_is_written_as_text_or_hexadecimal(void)
{
	static const struct {
		uint32_t fourcc;
		const char *text;
	} cases[] = {
		{ ZT_FOURCC('N', 'V', '1', '2'), "NV12" },
		{ ZT_FOURCC('R', '8', ' ', ' '), "R8  " },
		{ ZT_FOURCC('~', '!', '"', ' '), "~!\" " },
		{ 0, "0x00000000" },
		{ UINT32_MAX, "0xffffffff" },
		{ ZT_FOURCC('N', 'V', '1', 0x7f), "0x7f31564e" },
		{ ZT_FOURCC('N', 'V', '1', 0x1f), "0x1f31564e" },
		{ ZT_FOURCC(0x80, 'V', '1', '2'), "0x32315680" },
	};
	char text[12];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		memset(text, 'z', sizeof(text));
		assert_ptr_equal(zt_fourcc_text(cases[i].fourcc, text), text);
		assert_string_equal(text, cases[i].text);
		assert_int_equal(text[11], 'z');
	}
}

static void the_version_is_the_headers(void)
{
	char text[32];

	assert_string_equal(zt_version(), ZT_VERSION_TEXT);
	snprintf(text, sizeof(text), "%d.%d.%d", ZT_VERSION_MAJOR,
		 ZT_VERSION_MINOR, ZT_VERSION_PATCH);
	assert_string_equal(zt_version(), text);
}

static const struct zt_test tests[] = {
	ZT_TEST(all_promised_formats_are_there),
	ZT_TEST(a_row_is_found_by_code_and_by_name),
	ZT_TEST(what_is_not_there_is_not_found),
	ZT_TEST(names_mean_the_same_in_every_locale),
	ZT_TEST(no_two_rows_share_a_name_or_a_code),
	ZT_TEST(the_code_is_drms_where_it_has_one),
	ZT_TEST(geometry_agrees_with_the_samples),
	ZT_TEST(rows_and_row_bytes_round_up),
	ZT_TEST(what_has_no_rows_gives_0),
	ZT_TEST(a_code_is_written_as_text_or_hexadecimal),
	ZT_TEST(the_version_is_the_headers),
};

ZT_TEST_MAIN(tests)
