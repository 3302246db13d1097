/* SPDX-License-Identifier: MIT */
/* Memory is made whole, in place before it is used, or not at all. */
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <zoetrope/error.h>

#include "harness.h"
#include "memory/memory_impl.h"

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U
#endif
#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 0x0010
#endif
#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#define MADV_POPULATE_WRITE 23
#endif

#define SIZE ((size_t)9 << 20)	/* some steps of allocation */

static const struct zti_memory_backend *memfd = &zti_memfd_backend;
static char reason[ZT_REASON_MAX];

static struct zti_memory create(size_t size, unsigned int flags)
{
	struct zti_memory memory;

	if (memfd->create("zoetrope:cam0", size, flags, &memory, reason) < 0)
		fail_msg("%s", reason);
	return memory;
}

/* Find a line of the mapping's entry in smaps, which begins with key. */
static bool find_in_smaps(const void *address, const char *key, char line[512])
{
	FILE *file = fopen("/proc/self/smaps", "re");
	unsigned long from, to;
	bool inside = false, found = false;

	assert_non_null(file);
	while (!found && fgets(line, 512, file)) {
		if (sscanf(line, "%lx-%lx ", &from, &to) == 2)
			inside = (unsigned long)address >= from &&
				 (unsigned long)address < to;
		found = inside && (strncmp(line, key, strlen(key)) == 0 ||
				   (!key[0]));
	}
	fclose(file);
	return found;
}

static unsigned long mapped_kib(const struct zti_memory *memory)
{
	char line[512];

	assert_true(find_in_smaps(memory->address, "Rss:", line));
	return strtoul(line + 4, NULL, 10);
}

static bool has_vm_flag(const struct zti_memory *memory, const char *flag)
{
	char line[512];

	assert_true(find_in_smaps(memory->address, "VmFlags:", line));
	return strstr(line, flag);
}

