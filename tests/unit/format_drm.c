/* SPDX-License-Identifier: MIT */
/*
 * Formats as DRM defines them: the code of each row, the order of its bytes,
 * its planes and their subsampling follow from what drm_fourcc.h says beside
 * the code; and no code that is not DRM's means something else to DRM.
 *
 * DRM names the bits of a little-endian word from the top, so the last name is
 * the first byte.
 */
#include <stdlib.h>

#include "format_witness.h"
#include "harness.h"

#if __has_include(<libdrm/drm_fourcc.h>)
#include <libdrm/drm_fourcc.h>
#define HEADER "/usr/include/libdrm/drm_fourcc.h"
#elif __has_include(<drm/drm_fourcc.h>)
#include <drm/drm_fourcc.h>
#define HEADER "/usr/include/drm/drm_fourcc.h"
#endif

#ifdef HEADER

#ifndef DRM_FORMAT_R32F		/* younger than many an installed header */
#define DRM_FORMAT_R32F fourcc_code('R', ' ', ' ', 'F')
#define R32F_IS_NEW
#endif

#define DRM(macro) DRM_FORMAT_##macro, "DRM_FORMAT_" #macro

struct row {
	const char *name;
	uint32_t code;
	const char *macro;
	const char *text;		/* the header's own words */
	unsigned int sample_bytes;	/* where the words do not tell */
};

static const struct row rows[] = {
	{ "RGB24", DRM(BGR888), "[23:0] B:G:R", 0 },
	{ "BGR24", DRM(RGB888), "[23:0] R:G:B", 0 },
	{ "RGBA", DRM(ABGR8888), "[31:0] A:B:G:R", 0 },
	{ "BGRA", DRM(ARGB8888), "[31:0] A:R:G:B", 0 },
	{ "RGBX", DRM(XBGR8888), "[31:0] x:B:G:R", 0 },
	{ "BGRX", DRM(XRGB8888), "[31:0] x:R:G:B", 0 },
	{ "GRAY8", DRM(R8), "[7:0] R", 0 },
	{ "GRAY16", DRM(R16), "[15:0] R", 0 },
	{ "GRAYF32", DRM(R32F), "[31:0] R", 0 },
	{ "YUYV", DRM(YUYV), "[31:0] Cr0:Y1:Cb0:Y0", 0 },
	{ "UYVY", DRM(UYVY), "[31:0] Y1:Cr0:Y0:Cb0", 0 },
	{ "NV12", DRM(NV12), "2x2 subsampled Cr:Cb plane", 1 },
	{ "NV21", DRM(NV21), "2x2 subsampled Cb:Cr plane", 1 },
	{ "NV16", DRM(NV16), "2x1 subsampled Cr:Cb plane", 1 },
	{ "P010", DRM(P010), "2x2 subsampled Cr:Cb plane", 2 },
	{ "I420", DRM(YUV420), "2x2 subsampled Cb (1) and Cr (2)", 1 },
	{ "YV12", DRM(YVU420), "2x2 subsampled Cr (1) and Cb (2)", 1 },
	{ "I422", DRM(YUV422), "2x1 subsampled Cb (1) and Cr (2)", 1 },
	{ "I444", DRM(YUV444), "non-subsampled Cb (1) and Cr (2)", 1 },
};

#define ROWS (sizeof(rows) / sizeof(rows[0]))

/* What the words say: letters of each plane in memory, pixels per group. */
struct meaning {
	char plane[3][8];
	unsigned int sample_bytes;
	unsigned int width[3], height[3];
};

/* Cb is U, Cr is V, Y0 and Y1 are Y. */
static char letter(const char *component)
{
	if (component[0] == 'C')
		return component[1] == 'b' ? 'U' : 'V';
	return component[0];
}

/* "A:B:G:R" → "RGBA": from the top of the word to the order of memory. */
static void reverse(const char *components, char *ret_letters)
{
	size_t count = 1;

	for (const char *c = components; *c && *c != ' '; c++)
		count += *c == ':';
	ret_letters[count] = '\0';
	while (count) {
		ret_letters[--count] = letter(components);
		components += strcspn(components, ":") + 1;
	}
}

static struct meaning meaning_of(const struct row *row)
{
	struct meaning m = { .sample_bytes = row->sample_bytes };
	const char *text = row->text;
	unsigned int w = 1, h = 1;

	for (int i = 0; i < 3; i++)
		m.width[i] = m.height[i] = 1;
	if (text[0] == '[') {
		unsigned long bits = strtoul(text + 1, NULL, 10) + 1;
		const char *y = text;

		reverse(strchr(text, ' ') + 1, m.plane[0]);
		m.sample_bytes = (unsigned int)(bits / 8 /
						strlen(m.plane[0]));
		m.width[0] = 0;
		while ((y = strchr(y, 'Y')))
			m.width[0]++, y++;
		if (!m.width[0])
			m.width[0] = 1;
		/* The only channel is called R, whatever it shows. */
		if (!strcmp(m.plane[0], "R"))
			m.plane[0][0] = 'Y';
		return m;
	}

