/* SPDX-License-Identifier: MIT */
/*
 * Formats as GStreamer defines them. For raw video, GStreamer itself packs
 * known samples, and they must lie where the row's name says; its planes and
 * their sizes must be those of the row. Other caps must be what GStreamer's
 * elements speak.
 */
#include <stdlib.h>

#include <gst/video/video.h>

#include "../format_witness.h"
#include "harness.h"

/* Two pixels wide and high is enough for every subsampling. */
#define PIXELS 2

/* The value of a sample in 16 bits: distinct bytes, none below P010's ten
   bits. 8-bit formats have the upper byte. */
static guint16 value(char letter)
{
	static const char letters[] = "ARGBYUV";
	static const guint16 values[] = {
		0xa140, 0x1180, 0x22c0, 0x3340, 0x4480, 0x55c0, 0x6640,
	};

	assert_non_null(strchr(letters, letter));
	return values[strchr(letters, letter) - letters];
}

static gboolean is_raw(const struct zt_format_info *info)
{
	return info->gstreamer && !strchr(info->gstreamer, '/');
}

static GstVideoFormat format_of(const struct zt_format_info *info)
{
	GstVideoFormat format = gst_video_format_from_string(info->gstreamer);

	if (format == GST_VIDEO_FORMAT_UNKNOWN)
		fail_msg("GStreamer does not know %s", info->gstreamer);
	return format;
}

/* A row of pixels in the format that the pack function reads. */
static void fill(const GstVideoFormatInfo *gst, void *pixels)
{
	const GstVideoFormatInfo *from =
		gst_video_format_get_info(gst->unpack_format);
	const char *order = GST_VIDEO_FORMAT_INFO_IS_RGB(from) ? "ARGB" :
								 "AYUV";
	gboolean wide = GST_VIDEO_FORMAT_INFO_BITS(from) == 16;

	assert_int_equal(GST_VIDEO_FORMAT_INFO_PSTRIDE(from, 0),
			 wide ? 8 : 4);
	for (unsigned int i = 0; i < PIXELS * 4; i++) {
		if (wide)
			((guint16 *)pixels)[i] = value(order[i % 4]);
		else
			((guint8 *)pixels)[i] =
				(guint8)(value(order[i % 4]) >> 8);
	}
}

static void assert_samples(const struct witness *w, unsigned int plane,
			   const guint8 *bytes)
{
	for (const char *c = w->plane[plane]; *c; c++) {
		if (*c == 'x') {
			bytes++;
			continue;
		}
		if (w->sample_bytes == 2)
			assert_int_equal(*bytes++, value(*c) & 0xff);
		assert_int_equal(*bytes++, value(*c) >> 8);
	}
}

static void gstreamer_packs_bytes_in_our_order(void)
{
	const struct zt_format_info *info;
	size_t tried = 0;

	for (size_t i = 0; (info = zt_format_by_index(i)); i++) {
		const GstVideoFormatInfo *gst;
		guint8 memory[4][PIXELS * 16] = { 0 };
		gpointer data[4] = { memory[0], memory[1], memory[2],
				     memory[3] };
		gint stride[4] = { 16, 16, 16, 16 };
		guint64 pixels[PIXELS];

		if (!is_raw(info))
			continue;
		gst = gst_video_format_get_info(format_of(info));
		fill(gst, pixels);
		for (int y = 0; y < PIXELS; y++)
			gst->pack_func(gst, GST_VIDEO_PACK_FLAG_NONE, pixels,
				       0, data, stride,
				       GST_VIDEO_CHROMA_SITE_NONE, y, PIXELS);
		for (unsigned int p = 0; p < info->plane_count; p++)
			assert_samples(witness_of(info->name), p, memory[p]);
		tried++;
	}
	assert_int_equal(tried, 18);
}

