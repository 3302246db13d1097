/* SPDX-License-Identifier: MIT */
/*
 * Choosing and winning a frame: the subscriber's half of the handoff. Runs on
 * the taking thread, and makes no system call but for reading the clock.
 *
 * Between a look at `offered` and the clearing of a bit there, the slot may
 * have been withdrawn and offered again with a later frame. So a slot's
 * sequence counts only once its bit is won; what was read before is at most a
 * guide to which bit to try for.
 *
 * What the publisher wrote is checked before it is used: a description once,
 * until its serial changes (on our own copy), the rest with every frame.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/connection.h"
#include "core/latency.h"
#include "core/verify.h"
#include "os/clock.h"

static uint64_t offered(const struct zti_connection *conn)
{
	return atomic_load_explicit(&conn->page->offered.word,
				    memory_order_acquire);
}

static uint64_t sequence_of(const struct zti_connection *conn,
			    unsigned int slot)
{
	return atomic_load_explicit(&conn->board->slots[slot].sequence.word,
				    memory_order_relaxed);
}

/*
 * Pairs with the offers in offer.c. Acquire for the frame; release, so that
 * the publisher, who counts what we hold by looking at `offered` and then at
 * `returned`, sees what we gave back before.
 */
static bool win(struct zti_connection *conn, unsigned int slot)
{
	uint64_t bit = 1ULL << slot;

	return atomic_fetch_and_explicit(&conn->page->offered.word, ~bit,
					 memory_order_acq_rel) & bit;
}

/* From here on the compiler may not read again what was copied: what we check
   has to be what we use. */
static void read_once(void)
{
	atomic_signal_fence(memory_order_seq_cst);
}

/* A description that is new to us: copy, check, and only then use it. */
static int learn(struct zti_connection *conn, unsigned int slot,
		 const struct zti_slot *now)
{
	struct zti_taken *taken = &conn->slots[slot];
	const struct zti_memory *memory;
	struct zti_slot copy = *now;
	struct zt_frame *frame = &taken->frame;

	taken->verified = false;
	copy.format = conn->board->slots[slot].format;
	copy.metadata_offset = conn->board->slots[slot].metadata_offset;
	read_once();
	if (copy.segment >= ZTI_SEGMENTS_MAX)
		return -EPROTO;
	memory = &conn->segments[copy.segment];
	if (!memory->address ||
	    zti_verify_description(&copy, memory->size) < 0)
		return -EPROTO;
	taken->segment = copy.segment;
	taken->offset = copy.offset;
	taken->metadata_offset = copy.metadata_offset;
	taken->format_serial = copy.format_serial;
	frame->format = copy.format;
	frame->payload = (const uint8_t *)memory->address + copy.offset;
	for (unsigned int i = 0; i < ZT_MAX_PLANES; i++)
		frame->data[i] = i < copy.format.plane_count ?
			frame->payload + copy.format.planes[i].offset : NULL;
	frame->slot = slot;
	frame->epoch = conn->epoch;
	taken->verified = true;
	return 0;
}

/* The first line of a slot, read once. */
static struct zti_slot read_slot(const struct zti_connection *conn,
				 unsigned int slot)
{
	const struct zti_slot *shared = &conn->board->slots[slot];
	struct zti_slot copy;

	copy.timestamp_ns = shared->timestamp_ns;
	copy.published_ns = shared->published_ns;
	copy.bytes_used = shared->bytes_used;
	copy.offset = shared->offset;
	copy.segment = shared->segment;
	copy.format_serial = shared->format_serial;
	copy.flags = shared->flags;
	copy.metadata_used = shared->metadata_used;
	copy.clock = shared->clock;
	read_once();
	return copy;
}

