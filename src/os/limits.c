/* SPDX-License-Identifier: MIT */
/*
 * Headroom for shared memory: reads what the kernel says in /proc and in the
 * cgroup file systems, and keeps the smallest answer. Every file may be
 * missing, or be of a kernel that writes it another way: then it is silent.
 */
#include "os/limits.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "os/reason.h"

#define RESERVE_SHARE 32
#define RESERVE_MAX (UINT64_C(256) << 20)

/* From here on a cgroup's limit means none: v1 has no word for it. */
#define NO_LIMIT (UINT64_C(1) << 60)

/* How much of a cgroup's path a sentence has room for. */
#define SHOWN_MAX 80

#define FEWER "or use fewer or smaller slots"

/* The two generations of cgroups, which may both be mounted. */
struct cgroup_version {
	const char *type;		/* of the file system */
	const char *controller;		/* "": the one hierarchy of v2 */
	const char *limit, *usage;	/* files */
	const char *droppable;		/* key in memory.stat */
};

static const struct cgroup_version cgroup_versions[] = {
	{ "cgroup2", "", "memory.max", "memory.current", "inactive_file" },
	{ "cgroup", "memory", "memory.limit_in_bytes", "memory.usage_in_bytes",
	  "total_inactive_file" },
};

/* The mount of a hierarchy: the cgroup that it shows as its root, and where. */
struct cgroup_mount {
	char root[PATH_MAX];
	char point[PATH_MAX];
};

static uint64_t reserve_of(uint64_t total)
{
	uint64_t reserve = total / RESERVE_SHARE;

	return reserve < RESERVE_MAX ? reserve : RESERVE_MAX;
}

static uint64_t minus(uint64_t from, uint64_t what)
{
	return from > what ? from - what : 0;
}

__attribute__((format(printf, 4, 5)))
static void lower(struct zti_headroom *headroom, uint64_t bytes,
		  const char *remedy, const char *limit, ...)
{
	va_list args;

	if (bytes >= headroom->bytes)
		return;
	headroom->bytes = bytes;
	headroom->remedy = remedy;
	va_start(args, limit);
	vsnprintf(headroom->limit, sizeof(headroom->limit), limit, args);
	va_end(args);
}

__attribute__((format(printf, 1, 2)))
static FILE *open_file(const char *format, ...)
{
	char path[2 * PATH_MAX];
	va_list args;
	int length;

	va_start(args, format);
	length = vsnprintf(path, sizeof(path), format, args);
	va_end(args);
	if (length < 0 || (size_t)length >= sizeof(path))
		return NULL;
	return fopen(path, "re");
}

/* A decimal number. "max", or anything else that is none: false. */
static bool parse_number(const char *text, uint64_t *ret)
{
	unsigned long long number;
	char *end;

	text += strspn(text, " \t");
	if (text[0] < '0' || text[0] > '9')
		return false;
	errno = 0;
	number = strtoull(text, &end, 10);
	if (errno != 0)
		return false;
	*ret = number;
	return true;
}

/* The number that a file begins with; closes the file. NULL is allowed. */
static bool read_number(FILE *file, uint64_t *ret)
{
	char line[64];
	bool found;

	if (!file)
		return false;
	found = fgets(line, sizeof(line), file) && parse_number(line, ret);
	fclose(file);
	return found;
}

/* The number after a key that begins a line; closes the file. */
static bool read_key(FILE *file, const char *key, uint64_t *ret)
{
	size_t length = strlen(key);
	char line[256];
	bool found = false;

	if (!file)
		return false;
	while (!found && fgets(line, sizeof(line), file))
		found = strncmp(line, key, length) == 0 &&
			(line[length] == ' ' || line[length] == ':') &&
			parse_number(line + length + 1, ret);
	fclose(file);
	return found;
}

/* As /proc/meminfo has them: "MemAvailable:   24352040 kB". */
static bool read_meminfo(const char *root, const char *key, uint64_t *ret)
{
	uint64_t kib;

	if (!read_key(open_file("%s/proc/meminfo", root), key, &kib) ||
	    kib > UINT64_MAX / 1024)
		return false;
	*ret = kib * 1024;
	return true;
}

static void look_at_machine(const char *root, struct zti_headroom *headroom)
{
	uint64_t total = 0, available, limit, committed, mode;

	read_meminfo(root, "MemTotal", &total);
	if (read_meminfo(root, "MemAvailable", &available))
		lower(headroom, minus(available, reserve_of(total)),
		      "free some, " FEWER,
		      "the machine's free memory (MemAvailable)");
	/* Mode 2: what is promised may not exceed what there is. */
	if (read_number(open_file("%s/proc/sys/vm/overcommit_memory", root),
			&mode) && mode == 2 &&
	    read_meminfo(root, "CommitLimit", &limit) &&
	    read_meminfo(root, "Committed_AS", &committed))
		lower(headroom, minus(limit, committed),
		      "raise vm.overcommit_ratio, " FEWER,
		      "the machine's commit limit (vm.overcommit_memory is 2)");
}

