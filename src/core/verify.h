/* SPDX-License-Identifier: MIT */
/*
 * Checks of what another process wrote. Every function takes copies: nothing
 * is read twice from shared memory. Joining, `zoetrope doctor` and the fuzzers
 * use the same ones. Pure.
 */
#ifndef ZTI_VERIFY_H
#define ZTI_VERIFY_H

#include "layout.h"

/*
 * A board's first line. Errors: -EPROTO; -EPROTONOSUPPORT, another version or
 * a feature that we do not know.
 */
int zti_verify_board(uint64_t magic, uint32_t version, uint32_t size,
		     uint64_t incompatible);

/*
 * A slot's description: that its format is one that can be, and that payload
 * and metadata lie within the segment. Returns 0 or -EPROTO.
 */
int zti_verify_description(const struct zti_slot *slot,
			   uint64_t segment_size);

/* What changes with every frame, given a description that was verified. */
int zti_verify_frame(const struct zti_slot *slot,
		     const struct zt_format *format,
		     uint64_t metadata_offset, uint64_t segment_size);

/* A control message from a publisher: its numbers are in range. */
int zti_verify_message(const struct zti_message *msg);

#endif
