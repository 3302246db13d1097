/* SPDX-License-Identifier: MIT */
/*
 * A publisher: with or without back-pressure, a thread of its own, several
 * loans; in bursts, at a camera's pace, or idle. It looks after its own side
 * of the promises: what loans return and how long they wait, its counters, its
 * memory. It notes every call of zt_publish before and after.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "actors.h"
#include "content.h"
#include "self.h"

#define LOANS_MAX 4
#define LATE_MS 600		/* asleep: too long; others may have been
				   slow to run */

struct publisher {
	struct stream_row *row;
	struct epoch_row *epoch;
	struct zt_publisher *pub;
	struct zt_publisher_options options;
	struct zt_publisher_stats stats;
	struct content_source source;
	struct dice dice;
	struct zt_loan *loans[LOANS_MAX];
	unsigned int loans_out;
	uint64_t published;
	uint32_t fourcc;		/* of the last frame */
	unsigned int pace, pace_left;
};

static bool is_dispatched(const struct publisher *p)
{
	return p->options.flags & ZT_PUBLISHER_NO_THREAD;
}

static bool has_backpressure(const struct publisher *p)
{
	return p->options.flags & ZT_PUBLISHER_BACKPRESSURE;
}

static void log_line(void *userdata, int level, const char *line)
{
	(void)userdata;
	(void)level;
	if (strstr(line, "is cut off"))
		ledger_check(EVICTION, false, "%s", line);
}

static void choose_options(struct publisher *p)
{
	static const uint64_t evict_after[] = {
		50000000, 300000000, 2000000000, ZT_NEVER,
	};
	static const uint32_t rooms[] = { 0, 16, 200, 4096 };

	p->options = (struct zt_publisher_options){
		.size = sizeof(p->options),
		.loans = (uint32_t)dice_between(&p->dice, 1, LOANS_MAX),
		.metadata_size = rooms[dice_below(&p->dice, 4)],
		.evict_after_ns = evict_after[dice_below(&p->dice, 4)],
		.log = log_line,
	};
	if (dice_chance(&p->dice, 70))
		p->options.flags |= ZT_PUBLISHER_BACKPRESSURE;
	if (dice_chance(&p->dice, 25))
		p->options.flags |= ZT_PUBLISHER_NO_THREAD;
	if (dice_chance(&p->dice, 25))
		p->options.slots = (uint32_t)dice_between(&p->dice, 2, 40);
	if (dice_chance(&p->dice, 25))
		p->options.spin_ns = 50000;
}

/* The row is written before readers can have a frame of this epoch. */
static void enter(struct publisher *p)
{
	uint64_t epoch = p->stats.epoch;
	uint64_t before = atomic_load(&p->row->epoch);

	ledger_check(ORDER, epoch > before &&
			    epoch <= atomic_load(&p->row->attempts),
		     "%s: epoch %ju after %ju, of %u publishers so far",
		     p->row->name, (uintmax_t)epoch, (uintmax_t)before,
		     atomic_load(&p->row->attempts));
	p->source.epoch = epoch;
	p->epoch = ledger_begin_epoch(p->row, epoch);
	p->epoch->loans = p->options.loans;
	p->epoch->metadata_room = p->options.metadata_size;
	p->epoch->evict_after_ns = p->options.evict_after_ns;
	p->epoch->backpressure = has_backpressure(p);
	atomic_store(&p->epoch->epoch, epoch);
	atomic_store(&p->row->epoch, epoch);
}

static void look_at_stats(struct publisher *p)
{
	uint64_t memory = p->stats.memory;

	zt_publisher_get_stats(p->pub, &p->stats);
	if (p->stats.memory != memory)
		atomic_store(&p->epoch->grew_ns, ledger_now_ns());
	ledger_check(ACCOUNT, p->stats.published == p->published,
		     "%s: its publisher counts %ju frames and published %ju",
		     p->row->name, (uintmax_t)p->stats.published,
		     (uintmax_t)p->published);
	ledger_check(PROGRESS, has_backpressure(p) ||
			       (!p->stats.loan_waits && !p->stats.loan_failures),
		     "%s: no back-pressure, and %ju loans waited, %ju failed",
		     p->row->name, (uintmax_t)p->stats.loan_waits,
		     (uintmax_t)p->stats.loan_failures);
	ledger_check(EVICTION, !p->stats.cut_off &&
			       (has_backpressure(p) || !p->stats.evicted),
		     "%s: %ju peers cut off, %ju evicted", p->row->name,
		     (uintmax_t)p->stats.cut_off, (uintmax_t)p->stats.evicted);
}

