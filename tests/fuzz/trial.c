/* SPDX-License-Identifier: MIT */
/* See trial.h. */
#include "trial.h"

#include <string.h>
#include <unistd.h>

#include "os/limits.h"

#define STREAM "trial"

/*
 * In place of the library's, which reads a hundred files of /proc and /sys for
 * each segment: there is memory enough here.
 */
int zti_limits_check(uint64_t bytes, uint64_t largest_object, char *ret_reason)
{
	(void)bytes;
	(void)largest_object;
	(void)ret_reason;
	return 0;
}

static struct zt_format format_of(unsigned int size)
{
	static const uint32_t heights[] = { 16, 64, 100, 200 };

	return (struct zt_format){
		.fourcc = ZT_FOURCC('R', '8', ' ', ' '),
		.width = 64, .height = heights[size % 4],
	};
}

void trial_dispatch(struct trial *trial)
{
	int turns = 0;

	while (zt_publisher_dispatch(trial->pub) != 0)
		fuzz_check(++turns < 1000);
}

static void join_witness(struct trial *trial)
{
	struct zti_message hello = raw_hello(ZT_LOSSLESS, TRIAL_LOANS +
					     TRIAL_HELD);

	raw_open(&trial->witness, STREAM);
	raw_say(&trial->witness, &hello);
	for (int i = 0; i < 8 && !trial->witness.first; i++) {
		trial_dispatch(trial);
		raw_keep_up(&trial->witness);
	}
	fuzz_check(trial->witness.first == 1);
}

void trial_begin(struct trial *trial, bool lawless)
{
	struct zt_format format = format_of(0);
	struct zt_publisher_options options = {
		.size = sizeof(options),
		.flags = ZT_PUBLISHER_NO_THREAD | ZT_PUBLISHER_BACKPRESSURE,
		.loans = TRIAL_LOANS,
		.evict_after_ns = lawless ? 1 : ZT_NEVER,
		.format = &format,
	};
	int r;

	memset(trial, 0, sizeof(*trial));
	trial->lawless = lawless;
	for (int i = 0; i < TRIAL_PEERS; i++)
		trial->peers[i].socket = -1;
	r = zt_publisher_create(STREAM, &options, &trial->pub, NULL);
	fuzz_check(r == 0);
	join_witness(trial);
}

void trial_end(struct trial *trial)
{
	for (int i = 0; i < TRIAL_PEERS; i++)
		if (trial->peers[i].socket >= 0)
			raw_close(&trial->peers[i]);
	/* All that they had is free again. */
	for (int i = 0; i < TRIAL_LOANS; i++)
		trial_discard(trial, (unsigned int)i);
	trial_dispatch(trial);
	for (unsigned int i = 0; i < 8; i++) {
		trial_loan(trial, 0, i);
		trial_publish(trial, 0);
	}
	fuzz_check(zt_publisher_subscribers(trial->pub) ==
		   (trial->witness.socket >= 0));
	if (trial->witness.socket >= 0)
		raw_close(&trial->witness);
	zt_publisher_destroy(trial->pub);
}

/* ------------------------------------------------------------------------
 * Frames.
 */

static uint8_t paint_of(uint64_t sequence)
{
	return (uint8_t)(sequence * 37 + 1);
}

static const struct zti_slot *slot_of(const struct trial *trial,
				      unsigned int slot)
{
	return &trial->witness.board->slots[slot];
}

static void check_pixels(const struct trial *trial, unsigned int slot,
			 uint64_t sequence, uint64_t size)
{
	const struct zti_slot *desc = slot_of(trial, slot);
	const uint8_t *payload;

	fuzz_check(desc->sequence.word == sequence);
	fuzz_check(desc->bytes_used == size);
	fuzz_check(trial->witness.segments[desc->segment].address);
	payload = trial->witness.segments[desc->segment].address +
		  desc->offset;
	/* one look for all: each is as its neighbour */
	fuzz_check(payload[0] == paint_of(sequence));
	fuzz_check(memcmp(payload, payload + 1, size - 1) == 0);
}

static void witness_keeps_up(struct trial *trial)
{
	struct raw *witness = &trial->witness;

	if (witness->socket < 0)
		return;
	raw_keep_up(witness);
	fuzz_check(!witness->ended);
	fuzz_check(!witness->evicted || trial->lawless);
	if (!witness->evicted)
		return;
	raw_close(witness);
	trial_dispatch(trial);
}

/* The witness takes the frame just published, and gives back an older one. */
static void witness_frame(struct trial *trial, uint64_t size)
{
	unsigned int place = trial->sequence % TRIAL_HELD, slot;
	uint64_t offered;

	/* an eviction is told by the publisher's service */
	if (trial->lawless)
		trial_dispatch(trial);
	witness_keeps_up(trial);
	if (trial->witness.socket < 0)
		return;
	if (trial->held[place]) {
		check_pixels(trial, trial->held_slots[place],
			     trial->held[place], trial->held_sizes[place]);
		raw_return(&trial->witness, 1ULL << trial->held_slots[place]);
	}
	offered = raw_take_all(&trial->witness);
	fuzz_check(__builtin_popcountll(offered) == 1);
	slot = (unsigned int)__builtin_ctzll(offered);
	check_pixels(trial, slot, trial->sequence, size);
	trial->held[place] = trial->sequence;
	trial->held_slots[place] = slot;
	trial->held_sizes[place] = (unsigned int)size;
}

void trial_loan(struct trial *trial, unsigned int index, unsigned int size)
{
	struct zt_format format = format_of(size);
	int r = -EAGAIN;

	if (trial->loans[index])
		return;
	/* Frames that outgrow their slots wait for the witness to map what is
	   new, one segment after another. */
	for (int i = 0; i < ZTI_SEGMENTS_MAX && r == -EAGAIN; i++) {
		r = zt_loan(trial->pub, &format, 0, &trial->loans[index]);
		witness_keeps_up(trial);
		trial_dispatch(trial);
	}
	fuzz_check(r == 0 || (r == -EAGAIN && trial->lawless));
}

void trial_publish(struct trial *trial, unsigned int index)
{
	struct zt_loan *loan = trial->loans[index];
	uint64_t size;

	if (!loan)
		return;
	size = loan->bytes_used;
	memset(loan->payload, paint_of(++trial->sequence), size);
	fuzz_check(zt_publish(trial->pub, loan) == 0);
	trial->loans[index] = NULL;
	witness_frame(trial, size);
}

void trial_discard(struct trial *trial, unsigned int index)
{
	zt_discard(trial->pub, trial->loans[index]);
	trial->loans[index] = NULL;
}

void trial_join(struct trial *trial, unsigned int peer, uint32_t delivery,
		uint32_t bound)
{
	struct raw *raw = &trial->peers[peer];
	struct zti_message hello = raw_hello(delivery, bound);

	if (raw->socket >= 0)
		raw_close(raw);
	raw_open(raw, STREAM);
	raw_say(raw, &hello);
	for (int i = 0; i < ZTI_SEGMENTS_MAX && !raw->first && !raw->ended;
	     i++) {
		trial_dispatch(trial);
		raw_keep_up(raw);
		witness_keeps_up(trial);
	}
}
