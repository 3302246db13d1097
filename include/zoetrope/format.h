/* SPDX-License-Identifier: MIT */
/*
 * Pixel formats and the geometry of a picture.
 *
 * A format is named by its DRM fourcc (linux/include/uapi/drm/drm_fourcc.h),
 * as in "BG24". The names of packed RGB differ in byte order between worlds:
 * DRM and this library name the bits of a little-endian word from the top, so
 * DRM_FORMAT_BGR888 is the bytes R, G, B in memory, which V4L2 calls RGB24 and
 * GStreamer RGB. The table behind zt_format_info() holds each world's name for
 * the same bytes. Kinds that DRM has no code for carry the V4L2 fourcc (Bayer,
 * compressed packets) or, where V4L2 has none either, or one that DRM gives to
 * something else, a code of ours.
 *
 * All functions here are pure: no state, no allocation, any thread.
 */
#ifndef ZOETROPE_FORMAT_H
#define ZOETROPE_FORMAT_H

#include <stddef.h>
#include <stdint.h>

#include <zoetrope/version.h>

#ifdef __cplusplus
extern "C" {
#endif

/** The four characters of a code, the first in the lowest byte. */
#define ZT_FOURCC(a, b, c, d)                                             \
	((uint32_t)(a) | (uint32_t)(b) << 8 | (uint32_t)(c) << 16 |       \
	 (uint32_t)(d) << 24)

/** Most planes that a picture can have. */
#define ZT_MAX_PLANES 4

/** Rows that the library lays out start at multiples of this many bytes. */
#define ZT_STRIDE_ALIGN 64

/** A rectangle in pixels of the frame, from its top left corner. */
struct zt_rect {
	uint32_t x, y, width, height;
};

/** A ratio; 0/0 means unknown. */
struct zt_fraction {
	uint32_t num, den;
};

/** Where chroma samples lie, as ITU-T H.273 counts (ChromaLocType) + 1. */
enum zt_chroma_siting {
	ZT_CHROMA_UNKNOWN = 0,
	ZT_CHROMA_LEFT = 1,
	ZT_CHROMA_CENTER = 2,
	ZT_CHROMA_TOPLEFT = 3,
	ZT_CHROMA_TOP = 4,
	ZT_CHROMA_BOTTOMLEFT = 5,
	ZT_CHROMA_BOTTOM = 6,
};

enum zt_range {
	ZT_RANGE_UNKNOWN = 0,
	ZT_RANGE_LIMITED = 1,	/* luma 16-235 at 8 bits */
	ZT_RANGE_FULL = 2,	/* 0-255 at 8 bits */
};

/**
 * What the numbers of a pixel mean as colour. primaries, transfer and matrix
 * are the code points of ITU-T H.273 (tables 2, 3, 4). There 2 is
 * "unspecified"; 0, which H.273 reserves in the first two and gives to RGB in
 * the matrix, here means that nobody said (a publisher of RGB need say
 * nothing).
 */
struct zt_colour {
	uint8_t primaries, transfer, matrix;
	uint8_t range;		/* enum zt_range */
	uint8_t chroma_siting;	/* enum zt_chroma_siting */
	uint8_t reserved[3];	/* 0 */
};

enum zt_interlacing {
	ZT_INTERLACING_UNKNOWN = 0,
	ZT_INTERLACING_PROGRESSIVE = 1,
	ZT_INTERLACING_TOP_FIRST = 2,	  /* two fields interleaved */
	ZT_INTERLACING_BOTTOM_FIRST = 3,
	ZT_INTERLACING_MIXED = 4,	  /* differs from frame to frame */
};

/** One plane of a payload. */
struct zt_plane {
	uint64_t offset;	/* bytes from the payload's first byte */
	uint64_t size;		/* bytes, at least stride times rows */
	uint32_t stride;	/* bytes from a row to the next; 0: no rows */
	uint32_t reserved;	/* 0 */
};

/**
 * What a frame looks like. Set fourcc, width and height (for a compressed
 * kind: payload_size too) and leave the rest 0 for the usual; a driver that
 * chooses its own rows sets plane_count and planes. zt_format_complete() fills
 * in what is 0.
 */
struct zt_format {
	uint32_t fourcc;
	uint32_t width, height;		/* pixels, 1 to 65536 each */
	uint32_t interlacing;		/* enum zt_interlacing */
	struct zt_rect visible;		/* all 0: the whole frame */
	struct zt_colour colour;
	struct zt_fraction frame_rate;	/* nominal, frames a second */
	struct zt_fraction pixel_aspect;
	uint64_t payload_size;		/* bytes a frame may take at most */
	uint32_t plane_count;		/* 0: lay the planes out for me */
	uint32_t reserved[5];		/* 0 */
	struct zt_plane planes[ZT_MAX_PLANES];
};

/** What kind of samples a format holds. */
enum zt_format_kind {
	ZT_KIND_RGB = 1,
	ZT_KIND_GRAY = 2,
	ZT_KIND_YUV = 3,
	ZT_KIND_BAYER = 4,
	ZT_KIND_COMPRESSED = 5,	/* a packet of bytes; no planes, no rows */
};

/**
 * One row of the table. Names that a world does not have are NULL (fourccs:
 * 0). A plane's geometry is given per block: a row of plane p of a picture
 * w pixels wide holds ceil(w / block_width[p]) blocks of block_size[p] bytes,
 * and the plane has ceil(h / block_height[p]) rows.
 */
struct zt_format_info {
	uint32_t fourcc;		/* the code that zt_format holds */
	uint32_t drm_fourcc;		/* drm_fourcc.h, or 0 */
	uint32_t v4l2_fourcc;		/* videodev2.h, or 0 */
	const char *name;		/* ours, as the command takes it: RGB24 */
	const char *gstreamer;		/* video/x-raw format=…; with a '/' in
					   it, whole caps */
	const char *ros;		/* sensor_msgs/Image encoding */
	const char *description;	/* bytes in memory, in words */
	uint8_t kind;			/* enum zt_format_kind */
	uint8_t bits;			/* significant bits a sample */
	uint8_t plane_count;		/* 1 for a compressed kind */
	uint8_t reserved;
	uint8_t block_size[ZT_MAX_PLANES];
	uint8_t block_width[ZT_MAX_PLANES];
	uint8_t block_height[ZT_MAX_PLANES];
};

/** The row of a fourcc, or NULL. The row lives for ever. Since 0.1. */
ZT_API const struct zt_format_info *zt_format_info(uint32_t fourcc);

/** The index-th row of the table, NULL past its end. Since 0.1. */
ZT_API const struct zt_format_info *zt_format_by_index(size_t index);

/**
 * The row that a person means by name: our name, without regard to case, or
 * the characters of its code (spaces at their end may be left out). NULL where
 * there is none. Since 0.1.
 */
ZT_API const struct zt_format_info *zt_format_by_name(const char *name);

/**
 * Check a format and fill in what it leaves 0: planes (rows aligned to
 * ZT_STRIDE_ALIGN), the size of a plane, payload_size, visible. With
 * plane_count 0 what stands in planes does not matter; a payload_size that is
 * larger than the planes need is kept. A packet has one plane of stride 0, its
 * whole payload; where payload_size is 0, that is width * height * 3 / 2 + 64
 * KiB. Idempotent, so a format is complete if this does not change it.
 *
 * Errors: -EINVAL (unknown fourcc; a size of 0 or over 65536; planes that do
 * not hold the picture, overlap, end past payload_size, split a sample of 16
 * or 32 bits, or are not as many as the format has; a visible rectangle
 * outside the frame; a fraction with one 0; an enum's value that is none;
 * reserved or unused planes not 0), -EOVERFLOW (over 2^40 bytes). The format
 * is untouched then. Since 0.1.
 */
ZT_API int zt_format_complete(struct zt_format *format);

/**
 * As zt_format_complete(), but rows packed: no bytes between two rows, no
 * bytes between two planes, as files hold them. Sets planes and payload_size
 * whatever they were (of a compressed kind it keeps payload_size). Since 0.1.
 */
ZT_API int zt_format_complete_packed(struct zt_format *format);

/** Bytes of pixels in a row of a plane, without what pads it. Since 0.1. */
ZT_API size_t zt_format_row_bytes(const struct zt_format_info *info,
				  uint32_t width, unsigned int plane);

/** Rows of a plane. Since 0.1. */
ZT_API size_t zt_format_rows(const struct zt_format_info *info,
			     uint32_t height, unsigned int plane);

/**
 * Write a fourcc as text: its four characters, or hexadecimal where one is
 * not printable. Returns text. Since 0.1.
 */
ZT_API char *zt_fourcc_text(uint32_t fourcc, char text[11]);

#ifdef __cplusplus
}
#endif
#endif
