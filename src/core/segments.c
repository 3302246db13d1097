/* SPDX-License-Identifier: MIT */
/*
 * Segments and the numbering of slots. All of it under `serving`.
 *
 * A segment has room for some frames of one size: its places. A place takes
 * part in the stream once it has a number, 0 to 63, the slot's. When frames
 * outgrow their slots, a new segment with places for all is made, and the old
 * ones retire: no new frame goes into them, and as their slots come free their
 * numbers pass to the new places, so that 64 numbers do for both. A segment
 * without a numbered slot is retired: peers are told to unmap it, and when the
 * last has, its memory goes.
 *
 *   segment state   left when                          a crash leaves
 *   none            provide makes it                   nothing: it is a file
 *   live            frames outgrow it                  descriptor, and goes
 *   retiring        its last slot has come free        with the last process
 *   retired         all peers told have acknowledged   that maps it
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/peer.h"
#include "core/publisher_impl.h"
#include "os/clock.h"
#include "os/limits.h"

static uint64_t align(uint64_t size, uint64_t to)
{
	return (size + to - 1) / to * to;
}

/* Page aligned; the metadata stands at the end, on a cache line of its own. */
uint64_t zti_slot_size(const struct zt_format *format, uint32_t metadata_size)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);

	return align(align(format->payload_size, ZTI_CACHE_LINE) +
			     align(metadata_size, ZTI_CACHE_LINE), page);
}

/* The slots that lie in a segment. */
uint64_t zti_segment_slots(const struct zt_publisher *pub, uint32_t segment)
{
	uint64_t set = 0;

	for (uint64_t rest = pub->slots_owned; rest; rest &= rest - 1) {
		unsigned int slot = zti_first(rest);

		if (pub->places[slot].segment == segment)
			set |= zti_bit(slot);
	}
	return set;
}

/* Recompute which slots a subscription may be offered. */
void zti_segments_acknowledged(struct zt_publisher *pub, unsigned int index)
{
	uint64_t slots = 0;

	for (uint64_t rest = pub->slots_owned; rest; rest &= rest - 1) {
		unsigned int slot = zti_first(rest);

		if (pub->segments[pub->places[slot].segment].acknowledged &
		    zti_bit(index))
			slots |= zti_bit(slot);
	}
	/* Pairs with slots_ready(), over against loan_waits_now. */
	atomic_store_explicit(&pub->subscriptions[index].slots, slots,
			      memory_order_seq_cst);
}

static void recompute_all(struct zt_publisher *pub)
{
	for (unsigned int i = 0; i < ZTI_SUBSCRIPTIONS_MAX; i++)
		if (pub->subscriptions[i].page)
			zti_segments_acknowledged(pub, i);
}

static void number_place(struct zt_publisher *pub, unsigned int slot,
			 uint32_t id)
{
	struct zti_segment *seg = &pub->segments[id];
	struct zti_place *place = &pub->places[slot];
	unsigned int n = zti_first(seg->places_free);

	seg->places_free &= seg->places_free - 1;
	place->segment = id;
	place->offset = n * seg->slot_size;
	place->size = seg->slot_size;
	place->address = (uint8_t *)seg->memory.address + place->offset;
	place->last_sequence = 0;
	place->format_serial = 0;
}

/* Give the numbers that are free to places that have none. */
static void number_places(struct zt_publisher *pub)
{
	uint64_t fresh = 0;

	for (uint32_t id = 0; id < ZTI_SEGMENTS_MAX; id++) {
		struct zti_segment *seg = &pub->segments[id];

		while (seg->memory.address && !seg->retiring_since &&
		       seg->places_free && ~(pub->slots_owned | fresh)) {
			unsigned int slot =
				zti_first(~(pub->slots_owned | fresh));

			number_place(pub, slot, id);
			fresh |= zti_bit(slot);
		}
	}
	if (!fresh)
		return;
	pub->slots_owned |= fresh;
	recompute_all(pub);
	atomic_fetch_or_explicit(&pub->usable, fresh, memory_order_seq_cst);
	zti_wake_loan(pub);
}

