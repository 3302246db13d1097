/* SPDX-License-Identifier: MIT */
/*
 * What a peer and the publisher say to each other: joining, segments coming
 * and going, leaving. Under `serving`; see peer.h for the states.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "core/message.h"
#include "core/peer.h"
#include "os/clock.h"

/* Frames that one uid other than ours and root may keep from others. */
#define FOREIGN_RESERVE_MAX 32

static struct zti_subscription *
subscription(struct zt_publisher *pub, const struct zti_peer *peer)
{
	return &pub->subscriptions[peer->index];
}

static unsigned int free_index(const struct zt_publisher *pub)
{
	uint64_t used = 0;

	for (const struct zti_peer *p = pub->peers; p; p = p->next)
		if (zti_peer_subscribes(p))
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
	if (zti_peer_foreign(peer) &&
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
	sub->socket = peer->fd;
	sub->delivery = hello->delivery;
	sub->bound = hello->bound;
	sub->min_interval_ns = hello->min_interval_ns;
	/* sub->page stays NULL until the page is sealed: none of us touches
	   it before. It has not looked yet: the first offer is to wake it. */
	atomic_store_explicit(&((struct zti_page *)peer->page.address)
				       ->waiting.word, 1,
			      memory_order_relaxed);
	peer->reserve = hello->bound;
	pub->reserve += hello->bound;
	peer->state = ZTI_PEER_JOINING;
	zti_segments_acknowledged(pub, peer->index);
}

/* Descriptors under way are counted by user, whoever does not read them. */
static bool ours(int error)
{
	return error == -ETOOMANYREFS || error == -ENOMEM ||
	       error == -EMFILE;
}

/* What it joins. One that cannot be told is told why. */
static void welcome(struct zt_publisher *pub, struct zti_peer *peer)
{
	struct zti_message msg = zti_message_make(ZTI_WELCOME);
	int fds[2] = { pub->board_memory.fd, peer->page.fd };
	unsigned int count = zti_peer_subscribes(peer) ? 2 : 1;
	char reason[ZT_REASON_MAX];
	int r;

	msg.welcome.epoch = pub->epoch;
	r = zti_message_send(peer->fd, &msg, fds, count);
	if (r >= 0)
		return;
	if (ours(r)) {
		snprintf(reason, sizeof(reason),
			 "the publisher of %s cannot send descriptors now: %s",
			 pub->name, strerror(-r));
		zti_peer_refuse(pub, peer->fd, r, reason);
	}
	zti_peer_kill(pub, peer, NULL);
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
		zti_peer_refuse(pub, peer->fd, r, reason);
		peer->index = ZTI_NO_SUBSCRIPTION;
		zti_peer_kill(pub, peer, NULL);
		return;
	}
	set_up(pub, peer, hello);
	welcome(pub, peer);
}

