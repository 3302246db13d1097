/* SPDX-License-Identifier: MIT */
/* Subscribers that say what cannot be said, in every state that they can be in. */
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "court.h"
#include "raw.h"

enum state {
	CONNECTED,	/* and nothing said */
	WELCOMED,	/* the page is not acknowledged */
	JOINING,	/* a segment is not acknowledged */
	JOINED,
	LEAVING,
	WATCHING,	/* a monitor */
	STATES
};

/* What comes of it. */
enum outcome {
	CUT_OFF,	/* a hang-up, and it counts */
	HANG_UP,
	REFUSED,	/* a sentence, then a hang-up */
	SKIPPED,
};

/* A stream with slots enough for a subscriber more, so that joins are short. */
static void open_court(struct court *court)
{
	static const struct zt_publisher_options options = { .slots = 16 };

	court_open(court, &options);
}

static void enter(struct raw *raw, enum state state)
{
	struct zti_message msg = raw_hello(ZT_LATEST, 1);

	raw_open(raw, COURT_STREAM);
	if (state == CONNECTED)
		return;
	if (state == WATCHING)
		msg.hello.role = ZTI_ROLE_MONITOR;
	raw_say(raw, &msg);
	assert_int_equal(raw_await(raw, &msg), ZTI_WELCOME);
	if (state == WATCHING || state == WELCOMED)
		return;
	raw_answer(raw, &msg);
	assert_int_equal(raw_await(raw, &msg), ZTI_SEGMENT);
	if (state == JOINING)
		return;
	raw_answer(raw, &msg);
	while (!raw->first)
		raw_await(raw, &msg);
	if (state == LEAVING) {
		msg = raw_message(ZTI_BYE);
		raw_say(raw, &msg);
	}
}

/* It is still listened to: this has to be refused. */
static void see_alive(struct raw *raw)
{
	struct zti_message msg = raw_message(ZTI_BYE);

	msg.version = ZTI_LAYOUT_VERSION + 1;
	raw_say(raw, &msg);
	raw_await_end(raw);
	assert_int_equal(raw->refused, -EPROTONOSUPPORT);
}

/* Say it in this state, and see what comes of it. */
static void say(struct court *court, enum state state, const void *data,
		size_t size, enum outcome outcome)
{
	uint64_t cut_off = stream_stats(court->pub).cut_off;
	uint64_t refused = stream_stats(court->pub).refused;
	struct raw raw;

	enter(&raw, state);
	court_frames(court, 4);
	assert_int_equal(raw_send(raw.socket, data, size, NULL, 0), 0);
	if (outcome == SKIPPED)
		see_alive(&raw);
	else
		raw_await_end(&raw);
	court_frames(court, 4);
	cut_off = stream_stats(court->pub).cut_off - cut_off;
	if (cut_off != (outcome == CUT_OFF))
		fail_msg("state %d: %ju more are cut off", state,
			 (uintmax_t)cut_off);
	if (outcome == REFUSED) {
		assert_int_equal(stream_stats(court->pub).refused, refused + 1);
		assert_true(raw.refused < 0);
		assert_true(strlen(raw.reason) > 20);
		printf("state %d, refused: %s\n", state, raw.reason);
	}
	raw_close(&raw);
}

static void say_in_all_states(const void *data, size_t size,
			      enum outcome outcome)
{
	struct court court;

	open_court(&court);
	for (unsigned int state = 0; state < STATES; state++)
		say(&court, state, data, size, outcome);
	court_close(&court);
}

static void what_has_no_magic(void)
{
	struct zti_message msg = raw_hello(ZT_LATEST, 1);

	msg.magic++;
	say_in_all_states(&msg, sizeof(msg), CUT_OFF);
}

static void what_has_another_length(void)
{
	static const size_t sizes[] = { 2, 8, 64, sizeof(struct zti_message) - 1,
		sizeof(struct zti_message) + 1, 2 * sizeof(struct zti_message),
		65536 };
	struct zti_message msg = raw_hello(ZT_LATEST, 1);
	static char bytes[65536];
	struct court court;

	memcpy(bytes, &msg, sizeof(msg));
	open_court(&court);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++)
		for (unsigned int state = 0; state < STATES; state++)
			say(&court, state, bytes, sizes[i], CUT_OFF);
	court_close(&court);
}

/* It cannot be told from the end of the connection. */
static void what_has_no_length(void)
{
	say_in_all_states("", 0, HANG_UP);
}

