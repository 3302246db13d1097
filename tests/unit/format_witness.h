/* SPDX-License-Identifier: MIT */
/*
 * What the names of uncompressed formats mean, sample by sample, written down
 * apart from the library's table. Each program format_*.c holds one world's
 * definition against this and against the row of the table, so that a row
 * with another world's code for the same letters in another order fails.
 *
 * A plane is the samples of its smallest repeating group, in the order of
 * memory: R G B A, x for unused, Y U V (U is Cb, V is Cr). Bayer: the two by
 * two pixels, row by row.
 */
#ifndef FORMAT_WITNESS_H
#define FORMAT_WITNESS_H

#include <string.h>

#include <zoetrope/format.h>

struct witness {
	const char *name;
	unsigned int sample_bytes;
	const char *plane[3];
};

static const struct witness witnesses[] = {
	{ "RGB24", 1, { "RGB" } },
	{ "BGR24", 1, { "BGR" } },
	{ "RGBA", 1, { "RGBA" } },
	{ "BGRA", 1, { "BGRA" } },
	{ "RGBX", 1, { "RGBx" } },
	{ "BGRX", 1, { "BGRx" } },
	{ "GRAY8", 1, { "Y" } },
	{ "GRAY16", 2, { "Y" } },
	{ "YUYV", 1, { "YUYV" } },
	{ "UYVY", 1, { "UYVY" } },
	{ "NV12", 1, { "Y", "UV" } },
	{ "NV21", 1, { "Y", "VU" } },
	{ "NV16", 1, { "Y", "UV" } },
	{ "I420", 1, { "Y", "U", "V" } },
	{ "YV12", 1, { "Y", "V", "U" } },
	{ "I422", 1, { "Y", "U", "V" } },
	{ "I444", 1, { "Y", "U", "V" } },
	{ "P010", 2, { "Y", "UV" } },
	{ "SRGGB8", 1, { "RGGB" } },
	{ "SGRBG8", 1, { "GRBG" } },
	{ "SGBRG8", 1, { "GBRG" } },
	{ "SBGGR8", 1, { "BGGR" } },
	{ "SRGGB10", 2, { "RGGB" } },
	{ "SGRBG10", 2, { "GRBG" } },
	{ "SGBRG10", 2, { "GBRG" } },
	{ "SBGGR10", 2, { "BGGR" } },
	{ "SRGGB12", 2, { "RGGB" } },
	{ "SGRBG12", 2, { "GRBG" } },
	{ "SGBRG12", 2, { "GBRG" } },
	{ "SBGGR12", 2, { "BGGR" } },
	{ "SRGGB16", 2, { "RGGB" } },
	{ "SGRBG16", 2, { "GRBG" } },
	{ "SGBRG16", 2, { "GBRG" } },
	{ "SBGGR16", 2, { "BGGR" } },
	{ "GRAYF32", 4, { "Y" } },
};

#define WITNESSES (sizeof(witnesses) / sizeof(witnesses[0]))

static inline const struct witness *witness_of(const char *name)
{
	for (size_t i = 0; i < WITNESSES; i++)
		if (!strcmp(witnesses[i].name, name))
			return &witnesses[i];
	return NULL;
}

#endif
