/* SPDX-License-Identifier: MIT */
/*
 * The table of pixel formats, and the look-ups in it. What each row says of
 * another world (DRM, V4L2, GStreamer, ROS) is tested against that world's own
 * definition in tests/unit/format_*.c. Read-only; any thread.
 */
#include <assert.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <zoetrope/format.h>

/* The code of a row: DRM's, else V4L2's, else one that neither gives to
   anything else. */
#define DRM(a, b, c, d) \
	.fourcc = ZT_FOURCC(a, b, c, d), .drm_fourcc = ZT_FOURCC(a, b, c, d)
#define V4L2(a, b, c, d) \
	.v4l2_fourcc = ZT_FOURCC(a, b, c, d)
#define V4L2_ONLY(a, b, c, d) \
	.fourcc = ZT_FOURCC(a, b, c, d), .v4l2_fourcc = ZT_FOURCC(a, b, c, d)
#define OURS(a, b, c, d) \
	.fourcc = ZT_FOURCC(a, b, c, d)

/* One plane of blocks one pixel wide. */
#define PACKED(kind_, bits_, bytes) \
	.kind = kind_, .bits = bits_, .plane_count = 1, \
	.block_size = { bytes }, .block_width = { 1 }, .block_height = { 1 }

/* One plane, two pixels of 8-bit YUV 4:2:2 a block. */
#define PACKED_422 \
	.kind = ZT_KIND_YUV, .bits = 8, .plane_count = 1, \
	.block_size = { 4 }, .block_width = { 2 }, .block_height = { 1 }

/* A plane of luma; one of both chromas, a pair for w x h pixels. */
#define SEMI_PLANAR(bits_, bytes, w, h) \
	.kind = ZT_KIND_YUV, .bits = bits_, .plane_count = 2, \
	.block_size = { bytes, 2 * bytes }, \
	.block_width = { 1, w }, .block_height = { 1, h }

/* A plane of luma; one of each chroma, a sample for w x h pixels. */
#define PLANAR(w, h) \
	.kind = ZT_KIND_YUV, .bits = 8, .plane_count = 3, \
	.block_size = { 1, 1, 1 }, \
	.block_width = { 1, w, w }, .block_height = { 1, h, h }

#define RGB(bytes) PACKED(ZT_KIND_RGB, 8, bytes)
#define GRAY(bits, bytes) PACKED(ZT_KIND_GRAY, bits, bytes)
#define BAYER(bits, bytes) PACKED(ZT_KIND_BAYER, bits, bytes)
#define COMPRESSED .kind = ZT_KIND_COMPRESSED, .plane_count = 1

/* In the order that lists show; what is common comes first, since
   zt_format_info() searches from the top. */
