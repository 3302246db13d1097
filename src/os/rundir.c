/* SPDX-License-Identifier: MIT */
/*
 * Which directory streams live in, who may be trusted with it, and the lock
 * file that gives a stream's name to one publisher.
 */
#include "os/rundir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/reason.h"

#define NAME_MAX_BYTES 64
#define SYSTEM_DIR "/run/zoetrope"

/* Digits of UINT64_MAX, and a newline: always the same length. */
#define EPOCH_FORMAT "%020" PRIu64 "\n"
#define EPOCH_DIGITS 20

enum place {
	PLACE_SET,		/* $ZOETROPE_DIR: the user's word is enough */
	PLACE_XDG,
	PLACE_SYSTEM,
	PLACE_TMP,		/* others can make files there: trust nothing */
};

struct rundir {
	enum place place;
	mode_t mode;		/* when we make it */
	char path[ZTI_RUNDIR_PATH_MAX];
};

int zti_stream_name_check(const char *name)
{
	size_t length;

	if (!name)
		return -EINVAL;
	length = strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
			      "abcdefghijklmnopqrstuvwxyz"
			      "0123456789._-");
	if (length < 1 || length > NAME_MAX_BYTES || name[length] != '\0' ||
	    name[0] == '.')
		return -EINVAL;
	return 0;
}

/* A variable of the environment; NULL where it is not set, or empty. */
static const char *get_variable(const char *name)
{
	const char *value = secure_getenv(name);

	return value && value[0] ? value : NULL;
}

static bool is_own_directory(const char *path)
{
	struct stat status;

	return path[0] == '/' && stat(path, &status) == 0 &&
	       S_ISDIR(status.st_mode) && status.st_uid == geteuid();
}

static int set_rundir(struct rundir *ret, enum place place, mode_t mode,
		      const char *base, const char *rest)
{
	int length = snprintf(ret->path, sizeof(ret->path), "%s%s", base, rest);

	ret->place = place;
	ret->mode = mode;
	if (length < 0 || (size_t)length >= sizeof(ret->path)) {
		ret->path[0] = '\0';
		return -ENAMETOOLONG;
	}
	return ret->path[0] == '/' ? 0 : -EINVAL;
}

static int choose_own(struct rundir *ret)
{
	const char *set = get_variable("ZOETROPE_DIR");
	const char *xdg = get_variable("XDG_RUNTIME_DIR");
	char uid[16];

	if (set)
		return set_rundir(ret, PLACE_SET, 0755, set, "");
	if (xdg && is_own_directory(xdg))
		return set_rundir(ret, PLACE_XDG, 0700, xdg, "/zoetrope");
	if (geteuid() == 0)
		return set_rundir(ret, PLACE_SYSTEM, 0755, SYSTEM_DIR, "");
	snprintf(uid, sizeof(uid), "%u", (unsigned int)geteuid());
	return set_rundir(ret, PLACE_TMP, 0700, "/tmp/zoetrope-", uid);
}

/* Make the directory where it is missing, with its mode whatever the umask. */
static int open_or_make(const struct rundir *dir)
{
	int flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
	bool made;
	int fd;

	if (dir->place == PLACE_TMP)
		flags |= O_NOFOLLOW;
	made = mkdir(dir->path, dir->mode) == 0;
	if (!made && errno != EEXIST)
		return -errno;
	fd = open(dir->path, flags);
	if (fd < 0)
		return -errno;
	if (made && fchmod(fd, dir->mode) < 0) {
		int r = -errno;

		close(fd);
		return r;
	}
	return fd;
}

/* Is the directory ours alone to change, where it has to be? */
static int check_trust(int fd, const struct rundir *dir, char *ret_reason)
{
	struct stat status;

	if (dir->place == PLACE_SET)
		return 0;
	if (fstat(fd, &status) < 0)
		return zti_reason(ret_reason, -errno, "cannot look at %s: %m",
				  dir->path);
	if (status.st_uid != geteuid())
		return zti_reason(ret_reason, -EPERM,
			"%s belongs to uid %u, not to us (uid %u): remove it, "
			"or set ZOETROPE_DIR to another directory", dir->path,
			(unsigned int)status.st_uid, (unsigned int)geteuid());
	if (dir->place == PLACE_TMP && (status.st_mode & 022))
		return zti_reason(ret_reason, -EPERM,
			"others can write to %s (mode %04o): chmod it to 0700",
			dir->path, (unsigned int)status.st_mode & 07777);
	return 0;
}

