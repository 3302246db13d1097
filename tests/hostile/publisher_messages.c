/* SPDX-License-Identifier: MIT */
/* Publishers that say what cannot be said. */
#include <string.h>

#include "fake.h"
#include "memory/memory_impl.h"
#include "raw.h"

#define SEGMENT ((uint64_t)FAKE_SLOTS * FAKE_SLOT)

static void end(struct fake *fake, struct zt_subscriber *sub)
{
	zt_subscriber_close(sub);
	fake_end(fake);
}

/* Said in this state, it breaks the protocol. */
static void refuse(enum fake_state state, const void *data, size_t size)
{
	struct zt_subscriber *sub;
	struct fake fake;

	fake_enter(&fake, &sub, state);
	printf("state %d: ", state);
	assert_int_equal(raw_send(fake.socket, data, size, NULL, 0), 0);
	fake_expect_error(sub, -EPROTO);
	fake_expect_hang_up(&fake);
	end(&fake, sub);
}

static void refuse_in_all_states(const struct zti_message *msg)
{
	for (unsigned int state = 0; state < FAKE_STATES; state++)
		refuse(state, msg, sizeof(*msg));
}

/* ------------------------------------------------------------------------
 * Messages that are none.
 */

static void what_is_no_message(void)
{
	static const size_t sizes[] = { 2, 8, 319, 321, 640, 65536 };
	struct zti_message msg = raw_message(ZTI_BYE);
	static char bytes[65536];

	memcpy(bytes, &msg, sizeof(msg));
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++)
		for (unsigned int state = 0; state < FAKE_STATES; state++)
			refuse(state, bytes, sizes[i]);
	msg.magic = 0;
	refuse_in_all_states(&msg);
}

static void another_version(void)
{
	struct zti_message msg = raw_message(ZTI_BYE);

	msg.version = ZTI_LAYOUT_VERSION + 1;
	for (unsigned int state = 0; state < FAKE_STATES; state++) {
		struct zt_subscriber *sub;
		struct fake fake;

		fake_enter(&fake, &sub, state);
		fake_say(&fake, &msg, NULL, 0);
		fake_expect_error(sub, -EPROTONOSUPPORT);
		end(&fake, sub);
	}
}

static void unknown_types_are_skipped(void)
{
	static const uint16_t types[] = { 0, ZTI_HELLO, ZTI_ACK, 11, 1000,
					  UINT16_MAX };
	const struct zt_frame *frame;

	for (unsigned int state = 0; state < FAKE_STATES; state++) {
		struct zt_subscriber *sub;
		struct fake fake;

		fake_enter(&fake, &sub, state);
		for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++) {
			struct zti_message msg = raw_message(types[i]);

			memset(msg.room, 0xa5, sizeof(msg.room));
			fake_say(&fake, &msg, NULL, 0);
			raw_send(fake.socket, "\xff", 1, NULL, 0);
			assert_int_equal(fake_take(sub, &frame), -EAGAIN);
		}
		end(&fake, sub);
	}
}

/* ------------------------------------------------------------------------
 * Out of turn.
 */

static void welcome_comes_once(void)
{
	for (unsigned int state = FAKE_WELCOMED; state < FAKE_STATES; state++) {
		struct zt_subscriber *sub;
		struct fake fake;

		fake_enter(&fake, &sub, state);
		fake_welcome(&fake);
		fake_expect_error(sub, -EPROTO);
		fake_expect_hang_up(&fake);
		end(&fake, sub);
	}
}

static void start_comes_once_and_in_turn(void)
{
	struct zti_message msg = raw_message(ZTI_START);

	msg.start.first = 1;
	refuse(FAKE_GREETED, &msg, sizeof(msg));
	refuse(FAKE_STARTED, &msg, sizeof(msg));
	msg.start.first = 0;
	refuse_in_all_states(&msg);
}

