/* SPDX-License-Identifier: MIT */
/*
 * Frames, as a publisher writes them and as a subscriber sees them.
 *
 * struct zt_loan is a slot lent to the publisher to write in; struct zt_frame
 * is a published frame that a subscriber holds. Both point into the shared
 * memory itself. Both are allocated by the library, which may append members
 * in later versions: never copy them by value across a library's boundary,
 * never take their size for a constant.
 */
#ifndef ZOETROPE_FRAME_H
#define ZOETROPE_FRAME_H

#include <zoetrope/format.h>

#ifdef __cplusplus
extern "C" {
#endif

/** The clock of a capture timestamp. */
enum zt_clock {
	ZT_CLOCK_MONOTONIC = 0,
	ZT_CLOCK_BOOTTIME = 1,
	ZT_CLOCK_TAI = 2,
	ZT_CLOCK_REALTIME = 3,
};

/** Flags of a frame. */
enum {
	/** Frames are missing before this one, at the source. */
	ZT_FRAME_DISCONTINUITY = 1 << 0,
	/** The payload is known to be damaged. */
	ZT_FRAME_CORRUPT = 1 << 1,
	/** The last frame of the stream. */
	ZT_FRAME_END_OF_STREAM = 1 << 2,
};

/**
 * A slot lent to the publisher. The format is the one that zt_loan() was
 * asked for, completed; what follows it is the publisher's to set. Valid
 * until zt_publish() or zt_discard().
 */
struct zt_loan {
	struct zt_format format;	/* not to be changed */
	uint8_t *payload;		/* format.payload_size bytes */
	uint8_t *data[ZT_MAX_PLANES];	/* payload + planes[i].offset */
	uint8_t *metadata;		/* metadata_size bytes, or NULL */
	uint32_t metadata_size;
	uint32_t metadata_used;		/* set it where metadata is written */
	int64_t timestamp_ns;		/* capture; 0: the time of publish */
	uint32_t clock;			/* enum zt_clock, of timestamp_ns */
	uint32_t flags;			/* ZT_FRAME_* */
	uint64_t bytes_used;		/* of the payload; all at first */
	uint64_t reserved[4];
};

/**
 * A published frame, held by a subscriber. Everything in it and everything it
 * points to is read-only (writing faults) and stays as it is until
 * zt_release().
 */
struct zt_frame {
	struct zt_format format;
	const uint8_t *payload;
	const uint8_t *data[ZT_MAX_PLANES];
	const uint8_t *metadata;	/* metadata_used bytes, or NULL */
	uint32_t metadata_used;
	uint32_t slot;			/* 0 to 63: which slot it lies in */
	uint64_t sequence;		/* from 1, no gaps at the publisher */
	uint64_t epoch;			/* which publisher of this name */
	uint64_t dropped;		/* frames lost for this subscriber
					   between the last one and this */
	int64_t timestamp_ns;		/* capture, by clock */
	int64_t published_ns;		/* CLOCK_MONOTONIC */
	uint32_t clock;			/* enum zt_clock */
	uint32_t flags;			/* ZT_FRAME_* */
	uint64_t bytes_used;
	uint64_t reserved[4];
};

/**
 * Give a frame back, from any thread, in any order; NULL is allowed. The frame
 * and all its pixels are out of bounds afterwards. Never blocks. Works, too,
 * after zt_subscriber_close(). A frame that was given back before is ignored
 * where the library can tell. Since 0.1.
 */
ZT_API void zt_release(const struct zt_frame *frame);

#ifdef __cplusplus
}
#endif
#endif
