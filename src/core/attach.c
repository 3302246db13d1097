/* SPDX-License-Identifier: MIT */
/*
 * Bringing subscriptions into the frame path's sets, and out of them, without
 * a lock: the service's side of what publisher_impl.h tells. Under `serving`.
 */
#include <sched.h>

#include "core/publisher_impl.h"
#include "os/clock.h"

static uint64_t get_phase(const struct zt_publisher *pub)
{
	return atomic_load_explicit(&pub->phase, memory_order_seq_cst);
}

/*
 * Wait until the frame path has left what it was in when we took something
 * out of its sets. It is in there for a few hundred instructions, with no
 * call that waits, so this is no place to sleep.
 */
void zti_quiesce(struct zt_publisher *pub)
{
	uint64_t seen = get_phase(pub);

	while ((seen & 1) && get_phase(pub) == seen)
		sched_yield();
}

/* The frame path is to wait for this subscription's room, or no longer. */
static void set_lossless(struct zt_publisher *pub, unsigned int index, bool on)
{
	if (pub->subscriptions[index].delivery != ZT_LOSSLESS)
		return;
	if (on)
		atomic_fetch_or_explicit(&pub->lossless, zti_bit(index),
					 memory_order_seq_cst);
	else
		atomic_fetch_and_explicit(&pub->lossless, ~zti_bit(index),
					  memory_order_seq_cst);
}

void zti_subscription_detach(struct zt_publisher *pub, unsigned int index)
{
	atomic_fetch_and_explicit(&pub->attached, ~zti_bit(index),
				  memory_order_seq_cst);
	set_lossless(pub, index, false);
	zti_quiesce(pub);
}

/* What it has given back since the frame path looked last. */
static uint64_t harvest_detached(struct zti_subscription *sub)
{
	uint64_t returned = atomic_exchange_explicit(
		&sub->page->returned.word, 0, memory_order_acq_rel);

	return atomic_fetch_and_explicit(&sub->lent, ~returned,
					 memory_order_relaxed) & ~returned;
}

/* As zt_publish() has it: see min_interval_ns. */
static bool too_early(const struct zti_subscription *sub, uint64_t lent)
{
	return sub->min_interval_ns && sub->last_offer_ns &&
	       (uint64_t)(zti_now_ns() - sub->last_offer_ns) <
		       sub->min_interval_ns &&
	       !(atomic_load_explicit(&sub->page->offered.word,
				      memory_order_relaxed) & lent);
}

/* A slot that the newest frame lies in and that this one may be offered. */
static unsigned int retained_for(struct zt_publisher *pub, uint64_t phase,
				 unsigned int index, bool joining)
{
	struct zti_subscription *sub = &pub->subscriptions[index];
	unsigned int slot = zti_phase_slot(phase);
	uint64_t lent = joining ? 0 : harvest_detached(sub);

	if (slot == ZTI_NO_SLOT || (lent & zti_bit(slot)) ||
	    (!joining && atomic_load_explicit(&sub->last_offered,
					      memory_order_relaxed) >=
				 zti_phase_sequence(phase)))
		return ZTI_NO_SLOT;
	if (!(atomic_load_explicit(&sub->slots, memory_order_relaxed) &
	      zti_bit(slot)))
		return ZTI_NO_SLOT;
	if (sub->delivery == ZT_QUEUE && zti_count(lent) >= sub->bound)
		return ZTI_NO_SLOT;
	if (!joining && too_early(sub, lent))
		return ZTI_NO_SLOT;
	/* Beside the frames that are being written, whose room is promised. */
	if (sub->delivery == ZT_LOSSLESS &&
	    sub->bound < pub->options.loans + 1)
		return ZTI_NO_SLOT;
	return slot;
}

/* As zt_publish() does it: what still waits gives way in the same step. */
static void replace_offer(struct zti_subscription *sub, uint64_t bit)
{
	uint64_t was = atomic_exchange_explicit(&sub->page->offered.word, bit,
						memory_order_seq_cst);

	was &= ~bit;
	was &= atomic_fetch_and_explicit(&sub->lent, ~was,
					 memory_order_relaxed);
	atomic_fetch_add_explicit(&sub->withdrawn_count, zti_count(was),
				  memory_order_relaxed);
}

/*
 * Lend the newest frame to a subscription that is not attached. It is not
 * recycled under us: its slot can go to a loan only after a later publish, so
 * where the phase is the same after `lent` says so, any later loan sees it.
 */
