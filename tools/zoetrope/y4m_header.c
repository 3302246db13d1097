/* SPDX-License-Identifier: MIT */
/*
 * The header line of a y4m file, in both directions. Pure. The line written
 * for what ffmpeg wrote is the same line.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "fourcc.h"
#include "voice.h"
#include "y4m.h"

#define MAGIC "YUV4MPEG2"
#define SUPPORTED "420jpeg, 420mpeg2, 420paldv, 420, 422, 444, mono and mono16"

/* Chroma tags. XYSCSS repeats them for programs older than the suffixes. */
struct chroma {
	const char *tag, *xyscss;
	uint32_t fourcc;
	uint8_t siting;
};

/* When writing, the first row with the format and the siting is taken, else
   the first with the format and no siting. */
static const struct chroma chromas[] = {
	{ "420jpeg", "420JPEG", FORMAT_I420, ZT_CHROMA_CENTER },
	{ "420mpeg2", "420MPEG2", FORMAT_I420, ZT_CHROMA_LEFT },
	{ "420paldv", "420PALDV", FORMAT_I420, ZT_CHROMA_TOPLEFT },
	{ "420", NULL, FORMAT_I420, ZT_CHROMA_UNKNOWN },
	{ "422", "422", FORMAT_I422, ZT_CHROMA_UNKNOWN },
	{ "444", "444", FORMAT_I444, ZT_CHROMA_UNKNOWN },
	{ "mono", NULL, FORMAT_GRAY8, ZT_CHROMA_UNKNOWN },
	{ "mono16", NULL, FORMAT_GRAY16, ZT_CHROMA_UNKNOWN },
};

#define CHROMAS (sizeof(chromas) / sizeof(chromas[0]))

static const char interlacings[] = "?ptbm";	/* by enum zt_interlacing */

/* A decimal number that fills `text` up to `end`. */
static bool parse_number(const char *text, const char *end, uint32_t *ret)
{
	uint64_t value = 0;

	if (text == end || end - text > 10)
		return false;
	for (; text < end; text++) {
		if (*text < '0' || *text > '9')
			return false;
		value = value * 10 + (uint64_t)(*text - '0');
	}
	if (value > UINT32_MAX)
		return false;
	*ret = (uint32_t)value;
	return true;
}

static bool parse_ratio(const char *text, struct zt_fraction *ret)
{
	const char *colon = strchr(text, ':');

	return colon && parse_number(text, colon, &ret->num) &&
	       parse_number(colon + 1, text + strlen(text), &ret->den) &&
	       (ret->num == 0) == (ret->den == 0);
}

static bool parse_size(const char *text, uint32_t *ret)
{
	return parse_number(text, text + strlen(text), ret) && *ret >= 1 &&
	       *ret <= 65536;
}

static bool parse_interlacing(const char *text, uint32_t *ret)
{
	const char *found = *text ? strchr(interlacings, *text) : NULL;

	if (!found || text[1])
		return false;
	*ret = (uint32_t)(found - interlacings);
	return true;
}

static int parse_chroma(const char *text, struct zt_format *format,
			char *reason)
{
	for (size_t i = 0; i < CHROMAS; i++) {
		if (strcmp(chromas[i].tag, text) != 0)
			continue;
		format->fourcc = chromas[i].fourcc;
		format->colour.chroma_siting = chromas[i].siting;
		return 0;
	}
	return reason_set(reason, -EINVAL,
			  "y4m chroma C%.20s is not supported (" SUPPORTED
			  " are); with ffmpeg, add -pix_fmt yuv420p", text);
}

static int parse_comment(const char *text, struct zt_format *format,
			 char *reason)
{
	static const char key[] = "COLORRANGE=";

	if (strncmp(text, key, sizeof(key) - 1) != 0)
		return 0;
	text += sizeof(key) - 1;
	if (strcmp(text, "FULL") == 0)
		format->colour.range = ZT_RANGE_FULL;
	else if (strcmp(text, "LIMITED") == 0)
		format->colour.range = ZT_RANGE_LIMITED;
	else
		return reason_set(reason, -EINVAL,
				  "y4m XCOLORRANGE is '%.20s', neither FULL nor "
				  "LIMITED", text);
	return 0;
}

