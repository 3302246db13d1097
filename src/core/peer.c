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

/* Frames that one uid other than ours and root may keep from others. */
#define FOREIGN_RESERVE_MAX 32
/* How long a peer may take to say HELLO, or to answer while it joins. */
#define JOIN_TIMEOUT_NS 10000000000LL
/* Silence after which it costs a peer its place, where memory is short. */
#define SILENCE_NS 1000000000LL

static bool has_subscription(const struct zti_peer *peer)
{
	return peer->index != ZTI_NO_SUBSCRIPTION;
}

static struct zti_subscription *
subscription(struct zt_publisher *pub, const struct zti_peer *peer)
{
	return &pub->subscriptions[peer->index];
}

static bool foreign(const struct zti_peer *peer)
{
	return peer->uid != geteuid() && peer->uid != 0;
}

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
	if (has_subscription(peer)) {
		zti_subscription_remove(pub, peer->index);
		forget_segments(pub, peer->index);
		pub->reserve -= peer->reserve;
		zti_memfd_backend.detach(&peer->page);
	}
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
static void refuse(struct zt_publisher *pub, int fd, int error,
		   const char *reason)
{
	struct zti_message msg = zti_message_make(ZTI_REFUSED);

	msg.refusal.error = error;
	memccpy(msg.refusal.text, reason, '\0', ZT_REASON_MAX - 1);
	zti_message_send(fd, &msg, NULL, 0);
	atomic_fetch_add_explicit(&pub->refused, 1, memory_order_relaxed);
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
		refuse(pub, peer->fd, -EBUSY,
		       "the stream has as many connections as it allows: close one, or raise max_connections");
		return -EBUSY;
	}
	if (foreign(peer) && connections_of(pub, peer->uid) >=
				     pub->options.max_connections_per_uid) {
		refuse(pub, peer->fd, -EBUSY,
		       "your user has as many connections to this stream as it allows: close one");
		return -EBUSY;
	}
	if (epoll_ctl(pub->epoll_fd, EPOLL_CTL_ADD, peer->fd, &event) < 0)
		return -errno;
	return 0;
}

static int accept_one(struct zt_publisher *pub)
{
	struct zti_peer *peer;
	int fd, r;

	fd = zti_socket_accept(pub->listen_fd);
	if (fd < 0)
		return fd;
	peer = calloc(1, sizeof(*peer));
	if (!peer) {
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
		close(fd);
		free(peer);
		return 1;
	}
	peer->next = pub->peers;
	pub->peers = peer;
	pub->peer_count++;
	return 1;
}

/* Out of descriptors: rest until the timer, or we would spin. */
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
		if (r == -EMFILE || r == -ENFILE || r == -ENOMEM ||
		    r == -ENOBUFS)
			rest_listening(pub, r);
		return;
	}
}

static unsigned int free_index(const struct zt_publisher *pub)
{
	uint64_t used = 0;

	for (const struct zti_peer *p = pub->peers; p; p = p->next)
		if (has_subscription(p))
			used |= zti_bit(p->index);
	return ~used ? zti_first(~used) : ZTI_NO_SUBSCRIPTION;
}

static uint32_t reserve_of(const struct zt_publisher *pub, uid_t uid)
{
	uint32_t reserve = 0;

	for (const struct zti_peer *p = pub->peers; p; p = p->next)
		if (p->uid == uid && p->state != ZTI_PEER_DEAD)
			reserve += p->reserve;
	return reserve;
}

