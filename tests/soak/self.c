/* SPDX-License-Identifier: MIT */
/* See self.h. */
#include "self.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>

unsigned int self_descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned int count = 0;

	while (dir && readdir(dir))
		count++;
	if (dir)
		closedir(dir);
	return count;
}

uint64_t self_mapped(const char *memfd)
{
	FILE *file = fopen("/proc/self/maps", "re");
	char line[512], wanted[128];
	uint64_t bytes = 0;

	/* from-to rights offset device inode /memfd:NAME (deleted) */
	snprintf(wanted, sizeof(wanted), "/memfd:%s%s",
		 memfd ? memfd : "zoetrope-", memfd ? " " : "");
	while (file && fgets(line, sizeof(line), file)) {
		uintmax_t from, to;

		if (strstr(line, wanted) &&
		    sscanf(line, "%jx-%jx", &from, &to) == 2)
			bytes += to - from;
	}
	if (file)
		fclose(file);
	return bytes;
}

/* Time run, time waited, turns. */
static int64_t read_schedstat(const char *path)
{
	FILE *file = fopen(path, "re");
	uintmax_t ran = 0, waited = 0;

	if (file && fscanf(file, "%ju %ju", &ran, &waited) != 2)
		ran = waited = 0;
	if (file)
		fclose(file);
	return (int64_t)(ran + waited);
}

int64_t self_awake_ns(void)
{
	return read_schedstat("/proc/thread-self/schedstat");
}

int64_t self_all_awake_ns(void)
{
	DIR *dir = opendir("/proc/self/task");
	struct dirent *entry;
	int64_t sum = 0;

	while (dir && (entry = readdir(dir))) {
		char path[64];

		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "/proc/self/task/%.20s/schedstat",
			 entry->d_name);
		sum += read_schedstat(path);
	}
	if (dir)
		closedir(dir);
	return sum;
}
