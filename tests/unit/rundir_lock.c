/* SPDX-License-Identifier: MIT */
/* A stream's name has one holder, whose epochs count up; listing streams. */
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "harness.h"
#include "os/rundir.h"

static int open_directory(void)
{
	int dirfd = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);

	assert_true(dirfd >= 0);
	return dirfd;
}

static void write_file(const char *name, const char *text, size_t size)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, size), size);
	close(fd);
}

/* Take the lock, give it back, and tell the epoch. */
static uint64_t next_epoch(int dirfd, const char *name)
{
	uint64_t epoch = 0;
	int fd = zti_lock_acquire(dirfd, name, &epoch);

	assert_true(fd >= 0);
	close(fd);
	return epoch;
}

static void epochs_count_up(void)
{
	int dirfd = open_directory();
	struct stat status;

	assert_int_equal(next_epoch(dirfd, "cam0"), 1);
	assert_int_equal(next_epoch(dirfd, "cam0"), 2);
	assert_int_equal(next_epoch(dirfd, "cam1"), 1);
	assert_int_equal(next_epoch(dirfd, "cam0"), 3);
	assert_int_equal(stat("cam0.lock", &status), 0);
	assert_int_equal(status.st_mode, S_IFREG | 0600);
	write_file("cam0.lock", "00000000009999999999\n", 21);
	assert_int_equal(next_epoch(dirfd, "cam0"), 10000000000);
	close(dirfd);
}

static void epochs_begin_again_from_garbage(void)
{
	static const char *const garbage[] = {
		"", "\n", "7", "7\n", "000000000000000000 7\n",
		"-0000000000000000007\n", "+0000000000000000007\n",
		"0x000000000000000007\n", "0000000000000000000007\n",
		"99999999999999999999\n", "18446744073709551615\n",
		"a long text, that stays behind what is written over it\n",
	};
	int dirfd = open_directory();
	size_t i;

	for (i = 0; i < sizeof(garbage) / sizeof(*garbage); i++) {
		write_file("cam0.lock", garbage[i], strlen(garbage[i]));
		assert_int_equal(next_epoch(dirfd, "cam0"), 1);
		assert_int_equal(next_epoch(dirfd, "cam0"), 2);
	}
	write_file("cam0.lock", "0000000000\0" "000000007\n", 21);
	assert_int_equal(next_epoch(dirfd, "cam0"), 1);
	write_file("cam0.lock", "18446744073709551614\n", 21);
	assert_int_equal(next_epoch(dirfd, "cam0"), UINT64_MAX);
	assert_int_equal(next_epoch(dirfd, "cam0"), 1);
	close(dirfd);
}

static void a_name_has_one_holder(void)
{
	int dirfd = open_directory();
	uint64_t epoch = 0, untouched = 42;
	int fd = zti_lock_acquire(dirfd, "cam0", &epoch);
	int other;

	assert_true(fd >= 0);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(zti_lock_acquire(dirfd, "cam0", &untouched),
			 -EADDRINUSE);
	assert_int_equal(untouched, 42);
	other = zti_lock_acquire(dirfd, "cam1", &untouched);
	assert_true(other >= 0);
	close(other);
	close(fd);
	/* The one that failed did not count. */
	assert_int_equal(next_epoch(dirfd, "cam0"), epoch + 1);
	close(dirfd);
}

static int hold_for_ever(int fd, void *argument)
{
	const int *dirfd = argument;
	uint64_t epoch;

	assert_true(zti_lock_acquire(*dirfd, "cam0", &epoch) >= 0);
	harness_send_event(fd, epoch);
	harness_wait_event(fd, HARNESS_PATIENCE, &epoch);
	return 0;
}

static void death_gives_the_name_back(void)
{
	int dirfd = open_directory();
	struct harness_peer peer = harness_spawn(hold_for_ever, &dirfd);
	uint64_t epoch;

	harness_expect_event(peer.fd, 1);
	assert_int_equal(zti_lock_acquire(dirfd, "cam0", &epoch),
			 -EADDRINUSE);
	harness_kill(&peer);
	assert_int_equal(next_epoch(dirfd, "cam0"), 2);
	close(dirfd);
}

static int keep_inherited(int fd, void *argument)
{
	uint64_t event;

	assert_int_equal(harness_wait_event(fd, HARNESS_PATIENCE, &event), 0);
	close(*(const int *)argument);
	harness_send_event(fd, event);
	return 0;
}

static void a_forked_child_holds_it_too(void)
{
	int dirfd = open_directory();
	uint64_t epoch;
	int lock = zti_lock_acquire(dirfd, "cam0", &epoch);
	struct harness_peer peer;

	assert_true(lock >= 0);
	peer = harness_spawn(keep_inherited, &lock);
	close(lock);
	assert_int_equal(zti_lock_acquire(dirfd, "cam0", &epoch),
			 -EADDRINUSE);
	harness_send_event(peer.fd, 1);
	harness_expect_event(peer.fd, 1);
	assert_int_equal(next_epoch(dirfd, "cam0"), 2);
	assert_int_equal(harness_reap(&peer), 0);
	close(dirfd);
}

