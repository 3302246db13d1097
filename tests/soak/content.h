/* SPDX-License-Identifier: MIT */
/*
 * What each frame is. Its format, its size, how it is published, every field
 * of its descriptor and every byte of its pixels are functions of the seed,
 * the stream, the epoch and the sequence, so whoever takes it knows what it
 * has to be without having been told.
 */
#ifndef SOAK_CONTENT_H
#define SOAK_CONTENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <zoetrope/zoetrope.h>

/* One publisher's frames. */
struct content_source {
	uint64_t seed;
	uint64_t stream;
	uint64_t epoch;
	uint32_t metadata_room;		/* of a slot */
};

struct content {
	struct zt_format wanted;	/* as the publisher asks for it */
	struct zt_format format;	/* completed: as the frame has it */
	uint64_t start;			/* what its bytes are made from */
	uint64_t bytes_used;
	int64_t timestamp_ns;
	uint32_t clock, flags, metadata_used;
	bool copied;			/* by zt_publish_copy() */
};

void content_of(const struct content_source *source, uint64_t sequence,
		struct content *ret);

/* Write all of it into a loan of this format. */
void content_paint(const struct content *content, struct zt_loan *loan);

/*
 * Publish it by zt_publish_copy(), from a buffer in the layout that programs
 * have theirs in. Returns what that does.
 */
int content_publish_copy(const struct content *content,
			 struct zt_publisher *pub, int64_t timeout_ns);

/*
 * Is the frame what it has to be? Returns how many bytes of pixels and
 * metadata were looked at; 0: it is not, and `fault` says where.
 */
uint64_t content_check(const struct content *content,
		       const struct zt_frame *frame, char *fault, size_t room);

#endif
