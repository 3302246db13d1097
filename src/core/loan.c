/* SPDX-License-Identifier: MIT */
/*
 * zt_loan, zt_publish, zt_discard: the frame path. It owns the descriptors of
 * slots. No lock is taken here and no call made that could wait.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/publisher_impl.h"
#include "os/clock.h"

/*
 * What a loan of this format asks for; NULL: as the last one. Only once the
 * loan is had does it count as the last one: see adopt().
 */
static int complete(struct zt_publisher *pub, const struct zt_format *format,
		    struct zti_wanted *ret)
{
	char text[11];
	int r;

	ret->requested = *format;
	ret->format = *format;
	r = zt_format_complete(&ret->format);
	if (r < 0) {
		snprintf(pub->reason, sizeof(pub->reason),
			 "a frame of %ux%u in format %s cannot be described: check its size, planes and visible rectangle",
			 format->width, format->height,
			 zt_fourcc_text(format->fourcc, text));
		return r;
	}
	ret->slot_size = zti_slot_size(&ret->format,
				       pub->options.metadata_size);
	return 0;
}

static bool same_as_last(const struct zt_publisher *pub,
			 const struct zt_format *format)
{
	return !format || !memcmp(format, &pub->wanted.requested,
				  sizeof(*format));
}

static void adopt(struct zt_publisher *pub, const struct zti_wanted *wanted)
{
	pub->wanted = *wanted;
	pub->format_serial++;
}

int zti_loan_format(struct zt_publisher *pub, const struct zt_format *format)
{
	struct zti_wanted wanted;
	int r = complete(pub, format, &wanted);

	if (r >= 0)
		adopt(pub, &wanted);
	return r;
}

/* Get the slot's loan ready for its user. */
static struct zt_loan *lend(struct zt_publisher *pub, unsigned int slot)
{
	struct zti_place *place = &pub->places[slot];
	struct zt_loan *loan = &place->loan;

	if (place->format_serial != pub->format_serial) {
		struct zti_slot *desc = &pub->board->slots[slot];

		loan->format = pub->wanted.format;
		loan->payload = place->address;
		for (unsigned int i = 0; i < ZT_MAX_PLANES; i++)
			loan->data[i] = i < loan->format.plane_count ?
				place->address + loan->format.planes[i].offset :
				NULL;
		loan->metadata_size = pub->options.metadata_size;
		loan->metadata = loan->metadata_size ?
			place->address + place->size - loan->metadata_size :
			NULL;
		desc->format = loan->format;
		desc->metadata_offset = place->offset + place->size -
					loan->metadata_size;
		desc->offset = place->offset;
		desc->segment = place->segment;
		desc->format_serial = ++pub->description_serial;
		place->format_serial = pub->format_serial;
	}
	/* Publishing writes here, and readers have it in their caches: a
	   store now spares the publish a wait. */
	pub->board->slots[slot].reserved = 0;
	loan->metadata_used = 0;
	loan->timestamp_ns = 0;
	loan->clock = ZT_CLOCK_MONOTONIC;
	loan->flags = 0;
	loan->bytes_used = loan->format.payload_size;
	pub->loans_out++;
	return loan;
}

static int find_slot(struct zt_publisher *pub, uint64_t size,
		     int64_t timeout_ns, unsigned int *ret_slot)
{
	int r = 0;

	*ret_slot = zti_pick(pub, size);
	if (*ret_slot == ZTI_NO_SLOT)
		r = zti_loan_slowly(pub, size, timeout_ns, ret_slot);
	if (r >= 0 && pub->asked_wakes) {
		pub->asked_wakes = false;
		atomic_store_explicit(&pub->board->waiting.word, 0,
				      memory_order_relaxed);
	}
	return r;
}

/* A loan in another format than the last. */
static int find_other(struct zt_publisher *pub, const struct zt_format *format,
		      int64_t timeout_ns, unsigned int *ret_slot)
{
	struct zti_wanted wanted;
	int r = complete(pub, format, &wanted);

	if (r >= 0)
		r = find_slot(pub, wanted.slot_size, timeout_ns, ret_slot);
	if (r >= 0)
		adopt(pub, &wanted);
	return r;
}

static int check_loan(struct zt_publisher *pub, const struct zt_format *format)
{
	if (!format && !pub->wanted.slot_size) {
		snprintf(pub->reason, sizeof(pub->reason),
			 "the first loan of a stream has to say its format");
		return -EINVAL;
	}
	if (pub->loans_out >= pub->options.loans) {
		snprintf(pub->reason, sizeof(pub->reason),
			 "all %u loans of %s are out: publish or discard one, or create the publisher with more loans",
			 pub->options.loans, pub->name);
		return -EBUSY;
	}
	return 0;
}

