/* SPDX-License-Identifier: MIT */
/*
 * Finding a stream, and being woken when it may have come. `epoll_fd` holds
 * whatever would wake the subscriber: the connection's socket, or a watch on
 * the runtime directories and a timer.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "core/subscriber_impl.h"
#include "os/clock.h"
#include "os/rundir.h"

/* A directory that is not there yet cannot be watched: look this often. */
#define LOOK_INTERVAL_NS 200000000

int zti_watch_fd(struct zt_subscriber *sub, int fd)
{
	struct epoll_event event = { .events = EPOLLIN };

	if (epoll_ctl(sub->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0)
		return -errno;
	return 0;
}

void zti_close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

void zti_seek_stop(struct zt_subscriber *sub)
{
	/* See zti_peer_kill() for why closing alone will not do. */
	epoll_ctl(sub->epoll_fd, EPOLL_CTL_DEL, sub->inotify_fd, NULL);
	epoll_ctl(sub->epoll_fd, EPOLL_CTL_DEL, sub->timer_fd, NULL);
	zti_close_fd(&sub->timer_fd);
	/* To close it with watches takes the kernel tens of milliseconds,
	   and a frame may be there: it is kept for the next time. */
	for (unsigned int i = 0; i < ZTI_WATCHES_MAX; i++)
		if (sub->watches[i] > 0)
			inotify_rm_watch(sub->inotify_fd, sub->watches[i]);
	memset(sub->watches, 0, sizeof(sub->watches));
}

/*
 * Be woken when the stream may be there: by the directories, and now and then
 * for what they do not tell (one made later, inotify instances used up).
 */
static int start_looking(struct zt_subscriber *sub)
{
	struct itimerspec spec = { .it_value = { 0, LOOK_INTERVAL_NS },
				   .it_interval = { 0, LOOK_INTERVAL_NS } };

	sub->timer_fd = timerfd_create(CLOCK_MONOTONIC,
				       TFD_CLOEXEC | TFD_NONBLOCK);
	if (sub->timer_fd < 0 ||
	    timerfd_settime(sub->timer_fd, 0, &spec, NULL) < 0)
		return -errno;
	if (sub->inotify_fd < 0)
		sub->inotify_fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	for (unsigned int i = 0;
	     sub->inotify_fd >= 0 && i < ZTI_WATCHES_MAX &&
	     i < zti_rundir_reader_count(); i++) {
		char path[ZTI_RUNDIR_PATH_MAX];
		int fd = zti_rundir_open_reader(i, path);

		if (fd < 0)
			continue;
		close(fd);
		sub->watches[i] = inotify_add_watch(sub->inotify_fd, path,
						    IN_CREATE | IN_MOVED_TO);
	}
	if (sub->inotify_fd >= 0 && zti_watch_fd(sub, sub->inotify_fd) < 0)
		zti_close_fd(&sub->inotify_fd);
	return zti_watch_fd(sub, sub->timer_fd);
}

void zti_drain_fd(int fd)
{
	char buffer[4096]
		__attribute__((aligned(__alignof__(struct inotify_event))));

	while (fd >= 0 && read(fd, buffer, sizeof(buffer)) > 0)
		continue;
}

/* Connect to the first directory's that answers. */
static int connect_any(struct zt_subscriber *sub)
{
	int result = -ENOENT;

	for (unsigned int i = 0; i < zti_rundir_reader_count(); i++) {
		char path[ZTI_RUNDIR_PATH_MAX];
		int fd = zti_rundir_open_reader(i, path), r;

		if (fd < 0) {
			if (fd != -ENOENT)
				result = fd;
			continue;
		}
		r = zti_connection_open(fd, sub->name, ZTI_ROLE_SUBSCRIBER,
					&sub->options, &sub->conn);
		close(fd);
		if (r >= 0)
			return 0;
		/* A socket that nobody listens on is a dead publisher's. */
		if (r != -ENOENT && r != -ECONNREFUSED)
			result = r;
	}
	return result;
}

static int connect_failed(struct zt_subscriber *sub, int error)
{
	if (error == -ENOENT)
		snprintf(sub->reason, sizeof(sub->reason),
			 "no publisher has the stream %s: start one, or wait for it",
			 sub->name);
	else if (error == -EACCES)
		snprintf(sub->reason, sizeof(sub->reason),
			 "you may not join the stream %s: ask its owner for --mode or --group that let you",
			 sub->name);
	else
		snprintf(sub->reason, sizeof(sub->reason),
			 "cannot connect to the stream %s: %s", sub->name,
			 strerror(-error));
	return error;
}

/* Look for the stream. 0: connected, not joined yet. */
int zti_seek_stream(struct zt_subscriber *sub)
{
	int r;

	zti_drain_fd(sub->inotify_fd);
	zti_drain_fd(sub->timer_fd);
	r = connect_any(sub);
	if (r < 0)
		return connect_failed(sub, r);
	zti_seek_stop(sub);
	sub->join_deadline = zti_now_ns() +
			     (int64_t)sub->options.join_timeout_ns;
	r = zti_watch_fd(sub, sub->conn->socket);
	if (r < 0) {
		zti_drop_connection(sub);
		return connect_failed(sub, r);
	}
	return 0;
}

void zti_drop_connection(struct zt_subscriber *sub)
{
	struct zti_connection *conn = sub->conn;

	if (!conn)
		return;
	sub->conn = NULL;
	if (sub->again)
		zti_drain_fd(sub->again_fd);
	sub->again = false;
	sub->taken += conn->taken;
	sub->dropped += conn->dropped;
	epoll_ctl(sub->epoll_fd, EPOLL_CTL_DEL, conn->socket, NULL);
	zti_connection_close(conn);
}

/* Between two publishers: -EAGAIN, or 0 when there is a connection. */
int zti_seek_and_watch(struct zt_subscriber *sub)
{
	int r = zti_seek_stream(sub);

	if (r != -ENOENT && r != -EAGAIN)
		return r;
	if (sub->timer_fd < 0) {
		r = start_looking(sub);
		if (r < 0) {
			zti_seek_stop(sub);
			snprintf(sub->reason, sizeof(sub->reason),
				 "cannot wait for the stream %s: %s",
				 sub->name, strerror(-r));
			return r;
		}
		/* It may have come before we watched. */
		r = zti_seek_stream(sub);
	}
	return r == -ENOENT ? -EAGAIN : r;
}
