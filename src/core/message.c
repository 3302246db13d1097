/* SPDX-License-Identifier: MIT */
/* Sending and receiving control messages: framing only, no state. */
#include "core/message.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "os/socket.h"

struct zti_message zti_message_make(enum zti_message_type type)
{
	struct zti_message msg;

	memset(&msg, 0, sizeof(msg));
	msg.magic = ZTI_MESSAGE_MAGIC;
	msg.version = ZTI_LAYOUT_VERSION;
	msg.type = (uint16_t)type;
	return msg;
}

int zti_message_send(int socket, const struct zti_message *msg,
		     const int *fds, unsigned int fd_count)
{
	ssize_t n = zti_socket_send(socket, msg, sizeof(*msg), fds, fd_count);

	return n < 0 ? (int)n : 0;
}

static int check(const struct zti_message *msg, ssize_t length)
{
	if (length == 1)
		return ZTI_GOT_WAKE;
	if (length != sizeof(*msg) || msg->magic != ZTI_MESSAGE_MAGIC)
		return -EPROTO;
	if (msg->version != ZTI_LAYOUT_VERSION)
		return -EPROTONOSUPPORT;
	return ZTI_GOT_MESSAGE;
}

int zti_message_receive(int socket, struct zti_message *msg, int *ret_fds,
			unsigned int *io_fd_count)
{
	ssize_t n = zti_socket_recv(socket, msg, sizeof(*msg), ret_fds,
				    io_fd_count);
	int r;

	if (n <= 0)
		return n == -EMSGSIZE ? -EPROTO : (int)n;
	r = check(msg, n);
	if (r < 0 && ret_fds) {
		for (unsigned int i = 0; i < *io_fd_count; i++)
			close(ret_fds[i]);
		*io_fd_count = 0;
	}
	return r;
}
