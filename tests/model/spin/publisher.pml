/* SPDX-License-Identifier: MIT */
/* The frame path: zt_loan and zt_publish, as in pick.c, wait.c, offer.c. */

inline harvest(n)
{
	P(TOUCH(n);
	  lent[n] = lent[n] & ~returned[n];
	  returned[n] = 0)
}

#define LENT_BY(set) ((HAS(set, 0) -> lent[0] : 0) | \
		      (HAS(set, SUBS - 1) -> lent[SUBS - 1] : 0))

/* Where the service changes nothing, steps that only it could see are one. */
#ifdef SERVICE_WORKS
#define ENTER P(busy = true)
#define LEAVE_PHASE P(busy = false)
#else
#define ENTER
#define LEAVE_PHASE
#endif

/* zti_lent() */
inline all_lent(ret)
{
#ifdef SERVICE_WORKS
	P(set = holding)
	P(ret = LENT_BY(set))
#else
	ret = LENT_BY(ALL_SUBS)
#endif
}

/* Any member of a set. */
inline choose(from, ret)
{
	ret = 0;
	do
	:: HAS(from, ret) -> break
	:: (from) >> (ret + 1) -> ret++
	od
}

inline slots_ready()
{
#ifdef SERVICE_WORKS
	P(ready = usable)
	P(set = attached)
	P(set = set & lossless)
#else
	atomic { ready = usable; set = attached & lossless }
#endif
	P(n = 0;
	  do
	  :: n < SUBS && HAS(set, n) ->
#ifdef BREAK_LOSSLESS_ROOM
		ready = ready & slots[n];
#else
		if
#ifdef BREAK_LOSSLESS_ROOM_LOANS
		:: COUNT(lent[n]) >= BOUND(n) -> ready = 0
#else
		:: COUNT(lent[n]) + loans_out >= BOUND(n) -> ready = 0
#endif
		:: else -> ready = ready & slots[n]
		fi;
#endif
		n++
	  :: n < SUBS && !HAS(set, n) -> n++
	  :: else -> n = 0; break
	  od)
}

inline harvest_all(which)
{
	P(set = attached);
	n = 0;
	do
	:: n < SUBS && HAS(set, n) && (which & lent[n]) -> harvest(n); n++
	:: n < SUBS && !(HAS(set, n) && (which & lent[n])) -> n++
	:: n >= SUBS -> n = 0; break
	od
}

/*
 * The order of `recent` is any; but of the slots that were never used, one is
 * as good as another.
 */
inline choose_slot()
{
	all_lent(all);
	atomic {
		!dead_publisher ->
		ready = ready & ~loaned & ~SLOT_BIT(phase_slot);
		ready = ready & (used | LOWEST(ready & ~used));
		slot = NO_SLOT;
		if
		:: ready -> choose(ready, slot)
		:: else
		fi
	}
	if
	:: slot != NO_SLOT && (all & BIT(slot)) ->
		harvest_all(BIT(slot));
		all_lent(all);
		atomic {
			!dead_publisher ->
			if
			:: !(all & BIT(slot))
			:: (all & BIT(slot)) && (ready & ~all) ->
				choose(ready & ~all, slot)
			:: else -> slot = NO_SLOT
			fi
		}
	:: else
	fi;
	atomic { all = 0; ready = 0; set = 0 }
}

inline try_loan()
{
#ifdef SERVICE_WORKS
	P(busy = true; excused = in_hands)
#endif
	slots_ready();
	slot = NO_SLOT;
	if
	:: ready -> choose_slot()
	:: else
	fi;
	if
	:: slot != NO_SLOT ->
		P(loaned = loaned | BIT(slot);
		  used = used | BIT(slot);
		  lend())
	:: else
	fi;
	LEAVE_PHASE
}

/* The program begins to write: nobody may be reading. */
inline lend()
{
	assert(dead[0] || !HAS(reads[0], slot));
	assert(dead[SUBS - 1] || !HAS(reads[SUBS - 1], slot));
	writing = writing | BIT(slot);
	loans_out++;
	LEND_SEGMENT
}

inline try_loan_again()
{
	ENTER
	harvest_all(ALL_SLOTS);
	LEAVE_PHASE
	try_loan()
}

/*
 * Put out one that is in the way. That it has been for long enough is not
 * modelled: it may be at once.
 */
inline evict(n)
{
	ENTER
	P(set = lossless)
	P(set = set & attached)
	if
	:: HAS(set, n) && COUNT(lent[n]) + loans_out >= BOUND(n) ->
		P(mute[n] = true; evicted[n] = true)
		P(lossless = lossless & ~BIT(n))
		P(TOUCH(n);
#ifdef BREAK_EVICT_FREES_ALL
		  lent[n] = 0;
#else
		  lent[n] = lent[n] & ~offered[n];
#endif
		  offered[n] = 0)
		harvest(n);
		P(evicted_to_subscriber[n] = true)	/* by the service */
	:: else
	fi;
	LEAVE_PHASE
}

