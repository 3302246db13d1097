/* SPDX-License-Identifier: MIT */
/*
 * Completing a format: what was left 0 is filled in as promised, with padded
 * rows or packed ones, for even and odd sizes, and what was given is kept.
 */
#include <string.h>

#include <zoetrope/format.h>

#include "harness.h"

static struct zt_format blank(const char *name, uint32_t width, uint32_t height)
{
	return (struct zt_format){
		.fourcc = zt_format_by_name(name)->fourcc,
		.width = width,
		.height = height,
	};
}

static void assert_plane(const struct zt_format *f, unsigned int i,
			 uint64_t offset, uint32_t stride, uint64_t size)
{
	assert_int_equal(f->planes[i].offset, offset);
	assert_int_equal(f->planes[i].stride, stride);
	assert_int_equal(f->planes[i].size, size);
	assert_int_equal(f->planes[i].reserved, 0);
}

static void rows_are_aligned_and_planes_follow(void)
{
	struct zt_format f = blank("I420", 101, 51);

	assert_int_equal(zt_format_complete(&f), 0);
	assert_int_equal(f.plane_count, 3);
	assert_plane(&f, 0, 0, 128, 128 * 51);
	assert_plane(&f, 1, 6528, 64, 64 * 26);
	assert_plane(&f, 2, 8192, 64, 64 * 26);
	assert_plane(&f, 3, 0, 0, 0);
	assert_int_equal(f.payload_size, 9856);
	assert_int_equal(f.visible.x | f.visible.y, 0);
	assert_int_equal(f.visible.width, 101);
	assert_int_equal(f.visible.height, 51);

	f = blank("RGB24", 1920, 1080);
	assert_int_equal(zt_format_complete(&f), 0);
	assert_plane(&f, 0, 0, 5760, 6220800);
	assert_int_equal(f.payload_size, 6220800);
}

static void packed_rows_have_nothing_between(void)
{
	struct zt_format f = blank("YV12", 5, 3);

	assert_int_equal(zt_format_complete_packed(&f), 0);
	assert_plane(&f, 0, 0, 5, 15);
	assert_plane(&f, 1, 15, 3, 6);
	assert_plane(&f, 2, 21, 3, 6);
	assert_int_equal(f.payload_size, 27);

	f = blank("P010", 3, 3);
	assert_int_equal(zt_format_complete_packed(&f), 0);
	assert_plane(&f, 0, 0, 6, 18);
	assert_plane(&f, 1, 18, 8, 16);

	f = blank("YUYV", 5, 2);
	assert_int_equal(zt_format_complete_packed(&f), 0);
	assert_plane(&f, 0, 0, 12, 24);
}

static void packing_replaces_planes_and_size(void)
{
	struct zt_format f = blank("NV12", 100, 100), g;

	assert_int_equal(zt_format_complete(&f), 0);
	g = f;
	assert_int_equal(zt_format_complete_packed(&g), 0);
	assert_int_equal(g.payload_size, 15000);
	assert_int_equal(g.planes[1].stride, 100);

	memset(g.planes, 0xff, sizeof(g.planes));
	g.plane_count = 77;
	g.payload_size = UINT64_MAX;
	assert_int_equal(zt_format_complete_packed(&g), 0);
	assert_int_equal(g.payload_size, 15000);

	/* A packed format is complete as it is. */
	f = g;
	assert_int_equal(zt_format_complete(&g), 0);
	assert_memory_equal(&f, &g, sizeof(f));
}

static void no_planes_means_that_what_stands_there_does_not_count(void)
{
	struct zt_format f = blank("NV12", 64, 64);

	memset(f.planes, 0xff, sizeof(f.planes));
	assert_int_equal(zt_format_complete(&f), 0);
	assert_plane(&f, 0, 0, 64, 4096);
	assert_plane(&f, 1, 4096, 64, 2048);
	assert_plane(&f, 2, 0, 0, 0);
	assert_plane(&f, 3, 0, 0, 0);
}

static void what_was_given_is_kept(void)
{
	struct zt_format f = blank("NV12", 100, 100), before;

	f.interlacing = ZT_INTERLACING_TOP_FIRST;
	f.colour = (struct zt_colour){ 1, 255, 9, ZT_RANGE_LIMITED,
				       ZT_CHROMA_LEFT, { 0 } };
	f.frame_rate = (struct zt_fraction){ 30000, 1001 };
	f.pixel_aspect = (struct zt_fraction){ UINT32_MAX, 1 };
	f.visible = (struct zt_rect){ 2, 3, 98, 97 };
	f.payload_size = 100000;
	f.plane_count = 2;
	f.planes[0] = (struct zt_plane){ 30000, 12000, 111, 0 };
	f.planes[1] = (struct zt_plane){ 1, 0, 113, 0 };
	before = f;

	assert_int_equal(zt_format_complete(&f), 0);
	before.planes[1].size = 113 * 50;
	assert_memory_equal(&f, &before, sizeof(f));
}

