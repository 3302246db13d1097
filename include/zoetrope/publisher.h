/* SPDX-License-Identifier: MIT */
/*
 * Publishing a stream.
 *
 *	zt_publisher_create("cam0", &options, &pub, reason);
 *	for (;;) {
 *		zt_loan(pub, &format, ZT_FOREVER, &loan);
 *		… write pixels at loan->data[0] …
 *		zt_publish(pub, loan);
 *	}
 *	zt_publisher_destroy(pub);
 *
 * A stream has one publisher at a time. It writes each frame into a slot of
 * shared memory that is lent to nobody else, then offers it to all subscribers
 * at once. Nobody copies; nobody who dies, stops or misbehaves holds it up,
 * save a `lossless` subscriber of a stream that declared back-pressure.
 *
 * Threads: zt_loan, zt_publish, zt_discard, zt_publish_copy and
 * zt_publisher_wait_subscribers belong to one thread at a time (the frame
 * thread); it may change from call to call. The
 * others may be called from any thread. A service thread of the library's own
 * talks to subscribers; with ZT_PUBLISHER_NO_THREAD there is none, and the
 * frame thread calls zt_publisher_dispatch() whenever zt_publisher_fd() is
 * readable (zt_loan does it too, while it waits).
 *
 * Blocking: zt_publish and zt_discard never wait, for subscribers or for the
 * service thread. zt_loan waits, up to its time-out, for a lossless
 * subscriber; and, when a format outgrows every slot, for new memory.
 *
 * fork: a forked child owns none of this. Every call there returns -ECHILD,
 * destroy frees nothing, and the parent goes on undisturbed.
 */
#ifndef ZOETROPE_PUBLISHER_H
#define ZOETROPE_PUBLISHER_H

#include <sys/types.h>

#include <zoetrope/error.h>
#include <zoetrope/frame.h>

