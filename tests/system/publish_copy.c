/* SPDX-License-Identifier: MIT */
/* zt_publish_copy: each format, from packed rows and from any other rows. */
#include <stdlib.h>
#include <string.h>

#include "stream.h"

/* A value for each place; where rows are padded, the padding has another. */
static uint8_t pixel(unsigned int plane, size_t y, size_t x)
{
	return (uint8_t)(17 + plane * 31 + y * 7 + x * 3 + (x >> 8));
}

static void fill(uint8_t *data, const struct zt_format *format)
{
	const struct zt_format_info *info = zt_format_info(format->fourcc);

	for (unsigned int p = 0; p < format->plane_count; p++) {
		size_t bytes = zt_format_row_bytes(info, format->width, p);
		size_t rows = zt_format_rows(info, format->height, p);

		for (size_t y = 0; y < rows; y++)
			for (size_t x = 0; x < bytes; x++)
				data[format->planes[p].offset +
				     y * format->planes[p].stride + x] =
					pixel(p, y, x);
	}
}

static void check(const struct zt_frame *frame)
{
	const struct zt_format *format = &frame->format;
	const struct zt_format_info *info = zt_format_info(format->fourcc);

	for (unsigned int p = 0; p < format->plane_count; p++) {
		size_t bytes = zt_format_row_bytes(info, format->width, p);
		size_t rows = zt_format_rows(info, format->height, p);

		for (size_t y = 0; y < rows; y++)
			for (size_t x = 0; x < bytes; x++)
				assert_int_equal(
					frame->data[p][y * format->planes[p]
							.stride + x],
					pixel(p, y, x));
	}
}

/* The planes in the reverse order, with wider rows and gaps between. */
static void spread(struct zt_format *format)
{
	uint64_t at = 40;

	for (unsigned int p = format->plane_count; p-- > 0;) {
		struct zt_plane *plane = &format->planes[p];
		uint64_t rows = plane->size / plane->stride;

		plane->stride += 24;
		plane->size = rows * plane->stride;
		plane->offset = at;
		at += plane->size + 8;
	}
	format->payload_size = at;
}

static void copy_and_check(struct zt_publisher *pub,
			   const struct zt_format *format,
			   const struct zt_format *layout)
{
	size_t size = layout->payload_size;
	uint8_t *data = calloc(1, size);
	struct zt_subscriber *sub;
	const struct zt_frame *frame;

	fill(data, layout);
	assert_int_equal(zt_publish_copy(pub, format, data, size, 77, 0), 0);
	free(data);
	sub = stream_open("cam0", NULL);
	assert_int_equal(zt_take(sub, stream_patience(), &frame), 0);
	assert_int_equal(frame->format.fourcc, format->fourcc);
	assert_int_equal(frame->timestamp_ns, 77);
	assert_int_equal(frame->clock, ZT_CLOCK_MONOTONIC);
	check(frame);
	zt_release(frame);
	zt_subscriber_close(sub);
}

static void copies_each_raw_format(void)
{
	static const uint32_t sizes[][2] = { { 67, 35 }, { 64, 32 }, { 1, 1 } };
	struct zt_publisher *pub = stream_create("cam0", NULL);
	const struct zt_format_info *info;
	unsigned int count = 0;

	for (size_t i = 0; (info = zt_format_by_index(i)); i++) {
		if (info->kind == ZT_KIND_COMPRESSED)
			continue;
		for (unsigned int s = 0; s < 3; s++) {
			struct zt_format format = stream_format(
				info->fourcc, sizes[s][0], sizes[s][1]);
			struct zt_format packed = format, wide;

			assert_int_equal(zt_format_complete_packed(&packed), 0);
			copy_and_check(pub, &format, &packed);
			wide = packed;
			spread(&wide);
			copy_and_check(pub, &wide, &wide);
		}
		count++;
	}
	assert_true(count > 20);
	zt_publisher_destroy(pub);
}

