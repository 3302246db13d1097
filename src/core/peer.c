/* SPDX-License-Identifier: MIT */
/* The publisher's peers: see peer.h. */
#include "core/peer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "core/message.h"
#include "os/clock.h"
#include "os/socket.h"

/* How long a peer may take to say HELLO, or to answer while it joins. */
#define JOIN_TIMEOUT_NS 10000000000LL
/* Silence after which it costs a peer its place, where memory is short. */
#define SILENCE_NS 1000000000ULL

static void forget_segments(struct zt_publisher *pub, unsigned int index)
{
	for (uint32_t id = 0; id < ZTI_SEGMENTS_MAX; id++) {
		pub->segments[id].told &= ~zti_bit(index);
		pub->segments[id].acknowledged &= ~zti_bit(index);
	}
}

void zti_peer_kill(struct zt_publisher *pub, struct zti_peer *peer,
		   const char *why)
{
	if (peer->state == ZTI_PEER_DEAD)
		return;
	if (why) {
		zti_log(&pub->log, 4, "%s: pid %d, uid %u is cut off: %s",
			pub->name, (int)peer->pid, peer->uid, why);
		atomic_fetch_add_explicit(&pub->cut_off, 1,
					  memory_order_relaxed);
	}
	if (peer->state == ZTI_PEER_JOINED)
		atomic_fetch_sub_explicit(&pub->subscribers, 1,
					  memory_order_relaxed);
	if (peer->state == ZTI_PEER_WATCHING)
		pub->monitor_count--;
	peer->state = ZTI_PEER_DEAD;
	if (zti_peer_subscribes(peer)) {
		zti_subscription_remove(pub, peer->index);
		forget_segments(pub, peer->index);
		pub->reserve -= peer->reserve;
		zti_memfd_backend.detach(&peer->page);
	}
	/* A child that is being forked may keep the description open for a
	   moment: closing alone would leave its events coming. */
	epoll_ctl(pub->epoll_fd, EPOLL_CTL_DEL, peer->fd, NULL);
	close(peer->fd);
	peer->fd = -1;
}

void zti_peers_reap(struct zt_publisher *pub)
{
	struct zti_peer **link = &pub->peers;
	bool freed = false;

	while (*link) {
		struct zti_peer *peer = *link;

		if (peer->state != ZTI_PEER_DEAD) {
			link = &peer->next;
			continue;
		}
		*link = peer->next;
		freed = true;
		free(peer);
		pub->peer_count--;
	}
	if (freed)
		zti_segments_collect(pub);
}

/* A refusal is a sentence, and the end of the connection. */
void zti_peer_refuse(struct zt_publisher *pub, int fd, int error,
		   const char *reason)
{
	struct zti_message msg = zti_message_make(ZTI_REFUSED);

	msg.refusal.error = error;
	memccpy(msg.refusal.text, reason, '\0', ZT_REASON_MAX - 1);
	atomic_fetch_add_explicit(&pub->refused, 1, memory_order_relaxed);
	zti_message_send(fd, &msg, NULL, 0);
	zti_log(&pub->log, 5, "%s: a join was refused: %s", pub->name, reason);
}

static unsigned int connections_of(const struct zt_publisher *pub, uid_t uid)
{
	unsigned int n = 0;

	for (const struct zti_peer *p = pub->peers; p; p = p->next)
		n += p->uid == uid;
	return n;
}

static int admit(struct zt_publisher *pub, struct zti_peer *peer)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = peer };

	if (pub->peer_count >= pub->options.max_connections) {
		zti_peer_refuse(pub, peer->fd, -EBUSY,
		       "the stream has as many connections as it allows: close one, or raise max_connections");
		return -EBUSY;
	}
	if (zti_peer_foreign(peer) && connections_of(pub, peer->uid) >=
				     pub->options.max_connections_per_uid) {
		zti_peer_refuse(pub, peer->fd, -EBUSY,
		       "your user has as many connections to this stream as it allows: close one");
		return -EBUSY;
	}
	if (epoll_ctl(pub->epoll_fd, EPOLL_CTL_ADD, peer->fd, &event) < 0)
		return -errno;
	return 0;
}

