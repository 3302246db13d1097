/* SPDX-License-Identifier: MIT */
/*
 * Numbers with units: what the command line takes is what it says it takes,
 * nothing else passes, and what is refused leaves the value alone.
 */
#include <string.h>

#include <zoetrope/publisher.h>

#include "audience.h"
#include "delivery.h"
#include "units.h"

#include "harness.h"

static char reason[ZT_REASON_MAX];

static int64_t duration(const char *text)
{
	int64_t value = -1;

	assert_int_equal(units_duration(text, &value, reason), 0);
	return value;
}

static uint64_t size(const char *text)
{
	uint64_t value = 0;

	assert_int_equal(units_size(text, &value, reason), 0);
	return value;
}

static void durations_have_units(void)
{
	assert_int_equal(duration("500ms"), 500000000);
	assert_int_equal(duration("5s"), 5000000000);
	assert_int_equal(duration("5"), 5000000000);
	assert_int_equal(duration("1.5"), 1500000000);
	assert_int_equal(duration("100us"), 100000);
	assert_int_equal(duration("7ns"), 7);
	assert_int_equal(duration("2m"), 120000000000);
	assert_int_equal(duration("1h"), 3600000000000);
	assert_int_equal(duration("0"), 0);
	assert_int_equal(duration("0.25 ms"), 250000);
}

static void sizes_have_units(void)
{
	assert_int_equal(size("4096"), 4096);
	assert_int_equal(size("64K"), 65536);
	assert_int_equal(size("64k"), 65536);
	assert_int_equal(size("512M"), 512 << 20);
	assert_int_equal(size("512MiB"), 512 << 20);
	assert_int_equal(size("4G"), 4ULL << 30);
	assert_int_equal(size("1.5K"), 1536);
	assert_int_equal(size("2kB"), 2000);
	assert_int_equal(size("1GB"), 1000000000);
}

static void what_is_no_number_is_refused(void)
{
	static const char *const bad[] = {
		"", " ", "-1", "+1", "s", "1x", "1 2", "0x10", "1e3", "1.",
		".5", "1..5", "inf", "nan", "99999999999999999999",
		"18446744073709551615h", "1s ", "9999999999999999h",
	};
	int64_t duration = 42;
	uint64_t bytes = 42;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		reason[0] = '\0';
		assert_int_equal(units_duration(bad[i], &duration, reason),
				 -EINVAL);
		assert_true(strlen(reason) > 10);
		assert_int_equal(units_size(bad[i], &bytes, reason), -EINVAL);
	}
	assert_int_equal(duration, 42);
	assert_int_equal(bytes, 42);
}

static void counts_begin_at_one(void)
{
	uint64_t count = 42;
	uint32_t small = 42;

	assert_int_equal(units_count("1", &count, reason), 0);
	assert_int_equal(count, 1);
	assert_int_equal(units_count("0", &count, reason), -EINVAL);
	assert_int_equal(units_count("3x", &count, reason), -EINVAL);
	assert_int_equal(units_count32("4294967295", &small, reason), 0);
	assert_int_equal(small, UINT32_MAX);
	assert_int_equal(units_count32("4294967296", &small, reason), -EINVAL);
	assert_int_equal(small, UINT32_MAX);
	assert_int_equal(units_size32("4G", &small, reason), -EINVAL);
}

static void rates_are_fractions(void)
{
	static const struct {
		const char *text;
		uint32_t num, den;
	} good[] = {
		{ "30", 30, 1 }, { "29.97", 2997, 100 }, { "0.5", 5, 10 },
		{ "30000/1001", 30000, 1001 }, { "24:1", 24, 1 },
	};
	static const char *const bad[] = {
		"0", "0/1", "1/0", "-3", "30/", "/30", "3/1/1", "30.", "max ",
		"4294967296", "1.1234567", "",
	};
	struct rate rate = { 0 };

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_int_equal(units_rate(good[i].text, &rate, reason), 0);
		assert_int_equal(rate.fps.num, good[i].num);
		assert_int_equal(rate.fps.den, good[i].den);
		assert_false(rate.max);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(units_rate(bad[i], &rate, reason), -EINVAL);
	assert_int_equal(units_rate("max", &rate, reason), 0);
	assert_true(rate.max);
}

static void pictures_have_two_sides(void)
{
	struct dimensions size = { 0 };

	assert_int_equal(units_dimensions("1920x1080", &size, reason), 0);
	assert_int_equal(size.width, 1920);
	assert_int_equal(size.height, 1080);
	assert_int_equal(units_dimensions("65536X1", &size, reason), 0);
	assert_int_equal(units_dimensions("65537x1", &size, reason), -EINVAL);
	assert_int_equal(units_dimensions("0x1", &size, reason), -EINVAL);
	assert_int_equal(units_dimensions("1x", &size, reason), -EINVAL);
	assert_int_equal(units_dimensions("1x1x1", &size, reason), -EINVAL);
	assert_int_equal(size.width, 65536);
}

