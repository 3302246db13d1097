/* SPDX-License-Identifier: MIT */
/*
 * An actor's part: the orders, each of them one call of the library, and the
 * looking at every byte of every frame that comes. Frames are looked at when
 * they are taken and once more when they are released.
 */
#include "part.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "actor.h"
#include "content.h"

#define HELD_MAX 16

struct reader {
	struct zt_subscriber *sub;
	uint64_t epoch, last;		/* of the frame taken last */
	uint64_t taken, dropped;	/* in that epoch */
	const struct zt_frame *held[HELD_MAX]; /* the oldest first */
	unsigned int count;
};

static struct reader readers[ACTOR_READERS];
static struct zt_monitor *monitor;
static unsigned int attended;
static char fault[ACTOR_FAULT];

const char actor_stream[] = "cam0";

__asm__(".text\n"
	".globl part_trap, part_trapped\n"
	".type part_trap, @function\n"
	"part_trap:\n"
	"	int3\n"
	"part_trapped:\n"
	"	ret\n"
	".size part_trap, . - part_trap\n");

__attribute__((format(printf, 1, 2)))
static void complain(const char *format, ...)
{
	va_list args;

	if (fault[0])
		return;
	va_start(args, format);
	vsnprintf(fault, sizeof(fault), format, args);
	va_end(args);
}

/* ------------------------------------------------------------------------
 * Readers.
 */

static int open_reader(const struct order *order, struct answer *answer)
{
	struct reader *reader = &readers[order->a];
	struct zt_subscriber_options options = {
		.size = sizeof(options),
		.delivery = (uint32_t)order->b,
		.held = (uint32_t)order->c,
		.depth = (uint32_t)order->c,
		.flags = (uint32_t)order->d,
	};
	int r;

	reader->epoch = 0;
	part_mark(order);
	r = zt_subscriber_open(actor_stream, &options, &reader->sub,
			       answer->reason);
	part_mark(order);
	return r;
}

static void examine(const struct zt_frame *frame)
{
	char what[ACTOR_FAULT];

	if (!content_right(frame, what, sizeof(what)))
		complain("%s", what);
}

static void keep(struct reader *reader, const struct zt_frame *frame)
{
	uint64_t before = frame->epoch == reader->epoch ? reader->last : 0;

	if (frame->epoch < reader->epoch)
		complain("a frame of epoch %ju after one of %ju",
			 (uintmax_t)frame->epoch, (uintmax_t)reader->epoch);
	else if (frame->sequence <= before)
		complain("frame %ju after frame %ju",
			 (uintmax_t)frame->sequence, (uintmax_t)before);
	else if (before && frame->dropped != frame->sequence - before - 1)
		complain("frame %ju says %ju were dropped after %ju",
			 (uintmax_t)frame->sequence, (uintmax_t)frame->dropped,
			 (uintmax_t)before);
	for (unsigned int i = 0; i < reader->count; i++)
		if (reader->held[i] == frame)
			complain("frame %ju lies where one is held",
				 (uintmax_t)frame->sequence);
	examine(frame);
	if (frame->epoch != reader->epoch)
		reader->taken = reader->dropped = 0;
	reader->taken++;
	reader->dropped += frame->dropped;
	reader->epoch = frame->epoch;
	reader->last = frame->sequence;
	if (reader->count == HELD_MAX)
		abort();
	reader->held[reader->count++] = frame;
}

static int take(const struct order *order, struct answer *answer,
		struct result *result)
{
	struct reader *reader = &readers[order->a];
	const struct zt_frame *frame;
	int r;

	part_mark(order);
	r = zt_take(reader->sub, order->b, &frame);
	part_mark(order);
	result->r = r;
	if (r == 0) {
		keep(reader, frame);
		result->sequence = frame->sequence;
		result->dropped = frame->dropped;
	} else {
		snprintf(answer->reason, sizeof(answer->reason), "%s",
			 zt_subscriber_reason(reader->sub));
	}
	return r;
}

static void let_go(const struct order *order, struct reader *reader,
		   unsigned int index)
{
	const struct zt_frame *frame = reader->held[index];

	examine(frame);
	part_mark(order);
	zt_release(frame);
	part_mark(order);
	reader->count--;
	memmove(&reader->held[index], &reader->held[index + 1],
		(reader->count - index) * sizeof(reader->held[0]));
}

/* Its oldest frame of the epoch that it is in. */
static int release(const struct order *order)
{
	struct reader *reader = &readers[order->a];

	for (unsigned int i = 0; i < reader->count; i++) {
		if (reader->held[i]->epoch != reader->epoch)
			continue;
		let_go(order, reader, i);
		return 0;
	}
	return -ENOENT;
}

static int relics(const struct order *order)
{
	for (int i = 0; i < ACTOR_READERS; i++) {
		struct reader *reader = &readers[i];

		while (reader->count &&
		       reader->held[0]->epoch < (uint64_t)order->a)
			let_go(order, reader, 0);
	}
	return 0;
}

static int close_reader(const struct order *order)
{
	struct reader *reader = &readers[order->a];

	part_mark(order);
	zt_subscriber_close(reader->sub);
	part_mark(order);
	reader->sub = NULL;
	return 0;
}

static int run_script(const struct order *order, struct answer *answer)
{
	for (const char *c = order->script; *c; c++) {
		struct result *result = &answer->results[answer->done++];

		if (*c >= '0' && *c < '0' + ACTOR_READERS)
			take(&(struct order){ .a = *c - '0' }, answer, result);
		else
			result->r = release(
				&(struct order){ .a = *c - 'a' });
	}
	return 0;
}

static void exhaust_one(int64_t index, struct answer *answer,
			struct result *ret)
{
	const struct order order = { .a = index };
	struct result result;

