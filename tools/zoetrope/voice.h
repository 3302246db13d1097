/* SPDX-License-Identifier: MIT */
/*
 * How the command speaks to a person: one line on standard error that begins
 * with the verb, and one status when it ends.
 */
#ifndef ZOETROPE_TOOL_VOICE_H
#define ZOETROPE_TOOL_VOICE_H

#include <stdatomic.h>

#include <zoetrope/error.h>

/** What the command exits with. */
enum {
	STATUS_DONE = 0,
	STATUS_FAILED = 1,	/* while running */
	STATUS_INVALID = 2,	/* invalid input, unavailable resource */
};

/** Who speaks, and how loudly. Shared with the library's service thread. */
struct voice {
	const char *verb;
	int level;			/* -1 quiet, 0 usual, 1 -v, 2 -vv */
	atomic_bool line_open;		/* a progress line stands there */
};

/** Say what was wrong and what to do. Quiet does not silence it. */
void voice_error(struct voice *voice, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/** Say something that is worth a line unless quiet. */
void voice_note(struct voice *voice, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/** A progress line: stays open, and gives way to the next thing said. */
void voice_progress(struct voice *voice, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/** A zt_log_fn; userdata is the struct voice. */
void voice_log(void *userdata, int level, const char *line);

/** What to call an error of the library where it gave no reason. */
const char *voice_reason(const char *reason, int error);

/**
 * Write a sentence into `reason`, ZT_REASON_MAX bytes, cut where it is too
 * long. Returns error, so that a failing function can end with it.
 */
int reason_set(char *reason, int error, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#endif
