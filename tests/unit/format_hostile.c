/* SPDX-License-Identifier: MIT */
/*
 * Hostile formats: whatever stands in the struct, completing it either refuses
 * it with the promised error and leaves it untouched, or every plane lies whole
 * inside the payload, apart from the others.
 */
#include <string.h>

#include <zoetrope/format.h>

#include "harness.h"

#define TIB (UINT64_C(1) << 40)

static struct zt_format good(const char *name)
{
	struct zt_format f = {
		.fourcc = zt_format_by_name(name)->fourcc,
		.width = 100,
		.height = 51,
	};

	assert_int_equal(zt_format_complete(&f), 0);
	return f;
}

static void assert_refused(const struct zt_format *format, int error)
{
	struct zt_format f = *format;

	assert_int_equal(zt_format_complete(&f), error);
	assert_memory_equal(&f, format, sizeof(f));
}

/* Change one member of a complete format, and have it refused. */
#define REFUSED(name, error, member, value)     \
	do {                                    \
		struct zt_format f_ = good(name); \
		f_.member = value;              \
		assert_refused(&f_, error);     \
	} while (0)

/* As above where packing, which takes no notice of planes, refuses it too. */
#define REFUSED_PACKED(name, member, value)                              \
	do {                                                             \
		struct zt_format f_ = good(name), g_;                    \
		f_.member = value;                                       \
		assert_refused(&f_, -EINVAL);                            \
		g_ = f_;                                                 \
		assert_int_equal(zt_format_complete_packed(&g_), -EINVAL); \
		assert_memory_equal(&f_, &g_, sizeof(f_));               \
	} while (0)

static void null_is_refused(void)
{
	assert_int_equal(zt_format_complete(NULL), -EINVAL);
	assert_int_equal(zt_format_complete_packed(NULL), -EINVAL);
}

static void unknown_codes_are_refused(void)
{
	REFUSED_PACKED("RGB24", fourcc, 0);
	REFUSED_PACKED("RGB24", fourcc, UINT32_MAX);
	REFUSED_PACKED("RGB24", fourcc, ZT_FOURCC('R', 'G', 'B', '3'));
}

static void sizes_out_of_range_are_refused(void)
{
	REFUSED_PACKED("RGB24", width, 0);
	REFUSED_PACKED("RGB24", height, 0);
	REFUSED_PACKED("RGB24", width, 65537);
	REFUSED_PACKED("RGB24", height, 65537);
	REFUSED_PACKED("RGB24", width, UINT32_MAX);
	REFUSED_PACKED("H264", width, 0);
	REFUSED_PACKED("H264", height, UINT32_MAX);
}

static void values_that_no_enum_has_are_refused(void)
{
	REFUSED_PACKED("RGB24", interlacing, 5);
	REFUSED_PACKED("RGB24", interlacing, UINT32_MAX);
	REFUSED_PACKED("RGB24", colour.range, 3);
	REFUSED_PACKED("RGB24", colour.chroma_siting, 7);
}

static void half_a_fraction_is_refused(void)
{
	REFUSED_PACKED("RGB24", frame_rate.num, 25);
	REFUSED_PACKED("RGB24", frame_rate.den, 1);
	REFUSED_PACKED("RGB24", pixel_aspect.num, 1);
	REFUSED_PACKED("RGB24", pixel_aspect.den, 1);
}

static void reserved_members_are_refused(void)
{
	for (int i = 0; i < 5; i++)
		REFUSED_PACKED("RGB24", reserved[i], 1);
	for (int i = 0; i < 3; i++)
		REFUSED_PACKED("RGB24", colour.reserved[i], 1);
	REFUSED("NV12", -EINVAL, planes[0].reserved, 1);
	REFUSED("NV12", -EINVAL, planes[1].reserved, 1);
	REFUSED("H264", -EINVAL, planes[0].reserved, 1);
}