static void refusals_say_why(void)
{
	struct zti_message msg = raw_message(ZTI_REFUSED);

	/* No end, or no error. */
	memset(msg.refusal.text, 'x', sizeof(msg.refusal.text));
	msg.refusal.error = -EBUSY;
	refuse_in_all_states(&msg);
	msg.type = ZTI_EVICTED;
	refuse_in_all_states(&msg);
	memset(msg.refusal.text, 0, sizeof(msg.refusal.text));
	msg.refusal.error = 0;
	refuse_in_all_states(&msg);
	msg.refusal.error = INT32_MAX;
	refuse_in_all_states(&msg);
}

/* What a publisher says ends up on terminals. */
static void words_are_only_words(void)
{
	struct zti_message msg = raw_message(ZTI_REFUSED);

	msg.refusal.error = INT32_MIN;
	for (unsigned int i = 0; i < sizeof(msg.refusal.text) - 1; i++)
		msg.refusal.text[i] = (char)(i + 1);
	for (unsigned int state = 0; state < FAKE_STATES; state++) {
		struct zt_subscriber *sub;
		struct fake fake;
		const char *text;

		fake_enter(&fake, &sub, state);
		fake_say(&fake, &msg, NULL, 0);
		fake_expect_error(sub, -ECONNREFUSED);
		for (text = zt_subscriber_reason(sub); *text; text++)
			assert_true((unsigned char)*text >= ' ' &&
				    *text != 0x7f);
		end(&fake, sub);
	}
}

/* Offered a place, it is put off, and then put off. */
static void bye_is_an_end_at_any_time(void)
{
	static const uint16_t types[] = { ZTI_BYE, ZTI_LATER };

	for (unsigned int i = 0; i < 2 * FAKE_STATES; i++) {
		struct zti_message msg = raw_message(types[i / FAKE_STATES]);
		const struct zt_frame *frame;
		struct zt_subscriber *sub;
		struct fake fake;
		int r;

		fake_enter(&fake, &sub, i % FAKE_STATES);
		for (int n = 0; n < 3; n++)
			fake_say(&fake, &msg, NULL, 0);
		fake_stop_listening(&fake);
		r = fake_take(sub, &frame);
		if (msg.type == ZTI_BYE && i % FAKE_STATES == FAKE_STARTED)
			assert_int_equal(r, -EPIPE);
		else
			assert_int_equal(r, -EAGAIN);
		end(&fake, sub);
	}
}

/* ------------------------------------------------------------------------
 * Segments.
 */

static void segments_that_cannot_be(void)
{
	static const struct zti_segment_told wrong[] = {
		{ .segment = ZTI_SEGMENTS_MAX, .size = SEGMENT },
		{ .segment = UINT32_MAX, .size = SEGMENT },
		{ .size = 0 },
		{ .size = UINT64_MAX },
		{ .size = 1ULL << 47 },
		{ .size = SEGMENT - 1 },
		{ .size = SEGMENT + 4096 },
	};
	static const uint32_t kinds[] = { 0, 4, UINT32_MAX };
	struct zti_message msg = raw_message(ZTI_SEGMENT);

	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong) + 3; i++) {
		struct zt_subscriber *sub;
		struct fake fake;

		if (i < 3) {
			msg.segment.size = SEGMENT;
			msg.segment.kind = kinds[i];
		} else {
			msg.segment = wrong[i - 3];
			msg.segment.kind = ZTI_MEMORY_MEMFD;
		}
		fake_enter(&fake, &sub, FAKE_WELCOMED);
		fake_say(&fake, &msg, &fake.segment_fd, 1);
		fake_expect_error(sub, -EPROTO);
		fake_expect_hang_up(&fake);
		end(&fake, sub);
	}
}

static void segments_come_once_and_in_turn(void)
{
	struct zt_subscriber *sub;
	struct fake fake;

	fake_enter(&fake, &sub, FAKE_GREETED);
	fake_tell_segment(&fake, 0, fake.segment_fd, SEGMENT);
	fake_expect_error(sub, -EPROTO);
	end(&fake, sub);
	/* The number is taken. */
	fake_enter(&fake, &sub, FAKE_STARTED);
	fake_tell_segment(&fake, 0, fake.segment_fd, SEGMENT);
	fake_expect_error(sub, -EPROTO);
	end(&fake, sub);
}

