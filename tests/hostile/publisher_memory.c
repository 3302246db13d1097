/* SPDX-License-Identifier: MIT */
/*
 * Publishers that send memory which is not what it should be. A subscriber
 * maps none of it: it says -EPROTO, and why, and all that it was sent is gone.
 */
#include <fcntl.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "court.h"
#include "fake.h"
#include "memory/memory_impl.h"
#include "raw.h"

#define BOARD sizeof(struct zti_board)
#define SEGMENT ((size_t)FAKE_SLOTS * FAKE_SLOT)

/* ------------------------------------------------------------------------
 * One attempt.
 */

struct attempt {
	struct fake fake;
	struct zt_subscriber *sub;
	unsigned int fds, mappings;
};

/* Mappings of what fakes send. */
static unsigned int count_mappings(void)
{
	FILE *file = fopen("/proc/self/maps", "re");
	unsigned int count = 0;
	char line[512];

	assert_non_null(file);
	while (fgets(line, sizeof(line), file))
		count += strstr(line, "/memfd:") || strstr(line, "(deleted)");
	fclose(file);
	return count;
}

/* A subscriber that has said HELLO. */
static void begin(struct attempt *attempt)
{
	const struct zt_frame *frame;

	attempt->fds = court_fds();
	fake_begin(&attempt->fake);
	attempt->mappings = count_mappings();
	attempt->sub = fake_subscriber(ZT_LATEST, 1);
	fake_listen(&attempt->fake);
	assert_int_equal(fake_take(attempt->sub, &frame), -EAGAIN);
	fake_accept(&attempt->fake);
}

/* It is refused, and nothing of it is kept. */
static void end(struct attempt *attempt)
{
	fake_expect_error(attempt->sub, -EPROTO);
	fake_expect_hang_up(&attempt->fake);
	assert_int_equal(count_mappings(), attempt->mappings);
	zt_subscriber_close(attempt->sub);
	fake_end(&attempt->fake);
	assert_int_equal(court_fds(), attempt->fds);
}

enum part { PART_BOARD, PART_PAGE, PART_SEGMENT, PARTS };

static const char *const part_names[] = { "board", "page", "segment" };

static size_t size_of(enum part part)
{
	return part == PART_BOARD ? BOARD :
	       part == PART_PAGE ? ZTI_PAGE_SIZE : SEGMENT;
}

/* Take the exchange as far as a segment. */
static void come_to_segments(struct attempt *attempt)
{
	const struct zt_frame *frame;
	struct zti_message msg;

	fake_welcome(&attempt->fake);
	assert_int_equal(fake_take(attempt->sub, &frame), -EAGAIN);
	fake_expect(&attempt->fake, ZTI_ACK, &msg);
	fake_seal_page(&attempt->fake);
}

/* Send this fd in place of one; it is consumed. */
static void send_in_place(enum part part, int fd)
{
	struct attempt attempt;
	struct zti_message msg = raw_message(ZTI_WELCOME);
	int fds[2];

	assert_true(fd >= 0);
	begin(&attempt);
	printf("%s: ", part_names[part]);
	if (part == PART_SEGMENT) {
		come_to_segments(&attempt);
		fake_tell_segment(&attempt.fake, 0, fd, SEGMENT);
	} else {
		fds[0] = part == PART_BOARD ? fd : attempt.fake.board_fd;
		fds[1] = part == PART_PAGE ? fd : attempt.fake.page_fd;
		fake_say(&attempt.fake, &msg, fds, 2);
	}
	end(&attempt);
	close(fd);
}

/* ------------------------------------------------------------------------
 * What they send.
 */

static void every_seal_is_needed(void)
{
	static const int seals[] = { F_SEAL_SHRINK, F_SEAL_GROW,
				     F_SEAL_FUTURE_WRITE, F_SEAL_SEAL };

	for (enum part part = 0; part < PARTS; part++)
		for (int i = 0; i < (part == PART_PAGE ? 2 : 4); i++)
			send_in_place(part, fake_memory(size_of(part), true,
				FAKE_SEALS_ALL & ~seals[i] &
				~(part == PART_PAGE ? F_SEAL_FUTURE_WRITE : 0),
				NULL));
	for (enum part part = 0; part < PARTS; part++)
		send_in_place(part, fake_memory(size_of(part), true, 0, NULL));
}

