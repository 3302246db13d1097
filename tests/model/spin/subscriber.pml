/* SPDX-License-Identifier: MIT */
/*
 * The subscriber: take.c, subscriber.c, connection.c. One thread takes,
 * another releases.
 */

/* The bit is won or not; once it is, nobody changes the slot. */
inline win()
{
	S(won = HAS(offered[me], slot);
	  offered[me] = offered[me] & ~BIT(slot);
	  if
	  :: won ->
		reads[me] = reads[me] | BIT(slot);
		best = sequence[slot];
		/* It is not being written, and its memory is mapped. */
		assert(dead_publisher || !HAS(writing, slot));
		CHECK_MAPPED
	  :: else
	  fi)
}

inline give_back(slot)
{
#ifdef BREAK_RETURN_LOOKS_FIRST
	S(wanted = board_waiting)
	S(reads[me] = reads[me] & ~BIT(slot);
	  returned[me] = returned[me] | BIT(slot))
#else
	S(reads[me] = reads[me] & ~BIT(slot);
	  returned[me] = returned[me] | BIT(slot))
	S(wanted = board_waiting)
#endif
	if
	:: wanted -> S(wake_to_publisher[me] = true; wanted = false)
	:: else
	fi
}

/* Later than all before; and none that is still there is passed over. */
#define DELIVER \
	assert(best > last[me]); \
	if \
	:: DELIVERY(me) != LATEST -> \
		k = 0; \
		do \
		:: k < SLOTS -> \
			assert(!(HAS(offered[me], k) && \
				 sequence[k] > last[me] && \
				 sequence[k] < best)); \
			k++ \
		:: else -> k = 0; break \
		od \
	:: else \
	fi; \
	assert(DELIVERY(me) != LOSSLESS || best == last[me] + 1); \
	last[me] = best; \
	held[me]++; \
	out[me] = out[me] | BIT(slot)

inline deliver()
{
	S(DELIVER)
}

/*
 * The slot with the best sequence above the last delivered: the highest for
 * latest, the lowest for the others.
 */
inline consider(k)
{
	if
	:: DELIVERY(me) == LATEST && sequence[k] > best ->
		best = sequence[k]; slot = k
	:: DELIVERY(me) == QUEUE && sequence[k] > last[me] &&
	   sequence[k] < best ->
		best = sequence[k]; slot = k
	:: DELIVERY(me) == LOSSLESS && sequence[k] == last[me] + 1 ->
		slot = k
	:: else
	fi
}

#define WORST (DELIVERY(me) == LATEST -> last[me] : 255)

/* Sequences are read one by one. */
inline look_through(set)
{
	slot = NO_SLOT;
	best = WORST;
	k = 0;
	do
	:: k < SLOTS && HAS(set, k) -> S(consider(k); k++)
	:: k < SLOTS && !HAS(set, k) -> k++
	:: k >= SLOTS -> break
	od;
	k = 0
}

/* zti_connection_next(); `got` says whether there was one. */
#ifndef COARSE
inline next()
{
	got = false;
	do
	:: true ->
		/* Nobody but this thread raises `held`: one step. */
		S_WHEN(held[me] < BOUND(me), seen = offered[me])
		look_through(seen | pending[me]);
		if
		:: slot == NO_SLOT -> break
		:: slot != NO_SLOT && HAS(pending[me], slot) ->
			pending[me] = pending[me] & ~BIT(slot);
			deliver();
			got = true;
			break
		:: else
		fi;
		win();
		if
		:: won && DELIVERY(me) == QUEUE && best > last[me] ->
#ifdef BREAK_QUEUE_DELIVERS_AT_ONCE
			deliver();
			got = true;
			break
#else
			pending[me] = pending[me] | BIT(slot)
#endif
		:: won && DELIVERY(me) != QUEUE && best > last[me] ->
			deliver();
			got = true;
			break
		:: won && best <= last[me] -> give_back(slot)
		:: !won
		fi
	od;
	atomic { seen = 0; best = 0; slot = 0; won = false }
}

#else
/*
 * The same in one step, for scenarios that are about something else. What may
 * come between its steps is the matter of the others.
 */
inline next()
{
	S_WHEN(held[me] < BOUND(me),
	  slot = NO_SLOT;
	  best = WORST;
	  k = 0;
	  do
	  :: k < SLOTS && HAS(offered[me], k) -> consider(k); k++
	  :: k < SLOTS && !HAS(offered[me], k) -> k++
	  :: else -> break
	  od;
	  k = 0;
	  got = slot != NO_SLOT;
	  if
	  :: got ->
		offered[me] = offered[me] & ~BIT(slot);
		reads[me] = reads[me] | BIT(slot);
		best = sequence[slot];
		assert(dead_publisher || !HAS(writing, slot));
		CHECK_MAPPED
		DELIVER
	  :: else
	  fi;
	  slot = 0;
	  best = 0)
}
#endif

