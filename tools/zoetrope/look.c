/* SPDX-License-Identifier: MIT */
/* Monitors of several streams at a time. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "clock.h"
#include "look.h"
#include "stop.h"
#include "voice.h"

#define APART_NS 300000000LL
#define FIRST_ROOM 64

/* A monitor has a few descriptors, and there may be hundreds of streams. */
static void allow_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit))
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

static int read_once(struct look *look, struct zt_stream_info *ret)
{
	int tries = 0, count;

	do
		count = zt_monitor_read(look->monitor, ret, look->rows,
					look->row_room);
	while (count == -EAGAIN && ++tries < 10);
	return count;
}

static void open_look(struct look *look)
{
	int count;

	look->error = zt_monitor_open(look->name, LOOK_ANSWER_NS,
				      &look->monitor, look->reason);
	if (look->error)
		return;
	look->row_room = FIRST_ROOM;
	look->rows = calloc(look->row_room, sizeof(*look->rows));
	if (!look->rows)
		look->row_room = 0;
	count = read_once(look, &look->first);
	look->first_ns = clock_now_ns();
	if (count < 0)
		look->error = reason_set(look->reason, count, "%s: %s",
					 look->name, strerror(-count));
}

static void grow_rows(struct look *look, size_t count)
{
	struct zt_subscription_info *rows =
		realloc(look->rows, count * sizeof(*rows));

	if (!rows)
		return;
	look->rows = rows;
	look->row_room = count;
}

static void finish_look(struct look *look)
{
	int count;

	if (look->error)
		return;
	count = read_once(look, &look->info);
	if (count > (int)look->row_room) {
		grow_rows(look, (size_t)count);
		count = read_once(look, &look->info);
	}
	look->info_ns = clock_now_ns();
	if (count < 0)
		look->error = reason_set(look->reason, count, "%s: %s",
					 look->name, count == -ECONNRESET ?
					 "its publisher has gone" :
					 strerror(-count));
	else
		look->row_count = (size_t)count < look->row_room ?
					  (size_t)count : look->row_room;
}

void look_at(struct look *looks, size_t count)
{
	int64_t until_ns;
	struct timespec until;

	allow_descriptors();
	for (size_t i = 0; i < count; i++)
		open_look(&looks[i]);
	until_ns = clock_now_ns() + APART_NS;
	until.tv_sec = until_ns / NS_PER_S;
	until.tv_nsec = until_ns % NS_PER_S;
	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until,
			       NULL) == EINTR && !stop_requested())
		;
	for (size_t i = 0; i < count; i++)
		finish_look(&looks[i]);
}

void look_end(struct look *looks, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		zt_monitor_close(looks[i].monitor);
		free(looks[i].rows);
	}
}

double look_fps(const struct look *look)
{
	uint64_t frames = look->info.published - look->first.published;
	int64_t ns = look->info.newest_ns - look->first.newest_ns;

	/* From frame to frame is exact; without one before, by our clock. */
	if (look->first.published == 0 || ns <= 0)
		ns = look->info_ns - look->first_ns;
	if (look->info.published <= look->first.published || ns <= 0)
		return 0;
	return (double)frames * (double)NS_PER_S / (double)ns;
}

const char *look_format_name(uint32_t fourcc, char text[11])
{
	const struct zt_format_info *info = zt_format_info(fourcc);

	if (fourcc == 0)
		return "-";
	return info ? info->name : zt_fourcc_text(fourcc, text);
}

const char *look_interlacing(const struct zt_format *format)
{
	static const char *const words[] = {
		"unknown", "progressive", "top-first", "bottom-first", "mixed",
	};

	return words[format->interlacing <= ZT_INTERLACING_MIXED ?
		     format->interlacing : 0];
}

const char *look_range(const struct zt_format *format)
{
	static const char *const words[] = { "unknown", "limited", "full" };

	return words[format->colour.range <= ZT_RANGE_FULL ?
		     format->colour.range : 0];
}

const char *look_siting(const struct zt_format *format)
{
	static const char *const words[] = {
		"unknown", "left", "center", "top-left", "top", "bottom-left",
		"bottom",
	};

	return words[format->colour.chroma_siting <= ZT_CHROMA_BOTTOM ?
		     format->colour.chroma_siting : 0];
}
