/* SPDX-License-Identifier: MIT */
/* Fuzzes a subscriber with the words on its publisher's board. */
#include "subject.h"

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	fuzz_make_runtime_directory();
	return 0;
}

static void step(struct subject *subject, struct fuzz_input *in)
{
	uint8_t choice = fuzz_u8(in);

	switch (choice % 8) {
	case 0:
		fake_publish(&subject->fake, choice / 8 % FAKE_SLOTS);
		break;
	case 1:
		fake_describe(&subject->fake, choice / 8 % FAKE_SLOTS);
		break;
	case 2:
	case 3:
		subject_take(subject);
		break;
	case 4:
		subject_release(subject, choice / 8 % SUBJECT_HELD);
		break;
	case 5:
		subject_write_page(subject, in);
		break;
	default:
		subject_describe(subject, in);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = { data, size };
	unsigned int fds = fuzz_fds();
	struct subject subject;

	subject_begin(&subject, fuzz_u8(&in));
	fake_join(&subject.fake, subject.sub);
	while (fuzz_more(&in))
		step(&subject, &in);
	subject_end(&subject);
	fuzz_check(fuzz_fds() == fds);
	return 0;
}
