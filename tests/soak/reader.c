/* SPDX-License-Identifier: MIT */
/*
 * A reader's life: it joins, by any delivery, reads for a while at its own
 * pace, holds frames, leaves with or without them, joins again, exits. When
 * there is an audit it takes what there is, states its account, and keeps
 * still.
 */
#include "reader.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "actors.h"
#include "self.h"

static unsigned int roll(struct reader *reader, unsigned int first,
			 unsigned int last)
{
	return (unsigned int)dice_between(&reader->dice, first, last);
}

static bool chance(struct reader *reader, unsigned int percent)
{
	return dice_chance(&reader->dice, percent);
}

/* ------------------------------------------------------------------------
 * Audits.
 */

static void state_account(struct reader *reader)
{
	struct statement *statement = &reader->row->statement;
	const struct account *account = &reader->account;
	uint64_t epoch = atomic_load(&reader->stream->epoch);
	const struct epoch_row *row = ledger_epoch(reader->stream, epoch);

	*statement = (struct statement){ .delivery = account->delivery };
	if (reader->sub) {
		statement->epoch = reader->stats.epoch;
		statement->bound = account->bound;
	}
	if (reader->sub && account->epoch == statement->epoch) {
		statement->first = account->first;
		statement->last = account->last;
		statement->taken = account->taken;
		statement->dropped = account->dropped;
		statement->held = account->held;
	}
	for (unsigned int i = 0; i < reader->held_count; i++) {
		const struct held *held = &reader->held[i];

		if (held->epoch != epoch)
			continue;
		statement->held_in_all++;
		statement->slots_held |= UINT64_C(1) << held->frame->slot;
		if (row && held->sequence == atomic_load(&row->done))
			statement->holds_newest = true;
	}
}

/* It has joined the present publisher, and there is nothing more for it. */
static bool is_settled(const struct reader *reader, uint32_t audit)
{
	struct stream_row *stream = reader->stream;
	uint64_t epoch = atomic_load(&stream->epoch);
	const struct epoch_row *row = ledger_epoch(stream, epoch);

	return atomic_load(&stream->paused) == audit && row &&
	       reader->stats.epoch == epoch &&
	       account_settled(&reader->account, atomic_load(&row->done));
}

static void wait_readable(const struct reader *reader, int timeout_ms)
{
	struct pollfd pfd = {
		.fd = zt_subscriber_fd(reader->sub), .events = POLLIN,
	};

	poll(&pfd, 1, timeout_ms);
}

/* Returns 0, or the error with which the subscription is at its end. */
static int settle(struct reader *reader, uint32_t audit)
{
	int64_t limit = ledger_now_ns() + ledger_ms(10000);
	int r = -EAGAIN;

	while (atomic_load(&reader->stream->audit) == audit) {
		if (r == -EBUSY || (r == 0 && chance(reader, 50)))
			reader_release(reader, reader->held_count - 1);
		r = reader_take(reader, 0);
		if (r == 0 || r == -EBUSY)
			continue;
		if (r != -EAGAIN && r != -ETIMEDOUT && r != -EINTR)
			return r;
		if (is_settled(reader, audit))
			return 0;
		if (!ledger_check(WAKING, ledger_now_ns() < limit,
				  "%s: the stream rests, and it does not get its newest frame: it has %ju of epoch %ju",
				  reader->who,
				  (uintmax_t)reader->account.last,
				  (uintmax_t)reader->stats.epoch))
			return 0;
		wait_readable(reader, 10);
	}
	return 0;
}

/* Returns as settle() does. */
static int attend(struct reader *reader)
{
	uint32_t audit = atomic_load(&reader->stream->audit);
	int r = 0;

	if (!audit || audit == atomic_load(&reader->row->audited))
		return 0;
	if (reader->sub)
		r = settle(reader, audit);
	if (r < 0)
		return r;
	state_account(reader);
	ledger_doing(&reader->row->process, PAUSING);
	atomic_store(&reader->row->audited, audit);
	while (atomic_load(&reader->stream->audit) == audit &&
	       !atomic_load(&ledger->finish))
		ledger_wait(&reader->stream->audit, audit, 100000000);
	ledger_doing(&reader->row->process, RESTING);
	return 0;
}

