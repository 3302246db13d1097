/* SPDX-License-Identifier: MIT */
/*
 * The shared layout: every byte that crosses from one process to another, in
 * memory and on the control socket. No functions. docs/layout.md tells the
 * same for people who write another implementation.
 *
 * Who writes what: the board and the segments are the publisher's, everybody
 * else maps them read-only. A subscription page is written by its subscriber
 * and by the publisher, and mapped by nobody else; the publisher treats every
 * word of it as hostile, the subscriber every word of the board.
 *
 * Integers are in the machine's own byte order; the layout never leaves the
 * machine. Reserved space: write 0, ignore on reading.
 */
#ifndef ZTI_LAYOUT_H
#define ZTI_LAYOUT_H

#include <assert.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include <zoetrope/error.h>
#include <zoetrope/format.h>

/* "ZOEBOARD" and "ZOET", read as little-endian words. */
#define ZTI_BOARD_MAGIC 0x4452414f42454f5aULL
#define ZTI_MESSAGE_MAGIC 0x54454f5aU

/* Changes with any incompatible change of what stands below. */
#define ZTI_LAYOUT_VERSION 1

#define ZTI_CACHE_LINE 64
#define ZTI_SLOTS_MAX 64		/* a mask is one word */
#define ZTI_SEGMENTS_MAX 64
#define ZTI_ACK_PAGE 0xffffffffU	/* an ACK of the page, not a segment */
#define ZTI_SUBSCRIPTIONS_MAX 64
#define ZTI_PAGE_SIZE 4096		/* of a subscription page */
#define ZTI_LATENCY_BUCKETS 128

/*
 * Words that two processes use at once. The struct keeps a plain access from
 * compiling; the comment at each says who writes it, who reads it and with
 * what order.
 */
struct zti_shared_u64 { _Atomic uint64_t word; };
struct zti_shared_u32 { _Atomic uint32_t word; };

static_assert(sizeof(struct zti_shared_u64) == 8, "lock-free words");
static_assert(sizeof(struct zti_shared_u32) == 4, "lock-free words");
static_assert(ATOMIC_LLONG_LOCK_FREE == 2, "lock-free words");

/* ------------------------------------------------------------------------
 * The subscription page.
 *
 * A slot, as one subscription sees it:
 *
 *   state      offered  lent*  moved by
 *   FREE       0        0      -
 *   OFFERED    1        1      publisher, publish: lent, then offered
 *   TAKEN      0        1      subscriber, take: clears offered
 *   RETURNED   0        1      subscriber, release: sets returned
 *   FREE       0        0      publisher, harvest: clears returned, then lent
 *   FREE       0        0      publisher, withdraw: clears offered, then lent
 *
 *   (*) `lent` is the publisher's own memory, not here.
 *
 * Death of the subscriber in any state: the hang-up makes the publisher forget
 * `lent`, the slot is FREE. Death of the publisher: OFFERED frames can be
 * taken, TAKEN ones stay as they are; the memory lives while somebody maps it.
 *
 * `waiting`, the subscriber's:
 *
 *   0  it looks by itself, or a WAKE is in its socket unread
 *   1  it found nothing: the next offer is to send a WAKE
 *
 *   0 → 1 subscriber (seq_cst), then it looks at `offered` once more (seq_cst)
 *   1 → 0 publisher, after an offer (seq_cst): clears it, then sends the WAKE.
 *         Killed in between: the subscriber sleeps until the hang-up, which is
 *         there at once.
 *
 * Offer and look are on both sides sequentially consistent, so that of two
 * that cross one sees the other: no wake-up is lost.
 */
struct zti_page {
	/* Line 0, the handoff. One line for both directions: a frame costs
	   a trip of it each way, where two lines would cost two. */
	struct zti_shared_u64 offered;	/* publisher: exchange, fetch_or or
					   compare-exchange, seq_cst;
					   subscriber: load acquire (seq_cst
					   before it sleeps), fetch_and
					   acq_rel to take */
	struct zti_shared_u32 waiting;	/* see above */
	struct zti_shared_u32 messages;	/* publisher: fetch_add relaxed after a
					   control message; subscriber: load
					   relaxed, a hint to read the socket */
	struct zti_shared_u64 returned;	/* subscriber: fetch_or seq_cst;
					   publisher: load relaxed or seq_cst,
					   exchange acq_rel */
	uint8_t pad0[40];
	/* Line 1: left free, for processors that fetch lines in pairs. */
	uint8_t pad1[64];

