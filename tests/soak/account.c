/* SPDX-License-Identifier: MIT */
/* See account.h. */
#include "account.h"

#include <string.h>

/* A reader has heard of new memory after so many calls, and this long. */
#define LOOKS_ENOUGH 50
#define HEARD_MS 1000

void account_open(struct account *account, const char *who,
		  struct stream_row *stream,
		  const struct zt_subscriber_options *options)
{
	*account = (struct account){
		.who = who,
		.stream = stream,
		.delivery = options->delivery,
		.bound = options->delivery == ZT_LATEST ? options->held :
							  options->depth,
		.min_interval_ns = options->min_interval_ns,
	};
}

static const struct epoch_row *row_of(const struct account *account)
{
	return ledger_epoch(account->stream, account->epoch);
}

static void note_growth(struct account *account, const struct epoch_row *row)
{
	int64_t grew_ns = atomic_load(&row->grew_ns);

	account->looks++;
	if (grew_ns == account->grew_ns)
		return;
	account->grew_ns = grew_ns;
	account->grew_seen_ns = ledger_now_ns();
	account->looks = 0;
}

/*
 * Frames in memory that it has not mapped may be kept from it. At a
 * publisher's end, what counts is what it could hear before.
 */
static bool memory_is_new(const struct account *account,
			  const struct epoch_row *row)
{
	int64_t over_ns = atomic_load(&row->over_ns);
	int64_t until = over_ns ? over_ns : ledger_now_ns();

	return atomic_load(&row->grew_ns) != account->grew_ns ||
	       account->looks < LOOKS_ENOUGH ||
	       until - account->grew_seen_ns < ledger_ms(HEARD_MS);
}

/*
 * Had it as many frames as its depth when this one, the newest, was offered?
 * Those that were given by calls from before, and released afterwards. (One
 * more it may have won without having delivered it.)
 */
static bool was_full(const struct account *account,
		     const struct epoch_row *row, uint64_t published)
{
	uint64_t at = published % LEDGER_FRAMES;
	int64_t begun_ns = atomic_load(&row->begun_ns[at]);
	int64_t done_ns = atomic_load(&row->done_ns[at]);
	unsigned int had = account->bound > 1;

	for (uint64_t i = 0; i < LEDGER_FRAMES && i < account->taken; i++)
		had += account->visits[i].entered_ns < done_ns &&
		       account->visits[i].released_ns >= begun_ns;
	return had >= account->bound || !ledger_remembers(row, published);
}

/*
 * Once it has taken a frame of an epoch, with nothing more to be taken, the
 * last one that it took is the newest; but for a queue that was full, an
 * interval that is not over, and memory that is new to it.
 */
static bool is_owed(const struct account *account,
		    const struct epoch_row *row, uint64_t published)
{
	if (!account->epoch || account->last >= published)
		return false;
	if (account->delivery == ZT_LOSSLESS)
		return true;
	if (memory_is_new(account, row))
		return false;
	return account->delivery == ZT_LATEST ?
		!account->min_interval_ns :
		!was_full(account, row, published);
}

struct look account_look(struct account *account)
{
	const struct epoch_row *row = row_of(account);
	struct look look = { .entered_ns = ledger_now_ns(), .row = row };

	if (!row)
		return look;
	note_growth(account, row);
	look.done = atomic_load(&row->done);
	look.wakes = account->last == look.done && !account->min_interval_ns &&
		     account->held < account->bound &&
		     !memory_is_new(account, row);
	return look;
}

/* ------------------------------------------------------------------------
 * Frames.
 */

static void begin_epoch(struct account *account, const struct zt_frame *frame)
{
	const struct epoch_row *row;

	account->epoch = frame->epoch;
	account->first = frame->sequence - frame->dropped;
	account->last = account->first - 1;
	account->taken = account->dropped = 0;
	account->published_ns = 0;
	account->held = 0;
	account->owed_ns = 0;
	account->calm_ns = frame->published_ns;
	account->longest_ns = 0;
	account->grew_ns = 0;
	account->connections++;
	row = row_of(account);
	if (row)
		note_growth(account, row);
}