/* Whether this HELLO can be granted; the reason where not. */
static int check_hello(struct zt_publisher *pub, struct zti_peer *peer,
		       const struct zti_hello *hello, char *reason)
{
	if (hello->delivery > ZT_LOSSLESS || hello->bound < 1 ||
	    hello->bound > ZTI_SLOTS_MAX) {
		snprintf(reason, ZT_REASON_MAX,
			 "delivery %u with %u frames is not something that can be asked for",
			 hello->delivery, hello->bound);
		return -EINVAL;
	}
	if (hello->delivery == ZT_LOSSLESS &&
	    !(pub->options.flags & ZT_PUBLISHER_BACKPRESSURE)) {
		snprintf(reason, ZT_REASON_MAX,
			 "stream %s takes no lossless subscribers: its publisher did not declare back-pressure",
			 pub->name);
		return -EPERM;
	}
	if (hello->delivery == ZT_LOSSLESS &&
	    hello->bound < pub->options.loans) {
		snprintf(reason, ZT_REASON_MAX,
			 "lossless on %s needs a depth of at least %u, as many as its publisher writes at once",
			 pub->name, pub->options.loans);
		return -EINVAL;
	}
	if (foreign(peer) &&
	    reserve_of(pub, peer->uid) + hello->bound > FOREIGN_RESERVE_MAX) {
		snprintf(reason, ZT_REASON_MAX,
			 "your user would keep more than %d slots of %s: ask for less held or depth, or close a subscriber",
			 FOREIGN_RESERVE_MAX, pub->name);
		return -ENOBUFS;
	}
	peer->index = free_index(pub);
	if (peer->index == ZTI_NO_SUBSCRIPTION) {
		snprintf(reason, ZT_REASON_MAX,
			 "stream %s has %d subscribers, as many as can be",
			 pub->name, ZTI_SUBSCRIPTIONS_MAX);
		return -ENOBUFS;
	}
	return zti_segments_provide(pub, 0, hello->bound, reason);
}

/* Everything private to a new subscription, with nothing offered yet. */
static void set_up(struct zt_publisher *pub, struct zti_peer *peer,
		   const struct zti_hello *hello)
{
	struct zti_subscription *sub = subscription(pub, peer);

	memset(sub, 0, sizeof(*sub));
	sub->page = peer->page.address;
	sub->socket = peer->fd;
	sub->delivery = hello->delivery;
	sub->bound = hello->bound;
	sub->min_interval_ns = hello->min_interval_ns;
	/* It has not looked yet: the first offer is to wake it. */
	atomic_store_explicit(&sub->page->waiting.word, 1,
			      memory_order_relaxed);
	peer->reserve = hello->bound;
	pub->reserve += hello->bound;
	peer->state = ZTI_PEER_JOINING;
	zti_segments_acknowledged(pub, peer->index);
}

static int welcome(struct zt_publisher *pub, struct zti_peer *peer)
{
	struct zti_message msg = zti_message_make(ZTI_WELCOME);
	int fds[2] = { pub->board_memory.fd, peer->page.fd };
	unsigned int count = has_subscription(peer) ? 2 : 1;

	msg.welcome.epoch = pub->epoch;
	return zti_message_send(peer->fd, &msg, fds, count);
}

static void join(struct zt_publisher *pub, struct zti_peer *peer,
		 const struct zti_hello *hello)
{
	char reason[ZT_REASON_MAX] = "";
	int r;

	r = check_hello(pub, peer, hello, reason);
	if (r >= 0)
		r = zti_memfd_backend.create("zoetrope-page", ZTI_PAGE_SIZE,
					     ZTI_MEMORY_WRITABLE_BY_PEER,
					     &peer->page, reason);
	if (r < 0) {
		refuse(pub, peer->fd, r, reason);
		peer->index = ZTI_NO_SUBSCRIPTION;
		zti_peer_kill(pub, peer, NULL);
		return;
	}
	set_up(pub, peer, hello);
	r = welcome(pub, peer);
	/* From here on the page is reached by its two mappings alone. */
	if (peer->page.fd >= 0)
		close(peer->page.fd);
	peer->page.fd = -1;
	if (r < 0)
		zti_peer_kill(pub, peer, NULL);
	else
		zti_peers_tell(pub);
}

static void watch(struct zt_publisher *pub, struct zti_peer *peer)
{
	peer->state = ZTI_PEER_WATCHING;
	pub->monitor_count++;
	zti_rows_write(pub);
	if (welcome(pub, peer) < 0)
		zti_peer_kill(pub, peer, NULL);
}

static void greet(struct zt_publisher *pub, struct zti_peer *peer,
		  const struct zti_hello *hello)
{
	if (peer->state != ZTI_PEER_GREETING)
		zti_peer_kill(pub, peer, "it said HELLO twice");
	else if (hello->role == ZTI_ROLE_MONITOR)
		watch(pub, peer);
	else if (hello->role == ZTI_ROLE_SUBSCRIBER)
		join(pub, peer, hello);
	else
		zti_peer_kill(pub, peer, "its HELLO names no known role");
}

