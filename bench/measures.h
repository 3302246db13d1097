/* SPDX-License-Identifier: MIT */
/*
 * The measurements: bare.c has what the machine can do without the library,
 * streams.c the same through it. Both sides call each at the same time; SIDE_A
 * gets nanoseconds for one item, SIDE_B gets 0.
 */
#ifndef BENCH_MEASURES_H
#define BENCH_MEASURES_H

#include <stddef.h>
#include <stdint.h>

#include "pair.h"

#define FRAME_WIDTH 1920
#define FRAME_HEIGHT 1080
#define FRAME_BYTES ((size_t)FRAME_WIDTH * FRAME_HEIGHT * 3)

/* How a 1080p frame is written. */
enum fill {
	FILL_COPY,	/* memcpy from a picture of the writer's own */
	FILL_SET,	/* memset to a value that changes with each frame */
};

struct measure {
	const char *name;	/* as JSON has it */
	const char *text;	/* as the table has it */
	double (*run)(struct pair *pair, const struct measure *measure);
	unsigned int batches;
	uint64_t count;		/* items in a batch */
	unsigned int slots, depth, subscribers;
	enum fill fill;
};

/* Before the fork: what both sides of the bare measurements share. */
void bare_prepare(void);

double bare_line(struct pair *pair, const struct measure *measure);
double bare_ball(struct pair *pair, const struct measure *measure);
double bare_futex(struct pair *pair, const struct measure *measure);
double bare_eventfd(struct pair *pair, const struct measure *measure);
double bare_frames_alone(struct pair *pair, const struct measure *measure);
double bare_frames_shared(struct pair *pair, const struct measure *measure);

double stream_spinning(struct pair *pair, const struct measure *measure);
double stream_whole(struct pair *pair, const struct measure *measure);
double stream_blocked(struct pair *pair, const struct measure *measure);
double stream_rate(struct pair *pair, const struct measure *measure);
double stream_rate_latest(struct pair *pair, const struct measure *measure);
double stream_unread(struct pair *pair, const struct measure *measure);
double stream_frames(struct pair *pair, const struct measure *measure);

/* frames.c: a picture to copy from, and what becomes of it. */
const uint8_t *frame_source(void);
void frame_write(uint8_t *to, const uint8_t *source, enum fill fill,
		 uint64_t number);
void frame_read(const uint8_t *from, enum fill fill, uint64_t number);

#endif
