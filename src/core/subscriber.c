/* SPDX-License-Identifier: MIT */
/* The life of a subscriber: joining, waiting, coming back. */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "core/options.h"
#include "core/subscriber_impl.h"
#include "os/clock.h"
#include "os/rundir.h"

static void in_child(struct zti_fork_entry *entry)
{
	struct zt_subscriber *sub = (struct zt_subscriber *)(
		(char *)entry - offsetof(struct zt_subscriber, fork_entry));

	zti_close_fd(&sub->again_fd);
	zti_close_fd(&sub->epoll_fd);
	zti_close_fd(&sub->inotify_fd);
	zti_close_fd(&sub->timer_fd);
}

/* The end of a connection that was not joined yet. */
static int join_failed(struct zt_subscriber *sub)
{
	int r = sub->conn->error ? sub->conn->error : -ECONNRESET;

	memcpy(sub->reason, sub->conn->reason, sizeof(sub->reason));
	zti_drop_connection(sub);
	/* It died just then: look for the next one. */
	if (r == -ECONNRESET && (sub->opened ||
				 (sub->options.flags & ZT_SUBSCRIBER_WAIT)))
		return 0;
	return r;
}

static int joining(struct zt_subscriber *sub)
{
	zti_connection_process(sub->conn);
	switch (sub->conn->state) {
	case ZTI_CONNECTION_STARTED:
		if (sub->joined)
			sub->reconnects++;
		sub->joined = true;
		return 0;
	case ZTI_CONNECTION_ENDED:
	case ZTI_CONNECTION_DEAD:
		return join_failed(sub);
	default:
		break;
	}
	if (sub->conn->later || zti_now_ns() < sub->join_deadline)
		return -EAGAIN;
	zti_drop_connection(sub);
	snprintf(sub->reason, sizeof(sub->reason),
		 "the publisher of %s does not answer: it may be stopped",
		 sub->name);
	return -ETIMEDOUT;
}

/* The publisher is gone and all it left is taken. */
static int ended(struct zt_subscriber *sub)
{
	struct zti_connection *conn = sub->conn;

	if (conn->state == ZTI_CONNECTION_ENDED) {
		snprintf(sub->reason, sizeof(sub->reason),
			 "the stream %s has ended", sub->name);
		return -EPIPE;
	}
	memcpy(sub->reason, conn->reason, sizeof(sub->reason));
	if (conn->error)
		return conn->error;
	/* It died before it could say that it had put us out. */
	if (conn->delivery == ZT_LOSSLESS &&
	    atomic_load_explicit(&conn->board->published.word,
				 memory_order_relaxed) > conn->last) {
		conn->evicted = true;
		snprintf(conn->reason, sizeof(conn->reason),
			 "evicted from %s by a publisher that is gone now",
			 sub->name);
		memcpy(sub->reason, conn->reason, sizeof(sub->reason));
		return -ESHUTDOWN;
	}
	if (sub->options.flags & ZT_SUBSCRIBER_NO_RECONNECT)
		return -ECONNRESET;
	zti_log(&sub->log, 5, "%s: the publisher is gone; waiting for the next",
		sub->name);
	zti_drop_connection(sub);
	return 0;
}

/*
 * A WAKE that we have read may stand for more frames than the one at hand:
 * zt_subscriber_fd() has to stay readable without it.
 */
static void stay_readable(struct zt_subscriber *sub)
{
	uint64_t one = 1;

	if (!sub->again)
		sub->again = write(sub->again_fd, &one, sizeof(one)) > 0;
}

/*
 * Nothing is there for us. Read the socket (a WAKE may be in it), then say that
 * we wait, then look once more: see `waiting` in layout.h.
 */
