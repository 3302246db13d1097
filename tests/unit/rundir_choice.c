/* SPDX-License-Identifier: MIT */
/* Which runtime directory is used, how it is made, and which are refused. */
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <zoetrope/error.h>

#include "harness.h"
#include "os/rundir.h"

/* A user that no machine has, so that its directory in /tmp is ours. */
#define STRANGER 1978041519

static char path[ZTI_RUNDIR_PATH_MAX];
static char reason[ZT_REASON_MAX];

/* The absolute path of a name in the working directory. */
static const char *here(const char *name)
{
	static char absolute[PATH_MAX];
	char directory[PATH_MAX / 2];

	assert_non_null(getcwd(directory, sizeof(directory)));
	snprintf(absolute, sizeof(absolute), "%s/%s", directory, name);
	return absolute;
}

static void set(const char *variable, const char *value)
{
	assert_int_equal(setenv(variable, value, 1), 0);
}

static void assert_contains(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("\"%s\" does not say \"%s\"", text, part);
	assert_null(strchr(text, '\n'));
	assert_true(text[strlen(text) - 1] != '.');
}

static void assert_refused(int error, const char *words)
{
	reason[0] = '\0';
	assert_int_equal(zti_rundir_open_publisher(path, reason), error);
	assert_contains(reason, words);
	assert_int_equal(zti_rundir_open_publisher(path, NULL), error);
}

static void assert_opens(const char *expected, mode_t mode)
{
	struct stat opened, named;
	int fd = zti_rundir_open_publisher(path, reason);

	if (fd < 0)
		fail_msg("%s", reason);
	assert_string_equal(path, expected);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(fstat(fd, &opened), 0);
	assert_int_equal(stat(expected, &named), 0);
	assert_int_equal(opened.st_ino, named.st_ino);
	assert_int_equal(opened.st_mode, S_IFDIR | mode);
	close(fd);
}

static void only_names_that_are_safe_in_a_path(void)
{
	char longest[66];

	memset(longest, 'x', 65);
	longest[64] = '\0';
	assert_int_equal(zti_stream_name_check("cam0"), 0);
	assert_int_equal(zti_stream_name_check("a"), 0);
	assert_int_equal(zti_stream_name_check("-A.z_9-"), 0);
	assert_int_equal(zti_stream_name_check(longest), 0);
	longest[64] = 'x';
	longest[65] = '\0';
	assert_int_equal(zti_stream_name_check(longest), -EINVAL);
	assert_int_equal(zti_stream_name_check(NULL), -EINVAL);
	assert_int_equal(zti_stream_name_check(""), -EINVAL);
	assert_int_equal(zti_stream_name_check("."), -EINVAL);
	assert_int_equal(zti_stream_name_check(".."), -EINVAL);
	assert_int_equal(zti_stream_name_check(".cam"), -EINVAL);
	assert_int_equal(zti_stream_name_check("a/b"), -EINVAL);
	assert_int_equal(zti_stream_name_check("a b"), -EINVAL);
	assert_int_equal(zti_stream_name_check("cam\n"), -EINVAL);
	assert_int_equal(zti_stream_name_check("caméra"), -EINVAL);
}

static void the_directory_that_is_set(void)
{
	set("ZOETROPE_DIR", here("new"));
	set("XDG_RUNTIME_DIR", here("."));
	umask(077);
	assert_opens(here("new"), 0755);
	/* One that was there before is not changed. */
	assert_int_equal(chmod("new", 0710), 0);
	assert_opens(here("new"), 0710);
}

