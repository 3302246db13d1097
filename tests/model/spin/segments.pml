/* SPDX-License-Identifier: MIT */
/*
 * Memory that comes and goes: segments.c, and the messages about segments in join.c. There is the
 * old segment (0), whose places have the numbers below NEEDED, and one to be
 * made (1), with as many places; numbers there are SLOTS.
 */
inline catch_up(n)
{
#ifndef BREAK_CATCH_UP
	P(phase = phase_sequence)
	if
	:: DELIVERY(n) != LOSSLESS && !mute[n] && phase > last_offered[n] ->
		detach(n);
		attach(n, false)
	:: else
	fi;
	phase = 0
#else
	skip
#endif
}

#ifndef GROW

#define LEND_SEGMENT
#define SERVE_AFTER
#ifdef LATE
/* The first subscriber knows the memory of these slots; of others, later. */
bool acknowledged;
#define SLOTS_OF(n) ((n) == 0 -> LATE : ALL_SLOTS)
#define CHECK_MAPPED assert(acknowledged || HAS(SLOTS_OF(me), slot));
#define SERVE_SEGMENTS(n) \
	:: P_WHEN(!serving && (n) == 0 && !acknowledged && !unmapped[n], \
		  serving = true; acknowledged = true) -> \
		P(slots[n] = ALL_SLOTS) \
		catch_up(n)
#else
#define SLOTS_OF(n) ALL_SLOTS
#define CHECK_MAPPED
#define SERVE_SEGMENTS(n)
#endif
#define MESSAGES (message_to_subscriber[me])
inline read_messages() { S(message_to_subscriber[me] = false) }
inline make_room() { skip }
inline tell_freed() { skip }
inline told_gone(n) { skip }

#else

#define NEW 1
#define OLD 0

byte owned;			/* numbers that belong to a place */
byte in_new;			/* numbers of places in the new segment */
byte written_in_new;		/* board: slots whose frame lies there */
byte places_free;
bool growing;			/* the new segment is there */
bool retired;			/* the old one has no slot left */
bool kick;
byte told[2], acknowledged[2];
byte mapped[SUBS];		/* segments */
bool asked[SUBS];		/* an answer is to come */
bool segment_to_subscriber[SUBS], retire_to_subscriber[SUBS];
bool ack_to_publisher[SUBS], ack_retire_to_publisher[SUBS];

#define OLD_SLOTS (owned & ~in_new)
#define KNOWN(n) ((HAS(acknowledged[OLD], n) -> OLD_SLOTS : 0) | \
		  (HAS(acknowledged[NEW], n) -> owned & in_new : 0))

#define LEND_SEGMENT \
	assert(!growing || HAS(in_new, slot)); \
	written_in_new = (written_in_new & ~BIT(slot)) | (in_new & BIT(slot));
#define CHECK_MAPPED assert(HAS(mapped[me], HAS(written_in_new, slot)));
#define MESSAGES (segment_to_subscriber[me] || retire_to_subscriber[me])

/* Send each subscriber what it is due to hear. */
inline tell(n)
{
	P(if
	  :: HAS(holding, n) && !asked[n] && growing && !HAS(told[NEW], n) ->
		asked[n] = true;
		told[NEW] = told[NEW] | BIT(n);
		segment_to_subscriber[n] = true
	  :: HAS(holding, n) && !asked[n] && retired && HAS(told[OLD], n) &&
	     (!growing || HAS(told[NEW], n)) ->
		asked[n] = true;
		retire_to_subscriber[n] = true
	  :: else
	  fi)
}

inline recompute_all()
{
	P(slots[0] = KNOWN(0))
#if SUBS > 1
	P(slots[1] = KNOWN(1))
#endif
}

inline number_places()
{
	d_step {
		fresh = 0;
		do
		:: places_free && (ALL_SLOTS & ~owned) ->
			fresh = fresh | LOWEST(ALL_SLOTS & ~owned);
			owned = owned | fresh;
			in_new = in_new | fresh;
			places_free--
		:: else -> break
		od
	}
	if
	:: fresh ->
#ifdef BREAK_USABLE_FIRST
		P(usable = usable | fresh)
		recompute_all();
#else
		recompute_all();
		P(usable = usable | fresh)
#endif
		fresh = 0;
		wake_loan()
	:: else
	fi
}