static int settle(struct zt_subscriber *sub, const struct zt_frame **ret_frame)
{
	struct zti_connection *conn = sub->conn;
	int r;

	if (!conn)
		return zti_seek_and_watch(sub);
	if (conn->state < ZTI_CONNECTION_STARTED)
		return joining(sub);
	zti_connection_process(conn);
	/* Once we hung up, what is offered is no longer ours to take. */
	if (conn->error)
		return ended(sub);
	if (sub->again) {
		sub->again = false;
		zti_drain_fd(sub->again_fd);
	}
	atomic_store_explicit(&conn->page->waiting.word, 1,
			      memory_order_seq_cst);
	atomic_thread_fence(memory_order_seq_cst);
	r = zti_connection_next(conn, ret_frame);
	if (r == 0)
		stay_readable(sub);
	if (r != -EAGAIN)
		return r < 0 ? r : 1;
	if (conn->evicted) {
		memcpy(sub->reason, conn->reason, sizeof(sub->reason));
		return -ESHUTDOWN;
	}
	if (conn->state != ZTI_CONNECTION_STARTED)
		return ended(sub);
	if (zti_connection_pay(conn) < 0) {
		snprintf(sub->reason, sizeof(sub->reason),
			 "cannot tell the publisher what was released: there is no memory to send a message");
		return -ENOMEM;
	}
	return -EAGAIN;
}

static int sleep_until(struct zt_subscriber *sub, int64_t deadline)
{
	bool joined = sub->conn && sub->conn->state == ZTI_CONNECTION_STARTED;
	struct pollfd pfd = {
		.fd = joined ? sub->conn->socket : sub->epoll_fd,
		.events = POLLIN,
	};
	int64_t left;
	struct timespec ts;
	int n;

	if (sub->conn && !joined && !sub->conn->later &&
	    sub->join_deadline < deadline)
		deadline = sub->join_deadline;
	left = deadline - zti_now_ns();
	if (left < 0)
		left = 0;
	ts.tv_sec = left / 1000000000;
	ts.tv_nsec = left % 1000000000;
	n = ppoll(&pfd, 1, deadline == INT64_MAX ? NULL : &ts, NULL);
	sub->wakes += n > 0;
	return n < 0 ? -errno : 0;
}

/* The publisher has something to say, and frames may keep coming: answer. */
static void answer(struct zt_subscriber *sub)
{
	sub->conn->read_any = false;
	zti_connection_process(sub->conn);
	if (sub->conn->read_any)
		stay_readable(sub);
}

/* The first look, which is all there is to do while frames keep coming. */
static int look(struct zt_subscriber *sub, const struct zt_frame **ret_frame)
{
	struct zti_connection *conn = sub->conn;

	if (!conn || conn->state < ZTI_CONNECTION_STARTED || conn->error)
		return -EAGAIN;
	if (atomic_load_explicit(&conn->page->messages.word,
				 memory_order_relaxed) != conn->messages_seen)
		answer(sub);
	return zti_connection_next(conn, ret_frame);
}

static void relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
	__builtin_ia32_pause();
#endif
}

/* Look on for a while before sleeping. */
static int spin(struct zt_subscriber *sub, int64_t deadline,
		const struct zt_frame **ret_frame)
{
	int64_t until = zti_now_ns() + (int64_t)sub->options.spin_ns;

	if (deadline < until)
		until = deadline;
	do {
		for (int i = 0; i < 256; i++) {
			int r = look(sub, ret_frame);

			if (r != -EAGAIN)
				return r;
			if (i % 8 == 7)
				relax();
		}
	} while (zti_now_ns() < until);
	return -EAGAIN;
}

static int take(struct zt_subscriber *sub, int64_t deadline, bool wait,
		const struct zt_frame **ret_frame)
{
	for (;;) {
		int r = look(sub, ret_frame);

		if (r == -EAGAIN && wait && sub->options.spin_ns && sub->conn &&
		    sub->conn->state == ZTI_CONNECTION_STARTED)
			r = spin(sub, deadline, ret_frame);
		if (r != -EAGAIN)
			return r;
		pthread_mutex_lock(&sub->lock);
		r = settle(sub, ret_frame);
		pthread_mutex_unlock(&sub->lock);
		if (r > 0)
			return 0;
		if (!r)
			continue;
		if (r != -EAGAIN || !wait)
			return r;
		if (zti_now_ns() >= deadline)
			return -ETIMEDOUT;
		r = sleep_until(sub, deadline);
		if (r < 0 && r != -EINTR)
			snprintf(sub->reason, sizeof(sub->reason),
				 "cannot wait for a frame: %s", strerror(-r));
		if (r < 0)
			return r;
	}
}

