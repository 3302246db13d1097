/* SPDX-License-Identifier: MIT */
/*
 * Memory in a memfd: no name, no id, freed by the kernel with its last holder.
 *
 * It is sealed. What the seals give to a subscriber that has checked them:
 * SHRINK, that no read of its mapping raises SIGBUS; FUTURE_WRITE, that only
 * the publisher's own mapping, made before, can change it or punch holes in
 * it; SEAL, that it stays so. And to a publisher: SHRINK again, and GROW, that
 * a peer cannot make it take more memory.
 *
 * A subscription page is written by both, so it gets FUTURE_WRITE and SEAL
 * only when both have mapped it. Without them a peer could punch holes in it,
 * over and over, and a store of the other to a page that is being punched
 * waits in the kernel until the puncher gets on, which it need not.
 */
#include "memory/memory_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/memfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/reason.h"

/* Younger than the oldest kernel headers that we build with. */
#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U		/* Linux 6.3 */
#endif
#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 0x0010	/* Linux 5.1 */
#endif
#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22		/* Linux 5.14 */
#define MADV_POPULATE_WRITE 23
#endif

/* fallocate() starts again from the front when a signal interrupts it. */
#define ALLOCATE_STEP ((size_t)4 << 20)

#define SEALS_SIZE (F_SEAL_SHRINK | F_SEAL_GROW)
#define SEALS_ALL (SEALS_SIZE | F_SEAL_FUTURE_WRITE | F_SEAL_SEAL)

static int seals_for(unsigned int flags)
{
	return flags & ZTI_MEMORY_WRITABLE_BY_PEER ? SEALS_SIZE : SEALS_ALL;
}

static int make_fd(const char *label, char *ret_reason)
{
	unsigned int flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
	int fd = memfd_create(label, flags | MFD_NOEXEC_SEAL);

	if (fd < 0 && errno == EINVAL)
		fd = memfd_create(label, flags);
	if (fd < 0)
		return zti_reason(ret_reason, -errno,
				  "cannot make shared memory (memfd_create): "
				  "%m");
	return fd;
}

/* Past RLIMIT_FSIZE the kernel would not refuse, but send SIGXFSZ. */
static int set_size(int fd, size_t size, char *ret_reason)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_FSIZE, &limit) == 0 &&
	    limit.rlim_cur != RLIM_INFINITY && size > limit.rlim_cur)
		return zti_reason(ret_reason, -ENOMEM,
			"shared memory of %zu bytes exceeds the file size "
			"limit of this process, %llu (RLIMIT_FSIZE): raise it "
			"(ulimit -f)", size,
			(unsigned long long)limit.rlim_cur);
	if (ftruncate(fd, (off_t)size) < 0)
		return zti_reason(ret_reason, -errno,
				  "cannot size shared memory to %zu bytes: %m",
				  size);
	return 0;
}

static int allocate(int fd, size_t size, char *ret_reason)
{
	size_t done, step;

	for (done = 0; done < size; done += step) {
		int r;

		step = size - done;
		if (step > ALLOCATE_STEP)
			step = ALLOCATE_STEP;
		do
			r = fallocate(fd, 0, (off_t)done, (off_t)step) < 0
				? -errno : 0;
		while (r == -EINTR);
		if (r == -ENOSPC)
			r = -ENOMEM;
		if (r < 0)
			return zti_reason(ret_reason, r,
				"cannot allocate %zu bytes of shared memory "
				"(%m): free some, or use fewer or smaller "
				"slots", size);
	}
	return 0;
}

/* For kernels that cannot populate: one load from each page maps it. */
static void touch(const volatile char *address, size_t size)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t at;

	for (at = 0; at < size; at += page)
		(void)address[at];
}

/* Fill in the page tables now, so that no frame waits for them later. */
static int populate(void *address, size_t size, int advice, char *ret_reason)
{
	int r;

	do
		r = madvise(address, size, advice) < 0 ? -errno : 0;
	while (r == -EINTR || r == -EAGAIN);
	if (r == -EINVAL) {
		touch(address, size);
		return 0;
	}
	/* EFAULT stands for a fault that would have ended in SIGBUS. */
	if (r == -EFAULT)
		r = -ENOMEM;
	if (r < 0)
		return zti_reason(ret_reason, r,
				  "cannot map in %zu bytes of shared memory "
				  "(%m)", size);
	return 0;
}

/* EAGAIN: what is mapped is to be locked (mlockall), and RLIMIT_MEMLOCK is
   reached. To our callers it would mean "nothing yet". */
static int mapping_error(void)
{
	return errno == EAGAIN ? -ENOMEM : -errno;
}

/* Map the fd, populated, with all that the contract asks of a mapping. */
static int map(int fd, size_t size, int protection, unsigned int flags,
	       void **ret_address, char *ret_reason)
{
	int populate_how = MADV_POPULATE_READ;
	void *address;
	int r;

	address = mmap(NULL, size, protection, MAP_SHARED, fd, 0);
	if (address == MAP_FAILED)
		return zti_reason(ret_reason, mapping_error(),
				  "cannot map %zu bytes of shared memory: %m",
				  size);
	if (madvise(address, size, MADV_DONTDUMP) < 0 ||
	    (!(flags & ZTI_MEMORY_INHERIT) &&
	     madvise(address, size, MADV_DONTFORK) < 0)) {
		r = zti_reason(ret_reason, mapping_error(),
			       "cannot keep shared memory out of core dumps "
			       "and forked children (madvise): %m");
		goto fail;
	}
	if (protection & PROT_WRITE)
		populate_how = MADV_POPULATE_WRITE;
	r = populate(address, size, populate_how, ret_reason);
	if (r < 0)
		goto fail;
	*ret_address = address;
	return 0;

fail:
	munmap(address, size);
	return r;
}

