/* SPDX-License-Identifier: MIT */
/* Rows between packed files and frames with strides. */
#include "packed_rows.h"

uint64_t packed_rows_size(const struct zt_format *format)
{
	const struct zt_format_info *info = zt_format_info(format->fourcc);
	uint64_t size = 0;

	for (unsigned int p = 0; p < info->plane_count; p++)
		size += (uint64_t)zt_format_row_bytes(info, format->width, p) *
			zt_format_rows(info, format->height, p);
	return size;
}

/* How a plane moves: `*pieces` pieces of `*bytes` bytes. */
static void cut_plane(const struct zt_format *format, unsigned int plane,
		      size_t *pieces, size_t *bytes)
{
	const struct zt_format_info *info = zt_format_info(format->fourcc);

	*pieces = zt_format_rows(info, format->height, plane);
	*bytes = zt_format_row_bytes(info, format->width, plane);
	if (format->planes[plane].stride == *bytes) {
		*bytes *= *pieces;
		*pieces = 1;
	}
}

int packed_rows_read(struct input *input, const struct zt_format *format,
		     uint8_t *const data[ZT_MAX_PLANES])
{
	size_t pieces, bytes;
	int error = 0;

	for (unsigned int p = 0; !error && p < format->plane_count; p++) {
		cut_plane(format, p, &pieces, &bytes);
		for (size_t i = 0; !error && i < pieces; i++)
			error = input_block(input, data[p] +
					    i * format->planes[p].stride,
					    bytes);
	}
	return error;
}

int packed_rows_add(struct output *output, const struct zt_format *format,
		    unsigned int plane, const uint8_t *data)
{
	size_t pieces, bytes;
	int error = 0;

	cut_plane(format, plane, &pieces, &bytes);
	for (size_t i = 0; !error && i < pieces; i++)
		error = output_add(output,
				   data + i * format->planes[plane].stride,
				   bytes);
	return error;
}