static void all_of_it_is_there(void)
{
	struct zti_memory memory = create(SIZE, 0);
	struct stat status;
	char line[512];
	size_t i;

	assert_int_equal(memory.size, SIZE);
	assert_int_equal(memory.kind, ZTI_MEMORY_MEMFD);
	assert_int_equal(memory.id, -1);
	assert_true(fcntl(memory.fd, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(fstat(memory.fd, &status), 0);
	assert_int_equal(status.st_size, SIZE);
	assert_true((size_t)status.st_blocks * 512 >= SIZE);
	assert_int_equal(mapped_kib(&memory), SIZE / 1024);
	assert_true(find_in_smaps(memory.address, "", line));
	assert_non_null(strstr(line, "memfd:zoetrope:cam0"));
	for (i = 0; i < SIZE; i++)
		if (((uint8_t *)memory.address)[i])
			fail_msg("byte %zu is not 0", i);
	memfd->detach(&memory);
	assert_null(memory.address);
	assert_int_equal(memory.fd, -1);
	memfd->detach(&memory);
}

static void subscribers_map_all_of_it_at_once(void)
{
	struct zti_memory memory = create(SIZE, 0);
	struct zti_memory page = create(4096, ZTI_MEMORY_WRITABLE_BY_PEER);
	struct zti_memory peer;

	assert_int_equal(memfd->attach(memory.fd, -1, SIZE, 0, &peer, reason),
			 0);
	assert_int_equal(mapped_kib(&peer), SIZE / 1024);
	memfd->detach(&peer);
	assert_int_equal(memfd->attach(page.fd, -1, 4096,
				       ZTI_MEMORY_WRITABLE_BY_PEER, &peer,
				       reason), 0);
	assert_int_equal(mapped_kib(&peer), 4);
	memfd->detach(&peer);
	memfd->detach(&page);
	memfd->detach(&memory);
}

static void core_dumps_leave_it_out(void)
{
	struct zti_memory memory = create(4096, 0);
	struct zti_memory peer;

	assert_int_equal(memfd->attach(memory.fd, -1, 4096, ZTI_MEMORY_INHERIT,
				       &peer, reason), 0);
	assert_true(has_vm_flag(&memory, " dd"));
	assert_true(has_vm_flag(&peer, " dd"));
	memfd->detach(&peer);
	memfd->detach(&memory);
}

static int load(int fd, void *argument)
{
	(void)fd;
	signal(SIGSEGV, SIG_DFL);
	return *(volatile uint8_t *)argument;
}

static void forked_children_have_what_they_may(void)
{
	struct zti_memory memory = create(4096, 0);
	struct zti_memory inherited, other;
	struct harness_peer child;

	*(uint8_t *)memory.address = 42;
	assert_int_equal(memfd->attach(memory.fd, -1, 4096, ZTI_MEMORY_INHERIT,
				       &inherited, reason), 0);
	assert_int_equal(memfd->attach(memory.fd, -1, 4096, 0, &other,
				       reason), 0);
	child = harness_spawn(load, inherited.address);
	assert_int_equal(harness_reap(&child), 42);
	child = harness_spawn(load, other.address);
	assert_int_equal(harness_reap(&child), -SIGSEGV);
	child = harness_spawn(load, memory.address);
	assert_int_equal(harness_reap(&child), -SIGSEGV);
	memfd->detach(&other);
	memfd->detach(&inherited);
	memfd->detach(&memory);
}

static void the_table_knows_its_kinds(void)
{
	assert_ptr_equal(zti_memory_backend(ZTI_MEMORY_MEMFD), memfd);
	assert_string_equal(memfd->name, "memfd");
	assert_int_equal(memfd->kind, ZTI_MEMORY_MEMFD);
	assert_true(memfd->sealed);
	assert_null(zti_memory_backend(0));
	assert_null(zti_memory_backend(UINT32_MAX));
}

/* ------------------------------------------------------------------------
 * Failures. The runner sees to it that they leave no fd and no mapping.
 */

static void assert_not_created(const char *label, size_t size, int error,
			       const char *words)
{
	struct zti_memory untouched, memory;

	memset(&untouched, 0x5a, sizeof(untouched));
	memcpy(&memory, &untouched, sizeof(memory));
	reason[0] = '\0';
	assert_int_equal(memfd->create(label, size, 0, &memory, reason), error);
	assert_memory_equal(&memory, &untouched, sizeof(memory));
	if (!strstr(reason, words))
		fail_msg("\"%s\" does not say \"%s\"", reason, words);
	assert_int_equal(memfd->create(label, size, 0, &memory, NULL), error);
}

static void senseless_requests_are_refused(void)
{
	char label[301];

	memset(label, 'x', 300);
	label[300] = '\0';
	assert_not_created("x", 0, -EINVAL, "cannot have 0 bytes");
	assert_not_created("x", SIZE_MAX, -EINVAL, "cannot have");
	assert_not_created(label, 4096, -EINVAL, "memfd_create");
}

/* The default action of SIGXFSZ would end the test. */
static void the_file_size_limit_does_not_kill(void)
{
	struct rlimit limit;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = 4096;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	assert_not_created("x", 4097, -ENOMEM, "RLIMIT_FSIZE");
	limit.rlim_cur = limit.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void no_fds_left(void)
{
	struct rlimit old, none;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	none = old;
	none.rlim_cur = 0;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	assert_not_created("x", 4096, -EMFILE, "Too many open files");
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
}

/*
 * Called in place of the C library's, by the code under test too. A kernel
 * gives up an allocation when a signal comes, and forgets what it had done.
 */
static int interruptions;

int fallocate(int fd, int mode, off_t offset, off_t size)
{
	if (interruptions > 0 && interruptions-- % 3) {
		errno = EINTR;
		return -1;
	}
	return (int)syscall(SYS_fallocate, fd, mode, offset, size);
}

/* A timer of a profiler's: no step succeeds at the first try. */
static void signals_do_not_disturb(void)
{
	struct zti_memory memory;
	struct stat status;

	interruptions = 3 * 3 - 1;
	memory = create(SIZE, 0);
	assert_int_equal(interruptions, 0);
	assert_int_equal(fstat(memory.fd, &status), 0);
	assert_true((size_t)status.st_blocks * 512 >= SIZE);
	memfd->detach(&memory);
}

/*
 * From now on, this process's calls `number` whose index-th argument is
 * `value` fail with `error`.
 */
static void forbid(long number, unsigned int index, unsigned long value,
		   unsigned int error)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)number, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 (uint32_t)(offsetof(struct seccomp_data, args) +
				    index * sizeof(uint64_t))),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)value, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { sizeof(filter) / sizeof(*filter),
				      filter };

	assert_int_equal(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0)
		harness_skip("this kernel has no seccomp filters");
}