/* zti_segments_collect(), under the lock */
inline collect()
{
#ifdef BREAK_COLLECT_ORDER
	P(in_use = SLOT_BIT(phase_slot))
	P(set = holding)
	P(in_use = in_use | (HAS(set, 0) -> lent[0] : 0) |
		   (HAS(set, SUBS - 1) -> lent[SUBS - 1] : 0))
	P(in_use = in_use | loaned)
#else
	P(in_use = loaned)
	P(in_use = in_use | SLOT_BIT(phase_slot))
	P(set = holding)
	P(in_use = in_use | (HAS(set, 0) -> lent[0] : 0) |
		   (HAS(set, SUBS - 1) -> lent[SUBS - 1] : 0))
#endif
	d_step {
		set = OLD_SLOTS & ~in_use;
		owned = owned & ~set;
		retired = growing && !OLD_SLOTS;
		in_use = 0;
		set = 0
	}
	recompute_all();
	number_places();
	tell(0);
#if SUBS > 1
	tell(1);
#endif
}

/*
 * A frame that is larger than all slots: new memory, made by the frame path
 * under the lock.
 */
inline grow()
{
	P_WHEN(!serving, serving = true)
	P(growing = true; places_free = NEEDED; usable = 0)
	collect();
	P(serving = false)
}

inline make_room()
{
	if
	:: OLD_SLOTS && growing ->
		P_WHEN(!serving, serving = true)
		collect();
		P(serving = false)
	:: else
	fi
}

inline tell_freed()
{
#ifndef BREAK_FREED_UNTOLD
	if
	:: growing && OLD_SLOTS ->
		all_lent(all);
		P(if
		  :: OLD_SLOTS & ~(all | loaned | SLOT_BIT(phase_slot)) ->
			kick = true
		  :: else
		  fi;
		  all = 0; set = 0)
	:: else
	fi
#else
	skip
#endif
}

inline told_gone(n)
{
	P(told[OLD] = told[OLD] & ~BIT(n);
	  told[NEW] = told[NEW] & ~BIT(n);
	  acknowledged[OLD] = acknowledged[OLD] & ~BIT(n);
	  acknowledged[NEW] = acknowledged[NEW] & ~BIT(n))
	collect()
}

#define SERVE_SEGMENTS(n) \
	:: P_WHEN(!serving && kick, kick = false; serving = true) \
	:: P_WHEN(!serving && ack_to_publisher[n] && !unmapped[n], \
		  ack_to_publisher[n] = false; serving = true) -> \
		segment_acknowledged(n) \
	:: P_WHEN(!serving && ack_retire_to_publisher[n] && !unmapped[n], \
		  ack_retire_to_publisher[n] = false; serving = true; \
		  asked[n] = false; told[OLD] = told[OLD] & ~BIT(n); \
		  acknowledged[OLD] = acknowledged[OLD] & ~BIT(n)) -> \
		collect()
#define SERVE_AFTER \
	if \
	:: growing && OLD_SLOTS -> collect() \
	:: else \
	fi;

inline segment_acknowledged(n)
{
	P(asked[n] = false;
	  acknowledged[NEW] = acknowledged[NEW] | BIT(n))
	P(slots[n] = KNOWN(n))
	catch_up(n);
#ifndef BREAK_ACKNOWLEDGED_WAKES_NOBODY
	wake_loan();
#endif
	tell(n)
}

/* The subscriber maps, unmaps, and answers. */
inline read_messages()
{
	if
	:: S_WHEN(segment_to_subscriber[me],
		  segment_to_subscriber[me] = false;
		  mapped[me] = mapped[me] | BIT(NEW)) ->
		S(ack_to_publisher[me] = true)
	:: S_WHEN(!segment_to_subscriber[me], skip)
	fi;
	if
	:: S_WHEN(retire_to_subscriber[me],
		  retire_to_subscriber[me] = false;
		  /* Nothing of it is being read. */
		  assert(!(reads[me] & ~written_in_new));
		  mapped[me] = mapped[me] & ~BIT(OLD)) ->
		S(ack_retire_to_publisher[me] = true)
	:: S_WHEN(!retire_to_subscriber[me], skip)
	fi
}

#endif