static void set_memory(struct zti_memory *ret, void *address, size_t size,
		       int fd, unsigned int flags)
{
	*ret = ZTI_MEMORY_NONE;
	ret->address = address;
	ret->size = size;
	ret->fd = fd;
	ret->kind = ZTI_MEMORY_MEMFD;
	ret->flags = flags;
}

static int memfd_create_memory(const char *label, size_t size,
			       unsigned int flags, struct zti_memory *ret,
			       char *ret_reason)
{
	void *address = NULL;
	int fd, r;

	if (size == 0 || size > PTRDIFF_MAX)
		return zti_reason(ret_reason, -EINVAL,
				  "shared memory cannot have %zu bytes", size);
	fd = make_fd(label, ret_reason);
	if (fd < 0)
		return fd;
	r = set_size(fd, size, ret_reason);
	if (r < 0)
		goto close_fd;
	r = allocate(fd, size, ret_reason);
	if (r < 0)
		goto close_fd;
	/* Before FUTURE_WRITE, which would refuse us this mapping too. */
	r = map(fd, size, PROT_READ | PROT_WRITE, flags, &address, ret_reason);
	if (r < 0)
		goto close_fd;
	if (fcntl(fd, F_ADD_SEALS, seals_for(flags)) < 0) {
		r = zti_reason(ret_reason, -errno,
			       "cannot seal shared memory (%m): Linux 5.1 or "
			       "later is needed");
		goto unmap;
	}
	set_memory(ret, address, size, fd, flags);
	return 0;

unmap:
	munmap(address, size);
close_fd:
	close(fd);
	return r;
}

static int check_seals(int fd, unsigned int flags, char *ret_reason)
{
	int needed = seals_for(flags);
	int seals = fcntl(fd, F_GET_SEALS);

	if (seals < 0)
		return zti_reason(ret_reason, -EPROTO,
				  "the publisher sent a fd that is no sealable "
				  "memory (%s)",
				  errno == EINVAL ? "not a memfd" : "no file");
	if ((seals & needed) != needed)
		return zti_reason(ret_reason, -EPROTO,
				  "the publisher's memory lacks seals: it has "
				  "0x%x, and 0x%x are needed",
				  (unsigned int)seals, (unsigned int)needed);
	if ((flags & ZTI_MEMORY_WRITABLE_BY_PEER) &&
	    (seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE)))
		return zti_reason(ret_reason, -EPROTO,
				  "the publisher's memory is sealed against "
				  "writing (0x%x) where we are to write",
				  (unsigned int)seals);
	return 0;
}

/* Sealed as it is, what holds now holds for ever. */
static int check_size(int fd, size_t size, char *ret_reason)
{
	struct stat status;

	if (fstat(fd, &status) < 0)
		return zti_reason(ret_reason, -EPROTO,
				  "cannot look at the publisher's memory");
	if (size == 0 || status.st_size < 0 || (size_t)status.st_size != size)
		return zti_reason(ret_reason, -EPROTO,
				  "the publisher's memory has %lld bytes, and "
				  "%zu were announced",
				  (long long)status.st_size, size);
	/* Or the missing pages would be made, at our cost, as we read. */
	if ((uint64_t)status.st_blocks * 512 < size)
		return zti_reason(ret_reason, -EPROTO,
				  "the publisher's memory is not allocated: "
				  "%llu of %zu bytes are",
				  (unsigned long long)status.st_blocks * 512,
				  size);
	return 0;
}

int zti_memfd_finish_page(int fd, size_t size, char *ret_reason)
{
	int r;

	/* Fails where the peer has sealed it first: the check tells. */
	fcntl(fd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE | F_SEAL_SEAL);
	r = zti_memfd_page_finished(fd, ret_reason);
	if (r < 0)
		return r;
	return check_size(fd, size, ret_reason);
}

int zti_memfd_page_finished(int fd, char *ret_reason)
{
	return check_seals(fd, 0, ret_reason);
}

static int memfd_attach(int fd, int id, size_t size, unsigned int flags,
			struct zti_memory *ret, char *ret_reason)
{
	int protection = PROT_READ;
	void *address;
	int r;

	(void)id;
	r = check_seals(fd, flags, ret_reason);
	if (r < 0)
		return r;
	r = check_size(fd, size, ret_reason);
	if (r < 0)
		return r;
	if (flags & ZTI_MEMORY_WRITABLE_BY_PEER)
		protection |= PROT_WRITE;
	r = map(fd, size, protection, flags, &address, ret_reason);
	/* A fd that was opened for less than we are to do: the peer's doing. */
	if (r == -EACCES || r == -EPERM)
		r = -EPROTO;
	if (r < 0)
		return r;
	set_memory(ret, address, size, -1, flags);
	return 0;
}

static void memfd_detach(struct zti_memory *memory)
{
	if (memory->address)
		munmap(memory->address, memory->size);
	if (memory->fd >= 0)
		close(memory->fd);
	*memory = ZTI_MEMORY_NONE;
}

const struct zti_memory_backend zti_memfd_backend = {
	.name = "memfd",
	.kind = ZTI_MEMORY_MEMFD,
	.sealed = true,
	.create = memfd_create_memory,
	.attach = memfd_attach,
	.detach = memfd_detach,
};
