/* SPDX-License-Identifier: MIT */
/*
 * The smallest headroom for shared memory is found, whatever sets it. Each
 * test lays out the files of a machine in its working directory.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness.h"
#include "os/limits.h"

#define MIB (UINT64_C(1) << 20)
#define GIB (UINT64_C(1) << 30)

/* What is left to others: a 32nd, but at most 256 MiB. */
#define LESS_RESERVE(limit, free) ((free) - (limit) / 32)

static void put(const char *path, const char *text)
{
	char copy[256], *slash;
	FILE *file;

	snprintf(copy, sizeof(copy), "%s", path);
	for (slash = strchr(copy, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		mkdir(copy, 0700);
		*slash = '/';
	}
	file = fopen(path, "we");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

/* A directory of a cgroup: its limit and usage in bytes, and droppable. */
static void put_v2(const char *directory, const char *limit, uint64_t usage,
		   uint64_t inactive)
{
	char path[256], text[128];

	snprintf(path, sizeof(path), "%s/memory.max", directory);
	snprintf(text, sizeof(text), "%s\n", limit);
	put(path, text);
	snprintf(path, sizeof(path), "%s/memory.current", directory);
	snprintf(text, sizeof(text), "%llu\n", (unsigned long long)usage);
	put(path, text);
	snprintf(path, sizeof(path), "%s/memory.stat", directory);
	snprintf(text, sizeof(text),
		 "anon 4096\ninactive_file_not 1\ninactive_file %llu\nx 1\n",
		 (unsigned long long)inactive);
	put(path, text);
}

static void put_v1(const char *directory, const char *limit, uint64_t usage,
		   uint64_t inactive)
{
	char path[256], text[128];

	snprintf(path, sizeof(path), "%s/memory.limit_in_bytes", directory);
	snprintf(text, sizeof(text), "%s\n", limit);
	put(path, text);
	snprintf(path, sizeof(path), "%s/memory.usage_in_bytes", directory);
	snprintf(text, sizeof(text), "%llu\n", (unsigned long long)usage);
	put(path, text);
	snprintf(path, sizeof(path), "%s/memory.stat", directory);
	snprintf(text, sizeof(text),
		 "inactive_file 99\ntotal_inactive_file %llu\n",
		 (unsigned long long)inactive);
	put(path, text);
}

static void put_cgroups(const char *cgroup, const char *mountinfo)
{
	put("proc/self/cgroup", cgroup);
	put("proc/self/mountinfo", mountinfo);
}

static const char v2_mount[] =
	"22 1 0:20 / /proc rw - proc proc rw\n"
	"30 22 0:26 / /cg rw,nosuid shared:9 master:2 - cgroup2 cgroup2 rw\n";

static void expect(uint64_t bytes, const char *limit)
{
	struct zti_headroom headroom;

	zti_limits_headroom_at(".", 4096, &headroom);
	if (headroom.bytes != bytes || !strstr(headroom.limit, limit))
		fail_msg("%llu by \"%s\", not %llu by \"%s\"",
			 (unsigned long long)headroom.bytes, headroom.limit,
			 (unsigned long long)bytes, limit);
}

static void what_cannot_be_read_does_not_limit(void)
{
	expect(UINT64_MAX, "nothing");
	assert_int_equal(zti_limits_check_at(".", UINT64_MAX, 1, NULL), 0);
	put("proc/meminfo", "");
	put_cgroups("", "");
	expect(UINT64_MAX, "nothing");
	put("proc/meminfo", "MemAvailable\nMemAvailable: many kB\n"
	    "MemAvailable:99999999999999999999999 kB\nMemAvailable");
	put_cgroups("0\n0:\n::\n0::relative\n\n:::::\n",
		    "30\n - \n30 1 0:26 / - cgroup2 cgroup2 rw\n"
		    "30 1 0:26 / /cg rw - cgroup2\n- - - - - - - - - -\n");
	expect(UINT64_MAX, "nothing");
	put_cgroups("0::/\n", v2_mount);
	put("cg/memory.max", "-1\n");
	put("cg/memory.current", "words\n");
	expect(UINT64_MAX, "nothing");
}

static void the_machines_free_memory(void)
{
	put("proc/meminfo", "MemTotal:        1048576 kB\n"
	    "MemFree:            1000 kB\nMemAvailable:     524288 kB\n");
	expect(LESS_RESERVE(GIB, GIB / 2), "free memory (MemAvailable)");
	put("proc/meminfo", "MemTotal:       67108864 kB\n"
	    "MemAvailable:   33554432 kB\n");
	expect(32 * GIB - 256 * MIB, "free memory (MemAvailable)");
	put("proc/meminfo", "MemTotal: 1048576 kB\nMemAvailable: 1000 kB\n");
	expect(0, "free memory (MemAvailable)");
}

static void the_machines_commit_limit(void)
{
	put("proc/meminfo", "MemAvailable: 4194304 kB\n"
	    "CommitLimit: 2097152 kB\nCommitted_AS: 1048576 kB\n");
	put("proc/sys/vm/overcommit_memory", "0\n");
	expect(4 * GIB, "MemAvailable");
	put("proc/sys/vm/overcommit_memory", "2\n");
	expect(GIB, "commit limit");
}

static void every_cgroup_above_us_v2(void)
{
	put_cgroups("1:name=systemd:/elsewhere\n0::/a/b/c\n", v2_mount);
	put_v2("cg/a/b/c", "max", 100 * MIB, 0);
	put_v2("cg/a/b", "1073741824", 200 * MIB, 0);
	expect(LESS_RESERVE(GIB, GIB - 200 * MIB), "of cgroup /a/b");
	put_v2("cg/a/b/c", "524288000", 100 * MIB, 0);
	expect(LESS_RESERVE(500 * MIB, 400 * MIB), "of cgroup /a/b/c");
	put_v2("cg/a", "4294967296", 4 * GIB - 150 * MIB, 0);
	expect(150 * MIB - 128 * MIB, "of cgroup /a");
	/* The root of a container's own view has a limit, too. */
	put_v2("cg", "33554432", 32 * MIB, 0);
	expect(0, "of cgroup /");
}

static void what_can_be_dropped_counts_as_free(void)
{
	put_cgroups("0::/a\n", v2_mount);
	put_v2("cg/a", "1073741824", GIB, 512 * MIB);
	expect(LESS_RESERVE(GIB, 512 * MIB), "of cgroup /a");
	put_v2("cg/a", "1073741824", GIB, 2 * GIB);
	expect(LESS_RESERVE(GIB, GIB), "of cgroup /a");
	put("cg/a/memory.stat", "");
	expect(0, "of cgroup /a");
	unlink("cg/a/memory.stat");
	expect(0, "of cgroup /a");
}

static void every_cgroup_above_us_v1(void)
{
	put_cgroups("9:cpu,memoryless:/no\n4:hugetlb,memory:/a/b\n"
		    "3:cpuset:/no\n",
		    "31 23 0:28 / /cpu rw - cgroup cgroup rw,cpu,cpuacct\n"
		    "32 23 0:29 / /mem rw - cgroup cgroup rw,hugetlb,memory\n");
	put_v1("mem", "9223372036854771712", 5 * GIB, 0);
	expect(UINT64_MAX, "nothing");
	put_v1("mem/a", "1073741824", 600 * MIB, 100 * MIB);
	put_v1("mem/a/b", "9223372036854771712", GIB, 0);
	put_v1("cpu/a", "1", 1, 0);
	expect(LESS_RESERVE(GIB, GIB - 500 * MIB), "of cgroup /a");
}

/* As systemd's hybrid layout has it. */
static void both_generations_at_once(void)
{
	put_cgroups("4:memory:/a\n0::/b\n",
		    "31 23 0:28 / /mem rw - cgroup cgroup rw,memory\n"
		    "32 23 0:29 / /uni rw - cgroup2 cgroup2 rw\n");
	put_v1("mem/a", "1073741824", 0, 0);
	put("uni/b/cgroup.procs", "1\n");
	expect(LESS_RESERVE(GIB, GIB), "of cgroup /a");
	put_v2("uni/b", "536870912", 0, 0);
	expect(LESS_RESERVE(GIB / 2, GIB / 2), "of cgroup /b");
}

static void mounts_that_show_a_part(void)
{
	/* A container without a cgroup namespace sees its own as the root. */
	put_cgroups("0::/docker/abc/x\n",
		    "30 22 0:26 /docker/abcd /other rw - cgroup2 c rw\n"
		    "30 22 0:26 /docker/ab /other rw - cgroup2 c rw\n"
		    "31 22 0:26 /docker/abc /own rw - cgroup2 c rw\n");
	put_v2("other/x", "4096", 0, 0);
	put_v2("other", "4096", 0, 0);
	put_v2("own/x", "max", 0, 0);
	put_v2("own", "1073741824", 0, 0);
	expect(LESS_RESERVE(GIB, GIB), "of cgroup /docker/abc");
	put_cgroups("0::/docker/abc\n",
		    "31 22 0:26 /docker/abc /own rw - cgroup2 c rw\n");
	expect(LESS_RESERVE(GIB, GIB), "of cgroup /docker/abc");
	/* Nothing of ours in sight. */
	put_cgroups("0::/else\n",
		    "31 22 0:26 /docker/abc /own rw - cgroup2 c rw\n");
	expect(UINT64_MAX, "nothing");
}

static void roots_outside_of_the_namespace(void)
{
	put_v2("cg", "1073741824", 0, 0);
	put_v2("cg/a", "4096", 0, 0);
	/* A mount from above the namespace: its root holds for us. */
	put_cgroups("0::/a\n", "31 2 0:26 /../.. /cg rw - cgroup2 c rw\n");
	expect(LESS_RESERVE(GIB, GIB), "of cgroup /cg");
	/* A mount from beside it; and a process beside the mount. */
	put_cgroups("0::/a\n", "31 2 0:26 /../b /cg rw - cgroup2 c rw\n");
	expect(UINT64_MAX, "nothing");
	put_cgroups("0::/../a\n", v2_mount);
	expect(UINT64_MAX, "nothing");
}

static void what_is_missing_on_the_way(void)
{
	/* Our own cgroup is not shown, one above it is. */
	put_cgroups("0::/a/gone/gone\n", v2_mount);
	put_v2("cg/a", "1073741824", 0, 0);
	expect(LESS_RESERVE(GIB, GIB), "of cgroup /a");
	/* Mount points are written with escapes. */
	put_cgroups("0::/a\n",
		    "31 2 0:26 / /my\\040cg\\134 rw - cgroup2 c rw\n");
	put_v2("my cg\\/a", "536870912", 0, 0);
	expect(LESS_RESERVE(GIB / 2, GIB / 2), "of cgroup /a");
	put_cgroups("0::/a\n", "31 2 0:26 / /cg\\0 rw - cgroup2 c rw\n");
	expect(UINT64_MAX, "nothing");
}

static void file_size_limits_each_object(void)
{
	struct zti_headroom headroom;
	struct rlimit limit;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = 8 * MIB;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	zti_limits_headroom_at(".", 8 * MIB, &headroom);
	assert_int_equal(headroom.bytes, UINT64_MAX);
	zti_limits_headroom_at(".", 8 * MIB + 1, &headroom);
	assert_int_equal(headroom.bytes, 8 * MIB);
	assert_non_null(strstr(headroom.limit, "RLIMIT_FSIZE"));
	assert_int_equal(zti_limits_check_at(".", GIB, 8 * MIB, NULL), 0);
	assert_int_equal(zti_limits_check_at(".", GIB, 9 * MIB, NULL),
			 -ENOMEM);
	assert_int_equal(zti_limits_check_at(".", 0, 9 * MIB, NULL), -ENOMEM);
}

static void address_space_less_what_is_used(void)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	struct zti_headroom headroom;
	struct rlimit limit;

	put("proc/self/statm", "1000 200 30 4 0 5 0\n");
	assert_int_equal(getrlimit(RLIMIT_AS, &limit), 0);
	limit.rlim_cur = (rlim_t)1 << 50;
	assert_int_equal(setrlimit(RLIMIT_AS, &limit), 0);
	zti_limits_headroom_at(".", 1, &headroom);
	assert_int_equal(headroom.bytes, (UINT64_C(1) << 50) - 1000 * page);
	assert_non_null(strstr(headroom.limit, "RLIMIT_AS"));
}

static void refusals_are_in_words(void)
{
	char reason[ZT_REASON_MAX] = "";

	put("proc/meminfo", "MemAvailable: 307200 kB\n");
	assert_int_equal(zti_limits_check_at(".", 300 * MIB, 1, reason), 0);
	assert_string_equal(reason, "");
	assert_int_equal(zti_limits_check_at(".", 1230 * MIB, 1, reason),
			 -ENOMEM);
	assert_string_equal(reason, "needs 1.2 GiB of shared memory, but the "
		"machine's free memory (MemAvailable) leaves 300.0 MiB: free "
		"some, or use fewer or smaller slots");
	put("proc/meminfo", "MemAvailable: 0 kB\n");
	assert_int_equal(zti_limits_check_at(".", 1023, 1, reason), -ENOMEM);
	assert_non_null(strstr(reason, "needs 1023 bytes of"));
	assert_int_equal(zti_limits_check_at(".", UINT64_MAX, 1, reason),
			 -ENOMEM);
	assert_non_null(strstr(reason, "needs 16777216.0 TiB of"));
}

/* The longest paths leave room for what to do. */
static void long_names_are_cut_in_front(void)
{
	char reason[ZT_REASON_MAX], cgroup[256], directory[256];

	snprintf(cgroup, sizeof(cgroup), "0::/%0150d/unit\n", 0);
	snprintf(directory, sizeof(directory), "cg/%0150d/unit", 0);
	put_cgroups(cgroup, v2_mount);
	put_v2(directory, "1048576", 0, 0);
	assert_int_equal(zti_limits_check_at(".", GIB, 1, reason), -ENOMEM);
	assert_non_null(strstr(reason, "of cgroup ...000"));
	assert_non_null(strstr(reason, "00/unit leaves 992.0 KiB: raise it, "
			       "or use fewer or smaller slots"));
}

static void this_machine_answers(void)
{
	struct zti_headroom headroom;
	char reason[ZT_REASON_MAX] = "";

	zti_limits_headroom(4096, &headroom);
	print_message("here: %llu MiB by %s\n",
		      (unsigned long long)(headroom.bytes / MIB),
		      headroom.limit);
	assert_true(headroom.bytes > 0 && headroom.bytes < UINT64_MAX);
	assert_int_equal(zti_limits_check(4096, 4096, reason), 0);
	assert_int_equal(zti_limits_check(UINT64_MAX, 4096, reason), -ENOMEM);
	assert_true(reason[0] != '\0');
}

static const struct zt_test tests[] = {
	ZT_TEST(what_cannot_be_read_does_not_limit),
	ZT_TEST(the_machines_free_memory),
	ZT_TEST(the_machines_commit_limit),
	ZT_TEST(every_cgroup_above_us_v2),
	ZT_TEST(what_can_be_dropped_counts_as_free),
	ZT_TEST(every_cgroup_above_us_v1),
	ZT_TEST(both_generations_at_once),
	ZT_TEST(mounts_that_show_a_part),
	ZT_TEST(roots_outside_of_the_namespace),
	ZT_TEST(what_is_missing_on_the_way),
	ZT_TEST(file_size_limits_each_object),
	ZT_TEST(address_space_less_what_is_used),
	ZT_TEST(refusals_are_in_words),
	ZT_TEST(long_names_are_cut_in_front),
	ZT_TEST(this_machine_answers),
};
ZT_TEST_MAIN(tests)
