/* SPDX-License-Identifier: MIT */
/* The same as bare.c measures, through the library. */
#include "measures.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <zoetrope/zoetrope.h>

#define SUBSCRIBERS_MAX 64
#define SPIN_NS 10000000000ULL		/* longer than anything here waits */

struct ends {
	struct zt_publisher *pub;
	struct zt_subscriber *subs[SUBSCRIBERS_MAX];
	unsigned int count;		/* of subs */
	struct zt_loan *loan;
	const struct zt_frame *frame;
	uint64_t number;		/* frames so far */
	const uint8_t *source;
	enum fill fill;
};

static struct zt_format small_format(void)
{
	return (struct zt_format){
		.fourcc = zt_format_by_name("GRAY8")->fourcc,
		.width = 64,
		.height = 1,
	};
}

static struct zt_format large_format(void)
{
	return (struct zt_format){
		.fourcc = zt_format_by_name("RGB24")->fourcc,
		.width = FRAME_WIDTH,
		.height = FRAME_HEIGHT,
	};
}

/* A name that no other run has; SIDE_B is the child of SIDE_A. */
static const char *stream_name(const struct pair *pair, enum side publisher)
{
	static char name[64];

	snprintf(name, sizeof(name), "bench-handoff-%d-%c",
		 (int)(pair->side == SIDE_A ? getpid() : getppid()),
		 publisher == SIDE_A ? 'a' : 'b');
	return name;
}

static void publish_stream(struct ends *ends, const struct pair *pair,
			   const struct zt_format *format, unsigned int slots,
			   uint64_t spin_ns)
{
	struct zt_publisher_options options = {
		.size = sizeof(options),
		.flags = ZT_PUBLISHER_BACKPRESSURE,
		.slots = slots,
		.format = format,
		.spin_ns = spin_ns,
	};
	char reason[ZT_REASON_MAX] = "";
	int r;

	r = zt_publisher_create(stream_name(pair, pair->side), &options,
				&ends->pub, reason);
	if (r < 0)
		die("cannot publish", r, reason);
}

static void join_stream(struct ends *ends, const struct pair *pair,
			enum zt_delivery delivery, unsigned int depth,
			uint64_t spin_ns)
{
	struct zt_subscriber_options options = {
		.size = sizeof(options),
		.delivery = delivery,
		.depth = depth,
		.spin_ns = spin_ns,
	};
	char reason[ZT_REASON_MAX] = "";
	int r;

	r = zt_subscriber_open(stream_name(pair, !pair->side), &options,
			       &ends->subs[ends->count], reason);
	if (r < 0)
		die("cannot subscribe", r, reason);
	ends->count++;
}

static void close_ends(struct ends *ends)
{
	while (ends->count)
		zt_subscriber_close(ends->subs[--ends->count]);
	zt_publisher_destroy(ends->pub);
}

static void loan(struct ends *ends, const struct zt_format *format)
{
	int r = zt_loan(ends->pub, format, ZT_FOREVER, &ends->loan);

	if (r < 0)
		die("cannot loan a slot", r, zt_publisher_reason(ends->pub));
}

static void publish(struct ends *ends)
{
	int r = zt_publish(ends->pub, ends->loan);

	if (r < 0)
		die("cannot publish a frame", r, NULL);
}

static void take(struct ends *ends, unsigned int index)
{
	int r = zt_take(ends->subs[index], ZT_FOREVER, &ends->frame);

	if (r < 0)
		die("cannot take a frame", r,
		    zt_subscriber_reason(ends->subs[index]));
}

static void check_number(struct ends *ends)
{
	if (ends->frame->sequence != ++ends->number)
		die("a frame was lost or repeated", -EPROTO, NULL);
}

/*
 * A handoff is from the call of zt_publish() to the return of zt_take() in the
 * other process. The slot was loaned before; the frame before is released
 * while the other side is at work.
 */
static void handoff_ask(void *context, uint64_t n)
{
	struct ends *ends = context;

	for (; n; n--) {
		publish(ends);
		zt_release(ends->frame);
		loan(ends, NULL);
		take(ends, 0);
		check_number(ends);
	}
}

static void handoff_answer(void *context, uint64_t n)
{
	struct ends *ends = context;

	for (; n; n--) {
		take(ends, 0);
		publish(ends);
		check_number(ends);
		zt_release(ends->frame);
		loan(ends, NULL);
	}
}

/* Loan, publish, take and release one after the other: nothing overlaps. */
static void whole_ask(void *context, uint64_t n)
{
	struct ends *ends = context;

	for (; n; n--) {
		loan(ends, NULL);
		publish(ends);
		take(ends, 0);
		check_number(ends);
		zt_release(ends->frame);
	}
}

static void whole_answer(void *context, uint64_t n)
{
	struct ends *ends = context;

	for (; n; n--) {
		take(ends, 0);
		check_number(ends);
		zt_release(ends->frame);
		loan(ends, NULL);
		publish(ends);
	}
}

/* Each side publishes one stream and reads the other's. */
static void open_both(struct ends *ends, struct pair *pair, uint64_t spin_ns)
{
	struct zt_format format = small_format();

	publish_stream(ends, pair, &format, 0, spin_ns);
	pair_meet(pair);
	join_stream(ends, pair, ZT_LATEST, 0, spin_ns);
	pair_meet(pair);
	loan(ends, &format);
}

