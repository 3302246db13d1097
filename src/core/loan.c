/* SPDX-License-Identifier: MIT */
/*
 * zt_loan, zt_publish, zt_discard: the frame path. It owns the choice of a
 * slot and the filling in of its descriptor. No lock is taken and no call made
 * that could wait, but for the sleep of a loan that finds no slot, and for the
 * making of memory for a format that outgrows every slot.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/publisher_impl.h"
#include "os/clock.h"

/* How long a loan waits before it asks for refused memory again. */
#define GROW_AGAIN_NS 100000000LL

static void enter(struct zt_publisher *pub)
{
	uint64_t phase = atomic_load_explicit(&pub->phase,
					      memory_order_relaxed);

	atomic_store_explicit(&pub->phase, phase | 1, memory_order_seq_cst);
}

static void leave(struct zt_publisher *pub)
{
	uint64_t phase = atomic_load_explicit(&pub->phase,
					      memory_order_relaxed);

	atomic_store_explicit(&pub->phase, phase & ~1ULL,
			      memory_order_release);
}

static void add(_Atomic uint64_t *counter, uint64_t more)
{
	uint64_t old = atomic_load_explicit(counter, memory_order_relaxed);

	atomic_store_explicit(counter, old + more, memory_order_relaxed);
}

static uint64_t get_loaned(const struct zt_publisher *pub)
{
	return atomic_load_explicit(&pub->loaned, memory_order_relaxed);
}

static void set_loaned(struct zt_publisher *pub, uint64_t loaned)
{
	atomic_store_explicit(&pub->loaned, loaned, memory_order_release);
}

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
						      memory_order_acquire);

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

/*
 * The free slot that was used last: its pages are still in the caches of both
 * sides. What `lent` says may be old, so the first candidate is looked up
 * again: a reader that keeps pace makes do with two slots.
 */
