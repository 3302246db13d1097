/* SPDX-License-Identifier: MIT */
/*
 * What a frame holds here: every byte of it, and every field of its
 * descriptor that a publisher sets, is a function of its epoch and sequence.
 */
#ifndef CRASH_CONTENT_H
#define CRASH_CONTENT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <zoetrope/zoetrope.h>

#define CONTENT_METADATA 16

static inline uint64_t content_word(uint64_t epoch, uint64_t sequence,
				    uint64_t index)
{
	uint64_t x = epoch * 0x9e3779b97f4a7c15ULL +
		     sequence * 0xd1b54a32d192ed03ULL + index + 1;

	x ^= x >> 29;
	x *= 0xbf58476d1ce4e5b9ULL;
	return x ^ x >> 32;
}

static inline int64_t content_timestamp(uint64_t epoch, uint64_t sequence)
{
	return (int64_t)(epoch << 32 | sequence);
}

static inline void content_write(struct zt_loan *loan, uint64_t epoch,
				 uint64_t sequence)
{
	uint64_t about[2] = { epoch, sequence };

	for (uint64_t i = 0; i < loan->format.payload_size / 8; i++) {
		uint64_t word = content_word(epoch, sequence, i);

		memcpy(loan->payload + 8 * i, &word, 8);
	}
	memcpy(loan->metadata, about, sizeof(about));
	loan->metadata_used = sizeof(about);
	loan->bytes_used = loan->format.payload_size - sequence % 8;
	loan->timestamp_ns = content_timestamp(epoch, sequence);
	loan->flags = (uint32_t)sequence & 7;
	loan->clock = (uint32_t)sequence & 3;
}

/* zt_publish_copy() sets no more than the time. */
static inline bool content_described(const struct zt_frame *frame)
{
	uint64_t about[2], sequence = frame->sequence;

	if (frame->timestamp_ns != content_timestamp(frame->epoch, sequence))
		return false;
	if (!frame->metadata_used)
		return !frame->flags && !frame->clock &&
		       frame->bytes_used == frame->format.payload_size;
	if (frame->metadata_used != sizeof(about))
		return false;
	memcpy(about, frame->metadata, sizeof(about));
	return about[0] == frame->epoch && about[1] == sequence &&
	       frame->flags == (sequence & 7) &&
	       frame->clock == (sequence & 3) &&
	       frame->bytes_used == frame->format.payload_size - sequence % 8;
}

/* Is the frame what was written? If not, says what is wrong with it. */
static inline bool content_right(const struct zt_frame *frame, char *fault,
				 size_t room)
{
	uintmax_t sequence = frame->sequence;

	if (!content_described(frame)) {
		snprintf(fault, room, "frame %ju is described as another",
			 sequence);
		return false;
	}
	for (uint64_t i = 0; i < frame->format.payload_size / 8; i++) {
		uint64_t word = content_word(frame->epoch, sequence, i);

		if (memcmp(frame->payload + 8 * i, &word, 8) == 0)
			continue;
		snprintf(fault, room, "frame %ju is torn at byte %ju of %ju",
			 sequence, (uintmax_t)(8 * i),
			 (uintmax_t)frame->format.payload_size);
		return false;
	}
	return true;
}

#endif
