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
