/* SPDX-License-Identifier: MIT */
/*
 * What a process holds and leaves behind, read from /proc and /dev/shm.
 */
#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness.h"
#include "leaks.h"

static void lines_add(struct lines *lines, const char *text)
{
	lines->line = realloc(lines->line,
			      (lines->count + 1) * sizeof(*lines->line));
	lines->line[lines->count++] = strdup(text);
}

void lines_free(struct lines *lines)
{
	for (size_t i = 0; i < lines->count; i++)
		free(lines->line[i]);
	free(lines->line);
	*lines = (struct lines){ 0 };
}

static bool lines_have(const struct lines *lines, const char *text)
{
	for (size_t i = 0; i < lines->count; i++)
		if (!strcmp(lines->line[i], text))
			return true;
	return false;
}

const char *lines_first_new(const struct lines *lines,
			    const struct lines *others)
{
	for (size_t i = 0; i < lines->count; i++)
		if (!lines_have(others, lines->line[i]))
			return lines->line[i];
	return NULL;
}

static struct lines take_fds(void)
{
	struct lines lines = { 0 };
	DIR *dir = opendir("/proc/self/fd");
	struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		char target[256], text[600];
		ssize_t n;

		if (!isdigit((unsigned char)entry->d_name[0]) ||
		    atoi(entry->d_name) == dirfd(dir))
			continue;
		n = readlinkat(dirfd(dir), entry->d_name, target,
			       sizeof(target) - 1);
		target[n < 0 ? 0 : n] = '\0';
		snprintf(text, sizeof(text), "descriptor %s (%s)",
			 entry->d_name, target);
		lines_add(&lines, text);
	}
	if (dir)
		closedir(dir);
	return lines;
}

/*
 * Is this line of /proc/self/maps shared memory? The C library maps some of
 * its own files shared, for locales.
 */
static bool is_shared(const char *line)
{
	const char *permissions = strchr(line, ' ');

	if (!permissions || strstr(line, " /usr/"))
		return false;
	return permissions[4] == 's' || strstr(line, "/memfd:") ||
	       strstr(line, " /dev/shm/") || strstr(line, " /SYSV");
}

static struct lines take_mappings(void)
{
	struct lines lines = { 0 };
	FILE *file = fopen("/proc/self/maps", "re");
	char line[4096];

	while (file && fgets(line, sizeof(line), file)) {
		char text[4200];

		if (!is_shared(line))
			continue;
		line[strcspn(line, "\n")] = '\0';
		snprintf(text, sizeof(text), "mapping %s", line);
		lines_add(&lines, text);
	}
	if (file)
		fclose(file);
	return lines;
}

static struct lines take_threads(void)
{
	struct lines lines = { 0 };
	DIR *dir = opendir("/proc/self/task");
	struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		char text[300];

		snprintf(text, sizeof(text), "thread %s", entry->d_name);
		if (isdigit((unsigned char)entry->d_name[0]))
			lines_add(&lines, text);
	}
	if (dir)
		closedir(dir);
	return lines;
}

void holdings_take(struct holdings *holdings)
{
	holdings->fds = take_fds();
	holdings->mappings = take_mappings();
	holdings->threads = take_threads();
}

void holdings_free(struct holdings *holdings)
{
	lines_free(&holdings->fds);
	lines_free(&holdings->mappings);
	lines_free(&holdings->threads);
}

/* Say each line of `now` that is not in `before`. */
static bool compare(const struct lines *now, const struct lines *before,
		    const char *verdict)
{
	bool good = true;

	for (size_t i = 0; i < now->count; i++) {
		if (lines_have(before, now->line[i]))
			continue;
		printf("the test %s: %s\n", verdict, now->line[i]);
		good = false;
	}
	return good;
}

/*
 * A joined thread stands in /proc for a moment longer: pthread_join() returns
 * when it has left its memory, not when the kernel has forgotten it.
 */
static bool check_threads(const struct lines *before)
{
	int64_t limit = harness_limit_ns(1000);
	struct lines now = take_threads();
	bool good;

	while (lines_first_new(&now, before) && harness_nap_until(limit)) {
		lines_free(&now);
		now = take_threads();
	}
	good = compare(&now, before, "left behind");
	lines_free(&now);
	return good;
}

static bool check_children(void)
{
	siginfo_t info = { 0 };

	if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) < 0)
		return true;
	if (info.si_pid)
		printf("the test left behind: child %d, which ended and was "
		       "not waited for\n", (int)info.si_pid);
	else
		printf("the test left behind: a child that still runs\n");
	return false;
}

