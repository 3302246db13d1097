/* SPDX-License-Identifier: MIT */
/*
 * Each call that creating and destroying a publisher makes fails in turn: the
 * error comes back with a reason, nothing is left, and the name can be had at
 * the next try.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "starve.h"
#include "stream.h"

static uint32_t epoch;		/* of the publisher before */

/* Nothing but the lock stands in the runtime directory. */
static void check_directory(void)
{
	const char *directory = getenv("ZOETROPE_DIR");
	char path[300];

	if (!directory)
		directory = "zoetrope";
	snprintf(path, sizeof(path), "%s/cam0.sock", directory);
	if (access(path, F_OK) == 0)
		fail_msg("after %s failed with %s, the socket is left",
			 starve_call(), strerrorname_np(starve_error()));
	snprintf(path, sizeof(path), "%s/cam0.sock.new", directory);
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
	assert_true(stream_stats(pub).epoch > epoch);
	epoch = stream_stats(pub).epoch;
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

/* The user's own runtime directory, in which ours is to be made. */
static void create_directory(void)
{
	char path[] = "zoetrope/cam0.lock";

	unlink(path);
	rmdir("zoetrope");
	epoch = 0;
	create(0);
}

static void with_its_directory(void)
{
	char *directory = getcwd(NULL, 0);

	setenv("XDG_RUNTIME_DIR", directory, 1);
	unsetenv("ZOETROPE_DIR");
	free(directory);
	starve_each(STARVE_PUBLISHER, create_directory);
}

/* What a publisher does for the sake of fork() was not done at first. */
static void a_child_of_one_that_was_short(void)
{
	struct zt_publisher *pub;
	int status;
	pid_t pid;

	starve_each(STARVE_PUBLISHER, create_without_thread);
	pub = stream_create("cam0", NULL);
	pid = fork();
	if (pid == 0)
		_exit(zt_publisher_subscribers(pub) == -ECHILD ? 0 : 1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	zt_publisher_destroy(pub);
}

static const struct zt_test tests[] = {
	ZT_TEST(without_a_thread),
	ZT_TEST(with_a_thread),
	ZT_TEST(with_its_directory),
	ZT_TEST(a_child_of_one_that_was_short),
};
ZT_TEST_MAIN(tests)