static void what_is_set_must_be_usable(void)
{
	char longest[ZTI_RUNDIR_PATH_MAX + 1];

	set("ZOETROPE_DIR", "new");
	assert_refused(-EINVAL, "not an absolute path");
	assert_int_equal(zti_rundir_open_reader(0, path), -EINVAL);
	assert_string_equal(path, "new");

	memset(longest, '/', sizeof(longest) - 1);
	longest[ZTI_RUNDIR_PATH_MAX] = '\0';
	set("ZOETROPE_DIR", longest);
	assert_refused(-ENAMETOOLONG, "ZOETROPE_DIR to a shorter one");
	assert_int_equal(zti_rundir_open_reader(0, path), -ENAMETOOLONG);
	assert_string_equal(path, "");
	longest[ZTI_RUNDIR_PATH_MAX - 1] = '\0';
	set("ZOETROPE_DIR", longest);
	assert_int_equal(zti_rundir_reader_count(), 1);
	close(zti_rundir_open_reader(0, path));
	assert_string_equal(path, longest);

	set("ZOETROPE_DIR", "/nonexistent/zoetrope");
	assert_refused(-ENOENT, "its parent is missing");
	set("ZOETROPE_DIR", "/dev/null");
	assert_refused(-ENOTDIR, "something else has that name");
}

static void the_users_runtime_directory(void)
{
	assert_int_equal(unsetenv("ZOETROPE_DIR"), 0);
	set("XDG_RUNTIME_DIR", here("."));
	umask(0);
	assert_opens(here("./zoetrope"), 0700);
	assert_int_equal(zti_rundir_reader_count(), 2);
	close(zti_rundir_open_reader(0, path));
	assert_string_equal(path, here("./zoetrope"));
	/* Empty is not set. */
	set("ZOETROPE_DIR", "");
	assert_opens(here("./zoetrope"), 0700);
}

static void the_runtime_directory_must_be_our_own(void)
{
	assert_int_equal(unsetenv("ZOETROPE_DIR"), 0);
	set("XDG_RUNTIME_DIR", here("missing"));
	close(zti_rundir_open_reader(0, path));
	assert_null(strstr(path, "missing"));
	set("XDG_RUNTIME_DIR", ".");
	close(zti_rundir_open_reader(0, path));
	assert_int_equal(path[0], '/');
	if (geteuid() != 0)
		harness_skip("only root can give a directory away");

	assert_int_equal(mkdir("theirs", 0700), 0);
	assert_int_equal(chown("theirs", STRANGER, (gid_t)-1), 0);
	set("XDG_RUNTIME_DIR", here("theirs"));
	close(zti_rundir_open_reader(0, path));
	assert_string_equal(path, "/run/zoetrope");
	assert_int_equal(mkdir("ours", 0700), 0);
	assert_int_equal(mkdir("ours/zoetrope", 0700), 0);
	assert_int_equal(chown("ours/zoetrope", STRANGER, (gid_t)-1), 0);
	set("XDG_RUNTIME_DIR", here("ours"));
	assert_refused(-EPERM, "belongs to uid 1978041519, not to us (uid 0)");
}

static void readers_look_in_the_systems_too(void)
{
	int fd;

	assert_int_equal(zti_rundir_reader_count(), 1);
	fd = zti_rundir_open_reader(0, path);
	assert_true(fd >= 0);
	assert_string_equal(path, getenv("ZOETROPE_DIR"));
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	close(fd);
	set("ZOETROPE_DIR", here("missing"));
	assert_int_equal(zti_rundir_open_reader(0, path), -ENOENT);
	assert_string_equal(path, here("missing"));

	assert_int_equal(unsetenv("ZOETROPE_DIR"), 0);
	assert_int_equal(zti_rundir_reader_count(), geteuid() == 0 ? 1 : 2);
	close(zti_rundir_open_reader(zti_rundir_reader_count() - 1, path));
	assert_string_equal(path, "/run/zoetrope");
}

/* Makes the machine's own, if it has none, for this moment. */
static void roots_is_the_systems(void)
{
	bool there = access("/run/zoetrope", F_OK) == 0;
	int fd;

	if (geteuid() != 0)
		harness_skip("this is about root");
	assert_int_equal(unsetenv("ZOETROPE_DIR"), 0);
	umask(077);
	if (!there) {
		assert_opens("/run/zoetrope", 0755);
	} else {
		fd = zti_rundir_open_publisher(path, reason);
		assert_true(fd >= 0);
		close(fd);
	}
	assert_string_equal(path, "/run/zoetrope");
	if (!there)
		rmdir("/run/zoetrope");
}