static const struct zt_format_info table[] = {
	{
		.name = "RGB24", .gstreamer = "RGB", .ros = "rgb8",
		DRM('B', 'G', '2', '4'), V4L2('R', 'G', 'B', '3'), RGB(3),
		.description = "R, G, B",
	}, {
		.name = "BGR24", .gstreamer = "BGR", .ros = "bgr8",
		DRM('R', 'G', '2', '4'), V4L2('B', 'G', 'R', '3'), RGB(3),
		.description = "B, G, R",
	}, {
		.name = "RGBA", .gstreamer = "RGBA", .ros = "rgba8",
		DRM('A', 'B', '2', '4'), V4L2('A', 'B', '2', '4'), RGB(4),
		.description = "R, G, B, A",
	}, {
		.name = "BGRA", .gstreamer = "BGRA", .ros = "bgra8",
		DRM('A', 'R', '2', '4'), V4L2('A', 'R', '2', '4'), RGB(4),
		.description = "B, G, R, A",
	}, {
		.name = "RGBX", .gstreamer = "RGBx",
		DRM('X', 'B', '2', '4'), V4L2('X', 'B', '2', '4'), RGB(4),
		.description = "R, G, B, unused",
	}, {
		.name = "BGRX", .gstreamer = "BGRx",
		DRM('X', 'R', '2', '4'), V4L2('X', 'R', '2', '4'), RGB(4),
		.description = "B, G, R, unused",
	}, {
		/* DRM calls the one channel R, whatever it shows. */
		.name = "GRAY8", .gstreamer = "GRAY8", .ros = "mono8",
		DRM('R', '8', ' ', ' '), V4L2('G', 'R', 'E', 'Y'), GRAY(8, 1),
		.description = "Y",
	}, {
		.name = "GRAY16", .gstreamer = "GRAY16_LE", .ros = "mono16",
		DRM('R', '1', '6', ' '), V4L2('Y', '1', '6', ' '), GRAY(16, 2),
		.description = "Y of 16 bits, little endian",
	}, {
		/* The two ROS names are the older ones: every release of ROS
		   knows them, not every one "yuyv" and "uyvy". */
		.name = "YUYV", .gstreamer = "YUY2", .ros = "yuv422_yuy2",
		DRM('Y', 'U', 'Y', 'V'), V4L2('Y', 'U', 'Y', 'V'), PACKED_422,
		.description = "Y0, Cb0, Y1, Cr0",
	}, {
		.name = "UYVY", .gstreamer = "UYVY", .ros = "yuv422",
		DRM('U', 'Y', 'V', 'Y'), V4L2('U', 'Y', 'V', 'Y'), PACKED_422,
		.description = "Cb0, Y0, Cr0, Y1",
	}, {
		.name = "NV12", .gstreamer = "NV12", .ros = "nv12",
		DRM('N', 'V', '1', '2'), V4L2('N', 'V', '1', '2'),
		SEMI_PLANAR(8, 1, 2, 2),
		.description = "plane Y; plane Cb, Cr at half width and height",
	}, {
		.name = "NV21", .gstreamer = "NV21", .ros = "nv21",
		DRM('N', 'V', '2', '1'), V4L2('N', 'V', '2', '1'),
		SEMI_PLANAR(8, 1, 2, 2),
		.description = "plane Y; plane Cr, Cb at half width and height",
	}, {
		.name = "NV16", .gstreamer = "NV16",
		DRM('N', 'V', '1', '6'), V4L2('N', 'V', '1', '6'),
		SEMI_PLANAR(8, 1, 2, 1),
		.description = "plane Y; plane Cb, Cr at half width",
	}, {
		.name = "I420", .gstreamer = "I420",
		DRM('Y', 'U', '1', '2'), V4L2('Y', 'U', '1', '2'),
		PLANAR(2, 2),
		.description = "planes Y, Cb, Cr; chroma at half width "
			       "and height",
	}, {
		.name = "YV12", .gstreamer = "YV12",
		DRM('Y', 'V', '1', '2'), V4L2('Y', 'V', '1', '2'),
		PLANAR(2, 2),
		.description = "planes Y, Cr, Cb; chroma at half width "
			       "and height",
	}, {
		.name = "I422", .gstreamer = "Y42B",
		DRM('Y', 'U', '1', '6'), V4L2('4', '2', '2', 'P'),
		PLANAR(2, 1),
		.description = "planes Y, Cb, Cr; chroma at half width",
	}, {
		/* V4L2's YM24 is three buffers, not three planes of one. */
		.name = "I444", .gstreamer = "Y444",
		DRM('Y', 'U', '2', '4'),
		PLANAR(1, 1),
		.description = "planes Y, Cb, Cr",
	}, {
		.name = "P010", .gstreamer = "P010_10LE",
		DRM('P', '0', '1', '0'), V4L2('P', '0', '1', '0'),
		SEMI_PLANAR(10, 2, 2, 2),
		.description = "as NV12, 10 bits at the top of 16, "
			       "little endian",
	}, {
		.name = "SRGGB8", .ros = "bayer_rggb8",
		.gstreamer = "video/x-bayer,format=rggb",
		V4L2_ONLY('R', 'G', 'G', 'B'), BAYER(8, 1),
		.description = "rows R, G and G, B",
	}, {
		.name = "SGRBG8", .ros = "bayer_grbg8",
		.gstreamer = "video/x-bayer,format=grbg",
		V4L2_ONLY('G', 'R', 'B', 'G'), BAYER(8, 1),
		.description = "rows G, R and B, G",
	}, {
		.name = "SGBRG8", .ros = "bayer_gbrg8",
		.gstreamer = "video/x-bayer,format=gbrg",
		V4L2_ONLY('G', 'B', 'R', 'G'), BAYER(8, 1),
		.description = "rows G, B and R, G",
	}, {
		.name = "SBGGR8", .ros = "bayer_bggr8",
		.gstreamer = "video/x-bayer,format=bggr",
		V4L2_ONLY('B', 'A', '8', '1'), BAYER(8, 1),
		.description = "rows B, G and G, R",
	},

	/* ROS has no Bayer between 8 and 16 bits: its bayer_rggb16 is full at
	   65535, and would show these black. */
	{
		.name = "SRGGB10", .gstreamer = "video/x-bayer,format=rggb10le",
		V4L2_ONLY('R', 'G', '1', '0'), BAYER(10, 2),
		.description = "rows R, G and G, B; low 10 bits of 16, "
			       "little endian",
	}, {
		.name = "SGRBG10", .gstreamer = "video/x-bayer,format=grbg10le",
		V4L2_ONLY('B', 'A', '1', '0'), BAYER(10, 2),
		.description = "rows G, R and B, G; low 10 bits of 16, "
			       "little endian",
	}, {
		.name = "SGBRG10", .gstreamer = "video/x-bayer,format=gbrg10le",
		V4L2_ONLY('G', 'B', '1', '0'), BAYER(10, 2),
		.description = "rows G, B and R, G; low 10 bits of 16, "
			       "little endian",
	}, {
		.name = "SBGGR10", .gstreamer = "video/x-bayer,format=bggr10le",
		V4L2_ONLY('B', 'G', '1', '0'), BAYER(10, 2),
		.description = "rows B, G and G, R; low 10 bits of 16, "
			       "little endian",
	}, {
		.name = "SRGGB12", .gstreamer = "video/x-bayer,format=rggb12le",
		V4L2_ONLY('R', 'G', '1', '2'), BAYER(12, 2),
		.description = "rows R, G and G, B; low 12 bits of 16, "
			       "little endian",
	}, {
		/* V4L2's BA12 is DRM's BGRA4444. */
		.name = "SGRBG12", .gstreamer = "video/x-bayer,format=grbg12le",
		OURS('G', 'R', '1', '2'), V4L2('B', 'A', '1', '2'),
		BAYER(12, 2),
		.description = "rows G, R and B, G; low 12 bits of 16, "
			       "little endian",
	}, {
		.name = "SGBRG12", .gstreamer = "video/x-bayer,format=gbrg12le",
		V4L2_ONLY('G', 'B', '1', '2'), BAYER(12, 2),
		.description = "rows G, B and R, G; low 12 bits of 16, "
			       "little endian",
	}, {
		.name = "SBGGR12", .gstreamer = "video/x-bayer,format=bggr12le",
		V4L2_ONLY('B', 'G', '1', '2'), BAYER(12, 2),
		.description = "rows B, G and G, R; low 12 bits of 16, "
			       "little endian",
	}, {
		/* V4L2's RG16 is DRM's RGB565; libcamera too writes RGB6. */
		.name = "SRGGB16", .ros = "bayer_rggb16",
		.gstreamer = "video/x-bayer,format=rggb16le",
		OURS('R', 'G', 'B', '6'), V4L2('R', 'G', '1', '6'),
		BAYER(16, 2),
		.description = "rows R, G and G, B; 16 bits, little endian",
	}, {
		.name = "SGRBG16", .ros = "bayer_grbg16",
		.gstreamer = "video/x-bayer,format=grbg16le",
		V4L2_ONLY('G', 'R', '1', '6'), BAYER(16, 2),
		.description = "rows G, R and B, G; 16 bits, little endian",
	}, {
		.name = "SGBRG16", .ros = "bayer_gbrg16",
		.gstreamer = "video/x-bayer,format=gbrg16le",
		V4L2_ONLY('G', 'B', '1', '6'), BAYER(16, 2),
		.description = "rows G, B and R, G; 16 bits, little endian",
	}, {
		.name = "SBGGR16", .ros = "bayer_bggr16",
		.gstreamer = "video/x-bayer,format=bggr16le",
		V4L2_ONLY('B', 'Y', 'R', '2'), BAYER(16, 2),
		.description = "rows B, G and G, R; 16 bits, little endian",
	}, {
		.name = "GRAYF32", .ros = "32FC1",
		DRM('R', ' ', ' ', 'F'), GRAY(32, 4),
		.description = "Y as IEEE 754 binary32, little endian",
	}, {
		.name = "MJPG", .gstreamer = "image/jpeg",
		V4L2_ONLY('M', 'J', 'P', 'G'), COMPRESSED,
		.description = "one JPEG picture a frame",
	}, {
		.name = "H264",
		.gstreamer = "video/x-h264,stream-format=byte-stream,"
			     "alignment=au",
		V4L2_ONLY('H', '2', '6', '4'), COMPRESSED,
		.description = "an H.264 access unit a frame, with start codes",
	}, {
		.name = "HEVC",
		.gstreamer = "video/x-h265,stream-format=byte-stream,"
			     "alignment=au",
		V4L2_ONLY('H', 'E', 'V', 'C'), COMPRESSED,
		.description = "an H.265 access unit a frame, with start codes",
	}, {
		.name = "PNG", .gstreamer = "image/png",
		OURS('P', 'N', 'G', ' '), COMPRESSED,
		.description = "one PNG picture a frame",
	},
};