static int explain_choice(int error, char *ret_reason)
{
	const char *set = get_variable("ZOETROPE_DIR");

	if (error == -EINVAL)
		return zti_reason(ret_reason, error,
			"ZOETROPE_DIR is \"%.80s\", which is not an absolute "
			"path: set it to one that begins with /", set);
	return zti_reason(ret_reason, error,
		"the runtime directory's path is over %d bytes long: set "
		"ZOETROPE_DIR to a shorter one", ZTI_RUNDIR_PATH_MAX - 1);
}

static int explain_open(int error, const struct rundir *dir, char *ret_reason)
{
	const char *advice = "set ZOETROPE_DIR to another directory";

	if (error == -ENOENT)
		advice = "its parent is missing: make that, or set "
			 "ZOETROPE_DIR to another directory";
	else if (error == -EMFILE || error == -ENFILE)
		advice = "close some, or raise the limit (ulimit -n)";
	else if (error == -ENOMEM)
		advice = "free some";
	else if (error == -ENOTDIR || error == -ELOOP)
		advice = "something else has that name: remove it, or set "
			 "ZOETROPE_DIR to another directory";
	return zti_reason(ret_reason, error,
			  "cannot open or make the runtime directory %s (%m): "
			  "%s", dir->path, advice);
}

int zti_rundir_open_publisher(char ret_path[ZTI_RUNDIR_PATH_MAX],
			      char *ret_reason)
{
	struct rundir dir;
	int fd, r;

	r = choose_own(&dir);
	if (r < 0)
		return explain_choice(r, ret_reason);
	fd = open_or_make(&dir);
	if (fd < 0)
		return explain_open(fd, &dir, ret_reason);
	r = check_trust(fd, &dir, ret_reason);
	if (r < 0) {
		close(fd);
		return r;
	}
	/*
	 * systemd-tmpfiles removes what was not touched for ten days from
	 * /tmp, sockets in use too when it does not know them by the path that
	 * they were bound to, but keeps out of directories that are locked.
	 */
	if (dir.place == PLACE_TMP)
		flock(fd, LOCK_SH | LOCK_NB);
	memcpy(ret_path, dir.path, sizeof(dir.path));
	return fd;
}

unsigned int zti_rundir_reader_count(void)
{
	struct rundir own;

	choose_own(&own);
	return own.place == PLACE_SET || own.place == PLACE_SYSTEM ? 1 : 2;
}

int zti_rundir_open_reader(unsigned int index,
			   char ret_path[ZTI_RUNDIR_PATH_MAX])
{
	int flags = O_PATH | O_DIRECTORY | O_CLOEXEC;
	struct rundir dir;
	int fd, r;

	if (index == 0)
		r = choose_own(&dir);
	else
		r = set_rundir(&dir, PLACE_SYSTEM, 0, SYSTEM_DIR, "");
	memcpy(ret_path, dir.path, sizeof(dir.path));
	if (r < 0)
		return r;
	if (dir.place == PLACE_TMP)
		flags |= O_NOFOLLOW;
	fd = open(dir.path, flags);
	if (fd < 0)
		return -errno;
	if (dir.place == PLACE_TMP) {
		r = check_trust(fd, &dir, NULL);
		if (r < 0) {
			close(fd);
			return r;
		}
	}
	return fd;
}

