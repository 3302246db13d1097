/* SPDX-License-Identifier: MIT */
/*
 * The choice of a slot for a loan, on the frame path: which slots may be used
 * now, and which of them is the warmest. No lock, no call that waits.
 */
#include "core/publisher_impl.h"
#include "os/clock.h"

/*
 * Slots that every lossless subscription could be offered beside the loans
 * already out; none when one of them has no room. Keeps each one's clock of
 * how long it has been in the way.
 */
static uint64_t slots_ready(struct zt_publisher *pub, uint64_t usable)
{
	uint64_t attached = atomic_load_explicit(&pub->attached,
						 memory_order_seq_cst);
	uint64_t set = atomic_load_explicit(&pub->lossless,
					    memory_order_seq_cst);
	uint64_t ready = usable;

	/* One that is not attached at this moment is in the service's hands:
	   it leaves, or joins with all its room. */
	for (set &= attached; set; set &= set - 1) {
		struct zti_subscription *sub =
			&pub->subscriptions[zti_first(set)];
		uint64_t lent = atomic_load_explicit(&sub->lent,
						     memory_order_relaxed);
		uint64_t slots = atomic_load_explicit(&sub->slots,
						      memory_order_seq_cst);

		if (zti_count(lent) + pub->loans_out >= sub->bound)
			slots = 0;
		if (slots & usable & ~lent)
			sub->blocking_since = 0;
		else if (!sub->blocking_since)
			sub->blocking_since = zti_now_ns();
		ready &= slots;
	}
	return ready;
}

/* Frames up to this size are not worth the look below. */
#define COLD_SIZE 65536

/*
 * The free slot that was used last: its pages are still in the caches of both
 * sides. What `lent` says may be old, so the first candidate is looked up
 * again: a reader that keeps pace makes do with two slots.
 */
static unsigned int choose_slot(struct zt_publisher *pub, uint64_t ready,
				bool look)
{
	uint64_t busy = zti_get_loaned(pub);
	uint64_t lent = zti_lent(pub);

	if (pub->newest != ZTI_NO_SLOT)
		busy |= zti_bit(pub->newest);
	for (unsigned int i = 0; i < ZTI_SLOTS_MAX; i++) {
		uint64_t bit = zti_bit(pub->recent[i]);

		if (!(ready & ~busy & bit))
			continue;
		if ((lent & bit) && look) {
			look = false;
			zti_harvest_slot(pub, bit);
			lent = zti_lent(pub);
		}
		if (!(lent & bit))
			return pub->recent[i];
		if (!(ready & ~busy & ~lent))
			break;
	}
	return ZTI_NO_SLOT;
}

unsigned int zti_pick(struct zt_publisher *pub, uint64_t size)
{
	uint64_t usable;
	unsigned int slot = ZTI_NO_SLOT;

	if (atomic_load_explicit(&pub->slot_size, memory_order_acquire) < size)
		return ZTI_NO_SLOT;
	zti_enter(pub);
	usable = atomic_load_explicit(&pub->usable, memory_order_seq_cst);
	usable = slots_ready(pub, usable);
	if (usable)
		slot = choose_slot(pub, usable, size > COLD_SIZE);
	if (slot != ZTI_NO_SLOT)
		zti_set_loaned(pub, zti_get_loaned(pub) | zti_bit(slot));
	zti_leave(pub);
	return slot;
}

/* As above, after a look at what was returned meanwhile. */
unsigned int zti_pick_again(struct zt_publisher *pub, uint64_t size)
{
	zti_enter(pub);
	zti_harvest_all(pub);
	zti_withdraw_old(pub);
	zti_leave(pub);
	return zti_pick(pub, size);
}
