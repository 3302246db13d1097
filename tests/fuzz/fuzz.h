/* SPDX-License-Identifier: MIT */
/*
 * What the fuzzers share. A target is a file with LLVMFuzzerTestOneInput();
 * built with libFuzzer it looks for inputs that break something, built with
 * replay.c it runs those that are known.
 *
 * An input is read as a program: small numbers, one after the other, zeroes
 * when it ends. Whatever should not be ends the process, by a sanitizer or by
 * fuzz_check().
 */
#ifndef FUZZ_H
#define FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

struct fuzz_input {
	const uint8_t *data;
	size_t size;
};

bool fuzz_more(const struct fuzz_input *in);
uint8_t fuzz_u8(struct fuzz_input *in);
uint16_t fuzz_u16(struct fuzz_input *in);
uint64_t fuzz_u64(struct fuzz_input *in);

/* One of the numbers at which things change, or any. */
uint64_t fuzz_value(struct fuzz_input *in);

/* Up to `room` bytes, those that are left. Returns how many. */
size_t fuzz_bytes(struct fuzz_input *in, void *into, size_t room);

/* A new, empty runtime directory; removed when the process ends. */
void fuzz_make_runtime_directory(void);

/* How many descriptors are open. */
unsigned int fuzz_fds(void);

#define fuzz_check(expression) \
	((expression) ? (void)0 : fuzz_fail(#expression, __FILE__, __LINE__))

void fuzz_fail(const char *expression, const char *file, int line)
	__attribute__((noreturn));

#endif