static int fill(struct zti_connection *conn, unsigned int slot,
		uint64_t sequence)
{
	struct zti_taken *taken = &conn->slots[slot];
	struct zti_slot now = read_slot(conn, slot);
	struct zt_frame *frame = &taken->frame;
	const struct zti_memory *memory;
	int r = 0;

	if (!taken->verified || now.format_serial != taken->format_serial)
		r = learn(conn, slot, &now);
	if (r < 0)
		return r;
	memory = &conn->segments[taken->segment];
	if (now.segment != taken->segment || now.offset != taken->offset ||
	    zti_verify_frame(&now, &frame->format, taken->metadata_offset,
			     memory->size) < 0)
		return -EPROTO;
	frame->sequence = sequence;
	frame->timestamp_ns = now.timestamp_ns;
	frame->published_ns = now.published_ns;
	frame->bytes_used = now.bytes_used;
	frame->flags = now.flags;
	frame->clock = now.clock;
	frame->metadata_used = now.metadata_used;
	frame->metadata = now.metadata_used ?
		(const uint8_t *)memory->address + taken->metadata_offset :
		NULL;
	return 0;
}

static void put(_Atomic uint64_t *word, uint64_t value)
{
	atomic_store_explicit(word, value, memory_order_relaxed);
}

/*
 * How long the frame was under way. Every frame of a camera is measured; where
 * they come faster than one in 20 us, one in 16, since reading the clock would
 * be a good part of the handoff.
 */
static void measure(struct zti_connection *conn, const struct zt_frame *frame)
{
	/* The publisher may have written anything there. */
	bool fast = (uint64_t)frame->published_ns -
			    (uint64_t)conn->last_published_ns < 20000;
	_Atomic uint32_t *bucket;
	uint64_t ns;

	conn->last_published_ns = frame->published_ns;
	/* What was published before we joined has waited for us, not we
	   for it. */
	if ((fast && (conn->taken & 15)) ||
	    frame->published_ns < conn->started_ns)
		return;
	ns = (uint64_t)zti_now_ns() - (uint64_t)frame->published_ns;
	if ((int64_t)ns < 0)
		return;
	bucket = &conn->page->latency[zti_latency_bucket(ns)].word;
	atomic_store_explicit(bucket,
			      atomic_load_explicit(bucket,
						   memory_order_relaxed) + 1,
			      memory_order_relaxed);
	if (ns > conn->latency_max_ns) {
		conn->latency_max_ns = ns;
		put(&conn->page->latency_max_ns.word, ns);
	}
}

/* Hand a slot that is won to the program. */
static int deliver(struct zti_connection *conn, unsigned int slot,
		   uint64_t sequence, const struct zt_frame **ret_frame)
{
	struct zti_taken *taken = &conn->slots[slot];

	/* A slot that is held and offered again would change under its holder;
	   the acquire pairs with zt_release() in another thread. */
	if (atomic_load_explicit(&taken->out, memory_order_acquire) ||
	    sequence <= conn->last || fill(conn, slot, sequence) < 0) {
		snprintf(conn->reason, sizeof(conn->reason),
			 "the publisher described a frame that cannot be");
		zti_connection_abandon(conn, -EPROTO);
		return -EPROTO;
	}
	taken->frame.dropped = sequence - conn->last - 1;
	conn->dropped += taken->frame.dropped;
	conn->taken++;
	conn->last = sequence;
	put(&conn->page->taken.word, conn->taken);
	if (taken->frame.dropped)
		put(&conn->page->dropped.word, conn->dropped);
	measure(conn, &taken->frame);
	atomic_store_explicit(&taken->out, true, memory_order_relaxed);
	atomic_fetch_add_explicit(&conn->held, 1, memory_order_relaxed);
	*ret_frame = &taken->frame;
	return 0;
}

/*
 * Win all that is offered. One line of the board comes meanwhile: waiting for
 * it is a good part of the time between a publish and its take.
 */
static uint64_t win_all(struct zti_connection *conn)
{
	uint64_t set = offered(conn);

	if (!set)
		return 0;
	__builtin_prefetch(&conn->board->slots[__builtin_ctzll(set)]);
	return atomic_exchange_explicit(&conn->page->offered.word, 0,
					memory_order_acq_rel);
}

