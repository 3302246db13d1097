/* SPDX-License-Identifier: MIT */
/*
 * Publishers that write on their boards what cannot be, or write there while
 * they are being read. A subscriber says -EPROTO; what it holds stays
 * readable; and no frame that it hands out reaches beyond the segment.
 */
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fake.h"
#include "raw.h"

#define SEGMENT ((uint64_t)FAKE_SLOTS * FAKE_SLOT)

static void begin(struct fake *fake, struct zt_subscriber **ret_sub,
		  uint32_t delivery, uint32_t bound)
{
	fake_begin(fake);
	*ret_sub = fake_subscriber(delivery, bound);
	fake_listen(fake);
	fake_join(fake, *ret_sub);
}

static void end(struct fake *fake, struct zt_subscriber *sub)
{
	zt_subscriber_close(sub);
	fake_end(fake);
}

/* ------------------------------------------------------------------------
 * Descriptors that cannot be.
 */

/*
 * Spoil the description of slot 1, offer it, and see it refused, by a reader
 * that holds a good frame in slot 0.
 */
static void refuse(uint32_t delivery, void (*spoil)(struct zti_slot *desc))
{
	const struct zt_frame *held, *frame;
	struct zt_subscriber *sub;
	struct fake fake;

	begin(&fake, &sub, delivery, 4);
	fake_publish(&fake, 0);
	assert_int_equal(fake_take(sub, &held), 0);
	assert_true(fake_is_painted(held));
	spoil(fake_describe(&fake, 1));
	fake_offer(&fake, 1);
	fake_expect_error(sub, -EPROTO);
	assert_true(fake_is_painted(held));
	/* For good: it does not come back to such a publisher. */
	fake_publish(&fake, 2);
	assert_int_equal(fake_take(sub, &frame), -EPROTO);
	zt_release(held);
	end(&fake, sub);
}

static void refuse_all(void (*spoil)(struct zti_slot *desc))
{
	refuse(ZT_LATEST, spoil);
	refuse(ZT_QUEUE, spoil);
	refuse(ZT_LOSSLESS, spoil);
}

#define SPOIL(name, statement)                      \
	static void name(struct zti_slot *desc)     \
	{                                           \
		statement;                          \
	}

SPOIL(offset_at_the_end, desc->offset = SEGMENT)
SPOIL(offset_that_leaves_too_little, desc->offset = SEGMENT - 1984)
SPOIL(offset_that_wraps, desc->offset = UINT64_MAX - 63)
SPOIL(offset_that_is_odd, desc->offset += 8)
SPOIL(segment_that_is_not_there, desc->segment = 1)
SPOIL(segment_that_cannot_be, desc->segment = ZTI_SEGMENTS_MAX)
SPOIL(segment_far_out, desc->segment = UINT32_MAX)
SPOIL(more_bytes_than_there_are, desc->bytes_used = 2049)
SPOIL(bytes_without_end, desc->bytes_used = UINT64_MAX)
SPOIL(metadata_beyond_the_end, desc->metadata_offset = SEGMENT + 1)
SPOIL(metadata_far_out, desc->metadata_offset = UINT64_MAX)
SPOIL(metadata_that_is_too_long,
      desc->metadata_used = (uint32_t)(SEGMENT - desc->metadata_offset + 1))
SPOIL(metadata_without_end, desc->metadata_used = UINT32_MAX)
SPOIL(clock_that_is_none, desc->clock = ZT_CLOCK_REALTIME + 1)
SPOIL(format_that_is_none, desc->format.fourcc = 0)
SPOIL(format_that_is_unknown, desc->format.fourcc = 0x58585858)
SPOIL(no_width, desc->format.width = 0)
SPOIL(width_without_end, desc->format.width = UINT32_MAX)
SPOIL(payload_beyond_the_segment, desc->format.payload_size = SEGMENT + 1)
SPOIL(payload_that_is_too_short, desc->format.payload_size = 64)
SPOIL(no_planes, desc->format.plane_count = 0)
SPOIL(too_many_planes, desc->format.plane_count = ZT_MAX_PLANES + 1)
SPOIL(planes_without_end, desc->format.plane_count = UINT32_MAX)
SPOIL(plane_beyond_the_payload, desc->format.planes[0].offset = 64)
SPOIL(plane_far_out, desc->format.planes[0].offset = UINT64_MAX - 100)
SPOIL(stride_beyond_the_plane, desc->format.planes[0].stride = 4096)
SPOIL(stride_that_is_too_short, desc->format.planes[0].stride = 1)
SPOIL(visible_beyond_the_frame, desc->format.visible.width = 65)
SPOIL(never_described, memset(&desc->format, 0, sizeof(desc->format));
      desc->format_serial = 0)