/* ------------------------------------------------------------------------
 * /tmp, where anyone can come first. A peer becomes the stranger.
 */

static const char in_tmp[] = "/tmp/zoetrope-1978041519";

static void run_as_stranger(harness_peer_fn run)
{
	struct harness_peer peer;

	if (geteuid() != 0)
		harness_skip("only root can become another user");
	assert_int_equal(unsetenv("ZOETROPE_DIR"), 0);
	peer = harness_spawn(run, NULL);
	assert_int_equal(harness_reap(&peer), 0);
}

static void become_stranger(void)
{
	assert_int_equal(setresgid(STRANGER, STRANGER, STRANGER), 0);
	assert_int_equal(setresuid(STRANGER, STRANGER, STRANGER), 0);
}

static void clear_tmp(void)
{
	unlink(in_tmp);
	rmdir(in_tmp);
}

static int make_in_tmp(int unused, void *argument)
{
	int fd, other;

	(void)unused;
	(void)argument;
	become_stranger();
	umask(0);
	assert_int_equal(zti_rundir_open_reader(0, path), -ENOENT);
	assert_string_equal(path, in_tmp);
	assert_opens(in_tmp, 0700);
	assert_int_equal(zti_rundir_reader_count(), 2);
	fd = zti_rundir_open_reader(0, path);
	assert_true(fd >= 0);
	close(fd);

	/* While a publisher has it open, cleaners leave it alone. */
	other = open(in_tmp, O_RDONLY | O_DIRECTORY);
	assert_int_equal(flock(other, LOCK_EX | LOCK_NB), 0);
	assert_int_equal(flock(other, LOCK_UN), 0);
	fd = zti_rundir_open_publisher(path, reason);
	assert_int_equal(flock(other, LOCK_EX | LOCK_NB), -1);
	assert_int_equal(errno, EWOULDBLOCK);
	close(fd);
	close(other);

	/* Ours, but someone made it writable. */
	assert_int_equal(chmod(in_tmp, 0770), 0);
	assert_refused(-EPERM, "others can write to /tmp/zoetrope-");
	assert_int_equal(zti_rundir_open_reader(0, path), -EPERM);
	return 0;
}

static void others_have_one_in_tmp(void)
{
	clear_tmp();
	run_as_stranger(make_in_tmp);
	clear_tmp();
}

static int find_a_trap(int unused, void *argument)
{
	(void)unused;
	(void)argument;
	become_stranger();
	assert_refused(-EPERM, "belongs to uid 0, not to us (uid 1978041519)");
	assert_int_equal(zti_rundir_open_reader(0, path), -EPERM);
	return 0;
}

static int find_a_link(int unused, void *argument)
{
	(void)unused;
	(void)argument;
	become_stranger();
	assert_refused(-ENOTDIR, "something else has that name");
	assert_int_equal(zti_rundir_open_reader(0, path), -ENOTDIR);
	return 0;
}

static void traps_in_tmp_are_refused(void)
{
	clear_tmp();
	if (geteuid() == 0)
		assert_int_equal(mkdir(in_tmp, 0777), 0);
	run_as_stranger(find_a_trap);
	clear_tmp();
	assert_int_equal(mkdir("target", 0700), 0);
	assert_int_equal(chown("target", STRANGER, STRANGER), 0);
	assert_int_equal(symlink(here("target"), in_tmp), 0);
	run_as_stranger(find_a_link);
	clear_tmp();
}

static const struct zt_test tests[] = {
	ZT_TEST(only_names_that_are_safe_in_a_path),
	ZT_TEST(the_directory_that_is_set),
	ZT_TEST(what_is_set_must_be_usable),
	ZT_TEST(the_users_runtime_directory),
	ZT_TEST(the_runtime_directory_must_be_our_own),
	ZT_TEST(readers_look_in_the_systems_too),
	ZT_TEST(roots_is_the_systems),
	ZT_TEST(others_have_one_in_tmp),
	ZT_TEST(traps_in_tmp_are_refused),
};
ZT_TEST_MAIN(tests)
