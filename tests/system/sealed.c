/* SPDX-License-Identifier: MIT */
/*
 * A subscriber's process can read a stream's memory, and neither write nor
 * resize it, by whatever way it tries.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "stream.h"

/* A mapping of this process. */
struct mapping {
	uintptr_t start, end;
	char permissions[5];
	char name[128];
};

#define MAPPINGS 32

/* The mappings of streams, all of them. */
static unsigned int find_mappings(struct mapping mappings[MAPPINGS])
{
	FILE *file = fopen("/proc/self/maps", "re");
	unsigned int count = 0;
	char line[512];

	while (fgets(line, sizeof(line), file) && count < MAPPINGS) {
		struct mapping *mapping = &mappings[count];

		if (sscanf(line, "%jx-%jx %4s %*s %*s %*s %127s",
			   &mapping->start, &mapping->end,
			   mapping->permissions, mapping->name) == 4 &&
		    !strncmp(mapping->name, "/memfd:zoetrope", 15))
			count++;
	}
	fclose(file);
	return count;
}

static bool is_page(const struct mapping *mapping)
{
	return strstr(mapping->name, "zoetrope-page");
}

/* Does a store to the address end the process? */
static bool faults(volatile uint8_t *address)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		signal(SIGSEGV, SIG_DFL);
		*address = 0;
		_exit(0);
	}
	waitpid(pid, &status, 0);
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV;
}

static void try_mapping(const struct mapping *mapping)
{
	void *address = (void *)mapping->start;
	size_t size = mapping->end - mapping->start;

	assert_string_equal(mapping->permissions, "r--s");
	assert_int_equal(mprotect(address, size, PROT_READ | PROT_WRITE), -1);
	assert_int_equal(errno, EACCES);
	/* Holes, which would read as zeros. */
	assert_int_equal(madvise(address, size, MADV_REMOVE), -1);
}

static void try_descriptor(int fd)
{
	struct stat status;
	char byte = 0;
	size_t size;

	assert_int_equal(fstat(fd, &status), 0);
	size = (size_t)status.st_size;
	assert_int_equal(ftruncate(fd, 0), -1);
	assert_int_equal(ftruncate(fd, (off_t)size * 2), -1);
	assert_int_equal(fallocate(fd, 0, 0, (off_t)size * 2), -1);
	assert_int_equal(fallocate(fd, FALLOC_FL_PUNCH_HOLE |
				   FALLOC_FL_KEEP_SIZE, 0, 4096), -1);
	assert_int_equal(pwrite(fd, &byte, 1, 0), -1);
	assert_ptr_equal(mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED,
			      fd, 0), MAP_FAILED);
	/* Not even more seals, which could be asked of us. */
	assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), -1);
	assert_int_equal(errno, EPERM);
}

/* The same file once more, through what /proc shows of this process. */
static void try_reopening(const struct mapping *mapping)
{
	static const int modes[] = { O_RDWR, O_WRONLY, O_RDONLY };
	char path[128];

	snprintf(path, sizeof(path), "/proc/self/map_files/%jx-%jx",
		 (uintmax_t)mapping->start, (uintmax_t)mapping->end);
	for (unsigned int i = 0; i < 3; i++) {
		int fd = open(path, modes[i] | O_CLOEXEC);

		if (fd < 0)
			continue;
		try_descriptor(fd);
		close(fd);
	}
	assert_int_equal(open(path, O_RDWR | O_TRUNC | O_CLOEXEC), -1);
}

/* And through what it shows of the publisher, whose fds are open. */
static unsigned int try_publishers_fds(pid_t publisher)
{
	unsigned int count = 0;
	struct dirent *entry;
	char path[300], target[300];
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)publisher);
	dir = opendir(path);
	while (dir && (entry = readdir(dir))) {
		ssize_t length = readlinkat(dirfd(dir), entry->d_name, target,
					    sizeof(target) - 1);
		int fd;

		target[length < 0 ? 0 : length] = '\0';
		if (strncmp(target, "/memfd:zoetrope", 15) != 0)
			continue;
		snprintf(path, sizeof(path), "/proc/%d/fd/%s", (int)publisher,
			 entry->d_name);
		fd = open(path, O_RDWR | O_CLOEXEC);
		if (fd < 0)
			continue;
		try_descriptor(fd);
		close(fd);
		count++;
	}
	if (dir)
		closedir(dir);
	return count;
}

/* This process's descriptors that reach a stream's memory. */
static unsigned int count_open_memory(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned int count = 0;
	struct dirent *entry;
	char target[300];

	while ((entry = readdir(dir))) {
		ssize_t length = readlinkat(dirfd(dir), entry->d_name, target,
					    sizeof(target) - 1);

		target[length < 0 ? 0 : length] = '\0';
		count += !strncmp(target, "/memfd:", 7);
	}
	closedir(dir);
	return count;
}