/* Of a set, the slot with the highest sequence. */
static unsigned int newest_of(const struct zti_connection *conn, uint64_t set)
{
	unsigned int best = (unsigned int)__builtin_ctzll(set);

	for (set &= set - 1; set; set &= set - 1) {
		unsigned int slot = (unsigned int)__builtin_ctzll(set);

		if (sequence_of(conn, slot) > sequence_of(conn, best))
			best = slot;
	}
	return best;
}

/*
 * The publisher keeps one frame on offer, the newest, and puts a newer one in
 * its place in one step; so does taking it. Whatever else is there, an honest
 * publisher did not put there.
 */
static int next_latest(struct zti_connection *conn,
		       const struct zt_frame **ret_frame)
{
	uint64_t set = win_all(conn), rest;
	unsigned int slot;

	if (!set)
		return -EAGAIN;
	slot = newest_of(conn, set);
	rest = set & ~(1ULL << slot);
	if (rest)
		zti_connection_return(conn, rest);
	if (sequence_of(conn, slot) > conn->last)
		return deliver(conn, slot, sequence_of(conn, slot), ret_frame);
	zti_connection_return(conn, 1ULL << slot);
	return -EAGAIN;
}

/* Of a set, the slot with the lowest sequence above the last delivered. */
static int oldest_of(const struct zti_connection *conn, uint64_t set,
		     unsigned int *ret_slot)
{
	uint64_t best = UINT64_MAX;

	for (; set; set &= set - 1) {
		unsigned int slot = (unsigned int)__builtin_ctzll(set);
		uint64_t sequence = sequence_of(conn, slot);

		if (sequence > conn->last && sequence < best) {
			best = sequence;
			*ret_slot = slot;
		}
	}
	return best != UINT64_MAX;
}

/*
 * In order: a slot that is won may turn out to hold a later frame than it did
 * when we looked, so what is won is put by, and goes out only when nothing
 * that is offered is older.
 */
static int next_queued(struct zti_connection *conn,
		       const struct zt_frame **ret_frame)
{
	unsigned int slot;

	for (int tries = 0; tries < 1000; tries++) {
		if (!oldest_of(conn, offered(conn) | conn->pending, &slot))
			return -EAGAIN;
		if (conn->pending >> slot & 1) {
			conn->pending &= ~(1ULL << slot);
			return deliver(conn, slot, sequence_of(conn, slot),
				       ret_frame);
		}
		if (!win(conn, slot))
			continue;
		if (sequence_of(conn, slot) > conn->last)
			conn->pending |= 1ULL << slot;
		else
			zti_connection_return(conn, 1ULL << slot);
	}
	return -EAGAIN;
}

/*
 * Every frame in order. Nothing is withdrawn here but by an eviction, so all
 * that is offered is won at once; sequences without gaps find their slots by
 * their own number.
 */
static int next_lossless(struct zti_connection *conn,
			 const struct zt_frame **ret_frame)
{
	uint64_t next = conn->last + 1;
	uint8_t *slot = &conn->order[next % ZTI_SLOTS_MAX];

	if (!(conn->pending >> *slot & 1) ||
	    sequence_of(conn, *slot) != next) {
		uint64_t set = win_all(conn);

		conn->pending |= set;
		for (; set; set &= set - 1) {
			unsigned int won = (unsigned int)__builtin_ctzll(set);

			conn->order[sequence_of(conn, won) % ZTI_SLOTS_MAX] =
				(uint8_t)won;
		}
		if (!(conn->pending >> *slot & 1) ||
		    sequence_of(conn, *slot) != next)
			return -EAGAIN;
	}
	conn->pending &= ~(1ULL << *slot);
	return deliver(conn, *slot, next, ret_frame);
}

int zti_connection_next(struct zti_connection *conn,
			const struct zt_frame **ret_frame)
{
	uint32_t held = atomic_load_explicit(&conn->held, memory_order_acquire);

	if (held >= conn->bound)
		return -EBUSY;
	switch (conn->delivery) {
	case ZT_LATEST:
		return next_latest(conn, ret_frame);
	case ZT_QUEUE:
		return next_queued(conn, ret_frame);
	default:
		return next_lossless(conn, ret_frame);
	}
}
