/* SPDX-License-Identifier: MIT */
/* See verify.h. */
#include "core/verify.h"

#include <errno.h>
#include <string.h>

#include <zoetrope/frame.h>

/* 64 slots of the largest frame there is. */
#define SEGMENT_SIZE_MAX (1ULL << 47)

int zti_verify_board(uint64_t magic, uint32_t version, uint32_t size,
		     uint64_t incompatible)
{
	if (magic != ZTI_BOARD_MAGIC)
		return -EPROTO;
	if (version != ZTI_LAYOUT_VERSION || incompatible)
		return -EPROTONOSUPPORT;
	if (size != sizeof(struct zti_board))
		return -EPROTO;
	return 0;
}

static int within(uint64_t offset, uint64_t size, uint64_t whole)
{
	return offset <= whole && size <= whole - offset;
}

int zti_verify_description(const struct zti_slot *slot, uint64_t segment_size)
{
	struct zt_format format = slot->format;

	/* A publisher completes its formats: there is nothing to fill in. */
	if (zt_format_complete(&format) < 0 ||
	    memcmp(&format, &slot->format, sizeof(format)) != 0)
		return -EPROTO;
	if (!within(slot->offset, format.payload_size, segment_size) ||
	    slot->offset % ZTI_CACHE_LINE ||
	    !within(slot->metadata_offset, 0, segment_size))
		return -EPROTO;
	return 0;
}

int zti_verify_frame(const struct zti_slot *slot,
		     const struct zt_format *format,
		     uint64_t metadata_offset, uint64_t segment_size)
{
	if (slot->bytes_used > format->payload_size ||
	    slot->metadata_used > segment_size - metadata_offset ||
	    slot->clock > ZT_CLOCK_REALTIME)
		return -EPROTO;
	return 0;
}

int zti_verify_message(const struct zti_message *msg)
{
	switch (msg->type) {
	case ZTI_SEGMENT:
		if (!msg->segment.size ||
		    msg->segment.size > SEGMENT_SIZE_MAX)
			return -EPROTO;
		__attribute__((fallthrough));
	case ZTI_RETIRE:
		return msg->segment.segment < ZTI_SEGMENTS_MAX ? 0 : -EPROTO;
	case ZTI_REFUSED:
	case ZTI_EVICTED:
		if (!memchr(msg->refusal.text, '\0', ZT_REASON_MAX) ||
		    msg->refusal.error >= 0)
			return -EPROTO;
		return 0;
	default:
		return 0;
	}
}
