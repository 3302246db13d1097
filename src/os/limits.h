/* SPDX-License-Identifier: MIT */
/*
 * How much shared memory can be had before something gives way: the machine,
 * a memory cgroup above us, or a limit of this process. What exceeds some of
 * these is not an error but a death (the OOM killer, SIGXFSZ), so it is asked
 * before memory is made.
 *
 * Looked at: MemAvailable; CommitLimit where the machine does not overcommit;
 * memory.max of each cgroup (v2) and memory.limit_in_bytes (v1) from ours up
 * to the root of what is mounted, where what the kernel can drop (inactive
 * file pages) counts as free; RLIMIT_AS; RLIMIT_FSIZE, which bounds each
 * object. Of the machine and of each cgroup a 32nd, and at most 256 MiB, is
 * left to others. What cannot be read does not limit.
 *
 * The answer is the truth of a moment: others take memory too. Any thread.
 */
#ifndef ZTI_OS_LIMITS_H
#define ZTI_OS_LIMITS_H

#include <stdint.h>

#include <zoetrope/error.h>

/** The smallest headroom, and what sets it. */
struct zti_headroom {
	uint64_t bytes;			/* UINT64_MAX: nothing limits */
	const char *remedy;		/* what to do about it, in words */
	char limit[ZT_REASON_MAX];	/* as "the memory limit of cgroup /x" */
};

/**
 * How much memory there is for objects of up to object_size bytes each. Where
 * RLIMIT_FSIZE forbids even one such, bytes is at most that limit.
 */
void zti_limits_headroom(uint64_t object_size, struct zti_headroom *ret);

/**
 * Is there room for `bytes` more in all, the largest object being of
 * largest_object bytes? 0, or -ENOMEM and a sentence that says what is short
 * and what to do.
 */
int zti_limits_check(uint64_t bytes, uint64_t largest_object,
		     char *ret_reason);

/**
 * The same, with every path under `root` ("" for the real ones), where a test
 * has laid out its own /proc and /sys. The rlimits are the process's.
 */
void zti_limits_headroom_at(const char *root, uint64_t object_size,
			    struct zti_headroom *ret);
int zti_limits_check_at(const char *root, uint64_t bytes,
			uint64_t largest_object, char *ret_reason);

#endif