/* Bytes in a row of a plane: the most that one of its components spans. */
static size_t gst_row_bytes(const GstVideoFormatInfo *gst, guint plane,
			    int width)
{
	size_t most = 0;

	for (guint c = 0; c < GST_VIDEO_FORMAT_INFO_N_COMPONENTS(gst); c++) {
		int samples = GST_VIDEO_FORMAT_INFO_SCALE_WIDTH(gst, c, width);
		int step = GST_VIDEO_FORMAT_INFO_PSTRIDE(gst, c);

		if (GST_VIDEO_FORMAT_INFO_PLANE(gst, c) == plane)
			most = MAX(most, (size_t)(samples * step));
	}
	return most;
}

static size_t gst_rows(const GstVideoFormatInfo *gst, guint plane, int height)
{
	for (guint c = 0; c < GST_VIDEO_FORMAT_INFO_N_COMPONENTS(gst); c++)
		if (GST_VIDEO_FORMAT_INFO_PLANE(gst, c) == plane)
			return (size_t)GST_VIDEO_FORMAT_INFO_SCALE_HEIGHT(
				gst, c, height);
	return 0;
}

static void planes_have_gstreamers_sizes(void)
{
	const struct zt_format_info *info;

	for (size_t i = 0; (info = zt_format_by_index(i)); i++) {
		const GstVideoFormatInfo *gst;

		if (!is_raw(info))
			continue;
		gst = gst_video_format_get_info(format_of(info));
		assert_int_equal(GST_VIDEO_FORMAT_INFO_N_PLANES(gst),
				 info->plane_count);
		assert_int_equal(GST_VIDEO_FORMAT_INFO_DEPTH(gst, 0),
				 info->bits);
		for (guint p = 0; p < info->plane_count; p++) {
			for (int side = 1; side < 40; side++) {
				assert_int_equal(
					zt_format_row_bytes(
						info, (uint32_t)side, p),
					gst_row_bytes(gst, p, side));
				assert_int_equal(
					zt_format_rows(info, (uint32_t)side,
						       p),
					gst_rows(gst, p, side));
			}
		}
	}
}

/* Rows that GStreamer lays out for itself pass as planes of ours. */
static void gstreamers_own_layout_is_accepted(void)
{
	const struct zt_format_info *info;

	for (size_t i = 0; (info = zt_format_by_index(i)); i++) {
		struct zt_format f = { .fourcc = info->fourcc };
		GstVideoInfo video;

		if (!is_raw(info))
			continue;
		assert_true(gst_video_info_set_format(&video, format_of(info),
						      101, 51));
		f.width = 101;
		f.height = 51;
		f.payload_size = GST_VIDEO_INFO_SIZE(&video);
		f.plane_count = GST_VIDEO_INFO_N_PLANES(&video);
		for (guint p = 0; p < f.plane_count; p++) {
			f.planes[p].offset =
				GST_VIDEO_INFO_PLANE_OFFSET(&video, p);
			f.planes[p].stride = (uint32_t)
				GST_VIDEO_INFO_PLANE_STRIDE(&video, p);
		}
		assert_int_equal(zt_format_complete(&f), 0);
	}
}

/* The elements that take caps which are not raw video, and since when. */
static const struct speaker {
	const char *name, *element;
	guint minor;
} speakers[] = {
	{ "SRGGB8", "bayer2rgb", 0 },
	{ "SGRBG8", "bayer2rgb", 0 },
	{ "SGBRG8", "bayer2rgb", 0 },
	{ "SBGGR8", "bayer2rgb", 0 },
	{ "SRGGB10", "bayer2rgb", 24 },
	{ "SGRBG10", "bayer2rgb", 24 },
	{ "SGBRG10", "bayer2rgb", 24 },
	{ "SBGGR10", "bayer2rgb", 24 },
	{ "SRGGB12", "bayer2rgb", 24 },
	{ "SGRBG12", "bayer2rgb", 24 },
	{ "SGBRG12", "bayer2rgb", 24 },
	{ "SBGGR12", "bayer2rgb", 24 },
	{ "SRGGB16", "bayer2rgb", 24 },
	{ "SGRBG16", "bayer2rgb", 24 },
	{ "SGBRG16", "bayer2rgb", 24 },
	{ "SBGGR16", "bayer2rgb", 24 },
	{ "MJPG", "jpegparse", 0 },
	{ "H264", "h264parse", 0 },
	{ "HEVC", "h265parse", 0 },
	{ "PNG", "pngdec", 0 },
};

