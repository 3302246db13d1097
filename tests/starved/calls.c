/* SPDX-License-Identifier: MIT */
/*
 * The calls that the library makes and that can fail, each with the errors
 * that it plausibly gives there. Tests are linked with --wrap for every CALL()
 * here; calls.py sees to it that none of the library's is missing.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "starve.h"

#define CALL(type, name, parameters)	\
	type __real_##name parameters;	\
	type __wrap_##name parameters;	\
	type __wrap_##name parameters

static int64_t nanoseconds(const struct timespec *time)
{
	return time->tv_sec * INT64_C(1000000000) + time->tv_nsec;
}

/* Its turn to fail? */
#define fails(call, ...) starve_turn(call, (const int[]){ __VA_ARGS__, 0 })

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#define MADV_POPULATE_WRITE 23
#endif

/* ------------------------------------------------------------------------
 * Memory.
 */

CALL(void *, calloc, (size_t count, size_t size))
{
	return fails("calloc", ENOMEM) ? NULL : __real_calloc(count, size);
}

CALL(void *, realloc, (void *old, size_t size))
{
	return fails("realloc", ENOMEM) ? NULL : __real_realloc(old, size);
}

CALL(int, memfd_create, (const char *name, unsigned int flags))
{
	/* EINVAL: of a kernel that does not know a flag. */
	return fails("memfd_create", EMFILE, ENFILE, ENOMEM, EACCES, EINVAL) ?
		-1 : __real_memfd_create(name, flags);
}

CALL(int, ftruncate64, (int fd, off_t size))
{
	return fails("ftruncate", ENOMEM, EFBIG) ?
		-1 : __real_ftruncate64(fd, size);
}

CALL(int, fallocate64, (int fd, int mode, off_t offset, off_t size))
{
	return fails("fallocate", ENOSPC, ENOMEM, EINTR) ?
		-1 : __real_fallocate64(fd, mode, offset, size);
}

/* EAGAIN: it would have to be locked, and RLIMIT_MEMLOCK is reached. */
CALL(void *, mmap64, (void *address, size_t size, int protection, int flags,
		      int fd, off_t offset))
{
	return fails("mmap", ENOMEM, EAGAIN, ENFILE) ?
		MAP_FAILED : __real_mmap64(address, size, protection, flags,
					   fd, offset);
}

CALL(int, madvise, (void *address, size_t size, int advice))
{
	bool populate = advice == MADV_POPULATE_READ ||
			advice == MADV_POPULATE_WRITE;

	if (populate ? fails("madvise(populate)", ENOMEM, EFAULT, EHWPOISON,
			     EINTR, EAGAIN, EINVAL) :
		       fails("madvise", ENOMEM, EAGAIN))
		return -1;
	return __real_madvise(address, size, advice);
}

/* ------------------------------------------------------------------------
 * Files.
 */

CALL(int, open64, (const char *path, int flags, ...))
{
	va_list rest;
	mode_t mode;

	va_start(rest, flags);
	mode = flags & O_CREAT ? va_arg(rest, mode_t) : 0;
	va_end(rest);
	if (strncmp(path, "/sys/", 5) ?
		    fails("open", EMFILE, ENFILE, ENOMEM, EACCES) :
		    fails("open(/sys)", EMFILE, EACCES))
		return -1;
	return __real_open64(path, flags, mode);
}

CALL(int, openat64, (int directory, const char *path, int flags, ...))
{
	va_list rest;
	mode_t mode;

	va_start(rest, flags);
	mode = flags & O_CREAT ? va_arg(rest, mode_t) : 0;
	va_end(rest);
	return fails("openat", EMFILE, ENFILE, ENOMEM, EACCES, ENOSPC, EROFS) ?
		-1 : __real_openat64(directory, path, flags, mode);
}

/* Its number is free afterwards whatever it returns. */
CALL(int, close, (int fd))
{
	int r = __real_close(fd);

	starve_set_timer(fd, INT64_MAX, 0);
	return fails("close", EINTR) ? -1 : r;
}

CALL(FILE *, fopen64, (const char *path, const char *mode))
{
	return fails("fopen", EMFILE, ENOMEM) ?
		NULL : __real_fopen64(path, mode);
}

CALL(char *, fgets, (char *line, int size, FILE *file))
{
	return fails("fgets", EIO) ? NULL : __real_fgets(line, size, file);
}

/* What getline() is, inlined or not. */
CALL(ssize_t, getline, (char **line, size_t *size, FILE *file))
{
	return fails("getline", ENOMEM) ?
		-1 : __real_getline(line, size, file);
}

CALL(ssize_t, __getdelim, (char **line, size_t *size, int end, FILE *file))
{
	return fails("getline", ENOMEM) ?
		-1 : __real___getdelim(line, size, end, file);
}

CALL(ssize_t, pread64, (int fd, void *data, size_t size, off_t offset))
{
	return fails("pread", EIO) ?
		-1 : __real_pread64(fd, data, size, offset);
}

