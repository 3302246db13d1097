/* SPDX-License-Identifier: MIT */
/*
 * Control sockets: making them, joining them, and messages with fds.
 *
 * What a peer sends is hostile here: whatever a message carries, each fd that
 * came with it is either handed to the caller or closed.
 */
#include "os/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* Of Linux 6.16; the C library's headers may be older than the kernel. */
#ifndef SO_PASSRIGHTS
#if defined(__hppa__)
#define SO_PASSRIGHTS 0x4051
#elif defined(__sparc__)
#define SO_PASSRIGHTS 0x005c
#else
#define SO_PASSRIGHTS 83
#endif
#endif

/* "<name>.sock.new" of the longest name that zti_stream_name_check() allows. */
#define FILE_MAX 80

union control {
	struct cmsghdr header;		/* for its alignment */
	char bytes[CMSG_SPACE(ZTI_SOCKET_FDS_MAX * sizeof(int))];
};

static int set_address(struct sockaddr_un *address, int dirfd,
		       const char *file)
{
	int length;

	memset(address, 0, sizeof(*address));
	address->sun_family = AF_UNIX;
	length = snprintf(address->sun_path, sizeof(address->sun_path),
			  "/proc/self/fd/%d/%s", dirfd, file);
	if (length < 0 || (size_t)length >= sizeof(address->sun_path))
		return -ENAMETOOLONG;
	return 0;
}

static int set_file(char file[FILE_MAX], const char *name, const char *suffix)
{
	int length = snprintf(file, FILE_MAX, "%s%s", name, suffix);

	return length < 0 || length >= FILE_MAX ? -ENAMETOOLONG : 0;
}

