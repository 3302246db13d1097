/* SPDX-License-Identifier: MIT */
/* Fuzzes a publisher with the words on its subscribers' pages. */
#include "trial.h"

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	fuzz_make_runtime_directory();
	return 0;
}

/* The masks mostly; sometimes any word of the page. */
static void write_word(struct raw *raw, struct fuzz_input *in)
{
	uint8_t choice = fuzz_u8(in);
	uint64_t bits = choice & 128 ? fuzz_u64(in) :
				       1ULL << (fuzz_u8(in) & 63);

	if (!raw->page)
		return;
	switch (choice % 8) {
	case 0:
		atomic_fetch_or(&raw->page->offered.word, bits);
		break;
	case 1:
		atomic_fetch_and(&raw->page->offered.word, ~bits);
		break;
	case 2:
		atomic_store(&raw->page->offered.word, 0);
		break;
	case 3:
		atomic_fetch_or(&raw->page->returned.word, bits);
		break;
	case 4:
		atomic_fetch_or(&raw->page->returned.word, UINT64_MAX);
		break;
	case 5:
		atomic_store(&raw->page->waiting.word, (uint32_t)bits);
		break;
	case 6:
		atomic_store(&raw->page->messages.word, (uint32_t)bits);
		break;
	default:
		((uint64_t *)raw->page)[fuzz_u16(in) %
					(ZTI_PAGE_SIZE / 8)] = bits;
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
		if (trial->peers[peer].socket >= 0)
			raw_close(&trial->peers[peer]);
		break;
	case 2:
		trial_dispatch(trial);
		break;
	case 3:
		if (trial->peers[peer].socket >= 0)
			raw_keep_up(&trial->peers[peer]);
		break;
	case 4:
		trial_discard(trial, loan);
		break;
	case 5:
		trial_loan(trial, loan, fuzz_u8(in));
		break;
	case 6:
	case 7:
		trial_loan(trial, loan, 0);
		trial_publish(trial, loan);
		break;
	default:
		write_word(&trial->peers[peer], in);
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