static void the_payload_ends_with_the_last_plane(void)
{
	struct zt_format f = blank("NV12", 100, 100);

	f.plane_count = 2;
	f.planes[0] = (struct zt_plane){ .offset = 8000, .stride = 100 };
	f.planes[1] = (struct zt_plane){ .offset = 64, .stride = 100 };
	assert_int_equal(zt_format_complete(&f), 0);
	assert_int_equal(f.payload_size, 18000);

	/* Planes that only touch do not overlap. */
	f.planes[0].offset = 5064;
	f.payload_size = 0;
	assert_int_equal(zt_format_complete(&f), 0);
	assert_int_equal(f.payload_size, 15064);
}

static void a_larger_payload_is_kept(void)
{
	struct zt_format f = blank("GRAY8", 64, 64);

	f.payload_size = 4097;
	assert_int_equal(zt_format_complete(&f), 0);
	assert_int_equal(f.payload_size, 4097);
	assert_plane(&f, 0, 0, 64, 4096);

	f = blank("GRAY8", 64, 64);
	f.payload_size = UINT64_C(1) << 40;
	assert_int_equal(zt_format_complete(&f), 0);
}

static void a_packet_is_one_plane_without_rows(void)
{
	struct zt_format f = blank("H264", 1920, 1080), g;

	assert_int_equal(zt_format_complete(&f), 0);
	assert_int_equal(f.payload_size, 1920 * 1080 * 3 / 2 + 65536);
	assert_int_equal(f.plane_count, 1);
	assert_plane(&f, 0, 0, 0, f.payload_size);

	f = blank("MJPG", 3, 3);
	assert_int_equal(zt_format_complete(&f), 0);
	assert_int_equal(f.payload_size, 13 + 65536);

	/* Both sides at their most: the product exceeds 32 bits. */
	f = blank("PNG", 65536, 65536);
	assert_int_equal(zt_format_complete(&f), 0);
	assert_int_equal(f.payload_size, UINT64_C(6442450944) + 65536);

	f = blank("HEVC", 640, 480);
	f.payload_size = 1;
	assert_int_equal(zt_format_complete(&f), 0);
	assert_plane(&f, 0, 0, 0, 1);

	/* Packing changes nothing about a packet. */
	g = f;
	memset(g.planes, 0xff, sizeof(g.planes));
	assert_int_equal(zt_format_complete_packed(&g), 0);
	assert_memory_equal(&f, &g, sizeof(f));

	f = blank("HEVC", 640, 480);
	f.plane_count = 1;
	f.planes[0].size = 5000;
	assert_int_equal(zt_format_complete(&f), 0);
	assert_int_equal(f.payload_size, 5000);
}

static void check_layout(const struct zt_format_info *info,
			 const struct zt_format *f, uint32_t align)
{
	uint64_t end = 0;

	assert_int_equal(f->plane_count, info->plane_count);
	for (unsigned int p = 0; p < f->plane_count; p++) {
		const struct zt_plane *plane = &f->planes[p];
		size_t row = zt_format_row_bytes(info, f->width, p);

		assert_true(plane->stride >= row);
		assert_true(plane->stride < row + align);
		assert_int_equal(plane->stride % align, 0);
		assert_int_equal(plane->offset, end);
		assert_int_equal(plane->size, (uint64_t)plane->stride *
				 zt_format_rows(info, f->height, p));
		end = plane->offset + plane->size;
	}
	assert_int_equal(f->payload_size, end);
}

static void every_format_lays_out_every_size(void)
{
	static const uint32_t sides[] = {
		1, 2, 3, 5, 21, 63, 64, 65, 101, 640, 1079, 1080, 1920, 65535,
		65536,
	};
	const size_t count = sizeof(sides) / sizeof(sides[0]);
	const struct zt_format_info *info;

	for (size_t n = 0; (info = zt_format_by_index(n)); n++) {
		for (size_t i = 0; i < count * count; i++) {
			struct zt_format f = blank(info->name, sides[i % count],
						   sides[i / count]), g;

			assert_int_equal(zt_format_complete(&f), 0);
			g = f;
			assert_int_equal(zt_format_complete(&g), 0);
			assert_memory_equal(&f, &g, sizeof(f));
			if (info->kind == ZT_KIND_COMPRESSED)
				continue;
			check_layout(info, &f, ZT_STRIDE_ALIGN);
			assert_int_equal(zt_format_complete_packed(&f), 0);
			check_layout(info, &f, 1);
		}
	}
}

static const struct zt_test tests[] = {
	ZT_TEST(rows_are_aligned_and_planes_follow),
	ZT_TEST(packed_rows_have_nothing_between),
	ZT_TEST(packing_replaces_planes_and_size),
	ZT_TEST(no_planes_means_that_what_stands_there_does_not_count),
	ZT_TEST(what_was_given_is_kept),
	ZT_TEST(the_payload_ends_with_the_last_plane),
	ZT_TEST(a_larger_payload_is_kept),
	ZT_TEST(a_packet_is_one_plane_without_rows),
	ZT_TEST(every_format_lays_out_every_size),
};

ZT_TEST_MAIN(tests)
