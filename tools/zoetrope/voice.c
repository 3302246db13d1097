/* SPDX-License-Identifier: MIT */
/*
 * Lines on standard error. Each is put together first and written by one call,
 * so that lines of the service thread and of this one do not mix.
 */
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "voice.h"

/* Back to the start of the line, and wipe it. */
#define WIPE_LINE "\r\033[K"

__attribute__((format(printf, 3, 0)))
static void speak(struct voice *voice, const char *end, const char *format,
		  va_list arguments)
{
	bool open = end[0] == '\0';
	const char *wipe = atomic_exchange(&voice->line_open, open) || open ?
			   WIPE_LINE : "";
	char text[1024];

	vsnprintf(text, sizeof(text), format, arguments);
	if (voice->verb && !open)
		fprintf(stderr, "%szoetrope %s: %s%s", wipe, voice->verb, text,
			end);
	else
		fprintf(stderr, "%s%s%s%s", wipe, open ? "" : "zoetrope: ",
			text, end);
	fflush(stderr);
}

void voice_error(struct voice *voice, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	speak(voice, "\n", format, arguments);
	va_end(arguments);
}

void voice_note(struct voice *voice, const char *format, ...)
{
	va_list arguments;

	if (voice->level < 0)
		return;
	va_start(arguments, format);
	speak(voice, "\n", format, arguments);
	va_end(arguments);
}

void voice_progress(struct voice *voice, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	speak(voice, "", format, arguments);
	va_end(arguments);
}

void voice_log(void *userdata, int level, const char *line)
{
	struct voice *voice = userdata;
	int loudest = voice->level < 0 ? 3 :
		      voice->level == 0 ? 4 :
		      voice->level == 1 ? 6 : 7;

	if (level <= loudest)
		voice_error(voice, "%s", line);
}

const char *voice_reason(const char *reason, int error)
{
	return reason && reason[0] ? reason : strerror(-error);
}

int reason_set(char *reason, int error, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(reason, ZT_REASON_MAX, format, arguments);
	va_end(arguments);
	return error;
}
