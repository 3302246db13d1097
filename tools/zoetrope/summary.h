/* SPDX-License-Identifier: MIT */
/*
 * What `pub` and `sub` say of what went by: a progress line while it does,
 * where standard error is a terminal, and a summary at the end, as a line or as
 * JSON.
 */
#ifndef ZOETROPE_TOOL_SUMMARY_H
#define ZOETROPE_TOOL_SUMMARY_H

#include <stdbool.h>
#include <stdio.h>

#include <jansson.h>

#include "options.h"
#include "tally.h"
#include "voice.h"

/** How often the progress line is renewed. */
#define PROGRESS_NS 250000000LL

struct progress {
	struct voice *voice;
	const char *stream;
	const char *dropped_word; /* what tally.dropped counts */
	bool on;
	int64_t due_ns;		/* of the next line */
	int64_t last_ns;	/* of the last line */
	uint64_t last_frames;
};

/** Begin; on where standard error is a terminal and nobody asked for quiet. */
void progress_start(struct progress *progress, struct voice *voice,
		    const char *stream, const char *dropped_word);

/** Show how it stands, where a line is due; `state` NULL or why it waits. */
void progress_show(struct progress *progress, const struct tally *tally,
		   int64_t now_ns, const char *state);

/** Processor seconds that this process took. */
double summary_cpu_seconds(void);

/**
 * The line, on standard error; `more` is "" or what else to say, beginning
 * with a comma.
 */
void summary_print(struct voice *voice, const char *stream,
		   const struct tally *tally, const char *dropped_word,
		   const char *more);

/** The same as a JSON object, to which the caller adds. NULL: no memory. */
json_t *summary_json(const char *stream, const struct tally *tally);

/** Print an object, or an array, and free it; main() sees where it fails. */
void summary_print_json(json_t *object, FILE *to);

#endif