	sscanf(text, "%ux%u", &w, &h);
	strcpy(m.plane[0], "Y");
	text = strstr(text, "subsampled ") + strlen("subsampled ");
	if (strchr(text, ':')) {
		reverse(text, m.plane[1]);
	} else {
		m.plane[1][0] = letter(text);
		m.plane[2][0] = letter(strstr(text, "and ") + 4);
	}
	m.width[1] = m.width[2] = w;
	m.height[1] = m.height[2] = h;
	return m;
}

static void codes_are_those_of_the_header(void)
{
	const struct zt_format_info *info;
	size_t with_a_code = 0;

	for (size_t i = 0; i < ROWS; i++) {
		info = zt_format_by_name(rows[i].name);
		assert_non_null(info);
		assert_int_equal(info->drm_fourcc, rows[i].code);
	}
	/* And no row has a code that was not looked at. */
	for (size_t i = 0; (info = zt_format_by_index(i)); i++)
		with_a_code += info->drm_fourcc != 0;
	assert_int_equal(with_a_code, ROWS);
}

static void bytes_lie_as_the_header_says(void)
{
	for (size_t i = 0; i < ROWS; i++) {
		const struct zt_format_info *info =
			zt_format_by_name(rows[i].name);
		const struct witness *w = witness_of(rows[i].name);
		struct meaning m = meaning_of(&rows[i]);

		assert_int_equal(m.sample_bytes, w->sample_bytes);
		for (unsigned int p = 0; p < 3; p++) {
			size_t samples = strlen(m.plane[p]);

			assert_int_equal(samples != 0, p < info->plane_count);
			if (!samples)
				continue;
			assert_string_equal(m.plane[p], w->plane[p]);
			assert_int_equal(info->block_size[p],
					 samples * m.sample_bytes);
			assert_int_equal(info->block_width[p], m.width[p]);
			assert_int_equal(info->block_height[p], m.height[p]);
		}
	}
}

/* "[31:0] x:B:G:R" → "R, G, B, unused" begins our own words. */
static void our_descriptions_say_the_same(void)
{
	for (size_t i = 0; i < ROWS; i++) {
		const char *description =
			zt_format_by_name(rows[i].name)->description;
		char words[64] = "", *component[8];
		char text[64];
		int count = 0;

		if (rows[i].text[0] != '[' || !strchr(rows[i].text + 7, ':'))
			continue;
		strcpy(text, strchr(rows[i].text, ' ') + 1);
		for (char *c = strtok(text, ":"); c; c = strtok(NULL, ":"))
			component[count++] = c;
		while (count--) {
			strcat(words, *component[count] == 'x' ?
				      "unused" : component[count]);
			if (count)
				strcat(words, ", ");
		}
		assert_string_equal(description, words);
	}
}

/* The line of the header that begins to define a macro. */
static int find_define(FILE *file, const char *macro, char *line, int size)
{
	char name[64];

	rewind(file);
	while (fgets(line, size, file))
		if (sscanf(line, "#define %63s", name) == 1 &&
		    !strcmp(name, macro))
			return 1;
	return 0;
}

static void the_words_are_the_headers(void)
{
	FILE *file = fopen(HEADER, "re");
	char line[512];

	if (!file)
		harness_skip("%s cannot be read", HEADER);
	for (size_t i = 0; i < ROWS; i++) {
#ifdef R32F_IS_NEW
		if (rows[i].code == DRM_FORMAT_R32F)
			continue;
#endif
		assert_true(find_define(file, rows[i].macro, line,
					sizeof(line)));
		if (!strstr(line, rows[i].text))
			fail_msg("%s is not \"%s\" but %s", rows[i].macro,
				 rows[i].text, line);
	}
	fclose(file);
}

static void no_code_means_something_else_to_drm(void)
{
	FILE *file = fopen(HEADER, "re");
	char line[512], macro[64], a, b, c, d;
	size_t seen = 0;

	if (!file)
		harness_skip("%s cannot be read", HEADER);
	while (fgets(line, sizeof(line), file)) {
		const struct zt_format_info *info;

		if (sscanf(line, "#define DRM_FORMAT_%63s "
			   "fourcc_code('%c', '%c', '%c', '%c')",
			   macro, &a, &b, &c, &d) != 5)
			continue;
		seen++;
		info = zt_format_info(ZT_FOURCC(a, b, c, d));
		if (info && info->drm_fourcc != info->fourcc)
			fail_msg("%s has the code of DRM's %s", info->name,
				 macro);
	}
	fclose(file);
	assert_true(seen > 80);
}

static const struct zt_test tests[] = {
	ZT_TEST(codes_are_those_of_the_header),
	ZT_TEST(bytes_lie_as_the_header_says),
	ZT_TEST(our_descriptions_say_the_same),
	ZT_TEST(the_words_are_the_headers),
	ZT_TEST(no_code_means_something_else_to_drm),
};

#else

static void drm(void)
{
	harness_skip("drm_fourcc.h is not installed (libdrm-dev)");
}

static const struct zt_test tests[] = {
	ZT_TEST(drm),
};

#endif

ZT_TEST_MAIN(tests)
