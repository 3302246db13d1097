/* SPDX-License-Identifier: MIT */
/*
 * Making and checking the test picture. Everything that can be is prepared
 * when a format is first met: the line, and the glyphs as bytes of each plane.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "digits.h"
#include "pattern.h"
#include "pattern_paint.h"

#define GLYPH_ROWS (DIGITS_COUNT * DIGITS_CELL)
/* The last one is space, which a cell has only above. */
#define BOX_ROWS (PATTERN_LINES * DIGITS_CELL + 1)

static uint32_t largest_block(const struct zt_format_info *info)
{
	uint32_t largest = 1;

	for (unsigned int p = 0; p < info->plane_count; p++) {
		if (info->block_width[p] > largest)
			largest = info->block_width[p];
		if (info->block_height[p] > largest)
			largest = info->block_height[p];
	}
	return largest;
}

/*
 * How many pixels a dot is wide and high: such that the box takes a third of
 * the width, and that a dot is whole blocks in each plane.
 */
static unsigned int choose_scale(const struct zt_format *format,
				 const struct zt_format_info *info)
{
	uint32_t step = largest_block(info);
	uint32_t scale = format->width / (3 * PATTERN_COLUMNS * DIGITS_CELL);

	scale = scale < step ? step : scale - scale % step;
	/* the box, and a cell's space around it */
	while (scale >= step &&
	       ((PATTERN_COLUMNS + 2) * DIGITS_CELL * scale > format->width ||
		(PATTERN_LINES + 2) * DIGITS_CELL * scale > format->height))
		scale -= step;
	return scale;
}

static void draw_line(const struct pattern *pattern, unsigned int p)
{
	const struct pattern_plane *plane = &pattern->planes[p];
	size_t size = PATTERN_PERIOD * plane->block_size;

	for (uint32_t i = 0; i < PATTERN_PERIOD; i++)
		pattern_paint_line(pattern->info, p, i,
				   plane->line + i * plane->block_size);
	for (size_t at = 0; at < plane->row_bytes; at += size)
		memcpy(plane->line + size + at, plane->line,
		       plane->row_bytes - at < size ? plane->row_bytes - at :
						      size);
}

static void draw_glyphs(const struct pattern *pattern, unsigned int p)
{
	const struct pattern_plane *plane = &pattern->planes[p];
	size_t blocks = plane->cell_bytes / plane->block_size;
	size_t dot_blocks = blocks / DIGITS_CELL;
	uint8_t *to = plane->glyphs;

	for (unsigned int row = 0; row < GLYPH_ROWS; row++) {
		for (size_t i = 0; i < blocks; i++) {
			pattern_paint_dot(pattern->info, p,
					  digits_dot(row / DIGITS_CELL,
						     (unsigned int)(i / dot_blocks),
						     row % DIGITS_CELL), to);
			to += plane->block_size;
		}
	}
}

static int create_plane(struct pattern *pattern, unsigned int p)
{
	const struct zt_format_info *info = pattern->info;
	struct pattern_plane *plane = &pattern->planes[p];
	size_t cell = DIGITS_CELL * pattern->scale;

	plane->block_size = info->block_size[p];
	plane->row_bytes = zt_format_row_bytes(info, pattern->format.width, p);
	plane->rows = zt_format_rows(info, pattern->format.height, p);
	plane->cell_bytes = cell / info->block_width[p] * plane->block_size;
	plane->dot_rows = pattern->scale / info->block_height[p];
	plane->box_offset = plane->cell_bytes;
	plane->box_top = DIGITS_CELL * plane->dot_rows;
	plane->line = malloc(PATTERN_PERIOD * plane->block_size +
			     plane->row_bytes);
	plane->glyphs = malloc(GLYPH_ROWS * plane->cell_bytes + 1);
	plane->text = malloc(BOX_ROWS * PATTERN_COLUMNS * plane->cell_bytes +
			     1);
	plane->scratch = malloc(plane->row_bytes);
	if (!plane->line || !plane->glyphs || !plane->text || !plane->scratch)
		return -ENOMEM;
	draw_line(pattern, p);
	if (pattern->scale)
		draw_glyphs(pattern, p);
	return 0;
}

int pattern_create(const struct zt_format *format, struct pattern **ret)
{
	const struct zt_format_info *info = zt_format_info(format->fourcc);
	struct pattern *pattern;
	int error = 0;

	if (!info || info->kind == ZT_KIND_COMPRESSED)
		return -EINVAL;
	pattern = calloc(1, sizeof(*pattern));
	if (!pattern)
		return -ENOMEM;
	pattern->format = *format;
	pattern->info = info;
	pattern->scale = choose_scale(format, info);
	for (unsigned int p = 0; !error && p < info->plane_count; p++)
		error = create_plane(pattern, p);
	if (error) {
		pattern_destroy(pattern);
		return error;
	}
	*ret = pattern;
	return 0;
}

