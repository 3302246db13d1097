/* SPDX-License-Identifier: MIT */
/* A reader, for the two files that it is written in. */
#ifndef SOAK_READER_H
#define SOAK_READER_H

#include "account.h"
#include "content.h"
#include "dice.h"

#define READER_HELD_MAX 64

/* How it waits for a frame. */
enum style {
	BLOCKING, SPINNING, POLLING, TRYING, STYLES
};

/* A frame that it has not given back, and what is in it. */
struct held {
	const struct zt_frame *frame;
	struct content content;
	uint64_t epoch, sequence;
	uint64_t number;		/* of the frames of its connection */
	bool left;			/* its subscription is closed */
};

struct reader {
	struct reader_row *row;
	struct stream_row *stream;
	struct dice dice;
	char who[64];
	struct zt_subscriber *sub;	/* NULL: it reads nothing */
	struct zt_subscriber_options options;
	struct zt_subscriber_stats stats;
	struct account account;
	enum style style;
	unsigned int greed;		/* frames it likes to hold */
	unsigned int slowness_ms;	/* it takes up to this for a frame */
	struct held held[READER_HELD_MAX];
	unsigned int held_count;
	unsigned int idle_wakes;	/* readable for nothing, in a row */
	/* For its being neglected: see reader_look_for_neglect(). */
	uint64_t served_epoch, served_done, served_taken;
	int64_t served_ns;
};

/* One call of zt_take, and what there is to say about what it returned. */
int reader_take(struct reader *reader, int64_t timeout_ns);

/* The publisher may have a slot from here on that it had not before. */
void reader_give_room(struct reader *reader);

/* Look at the i-th frame held once more, and give it back. */
void reader_release(struct reader *reader, unsigned int i);

/* Frames are published, and it gets none: not for long. */
void reader_look_for_neglect(struct reader *reader);

#endif