static void unused_planes_are_refused(void)
{
	for (int i = 1; i < ZT_MAX_PLANES; i++) {
		REFUSED("RGB24", -EINVAL, planes[i].offset, 1);
		REFUSED("RGB24", -EINVAL, planes[i].size, 1);
		REFUSED("RGB24", -EINVAL, planes[i].stride, 1);
		REFUSED("RGB24", -EINVAL, planes[i].reserved, 1);
		REFUSED("H264", -EINVAL, planes[i].offset, 1);
	}
}

static void a_wrong_count_of_planes_is_refused(void)
{
	static const uint32_t counts[] = { 1, 3, 4, 5, UINT32_MAX };

	for (size_t i = 0; i < 5; i++)
		REFUSED("NV12", -EINVAL, plane_count, counts[i]);
	REFUSED("H264", -EINVAL, plane_count, 2);
	REFUSED("H264", -EINVAL, plane_count, UINT32_MAX);
}

static void a_visible_rectangle_outside_is_refused(void)
{
	static const struct zt_rect bad[] = {
		{ 0, 0, 101, 51 }, { 0, 0, 100, 52 }, { 1, 0, 100, 51 },
		{ 0, 1, 100, 51 }, { 100, 0, 1, 1 }, { 0, 51, 1, 1 },
		{ 0, 0, 0, 51 }, { 0, 0, 100, 0 }, { 1, 0, 0, 0 },
		{ 0, 1, 0, 0 }, { 99, 50, 0, 0 },
		{ UINT32_MAX, 0, 2, 1 }, { 0, UINT32_MAX, 1, 2 },
		{ 1, 0, UINT32_MAX, 1 }, { 0, 1, 1, UINT32_MAX },
	};
	struct zt_format f = good("I420");

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		REFUSED_PACKED("I420", visible, bad[i]);
	f.visible = (struct zt_rect){ 99, 50, 1, 1 };
	assert_int_equal(zt_format_complete(&f), 0);
}

static void rows_that_do_not_hold_the_picture_are_refused(void)
{
	REFUSED("RGB24", -EINVAL, planes[0].stride, 0);
	REFUSED("RGB24", -EINVAL, planes[0].stride, 299);
	REFUSED("NV12", -EINVAL, planes[1].stride, 99);
	REFUSED("RGB24", -EINVAL, planes[0].size, 320 * 51 - 1);
	REFUSED("RGB24", -EINVAL, planes[0].size, 1);
	REFUSED("NV12", -EINVAL, planes[1].size, 128 * 26 - 1);
	/* A longer stride needs more bytes than the plane says it has. */
	REFUSED("RGB24", -EINVAL, planes[0].stride, 321);
	REFUSED("RGB24", -EINVAL, planes[0].stride, UINT32_MAX);
}

static void planes_past_the_payload_are_refused(void)
{
	REFUSED("RGB24", -EINVAL, payload_size, 320 * 51 - 1);
	REFUSED("RGB24", -EINVAL, payload_size, 1);
	REFUSED("RGB24", -EINVAL, planes[0].offset, 1);
	REFUSED("NV12", -EINVAL, planes[1].offset, 128 * 51 + 1);
	REFUSED("RGB24", -EINVAL, planes[0].size, 320 * 51 + 1);
}

static void a_payload_too_small_for_the_layout_is_refused(void)
{
	struct zt_format f = good("NV12");

	f.plane_count = 0;
	f.payload_size--;
	assert_refused(&f, -EINVAL);
}

static void overlapping_planes_are_refused(void)
{
	REFUSED("NV12", -EINVAL, planes[1].offset, 0);
	REFUSED("NV12", -EINVAL, planes[1].offset, 128 * 51 - 1);
	REFUSED("I420", -EINVAL, planes[2].offset, 0);
	REFUSED("I420", -EINVAL, planes[2].offset, 128 * 51 + 1);
	REFUSED("I420", -EINVAL, planes[0].offset, 1);
	/* One inside the other, either way round. */
	REFUSED("NV12", -EINVAL, planes[0].size, 128 * 51 + 128 * 26);
	REFUSED("I420", -EINVAL, planes[1].offset, 64);
}

