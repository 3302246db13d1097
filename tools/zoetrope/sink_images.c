/* SPDX-License-Identifier: MIT */
/*
 * Frames to picture files, each written under another name first and renamed
 * when it is whole. Frames that are JPEG or PNG already are written as they
 * are.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fourcc.h"
#include "picture.h"
#include "sink.h"

struct images_sink {
	struct sink sink;	/* first: what callers see */
	const char *directory;
	int fd;			/* of the directory */
	bool jpeg;
	uint64_t first_epoch;	/* 0: no frame yet */
	struct picture_room room;
};

/* Numbers begin again with each publisher: the first one's are plain. */
static void make_name(struct images_sink *images, const struct zt_frame *frame,
		      const char *kind, char name[64])
{
	unsigned long long sequence = frame->sequence, epoch = frame->epoch;

	if (!images->first_epoch)
		images->first_epoch = epoch;
	if (epoch == images->first_epoch)
		snprintf(name, 64, "frame-%08llu.%s", sequence, kind);
	else
		snprintf(name, 64, "frame-e%llu-%08llu.%s", epoch, sequence,
			 kind);
}

static int write_packet(FILE *to, const struct zt_frame *frame, char *reason)
{
	if (fwrite(frame->payload, 1, (size_t)frame->bytes_used, to) !=
	    frame->bytes_used)
		return reason_set(reason, -errno, "%s", strerror(errno));
	return 0;
}

static int write_picture(struct images_sink *images, FILE *to,
			 const struct zt_frame *frame, bool jpeg, char *reason)
{
	struct picture picture;
	int error;

	if (zt_format_info(frame->format.fourcc)->kind == ZT_KIND_COMPRESSED)
		return write_packet(to, frame, reason);
	error = picture_of_frame(&images->room, frame, &picture, reason);
	if (error)
		return error;
	return jpeg ? image_write_jpeg(to, &picture, reason) :
		      image_write_png(to, &picture, reason);
}

/* Write to the end and close, whatever happens. */
static int write_file(struct images_sink *images, int fd,
		      const struct zt_frame *frame, bool jpeg, char *reason)
{
	FILE *to = fdopen(fd, "wb");
	int error;

	if (!to) {
		close(fd);
		return reason_set(reason, -ENOMEM, "out of memory");
	}
	errno = 0;
	error = write_picture(images, to, frame, jpeg, reason);
	/* The libraries only say that writing failed. */
	if (error && ferror(to) && errno)
		reason_set(reason, error, "%s", strerror(errno));
	if (fclose(to) && !error)
		error = reason_set(reason, -errno, "%s", strerror(errno));
	return error;
}

static int put(struct sink *sink, const struct zt_frame *frame, char *reason)
{
	struct images_sink *images = (struct images_sink *)sink;
	uint32_t fourcc = frame->format.fourcc;
	bool jpeg = fourcc == FORMAT_MJPG ||
		    (images->jpeg && fourcc != FORMAT_PNG);
	char name[64], part[72], why[ZT_REASON_MAX];
	int fd, error;

	make_name(images, frame, jpeg ? "jpg" : "png", name);
	snprintf(part, sizeof(part), ".%s.part", name);
	fd = openat(images->fd, part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC,
		    0666);
	if (fd < 0)
		return reason_set(reason, -errno, "%.100s/%s: %s",
				  images->directory, part, strerror(errno));
	error = write_file(images, fd, frame, jpeg, why);
	if (!error && renameat(images->fd, part, images->fd, name))
		error = reason_set(why, -errno, "%s", strerror(errno));
	if (!error)
		return 0;
	unlinkat(images->fd, part, 0);
	return reason_set(reason, error, "%.80s/%s: %.120s",
			  images->directory, name, why);
}

static void close_sink(struct sink *sink)
{
	struct images_sink *images = (struct images_sink *)sink;

	picture_room_empty(&images->room);
	if (images->fd >= 0)
		close(images->fd);
	free(images);
}

static const struct sink_ops ops = { .put = put, .close = close_sink };

int sink_open_images(const char *directory, bool jpeg, struct sink **ret,
		     char *reason)
{
	struct images_sink *images = calloc(1, sizeof(*images));
	int error;

	if (!images)
		return reason_set(reason, -ENOMEM, "out of memory");
	images->sink.ops = &ops;
	images->directory = directory;
	images->jpeg = jpeg;
	images->fd = -1;
	if (mkdir(directory, 0777) == 0 || errno == EEXIST)
		images->fd = open(directory,
				  O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (images->fd < 0) {
		error = reason_set(reason, -errno, "%.120s: %s", directory,
				   strerror(errno));
		close_sink(&images->sink);
		return error;
	}
	*ret = &images->sink;
	return 0;
}
