/* SPDX-License-Identifier: MIT */
/*
 * A reader's calls of zt_take and zt_release: every frame is looked at from
 * its first byte to its last, when it comes and before it is given back.
 */
#include <errno.h>
#include <poll.h>
#include <string.h>

#include "reader.h"
#include "self.h"

/* A reader that is not served: so many frames, and so long. */
#define NEGLECT_FRAMES 100
#define NEGLECT_MS 8000
#define LATE_MS 150		/* asleep: too long */

static void check_pixels(struct reader *reader, const struct held *held,
			 const char *when)
{
	const struct zt_frame *frame = held->frame;
	char fault[200] = "its sequence or epoch has changed";
	uint64_t bytes = 0;

	if (frame->sequence == held->sequence && frame->epoch == held->epoch)
		bytes = content_check(&held->content, frame, fault,
				      sizeof(fault));
	ledger_check(PIXELS, bytes,
		     "%s: frame %ju of epoch %ju, slot %u, %s%s: %s",
		     reader->who, (uintmax_t)held->sequence,
		     (uintmax_t)held->epoch, frame->slot, when,
		     held->left ? ", after leaving" : "", fault);
	ledger_count(CHECKED_BYTES, bytes);
}

static void keep(struct reader *reader, const struct zt_frame *frame)
{
	const struct epoch_row *row = ledger_epoch(reader->stream,
						   frame->epoch);
	struct held *held = &reader->held[reader->held_count];
	struct content_source source = {
		.seed = ledger->seed,
		.stream = (uint64_t)(reader->stream - ledger->stream),
		.epoch = frame->epoch,
		.metadata_room = row ? row->metadata_room : 0,
	};

	held->frame = frame;
	held->epoch = frame->epoch;
	held->sequence = frame->sequence;
	held->number = reader->account.taken - 1;
	held->left = false;
	content_of(&source, frame->sequence, &held->content);
	reader->held_count++;
	ledger_count(TAKEN, 1);
	if (row)
		check_pixels(reader, held, "just taken");
}

void reader_release(struct reader *reader, unsigned int i)
{
	struct held held = reader->held[i];

	check_pixels(reader, &held, "before its release");
	reader->held[i] = reader->held[--reader->held_count];
	zt_release(held.frame);
	if (held.left || held.epoch != reader->account.epoch)
		return;
	account_released(&reader->account, held.number);
	reader_give_room(reader);
}

void reader_give_room(struct reader *reader)
{
	if (reader->options.delivery == ZT_LOSSLESS)
		atomic_store(&reader->stream->room_ns, ledger_now_ns());
}

/* ------------------------------------------------------------------------
 * Taking.
 */

static int poll_and_take(struct reader *reader, int64_t timeout_ns,
			 const struct zt_frame **ret_frame)
{
	struct pollfd pfd = {
		.fd = zt_subscriber_fd(reader->sub), .events = POLLIN,
	};
	struct timespec ts = {
		.tv_sec = timeout_ns / 1000000000,
		.tv_nsec = timeout_ns % 1000000000,
	};
	int n = ppoll(&pfd, 1, &ts, NULL), r;

	if (n < 0)
		return -errno;
	r = zt_take(reader->sub, 0, ret_frame);
	reader->idle_wakes = n && r == -EAGAIN ? reader->idle_wakes + 1 : 0;
	ledger_check(CALLS, reader->idle_wakes < 1000,
		     "%s: its descriptor is readable for nothing, 1000 times in a row",
		     reader->who);
	return r;
}

static int call_take(struct reader *reader, int64_t timeout_ns,
		     const struct zt_frame **ret_frame)
{
	if (timeout_ns && reader->style == POLLING)
		return poll_and_take(reader, timeout_ns, ret_frame);
	if (reader->style == TRYING)
		timeout_ns = 0;
	return zt_take(reader->sub, timeout_ns, ret_frame);
}

/*
 * A signal ended the wait, which a message in the socket would have done
 * before. If a frame is there now that came while we slept, of a publisher
 * that has been at rest since long before the signal, we were not told.
 */
static int take_again(struct reader *reader, const struct look *look,
		      const struct zt_frame **ret_frame)
{
	struct process_row *process = &reader->row->process;
	struct stream_row *stream = reader->stream;
	uint32_t audit = atomic_load(&stream->audit);
	bool at_rest = audit && atomic_load(&stream->paused) == audit;
	int64_t rests_ns = atomic_load(&stream->paused_ns);
	int64_t continued_ns = atomic_load(&process->continued_ns);
	int64_t nudged_ns = atomic_load(&process->nudged_ns);
	int r = zt_take(reader->sub, 0, ret_frame);

	if (r < 0)
		return r == -EAGAIN ? -EINTR : r;
	if (continued_ns > rests_ns)
		rests_ns = continued_ns;
	ledger_check(WAKING, !at_rest ||
			     (*ret_frame)->published_ns < look->entered_ns ||
			     nudged_ns - rests_ns < ledger_ms(300),
		     "%s: slept on while frame %ju was there, for %jd ms",
		     reader->who, (uintmax_t)(*ret_frame)->sequence,
		     (intmax_t)(nudged_ns - rests_ns) / 1000000);
	return 0;
}

/*
 * It had all there was when it went to sleep: the next frame was to wake it.
 * Of the time since that was published, what it neither ran nor waited for a
 * processor, it slept.
 */