static void split_samples_are_refused(void)
{
	static const struct {
		const char *name;
		uint32_t wrong;
	} cases[] = {
		{ "GRAY16", 1 }, { "P010", 1 }, { "SRGGB10", 1 },
		{ "SRGGB12", 1 }, { "SRGGB16", 1 }, { "GRAYF32", 1 },
		{ "GRAYF32", 2 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct zt_format f = good(cases[i].name);

		f.payload_size *= 2;
		for (unsigned int p = 0; p < f.plane_count; p++) {
			f.planes[p].offset += cases[i].wrong;
			f.planes[p].size += 64;
		}
		f.planes[f.plane_count - 1].offset += 64;
		assert_refused(&f, -EINVAL);

		f = good(cases[i].name);
		f.payload_size = 0;
		f.planes[f.plane_count - 1].size = 0;
		f.planes[f.plane_count - 1].stride += cases[i].wrong;
		assert_refused(&f, -EINVAL);
	}
}

static void more_than_a_tib_is_an_overflow(void)
{
	struct zt_format f;

	REFUSED("RGB24", -EOVERFLOW, payload_size, TIB + 1);
	REFUSED("RGB24", -EOVERFLOW, payload_size, UINT64_MAX);
	REFUSED("RGB24", -EOVERFLOW, planes[0].offset, TIB);
	REFUSED("RGB24", -EOVERFLOW, planes[0].offset, UINT64_MAX);
	REFUSED("RGB24", -EOVERFLOW, planes[0].offset, UINT64_MAX - 320 * 51);
	REFUSED("RGB24", -EOVERFLOW, planes[0].size, TIB + 1);
	REFUSED("RGB24", -EOVERFLOW, planes[0].size, UINT64_MAX);
	REFUSED("NV12", -EOVERFLOW, planes[1].size, UINT64_MAX - 128 * 51 + 1);
	REFUSED("H264", -EINVAL, payload_size, TIB + 1);

	f = good("H264");
	f.payload_size = f.planes[0].size = TIB + 1;
	assert_refused(&f, -EOVERFLOW);
	f.plane_count = 0;
	assert_int_equal(zt_format_complete_packed(&f), -EOVERFLOW);

	f = good("RGB24");
	f.height = 65536;
	f.visible.height = 65536;
	f.planes[0].stride = UINT32_MAX;
	f.planes[0].size = f.payload_size = 0;
	assert_refused(&f, -EOVERFLOW);
}

static void a_packet_with_rows_is_refused(void)
{
	REFUSED("H264", -EINVAL, planes[0].offset, 1);
	REFUSED("H264", -EINVAL, planes[0].stride, 1);
	REFUSED("H264", -EINVAL, planes[0].size, 5);
	REFUSED("H264", -EINVAL, planes[0].size, UINT64_MAX);
	REFUSED("H264", -EINVAL, payload_size, 5);
}

/* What a reader of an accepted format relies on, in wider arithmetic. */
static void assert_safe(const struct zt_format *f)
{
	const struct zt_format_info *info = zt_format_info(f->fourcc);
	__extension__ typedef unsigned __int128 wide;

	assert_non_null(info);
	assert_in_range(f->width, 1, 65536);
	assert_in_range(f->height, 1, 65536);
	assert_in_range(f->payload_size, 1, TIB);
	assert_true((wide)f->visible.x + f->visible.width <= f->width);
	assert_true((wide)f->visible.y + f->visible.height <= f->height);
	assert_true(f->visible.width && f->visible.height);
	assert_int_equal(f->plane_count, info->plane_count);
	for (unsigned int i = 0; i < f->plane_count; i++) {
		const struct zt_plane *p = &f->planes[i];
		wide end = (wide)p->offset + p->size;

		assert_true(end <= f->payload_size);
		assert_true(p->size >= (wide)p->stride *
				       zt_format_rows(info, f->height, i));
		assert_true(p->stride >=
			    zt_format_row_bytes(info, f->width, i));
		for (unsigned int k = 0; k < i; k++) {
			const struct zt_plane *q = &f->planes[k];

			assert_true(end <= q->offset ||
				    (wide)q->offset + q->size <= p->offset);
		}
	}
}

static uint64_t next_random(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

/* Numbers near those that matter, more often than not. */
static uint64_t nasty(uint64_t *seed, uint64_t was)
{
	static const uint64_t edges[] = {
		0, 1, 2, 63, 64, 65536, UINT32_MAX, TIB, INT64_MAX, UINT64_MAX,
	};
	uint64_t r = next_random(seed);

	switch (r % 4) {
	case 0:
		return was + (r >> 8) % 5 - 2;
	case 1:
		return edges[(r >> 8) % 10] + (r >> 16) % 3 - 1;
	case 2:
		return was ^ UINT64_C(1) << (r >> 8) % 64;
	default:
		return next_random(seed) >> (r >> 8) % 64;
	}
}

static void spoil(struct zt_format *f, uint64_t *seed)
{
	uint64_t r = next_random(seed);
	struct zt_plane *p = &f->planes[(r >> 8) % ZT_MAX_PLANES];
	uint32_t *word = (uint32_t *)f + (r >> 16) % (sizeof(*f) / 4);

	switch (r % 8) {
	case 0:
	case 1:
		p->offset = nasty(seed, p->offset);
		break;
	case 2:
		p->size = nasty(seed, p->size);
		break;
	case 3:
		p->stride = (uint32_t)nasty(seed, p->stride);
		break;
	case 4:
		f->payload_size = nasty(seed, f->payload_size);
		break;
	case 5:
		f->height = (uint32_t)nasty(seed, f->height);
		break;
	case 6:
		f->plane_count = 0;
		break;
	default:
		*word = (uint32_t)nasty(seed, *word);
	}
}

static void whatever_is_accepted_is_safe(void)
{
	uint64_t seed = UINT64_C(0x5a4f45);
	unsigned int accepted = 0, refused = 0;
	size_t count = 0;

	while (zt_format_by_index(count))
		count++;
	for (unsigned int n = 0; n < 400000; n++) {
		const struct zt_format_info *info =
			zt_format_by_index(n % count);
		struct zt_format f = good(info->name), before;

		for (uint64_t i = next_random(&seed) % 4; i; i--)
			spoil(&f, &seed);
		before = f;
		if (zt_format_complete(&f) == 0) {
			assert_safe(&f);
			before = f;
			assert_int_equal(zt_format_complete(&f), 0);
			accepted++;
		} else {
			refused++;
		}
		assert_memory_equal(&f, &before, sizeof(f));
	}
	/* Else the loop tried only one side. */
	assert_true(accepted > 50000 && refused > 50000);
}

static const struct zt_test tests[] = {
	ZT_TEST(null_is_refused),
	ZT_TEST(unknown_codes_are_refused),
	ZT_TEST(sizes_out_of_range_are_refused),
	ZT_TEST(values_that_no_enum_has_are_refused),
	ZT_TEST(half_a_fraction_is_refused),
	ZT_TEST(reserved_members_are_refused),
	ZT_TEST(unused_planes_are_refused),
	ZT_TEST(a_wrong_count_of_planes_is_refused),
	ZT_TEST(a_visible_rectangle_outside_is_refused),
	ZT_TEST(rows_that_do_not_hold_the_picture_are_refused),
	ZT_TEST(planes_past_the_payload_are_refused),
	ZT_TEST(a_payload_too_small_for_the_layout_is_refused),
	ZT_TEST(overlapping_planes_are_refused),
	ZT_TEST(split_samples_are_refused),
	ZT_TEST(more_than_a_tib_is_an_overflow),
	ZT_TEST(a_packet_with_rows_is_refused),
	ZT_TEST(whatever_is_accepted_is_safe),
};

ZT_TEST_MAIN(tests)
