/* SPDX-License-Identifier: MIT */
/*
 * The publisher's end of one connection: a subscriber or a monitor. Owned by
 * the service, under `serving`.
 *
 *   state      left when
 *   GREETING   HELLO came: JOINING or WATCHING; or not in time: cut off
 *   JOINING    all segments are acknowledged: JOINED
 *   JOINED     BYE: LEAVING
 *   LEAVING    the hang-up, as any other state
 *   WATCHING   -
 */
#ifndef ZTI_PEER_H
#define ZTI_PEER_H

#include <unistd.h>

#include "core/publisher_impl.h"

enum zti_peer_state {
	ZTI_PEER_GREETING,
	ZTI_PEER_JOINING,
	ZTI_PEER_JOINED,
	ZTI_PEER_LEAVING,
	ZTI_PEER_WATCHING,
	ZTI_PEER_DEAD,
};

struct zti_peer {
	struct zti_peer *next;
	enum zti_peer_state state;
	int fd;
	pid_t pid;
	uid_t uid;
	unsigned int index;		/* subscription, or ZTI_NO_… */
	uint32_t reserve;
	struct zti_memory page;
	bool asked;			/* an ACK is to come */
	bool asked_retire;
	bool told_later;
	bool eviction_untold;
	uint32_t asked_segment;
	int64_t since_ns;		/* of the connection, then of asking */
	int64_t joined_ns;
};

/* Accept what is there to accept. */
void zti_peers_accept(struct zt_publisher *pub);

/* Read and answer what a peer sent. */
void zti_peer_read(struct zt_publisher *pub, struct zti_peer *peer);

/* join.c: send whatever each peer is due to hear: segments, retirements, its start. */
void zti_peers_tell(struct zt_publisher *pub);

/* What the frame path left to do: peers to cut off, evictions to tell, wakes
   that could not be sent. */
void zti_peers_attend(struct zt_publisher *pub);

/* Cut off those who kept a segment for long though asked to let it go. */
void zti_peers_cut_silent(struct zt_publisher *pub);

/* Cut off those who did not say HELLO, or hold nothing and do not answer.
   Returns when to look again. */
int64_t zti_peers_expire(struct zt_publisher *pub, int64_t now);

/* Free the peers that are dead. */
void zti_peers_reap(struct zt_publisher *pub);

/* Tell all that the stream ends, and free them. */
void zti_peers_destroy(struct zt_publisher *pub);

/* Mark a peer dead: its frames are free from here on. */
void zti_peer_kill(struct zt_publisher *pub, struct zti_peer *peer,
		   const char *why);

/* Send a refusal: a sentence, and the end of the connection. */
void zti_peer_refuse(struct zt_publisher *pub, int fd, int error,
		     const char *reason);

/* join.c: act on a message. */
void zti_peer_handle(struct zt_publisher *pub, struct zti_peer *peer,
		     const struct zti_message *msg);

/* join.c: tell a subscriber that it has been put out. */
void zti_peer_evicted(struct zt_publisher *pub, struct zti_peer *peer);

static inline bool zti_peer_subscribes(const struct zti_peer *peer)
{
	return peer->index != ZTI_NO_SUBSCRIPTION;
}

/* Of a user whose use of the stream is bounded. */
static inline bool zti_peer_foreign(const struct zti_peer *peer)
{
	return peer->uid != geteuid() && peer->uid != 0;
}

/* rows.c: write what monitors see. */
void zti_rows_write(struct zt_publisher *pub);

#endif
