/* SPDX-License-Identifier: MIT */
/*
 * The service: one epoll set over the listening socket, the peers, the kick
 * and a timer. Run by a thread of ours, or by whoever dispatches. It sleeps
 * without `serving` and works under it. Peers are freed here and nowhere else,
 * so the events in hand never point at one that is gone.
 */
#include <errno.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "core/peer.h"
#include "core/publisher_impl.h"
#include "os/clock.h"

#define EVENTS_MAX 64
#define ROWS_INTERVAL_NS 250000000LL
#define REST_NS 100000000LL

static void signal_fd(int fd)
{
	uint64_t one = 1;
	ssize_t n = write(fd, &one, sizeof(one));

	/* EAGAIN: it is readable already. */
	(void)n;
}

static void drain_fd(int fd)
{
	uint64_t count;
	ssize_t n = read(fd, &count, sizeof(count));

	/* EAGAIN: a spurious wake-up. */
	(void)n;
}

void zti_kick(struct zt_publisher *pub)
{
	signal_fd(pub->kick_fd);
}

/*
 * Something could not be sent: try again in a while. We may be a loan, and
 * the service, which has the timer, asleep.
 */
void zti_tell_later(struct zt_publisher *pub)
{
	if (!pub->tell_again)
		zti_kick(pub);
	pub->tell_again = true;
}

/*
 * Pairs with wait_for_slot(): it says that it waits (seq_cst), then looks; we
 * have changed something (seq_cst), and look whether it waits.
 */
void zti_wake_loan(struct zt_publisher *pub)
{
	if (atomic_load_explicit(&pub->loan_waits_now, memory_order_seq_cst))
		signal_fd(pub->loan_fd);
}

static void handle_event(struct zt_publisher *pub,
			 const struct epoll_event *event)
{
	struct zti_peer *peer = event->data.ptr;

	if (event->data.ptr == &pub->listen_fd)
		zti_peers_accept(pub);
	else if (event->data.ptr == &pub->kick_fd)
		drain_fd(pub->kick_fd);
	else if (event->data.ptr == &pub->timer_fd)
		drain_fd(pub->timer_fd);
	else if (peer->state != ZTI_PEER_DEAD)
		zti_peer_read(pub, peer);
}

static void set_timer(struct zt_publisher *pub, int64_t at)
{
	struct itimerspec spec = { 0 };

	if (at == pub->timer_at)
		return;
	pub->timer_at = at;
	if (at != INT64_MAX) {
		spec.it_value.tv_sec = at / 1000000000;
		spec.it_value.tv_nsec = at % 1000000000;
	}
	timerfd_settime(pub->timer_fd, TFD_TIMER_ABSTIME, &spec, NULL);
}

/* What is due by the clock; arms the timer for the next time. */
static void keep_time(struct zt_publisher *pub)
{
	int64_t now = zti_now_ns();
	int64_t next = zti_peers_expire(pub, now);

	if (pub->tell_again && now >= pub->timer_at) {
		pub->tell_again = atomic_load_explicit(&pub->to_wake,
						       memory_order_relaxed);
		zti_peers_tell(pub);
	}
	if (pub->listen_rests && now >= pub->timer_at) {
		struct epoll_event event = { .events = EPOLLIN,
					     .data.ptr = &pub->listen_fd };

		pub->listen_rests =
			epoll_ctl(pub->epoll_fd, EPOLL_CTL_MOD, pub->listen_fd,
				  &event) < 0;
	}
	if ((pub->listen_rests || pub->tell_again) && now + REST_NS < next)
		next = now + REST_NS;
	if (pub->monitor_count) {
		if (now >= pub->rows_at) {
			zti_rows_write(pub);
			pub->rows_at = now + ROWS_INTERVAL_NS;
		}
		if (pub->rows_at < next)
			next = pub->rows_at;
	}
	set_timer(pub, next);
}

/* Serve once, waiting up to timeout_ms (-1: for ever). Returns the events. */
int zti_serve(struct zt_publisher *pub, int timeout_ms)
{
	struct epoll_event events[EVENTS_MAX];
	int n = epoll_wait(pub->epoll_fd, events, EVENTS_MAX, timeout_ms);

	if (n < 0)
		return -errno;
	pthread_mutex_lock(&pub->serving);
	zti_peers_attend(pub);
	for (int i = 0; i < n; i++)
		handle_event(pub, &events[i]);
	if (atomic_load_explicit(&pub->retiring, memory_order_relaxed))
		zti_segments_collect(pub);
	zti_peers_reap(pub);
	keep_time(pub);
	pthread_mutex_unlock(&pub->serving);
	return n;
}

static void *run(void *arg)
{
	struct zt_publisher *pub = arg;

	while (!atomic_load_explicit(&pub->stop, memory_order_acquire))
		zti_serve(pub, -1);
	return NULL;
}

/* Signals are the program's: none is delivered to our thread. */
int zti_serve_start(struct zt_publisher *pub)
{
	sigset_t all, before;
	int r;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	r = pthread_create(&pub->thread, NULL, run, pub);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (r)
		return -r;
	pub->threaded = true;
	return 0;
}

void zti_serve_stop(struct zt_publisher *pub)
{
	if (!pub->threaded)
		return;
	atomic_store_explicit(&pub->stop, true, memory_order_release);
	zti_kick(pub);
	pthread_join(pub->thread, NULL);
	pub->threaded = false;
}

int zt_publisher_fd(struct zt_publisher *pub)
{
	if (!pub)
		return -EINVAL;
	if (zti_forked(&pub->fork_entry))
		return -ECHILD;
	return pub->threaded ? -EINVAL : pub->epoll_fd;
}

int zt_publisher_dispatch(struct zt_publisher *pub)
{
	if (!pub)
		return -EINVAL;
	if (zti_forked(&pub->fork_entry))
		return -ECHILD;
	return pub->threaded ? -EINVAL : zti_serve(pub, 0);
}
