/* SPDX-License-Identifier: MIT */
/* Frames from picture files, one a frame, each of its own size. */
#include <errno.h>
#include <stdlib.h>

#include "image.h"
#include "source.h"
#include "voice.h"

struct images_source {
	struct source source;	/* first: what callers see */
	const char *const *paths;
	size_t count, index;	/* index: of the one to open next */
	struct image_file *image; /* open, or NULL */
	struct zt_format format; /* its format */
};

static int open_next(struct images_source *images, char *reason)
{
	images->source.where = images->paths[images->index];
	return image_open(images->paths[images->index++], &images->image,
			  &images->format, reason);
}

static int next(struct source *source, struct zt_format *ret_format,
		char *reason)
{
	struct images_source *images = (struct images_source *)source;
	int error;

	if (!images->image) {
		if (images->index == images->count)
			return 0;
		error = open_next(images, reason);
		if (error)
			return error;
	}
	*ret_format = images->format;
	return 1;
}

static void close_image(struct images_source *images)
{
	image_close(images->image);
	images->image = NULL;
}

static int fill(struct source *source, struct zt_loan *loan, uint64_t sequence,
		char *reason)
{
	struct images_source *images = (struct images_source *)source;
	bool damaged = false;
	int error;

	(void)sequence;
	error = image_decode(images->image, loan->data[0],
			     loan->format.planes[0].stride, &damaged, reason);
	if (damaged)
		loan->flags |= ZT_FRAME_CORRUPT;
	close_image(images);
	return error;
}

static int skip(struct source *source, char *reason)
{
	(void)reason;
	close_image((struct images_source *)source);
	return 0;
}

static int again(struct source *source, char *reason)
{
	struct images_source *images = (struct images_source *)source;

	(void)reason;
	close_image(images);
	images->index = 0;
	return 0;
}

static void close_source(struct source *source)
{
	close_image((struct images_source *)source);
	free(source);
}

static const struct source_ops ops = {
	.next = next, .fill = fill, .skip = skip, .rewind = again,
	.close = close_source,
};

int source_open_images(const char *const *paths, size_t count,
		       struct source **ret, char *reason)
{
	struct images_source *images = calloc(1, sizeof(*images));
	int error;

	if (!images)
		return reason_set(reason, -ENOMEM, "out of memory");
	images->source.ops = &ops;
	images->source.rewinds = true;
	images->paths = paths;
	images->count = count;
	error = open_next(images, reason);
	if (error) {
		close_source(&images->source);
		return error;
	}
	images->source.format = images->format;
	*ret = &images->source;
	return 0;
}