/* Do nothing for a while, but for audits. */
static int rest(struct reader *reader, int64_t ns)
{
	int64_t until = ledger_now_ns() + ns;
	int r = 0;

	while (!r && ledger_now_ns() < until &&
	       !atomic_load(&ledger->finish)) {
		ledger_wait(&reader->stream->audit, 0,
			    until - ledger_now_ns());
		r = attend(reader);
	}
	return r;
}

/* ------------------------------------------------------------------------
 * Joining and leaving.
 */

/* Mostly what the present publisher grants. */
static void choose_delivery(struct reader *reader)
{
	const struct epoch_row *row = ledger_epoch(
		reader->stream, atomic_load(&reader->stream->epoch));
	struct zt_subscriber_options *options = &reader->options;
	bool lossless = !row || row->backpressure || chance(reader, 5);

	options->delivery = roll(reader, 0, lossless ? 2 : 1);
	if (options->delivery == ZT_LATEST) {
		options->held = chance(reader, 60) ? 1 : roll(reader, 2, 4);
		if (chance(reader, 20))
			options->min_interval_ns = roll(reader, 5, 60) *
						   UINT64_C(1000000);
	} else {
		options->depth = roll(reader, 1, 5);
		if (options->delivery == ZT_LOSSLESS && row &&
		    options->depth < row->loans && chance(reader, 90))
			options->depth = row->loans;
	}
}

static void choose_options(struct reader *reader)
{
	reader->options = (struct zt_subscriber_options){
		.size = sizeof(reader->options),
		.held = 1, .depth = 1,
		.flags = chance(reader, 85) ? ZT_SUBSCRIBER_WAIT : 0,
	};
	if (chance(reader, 10))
		reader->options.flags |= ZT_SUBSCRIBER_NO_RECONNECT;
	reader->style = roll(reader, 0, STYLES - 1);
	if (reader->style == SPINNING)
		reader->options.spin_ns = 20000;
	choose_delivery(reader);
	reader->greed = chance(reader, 50) ? 0 :
		roll(reader, 1, reader->options.delivery == ZT_LATEST ?
			     reader->options.held : reader->options.depth);
	reader->slowness_ms = chance(reader, 60) ? 0 :
		chance(reader, 90) ? roll(reader, 1, 20) : 300;
}

static bool may_fail(const struct reader *reader, int r, const char *reason)
{
	bool waits = reader->options.flags & ZT_SUBSCRIBER_WAIT;
	const struct process_row *publisher = &reader->stream->process;

	switch (r) {
	case -ENOENT:
	case -ECONNRESET:
		return !waits;
	case -ETIMEDOUT:
		return atomic_load(&publisher->stopped) ||
		       atomic_load(&publisher->continued_ns) >
			       ledger_now_ns() - ledger_ms(6000);
	case -ECONNREFUSED:
		return strstr(reason, "would need") ||
		       strstr(reason, "takes no lossless") ||
		       strstr(reason, "needs a depth of at least");
	default:
		return false;
	}
}

static int join(struct reader *reader)
{
	static const char *const names[] = { "latest", "queue", "lossless" };
	char reason[ZT_REASON_MAX] = "";
	int r;

	choose_options(reader);
	snprintf(reader->who, sizeof(reader->who), "%s reader %d, %s of %u",
		 reader->stream->name, (int)getpid(),
		 names[reader->options.delivery],
		 reader->options.delivery == ZT_LATEST ?
			 reader->options.held : reader->options.depth);
	atomic_store(&reader->row->lossless,
		     reader->options.delivery == ZT_LOSSLESS);
	ledger_doing(&reader->row->process, OPENING);
	r = zt_subscriber_open(reader->stream->name, &reader->options,
			       &reader->sub, reason);
	ledger_doing(&reader->row->process, RESTING);
	ledger_check(CALLS, r == 0 || may_fail(reader, r, reason),
		     "%s: zt_subscriber_open: %s (%s)", reader->who,
		     strerror(-r), reason);
	ledger_count(REFUSALS, r == -ECONNREFUSED);
	if (r < 0)
		return r;
	ledger_count(JOINS, 1);
	reader->stats = (struct zt_subscriber_stats){
		.size = sizeof(reader->stats),
	};
	reader->served_epoch = 0;
	account_open(&reader->account, reader->who, reader->stream,
		     &reader->options);
	return 0;
}

