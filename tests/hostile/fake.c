/* SPDX-License-Identifier: MIT */
/* See fake.h. */
#include "fake.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "memory/memory_impl.h"
#include "raw.h"

int fake_memory(size_t size, bool allocate, int seals, void **ret_address)
{
	int fd = memfd_create("fake", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, (off_t)size), 0);
	if (allocate)
		assert_int_equal(fallocate(fd, 0, 0, (off_t)size), 0);
	if (ret_address) {
		*ret_address = mmap(NULL, size, PROT_READ | PROT_WRITE,
				    MAP_SHARED, fd, 0);
		assert_ptr_not_equal(*ret_address, MAP_FAILED);
	}
	assert_int_equal(fcntl(fd, F_ADD_SEALS, seals), 0);
	return fd;
}

void fake_begin(struct fake *fake)
{
	void *address;

	memset(fake, 0, sizeof(*fake));
	fake->listener = fake->socket = -1;
	fake->board_fd = fake_memory(sizeof(*fake->board), true,
				     FAKE_SEALS_ALL, &address);
	fake->board = address;
	fake->page_fd = fake_memory(ZTI_PAGE_SIZE, true, FAKE_SEALS_SIZE,
				    &address);
	fake->page = address;
	fake->segment_fd = fake_memory((size_t)FAKE_SLOTS * FAKE_SLOT, true,
				       FAKE_SEALS_ALL, &address);
	fake->segment = address;
	fake->board->magic = ZTI_BOARD_MAGIC;
	fake->board->version = ZTI_LAYOUT_VERSION;
	fake->board->size = sizeof(*fake->board);
}

static void drop(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

void fake_end(struct fake *fake)
{
	fake_hang_up(fake);
	fake_stop_listening(fake);
	drop(&fake->board_fd);
	drop(&fake->page_fd);
	drop(&fake->segment_fd);
	munmap(fake->board, sizeof(*fake->board));
	munmap(fake->page, ZTI_PAGE_SIZE);
	munmap(fake->segment, (size_t)FAKE_SLOTS * FAKE_SLOT);
}

static void set_address(struct sockaddr_un *address)
{
	memset(address, 0, sizeof(*address));
	address->sun_family = AF_UNIX;
	snprintf(address->sun_path, sizeof(address->sun_path),
		 "%.80s/" FAKE_STREAM ".sock", getenv("ZOETROPE_DIR"));
}

void fake_listen(struct fake *fake)
{
	struct sockaddr_un address;

	set_address(&address);
	fake->listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC |
				SOCK_NONBLOCK, 0);
	if (bind(fake->listener, (struct sockaddr *)&address,
		 sizeof(address)) < 0 || listen(fake->listener, 128) < 0)
		fail_msg("cannot listen at %s: %m", address.sun_path);
}

void fake_stop_listening(struct fake *fake)
{
	struct sockaddr_un address;

	if (fake->listener < 0)
		return;
	set_address(&address);
	unlink(address.sun_path);
	drop(&fake->listener);
}

void fake_accept(struct fake *fake)
{
	struct zti_message msg;

	assert_true(harness_wait_readable(fake->listener, HARNESS_PATIENCE));
	fake->socket = accept4(fake->listener, NULL, NULL,
			       SOCK_CLOEXEC | SOCK_NONBLOCK);
	assert_true(fake->socket >= 0);
	fake_expect(fake, ZTI_HELLO, &msg);
	fake->hello = msg.hello;
}

void fake_hang_up(struct fake *fake)
{
	drop(&fake->socket);
}

bool fake_say(struct fake *fake, const struct zti_message *msg, const int *fds,
	      unsigned int fd_count)
{
	return raw_send(fake->socket, msg, sizeof(*msg), fds, fd_count) == 0;
}

void fake_welcome(struct fake *fake)
{
	struct zti_message msg = raw_message(ZTI_WELCOME);
	int fds[2] = { fake->board_fd, fake->page_fd };

	msg.welcome.epoch = 1;
	fake_say(fake, &msg, fds,
		 fake->hello.role == ZTI_ROLE_SUBSCRIBER ? 2 : 1);
}

void fake_tell_segment(struct fake *fake, uint32_t id, int fd, uint64_t size)
{
	struct zti_message msg = raw_message(ZTI_SEGMENT);

	msg.segment.segment = id;
	msg.segment.kind = ZTI_MEMORY_MEMFD;
	msg.segment.size = size;
	msg.segment.id = -1;
	fake_say(fake, &msg, &fd, fd >= 0 ? 1 : 0);
}

void fake_start(struct fake *fake, uint64_t first)
{
	struct zti_message msg = raw_message(ZTI_START);

	msg.start.first = first;
	fake_say(fake, &msg, NULL, 0);
}

int fake_hear(struct fake *fake, struct zti_message *ret)
{
	ssize_t n = recv(fake->socket, ret, sizeof(*ret), MSG_DONTWAIT);

	/* What it had said before is still to be heard. */
	if (n < 0 && errno == ECONNRESET)
		n = recv(fake->socket, ret, sizeof(*ret), MSG_DONTWAIT);
	if (n < 0)
		return errno == ECONNRESET ? -EPIPE : -errno;
	if (n == 0)
		return -EPIPE;
	if (n == 1)
		return 0;
	assert_int_equal(n, sizeof(*ret));
	return ret->type;
}