static void check_place(const struct account *account,
			const struct zt_frame *frame)
{
	const struct epoch_row *row = row_of(account);

	ledger_check(ORDER, frame->sequence > account->last,
		     "%s: frame %ju after %ju", account->who,
		     (uintmax_t)frame->sequence, (uintmax_t)account->last);
	ledger_check(ACCOUNT,
		     frame->sequence == account->last + 1 + frame->dropped,
		     "%s: frame %ju after %ju, and %ju said to be dropped",
		     account->who, (uintmax_t)frame->sequence,
		     (uintmax_t)account->last, (uintmax_t)frame->dropped);
	ledger_check(ORDER, !frame->dropped || account->delivery != ZT_LOSSLESS,
		     "%s: lossless, and %ju dropped before frame %ju of epoch %ju (%ju taken of it)",
		     account->who, (uintmax_t)frame->dropped,
		     (uintmax_t)frame->sequence, (uintmax_t)frame->epoch,
		     (uintmax_t)account->taken);
	ledger_check(ORDER, !row || frame->sequence <= atomic_load(&row->begun),
		     "%s: frame %ju was not published", account->who,
		     (uintmax_t)frame->sequence);
}

static void check_time(const struct account *account, const struct look *look,
		       const struct zt_frame *frame)
{
	const struct epoch_row *row = row_of(account);
	int64_t apart = frame->published_ns - account->published_ns;

	ledger_check(ORDER, apart >= 0,
		     "%s: frame %ju was published before frame %ju",
		     account->who, (uintmax_t)frame->sequence,
		     (uintmax_t)account->last);
	/* One in memory that was new was offered some time after it had been
	   published; so may one be of which the publisher has not noted yet
	   what memory it is in. */
	if (account->min_interval_ns && row &&
	    (atomic_load(&row->done) < frame->sequence ||
	     memory_is_new(account, row)))
		apart = ledger_now_ns() - account->published_ns;
	ledger_check(ORDER, apart >= (int64_t)account->min_interval_ns,
		     "%s: frames %ju and %ju are %jd us apart, not %ju",
		     account->who, (uintmax_t)account->last,
		     (uintmax_t)frame->sequence, (intmax_t)apart / 1000,
		     (uintmax_t)account->min_interval_ns / 1000);
	if (account->delivery == ZT_LATEST && !account->min_interval_ns && row)
		ledger_check(ORDER, frame->sequence >= look->done ||
				    memory_is_new(account, row),
			     "%s: the latest frame is %ju, though %ju was published before",
			     account->who, (uintmax_t)frame->sequence,
			     (uintmax_t)look->done);
}

static void note_calm(struct account *account, int64_t until)
{
	if (until - account->calm_ns > account->longest_ns)
		account->longest_ns = until - account->calm_ns;
	if (until > account->calm_ns)
		account->calm_ns = until;
}

void account_took(struct account *account, const struct look *look,
		  const struct zt_frame *frame)
{
	bool same = frame->epoch == account->epoch;

	ledger_check(ORDER, frame->epoch >= account->epoch,
		     "%s: a frame of epoch %ju after %ju", account->who,
		     (uintmax_t)frame->epoch, (uintmax_t)account->epoch);
	if (!same)
		begin_epoch(account, frame);
	check_place(account, frame);
	if (same)
		check_time(account, look, frame);
	/* It held nothing, and came to wait for this one. */
	if (same && !account->held && frame->published_ns > look->entered_ns)
		note_calm(account, frame->published_ns);
	account->visits[account->taken % LEDGER_FRAMES] = (struct visit){
		look->entered_ns, INT64_MAX,
	};
	account->taken++;
	account->dropped += frame->dropped;
	account->taken_in_all++;
	account->dropped_in_all += frame->dropped;
	account->last = frame->sequence;
	account->published_ns = frame->published_ns;
	account->owed_ns = 0;
	account->held++;
}

void account_released(struct account *account, uint64_t number)
{
	if (number + LEDGER_FRAMES >= account->taken)
		account->visits[number % LEDGER_FRAMES].released_ns =
			ledger_now_ns();
	account->held--;
}

/* ------------------------------------------------------------------------
 * No frames.
 */

