/* SPDX-License-Identifier: MIT */
/*
 * Offering a frame to the subscriptions, and getting slots back from them: all
 * that the publisher does to subscription pages on the frame path. Runs on the
 * frame thread with the phase busy.
 *
 * Every word read from a page is hostile. What a page says is believed only
 * where `lent` says the same, so that a subscription that lies can end the
 * holding of its own frames and nothing else; and no loop here depends on its
 * good will.
 */
#include <errno.h>

#include "core/publisher_impl.h"
#include "os/socket.h"

static uint64_t get_lent(const struct zti_subscription *sub)
{
	return atomic_load_explicit(&sub->lent, memory_order_relaxed);
}

/* The frame path alone changes an attached subscription's lent: no RMW. */
static void set_lent(struct zti_subscription *sub, uint64_t lent)
{
	atomic_store_explicit(&sub->lent, lent, memory_order_relaxed);
}

static void count(_Atomic uint64_t *counter, uint64_t more)
{
	uint64_t old = atomic_load_explicit(counter, memory_order_relaxed);

	atomic_store_explicit(counter, old + more, memory_order_relaxed);
}

/*
 * Take back what was returned. Pairs with the fetch_or in zt_release(): the
 * reads of the pixels happen before the publisher writes there again.
 */
static void harvest(struct zti_subscription *sub)
{
	uint64_t returned;

	if (!atomic_load_explicit(&sub->page->returned.word,
				  memory_order_seq_cst))
		return;
	returned = atomic_exchange_explicit(&sub->page->returned.word, 0,
					    memory_order_acq_rel);
	set_lent(sub, get_lent(sub) & ~returned);
}

/* Look what became of a slot that some have lent. */
void zti_harvest_slot(struct zt_publisher *pub, uint64_t bit)
{
	uint64_t set = atomic_load_explicit(&pub->attached,
					    memory_order_seq_cst);

	for (; set; set &= set - 1) {
		struct zti_subscription *sub =
			&pub->subscriptions[zti_first(set)];

		if (get_lent(sub) & bit)
			harvest(sub);
	}
}

void zti_harvest_all(struct zt_publisher *pub)
{
	uint64_t set = atomic_load_explicit(&pub->attached,
					    memory_order_seq_cst);

	for (; set; set &= set - 1)
		harvest(&pub->subscriptions[zti_first(set)]);
}

/*
 * Take back from `latest` subscriptions what they are offered and what is not
 * the newest frame: they did not know the memory that newer ones lie in.
 */
void zti_withdraw_old(struct zt_publisher *pub)
{
	uint64_t set = atomic_load_explicit(&pub->attached,
					    memory_order_seq_cst);
	uint64_t keep = pub->newest == ZTI_NO_SLOT ? 0 : zti_bit(pub->newest);

	for (; set; set &= set - 1) {
		struct zti_subscription *sub =
			&pub->subscriptions[zti_first(set)];
		_Atomic uint64_t *offered = &sub->page->offered.word;
		uint64_t lent = get_lent(sub), was;

		if (sub->delivery != ZT_LATEST ||
		    !(atomic_load_explicit(offered, memory_order_relaxed) &
		      lent & ~keep))
			continue;
		was = atomic_fetch_and_explicit(offered, keep,
						memory_order_acq_rel) &
		      lent & ~keep;
		set_lent(sub, lent & ~was);
		count(&sub->withdrawn_count, zti_count(was));
	}
}

/* What anybody has lent, as far as the publisher knows by now. */
uint64_t zti_lent(struct zt_publisher *pub)
{
	uint64_t set = atomic_load_explicit(&pub->holding,
					    memory_order_seq_cst);
	uint64_t lent = 0;

	for (; set; set &= set - 1)
		lent |= atomic_load_explicit(
			&pub->subscriptions[zti_first(set)].lent,
			memory_order_seq_cst);
	return lent;
}

/* Drop a peer that broke the protocol, and all it holds, at once. */
static void cut_off(struct zt_publisher *pub, unsigned int index)
{
	atomic_fetch_and_explicit(&pub->attached, ~zti_bit(index),
				  memory_order_seq_cst);
	atomic_fetch_and_explicit(&pub->holding, ~zti_bit(index),
				  memory_order_seq_cst);
	atomic_fetch_or_explicit(&pub->to_cut, zti_bit(index),
				 memory_order_release);
	zti_kick(pub);
}