static int64_t deadline_of(int64_t timeout_ns)
{
	int64_t now = zti_now_ns();

	if (timeout_ns < 0 || timeout_ns > INT64_MAX - now)
		return INT64_MAX;
	return now + timeout_ns;
}

int zt_take(struct zt_subscriber *sub, int64_t timeout_ns,
	    const struct zt_frame **ret_frame)
{
	int r;

	if (!sub || !ret_frame)
		return -EINVAL;
	if (zti_forked(&sub->fork_entry))
		return -ECHILD;
	/* The way of nearly every frame: no clock, no lock. */
	r = look(sub, ret_frame);
	if (r == 0)
		return 0;
	sub->reason[0] = '\0';
	if (r == -EAGAIN)
		r = take(sub, timeout_ns ? deadline_of(timeout_ns) : 0,
			 timeout_ns != 0, ret_frame);
	if (r == -EBUSY)
		snprintf(sub->reason, sizeof(sub->reason),
			 "all %u frames that may be held are: release one, or open with more held or depth",
			 sub->conn->bound);
	else if (r == -EPROTO && sub->conn)
		memcpy(sub->reason, sub->conn->reason, sizeof(sub->reason));
	return r;
}

static int check_options(struct zt_subscriber_options *options, char *reason)
{
	if (options->delivery > ZT_LOSSLESS || options->held > ZTI_SLOTS_MAX ||
	    options->depth > ZTI_SLOTS_MAX ||
	    (options->flags & ~(uint32_t)(ZT_SUBSCRIBER_WAIT |
					  ZT_SUBSCRIBER_NO_RECONNECT))) {
		snprintf(reason, ZT_REASON_MAX,
			 "the options ask for what cannot be: an unknown delivery or flag, or over %d frames",
			 ZTI_SLOTS_MAX);
		return -EINVAL;
	}
	if (!options->held)
		options->held = 1;
	if (!options->depth)
		options->depth = 4;
	if (!options->join_timeout_ns)
		options->join_timeout_ns = 5000000000ULL;
	if (options->join_timeout_ns > INT64_MAX / 2)
		options->join_timeout_ns = INT64_MAX / 2;
	if (options->spin_ns > INT64_MAX / 2)
		options->spin_ns = INT64_MAX / 2;
	return 0;
}

/* Join at once where the stream is there. */
static int first_join(struct zt_subscriber *sub)
{
	int r;

	pthread_mutex_lock(&sub->lock);
	r = zti_seek_stream(sub);
	if (r == -ENOENT && (sub->options.flags & ZT_SUBSCRIBER_WAIT))
		r = zti_seek_and_watch(sub);
	pthread_mutex_unlock(&sub->lock);
	if (r == -EAGAIN && (sub->options.flags & ZT_SUBSCRIBER_WAIT))
		return 0;
	while (r >= 0 && sub->conn) {
		pthread_mutex_lock(&sub->lock);
		r = joining(sub);
		pthread_mutex_unlock(&sub->lock);
		if (r == 0 || (r == -EAGAIN && sub->conn->later)) {
			r = 0;
			break;
		}
		if (r == -EAGAIN)
			r = sleep_until(sub, INT64_MAX);
		/* A signal does not leave a join half done. */
		if (r == -EINTR)
			r = 0;
	}
	return r;
}

static void destroy(struct zt_subscriber *sub)
{
	zti_fork_unregister(&sub->fork_entry);
	zti_drop_connection(sub);
	zti_seek_stop(sub);
	zti_close_fd(&sub->inotify_fd);
	zti_close_fd(&sub->again_fd);
	zti_close_fd(&sub->epoll_fd);
	pthread_mutex_destroy(&sub->lock);
	free(sub);
}