static void free_segment(struct zt_publisher *pub, struct zti_segment *seg)
{
	pub->memory_used -= seg->memory.size;
	zti_memfd_backend.detach(&seg->memory);
	memset(seg, 0, sizeof(*seg));
	zti_wake_loan(pub);
}

/*
 * Let the slots of retiring segments go that came free, and the segments that
 * have none left. A slot that is not usable cannot be loaned, so once free it
 * stays so.
 */
void zti_segments_collect(struct zt_publisher *pub)
{
	/* In this order: what is no longer loaned is newest, or was and is
	   lent to whoever still has it. */
	uint64_t in_use = atomic_load_explicit(&pub->loaned,
					       memory_order_acquire);
	uint64_t phase = atomic_load_explicit(&pub->phase,
					      memory_order_seq_cst);
	uint64_t retiring = 0;

	in_use |= zti_lent(pub);
	if (zti_phase_slot(phase) != ZTI_NO_SLOT)
		in_use |= zti_bit(zti_phase_slot(phase));
	for (uint32_t id = 0; id < ZTI_SEGMENTS_MAX; id++) {
		struct zti_segment *seg = &pub->segments[id];
		uint64_t slots;

		if (!seg->memory.address || !seg->retiring_since)
			continue;
		slots = zti_segment_slots(pub, id);
		pub->slots_owned &= ~(slots & ~in_use);
		slots &= in_use;
		retiring |= slots;
		if (slots)
			continue;
		seg->retired = true;
		if (!seg->told)
			free_segment(pub, seg);
	}
	recompute_all(pub);
	atomic_store_explicit(&pub->retiring, retiring, memory_order_relaxed);
	number_places(pub);
	zti_peers_tell(pub);
}

/* Slots of the present size, numbered or not. */
static unsigned int places_owned(const struct zt_publisher *pub)
{
	unsigned int places = 0;

	for (uint32_t id = 0; id < ZTI_SEGMENTS_MAX; id++) {
		const struct zti_segment *seg = &pub->segments[id];

		if (seg->memory.address && !seg->retiring_since)
			places += zti_count(seg->places_free) +
				  zti_count(zti_segment_slots(pub, id));
	}
	return places;
}

/* Memory that goes as soon as peers let go of it. */
static uint64_t memory_retiring(const struct zt_publisher *pub)
{
	uint64_t size = 0;

	for (uint32_t id = 0; id < ZTI_SEGMENTS_MAX; id++)
		if (pub->segments[id].retiring_since)
			size += pub->segments[id].memory.size;
	return size;
}

static int check_memory(struct zt_publisher *pub, uint64_t size,
			char *ret_reason)
{
	uint64_t limit = pub->options.max_memory;
	uint64_t staying;

	if (limit && (size > limit || pub->memory_used > limit - size))
		zti_peers_cut_silent(pub);
	staying = pub->memory_used - memory_retiring(pub);
	if (limit && (size > limit || staying > limit - size)) {
		snprintf(ret_reason, ZT_REASON_MAX,
			 "stream %s has %llu bytes of shared memory and needs %llu more, but max_memory allows %llu in all: allow more, or smaller or fewer frames",
			 pub->name, (unsigned long long)staying,
			 (unsigned long long)size,
			 (unsigned long long)limit);
		return -ENOBUFS;
	}
	if (limit && pub->memory_used > limit - size) {
		snprintf(ret_reason, ZT_REASON_MAX,
			 "stream %s waits for a subscriber to let go of old memory, within max_memory",
			 pub->name);
		return -EAGAIN;
	}
	return zti_limits_check(size, size, ret_reason);
}