static int accept_one(struct zt_publisher *pub)
{
	static const char no_room[] =
		"the publisher's machine has no room for another connection: free memory there, or close one";
	struct zti_peer *peer;
	int fd, r;

	fd = zti_socket_accept(pub->listen_fd);
	if (fd < 0)
		return fd;
	peer = calloc(1, sizeof(*peer));
	if (!peer) {
		zti_peer_refuse(pub, fd, -ENOMEM, no_room);
		close(fd);
		return 1;
	}
	peer->fd = fd;
	peer->index = ZTI_NO_SUBSCRIPTION;
	peer->since_ns = zti_now_ns();
	r = zti_socket_peer(fd, &peer->pid, &peer->uid);
	if (r >= 0)
		r = admit(pub, peer);
	if (r < 0) {
		if (r != -EBUSY)
			zti_peer_refuse(pub, fd, r, no_room);
		close(fd);
		free(peer);
		return 1;
	}
	peer->next = pub->peers;
	pub->peers = peer;
	pub->peer_count++;
	return 1;
}

/* Out of descriptors, say: rest until the timer, or we would spin. */
static void rest_listening(struct zt_publisher *pub, int error)
{
	struct epoll_event event = { .data.ptr = &pub->listen_fd };

	zti_log(&pub->log, 3, "%s: cannot accept a connection: %s", pub->name,
		strerror(-error));
	if (epoll_ctl(pub->epoll_fd, EPOLL_CTL_MOD, pub->listen_fd,
		      &event) == 0)
		pub->listen_rests = true;
}

void zti_peers_accept(struct zt_publisher *pub)
{
	/* A bound, so that who connects without end does not keep us here. */
	for (int i = 0; i < 64; i++) {
		int r = accept_one(pub);

		if (r > 0)
			continue;
		if (r != -EAGAIN)
			rest_listening(pub, r);
		return;
	}
}

void zti_peer_read(struct zt_publisher *pub, struct zti_peer *peer)
{
	/* A bound, so that who sends without end has no more than its turn. */
	for (int i = 0; i < 64 && peer->state != ZTI_PEER_DEAD; i++) {
		struct zti_message msg;
		int r = zti_message_receive(peer->fd, &msg, NULL, NULL);

		if (r == -EAGAIN)
			return;
		if (r == -EPROTONOSUPPORT)
			zti_peer_refuse(pub, peer->fd, r,
			       "the publisher speaks another version of the protocol: use the same version of the library on both sides");
		if (r == ZTI_GOT_WAKE)
			zti_wake_loan(pub);
		else if (r == ZTI_GOT_MESSAGE)
			zti_peer_handle(pub, peer, &msg);
		else
			zti_peer_kill(pub, peer, r == -EPROTO ?
				"it sent what is no message" : NULL);
	}
}

void zti_peers_attend(struct zt_publisher *pub)
{
	uint64_t cut = atomic_exchange_explicit(&pub->to_cut, 0,
						memory_order_acquire);
	uint64_t evict = atomic_exchange_explicit(&pub->to_evict, 0,
						  memory_order_acquire);
	uint64_t wake = atomic_exchange_explicit(&pub->to_wake, 0,
						 memory_order_acquire);

	for (struct zti_peer *peer = pub->peers; peer; peer = peer->next) {
		if (peer->state == ZTI_PEER_DEAD || !zti_peer_subscribes(peer))
			continue;
		if (cut & zti_bit(peer->index))
			zti_peer_kill(pub, peer,
				      "it took more frames than it may hold");
		else if (evict & zti_bit(peer->index))
			zti_peer_evicted(pub, peer);
		if ((wake & zti_bit(peer->index)) &&
		    peer->state != ZTI_PEER_DEAD &&
		    !zti_wake_subscriber(pub, peer->index))
			zti_tell_later(pub);
	}
	/* A joiner may have waited for one that is evicted. */
	if (evict)
		zti_peers_tell(pub);
}

/*
 * Since when a peer has kept old memory alive: by a frame in it, or by not
 * answering. INT64_MAX: it does not.
 */