int zt_loan(struct zt_publisher *pub, const struct zt_format *format,
	    int64_t timeout_ns, struct zt_loan **ret_loan)
{
	unsigned int slot;
	int r;

	if (!pub || !ret_loan)
		return -EINVAL;
	if (zti_forked(&pub->fork_entry))
		return -ECHILD;
	pub->reason[0] = '\0';
	r = check_loan(pub, format);
	if (r < 0)
		return r;
	if (same_as_last(pub, format))
		r = find_slot(pub, pub->wanted.slot_size, timeout_ns, &slot);
	else
		r = find_other(pub, format, timeout_ns, &slot);
	if (r < 0)
		return r;
	*ret_loan = lend(pub, slot);
	return 0;
}

/* The slot of a loan that is out, or ZTI_NO_SLOT. */
static unsigned int loaned_slot(const struct zt_publisher *pub,
				const struct zt_loan *loan)
{
	const char *first = (const char *)&pub->places[0].loan;
	size_t index = (size_t)((const char *)loan - first) /
		       sizeof(pub->places[0]);

	if ((const char *)loan < first || index >= ZTI_SLOTS_MAX ||
	    loan != &pub->places[index].loan ||
	    !(zti_get_loaned(pub) & zti_bit((unsigned int)index)))
		return ZTI_NO_SLOT;
	return (unsigned int)index;
}

static void end_loan(struct zt_publisher *pub, unsigned int slot)
{
	zti_set_loaned(pub, zti_get_loaned(pub) & ~zti_bit(slot));
	pub->loans_out--;
}

static void describe(struct zt_publisher *pub, unsigned int slot, int64_t now)
{
	const struct zt_loan *loan = &pub->places[slot].loan;
	struct zti_slot *desc = &pub->board->slots[slot];

	desc->timestamp_ns = loan->timestamp_ns ? loan->timestamp_ns : now;
	desc->published_ns = now;
	desc->bytes_used = loan->bytes_used;
	desc->flags = loan->flags;
	desc->metadata_used = loan->metadata_used;
	desc->clock = loan->clock;
	atomic_store_explicit(&desc->sequence.word, pub->sequence,
			      memory_order_relaxed);
	pub->places[slot].last_sequence = pub->sequence;
}

/* Move a slot to the front of `recent`. */
static void touch(struct zt_publisher *pub, unsigned int slot)
{
	unsigned int i = 0;

	while (pub->recent[i] != slot)
		i++;
	memmove(pub->recent + 1, pub->recent, i);
	pub->recent[0] = (uint8_t)slot;
}

/* Where slots of an old segment came free, the service gives them away. */
static void tell_freed(struct zt_publisher *pub)
{
	uint64_t retiring = atomic_load_explicit(&pub->retiring,
						 memory_order_relaxed);

	if (!retiring)
		return;
	retiring &= ~(zti_lent(pub) | zti_get_loaned(pub) | zti_bit(pub->newest));
	if (retiring)
		zti_kick(pub);
}

int zt_publish(struct zt_publisher *pub, struct zt_loan *loan)
{
	unsigned int slot;
	int64_t now;

	if (!pub || !loan)
		return -EINVAL;
	if (zti_forked(&pub->fork_entry))
		return -ECHILD;
	slot = loaned_slot(pub, loan);
	if (slot == ZTI_NO_SLOT)
		return -EINVAL;
	if (loan->bytes_used > pub->board->slots[slot].format.payload_size ||
	    loan->metadata_used > pub->options.metadata_size ||
	    loan->clock > ZT_CLOCK_REALTIME) {
		end_loan(pub, slot);
		return -EINVAL;
	}

	pub->sequence++;
	pub->newest = slot;
	atomic_store_explicit(&pub->phase,
			      zti_phase(pub->sequence, slot) | 1,
			      memory_order_seq_cst);
	zti_expect_offers(pub);
	now = zti_quick_now_ns(&pub->clock);
	describe(pub, slot, now);
	zti_offer(pub, slot, now);
	zti_leave(pub);
	end_loan(pub, slot);
	touch(pub, slot);
	atomic_store_explicit(&pub->board->published.word, pub->sequence,
			      memory_order_relaxed);
	atomic_store_explicit(&pub->board->newest_ns.word, (uint64_t)now,
			      memory_order_relaxed);
	tell_freed(pub);
	return 0;
}

void zt_discard(struct zt_publisher *pub, struct zt_loan *loan)
{
	unsigned int slot;

	if (!pub || !loan || zti_forked(&pub->fork_entry))
		return;
	slot = loaned_slot(pub, loan);
	if (slot != ZTI_NO_SLOT)
		end_loan(pub, slot);
}

const char *zt_publisher_reason(struct zt_publisher *pub)
{
	return pub ? pub->reason : "";
}