static void another_version_is_refused_in_words(void)
{
	struct zti_message msg = raw_hello(ZT_LATEST, 1);

	msg.version = ZTI_LAYOUT_VERSION + 1;
	say_in_all_states(&msg, sizeof(msg), REFUSED);
	msg.version = 0;
	say_in_all_states(&msg, sizeof(msg), REFUSED);
}

static void unknown_types_are_skipped(void)
{
	static const uint16_t types[] = { 0, ZTI_WELCOME, ZTI_REFUSED,
		ZTI_SEGMENT, ZTI_START, ZTI_RETIRE, ZTI_EVICTED, ZTI_LATER,
		1000, UINT16_MAX };
	struct court court;

	open_court(&court);
	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++) {
		struct zti_message msg = raw_message(types[i]);

		memset(msg.room, 0xa5, sizeof(msg.room));
		for (unsigned int state = 0; state < STATES; state++)
			say(&court, state, &msg, sizeof(msg), SKIPPED);
	}
	court_close(&court);
}

static void wakes_mean_nothing(void)
{
	say_in_all_states("\0", 1, SKIPPED);
	say_in_all_states("\xff", 1, SKIPPED);
}

static void hello_is_said_once(void)
{
	struct zti_message msg = raw_hello(ZT_LATEST, 1);
	struct court court;

	open_court(&court);
	for (unsigned int state = WELCOMED; state < STATES; state++)
		say(&court, state, &msg, sizeof(msg), CUT_OFF);
	court_close(&court);
}

static void hello_asks_for_what_there_is(void)
{
	static const struct zti_hello refused[] = {
		{ .delivery = ZT_LATEST, .bound = 0 },
		{ .delivery = ZT_LATEST, .bound = 65 },
		{ .delivery = ZT_QUEUE, .bound = UINT32_MAX },
		{ .delivery = ZT_LOSSLESS, .bound = 63 },
		{ .delivery = 3, .bound = 1 },
		{ .delivery = UINT32_MAX, .bound = 1 },
	};
	struct zti_message msg = raw_hello(ZT_LATEST, 1);
	struct court court;

	open_court(&court);
	for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++) {
		msg.hello = refused[i];
		msg.hello.role = ZTI_ROLE_SUBSCRIBER;
		say(&court, CONNECTED, &msg, sizeof(msg), REFUSED);
	}
	msg.hello.role = 0;
	say(&court, CONNECTED, &msg, sizeof(msg), CUT_OFF);
	msg.hello.role = ZTI_ROLE_MONITOR + 1;
	say(&court, CONNECTED, &msg, sizeof(msg), CUT_OFF);
	court_close(&court);
}

static void what_was_not_asked_cannot_be_acknowledged(void)
{
	struct zti_message page = raw_ack(ZTI_ACK_PAGE, false);
	struct zti_message right = raw_ack(1, false);
	const struct zti_message wrong[] = {
		raw_ack(0, false), raw_ack(1, true), raw_ack(63, false),
		raw_ack(64, false), raw_ack(UINT32_MAX - 1, false),
		raw_ack(INT32_MAX, true),
	};
	struct court court;

	open_court(&court);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		for (unsigned int state = 0; state < STATES; state++)
			say(&court, state, &wrong[i], sizeof(wrong[i]),
			    CUT_OFF);
	/* Nor out of turn, or a second time. */
	for (unsigned int state = 0; state < STATES; state++)
		say(&court, state, &right, sizeof(right),
		    state == JOINING ? SKIPPED : CUT_OFF);
	for (unsigned int state = 0; state < STATES; state++)
		say(&court, state, &page, sizeof(page),
		    state == WELCOMED ? SKIPPED : CUT_OFF);
	court_close(&court);
}

static void bye_is_an_end(void)
{
	struct zti_message msg = raw_message(ZTI_BYE);
	struct court court;

	open_court(&court);
	say(&court, CONNECTED, &msg, sizeof(msg), HANG_UP);
	say(&court, WELCOMED, &msg, sizeof(msg), HANG_UP);
	say(&court, JOINING, &msg, sizeof(msg), HANG_UP);
	say(&court, JOINED, &msg, sizeof(msg), SKIPPED);
	say(&court, LEAVING, &msg, sizeof(msg), HANG_UP);
	say(&court, WATCHING, &msg, sizeof(msg), HANG_UP);
	court_close(&court);
}

