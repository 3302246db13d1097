/* SPDX-License-Identifier: MIT */
/*
 * The geometry of a picture: laying out planes, and checking planes that
 * somebody else laid out. A peer's descriptor passes through here before any
 * pixel of it is touched, so every number is taken for hostile: sizes are
 * bounded before they are added, and what is checked is a private copy.
 */
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include <zoetrope/format.h>

#define SIDE_MAX 65536U			/* pixels */
#define BYTES_MAX (UINT64_C(1) << 40)	/* of a payload */

/* Room for headers in a packet of a picture too small to compress. */
#define PACKET_EXTRA 65536U

static uint32_t blocks(uint32_t pixels, uint32_t per_block)
{
	return pixels / per_block + (pixels % per_block != 0);
}

/* `align` is a power of two. */
static uint64_t align_up(uint64_t value, uint64_t align)
{
	return (value + align - 1) & ~(align - 1);
}

size_t zt_format_row_bytes(const struct zt_format_info *info, uint32_t width,
			   unsigned int plane)
{
	if (!info || plane >= info->plane_count || !info->block_width[plane])
		return 0;
	return (size_t)blocks(width, info->block_width[plane]) *
	       info->block_size[plane];
}

size_t zt_format_rows(const struct zt_format_info *info, uint32_t height,
		      unsigned int plane)
{
	if (!info || plane >= info->plane_count || !info->block_height[plane])
		return 0;
	return blocks(height, info->block_height[plane]);
}

static bool is_plane_zero(const struct zt_plane *p)
{
	return !(p->offset | p->size | p->stride | p->reserved);
}

static bool is_ratio(struct zt_fraction f)
{
	return (f.num == 0) == (f.den == 0);
}

static bool is_inside(const struct zt_rect *r, uint32_t width, uint32_t height)
{
	return r->x < width && r->y < height && r->width && r->height &&
	       r->width <= width - r->x && r->height <= height - r->y;
}

/* Everything but the planes and the payload. */
static int complete_picture(struct zt_format *f)
{
	const struct zt_colour *colour = &f->colour;
	struct zt_rect *visible = &f->visible;

	if (f->width < 1 || f->width > SIDE_MAX ||
	    f->height < 1 || f->height > SIDE_MAX)
		return -EINVAL;
	if (f->interlacing > ZT_INTERLACING_MIXED ||
	    colour->range > ZT_RANGE_FULL ||
	    colour->chroma_siting > ZT_CHROMA_BOTTOM)
		return -EINVAL;
	if (!is_ratio(f->frame_rate) || !is_ratio(f->pixel_aspect))
		return -EINVAL;
	for (size_t i = 0; i < sizeof(colour->reserved); i++)
		if (colour->reserved[i])
			return -EINVAL;
	for (size_t i = 0; i < sizeof(f->reserved) / sizeof(uint32_t); i++)
		if (f->reserved[i])
			return -EINVAL;

	if (!(visible->x | visible->y | visible->width | visible->height)) {
		visible->width = f->width;
		visible->height = f->height;
	}
	return is_inside(visible, f->width, f->height) ? 0 : -EINVAL;
}

/* At most 4 planes of 65536 rows of 256 KiB and a bit: no overflow. */
static void lay_out(struct zt_format *f, const struct zt_format_info *info,
		    uint32_t align)
{
	uint64_t end = 0;

	memset(f->planes, 0, sizeof(f->planes));
	f->plane_count = info->plane_count;
	for (unsigned int i = 0; i < info->plane_count; i++) {
		struct zt_plane *p = &f->planes[i];

		p->stride = (uint32_t)align_up(
			zt_format_row_bytes(info, f->width, i), align);
		p->offset = align_up(end, align);
		p->size = (uint64_t)p->stride *
			  zt_format_rows(info, f->height, i);
		end = p->offset + p->size;
	}
}

static bool overlaps_an_earlier(const struct zt_plane *planes, unsigned int i)
{
	const struct zt_plane *p = &planes[i];

	for (const struct zt_plane *q = planes; q < p; q++)
		if (p->offset < q->offset + q->size &&
		    q->offset < p->offset + p->size)
			return true;
	return false;
}

/* One plane of rows, the ones before it being checked already. */
static int complete_plane(struct zt_format *f,
			  const struct zt_format_info *info, unsigned int i)
{
	struct zt_plane *p = &f->planes[i];
	uint32_t sample = (info->bits + 7U) / 8;	/* bytes: 1, 2 or 4 */
	uint64_t needed = (uint64_t)p->stride *
			  zt_format_rows(info, f->height, i);

	if (p->reserved || p->stride < zt_format_row_bytes(info, f->width, i))
		return -EINVAL;
	if ((p->stride | p->offset) & (sample - 1))
		return -EINVAL;
	if (!p->size)
		p->size = needed;
	if (p->offset > BYTES_MAX || p->size > BYTES_MAX - p->offset)
		return -EOVERFLOW;
	if (p->size < needed || overlaps_an_earlier(f->planes, i))
		return -EINVAL;
	return 0;
}

static int complete_planes(struct zt_format *f,
			   const struct zt_format_info *info, uint32_t align)
{
	uint64_t end = 0;
	int r;

	if (!f->plane_count)
		lay_out(f, info, align);
	if (f->plane_count != info->plane_count)
		return -EINVAL;
	for (unsigned int i = 0; i < f->plane_count; i++) {
		r = complete_plane(f, info, i);
		if (r < 0)
			return r;
		if (end < f->planes[i].offset + f->planes[i].size)
			end = f->planes[i].offset + f->planes[i].size;
	}

	if (!f->payload_size)
		f->payload_size = end;
	return f->payload_size < end ? -EINVAL : 0;
}

/* A packet: one plane that is the whole payload. */
static int complete_packet(struct zt_format *f)
{
	struct zt_plane *p = &f->planes[0];

	if (!f->plane_count) {
		memset(f->planes, 0, sizeof(f->planes));
		f->plane_count = 1;
	}
	if (f->plane_count != 1 || p->offset || p->stride || p->reserved)
		return -EINVAL;

	if (!f->payload_size)
		f->payload_size = p->size;
	if (!f->payload_size)
		f->payload_size = (uint64_t)f->width * f->height * 3 / 2 +
				  PACKET_EXTRA;
	if (!p->size)
		p->size = f->payload_size;
	return p->size == f->payload_size ? 0 : -EINVAL;
}

static int complete(struct zt_format *format, bool packed)
{
	const struct zt_format_info *info;
	struct zt_format f;
	bool packet;
	int r;

	if (!format)
		return -EINVAL;
	f = *format;
	info = zt_format_info(f.fourcc);
	if (!info)
		return -EINVAL;
	r = complete_picture(&f);
	if (r < 0)
		return r;

	packet = info->kind == ZT_KIND_COMPRESSED;
	if (packed) {
		f.plane_count = 0;
		if (!packet)
			f.payload_size = 0;
	}
	r = packet ? complete_packet(&f) :
	    complete_planes(&f, info, packed ? 1 : ZT_STRIDE_ALIGN);
	if (r < 0)
		return r;

	if (f.payload_size > BYTES_MAX)
		return -EOVERFLOW;
	for (unsigned int i = f.plane_count; i < ZT_MAX_PLANES; i++)
		if (!is_plane_zero(&f.planes[i]))
			return -EINVAL;
	*format = f;
	return 0;
}

int zt_format_complete(struct zt_format *format)
{
	return complete(format, false);
}

int zt_format_complete_packed(struct zt_format *format)
{
	return complete(format, true);
}