struct attack {
	unsigned int uid;
	pid_t publisher;
};

static int attack_stream(int fd, void *argument)
{
	const struct attack *attack = argument;
	struct mapping mappings[MAPPINGS];
	const struct zt_frame *frame;
	struct zt_subscriber *sub;
	unsigned int memory, count, pages = 0;

	(void)fd;
	if (attack->uid)
		stream_become(attack->uid);
	/* The harness keeps what we print in one. */
	memory = count_open_memory();
	sub = stream_open("cam0", NULL);
	frame = stream_take(sub);
	assert_int_equal(count_open_memory(), memory);
	assert_true(faults((uint8_t *)(uintptr_t)frame->payload));
	assert_true(faults((uint8_t *)(uintptr_t)frame->metadata));

	count = find_mappings(mappings);
	assert_true(count >= 3);
	for (unsigned int i = 0; i < count; i++) {
		/* One page is our own to write, where it is mapped. */
		if (is_page(&mappings[i]))
			pages++;
		else
			try_mapping(&mappings[i]);
		try_reopening(&mappings[i]);
	}
	assert_int_equal(pages, 1);
	count = try_publishers_fds(attack->publisher);
	if (!attack->uid)
		assert_true(count >= 2);
	assert_true(stream_is_painted(frame, frame->sequence));
	zt_release(frame);
	zt_subscriber_close(sub);
	return 0;
}

static struct zt_publisher *publish_one(void)
{
	static const struct zt_publisher_options options = {
		.mode = 0666, .metadata_size = 64,
	};
	struct zt_publisher *pub = stream_create("cam0", &options);
	struct zt_format format = stream_small();
	struct zt_loan *loan = stream_loan(pub, &format);

	stream_paint(loan, 1);
	loan->metadata_used = 64;
	assert_int_equal(zt_publish(pub, loan), 0);
	return pub;
}

static void attack_and_go_on(unsigned int uid)
{
	struct attack attack = { .uid = uid, .publisher = getpid() };
	struct zt_publisher *pub = publish_one();
	struct zt_format format = stream_small();
	struct harness_peer peer = harness_spawn(attack_stream, &attack);
	struct zt_subscriber *sub;

	assert_int_equal(harness_reap(&peer), 0);
	sub = stream_open("cam0", NULL);
	stream_expect(sub, 1);
	stream_publish(pub, &format);
	stream_expect(sub, 2);
	zt_subscriber_close(sub);
	zt_publisher_destroy(pub);
}

static void ones_own_process_cannot_write(void)
{
	attack_and_go_on(0);
}

static void another_users_process_cannot_write(void)
{
	if (geteuid() != 0)
		harness_skip("only root can be several users");
	stream_open_directory();
	attack_and_go_on(54321);
}

/* The publisher keeps no fd of the subscribers' pages. */
static void pages_are_out_of_reach(void)
{
	struct zt_publisher *pub = stream_create("cam0", NULL);
	struct zt_subscriber *sub = stream_open("cam0", NULL);
	DIR *dir = opendir("/proc/self/fd");
	struct dirent *entry;
	char target[300];

	while ((entry = readdir(dir))) {
		ssize_t length = readlinkat(dirfd(dir), entry->d_name, target,
					    sizeof(target) - 1);

		target[length < 0 ? 0 : length] = '\0';
		assert_null(strstr(target, "zoetrope-page"));
	}
	closedir(dir);
	zt_subscriber_close(sub);
	zt_publisher_destroy(pub);
}

/* A core dump of gigabytes would keep peers waiting for the hang-up. */
static void memory_stays_out_of_core_dumps(void)
{
	struct zt_publisher *pub = publish_one();
	struct zt_subscriber *sub = stream_open("cam0", NULL);
	FILE *file = fopen("/proc/self/smaps", "re");
	bool inside = false;
	unsigned int count = 0;
	char line[512];

	while (fgets(line, sizeof(line), file)) {
		if (strstr(line, "/memfd:zoetrope"))
			inside = true;
		if (!inside || strncmp(line, "VmFlags:", 8) != 0)
			continue;
		assert_non_null(strstr(line, " dd"));
		inside = false;
		count++;
	}
	fclose(file);
	assert_true(count >= 6);
	zt_subscriber_close(sub);
	zt_publisher_destroy(pub);
}

static const struct zt_test tests[] = {
	ZT_TEST(ones_own_process_cannot_write),
	ZT_TEST(another_users_process_cannot_write),
	ZT_TEST(pages_are_out_of_reach),
	ZT_TEST(memory_stays_out_of_core_dumps),
};
ZT_TEST_MAIN(tests)
