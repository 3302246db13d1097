/* SPDX-License-Identifier: MIT */
/* One scenario of the handoff: who is there, and what must hold at rest. */
#include "state.pml"
#include "segments.pml"
#include "service.pml"
#include "publisher.pml"
#include "subscriber.pml"

/* Killed, at any instruction: two at once too. */
proctype Kill()
{
	do
	:: atomic { deaths < DEATHS && (MORTAL & 4) && !dead_publisher ->
		    deaths++; dead_publisher = true }
	:: atomic { deaths < DEATHS && (MORTAL & 1) && !dead[0] ->
		    deaths++; dead[0] = true }
#if SUBS > 1
	:: atomic { deaths < DEATHS && (MORTAL & 2) && !dead[1] ->
		    deaths++; dead[1] = true }
#endif
	:: break
	od
}

#ifdef TALK
/* The publisher says something, whatever, so many times. */
proctype Talk()
{
	byte said;

	do
	:: P_WHEN(said < TALK && !message_to_subscriber[0],
		  message_to_subscriber[0] = true; said++)
		P(messages[0] = true)
	od
}
#endif

/* A frame that waits to be taken. */
#define NEW_TO(n, s) (HAS(offered[n] | pending[n], s) && sequence[s] > last[n])

inline check_subscriber(n)
{
	/* No wake-up is lost. */
	s = 0;
	do
	:: s < SLOTS ->
		assert(!(asleep[n] && !closed[n] && !dead[n] &&
			 NEW_TO(n, s)));
		s++
	:: else -> break
	od;
	if
	:: dead[n] || closed[n]
	:: else ->
		if
		:: dead_publisher ->
			/* All see that it died, when they have taken what
			   there was. */
			assert(ended[n] || held[n] == BOUND(n) || !joined[n]);
			assert(!ended[n] || evicted[n] ||
			       last[n] >= newest_offered[n])
		:: !dead_publisher && !mute[n] ->
			assert(joined[n]);
			/* Who sleeps has had the newest. */
			assert(DELIVERY(n) != LATEST || !asleep[n] ||
			       last[n] == phase_sequence);
			assert(DELIVERY(n) != LOSSLESS || !asleep[n] ||
			       last[n] == phase_sequence)
		:: else
		fi
	fi;
	/* No slot is leaked, none lent twice. */
	if
	:: dead_publisher
	:: !dead_publisher && (dead[n] || closed[n]) ->
		assert(unmapped[n] && !HAS(holding, n))
	:: else ->
		assert((lent[n] & ~returned[n]) == (reads[n] | offered[n]));
		assert(!(reads[n] & offered[n]))
	fi
}

#define IN_THE_WAY(n) (HAS(attached & lossless, n) && \
		       COUNT(lent[n] & ~returned[n]) + loans_out >= BOUND(n))

proctype Watch()
{
	byte s;

	timeout;
	d_step {
		check_subscriber(0);
#if SUBS > 1
		check_subscriber(1);
#endif
		/* A loan sleeps only while a lossless one has no room. */
		assert(!loan_asleep || dead_publisher || IN_THE_WAY(0) ||
		       IN_THE_WAY(SUBS - 1));
#ifdef GROW
		/* Memory that is known to be free has been let go. */
		assert(dead_publisher || loan_asleep ||
		       !(growing && OLD_SLOTS &
			 ~(lent[0] | lent[SUBS - 1] | loaned |
			   SLOT_BIT(phase_slot))));
#endif
		s = 0
	}
}

init
{
	byte n;

	atomic {
#ifdef GROW
		owned = BIT(NEEDED) - 1;
		usable = owned;
#else
		usable = ALL_SLOTS;
#endif
		n = 0;
		do
		:: n < SUBS ->
			waiting[n] = true;
#ifdef GROW
			slots[n] = usable;
			told[OLD] = told[OLD] | BIT(n);
			acknowledged[OLD] = acknowledged[OLD] | BIT(n);
			mapped[n] = BIT(OLD);
#else
			slots[n] = SLOTS_OF(n);
#endif
			if
			:: !HAS(JOINERS, n) ->
				joined[n] = true;
				attached = attached | BIT(n);
				holding = holding | BIT(n);
				if
				:: DELIVERY(n) == LOSSLESS ->
					lossless = lossless | BIT(n)
				:: else
				fi
			:: else
			fi;
			run Taker(n);
#ifndef ONE_THREAD
			run Releaser(n);
#endif
			n++
		:: else -> break
		od;
		n = 0;
		run Frame();
		run Service();
#ifdef TALK
		run Talk();
#endif
#if DEATHS
		run Kill();
#endif
		run Watch()
	}
}