CALL(ssize_t, pwrite64, (int fd, const void *data, size_t size, off_t offset))
{
	return fails("pwrite", EIO, ENOSPC, EDQUOT) ?
		-1 : __real_pwrite64(fd, data, size, offset);
}

CALL(int, fcntl64, (int fd, int command, ...))
{
	va_list rest;
	int argument;

	va_start(rest, command);
	argument = command == F_ADD_SEALS ? va_arg(rest, int) : 0;
	va_end(rest);
	/* EBUSY: mapped for writing where writing was to end. */
	if (command == F_ADD_SEALS ? fails("fcntl(F_ADD_SEALS)", EPERM, EBUSY) :
				     fails("fcntl(F_GET_SEALS)", EINVAL))
		return -1;
	return __real_fcntl64(fd, command, argument);
}

CALL(int, flock, (int fd, int operation))
{
	if (operation & LOCK_UN)
		return __real_flock(fd, operation);
	return fails("flock", EINTR, ENOLCK) ?
		-1 : __real_flock(fd, operation);
}

CALL(int, mkdir, (const char *path, mode_t mode))
{
	return fails("mkdir", EACCES, ENOSPC, EROFS, ENOENT) ?
		-1 : __real_mkdir(path, mode);
}

CALL(int, fchmod, (int fd, mode_t mode))
{
	return fails("fchmod", EPERM, EROFS) ? -1 : __real_fchmod(fd, mode);
}

CALL(int, fchmodat, (int directory, const char *path, mode_t mode, int flags))
{
	return fails("fchmodat", EPERM, EROFS) ?
		-1 : __real_fchmodat(directory, path, mode, flags);
}

CALL(int, fchownat, (int directory, const char *path, uid_t uid, gid_t gid,
		     int flags))
{
	return fails("fchownat", EPERM, EROFS) ?
		-1 : __real_fchownat(directory, path, uid, gid, flags);
}

CALL(int, fstat64, (int fd, struct stat *status))
{
	return fails("fstat", EIO) ? -1 : __real_fstat64(fd, status);
}

/* ENOENT: somebody has just removed the file. */
CALL(int, fstatat64, (int directory, const char *path, struct stat *status,
		      int flags))
{
	return fails("fstatat", EIO, ENOENT) ?
		-1 : __real_fstatat64(directory, path, status, flags);
}

CALL(int, renameat, (int from, const char *old, int to, const char *name))
{
	return fails("renameat", EACCES, ENOSPC, EROFS, EIO) ?
		-1 : __real_renameat(from, old, to, name);
}

CALL(int, unlinkat, (int directory, const char *path, int flags))
{
	return fails("unlinkat", EACCES, EROFS, EIO) ?
		-1 : __real_unlinkat(directory, path, flags);
}

CALL(DIR *, fdopendir, (int fd))
{
	return fails("fdopendir", ENOMEM) ? NULL : __real_fdopendir(fd);
}

CALL(struct dirent *, readdir64, (DIR *dir))
{
	return fails("readdir", EIO) ? NULL : __real_readdir64(dir);
}

/* ------------------------------------------------------------------------
 * Sockets.
 */

CALL(int, socket, (int domain, int type, int protocol))
{
	return fails("socket", EMFILE, ENFILE, ENOBUFS, ENOMEM, EACCES) ?
		-1 : __real_socket(domain, type, protocol);
}

CALL(int, bind, (int fd, const struct sockaddr *address, socklen_t size))
{
	return fails("bind", EACCES, ENOSPC, ENOMEM, EROFS) ?
		-1 : __real_bind(fd, address, size);
}

CALL(int, listen, (int fd, int backlog))
{
	return fails("listen", EACCES) ? -1 : __real_listen(fd, backlog);
}

/* ENOENT, ECONNREFUSED: the publisher is going just now. */
CALL(int, connect, (int fd, const struct sockaddr *address, socklen_t size))
{
	return fails("connect", EACCES, ENOENT, ECONNREFUSED, EAGAIN, ENOMEM,
		     EINTR) ?
		-1 : __real_connect(fd, address, size);
}

CALL(int, accept4, (int fd, struct sockaddr *address, socklen_t *size,
		    int flags))
{
	return fails("accept4", EMFILE, ENFILE, ENOMEM, ENOBUFS, EPERM, EINTR,
		     ECONNABORTED) ?
		-1 : __real_accept4(fd, address, size, flags);
}

CALL(int, getsockopt, (int fd, int level, int name, void *value,
		       socklen_t *size))
{
	return fails("getsockopt", EACCES) ?
		-1 : __real_getsockopt(fd, level, name, value, size);
}

CALL(int, setsockopt, (int fd, int level, int name, const void *value,
		       socklen_t size))
{
	return fails("setsockopt", ENOPROTOOPT) ?
		-1 : __real_setsockopt(fd, level, name, value, size);
}

CALL(int, shutdown, (int fd, int how))
{
	int r = __real_shutdown(fd, how);

	return fails("shutdown", ENOTCONN) ? -1 : r;
}

