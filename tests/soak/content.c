/* SPDX-License-Identifier: MIT */
/* See content.h. Pixels are looked at row by row; what pads rows is not. */
#include "content.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dice.h"

#define STEP UINT64_C(0x9e3779b97f4a7c15)	/* from word to word of a row */

/* Small, so that two processors do thousands of frames a second. */
static const struct {
	uint16_t width, height;
} sizes[] = {
	{ 64, 48 }, { 65, 49 }, { 96, 72 }, { 128, 96 }, { 160, 120 },
	{ 177, 99 }, { 256, 144 }, { 320, 240 }, { 640, 480 },
};
#define SIZES (sizeof(sizes) / sizeof(*sizes))

static const char *const kinds[] = {
	"RGB24", "GRAY8", "NV12", "MJPG", "I420", "YUYV", "H264", "GRAY16",
	"BGRA",
};
#define KINDS (sizeof(kinds) / sizeof(*kinds))

/*
 * Frames come in runs of one format. A stream begins small, and may grow to
 * the next two sizes with every run: growth takes place in several steps, and
 * shrinking in between.
 */
static void choose_format(const struct content_source *source,
			  uint64_t sequence, struct content *ret)
{
	uint64_t of_source = dice_hash(source->seed, source->stream,
				       source->epoch, 2);
	uint64_t run = sequence / (4 + of_source % 200);
	uint64_t roll = dice_hash(of_source, run, 3, 0);
	size_t limit = run < SIZES / 2 ? 2 * run + 1 : SIZES;
	size_t size = roll % limit * (roll >> 8 & 0xff) / 0xff;
	const struct zt_format_info *info =
		zt_format_by_name(kinds[(roll >> 16) % KINDS]);

	ret->wanted = (struct zt_format){
		.fourcc = info->fourcc,
		.width = sizes[size].width,
		.height = sizes[size].height,
	};
	if (info->kind == ZT_KIND_COMPRESSED)
		ret->wanted.payload_size = (uint64_t)sizes[size].width *
					   sizes[size].height / 2;
	if (roll >> 32 & 1) {
		ret->wanted.visible = (struct zt_rect){ 2, 2, 32, 24 };
		ret->wanted.frame_rate = (struct zt_fraction){
			30 + (uint32_t)(roll >> 40 & 31), 1 };
		ret->wanted.colour.matrix = 1;
	}
	ret->format = ret->wanted;
	zt_format_complete(&ret->format);
}

void content_of(const struct content_source *source, uint64_t sequence,
		struct content *ret)
{
	uint64_t start = dice_hash(source->seed, source->stream, source->epoch,
				   sequence + 16);
	uint32_t room = source->metadata_room;

	choose_format(source, sequence, ret);
	ret->start = start;
	ret->copied = start % 8 == 0;
	ret->bytes_used = ret->format.payload_size;
	if (!ret->format.planes[0].stride)
		ret->bytes_used -= start >> 8 & 0xff;
	ret->timestamp_ns = (int64_t)(start >> 2) | 1;
	ret->clock = ret->copied ? 0 : (uint32_t)(start >> 16) & 3;
	ret->flags = ret->copied ? 0 : (uint32_t)(start >> 24) & 7;
	ret->metadata_used = ret->copied || !room ? 0 :
		(uint32_t)((start >> 32) % (room + 1));
}

static void paint(uint8_t *row, size_t bytes, uint64_t word)
{
	size_t i = 0;

	for (; i + 8 <= bytes; i += 8, word += STEP)
		memcpy(row + i, &word, 8);
	memcpy(row + i, &word, bytes - i);
}

/* Where the row is not as painted, or `bytes`. */
static size_t find_fault(const uint8_t *row, size_t bytes, uint64_t word)
{
	uint64_t wrong = 0, first = word;
	size_t i = 0;

	for (; i + 8 <= bytes; i += 8, word += STEP) {
		uint64_t there;

		memcpy(&there, row + i, 8);
		wrong |= there ^ word;
	}
	if (!wrong && !memcmp(row + i, &word, bytes - i))
		return bytes;
	for (i = 0; i < bytes; i++) {
		word = first + i / 8 * STEP;
		if (row[i] != ((const uint8_t *)&word)[i % 8])
			break;
	}
	return i;
}