/* One that is evicted is told a little later: it is owed for a while. */
static void check_lossless(struct account *account, const struct look *look)
{
	int64_t now = ledger_now_ns();

	if (!account->owed_ns)
		account->owed_ns = now;
	ledger_check(WAKING, now - account->owed_ns < ledger_ms(3000),
		     "%s: lossless, frame %ju was published, and for 3 s there is nothing after %ju",
		     account->who, (uintmax_t)look->done,
		     (uintmax_t)account->last);
}

void account_nothing(struct account *account, const struct look *look)
{
	const struct epoch_row *row = row_of(account);
	bool owed;

	if (!row)
		return;
	owed = is_owed(account, row, look->done);
	if (!account->held && !owed)
		note_calm(account, ledger_now_ns());
	if (owed && account->delivery == ZT_LOSSLESS)
		check_lossless(account, look);
	else
		ledger_check(WAKING, !owed,
			     "%s: frame %ju was published, and there is nothing after %ju",
			     account->who, (uintmax_t)look->done,
			     (uintmax_t)account->last);
}

void account_compare(const struct account *account,
		     const struct zt_subscriber_stats *stats)
{
	ledger_check(ACCOUNT, stats->taken == account->taken_in_all &&
			      stats->dropped == account->dropped_in_all,
		     "%s: the library counts %ju taken and %ju dropped, of %ju and %ju",
		     account->who, (uintmax_t)stats->taken,
		     (uintmax_t)stats->dropped,
		     (uintmax_t)account->taken_in_all,
		     (uintmax_t)account->dropped_in_all);
	ledger_check(ACCOUNT, !account->epoch ||
			      stats->epoch != account->epoch ||
			      stats->held == account->held,
		     "%s: the library counts %u held, of %u", account->who,
		     stats->held, account->held);
}

/* The driver notes a publisher's death before it kills. */
static bool wait_for_end(struct epoch_row *row, bool ended)
{
	int64_t limit = ledger_now_ns() + ledger_ms(5000);

	while (!(ended ? atomic_load(&row->ended) :
			 atomic_load(&row->over_ns) != 0)) {
		if (ledger_now_ns() > limit)
			return false;
		ledger_wait(&row->ended, 0, 10000000);
	}
	return true;
}

void account_over(struct account *account, bool ended)
{
	struct epoch_row *row = ledger_epoch(account->stream, account->epoch);
	uint64_t done, begun;

	if (!row)
		goto out;
	if (!ledger_check(EVICTION, wait_for_end(row, ended),
			  "%s: it is told that the publisher of epoch %ju has %s, and that is not so",
			  account->who, (uintmax_t)account->epoch,
			  ended ? "ended" : "died"))
		goto out;
	done = atomic_load(&row->done);
	begun = atomic_load(&row->begun);
	ledger_check(BEQUEST, account->last <= begun &&
			      !is_owed(account, row, done),
		     "%s: epoch %ju ended after frame %ju (%ju begun), and the last that could be taken was %ju",
		     account->who, (uintmax_t)account->epoch, (uintmax_t)done,
		     (uintmax_t)begun, (uintmax_t)account->last);
	ledger_count(ACCOUNTS, 1);
out:
	account->epoch = 0;
}

void account_evicted(struct account *account)
{
	const struct epoch_row *row = row_of(account);

	ledger_count(EVICTIONS, 1);
	if (!row)
		return;
	note_calm(account, ledger_now_ns());
	ledger_check(EVICTION, account->delivery == ZT_LOSSLESS &&
			       row->evict_after_ns != ZT_NEVER,
		     "%s: evicted, which cannot be", account->who);
	ledger_check(EVICTION, memory_is_new(account, row) ||
			       account->longest_ns >=
				       (int64_t)row->evict_after_ns,
		     "%s: evicted after %jd ms at most, not %ju",
		     account->who, (intmax_t)account->longest_ns / 1000000,
		     (uintmax_t)row->evict_after_ns / 1000000);
}

bool account_settled(const struct account *account, uint64_t published)
{
	const struct epoch_row *row = row_of(account);

	if (!row || account->last >= published)
		return true;
	switch (account->delivery) {
	case ZT_LATEST:
		return account->min_interval_ns != 0;
	case ZT_QUEUE:
		return was_full(account, row, published);
	default:
		return false;
	}
}