static int64_t pins_since(const struct zt_publisher *pub,
			  const struct zti_peer *peer)
{
	uint64_t lent = atomic_load_explicit(
		&pub->subscriptions[peer->index].lent, memory_order_relaxed);
	int64_t since = INT64_MAX;

	for (uint32_t id = 0; id < ZTI_SEGMENTS_MAX; id++) {
		const struct zti_segment *seg = &pub->segments[id];

		if (!seg->retiring_since)
			continue;
		if (((seg->told & zti_bit(peer->index)) && seg->retired) ||
		    (lent & zti_segment_slots(pub, id)))
			since = seg->retiring_since < since ?
				seg->retiring_since : since;
	}
	if (since != INT64_MAX && peer->asked && peer->since_ns > since)
		since = peer->since_ns;
	return since;
}

/*
 * How long that is borne: of one that holds frames, as long as of one that
 * keeps the publisher waiting. What it holds in old memory stays as it is,
 * since nothing is written there again.
 */
static uint64_t patience(const struct zt_publisher *pub,
			 const struct zti_peer *peer)
{
	const struct zti_subscription *sub = &pub->subscriptions[peer->index];
	uint64_t lent = atomic_load_explicit(&sub->lent, memory_order_relaxed);
	uint64_t waiting = atomic_load_explicit(&sub->page->offered.word,
						memory_order_relaxed);

	return lent & ~waiting ? pub->options.evict_after_ns : SILENCE_NS;
}

void zti_peers_cut_silent(struct zt_publisher *pub)
{
	int64_t now = zti_now_ns();

	for (struct zti_peer *peer = pub->peers; peer; peer = peer->next) {
		int64_t since;

		if (peer->state == ZTI_PEER_DEAD ||
		    !zti_peer_subscribes(peer) ||
		    !pub->subscriptions[peer->index].page)
			continue;
		since = pins_since(pub, peer);
		if (since < now && (uint64_t)(now - since) > patience(pub, peer))
			zti_peer_kill(pub, peer,
				      "it does not let go of old memory, and memory is short");
	}
	/* We may be a loan: the service reaps. */
	zti_kick(pub);
}

/*
 * A lossless subscriber that does not map new memory keeps joiners waiting, as
 * one without room keeps the publisher: with the same patience, it goes.
 */
static int64_t evict_in_the_way(struct zt_publisher *pub, int64_t now)
{
	int64_t next = INT64_MAX;
	bool waited_for = false;

	for (struct zti_peer *p = pub->peers; p; p = p->next)
		waited_for |= p->state == ZTI_PEER_JOINING && p->told_later;
	if (!waited_for || pub->options.evict_after_ns > INT64_MAX / 2)
		return next;
	for (struct zti_peer *p = pub->peers; p; p = p->next) {
		int64_t until = p->since_ns +
				(int64_t)pub->options.evict_after_ns;

		if (p->state != ZTI_PEER_JOINED || !p->asked ||
		    !(atomic_load_explicit(&pub->lossless,
					   memory_order_relaxed) &
		      zti_bit(p->index)))
			continue;
		if (until > now) {
			next = until < next ? until : next;
			continue;
		}
		zti_subscription_mute(pub, p->index, ZTI_MUTE_EVICTED);
		atomic_fetch_add_explicit(&pub->evicted, 1,
					  memory_order_relaxed);
		zti_peer_evicted(pub, p);
		zti_peers_tell(pub);
	}
	return next;
}

int64_t zti_peers_expire(struct zt_publisher *pub, int64_t now)
{
	int64_t next = evict_in_the_way(pub, now);

	for (struct zti_peer *peer = pub->peers; peer; peer = peer->next) {
		int64_t until = peer->since_ns + JOIN_TIMEOUT_NS;

		if (peer->state != ZTI_PEER_GREETING &&
		    !(peer->state == ZTI_PEER_JOINING &&
		      (peer->asked || peer->page.fd >= 0)))
			continue;
		if (until <= now)
			zti_peer_kill(pub, peer, "it did not finish joining");
		else if (until < next)
			next = until;
	}
	return next;
}

void zti_peers_destroy(struct zt_publisher *pub)
{
	struct zti_message msg = zti_message_make(ZTI_BYE);

	pub->ending = true;
	for (struct zti_peer *peer = pub->peers; peer; peer = peer->next) {
		if (peer->state == ZTI_PEER_DEAD)
			continue;
		zti_message_send(peer->fd, &msg, NULL, 0);
		zti_peer_kill(pub, peer, NULL);
	}
	zti_peers_reap(pub);
}
