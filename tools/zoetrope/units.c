/* SPDX-License-Identifier: MIT */
/*
 * Parsing and printing of numbers with units. Pure but for the look into the
 * group database. Numbers are read by hand: strtoul() and its kin take signs,
 * blanks and hexadecimal, none of which a person means here.
 */
#include <errno.h>
#include <grp.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/types.h>

#include <zoetrope/publisher.h>

#include "units.h"
#include "voice.h"

struct unit {
	const char *name;
	uint64_t factor;
};

/* Plain numbers are seconds. */
static const struct unit duration_units[] = {
	{ "", 1000000000 }, { "s", 1000000000 }, { "ms", 1000000 },
	{ "us", 1000 }, { "µs", 1000 }, { "ns", 1 },
	{ "m", 60000000000 }, { "min", 60000000000 }, { "h", 3600000000000 },
	{ NULL, 0 },
};

static const struct unit size_units[] = {
	{ "", 1 }, { "B", 1 },
	{ "K", 1ULL << 10 }, { "KiB", 1ULL << 10 }, { "kB", 1000 },
	{ "M", 1ULL << 20 }, { "MiB", 1ULL << 20 }, { "MB", 1000000 },
	{ "G", 1ULL << 30 }, { "GiB", 1ULL << 30 }, { "GB", 1000000000 },
	{ "T", 1ULL << 40 }, { "TiB", 1ULL << 40 }, { "TB", 1000000000000 },
	{ NULL, 0 },
};

/* Digits at *cursor, moved past them. False: none, or past 64 bits. */
static bool take_digits(const char **cursor, uint64_t *ret)
{
	const char *c = *cursor;
	uint64_t value = 0;

	if (*c < '0' || *c > '9')
		return false;
	for (; *c >= '0' && *c <= '9'; c++) {
		if (__builtin_mul_overflow(value, 10U, &value) ||
		    __builtin_add_overflow(value, (uint64_t)(*c - '0'), &value))
			return false;
	}
	*cursor = c;
	*ret = value;
	return true;
}

/* What stands after a decimal point at *cursor, as a part of one. */
static bool take_part(const char **cursor, double *ret)
{
	double part = 0, weight = 0.1;
	const char *c = *cursor;

	*ret = 0;
	if (*c != '.')
		return true;
	c++;
	if (*c < '0' || *c > '9')
		return false;
	for (; *c >= '0' && *c <= '9'; c++, weight /= 10)
		part += (*c - '0') * weight;
	*cursor = c;
	*ret = part;
	return true;
}

static const struct unit *find_unit(const struct unit *units, const char *name)
{
	const struct unit *unit;

	for (unit = units; unit->name; unit++)
		if (strcmp(unit->name, name) == 0)
			return unit;
	for (unit = units; unit->name; unit++)
		if (strcasecmp(unit->name, name) == 0)
			return unit;
	return NULL;
}

/* A decimal number and its unit, as a whole number of the smallest unit. */
static bool parse_with_unit(const char *text, const struct unit *units,
			    uint64_t *ret)
{
	const struct unit *unit;
	uint64_t whole, value;
	double part;

	if (!take_digits(&text, &whole) || !take_part(&text, &part))
		return false;
	if (*text == ' ')
		text++;
	unit = find_unit(units, text);
	if (!unit || __builtin_mul_overflow(whole, unit->factor, &value) ||
	    __builtin_add_overflow(
		    value, (uint64_t)llround(part * (double)unit->factor),
		    &value))
		return false;
	*ret = value;
	return true;
}

int units_count(const char *text, void *ret, char *reason)
{
	const char *cursor = text;
	uint64_t value;

	if (!take_digits(&cursor, &value) || *cursor || value == 0)
		return reason_set(reason, -EINVAL,
				  "'%s' is not a number of 1 or more", text);
	*(uint64_t *)ret = value;
	return 0;
}

int units_count32(const char *text, void *ret, char *reason)
{
	uint64_t value;
	int error = units_count(text, &value, reason);

	if (error)
		return error;
	if (value > UINT32_MAX)
		return reason_set(reason, -EINVAL, "'%s' is too large a number",
				  text);
	*(uint32_t *)ret = (uint32_t)value;
	return 0;
}

int units_duration(const char *text, void *ret, char *reason)
{
	uint64_t value = 0;

	if (!parse_with_unit(text, duration_units, &value) ||
	    value > INT64_MAX)
		return reason_set(reason, -EINVAL,
				  "'%s' is not a duration: write it as 500ms, "
				  "5s, 100us or 2m", text);
	*(int64_t *)ret = (int64_t)value;
	return 0;
}

int units_duration_or_never(const char *text, void *ret, char *reason)
{
	int64_t value = 0;

	if (strcmp(text, "never") != 0 && units_duration(text, &value, reason))
		return reason_set(reason, -EINVAL,
				  "'%s' is not a duration: write it as 500ms or "
				  "5s, or say never", text);
	*(uint64_t *)ret = value ? (uint64_t)value : ZT_NEVER;
	return 0;
}

int units_size(const char *text, void *ret, char *reason)
{
	uint64_t value;

	if (!parse_with_unit(text, size_units, &value))
		return reason_set(reason, -EINVAL,
				  "'%s' is not a size: write it as 4096, 64K, "
				  "512M or 4G", text);
	*(uint64_t *)ret = value;
	return 0;
}