bool holdings_check(const struct holdings *before)
{
	bool good = check_threads(&before->threads);
	struct holdings now;

	holdings_take(&now);
	good &= check_children();
	good &= compare(&now.fds, &before->fds, "left behind");
	good &= compare(&before->fds, &now.fds,
			"closed or replaced what it did not open");
	good &= compare(&now.mappings, &before->mappings, "left behind");
	holdings_free(&now);
	return good;
}

static void take_shm(struct lines *lines)
{
	DIR *dir = opendir("/dev/shm");
	struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		struct stat st;
		char text[300];

		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		if (fstatat(dirfd(dir), entry->d_name, &st,
			    AT_SYMLINK_NOFOLLOW) < 0 ||
		    (geteuid() != 0 && st.st_uid != geteuid()))
			continue;
		snprintf(text, sizeof(text), "/dev/shm/%s", entry->d_name);
		lines_add(lines, text);
	}
	if (dir)
		closedir(dir);
}

/* One line of /proc/sysvipc/shm. */
struct sysv_row {
	int id;
	int creator;
	unsigned long attached;
	unsigned int creator_uid;
};

static bool read_sysv_row(FILE *file, struct sysv_row *row)
{
	char line[512];

	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "%*d %d %*o %*u %d %*d %lu %*u %*u %u",
			   &row->id, &row->creator, &row->attached,
			   &row->creator_uid) == 4)
			return true;
	return false;
}

static void take_sysv(struct lines *lines)
{
	FILE *file = fopen("/proc/sysvipc/shm", "re");
	struct sysv_row row;
	char text[64];

	while (file && read_sysv_row(file, &row)) {
		if (geteuid() != 0 && row.creator_uid != geteuid())
			continue;
		snprintf(text, sizeof(text), "System V segment %d", row.id);
		lines_add(lines, text);
	}
	if (file)
		fclose(file);
}

struct lines objects_take(void)
{
	struct lines lines = { 0 };

	take_shm(&lines);
	take_sysv(&lines);
	return lines;
}

static bool process_maps(const char *pid, const char *path)
{
	char name[300], line[4096];
	bool found = false;
	FILE *file;

	snprintf(name, sizeof(name), "/proc/%s/maps", pid);
	file = fopen(name, "re");
	while (file && !found && fgets(line, sizeof(line), file)) {
		const char *mapped = strchr(line, '/');

		line[strcspn(line, "\n")] = '\0';
		found = mapped && !strcmp(mapped, path);
	}
	if (file)
		fclose(file);
	return found;
}

static bool process_has_open(const char *pid, const char *path)
{
	char name[300], target[4096];
	struct dirent *entry;
	bool found = false;
	DIR *dir;

	snprintf(name, sizeof(name), "/proc/%s/fd", pid);
	dir = opendir(name);
	while (dir && !found && (entry = readdir(dir))) {
		ssize_t n = readlinkat(dirfd(dir), entry->d_name, target,
				       sizeof(target) - 1);

		target[n < 0 ? 0 : n] = '\0';
		found = !strcmp(target, path);
	}
	if (dir)
		closedir(dir);
	return found;
}

static bool file_in_use(const char *path)
{
	DIR *dir = opendir("/proc");
	struct dirent *entry;
	bool found = false;

	while (dir && !found && (entry = readdir(dir)))
		found = isdigit((unsigned char)entry->d_name[0]) &&
			(process_maps(entry->d_name, path) ||
			 process_has_open(entry->d_name, path));
	if (dir)
		closedir(dir);
	return found;
}

static bool segment_in_use(int id)
{
	FILE *file = fopen("/proc/sysvipc/shm", "re");
	struct sysv_row row;
	bool found = false;

	while (file && !found && read_sysv_row(file, &row))
		found = row.id == id &&
			(row.attached || kill(row.creator, 0) == 0);
	if (file)
		fclose(file);
	return found;
}

static bool object_in_use(const char *line)
{
	int id;

	if (sscanf(line, "System V segment %d", &id) == 1)
		return segment_in_use(id);
	return file_in_use(line);
}

static char *first_left(const struct lines *before)
{
	struct lines now = objects_take();
	char *left = NULL;

	for (size_t i = 0; i < now.count && !left; i++)
		if (!lines_have(before, now.line[i]) &&
		    !object_in_use(now.line[i]))
			left = strdup(now.line[i]);
	lines_free(&now);
	return left;
}

char *objects_left(const struct lines *before)
{
	int64_t limit = harness_limit_ns(1000);
	char *left = first_left(before);

	while (left && harness_nap_until(limit)) {
		free(left);
		left = first_left(before);
	}
	return left;
}
