/* SPDX-License-Identifier: MIT */
/* The publisher's half of a part. */
#include <errno.h>

#include "content.h"
#include "part.h"

static struct zt_publisher *publisher;
static struct zt_loan *loan;
static uint64_t own_epoch, published;

static struct zt_format format_of(int64_t height)
{
	return (struct zt_format){
		.fourcc = zt_format_by_name("GRAY8")->fourcc,
		.width = ACTOR_WIDTH,
		.height = (uint32_t)height,
	};
}

static int create(const struct order *order, struct answer *answer)
{
	struct zt_format format = format_of(order->c);
	struct zt_publisher_options options = {
		.size = sizeof(options),
		.flags = ZT_PUBLISHER_BACKPRESSURE,
		.slots = (uint32_t)order->a,
		.metadata_size = CONTENT_METADATA,
		.evict_after_ns = (uint64_t)order->b,
		.format = order->c ? &format : NULL,
	};
	struct zt_publisher_stats stats = { .size = sizeof(stats) };
	int r;

	part_mark(order);
	r = zt_publisher_create(actor_stream, &options, &publisher,
				answer->reason);
	part_mark(order);
	if (r == 0)
		r = zt_publisher_get_stats(publisher, &stats);
	own_epoch = answer->epoch = stats.epoch;
	published = 0;
	return r;
}

static int publish(const struct order *order)
{
	int r;

	content_write(loan, own_epoch, ++published);
	part_mark(order);
	r = zt_publish(publisher, loan);
	part_mark(order);
	return r;
}

static int lend(const struct order *order)
{
	struct zt_format format = format_of(order->a);
	int r;

	part_mark(order);
	r = zt_loan(publisher, &format, order->b, &loan);
	part_mark(order);
	if (r == 0 && order->c)
		r = publish(order);
	return r;
}

static int publish_copy(const struct order *order)
{
	static uint64_t words[4096];
	struct zt_format format = format_of(order->a);
	size_t size = (size_t)order->a * ACTOR_WIDTH;
	int r;

	published++;
	for (uint64_t i = 0; i < size / 8; i++)
		words[i] = content_word(own_epoch, published, i);
	part_mark(order);
	r = zt_publish_copy(publisher, &format, words, size,
			    content_timestamp(own_epoch, published), 0);
	part_mark(order);
	return r;
}

static int discard(const struct order *order)
{
	part_mark(order);
	zt_discard(publisher, loan);
	part_mark(order);
	return 0;
}

static int destroy(const struct order *order)
{
	part_mark(order);
	zt_publisher_destroy(publisher);
	part_mark(order);
	publisher = NULL;
	return 0;
}

static int await(const struct order *order)
{
	int r;

	part_mark(order);
	r = zt_publisher_wait_subscribers(publisher, (unsigned int)order->a,
					  5000000000LL);
	part_mark(order);
	return r;
}

int part_publish(const struct order *order, struct answer *answer)
{
	switch (order->verb) {
	case ACTOR_CREATE:
		return create(order, answer);
	case ACTOR_AWAIT:
		return await(order);
	case ACTOR_LOAN:
		return lend(order);
	case ACTOR_PUBLISH:
		return publish(order);
	case ACTOR_DISCARD:
		return discard(order);
	case ACTOR_COPY:
		return publish_copy(order);
	case ACTOR_DESTROY:
		return destroy(order);
	default:
		return -ENOSYS;
	}
}