static double time_handoff(struct pair *pair, const struct measure *measure,
			   uint64_t spin_ns)
{
	struct ends ends = { 0 };
	double ns;

	open_both(&ends, pair, spin_ns);
	ns = pair_time(pair, handoff_ask, handoff_answer, &ends,
		       measure->batches, measure->count) / 2;
	zt_release(pair->side == SIDE_A ? ends.frame : NULL);
	close_ends(&ends);
	return ns;
}

double stream_spinning(struct pair *pair, const struct measure *measure)
{
	return time_handoff(pair, measure, SPIN_NS);
}

double stream_blocked(struct pair *pair, const struct measure *measure)
{
	return time_handoff(pair, measure, 0);
}

double stream_whole(struct pair *pair, const struct measure *measure)
{
	struct ends ends = { 0 };
	double ns;

	open_both(&ends, pair, SPIN_NS);
	zt_discard(ends.pub, ends.loan);
	ns = pair_time(pair, whole_ask, whole_answer, &ends, measure->batches,
		       measure->count) / 2;
	close_ends(&ends);
	return ns;
}

static void push(void *context, uint64_t n)
{
	struct ends *ends = context;

	for (; n; n--) {
		loan(ends, NULL);
		publish(ends);
	}
}

/* Every frame for every subscriber. */
static void pull(void *context, uint64_t n)
{
	struct ends *ends = context;

	for (; n; n--) {
		ends->number++;
		for (unsigned int i = 0; i < ends->count; i++) {
			take(ends, i);
			if (ends->frame->sequence != ends->number)
				die("a frame was lost", -EPROTO, NULL);
			zt_release(ends->frame);
		}
	}
}

/* SIDE_A publishes, SIDE_B joins: until the returned ends are closed. */
static void open_one(struct ends *ends, struct pair *pair,
		     const struct measure *measure,
		     enum zt_delivery delivery, const struct zt_format *format)
{
	if (pair->side == SIDE_A)
		publish_stream(ends, pair, format, measure->slots, SPIN_NS);
	pair_meet(pair);
	for (unsigned int i = 0;
	     pair->side == SIDE_B && i < measure->subscribers; i++)
		join_stream(ends, pair, delivery, measure->depth, SPIN_NS);
	pair_meet(pair);
	if (pair->side == SIDE_A) {
		loan(ends, format);
		zt_discard(ends->pub, ends->loan);
	}
}

/* Nanoseconds for one frame to reach one subscriber. */
double stream_rate(struct pair *pair, const struct measure *measure)
{
	struct zt_format format = small_format();
	struct ends ends = { 0 };
	double ns;

	open_one(&ends, pair, measure, ZT_LOSSLESS, &format);
	ns = pair_time(pair, push, pull, &ends, measure->batches,
		       measure->count);
	close_ends(&ends);
	return ns / measure->subscribers;
}

/* Take what there is until the last frame; the rest is dropped. */
static void pull_latest(void *context, uint64_t n)
{
	struct ends *ends = context;
	uint64_t last;

	do {
		take(ends, 0);
		last = ends->frame->sequence;
		ends->number++;
		zt_release(ends->frame);
	} while (last < n);
}

/* As stream_rate(), of the frames that a `latest` subscriber takes. */
double stream_rate_latest(struct pair *pair, const struct measure *measure)
{
	struct zt_format format = small_format();
	struct ends ends = { 0 };
	uint64_t n = measure->batches * measure->count;
	double ns;

	open_one(&ends, pair, measure, ZT_LATEST, &format);
	ns = pair_time(pair, push, pull_latest, &ends, measure->batches,
		       measure->count);
	if (pair->side == SIDE_B)
		pair->arena->result = (double)n / (double)ends.number;
	pair_meet(pair);
	close_ends(&ends);
	return ns * pair->arena->result;
}

static void pull_nothing(void *context, uint64_t n)
{
	(void)context;
	(void)n;
}

/* What a frame costs the publisher whose `latest` subscribers do not look. */
double stream_unread(struct pair *pair, const struct measure *measure)
{
	struct zt_format format = small_format();
	struct ends ends = { 0 };
	double ns;

	open_one(&ends, pair, measure, ZT_LATEST, &format);
	ns = pair_time(pair, push, pull_nothing, &ends, measure->batches,
		       measure->count);
	close_ends(&ends);
	return ns;
}

static void push_frames(void *context, uint64_t n)
{
	struct ends *ends = context;

	for (; n; n--) {
		loan(ends, NULL);
		frame_write(ends->loan->data[0], ends->source, ends->fill,
			    ++ends->number);
		publish(ends);
	}
}

static void pull_frames(void *context, uint64_t n)
{
	struct ends *ends = context;

	for (; n; n--) {
		take(ends, 0);
		check_number(ends);
		frame_read(ends->frame->data[0], ends->fill, ends->number);
		zt_release(ends->frame);
	}
}

/* A depth of 2: one frame is written while the one before it is read. */
double stream_frames(struct pair *pair, const struct measure *measure)
{
	struct zt_format format = large_format();
	struct ends ends = {
		.source = frame_source(),
		.fill = measure->fill,
	};
	double ns;

	open_one(&ends, pair, measure, ZT_LOSSLESS, &format);
	ns = pair_time(pair, push_frames, pull_frames, &ends, measure->batches,
		       measure->count);
	close_ends(&ends);
	return ns;
}
