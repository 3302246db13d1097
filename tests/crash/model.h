/* SPDX-License-Identifier: MIT */
/*
 * What a subscription is to be given, as the architecture page has it under
 * "Delivery": the reference that survivors are held against, frame by frame.
 */
#ifndef CRASH_MODEL_H
#define CRASH_MODEL_H

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>

#include <zoetrope/subscriber.h>

struct model {
	bool joined;
	enum zt_delivery delivery;
	uint32_t bound;			/* held or depth */
	uint32_t held;
	uint64_t first;			/* it is owed frames from here on */
	uint64_t low, high;		/* what waits for it; low > high: no
					   frame does */
	uint64_t last, taken;
};

/* What there is after `published` frames, with `loans` written at once. */
static inline void model_join(struct model *model, enum zt_delivery delivery,
			      uint32_t bound, uint32_t loans,
			      uint64_t published)
{
	bool retained = published &&
		(delivery != ZT_LOSSLESS || bound >= loans + 1);

	*model = (struct model){
		.joined = true,
		.delivery = delivery,
		.bound = bound,
		.first = retained ? published : published + 1,
		.high = published,
	};
	model->low = model->first;
	model->last = model->first - 1;
}

static inline uint64_t model_waiting(const struct model *model)
{
	return model->high + 1 - model->low;
}

static inline void model_publish(struct model *model, uint64_t sequence)
{
	uint64_t waiting = model_waiting(model);

	/* It may have been there to be taken before it was all published. */
	if (!model->joined || sequence <= model->last)
		return;
	if (model->delivery == ZT_LATEST) {
		model->low = model->high = sequence;
	} else if (model->delivery == ZT_LOSSLESS ||
		   model->held + waiting < model->bound) {
		if (!waiting)
			model->low = sequence;
		model->high = sequence;
	} else if (waiting) {
		model->low++;
		model->high = sequence;
	}
}

/* What its next take returns: 0 and a frame, -EBUSY or -EAGAIN. */
static inline int model_take(struct model *model, uint64_t *ret_sequence)
{
	if (model->held == model->bound)
		return -EBUSY;
	if (!model_waiting(model))
		return -EAGAIN;
	model->last = model->delivery == ZT_LATEST ? model->high : model->low;
	model->low = model->last + 1;
	model->taken++;
	model->held++;
	*ret_sequence = model->last;
	return 0;
}

/*
 * It has taken `taken` more by itself, up to the frame `last`, and released
 * all; nothing waits for it, and what it did not get is lost to it.
 */
static inline void model_exhausted(struct model *model, uint64_t taken,
				   uint64_t last, uint64_t published)
{
	if (taken)
		model->last = last;
	model->taken += taken;
	model->held = 0;
	model->high = model->last > published ? model->last : published;
	model->low = model->high + 1;
}

static inline uint64_t model_dropped(const struct model *model,
				     uint64_t published)
{
	return published + 1 - model->first - model->taken -
	       model_waiting(model);
}

#endif
