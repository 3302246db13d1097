/* SPDX-License-Identifier: MIT */
/*
 * What monitors see: the board's info and its rows, written under a sequence
 * lock by the service. Nothing here touches the frame path.
 */
#include <string.h>
#include <unistd.h>

#include "core/latency.h"
#include "core/peer.h"
#include "os/clock.h"

static uint64_t get(const _Atomic uint64_t *word)
{
	return atomic_load_explicit(word, memory_order_relaxed);
}

/* A quantile of a histogram that its subscriber may be lying in. */
static uint64_t quantile(const uint32_t *counts, uint64_t total,
			 unsigned int percent)
{
	uint64_t rank = total * percent / 100, seen = 0;

	for (unsigned int i = 0; i < ZTI_LATENCY_BUCKETS; i++) {
		seen += counts[i];
		if (seen > rank)
			return zti_latency_value(i);
	}
	return 0;
}

static void fill_latency(struct zti_board_row *row, const struct zti_page *page)
{
	uint32_t counts[ZTI_LATENCY_BUCKETS];
	uint64_t total = 0;

	for (unsigned int i = 0; i < ZTI_LATENCY_BUCKETS; i++) {
		counts[i] = atomic_load_explicit(&page->latency[i].word,
						 memory_order_relaxed);
		total += counts[i];
	}
	row->latency_p50_ns = quantile(counts, total, 50);
	row->latency_p99_ns = quantile(counts, total, 99);
	row->latency_max_ns = get(&page->latency_max_ns.word);
}

/* What is returned is not held, harvested or not. */
static uint64_t held_by(const struct zti_subscription *sub)
{
	return get(&sub->lent) & ~get(&sub->page->returned.word);
}

/*
 * Counts as the publisher has them: what was neither offered nor left offered
 * was dropped, what was offered and not withdrawn was taken or still waits.
 */
static void fill_row(struct zt_publisher *pub, const struct zti_peer *peer,
		     struct zti_board_row *row)
{
	const struct zti_subscription *sub = &pub->subscriptions[peer->index];
	uint64_t lent = held_by(sub);
	uint64_t waiting = lent & get(&sub->page->offered.word);
	uint64_t offered = get(&sub->offered_count);
	uint64_t withdrawn = get(&sub->withdrawn_count);
	uint64_t newest = get(&pub->board->published.word);
	uint32_t mute = atomic_load_explicit(&sub->mute, memory_order_relaxed);

	*row = (struct zti_board_row){
		.pid = (uint32_t)peer->pid,
		.uid = peer->uid,
		.delivery = sub->delivery,
		.bound = sub->bound,
		.held = zti_count(lent & ~waiting),
		.waiting = zti_count(waiting),
		.evicted = !!(mute & ZTI_MUTE_EVICTED),
		.stalled = peer->asked,
		.offered = offered,
		.taken = offered - withdrawn - zti_count(waiting),
		.joined_ns = peer->joined_ns,
	};
	if (newest + 1 > sub->first + offered - withdrawn)
		row->dropped = newest + 1 - sub->first - offered + withdrawn;
	fill_latency(row, sub->page);
}

static uint32_t fill_rows(struct zt_publisher *pub)
{
	uint32_t n = 0;

	for (const struct zti_peer *p = pub->peers; p; p = p->next)
		if ((p->state == ZTI_PEER_JOINED ||
		     p->state == ZTI_PEER_LEAVING) &&
		    n < ZTI_SUBSCRIPTIONS_MAX)
			fill_row(pub, p, &pub->board->rows[n++]);
	return n;
}

static void fill_info(struct zt_publisher *pub, struct zti_board_info *info)
{
	uint64_t phase = atomic_load_explicit(&pub->phase,
					      memory_order_acquire);
	unsigned int slot = zti_phase_slot(phase);
	uint64_t in_use = get(&pub->loaned);

	for (const struct zti_peer *p = pub->peers; p; p = p->next)
		if (zti_peer_subscribes(p) && pub->subscriptions[p->index].page)
			in_use |= held_by(&pub->subscriptions[p->index]);
	if (slot != ZTI_NO_SLOT) {
		in_use |= zti_bit(slot);
		/* The frame path may be describing another frame there by
		   now: good enough to look at. */
		info->format = pub->board->slots[slot].format;
	}
	info->published = zti_phase_sequence(phase);
	info->started_ns = pub->started_ns;
	info->newest_ns = (int64_t)get(&pub->board->newest_ns.word);
	info->updated_ns = zti_now_ns();
	info->loan_waits = get(&pub->loan_waits);
	info->loan_wait_ns = get(&pub->loan_wait_ns);
	info->evicted = get(&pub->evicted);
	info->cut_off = get(&pub->cut_off);
	info->refused = get(&pub->refused);
	info->memory = pub->memory_used;
	info->max_memory = pub->options.max_memory;
	info->slots = zti_count(pub->slots_owned);
	info->slots_in_use = zti_count(in_use & pub->slots_owned);
	info->subscribers = atomic_load_explicit(&pub->subscribers,
						 memory_order_relaxed);
	info->monitors = pub->monitor_count;
	info->loans = pub->options.loans;
	info->metadata_size = pub->options.metadata_size;
	info->backpressure =
		!!(pub->options.flags & ZT_PUBLISHER_BACKPRESSURE);
	info->uid = geteuid();
}

void zti_rows_write(struct zt_publisher *pub)
{
	struct zti_board_info *info = &pub->board->info;
	uint64_t serial = get(&info->serial.word);

	atomic_store_explicit(&info->serial.word, serial + 1,
			      memory_order_relaxed);
	atomic_thread_fence(memory_order_release);
	fill_info(pub, info);
	info->rows = fill_rows(pub);
	atomic_store_explicit(&info->serial.word, serial + 2,
			      memory_order_release);
}