#define ROWS (sizeof(table) / sizeof(table[0]))

const struct zt_format_info *zt_format_info(uint32_t fourcc)
{
	for (size_t i = 0; i < ROWS; i++)
		if (table[i].fourcc == fourcc)
			return &table[i];
	return NULL;
}

const struct zt_format_info *zt_format_by_index(size_t index)
{
	return index < ROWS ? &table[index] : NULL;
}

/* Not tolower(): a name means the same in every locale. */
static char upper(char c)
{
	return c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
}

static bool same_name(const char *a, const char *b)
{
	while (*a && upper(*a) == upper(*b))
		a++, b++;
	return upper(*a) == upper(*b);
}

/* The code that up to four characters spell, 0 where there are more. Spaces at
   a code's end need not be typed. */
static uint32_t spelt_code(const char *text)
{
	size_t length = strnlen(text, 5);
	unsigned char c[4] = { ' ', ' ', ' ', ' ' };

	if (length > 4)
		return 0;
	memcpy(c, text, length);
	return ZT_FOURCC(c[0], c[1], c[2], c[3]);
}

const struct zt_format_info *zt_format_by_name(const char *name)
{
	if (!name)
		return NULL;
	for (size_t i = 0; i < ROWS; i++)
		if (same_name(table[i].name, name))
			return &table[i];
	return zt_format_info(spelt_code(name));
}

char *zt_fourcc_text(uint32_t fourcc, char text[11])
{
	for (unsigned int i = 0; i < 4; i++) {
		text[i] = (char)(fourcc >> 8 * i & 0xff);
		if (text[i] < ' ' || text[i] > '~') {
			snprintf(text, 11, "0x%08x", fourcc);
			return text;
		}
	}
	text[4] = '\0';
	return text;
}
