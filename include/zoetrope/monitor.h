/* SPDX-License-Identifier: MIT */
/*
 * Looking at streams from outside, without taking part.
 *
 * zt_stream_list() finds the streams of this machine that the caller may see;
 * zt_monitor_open() connects to one as a monitor, which takes no slot and no
 * frame. While a monitor is connected the publisher writes a row per
 * subscriber to its board a few times a second; zt_monitor_read() copies what
 * stands there.
 *
 * One thread at a time per monitor.
 */
#ifndef ZOETROPE_MONITOR_H
#define ZOETROPE_MONITOR_H

#include <sys/types.h>

#include <zoetrope/error.h>
#include <zoetrope/format.h>

#ifdef __cplusplus
extern "C" {
#endif

struct zt_monitor;

/** One stream's name, as a list of them. */
struct zt_stream_entry {
	char name[65];
	char directory[192];	/* the runtime directory it lives in */
};

/** What a stream is doing. Times are CLOCK_MONOTONIC, nanoseconds. */
struct zt_stream_info {
	struct zt_format format;	/* of the newest frame; fourcc 0: none */
	uint64_t epoch;
	uint64_t published;		/* frames */
	int64_t started_ns;		/* when the publisher began */
	int64_t newest_ns;		/* when the newest frame was published */
	int64_t updated_ns;		/* when this was written */
	uint64_t loan_waits, loan_wait_ns, evicted, cut_off, refused;
	uint64_t memory;		/* bytes of segments */
	uint64_t max_memory;		/* 0: no limit of its own */
	pid_t pid;
	uid_t uid;
	uint32_t slots, slots_in_use;
	uint32_t loans;
	uint32_t metadata_size;
	uint32_t backpressure;		/* 1: lossless joins are allowed */
	uint32_t subscribers;
	uint32_t monitors;
	uint32_t reserved;
};

/** What one subscriber of a stream is doing. */
struct zt_subscription_info {
	pid_t pid;
	uid_t uid;
	uint32_t delivery;		/* enum zt_delivery */
	uint32_t depth;			/* or held, for latest */
	uint32_t held;			/* frames taken and not returned; queue,
					   lossless: and won, not delivered */
	uint32_t waiting;		/* frames offered and not taken */
	uint32_t evicted;		/* 1: put out for being slow */
	uint32_t stalled;		/* 1: it does not read its socket */
	uint64_t offered, taken, dropped;
	uint64_t latency_p50_ns, latency_p99_ns, latency_max_ns;
	int64_t joined_ns;
};

/**
 * List the streams in the directories that a reader of this user looks in.
 * Leftover sockets of dead publishers are left out. *ret_entries is to be
 * freed with free(). Returns the count. Since 0.1.
 */
ZT_API int zt_stream_list(struct zt_stream_entry **ret_entries);

/**
 * Connect to a stream as a monitor. Waits up to timeout_ns for the answer.
 * Errors: as zt_subscriber_open(). Since 0.1.
 */
ZT_API int zt_monitor_open(const char *name, int64_t timeout_ns,
			   struct zt_monitor **ret_monitor, char *ret_reason);

/** Disconnect. NULL is allowed. Since 0.1. */
ZT_API void zt_monitor_close(struct zt_monitor *monitor);

/**
 * Copy what the board says now: *ret_info, and up to `count` subscribers into
 * rows. Never waits. Returns how many rows there are, which may exceed
 * count. Errors: -ECONNRESET, the publisher is gone (what it last wrote is
 * copied all the same, no rows); -EAGAIN, no consistent copy could be read.
 * Since 0.1.
 */
ZT_API int zt_monitor_read(struct zt_monitor *monitor,
			   struct zt_stream_info *ret_info,
			   struct zt_subscription_info *rows, size_t count);

/** Memory that a stream will take, against what there is. */
struct zt_memory_plan {
	size_t size;			/* sizeof(this struct), by caller */
	uint64_t slot_size;		/* bytes, page aligned */
	uint64_t slots;
	uint64_t needed;		/* bytes, boards and pages included */
	uint64_t available;		/* bytes; UINT64_MAX: no limit known */
	char limit[ZT_REASON_MAX];	/* what sets that limit, in words */
};

/**
 * What a stream of this format will take: `loans` frames being written, the
 * newest, and `reserve` frames for its subscribers (held for latest, depth for
 * queue and lossless). Errors: -EINVAL, -ENOBUFS (over 64 slots), -ENOMEM (not
 * enough; *plan is filled in all the same). Since 0.1.
 */
ZT_API int zt_memory_plan(const struct zt_format *format,
			  uint32_t metadata_size, uint32_t loans,
			  uint32_t reserve, struct zt_memory_plan *plan);

#ifdef __cplusplus
}
#endif
#endif
