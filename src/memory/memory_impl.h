/* SPDX-License-Identifier: MIT */
/*
 * The contract that every kind of shared memory keeps: what a board, a
 * segment or a subscription page lies in.
 *
 * The life of a piece of memory:
 *
 *   publisher   create()  makes it, reserves all of it, maps it for writing,
 *                         fills in its page tables, and closes it to changes.
 *                         It is then sent as a fd (memfd, posix) or an id
 *                         (sysv) over the control socket.
 *   subscriber  attach()  checks what it got, then maps it. Nothing that a
 *                         hostile publisher does afterwards may make a read
 *                         of the mapping fault.
 *   both        detach()  unmaps it and closes what is left of it. The kernel
 *                         frees it when the last party has.
 *
 * What must hold:
 *
 *   - No failure leaves anything: no fd, no mapping, no name, no id; and *ret
 *     is untouched.
 *   - create() returns with every page allocated, so that no store to it can
 *     fail for want of memory. It fails with -ENOMEM where they cannot be had,
 *     but does not look at the machine's limits first (zti_limits_check() is
 *     the caller's), save at RLIMIT_FSIZE, which kills.
 *   - New memory reads as zeros.
 *   - Memory stays out of core dumps, and out of forked children unless
 *     ZTI_MEMORY_INHERIT says otherwise.
 *   - What can be sealed is. A kind that cannot be (`sealed` false) is attached
 *     only from a publisher that the caller trusts: that is the caller's
 *     decision, made before.
 *   - A name or an id is gone as early as the kind allows, at the latest with
 *     detach() in the process that created it.
 *   - A backend has no state of its own: calls on different memory may run at
 *     the same time.
 *
 * Errors carry a reason in words, as error.h tells. -EPROTO is a peer's fault
 * (wrong seals, wrong size, not such an object), the rest is the machine's.
 */
#ifndef ZTI_MEMORY_IMPL_H
#define ZTI_MEMORY_IMPL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Crosses processes (struct zti_segment_told): never renumber. */
enum zti_memory_kind {
	ZTI_MEMORY_MEMFD = 1,
	ZTI_MEMORY_POSIX = 2,
	ZTI_MEMORY_SYSV = 3,
};

/** Flags of create() and attach(); both sides give the first alike. */
enum {
	/** The peer maps it for writing: a subscription page. */
	ZTI_MEMORY_WRITABLE_BY_PEER = 1 << 0,
	/** Forked children keep the mapping: pixels, at a subscriber. */
	ZTI_MEMORY_INHERIT = 1 << 1,
};

/** A piece of memory that is mapped here. All 0 but fd and id: none. */
struct zti_memory {
	void *address;			/* page aligned */
	size_t size;			/* as asked for, to the byte */
	int fd;				/* -1: none. Who created the memory may
					   close it, and set -1, once sent */
	int id;				/* of a kind that has ids; else -1 */
	uint32_t kind;			/* enum zti_memory_kind */
	uint32_t flags;
};

struct zti_memory_backend {
	const char *name;		/* as --memory takes it */
	uint32_t kind;			/* enum zti_memory_kind */
	bool sealed;			/* peers cannot resize it or write */

	/**
	 * Publisher: make memory, at *ret mapped for reading and writing. The
	 * label is for people who look (/proc/PID/maps): up to 249 bytes.
	 */
	int (*create)(const char *label, size_t size, unsigned int flags,
		      struct zti_memory *ret, char *ret_reason);

	/**
	 * Subscriber: map what the publisher announced as `size` bytes, for
	 * reading, or for writing too with ZTI_MEMORY_WRITABLE_BY_PEER. The fd
	 * (-1 for a kind without) is borrowed: the caller closes it, whatever
	 * is returned, and ret->fd is -1.
	 */
	int (*attach)(int fd, int id, size_t size, unsigned int flags,
		      struct zti_memory *ret, char *ret_reason);

	/** Let go of it; *memory is then none. None is allowed. */
	void (*detach)(struct zti_memory *memory);
};

/** What no memory looks like. */
#define ZTI_MEMORY_NONE ((struct zti_memory){ .fd = -1, .id = -1 })

extern const struct zti_memory_backend zti_memfd_backend;

/*
 * A subscription page (always a memfd) is created open to writing mappings.
 * Once the subscriber has mapped it, and before the publisher touches it
 * again, it is closed to all further ones, and to holes. -EPROTO: the peer has
 * tampered with it.
 */
int zti_memfd_finish_page(int fd, size_t size, char *ret_reason);

/* The subscriber's check that this was done: 0 or -EPROTO. */
int zti_memfd_page_finished(int fd, char *ret_reason);


/** The backend of a kind, NULL where this library has none. */
const struct zti_memory_backend *zti_memory_backend(uint32_t kind);

#endif
