/* SPDX-License-Identifier: MIT */
/*
 * The inside of a publisher. Two parties work on it:
 *
 * The frame path: zt_loan, zt_publish, zt_discard, on the program's thread. It
 * never takes a lock and never waits for the other party (but see zt_loan
 * about new memory).
 *
 * The service: the service thread, or zt_publisher_dispatch, or a zt_loan that
 * needs memory. It works under `serving`, and owns the peers, the segments and
 * the reserve.
 *
 * They share two sets of subscriptions, and one word:
 *
 *   attached  the frame path offers to these, harvests, withdraws. While a
 *             subscription is attached, its page and its `lent` are the frame
 *             path's; while it is not, the service's.
 *   holding   what these have lent is not free. The frame path only reads
 *             `lent` of one that holds and is not attached.
 *   phase     sequence << 8 | slot << 1 | busy: the newest frame, and whether
 *             the frame path is at work. It sets busy (seq_cst) before it reads
 *             the sets (seq_cst), so a service that has taken a subscription
 *             out of them (seq_cst) and then sees the frame path not busy
 *             (seq_cst), or the phase changed, knows that nobody uses it.
 *
 * A subscription that joins is attached without a lock: see
 * zti_subscription_attach().
 */
#ifndef ZTI_PUBLISHER_IMPL_H
#define ZTI_PUBLISHER_IMPL_H

#include <pthread.h>
#include <stdbool.h>
#include <sys/types.h>

#include <zoetrope/publisher.h>
#include <zoetrope/subscriber.h>

#include "core/fork.h"
#include "core/log.h"
#include "os/clock.h"
#include "layout.h"
#include "memory/memory_impl.h"

#define ZTI_LOANS_MAX 16
#define ZTI_METADATA_MAX (1U << 20)
#define ZTI_NO_SLOT ZTI_SLOTS_MAX
#define ZTI_NO_SUBSCRIPTION ZTI_SUBSCRIPTIONS_MAX

/* Why a subscription is offered nothing. */
enum {
	ZTI_MUTE_EVICTED = 1 << 0,
	ZTI_MUTE_LEAVING = 1 << 1,
};

/* One subscriber, as the frame path knows it. Never freed, only used again. */
struct zti_subscription {
	_Atomic uint64_t lent;		/* see `attached` above; relaxed */
	_Atomic uint64_t slots;		/* those in segments that the peer has
					   acknowledged: service writes */
	_Atomic uint32_t mute;		/* ZTI_MUTE_*: either party sets */
	struct zti_page *page;
	int socket;			/* for WAKE: borrowed from the peer */
	uint32_t delivery;
	uint32_t bound;			/* held or depth */
	uint64_t min_interval_ns;

	/* The frame path's alone, while attached. */
	int64_t last_offer_ns;
	int64_t blocking_since;		/* 0: it does not */

	/* For the service to read. */
	_Atomic uint64_t last_offered;	/* sequence */
	_Atomic uint64_t offered_count;
	_Atomic uint64_t withdrawn_count;

	uint64_t first;			/* the service's: told in START */
};

/* What a loan asks for. */
struct zti_wanted {
	struct zt_format requested;	/* as given */
	struct zt_format format;	/* completed */
	uint64_t slot_size;
};

/* A place for one frame. */
struct zti_place {
	uint8_t *address;
	uint64_t offset;
	uint64_t size;
	uint64_t last_sequence;
	uint32_t segment;
	uint32_t format_serial;
	struct zt_loan loan;
};

struct zti_segment {
	struct zti_memory memory;	/* address NULL: this id is free */
	uint64_t slot_size;
	uint64_t places_free;		/* places without a slot number */
	uint64_t told, acknowledged;	/* by which peers: bits of peers */
	int64_t retiring_since;		/* 0: new frames go into it */
	bool retired;			/* no frame is in it; peers are told */
};

struct zti_peer;

struct zt_publisher {
	/* The frame path's. */
	_Atomic uint64_t phase;
	_Atomic uint64_t attached, holding;
	uint64_t sequence;
	unsigned int newest;		/* slot, or ZTI_NO_SLOT */
	_Atomic uint64_t loaned;	/* frame path writes, service reads */
	unsigned int loans_out;
	struct zti_wanted wanted;	/* by the last loan */
	uint32_t format_serial;		/* counts changes of the above */
	uint32_t description_serial;	/* and of what slots describe */
	struct zti_board *board;
	struct zti_subscription subscriptions[ZTI_SUBSCRIPTIONS_MAX];
	struct zti_place places[ZTI_SLOTS_MAX];
	struct zti_quick_clock clock;
	uint8_t recent[ZTI_SLOTS_MAX];	/* slots, the last used first */
	char reason[ZT_REASON_MAX];

	/* Set by the service, read by the frame path. */
	_Atomic uint64_t usable;	/* slots that frames may go into */
	_Atomic uint64_t slot_size;	/* of all usable slots */
	_Atomic uint64_t lossless;	/* subscriptions of that delivery */
	_Atomic uint64_t retiring;	/* slots in old segments */

	/* From the frame path to the service. */
	_Atomic uint64_t to_cut, to_evict, to_wake;
	int kick_fd;			/* eventfd: look at the above */
	/* From the service to a loan that waits. */
	int loan_fd;			/* eventfd: something changed */
	bool asked_wakes;		/* the board says that a loan waits */
	_Atomic bool loan_waits_now;

	/* Counters: one writer each, relaxed. */
	_Atomic uint64_t loan_waits, loan_wait_ns, loan_failures;
	_Atomic uint64_t evicted, cut_off, refused;
	_Atomic uint32_t subscribers;