/* Send a subscriber a control message; one that never reads has to go. */
static bool say(struct zt_publisher *pub, struct zti_peer *peer,
		const struct zti_message *msg, const int *fd)
{
	int r = zti_message_send(peer->fd, msg, fd, fd ? 1 : 0);

	if (r < 0) {
		zti_peer_kill(pub, peer, r == -EAGAIN ?
			"its socket is full: it does not read" : NULL);
		return false;
	}
	atomic_fetch_add_explicit(
		&subscription(pub, peer)->page->messages.word, 1,
		memory_order_relaxed);
	return true;
}

static void ask(struct zt_publisher *pub, struct zti_peer *peer, uint32_t id,
		bool retire)
{
	struct zti_segment *seg = &pub->segments[id];
	struct zti_message msg =
		zti_message_make(retire ? ZTI_RETIRE : ZTI_SEGMENT);

	msg.segment.segment = id;
	msg.segment.kind = seg->memory.kind;
	msg.segment.size = seg->memory.size;
	msg.segment.id = seg->memory.id;
	peer->asked = true;
	peer->asked_retire = retire;
	peer->asked_segment = id;
	peer->since_ns = zti_now_ns();
	seg->told |= zti_bit(peer->index);
	say(pub, peer, &msg, retire ? NULL : &seg->memory.fd);
}

/*
 * Whether a joiner's reserve is there for it: every lossless subscription can
 * be offered frames in all the memory there is, so that the publisher need not
 * wait for it on the joiner's account.
 */
static bool settled(const struct zt_publisher *pub)
{
	uint64_t lossless = atomic_load_explicit(&pub->lossless,
						 memory_order_relaxed);

	for (uint32_t id = 0; id < ZTI_SEGMENTS_MAX; id++) {
		const struct zti_segment *seg = &pub->segments[id];

		if (seg->memory.address && !seg->retiring &&
		    (lossless & ~seg->acknowledged))
			return false;
	}
	return true;
}

static void start(struct zt_publisher *pub, struct zti_peer *peer)
{
	struct zti_message msg = zti_message_make(ZTI_START);

	zti_subscription_attach(pub, peer->index, true, &msg.start.first);
	subscription(pub, peer)->first = msg.start.first;
	peer->state = ZTI_PEER_JOINED;
	peer->joined_ns = zti_now_ns();
	atomic_fetch_add_explicit(&pub->subscribers, 1, memory_order_seq_cst);
	if (!say(pub, peer, &msg, NULL))
		return;
	zti_log(&pub->log, 6, "%s: pid %d, uid %u joined", pub->name,
		(int)peer->pid, peer->uid);
	zti_wake_loan(pub);
}

static void tell(struct zt_publisher *pub, struct zti_peer *peer)
{
	uint64_t bit = zti_bit(peer->index);

	if (peer->asked || (peer->state != ZTI_PEER_JOINING &&
			    peer->state != ZTI_PEER_JOINED))
		return;
	for (uint32_t id = 0; id < ZTI_SEGMENTS_MAX; id++) {
		struct zti_segment *seg = &pub->segments[id];

		if (!seg->memory.address ||
		    seg->retired != !!(seg->told & bit))
			continue;
		ask(pub, peer, id, seg->retired);
		return;
	}
	if (peer->state == ZTI_PEER_JOINING && settled(pub))
		start(pub, peer);
}

void zti_peers_tell(struct zt_publisher *pub)
{
	for (struct zti_peer *peer = pub->peers; peer; peer = peer->next)
		if (has_subscription(peer))
			tell(pub, peer);
}

/*
 * A frame may have been published in memory that this one did not know: it is
 * the newest there is, so it gets it now.
 */
static void catch_up(struct zt_publisher *pub, struct zti_peer *peer)
{
	struct zti_subscription *sub = subscription(pub, peer);
	uint64_t phase = atomic_load_explicit(&pub->phase,
					      memory_order_seq_cst);
	uint64_t unused;

	if (peer->state != ZTI_PEER_JOINED || sub->delivery == ZT_LOSSLESS ||
	    zti_phase_sequence(phase) <=
		    atomic_load_explicit(&sub->last_offered,
					 memory_order_relaxed))
		return;
	zti_subscription_detach(pub, peer->index);
	zti_subscription_attach(pub, peer->index, false, &unused);
}