void pattern_destroy(struct pattern *pattern)
{
	if (!pattern)
		return;
	for (unsigned int p = 0; p < ZT_MAX_PLANES; p++) {
		free(pattern->planes[p].line);
		free(pattern->planes[p].glyphs);
		free(pattern->planes[p].text);
		free(pattern->planes[p].scratch);
	}
	free(pattern);
}

bool pattern_fits(const struct pattern *pattern,
		  const struct zt_format *format)
{
	return pattern->format.fourcc == format->fourcc &&
	       pattern->format.width == format->width &&
	       pattern->format.height == format->height;
}

/* Set out both lines of text in a plane. */
static void set_text(struct pattern_plane *plane, const char *text)
{
	uint8_t *to = plane->text;

	for (unsigned int row = 0; row < BOX_ROWS; row++) {
		const char *line = text + row / DIGITS_CELL * PATTERN_COLUMNS;

		for (unsigned int c = 0; c < PATTERN_COLUMNS; c++) {
			size_t glyph_row = digits_find(line[c]) * DIGITS_CELL +
					   row % DIGITS_CELL;

			memcpy(to, plane->glyphs + glyph_row * plane->cell_bytes,
			       plane->cell_bytes);
			to += plane->cell_bytes;
		}
	}
}

void pattern_begin(struct pattern *pattern, uint64_t sequence,
		   int64_t timestamp_ns)
{
	uint64_t ms = (uint64_t)timestamp_ns / 1000000;
	char text[64];

	pattern->sequence = sequence;
	if (!pattern->scale)
		return;
	snprintf(text, sizeof(text), "#%-11llu%02u:%02u:%02u.%03u%12s",
		 (unsigned long long)(sequence % 100000000000),
		 (unsigned int)(ms / 3600000 % 100),
		 (unsigned int)(ms / 60000 % 60),
		 (unsigned int)(ms / 1000 % 60), (unsigned int)(ms % 1000), "");
	for (unsigned int p = 0; p < pattern->info->plane_count; p++)
		set_text(&pattern->planes[p], text);
}

const uint8_t *pattern_row(struct pattern *pattern, unsigned int p, size_t y)
{
	const struct pattern_plane *plane = &pattern->planes[p];
	size_t from = (size_t)(y + pattern->sequence * PATTERN_SPEED) %
		      PATTERN_PERIOD * plane->block_size;
	size_t box_bytes = PATTERN_COLUMNS * plane->cell_bytes;
	size_t box_y = y - plane->box_top;

	if (!pattern->scale || y < plane->box_top ||
	    box_y >= BOX_ROWS * plane->dot_rows)
		return plane->line + from;
	memcpy(plane->scratch, plane->line + from, plane->row_bytes);
	memcpy(plane->scratch + plane->box_offset,
	       plane->text + box_y / plane->dot_rows * box_bytes, box_bytes);
	return plane->scratch;
}

void pattern_write(struct pattern *pattern, const struct zt_format *format,
		   uint8_t *const data[ZT_MAX_PLANES])
{
	for (unsigned int p = 0; p < pattern->info->plane_count; p++)
		for (size_t y = 0; y < pattern->planes[p].rows; y++)
			memcpy(data[p] + y * format->planes[p].stride,
			       pattern_row(pattern, p, y),
			       pattern->planes[p].row_bytes);
}

static void find_fault(const struct pattern *pattern, unsigned int p, size_t y,
		       const uint8_t *expected, const uint8_t *got,
		       struct pattern_fault *ret)
{
	const struct zt_format_info *info = pattern->info;
	size_t i = 0;

	/* The frame may be right again by now: somebody wrote to it. */
	while (i + 1 < pattern->planes[p].row_bytes && expected[i] == got[i])
		i++;
	ret->plane = p;
	ret->x = (uint32_t)(i / info->block_size[p] * info->block_width[p]);
	ret->y = (uint32_t)(y * info->block_height[p]);
	ret->expected = expected[i];
	ret->got = got[i];
}

bool pattern_check(struct pattern *pattern, const struct zt_format *format,
		   const uint8_t *const data[ZT_MAX_PLANES],
		   struct pattern_fault *ret)
{
	for (unsigned int p = 0; p < pattern->info->plane_count; p++) {
		for (size_t y = 0; y < pattern->planes[p].rows; y++) {
			const uint8_t *expected = pattern_row(pattern, p, y);
			const uint8_t *got = data[p] +
					     y * format->planes[p].stride;

			if (memcmp(expected, got,
				   pattern->planes[p].row_bytes) == 0)
				continue;
			find_fault(pattern, p, y, expected, got, ret);
			return false;
		}
	}
	return true;
}