static void payload_outside_the_segment(void)
{
	refuse_all(offset_at_the_end);
	refuse_all(offset_that_leaves_too_little);
	refuse_all(offset_that_wraps);
	refuse_all(offset_that_is_odd);
	refuse_all(segment_that_is_not_there);
	refuse_all(segment_that_cannot_be);
	refuse_all(segment_far_out);
	refuse_all(more_bytes_than_there_are);
	refuse_all(bytes_without_end);
}

static void metadata_outside_the_segment(void)
{
	refuse_all(metadata_beyond_the_end);
	refuse_all(metadata_far_out);
	refuse_all(metadata_that_is_too_long);
	refuse_all(metadata_without_end);
	refuse_all(clock_that_is_none);
}

static void formats_that_cannot_be(void)
{
	refuse_all(format_that_is_none);
	refuse_all(format_that_is_unknown);
	refuse_all(no_width);
	refuse_all(width_without_end);
	refuse_all(payload_beyond_the_segment);
	refuse_all(payload_that_is_too_short);
	refuse_all(no_planes);
	refuse_all(too_many_planes);
	refuse_all(planes_without_end);
	refuse_all(plane_beyond_the_payload);
	refuse_all(plane_far_out);
	refuse_all(stride_beyond_the_plane);
	refuse_all(stride_that_is_too_short);
	refuse_all(visible_beyond_the_frame);
	refuse_all(never_described);
}

/* A description that was good, changed with no new serial. */
static void described_once_and_changed(void)
{
	const struct zt_frame *frame;
	struct zt_subscriber *sub;
	struct fake fake;

	begin(&fake, &sub, ZT_LATEST, 1);
	fake_publish(&fake, 0);
	assert_int_equal(fake_take(sub, &frame), 0);
	zt_release(frame);
	/* What was checked is used, not what stands there now. */
	fake.board->slots[0].sequence.word = ++fake.sequence;
	fake.board->slots[0].format.planes[0].offset = UINT64_MAX;
	fake.board->slots[0].format.plane_count = 77;
	fake.board->slots[0].metadata_offset = UINT64_MAX;
	fake_offer(&fake, 0);
	assert_int_equal(fake_take(sub, &frame), 0);
	assert_int_equal(frame->format.plane_count, 1);
	assert_ptr_equal(frame->data[0], frame->payload);
	zt_release(frame);
	fake.board->slots[0].sequence.word = ++fake.sequence;
	fake.board->slots[0].offset = FAKE_SLOT;
	fake_offer(&fake, 0);
	fake_expect_error(sub, -EPROTO);
	end(&fake, sub);
}

/* Times are only looked at, and can be anything. */
static void times_that_cannot_be(void)
{
	static const int64_t times[] = { INT64_MIN, INT64_MAX, 0, -1, 1,
					 INT64_MAX, INT64_MIN };
	const struct zt_frame *frame;
	struct zt_subscriber *sub;
	struct fake fake;

	begin(&fake, &sub, ZT_LATEST, 1);
	for (size_t i = 0; i < sizeof(times) / sizeof(*times); i++) {
		struct zti_slot *desc = fake_describe(&fake, 0);

		desc->published_ns = desc->timestamp_ns = times[i];
		fake_offer(&fake, 0);
		assert_int_equal(fake_take(sub, &frame), 0);
		assert_int_equal(frame->published_ns, times[i]);
		zt_release(frame);
	}
	end(&fake, sub);
}

/* ------------------------------------------------------------------------
 * Sequences.
 */

/* What was had already, or comes too early, does not come. */
static void sequences_do_not_go_back(void)
{
	static const uint64_t stale[] = { 0, 1, 5 };
	static const uint32_t deliveries[] = { ZT_LATEST, ZT_QUEUE,
					       ZT_LOSSLESS };
	const struct zt_frame *frame;
	struct zt_subscriber *sub;
	struct fake fake;

	for (int i = 0; i < 9; i++) {
		int r;

		begin(&fake, &sub, deliveries[i % 3], 4);
		for (unsigned int n = 0; n < 5; n++) {
			fake_publish(&fake, n);
			assert_int_equal(fake_take(sub, &frame), 0);
			zt_release(frame);
		}
		fake_describe(&fake, 5)->sequence.word = stale[i / 3];
		fake_offer(&fake, 5);
		r = fake_take(sub, &frame);
		assert_true(r == -EAGAIN || r == -EPROTO);
		assert_int_not_equal(r, 0);
		end(&fake, sub);
	}
}