static void what_is_not_our_plain_file_is_refused(void)
{
	int dirfd = open_directory();
	struct stat status;
	uint64_t epoch;

	write_file("target", "precious", 8);
	assert_int_equal(symlink("target", "a.lock"), 0);
	assert_int_equal(zti_lock_acquire(dirfd, "a", &epoch), -EPERM);
	assert_int_equal(link("target", "b.lock"), 0);
	assert_int_equal(zti_lock_acquire(dirfd, "b", &epoch), -EPERM);
	assert_int_equal(mkfifo("c.lock", 0600), 0);
	assert_int_equal(zti_lock_acquire(dirfd, "c", &epoch), -EPERM);
	assert_int_equal(mkdir("d.lock", 0700), 0);
	assert_int_equal(zti_lock_acquire(dirfd, "d", &epoch), -EISDIR);
	assert_int_equal(stat("target", &status), 0);
	assert_int_equal(status.st_size, 8);
	if (geteuid() == 0) {
		write_file("e.lock", "", 0);
		assert_int_equal(chown("e.lock", 12345, (gid_t)-1), 0);
		assert_int_equal(zti_lock_acquire(dirfd, "e", &epoch), -EPERM);
	}
	close(dirfd);
}

/* Called in place of the C library's, by the code under test too. */
static int removals;

int flock(int fd, int operation)
{
	if (removals > 0) {
		removals--;
		assert_int_equal(unlink("cam0.lock"), 0);
		if (removals == 0)
			write_file("cam0.lock", "00000000000000000041\n", 21);
	}
	return (int)syscall(SYS_flock, fd, operation);
}

static void a_lock_on_a_removed_file_is_none(void)
{
	int dirfd = open_directory();
	uint64_t epoch = 0;
	int lock, second;

	removals = 3;
	lock = zti_lock_acquire(dirfd, "cam0", &epoch);
	assert_true(lock >= 0);
	assert_int_equal(removals, 0);
	assert_int_equal(epoch, 42);
	second = zti_lock_acquire(dirfd, "cam0", &epoch);
	assert_int_equal(second, -EADDRINUSE);
	close(lock);
	close(dirfd);
}

static void no_epoch_no_lock(void)
{
	int dirfd = open_directory();
	struct rlimit old, none;
	uint64_t epoch = 42;

	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	none = old;
	none.rlim_cur = 0;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
	assert_int_equal(zti_lock_acquire(dirfd, "cam0", &epoch), -EFBIG);
	assert_int_equal(epoch, 42);
	none.rlim_cur = 10;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
	/* Room for a part of it is no room. */
	assert_int_equal(zti_lock_acquire(dirfd, "cam0", &epoch), -EFBIG);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	assert_int_equal(next_epoch(dirfd, "cam0"), 1);
	close(dirfd);
}

static void make_socket(const char *file)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_true(strlen(file) < sizeof(address.sun_path));
	memcpy(address.sun_path, file, strlen(file) + 1);
	assert_int_equal(bind(fd, (const struct sockaddr *)&address,
			      sizeof(address)), 0);
	close(fd);
}

struct found {
	unsigned int count, stop_at;
	char names[512];
};

static int remember(void *userdata, const char *name)
{
	struct found *found = userdata;

	strcat(found->names, name);
	strcat(found->names, " ");
	return ++found->count == found->stop_at ? 7 : 0;
}

static void streams_are_listed(void)
{
	struct found found = { 0 };
	int dirfd = open_directory();
	char longest[80];

	assert_int_equal(zti_rundir_list(dirfd, remember, &found), 0);
	assert_int_equal(found.count, 0);
	make_socket("cam0.sock");
	make_socket("odd.sock.sock");
	memset(longest, 'x', 64);
	memcpy(longest + 64, ".sock", 6);
	make_socket(longest);
	/* None of these is a stream's. */
	make_socket("cam1.sock.new");
	make_socket(".sock");
	make_socket(".hidden.sock");
	make_socket("a b.sock");
	memcpy(longest + 64, "x.sock", 7);
	make_socket(longest);
	write_file("file.sock", "", 0);
	write_file("cam0.lock", "", 0);
	assert_int_equal(mkdir("directory.sock", 0700), 0);

	assert_int_equal(zti_rundir_list(dirfd, remember, &found), 0);
	assert_int_equal(found.count, 3);
	assert_non_null(strstr(found.names, "cam0 "));
	assert_non_null(strstr(found.names, "odd.sock "));
	memcpy(longest + 64, " ", 2);
	assert_non_null(strstr(found.names, longest));

	found.count = 0;
	found.stop_at = 2;
	assert_int_equal(zti_rundir_list(dirfd, remember, &found), 7);
	assert_int_equal(found.count, 2);
	close(dirfd);
	assert_int_equal(zti_rundir_list(dirfd, remember, &found), -EBADF);
}

static const struct zt_test tests[] = {
	ZT_TEST(epochs_count_up),
	ZT_TEST(epochs_begin_again_from_garbage),
	ZT_TEST(a_name_has_one_holder),
	ZT_TEST(death_gives_the_name_back),
	ZT_TEST(a_forked_child_holds_it_too),
	ZT_TEST(what_is_not_our_plain_file_is_refused),
	ZT_TEST(a_lock_on_a_removed_file_is_none),
	ZT_TEST(no_epoch_no_lock),
	ZT_TEST(streams_are_listed),
};
ZT_TEST_MAIN(tests)
