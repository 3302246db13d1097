/* SPDX-License-Identifier: MIT */
/* zt_memory_plan: the reserve rule, without a stream. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <zoetrope/monitor.h>

#include "core/publisher_impl.h"
#include "os/limits.h"

int zt_memory_plan(const struct zt_format *format, uint32_t metadata_size,
		   uint32_t loans, uint32_t reserve,
		   struct zt_memory_plan *plan)
{
	struct zt_memory_plan own = { 0 };
	struct zti_headroom headroom;
	struct zt_format complete;
	int r;

	if (!format || !plan || plan->size < sizeof(plan->size) ||
	    loans > ZTI_LOANS_MAX || metadata_size > ZTI_METADATA_MAX)
		return -EINVAL;
	complete = *format;
	r = zt_format_complete(&complete);
	if (r < 0)
		return r;
	own.size = plan->size;
	own.slot_size = zti_slot_size(&complete, metadata_size);
	own.slots = (uint64_t)(loans ? loans : 1) + 1 + reserve;
	own.needed = own.slots * own.slot_size + sizeof(struct zti_board) +
		     (uint64_t)reserve * ZTI_PAGE_SIZE;
	zti_limits_headroom(own.slots * own.slot_size, &headroom);
	own.available = headroom.bytes;
	snprintf(own.limit, sizeof(own.limit), "%s", headroom.limit);
	memcpy(plan, &own, own.size < sizeof(own) ? own.size : sizeof(own));
	if (own.slots > ZTI_SLOTS_MAX)
		return -ENOBUFS;
	return own.needed > own.available ? -ENOMEM : 0;
}
