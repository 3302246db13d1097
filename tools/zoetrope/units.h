/* SPDX-License-Identifier: MIT */
/*
 * Numbers with units, from what a person types and to what a person reads.
 *
 * All parsers have the signature of an option's parser (options.h): the text,
 * where to put the value (its type is said at each), and room for a reason of
 * ZT_REASON_MAX bytes. They return 0 or -EINVAL, and touch nothing on failure.
 */
#ifndef ZOETROPE_TOOL_UNITS_H
#define ZOETROPE_TOOL_UNITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <zoetrope/format.h>

struct dimensions {
	uint32_t width, height;		/* 0: not given */
};

struct rate {
	struct zt_fraction fps;		/* 0/0: not given, or max */
	bool max;
};

/** uint64_t: 1 and up. */
int units_count(const char *text, void *ret, char *reason);
/** uint32_t: 1 and up. */
int units_count32(const char *text, void *ret, char *reason);
/** int64_t, nanoseconds: 500ms, 5s, 100us, 2m, 1.5; plain is seconds. */
int units_duration(const char *text, void *ret, char *reason);
/** uint64_t, nanoseconds: a duration; "never" and 0 are ZT_NEVER. */
int units_duration_or_never(const char *text, void *ret, char *reason);
/** uint64_t, bytes: 4096, 64K, 512M, 4GiB (1024), 4GB (1000). */
int units_size(const char *text, void *ret, char *reason);
/** uint32_t, bytes: a size below 4 GiB. */
int units_size32(const char *text, void *ret, char *reason);
/** struct dimensions: 1920x1080. */
int units_dimensions(const char *text, void *ret, char *reason);
/** struct rate: 30, 29.97, 30000/1001, max. */
int units_rate(const char *text, void *ret, char *reason);
/** mode_t: octal permission bits, 0660. */
int units_mode(const char *text, void *ret, char *reason);
/** gid_t: a group's name or number. */
int units_group(const char *text, void *ret, char *reason);
/** const struct zt_format_info *: a format's name or fourcc. */
int units_format(const char *text, void *ret, char *reason);
/** const char *: as it is, not empty. */
int units_text(const char *text, void *ret, char *reason);

/** "85.3 us": nanoseconds, for people. Returns text. */
char *units_duration_text(uint64_t ns, char text[16]);
/** "5.9 MiB": bytes, for people. Returns text. */
char *units_size_text(uint64_t bytes, char text[16]);

#endif