/* Others count what they missed; one that is to have all has been betrayed. */
static void sequences_that_leap(void)
{
	static const uint32_t deliveries[] = { ZT_LATEST, ZT_QUEUE };
	const struct zt_frame *frame;
	struct zt_subscriber *sub;
	struct fake fake;
	int r;

	for (int i = 0; i < 2; i++) {
		begin(&fake, &sub, deliveries[i], 2);
		fake_describe(&fake, 0)->sequence.word = UINT64_MAX - 1;
		fake_offer(&fake, 0);
		assert_int_equal(fake_take(sub, &frame), 0);
		assert_int_equal(frame->sequence, UINT64_MAX - 1);
		assert_int_equal(frame->dropped, UINT64_MAX - 2);
		zt_release(frame);
		/* There is little after that. */
		fake_publish(&fake, 1);
		assert_int_not_equal(fake_take(sub, &frame), 0);
		end(&fake, sub);
	}
	begin(&fake, &sub, ZT_LOSSLESS, 2);
	fake_describe(&fake, 0)->sequence.word = 2;
	fake_offer(&fake, 0);
	r = fake_take(sub, &frame);
	assert_true(r == -EAGAIN || r == -EPROTO);
	end(&fake, sub);
}

/* All bits at once, of slots with nothing in them. */
static void slots_that_never_were(void)
{
	static const uint32_t deliveries[] = { ZT_LATEST, ZT_QUEUE,
					       ZT_LOSSLESS };
	const struct zt_frame *frame;
	struct zt_subscriber *sub;
	struct fake fake;

	for (int i = 0; i < 3; i++) {
		begin(&fake, &sub, deliveries[i], 64);
		for (int n = 0; n < 100; n++) {
			int r;

			fake.page->offered.word = UINT64_MAX;
			r = fake_take(sub, &frame);
			assert_true(r == -EAGAIN || r == -EPROTO);
		}
		end(&fake, sub);
	}
}

/* One frame over and over, while it is held. */
static void what_is_held_is_offered_again(void)
{
	static const uint32_t deliveries[] = { ZT_LATEST, ZT_QUEUE,
					       ZT_LOSSLESS };

	for (int i = 0; i < 3; i++) {
		const struct zt_frame *held[4];
		struct zt_subscriber *sub;
		struct fake fake;
		int taken = 0;

		begin(&fake, &sub, deliveries[i], 4);
		for (int n = 0; n < 8; n++) {
			fake_publish(&fake, 0);
			taken += taken < 4 &&
				 fake_take(sub, &held[taken]) == 0;
		}
		for (int n = 0; n < taken; n++)
			zt_release(held[n]);
		end(&fake, sub);
	}
}

/* ------------------------------------------------------------------------
 * A board that changes under our eyes.
 */

struct flipping {
	struct fake *fake;
	_Atomic bool stop;
	uint64_t state;
};

/* Values that are good, nearly good, and bad. */
static uint64_t some_value(uint64_t *state)
{
	static const uint64_t values[] = { 0, 1, 2, 63, 64, 65, 2047, 2048,
		2049, 4096, FAKE_SLOT * 7, SEGMENT - 2048, SEGMENT - 1,
		SEGMENT, SEGMENT + 1, UINT32_MAX, INT64_MAX, UINT64_MAX };
	const unsigned int count = sizeof(values) / sizeof(*values);

	return values[raw_below(state, count)];
}

/* A field of the description of slot 0, one of its own size each. */
static void flip(struct zti_slot *desc, uint64_t *state)
{
	uint64_t value = some_value(state);

	switch (raw_below(state, 12)) {
	case 0:
		desc->offset = value;
		break;
	case 1:
		desc->segment = (uint32_t)value;
		break;
	case 2:
		desc->bytes_used = value;
		break;
	case 3:
		desc->metadata_used = (uint32_t)value;
		break;
	case 4:
		desc->metadata_offset = value;
		break;
	case 5:
		desc->format.plane_count = (uint32_t)value;
		break;
	case 6:
		desc->format.planes[0].offset = value;
		break;
	case 7:
		desc->format.payload_size = value;
		break;
	case 8:
		desc->format_serial = (uint32_t)value;
		break;
	case 9:
		desc->format.height = (uint32_t)value;
		break;
	default:
		break;
	}
}