static int make_segment(struct zt_publisher *pub, uint64_t slot_size,
			unsigned int places, char *ret_reason)
{
	uint64_t size = slot_size * places;
	struct zti_segment *seg = NULL;
	char label[80];
	int r;

	for (uint32_t i = 1; i <= ZTI_SEGMENTS_MAX && !seg; i++) {
		uint32_t id = (pub->last_segment + i) % ZTI_SEGMENTS_MAX;

		if (!pub->segments[id].memory.address) {
			seg = &pub->segments[id];
			pub->last_segment = id;
		}
	}
	if (!seg) {
		zti_peers_cut_silent(pub);
		snprintf(ret_reason, ZT_REASON_MAX,
			 "stream %s has %d segments in use already: subscribers that hold frames of old ones have to release them",
			 pub->name, ZTI_SEGMENTS_MAX);
		return memory_retiring(pub) ? -EAGAIN : -ENOBUFS;
	}
	r = check_memory(pub, size, ret_reason);
	if (r < 0)
		return r;
	snprintf(label, sizeof(label), "zoetrope-%s", pub->name);
	r = zti_memfd_backend.create(label, size, 0, &seg->memory, ret_reason);
	if (r < 0)
		return r;
	seg->slot_size = slot_size;
	seg->places_free = places == 64 ? ~0ULL : zti_bit(places) - 1;
	pub->memory_used += size;
	zti_log(&pub->log, 6, "%s: new segment %u: %u slots of %llu bytes",
		pub->name, pub->last_segment, places,
		(unsigned long long)slot_size);
	return 0;
}

/* Frames have outgrown what there was: no new one goes into it. */
static void retire_smaller(struct zt_publisher *pub, uint64_t slot_size)
{
	uint64_t gone = 0;

	for (uint32_t id = 0; id < ZTI_SEGMENTS_MAX; id++) {
		struct zti_segment *seg = &pub->segments[id];

		if (!seg->memory.address || seg->retiring_since ||
		    seg->slot_size >= slot_size)
			continue;
		seg->retiring_since = zti_now_ns();
		seg->places_free = 0;
		gone |= zti_segment_slots(pub, id);
	}
	atomic_fetch_and_explicit(&pub->usable, ~gone, memory_order_seq_cst);
	zti_quiesce(pub);
}

/*
 * See to it that there are slots of at least this size for everybody who has
 * joined, and `more_reserve` beyond. Errors: -EAGAIN, old memory has to go
 * first; -ENOBUFS, -ENOMEM and the system's; in words in ret_reason. Then all
 * is as it was.
 */
int zti_segments_provide(struct zt_publisher *pub, uint64_t slot_size,
			 uint32_t more_reserve, char *ret_reason)
{
	uint64_t now = atomic_load_explicit(&pub->slot_size,
					    memory_order_relaxed);
	unsigned int needed = pub->options.loans + 1 + pub->reserve +
			      more_reserve;
	unsigned int owned = 0;
	int r;

	if (needed < pub->options.slots)
		needed = pub->options.slots;
	if (needed > ZTI_SLOTS_MAX) {
		snprintf(ret_reason, ZT_REASON_MAX,
			 "stream %s would need %u slots and a stream has at most %d: fewer subscribers, or less held or depth",
			 pub->name, needed, ZTI_SLOTS_MAX);
		return -ENOBUFS;
	}
	if (slot_size <= now) {
		slot_size = now;
		owned = places_owned(pub);
	}
	if (needed <= owned || !slot_size)
		return 0;
	r = make_segment(pub, slot_size, needed - owned, ret_reason);
	if (r < 0)
		return r;
	if (slot_size > now)
		retire_smaller(pub, slot_size);
	atomic_store_explicit(&pub->slot_size, slot_size,
			      memory_order_release);
	zti_segments_collect(pub);
	return 0;
}

void zti_segments_free_all(struct zt_publisher *pub)
{
	for (uint32_t id = 0; id < ZTI_SEGMENTS_MAX; id++)
		if (pub->segments[id].memory.address)
			free_segment(pub, &pub->segments[id]);
}
