/* SPDX-License-Identifier: MIT */
/*
 * What is starved: a stream, and beside it a bystander, a lossless subscriber
 * whom nothing is done to. Whatever fails, it is to get every frame whole.
 *
 * All are in this thread (see starve.h): the publisher has no thread of its
 * own, and is served when a reader sleeps or the test says so.
 */
#ifndef STARVED_WORLD_H
#define STARVED_WORLD_H

#include "starve.h"
#include "stream.h"

#define WORLD_STREAM "cam0"

struct world {
	struct zt_publisher *pub;
	struct zt_subscriber *bystander;
	uint64_t published, seen;	/* by the bystander */
	struct zt_format format;
	void (*idle)(void);		/* what else is done while somebody
					   sleeps; NULL */
};

extern struct world world;

/* Memory for stream_small() frames is there at once; or not yet. */
void world_open(void);
void world_open_bare(void);

/* Without publisher and bystander; and the publisher that the others have. */
void world_open_alone(void);
struct zt_publisher *world_publisher(void);

void world_close(void);

/* Serve, until there is nothing to do. */
void world_serve(void);

/* Publish a frame, which the bystander gets at once. */
void world_frame(void);

/* There is something for it: its fd says so, at once or within a second. */
void world_await(struct zt_subscriber *sub);

/* The stream works as if nothing had been: who joins now gets frames too. */
void world_goes_on(void);

#endif