static void modes_are_octal(void)
{
	mode_t mode = 0;

	assert_int_equal(units_mode("0660", &mode, reason), 0);
	assert_int_equal(mode, 0660);
	assert_int_equal(units_mode("777", &mode, reason), 0);
	assert_int_equal(units_mode("1777", &mode, reason), -EINVAL);
	assert_int_equal(units_mode("8", &mode, reason), -EINVAL);
	assert_int_equal(units_mode("", &mode, reason), -EINVAL);
	assert_int_equal(units_mode("0", &mode, reason), -EINVAL);
}

static void groups_have_names_or_numbers(void)
{
	gid_t group = 42;

	assert_int_equal(units_group("root", &group, reason), 0);
	assert_int_equal(group, 0);
	assert_int_equal(units_group("123", &group, reason), 0);
	assert_int_equal(group, 123);
	assert_int_equal(units_group("no such group", &group, reason), -EINVAL);
	assert_int_equal(units_group("4294967295", &group, reason), -EINVAL);
	assert_int_equal(group, 123);
}

static void evictions_can_be_off(void)
{
	uint64_t after = 0;

	assert_int_equal(units_duration_or_never("never", &after, reason), 0);
	assert_true(after == ZT_NEVER);
	assert_int_equal(units_duration_or_never("0", &after, reason), 0);
	assert_true(after == ZT_NEVER);
	assert_int_equal(units_duration_or_never("5s", &after, reason), 0);
	assert_int_equal(after, 5000000000);
	assert_int_equal(units_duration_or_never("Never", &after, reason),
			 -EINVAL);
}

static void numbers_are_printed_for_people(void)
{
	char text[16];

	assert_string_equal(units_duration_text(850, text), "850 ns");
	assert_string_equal(units_duration_text(85300, text), "85.3 us");
	assert_string_equal(units_duration_text(999999, text), "1.0 ms");
	assert_string_equal(units_duration_text(1234567890, text), "1.2 s");
	assert_string_equal(units_duration_text(7200000000000, text),
			    "120 min");
	assert_string_equal(units_duration_text(UINT64_MAX, text),
			    "307445735 min");
	assert_string_equal(units_size_text(1023, text), "1023 B");
	assert_string_equal(units_size_text(6220800, text), "5.9 MiB");
	assert_string_equal(units_size_text(1048575, text), "1.0 MiB");
	assert_string_equal(units_size_text(UINT64_MAX, text),
			    "16777216.0 TiB");
}

static void audiences_add_up(void)
{
	struct audience audience = { 0 };

	assert_int_equal(audience_parse("latest:2,queue/4:1,lossless/8:3",
					&audience, reason), 0);
	assert_int_equal(audience.subscribers, 6);
	assert_int_equal(audience.reserve, 2 + 4 + 24);
	assert_int_equal(audience.shallowest, 8);
	assert_int_equal(audience_parse("latest/3,queue", &audience, reason),
			 0);
	assert_int_equal(audience.subscribers, 2);
	assert_int_equal(audience.reserve, 3 + 4);
	assert_int_equal(audience.shallowest, 0);
}

static void no_audience_is_refused(void)
{
	static const char *const bad[] = {
		"", ",", "newest", "latest:", "latest:0", "queue/", "queue/0",
		"queue:2/4", "latest:100001", "latest,none",
		"lossless/100000:100000",
	};
	struct audience audience = { .subscribers = 42 };

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(audience_parse(bad[i], &audience, reason),
				 -EINVAL);
	assert_int_equal(audience.subscribers, 42);
}

static void deliveries_have_names(void)
{
	uint32_t delivery = 42;

	for (uint32_t i = 0; i < 3; i++) {
		assert_int_equal(delivery_parse(delivery_name(i), &delivery,
						reason), 0);
		assert_int_equal(delivery, i);
	}
	assert_int_equal(delivery_parse("Latest", &delivery, reason), -EINVAL);
	assert_string_equal(delivery_name(3), "?");
}

static const struct zt_test tests[] = {
	ZT_TEST(durations_have_units),
	ZT_TEST(sizes_have_units),
	ZT_TEST(what_is_no_number_is_refused),
	ZT_TEST(counts_begin_at_one),
	ZT_TEST(rates_are_fractions),
	ZT_TEST(pictures_have_two_sides),
	ZT_TEST(modes_are_octal),
	ZT_TEST(groups_have_names_or_numbers),
	ZT_TEST(evictions_can_be_off),
	ZT_TEST(numbers_are_printed_for_people),
	ZT_TEST(audiences_add_up),
	ZT_TEST(no_audience_is_refused),
	ZT_TEST(deliveries_have_names),
};
ZT_TEST_MAIN(tests)