/*
 * latest: the new frame takes the place of the one before in a single step, so
 * that at no moment there is none, and none but the newest. A frame that was
 * still there is dropped; one that was not, the subscriber has.
 */
static void offer_latest(struct zt_publisher *pub, unsigned int index,
			 uint64_t bit, int64_t now)
{
	struct zti_subscription *sub = &pub->subscriptions[index];
	uint64_t lent = get_lent(sub), was;

	/* Memory that it does not know: what it is offered stays, until it
	   does or until the slot is needed (zti_withdraw_old()). */
	if (!bit) {
		harvest(sub);
		return;
	}
	if (sub->min_interval_ns && sub->last_offer_ns &&
	    (uint64_t)(now - sub->last_offer_ns) < sub->min_interval_ns &&
	    !(atomic_load_explicit(&sub->page->offered.word,
				   memory_order_relaxed) & lent)) {
		/* Too early for another one, and the last is taken. */
		harvest(sub);
		return;
	}

	set_lent(sub, lent | bit);
	was = atomic_exchange_explicit(&sub->page->offered.word, bit,
				       memory_order_seq_cst) & lent;
	set_lent(sub, (lent & ~was) | bit);
	/* Offered first, returned after: an honest subscriber gives back
	   before it takes, so this never counts a frame too many. */
	harvest(sub);
	count(&sub->withdrawn_count, zti_count(was));
	count(&sub->offered_count, 1);
	sub->last_offer_ns = now;
	if (zti_count(get_lent(sub) & ~bit) > sub->bound)
		cut_off(pub, index);
}

/* Of several slots, the one with the oldest frame. */
static uint64_t oldest(const struct zt_publisher *pub, uint64_t set)
{
	unsigned int best = zti_first(set);

	for (set &= set - 1; set; set &= set - 1) {
		unsigned int slot = zti_first(set);

		if (pub->places[slot].last_sequence <
		    pub->places[best].last_sequence)
			best = slot;
	}
	return zti_bit(best);
}

/*
 * queue: in order, up to `bound` lent. When full, the oldest that still waits
 * gives its place, in one step; when all are taken, the new one is dropped.
 */
static void offer_queue(struct zt_publisher *pub, unsigned int index,
			uint64_t bit)
{
	struct zti_subscription *sub = &pub->subscriptions[index];
	_Atomic uint64_t *offered = &sub->page->offered.word;

	/* Each failure means that the subscriber took one of at most `bound`
	   frames, unless it plays with the word. */
	for (unsigned int tries = 0; tries <= sub->bound; tries++) {
		uint64_t word = atomic_load_explicit(offered,
						     memory_order_acquire);
		uint64_t lent, waiting, drop;

		harvest(sub);
		lent = get_lent(sub);
		if (zti_count(lent) < sub->bound) {
			set_lent(sub, lent | bit);
			atomic_fetch_or_explicit(offered, bit,
						 memory_order_seq_cst);
			count(&sub->offered_count, 1);
			return;
		}
		waiting = word & lent;
		if (!waiting)
			return;
		drop = oldest(pub, waiting);
		if (atomic_compare_exchange_strong_explicit(
			    offered, &word, (word & ~drop) | bit,
			    memory_order_seq_cst, memory_order_relaxed)) {
			set_lent(sub, (lent & ~drop) | bit);
			count(&sub->offered_count, 1);
			count(&sub->withdrawn_count, 1);
			return;
		}
	}
	cut_off(pub, index);
}

/* lossless: zt_loan saw to it that there is room. */
static void offer_lossless(struct zti_subscription *sub, uint64_t bit)
{
	set_lent(sub, get_lent(sub) | bit);
	atomic_fetch_or_explicit(&sub->page->offered.word, bit,
				 memory_order_seq_cst);
	count(&sub->offered_count, 1);
	harvest(sub);
}

/* For one that is to be offered no more. */
static void withdraw_all(struct zti_subscription *sub)
{
	_Atomic uint64_t *offered = &sub->page->offered.word;
	uint64_t lent = get_lent(sub), was;

	if (atomic_load_explicit(offered, memory_order_relaxed) & lent) {
		was = atomic_exchange_explicit(offered, 0,
					       memory_order_acq_rel) & lent;
		set_lent(sub, lent & ~was);
		count(&sub->withdrawn_count, zti_count(was));
	}
	harvest(sub);
}