/* Whoever has said BYE keeps what it holds, and is offered no more. */
static void who_leaves_is_offered_nothing(void)
{
	struct court court;
	struct raw raw;

	open_court(&court);
	enter(&raw, JOINED);
	court_frame(&court);
	assert_true(raw_take_all(&raw));
	raw_say(&raw, &(struct zti_message){ .magic = ZTI_MESSAGE_MAGIC,
		.version = ZTI_LAYOUT_VERSION, .type = ZTI_BYE });
	court_until(&court, zt_publisher_subscribers(court.pub) == 1);
	raw_take_all(&raw);
	court_frames(&court, 100);
	assert_int_equal(raw_take_all(&raw), 0);
	raw_close(&raw);
	court_close(&court);
}

static int strange_fd(unsigned int kind)
{
	int ends[2];

	switch (kind) {
	case 0:
		return memfd_create("strange", MFD_CLOEXEC);
	case 1:
		return open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	case 2:
		return open("/dev/zero", O_RDWR | O_CLOEXEC);
	case 3:
		return open("/", O_PATH | O_CLOEXEC);
	default:
		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC,
					    0, ends), 0);
		/* a socket that holds a socket */
		assert_int_equal(raw_send(ends[0], "", 1, &ends[1], 1), 0);
		close(ends[0]);
		return ends[1];
	}
}

/* Where the kernel lets them be sent at all, they are closed unseen. */
static void fds_go_nowhere(void)
{
	static const unsigned int counts[] = { 1, 2, 3, 253 };
	struct court court;
	int fds[253];

	open_court(&court);
	for (unsigned int kind = 0; kind < 5; kind++) {
		int fd = strange_fd(kind);

		for (size_t i = 0; i < 253; i++)
			fds[i] = fd;
		for (unsigned int i = 0; i < 4 * STATES; i++) {
			struct zti_message msg = raw_message(1000);
			unsigned int before = court_fds();
			struct raw raw;
			int r;

			enter(&raw, i % STATES);
			r = raw_send(raw.socket, &msg, sizeof(msg), fds,
				     counts[i / STATES]);
			assert_true(r == 0 || r == -EPERM);
			see_alive(&raw);
			raw_close(&raw);
			assert_int_equal(court_fds(), before);
		}
		close(fd);
		court_frames(&court, 4);
	}
	court_close(&court);
}

/* Anything at all, by two at once, as fast as they can. */
static int babble(int fd, void *argument)
{
	uint64_t state = *(uint64_t *)argument, ends = 0;

	while (!court_over(fd)) {
		int socket = raw_connect(COURT_STREAM), r = 0;

		if (socket == -EAGAIN)
			continue;
		assert_true(socket >= 0);
		while (!r || r == -EAGAIN) {
			struct zti_message msg =
				raw_message(raw_below(&state, 12));
			size_t size = sizeof(msg);

			for (size_t i = 0; i < 4; i++)
				msg.room[4 * i] =
					(uint8_t)raw_below(&state, 4);
			if (raw_below(&state, 64) == 0)
				size = raw_below(&state, sizeof(msg));
			r = raw_send(socket, &msg, size, NULL, 0);
			if (r == -EAGAIN && court_over(fd))
				break;
		}
		ends++;
		close(socket);
	}
	printf("%ju connections\n", (uintmax_t)ends);
	return 0;
}

static void babbling(void)
{
	uint64_t seeds[2] = { 1, 2 };
	struct harness_peer peers[2];
	struct court court;

	open_court(&court);
	for (int i = 0; i < 2; i++)
		peers[i] = court_spawn(babble, &seeds[i], true);
	court_until(&court, stream_stats(court.pub).cut_off > 10);
	court_run(&court, 500);
	for (int i = 0; i < 2; i++)
		court_dismiss(&court, &peers[i]);
	court_close(&court);
}

static const struct zt_test tests[] = {
	ZT_TEST(what_has_no_magic),
	ZT_TEST(what_has_another_length),
	ZT_TEST(what_has_no_length),
	ZT_TEST(another_version_is_refused_in_words),
	ZT_TEST(unknown_types_are_skipped),
	ZT_TEST(wakes_mean_nothing),
	ZT_TEST(hello_is_said_once),
	ZT_TEST(hello_asks_for_what_there_is),
	ZT_TEST(what_was_not_asked_cannot_be_acknowledged),
	ZT_TEST(bye_is_an_end),
	ZT_TEST(who_leaves_is_offered_nothing),
	ZT_TEST(fds_go_nowhere),
	ZT_TEST(babbling),
};
ZT_TEST_MAIN(tests)