/* A filter stays for the life of a process: each is tried in one of its own. */
struct failure {
	long number;
	unsigned int index;
	unsigned long value;
	int error, expected;
	const char *words;
};

static bool maps_shared_memory(void)
{
	FILE *file = fopen("/proc/self/maps", "re");
	bool found = false;
	char line[512];

	assert_non_null(file);
	while (fgets(line, sizeof(line), file))
		found = found || strstr(line, "memfd:");
	fclose(file);
	return found;
}

static int lowest_free_fd(void)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	close(fd);
	return fd;
}

static int try_failure(int fd, void *argument)
{
	const struct failure *failure = argument;
	int free_before = lowest_free_fd();

	(void)fd;
	forbid(failure->number, failure->index, failure->value,
	       (unsigned int)failure->error);
	assert_not_created("x", SIZE, failure->expected, failure->words);
	assert_int_equal(lowest_free_fd(), free_before);
	assert_false(maps_shared_memory());
	return 0;
}

static void no_failure_leaves_anything(void)
{
	static struct failure failures[] = {
		{ SYS_ftruncate, 1, SIZE, EINVAL, -EINVAL, "cannot size" },
		{ SYS_fallocate, 1, 0, ENOSPC, -ENOMEM, "cannot allocate" },
		{ SYS_fallocate, 2, 8 << 20, ENOMEM, -ENOMEM,
		  "cannot allocate" },
		{ SYS_mmap, 1, SIZE, ENOMEM, -ENOMEM, "cannot map" },
		{ SYS_madvise, 2, MADV_DONTDUMP, EINVAL, -EINVAL, "madvise" },
		{ SYS_madvise, 2, MADV_DONTFORK, ENOMEM, -ENOMEM, "madvise" },
		{ SYS_madvise, 2, MADV_POPULATE_WRITE, ENOMEM, -ENOMEM,
		  "cannot map in" },
		{ SYS_madvise, 2, MADV_POPULATE_WRITE, EFAULT, -ENOMEM,
		  "cannot map in" },
		{ SYS_fcntl, 1, F_ADD_SEALS, EINVAL, -EINVAL,
		  "Linux 5.1 or later is needed" },
	};
	size_t i;

	for (i = 0; i < sizeof(failures) / sizeof(*failures); i++) {
		struct harness_peer peer = harness_spawn(try_failure,
							 &failures[i]);

		if (harness_reap(&peer) != 0)
			fail_msg("failure %zu", i);
	}
}

/* Before 6.3 and 5.14: no seal against execution, no populating. */
static void older_kernels_do(void)
{
	struct zti_memory memory, peer;

	forbid(SYS_memfd_create, 1, MFD_CLOEXEC | MFD_ALLOW_SEALING |
	       MFD_NOEXEC_SEAL, EINVAL);
	forbid(SYS_madvise, 2, MADV_POPULATE_READ, EINVAL);
	forbid(SYS_madvise, 2, MADV_POPULATE_WRITE, EINVAL);
	memory = create(SIZE, 0);
	assert_int_equal(fcntl(memory.fd, F_GET_SEALS),
			 F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL |
			 F_SEAL_FUTURE_WRITE);
	assert_int_equal(mapped_kib(&memory), SIZE / 1024);
	assert_int_equal(memfd->attach(memory.fd, -1, SIZE, 0, &peer, reason),
			 0);
	assert_int_equal(mapped_kib(&peer), SIZE / 1024);
	memfd->detach(&peer);
	memfd->detach(&memory);
}

static const struct zt_test tests[] = {
	ZT_TEST(all_of_it_is_there),
	ZT_TEST(subscribers_map_all_of_it_at_once),
	ZT_TEST(core_dumps_leave_it_out),
	ZT_TEST(forked_children_have_what_they_may),
	ZT_TEST(the_table_knows_its_kinds),
	ZT_TEST(senseless_requests_are_refused),
	ZT_TEST(the_file_size_limit_does_not_kill),
	ZT_TEST(no_fds_left),
	ZT_TEST(signals_do_not_disturb),
	ZT_TEST(no_failure_leaves_anything),
	ZT_TEST(older_kernels_do),
};
ZT_TEST_MAIN(tests)
