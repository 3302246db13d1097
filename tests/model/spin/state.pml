/* SPDX-License-Identifier: MIT */
/*
 * The words of the handoff, by the names of src/layout.h and
 * src/core/publisher_impl.h, and what only the model knows.
 *
 * Every shared access is one step of a process: P(…) of the publisher's two
 * threads, S(…) of a subscriber's. A process that has died takes no more
 * steps, wherever it is. Accesses are sequentially consistent here; that the
 * C code's orders suffice for it is shown by ../orders.py.
 *
 * A scenario defines: SUBS subscribers of delivery D0 (and D1) with bounds B0
 * (B1), SLOTS, LOANS, FRAMES, and what may happen (see below). BREAK_… breaks
 * one rule.
 */
#define LATEST 0
#define QUEUE 1
#define LOSSLESS 2

#ifndef JOINERS			/* a set: these join while frames flow */
#define JOINERS 0
#endif
#ifndef DEATHS			/* so many processes may be killed, */
#define DEATHS 0
#endif
#ifndef MORTAL			/* of these: the subscribers; 4, the publisher */
#define MORTAL 7
#endif
#if JOINERS || LEAVE || GROW || LATE || (DEATHS && (MORTAL & 3))
#define SERVICE_WORKS		/* else it only passes wakes on */
#endif
#ifndef SUBS
#define SUBS 1
#endif
#if SUBS == 1
#define D1 D0
#define B1 B0
#endif
#ifndef LOANS
#define LOANS 1
#endif
/* The reserve rule. */
#if SUBS == 1
#define NEEDED (LOANS + 1 + B0)
#else
#define NEEDED (LOANS + 1 + B0 + B1)
#endif
#ifndef SLOTS
#define SLOTS NEEDED
#endif

#define NO_SLOT 7
#define BIT(n) (1 << (n))
#define HAS(set, n) (((set) >> (n)) & 1)
#define ALL_SLOTS (BIT(SLOTS) - 1)
#define ALL_SUBS (BIT(SUBS) - 1)
#define COUNT(set) (HAS(set, 0) + HAS(set, 1) + HAS(set, 2) + HAS(set, 3) + \
		    HAS(set, 4) + HAS(set, 5))
#define LOWEST(set) ((set) & (~(set) + 1))
#define DELIVERY(n) ((n) == 0 -> D0 : D1)
#define BOUND(n) ((n) == 0 -> B0 : B1)
#define SLOT_BIT(n) ((n) == NO_SLOT -> 0 : BIT(n))

#define P_WHEN(condition, code) \
	atomic { !dead_publisher && (condition) -> d_step { code } }
#define S_WHEN(condition, code) \
	atomic { !dead[me] && (condition) -> d_step { code } }
#define P(code) P_WHEN(true, code)
#define S(code) S_WHEN(true, code)

/* The subscription pages. */
byte offered[SUBS];
byte returned[SUBS];
bool waiting[SUBS];

/* The board. */
bool board_waiting;
byte sequence[SLOTS];

/* The publisher's own memory: both threads'. */
byte lent[SUBS];
byte slots[SUBS];		/* in segments that are acknowledged */
byte last_offered[SUBS];
bool mute[SUBS];
byte attached, holding, lossless;
bool busy;			/* these three are `phase` */
byte phase_sequence;
byte phase_slot = NO_SLOT;
byte loaned, usable;
byte loans_out;
bool loan_waits_now;
bool loan_event;		/* loan_fd is readable */
bool serving;			/* the lock */

/* The sockets: what is in them unread. */
bool wake_to_subscriber[SUBS];
bool wake_to_publisher[SUBS];
bool start_to_subscriber[SUBS];
bool evicted_to_subscriber[SUBS];
bool message_to_subscriber[SUBS];	/* of whatever kind, and the hint */
bool messages[SUBS];			/* in the page that it came */
bool bye_to_publisher[SUBS];
bool hello_to_publisher[SUBS];
bool closed[SUBS];		/* the subscriber has hung up */

/* The subscriber's own. */
byte first[SUBS];		/* as START tells */
byte last[SUBS];
byte pending[SUBS];
byte held[SUBS];
bool again[SUBS];		/* again_fd is readable */
byte out[SUBS];			/* in the program's hands */

/* What only the model knows. */
byte deaths;
bool dead_publisher;
bool dead[SUBS];
byte reads[SUBS];		/* slots whose pixels it may be reading */
byte writing;			/* slots that the program writes in */
byte used;			/* slots that were ever used */
byte newest_offered[SUBS];	/* sequence */
bool asleep[SUBS];		/* in poll, or gone home (ended) */
bool ended[SUBS];
bool loan_asleep;
bool unmapped[SUBS];		/* its page, by the publisher */
bool in_hands, excused;		/* a subscription is in the service's hands;
				   was it, since a loan began to look? */
bool keeps[SUBS];		/* it releases nothing any more */
bool evicted[SUBS];
bool joined[SUBS];

/* Nobody touches the page of one that was removed. */
#define TOUCH(n) assert(!unmapped[n])
