/* SPDX-License-Identifier: MIT */
/* What a peer may do to sealed memory, and what it takes to be attached. */
#include <fcntl.h>
#include <linux/falloc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <zoetrope/error.h>

#include "harness.h"
#include "memory/memory_impl.h"

#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 0x0010
#endif

#define SIZE 10000	/* not whole pages */
#define PAGE ZTI_MEMORY_WRITABLE_BY_PEER

static const struct zti_memory_backend *memfd = &zti_memfd_backend;
static char reason[ZT_REASON_MAX];

static struct zti_memory create(size_t size, unsigned int flags)
{
	struct zti_memory memory;

	if (memfd->create("zoetrope:test", size, flags, &memory, reason) < 0)
		fail_msg("%s", reason);
	return memory;
}

/* As a peer with the fd, or its /proc/PID/fd, can open it again. */
static int reopen(int fd, int flags)
{
	char path[64];
	int again;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	again = open(path, flags | O_CLOEXEC);
	assert_true(again >= 0);
	return again;
}

static void assert_not_resized(int fd)
{
	assert_int_equal(ftruncate(fd, 0), -1);
	assert_int_equal(errno, EPERM);
	assert_int_equal(ftruncate(fd, SIZE - 1), -1);
	assert_int_equal(errno, EPERM);
	assert_int_equal(ftruncate(fd, SIZE + 1), -1);
	assert_int_equal(errno, EPERM);
	assert_int_equal(fallocate(fd, 0, 0, 1 << 20), -1);
	assert_int_equal(errno, EPERM);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), -1);
	assert_int_equal(errno, EPERM);
}

static void nobody_else_writes_or_resizes(void)
{
	struct zti_memory memory = create(SIZE, 0);
	int fd = reopen(memory.fd, O_RDWR);

	assert_not_resized(memory.fd);
	assert_not_resized(fd);
	assert_int_equal(pwrite(fd, "x", 1, 0), -1);
	assert_int_equal(errno, EPERM);
	assert_ptr_equal(mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED,
			      fd, 0), MAP_FAILED);
	assert_int_equal(errno, EPERM);
	assert_int_equal(fallocate(fd, FALLOC_FL_PUNCH_HOLE |
				   FALLOC_FL_KEEP_SIZE, 0, 4096), -1);
	assert_int_equal(errno, EPERM);
	/* Not even a publisher of bad will, by what it has mapped. */
	assert_int_equal(madvise(memory.address, SIZE, MADV_REMOVE), -1);
	memset(memory.address, 1, SIZE);
	close(fd);
	memfd->detach(&memory);
}

static void the_page_is_written_but_not_resized(void)
{
	struct zti_memory memory = create(SIZE, PAGE);
	struct zti_memory peer;
	int fd = reopen(memory.fd, O_RDWR);

	assert_int_equal(memfd->attach(fd, -1, SIZE, PAGE, &peer, reason), 0);
	assert_int_equal(zti_memfd_page_finished(fd, reason), -EPROTO);
	assert_int_equal(zti_memfd_finish_page(memory.fd, SIZE, reason), 0);
	assert_int_equal(zti_memfd_page_finished(fd, reason), 0);
	assert_not_resized(memory.fd);
	assert_not_resized(fd);
	/* What was mapped before stays writable, and whole. */
	memset(peer.address, 7, SIZE);
	assert_int_equal(((uint8_t *)memory.address)[SIZE - 1], 7);
	assert_int_equal(madvise(peer.address, SIZE, MADV_REMOVE), -1);
	assert_int_equal(fallocate(fd, FALLOC_FL_PUNCH_HOLE |
				   FALLOC_FL_KEEP_SIZE, 0, 4096), -1);
	assert_ptr_equal(mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED,
			      fd, 0), MAP_FAILED);
	memfd->detach(&peer);
	close(fd);
	memfd->detach(&memory);
}