	/* Lines 2 and on: the subscriber's counters, relaxed; the publisher
	   only shows them. */
	struct zti_shared_u64 taken;
	struct zti_shared_u64 dropped;
	struct zti_shared_u64 latency_max_ns;
	uint8_t pad2[40];
	struct zti_shared_u32 latency[ZTI_LATENCY_BUCKETS];
};

static_assert(offsetof(struct zti_page, offered) == 0, "layout");
static_assert(offsetof(struct zti_page, waiting) == 8, "layout");
static_assert(offsetof(struct zti_page, messages) == 12, "layout");
static_assert(offsetof(struct zti_page, returned) == 16, "layout");
static_assert(offsetof(struct zti_page, taken) == 128, "layout");
static_assert(offsetof(struct zti_page, latency) == 192, "layout");
static_assert(sizeof(struct zti_page) == 704, "layout");
static_assert(sizeof(struct zti_page) <= ZTI_PAGE_SIZE, "layout");

/* ------------------------------------------------------------------------
 * The board.
 */

/*
 * A slot's descriptor. Written by the publisher while the slot is loaned, read
 * by a subscriber that has taken it; between the two stands the slot's bit in
 * `offered` (release and acquire), so all of it but `sequence` is plain. The
 * first line changes with every frame; the rest only when the format does,
 * which `format_serial` tells.
 */
struct zti_slot {
	struct zti_shared_u64 sequence;	/* publisher: store relaxed;
					   subscriber: load relaxed, also before
					   it has won the slot */
	int64_t timestamp_ns;
	int64_t published_ns;
	uint64_t bytes_used;
	uint64_t offset;		/* of the payload in its segment */
	uint32_t segment;
	uint32_t format_serial;		/* changes with the part below */
	uint32_t flags;
	uint32_t metadata_used;
	uint32_t clock;
	uint32_t reserved;

	struct zt_format format;
	uint64_t metadata_offset;	/* in the segment */
};

static_assert(offsetof(struct zti_slot, timestamp_ns) == 8, "layout");
static_assert(offsetof(struct zti_slot, segment) == 40, "layout");
static_assert(offsetof(struct zti_slot, format) == 64, "layout");
static_assert(offsetof(struct zti_slot, metadata_offset) == 248, "layout");
static_assert(sizeof(struct zti_slot) == 256, "layout");

static_assert(offsetof(struct zt_format, visible) == 16, "layout");
static_assert(offsetof(struct zt_format, colour) == 32, "layout");
static_assert(offsetof(struct zt_format, frame_rate) == 40, "layout");
static_assert(offsetof(struct zt_format, payload_size) == 56, "layout");
static_assert(offsetof(struct zt_format, plane_count) == 64, "layout");
static_assert(offsetof(struct zt_format, planes) == 88, "layout");
static_assert(sizeof(struct zt_plane) == 24, "layout");
static_assert(sizeof(struct zt_format) == 184, "layout");

/*
 * What monitors read: written by the publisher's service thread when a monitor
 * joins and a few times a second while one is there. `serial` is a sequence
 * lock: odd while the rest is being written (relaxed words, fences around).
 */
struct zti_board_info {
	struct zti_shared_u64 serial;
	uint64_t published;
	int64_t started_ns, newest_ns, updated_ns;
	uint64_t loan_waits, loan_wait_ns, evicted, cut_off, refused;
	uint64_t memory, max_memory;
	uint32_t slots, slots_in_use;
	uint32_t subscribers, monitors;
	uint32_t loans, metadata_size;
	uint32_t backpressure, uid;
	struct zt_format format;
	uint32_t rows;
	uint32_t reserved;
};

static_assert(sizeof(struct zti_board_info) == 320, "layout");

/* A subscriber, for monitors; under the same sequence lock. */
struct zti_board_row {
	uint32_t pid, uid;
	uint32_t delivery, bound;
	uint32_t held, waiting;
	uint32_t evicted, stalled;
	uint64_t offered, taken, dropped;
	uint64_t latency_p50_ns, latency_p99_ns, latency_max_ns;
	int64_t joined_ns;
	uint64_t reserved;
};

static_assert(sizeof(struct zti_board_row) == 96, "layout");

struct zti_board {
	/* Line 0: written before anybody maps it. */
	uint64_t magic;
	uint32_t version;		/* ZTI_LAYOUT_VERSION */
	uint32_t size;			/* sizeof(struct zti_board) */
	uint64_t incompatible;		/* features that a reader must know */
	uint64_t epoch;
	uint32_t pid;
	uint32_t reserved;
	uint8_t pad0[24];