/* Is the file that we have locked a plain one of ours, and still so named? */
static int check_lock_file(int fd, int dirfd, const char *file)
{
	struct stat locked, named;

	if (fstat(fd, &locked) < 0)
		return -errno;
	if (!S_ISREG(locked.st_mode) || locked.st_uid != geteuid() ||
	    locked.st_nlink > 1)
		return -EPERM;
	if (fstatat(dirfd, file, &named, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? -ESTALE : -errno;
	if (named.st_ino != locked.st_ino || named.st_dev != locked.st_dev)
		return -ESTALE;
	return 0;
}

/* -ESTALE: somebody removed the file meanwhile; there may be a new one. */
static int try_lock(int dirfd, const char *file)
{
	int fd, r;

	/* O_NONBLOCK: should the name be a fifo's. */
	fd = openat(dirfd, file, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK |
		    O_CLOEXEC, 0600);
	if (fd < 0)
		return errno == ELOOP ? -EPERM : -errno;
	do
		r = flock(fd, LOCK_EX | LOCK_NB) < 0 ? -errno : 0;
	while (r == -EINTR);
	if (r == -EWOULDBLOCK)
		r = -EADDRINUSE;
	if (r == 0)
		r = check_lock_file(fd, dirfd, file);
	if (r < 0) {
		close(fd);
		return r;
	}
	return fd;
}

/* The number in a lock file, 0 where it is not one that we wrote. */
static int read_epoch(int fd, uint64_t *ret)
{
	char text[EPOCH_DIGITS + 2] = "";
	ssize_t length = pread(fd, text, sizeof(text) - 1, 0);

	*ret = 0;
	if (length < 0)
		return -errno;
	if (length != EPOCH_DIGITS + 1 || text[EPOCH_DIGITS] != '\n' ||
	    strspn(text, "0123456789") != EPOCH_DIGITS)
		return 0;
	errno = 0;
	*ret = strtoull(text, NULL, 10);
	if (errno != 0 || *ret == UINT64_MAX)
		*ret = 0;
	return 0;
}

static int write_epoch(int fd, uint64_t epoch)
{
	char text[EPOCH_DIGITS + 2];
	struct rlimit limit;
	ssize_t written;

	/* Past RLIMIT_FSIZE the kernel would send SIGXFSZ. */
	if (getrlimit(RLIMIT_FSIZE, &limit) == 0 &&
	    limit.rlim_cur < EPOCH_DIGITS + 1)
		return -EFBIG;
	snprintf(text, sizeof(text), EPOCH_FORMAT, epoch);
	written = pwrite(fd, text, EPOCH_DIGITS + 1, 0);
	if (written < 0)
		return -errno;
	return written == EPOCH_DIGITS + 1 ? 0 : -ENOSPC;
}

int zti_lock_acquire(int dirfd, const char *name, uint64_t *ret_epoch)
{
	char file[NAME_MAX_BYTES + sizeof(".lock")];
	uint64_t epoch;
	int fd, r;

	r = snprintf(file, sizeof(file), "%s.lock", name);
	if (r < 0 || (size_t)r >= sizeof(file))
		return -ENAMETOOLONG;
	do
		fd = try_lock(dirfd, file);
	while (fd == -ESTALE);
	if (fd < 0)
		return fd;
	r = read_epoch(fd, &epoch);
	if (r >= 0)
		r = write_epoch(fd, ++epoch);
	if (r < 0) {
		close(fd);
		return r;
	}
	*ret_epoch = epoch;
	return fd;
}

/* The stream whose socket this directory entry is; false where it is none. */
static bool get_stream(const struct dirent *entry,
		       char ret_name[NAME_MAX_BYTES + 1])
{
	size_t length = strlen(entry->d_name);
	size_t stem = length - strlen(".sock");

	if (length <= strlen(".sock") || stem > NAME_MAX_BYTES ||
	    strcmp(entry->d_name + stem, ".sock") != 0)
		return false;
	if (entry->d_type != DT_SOCK && entry->d_type != DT_UNKNOWN)
		return false;
	memcpy(ret_name, entry->d_name, stem);
	ret_name[stem] = '\0';
	return zti_stream_name_check(ret_name) == 0;
}

int zti_rundir_list(int dirfd, int (*fn)(void *userdata, const char *name),
		    void *userdata)
{
	char name[NAME_MAX_BYTES + 1];
	struct dirent *entry;
	DIR *dir;
	int fd, r = 0;

	/* An O_PATH fd cannot be read, nor two readers share an offset. */
	fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	dir = fdopendir(fd);
	if (!dir) {
		r = -errno;
		close(fd);
		return r;
	}
	while (r == 0) {
		errno = 0;
		entry = readdir(dir);
		if (!entry) {
			r = -errno;
			break;
		}
		if (get_stream(entry, name))
			r = fn(userdata, name);
	}
	closedir(dir);
	return r;
}
