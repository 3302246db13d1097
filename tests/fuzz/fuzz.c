/* SPDX-License-Identifier: MIT */
/* See fuzz.h. */
#include "fuzz.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool fuzz_more(const struct fuzz_input *in)
{
	return in->size > 0;
}

size_t fuzz_bytes(struct fuzz_input *in, void *into, size_t room)
{
	size_t count = room < in->size ? room : in->size;

	memcpy(into, in->data, count);
	in->data += count;
	in->size -= count;
	return count;
}

uint8_t fuzz_u8(struct fuzz_input *in)
{
	uint8_t value = 0;

	fuzz_bytes(in, &value, sizeof(value));
	return value;
}

uint16_t fuzz_u16(struct fuzz_input *in)
{
	uint16_t value = 0;

	fuzz_bytes(in, &value, sizeof(value));
	return value;
}

uint64_t fuzz_u64(struct fuzz_input *in)
{
	uint64_t value = 0;

	fuzz_bytes(in, &value, sizeof(value));
	return value;
}

uint64_t fuzz_value(struct fuzz_input *in)
{
	static const uint64_t values[] = {
		0, 1, 2, 3, 4, 63, 64, 65, 255, 256, 2047, 2048, 4095, 4096,
		4097, 8192, 32768, 65535, 65536, INT32_MAX, UINT32_MAX,
		1ULL << 32, 1ULL << 40, 1ULL << 47, INT64_MAX, 1ULL << 63,
		UINT64_MAX - 63, UINT64_MAX,
	};
	const unsigned int count = sizeof(values) / sizeof(*values);
	unsigned int choice = fuzz_u8(in);

	if (choice < count)
		return values[choice];
	if (choice < 2 * count)
		return values[choice - count] + fuzz_u8(in);
	return choice < 128 ? fuzz_u8(in) : fuzz_u64(in);
}

void fuzz_fail(const char *expression, const char *file, int line)
{
	fprintf(stderr, "%s:%d: not so: %s\n", file, line, expression);
	abort();
}

/* ------------------------------------------------------------------------
 * What is left.
 */

static char directory[256];

static int remove_entry(const char *path, const struct stat *st, int type,
			struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static void remove_directory(void)
{
	nftw(directory, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

void fuzz_make_runtime_directory(void)
{
	const char *parent = getenv("TMPDIR");

	snprintf(directory, sizeof(directory), "%s/zoetrope-fuzz-XXXXXX",
		 parent && *parent ? parent : "/tmp");
	if (!mkdtemp(directory)) {
		perror(directory);
		exit(1);
	}
	setenv("ZOETROPE_DIR", directory, 1);
	atexit(remove_directory);
	/* A failing assertion of the test library is to end the process. */
	setenv("CMOCKA_TEST_ABORT", "1", 1);
}

unsigned int fuzz_fds(void)
{
	unsigned int count = 0;

	for (int fd = 0; fd < 64; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}