static void acknowledged(struct zt_publisher *pub, struct zti_peer *peer,
			 const struct zti_segment_told *ack)
{
	struct zti_segment *seg;

	if (!peer->asked || ack->segment != peer->asked_segment ||
	    !!ack->retire != peer->asked_retire) {
		zti_peer_kill(pub, peer, "it acknowledged what it was not asked");
		return;
	}
	peer->asked = false;
	seg = &pub->segments[ack->segment];
	if (peer->asked_retire) {
		seg->told &= ~zti_bit(peer->index);
		seg->acknowledged &= ~zti_bit(peer->index);
		zti_segments_collect(pub);
		return;
	}
	seg->acknowledged |= zti_bit(peer->index);
	zti_segments_acknowledged(pub, peer->index);
	catch_up(pub, peer);
	zti_wake_loan(pub);
	zti_peers_tell(pub);
}

static void leave(struct zt_publisher *pub, struct zti_peer *peer)
{
	if (peer->state != ZTI_PEER_JOINED) {
		zti_peer_kill(pub, peer, NULL);
		return;
	}
	atomic_fetch_sub_explicit(&pub->subscribers, 1, memory_order_relaxed);
	peer->state = ZTI_PEER_LEAVING;
	zti_subscription_mute(pub, peer->index);
	zti_peers_tell(pub);
}

static void handle(struct zt_publisher *pub, struct zti_peer *peer,
		   const struct zti_message *msg)
{
	switch (msg->type) {
	case ZTI_HELLO:
		greet(pub, peer, &msg->hello);
		break;
	case ZTI_ACK:
		acknowledged(pub, peer, &msg->segment);
		break;
	case ZTI_BYE:
		leave(pub, peer);
		break;
	default:
		break;
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
			refuse(pub, peer->fd, r,
			       "the publisher speaks another version of the protocol: use the same version of the library on both sides");
		if (r == ZTI_GOT_WAKE)
			zti_wake_loan(pub);
		else if (r == ZTI_GOT_MESSAGE)
			handle(pub, peer, &msg);
		else
			zti_peer_kill(pub, peer, r == -EPROTO ?
				"it sent what is no message" : NULL);
	}
}

static void tell_evicted(struct zt_publisher *pub, struct zti_peer *peer)
{
	struct zti_message msg = zti_message_make(ZTI_EVICTED);

	msg.refusal.error = -ESHUTDOWN;
	snprintf(msg.refusal.text, sizeof(msg.refusal.text),
		 "evicted from %s: this lossless subscriber kept the publisher waiting for longer than it allows",
		 pub->name);
	zti_log(&pub->log, 4, "%s: pid %d, uid %u is evicted: it was too slow",
		pub->name, (int)peer->pid, peer->uid);
	say(pub, peer, &msg, NULL);
}

void zti_peers_attend(struct zt_publisher *pub)
{
	uint64_t cut = atomic_exchange_explicit(&pub->to_cut, 0,
						memory_order_acquire);
	uint64_t evict = atomic_exchange_explicit(&pub->to_evict, 0,
						  memory_order_acquire);

	for (struct zti_peer *peer = pub->peers; peer; peer = peer->next) {
		if (peer->state == ZTI_PEER_DEAD || !has_subscription(peer))
			continue;
		if (cut & zti_bit(peer->index))
			zti_peer_kill(pub, peer,
				      "it took more frames than it may hold");
		else if (evict & zti_bit(peer->index))
			tell_evicted(pub, peer);
	}
}

void zti_peers_cut_silent(struct zt_publisher *pub)
{
	int64_t now = zti_now_ns();

	for (struct zti_peer *peer = pub->peers; peer; peer = peer->next)
		if (peer->state != ZTI_PEER_DEAD && peer->asked &&
		    peer->asked_retire && now - peer->since_ns > SILENCE_NS)
			zti_peer_kill(pub, peer,
				      "it does not let go of old memory, and memory is short");
	/* We may be a loan: the service reaps. */
	zti_kick(pub);
}

int64_t zti_peers_expire(struct zt_publisher *pub, int64_t now)
{
	int64_t next = INT64_MAX;

	for (struct zti_peer *peer = pub->peers; peer; peer = peer->next) {
		int64_t until = peer->since_ns + JOIN_TIMEOUT_NS;

		if (peer->state != ZTI_PEER_GREETING &&
		    !(peer->state == ZTI_PEER_JOINING && peer->asked))
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

	for (struct zti_peer *peer = pub->peers; peer; peer = peer->next) {
		if (peer->state == ZTI_PEER_DEAD)
			continue;
		zti_message_send(peer->fd, &msg, NULL, 0);
		zti_peer_kill(pub, peer, NULL);
	}
	zti_peers_reap(pub);
}
