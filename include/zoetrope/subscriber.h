/* SPDX-License-Identifier: MIT */
/*
 * Reading a stream.
 *
 *	zt_subscriber_open("cam0", &options, &sub, reason);
 *	while (zt_take(sub, ZT_FOREVER, &frame) == 0) {
 *		… read pixels at frame->data[0] …
 *		zt_release(frame);
 *	}
 *	zt_subscriber_close(sub);
 *
 * A subscriber sees frames where the publisher wrote them. What it gets when
 * it is slower than the publisher is its own choice: see enum zt_delivery. It
 * can hold several frames and give them back in any order; the publisher does
 * not touch a frame that is held.
 *
 * It outlives its publisher: when that dies, what was published is still
 * delivered, then the subscriber waits for the next publisher of that name and
 * goes on (frame->epoch tells). When the publisher ends the stream properly,
 * zt_take returns -EPIPE after the last frame.
 *
 * Threads: zt_take is for one thread at a time; zt_release for any. Nothing
 * runs in the background: the subscriber answers its publisher (new memory,
 * say) from within zt_take.
 *
 * fork: as with publishers, a forked child owns none of this; frames that the
 * parent held stay readable in the child, as long as the parent holds them.
 */
#ifndef ZOETROPE_SUBSCRIBER_H
#define ZOETROPE_SUBSCRIBER_H

#include <zoetrope/error.h>
#include <zoetrope/frame.h>

#ifdef __cplusplus
extern "C" {
#endif

struct zt_subscriber;

/** What a subscriber gets. */
enum zt_delivery {
	/** The newest frame not yet seen; older ones are dropped. */
	ZT_LATEST = 0,
	/** Frames in order; the oldest waiting one is dropped when `depth`
	    are waiting or held. */
	ZT_QUEUE = 1,
	/** Every frame from the join on; the publisher waits. */
	ZT_LOSSLESS = 2,
};

enum {
	/** Open even where there is no such stream yet: zt_take waits. */
	ZT_SUBSCRIBER_WAIT = 1 << 0,
	/** When the publisher dies, end with -ECONNRESET. */
	ZT_SUBSCRIBER_NO_RECONNECT = 1 << 1,
};

/** Options; all 0 but size is a `latest` subscriber that holds one frame. */
struct zt_subscriber_options {
	size_t size;			/* sizeof(this struct) */
	uint32_t flags;			/* ZT_SUBSCRIBER_* */
	uint32_t delivery;		/* enum zt_delivery */
	uint32_t held;			/* latest: frames held at once; 0: 1 */
	uint32_t depth;			/* queue, lossless: frames waiting or
					   held; 0: 4 */
	uint64_t min_interval_ns;	/* latest: at most a frame in this
					   time; 0: no limit */
	uint64_t spin_ns;		/* zt_take: look this long before
					   sleeping */
	uint64_t join_timeout_ns;	/* for the publisher's answer; 0: 5 s */
	zt_log_fn log;
	void *log_userdata;
};

/** Counters of a subscriber, since it was opened. */
struct zt_subscriber_stats {
	size_t size;			/* sizeof(this struct), by caller */
	uint64_t taken;
	uint64_t dropped;		/* gaps in the sequence, this side */
	uint64_t wakes;			/* times it slept and was woken */
	uint64_t reconnects;
	uint64_t memory;		/* bytes mapped now */
	uint32_t epoch;			/* of the publisher; 0: none yet */
	uint32_t held;			/* frames held now */
};

/**
 * Join a stream. Waits for the publisher's answer, up to join_timeout_ns.
 *
 * Errors: -ENOENT (no such stream, and no ZT_SUBSCRIBER_WAIT), -ECONNREFUSED
 * (ret_reason says why), -ETIMEDOUT (the publisher does not answer: it may be
 * stopped), -EACCES, -EPROTO, -EPROTONOSUPPORT, -EINVAL, -E2BIG, and what the
 * system's calls give. *ret_subscriber is untouched on failure. Since 0.1.
 */
ZT_API int zt_subscriber_open(const char *name,
			      const struct zt_subscriber_options *options,
			      struct zt_subscriber **ret_subscriber,
			      char *ret_reason);

/**
 * Leave. Frames still held stay valid until each is released. NULL is
 * allowed. Since 0.1.
 */
ZT_API void zt_subscriber_close(struct zt_subscriber *subscriber);

/**
 * Take the next frame, by the subscriber's delivery. `timeout_ns` 0 does not
 * wait, ZT_FOREVER does for ever.
 *
 * Errors: -EAGAIN (timeout_ns 0) or -ETIMEDOUT; -EBUSY, all the frames that
 * may be held are; -EPIPE, the stream has ended; -ECONNRESET, its publisher
 * died and reconnecting is off; -ECONNREFUSED, the new publisher refused us;
 * -ESHUTDOWN, evicted (after the frames it had won); -EPROTO; -EINTR; -ECHILD. zt_subscriber_reason() says
 * more. Since 0.1.
 */
ZT_API int zt_take(struct zt_subscriber *subscriber, int64_t timeout_ns,
		   const struct zt_frame **ret_frame);

/**
 * One fd for any event loop, the same for the subscriber's whole life:
 * readable (level-triggered) whenever zt_take(…, 0, …) would return anything
 * but -EAGAIN or -EBUSY; now and then it is readable for nothing. It is the
 * subscriber's: do not read or close it. -ECHILD in a forked child. Since 0.1.
 */
ZT_API int zt_subscriber_fd(struct zt_subscriber *subscriber);

/** Fill in *stats, up to the size that it states. Since 0.1. */
ZT_API int zt_subscriber_get_stats(struct zt_subscriber *subscriber,
				   struct zt_subscriber_stats *stats);

/**
 * Why the last zt_take failed, in words ("" where there is nothing to say).
 * For the taking thread; valid until its next call. Since 0.1.
 */
ZT_API const char *zt_subscriber_reason(struct zt_subscriber *subscriber);

#ifdef __cplusplus
}
#endif
#endif
