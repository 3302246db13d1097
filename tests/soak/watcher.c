/* SPDX-License-Identifier: MIT */
/*
 * Monitors that come and go. What one reads while all runs can be compared
 * with little; that it reads at all, and that its coming and going disturbs
 * nobody, is what it is there for.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <zoetrope/monitor.h>

#include "actors.h"
#include "self.h"

#define ROWS 64

struct watcher {
	struct process_row *row;
	struct stream_row *stream;
	struct dice dice;
	uint64_t published;		/* when it last looked */
};

static void rest(struct watcher *watcher, uint64_t most_ms)
{
	ledger_wait(&ledger->finish, 0,
		    (int64_t)dice_below(&watcher->dice, most_ms + 1) * 1000000);
}

static void check_read(struct watcher *watcher, int r,
		       const struct zt_stream_info *info)
{
	const struct epoch_row *row = ledger_epoch(watcher->stream,
						   info->epoch);

	ledger_check(CALLS, (r >= 0 && r <= ROWS) || r == -ECONNRESET ||
			    r == -EAGAIN,
		     "%s: zt_monitor_read: %d", watcher->stream->name, r);
	if (r == -EAGAIN)
		return;
	ledger_check(ORDER, info->published >= watcher->published &&
			    (!row || info->published <=
					     atomic_load(&row->begun)),
		     "%s: a monitor sees %ju frames of epoch %ju after %ju",
		     watcher->stream->name, (uintmax_t)info->published,
		     (uintmax_t)info->epoch, (uintmax_t)watcher->published);
	watcher->published = info->published;
}

static void watch(struct watcher *watcher, struct zt_monitor *monitor)
{
	struct zt_subscription_info rows[ROWS];
	struct zt_stream_info info;
	uint64_t looks = dice_below(&watcher->dice, 20);
	int r = 0;

	watcher->published = 0;
	while (looks-- && r != -ECONNRESET && !atomic_load(&ledger->finish)) {
		r = zt_monitor_read(monitor, &info, rows,
				    dice_below(&watcher->dice, ROWS + 1));
		check_read(watcher, r, &info);
		rest(watcher, 50);
	}
}

/* All streams have the same beginning of their names here. */
static void list(struct watcher *watcher)
{
	struct zt_stream_entry *entries = NULL;
	int n = zt_stream_list(&entries);

	ledger_check(CALLS, n >= 0 && n <= (int)ledger->streams,
		     "zt_stream_list: %d", n);
	for (int i = 0; i < n; i++)
		ledger_check(CALLS, !strncmp(entries[i].name,
					     watcher->stream->name, 4),
			     "zt_stream_list: %s", entries[i].name);
	free(entries);
}

static void look_in(struct watcher *watcher)
{
	int64_t timeout_ns = (int64_t)dice_below(&watcher->dice, 3) * 500000000;
	char reason[ZT_REASON_MAX] = "";
	struct zt_monitor *monitor;
	int r;

	ledger_doing(watcher->row, OPENING);
	r = zt_monitor_open(watcher->stream->name, timeout_ns, &monitor,
			    reason);
	ledger_doing(watcher->row, RESTING);
	ledger_check(CALLS, r == 0 || r == -ENOENT || r == -ETIMEDOUT ||
			    r == -ECONNRESET,
		     "%s: zt_monitor_open: %s (%s)", watcher->stream->name,
		     strerror(-r), reason);
	if (r < 0)
		return;
	watch(watcher, monitor);
	zt_monitor_close(monitor);
}

int watcher_run(unsigned int number, unsigned int stream, struct dice dice)
{
	struct watcher watcher = {
		.row = &ledger->watcher[number],
		.stream = &ledger->stream[stream],
		.dice = dice,
	};
	unsigned int descriptors = self_descriptors();
	uint64_t visits = dice_between(&watcher.dice, 1, 10);

	while (visits-- && !atomic_load(&ledger->finish)) {
		if (dice_chance(&watcher.dice, 20))
			list(&watcher);
		look_in(&watcher);
		rest(&watcher, 100);
	}
	ledger_check(HOLDINGS, self_descriptors() == descriptors &&
			       !self_mapped(NULL),
		     "%s: a monitor is closed, and there are %u descriptors where there were %u, and %ju bytes mapped",
		     watcher.stream->name, self_descriptors(), descriptors,
		     (uintmax_t)self_mapped(NULL));
	return 0;
}