static bool offer_retained(struct zt_publisher *pub, unsigned int index,
			   uint64_t phase, unsigned int slot)
{
	struct zti_subscription *sub = &pub->subscriptions[index];

	atomic_fetch_or_explicit(&sub->lent, zti_bit(slot),
				 memory_order_seq_cst);
	if (zti_phase_sequence(get_phase(pub)) != zti_phase_sequence(phase)) {
		atomic_fetch_and_explicit(&sub->lent, ~zti_bit(slot),
					  memory_order_relaxed);
		return false;
	}
	if (sub->delivery == ZT_LATEST)
		replace_offer(sub, zti_bit(slot));
	else
		atomic_fetch_or_explicit(&sub->page->offered.word,
					 zti_bit(slot), memory_order_seq_cst);
	sub->last_offer_ns = zti_now_ns();
	atomic_store_explicit(&sub->last_offered, zti_phase_sequence(phase),
			      memory_order_relaxed);
	atomic_fetch_add_explicit(&sub->offered_count, 1,
				  memory_order_relaxed);
	return true;
}

/* Undo the above for a page that its subscriber has not been started on. */
static void forget_offers(struct zti_subscription *sub)
{
	atomic_store_explicit(&sub->page->offered.word, 0,
			      memory_order_relaxed);
	atomic_store_explicit(&sub->lent, 0, memory_order_relaxed);
	atomic_store_explicit(&sub->offered_count, 0, memory_order_relaxed);
	atomic_store_explicit(&sub->withdrawn_count, 0, memory_order_relaxed);
	atomic_store_explicit(&sub->last_offered, 0, memory_order_relaxed);
}

/*
 * Attach a subscription: from here on the frame path offers to it. The newest
 * frame comes first, where it has not had it. When a publish comes between
 * our look at the newest frame and the attaching, that publish may or may not
 * have seen us: then all is taken back and tried again. (So we begin when no
 * publish is under way.) The frame path never notices.
 *
 * `joining`: nobody looks at the page yet. *ret_first is then the sequence of
 * the first frame that it is or will be offered, with none left out after it.
 */
void zti_subscription_attach(struct zt_publisher *pub, unsigned int index,
			     bool joining, uint64_t *ret_first)
{
	struct zti_subscription *sub = &pub->subscriptions[index];

	for (;;) {
		uint64_t phase = get_phase(pub);
		uint64_t first = zti_phase_sequence(phase) + 1;
		unsigned int slot;

		if (phase & 1) {
			sched_yield();
			continue;
		}
		slot = retained_for(pub, phase, index, joining);
		if (slot != ZTI_NO_SLOT) {
			if (!offer_retained(pub, index, phase, slot))
				continue;
			first--;
		}
		set_lossless(pub, index, true);
		atomic_fetch_or_explicit(&pub->holding, zti_bit(index),
					 memory_order_seq_cst);
		atomic_fetch_or_explicit(&pub->attached, zti_bit(index),
					 memory_order_seq_cst);
		if (zti_phase_sequence(get_phase(pub)) ==
		    zti_phase_sequence(phase)) {
			*ret_first = first;
			break;
		}
		zti_subscription_detach(pub, index);
		if (joining)
			forget_offers(sub);
	}
	if (!joining && atomic_exchange_explicit(&sub->page->waiting.word, 0,
						 memory_order_seq_cst) &&
	    !zti_wake_subscriber(pub, index))
		zti_tell_later(pub);
	zti_wake_loan(pub);
}

/* Undo the attaching of one that was not told: it is still joining. */
void zti_subscription_unattach(struct zt_publisher *pub, unsigned int index)
{
	zti_subscription_detach(pub, index);
	atomic_fetch_and_explicit(&pub->holding, ~zti_bit(index),
				  memory_order_seq_cst);
	zti_quiesce(pub);
	forget_offers(&pub->subscriptions[index]);
	zti_wake_loan(pub);
}

/*
 * It keeps what it holds, and is offered no more. `why` is a ZTI_MUTE_…. What
 * it has been offered the next publish withdraws: until then it is on the
 * subscription's own reserve.
 */
void zti_subscription_mute(struct zt_publisher *pub, unsigned int index,
			   uint32_t why)
{
	atomic_fetch_or_explicit(&pub->subscriptions[index].mute, why,
				 memory_order_seq_cst);
	set_lossless(pub, index, false);
	zti_wake_loan(pub);
}

/*
 * The peer is gone, or is to be: all it had is free, and its page may be
 * unmapped after. One that lives on is not to take what it was offered; only
 * at the end of the stream all that was published can still be had.
 */
void zti_subscription_remove(struct zt_publisher *pub, unsigned int index)
{
	struct zti_subscription *sub = &pub->subscriptions[index];

	zti_subscription_detach(pub, index);
	if (sub->page && !pub->ending)
		atomic_store_explicit(&sub->page->offered.word, 0,
				      memory_order_seq_cst);
	atomic_fetch_and_explicit(&pub->holding, ~zti_bit(index),
				  memory_order_seq_cst);
	zti_quiesce(pub);
	sub->page = NULL;
	zti_wake_loan(pub);
}