void fake_expect(struct fake *fake, unsigned int type, struct zti_message *ret)
{
	int came;

	do {
		assert_true(harness_wait_readable(fake->socket,
						  HARNESS_PATIENCE));
		came = fake_hear(fake, ret);
	} while (came == 0);
	assert_int_equal(came, type);
}

void fake_expect_hang_up(struct fake *fake)
{
	struct zti_message msg;
	int came;

	do {
		assert_true(harness_wait_readable(fake->socket,
						  HARNESS_PATIENCE));
		came = fake_hear(fake, &msg);
	} while (came != -EPIPE);
}

void fake_seal_page(struct fake *fake)
{
	assert_int_equal(fcntl(fake->page_fd, F_ADD_SEALS,
			       F_SEAL_FUTURE_WRITE | F_SEAL_SEAL), 0);
}

struct zti_slot *fake_describe(struct fake *fake, unsigned int slot)
{
	struct zti_slot *desc = &fake->board->slots[slot];
	struct zt_format format = {
		.fourcc = ZT_FOURCC('R', '8', ' ', ' '),
		.width = 64, .height = 32,
	};
	uint32_t serial = desc->format_serial + 1;

	assert_int_equal(zt_format_complete(&format), 0);
	memset(desc, 0, sizeof(*desc));
	desc->sequence.word = ++fake->sequence;
	desc->published_ns = harness_limit_ns(0);
	desc->bytes_used = format.payload_size;
	desc->offset = (uint64_t)slot * FAKE_SLOT;
	desc->format_serial = serial;
	desc->metadata_offset = desc->offset + 2048;
	desc->format = format;
	return desc;
}

void fake_offer(struct fake *fake, unsigned int slot)
{
	atomic_fetch_or(&fake->page->offered.word, 1ULL << slot);
	if (atomic_exchange(&fake->page->waiting.word, 0))
		raw_send(fake->socket, "", 1, NULL, 0);
}

void fake_publish(struct fake *fake, unsigned int slot)
{
	struct zti_slot *desc = fake_describe(fake, slot);

	memset(fake->segment + (size_t)slot * FAKE_SLOT,
	       (int)(desc->sequence.word & 0xff), FAKE_SLOT);
	fake_offer(fake, slot);
}

bool fake_is_painted(const struct zt_frame *frame)
{
	for (uint64_t i = 0; i < frame->bytes_used; i++)
		if (frame->payload[i] != (uint8_t)frame->sequence)
			return false;
	return true;
}

struct zt_subscriber *fake_subscriber(uint32_t delivery, uint32_t bound)
{
	struct zt_subscriber_options options = {
		.size = sizeof(options), .flags = ZT_SUBSCRIBER_WAIT,
		.delivery = delivery, .held = bound, .depth = bound,
	};
	char reason[ZT_REASON_MAX] = "";
	struct zt_subscriber *sub;

	if (zt_subscriber_open(FAKE_STREAM, &options, &sub, reason) < 0)
		fail_msg("cannot open: %s", reason);
	return sub;
}

static void expect_nothing(struct zt_subscriber *sub)
{
	const struct zt_frame *frame;
	int r = fake_take(sub, &frame);

	if (r != -EAGAIN)
		fail_msg("zt_take gives %d: %s", r, zt_subscriber_reason(sub));
}

void fake_join(struct fake *fake, struct zt_subscriber *sub)
{
	struct zti_message msg;

	expect_nothing(sub);
	fake_accept(fake);
	fake_welcome(fake);
	expect_nothing(sub);
	fake_expect(fake, ZTI_ACK, &msg);
	assert_int_equal(msg.segment.segment, ZTI_ACK_PAGE);
	fake_seal_page(fake);
	fake_tell_segment(fake, 0, fake->segment_fd,
			  (uint64_t)FAKE_SLOTS * FAKE_SLOT);
	expect_nothing(sub);
	fake_expect(fake, ZTI_ACK, &msg);
	fake_start(fake, fake->sequence + 1);
	expect_nothing(sub);
}

void fake_enter(struct fake *fake, struct zt_subscriber **ret_sub,
		enum fake_state state)
{
	struct zti_message msg;

	fake_begin(fake);
	*ret_sub = fake_subscriber(ZT_LATEST, 2);
	fake_listen(fake);
	if (state == FAKE_STARTED) {
		fake_join(fake, *ret_sub);
		return;
	}
	expect_nothing(*ret_sub);
	fake_accept(fake);
	if (state == FAKE_GREETED)
		return;
	fake_welcome(fake);
	expect_nothing(*ret_sub);
	fake_expect(fake, ZTI_ACK, &msg);
	fake_seal_page(fake);
}

int fake_take(struct zt_subscriber *sub, const struct zt_frame **ret_frame)
{
	return zt_take(sub, 0, ret_frame);
}

void fake_expect_error(struct zt_subscriber *sub, int error)
{
	const struct zt_frame *frame;
	int r;

	/* One take at most to see that something is there to be read. */
	r = fake_take(sub, &frame);
	if (r == -EAGAIN)
		r = fake_take(sub, &frame);
	if (r != error)
		fail_msg("zt_take gives %d (%s), not %d", r,
			 r ? zt_subscriber_reason(sub) : "a frame", error);
	if (strlen(zt_subscriber_reason(sub)) < 10)
		fail_msg("no reason is given: '%s'", zt_subscriber_reason(sub));
	printf("%s\n", zt_subscriber_reason(sub));
}
