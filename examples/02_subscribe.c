/* SPDX-License-Identifier: MIT */
/*
 * Subscribe to a stream and look at each frame where it lies.
 *
 *	02_subscribe [NAME]		(cam0)
 *
 * Prints a line for each frame: its number, its size, its mean brightness, how
 * many were missed since the one before, and how old it is. The stream need
 * not be there yet; when its publisher dies we wait for the next one; when it
 * ends the stream we end too.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <zoetrope/zoetrope.h>

static double milliseconds_since(int64_t then)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)((int64_t)now.tv_sec * 1000000000 + now.tv_nsec - then) /
	       1e6;
}

/* The mean of all samples of the first plane, for formats of 8 bits. */
static double mean(const struct zt_frame *frame)
{
	const struct zt_format *format = &frame->format;
	const struct zt_format_info *info = zt_format_info(format->fourcc);
	size_t bytes = zt_format_row_bytes(info, format->width, 0);
	size_t rows = zt_format_rows(info, format->height, 0);
	uint64_t sum = 0;

	for (size_t y = 0; y < rows; y++)
		for (size_t x = 0; x < bytes; x++)
			sum += frame->data[0][y * format->planes[0].stride + x];
	return (double)sum / (double)(bytes * rows);
}

static void show(const struct zt_frame *frame)
{
	const struct zt_format_info *info =
		zt_format_info(frame->format.fourcc);

	if (info->kind == ZT_KIND_COMPRESSED)
		printf("frame %llu: %s, %llu bytes\n",
		       (unsigned long long)frame->sequence, info->name,
		       (unsigned long long)frame->bytes_used);
	else
		printf("frame %llu: %s %ux%u, mean %.3f, missed %llu, %.1f ms old\n",
		       (unsigned long long)frame->sequence, info->name,
		       frame->format.width, frame->format.height, mean(frame),
		       (unsigned long long)frame->dropped,
		       milliseconds_since(frame->published_ns));
	fflush(stdout);
}

int main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : "cam0";
	/* What is left 0 is the usual: the newest frame, one at a time. */
	struct zt_subscriber_options options = {
		.size = sizeof(options),
		.flags = ZT_SUBSCRIBER_WAIT,
	};
	char reason[ZT_REASON_MAX];
	struct zt_subscriber *sub;
	const struct zt_frame *frame;
	int r;

	r = zt_subscriber_open(name, &options, &sub, reason);
	if (r < 0) {
		fprintf(stderr, "cannot subscribe to %s: %s\n", name, reason);
		return 1;
	}
	while ((r = zt_take(sub, ZT_FOREVER, &frame)) == 0) {
		show(frame);
		/* From here on the publisher may write there again. */
		zt_release(frame);
	}
	if (r != -EPIPE)
		fprintf(stderr, "%s: %s: %s\n", name, strerror(-r),
			zt_subscriber_reason(sub));
	zt_subscriber_close(sub);
	return r != -EPIPE;
}
