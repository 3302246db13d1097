/* SPDX-License-Identifier: MIT */
/* See ledger.h. */
#include "ledger.h"

#include <linux/futex.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

struct ledger *ledger;

const struct promise_text promises[PROMISES] = {
	[PIXELS] = { "pixels",
		"every byte is what was published, from take to release" },
	[ORDER] = { "order",
		"frames come in order, none twice, none late, none missing where none may be" },
	[ACCOUNT] = { "account",
		"published since the join = taken + dropped + still offered" },
	[BEQUEST] = { "bequest",
		"what was published before the publisher's end can be taken after it" },
	[WAKING] = { "waking",
		"who waits for a frame gets it, and finds the stream again" },
	[PROGRESS] = { "progress",
		"nobody keeps a publisher waiting who may not" },
	[EVICTION] = { "eviction",
		"only who was slow is put out" },
	[CALLS] = { "calls",
		"calls return what they are documented to" },
	[HOLDINGS] = { "holdings",
		"who has left holds no descriptor and no memory; slots come back" },
	[PROCESSES] = { "processes",
		"no process crashes or hangs" },
	[REMAINS] = { "remains",
		"nothing is left at the end" },
};

bool ledger_make(void)
{
	ledger = mmap(NULL, sizeof(*ledger), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	return ledger != MAP_FAILED;
}

void ledger_count(enum count what, uint64_t more)
{
	atomic_fetch_add(&ledger->counts[what], more);
}

bool ledger_check(enum promise promise, bool right, const char *format, ...)
{
	va_list args;
	uint32_t n;

	atomic_fetch_add(&ledger->checks[promise], 1);
	if (right)
		return true;
	atomic_fetch_add(&ledger->violations[promise], 1);
	n = atomic_fetch_add(&ledger->faults, 1);
	if (n < LEDGER_FAULTS) {
		va_start(args, format);
		vsnprintf(ledger->fault[n].text, sizeof(ledger->fault[n].text),
			  format, args);
		va_end(args);
		ledger->fault[n].promise = promise;
		atomic_store(&ledger->fault[n].written, true);
	}
	return false;
}

struct epoch_row *ledger_epoch(struct stream_row *stream, uint64_t epoch)
{
	struct epoch_row *row = &stream->epochs[epoch % LEDGER_EPOCHS];

	return epoch && atomic_load(&row->epoch) == epoch ? row : NULL;
}

struct epoch_row *ledger_begin_epoch(struct stream_row *stream, uint64_t epoch)
{
	struct epoch_row *row = &stream->epochs[epoch % LEDGER_EPOCHS];

	atomic_store(&row->epoch, 0);
	atomic_store(&row->begun, 0);
	atomic_store(&row->done, 0);
	atomic_store(&row->grew_ns, ledger_now_ns());
	atomic_store(&row->over_ns, 0);
	atomic_store(&row->ended, 0);
	return row;
}

bool ledger_remembers(const struct epoch_row *row, uint64_t sequence)
{
	return atomic_load(&row->begun) < sequence + LEDGER_FRAMES;
}

void ledger_doing(struct process_row *row, enum doing doing)
{
	atomic_store(&row->since_ns, ledger_now_ns());
	atomic_store(&row->doing, doing);
}

int64_t ledger_now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * INT64_C(1000000000) + ts.tv_nsec;
}

int64_t ledger_ms(int64_t ms)
{
	return ms * 1000000 * ledger->scale;
}

void ledger_wait(const _Atomic uint32_t *word, uint32_t value, int64_t ns)
{
	struct timespec ts = {
		.tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000,
	};

	syscall(SYS_futex, word, FUTEX_WAIT, value, &ts, NULL, 0);
}

void ledger_wake(const _Atomic uint32_t *word)
{
	syscall(SYS_futex, word, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}