static int create(struct publisher *p)
{
	char reason[ZT_REASON_MAX] = "";
	struct content first;
	int r;

	choose_options(p);
	p->source.epoch = atomic_load(&p->row->epoch) + 1;
	p->source.metadata_room = p->options.metadata_size;
	content_of(&p->source, 1, &first);
	if (dice_chance(&p->dice, 50))
		p->options.format = &first.wanted;
	r = zt_publisher_create(p->row->name, &p->options, &p->pub, reason);
	p->options.format = NULL;
	if (!ledger_check(CALLS, r == 0, "%s: zt_publisher_create: %s (%s)",
			  p->row->name, strerror(-r), reason))
		return r;
	p->stats.size = sizeof(p->stats);
	zt_publisher_get_stats(p->pub, &p->stats);
	enter(p);
	look_at_stats(p);
	return 0;
}

/* ------------------------------------------------------------------------
 * Loans.
 */

static int64_t choose_timeout(struct publisher *p)
{
	static const int64_t timeouts[] = {
		0, 1000000, 20000000, 500000000, ZT_FOREVER, ZT_FOREVER,
	};

	return has_backpressure(p) ? timeouts[dice_below(&p->dice, 6)] :
	       dice_chance(&p->dice, 90) ? 0 : ZT_FOREVER;
}

/*
 * A loan that has waited, and has a slot now. If all who could have given it
 * one did so long ago, and it slept since, then it was not told.
 */
static void check_wait(struct publisher *p, int64_t entered_ns,
		       int64_t awake_ns)
{
	int64_t now = ledger_now_ns();
	int64_t since = atomic_load(&p->row->room_ns);
	uint64_t evicted = p->stats.evicted, memory = p->stats.memory;
	int64_t slept;

	look_at_stats(p);
	/* Those it does not wait for; new memory has to be mapped first. */
	if (p->stats.evicted != evicted || p->stats.memory != memory ||
	    atomic_load(&p->row->process.continued_ns) > entered_ns)
		return;
	since = since > entered_ns ? since : entered_ns;
	slept = now - since - (self_all_awake_ns() - awake_ns);
	ledger_check(WAKING, slept < ledger_ms(LATE_MS),
		     "%s: a loan slept on for %jd ms, though there was room for it",
		     p->row->name, (intmax_t)slept / 1000000);
}

static int try_loan(struct publisher *p, const struct zt_format *format,
		    int64_t *timeout_ns, struct zt_loan **ret_loan)
{
	int64_t entered_ns = ledger_now_ns();
	int64_t awake_ns = *timeout_ns ? self_all_awake_ns() : 0;
	int r;

	ledger_doing(&p->row->process, LOANING);
	r = zt_loan(p->pub, format, *timeout_ns, ret_loan);
	if (r == -EINTR) {
		*timeout_ns = 0;
		r = zt_loan(p->pub, format, 0, ret_loan);
	}
	ledger_doing(&p->row->process, RESTING);
	if (r == 0 && awake_ns &&
	    ledger_now_ns() - entered_ns > ledger_ms(LATE_MS))
		check_wait(p, entered_ns, awake_ns);
	return r;
}

static void judge(struct publisher *p, int r, int64_t timeout_ns)
{
	bool no_room = r == -EAGAIN || r == -ETIMEDOUT;

	ledger_check(PROGRESS, !no_room || has_backpressure(p),
		     "%s: no slot for a loan without back-pressure: %s",
		     p->row->name, zt_publisher_reason(p->pub));
	ledger_check(CALLS, r == 0 || r == -EINTR ||
			    (no_room && r == (timeout_ns ? -ETIMEDOUT : -EAGAIN)),
		     "%s: zt_loan, time-out %jd ns: %s (%s)", p->row->name,
		     (intmax_t)timeout_ns, strerror(-r),
		     zt_publisher_reason(p->pub));
}

