/* SPDX-License-Identifier: MIT */
/*
 * A loan that finds no slot at once: it makes memory, looks on for a while,
 * puts out who has been in the way for too long, sleeps. Runs on the frame
 * thread, and may wait.
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

/*
 * The one thing for which the frame path takes the lock: memory, where a frame
 * outgrows every slot, or the numbers of old slots that have come back.
 */
static int make_room(struct zt_publisher *pub, uint64_t size)
{
	int r = 0;

	if (atomic_load_explicit(&pub->slot_size, memory_order_relaxed) >=
		    size &&
	    !atomic_load_explicit(&pub->retiring, memory_order_relaxed))
		return 0;
	pthread_mutex_lock(&pub->serving);
	if (atomic_load_explicit(&pub->slot_size, memory_order_relaxed) < size)
		r = zti_segments_provide(pub, size, 0, pub->reason);
	else
		zti_segments_collect(pub);
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
	zti_enter(pub);
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
	zti_leave(pub);
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
		int r = make_room(pub, size);

		if (r < 0 && r != -EAGAIN)
			return r;
		atomic_store_explicit(&pub->loan_waits_now, true,
				      memory_order_seq_cst);
		pub->asked_wakes = true;
		atomic_store_explicit(waiting, 1, memory_order_seq_cst);
		*ret_slot = zti_pick_again(pub, size);
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
		if (r < 0 && r != -EINTR)
			snprintf(pub->reason, sizeof(pub->reason),
				 "cannot wait for a slot: %s", strerror(-r));
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
		relax();
		slot = zti_pick_again(pub, size);
	} while (slot == ZTI_NO_SLOT &&
		 (uint64_t)(zti_now_ns() - start) < pub->options.spin_ns);
	return slot;
}

static int64_t deadline_of(int64_t now, int64_t timeout_ns)
{
	if (timeout_ns < 0 || timeout_ns > INT64_MAX - now)
		return INT64_MAX;
	return now + timeout_ns;
}

static void explain(struct zt_publisher *pub)
{
	bool lossless = atomic_load_explicit(&pub->lossless,
					     memory_order_relaxed);

	snprintf(pub->reason, sizeof(pub->reason),
		 lossless ? "a lossless subscriber of %s has no room: it is slow or stopped" :
			    "the memory of %s is changing hands: try again",
		 pub->name);
}

int zti_loan_slowly(struct zt_publisher *pub, uint64_t size,
		       int64_t timeout_ns, unsigned int *ret_slot)
{
	bool fits = atomic_load_explicit(&pub->slot_size,
					 memory_order_relaxed) >= size;
	int64_t start, deadline;
	int r;

	*ret_slot = zti_pick_again(pub, size);
	/* Old slots that have come back only need new numbers. */
	if (*ret_slot == ZTI_NO_SLOT && fits && make_room(pub, size) == 0)
		*ret_slot = zti_pick_again(pub, size);
	if (*ret_slot != ZTI_NO_SLOT)
		return 0;
	start = zti_now_ns();
	deadline = deadline_of(start, timeout_ns);
	if (fits && timeout_ns && pub->options.spin_ns)
		*ret_slot = spin_for_slot(pub, size, start);
	r = *ret_slot == ZTI_NO_SLOT ?
		wait_for_slot(pub, size, deadline, ret_slot) : 0;
	/* Without a thread of ours, what is returned from now on makes
	   zt_publisher_fd() readable, until a loan succeeds. */
	if (pub->threaded)
		pub->asked_wakes = false;
	if (!pub->asked_wakes)
		atomic_store_explicit(&pub->board->waiting.word, 0,
				      memory_order_relaxed);
	atomic_store_explicit(&pub->loan_waits_now, false,
			      memory_order_relaxed);
	if (fits && timeout_ns) {
		zti_add(&pub->loan_waits, 1);
		zti_add(&pub->loan_wait_ns, (uint64_t)(zti_now_ns() - start));
	}
	if (r == -ETIMEDOUT) {
		zti_add(&pub->loan_failures, 1);
		if (!pub->reason[0])
			explain(pub);
		return timeout_ns ? r : -EAGAIN;
	}
	return r;
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
	deadline = deadline_of(now, timeout_ns);
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
