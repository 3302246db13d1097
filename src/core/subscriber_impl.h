/* SPDX-License-Identifier: MIT */
/*
 * The inside of a subscriber: at most one connection at a time, and between
 * two a look-out for the stream's socket. All the taking thread's; `lock` only
 * keeps forks out while descriptors come and go.
 */
#ifndef ZTI_SUBSCRIBER_IMPL_H
#define ZTI_SUBSCRIBER_IMPL_H

#include "core/connection.h"

/* A reader looks in at most so many directories. */
#define ZTI_WATCHES_MAX 2

struct zt_subscriber {
	struct zti_connection *conn;	/* NULL between two publishers */
	int64_t join_deadline;
	bool opened;			/* zt_subscriber_open() gave it out */
	bool joined;			/* it was STARTED once */
	int epoll_fd, inotify_fd, timer_fd;
	int watches[ZTI_WATCHES_MAX];	/* of inotify_fd; 0: none */
	int again_fd;			/* eventfd: see stay_readable() */
	bool again;			/* it is readable */
	uint64_t taken, dropped, wakes, reconnects;	/* of past ones */
	char reason[ZT_REASON_MAX];
	struct zt_subscriber_options options;
	struct zti_log log;
	char name[65];
	pthread_mutex_t lock;		/* against fork: see fork.h */
	struct zti_fork_entry fork_entry;
};

/* seek.c: finding the stream. */

/*
 * Connect to the stream where it is. Errors: -ENOENT, -EACCES … with the
 * reason in words.
 */
int zti_seek_stream(struct zt_subscriber *sub);

/* The same, and where it is not, see to being woken when it may be: -EAGAIN. */
int zti_seek_and_watch(struct zt_subscriber *sub);

/* No longer watch. */
void zti_seek_stop(struct zt_subscriber *sub);

/* Let go of the connection. */
void zti_drop_connection(struct zt_subscriber *sub);

/* Have `epoll_fd` readable whenever fd is. */
int zti_watch_fd(struct zt_subscriber *sub, int fd);

void zti_close_fd(int *fd);
void zti_drain_fd(int fd);

#endif
