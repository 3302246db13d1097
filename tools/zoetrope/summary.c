/* SPDX-License-Identifier: MIT */
/* The progress line and the summary. */
#include <inttypes.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "clock.h"
#include "summary.h"
#include "units.h"

/* Digits of a real number: enough to compute on with. */
#define FLAGS (JSON_INDENT(2) | JSON_REAL_PRECISION(9))

void progress_start(struct progress *progress, struct voice *voice,
		    const char *stream, const char *dropped_word)
{
	progress->voice = voice;
	progress->stream = stream;
	progress->dropped_word = dropped_word;
	progress->on = voice->level >= 0 && isatty(STDERR_FILENO);
	progress->due_ns = 0;
	progress->last_ns = clock_now_ns();
	progress->last_frames = 0;
}

void progress_show(struct progress *progress, const struct tally *tally,
		   int64_t now_ns, const char *state)
{
	char p50[16], p99[16];
	double fps;

	if (!progress->on || now_ns < progress->due_ns)
		return;
	fps = (double)(tally->frames - progress->last_frames) *
	      (double)NS_PER_S / (double)(now_ns - progress->last_ns + 1);
	progress->due_ns = now_ns + PROGRESS_NS;
	progress->last_ns = now_ns;
	progress->last_frames = tally->frames;
	if (state)
		voice_progress(progress->voice, "%s: %" PRIu64 " frames, %s",
			       progress->stream, tally->frames, state);
	else if (tally->latencies)
		voice_progress(progress->voice,
			       "%s: %" PRIu64 " frames  %.1f fps  %" PRIu64
			       " %s  latency p50 %s p99 %s",
			       progress->stream, tally->frames, fps,
			       tally->dropped, progress->dropped_word,
			       units_duration_text(tally_percentile(tally, 0.5),
						   p50),
			       units_duration_text(tally_percentile(tally, 0.99),
						   p99));
	else
		voice_progress(progress->voice,
			       "%s: %" PRIu64 " frames  %.1f fps  %" PRIu64
			       " %s", progress->stream, tally->frames, fps,
			       tally->dropped, progress->dropped_word);
}

double summary_cpu_seconds(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
	       (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

void summary_print(struct voice *voice, const char *stream,
		   const struct tally *tally, const char *dropped_word,
		   const char *more)
{
	char p50[16], p99[16], max[16], latency[80] = "";

	if (tally->latencies)
		snprintf(latency, sizeof(latency),
			 ", latency p50 %s p99 %s max %s",
			 units_duration_text(tally_percentile(tally, 0.5), p50),
			 units_duration_text(tally_percentile(tally, 0.99),
					     p99),
			 units_duration_text(tally->latency_max_ns, max));
	voice_note(voice,
		   "%s: %" PRIu64 " frame%s in %.2f s, %" PRIu64
		   " %s, %.1f fps, %.3f GB/s%s%s, CPU %.2f s",
		   stream, tally->frames, tally->frames == 1 ? "" : "s",
		   tally_seconds(tally), tally->dropped,
		   dropped_word, tally_fps(tally),
		   tally_bytes_per_second(tally) / 1e9, latency, more,
		   summary_cpu_seconds());
}

json_t *summary_json(const char *stream, const struct tally *tally)
{
	json_t *object = json_pack(
		"{s:s, s:I, s:I, s:I, s:f, s:f, s:f, s:f}", "stream", stream,
		"frames", (json_int_t)tally->frames, "dropped",
		(json_int_t)tally->dropped, "bytes", (json_int_t)tally->bytes,
		"seconds", tally_seconds(tally), "fps", tally_fps(tally),
		"bytes_per_second", tally_bytes_per_second(tally),
		"cpu_seconds", summary_cpu_seconds());

	if (tally->latencies)
		json_object_set_new(
			object, "latency_ns",
			json_pack("{s:I, s:I, s:I}", "p50",
				  (json_int_t)tally_percentile(tally, 0.5),
				  "p99",
				  (json_int_t)tally_percentile(tally, 0.99),
				  "max", (json_int_t)tally->latency_max_ns));
	return object;
}

void summary_print_json(json_t *object, FILE *to)
{
	json_dumpf(object, to, FLAGS);
	fputc('\n', to);
	json_decref(object);
}
