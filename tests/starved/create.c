/* SPDX-License-Identifier: MIT */
/*
 * Each call that creating and destroying a publisher makes fails in turn: the
 * error comes back with a reason, nothing is left, and the name can be had at
 * the next try.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "starve.h"
#include "stream.h"

/* Nothing but the lock stands in the runtime directory. */
static void check_directory(void)
{
	char path[300];

	snprintf(path, sizeof(path), "%s/cam0.sock", getenv("ZOETROPE_DIR"));
	if (access(path, F_OK) == 0)
		fail_msg("after %s failed with %s, the socket is left",
			 starve_call(), strerrorname_np(starve_error()));
	snprintf(path, sizeof(path), "%s/cam0.sock.new",
		 getenv("ZOETROPE_DIR"));
	if (!starve_lasts() && access(path, F_OK) == 0)
		fail_msg("after %s failed with %s, the new socket is left",
			 starve_call(), strerrorname_np(starve_error()));
}

static void try_create(const struct zt_publisher_options *options)
{
	struct zt_publisher *pub = NULL;
	char reason[ZT_REASON_MAX] = "";
	int r;

	starve_as(STARVE_PUBLISHER);
	starve_begin();
	r = zt_publisher_create("cam0", options, &pub, reason);
	starve_end();
	if (starve_judge("create", r, reason)) {
		stream_publish(pub, NULL);
		zt_publisher_destroy(pub);
	} else {
		assert_null(pub);
	}
	check_directory();
	pub = stream_create("cam0", options);
	assert_true(stream_stats(pub).epoch > 1);
	stream_publish(pub, NULL);
	zt_publisher_destroy(pub);
}

static void create(uint32_t flags)
{
	struct zt_format format = stream_small();
	struct zt_publisher_options options = {
		.size = sizeof(options), .flags = flags, .format = &format,
		.group = getegid() ? getegid() : 1,
	};

	try_create(&options);
}

static void create_without_thread(void)
{
	create(ZT_PUBLISHER_NO_THREAD);
}

static void without_a_thread(void)
{
	starve_each(STARVE_PUBLISHER, create_without_thread);
}

static void create_with_thread(void)
{
	create(0);
}

static void with_a_thread(void)
{
	starve_each(STARVE_PUBLISHER, create_with_thread);
}

static const struct zt_test tests[] = {
	ZT_TEST(without_a_thread),
	ZT_TEST(with_a_thread),
};
ZT_TEST_MAIN(tests)
