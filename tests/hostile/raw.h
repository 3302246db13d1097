/* SPDX-License-Identifier: MIT */
/*
 * A subscriber that speaks the protocol by itself, from layout.h alone, and so
 * can speak it wrongly. It keeps every descriptor and mapping that it is given
 * until raw_close(). Whatever goes wrong in here that a test did not ask for
 * fails the test.
 */
#ifndef HOSTILE_RAW_H
#define HOSTILE_RAW_H

#include <zoetrope/subscriber.h>

#include "harness.h"
#include "layout.h"

struct raw {
	int socket;
	int board_fd, page_fd;		/* -1 until WELCOME */
	const struct zti_board *board;
	struct zti_page *page;
	struct {
		int fd;
		const uint8_t *address;
		size_t size;
	} segments[ZTI_SEGMENTS_MAX];
	uint64_t first;			/* of START; 0: not started */
	bool ended;			/* the publisher hung up */
	bool evicted;
	int32_t refused;		/* what REFUSED said, or 0 */
	char reason[ZT_REASON_MAX];
};

/* ------------------------------------------------------------------------
 * Sockets and messages.
 */

/* Connect: a socket that does not block, or a negative errno. */
int raw_connect(const char *name);

/*
 * Send bytes with fds. Returns 0; -EAGAIN, the other side does not read;
 * -EPIPE or -ECONNRESET, it is gone; -EPERM, it takes no fds.
 */
int raw_send(int socket, const void *data, size_t size, const int *fds,
	     unsigned int fd_count);

struct zti_message raw_message(unsigned int type);
struct zti_message raw_hello(uint32_t delivery, uint32_t bound);
struct zti_message raw_ack(uint32_t segment, bool retire);

/* Send a whole message, which is to succeed. */
void raw_say(struct raw *raw, const struct zti_message *msg);

/* ------------------------------------------------------------------------
 * An honest subscriber's part, step by step.
 */

/* Connect, and wait for nothing. */
void raw_open(struct raw *raw, const char *name);

/*
 * Take in the next message, if one is there: map what it brings, answer
 * nothing. Returns its type; 0, a WAKE; -EAGAIN; -EPIPE: the publisher hung up.
 */
int raw_hear(struct raw *raw, struct zti_message *ret);

/* The same, and wait for it, as long as a test waits for anything. */
int raw_await(struct raw *raw, struct zti_message *ret);

/*
 * Acknowledge a WELCOME, SEGMENT or RETIRE, where this is one; what is retired
 * is let go of.
 */
void raw_answer(struct raw *raw, const struct zti_message *msg);

/* Hear all that is there, and answer as an honest subscriber would. */
void raw_keep_up(struct raw *raw);

/* The whole join. False: refused, or hung up (where `ended` says so). */
bool raw_join(struct raw *raw, const char *name, uint32_t delivery,
	      uint32_t bound);

/* Wait until the publisher hangs up, whatever it says before. */
void raw_await_end(struct raw *raw);

/* ------------------------------------------------------------------------
 * Frames.
 */

/* Clear all that is offered: these are taken. */
uint64_t raw_take_all(struct raw *raw);
void raw_return(struct raw *raw, uint64_t slots);

void raw_close(struct raw *raw);

/* A generator of numbers with a state of its own, for threads and fuzzers. */
static inline uint64_t raw_random(uint64_t *state)
{
	uint64_t x = *state += 0x9e3779b97f4a7c15ULL;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ x >> 27) * 0x94d049bb133111ebULL;
	return x ^ x >> 31;
}

/* From 0 to bound - 1. */
static inline unsigned int raw_below(uint64_t *state, unsigned int bound)
{
	return (unsigned int)(raw_random(state) % bound);
}

#endif
