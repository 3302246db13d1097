/* SPDX-License-Identifier: MIT */
/*
 * See remains.h. The memory of memfds has no name in a file system: it goes
 * with the last process that has it open or mapped, so that is looked for, by
 * the names of our streams. What the whole machine has in shared memory, which
 * others use too, is printed, and has to fall again where it rose by much.
 */
#include "remains.h"

#include <ctype.h>
#include <dirent.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* Others' comings and goings in the machine's shared memory. */
#define SLACK (UINT64_C(256) << 20)

static uint64_t shmem(void)
{
	FILE *file = fopen("/proc/meminfo", "re");
	uint64_t kib = 0;
	char line[128];

	while (file && fgets(line, sizeof(line), file))
		if (!strncmp(line, "Shmem:", 6))
			kib = strtoull(line + 6, NULL, 10);
	if (file)
		fclose(file);
	return kib * 1024;
}

bool remains_begin(struct remains *remains)
{
	const char *parent = getenv("TMPDIR");

	snprintf(remains->directory, sizeof(remains->directory),
		 "%s/zoetrope-soak-XXXXXX",
		 parent && *parent ? parent : "/tmp");
	if (!mkdtemp(remains->directory)) {
		perror(remains->directory);
		return false;
	}
	setenv("ZOETROPE_DIR", remains->directory, 1);
	remains->objects = objects_take();
	remains->shmem_before = shmem();
	return true;
}

void remains_sample(struct remains *remains)
{
	uint64_t now = shmem();

	if (now > remains->shmem_most)
		remains->shmem_most = now;
}

/* Only lock files may be. */
static void check_directory(const struct remains *remains)
{
	DIR *dir = opendir(remains->directory);
	struct dirent *entry;

	ledger_check(REMAINS, dir, "the runtime directory is gone");
	while (dir && (entry = readdir(dir))) {
		const char *end = strrchr(entry->d_name, '.');

		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		ledger_check(REMAINS, end && !strcmp(end, ".lock"),
			     "%s/%s is left", remains->directory,
			     entry->d_name);
	}
	if (dir)
		closedir(dir);
}

static bool mentions(FILE *file, const char *text)
{
	char line[512];
	bool found = false;

	while (file && !found && fgets(line, sizeof(line), file))
		found = strstr(line, text);
	if (file)
		fclose(file);
	return found;
}

static bool has_open(const char *pid, const char *text)
{
	char path[300], target[300];
	struct dirent *entry;
	bool found = false;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%.20s/fd", pid);
	dir = opendir(path);
	while (dir && !found && (entry = readdir(dir))) {
		ssize_t n = readlinkat(dirfd(dir), entry->d_name, target,
				       sizeof(target) - 1);

		target[n < 0 ? 0 : n] = '\0';
		found = strstr(target, text);
	}
	if (dir)
		closedir(dir);
	return found;
}

/* Memory of our streams, in any process: the names hold our process id. */
static void check_memory(void)
{
	DIR *dir = opendir("/proc");
	struct dirent *entry;
	char text[64];

	for (int board = 0; board < 2; board++) {
		snprintf(text, sizeof(text), "memfd:zoetrope-%ssoak%d-",
			 board ? "board-" : "", (int)getpid());
		rewinddir(dir);
		while (dir && (entry = readdir(dir))) {
			char path[300];

			if (!isdigit((unsigned char)entry->d_name[0]))
				continue;
			snprintf(path, sizeof(path), "/proc/%.20s/maps",
				 entry->d_name);
			ledger_check(REMAINS,
				     !mentions(fopen(path, "re"), text) &&
				     !has_open(entry->d_name, text),
				     "process %s has %s… yet", entry->d_name,
				     text);
		}
	}
	if (dir)
		closedir(dir);
}

static void check_machine(struct remains *remains)
{
	int64_t limit = ledger_now_ns() + ledger_ms(10000);
	uint64_t rose = remains->shmem_most - remains->shmem_before;

	while ((remains->shmem_after = shmem()) >
		       remains->shmem_before + rose / 2 + SLACK &&
	       ledger_now_ns() < limit)
		ledger_wait(&ledger->finish, 1, 100000000);
	ledger_check(REMAINS, remains->shmem_after <= remains->shmem_before +
						      rose / 2 + SLACK,
		     "the machine has %ju bytes of shared memory in use, and had %ju before and %ju at most",
		     (uintmax_t)remains->shmem_after,
		     (uintmax_t)remains->shmem_before,
		     (uintmax_t)remains->shmem_most);
}

static int remove_entry(const char *path, const struct stat *st, int type,
			struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

void remains_check(struct remains *remains)
{
	char *object = objects_left(&remains->objects);
	pid_t pid = waitpid(-1, NULL, WNOHANG);

	ledger_check(REMAINS, pid < 0, "a process is left (%d)", (int)pid);
	ledger_check(REMAINS, !object, "%s is left", object ? object : "");
	free(object);
	check_directory(remains);
	check_memory();
	check_machine(remains);
	lines_free(&remains->objects);
	nftw(remains->directory, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}