static void forget_loan(struct publisher *p, unsigned int i)
{
	p->loans[i] = p->loans[--p->loans_out];
}

static void discard(struct publisher *p)
{
	unsigned int i = (unsigned int)dice_below(&p->dice, p->loans_out);

	zt_discard(p->pub, p->loans[i]);
	forget_loan(p, i);
	ledger_count(DISCARDED, 1);
}

/* Room for another loan; where others have it all, ours are in the way too. */
static int take_loan(struct publisher *p, const struct zt_format *format)
{
	int64_t timeout_ns = choose_timeout(p);
	struct zt_loan *loan = NULL;
	int r;

	if (p->loans_out == p->options.loans)
		discard(p);
	r = try_loan(p, format, &timeout_ns, &loan);
	judge(p, r, timeout_ns);
	if (r == 0)
		p->loans[p->loans_out++] = loan;
	else if (p->loans_out)
		discard(p);
	return r;
}

/* A loan of this format; of several, any. */
static int find_loan(struct publisher *p, const struct content *content,
		     unsigned int *ret)
{
	unsigned int from = (unsigned int)dice_below(&p->dice, LOANS_MAX);
	int r;

	for (unsigned int n = 0; n < p->loans_out; n++) {
		*ret = (from + n) % p->loans_out;
		if (!memcmp(&p->loans[*ret]->format, &content->format,
			    sizeof(content->format)))
			return 0;
	}
	r = take_loan(p, &content->wanted);
	*ret = p->loans_out - 1;
	return r;
}

/* ------------------------------------------------------------------------
 * Publishing.
 */

static void begin(struct publisher *p)
{
	uint64_t sequence = p->published + 1;

	atomic_store(&p->epoch->begun_ns[sequence % LEDGER_FRAMES],
		     ledger_now_ns());
	atomic_store(&p->epoch->begun, sequence);
	ledger_doing(&p->row->process, PUBLISHING);
}

static void finish(struct publisher *p, const struct content *content, int r)
{
	ledger_doing(&p->row->process, RESTING);
	if (r < 0) {
		atomic_store(&p->epoch->begun, p->published);
		return;
	}
	p->published++;
	atomic_store(&p->epoch->done_ns[p->published % LEDGER_FRAMES],
		     ledger_now_ns());
	look_at_stats(p);
	atomic_store(&p->epoch->done, p->published);
	ledger_count(PUBLISHED, 1);
	ledger_count(COPIED, content->copied);
	ledger_count(FORMATS, content->format.fourcc != p->fourcc);
	p->fourcc = content->format.fourcc;
}

static void publish_copy(struct publisher *p, const struct content *content)
{
	int64_t timeout_ns = choose_timeout(p);
	int r;

	if (p->loans_out == p->options.loans)
		discard(p);
	begin(p);
	ledger_doing(&p->row->process, LOANING);
	r = content_publish_copy(content, p->pub, timeout_ns);
	finish(p, content, r);
	judge(p, r, timeout_ns);
	if (r < 0 && p->loans_out)
		discard(p);
}

static void publish(struct publisher *p)
{
	struct content content;
	unsigned int i;
	int r;

	content_of(&p->source, p->published + 1, &content);
	if (content.copied) {
		publish_copy(p, &content);
		return;
	}
	if (find_loan(p, &content, &i) < 0)
		return;
	content_paint(&content, p->loans[i]);
	begin(p);
	r = zt_publish(p->pub, p->loans[i]);
	forget_loan(p, i);
	finish(p, &content, r);
	ledger_check(CALLS, r == 0, "%s: zt_publish: %s", p->row->name,
		     strerror(-r));
}

/* A loan for a frame that comes later. */
static void take_ahead(struct publisher *p)
{
	struct content content;

	content_of(&p->source, p->published + dice_between(&p->dice, 1, 6),
		   &content);
	take_loan(p, &content.wanted);
}

/* ------------------------------------------------------------------------
 * Everything else.
 */

static void dispatch(struct publisher *p)
{
	int r = zt_publisher_dispatch(p->pub);

	ledger_check(CALLS, r >= 0, "%s: zt_publisher_dispatch: %s",
		     p->row->name, strerror(-r));
}