	/* The service's, under `serving`. */
	pthread_mutex_t serving;
	struct zti_segment segments[ZTI_SEGMENTS_MAX];
	uint32_t last_segment;
	uint64_t memory_used;
	uint64_t slots_owned;		/* numbered slots */
	uint32_t reserve;		/* of all subscriptions */
	struct zti_peer *peers;
	unsigned int peer_count, monitor_count;
	struct zti_memory board_memory;
	int64_t started_ns;
	int64_t timer_at, rows_at;
	bool listen_rests;		/* no descriptors were left */
	bool tell_again;		/* a message could not be sent */
	bool ending;			/* zt_publisher_destroy() */

	/* Set at creation. */
	struct zt_publisher_options options;
	struct zti_log log;
	char name[65];
	uint64_t epoch;
	int directory_fd, lock_fd, listen_fd, epoll_fd, timer_fd;
	pthread_t thread;
	bool threaded;
	_Atomic bool stop;
	_Atomic bool forked;
	struct zti_fork_entry fork_entry;
};

static inline uint64_t zti_phase(uint64_t sequence, unsigned int slot)
{
	return sequence << 8 | (uint64_t)slot << 1;
}

static inline uint64_t zti_phase_sequence(uint64_t phase)
{
	return phase >> 8;
}

static inline unsigned int zti_phase_slot(uint64_t phase)
{
	return (phase >> 1) & 127;
}

static inline uint64_t zti_bit(unsigned int slot)
{
	return 1ULL << slot;
}

/* The lowest member of a set that is not empty. */
static inline unsigned int zti_first(uint64_t set)
{
	return (unsigned int)__builtin_ctzll(set);
}

static inline unsigned int zti_count(uint64_t set)
{
	return (unsigned int)__builtin_popcountll(set);
}

/* The frame path, in and out: see `phase` above. */
static inline void zti_enter(struct zt_publisher *pub)
{
	uint64_t phase = atomic_load_explicit(&pub->phase,
					      memory_order_relaxed);

	atomic_store_explicit(&pub->phase, phase | 1, memory_order_seq_cst);
}

static inline void zti_leave(struct zt_publisher *pub)
{
	uint64_t phase = atomic_load_explicit(&pub->phase,
					      memory_order_relaxed);

	atomic_store_explicit(&pub->phase, phase & ~1ULL,
			      memory_order_release);
}

static inline uint64_t zti_get_loaned(const struct zt_publisher *pub)
{
	return atomic_load_explicit(&pub->loaned, memory_order_relaxed);
}

static inline void zti_set_loaned(struct zt_publisher *pub, uint64_t loaned)
{
	atomic_store_explicit(&pub->loaned, loaned, memory_order_release);
}

/* A counter that has one writer. */
static inline void zti_add(_Atomic uint64_t *counter, uint64_t more)
{
	uint64_t old = atomic_load_explicit(counter, memory_order_relaxed);

	atomic_store_explicit(counter, old + more, memory_order_relaxed);
}

/* loan.c: what loans hold from now on. */
int zti_loan_format(struct zt_publisher *pub, const struct zt_format *format);

/* pick.c: the choice of a slot. */
unsigned int zti_pick(struct zt_publisher *pub, uint64_t size);
unsigned int zti_pick_again(struct zt_publisher *pub, uint64_t size);

/* wait.c: a loan that finds none at once. */
int zti_loan_slowly(struct zt_publisher *pub, uint64_t size,
		    int64_t timeout_ns, unsigned int *ret_slot);

/* offer.c: the frame path's part of a subscription. */
void zti_offer(struct zt_publisher *pub, unsigned int slot, int64_t now);
void zti_expect_offers(const struct zt_publisher *pub);
void zti_harvest_all(struct zt_publisher *pub);
void zti_harvest_slot(struct zt_publisher *pub, uint64_t bit);
uint64_t zti_lent(struct zt_publisher *pub);
void zti_withdraw_old(struct zt_publisher *pub);
bool zti_wake_subscriber(struct zt_publisher *pub, unsigned int index);
void zti_evict(struct zt_publisher *pub, unsigned int index);

/* attach.c: the service's. */
void zti_subscription_attach(struct zt_publisher *pub, unsigned int index,
			     bool joining, uint64_t *ret_first);
void zti_subscription_unattach(struct zt_publisher *pub, unsigned int index);
void zti_subscription_detach(struct zt_publisher *pub, unsigned int index);
void zti_subscription_mute(struct zt_publisher *pub, unsigned int index,
			   uint32_t why);
void zti_subscription_remove(struct zt_publisher *pub, unsigned int index);
void zti_quiesce(struct zt_publisher *pub);

/* segments.c: memory, under `serving`. */
int zti_segments_provide(struct zt_publisher *pub, uint64_t slot_size,
			 uint32_t more_reserve, char *ret_reason);
void zti_segments_collect(struct zt_publisher *pub);
void zti_segments_acknowledged(struct zt_publisher *pub, unsigned int index);
void zti_segments_free_all(struct zt_publisher *pub);
uint64_t zti_segment_slots(const struct zt_publisher *pub, uint32_t segment);
uint64_t zti_slot_size(const struct zt_format *format, uint32_t metadata_size);

/* serve.c: the service. */
int zti_serve(struct zt_publisher *pub, int timeout_ms);
int zti_serve_start(struct zt_publisher *pub);
void zti_serve_stop(struct zt_publisher *pub);
void zti_kick(struct zt_publisher *pub);
void zti_tell_later(struct zt_publisher *pub);
void zti_wake_loan(struct zt_publisher *pub);

#endif