/* We are to write there. */
static void a_page_can_be_written(void)
{
	send_in_place(PART_PAGE, fake_memory(ZTI_PAGE_SIZE, true,
		      FAKE_SEALS_SIZE | F_SEAL_WRITE, NULL));
	send_in_place(PART_PAGE, fake_memory(ZTI_PAGE_SIZE, true,
		      FAKE_SEALS_SIZE | F_SEAL_FUTURE_WRITE, NULL));
}

static void sizes_are_exact(void)
{
	for (enum part part = 0; part < PARTS; part++) {
		int seals = part == PART_PAGE ? FAKE_SEALS_SIZE :
						FAKE_SEALS_ALL;
		size_t size = size_of(part);

		send_in_place(part, fake_memory(size - 1, true, seals, NULL));
		send_in_place(part, fake_memory(size - 4096, size > 4096,
						seals, NULL));
		send_in_place(part, fake_memory(size + 1, true, seals, NULL));
		send_in_place(part, fake_memory(2 * size, true, seals, NULL));
		send_in_place(part, fake_memory(0, false, seals, NULL));
	}
}

/* Its missing pages would be made at our cost, or end in SIGBUS. */
static void memory_is_there(void)
{
	for (enum part part = 0; part < PARTS; part++)
		send_in_place(part, fake_memory(size_of(part), false,
			part == PART_PAGE ? FAKE_SEALS_SIZE : FAKE_SEALS_ALL,
			NULL));
}

/* The descriptor allows less than we are to do. */
static int reopened(size_t size, int seals, int flags)
{
	int fd = fake_memory(size, true, seals, NULL), again;
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	again = open(path, flags | O_CLOEXEC);
	close(fd);
	return again;
}

static void descriptors_allow_what_is_to_be_done(void)
{
	send_in_place(PART_PAGE, reopened(ZTI_PAGE_SIZE, FAKE_SEALS_SIZE,
					  O_RDONLY));
	send_in_place(PART_BOARD, reopened(BOARD, FAKE_SEALS_ALL, O_WRONLY));
	send_in_place(PART_SEGMENT, reopened(SEGMENT, FAKE_SEALS_ALL,
					     O_WRONLY));
	send_in_place(PART_SEGMENT, reopened(SEGMENT, FAKE_SEALS_ALL, O_PATH));
}

/* Files that can shrink under a mapping: on disk, and on a tmpfs. */
static int file_of(const char *directory, size_t size)
{
	int fd = open(directory, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	if (fd >= 0)
		assert_int_equal(posix_fallocate(fd, 0, (off_t)size), 0);
	return fd;
}

static void files_are_no_memory(void)
{
	for (enum part part = 0; part < PARTS; part++) {
		int fd = file_of(".", size_of(part));

		if (fd >= 0)
			send_in_place(part, fd);
		fd = file_of("/dev/shm", size_of(part));
		if (fd >= 0)
			send_in_place(part, fd);
	}
}

static int odd_fd(unsigned int kind)
{
	int ends[2];

	switch (kind) {
	case 0:
		return open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	case 1:
		return open("/", O_PATH | O_CLOEXEC);
	case 2:
		return open("/dev/zero", O_RDWR | O_CLOEXEC);
	case 3:
		return open("/proc/self/mem", O_RDWR | O_CLOEXEC);
	case 4:
		return eventfd(0, EFD_CLOEXEC);
	case 5:
		assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
		close(ends[1]);
		return ends[0];
	default:
		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC,
					    0, ends), 0);
		close(ends[0]);
		return ends[1];
	}
}

static void odd_descriptors_are_no_memory(void)
{
	for (enum part part = 0; part < PARTS; part++)
		for (unsigned int kind = 0; kind < 7; kind++)
			send_in_place(part, odd_fd(kind));
}

/* ------------------------------------------------------------------------
 * How many.
 */

static void welcome_brings_two_descriptors(void)
{
	static const unsigned int counts[] = { 0, 3, 4, 253 };
	struct zti_message msg = raw_message(ZTI_WELCOME);

	for (int i = 0; i < 4; i++) {
		struct attempt attempt;
		int fds[253];

		begin(&attempt);
		for (int k = 0; k < 253; k++)
			fds[k] = k % 2 ? attempt.fake.page_fd :
					 attempt.fake.board_fd;
		printf("%u fds: ", counts[i]);
		fake_say(&attempt.fake, &msg, fds, counts[i]);
		end(&attempt);
	}
}

/* Enough for a monitor, who takes no frames. */
static void without_a_page_there_is_no_start(void)
{
	struct zti_message msg = raw_message(ZTI_WELCOME);
	struct attempt attempt;

	begin(&attempt);
	fake_say(&attempt.fake, &msg, &attempt.fake.board_fd, 1);
	fake_start(&attempt.fake, 1);
	end(&attempt);

	begin(&attempt);
	fake_say(&attempt.fake, &msg, &attempt.fake.board_fd, 1);
	fake_tell_segment(&attempt.fake, 0, attempt.fake.segment_fd, SEGMENT);
	end(&attempt);
}