	/* Line 1: the publisher waits for a slot. 0 → 1 the frame thread
	   (seq_cst), then it looks at every `returned` once more (seq_cst);
	   1 → 0 the frame thread, awake. Whoever returns a slot looks at it
	   afterwards (seq_cst) and sends a WAKE where it is 1. */
	struct zti_shared_u32 waiting;
	uint8_t pad1[60];

	/* Line 2: how far the stream is; publisher: store relaxed. */
	struct zti_shared_u64 published;
	struct zti_shared_u64 newest_ns;
	uint8_t pad2[48];

	uint8_t pad3[64];
	struct zti_board_info info;
	uint8_t pad4[4096 - 256 - 320];

	struct zti_slot slots[ZTI_SLOTS_MAX];
	struct zti_board_row rows[ZTI_SUBSCRIPTIONS_MAX];
	uint8_t pad5[2048];
};

static_assert(offsetof(struct zti_board, waiting) == 64, "layout");
static_assert(offsetof(struct zti_board, published) == 128, "layout");
static_assert(offsetof(struct zti_board, info) == 256, "layout");
static_assert(offsetof(struct zti_board, slots) == 4096, "layout");
static_assert(offsetof(struct zti_board, rows) == 20480, "layout");
static_assert(sizeof(struct zti_board) == 28672, "layout");

/* ------------------------------------------------------------------------
 * Control messages: one struct a message, on a SOCK_SEQPACKET connection. A
 * message of one byte is a WAKE, whatever the byte. Unknown types are skipped.
 *
 *   subscriber                          publisher
 *   HELLO               ──────────►
 *                       ◄──────────     WELCOME [board, page] or REFUSED
 *   ACK (of the page)   ──────────►       it seals the page
 *                       ◄──────────     SEGMENT [segment]      (for each)
 *   ACK                 ──────────►
 *                       ◄──────────     LATER: granted, START follows when
 *                                       others have mapped what it needs
 *                       ◄──────────     START: it is joined
 *   WAKE                ◄─────────►     WAKE
 *                       ◄──────────     RETIRE, EVICTED, BYE
 *   ACK (of a RETIRE)   ──────────►
 *   BYE: offer no more  ──────────►
 *
 * A monitor says HELLO and gets WELCOME [board]; no more.
 */
enum zti_message_type {
	ZTI_HELLO = 1,
	ZTI_WELCOME = 2,
	ZTI_REFUSED = 3,
	ZTI_SEGMENT = 4,
	ZTI_ACK = 5,
	ZTI_START = 6,
	ZTI_RETIRE = 7,
	ZTI_EVICTED = 8,
	ZTI_BYE = 9,
	ZTI_LATER = 10,
};

enum zti_role {
	ZTI_ROLE_SUBSCRIBER = 1,
	ZTI_ROLE_MONITOR = 2,
};

struct zti_hello {
	uint32_t role;
	uint32_t delivery;		/* enum zt_delivery */
	uint32_t bound;			/* held, or depth */
	uint32_t reserved;
	uint64_t min_interval_ns;
};

struct zti_welcome {
	uint64_t epoch;
};

struct zti_start {
	uint64_t first;			/* sequence of the first frame that it
					   is or will be offered */
};

struct zti_segment_told {		/* SEGMENT, RETIRE and ACK */
	uint32_t segment;		/* 0 to ZTI_SEGMENTS_MAX - 1; ACK: or
					   ZTI_ACK_PAGE */
	uint32_t kind;			/* enum zti_memory_kind; 0 in an ACK */
	uint64_t size;
	int32_t id;			/* of a System V segment; else -1 */
	uint32_t retire;		/* ACK: 1 where it answers a RETIRE */
};

struct zti_refusal {			/* REFUSED, EVICTED */
	int32_t error;			/* negative errno */
	char text[ZT_REASON_MAX];	/* NUL-terminated */
};

struct zti_message {
	uint32_t magic;			/* ZTI_MESSAGE_MAGIC */
	uint16_t version;		/* ZTI_LAYOUT_VERSION */
	uint16_t type;			/* enum zti_message_type */
	union {
		struct zti_hello hello;
		struct zti_welcome welcome;
		struct zti_start start;
		struct zti_segment_told segment;
		struct zti_refusal refusal;
		uint8_t room[312];
	};
};

static_assert(sizeof(struct zti_message) == 320, "layout");

#endif
