/* SPDX-License-Identifier: MIT */
/*
 * Runs a fuzzer's known inputs, without libFuzzer: the files of the directories
 * named on the command line. Speaks TAP; what the targets print goes nowhere.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fuzz.h"

static FILE *tap;

static int is_input(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

/* 0, or a negative number where the file cannot be read. */
static int run_file(const char *path)
{
	FILE *file = fopen(path, "re");
	uint8_t *data = NULL;
	size_t size = 0;
	long length;

	if (!file)
		return -1;
	if (fseek(file, 0, SEEK_END) == 0 && (length = ftell(file)) >= 0) {
		rewind(file);
		/* of its exact size, so that sanitizers see its end */
		data = malloc(length ? (size_t)length : 1);
		size = data ? fread(data, 1, (size_t)length, file) : 0;
	}
	fclose(file);
	if (!data)
		return -1;
	LLVMFuzzerTestOneInput(data, size);
	free(data);
	return 0;
}

static unsigned int run_directory(const char *path, unsigned int number)
{
	struct dirent **entries;
	int count = scandir(path, &entries, is_input, alphasort);
	char name[512];

	for (int i = 0; i < count; i++) {
		snprintf(name, sizeof(name), "%s/%s", path,
			 entries[i]->d_name);
		fprintf(tap, "%sok %u - %s\n",
			run_file(name) < 0 ? "not " : "", ++number,
			entries[i]->d_name);
		fflush(tap);
		free(entries[i]);
	}
	if (count >= 0)
		free(entries);
	return number;
}

int main(int argc, char **argv)
{
	unsigned int count = 0;

	tap = fdopen(dup(STDOUT_FILENO), "w");
	if (!tap || !freopen("/dev/null", "w", stdout))
		return 1;
	LLVMFuzzerInitialize(&argc, &argv);
	/* The input that is none. */
	LLVMFuzzerTestOneInput((const uint8_t *)"", 0);
	for (int i = 1; i < argc; i++)
		count = run_directory(argv[i], count);
	fprintf(tap, "1..%u\n", count);
	fclose(tap);
	return count ? 0 : 1;
}
