/* SPDX-License-Identifier: MIT */
/*
 * What tests of streams have in common: painted frames whose every byte can be
 * checked, the calls of the library with the usual expectations, and a reader
 * in another process that does as it is told.
 *
 * Whatever goes wrong in here fails the test, in words.
 */
#ifndef ZT_TEST_STREAM_H
#define ZT_TEST_STREAM_H

#include <zoetrope/zoetrope.h>

#include "harness.h"

/* Longer than anything takes that goes right: HARNESS_PATIENCE, for zt_*(). */
int64_t stream_patience(void);

/* ------------------------------------------------------------------------
 * Formats and painted frames. The paint covers the whole payload, what pads
 * its rows too, and differs from seed to seed at every place.
 */

struct zt_format stream_format(uint32_t fourcc, uint32_t width,
			       uint32_t height);

/* 64 x 48, three bytes a pixel: the frame of tests that do not care. */
struct zt_format stream_small(void);

/* Its payload is so many bytes; a power of two from 4096 up. */
struct zt_format stream_sized(uint64_t bytes);

void stream_paint(struct zt_loan *loan, uint64_t seed);
bool stream_is_painted(const struct zt_frame *frame, uint64_t seed);

/* ------------------------------------------------------------------------
 * Publishing. Options NULL: all 0; their size is set here. Where they name no
 * format, memory for stream_small() is there at once, so that a subscriber has
 * mapped it when it has joined. A bare publisher makes it at its first loan.
 */

struct zt_publisher *
stream_create_bare(const char *name,
		   const struct zt_publisher_options *options);
struct zt_publisher *stream_create(const char *name,
				   const struct zt_publisher_options *options);

/* Loan without waiting, or within the time. */
struct zt_loan *stream_loan(struct zt_publisher *pub,
			    const struct zt_format *format);
struct zt_loan *stream_loan_in_time(struct zt_publisher *pub,
				    const struct zt_format *format);

/*
 * Loan (the first without waiting), paint with the sequence that it will have,
 * and publish. Returns the sequence.
 */
uint64_t stream_publish(struct zt_publisher *pub,
			const struct zt_format *format);
uint64_t stream_publish_in_time(struct zt_publisher *pub,
				const struct zt_format *format);

struct zt_publisher_stats stream_stats(struct zt_publisher *pub);
void stream_wait_subscribers(struct zt_publisher *pub, unsigned int count);

/* ------------------------------------------------------------------------
 * Reading.
 */

/* Options NULL: a `latest` subscriber; their size is set here. */
struct zt_subscriber *stream_open(const char *name,
				  const struct zt_subscriber_options *options);

/* The same; returns what zt_subscriber_open() does. */
int stream_try_open(const char *name,
		    const struct zt_subscriber_options *options,
		    struct zt_subscriber **ret_sub, char *ret_reason);

/* Open one and expect to fail with the error; returns the reason. */
const char *stream_refused(const char *name,
			   const struct zt_subscriber_options *options,
			   int error);

/* Take the next frame, in time, and see that it is painted by its sequence. */
const struct zt_frame *stream_take(struct zt_subscriber *sub);

/* The same, and it has this sequence. */
const struct zt_frame *stream_take_this(struct zt_subscriber *sub,
					uint64_t sequence);

/* The same, and give it back. */
void stream_expect(struct zt_subscriber *sub, uint64_t sequence);

/* Take and give back what comes before; this one has to come, and is held. */
const struct zt_frame *stream_catch_up(struct zt_subscriber *sub,
				       uint64_t sequence);

/* There is none now: zt_take gives this error, without waiting. */
void stream_expect_error(struct zt_subscriber *sub, int error);

/* The same, when what is to come before has come. */
void stream_await_error(struct zt_subscriber *sub, int error);

struct zt_subscriber_stats stream_reader_stats(struct zt_subscriber *sub);

/* ------------------------------------------------------------------------
 * Other processes.
 */

/* A publisher that a peer runs: it creates the stream, tells (event 0), waits
   for subscribers, publishes frames, tells (event: how many), and stays until
   it is killed or told to go on: then it ends the stream. */
struct stream_source {
	const char *name;
	struct zt_publisher_options options;
	struct zt_format format;
	uint64_t frames;
	unsigned int wait_subscribers;	/* before the first frame */
};

/* Returns when the stream is there. */
struct harness_peer stream_source_start(const struct stream_source *source);

/* Does this thread, of any process, sleep in the kernel now? */
bool stream_sleeps(pid_t thread);

/* Let anybody's process reach the test's runtime directory. */
void stream_open_directory(void);

/* Become another user, who is neither root nor the one before; root only. */
void stream_become(unsigned int uid);

/* What a reader can be told. It replies with the result of each. */
enum stream_verb {
	STREAM_TAKE = 1,	/* wait for a frame: its sequence */
	STREAM_TRY,		/* the same without waiting */
	STREAM_RELEASE,		/* the one held longest: its sequence */
	STREAM_CHECK,		/* look at all that is held: how many */
	STREAM_RUN,		/* take and release to the end: how many */
	STREAM_CLOSE,		/* 0 */
};

struct stream_reader {
	struct harness_peer peer;
};

/* Start one, as another user or (`uid` 0) as we are. Its first reply, 0 or an
   error, tells that it has opened the stream. */
struct stream_reader
stream_reader_spawn(const char *name,
		    const struct zt_subscriber_options *options,
		    unsigned int uid);

/* The same, and wait for that. */
struct stream_reader
stream_reader_start(const char *name,
		    const struct zt_subscriber_options *options,
		    unsigned int uid);

/* Start one that is to fail: its error. */
int stream_reader_refused(const char *name,
			  const struct zt_subscriber_options *options,
			  unsigned int uid);

/* Say it, and wait for the reply: a count, a sequence, a negative errno. */
int64_t stream_reader_ask(struct stream_reader *reader, enum stream_verb verb);

/* In two steps, for what takes its time. */
void stream_reader_tell(struct stream_reader *reader, enum stream_verb verb);
int64_t stream_reader_reply(struct stream_reader *reader);

/* End it; it has to end well. */
void stream_reader_end(struct stream_reader *reader);

#endif
