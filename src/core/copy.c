/* SPDX-License-Identifier: MIT */
/* zt_publish_copy: loan, copy, publish. On the public functions alone. */
#include <errno.h>
#include <string.h>

#include <zoetrope/publisher.h>

/* The buffer's own layout: packed rows, unless the caller gave planes. */
static int source_layout(const struct zt_format *format, size_t size,
			 struct zt_format *ret)
{
	const struct zt_format_info *info = zt_format_info(format->fourcc);
	int r;

	*ret = *format;
	if (!info)
		return -EINVAL;
	if (info->kind == ZT_KIND_COMPRESSED) {
		r = zt_format_complete(ret);
		return r < 0 ? r : size > ret->payload_size ? -EINVAL : 0;
	}
	if (format->plane_count)
		ret->payload_size = size;
	r = format->plane_count ? zt_format_complete(ret) :
				  zt_format_complete_packed(ret);
	if (r < 0)
		return r;
	for (unsigned int i = 0; i < ret->plane_count; i++)
		if (ret->planes[i].offset > size ||
		    ret->planes[i].size > size - ret->planes[i].offset)
			return -EINVAL;
	return 0;
}

static void copy_plane(const struct zt_loan *loan,
		       const struct zt_format *from, const uint8_t *data,
		       unsigned int plane)
{
	const struct zt_format_info *info = zt_format_info(from->fourcc);
	size_t bytes = zt_format_row_bytes(info, from->width, plane);
	size_t rows = zt_format_rows(info, from->height, plane);
	size_t to_stride = loan->format.planes[plane].stride;
	size_t from_stride = from->planes[plane].stride;
	uint8_t *to = loan->data[plane];

	data += from->planes[plane].offset;
	if (to_stride == from_stride && to_stride == bytes) {
		memcpy(to, data, bytes * rows);
		return;
	}
	for (size_t y = 0; y < rows; y++)
		memcpy(to + y * to_stride, data + y * from_stride, bytes);
}

int zt_publish_copy(struct zt_publisher *pub, const struct zt_format *format,
		    const void *data, size_t size, int64_t timestamp_ns,
		    int64_t timeout_ns)
{
	struct zt_format from, to;
	struct zt_loan *loan;
	int r;

	if (!pub || !format || !data)
		return -EINVAL;
	r = source_layout(format, size, &from);
	if (r < 0)
		return r;
	/* The slot's rows are aligned, whatever the buffer's are. */
	to = *format;
	if (to.plane_count) {
		to.plane_count = 0;
		to.payload_size = 0;
		memset(to.planes, 0, sizeof(to.planes));
	}
	r = zt_loan(pub, &to, timeout_ns, &loan);
	if (r < 0)
		return r;
	if (!from.planes[0].stride) {
		memcpy(loan->payload, data, size);
		loan->bytes_used = size;
	} else {
		for (unsigned int i = 0; i < from.plane_count; i++)
			copy_plane(loan, &from, data, i);
	}
	loan->timestamp_ns = timestamp_ns;
	return zt_publish(pub, loan);
}