static void idle(struct publisher *p, int64_t ns)
{
	uint32_t audit = atomic_load(&p->row->audit);

	if (!is_dispatched(p)) {
		ledger_wait(&p->row->audit, audit, ns);
	} else {
		struct pollfd pfd = {
			.fd = zt_publisher_fd(p->pub), .events = POLLIN,
		};
		struct timespec ts = { .tv_nsec = ns };

		ppoll(&pfd, 1, &ts, NULL);
		dispatch(p);
	}
}

/* A fresh pace for some frames; burst, camera or idle. */
static void rest(struct publisher *p)
{
	if (!p->pace_left--) {
		p->pace = (unsigned int)dice_below(&p->dice, 8);
		p->pace_left = p->pace == 7 ? 1 : (unsigned int)dice_below(
							   &p->dice, 100);
	}
	if (p->pace == 7)
		idle(p, (int64_t)dice_between(&p->dice, 20, 300) * 1000000);
	else if (p->pace >= 5)
		idle(p, (int64_t)dice_between(&p->dice, 3, 20) * 1000000);
	else if (p->pace >= 2)
		idle(p, (int64_t)dice_between(&p->dice, 50, 2000) * 1000);
	else if (is_dispatched(p) && dice_chance(&p->dice, 30))
		dispatch(p);
}

/* The service may be at it: what is mapped is looked at until it is right. */
static void look_at_memory(struct publisher *p)
{
	char memfd[80];
	uint64_t mapped;
	int tries = 0;

	snprintf(memfd, sizeof(memfd), "zoetrope-%s", p->row->name);
	do {
		look_at_stats(p);
		mapped = self_mapped(memfd);
		if (mapped != p->stats.memory)
			idle(p, 10000000);
	} while (mapped != p->stats.memory && ++tries < 100);
	ledger_check(HOLDINGS, mapped == p->stats.memory,
		     "%s: its publisher maps %ju bytes, and says %ju",
		     p->row->name, (uintmax_t)mapped,
		     (uintmax_t)p->stats.memory);
}

static void pause_for(struct publisher *p, uint32_t audit)
{
	look_at_memory(p);
	ledger_doing(&p->row->process, PAUSING);
	atomic_store(&p->row->loans_out, p->loans_out);
	atomic_store(&p->row->paused_ns, ledger_now_ns());
	atomic_store(&p->row->paused, audit);
	ledger_wake(&p->row->paused);
	while (atomic_load(&p->row->audit) == audit)
		idle(p, 20000000);
	look_at_stats(p);
	ledger_doing(&p->row->process, RESTING);
}

static void live(struct publisher *p)
{
	while (!atomic_load(&p->row->end)) {
		uint32_t audit = atomic_load(&p->row->audit);

		if (audit)
			pause_for(p, audit);
		else if (dice_chance(&p->dice, 5))
			take_ahead(p);
		else if (p->loans_out && dice_chance(&p->dice, 4))
			discard(p);
		else
			publish(p);
		if (!audit)
			rest(p);
	}
}

int publisher_run(unsigned int stream, struct dice dice)
{
	struct stream_row *row = &ledger->stream[stream];
	struct publisher p = {
		.row = row, .dice = dice,
		.source = { .seed = ledger->seed, .stream = stream },
	};
	unsigned int descriptors = self_descriptors();

	if (create(&p) < 0)
		return 0;
	live(&p);
	ledger_doing(&row->process, CLOSING);
	/* Some loans may still be out. */
	if (dice_chance(&p.dice, 50))
		while (p.loans_out)
			discard(&p);
	atomic_store(&p.epoch->over_ns, ledger_now_ns());
	atomic_store(&p.epoch->ended, 1);
	zt_publisher_destroy(p.pub);
	ledger_doing(&row->process, LEAVING);
	ledger_check(HOLDINGS, self_descriptors() == descriptors &&
			       !self_mapped(NULL),
		     "%s: its publisher has ended, and has %u descriptors where it had %u, and %ju bytes mapped",
		     row->name, self_descriptors(), descriptors,
		     (uintmax_t)self_mapped(NULL));
	ledger_count(PUBLISHERS_ENDED, 1);
	return 0;
}