int units_size32(const char *text, void *ret, char *reason)
{
	uint64_t value = 0;
	int error = units_size(text, &value, reason);

	if (error)
		return error;
	if (value > UINT32_MAX)
		return reason_set(reason, -EINVAL, "'%s' is too large a size",
				  text);
	*(uint32_t *)ret = (uint32_t)value;
	return 0;
}

int units_dimensions(const char *text, void *ret, char *reason)
{
	struct dimensions *dimensions = ret;
	const char *cursor = text;
	uint64_t width, height;

	if (!take_digits(&cursor, &width) ||
	    (*cursor != 'x' && *cursor != 'X') ||
	    (cursor++, !take_digits(&cursor, &height)) || *cursor ||
	    width < 1 || width > 65536 || height < 1 || height > 65536)
		return reason_set(reason, -EINVAL,
				  "'%s' is not a picture's size: write width x "
				  "height, as 1920x1080, each 1 to 65536", text);
	dimensions->width = (uint32_t)width;
	dimensions->height = (uint32_t)height;
	return 0;
}

/* 29.97 as 2997/100. */
static bool parse_decimal_rate(const char *text, uint64_t *num, uint64_t *den)
{
	uint64_t part = 0;
	const char *start;

	*den = 1;
	if (!take_digits(&text, num))
		return false;
	if (*text != '.')
		return *text == '\0';
	start = ++text;
	if (!take_digits(&text, &part) || *text || text - start > 6)
		return false;
	for (; start < text; start++) {
		*den *= 10;
		if (__builtin_mul_overflow(*num, 10U, num))
			return false;
	}
	return !__builtin_add_overflow(*num, part, num);
}

static bool parse_rate(const char *text, uint64_t *num, uint64_t *den)
{
	const char *slash = strpbrk(text, "/:");

	if (!slash)
		return parse_decimal_rate(text, num, den);
	if (!take_digits(&text, num) || text != slash)
		return false;
	text = slash + 1;
	return take_digits(&text, den) && *text == '\0';
}

int units_rate(const char *text, void *ret, char *reason)
{
	uint64_t num = 0, den = 0;
	struct rate *rate = ret;

	if (strcmp(text, "max") == 0) {
		rate->max = true;
		rate->fps = (struct zt_fraction){ 0, 0 };
		return 0;
	}
	if (!parse_rate(text, &num, &den) || num == 0 || den == 0 ||
	    num > UINT32_MAX || den > UINT32_MAX)
		return reason_set(reason, -EINVAL,
				  "'%s' is not a rate: write 30, 29.97, "
				  "30000/1001 or max", text);
	rate->max = false;
	rate->fps = (struct zt_fraction){ (uint32_t)num, (uint32_t)den };
	return 0;
}

int units_mode(const char *text, void *ret, char *reason)
{
	unsigned int mode = 0;
	const char *c;

	for (c = text; *c >= '0' && *c <= '7' && mode <= 0777; c++)
		mode = mode * 8 + (unsigned int)(*c - '0');
	if (*c || c == text || mode > 0777 || mode == 0)
		return reason_set(reason, -EINVAL,
				  "'%s' is not a mode: write permission bits in "
				  "octal, as 0660", text);
	*(mode_t *)ret = mode;
	return 0;
}

int units_group(const char *text, void *ret, char *reason)
{
	const struct group *group = getgrnam(text);
	const char *cursor = text;
	uint64_t number;

	if (group) {
		*(gid_t *)ret = group->gr_gid;
		return 0;
	}
	if (!take_digits(&cursor, &number) || *cursor || number >= UINT32_MAX)
		return reason_set(reason, -EINVAL, "there is no group '%s'",
				  text);
	*(gid_t *)ret = (gid_t)number;
	return 0;
}

int units_format(const char *text, void *ret, char *reason)
{
	const struct zt_format_info *info = zt_format_by_name(text);

	if (info) {
		*(const struct zt_format_info **)ret = info;
		return 0;
	}
	return reason_set(reason, -EINVAL,
			  "there is no format '%.20s'; --help lists them",
			  text);
}

int units_text(const char *text, void *ret, char *reason)
{
	if (!*text)
		return reason_set(reason, -EINVAL, "it is empty");
	*(const char **)ret = text;
	return 0;
}

char *units_duration_text(uint64_t ns, char text[16])
{
	if (ns < 1000)
		snprintf(text, 16, "%u ns", (unsigned int)ns);
	else if (ns < 999950)
		snprintf(text, 16, "%.1f us", (double)ns / 1e3);
	else if (ns < 999950000)
		snprintf(text, 16, "%.1f ms", (double)ns / 1e6);
	else if (ns < 600000000000)
		snprintf(text, 16, "%.1f s", (double)ns / 1e9);
	else
		snprintf(text, 16, "%.0f min", (double)ns / 60e9);
	return text;
}

char *units_size_text(uint64_t bytes, char text[16])
{
	static const char *const names[] = { "KiB", "MiB", "GiB", "TiB" };
	double value = (double)bytes / 1024;
	size_t i = 0;

	if (bytes < 1024) {
		snprintf(text, 16, "%u B", (unsigned int)bytes);
		return text;
	}
	for (; value >= 1023.95 && i < 3; i++)
		value /= 1024;
	snprintf(text, 16, "%.1f %s", value, names[i]);
	return text;
}
