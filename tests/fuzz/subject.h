/* SPDX-License-Identifier: MIT */
/*
 * A subscriber and a fake publisher in one thread, driven by an input that
 * says what the publisher does.
 *
 * Throughout: a frame lies in a segment that is mapped, all of it; it does not
 * change while it is held; and once the subscriber is closed nothing is left.
 */
#ifndef FUZZ_SUBJECT_H
#define FUZZ_SUBJECT_H

#include "core/subscriber_impl.h"
#include "fake.h"
#include "fuzz.h"

#define SUBJECT_HELD 4

struct subject {
	struct zt_subscriber *sub;
	struct fake fake;
	const struct zt_frame *held[SUBJECT_HELD];
	struct zt_frame copies[SUBJECT_HELD];
	unsigned int held_count;
};

/* `kind`: which delivery, and how many frames it may hold. */
void subject_begin(struct subject *subject, uint8_t kind);
void subject_end(struct subject *subject);

/* zt_take() without waiting; what comes is looked at, and held. */
void subject_take(struct subject *subject);

/* Give one back, after another look. */
void subject_release(struct subject *subject, unsigned int index);

/* Write a value into a field of a slot's description, as the input says. */
void subject_describe(struct subject *subject, struct fuzz_input *in);

/* Offer slots, or play with the page otherwise. */
void subject_write_page(struct subject *subject, struct fuzz_input *in);

#endif