static void a_segment_brings_one_descriptor(void)
{
	static const unsigned int counts[] = { 0, 3, 253 };
	struct zti_message msg = raw_message(ZTI_SEGMENT);

	msg.segment.kind = ZTI_MEMORY_MEMFD;
	msg.segment.size = SEGMENT;
	for (int i = 0; i < 3; i++) {
		struct attempt attempt;
		int fds[253];

		begin(&attempt);
		come_to_segments(&attempt);
		for (int k = 0; k < 253; k++)
			fds[k] = attempt.fake.segment_fd;
		printf("%u fds: ", counts[i]);
		fake_say(&attempt.fake, &msg, fds, counts[i]);
		end(&attempt);
	}
}

/* On a message that brings none they are closed, and no more. */
static void descriptors_that_nobody_asked_for(void)
{
	struct zti_message msg = raw_message(1000);
	const struct zt_frame *frame;
	struct attempt attempt;
	int fds[2];

	begin(&attempt);
	fds[0] = fds[1] = attempt.fake.board_fd;
	for (int i = 0; i < 100; i++)
		assert_true(fake_say(&attempt.fake, &msg, fds, 2));
	assert_int_equal(raw_send(attempt.fake.socket, "", 1, fds, 2), 0);
	assert_int_equal(fake_take(attempt.sub, &frame), -EAGAIN);
	assert_in_range(court_fds(), attempt.fds, attempt.fds + 10);
	fake_start(&attempt.fake, 1);
	end(&attempt);
}

/* ------------------------------------------------------------------------
 * A page that its publisher could still take away.
 */
static void a_page_is_sealed_by_the_start(void)
{
	static const int seals[] = { 0, F_SEAL_SEAL, F_SEAL_FUTURE_WRITE };

	for (int i = 0; i < 3; i++) {
		const struct zt_frame *frame;
		struct attempt attempt;
		struct zti_message msg;

		begin(&attempt);
		fake_welcome(&attempt.fake);
		assert_int_equal(fake_take(attempt.sub, &frame), -EAGAIN);
		fake_expect(&attempt.fake, ZTI_ACK, &msg);
		assert_int_equal(fcntl(attempt.fake.page_fd, F_ADD_SEALS,
				       seals[i]), 0);
		fake_start(&attempt.fake, 1);
		end(&attempt);
	}
}

/* What is mapped stays: its publisher cannot take it away again. */
static void what_is_mapped_stays(void)
{
	const struct zt_frame *frame;
	struct attempt attempt;
	struct fake *fake = &attempt.fake;

	fake_begin(fake);
	attempt.sub = fake_subscriber(ZT_LATEST, 1);
	fake_listen(fake);
	fake_join(fake, attempt.sub);
	fake_publish(fake, 3);
	assert_int_equal(fake_take(attempt.sub, &frame), 0);
	assert_int_equal(ftruncate(fake->segment_fd, 0), -1);
	assert_int_equal(ftruncate(fake->board_fd, 0), -1);
	assert_int_equal(ftruncate(fake->page_fd, 0), -1);
	assert_int_equal(madvise(fake->segment, SEGMENT, MADV_REMOVE), -1);
	assert_int_equal(madvise(fake->page, ZTI_PAGE_SIZE, MADV_REMOVE), -1);
	fake_end(fake);
	assert_true(fake_is_painted(frame));
	zt_release(frame);
	zt_subscriber_close(attempt.sub);
}

static const struct zt_test tests[] = {
	ZT_TEST(every_seal_is_needed),
	ZT_TEST(a_page_can_be_written),
	ZT_TEST(sizes_are_exact),
	ZT_TEST(memory_is_there),
	ZT_TEST(descriptors_allow_what_is_to_be_done),
	ZT_TEST(files_are_no_memory),
	ZT_TEST(odd_descriptors_are_no_memory),
	ZT_TEST(welcome_brings_two_descriptors),
	ZT_TEST(without_a_page_there_is_no_start),
	ZT_TEST(a_segment_brings_one_descriptor),
	ZT_TEST(descriptors_that_nobody_asked_for),
	ZT_TEST(a_page_is_sealed_by_the_start),
	ZT_TEST(what_is_mapped_stays),
};
ZT_TEST_MAIN(tests)