/* The program leaves: what it holds keeps the connection. */
inline close_connection()
{
	if
	:: pending[me] ->
		S(reads[me] = reads[me] & ~pending[me];
		  returned[me] = returned[me] | pending[me]; pending[me] = 0)
		S(wanted = board_waiting)
		if
		:: wanted -> S(wake_to_publisher[me] = true; wanted = false)
		:: else
		fi
	:: else
	fi;
#ifndef BREAK_CLOSE_AT_ONCE
	if
	:: held[me] -> S(bye_to_publisher[me] = true)
	:: else
	fi;
	S_WHEN(!held[me], skip)
#endif
	S(closed[me] = true; asleep[me] = true)
}

#ifdef BREAK_AGAIN
#define STAY_READABLE skip
#else
#define STAY_READABLE S(again[me] = true)
#endif

/*
 * Nothing is there: read the socket, say that we wait, look once more. Then
 * sleep, until something comes.
 */
inline settle()
{
#ifdef BREAK_DRAIN_LATE
	S(waiting[me] = true)
	next();
	read_socket();
#else
	read_socket();
#ifdef BREAK_LOOK_BEFORE_FLAG
	next();
	S(waiting[me] = true)
#else
	S(waiting[me] = true; again[me] = false)
#ifdef BREAK_NO_SECOND_LOOK
	S(got = false)
#else
#ifdef BREAK_END_AT_HANG_UP
	if
	:: hung_up -> S(got = false)
	:: else -> next()
	fi;
#else
	next();
#endif
#endif
#endif
#endif
#ifdef POLL
	if
	:: got -> STAY_READABLE
	:: !got && (hung_up || put_out) ->
		S(ended[me] = true)
		break
	:: else
	fi
#else
	if
	:: got
	:: !got && (hung_up || put_out) ->
		S(ended[me] = true)
		break
	:: else -> sleep()
	fi
#endif
}

#define READABLE (wake_to_subscriber[me] || evicted_to_subscriber[me] || \
		  MESSAGES || again[me] || dead_publisher)
inline sleep()
{
	S(asleep[me] = true)
	S_WHEN(READABLE, asleep[me] = false)
}

/*
 * look() for a program that waits by zt_subscriber_fd() and takes once each
 * time it is readable.
 */
inline look_once()
{
	sleep();
	if
	:: S_WHEN(messages[me], messages[me] = false) ->
		read_socket();
		STAY_READABLE
	:: S_WHEN(!messages[me], skip)
	fi;
	next()
}

inline read_socket()
{
	S(wake_to_subscriber[me] = false;
	  put_out = evicted_to_subscriber[me];
	  hung_up = dead_publisher)
#ifdef POLL
	read_messages()
#else
	if
	:: S_WHEN(MESSAGES, skip) -> read_messages()
	:: S_WHEN(!MESSAGES, skip)
	fi
#endif
}

/* zt_release(): the program gives back what it has, in any order. */
inline release()
{
	atomic { !dead[me] && out[me] && !keeps[me] ->
		 choose(out[me], slot);
		 out[me] = out[me] & ~BIT(slot) }
	give_back(slot);
	S(held[me]--)
}

proctype Taker(byte me)
{
	byte seen, slot, best, k;
	bool won, got, wanted, hung_up, put_out;

	if
	:: HAS(JOINERS, me) ->
		S(hello_to_publisher[me] = true)
		S_WHEN(start_to_subscriber[me], last[me] = first[me] - 1;
		       joined[me] = true)
	:: else
	fi;
	do
#ifdef POLL
	:: look_once();
#else
	:: next();
#endif
		if
		:: got -> skip
		:: else ->
			settle();
		fi
#ifdef ONE_THREAD
	:: release(); slot = 0
#ifdef KEEP
	:: S_WHEN(out[me] && !keeps[me], keeps[me] = true)
#endif
#endif
#ifdef LEAVE
	:: S_WHEN(true, skip) -> close_connection(); break
#endif
	od
}


#ifndef ONE_THREAD
proctype Releaser(byte me)
{
	byte slot;
	bool wanted;

	do
	:: release(); slot = 0
#ifdef KEEP
	:: S_WHEN(out[me] && !keeps[me], keeps[me] = true)
#endif
	od
}
#endif
