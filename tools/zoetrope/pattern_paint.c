/* SPDX-License-Identifier: MIT */
/*
 * Colours of the test picture. A block is a row of samples, each with a
 * meaning: R, G, B, A (or unused), Y, U, V, or L, light without colour, for
 * gray, Bayer and whatever else. Pure.
 */
#include <string.h>

#include "fourcc.h"
#include "pattern_paint.h"

/* Pixels from a colour to the same colour; divides PATTERN_PERIOD. */
#define WAVE 512

/* The samples of each plane's block; formats without a row are all L. */
static const struct meaning {
	uint32_t fourcc;
	const char *planes[3];
} meanings[] = {
	{ FORMAT_RGB24, { "RGB" } },
	{ FORMAT_BGR24, { "BGR" } },
	{ FORMAT_RGBA, { "RGBA" } },
	{ FORMAT_BGRA, { "BGRA" } },
	{ FORMAT_RGBX, { "RGBA" } },
	{ FORMAT_BGRX, { "BGRA" } },
	{ FORMAT_YUYV, { "YUYV" } },
	{ FORMAT_UYVY, { "UYVY" } },
	{ FORMAT_NV12, { "Y", "UV" } },
	{ FORMAT_NV21, { "Y", "VU" } },
	{ FORMAT_NV16, { "Y", "UV" } },
	{ FORMAT_P010, { "Y", "UV" } },
	{ FORMAT_I420, { "Y", "U", "V" } },
	{ FORMAT_YV12, { "Y", "V", "U" } },
	{ FORMAT_I422, { "Y", "U", "V" } },
	{ FORMAT_I444, { "Y", "U", "V" } },
};

static const char *find_meaning(const struct zt_format_info *info,
				unsigned int plane)
{
	for (size_t i = 0; i < sizeof(meanings) / sizeof(meanings[0]); i++)
		if (meanings[i].fourcc == info->fourcc)
			return meanings[i].planes[plane];
	return "L";
}

/* Scatters the low bits, so that no two stretches of the line are alike. */
static uint32_t noise(uint32_t i)
{
	i *= 0x9e3779b1;
	i ^= i >> 15;
	i *= 0x85ebca77;
	return i ^ i >> 13;
}

/* 0 to 255 and back within a wave. */
static uint32_t triangle(uint32_t i)
{
	i %= WAVE;
	return i < WAVE / 2 ? i : WAVE - 1 - i;
}

/* A sample of the line, 0 to 65535. */
static uint32_t line_value(char meaning, uint32_t i)
{
	uint32_t phase = meaning == 'G' || meaning == 'U' ? WAVE / 3 :
			 meaning == 'B' || meaning == 'V' ? 2 * WAVE / 3 : 0;
	uint32_t rough = noise(i * 8 + (uint8_t)meaning);
	/* Two noisy bits do not show at eight; all below eight are noise. */
	uint32_t value = ((triangle(i + phase) ^ (rough & 3)) << 8) |
			 (rough >> 8 & 0xff);

	if (meaning == 'A')
		return 0xffff;
	if (meaning == 'Y')
		return 16 * 256 + value * 219 / 255;
	if (meaning == 'U' || meaning == 'V')
		return 16 * 256 + value * 224 / 255;
	return value;
}

static uint32_t dot_value(char meaning, int set)
{
	switch (meaning) {
	case 'A':
		return 0xffff;
	case 'Y':
		return set ? 235 * 256 : 16 * 256;
	case 'U':
	case 'V':
		return 128 * 256;
	default:
		return set ? 0xffff : 0;
	}
}

/* Write a sample of 0 to 65535 as the format keeps it; returns its bytes. */
static size_t put_sample(const struct zt_format_info *info, uint32_t value,
			 uint8_t *to)
{
	float real = (float)value / 65535;

	if (info->bits <= 8) {
		to[0] = (uint8_t)(value >> 8);
		return 1;
	}
	if (info->bits == 32) {
		memcpy(to, &real, sizeof(real));
		return sizeof(real);
	}
	value >>= 16 - info->bits;
	if (info->fourcc == FORMAT_P010)
		value <<= 6;
	to[0] = (uint8_t)value;
	to[1] = (uint8_t)(value >> 8);
	return 2;
}

void pattern_paint_line(const struct zt_format_info *info, unsigned int plane,
			uint32_t i, uint8_t *block)
{
	const char *meaning = find_meaning(info, plane);
	uint32_t pixel = i * info->block_width[plane];
	size_t used = 0, s, count = strlen(meaning);

	for (s = 0; used < info->block_size[plane]; s++) {
		/* the second Y of a pair is the next pixel's */
		uint32_t next = s >= 2 && meaning[s % count] == 'Y';

		used += put_sample(info, line_value(meaning[s % count],
						    pixel + next),
				   block + used);
	}
}

void pattern_paint_dot(const struct zt_format_info *info, unsigned int plane,
		       int set, uint8_t *block)
{
	const char *meaning = find_meaning(info, plane);
	size_t used = 0, s, count = strlen(meaning);

	for (s = 0; used < info->block_size[plane]; s++)
		used += put_sample(info, dot_value(meaning[s % count], set),
				   block + used);
}
