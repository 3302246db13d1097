/* SPDX-License-Identifier: MIT */
/* Gathered writing, to a file, a pipe or a socket, blocking or not. */
#include <errno.h>
#include <poll.h>

#include "output.h"
#include "stop.h"

#define MOST_PIECES (int)(sizeof(((struct output *)0)->pieces) / \
			  sizeof(struct iovec))

void output_start(struct output *output, int fd)
{
	output->fd = fd;
	output->count = 0;
	output->written = 0;
}

int output_add(struct output *output, const void *data, size_t size)
{
	struct iovec *last = output->pieces + output->count;
	int error;

	if (size == 0)
		return 0;
	if (output->count > 0) {
		last--;
		if ((const uint8_t *)last->iov_base + last->iov_len == data) {
			last->iov_len += size;
			return 0;
		}
	}
	if (output->count == MOST_PIECES) {
		error = output_flush(output);
		if (error)
			return error;
	}
	output->pieces[output->count].iov_base = (void *)(uintptr_t)data;
	output->pieces[output->count].iov_len = size;
	output->count++;
	return 0;
}

static ssize_t write_some(struct output *output, struct iovec *from)
{
	struct pollfd wait = { .fd = output->fd, .events = POLLOUT };
	int count = (int)(output->pieces + output->count - from);
	ssize_t done;

	for (;;) {
		done = writev(output->fd, from, count);
		if (done >= 0)
			return done;
		if (errno == EAGAIN)
			poll(&wait, 1, -1);
		else if (errno != EINTR)
			return -errno;
		if (stop_requested())
			return -EINTR;
	}
}

int output_flush(struct output *output)
{
	struct iovec *from = output->pieces;
	ssize_t done;

	while (from < output->pieces + output->count) {
		done = write_some(output, from);
		if (done < 0) {
			output->count = 0;
			return (int)done;
		}
		output->written += (uint64_t)done;
		while (from < output->pieces + output->count &&
		       (size_t)done >= from->iov_len) {
			done -= (ssize_t)from->iov_len;
			from++;
		}
		if (done > 0) {
			from->iov_base = (uint8_t *)from->iov_base + done;
			from->iov_len -= (size_t)done;
		}
	}
	output->count = 0;
	return 0;
}