#ifdef __cplusplus
extern "C" {
#endif

struct zt_publisher;

enum {
	/** Allow `lossless` subscribers, which can make zt_loan wait. */
	ZT_PUBLISHER_BACKPRESSURE = 1 << 0,
	/** No service thread: the program calls zt_publisher_dispatch(). */
	ZT_PUBLISHER_NO_THREAD = 1 << 1,
};

/** For evict_after_ns: never. */
#define ZT_NEVER UINT64_MAX

/** Options; all 0 but size is the usual stream. */
struct zt_publisher_options {
	size_t size;			/* sizeof(this struct) */
	uint32_t flags;			/* ZT_PUBLISHER_* */
	uint32_t loans;			/* frames being written at once, 1 to
					   16; 0: 1 */
	uint32_t slots;			/* own at least this many, up to 64 */
	uint32_t metadata_size;		/* bytes a slot, up to 1 MiB */
	uint64_t max_memory;		/* bytes of segments; 0: what the
					   machine has */
	uint64_t evict_after_ns;	/* 0: 5 s; ZT_NEVER */
	uint64_t spin_ns;		/* zt_loan: look this long before
					   sleeping */
	uint32_t max_connections;	/* 0: 256 */
	uint32_t max_connections_per_uid; /* other than ours and root;
					     0: 64 */
	mode_t mode;			/* of the socket; 0: 0600 */
	gid_t group;			/* of the socket; 0: leave it */
	const struct zt_format *format;	/* reserve memory for it at once;
					   NULL: at the first loan */
	zt_log_fn log;
	void *log_userdata;
};

/** Counters of a publisher, since it was created. */
struct zt_publisher_stats {
	size_t size;			/* sizeof(this struct), by caller */
	uint64_t published;
	uint64_t loan_waits;		/* loans that had to wait for a
					   lossless subscriber */
	uint64_t loan_wait_ns;		/* and how long, in all */
	uint64_t loan_failures;		/* loans that ended in -EAGAIN or
					   -ETIMEDOUT */
	uint64_t evicted;		/* lossless subscribers put out */
	uint64_t cut_off;		/* peers that broke the protocol or
					   did not read */
	uint64_t refused;		/* joins refused */
	uint64_t slots;			/* owned now */
	uint64_t memory;		/* bytes of segments now */
	uint32_t subscribers;		/* joined now */
	uint32_t epoch;
};

/**
 * Begin to publish a stream. `name` is 1 to 64 of A-Za-z0-9._- and does not
 * begin with a dot. The socket appears in the runtime directory: see
 * zoetrope(7).
 *
 * Errors: -EINVAL (name, options), -E2BIG, -EADDRINUSE, -EACCES, -ENOMEM and
 * -ENOBUFS (memory for options->format), and what the system's calls give.
 * *ret_publisher is untouched on failure. Since 0.1.
 */
ZT_API int zt_publisher_create(const char *name,
			       const struct zt_publisher_options *options,
			       struct zt_publisher **ret_publisher,
			       char *ret_reason);

/**
 * End the stream: subscribers take what was published, then see its end.
 * Loans still out become invalid. NULL is allowed. Since 0.1.
 */
ZT_API void zt_publisher_destroy(struct zt_publisher *publisher);

/**
 * Take a free slot to write a frame in. `format` NULL means that of the last
 * loan, or of options.format. `timeout_ns` 0 does not wait, ZT_FOREVER does for ever. When no slot
 * so far is large enough, new memory is made and shown to the subscribers
 * first (making it is waited for whatever the time-out).
 *
 * Errors: -EAGAIN (timeout_ns 0) or -ETIMEDOUT, a lossless subscriber has no
 * room (or, for a moment, old memory is still changing hands); -EBUSY, options.loans are out already; -EINVAL (format), -ENOMEM,
 * -ENOBUFS (see zt_publisher_reason()), -EINTR, -ECHILD. Since 0.1.
 */
ZT_API int zt_loan(struct zt_publisher *publisher,
		   const struct zt_format *format, int64_t timeout_ns,
		   struct zt_loan **ret_loan);

/**
 * Offer a written frame to every subscriber. The loan ends, whatever is
 * returned. Never waits.
 *
 * Returns 0. Errors: -EINVAL, the loan is not one that is out, or bytes_used
 * or metadata_used exceed their room (the loan is discarded then); -ECHILD.
 * Since 0.1.
 */
ZT_API int zt_publish(struct zt_publisher *publisher, struct zt_loan *loan);

/** Give a loan back unpublished; NULL is allowed. Since 0.1. */
ZT_API void zt_discard(struct zt_publisher *publisher, struct zt_loan *loan);

/**
 * Loan, copy, publish, for who has a buffer already. `format` describes the
 * buffer at `data`, `size` bytes long: its planes (all 0: packed rows, as
 * zt_format_complete_packed() lays them out) may have other strides than the
 * slot; for a compressed kind, size is the frame's length. `timestamp_ns` is
 * the capture time by CLOCK_MONOTONIC; 0: now.
 *
 * Errors: those of zt_loan, and -EINVAL where the buffer is shorter than its
 * format. Since 0.1.
 */
ZT_API int zt_publish_copy(struct zt_publisher *publisher,
			   const struct zt_format *format, const void *data,
			   size_t size, int64_t timestamp_ns,
			   int64_t timeout_ns);

/**
 * How many subscribers are joined now: a publisher may stop working when
 * nobody watches. Since 0.1.
 */
ZT_API int zt_publisher_subscribers(struct zt_publisher *publisher);

/**
 * Wait until at least `count` subscribers are joined, dispatching meanwhile
 * where there is no service thread. Errors: -ETIMEDOUT, -EINTR, -ECHILD.
 * Since 0.1.
 */
ZT_API int zt_publisher_wait_subscribers(struct zt_publisher *publisher,
					 unsigned int count,
					 int64_t timeout_ns);

/** Fill in *stats, up to the size that it states. Since 0.1. */
ZT_API int zt_publisher_get_stats(struct zt_publisher *publisher,
				  struct zt_publisher_stats *stats);

/**
 * Why the last zt_loan failed, in words ("" where there is nothing to say).
 * For the frame thread; valid until its next call. Since 0.1.
 */
ZT_API const char *zt_publisher_reason(struct zt_publisher *publisher);

/**
 * With ZT_PUBLISHER_NO_THREAD: an epoll fd, readable when there is something
 * to dispatch; owned by the publisher. Else -EINVAL. Since 0.1.
 */
ZT_API int zt_publisher_fd(struct zt_publisher *publisher);

/**
 * With ZT_PUBLISHER_NO_THREAD: serve the subscribers once; never waits.
 * Returns how many events were handled. Errors: -EINVAL (there is a service
 * thread), -ECHILD. Since 0.1.
 */
ZT_API int zt_publisher_dispatch(struct zt_publisher *publisher);

#ifdef __cplusplus
}
#endif
#endif
