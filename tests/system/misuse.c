/* SPDX-License-Identifier: MIT */
/* A caller's mistakes give errors, in words where there is room for them. */
#include <limits.h>
#include <string.h>

#include "stream.h"

static int create(const char *name, const struct zt_publisher_options *options,
		  char *reason)
{
	struct zt_publisher *pub = NULL;
	int r = zt_publisher_create(name, options, &pub, reason);

	assert_null(pub);
	return r;
}

static int open_it(const char *name, const struct zt_subscriber_options *options,
		   char *reason)
{
	struct zt_subscriber *sub = NULL;
	int r = zt_subscriber_open(name, options, &sub, reason);

	assert_null(sub);
	return r;
}

/* A sentence: words, no newline, no full stop. */
static void check_sentence(const char *reason)
{
	size_t length = strlen(reason);

	assert_true(length > 10 && length < ZT_REASON_MAX);
	assert_null(strchr(reason, '\n'));
	assert_true(reason[length - 1] != '.');
	assert_non_null(strchr(reason, ' '));
}

static void names_are_checked(void)
{
	static const char *const wrong[] = {
		"", ".", ".cam0", "cam 0", "cam/0", "../cam0", "caméra",
		("12345678901234567890123456789012345678901234567890"
		 "123456789012345"),
	};
	struct zt_publisher_options options = { .size = sizeof(options) };
	struct zt_subscriber_options reading = { .size = sizeof(reading) };
	struct zt_monitor *monitor = NULL;

	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		char reason[ZT_REASON_MAX];

		reason[0] = '\0';
		assert_int_equal(create(wrong[i], &options, reason), -EINVAL);
		check_sentence(reason);
		reason[0] = '\0';
		assert_int_equal(open_it(wrong[i], &reading, reason), -EINVAL);
		check_sentence(reason);
		reason[0] = '\0';
		assert_int_equal(zt_monitor_open(wrong[i], 0, &monitor, reason),
				 -EINVAL);
		check_sentence(reason);
	}
	assert_int_equal(create(NULL, &options, NULL), -EINVAL);
	assert_int_equal(open_it(NULL, &reading, NULL), -EINVAL);
	assert_int_equal(zt_monitor_open(NULL, 0, &monitor, NULL), -EINVAL);
}

static void all_that_a_name_may_be(void)
{
	static const char *const right[] = {
		"a", "A.b_c-9", "-", "_",
		("1234567890123456789012345678901234567890"
		 "123456789012345678901234"),
	};

	for (size_t i = 0; i < sizeof(right) / sizeof(*right); i++) {
		struct zt_publisher *pub = stream_create(right[i], NULL);
		struct zt_subscriber *sub = stream_open(right[i], NULL);

		zt_subscriber_close(sub);
		zt_publisher_destroy(pub);
	}
}

static void options_of_publishers_are_checked(void)
{
	static const struct zt_format bad_format = { .fourcc = 1 };
	static const struct zt_publisher_options wrong[] = {
		{ .flags = 1U << 31 },
		{ .loans = 17 },
		{ .slots = 65 },
		{ .metadata_size = (1 << 20) + 1 },
		{ .mode = 01000 },
		{ .format = &bad_format },
	};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		struct zt_publisher_options options = wrong[i];
		char reason[ZT_REASON_MAX] = "";

		options.size = sizeof(options);
		assert_int_equal(create("cam0", &options, reason), -EINVAL);
		check_sentence(reason);
	}
}

static void options_of_subscribers_are_checked(void)
{
	static const struct zt_subscriber_options wrong[] = {
		{ .delivery = 3 },
		{ .held = 65 },
		{ .delivery = ZT_QUEUE, .depth = 65 },
		{ .flags = 1U << 31 },
	};
	struct zt_publisher *pub = stream_create("cam0", NULL);

	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		struct zt_subscriber_options options = wrong[i];
		char reason[ZT_REASON_MAX] = "";

		options.size = sizeof(options);
		assert_int_equal(open_it("cam0", &options, reason), -EINVAL);
		check_sentence(reason);
	}
	zt_publisher_destroy(pub);
}

