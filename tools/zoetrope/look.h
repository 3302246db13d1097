/* SPDX-License-Identifier: MIT */
/*
 * Looking at streams: what `ls` and `info` show. All streams are looked at
 * twice, a moment apart, which is waited for once.
 */
#ifndef ZOETROPE_TOOL_LOOK_H
#define ZOETROPE_TOOL_LOOK_H

#include <jansson.h>
#include <zoetrope/monitor.h>

/** One stream, looked at. */
struct look {
	const char *name;	/* borrowed */
	const char *directory;	/* borrowed, or NULL */
	struct zt_monitor *monitor;
	struct zt_stream_info first, info;
	int64_t first_ns, info_ns; /* when each was read */
	struct zt_subscription_info *rows; /* room for row_room */
	size_t row_room, row_count;
	int error;		/* why there is nothing to show */
	char reason[ZT_REASON_MAX];
};

/** Wait for each stream's answer no longer than this. */
#define LOOK_ANSWER_NS 500000000LL

/** Look at `count` streams, name given in each; failures stand in error. */
void look_at(struct look *looks, size_t count);

/** Disconnect and free rows. */
void look_end(struct look *looks, size_t count);

/** Frames a second between the two looks. */
double look_fps(const struct look *look);

/** A format's name, or its code. */
const char *look_format_name(uint32_t fourcc, char text[11]);

/** "top-first" and the like; "unknown" where it is, or is out of range. */
const char *look_interlacing(const struct zt_format *format);
const char *look_range(const struct zt_format *format);
const char *look_siting(const struct zt_format *format);

/** All of it, for machines. NULL: no memory. */
json_t *look_json(const struct look *look);

#endif