static int parse_parameter(const char *word, struct zt_format *format,
			   char *reason)
{
	const char *value = word + 1;
	bool good;

	switch (word[0]) {
	case 'W':
		good = parse_size(value, &format->width);
		break;
	case 'H':
		good = parse_size(value, &format->height);
		break;
	case 'F':
		good = parse_ratio(value, &format->frame_rate);
		break;
	case 'A':
		good = parse_ratio(value, &format->pixel_aspect);
		break;
	case 'I':
		good = parse_interlacing(value, &format->interlacing);
		break;
	case 'C':
		return parse_chroma(value, format, reason);
	case 'X':
		return parse_comment(value, format, reason);
	default:	/* later versions may have more */
		return 0;
	}
	if (good)
		return 0;
	return reason_set(reason, -EINVAL, "y4m header has '%.40s', which is "
			  "not valid", word);
}

int y4m_parse_header(const char *line, struct zt_format *ret, char *reason)
{
	/* 4:2:0 with centred chroma is what a header without C means. */
	struct zt_format format = {
		.fourcc = FORMAT_I420,
		.colour.chroma_siting = ZT_CHROMA_CENTER,
	};
	char words[Y4M_HEADER_ROOM], *rest = NULL, *word;
	int error;

	if (strlen(line) >= sizeof(words))
		return reason_set(reason, -EINVAL, "y4m header is too long");
	strcpy(words, line);
	word = strtok_r(words, " ", &rest);
	if (!word || strcmp(word, MAGIC) != 0)
		return reason_set(reason, -EINVAL,
				  "it is not y4m: it does not begin with "
				  MAGIC "; with ffmpeg, add -f yuv4mpegpipe");
	while ((word = strtok_r(NULL, " ", &rest))) {
		error = parse_parameter(word, &format, reason);
		if (error)
			return error;
	}
	if (!format.width || !format.height)
		return reason_set(reason, -EINVAL, "y4m header has no %s",
				  format.width ? "height (H)" : "width (W)");
	*ret = format;
	return 0;
}

static const struct chroma *find_chroma(const struct zt_format *format)
{
	/* The one file order of 4:2:0 planes serves both formats. */
	uint32_t fourcc = format->fourcc == FORMAT_YV12 ? FORMAT_I420 :
							  format->fourcc;
	const struct chroma *plain = NULL;

	for (size_t i = 0; i < CHROMAS; i++) {
		if (chromas[i].fourcc != fourcc)
			continue;
		if (chromas[i].siting == format->colour.chroma_siting)
			return &chromas[i];
		if (chromas[i].siting == ZT_CHROMA_UNKNOWN)
			plain = &chromas[i];
	}
	return plain;
}

int y4m_print_header(const struct zt_format *format,
		     char text[Y4M_HEADER_ROOM], char *reason)
{
	static const char *const ranges[] = {
		"", " XCOLORRANGE=LIMITED", " XCOLORRANGE=FULL",
	};
	const struct chroma *chroma = find_chroma(format);
	const struct zt_format_info *info = zt_format_info(format->fourcc);
	uint8_t range = format->colour.range;
	uint32_t interlacing = format->interlacing;

	if (!chroma)
		return reason_set(reason, -EINVAL,
				  "y4m cannot hold %s, only I420, YV12, I422, "
				  "I444, GRAY8 and GRAY16; use --raw or "
				  "--images", info ? info->name : "this format");
	return snprintf(text, Y4M_HEADER_ROOM,
			MAGIC " W%u H%u F%u:%u I%c A%u:%u C%s%s%s%s\n",
			format->width, format->height, format->frame_rate.num,
			format->frame_rate.den,
			interlacings[interlacing <= ZT_INTERLACING_MIXED ?
				     interlacing : 0],
			format->pixel_aspect.num, format->pixel_aspect.den,
			chroma->tag, chroma->xyscss ? " XYSCSS=" : "",
			chroma->xyscss ? chroma->xyscss : "",
			ranges[range <= ZT_RANGE_FULL ? range : 0]);
}

void y4m_plane_order(uint32_t fourcc, unsigned int order[ZT_MAX_PLANES])
{
	for (unsigned int i = 0; i < ZT_MAX_PLANES; i++)
		order[i] = i;
	if (fourcc == FORMAT_YV12) {
		order[1] = 2;
		order[2] = 1;
	}
}