static void release_all(struct reader *reader)
{
	while (reader->held_count)
		reader_release(reader, reader->held_count - 1);
}

static void leave(struct reader *reader)
{
	if (chance(reader, 60))
		release_all(reader);
	ledger_count(LEAVES, 1);
	ledger_count(LEAVES_HOLDING, reader->held_count != 0);
	ledger_doing(&reader->row->process, CLOSING);
	zt_subscriber_close(reader->sub);
	reader->sub = NULL;
	ledger_doing(&reader->row->process, RESTING);
	reader_give_room(reader);
	atomic_store(&reader->row->lossless, 0);
	for (unsigned int i = 0; i < reader->held_count; i++)
		reader->held[i].left = true;
}

/* With nothing joined and nothing held there is nothing of the library's. */
static void check_holdings(struct reader *reader, unsigned int descriptors)
{
	unsigned int now = self_descriptors();
	uint64_t mapped = self_mapped(NULL);

	ledger_check(HOLDINGS, now == descriptors && !mapped,
		     "%s: it has left, and has %u descriptors where it had %u, and %ju bytes mapped",
		     reader->who, now, descriptors, (uintmax_t)mapped);
}

/* ------------------------------------------------------------------------
 * Reading.
 */

static int64_t choose_timeout(struct reader *reader)
{
	return chance(reader, 20) ? 0 : chance(reader, 50) ? 2000000000 :
	       (int64_t)roll(reader, 1, 50) * 1000000;
}

/* What it does between two frames. Returns an error at its end. */
static int digest(struct reader *reader)
{
	int r = 0;

	if (reader->slowness_ms && chance(reader, 30))
		r = rest(reader, (int64_t)roll(reader, 1, reader->slowness_ms)
					 * 1000000);
	while (!r && reader->held_count > reader->greed)
		reader_release(reader, roll(reader, 0, reader->held_count - 1));
	/* Once in a while, all: so that it is known not to be slow. */
	if (!r && reader->held_count && chance(reader, 5))
		release_all(reader);
	return r;
}

static void read_for_a_while(struct reader *reader)
{
	int64_t until = ledger_now_ns() +
			(int64_t)roll(reader, 1, 100) *
				(int64_t)roll(reader, 1, 100) * 1000000;
	int r = 0;

	while (!atomic_load(&ledger->finish) && ledger_now_ns() < until) {
		r = attend(reader);
		if (!r)
			r = reader_take(reader, choose_timeout(reader));
		if (r == 0)
			r = digest(reader);
		else if (r == -EBUSY)
			reader_release(reader, roll(reader, 0,
						    reader->held_count - 1));
		else if (r == -EAGAIN)
			wait_readable(reader, 5);
		else if (r != -ETIMEDOUT && r != -EINTR)
			break;
		reader_look_for_neglect(reader);
	}
}

int reader_run(unsigned int number, struct dice dice)
{
	struct reader_row *row = &ledger->reader[number];
	struct reader reader = {
		.row = row,
		.stream = &ledger->stream[atomic_load(&row->stream)],
		.dice = dice,
	};
	unsigned int descriptors = self_descriptors();

	while (!atomic_load(&ledger->finish)) {
		if (join(&reader) == 0) {
			read_for_a_while(&reader);
			/* Some exit as they are. */
			if (chance(&reader, 3) && !atomic_load(&ledger->finish))
				_exit(0);
			leave(&reader);
		}
		rest(&reader, (int64_t)roll(&reader, 0, 100) * 1000000);
		release_all(&reader);
		check_holdings(&reader, descriptors);
		if (chance(&reader, 10))
			break;
	}
	return 0;
}
