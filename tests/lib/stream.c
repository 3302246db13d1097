/* SPDX-License-Identifier: MIT */
/* See stream.h. */
#include <string.h>

#include "stream.h"

#define GOLDEN UINT64_C(0x9e3779b97f4a7c15)

int64_t stream_patience(void)
{
	return harness_limit_ns(HARNESS_PATIENCE) - harness_limit_ns(0);
}

struct zt_format stream_format(uint32_t fourcc, uint32_t width,
			       uint32_t height)
{
	struct zt_format format = {
		.fourcc = fourcc, .width = width, .height = height,
	};

	return format;
}

struct zt_format stream_small(void)
{
	return stream_format(ZT_FOURCC('B', 'G', '2', '4'), 64, 48);
}

struct zt_format stream_sized(uint64_t bytes)
{
	return stream_format(ZT_FOURCC('R', '8', ' ', ' '), 4096,
			     (uint32_t)(bytes / 4096));
}

/* What stands at the index-th eight bytes of a frame. */
static uint64_t paint_at(uint64_t seed, uint64_t index)
{
	return (seed + 1) * GOLDEN ^ index * 0x100000001;
}

void stream_paint(struct zt_loan *loan, uint64_t seed)
{
	uint64_t size = loan->bytes_used;

	for (uint64_t at = 0; at < size; at += 8) {
		uint64_t word = paint_at(seed, at / 8);

		memcpy(loan->payload + at, &word,
		       size - at < 8 ? size - at : 8);
	}
}

bool stream_is_painted(const struct zt_frame *frame, uint64_t seed)
{
	uint64_t size = frame->bytes_used;

	for (uint64_t at = 0; at < size; at += 8) {
		uint64_t word = paint_at(seed, at / 8);

		if (!memcmp(frame->payload + at, &word,
			    size - at < 8 ? size - at : 8))
			continue;
		memcpy(&word, frame->payload + at, size - at < 8 ? 1 : 8);
		print_error("frame %ju is wrong at byte %ju of %ju: 0x%jx in "
			    "place of 0x%jx\n", (uintmax_t)frame->sequence,
			    (uintmax_t)at, (uintmax_t)size, (uintmax_t)word,
			    (uintmax_t)paint_at(seed, at / 8));
		return false;
	}
	return true;
}

static void log_line(void *userdata, int level, const char *line)
{
	(void)userdata;
	printf("log %d: %s\n", level, line);
}

struct zt_publisher *
stream_create_bare(const char *name,
		   const struct zt_publisher_options *options)
{
	struct zt_publisher_options own = { 0 };
	char reason[ZT_REASON_MAX] = "";
	struct zt_publisher *pub;
	int r;

	if (options)
		own = *options;
	own.size = sizeof(own);
	if (!own.log)
		own.log = log_line;
	r = zt_publisher_create(name, &own, &pub, reason);
	if (r < 0)
		fail_msg("cannot publish %s: %s (%s)", name, reason,
			 strerror(-r));
	return pub;
}

struct zt_publisher *stream_create(const char *name,
				   const struct zt_publisher_options *options)
{
	struct zt_publisher_options own = { 0 };
	struct zt_format format = stream_small();

	if (options)
		own = *options;
	if (!own.format)
		own.format = &format;
	return stream_create_bare(name, &own);
}

static struct zt_loan *loan(struct zt_publisher *pub,
			    const struct zt_format *format, int64_t timeout_ns)
{
	struct zt_loan *loan;
	int r = zt_loan(pub, format, timeout_ns, &loan);

	if (r < 0)
		fail_msg("no loan: %s (%s)", zt_publisher_reason(pub),
			 strerror(-r));
	return loan;
}

struct zt_loan *stream_loan(struct zt_publisher *pub,
			    const struct zt_format *format)
{
	return loan(pub, format, 0);
}

struct zt_loan *stream_loan_in_time(struct zt_publisher *pub,
				    const struct zt_format *format)
{
	return loan(pub, format, stream_patience());
}

static uint64_t publish(struct zt_publisher *pub, struct zt_loan *loan)
{
	uint64_t sequence = stream_stats(pub).published + 1;

	stream_paint(loan, sequence);
	assert_int_equal(zt_publish(pub, loan), 0);
	return sequence;
}

