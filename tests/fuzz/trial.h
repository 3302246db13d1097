/* SPDX-License-Identifier: MIT */
/*
 * A publisher and its subscribers in one thread, driven by an input: hostile
 * ones that do what it says, and beside them a witness, lossless and honest,
 * that looks at each frame. The publisher has no service thread.
 *
 * Throughout: a loan without waiting succeeds, for the witness always has
 * room; the witness gets every frame, in order, and none changes while it
 * holds it. But where hostile ones may be lossless too, and so keep a loan
 * waiting, whoever does is put out at once: the witness as well, when new
 * memory was made that it had no time to map.
 */
#ifndef FUZZ_TRIAL_H
#define FUZZ_TRIAL_H

#include <zoetrope/publisher.h>

#include "fuzz.h"
#include "raw.h"

#define TRIAL_PEERS 3
#define TRIAL_LOANS 2
#define TRIAL_HELD 2	/* frames that the witness holds */

struct trial {
	struct zt_publisher *pub;
	bool lawless;				/* they may be lossless */
	struct raw witness;
	uint64_t sequence;			/* published */
	uint64_t held[TRIAL_HELD];		/* sequences; 0: none */
	unsigned int held_slots[TRIAL_HELD];
	unsigned int held_sizes[TRIAL_HELD];
	struct zt_loan *loans[TRIAL_LOANS];
	struct raw peers[TRIAL_PEERS];
	struct zti_message heard[TRIAL_PEERS];	/* and not answered */
};

void trial_begin(struct trial *trial, bool lawless);
void trial_end(struct trial *trial);

/* Serve all there is to be served. */
void trial_dispatch(struct trial *trial);

/* Loan (of a size, 0 to 3), publish or discard; checked by the witness. */
void trial_loan(struct trial *trial, unsigned int index, unsigned int size);
void trial_publish(struct trial *trial, unsigned int index);
void trial_discard(struct trial *trial, unsigned int index);

/* A hostile peer joins in earnest, and then is on its own. */
void trial_join(struct trial *trial, unsigned int peer, uint32_t delivery,
		uint32_t bound);

#endif