/* What a peer can do to its page before it is sealed, the sealing tells. */
static void a_page_that_was_tampered_with_is_refused(void)
{
	struct zti_memory sealed = create(4096, PAGE);
	struct zti_memory holed = create(4096, PAGE);

	assert_int_equal(fcntl(sealed.fd, F_ADD_SEALS, F_SEAL_SEAL), 0);
	assert_int_equal(zti_memfd_finish_page(sealed.fd, 4096, reason),
			 -EPROTO);
	assert_int_equal(fallocate(holed.fd, FALLOC_FL_PUNCH_HOLE |
				   FALLOC_FL_KEEP_SIZE, 0, 4096), 0);
	assert_int_equal(zti_memfd_finish_page(holed.fd, 4096, reason),
			 -EPROTO);
	memfd->detach(&holed);
	memfd->detach(&sealed);
}

static void a_subscriber_sees_what_is_written(void)
{
	struct zti_memory memory = create(SIZE, 0);
	const uint8_t *seen;
	struct zti_memory peer;

	assert_int_equal(memfd->attach(memory.fd, -1, SIZE, 0, &peer, reason),
			 0);
	/* The fd stays the caller's; the mapping needs none. */
	assert_true(fcntl(memory.fd, F_GETFD) >= 0);
	close(memory.fd);
	memory.fd = -1;
	assert_int_equal(peer.fd, -1);
	assert_int_equal(peer.id, -1);
	assert_int_equal(peer.size, SIZE);
	assert_int_equal(peer.kind, ZTI_MEMORY_MEMFD);
	seen = peer.address;
	assert_int_equal(seen[0], 0);
	((uint8_t *)memory.address)[0] = 1;
	((uint8_t *)memory.address)[SIZE - 1] = 2;
	assert_int_equal(seen[0], 1);
	assert_int_equal(seen[SIZE - 1], 2);
	/* Neither a store nor a change of protection is possible. */
	assert_int_equal(mprotect(peer.address, SIZE, PROT_READ | PROT_WRITE),
			 -1);
	assert_int_equal(errno, EACCES);
	memfd->detach(&memory);
	assert_int_equal(seen[0], 1);
	memfd->detach(&peer);
	assert_null(peer.address);
	memfd->detach(&peer);
}

static int store(int fd, void *argument)
{
	(void)fd;
	signal(SIGSEGV, SIG_DFL);
	*(volatile uint8_t *)argument = 1;
	return 0;
}

static void a_subscribers_store_faults(void)
{
	struct zti_memory memory = create(SIZE, 0);
	struct zti_memory peer;
	struct harness_peer child;

	assert_int_equal(memfd->attach(memory.fd, -1, SIZE, ZTI_MEMORY_INHERIT,
				       &peer, reason), 0);
	child = harness_spawn(store, peer.address);
	assert_int_equal(harness_reap(&child), -SIGSEGV);
	assert_int_equal(*(uint8_t *)memory.address, 0);
	memfd->detach(&peer);
	memfd->detach(&memory);
}

/* ------------------------------------------------------------------------
 * What a hostile publisher may send instead.
 */

static void assert_refused(int fd, size_t size, unsigned int flags,
			   const char *words)
{
	struct zti_memory untouched, memory;

	memset(&untouched, 0x5a, sizeof(untouched));
	memcpy(&memory, &untouched, sizeof(memory));
	reason[0] = '\0';
	assert_int_equal(memfd->attach(fd, -1, size, flags, &memory, reason),
			 -EPROTO);
	assert_memory_equal(&memory, &untouched, sizeof(memory));
	if (!strstr(reason, words))
		fail_msg("\"%s\" does not say \"%s\"", reason, words);
	assert_int_equal(memfd->attach(fd, -1, size, flags, &memory, NULL),
			 -EPROTO);
}

/* A memfd of one page, allocated, with these seals. */
static int forge(int seals)
{
	int fd = memfd_create("forged", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, 4096), 0);
	assert_int_equal(fallocate(fd, 0, 0, 4096), 0);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, seals), 0);
	return fd;
}