static void what_is_not_there_cannot_retire(void)
{
	struct zti_message msg = raw_message(ZTI_RETIRE);

	msg.segment.segment = 1;
	refuse_in_all_states(&msg);
	msg.segment.segment = ZTI_SEGMENTS_MAX;
	refuse_in_all_states(&msg);
	msg.segment.segment = UINT32_MAX;
	refuse_in_all_states(&msg);
}

/* What is held stays, whatever becomes of its segment and the connection. */
static void what_is_held_does_not_retire(void)
{
	struct zti_message msg = raw_message(ZTI_RETIRE);
	const struct zt_frame *held, *frame;
	struct zt_subscriber *sub;
	struct fake fake;

	fake_enter(&fake, &sub, FAKE_STARTED);
	fake_publish(&fake, 0);
	assert_int_equal(fake_take(sub, &held), 0);
	for (int i = 0; i < 10; i++) {
		fake_say(&fake, &msg, NULL, 0);
		assert_int_equal(fake_take(sub, &frame), -EAGAIN);
		assert_true(fake_is_painted(held));
	}
	/* Nor is the number free for another. */
	fake_tell_segment(&fake, 0, fake.segment_fd, SEGMENT);
	fake_expect_error(sub, -EPROTO);
	assert_true(fake_is_painted(held));
	zt_release(held);
	end(&fake, sub);
}

static void what_was_held_retires_when_it_is_back(void)
{
	struct zti_message msg = raw_message(ZTI_RETIRE);
	const struct zt_frame *held, *frame;
	struct zt_subscriber *sub;
	struct fake fake;

	fake_enter(&fake, &sub, FAKE_STARTED);
	fake_publish(&fake, 0);
	assert_int_equal(fake_take(sub, &held), 0);
	fake_say(&fake, &msg, NULL, 0);
	assert_int_equal(fake_take(sub, &frame), -EAGAIN);
	zt_release(held);
	assert_int_equal(fake_take(sub, &frame), -EAGAIN);
	fake_expect(&fake, ZTI_ACK, &msg);
	assert_int_equal(msg.segment.retire, 1);
	/* A frame in what is gone. */
	fake_publish(&fake, 1);
	fake_expect_error(sub, -EPROTO);
	end(&fake, sub);
}

/* Segments without end: each number once, and room for answers. */
static void segments_without_end(void)
{
	const struct zt_frame *frame;
	struct zt_subscriber *sub;
	struct fake fake;
	int r = -EAGAIN;

	fake_enter(&fake, &sub, FAKE_WELCOMED);
	for (uint32_t i = 0; i < 10000 && r == -EAGAIN; i++) {
		fake_tell_segment(&fake, i % ZTI_SEGMENTS_MAX, fake.segment_fd,
				  SEGMENT);
		r = fake_take(sub, &frame);
	}
	assert_int_equal(r, -EPROTO);
	end(&fake, sub);
}

static const struct zt_test tests[] = {
	ZT_TEST(what_is_no_message),
	ZT_TEST(another_version),
	ZT_TEST(unknown_types_are_skipped),
	ZT_TEST(welcome_comes_once),
	ZT_TEST(start_comes_once_and_in_turn),
	ZT_TEST(refusals_say_why),
	ZT_TEST(words_are_only_words),
	ZT_TEST(bye_is_an_end_at_any_time),
	ZT_TEST(segments_that_cannot_be),
	ZT_TEST(segments_come_once_and_in_turn),
	ZT_TEST(what_is_not_there_cannot_retire),
	ZT_TEST(what_is_held_does_not_retire),
	ZT_TEST(what_was_held_retires_when_it_is_back),
	ZT_TEST(segments_without_end),
};
ZT_TEST_MAIN(tests)