/* ETOOMANYREFS: this user has as many descriptors under way as it may. */
CALL(ssize_t, sendmsg, (int fd, const struct msghdr *message, int flags))
{
	if (starve_is_mute()) {
		errno = EPIPE;
		return -1;
	}
	if (message->msg_controllen ?
		    fails("sendmsg(fds)", ENOBUFS, ENOMEM, EINTR, ETOOMANYREFS) :
		    fails("sendmsg", ENOBUFS, ENOMEM, EINTR))
		return -1;
	return __real_sendmsg(fd, message, flags);
}

static void close_all(struct msghdr *message)
{
	struct cmsghdr *part = CMSG_FIRSTHDR(message);
	size_t count, i;
	int fd;

	for (; part; part = CMSG_NXTHDR(message, part)) {
		count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(fd);
		for (i = 0; i < count; i++) {
			memcpy(&fd, CMSG_DATA(part) + i * sizeof(fd),
			       sizeof(fd));
			__real_close(fd);
		}
	}
	message->msg_controllen = 0;
}

/* EMFILE: as the kernel tells it, by the message without its descriptors. */
CALL(ssize_t, recvmsg, (int fd, struct msghdr *message, int flags))
{
	ssize_t received;

	if (fails("recvmsg", ENOMEM, ENOBUFS, EINTR))
		return -1;
	received = __real_recvmsg(fd, message, flags);
	if (received > 0 && message->msg_controllen &&
	    fails("recvmsg(fds)", EMFILE)) {
		close_all(message);
		message->msg_flags |= MSG_CTRUNC;
	}
	return received;
}

/* ------------------------------------------------------------------------
 * Waiting.
 */

CALL(int, epoll_create1, (int flags))
{
	return fails("epoll_create1", EMFILE, ENFILE, ENOMEM) ?
		-1 : __real_epoll_create1(flags);
}

/* Only adding takes memory. ENOSPC: max_user_watches is reached. */
CALL(int, epoll_ctl, (int epoll, int what, int fd, struct epoll_event *event))
{
	if (what == EPOLL_CTL_ADD && fails("epoll_ctl(ADD)", ENOMEM, ENOSPC))
		return -1;
	return __real_epoll_ctl(epoll, what, fd, event);
}

CALL(int, epoll_wait, (int epoll, struct epoll_event *events, int size,
		       int timeout_ms))
{
	return fails("epoll_wait", EINTR) ?
		-1 : __real_epoll_wait(epoll, events, size, timeout_ms);
}

CALL(int, eventfd, (unsigned int count, int flags))
{
	return fails("eventfd", EMFILE, ENFILE, ENOMEM, ENODEV) ?
		-1 : __real_eventfd(count, flags);
}

CALL(int, timerfd_create, (int clock, int flags))
{
	return fails("timerfd_create", EMFILE, ENFILE, ENOMEM, ENODEV) ?
		-1 : __real_timerfd_create(clock, flags);
}

CALL(int, inotify_init1, (int flags))
{
	return fails("inotify_init1", EMFILE, ENFILE, ENOMEM) ?
		-1 : __real_inotify_init1(flags);
}

CALL(int, inotify_add_watch, (int fd, const char *path, uint32_t mask))
{
	return fails("inotify_add_watch", ENOSPC, ENOMEM, EACCES, ENOENT) ?
		-1 : __real_inotify_add_watch(fd, path, mask);
}

CALL(int, ppoll, (struct pollfd *fds, nfds_t count,
		  const struct timespec *timeout, const sigset_t *mask))
{
	if (fails("ppoll", EINTR, ENOMEM))
		return -1;
	if (count != 1 || mask)
		return __real_ppoll(fds, count, timeout, mask);
	return starve_sleep(fds, timeout ? nanoseconds(timeout) : INT64_MAX);
}

/* Sleeping takes no time: see starve.h. */
CALL(int, clock_gettime, (clockid_t clock, struct timespec *ret))
{
	int r = __real_clock_gettime(clock, ret);
	int64_t now = nanoseconds(ret) + starve_slept_ns();

	ret->tv_sec = now / 1000000000;
	ret->tv_nsec = now % 1000000000;
	return r;
}

CALL(int, timerfd_settime, (int fd, int flags, const struct itimerspec *when,
			    struct itimerspec *ret_old))
{
	int64_t at = nanoseconds(&when->it_value);

	(void)ret_old;
	if (!at)
		at = INT64_MAX;
	else if (!(flags & TFD_TIMER_ABSTIME))
		at += starve_now_ns();
	starve_set_timer(fd, at, nanoseconds(&when->it_interval));
	return 0;
}

/* ------------------------------------------------------------------------
 * Threads. These return their error.
 */

CALL(int, pthread_create, (pthread_t *thread, const pthread_attr_t *attributes,
			   void *(*run)(void *), void *argument))
{
	return fails("pthread_create", EAGAIN, EPERM) ?
		errno : __real_pthread_create(thread, attributes, run,
					      argument);
}

CALL(int, pthread_atfork, (void (*prepare)(void), void (*parent)(void),
			   void (*child)(void)))
{
	return fails("pthread_atfork", ENOMEM) ?
		errno : __real_pthread_atfork(prepare, parent, child);
}