uint64_t stream_publish(struct zt_publisher *pub,
			const struct zt_format *format)
{
	return publish(pub, stream_loan(pub, format));
}

uint64_t stream_publish_in_time(struct zt_publisher *pub,
				const struct zt_format *format)
{
	return publish(pub, stream_loan_in_time(pub, format));
}

struct zt_publisher_stats stream_stats(struct zt_publisher *pub)
{
	struct zt_publisher_stats stats = { .size = sizeof(stats) };

	assert_int_equal(zt_publisher_get_stats(pub, &stats), 0);
	return stats;
}

void stream_wait_subscribers(struct zt_publisher *pub, unsigned int count)
{
	int r = zt_publisher_wait_subscribers(pub, count, stream_patience());

	if (r < 0)
		fail_msg("%u subscribers, not %u: %s",
			 stream_stats(pub).subscribers, count, strerror(-r));
}

int stream_try_open(const char *name,
		    const struct zt_subscriber_options *options,
		    struct zt_subscriber **ret_sub, char *ret_reason)
{
	struct zt_subscriber_options own = { 0 };

	if (options)
		own = *options;
	own.size = sizeof(own);
	own.join_timeout_ns = own.join_timeout_ns ?
		own.join_timeout_ns : (uint64_t)stream_patience();
	return zt_subscriber_open(name, &own, ret_sub, ret_reason);
}

struct zt_subscriber *stream_open(const char *name,
				  const struct zt_subscriber_options *options)
{
	char reason[ZT_REASON_MAX] = "";
	struct zt_subscriber *sub;
	int r = stream_try_open(name, options, &sub, reason);

	if (r < 0)
		fail_msg("cannot join %s: %s (%s)", name, reason, strerror(-r));
	return sub;
}

const char *stream_refused(const char *name,
			   const struct zt_subscriber_options *options,
			   int error)
{
	static char reason[ZT_REASON_MAX];
	struct zt_subscriber *sub = NULL;

	assert_int_equal(stream_try_open(name, options, &sub, reason), error);
	assert_null(sub);
	printf("refused: %s\n", reason);
	return reason;
}

const struct zt_frame *stream_take(struct zt_subscriber *sub)
{
	const struct zt_frame *frame;
	int r = zt_take(sub, stream_patience(), &frame);

	if (r < 0)
		fail_msg("no frame: %s (%s)", zt_subscriber_reason(sub),
			 strerror(-r));
	assert_true(stream_is_painted(frame, frame->sequence));
	return frame;
}

const struct zt_frame *stream_take_this(struct zt_subscriber *sub,
					uint64_t sequence)
{
	const struct zt_frame *frame = stream_take(sub);

	assert_int_equal(frame->sequence, sequence);
	return frame;
}

void stream_expect(struct zt_subscriber *sub, uint64_t sequence)
{
	zt_release(stream_take_this(sub, sequence));
}

const struct zt_frame *stream_catch_up(struct zt_subscriber *sub,
				       uint64_t sequence)
{
	const struct zt_frame *frame = stream_take(sub);

	while (frame->sequence < sequence) {
		zt_release(frame);
		frame = stream_take(sub);
	}
	assert_int_equal(frame->sequence, sequence);
	return frame;
}

static void check_error(struct zt_subscriber *sub, int r, int error)
{
	if (r != error)
		fail_msg("zt_take gives %d (%s), not %d", r,
			 r ? zt_subscriber_reason(sub) : "a frame", error);
}

void stream_expect_error(struct zt_subscriber *sub, int error)
{
	const struct zt_frame *frame;

	check_error(sub, zt_take(sub, 0, &frame), error);
}

void stream_await_error(struct zt_subscriber *sub, int error)
{
	const struct zt_frame *frame;

	check_error(sub, zt_take(sub, stream_patience(), &frame), error);
}

struct zt_subscriber_stats stream_reader_stats(struct zt_subscriber *sub)
{
	struct zt_subscriber_stats stats = { .size = sizeof(stats) };

	assert_int_equal(zt_subscriber_get_stats(sub, &stats), 0);
	return stats;
}
