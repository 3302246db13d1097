/* SPDX-License-Identifier: MIT */
/* See reading.h. */
#include "reading.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "voice.h"

#define FRAMES_MAX 16

static int file = -1;

const char *reading_file(const uint8_t *data, size_t size)
{
	static char path[64];

	file = memfd_create("input", MFD_CLOEXEC);
	fuzz_check(file >= 0);
	fuzz_check(write(file, data, size) == (ssize_t)size);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
	return path;
}

void reading_done(void)
{
	close(file);
	file = -1;
}

/* A slot for this frame and not a byte more. */
static int fill(struct source *source, const struct zt_format *format,
		char *reason)
{
	struct zt_loan loan = { .format = *format };
	int r;

	loan.payload = malloc(format->payload_size);
	fuzz_check(loan.payload);
	for (unsigned int p = 0; p < format->plane_count; p++)
		loan.data[p] = loan.payload + format->planes[p].offset;
	loan.bytes_used = format->payload_size;
	r = source->ops->fill(source, &loan, 1, reason);
	free(loan.payload);
	return r;
}

void reading_play(struct source *source, uint32_t choices)
{
	char reason[ZT_REASON_MAX] = "";

	for (unsigned int i = 0; i < FRAMES_MAX; i++) {
		uint32_t choice = choices >> 2 * i & 3;
		struct zt_format format = { 0 };
		int r = source->ops->next(source, &format, reason);

		if (r == 0 && choice && source->rewinds)
			r = source->ops->rewind(source, reason) < 0 ? -1 : 1;
		else if (r == 1 && zt_format_complete(&format) < 0)
			r = -1;
		else if (r == 1 && (choice == 3 ||
				    format.payload_size > READING_MAX))
			r = source->ops->skip(source, reason) < 0 ? -1 : 1;
		else if (r == 1)
			r = fill(source, &format, reason) < 0 ? -1 : 1;
		if (r <= 0)
			break;
	}
	fuzz_check(memchr(reason, '\0', sizeof(reason)));
}
