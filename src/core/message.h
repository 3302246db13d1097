/* SPDX-License-Identifier: MIT */
/* Control messages, checked on the way in. */
#ifndef ZTI_MESSAGE_H
#define ZTI_MESSAGE_H

#include <sys/types.h>

#include "layout.h"

/* A message of a type, all else 0. */
struct zti_message zti_message_make(enum zti_message_type type);

/*
 * Send one with fds (borrowed). Errors: -EAGAIN, the peer does not read;
 * -EPIPE, -ECONNRESET, it is gone.
 */
int zti_message_send(int socket, const struct zti_message *msg,
		     const int *fds, unsigned int fd_count);

/* What came. */
enum {
	ZTI_GOT_MESSAGE = 1,
	ZTI_GOT_WAKE = 2,
};

/*
 * Receive one. `ret_fds` NULL: fds are not accepted. Returns ZTI_GOT_…, 0 at
 * end of file, -EAGAIN, -EPROTO (wrong length or magic; fds are closed),
 * -EPROTONOSUPPORT (another version), or the system's errors.
 */
int zti_message_receive(int socket, struct zti_message *msg, int *ret_fds,
			unsigned int *io_fd_count);

#endif