static void check_sleep(struct reader *reader, const struct look *look,
			int64_t awake_ns)
{
	const struct epoch_row *row = look->row;
	uint64_t next = look->done + 1;
	int64_t done_ns, slept;

	if (!look->wakes || atomic_load(&row->done) < next)
		return;
	done_ns = atomic_load(&row->done_ns[next % LEDGER_FRAMES]);
	if (!ledger_remembers(row, next) ||
	    atomic_load(&reader->row->process.continued_ns) >
		    look->entered_ns)
		return;
	slept = ledger_now_ns() - done_ns - (self_awake_ns() - awake_ns);
	ledger_check(WAKING, slept < ledger_ms(LATE_MS),
		     "%s: slept on for %jd ms, though frame %ju was there",
		     reader->who, (intmax_t)slept / 1000000, (uintmax_t)next);
}

static void check_error(struct reader *reader, int r, bool was_full)
{
	const char *reason = zt_subscriber_reason(reader->sub);
	bool right;

	switch (r) {
	case -EAGAIN:
	case -ETIMEDOUT:
	case -EINTR:
		right = !was_full;
		break;
	case -EBUSY:
		right = was_full;
		break;
	case -EPIPE:
		right = true;
		break;
	case -ESHUTDOWN:
		right = reader->options.delivery == ZT_LOSSLESS;
		break;
	case -ECONNREFUSED:
		right = strstr(reason, "would need") ||
			strstr(reason, "takes no lossless") ||
			strstr(reason, "needs a depth of at least");
		break;
	case -ECONNRESET:
		right = reader->options.flags & ZT_SUBSCRIBER_NO_RECONNECT;
		break;
	default:
		right = false;
	}
	ledger_check(CALLS, right, "%s: zt_take, %u of %u held: %s (%s)",
		     reader->who, reader->account.held, reader->account.bound,
		     strerror(-r), reason);
}

/* The connection that the account is about may be gone by now. */
static void follow(struct reader *reader)
{
	uint64_t reconnects = reader->stats.reconnects;
	struct account *account = &reader->account;

	zt_subscriber_get_stats(reader->sub, &reader->stats);
	ledger_count(RECONNECTS, reader->stats.reconnects - reconnects);
	if (!account->epoch)
		return;
	ledger_check(EVICTION, reader->stats.epoch != account->epoch ||
			       reader->stats.reconnects == reconnects,
		     "%s: lost its connection to a publisher that lives (epoch %ju)",
		     reader->who, (uintmax_t)account->epoch);
	if (reader->stats.epoch != account->epoch)
		account_over(account, false);
}

static void conclude(struct reader *reader, const struct look *look, int r,
		     bool was_full)
{
	struct account *account = &reader->account;

	check_error(reader, r, was_full);
	switch (r) {
	case -EPIPE:
		account_over(account, true);
		ledger_count(ENDS_SEEN, 1);
		break;
	case -ECONNRESET:
		account_over(account, false);
		break;
	case -ESHUTDOWN:
		account_evicted(account);
		break;
	case -ECONNREFUSED:
		ledger_count(REFUSALS, 1);
		break;
	case -EAGAIN:
	case -ETIMEDOUT:
		account_nothing(account, look);
		break;
	default:
		break;
	}
}

int reader_take(struct reader *reader, int64_t timeout_ns)
{
	struct account *account = &reader->account;
	bool was_full = account->epoch && account->held >= account->bound;
	const struct zt_frame *frame = NULL;
	struct look look = account_look(account);
	int64_t awake_ns = timeout_ns >= ledger_ms(LATE_MS) ?
		self_awake_ns() : 0;
	int r;

	reader_give_room(reader);
	ledger_doing(&reader->row->process, TAKING);
	r = call_take(reader, timeout_ns, &frame);
	if (awake_ns && ledger_now_ns() - look.entered_ns > ledger_ms(LATE_MS))
		check_sleep(reader, &look, awake_ns);
	if (r == -EINTR)
		r = take_again(reader, &look, &frame);
	ledger_doing(&reader->row->process, RESTING);
	follow(reader);
	if (r == 0) {
		account_took(account, &look, frame);
		keep(reader, frame);
	} else {
		conclude(reader, &look, r, was_full);
	}
	account_compare(account, &reader->stats);
	return r;
}

/* ------------------------------------------------------------------------
 * Neglect.
 */

static bool is_excused(const struct reader *reader)
{
	const struct process_row *own = &reader->row->process;
	const struct process_row *other = &reader->stream->process;
	int64_t since = reader->served_ns;

	return atomic_load(&own->continued_ns) > since ||
	       atomic_load(&other->continued_ns) > since ||
	       atomic_load(&other->stopped);
}

void reader_look_for_neglect(struct reader *reader)
{
	uint64_t epoch = atomic_load(&reader->stream->epoch);
	const struct epoch_row *row = ledger_epoch(reader->stream, epoch);
	uint64_t done = row ? atomic_load(&row->done) : 0;
	int64_t now = ledger_now_ns();
	uint64_t taken = reader->account.taken_in_all;
	bool served = epoch != reader->served_epoch ||
		      (reader->account.epoch == epoch &&
		       taken != reader->served_taken);

	if (!row || served || is_excused(reader)) {
		reader->served_epoch = epoch;
		reader->served_done = done;
		reader->served_taken = taken;
		reader->served_ns = now;
		return;
	}
	if (done - reader->served_done < NEGLECT_FRAMES ||
	    now - reader->served_ns < ledger_ms(NEGLECT_MS))
		return;
	ledger_check(WAKING, false,
		     "%s: no frame of epoch %ju for %jd ms, though %d frames were published (its last: %ju of epoch %ju; now %ju)",
		     reader->who, (uintmax_t)epoch,
		     (intmax_t)(now - reader->served_ns) / 1000000,
		     NEGLECT_FRAMES, (uintmax_t)reader->account.last,
		     (uintmax_t)reader->account.epoch, (uintmax_t)done);
	reader->served_epoch = 0;
}