static int new_socket(void)
{
	int fd = socket(AF_UNIX,
			SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	return fd < 0 ? -errno : fd;
}

/* Best effort: without it, fds that are sent to us are closed on receipt. */
static void refuse_fds(int fd)
{
	int no = 0;

	setsockopt(fd, SOL_SOCKET, SO_PASSRIGHTS, &no, sizeof(no));
}

/* Bind to a file, which has its mode and group before anyone can connect. */
static int bind_and_listen(int fd, int dirfd, const char *file, mode_t mode,
			   gid_t group)
{
	struct sockaddr_un address;
	int r;

	r = set_address(&address, dirfd, file);
	if (r < 0)
		return r;
	if (bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		return -errno;
	if (group != 0 &&
	    fchownat(dirfd, file, (uid_t)-1, group, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	if (fchmodat(dirfd, file, mode, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	return listen(fd, SOMAXCONN) < 0 ? -errno : 0;
}

int zti_socket_listen(int dirfd, const char *name, mode_t mode, gid_t group)
{
	char file[FILE_MAX], made[FILE_MAX];
	int fd, r;

	r = set_file(file, name, ".sock");
	if (r < 0)
		return r;
	r = set_file(made, name, ".sock.new");
	if (r < 0)
		return r;
	/* A crash may have left one; we hold the lock, so it is nobody's. */
	if (unlinkat(dirfd, made, 0) < 0 && errno != ENOENT)
		return -errno;
	fd = new_socket();
	if (fd < 0)
		return fd;
	/* Connections inherit it, so a peer has no moment before accept(). */
	refuse_fds(fd);
	r = bind_and_listen(fd, dirfd, made, mode, group);
	if (r < 0)
		goto fail;
	if (renameat(dirfd, made, dirfd, file) < 0) {
		r = -errno;
		goto fail;
	}
	return fd;

fail:
	unlinkat(dirfd, made, 0);
	close(fd);
	return r;
}

void zti_socket_unlink(int dirfd, const char *name)
{
	char file[FILE_MAX];

	if (set_file(file, name, ".sock") == 0)
		unlinkat(dirfd, file, 0);
}

int zti_socket_connect(int dirfd, const char *name)
{
	struct sockaddr_un address;
	char file[FILE_MAX];
	int fd, r;

	r = set_file(file, name, ".sock");
	if (r < 0)
		return r;
	r = set_address(&address, dirfd, file);
	if (r < 0)
		return r;
	fd = new_socket();
	if (fd < 0)
		return fd;
	do
		r = connect(fd, (const struct sockaddr *)&address,
			    sizeof(address));
	while (r < 0 && errno == EINTR);
	if (r < 0) {
		r = -errno;
		close(fd);
		return r;
	}
	return fd;
}

int zti_socket_accept(int listen_fd)
{
	int fd;

	do
		fd = accept4(listen_fd, NULL, NULL,
			     SOCK_CLOEXEC | SOCK_NONBLOCK);
	while (fd < 0 && (errno == EINTR || errno == ECONNABORTED));
	if (fd < 0)
		return -errno;
	refuse_fds(fd);
	return fd;
}

int zti_socket_peer(int fd, pid_t *ret_pid, uid_t *ret_uid)
{
	struct ucred peer;
	socklen_t size = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
		return -errno;
	*ret_pid = peer.pid;
	*ret_uid = peer.uid;
	return 0;
}

ssize_t zti_socket_send(int fd, const void *data, size_t size, const int *fds,
			unsigned int fd_count)
{
	struct iovec vector = { .iov_base = (void *)data, .iov_len = size };
	struct msghdr message = { .msg_iov = &vector, .msg_iovlen = 1 };
	union control control;
	ssize_t sent;

	if (size == 0 || fd_count > ZTI_SOCKET_FDS_MAX)
		return -EINVAL;
	if (fd_count > 0) {
		size_t bytes = fd_count * sizeof(int);
		struct cmsghdr *rights = &control.header;

		memset(&control, 0, CMSG_SPACE(bytes));
		rights->cmsg_level = SOL_SOCKET;
		rights->cmsg_type = SCM_RIGHTS;
		rights->cmsg_len = CMSG_LEN(bytes);
		memcpy(CMSG_DATA(rights), fds, bytes);
		message.msg_control = &control;
		message.msg_controllen = CMSG_SPACE(bytes);
	}
	do
		sent = sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	if (sent < 0)
		return errno == ENOBUFS ? -ENOMEM : -errno;
	return sent;
}

/* Gather the fds that came. There is room for them: see zti_socket_recv(). */
static unsigned int take_fds(struct msghdr *message, int *ret_fds)
{
	struct cmsghdr *part;
	unsigned int count = 0;

	for (part = CMSG_FIRSTHDR(message); part;
	     part = CMSG_NXTHDR(message, part)) {
		size_t bytes = part->cmsg_len - CMSG_LEN(0);

		if (part->cmsg_level != SOL_SOCKET ||
		    part->cmsg_type != SCM_RIGHTS)
			continue;
		memcpy(ret_fds + count, CMSG_DATA(part), bytes);
		count += (unsigned int)(bytes / sizeof(int));
	}
	return count;
}

/* What is wrong with a message that was received: 0, or a negative errno. */
static int check_received(const struct msghdr *message, bool with_fds,
			  unsigned int room, unsigned int came)
{
	if (message->msg_flags & MSG_TRUNC)
		return -EMSGSIZE;
	/* The kernel stops before the room is full where it has no fd left. */
	if (with_fds && (message->msg_flags & MSG_CTRUNC))
		return came < room ? -EMFILE : -EMSGSIZE;
	return 0;
}

ssize_t zti_socket_recv(int fd, void *data, size_t size, int *ret_fds,
			unsigned int *io_fd_count)
{
	struct iovec vector = { .iov_base = data, .iov_len = size };
	struct msghdr message = { .msg_iov = &vector, .msg_iovlen = 1 };
	union control control;
	unsigned int room = 0, came = 0, i;
	ssize_t received;
	int r;

	if (ret_fds) {
		room = *io_fd_count;
		*io_fd_count = 0;
		if (room > ZTI_SOCKET_FDS_MAX)
			room = ZTI_SOCKET_FDS_MAX;
		/* No padding, or the kernel would use it for one more. */
		message.msg_control = &control;
		message.msg_controllen = CMSG_LEN(room * sizeof(int));
	}
	do
		received = recvmsg(fd, &message,
				   MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	while (received < 0 && errno == EINTR);
	/* Nothing was taken off the queue: the fd stays readable. */
	if (received < 0 && (errno == ENOMEM || errno == ENOBUFS))
		return -EAGAIN;
	if (received < 0)
		return -errno;
	if (ret_fds)
		came = take_fds(&message, ret_fds);
	r = check_received(&message, ret_fds, room, came);
	if (r < 0 || received == 0) {
		for (i = 0; i < came; i++)
			close(ret_fds[i]);
		return r;
	}
	if (ret_fds)
		*io_fd_count = came;
	return received;
}
