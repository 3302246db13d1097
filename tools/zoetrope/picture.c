/* SPDX-License-Identifier: MIT */
/*
 * Conversion of frames to pictures. libyuv's "ARGB" is the bytes B, G, R, A,
 * which is BGRX here. Formats that it converts only by way of planar 4:2:2 take
 * two steps.
 */
#include <errno.h>
#include <stdlib.h>

#include "config.h"
#include "fourcc.h"
#include "picture.h"
#include "voice.h"

#if HAVE_YUV

#include <libyuv.h>

/* At least `size` bytes at *data. */
static bool make_room(uint8_t **data, size_t *have, size_t size)
{
	if (*have >= size)
		return true;
	free(*data);
	*data = malloc(size);
	*have = *data ? size : 0;
	return *data;
}

/* Where nobody said: BT.601 and limited range, as most programs assume. */
static const struct YuvConstants *find_matrix(const struct zt_colour *colour)
{
	bool full = colour->range == ZT_RANGE_FULL;

	switch (colour->matrix) {
	case 1:
		return full ? &kYuvF709Constants : &kYuvH709Constants;
	case 9:
	case 10:
		return full ? &kYuvV2020Constants : &kYuv2020Constants;
	default:
		return full ? &kYuvJPEGConstants : &kYuvI601Constants;
	}
}

struct conversion {
	const struct zt_frame *frame;
	const struct YuvConstants *matrix;
	uint8_t *to;
	int to_stride, width, height;
	int strides[ZT_MAX_PLANES];
};

static int convert_422(const struct conversion *c, const uint8_t *y,
		       int y_stride, const uint8_t *u, const uint8_t *v,
		       int uv_stride)
{
	return I422ToARGBMatrix(y, y_stride, u, uv_stride, v, uv_stride, c->to,
				c->to_stride, c->matrix, c->width, c->height);
}

/* YUYV, UYVY, NV16: take them apart first. */
static int convert_by_422(const struct conversion *c,
			  struct picture_room *room)
{
	const struct zt_frame *frame = c->frame;
	int half = (c->width + 1) / 2, w = half * 2, h = c->height;
	uint8_t *y, *u, *v;

	if (!make_room(&room->planes, &room->planes_size,
		       (size_t)w * (size_t)h * 2))
		return -ENOMEM;
	y = room->planes;
	u = y + (size_t)w * (size_t)h;
	v = u + (size_t)half * (size_t)h;
	if (frame->format.fourcc == FORMAT_NV16) {
		SplitUVPlane(frame->data[1], c->strides[1], u, half, v, half,
			     half, h);
		return convert_422(c, frame->data[0], c->strides[0], u, v,
				   half);
	}
	if (frame->format.fourcc == FORMAT_YUYV)
		YUY2ToI422(frame->data[0], c->strides[0], y, w, u, half, v,
			   half, c->width, h);
	else
		UYVYToI422(frame->data[0], c->strides[0], y, w, u, half, v,
			   half, c->width, h);
	return convert_422(c, y, w, u, v, half);
}

static int convert(const struct conversion *c, struct picture_room *room)
{
	const uint8_t *const *data = c->frame->data;
	const int *s = c->strides;

	switch (c->frame->format.fourcc) {
	case FORMAT_I420:
		return I420ToARGBMatrix(data[0], s[0], data[1], s[1], data[2],
					s[2], c->to, c->to_stride, c->matrix,
					c->width, c->height);
	case FORMAT_YV12:
		return I420ToARGBMatrix(data[0], s[0], data[2], s[2], data[1],
					s[1], c->to, c->to_stride, c->matrix,
					c->width, c->height);
	case FORMAT_I422:
		return convert_422(c, data[0], s[0], data[1], data[2], s[1]);
	case FORMAT_I444:
		return I444ToARGBMatrix(data[0], s[0], data[1], s[1], data[2],
					s[2], c->to, c->to_stride, c->matrix,
					c->width, c->height);
	case FORMAT_NV12:
		return NV12ToARGBMatrix(data[0], s[0], data[1], s[1], c->to,
					c->to_stride, c->matrix, c->width,
					c->height);
	case FORMAT_NV21:
		return NV21ToARGBMatrix(data[0], s[0], data[1], s[1], c->to,
					c->to_stride, c->matrix, c->width,
					c->height);
	case FORMAT_P010:
		return P010ToARGBMatrix((const uint16_t *)(const void *)data[0],
					s[0] / 2,
					(const uint16_t *)(const void *)data[1],
					s[1] / 2, c->to, c->to_stride,
					c->matrix, c->width, c->height);
	default:
		return convert_by_422(c, room);
	}
}

static int picture_of_yuv(struct picture_room *room,
			  const struct zt_frame *frame, struct picture *ret,
			  char *reason)
{
	const struct zt_format *format = &frame->format;
	struct conversion c = {
		.frame = frame,
		.matrix = find_matrix(&format->colour),
		.width = (int)format->width,
		.height = (int)format->height,
		.to_stride = (int)format->width * 4,
	};

	for (unsigned int p = 0; p < format->plane_count; p++) {
		if (format->planes[p].stride > INT32_MAX)
			return reason_set(reason, -EINVAL,
					  "its rows are too long to convert");
		c.strides[p] = (int)format->planes[p].stride;
	}
	if (!make_room(&room->pixels, &room->pixels_size,
		       (size_t)format->width * format->height * 4))
		return reason_set(reason, -ENOMEM, "out of memory");
	c.to = room->pixels;
	if (convert(&c, room))
		return reason_set(reason, -ENOMEM, "out of memory");
	*ret = (struct picture){
		.fourcc = FORMAT_BGRX, .width = format->width,
		.height = format->height, .stride = (size_t)c.to_stride,
		.data = room->pixels,
	};
	return 0;
}

#else

static int picture_of_yuv(struct picture_room *room,
			  const struct zt_frame *frame, struct picture *ret,
			  char *reason)
{
	(void)room;
	(void)frame;
	(void)ret;
	return reason_set(reason, -EINVAL, "this zoetrope was built without "
			  "libyuv: it saves RGB, gray, MJPG and PNG frames "
			  "only; use --raw or --y4m");
}

#endif

int picture_of_frame(struct picture_room *room, const struct zt_frame *frame,
		     struct picture *ret, char *reason)
{
	const struct zt_format *format = &frame->format;
	const struct zt_format_info *info = zt_format_info(format->fourcc);

	if (info->kind == ZT_KIND_RGB || format->fourcc == FORMAT_GRAY8 ||
	    format->fourcc == FORMAT_GRAY16) {
		*ret = (struct picture){
			.fourcc = format->fourcc, .width = format->width,
			.height = format->height,
			.stride = format->planes[0].stride,
			.data = frame->data[0],
		};
		return 0;
	}
	if (info->kind == ZT_KIND_YUV)
		return picture_of_yuv(room, frame, ret, reason);
	return reason_set(reason, -EINVAL, "no picture can be made of %s; use "
			  "--raw", info->name);
}

void picture_room_empty(struct picture_room *room)
{
	free(room->pixels);
	free(room->planes);
	*room = (struct picture_room){ 0 };
}
