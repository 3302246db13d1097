/* SPDX-License-Identifier: MIT */
/*
 * A publisher that speaks the protocol by itself, from layout.h alone, and so
 * can speak it wrongly. It serves one subscriber, which may live in the same
 * thread: the subscriber is opened with ZT_SUBSCRIBER_WAIT before there is a
 * socket, and each zt_take() then takes it a step further.
 */
#ifndef HOSTILE_FAKE_H
#define HOSTILE_FAKE_H

#include <zoetrope/subscriber.h>

#include "harness.h"
#include "layout.h"

#define FAKE_STREAM "fake"
#define FAKE_SLOT 4096		/* bytes of a slot of its segment */
#define FAKE_SLOTS 8

struct fake {
	int listener, socket;	/* -1: none */
	int board_fd, page_fd, segment_fd;
	struct zti_board *board;
	struct zti_page *page;
	uint8_t *segment;
	uint64_t sequence;	/* of the frame published last */
	struct zti_hello hello;	/* what the subscriber said */
};

/* ------------------------------------------------------------------------
 * Memory.
 */

/* Seals as they should be. */
#define FAKE_SEALS_SIZE (F_SEAL_SHRINK | F_SEAL_GROW)
#define FAKE_SEALS_ALL (FAKE_SEALS_SIZE | F_SEAL_FUTURE_WRITE | F_SEAL_SEAL)

/*
 * A memfd: allocated where `allocate` is set, mapped for writing where
 * ret_address is not NULL, then sealed.
 */
int fake_memory(size_t size, bool allocate, int seals, void **ret_address);

/* ------------------------------------------------------------------------
 * The exchange. fake_begin() makes board, page and a segment as they should
 * be; what a test wants otherwise it changes before it sends them.
 */
void fake_begin(struct fake *fake);
void fake_end(struct fake *fake);	/* closes everything */

void fake_listen(struct fake *fake);
void fake_accept(struct fake *fake);	/* and hears the HELLO */
void fake_hang_up(struct fake *fake);
void fake_stop_listening(struct fake *fake);

/* Send a message; true unless the subscriber is gone or does not read. */
bool fake_say(struct fake *fake, const struct zti_message *msg, const int *fds,
	      unsigned int fd_count);
void fake_welcome(struct fake *fake);
void fake_tell_segment(struct fake *fake, uint32_t id, int fd, uint64_t size);
void fake_start(struct fake *fake, uint64_t first);

/*
 * The next message of the subscriber: its type; 0, a WAKE; -EAGAIN; -EPIPE, it
 * hung up.
 */
int fake_hear(struct fake *fake, struct zti_message *ret);

/* It says this next. */
void fake_expect(struct fake *fake, unsigned int type,
		 struct zti_message *ret);
void fake_expect_hang_up(struct fake *fake);

/* Seal the page, as is due once the subscriber has mapped it. */
void fake_seal_page(struct fake *fake);

/* ------------------------------------------------------------------------
 * Frames: GRAY8, 64 x 32, at slot * FAKE_SLOT of segment 0.
 */

/* Describe a slot, as it should be; not offered yet. */
struct zti_slot *fake_describe(struct fake *fake, unsigned int slot);

/* Offer a slot, whatever it says. */
void fake_offer(struct fake *fake, unsigned int slot);

/* Describe, paint, and offer: a frame. */
void fake_publish(struct fake *fake, unsigned int slot);
bool fake_is_painted(const struct zt_frame *frame);

/* ------------------------------------------------------------------------
 * A subscriber in the same thread.
 */

/* Open one that waits for the stream; nobody listens yet. */
struct zt_subscriber *fake_subscriber(uint32_t delivery, uint32_t bound);

/* The whole join, as it should be. */
void fake_join(struct fake *fake, struct zt_subscriber *sub);

/* How far a join has come. */
enum fake_state { FAKE_GREETED, FAKE_WELCOMED, FAKE_STARTED, FAKE_STATES };

/* A fake and a `latest` subscriber of it that have come so far. */
void fake_enter(struct fake *fake, struct zt_subscriber **ret_sub,
		enum fake_state state);

/* zt_take() without waiting: 0 and the frame, or an error. */
int fake_take(struct zt_subscriber *sub, const struct zt_frame **ret_frame);

/*
 * The subscriber finds out, on its next takes, that the peer broke the
 * protocol, and says so in words.
 */
void fake_expect_error(struct zt_subscriber *sub, int error);

#endif
