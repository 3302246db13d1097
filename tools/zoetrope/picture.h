/* SPDX-License-Identifier: MIT */
/*
 * From a frame to a picture that an image file can hold: RGB and gray frames
 * as they lie, YUV frames converted by libyuv where it was built in.
 */
#ifndef ZOETROPE_TOOL_PICTURE_H
#define ZOETROPE_TOOL_PICTURE_H

#include "image.h"

/** Room for a converted picture, kept from frame to frame; starts as zeroes. */
struct picture_room {
	uint8_t *pixels, *planes;
	size_t pixels_size, planes_size;
};

/**
 * Make *ret a picture of the frame; it lies in the frame or in the room. 0,
 * -EINVAL (no picture can be made of this format) or -ENOMEM, and a reason.
 */
int picture_of_frame(struct picture_room *room, const struct zt_frame *frame,
		     struct picture *ret, char *reason);

/** Free what is in the room. */
void picture_room_empty(struct picture_room *room);

#endif