/* A good description for a moment, then one that is not, and so on. */
static void *keep_flipping(void *argument)
{
	struct flipping *flipping = argument;
	struct fake *fake = flipping->fake;
	struct zti_slot good = fake->board->slots[0];
	struct zti_slot *desc = &fake->board->slots[0];

	while (!atomic_load(&flipping->stop)) {
		if (raw_below(&flipping->state, 16) == 0)
			flip(desc, &flipping->state);
		atomic_fetch_add(&desc->sequence.word, 1);
		atomic_store(&fake->page->offered.word, 1);
		desc->format = good.format;
		desc->metadata_offset = good.metadata_offset;
		desc->offset = good.offset;
		desc->segment = 0;
		desc->bytes_used = good.bytes_used;
		desc->metadata_used = 16;
		desc->format_serial++;
	}
	return NULL;
}

/* Where the subscriber has mapped the segment: the readable one of two. */
static void find_mapping(uintptr_t *ret_from, uintptr_t *ret_to)
{
	FILE *file = fopen("/proc/self/maps", "re");
	char line[512];

	assert_non_null(file);
	*ret_from = *ret_to = 0;
	while (fgets(line, sizeof(line), file)) {
		uintptr_t from, to;

		if (sscanf(line, "%lx-%lx r--s", &from, &to) == 2 &&
		    strstr(line, "r--s") && to - from == SEGMENT) {
			*ret_from = from;
			*ret_to = to;
		}
	}
	fclose(file);
	assert_true(*ret_to);
}

static void is_within(const struct zt_frame *frame, uintptr_t from,
		      uintptr_t to)
{
	struct zt_format format = frame->format;
	uintptr_t payload = (uintptr_t)frame->payload;
	uintptr_t metadata = (uintptr_t)frame->metadata;

	assert_int_equal(zt_format_complete(&format), 0);
	assert_memory_equal(&format, &frame->format, sizeof(format));
	assert_true(payload >= from && payload <= to);
	assert_true(format.payload_size <= to - payload);
	assert_true(frame->bytes_used <= format.payload_size);
	for (unsigned int i = 0; i < format.plane_count; i++) {
		assert_ptr_equal(frame->data[i],
				 frame->payload + format.planes[i].offset);
		assert_true(format.planes[i].offset <= format.payload_size);
	}
	if (frame->metadata_used)
		assert_true(metadata >= from && metadata <= to &&
			    frame->metadata_used <= to - metadata);
}

/* Take what can be taken until it breaks off. Returns how many. */
static uint64_t take_while_flipping(uint64_t seed, uint32_t delivery)
{
	struct flipping flipping = { .state = seed };
	const struct zt_frame *frame;
	struct zt_subscriber *sub;
	uintptr_t from, to;
	uint64_t taken = 0;
	pthread_t thread;
	struct fake fake;
	int r = 0;

	begin(&fake, &sub, delivery, 1);
	find_mapping(&from, &to);
	fake_describe(&fake, 0);
	flipping.fake = &fake;
	assert_int_equal(pthread_create(&thread, NULL, keep_flipping,
					&flipping), 0);
	for (int i = 0; i < 20000 && (r == 0 || r == -EAGAIN); i++) {
		r = fake_take(sub, &frame);
		if (r)
			continue;
		is_within(frame, from, to);
		zt_release(frame);
		taken++;
	}
	assert_true(r == 0 || r == -EAGAIN || r == -EPROTO);
	atomic_store(&flipping.stop, true);
	pthread_join(thread, NULL);
	end(&fake, sub);
	return taken;
}

static void the_board_changes_as_we_look(void)
{
	static const uint32_t deliveries[] = { ZT_LATEST, ZT_QUEUE };
	int64_t until = harness_limit_ns(2000);
	uint64_t taken = 0, rounds = 0;

	while (rounds < 20 || harness_limit_ns(0) < until) {
		taken += take_while_flipping(rounds, deliveries[rounds % 2]);
		rounds++;
	}
	printf("%ju frames in %ju rounds\n", (uintmax_t)taken,
	       (uintmax_t)rounds);
	assert_true(taken > 0);
}

static const struct zt_test tests[] = {
	ZT_TEST(payload_outside_the_segment),
	ZT_TEST(metadata_outside_the_segment),
	ZT_TEST(formats_that_cannot_be),
	ZT_TEST(described_once_and_changed),
	ZT_TEST(times_that_cannot_be),
	ZT_TEST(sequences_do_not_go_back),
	ZT_TEST(sequences_that_leap),
	ZT_TEST(slots_that_never_were),
	ZT_TEST(what_is_held_is_offered_again),
	ZT_TEST(the_board_changes_as_we_look),
};
ZT_TEST_MAIN(tests)
