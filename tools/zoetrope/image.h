/* SPDX-License-Identifier: MIT */
/*
 * Picture files: JPEG by libjpeg, PNG by libpng, each where it was built in.
 * Pixels are decoded straight into a frame and encoded straight from one.
 */
#ifndef ZOETROPE_TOOL_IMAGE_H
#define ZOETROPE_TOOL_IMAGE_H

#include <stdbool.h>
#include <stdio.h>

#include <zoetrope/frame.h>

/** A picture of one plane, in memory. */
struct picture {
	uint32_t fourcc;	/* an RGB kind, GRAY8 or GRAY16 */
	uint32_t width, height;
	size_t stride;
	const uint8_t *data;	/* borrowed */
};

struct image_file;

/**
 * Open a picture and read its header: what its frame will be (RGB24, RGBA,
 * GRAY8 or GRAY16). 0, or a negative errno and a reason that does not name the
 * file.
 */
int image_open(const char *path, struct image_file **ret_image,
	       struct zt_format *ret_format, char *reason);

/**
 * Decode it into one plane, once. Sets *ret_damaged where the file had errors
 * that its decoder could mend; a file that ends early is an error.
 */
int image_decode(struct image_file *image, uint8_t *data, size_t stride,
		 bool *ret_damaged, char *reason);

/** NULL is allowed. */
void image_close(struct image_file *image);

/** Encode into a file. 0, or a negative errno and a reason. */
typedef int (*image_write_fn)(FILE *to, const struct picture *picture,
			      char *reason);
int image_write_jpeg(FILE *to, const struct picture *picture, char *reason);
int image_write_png(FILE *to, const struct picture *picture, char *reason);

/** How one kind of file is read: image_jpeg.c, image_png.c. */
struct image_decoder {
	int (*open)(FILE *file, void **ret_state, struct zt_format *ret_format,
		    char *reason);
	int (*decode)(void *state, uint8_t *data, size_t stride,
		      bool *ret_damaged, char *reason);
	void (*close)(void *state);
};

extern const struct image_decoder image_jpeg_decoder, image_png_decoder;

#endif