static struct zt_subscriber *allocate(const char *name,
				      const struct zt_subscriber_options *opts)
{
	struct zt_subscriber *sub = calloc(1, sizeof(*sub));

	if (!sub)
		return NULL;
	sub->options = *opts;
	sub->log.fn = opts->log;
	sub->log.userdata = opts->log_userdata;
	memccpy(sub->name, name, '\0', sizeof(sub->name) - 1);
	sub->epoll_fd = sub->inotify_fd = -1;
	sub->timer_fd = sub->again_fd = -1;
	pthread_mutex_init(&sub->lock, NULL);
	return sub;
}

static int set_up(struct zt_subscriber *sub)
{
	int r = zti_fork_register(&sub->fork_entry, &sub->lock, in_child);

	if (r < 0)
		return r;
	pthread_mutex_lock(&sub->lock);
	sub->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	sub->again_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	r = sub->epoll_fd < 0 || sub->again_fd < 0 ?
		-errno : zti_watch_fd(sub, sub->again_fd);
	pthread_mutex_unlock(&sub->lock);
	return r < 0 ? r : first_join(sub);
}

int zt_subscriber_open(const char *name,
		       const struct zt_subscriber_options *options,
		       struct zt_subscriber **ret_subscriber, char *ret_reason)
{
	struct zt_subscriber_options own;
	char reason[ZT_REASON_MAX] = "";
	struct zt_subscriber *sub;
	int r;

	if (!ret_subscriber)
		return -EINVAL;
	r = zti_options_copy(&own, sizeof(own), options, reason);
	if (r >= 0)
		r = check_options(&own, reason);
	if (r >= 0 && zti_stream_name_check(name) < 0) {
		snprintf(reason, sizeof(reason),
			 "a stream's name is 1 to 64 of A-Z a-z 0-9 . _ - and does not begin with a dot");
		r = -EINVAL;
	}
	if (r < 0)
		goto out;
	sub = allocate(name, &own);
	r = sub ? set_up(sub) : -ENOMEM;
	if (r < 0) {
		if (sub && sub->reason[0])
			memcpy(reason, sub->reason, sizeof(reason));
		else
			snprintf(reason, sizeof(reason),
				 "cannot join the stream: %s", strerror(-r));
		if (sub)
			destroy(sub);
		goto out;
	}
	sub->opened = true;
	*ret_subscriber = sub;
	return 0;
out:
	if (ret_reason)
		memcpy(ret_reason, reason, sizeof(reason));
	return r;
}

void zt_subscriber_close(struct zt_subscriber *sub)
{
	if (sub && !zti_forked(&sub->fork_entry))
		destroy(sub);
}

int zt_subscriber_fd(struct zt_subscriber *sub)
{
	if (!sub)
		return -EINVAL;
	return zti_forked(&sub->fork_entry) ? -ECHILD : sub->epoll_fd;
}

int zt_subscriber_get_stats(struct zt_subscriber *sub,
			    struct zt_subscriber_stats *stats)
{
	struct zt_subscriber_stats own = { 0 };

	if (!sub || !stats || stats->size < sizeof(stats->size))
		return -EINVAL;
	if (zti_forked(&sub->fork_entry))
		return -ECHILD;
	own.size = stats->size;
	own.taken = sub->taken;
	own.dropped = sub->dropped;
	own.wakes = sub->wakes;
	own.reconnects = sub->reconnects;
	if (sub->conn) {
		own.taken += sub->conn->taken;
		own.dropped += sub->conn->dropped;
		own.memory = sub->conn->memory;
		own.epoch = (uint32_t)sub->conn->epoch;
		own.held = atomic_load_explicit(&sub->conn->held,
						memory_order_relaxed);
	}
	memcpy(stats, &own, own.size < sizeof(own) ? own.size : sizeof(own));
	return 0;
}

const char *zt_subscriber_reason(struct zt_subscriber *sub)
{
	return sub ? sub->reason : "";
}
