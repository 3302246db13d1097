/* SPDX-License-Identifier: MIT */
/* Fuzzes a subscriber with what its publisher says to it. */
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "raw.h"
#include "subject.h"

#define SEGMENT ((uint64_t)FAKE_SLOTS * FAKE_SLOT)

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	fuzz_make_runtime_directory();
	return 0;
}

/* Answer the subscriber's next attempt to connect, if there is one. */
static void accept_it(struct fake *fake)
{
	int fd = accept4(fake->listener, NULL, NULL,
			 SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct zti_message msg;

	if (fd < 0)
		return;
	fake_hang_up(fake);
	fake->socket = fd;
	fake_hear(fake, &msg);
	fake->hello.role = ZTI_ROLE_SUBSCRIBER;
}

/* A descriptor that is right, or not quite; to be closed. */
static int some_fd(struct fake *fake, unsigned int kind)
{
	int ends[2];

	switch (kind % 8) {
	case 0:
	case 1:
		return dup(fake->segment_fd);
	case 2:
		return dup(fake->board_fd);
	case 3:
		return dup(fake->page_fd);
	case 4:
		return fake_memory(SEGMENT, true, FAKE_SEALS_SIZE, NULL);
	case 5:
		return fake_memory(SEGMENT, false, FAKE_SEALS_ALL, NULL);
	case 6:
		return open("/dev/null", O_RDWR | O_CLOEXEC);
	default:
		if (pipe2(ends, O_CLOEXEC) < 0)
			return -1;
		close(ends[1]);
		return ends[0];
	}
}

/* Any message, with any descriptors. */
static void say(struct fake *fake, struct fuzz_input *in)
{
	struct zti_message msg = raw_message(fuzz_u8(in) % 12);
	uint8_t kinds = fuzz_u8(in);
	unsigned int count = kinds % 4;
	int fds[3];

	switch (msg.type) {
	case ZTI_SEGMENT:
	case ZTI_RETIRE:
		msg.segment.segment = (uint32_t)fuzz_value(in);
		msg.segment.kind = fuzz_u8(in) % 4;
		msg.segment.size = fuzz_u8(in) & 1 ? SEGMENT : fuzz_value(in);
		break;
	case ZTI_START:
		msg.start.first = fuzz_value(in);
		break;
	case ZTI_REFUSED:
	case ZTI_EVICTED:
		msg.refusal.error = -(int32_t)fuzz_u8(in);
		fuzz_bytes(in, msg.refusal.text, fuzz_u8(in) + 1U);
		break;
	default:
		fuzz_bytes(in, msg.room, fuzz_u8(in));
	}
	for (unsigned int i = 0; i < count; i++)
		fds[i] = some_fd(fake, kinds / 4 + i);
	fake_say(fake, &msg, fds, count);
	for (unsigned int i = 0; i < count; i++)
		close(fds[i]);
}

static void say_anything(struct fake *fake, struct fuzz_input *in)
{
	struct zti_message msg[2] = { raw_message(ZTI_BYE) };
	size_t size = fuzz_u16(in) % (sizeof(msg) + 1);

	if (fuzz_u8(in) & 1)
		size = sizeof(msg[0]);
	fuzz_bytes(in, msg, fuzz_u8(in));
	raw_send(fake->socket, msg, size, NULL, 0);
}

/* Put another page in the place of the one that was sealed. */
static void new_page(struct fake *fake)
{
	void *address;

	munmap(fake->page, ZTI_PAGE_SIZE);
	close(fake->page_fd);
	fake->page_fd = fake_memory(ZTI_PAGE_SIZE, true, FAKE_SEALS_SIZE,
				    &address);
	fake->page = address;
}

/* What would come next in an honest exchange. */
static void say_right(struct fake *fake, unsigned int choice)
{
	struct zti_message msg;

	switch (choice % 4) {
	case 0:
		new_page(fake);
		fake_welcome(fake);
		break;
	case 1:
		fcntl(fake->page_fd, F_ADD_SEALS,
		      F_SEAL_FUTURE_WRITE | F_SEAL_SEAL);
		fake_tell_segment(fake, choice / 4 % 4, fake->segment_fd,
				  SEGMENT);
		break;
	case 2:
		fake_start(fake, fake->sequence + 1);
		break;
	default:
		while (fake_hear(fake, &msg) >= 0)
			continue;
	}
}

static void step(struct subject *subject, struct fuzz_input *in)
{
	uint8_t choice = fuzz_u8(in);
	struct fake *fake = &subject->fake;

	switch (choice % 16) {
	case 0:
		accept_it(fake);
		break;
	case 1:
		fake_hang_up(fake);
		break;
	case 2:
		fake_publish(fake, choice / 16 % FAKE_SLOTS);
		break;
	case 3:
		subject_release(subject, choice / 16 % SUBJECT_HELD);
		break;
	case 4:
		subject_describe(subject, in);
		break;
	case 5:
		subject_write_page(subject, in);
		break;
	case 6:
		say_anything(fake, in);
		break;
	case 7:
	case 8:
	case 9:
		subject_take(subject);
		break;
	case 10:
	case 11:
	case 12:
		say_right(fake, choice / 16);
		break;
	default:
		say(fake, in);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = { data, size };
	unsigned int fds = fuzz_fds();
	struct subject subject;

	subject_begin(&subject, fuzz_u8(&in));
	subject_take(&subject);
	accept_it(&subject.fake);
	while (fuzz_more(&in))
		step(&subject, &in);
	subject_end(&subject);
	fuzz_check(fuzz_fds() == fds);
	return 0;
}
