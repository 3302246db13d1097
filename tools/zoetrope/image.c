/* SPDX-License-Identifier: MIT */
/* Opening a picture: which kind it is tells its first bytes, not its name. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "image.h"
#include "voice.h"

struct image_file {
	FILE *file;
	const struct image_decoder *decoder;
	void *state;
};

static const struct image_decoder *find_decoder(FILE *file)
{
	static const uint8_t jpeg[] = { 0xff, 0xd8, 0xff };
	static const uint8_t png[] = { 0x89, 'P', 'N', 'G' };
	uint8_t head[4] = { 0 };
	size_t got = fread(head, 1, sizeof(head), file);

	rewind(file);
	if (got == sizeof(head) && memcmp(head, jpeg, sizeof(jpeg)) == 0)
		return &image_jpeg_decoder;
	if (got == sizeof(head) && memcmp(head, png, sizeof(png)) == 0)
		return &image_png_decoder;
	return NULL;
}

int image_open(const char *path, struct image_file **ret_image,
	       struct zt_format *ret_format, char *reason)
{
	struct image_file *image = calloc(1, sizeof(*image));
	int error;

	if (!image)
		return reason_set(reason, -ENOMEM, "out of memory");
	image->file = fopen(path, "rbe");
	if (!image->file) {
		error = reason_set(reason, -errno, "%s", strerror(errno));
		goto fail;
	}
	image->decoder = find_decoder(image->file);
	if (!image->decoder) {
		error = reason_set(reason, -EINVAL,
				   "it is neither JPEG nor PNG");
		goto fail;
	}
	error = image->decoder->open(image->file, &image->state, ret_format,
				     reason);
	if (error)
		goto fail;
	*ret_image = image;
	return 0;

fail:
	image_close(image);
	return error;
}

int image_decode(struct image_file *image, uint8_t *data, size_t stride,
		 bool *ret_damaged, char *reason)
{
	return image->decoder->decode(image->state, data, stride, ret_damaged,
				      reason);
}

void image_close(struct image_file *image)
{
	if (!image)
		return;
	if (image->state)
		image->decoder->close(image->state);
	if (image->file)
		fclose(image->file);
	free(image);
}
