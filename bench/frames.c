/* SPDX-License-Identifier: MIT */
/*
 * Writing a whole frame and reading it whole, the same way with the library
 * and without. What is read is summed and the sum checked: no byte can be left
 * out, and a frame that was torn or repeated would be found.
 */
#include "measures.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define WORDS (FRAME_BYTES / sizeof(uint64_t))

static uint64_t source_sum;

static uint64_t sum_words(const uint8_t *from)
{
	const uint64_t *words = (const void *)from;
	uint64_t sums[8] = { 0 };

	/* Eight chains, so that the adding does not set the pace. */
	for (size_t i = 0; i < WORDS; i += 8)
		for (size_t j = 0; j < 8; j++)
			sums[j] += words[i + j];
	for (size_t j = 1; j < 8; j++)
		sums[0] += sums[j];
	return sums[0];
}

/* A picture of which no two rows are alike. */
const uint8_t *frame_source(void)
{
	static uint64_t *source;
	uint64_t value = 1;

	if (source)
		return (const uint8_t *)source;
	source = aligned_alloc(4096, (FRAME_BYTES + 4095) / 4096 * 4096);
	if (!source)
		die("no memory for a frame", -ENOMEM, NULL);
	for (size_t i = 0; i < WORDS; i++) {
		value = value * 6364136223846793005ULL + 1442695040888963407ULL;
		source[i] = value;
	}
	source[0] = 0;
	source_sum = sum_words((const uint8_t *)source);
	return (const uint8_t *)source;
}

void frame_write(uint8_t *to, const uint8_t *source, enum fill fill,
		 uint64_t number)
{
	if (fill == FILL_SET) {
		memset(to, (uint8_t)number, FRAME_BYTES);
		return;
	}
	memcpy(to, source, FRAME_BYTES);
	memcpy(to, &number, sizeof(number));
}

void frame_read(const uint8_t *from, enum fill fill, uint64_t number)
{
	uint64_t expected = fill == FILL_SET ?
		(uint8_t)number * 0x0101010101010101ULL * WORDS :
		source_sum + number;

	if (sum_words(from) != expected)
		die("a frame that was read is not what was written", -EIO,
		    NULL);
}
