/* SPDX-License-Identifier: MIT */
/*
 * The little world that the victims die in: a publisher, three readers in one
 * process (lossless, queue and latest; numbers 0 to 2), and a third process,
 * which joins and leaves (reader 3, or a monitor). Whichever of them is to die
 * is the victim; the readers never are.
 *
 * What happens is written in scripts, a letter a step. Everything that comes
 * back is held against the model.
 *
 *   p      loan and publish a frame, without waiting
 *   l u    the same in two steps
 *   L      loan, waiting for a slot
 *   w      nothing, until the publisher sleeps in a loan
 *   G      loan a frame that outgrows all slots
 *   x      a loan is refused, for want of room at a lossless reader
 *   0-3    reader takes; what comes of it, the model says
 *   a-d    reader 0-3 releases its oldest frame
 *   q      each reader takes and releases all that there is for it
 *   Q      the same, and all but a queue have had the newest frame
 *   e      the same as Q, by reader 3
 *   i      a while, for the third process to get an answer, if it can
 *   V W    reader 3 joins; leaves
 *   E      reader 3 counts as evicted from here on
 *   R      reader 3 asks for more than it can have, and is refused
 *   M N    the third process opens a monitor; closes it
 *   K      the third process is killed
 *   A B Z  reader 0, all three, none answer the publisher meanwhile
 *   S      the publisher's own thread has done what it had to do
 *   D      the publisher ends the stream
 *   X      the publisher is killed
 *   f      the publisher is killed and another begins; the readers go over
 *   &      before a letter: do not wait for what comes of it
 */
#ifndef CRASH_WORLD_H
#define CRASH_WORLD_H

#include "actor.h"
#include "model.h"

#define WORLD_READERS 3		/* beside the one of the third process */
#define WORLD_HEIGHT 8		/* of frames, at first */
#define WORLD_SLOTS_SPARE 16	/* so many that no join makes it grow */

struct crowd {
	struct actor actor;
	char pending;		/* the letter that it has not answered yet */
	unsigned int descriptors, mappings;	/* when all was well */
};

/* The publisher that died last, until its readers have found out. */
struct mourned {
	bool there;
	bool publishing;		/* its next frame may be there, or not */
	uint64_t epoch, published;
};

struct world {
	struct crowd publisher, readers, third;
	struct mourned mourned;
	struct model models[ACTOR_READERS];
	enum zt_delivery delivery;	/* of reader 3 */
	uint32_t bound;
	uint64_t epoch, published;
	unsigned int stillborn;		/* publishers that died in creation */
	int64_t height;
	int64_t slots;			/* of the publisher; 0: no spare ones */
	uint64_t evict_after_ns;
	bool bare;			/* it begins without memory */
	uint64_t slots_owned;		/* when all was well */
	char attending;			/* 'A', 'B' or 'Z' */
	bool grown;			/* there may be more memory by now */
	bool publishing;		/* a frame may be there that is not yet
					   counted in `published` */
	bool ending;			/* the publisher may have said BYE */
	struct result exhausted;	/* what 'e' said of reader 3 last */
	char fault[512];		/* what was seen to be wrong; or "" */
};

/* Run a script. False: something was wrong, and *fault says what. */
bool world_run(struct world *world, const char *script);

/* Order one call, and wait for what comes of it. */
bool world_ask(struct world *world, struct crowd *crowd,
	       const struct order *order, struct answer *ret);

/* What comes of an order that was given before. */
bool world_answer(struct world *world, struct crowd *crowd, char letter,
		  struct answer *ret);

/* Another frame is out. */
void world_published(struct world *world);

/*
 * Wait for what '&' did not wait for. Where the publisher is dead, all that
 * matters is that there is an answer.
 */
bool world_collect(struct world *world, bool publisher_lives);

/* Start what is missing: readers, the third process. */
bool world_readers(struct world *world);
void world_third(struct world *world);

/*
 * A publisher (world->slots, world->evict_after_ns), where there is none, that
 * all readers have joined. When one was buried before, they first find all
 * that it left.
 */
bool world_publisher(struct world *world);

/* The publisher is dead, or dies now; `publishing`, its next frame may be
   there all the same. */
void world_bury(struct world *world, bool publishing);

/* The readers take leave of a dead publisher. */
bool world_mourn(struct world *world);

/* The letters q, Q and e. */
bool world_exhaust(struct world *world, char letter);

/* Frames of dead publishers that are held still: they are intact. */
bool world_relics(struct world *world);

/* All survivors together: some frames, by the model, and nothing lost. */
bool world_round(struct world *world);

/* What the publisher counts for reader 3 is what it counted itself. */
bool world_account(struct world *world);

/* The publisher knows nobody but the three readers. */
bool world_survey(struct world *world, bool exact);

/* No survivor has more descriptors and mappings than when all was well. */
bool world_holdings(struct world *world);

/* Nothing is left in the runtime directory but what is in use. */
bool world_directory(struct world *world);

void world_end(struct world *world);

/* Note what is wrong, where nothing was before; returns false. */
bool world_fault(struct world *world, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#endif