/* The rows of a plane; a packet is one. */
static size_t row_bytes(const struct content *content, unsigned int plane)
{
	const struct zt_format *format = &content->format;

	return format->planes[plane].stride ?
		zt_format_row_bytes(zt_format_info(format->fourcc),
				    format->width, plane) :
		content->bytes_used;
}

static size_t rows(const struct content *content, unsigned int plane)
{
	const struct zt_format *format = &content->format;

	return format->planes[plane].stride ?
		zt_format_rows(zt_format_info(format->fourcc), format->height,
			       plane) : 1;
}

static uint64_t row_start(const struct content *content, unsigned int plane,
			  size_t y)
{
	return content->start + ((uint64_t)plane << 32 | y) * (STEP << 1 | 1);
}

static void paint_planes(const struct content *content,
			 const struct zt_format *layout, uint8_t *payload)
{
	for (unsigned int i = 0; i < layout->plane_count; i++)
		for (size_t y = 0; y < rows(content, i); y++)
			paint(payload + layout->planes[i].offset +
				      y * layout->planes[i].stride,
			      row_bytes(content, i),
			      row_start(content, i, y));
}

void content_paint(const struct content *content, struct zt_loan *loan)
{
	paint_planes(content, &content->format, loan->payload);
	if (content->metadata_used)
		paint(loan->metadata, content->metadata_used,
		      ~content->start);
	loan->metadata_used = content->metadata_used;
	loan->bytes_used = content->bytes_used;
	loan->timestamp_ns = content->timestamp_ns;
	loan->clock = content->clock;
	loan->flags = content->flags;
}

int content_publish_copy(const struct content *content,
			 struct zt_publisher *pub, int64_t timeout_ns)
{
	struct zt_format packed = content->wanted;
	uint8_t *buffer;
	size_t size;
	int r;

	zt_format_complete_packed(&packed);
	size = content->format.planes[0].stride ? packed.payload_size :
						  content->bytes_used;
	buffer = malloc(packed.payload_size);
	if (!buffer)
		return -ENOMEM;
	paint_planes(content, &packed, buffer);
	r = zt_publish_copy(pub, &content->wanted, buffer, size,
			    content->timestamp_ns, timeout_ns);
	free(buffer);
	return r;
}

/* What of its description is not as it was published, or NULL. */
static const char *find_misdescribed(const struct content *content,
				     const struct zt_frame *frame)
{
	if (memcmp(&frame->format, &content->format, sizeof(frame->format)))
		return "its format";
	if (frame->bytes_used != content->bytes_used)
		return "its length";
	if (frame->timestamp_ns != content->timestamp_ns)
		return "its time";
	if (frame->clock != content->clock)
		return "its clock";
	if (frame->flags != content->flags)
		return "its flags";
	if (frame->metadata_used != content->metadata_used)
		return "the length of its metadata";
	return NULL;
}

static bool check_row(const struct content *content,
		      const struct zt_frame *frame, unsigned int plane,
		      size_t y, char *fault, size_t room)
{
	const struct zt_plane *at = &frame->format.planes[plane];
	const uint8_t *row = frame->payload + at->offset + y * at->stride;
	size_t bytes = row_bytes(content, plane);
	size_t found = find_fault(row, bytes, row_start(content, plane, y));

	if (found == bytes)
		return true;
	snprintf(fault, room, "plane %u, row %zu of %zu is wrong from byte %zu of %zu on (0x%02x)",
		 plane, y, rows(content, plane), found, bytes, row[found]);
	return false;
}

uint64_t content_check(const struct content *content,
		       const struct zt_frame *frame, char *fault, size_t room)
{
	uint64_t bytes = content->metadata_used;
	const char *what = find_misdescribed(content, frame);

	if (what) {
		snprintf(fault, room, "%s is not what was published", what);
		return 0;
	}
	for (unsigned int i = 0; i < frame->format.plane_count; i++) {
		for (size_t y = 0; y < rows(content, i); y++)
			if (!check_row(content, frame, i, y, fault, room))
				return 0;
		bytes += rows(content, i) * row_bytes(content, i);
	}
	if (content->metadata_used &&
	    find_fault(frame->metadata, content->metadata_used,
		       ~content->start) != content->metadata_used) {
		snprintf(fault, room, "its metadata is wrong");
		return 0;
	}
	return bytes;
}
