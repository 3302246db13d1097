/* SPDX-License-Identifier: MIT */
/*
 * The audit: a stream's publisher rests, its readers have taken what there
 * was, stated their accounts and keep still; then what the publisher says of
 * each, through a monitor, must be what the reader says. For a subscription
 * that has taken frames, with `last` the last one of them:
 *
 *   taken (publisher)     = taken (reader)
 *   dropped (publisher)   = dropped (reader) + published - last
 *   held (publisher)      = held (reader)
 *   waiting (publisher)   = 0
 *   published + 1 - first = taken + dropped + waiting (publisher)
 *
 * There is no row but of a process that lives, and its rows (a subscription
 * that was closed with frames held has one until the last is released) hold
 * together what it holds. The slots in use are those that somebody holds, the
 * newest frame's, and the publisher's loans: not one more. This last is left
 * out while a reader is stopped.
 *
 * Hang-ups take the publisher a moment to see, so all is looked at until it is
 * right, within a time limit.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <zoetrope/monitor.h>

#include "actors.h"

#define ROWS_MAX 64
#define PATIENCE_MS 5000

struct audit {
	struct stream_row *stream;
	uint32_t number;
	uint64_t epoch, published;
	struct zt_stream_info info;
	struct zt_subscription_info rows[ROWS_MAX];
	int row_count;
	unsigned int compared;
	enum promise promise;		/* what `fault` is about */
	char fault[400];
};

#define FAULT(audit, which, ...)                                      \
	((audit)->promise = (which),                                  \
	 snprintf((audit)->fault, sizeof((audit)->fault), __VA_ARGS__), \
	 false)

/* The reader's row, where it has stated its account; NULL otherwise. */
static const struct statement *statement_of(const struct audit *audit,
					    pid_t pid, bool *ret_known)
{
	*ret_known = false;
	for (unsigned int i = 0; i < ledger->readers; i++) {
		const struct reader_row *row = &ledger->reader[i];

		if (atomic_load(&row->process.pid) != pid)
			continue;
		*ret_known = true;
		return atomic_load(&row->audited) == audit->number ?
			&row->statement : NULL;
	}
	return NULL;
}

/* Of a process's rows, the one of the subscription that it reads. */
static const struct zt_subscription_info *
newest_row(const struct audit *audit, pid_t pid, uint32_t *ret_held)
{
	const struct zt_subscription_info *newest = NULL;

	*ret_held = 0;
	for (int i = 0; i < audit->row_count; i++) {
		const struct zt_subscription_info *row = &audit->rows[i];

		if (row->pid != pid)
			continue;
		*ret_held += row->held;
		if (!newest || row->joined_ns > newest->joined_ns)
			newest = row;
	}
	return newest;
}

static bool compare_account(struct audit *audit,
			    const struct zt_subscription_info *row,
			    const struct statement *own)
{
	uint64_t rest = audit->published - own->last;

	if (row->delivery == own->delivery && row->depth == own->bound &&
	    row->taken == own->taken && !row->waiting &&
	    row->held == own->held && row->dropped == own->dropped + rest &&
	    audit->published + 1 - own->first ==
		    row->taken + row->dropped + row->waiting)
		return true;
	return FAULT(audit, ACCOUNT,
		     "reader %d, %u of %u: published %ju, first %ju, last %ju; it has taken %ju, dropped %ju, holds %u; says the publisher (%u of %u): offered %ju, taken %ju, dropped %ju, holds %u, waiting %u, evicted %u, stalled %u",
		     (int)row->pid, own->delivery, own->bound,
		     (uintmax_t)audit->published, (uintmax_t)own->first,
		     (uintmax_t)own->last, (uintmax_t)own->taken,
		     (uintmax_t)own->dropped, own->held, row->delivery,
		     row->depth, (uintmax_t)row->offered,
		     (uintmax_t)row->taken, (uintmax_t)row->dropped, row->held,
		     row->waiting, row->evicted, row->stalled);
}

