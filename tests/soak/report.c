/* SPDX-License-Identifier: MIT */
/* See report.h. */
#include "report.h"

#include <inttypes.h>

static const struct {
	enum count count;
	const char *key, *text;
} lines[] = {
	{ PUBLISHERS_KILLED, "publishers_killed", "publishers killed" },
	{ READERS_KILLED, "subscribers_killed", "subscribers killed" },
	{ MONITORS_KILLED, "monitors_killed", "monitors killed" },
	{ PUBLISHERS_ENDED, "publishers_ended", "publishers ended properly" },
	{ STOPS, "stops", "stops and continues" },
	{ JOINS, "joins", "joins" },
	{ REFUSALS, "refused", "joins refused" },
	{ LEAVES, "leaves", "leaves" },
	{ LEAVES_HOLDING, "leaves_holding", "leaves with frames held" },
	{ RECONNECTS, "reconnects", "reconnects" },
	{ ENDS_SEEN, "ends_seen", "ends of streams seen" },
	{ EVICTIONS, "evictions", "evictions" },
	{ MONITORS, "monitors", "monitors" },
	{ PUBLISHED, "published", "frames published" },
	{ COPIED, "copied", "of them by zt_publish_copy" },
	{ DISCARDED, "discarded", "loans discarded" },
	{ FORMATS, "format_changes", "format changes" },
	{ TAKEN, "taken", "frames taken" },
	{ CHECKED_BYTES, "bytes_verified", "bytes verified" },
	{ AUDITS, "audits", "audits" },
	{ ACCOUNTS, "accounts", "accounts compared" },
};

static uint64_t counted(enum count count)
{
	return atomic_load(&ledger->counts[count]);
}

static double seconds(const struct report *report)
{
	return (double)(ledger_now_ns() - report->began_ns) * 1e-9;
}

static uint64_t violations(void)
{
	uint64_t n = 0;

	for (int i = 0; i < PROMISES; i++)
		n += atomic_load(&ledger->violations[i]);
	return n;
}

void report_begin(struct report *report)
{
	report->began_ns = ledger_now_ns();
	if (report->tap)
		fprintf(report->out, "1..%d\n", PROMISES);
	fprintf(report->out,
		"# seed %" PRIu64 ": %u streams, %u subscribers, %u monitors\n",
		ledger->seed, ledger->streams, ledger->readers,
		ledger->watchers);
	fflush(report->out);
}

static void print_faults(struct report *report)
{
	uint32_t faults = atomic_load(&ledger->faults);

	for (; report->faults < faults && report->faults < LEDGER_FAULTS &&
	       atomic_load(&ledger->fault[report->faults].written);
	     report->faults++)
		fprintf(report->out, "%s# violation after %.1f s (seed %" PRIu64 "): %s: %s\n",
			report->live ? "\r\033[K" : "", seconds(report),
			ledger->seed,
			promises[ledger->fault[report->faults].promise].name,
			ledger->fault[report->faults].text);
}

void report_progress(struct report *report, unsigned int readers,
		     unsigned int publishers)
{
	int64_t now = ledger_now_ns();

	print_faults(report);
	if (now - report->line_ns < (report->live ? 250000000 : 5000000000))
		return;
	report->line_ns = now;
	fprintf(report->out,
		"%s# %4.0f s: %u publishers, %2u subscribers; deaths %" PRIu64 "+%" PRIu64 ", stops %" PRIu64 ", joins %" PRIu64 ", frames %" PRIu64 ", verified %.2f GB, audits %" PRIu64 ", violations %" PRIu64 "%s",
		report->live ? "\r" : "", seconds(report), publishers, readers,
		counted(PUBLISHERS_KILLED), counted(READERS_KILLED),
		counted(STOPS), counted(JOINS), counted(TAKEN),
		(double)counted(CHECKED_BYTES) * 1e-9, counted(AUDITS),
		violations(), report->live ? "\033[K" : "\n");
	fflush(report->out);
}

static unsigned int print_promises(const struct report *report)
{
	unsigned int broken = 0;

	for (int i = 0; i < PROMISES; i++) {
		uint64_t wrong = atomic_load(&ledger->violations[i]);
		uint64_t checks = atomic_load(&ledger->checks[i]);

		broken += wrong != 0;
		if (report->tap)
			fprintf(report->out,
				"%s %d - %s: %s (%" PRIu64
				" checks, %" PRIu64 " violations)\n",
				wrong ? "not ok" : "ok", i + 1,
				promises[i].name, promises[i].text, checks,
				wrong);
		else
			fprintf(report->out,
				"%-4s %-10s %12" PRIu64
				" checks, %" PRIu64 " violations: %s\n",
				wrong ? "FAIL" : "ok", promises[i].name,
				checks, wrong, promises[i].text);
	}
	return broken;
}

static void print_counts(const struct report *report,
			 const struct remains *remains)
{
	const char *prefix = report->tap ? "# " : "";

	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++)
		fprintf(report->out, "%s%-28s %14" PRIu64 "\n", prefix,
			lines[i].text, counted(lines[i].count));
	fprintf(report->out,
		"%sthe machine's shared memory: %.1f MB before, %.1f MB at most, %.1f MB after\n",
		prefix, (double)remains->shmem_before * 1e-6,
		(double)remains->shmem_most * 1e-6,
		(double)remains->shmem_after * 1e-6);
}

static void print_json(const struct report *report,
		       const struct remains *remains, unsigned int broken)
{
	printf("{\n  \"seed\": %" PRIu64 ",\n  \"seconds\": %.1f,\n",
	       ledger->seed, seconds(report));
	printf("  \"streams\": %u,\n  \"subscribers\": %u,\n",
	       ledger->streams, ledger->readers);
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++)
		printf("  \"%s\": %" PRIu64 ",\n", lines[i].key,
		       counted(lines[i].count));
	printf("  \"shared_memory_before\": %" PRIu64 ",\n",
	       remains->shmem_before);
	printf("  \"shared_memory_most\": %" PRIu64 ",\n",
	       remains->shmem_most);
	printf("  \"shared_memory_after\": %" PRIu64 ",\n",
	       remains->shmem_after);
	printf("  \"promises\": {\n");
	for (int i = 0; i < PROMISES; i++)
		printf("    \"%s\": { \"checks\": %" PRIu64
		       ", \"violations\": %" PRIu64 " }%s\n",
		       promises[i].name, atomic_load(&ledger->checks[i]),
		       atomic_load(&ledger->violations[i]),
		       i + 1 < PROMISES ? "," : "");
	printf("  },\n  \"violations\": %" PRIu64 ",\n", violations());
	printf("  \"passed\": %u,\n  \"failed\": %u\n}\n",
	       PROMISES - broken, broken);
}

unsigned int report_end(struct report *report, const struct remains *remains)
{
	uint64_t all = violations();
	unsigned int broken;

	if (report->live)
		fprintf(report->out, "\r\033[K");
	print_faults(report);
	if (all > report->faults)
		fprintf(report->out, "# and %" PRIu64 " violations more\n",
			all - report->faults);
	print_counts(report, remains);
	broken = print_promises(report);
	if (broken)
		fprintf(report->out, "# to try again: --seed %" PRIu64 "\n",
			ledger->seed);
	if (report->json)
		print_json(report, remains, broken);
	fprintf(report->out, "%s%u passed, %u failed\n",
		report->tap ? "# " : "", PROMISES - broken, broken);
	return broken;
}