/* As if a program were built against a later version of the library. */
static void options_of_the_future_are_refused_where_used(void)
{
	struct {
		struct zt_publisher_options known;
		uint64_t unknown;
	} options = { .known.size = sizeof(options) };
	struct {
		struct zt_subscriber_options known;
		uint64_t unknown;
	} reading = { .known.size = sizeof(reading) };
	char reason[ZT_REASON_MAX] = "";
	struct zt_publisher *pub;
	struct zt_subscriber *sub;

	options.unknown = 1;
	assert_int_equal(create("cam0", &options.known, reason), -E2BIG);
	check_sentence(reason);
	options.unknown = 0;
	assert_int_equal(zt_publisher_create("cam0", &options.known, &pub,
					     reason), 0);
	reading.unknown = 1;
	assert_int_equal(open_it("cam0", &reading.known, reason), -E2BIG);
	check_sentence(reason);
	reading.unknown = 0;
	assert_int_equal(zt_subscriber_open("cam0", &reading.known, &sub,
					    reason), 0);
	zt_subscriber_close(sub);
	zt_publisher_destroy(pub);
}

static void formats_are_checked(void)
{
	struct zt_publisher *pub = stream_create_bare("cam0", NULL);
	struct zt_format format = stream_small();
	struct zt_loan *loan = NULL;

	/* The first one has to be named. */
	assert_int_equal(zt_loan(pub, NULL, 0, &loan), -EINVAL);
	check_sentence(zt_publisher_reason(pub));
	format.width = 0;
	assert_int_equal(zt_loan(pub, &format, 0, &loan), -EINVAL);
	check_sentence(zt_publisher_reason(pub));
	format = stream_small();
	format.fourcc = ZT_FOURCC('?', '?', '?', '?');
	assert_int_equal(zt_loan(pub, &format, 0, &loan), -EINVAL);
	check_sentence(zt_publisher_reason(pub));
	assert_null(loan);

	/* A mistake does not change what NULL means. */
	format = stream_small();
	stream_publish(pub, &format);
	format.width = 0;
	assert_int_equal(zt_loan(pub, &format, 0, &loan), -EINVAL);
	loan = stream_loan(pub, NULL);
	assert_int_equal(loan->format.width, 64);
	zt_discard(pub, loan);
	zt_publisher_destroy(pub);
}

/* Each ends a loan, or none: the next one is always to be had. */
static void strange_loans_are_refused(void)
{
	static const struct zt_publisher_options options = {
		.metadata_size = 32,
	};
	struct zt_publisher *pub = stream_create("cam0", &options);
	struct zt_publisher *other = stream_create("cam1", NULL);
	struct zt_subscriber *sub = stream_open("cam0", NULL);
	struct zt_format format = stream_small();
	struct zt_loan copy, *loan, *inside;

	loan = stream_loan(pub, &format);
	inside = (struct zt_loan *)(void *)((char *)loan + 8);
	assert_int_equal(zt_publish(pub, NULL), -EINVAL);
	assert_int_equal(zt_publish(NULL, loan), -EINVAL);
	copy = *loan;
	assert_int_equal(zt_publish(pub, &copy), -EINVAL);
	assert_int_equal(zt_publish(other, loan), -EINVAL);
	assert_int_equal(zt_publish(pub, inside), -EINVAL);
	zt_discard(other, loan);
	zt_discard(pub, &copy);
	stream_paint(loan, 1);
	assert_int_equal(zt_publish(pub, loan), 0);
	/* Twice. */
	assert_int_equal(zt_publish(pub, loan), -EINVAL);
	zt_discard(pub, loan);
	stream_expect(sub, 1);

	loan = stream_loan(pub, &format);
	loan->bytes_used = loan->format.payload_size + 1;
	assert_int_equal(zt_publish(pub, loan), -EINVAL);
	loan = stream_loan(pub, &format);
	loan->metadata_used = 33;
	assert_int_equal(zt_publish(pub, loan), -EINVAL);
	loan = stream_loan(pub, &format);
	loan->clock = ZT_CLOCK_REALTIME + 1;
	assert_int_equal(zt_publish(pub, loan), -EINVAL);
	stream_expect_error(sub, -EAGAIN);
	assert_int_equal(stream_publish(pub, &format), 2);
	stream_expect(sub, 2);
	zt_subscriber_close(sub);
	zt_publisher_destroy(other);
	zt_publisher_destroy(pub);
}

