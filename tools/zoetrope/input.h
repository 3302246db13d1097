/* SPDX-License-Identifier: MIT */
/*
 * A stream of bytes to parse: lines and blocks, from anything that can be read
 * in order. Large blocks go straight to where they are wanted.
 */
#ifndef ZOETROPE_TOOL_INPUT_H
#define ZOETROPE_TOOL_INPUT_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/** Up to `size` bytes: how many, 0 at the end, or a negative errno. */
typedef ssize_t (*input_read_fn)(void *context, void *into, size_t size);

struct input {
	input_read_fn read;
	void *context;
	uint64_t offset;	/* in the stream, of the next byte taken */
	size_t begin, end;	/* what the buffer holds and nobody took */
	uint8_t buffer[65536];
};

/** Begin, or begin anew after the source was rewound. */
void input_start(struct input *input, input_read_fn read, void *context);

/**
 * All `size` bytes. -ENODATA where the stream ends before: all that there was
 * is taken then.
 */
int input_block(struct input *input, void *into, size_t size);

/** The same, thrown away. */
int input_skip(struct input *input, uint64_t size);

/** 1 where a byte is left to take, 0 at the end, or a negative errno. */
int input_more(struct input *input);

/**
 * A line of at most room - 1 bytes, without its newline, ended by a 0. Returns
 * 1, or 0 at the end of the stream; -ENODATA where it ends within the line,
 * -EMSGSIZE where the line is too long.
 */
int input_line(struct input *input, char *line, size_t room);

/** An input_read_fn; context is an int *, a descriptor. -EINTR: stop. */
ssize_t input_from_fd(void *context, void *into, size_t size);

#endif