inline loan()
{
	try_loan();
	if
	:: slot == NO_SLOT -> loan_slowly()
	:: else
	fi;
	slot = 0
}

inline loan_slowly()
{
	do
	:: true ->
#ifdef BREAK_LOAN_LOOKS_BEFORE_FLAG
		try_loan_again();
		P(loan_waits_now = true)
		P(board_waiting = true)
#else
#ifdef BREAK_FLAGS_SWAPPED
		P(board_waiting = true)
		try_loan_again();
		if
		:: slot == NO_SLOT ->
			P(loan_waits_now = true)
		:: else
		fi;
#else
		make_room();
		P(loan_waits_now = true)
		P(board_waiting = true)
		try_loan_again();
#endif
#endif
		if
		:: slot != NO_SLOT -> break
		:: else
		fi;
#if D0 != LOSSLESS && D1 != LOSSLESS
		/* Nobody who is not lossless makes the publisher wait, but
		   for the service, which is at work on a subscription. */
		assert(excused);
#endif
		if
#ifdef EVICT
		:: atomic { !dead_publisher && evictions < EVICT ->
			    evictions++ } ->
			evict(0)
#endif
		:: P(loan_asleep = true) ->
			P_WHEN(loan_event, loan_event = false;
			       loan_asleep = false)
		fi
	od;
	P(board_waiting = false)
	P(loan_waits_now = false)
}

inline offer_latest(n, the_bit)
{
	if
	:: !(the_bit) && !(offered[n] & lent[n]) ->
		harvest(n)
	:: else ->
#ifdef BREAK_COUNT_RETURNED_FIRST
		harvest(n);
#endif
#ifdef BREAK_WITHDRAW_FIRST
		P(was = offered[n] & lent[n]; offered[n] = 0)
		P(TOUCH(n);
		  lent[n] = (lent[n] & ~was) | (the_bit);
		  offered[n] = the_bit;
		  newest_offered[n] = ((the_bit) -> phase_sequence : 0))
#else
#ifdef BREAK_LENT_LATE
		P(TOUCH(n);
		  was = offered[n] & lent[n];
		  offered[n] = the_bit)
		harvest(n);
		P(lent[n] = (lent[n] & ~was) | (the_bit))
#else
		P(TOUCH(n);
#ifdef BREAK_WITHDRAW_TAKEN
		  was = lent[n];
#else
		  was = offered[n] & lent[n];
#endif
		  offered[n] = the_bit;
		  newest_offered[n] = ((the_bit) -> phase_sequence : 0);
		  lent[n] = (lent[n] & ~was) | (the_bit))
#endif
#endif
#ifndef BREAK_COUNT_RETURNED_FIRST
		harvest(n);
#endif
		/* None of ours is cut off. */
		assert(COUNT(lent[n] & ~(the_bit)) <= BOUND(n))
	fi
}

/* Of a set, the slot with the oldest frame. */
inline oldest(from, ret)
{
	n2 = 0;
	ret = NO_SLOT;
	do
	:: n2 < SLOTS && HAS(from, n2) &&
	   (ret == NO_SLOT || sequence[n2] < sequence[ret]) -> ret = n2; n2++
	:: n2 < SLOTS && !(HAS(from, n2) &&
	   (ret == NO_SLOT || sequence[n2] < sequence[ret])) -> n2++
	:: n2 >= SLOTS -> n2 = 0; break
	od
}

inline offer_queue(n, the_bit)
{
	do
	:: true ->
#ifdef BREAK_COUNT_RETURNED_FIRST
		harvest(n);
		P(TOUCH(n); was = offered[n]; all_held = COUNT(reads[n]) == BOUND(n))
#else
		P(TOUCH(n); was = offered[n]; all_held = COUNT(reads[n]) == BOUND(n))
		harvest(n);
#endif
		if
		:: COUNT(lent[n]) < BOUND(n) ->
			P(lent[n] = lent[n] | (the_bit);
			  offered[n] = offered[n] | (the_bit);
			  newest_offered[n] = phase_sequence)
			break
		:: else
		fi;
		if
		:: !(was & lent[n]) ->
			/* The new one is dropped only where all are held. */
			assert(all_held);
			break
		:: else
		fi;
		P(oldest(was & lent[n], drop))
#ifdef BREAK_QUEUE_STORE
		P(lent[n] = (lent[n] & ~BIT(drop)) | (the_bit);
		  offered[n] = (was & ~BIT(drop)) | (the_bit);
		  newest_offered[n] = phase_sequence)
		break
#else
		P(swapped = offered[n] == was;
		  if
		  :: swapped ->
			lent[n] = (lent[n] & ~BIT(drop)) | (the_bit);
			offered[n] = (was & ~BIT(drop)) | (the_bit);
			newest_offered[n] = phase_sequence
		  :: else
		  fi)
		if
		:: swapped -> break
		:: else
		fi
#endif
	od;
	atomic { was = 0; drop = 0; all_held = false; swapped = false }
}