static void look_at_process(const char *root, uint64_t object_size,
			    struct zti_headroom *headroom)
{
	struct rlimit limit;
	uint64_t pages, page = (uint64_t)sysconf(_SC_PAGESIZE);

	if (getrlimit(RLIMIT_FSIZE, &limit) == 0 &&
	    limit.rlim_cur != RLIM_INFINITY && limit.rlim_cur < object_size)
		lower(headroom, limit.rlim_cur,
		      "raise it (ulimit -f), " FEWER,
		      "the file size limit of this process (RLIMIT_FSIZE)");
	if (getrlimit(RLIMIT_AS, &limit) == 0 &&
	    limit.rlim_cur != RLIM_INFINITY &&
	    read_number(open_file("%s/proc/self/statm", root), &pages))
		lower(headroom, minus(limit.rlim_cur, pages * page),
		      "raise it (ulimit -v), " FEWER,
		      "the address space limit of this process (RLIMIT_AS)");
}

/* Is `word` one of the comma-separated words of a list? */
static bool has_word(const char *list, const char *word)
{
	size_t length = strlen(word);

	for (;;) {
		size_t span = strcspn(list, ",\n");

		if (span == length && strncmp(list, word, length) == 0)
			return true;
		if (list[span] != ',')
			return false;
		list += span + 1;
	}
}

/* Our cgroup, from a line "4:cpu,memory:/path" or, v2, "0::/path". */
static bool parse_cgroup(char *line, const struct cgroup_version *version,
			 char ret_path[PATH_MAX])
{
	char *list = strchr(line, ':');
	char *path = list ? strchr(list + 1, ':') : NULL;

	if (!path)
		return false;
	*path++ = '\0';
	path[strcspn(path, "\n")] = '\0';
	if (!has_word(list + 1, version->controller) || path[0] != '/' ||
	    strlen(path) >= PATH_MAX)
		return false;
	memcpy(ret_path, path, strlen(path) + 1);
	return true;
}

static bool find_cgroup(const char *root, const struct cgroup_version *version,
			char ret_path[PATH_MAX])
{
	FILE *file = open_file("%s/proc/self/cgroup", root);
	char *line = NULL;
	size_t room = 0;
	bool found = false;

	if (!file)
		return false;
	while (!found && getline(&line, &room, file) > 0)
		found = parse_cgroup(line, version, ret_path);
	free(line);
	fclose(file);
	return found;
}

/* mountinfo writes a space, tab, newline or backslash of a path as \ooo. */
static bool copy_unescaped(char ret[PATH_MAX], const char *from)
{
	size_t used = 0;

	while (*from && used < PATH_MAX - 1) {
		if (from[0] == '\\' && strspn(from + 1, "01234567") >= 3) {
			ret[used++] = (char)((from[1] - '0') << 6 |
					     (from[2] - '0') << 3 |
					     (from[3] - '0'));
			from += 4;
		} else {
			ret[used++] = *from++;
		}
	}
	ret[used] = '\0';
	return *from == '\0';
}

/*
 * A line of mountinfo: id, parent, device, root, mount point, options, any
 * number of tags, "-", type, source, options of the file system.
 */
static bool parse_mount(char *line, const struct cgroup_version *version,
			struct cgroup_mount *ret)
{
	char *field[5], *type, *rest = strstr(line, " - ");
	char *options, *save = NULL;
	int i;

	if (!rest)
		return false;
	*rest = '\0';
	for (i = 0; i < 5; i++) {
		field[i] = strtok_r(i ? NULL : line, " ", &save);
		if (!field[i])
			return false;
	}
	type = strtok_r(rest + 3, " ", &save);
	strtok_r(NULL, " ", &save);
	options = strtok_r(NULL, " ", &save);
	if (!options || strcmp(type, version->type) != 0 ||
	    (version->controller[0] && !has_word(options, version->controller)))
		return false;
	return copy_unescaped(ret->root, field[3]) &&
	       copy_unescaped(ret->point, field[4]);
}

/*
 * Our cgroup's path below the root of a mount: "" for that root itself. NULL
 * where the mount does not show it.
 *
 * In a cgroup namespace both paths count from the namespace's root. What lies
 * outside of it begins with "/..": of a mount's root that is all dots we know
 * that it is above us, but not the way down from there.
 */
static char *below_root(const char *mount_root, char *cgroup)
{
	size_t length = strlen(mount_root), dots = 0;

	while (strncmp(mount_root + dots, "/..", 3) == 0)
		dots += 3;
	if (strncmp(cgroup, "/..", 3) == 0)
		return NULL;
	if (dots > 0)
		return dots == length ? cgroup + strlen(cgroup) : NULL;
	if (strcmp(mount_root, "/") == 0)
		return strcmp(cgroup, "/") == 0 ? cgroup + 1 : cgroup;
	if (strncmp(cgroup, mount_root, length) != 0 ||
	    (cgroup[length] != '/' && cgroup[length] != '\0'))
		return NULL;
	return cgroup + length;
}

