/* SPDX-License-Identifier: MIT */
/*
 * Where a hostile subscriber is tried: a stream with one honest lossless
 * subscriber, both in this process and in step with each other, so that the
 * honest one always has room. A loan that would wait, then, waits for a
 * hostile peer, and fails the test: at once, with no measuring of times.
 *
 * The honest one holds each frame while the next two are published, and looks
 * at every pixel when it takes a frame and again when it gives it back.
 */
#ifndef HOSTILE_COURT_H
#define HOSTILE_COURT_H

#include "stream.h"

#define COURT_HELD 3
#define COURT_STREAM "cam0"

struct court {
	struct zt_publisher *pub;
	struct zt_subscriber *honest;
	const struct zt_frame *held[COURT_HELD];
	uint64_t frames;
	struct zt_format format;	/* of the next frames: court_change() */
	uint64_t evictions;		/* of hostile peers, to be expected */
	uint64_t excused;		/* loans that failed, not on a hostile
					   peer's account */
	bool may_wait;			/* a hostile peer is lossless itself:
					   loans wait until it is evicted */
};

/*
 * Open one. Options NULL: all 0. Back-pressure is declared and, where they do
 * not say otherwise, any user may join.
 */
void court_open(struct court *court, const struct zt_publisher_options *options);

/* Publish one frame, and see that the honest one gets it whole. */
void court_frame(struct court *court);
void court_frames(struct court *court, unsigned int count);

/*
 * Frames of this size from now on. Where they outgrow their slots, loans wait
 * for the honest one to map the new ones: it does so here.
 */
void court_change(struct court *court, struct zt_format format);

/* Go on for so many ms, as fast as it goes; or until fd is readable. */
void court_run(struct court *court, int ms);
void court_run_until(struct court *court, int fd);

/* Go on until this is so, or fail; for what gives no event to wait on. */
#define court_until(court, expression)                                   \
	do {                                                             \
		int64_t limit_ = harness_limit_ns(2 * HARNESS_PATIENCE); \
		while (!(expression)) {                                  \
			court_frame(court);                              \
			if (harness_limit_ns(0) > limit_)                \
				fail_msg("waited in vain for "           \
					 #expression);                   \
		}                                                        \
	} while (0)

/* Until as many subscribers have joined, the honest one included. */
void court_until_joined(struct court *court, int count);

/* Until as many peers have been cut off. */
void court_until_cut_off(struct court *court, uint64_t count);

/*
 * Close: nothing was lost, nobody was waited for, and there are again as few
 * subscribers as at the beginning.
 */
void court_close(struct court *court);

/* How many descriptors this process has open. */
unsigned int court_fds(void);

/*
 * Start a hostile peer; as another user than the publisher's where we are root
 * and `foreign` is set.
 */
struct harness_peer court_spawn(harness_peer_fn run, void *argument,
				bool foreign);

/* For who is root: a uid that is nobody's here. */
#define COURT_STRANGER 54321

/* In a hostile peer: has it been told to end? */
bool court_over(int fd);

/* Tell a hostile peer to end, and wait for it with frames going on. */
void court_send_away(struct court *court, struct harness_peer *peer);

/* The same, and it has to have ended well. */
void court_dismiss(struct court *court, struct harness_peer *peer);

#endif