#define SPEAKERS (sizeof(speakers) / sizeof(speakers[0]))

static void assert_spoken(const struct speaker *s, GstCaps *caps)
{
	GstElementFactory *factory = gst_element_factory_find(s->element);
	guint major, minor, micro, nano;

	gst_version(&major, &minor, &micro, &nano);
	/* Plug-ins are installed apart from the library. */
	if (factory && (major > 1 || minor >= s->minor) &&
	    !gst_element_factory_can_sink_any_caps(factory, caps))
		fail_msg("%s does not take the caps of %s", s->element,
			 s->name);
	if (factory)
		gst_object_unref(factory);
}

static void other_caps_are_what_elements_take(void)
{
	const struct zt_format_info *info;
	size_t with_caps = 0;

	for (size_t i = 0; i < SPEAKERS; i++) {
		GstCaps *caps;

		info = zt_format_by_name(speakers[i].name);
		caps = gst_caps_from_string(info->gstreamer);
		assert_non_null(caps);
		assert_int_equal(gst_caps_get_size(caps), 1);
		assert_spoken(&speakers[i], caps);
		gst_caps_unref(caps);
	}
	for (size_t i = 0; (info = zt_format_by_index(i)); i++)
		with_caps += info->gstreamer && strchr(info->gstreamer, '/');
	assert_int_equal(with_caps, SPEAKERS);
}

/* V4L2's H264 and HEVC have start codes; GStreamer's elements take either. */
static void packets_have_start_codes(void)
{
	static const char *const names[] = { "H264", "HEVC" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		GstCaps *caps = gst_caps_from_string(
			zt_format_by_name(names[i])->gstreamer);
		GstStructure *s = gst_caps_get_structure(caps, 0);

		assert_string_equal(gst_structure_get_string(
			s, "stream-format"), "byte-stream");
		assert_string_equal(gst_structure_get_string(
			s, "alignment"), "au");
		gst_caps_unref(caps);
	}
}

/* The pattern in the caps is the first two pixels of two rows. */
static void bayer_caps_name_our_order(void)
{
	for (size_t i = 0; i < WITNESSES; i++) {
		const struct zt_format_info *info =
			zt_format_by_name(witnesses[i].name);
		char expected[64], pattern[8];

		if (info->kind != ZT_KIND_BAYER)
			continue;
		snprintf(pattern, sizeof(pattern), "%s",
			 witnesses[i].plane[0]);
		for (char *c = pattern; *c; c++)
			*c = g_ascii_tolower(*c);
		if (info->bits == 8)
			snprintf(expected, sizeof(expected),
				 "video/x-bayer,format=%s", pattern);
		else
			snprintf(expected, sizeof(expected),
				 "video/x-bayer,format=%s%dle", pattern,
				 info->bits);
		assert_string_equal(info->gstreamer, expected);
	}
}

static const struct zt_test tests[] = {
	ZT_TEST(gstreamer_packs_bytes_in_our_order),
	ZT_TEST(planes_have_gstreamers_sizes),
	ZT_TEST(gstreamers_own_layout_is_accepted),
	ZT_TEST(other_caps_are_what_elements_take),
	ZT_TEST(packets_have_start_codes),
	ZT_TEST(bayer_caps_name_our_order),
};

int main(int argc, char **argv)
{
	/* No machine code made at run time: it would stay mapped. */
	setenv("ORC_CODE", "backup", 1);
	/* Once, before the tests fork: it reads the registry of plug-ins. */
	gst_init(NULL, NULL);
	return harness_main(argc, argv, tests,
			    sizeof(tests) / sizeof(tests[0]));
}