	do {
		while (release(&order) == 0)
			continue;
		ret->r = take(&order, answer, &result);
		if (ret->r)
			continue;
		ret->sequence = result.sequence;
		ret->dropped += result.dropped;
		ret->taken++;
	} while (ret->r == 0);
	ret->all_taken = readers[index].taken;
	ret->all_dropped = readers[index].dropped;
}

static int exhaust(const struct order *order, struct answer *answer)
{
	for (int i = 0; i < ACTOR_READERS; i++)
		if ((order->a >> i & 1) && readers[i].sub)
			exhaust_one(i, answer, &answer->results[i]);
	return 0;
}

/*
 * All that a dead publisher left, until there is no more; then it must have
 * been seen that it is dead. The last few frames stay held.
 */
static int drain(const struct order *order, struct answer *answer)
{
	struct reader *reader = &readers[order->a];
	struct zt_subscriber_stats stats = { .size = sizeof(stats) };
	struct drained *drained = &answer->drained;
	int r;

	do {
		struct result result;

		r = take(&(struct order){ .a = order->a }, answer, &result);
		if (r == -EBUSY && release(order) < 0)
			break;
		if (r)
			continue;
		if (!drained->count++)
			drained->first = result.sequence;
		drained->last = result.sequence;
		drained->dropped += result.dropped;
	} while (r == 0 || r == -EBUSY);
	zt_subscriber_get_stats(reader->sub, &stats);
	if (r == -EAGAIN && stats.epoch == (uint64_t)order->b)
		complain("it does not see that its publisher is dead");
	return r;
}

/* ------------------------------------------------------------------------
 * Monitors.
 */

static int watch(const struct order *order, struct answer *answer)
{
	int r;

	part_mark(order);
	r = zt_monitor_open(actor_stream, 5000000000LL, &monitor,
			    answer->reason);
	part_mark(order);
	return r;
}

static int look(const struct order *order, struct answer *answer)
{
	int r;

	part_mark(order);
	r = zt_monitor_read(monitor, &answer->survey.info,
			    answer->survey.rows, ACTOR_ROWS);
	part_mark(order);
	return r;
}

static int unwatch(const struct order *order)
{
	part_mark(order);
	zt_monitor_close(monitor);
	part_mark(order);
	monitor = NULL;
	return 0;
}

static int survey(const struct order *order, struct answer *answer)
{
	int r = watch(order, answer);

	if (r < 0)
		return r;
	/* It cannot be read while it is being written. */
	for (int tries = 0; tries < 1000; tries++) {
		r = look(order, answer);
		if (r != -EAGAIN)
			break;
		sched_yield();
	}
	unwatch(order);
	return r;
}

static int list(const struct order *order)
{
	struct zt_stream_entry *entries = NULL;
	int r;

	part_mark(order);
	r = zt_stream_list(&entries);
	part_mark(order);
	free(entries);
	return r;
}

/* ------------------------------------------------------------------------
 * Orders.
 */

static int perform(const struct order *order, struct answer *answer)
{
	switch ((enum actor_verb)order->verb) {
	case ACTOR_OPEN:
		return open_reader(order, answer);
	case ACTOR_TAKE:
		return take(order, answer, &answer->results[0]);
	case ACTOR_RELEASE:
		return release(order);
	case ACTOR_CLOSE:
		return close_reader(order);
	case ACTOR_SCRIPT_RUN:
		return run_script(order, answer);
	case ACTOR_EXHAUST:
		return exhaust(order, answer);
	case ACTOR_DRAIN:
		return drain(order, answer);
	case ACTOR_RELICS:
		return relics(order);
	case ACTOR_ATTEND:
		attended = (unsigned int)order->a;
		return 0;
	case ACTOR_WATCH:
		return watch(order, answer);
	case ACTOR_LOOK:
		return look(order, answer);
	case ACTOR_UNWATCH:
		return unwatch(order);
	case ACTOR_LIST:
		return list(order);
	case ACTOR_SURVEY:
		return survey(order, answer);
	default:
		return part_publish(order, answer);
	}
}

/* Wait for an order, answering publishers meanwhile. */
static void wait_for_order(int fd)
{
	struct pollfd fds[1 + ACTOR_READERS];
	struct answer unused;
	struct result result;

	do {
		fds[0] = (struct pollfd){ .fd = fd, .events = POLLIN };
		for (int i = 0; i < ACTOR_READERS; i++) {
			bool on = (attended >> i & 1) && readers[i].sub;

			fds[1 + i] = (struct pollfd){
				.fd = on ? zt_subscriber_fd(readers[i].sub) :
					   -1,
				.events = POLLIN,
			};
		}
		poll(fds, 1 + ACTOR_READERS, -1);
		for (int i = 0; i < ACTOR_READERS; i++) {
			int r = -EAGAIN;

			if (fds[1 + i].revents)
				r = take(&(struct order){ .a = i }, &unused,
					 &result);
			if (r == 0)
				complain("reader %d got a frame unasked", i);
			if (r != -EAGAIN && r != -EBUSY)
				attended &= ~(1U << i);
		}
	} while (!fds[0].revents);
}

noreturn void part_play(int fd)
{
	struct answer answer;
	struct order order;

	for (;;) {
		wait_for_order(fd);
		if (recv(fd, &order, sizeof(order), 0) != sizeof(order))
			_exit(0);
		memset(&answer, 0, sizeof(answer));
		answer.r = perform(&order, &answer);
		memcpy(answer.fault, fault, sizeof(fault));
		fault[0] = '\0';
		if (send(fd, &answer, sizeof(answer), MSG_NOSIGNAL) < 0)
			_exit(0);
	}
}