static void missing_objects_are_refused(void)
{
	struct zt_publisher *pub = stream_create("cam0", NULL);
	struct zt_subscriber *sub = stream_open("cam0", NULL);
	struct zt_publisher_stats stats = { 0 };
	struct zt_subscriber_stats reading = { 0 };
	struct zt_format format = stream_small();
	const struct zt_frame *frame;
	struct zt_loan *loan;

	assert_int_equal(zt_publisher_create("cam1", NULL, NULL, NULL),
			 -EINVAL);
	assert_int_equal(zt_subscriber_open("cam0", NULL, NULL, NULL),
			 -EINVAL);
	assert_int_equal(zt_loan(NULL, &format, 0, &loan), -EINVAL);
	assert_int_equal(zt_loan(pub, &format, 0, NULL), -EINVAL);
	assert_int_equal(zt_take(NULL, 0, &frame), -EINVAL);
	assert_int_equal(zt_take(sub, 0, NULL), -EINVAL);
	assert_int_equal(zt_publisher_get_stats(pub, NULL), -EINVAL);
	assert_int_equal(zt_publisher_get_stats(pub, &stats), -EINVAL);
	assert_int_equal(zt_subscriber_get_stats(sub, &reading), -EINVAL);
	assert_int_equal(zt_publisher_subscribers(NULL), -EINVAL);
	assert_int_equal(zt_publisher_wait_subscribers(NULL, 0, 0), -EINVAL);
	assert_int_equal(zt_subscriber_fd(NULL), -EINVAL);
	/* These are for publishers without a thread. */
	assert_int_equal(zt_publisher_fd(pub), -EINVAL);
	assert_int_equal(zt_publisher_dispatch(pub), -EINVAL);
	zt_subscriber_close(NULL);
	zt_publisher_destroy(NULL);
	zt_monitor_close(NULL);
	zt_subscriber_close(sub);
	zt_publisher_destroy(pub);
}

/* A caller of an older version is given what it has room for. */
static void stats_fill_what_there_is_room_for(void)
{
	struct zt_publisher *pub = stream_create("cam0", NULL);
	struct {
		size_t size;
		uint64_t published, guard;
	} old = { .size = 16, .guard = 42 };
	struct zt_format format = stream_small();

	stream_publish(pub, &format);
	assert_int_equal(zt_publisher_get_stats(
		pub, (struct zt_publisher_stats *)(void *)&old), 0);
	assert_int_equal(old.published, 1);
	assert_int_equal(old.size, 16);
	assert_int_equal(old.guard, 42);
	zt_publisher_destroy(pub);
}

/* With the largest numbers that there are. */
static void extremes_do_no_harm(void)
{
	static const struct zt_subscriber_options options = {
		.spin_ns = UINT64_MAX, .join_timeout_ns = UINT64_MAX,
		.min_interval_ns = UINT64_MAX,
	};
	static const struct zt_publisher_options publishing = {
		.spin_ns = UINT64_MAX, .evict_after_ns = UINT64_MAX - 1,
		.max_memory = UINT64_MAX, .max_connections = UINT_MAX,
		.max_connections_per_uid = UINT_MAX,
	};
	struct zt_publisher *pub = stream_create("cam0", &publishing);
	struct zt_subscriber *sub = stream_open("cam0", &options);
	struct zt_format format = stream_small();
	const struct zt_frame *frame;

	stream_publish(pub, &format);
	assert_int_equal(zt_take(sub, INT64_MAX, &frame), 0);
	zt_release(frame);
	stream_publish(pub, &format);
	assert_int_equal(zt_take(sub, 1, &frame), -ETIMEDOUT);
	assert_int_equal(zt_publisher_wait_subscribers(pub, 1, INT64_MAX), 0);
	zt_subscriber_close(sub);
	zt_publisher_destroy(pub);
}

static const struct zt_test tests[] = {
	ZT_TEST(names_are_checked),
	ZT_TEST(all_that_a_name_may_be),
	ZT_TEST(options_of_publishers_are_checked),
	ZT_TEST(options_of_subscribers_are_checked),
	ZT_TEST(options_of_the_future_are_refused_where_used),
	ZT_TEST(formats_are_checked),
	ZT_TEST(strange_loans_are_refused),
	ZT_TEST(missing_objects_are_refused),
	ZT_TEST(stats_fill_what_there_is_room_for),
	ZT_TEST(extremes_do_no_harm),
};
ZT_TEST_MAIN(tests)
