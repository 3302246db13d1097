/* SPDX-License-Identifier: MIT */
/*
 * Buffered reading. The buffer serves lines and what is smaller than itself;
 * the rest of a larger block is read in place, so a frame is copied only where
 * its rows are padded.
 */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "input.h"
#include "stop.h"

void input_start(struct input *input, input_read_fn read, void *context)
{
	input->read = read;
	input->context = context;
	input->offset = 0;
	input->begin = 0;
	input->end = 0;
}

static size_t take_buffered(struct input *input, void *into, size_t size)
{
	size_t held = input->end - input->begin;

	if (size > held)
		size = held;
	if (into)
		memcpy(into, input->buffer + input->begin, size);
	input->begin += size;
	input->offset += size;
	return size;
}

/* Fill the empty buffer: 1, 0 at the end, or a negative errno. */
static int refill(struct input *input)
{
	ssize_t got = input->read(input->context, input->buffer,
				  sizeof(input->buffer));

	if (got <= 0)
		return (int)got;
	input->begin = 0;
	input->end = (size_t)got;
	return 1;
}

int input_more(struct input *input)
{
	return input->begin < input->end ? 1 : refill(input);
}

int input_block(struct input *input, void *into, size_t size)
{
	uint8_t *cursor = into;
	size_t part;
	ssize_t got;
	int error;

	for (;;) {
		part = take_buffered(input, cursor, size);
		cursor += part;
		size -= part;
		if (size == 0)
			return 0;
		if (size < sizeof(input->buffer)) {
			error = refill(input);
			if (error <= 0)
				return error ? error : -ENODATA;
			continue;
		}
		got = input->read(input->context, cursor, size);
		if (got <= 0)
			return got ? (int)got : -ENODATA;
		cursor += got;
		size -= (size_t)got;
		input->offset += (uint64_t)got;
	}
}

int input_skip(struct input *input, uint64_t size)
{
	int error;

	for (;;) {
		size -= take_buffered(input, NULL,
				      size < SIZE_MAX ? (size_t)size :
							SIZE_MAX);
		if (size == 0)
			return 0;
		error = refill(input);
		if (error <= 0)
			return error ? error : -ENODATA;
	}
}

int input_line(struct input *input, char *line, size_t room)
{
	size_t used = 0;
	uint8_t byte;
	int error;

	for (;;) {
		error = input_more(input);
		if (error < 0)
			return error;
		if (error == 0)
			return used ? -ENODATA : 0;
		take_buffered(input, &byte, 1);
		if (byte == '\n')
			break;
		if (used + 1 == room)
			return -EMSGSIZE;
		line[used++] = (char)byte;
	}
	line[used] = '\0';
	return 1;
}

ssize_t input_from_fd(void *context, void *into, size_t size)
{
	struct pollfd wait = { .fd = *(int *)context, .events = POLLIN };
	ssize_t got;

	for (;;) {
		got = read(wait.fd, into, size);
		if (got >= 0)
			return got;
		if (errno == EAGAIN)
			poll(&wait, 1, -1);
		else if (errno != EINTR)
			return -errno;
		if (stop_requested())
			return -EINTR;
	}
}
