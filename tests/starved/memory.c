/* SPDX-License-Identifier: MIT */
/*
 * A process that may have no more memory: address space (RLIMIT_AS), file size
 * (RLIMIT_FSIZE, which shared memory counts against), a cgroup's limit. What
 * does not fit is refused in words, and what was there before works on.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sanitizers.h"
#include "stream.h"

#define MIB (UINT64_C(1) << 20)

static void check_refused(int r, const char *reason, const char *limit)
{
	printf("%s: %s\n", strerrorname_np(-r), reason);
	assert_int_equal(r, -ENOMEM);
	if (!strstr(reason, limit))
		fail_msg("the reason does not name %s: %s", limit, reason);
}

/* A frame that is too large for now does not get in the way of others. */
static void try_growth(struct zt_publisher *pub, const char *limit)
{
	struct zt_format big = stream_sized(64 * MIB);
	struct zt_loan *loan;

	check_refused(zt_loan(pub, &big, 0, &loan), zt_publisher_reason(pub),
		      limit);
	stream_publish(pub, NULL);
}

static rlim_t address_space(void)
{
	FILE *file = fopen("/proc/self/statm", "re");
	unsigned long pages = 0;

	assert_non_null(file);
	assert_int_equal(fscanf(file, "%lu", &pages), 1);
	fclose(file);
	return pages * (rlim_t)sysconf(_SC_PAGESIZE);
}

static void leave_address_space(rlim_t bytes)
{
	struct rlimit limit;

	assert_int_equal(getrlimit(RLIMIT_AS, &limit), 0);
	limit.rlim_cur = bytes == RLIM_INFINITY ? limit.rlim_max :
						  address_space() + bytes;
	assert_int_equal(setrlimit(RLIMIT_AS, &limit), 0);
}

static void need_address_space(void)
{
	if (ADDRESS_SANITIZER || THREAD_SANITIZER)
		harness_skip("a sanitizer needs all the address space itself");
}

static void address_space_of_a_publisher(void)
{
	struct zt_format format = stream_sized(MIB);
	struct zt_publisher_options options = {
		.size = sizeof(options), .format = &format,
	};
	struct zt_publisher *pub = NULL;
	char reason[ZT_REASON_MAX] = "";

	need_address_space();
	for (rlim_t left = 0; !pub; left += 256 << 10) {
		int r;

		leave_address_space(left);
		r = zt_publisher_create("cam0", &options, &pub, reason);
		leave_address_space(RLIM_INFINITY);
		if (r == 0)
			break;
		/* EAGAIN: no room for a thread's stack */
		if ((r != -ENOMEM && r != -EAGAIN) || !strlen(reason))
			fail_msg("with %ju bytes left it is told %s (%s)",
				 (uintmax_t)left, strerrorname_np(-r), reason);
		assert_null(pub);
	}
	leave_address_space(32 * MIB);
	try_growth(pub, "RLIMIT_AS");
	leave_address_space(RLIM_INFINITY);
	zt_publisher_destroy(pub);
}

static void address_space_of_a_subscriber(void)
{
	struct stream_source source = {
		.name = "cam0", .format = stream_sized(4 * MIB), .frames = 1,
	};
	struct zt_subscriber *sub = NULL;
	char reason[ZT_REASON_MAX] = "";
	struct harness_peer publisher;

	need_address_space();
	source.options.format = &source.format;
	publisher = stream_source_start(&source);
	harness_expect_event(publisher.fd, 1);
	for (rlim_t left = 0; !sub; left += 512 << 10) {
		int r;

		leave_address_space(left);
		r = stream_try_open("cam0", NULL, &sub, reason);
		leave_address_space(RLIM_INFINITY);
		if (r < 0)
			check_refused(r, reason, "");
	}
	stream_expect(sub, 1);
	zt_subscriber_close(sub);
	assert_true(harness_send_event(publisher.fd, 0));
	assert_int_equal(harness_reap(&publisher), 0);
}

/* Nor is anybody killed by SIGXFSZ. */
static void file_size(void)
{
	struct zt_format format = stream_sized(4 * MIB);
	struct zt_publisher_options options = {
		.size = sizeof(options), .format = &format,
	};
	struct rlimit usual, limit;
	struct zt_publisher *pub = NULL;
	char reason[ZT_REASON_MAX] = "";

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &usual), 0);
	limit = usual;
	limit.rlim_cur = 2 * MIB;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	check_refused(zt_publisher_create("cam0", &options, &pub, reason),
		      reason, "RLIMIT_FSIZE");
	assert_null(pub);
	pub = stream_create("cam0", NULL);
	try_growth(pub, "RLIMIT_FSIZE");
	zt_publisher_destroy(pub);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &usual), 0);
}

static void no_file_at_all(void)
{
	struct zt_publisher *pub = NULL;
	char reason[ZT_REASON_MAX] = "";
	struct rlimit usual, limit;
	int r;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &usual), 0);
	limit = usual;
	limit.rlim_cur = 0;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	r = zt_publisher_create("cam0", NULL, &pub, reason);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &usual), 0);
	printf("%s\n", reason);
	assert_true(r == -EFBIG && strlen(reason) > 0);
	zt_publisher_destroy(stream_create("cam0", NULL));
}

static bool write_file(const char *directory, const char *file,
		       const char *text)
{
	char path[512];
	bool good;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", directory, file);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	good = write(fd, text, strlen(text)) == (ssize_t)strlen(text);
	close(fd);
	return good;
}

/* Make a cgroup with a limit: of v1, or of v2 where memory is delegated. */
static bool make_cgroup(char path[256], const char *limit)
{
	static const char *const places[][2] = {
		{ "/sys/fs/cgroup/memory", "memory.limit_in_bytes" },
		{ "/sys/fs/cgroup", "memory.max" },
	};

	for (size_t i = 0; i < 2; i++) {
		snprintf(path, 256, "%s/zoetrope-test-%d", places[i][0],
			 (int)getpid());
		if (mkdir(path, 0755) < 0)
			continue;
		if (write_file(path, places[i][1], limit))
			return true;
		rmdir(path);
	}
	return false;
}

static int live_in_cgroup(int fd, void *argument)
{
	struct zt_publisher *pub;
	char self[32];

	snprintf(self, sizeof(self), "%d", (int)getpid());
	assert_true(write_file(argument, "cgroup.procs", self));
	pub = stream_create("cam0", NULL);
	try_growth(pub, "cgroup");
	zt_publisher_destroy(pub);
	return harness_send_event(fd, 0) ? 0 : 1;
}

static void of_a_cgroup(void)
{
	struct harness_peer peer;
	char path[256];
	int status;

	if (!make_cgroup(path, "33554432"))
		harness_skip("no memory cgroup can be made here");
	peer = harness_spawn(live_in_cgroup, path);
	status = harness_reap(&peer);
	harness_until(rmdir(path) == 0);
	assert_int_equal(status, 0);
}

static const struct zt_test tests[] = {
	ZT_TEST(address_space_of_a_publisher),
	ZT_TEST(address_space_of_a_subscriber),
	ZT_TEST(file_size),
	ZT_TEST(no_file_at_all),
	ZT_TEST(of_a_cgroup),
};
ZT_TEST_MAIN(tests)
