/* SPDX-License-Identifier: MIT */
/* Subscribers that try to get at what they may only read. */
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "court.h"
#include "raw.h"

/* Everything that would change what lies in a file, or its size. */
static void try_to_change(int fd, size_t size)
{
	const int punch = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;
	void *address;

	assert_int_equal(pwrite(fd, "x", 1, 0), -1);
	assert_int_equal(pwrite(fd, "x", 1, (off_t)size), -1);
	assert_int_equal(ftruncate(fd, 0), -1);
	assert_int_equal(ftruncate(fd, (off_t)size - 1), -1);
	assert_int_equal(ftruncate(fd, (off_t)size + 4096), -1);
	assert_int_equal(fallocate(fd, punch, 0, 4096), -1);
	assert_int_equal(fallocate(fd, FALLOC_FL_ZERO_RANGE, 0, 4096), -1);
	assert_int_equal(fallocate(fd, 0, (off_t)size, 4096), -1);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), -1);
	address = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_ptr_equal(address, MAP_FAILED);
	address = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);
	assert_ptr_not_equal(address, MAP_FAILED);
	assert_int_equal(mprotect(address, size, PROT_READ | PROT_WRITE), -1);
	assert_int_equal(madvise(address, size, MADV_REMOVE), -1);
	munmap(address, size);
}

/* The same by another way in: opened again, for writing. */
static void reopen_and_try(const char *path)
{
	struct stat status;
	int fd = open(path, O_RDWR | O_CLOEXEC);

	if (fd < 0)
		fail_msg("cannot open %s again: %m", path);
	assert_int_equal(fstat(fd, &status), 0);
	try_to_change(fd, (size_t)status.st_size);
	close(fd);
}

/* What came over the socket: by the descriptors, and through /proc. */
static void try_what_was_sent(const struct raw *raw)
{
	char path[64];

	try_to_change(raw->board_fd, sizeof(*raw->board));
	snprintf(path, sizeof(path), "/proc/self/fd/%d", raw->board_fd);
	reopen_and_try(path);
	for (unsigned int i = 0; i < ZTI_SEGMENTS_MAX; i++) {
		if (!raw->segments[i].address)
			continue;
		try_to_change(raw->segments[i].fd, raw->segments[i].size);
		snprintf(path, sizeof(path), "/proc/self/fd/%d",
			 raw->segments[i].fd);
		reopen_and_try(path);
	}
}

/* The publisher's own descriptors, of every memory that it has. */
static unsigned int try_what_the_publisher_has(pid_t publisher)
{
	char path[PATH_MAX], entry_path[PATH_MAX], target[PATH_MAX];
	unsigned int tried = 0;
	struct dirent *entry;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)publisher);
	dir = opendir(path);
	if (!dir)
		fail_msg("cannot look at %s: %m", path);
	while ((entry = readdir(dir))) {
		ssize_t length;

		snprintf(entry_path, sizeof(entry_path), "%.40s/%.20s", path,
			 entry->d_name);
		length = readlink(entry_path, target, sizeof(target) - 1);
		if (length < 0)
			continue;
		target[length] = '\0';
		if (strncmp(target, "/memfd:zoetrope", 15))
			continue;
		/* Reached by its two mappings alone. */
		assert_null(strstr(target, "zoetrope-page"));
		reopen_and_try(entry_path);
		tried++;
	}
	closedir(dir);
	return tried;
}

static int pry(int fd, void *argument)
{
	pid_t publisher = *(pid_t *)argument;
	unsigned int rounds = 0;
	struct raw raw;

	assert_true(raw_join(&raw, COURT_STREAM, ZT_LATEST, 1));
	while (!court_over(fd) || rounds < 3) {
		try_what_was_sent(&raw);
		if (publisher)
			assert_true(try_what_the_publisher_has(publisher) > 1);
		raw_return(&raw, raw_take_all(&raw));
		raw_keep_up(&raw);
		rounds++;
	}
	raw_close(&raw);
	return 0;
}

/* With frames going on, whose every pixel is looked at. */
static void try_with(pid_t publisher, bool foreign)
{
	struct zt_publisher_options options = { .slots = 16 };
	struct harness_peer peer;
	struct court court;

	court_open(&court, &options);
	peer = court_spawn(pry, &publisher, foreign);
	court_until_joined(&court, 2);
	court_run(&court, 200);
	/* While memory is being made, who may look into us can still get in:
	   see docs/reliability.md. */
	if (!publisher)
		court_change(&court, stream_sized(65536));
	court_run(&court, 100);
	court_dismiss(&court, &peer);
	court_close(&court);
}

static void what_was_sent_cannot_be_changed(void)
{
	try_with(0, false);
}

static void nor_by_another_user(void)
{
	if (geteuid() != 0)
		harness_skip("only root can be two users");
	try_with(0, true);
}

/* Same user, or root: /proc lets it in, the seals do not. */
static void nor_through_the_publishers_descriptors(void)
{
	try_with(getpid(), false);
}

/* Another user does not even get to them. */
static int find_closed(int fd, void *argument)
{
	char path[64];

	(void)fd;
	snprintf(path, sizeof(path), "/proc/%d/fd", *(int *)argument);
	assert_null(opendir(path));
	assert_int_equal(errno, EACCES);
	return 0;
}

static void another_user_sees_no_descriptors(void)
{
	int publisher = getpid();
	struct harness_peer peer;
	struct court court;

	if (geteuid() != 0)
		harness_skip("only root can be two users");
	court_open(&court, NULL);
	peer = court_spawn(find_closed, &publisher, true);
	court_dismiss(&court, &peer);
	court_close(&court);
}

static const struct zt_test tests[] = {
	ZT_TEST(what_was_sent_cannot_be_changed),
	ZT_TEST(nor_by_another_user),
	ZT_TEST(nor_through_the_publishers_descriptors),
	ZT_TEST(another_user_sees_no_descriptors),
};
ZT_TEST_MAIN(tests)
