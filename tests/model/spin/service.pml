/* SPDX-License-Identifier: MIT */
/* The service thread: attach.c, join.c, peer.c, serve.c. */

/* In a wake, and after anything that may make room. */
inline wake_loan()
{
	if
	:: P_WHEN(loan_waits_now, skip) -> P(loan_event = true)
	:: P_WHEN(!loan_waits_now, skip)
	fi
}

/* zti_quiesce() */
inline quiesce()
{
#ifndef BREAK_QUIESCE
	P(seen = phase_sequence; was_busy = busy)
	if
	:: was_busy -> P_WHEN(!busy || phase_sequence != seen, skip)
	:: else
	fi;
	atomic { seen = 0; was_busy = false }
#else
	skip
#endif
}

inline detach(n)
{
	P(attached = attached & ~BIT(n); in_hands = true; excused = true)
	P(lossless = lossless & ~BIT(n))
	quiesce()
}

/* The slot that the newest frame is in, where this one may be offered it. */
inline retained_for(n, joining)
{
	d_step {
		slot = phase_slot_seen;
		if
		:: slot == NO_SLOT
		:: slot != NO_SLOT && HAS(lent[n], slot) -> slot = NO_SLOT
		:: slot != NO_SLOT && !joining && last_offered[n] >= phase ->
			slot = NO_SLOT
		:: slot != NO_SLOT && !HAS(slots[n], slot) -> slot = NO_SLOT
		:: slot != NO_SLOT && DELIVERY(n) == QUEUE &&
		   COUNT(lent[n]) >= BOUND(n) -> slot = NO_SLOT
		:: slot != NO_SLOT && DELIVERY(n) == LOSSLESS &&
		   BOUND(n) < LOANS + 1 -> slot = NO_SLOT
		:: else
		fi
	}
}

/* Leaves `same` false where a publish came between. */
inline offer_retained(n)
{
#ifdef BREAK_RETAINED_LENT_LATE
	P(same = phase_sequence == phase)
	if
	:: same -> P(lent[n] = lent[n] | BIT(slot))
	:: else
	fi;
#else
	P(lent[n] = lent[n] | BIT(slot))
#ifdef BREAK_RETAINED_UNCHECKED
	atomic { same = true }
#else
	P(same = phase_sequence == phase)
#endif
#endif
	if
	:: same && DELIVERY(n) == LATEST ->
#ifdef BREAK_RETAINED_BESIDE
		P(TOUCH(n); offered[n] = offered[n] | BIT(slot);
		  newest_offered[n] = phase)
#else
		P(TOUCH(n); was = offered[n] & ~BIT(slot);
		  offered[n] = BIT(slot); newest_offered[n] = phase)
		P(lent[n] = lent[n] & ~was)
#endif
	:: same && DELIVERY(n) != LATEST ->
		P(TOUCH(n); offered[n] = offered[n] | BIT(slot);
		  newest_offered[n] = phase)
	:: else ->
		P(lent[n] = lent[n] & ~BIT(slot))
	fi;
	if
	:: same -> P(last_offered[n] = phase)
	:: else
	fi;
	was = 0
}

/* The same. */
inline attach_now(n, joining)
{
	if
	:: DELIVERY(n) == LOSSLESS -> P(lossless = lossless | BIT(n))
	:: else
	fi;
#ifndef BREAK_ATTACH_WITHOUT_HOLDING
	P(holding = holding | BIT(n))
#endif
	P(attached = attached | BIT(n))
#ifndef BREAK_ATTACH_UNCHECKED
	P(same = phase_sequence == phase)
#endif
	if
	:: same
	:: else ->
		detach(n);
#ifndef BREAK_FORGET_OFFERS
		if
		:: joining -> P(offered[n] = 0; lent[n] = 0;
				last_offered[n] = 0; newest_offered[n] = 0)
		:: else
		fi
#endif
	fi
}

/* zti_subscription_attach() */
inline attach(n, joining)
{
	do
	:: true ->
#ifdef BREAK_ATTACH_WHILE_BUSY
		P(phase = phase_sequence; phase_slot_seen = phase_slot)
#else
		P_WHEN(!busy, phase = phase_sequence;
		       phase_slot_seen = phase_slot)
#endif
		retained_for(n, joining);
		first_seen = phase + 1;
		same = true;
		if
		:: slot != NO_SLOT ->
			first_seen = phase;
			offer_retained(n)	/* sets `same` */
		:: else
		fi;
		if
		:: same ->
			attach_now(n, joining);
			if
			:: same -> break
			:: else
			fi
		:: else
		fi
	od;
#ifndef BREAK_ATTACH_WAKES_NOBODY
	if
	:: !joining ->
		P(same = waiting[n]; waiting[n] = false)
		if
		:: same -> P(wake_to_subscriber[n] = true)
		:: else
		fi
	:: else
	fi;
#endif
	P(in_hands = false)
	wake_loan();
	atomic { phase = 0; slot = 0; phase_slot_seen = 0; same = false }
}

/* START, and a wake that the joiner can keep. */
inline start(n)
{
	attach(n, true);
	P(first[n] = first_seen; start_to_subscriber[n] = true;
	  wake_to_subscriber[n] = false)
#ifndef BREAK_START_WITHOUT_WAKE
	P(wake_to_subscriber[n] = true)
#endif
	first_seen = 0
}

/* zti_subscription_mute(): one that leaves keeps what it holds. */
inline mute_leaver(n)
{
	detach(n);
	P(mute[n] = true)
#ifndef BREAK_LEAVER_KEEPS_OFFERS
	P(TOUCH(n); was = offered[n]; offered[n] = 0)
	P(lent[n] = lent[n] & ~was)
#endif
	P(attached = attached | BIT(n); in_hands = false)
	was = 0;
#ifndef BREAK_MUTE_WAKES_NOBODY
	wake_loan()
#endif
}

/* zti_subscription_remove(): after it the page is unmapped. */
inline remove(n)
{
#ifdef BREAK_HOLDING_FIRST
	P(holding = holding & ~BIT(n))
	detach(n);
#else
	detach(n);
	P(holding = holding & ~BIT(n))
#endif
	quiesce();
#ifndef BREAK_REMOVE_WAKES_NOBODY
	wake_loan();
#endif
	P(unmapped[n] = true; in_hands = false)
	told_gone(n)
}

inline serve(n)
{
	if
#ifndef SERVICE_WORKS
	:: P_WHEN(wake_to_publisher[n], wake_to_publisher[n] = false) ->
		wake_loan()
#else
	:: P_WHEN(!serving && wake_to_publisher[n] && !unmapped[n],
		  wake_to_publisher[n] = false; serving = true) ->
		wake_loan()
	:: P_WHEN(!serving && bye_to_publisher[n] && !unmapped[n],
		  bye_to_publisher[n] = false; serving = true) ->
		mute_leaver(n)
	:: P_WHEN(!serving && (dead[n] || closed[n]) && !unmapped[n] &&
		  !bye_to_publisher[n], serving = true) ->
		remove(n)
	:: P_WHEN(!serving && hello_to_publisher[n] && !unmapped[n],
		  hello_to_publisher[n] = false; serving = true) ->
		start(n)
	SERVE_SEGMENTS(n)
#endif
	fi;
	SERVE_AFTER
#ifdef SERVICE_WORKS
	P(serving = false)
#endif
}

proctype Service()
{
	byte phase, phase_slot_seen, slot, seen, was, first_seen;
	bool same, was_busy;
#ifdef GROW
	byte in_use, set, fresh;
#endif

	do
	:: serve(0)
#if SUBS > 1
	:: serve(1)
#endif
	od
}