static bool compare_reader(struct audit *audit,
			   const struct reader_row *reader)
{
	const struct statement *own = &reader->statement;
	pid_t pid = atomic_load(&reader->process.pid);
	const struct zt_subscription_info *row;
	uint32_t held;

	if (!pid || atomic_load(&reader->audited) != audit->number)
		return true;
	row = newest_row(audit, pid, &held);
	if (held != own->held_in_all)
		return FAULT(audit, HOLDINGS,
			     "reader %d holds %u frames, and %u, says the publisher",
			     (int)pid, own->held_in_all, held);
	if (own->epoch != audit->epoch || !own->taken)
		return true;
	if (!row)
		return FAULT(audit, ACCOUNT,
			     "reader %d reads, and the publisher does not know it",
			     (int)pid);
	audit->compared++;
	return compare_account(audit, row, own);
}

/* Whether all who have slots are known to hold them still. */
static bool compare_rows(struct audit *audit, bool *ret_all_stated)
{
	*ret_all_stated = true;
	for (int i = 0; i < audit->row_count; i++) {
		bool known;

		if (!statement_of(audit, audit->rows[i].pid, &known))
			*ret_all_stated = false;
		if (!known)
			return FAULT(audit, HOLDINGS,
				     "the publisher knows a reader %d, which is gone",
				     (int)audit->rows[i].pid);
	}
	for (unsigned int i = 0; i < ledger->readers; i++)
		if (!compare_reader(audit, &ledger->reader[i]))
			return false;
	return true;
}

static bool compare_slots(struct audit *audit)
{
	uint32_t loans = atomic_load(&audit->stream->loans_out), wanted;
	bool newest_held = false;
	uint64_t held = 0;

	for (int i = 0; i < audit->row_count; i++) {
		bool known;
		const struct statement *own = statement_of(
			audit, audit->rows[i].pid, &known);

		held |= own->slots_held;
		newest_held |= own->holds_newest;
	}
	wanted = (uint32_t)__builtin_popcountll(held) + loans +
		 (audit->published && !newest_held);
	if (audit->info.slots_in_use == wanted)
		return true;
	return FAULT(audit, HOLDINGS,
		     "%u of %u slots are in use, and %d frames are held by %d readers, %u loans out, the newest %s",
		     audit->info.slots_in_use, audit->info.slots,
		     __builtin_popcountll(held), audit->row_count, loans,
		     newest_held ? "held" : "not held");
}

static bool compare(struct audit *audit)
{
	const struct zt_stream_info *info = &audit->info;
	bool all_stated;

	audit->compared = 0;
	if (info->epoch != audit->epoch || info->published != audit->published)
		return FAULT(audit, ACCOUNT,
			     "frame %ju of epoch %ju is its newest, says the publisher, and it was %ju of %ju",
			     (uintmax_t)info->published, (uintmax_t)info->epoch,
			     (uintmax_t)audit->published,
			     (uintmax_t)audit->epoch);
	return compare_rows(audit, &all_stated) &&
	       (!all_stated || compare_slots(audit));
}

static bool look(struct audit *audit)
{
	char reason[ZT_REASON_MAX] = "";
	struct zt_monitor *monitor;
	int r = zt_monitor_open(audit->stream->name, ledger_ms(3000), &monitor,
				reason);

	if (r < 0)
		return FAULT(audit, CALLS, "zt_monitor_open: %s (%s)",
			     strerror(-r), reason);
	r = zt_monitor_read(monitor, &audit->info, audit->rows, ROWS_MAX);
	zt_monitor_close(monitor);
	audit->row_count = r;
	if (r < 0)
		return FAULT(audit, CALLS, "zt_monitor_read: %s",
			     strerror(-r));
	return compare(audit);
}

int auditor_run(unsigned int stream, uint32_t number)
{
	struct audit audit = {
		.stream = &ledger->stream[stream], .number = number,
	};
	int64_t limit = ledger_now_ns() + ledger_ms(PATIENCE_MS);
	const struct epoch_row *row;
	bool right;

	audit.epoch = atomic_load(&audit.stream->epoch);
	row = ledger_epoch(audit.stream, audit.epoch);
	audit.published = row ? atomic_load(&row->done) : 0;
	do {
		right = look(&audit);
		if (!right)
			ledger_wait(&ledger->finish, 0, 20000000);
	} while (!right && ledger_now_ns() < limit);
	if (right)
		audit.promise = ACCOUNT;
	ledger_check(audit.promise, right, "audit %u of %s: %s", number,
		     audit.stream->name, audit.fault);
	if (right) {
		ledger_count(AUDITS, 1);
		ledger_count(ACCOUNTS, audit.compared);
		ledger_check(HOLDINGS, true, " ");
	}
	return 0;
}
