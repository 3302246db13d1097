/* SPDX-License-Identifier: MIT */
/*
 * Runtime directories, and what lies in them besides sockets: the lock file of
 * each stream.
 *
 * A publisher's directory is the first of these that applies:
 *
 *	$ZOETROPE_DIR			0755 when made
 *	$XDG_RUNTIME_DIR/zoetrope	0700 when made
 *	/run/zoetrope			for root; 0755 when made
 *	/tmp/zoetrope-<uid>		0700; its owner is checked
 *
 * An XDG_RUNTIME_DIR that is not an existing directory of this user's own
 * (as after `su`) does not apply. Both variables must be absolute paths: a
 * relative XDG_RUNTIME_DIR does not apply, a relative ZOETROPE_DIR is refused;
 * both are ignored in a set-uid program. A reader looks in $ZOETROPE_DIR alone
 * where that is set, else in its own directory, then in /run/zoetrope.
 *
 * The environment is read on each call; no other state: any thread.
 */
#ifndef ZTI_OS_RUNDIR_H
#define ZTI_OS_RUNDIR_H

#include <stdint.h>

/** Bytes that the path of a runtime directory may take, its end included. */
#define ZTI_RUNDIR_PATH_MAX 192

/**
 * 0 where name is 1 to 64 of A-Za-z0-9._- and begins with no dot; else, and
 * for NULL, -EINVAL.
 */
int zti_stream_name_check(const char *name);

/**
 * Open the publisher's directory, and make it where it is missing. Its parent
 * is not made. A directory in a place that others can write to is refused
 * unless it is our own, no symlink, and closed to others' writing.
 *
 * Returns an fd for openat() and the like, to be held as long as the stream
 * lives (it keeps cleaners of /tmp away), or a negative errno. ret_path holds
 * the path on success.
 */
int zti_rundir_open_publisher(char ret_path[ZTI_RUNDIR_PATH_MAX],
			      char *ret_reason);

/** How many directories a reader looks in: 1 or 2. */
unsigned int zti_rundir_reader_count(void);

/**
 * Open the index-th of them, as O_PATH. Returns an fd; -ENOENT, there is no
 * such directory; -EPERM, it lies in /tmp and is not our own, or others can write
 * to it; -ENAMETOOLONG; -EINVAL, not an absolute path; or another negative
 * errno. ret_path holds the path, whatever is returned: "" where it is too
 * long.
 */
int zti_rundir_open_reader(unsigned int index,
			   char ret_path[ZTI_RUNDIR_PATH_MAX]);

/**
 * Take the name of a stream: lock <name>.lock, made where it is missing, and
 * count its epoch, which stands in it, up by one. What stands there and is no
 * epoch (a crash of the machine, a stranger) counts as 0.
 *
 * Returns an fd that holds the name until it is closed, which the death of
 * the process does as well. The lock belongs to the open file: a forked child
 * that has inherited the fd holds the name too until it closes it.
 * -EADDRINUSE, another publisher has the name; -EPERM, the file is not a plain
 * file of our own; or another negative errno.
 */
int zti_lock_acquire(int dirfd, const char *name, uint64_t *ret_epoch);

/**
 * Call fn with the name of each stream that has a socket in the directory,
 * dead ones too, in no order, until it returns something other than 0. Returns
 * that, or 0, or a negative errno.
 */
int zti_rundir_list(int dirfd, int (*fn)(void *userdata, const char *name),
		    void *userdata);

#endif
