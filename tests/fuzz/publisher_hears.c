/* SPDX-License-Identifier: MIT */
/* Fuzzes a publisher with what subscribers say to it. */
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "trial.h"

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	fuzz_make_runtime_directory();
	return 0;
}

/* A hostile lossless one may let a loan wait: not where none is to. */
static void disarm(const struct trial *trial, void *data, size_t size)
{
	struct zti_message msg;

	if (trial->lawless || size != sizeof(msg))
		return;
	memcpy(&msg, data, sizeof(msg));
	if (msg.type == ZTI_HELLO && msg.hello.delivery == ZT_LOSSLESS)
		msg.hello.delivery = ZT_LATEST;
	memcpy(data, &msg, sizeof(msg));
}

/* A message that is one: its fields come from the input. */
static void say(struct trial *trial, struct raw *raw, struct fuzz_input *in)
{
	struct zti_message msg = raw_message(fuzz_u8(in) % 12);

	switch (msg.type) {
	case ZTI_HELLO:
		msg.hello.role = fuzz_u8(in) % 4;
		msg.hello.delivery = fuzz_u8(in) % 4;
		msg.hello.bound = fuzz_u8(in) % 80;
		msg.hello.min_interval_ns = fuzz_value(in);
		break;
	case ZTI_ACK:
		msg.segment.segment = (uint32_t)fuzz_value(in);
		msg.segment.retire = fuzz_u8(in);
		break;
	default:
		fuzz_bytes(in, msg.room, fuzz_u8(in) % sizeof(msg.room));
	}
	disarm(trial, &msg, sizeof(msg));
	raw_send(raw->socket, &msg, sizeof(msg), NULL, 0);
}

/* Bytes that are no message, or one by chance. */
static void say_anything(struct trial *trial, struct raw *raw,
			 struct fuzz_input *in)
{
	struct zti_message msg[2] = { raw_message(ZTI_HELLO) };
	size_t size = fuzz_u16(in) % (sizeof(msg) + 1);

	if (fuzz_u8(in) & 1)
		size = sizeof(msg[0]);
	fuzz_bytes(in, msg, fuzz_u8(in));
	disarm(trial, msg, size);
	raw_send(raw->socket, msg, size, NULL, 0);
}

static void send_fds(struct raw *raw, struct fuzz_input *in)
{
	int fd = memfd_create("strange", MFD_CLOEXEC), fds[253];
	unsigned int count = 1 + fuzz_u8(in) % 253;

	for (unsigned int i = 0; i < count; i++)
		fds[i] = fd;
	raw_send(raw->socket, "", 1, fds, count);
	close(fd);
}

/* Hear a message, and keep it, to be answered or not. */
static void hear(struct trial *trial, unsigned int peer, bool answer)
{
	struct raw *raw = &trial->peers[peer];

	/* so that there is room for the answer */
	trial_dispatch(trial);
	if (answer)
		raw_answer(raw, &trial->heard[peer]);
	memset(&trial->heard[peer], 0, sizeof(trial->heard[peer]));
	raw_hear(raw, &trial->heard[peer]);
}

static void act(struct trial *trial, unsigned int peer, unsigned int choice,
		struct fuzz_input *in)
{
	struct raw *raw = &trial->peers[peer];

	if (raw->socket < 0) {
		raw_open(raw, "trial");
		return;
	}
	switch (choice) {
	case 0:
		raw_close(raw);
		break;
	case 1:
		say_anything(trial, raw, in);
		break;
	case 2:
		send_fds(raw, in);
		break;
	case 3:
		if (raw->page)
			raw_return(raw, raw_take_all(raw));
		break;
	case 4:
	case 5:
		hear(trial, peer, choice == 5);
		break;
	case 6:
		if (raw->page)
			raw_take_all(raw);
		break;
	default:
		say(trial, raw, in);
	}
}

static void step(struct trial *trial, struct fuzz_input *in)
{
	uint8_t choice = fuzz_u8(in);
	unsigned int peer = choice / 16 % TRIAL_PEERS;
	unsigned int loan = choice / 16 % TRIAL_LOANS;

	switch (choice % 16) {
	case 0:
		trial_join(trial, peer,
			   fuzz_u8(in) % (trial->lawless ? 3U : 2U),
			   1 + fuzz_u8(in) % 8U);
		break;
	case 1:
	case 2:
		trial_dispatch(trial);
		break;
	case 3:
		trial_loan(trial, loan, fuzz_u8(in));
		break;
	case 4:
		trial_discard(trial, loan);
		break;
	case 5:
		trial_loan(trial, loan, 0);
		trial_publish(trial, loan);
		break;
	default:
		act(trial, peer, choice % 16 - 6, in);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = { data, size };
	unsigned int fds = fuzz_fds();
	struct trial trial;

	trial_begin(&trial, fuzz_u8(&in) & 1);
	while (fuzz_more(&in))
		step(&trial, &in);
	trial_end(&trial);
	fuzz_check(fuzz_fds() == fds);
	return 0;
}