static void copies_packets(void)
{
	struct zt_publisher *pub = stream_create("cam0", NULL);
	const struct zt_format_info *info;
	uint8_t data[5000];

	for (unsigned int i = 0; i < sizeof(data); i++)
		data[i] = pixel(0, 0, i);
	for (size_t i = 0; (info = zt_format_by_index(i)); i++) {
		struct zt_format format = stream_format(info->fourcc, 320, 240);
		struct zt_subscriber *sub;
		const struct zt_frame *frame;

		if (info->kind != ZT_KIND_COMPRESSED)
			continue;
		assert_int_equal(zt_publish_copy(pub, &format, data, 4321, 0,
						 0), 0);
		sub = stream_open("cam0", NULL);
		assert_int_equal(zt_take(sub, stream_patience(), &frame), 0);
		assert_int_equal(frame->bytes_used, 4321);
		assert_memory_equal(frame->payload, data, 4321);
		assert_int_equal(frame->timestamp_ns, frame->published_ns);
		zt_release(frame);
		zt_subscriber_close(sub);
	}
	zt_publisher_destroy(pub);
}

static void refuses_a_buffer_that_is_too_short(void)
{
	struct zt_publisher *pub = stream_create("cam0", NULL);
	struct zt_format format = stream_format(ZT_FOURCC('N', 'V', '1', '2'),
						66, 34);
	struct zt_format packed = format, jpeg;
	uint8_t *data = calloc(1, 1 << 20);

	assert_int_equal(zt_format_complete_packed(&packed), 0);
	assert_int_equal(zt_publish_copy(pub, &format, data,
					 packed.payload_size - 1, 0, 0),
			 -EINVAL);
	assert_int_equal(zt_publish_copy(pub, &packed, data,
					 packed.payload_size - 1, 0, 0),
			 -EINVAL);
	assert_int_equal(zt_publish_copy(pub, &format, data, 0, 0, 0),
			 -EINVAL);
	assert_int_equal(zt_publish_copy(pub, &format, NULL, 1 << 20, 0, 0),
			 -EINVAL);
	/* And a packet that is longer than the room it was given. */
	jpeg = stream_format(ZT_FOURCC('M', 'J', 'P', 'G'), 64, 64);
	jpeg.payload_size = 1000;
	assert_int_equal(zt_publish_copy(pub, &jpeg, data, 1001, 0, 0),
			 -EINVAL);
	assert_int_equal(stream_stats(pub).published, 0);
	/* Longer than needed is right. */
	assert_int_equal(zt_publish_copy(pub, &format, data, 1 << 20, 0, 0),
			 0);
	free(data);
	zt_publisher_destroy(pub);
}

/* It waits as zt_loan does, and fails as it does. */
static void waits_as_a_loan_does(void)
{
	static const struct zt_publisher_options options = {
		.flags = ZT_PUBLISHER_BACKPRESSURE,
	};
	static const struct zt_subscriber_options lossless = {
		.delivery = ZT_LOSSLESS, .depth = 1,
	};
	struct zt_publisher *pub = stream_create("cam0", &options);
	struct zt_subscriber *sub = stream_open("cam0", &lossless);
	struct zt_format format = stream_small();
	uint8_t data[64 * 48 * 3] = { 0 };

	assert_int_equal(zt_publish_copy(pub, &format, data, sizeof(data), 0,
					 0), 0);
	assert_int_equal(zt_publish_copy(pub, &format, data, sizeof(data), 0,
					 0), -EAGAIN);
	assert_int_equal(zt_publish_copy(pub, &format, data, sizeof(data), 0,
					 1000000), -ETIMEDOUT);
	zt_subscriber_close(sub);
	assert_int_equal(zt_publish_copy(pub, &format, data, sizeof(data), 0,
					 stream_patience()), 0);
	zt_publisher_destroy(pub);
}

static const struct zt_test tests[] = {
	ZT_TEST(copies_each_raw_format),
	ZT_TEST(copies_packets),
	ZT_TEST(refuses_a_buffer_that_is_too_short),
	ZT_TEST(waits_as_a_loan_does),
};
ZT_TEST_MAIN(tests)