/* A mount that shows our cgroup. Returns what below_root() does. */
static char *find_mount(const char *root, const struct cgroup_version *version,
			char *cgroup, struct cgroup_mount *ret)
{
	FILE *file = open_file("%s/proc/self/mountinfo", root);
	char *line = NULL, *below = NULL;
	size_t room = 0;

	if (!file)
		return NULL;
	while (!below && getline(&line, &room, file) > 0)
		if (parse_mount(line, version, ret))
			below = below_root(ret->root, cgroup);
	free(line);
	fclose(file);
	return below;
}

/* One cgroup: what its limit leaves. `name` is how a person knows it. */
static void look_at_cgroup(const struct cgroup_version *version,
			   const char *directory, const char *name,
			   struct zti_headroom *headroom)
{
	uint64_t limit, usage, droppable = 0;
	size_t length = strlen(name);
	bool cut = length > SHOWN_MAX;

	if (!read_number(open_file("%s/%s", directory, version->limit),
			 &limit) ||
	    !read_number(open_file("%s/%s", directory, version->usage),
			 &usage) ||
	    limit >= NO_LIMIT)
		return;
	read_key(open_file("%s/memory.stat", directory), version->droppable,
		 &droppable);
	usage = minus(usage, droppable);
	lower(headroom, minus(minus(limit, usage), reserve_of(limit)),
	      "raise it, " FEWER, "the memory limit of cgroup %s%s",
	      cut ? "..." : "", cut ? name + length - SHOWN_MAX : name);
}

/* Every cgroup from ours up to the root of the mount: each one's limit holds. */
static void look_at_cgroups(const char *root,
			    const struct cgroup_version *version,
			    struct zti_headroom *headroom)
{
	struct cgroup_mount mount;
	char cgroup[PATH_MAX], directory[2 * PATH_MAX];
	const char *shown = cgroup;
	char *below, *slash;

	if (!find_cgroup(root, version, cgroup))
		return;
	below = find_mount(root, version, cgroup, &mount);
	if (!below)
		return;
	/* A person must know it by its mount where our path is no help. */
	if (strncmp(mount.root, "/..", 3) == 0)
		shown = mount.point;
	for (;;) {
		int length = snprintf(directory, sizeof(directory), "%s%s%s",
				      root, mount.point, below);

		if (length > 0 && (size_t)length < sizeof(directory))
			look_at_cgroup(version, directory,
				       shown[0] ? shown : "/", headroom);
		slash = strrchr(below, '/');
		if (!slash)
			break;
		*slash = '\0';
	}
}

void zti_limits_headroom_at(const char *root, uint64_t object_size,
			    struct zti_headroom *ret)
{
	size_t i;

	ret->bytes = UINT64_MAX;
	ret->remedy = "";
	snprintf(ret->limit, sizeof(ret->limit), "nothing");
	look_at_machine(root, ret);
	for (i = 0; i < sizeof(cgroup_versions) / sizeof(*cgroup_versions); i++)
		look_at_cgroups(root, &cgroup_versions[i], ret);
	look_at_process(root, object_size, ret);
}

void zti_limits_headroom(uint64_t object_size, struct zti_headroom *ret)
{
	zti_limits_headroom_at("", object_size, ret);
}

/* 1536 MiB as "1.5 GiB". Below 1 KiB it counts bytes. */
static void set_amount(char text[32], uint64_t bytes)
{
	static const char *const units[] = { "KiB", "MiB", "GiB", "TiB" };
	double amount = (double)bytes / 1024;
	size_t unit = 0;

	if (bytes < 1024) {
		snprintf(text, 32, "%" PRIu64 " bytes", bytes);
		return;
	}
	for (; amount >= 1024 && unit < 3; unit++)
		amount /= 1024;
	snprintf(text, 32, "%.1f %s", amount, units[unit]);
}

int zti_limits_check_at(const char *root, uint64_t bytes,
			uint64_t largest_object, char *ret_reason)
{
	struct zti_headroom headroom;
	char needed[32], left[32];

	if (bytes < largest_object)
		bytes = largest_object;
	zti_limits_headroom_at(root, largest_object, &headroom);
	if (bytes <= headroom.bytes)
		return 0;
	set_amount(needed, bytes);
	set_amount(left, headroom.bytes);
	return zti_reason(ret_reason, -ENOMEM,
			  "needs %s of shared memory, but %s leaves %s: %s",
			  needed, headroom.limit, left, headroom.remedy);
}

int zti_limits_check(uint64_t bytes, uint64_t largest_object,
		     char *ret_reason)
{
	return zti_limits_check_at("", bytes, largest_object, ret_reason);
}
