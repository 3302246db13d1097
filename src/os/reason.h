/* SPDX-License-Identifier: MIT */
/*
 * A failure in words: fills a `ret_reason` (NULL, or ZT_REASON_MAX bytes) and
 * hands the error back, so that a function can end in
 *
 *	return zti_reason(ret_reason, -errno, "cannot open %s: %m", path);
 *
 * %m in the format is the text of that error. Too long a sentence is cut.
 */
#ifndef ZTI_OS_REASON_H
#define ZTI_OS_REASON_H

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include <zoetrope/error.h>

__attribute__((format(printf, 3, 4)))
static inline int zti_reason(char *ret_reason, int error, const char *format,
			     ...)
{
	va_list args;

	if (!ret_reason)
		return error;
	va_start(args, format);
	errno = -error;
	vsnprintf(ret_reason, ZT_REASON_MAX, format, args);
	va_end(args);
	return error;
}

#endif