inline offer_lossless(n, the_bit)
{
	harvest(n);
	P(TOUCH(n);
	  lent[n] = lent[n] | (the_bit);
	  assert(COUNT(lent[n]) <= BOUND(n));
	  offered[n] = offered[n] | (the_bit);
	  newest_offered[n] = phase_sequence)
}

inline offer_one(n)
{
#ifdef SERVICE_WORKS
	P(bits = slots[n] & BIT(slot); muted = mute[n])
#else
	atomic { bits = BIT(slot); muted = mute[n] }
#endif
	if
	:: muted -> harvest(n)
	:: !muted && DELIVERY(n) == LATEST -> offer_latest(n, bits)
	:: !muted && DELIVERY(n) == QUEUE && bits -> offer_queue(n, bits)
	:: !muted && DELIVERY(n) == QUEUE && !bits -> harvest(n)
	:: !muted && DELIVERY(n) == LOSSLESS ->
		assert(bits);
		offer_lossless(n, bits)
	fi;
#ifdef SERVICE_WORKS
	if
	:: bits && !muted -> P(last_offered[n] = phase_sequence)
	:: else
	fi;
#endif
	atomic { bits = 0; muted = false; was = 0 }
}

inline wake(n)
{
	if
	:: P_WHEN(waiting[n], TOUCH(n)) ->
#ifdef BREAK_WAKE_BEFORE_CLEARING
		P(wake_to_subscriber[n] = true)
		P(TOUCH(n); waiting[n] = false)
#else
		P(TOUCH(n); waiting[n] = false)
		P(wake_to_subscriber[n] = true)
#endif
	:: P_WHEN(!waiting[n], skip)
	fi
}

inline publish()
{
#ifdef SERVICE_WORKS
	P(writing = writing & ~BIT(slot);
	  sequence[slot] = phase_sequence + 1)
#ifdef BREAK_LOAN_ENDS_FIRST
	P(loaned = loaned & ~BIT(slot))
#endif
	P(phase_sequence++; phase_slot = slot; busy = true)
#else
	P(writing = writing & ~BIT(slot);
	  phase_sequence++; phase_slot = slot;
	  sequence[slot] = phase_sequence)
#endif
#ifdef SERVICE_WORKS
	P(set = attached)
#else
	set = attached;
#endif
#ifdef BREAK_LOOK_BEFORE_OFFER
	P(woken = (HAS(set, 0) && waiting[0]) |
		  (HAS(set, SUBS - 1) && waiting[SUBS - 1]) << (SUBS - 1))
#endif
	i = 0;
	do
	:: i < SUBS && HAS(set, i) -> offer_one(i); i++
	:: i < SUBS && !HAS(set, i) -> i++
	:: i >= SUBS -> break
	od;
#ifdef SERVICE_WORKS
	P(set = set & attached)
#endif
	i = 0;
	do
#ifdef BREAK_LOOK_BEFORE_OFFER
	:: i < SUBS && HAS(woken, i) ->
		P(waiting[i] = false)
		P(wake_to_subscriber[i] = true)
		i++
	:: i < SUBS && !HAS(woken, i) -> i++
#else
	:: i < SUBS && HAS(set, i) -> wake(i); i++
	:: i < SUBS && !HAS(set, i) -> i++
#endif
	:: i >= SUBS -> break
	od;
	LEAVE_PHASE
	P(loaned = loaned & ~BIT(slot); loans_out--)
	atomic { set = 0; i = 0; slot = 0; woken = 0 }
	tell_freed()
}

proctype Frame()
{
	byte slot, ready, all, set, was, drop, bits, i, n, n2, woken;
	bool all_held, swapped, muted;
#ifdef EVICT
	byte evictions;
#endif
#ifdef GROW
	byte in_use, fresh;
#endif

	do
	:: atomic { !dead_publisher && loans_out < LOANS &&
		    phase_sequence + loans_out < FRAMES }
		loan()
	:: atomic { !dead_publisher && loans_out > 0 ->
		    choose(loaned, slot) }
		publish()
#ifdef GROW
	:: atomic { !dead_publisher && !growing && loans_out < LOANS &&
		    phase_sequence + loans_out < FRAMES }
		grow()
#endif
	od
}
