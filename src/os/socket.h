/* SPDX-License-Identifier: MIT */
/*
 * Unix SOCK_SEQPACKET sockets, and file descriptors passed over them.
 *
 * A stream's socket is <name>.sock in a runtime directory that the caller
 * holds open. It is reached as /proc/self/fd/<dirfd>/<name>.sock, since an
 * address has room for 108 bytes and a path may be longer; so /proc must be
 * mounted. Names have passed zti_stream_name_check().
 *
 * Every socket is close-on-exec and non-blocking from birth, and no call here
 * waits, retries being for EINTR only. No state: any thread.
 */
#ifndef ZTI_OS_SOCKET_H
#define ZTI_OS_SOCKET_H

#include <stddef.h>
#include <sys/types.h>

/** Most fds that one message can carry: the kernel's own bound. */
#define ZTI_SOCKET_FDS_MAX 253

/**
 * Listen as <name>.sock, in place of whatever has that name. The socket
 * appears under its name when its mode and group are set and connections are
 * accepted, not before. `dirfd` is borrowed. `group` 0 leaves the group.
 *
 * The caller holds the stream's lock (zti_lock_acquire). Returns an fd or a
 * negative errno, and leaves nothing behind then.
 */
int zti_socket_listen(int dirfd, const char *name, mode_t mode, gid_t group);

/** Remove <name>.sock, whether it is there or not. */
void zti_socket_unlink(int dirfd, const char *name);

/**
 * Connect to <name>.sock. Returns an fd, at once connected, or: -ENOENT, no
 * such socket; -ECONNREFUSED, nobody listens (a dead publisher left it);
 * -EAGAIN, too many others wait to be accepted: try again; -EACCES.
 */
int zti_socket_connect(int dirfd, const char *name);

/**
 * Accept a connection. The peer cannot send us fds, where the kernel can
 * forbid it (Linux 6.16). Returns an fd, -EAGAIN where nobody waits, or
 * another negative errno.
 */
int zti_socket_accept(int listen_fd);

/** Who was at the other end when it connected (or began to listen). */
int zti_socket_peer(int fd, pid_t *ret_pid, uid_t *ret_uid);

/**
 * Send one message, of at least one byte, with fds (borrowed; NULL and 0 for
 * none). Returns its size; -EAGAIN, the peer has not read enough yet; -EPIPE,
 * it is gone; -ENOMEM, also where there are no buffers; or another negative
 * errno. All of the message is sent or none.
 */
ssize_t zti_socket_send(int fd, const void *data, size_t size, const int *fds,
			unsigned int fd_count);

/**
 * Receive one message. *io_fd_count is the room in ret_fds, then how many fds
 * came: they are the caller's, close-on-exec. With ret_fds NULL (io_fd_count
 * is then not looked at) the kernel closes any that are sent.
 *
 * Returns its size; 0 at end of file; -EAGAIN, nothing yet; -EMSGSIZE, the
 * message, or its fds, exceeded the room; -EMFILE, we have not the fds left to
 * receive all of its fds; or another negative errno. A message that gave
 * -EMSGSIZE or -EMFILE is gone. No fd is received but with a size above 0.
 *
 * A peer that closed with messages of ours unread gives -ECONNRESET once; what
 * it had sent can still be received after that.
 *
 * A message of no bytes cannot be told from end of file, and counts as that:
 * no honest peer sends one.
 */
ssize_t zti_socket_recv(int fd, void *data, size_t size, int *ret_fds,
			unsigned int *io_fd_count);

#endif