/* Returns whether the subscriber sleeps. */
static bool offer_one(struct zt_publisher *pub, unsigned int index,
		      unsigned int slot, int64_t now)
{
	struct zti_subscription *sub = &pub->subscriptions[index];
	bool muted = atomic_load_explicit(&sub->mute, memory_order_acquire);
	/* seq_cst, as is our store of the phase: see catch_up(). */
	bool mapped = atomic_load_explicit(&sub->slots,
					   memory_order_seq_cst) &
		      zti_bit(slot);

	if (muted) {
		withdraw_all(sub);
		return false;
	}
	switch (sub->delivery) {
	case ZT_LATEST:
		offer_latest(pub, index, mapped ? zti_bit(slot) : 0, now);
		break;
	case ZT_QUEUE:
		if (mapped)
			offer_queue(pub, index, zti_bit(slot));
		else
			harvest(sub);
		break;
	default:
		assert(mapped);
		offer_lossless(sub, zti_bit(slot));
	}
	if (mapped)
		atomic_store_explicit(&sub->last_offered, pub->sequence,
				      memory_order_relaxed);
	return atomic_load_explicit(&sub->page->waiting.word,
				    memory_order_seq_cst);
}

/*
 * Send a WAKE. A full socket is readable already. False: there is no memory
 * for it, and the service is to try again.
 */
bool zti_wake_subscriber(struct zt_publisher *pub, unsigned int index)
{
	if (zti_socket_send(pub->subscriptions[index].socket, "", 1, NULL,
			    0) != -ENOMEM)
		return true;
	atomic_fetch_or_explicit(&pub->to_wake, zti_bit(index),
				 memory_order_release);
	return false;
}

/* Tell the subscriptions that sleep. */
static void wake(struct zt_publisher *pub, uint64_t set)
{
	for (; set; set &= set - 1) {
		struct zti_subscription *sub =
			&pub->subscriptions[zti_first(set)];

		atomic_store_explicit(&sub->page->waiting.word, 0,
				      memory_order_seq_cst);
		if (!zti_wake_subscriber(pub, zti_first(set)))
			zti_kick(pub);
	}
}

/* Have the line of the first subscription that we shall write to brought here,
   from the reader that polls it. */
static void expect(const struct zt_publisher *pub, uint64_t set)
{
	if (set)
		__builtin_prefetch(pub->subscriptions[zti_first(set)].page, 1);
}

/* For before the clock is read, which takes about as long. */
void zti_expect_offers(const struct zt_publisher *pub)
{
	expect(pub, atomic_load_explicit(&pub->attached,
					 memory_order_seq_cst));
}

void zti_offer(struct zt_publisher *pub, unsigned int slot, int64_t now)
{
	uint64_t set = atomic_load_explicit(&pub->attached,
					    memory_order_seq_cst);

	uint64_t sleeping = 0;

	/* Whether one sleeps is asked while its line is here; the calls that
	   wake come after the last offer. */
	for (; set; set &= set - 1) {
		unsigned int index = zti_first(set);

		expect(pub, set & (set - 1));
		if (offer_one(pub, index, slot, now))
			sleeping |= zti_bit(index);
	}
	if (sleeping)
		wake(pub, sleeping);
}

/*
 * Put a lossless subscription out: offers withdrawn, none made again. What it
 * holds stays on its reserve. The service tells it.
 */
void zti_evict(struct zt_publisher *pub, unsigned int index)
{
	struct zti_subscription *sub = &pub->subscriptions[index];

	atomic_fetch_or_explicit(&sub->mute, ZTI_MUTE_EVICTED,
				 memory_order_relaxed);
	atomic_fetch_and_explicit(&pub->lossless, ~zti_bit(index),
				  memory_order_relaxed);
	withdraw_all(sub);
	atomic_fetch_add_explicit(&pub->evicted, 1, memory_order_relaxed);
	atomic_fetch_or_explicit(&pub->to_evict, zti_bit(index),
				 memory_order_release);
	zti_kick(pub);
}