static void watch(struct zt_publisher *pub, struct zti_peer *peer)
{
	peer->state = ZTI_PEER_WATCHING;
	pub->monitor_count++;
	zti_rows_write(pub);
	welcome(pub, peer);
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

/*
 * Send a subscriber a control message; one that never reads has to go. False
 * and not DEAD: we could not, and try again in a while.
 */
static bool say(struct zt_publisher *pub, struct zti_peer *peer,
		const struct zti_message *msg, const int *fd)
{
	int r = zti_message_send(peer->fd, msg, fd, fd ? 1 : 0);

	if (ours(r)) {
		zti_tell_later(pub);
		return false;
	}
	if (r < 0) {
		zti_peer_kill(pub, peer, r == -EAGAIN ?
			"its socket is full: it does not read" : NULL);
		return false;
	}
	if (peer->state != ZTI_PEER_JOINING)
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
	if (say(pub, peer, &msg, retire ? NULL : &seg->memory.fd) ||
	    peer->state == ZTI_PEER_DEAD)
		return;
	/* Not its fault: it is asked again when there is room. */
	peer->asked = false;
	if (!retire)
		seg->told &= ~zti_bit(peer->index);
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

		if (seg->memory.address && !seg->retiring_since &&
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
	if (!say(pub, peer, &msg, NULL)) {
		if (peer->state != ZTI_PEER_DEAD)
			zti_subscription_unattach(pub, peer->index);
		return;
	}
	peer->state = ZTI_PEER_JOINED;
	peer->joined_ns = zti_now_ns();
	atomic_fetch_add_explicit(&pub->subscribers, 1, memory_order_seq_cst);
	/* Wakes from before START say nothing to it: one that it can keep. */
	if (!zti_wake_subscriber(pub, peer->index))
		zti_tell_later(pub);
	zti_log(&pub->log, 6, "%s: pid %d, uid %u joined", pub->name,
		(int)peer->pid, peer->uid);
	zti_wake_loan(pub);
}

/* It need not wait for our answer any longer, only for its first frame. */
static void put_off(struct zt_publisher *pub, struct zti_peer *peer)
{
	struct zti_message msg = zti_message_make(ZTI_LATER);

	peer->told_later = say(pub, peer, &msg, NULL);
}

static void tell(struct zt_publisher *pub, struct zti_peer *peer)
{
	uint64_t bit = zti_bit(peer->index);

	if (peer->eviction_untold)
		zti_peer_evicted(pub, peer);
	if (peer->asked || !subscription(pub, peer)->page || (peer->state != ZTI_PEER_JOINING &&
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
	if (peer->state != ZTI_PEER_JOINING)
		return;
	if (settled(pub))
		start(pub, peer);
	else if (!peer->told_later)
		put_off(pub, peer);
}

void zti_peers_tell(struct zt_publisher *pub)
{
	for (struct zti_peer *peer = pub->peers; peer; peer = peer->next)
		if (zti_peer_subscribes(peer))
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

/* It has mapped its page: from here on only the two mappings reach it. */
static void page_mapped(struct zt_publisher *pub, struct zti_peer *peer)
{
	struct zti_subscription *sub;
	char reason[ZT_REASON_MAX];

	if (peer->state != ZTI_PEER_JOINING || peer->page.fd < 0) {
		zti_peer_kill(pub, peer, "it acknowledged its page twice");
		return;
	}
	if (zti_memfd_finish_page(peer->page.fd, ZTI_PAGE_SIZE, reason) < 0) {
		zti_peer_kill(pub, peer, "it tampered with its page");
		return;
	}
	close(peer->page.fd);
	peer->page.fd = -1;
	sub = subscription(pub, peer);
	sub->page = peer->page.address;
	zti_peers_tell(pub);
}

static void acknowledged(struct zt_publisher *pub, struct zti_peer *peer,
			 const struct zti_segment_told *ack)
{
	struct zti_segment *seg;

	if (ack->segment == ZTI_ACK_PAGE) {
		page_mapped(pub, peer);
		return;
	}
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
	zti_subscription_mute(pub, peer->index, ZTI_MUTE_LEAVING);
	zti_peers_tell(pub);
}

void zti_peer_handle(struct zt_publisher *pub, struct zti_peer *peer,
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

void zti_peer_evicted(struct zt_publisher *pub, struct zti_peer *peer)
{
	struct zti_message msg = zti_message_make(ZTI_EVICTED);

	msg.refusal.error = -ESHUTDOWN;
	snprintf(msg.refusal.text, sizeof(msg.refusal.text),
		 "evicted from %s: this lossless subscriber kept the publisher waiting for longer than it allows",
		 pub->name);
	if (!peer->eviction_untold)
		zti_log(&pub->log, 4,
			"%s: pid %d, uid %u is evicted: it was too slow",
			pub->name, (int)peer->pid, peer->uid);
	peer->eviction_untold = !say(pub, peer, &msg, NULL);
}
