/* SPDX-License-Identifier: MIT */
/* Handing lines to the program's log function, where it gave one. */
#ifndef ZTI_LOG_H
#define ZTI_LOG_H

#include <stdarg.h>
#include <stdio.h>

#include <zoetrope/error.h>

struct zti_log {
	zt_log_fn fn;
	void *userdata;
};

__attribute__((format(printf, 3, 4)))
static inline void zti_log(const struct zti_log *log, int level,
			   const char *format, ...)
{
	char line[512];
	va_list args;

	if (!log->fn)
		return;
	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	log->fn(log->userdata, level, line);
}

#endif
