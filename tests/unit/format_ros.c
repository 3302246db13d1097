/* SPDX-License-Identifier: MIT */
/*
 * Formats as ROS defines them: each encoding that a row names is one of
 * sensor_msgs/image_encodings, and the row has its channels, its bits and its
 * order of samples.
 */
#include "format_witness.h"
#include "harness.h"

/*
 * From image_encodings.hpp of sensor_msgs: numChannels(), bitDepth(), and (in
 * halves) getHeightScaling() of each encoding. The order of samples is in the
 * name, but for the 4:2:2 ones, which the header refers to V4L2's UYVY and
 * YUYV, and NV12 and NV21, likewise. is_bigendian of our messages is 0.
 */
static const struct encoding {
	const char *name, *format;
	unsigned int channels, bits, half_heights;
	const char *order;
} encodings[] = {
	{ "rgb8", "RGB24", 3, 8, 2, "RGB" },
	{ "bgr8", "BGR24", 3, 8, 2, "BGR" },
	{ "rgba8", "RGBA", 4, 8, 2, "RGBA" },
	{ "bgra8", "BGRA", 4, 8, 2, "BGRA" },
	{ "mono8", "GRAY8", 1, 8, 2, "Y" },
	{ "mono16", "GRAY16", 1, 16, 2, "Y" },
	{ "32FC1", "GRAYF32", 1, 32, 2, "Y" },
	{ "yuv422", "UYVY", 2, 8, 2, "UYVY" },
	{ "yuv422_yuy2", "YUYV", 2, 8, 2, "YUYV" },
	{ "nv12", "NV12", 1, 8, 3, "YUV" },
	{ "nv21", "NV21", 1, 8, 3, "YVU" },
	{ "bayer_rggb8", "SRGGB8", 1, 8, 2, "RGGB" },
	{ "bayer_grbg8", "SGRBG8", 1, 8, 2, "GRBG" },
	{ "bayer_gbrg8", "SGBRG8", 1, 8, 2, "GBRG" },
	{ "bayer_bggr8", "SBGGR8", 1, 8, 2, "BGGR" },
	{ "bayer_rggb16", "SRGGB16", 1, 16, 2, "RGGB" },
	{ "bayer_grbg16", "SGRBG16", 1, 16, 2, "GRBG" },
	{ "bayer_gbrg16", "SGBRG16", 1, 16, 2, "GBRG" },
	{ "bayer_bggr16", "SBGGR16", 1, 16, 2, "BGGR" },
};

#define ENCODINGS (sizeof(encodings) / sizeof(encodings[0]))

static void every_encoding_is_one_of_ros(void)
{
	const struct zt_format_info *info;
	size_t with_an_encoding = 0;

	for (size_t i = 0; i < ENCODINGS; i++) {
		info = zt_format_by_name(encodings[i].format);
		assert_non_null(info);
		assert_non_null(info->ros);
		assert_string_equal(info->ros, encodings[i].name);
	}
	for (size_t i = 0; (info = zt_format_by_index(i)); i++)
		with_an_encoding += info->ros != NULL;
	assert_int_equal(with_an_encoding, ENCODINGS);
}

static void samples_lie_in_ros_order(void)
{
	for (size_t i = 0; i < ENCODINGS; i++) {
		const struct witness *w = witness_of(encodings[i].format);
		char ours[16] = "";

		for (int p = 0; p < 3 && w->plane[p]; p++)
			strcat(ours, w->plane[p]);
		assert_string_equal(ours, encodings[i].order);
		assert_int_equal(w->sample_bytes * 8, encodings[i].bits);
	}
}

/* A message's data is `height` times half_heights / 2 rows of
   width * channels * bits / 8 bytes: our packed payload. */
static void packed_payloads_are_a_messages_data(void)
{
	for (size_t i = 0; i < ENCODINGS; i++) {
		const struct encoding *e = &encodings[i];
		struct zt_format f = {
			.fourcc = zt_format_by_name(e->format)->fourcc,
			.width = 322,
			.height = 242,
		};
		size_t step = 322 * e->channels * e->bits / 8;

		assert_int_equal(zt_format_info(f.fourcc)->bits, e->bits);
		assert_int_equal(zt_format_complete_packed(&f), 0);
		assert_int_equal(f.planes[0].stride, step);
		assert_int_equal(f.payload_size,
				 step * 242 * e->half_heights / 2);
	}
}

static const struct zt_test tests[] = {
	ZT_TEST(every_encoding_is_one_of_ros),
	ZT_TEST(samples_lie_in_ros_order),
	ZT_TEST(packed_payloads_are_a_messages_data),
};

ZT_TEST_MAIN(tests)