static void each_missing_seal_is_seen(void)
{
	static const int seals[] = { F_SEAL_SHRINK, F_SEAL_GROW, F_SEAL_SEAL,
				     F_SEAL_FUTURE_WRITE };
	int all = 0, i, fd;
	struct zti_memory peer;

	for (i = 0; i < 4; i++)
		all |= seals[i];
	for (i = 0; i < 4; i++) {
		fd = forge(all & ~seals[i]);
		assert_refused(fd, 4096, 0, "lacks seals");
		close(fd);
	}
	for (i = 0; i < 2; i++) {
		fd = forge(all & ~seals[i] & ~F_SEAL_FUTURE_WRITE);
		assert_refused(fd, 4096, PAGE, "lacks seals");
		close(fd);
	}
	fd = forge(all);
	assert_int_equal(memfd->attach(fd, -1, 4096, 0, &peer, reason), 0);
	memfd->detach(&peer);
	assert_refused(fd, 4096, PAGE, "sealed against writing");
	close(fd);
	/* More than we ask for is no fault. */
	fd = forge(all | F_SEAL_WRITE);
	assert_int_equal(memfd->attach(fd, -1, 4096, 0, &peer, reason), 0);
	memfd->detach(&peer);
	close(fd);
}

static void each_wrong_size_is_seen(void)
{
	struct zti_memory memory = create(SIZE, 0);

	assert_refused(memory.fd, SIZE - 1, 0,
		       "has 10000 bytes, and 9999 were announced");
	assert_refused(memory.fd, SIZE + 1, 0, "10001 were announced");
	assert_refused(memory.fd, 0, 0, "0 were announced");
	assert_refused(memory.fd, SIZE_MAX, 0, "were announced");
	memfd->detach(&memory);
}

/* It would be allocated as we read, at our cost: a TiB here. */
static void a_size_without_memory_is_seen(void)
{
	int fd = memfd_create("forged", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, (off_t)1 << 40), 0);
	assert_int_equal(fallocate(fd, 0, 0, 8192), 0);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW |
			       F_SEAL_SEAL | F_SEAL_FUTURE_WRITE), 0);
	assert_refused(fd, (size_t)1 << 40, 0, "8192 of 1099511627776");
	close(fd);
}

static void what_is_no_memfd_is_seen(void)
{
	struct zti_memory memory = create(SIZE, 0);
	int fds[2], fd;

	assert_refused(-1, SIZE, 0, "no sealable memory");
	fd = open("file", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	assert_int_equal(ftruncate(fd, SIZE), 0);
	assert_refused(fd, SIZE, 0, "no sealable memory");
	close(fd);
	fd = open("/dev/shm", O_RDWR | O_TMPFILE | O_CLOEXEC, 0600);
	if (fd >= 0) {
		assert_int_equal(ftruncate(fd, SIZE), 0);
		assert_refused(fd, SIZE, 0, "lacks seals");
		close(fd);
	}
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	assert_refused(fds[0], SIZE, 0, "no sealable memory");
	close(fds[0]);
	close(fds[1]);
	/* Ours, but opened so that we cannot do with it what we are to. */
	fd = reopen(memory.fd, O_WRONLY);
	assert_refused(fd, SIZE, 0, "Permission denied");
	close(fd);
	fd = reopen(memory.fd, O_PATH);
	assert_refused(fd, SIZE, 0, "no sealable memory");
	close(fd);
	memfd->detach(&memory);
	memory = create(SIZE, PAGE);
	fd = reopen(memory.fd, O_RDONLY);
	assert_refused(fd, SIZE, PAGE, "Permission denied");
	close(fd);
	memfd->detach(&memory);
}

static const struct zt_test tests[] = {
	ZT_TEST(nobody_else_writes_or_resizes),
	ZT_TEST(the_page_is_written_but_not_resized),
	ZT_TEST(a_page_that_was_tampered_with_is_refused),
	ZT_TEST(a_subscriber_sees_what_is_written),
	ZT_TEST(a_subscribers_store_faults),
	ZT_TEST(each_missing_seal_is_seen),
	ZT_TEST(each_wrong_size_is_seen),
	ZT_TEST(a_size_without_memory_is_seen),
	ZT_TEST(what_is_no_memfd_is_seen),
};
ZT_TEST_MAIN(tests)