static unsigned int choose_slot(struct zt_publisher *pub, uint64_t ready)
{
	uint64_t busy = get_loaned(pub);
	uint64_t lent = zti_lent(pub);
	bool looked = false;

	if (pub->newest != ZTI_NO_SLOT)
		busy |= zti_bit(pub->newest);
	for (unsigned int i = 0; i < ZTI_SLOTS_MAX; i++) {
		uint64_t bit = zti_bit(pub->recent[i]);

		if (!(ready & ~busy & bit))
			continue;
		if ((lent & bit) && !looked) {
			looked = true;
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

static unsigned int try_loan(struct zt_publisher *pub, uint64_t size)
{
	uint64_t usable;
	unsigned int slot = ZTI_NO_SLOT;

	if (atomic_load_explicit(&pub->slot_size, memory_order_acquire) < size)
		return ZTI_NO_SLOT;
	enter(pub);
	usable = atomic_load_explicit(&pub->usable, memory_order_seq_cst);
	usable = slots_ready(pub, usable);
	if (usable)
		slot = choose_slot(pub, usable);
	if (slot != ZTI_NO_SLOT)
		set_loaned(pub, get_loaned(pub) | zti_bit(slot));
	leave(pub);
	return slot;
}

/* As above, after a look at what was returned meanwhile. */
static unsigned int try_loan_again(struct zt_publisher *pub, uint64_t size)
{
	enter(pub);
	zti_harvest_all(pub);
	leave(pub);
	return try_loan(pub, size);
}

/* Make memory: the one thing for which the frame path takes the lock. */
static int grow(struct zt_publisher *pub, uint64_t size)
{
	int r;

	pthread_mutex_lock(&pub->serving);
	r = zti_segments_provide(pub, size, 0, pub->reason);
	pthread_mutex_unlock(&pub->serving);
	return r;
}

/*
 * Put out the lossless subscriptions that have been in the way for too long.
 * Returns when the next one will have been, or `until`.
 */
static int64_t evict_overdue(struct zt_publisher *pub, int64_t now,
			     int64_t until)
{
	uint64_t after = pub->options.evict_after_ns;
	uint64_t set;

	if (after == ZT_NEVER)
		return until;
	enter(pub);
	set = atomic_load_explicit(&pub->lossless, memory_order_seq_cst) &
	      atomic_load_explicit(&pub->attached, memory_order_seq_cst);
	for (; set; set &= set - 1) {
		unsigned int index = zti_first(set);
		int64_t since = pub->subscriptions[index].blocking_since;

		if (!since)
			continue;
		if ((uint64_t)(now - since) >= after) {
			zti_evict(pub, index);
			until = now;
		} else if (since + (int64_t)after < until) {
			until = since + (int64_t)after;
		}
	}
	leave(pub);
	return until;
}

/* Sleep until the service has news, or `until`. */
static int sleep_until(struct zt_publisher *pub, int64_t now, int64_t until)
{
	int64_t left = until - now;
	struct timespec ts = {
		.tv_sec = left / 1000000000,
		.tv_nsec = left % 1000000000,
	};
	struct pollfd pfd = {
		.fd = pub->threaded ? pub->loan_fd : pub->epoll_fd,
		.events = POLLIN,
	};
	uint64_t count;

	if (left <= 0)
		return 0;
	if (ppoll(&pfd, 1, until == INT64_MAX ? NULL : &ts, NULL) < 0)
		return -errno;
	if (!pub->threaded)
		zti_serve(pub, 0);
	else if (read(pub->loan_fd, &count, sizeof(count)) < 0 &&
		 errno != EAGAIN)
		return -errno;
	return 0;
}

/*
 * No slot at once: look on for a while, then sleep. `waiting` on the board
 * asks subscribers to send a WAKE with what they return; it is set before the
 * look that decides to sleep.
 */
static int wait_for_slot(struct zt_publisher *pub, uint64_t size,
			 int64_t deadline, unsigned int *ret_slot)
{
	_Atomic uint32_t *waiting = &pub->board->waiting.word;

	for (;;) {
		int64_t now, until;
		int r = 0;

		if (atomic_load_explicit(&pub->slot_size,
					 memory_order_relaxed) < size) {
			r = grow(pub, size);
			if (r < 0 && r != -EAGAIN)
				return r;
		}
		atomic_store_explicit(&pub->loan_waits_now, true,
				      memory_order_seq_cst);
		atomic_store_explicit(waiting, 1, memory_order_seq_cst);
		*ret_slot = try_loan_again(pub, size);
		if (*ret_slot != ZTI_NO_SLOT)
			return 0;
		now = zti_now_ns();
		until = evict_overdue(pub, now, deadline);
		if (until != deadline && until <= now)
			continue;
		/* Old memory that is in the way goes when its last holder
		   lets go, or has been silent for too long: look again. */
		if (r == -EAGAIN && until > now + GROW_AGAIN_NS)
			until = now + GROW_AGAIN_NS;
		if (deadline <= now)
			return -ETIMEDOUT;
		r = sleep_until(pub, now, until);
		if (r < 0)
			return r;
	}
}

static void relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
	__builtin_ia32_pause();
#endif
}

static unsigned int spin_for_slot(struct zt_publisher *pub, uint64_t size,
				  int64_t start)
{
	unsigned int slot;

	do {
		for (int i = 0; i < 32; i++)
			relax();
		slot = try_loan_again(pub, size);
	} while (slot == ZTI_NO_SLOT &&
		 (uint64_t)(zti_now_ns() - start) < pub->options.spin_ns);
	return slot;
}

static int loan_slowly(struct zt_publisher *pub, uint64_t size,
		       int64_t timeout_ns, unsigned int *ret_slot)
{
	bool fits = atomic_load_explicit(&pub->slot_size,
					 memory_order_relaxed) >= size;
	int64_t start = zti_now_ns();
	int64_t deadline = start;
	int r;

	if (timeout_ns < 0 || timeout_ns > INT64_MAX - start)
		deadline = INT64_MAX;
	else
		deadline += timeout_ns;
	if (fits && timeout_ns && pub->options.spin_ns) {
		*ret_slot = spin_for_slot(pub, size, start);
		if (*ret_slot != ZTI_NO_SLOT)
			return 0;
	}
	r = wait_for_slot(pub, size, deadline, ret_slot);
	/* Without a thread of ours, what is returned from now on makes
	   zt_publisher_fd() readable. */
	if (r != -ETIMEDOUT || pub->threaded)
		atomic_store_explicit(&pub->board->waiting.word, 0,
				      memory_order_relaxed);
	atomic_store_explicit(&pub->loan_waits_now, false,
			      memory_order_relaxed);
	if (fits) {
		add(&pub->loan_waits, 1);
		add(&pub->loan_wait_ns, (uint64_t)(zti_now_ns() - start));
	}
	if (r == -ETIMEDOUT) {
		add(&pub->loan_failures, 1);
		if (!pub->reason[0])
			snprintf(pub->reason, sizeof(pub->reason),
				 "a lossless subscriber of %s has no room: it is slow or stopped",
				 pub->name);
		return timeout_ns ? r : -EAGAIN;
	}
	return r;
}

/* The format of this loan, completed, into pub->format. */
static int choose_format(struct zt_publisher *pub,
			 const struct zt_format *format)
{
	struct zt_format wanted;
	int r;

	if (!format && !pub->format.fourcc) {
		snprintf(pub->reason, sizeof(pub->reason),
			 "the first loan of a stream has to say its format");
		return -EINVAL;
	}
	if (!format || !memcmp(format, &pub->requested, sizeof(*format)))
		return 0;
	wanted = *format;
	r = zt_format_complete(&wanted);
	if (r < 0) {
		char text[11];

		snprintf(pub->reason, sizeof(pub->reason),
			 "a frame of %ux%u in format %s cannot be described: check its size, planes and visible rectangle",
			 format->width, format->height,
			 zt_fourcc_text(format->fourcc, text));
		return r;
	}
	pub->requested = *format;
	pub->format = wanted;
	pub->format_serial++;
	pub->format_slot_size = zti_slot_size(&wanted,
					      pub->options.metadata_size);
	return 0;
}

/* Get the slot's loan ready for its user. */
static struct zt_loan *lend(struct zt_publisher *pub, unsigned int slot)
{
	struct zti_place *place = &pub->places[slot];
	struct zt_loan *loan = &place->loan;

	if (place->format_serial != pub->format_serial) {
		struct zti_slot *desc = &pub->board->slots[slot];

		loan->format = pub->format;
		loan->payload = place->address;
		for (unsigned int i = 0; i < ZT_MAX_PLANES; i++)
			loan->data[i] = i < loan->format.plane_count ?
				place->address + loan->format.planes[i].offset :
				NULL;
		loan->metadata_size = pub->options.metadata_size;
		loan->metadata = loan->metadata_size ?
			place->address + place->size - loan->metadata_size :
			NULL;
		desc->format = pub->format;
		desc->metadata_offset = place->offset + place->size -
					loan->metadata_size;
		desc->offset = place->offset;
		desc->segment = place->segment;
		desc->format_serial = ++pub->description_serial;
		place->format_serial = pub->format_serial;
	}
	loan->metadata_used = 0;
	loan->timestamp_ns = 0;
	loan->clock = ZT_CLOCK_MONOTONIC;
	loan->flags = 0;
	loan->bytes_used = loan->format.payload_size;
	pub->loans_out++;
	return loan;
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
	r = choose_format(pub, format);
	if (r < 0)
		return r;
	if (pub->loans_out >= pub->options.loans) {
		snprintf(pub->reason, sizeof(pub->reason),
			 "all %u loans of %s are out: publish or discard one, or create the publisher with more loans",
			 pub->options.loans, pub->name);
		return -EBUSY;
	}
	slot = try_loan(pub, pub->format_slot_size);
	if (slot == ZTI_NO_SLOT) {
		r = loan_slowly(pub, pub->format_slot_size, timeout_ns, &slot);
		if (r < 0)
			return r;
	}
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
	    !(get_loaned(pub) & zti_bit((unsigned int)index)))
		return ZTI_NO_SLOT;
	return (unsigned int)index;
}

static void end_loan(struct zt_publisher *pub, unsigned int slot)
{
	set_loaned(pub, get_loaned(pub) & ~zti_bit(slot));
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
	retiring &= ~(zti_lent(pub) | get_loaned(pub) | zti_bit(pub->newest));
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

	now = zti_now_ns();
	pub->sequence++;
	describe(pub, slot, now);
	pub->newest = slot;
	atomic_store_explicit(&pub->phase,
			      zti_phase(pub->sequence, slot) | 1,
			      memory_order_seq_cst);
	zti_offer(pub, slot, now);
	leave(pub);
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

int zt_publisher_wait_subscribers(struct zt_publisher *pub,
				  unsigned int count, int64_t timeout_ns)
{
	int64_t now = zti_now_ns(), deadline;
	int r = 0;

	if (!pub)
		return -EINVAL;
	if (zti_forked(&pub->fork_entry))
		return -ECHILD;
	deadline = timeout_ns < 0 || timeout_ns > INT64_MAX - now ?
		INT64_MAX : now + timeout_ns;
	for (;;) {
		atomic_store_explicit(&pub->loan_waits_now, true,
				      memory_order_seq_cst);
		if (atomic_load_explicit(&pub->subscribers,
					 memory_order_seq_cst) >= count)
			break;
		now = zti_now_ns();
		r = now >= deadline ? -ETIMEDOUT :
				      sleep_until(pub, now, deadline);
		if (r < 0)
			break;
	}
	atomic_store_explicit(&pub->loan_waits_now, false,
			      memory_order_relaxed);
	return r;
}

const char *zt_publisher_reason(struct zt_publisher *pub)
{
	return pub ? pub->reason : "";
}
