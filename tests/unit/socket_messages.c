/* SPDX-License-Identifier: MIT */
/* Messages and the fds in them: whole or not at all, and no fd is lost. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness.h"
#include "os/socket.h"

#ifndef SO_PASSRIGHTS
#define SO_PASSRIGHTS 83
#endif

struct link {
	int here, there;
	int pipe[2];	/* its writing end is what is sent about */
};

static struct link make_link(void)
{
	struct link link;
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0,
				    pair), 0);
	assert_int_equal(pipe2(link.pipe, O_CLOEXEC | O_NONBLOCK), 0);
	link.here = pair[0];
	link.there = pair[1];
	return link;
}

/* All that was sent of the pipe's writing end must have been closed. */
static void drop_link(struct link *link)
{
	char byte;

	close(link->pipe[1]);
	assert_int_equal(read(link->pipe[0], &byte, 1), 0);
	close(link->pipe[0]);
	close(link->here);
	close(link->there);
}

/* Send a message with that many copies of the pipe's writing end. */
static void send_copies(struct link *link, const void *data, size_t size,
			unsigned int count)
{
	int fds[ZTI_SOCKET_FDS_MAX];
	unsigned int i;

	for (i = 0; i < count; i++)
		fds[i] = link->pipe[1];
	assert_int_equal(zti_socket_send(link->there, data, size, fds, count),
			 size);
}

static void messages_keep_their_bounds(void)
{
	struct link link = make_link();
	char data[16];

	assert_int_equal(zti_socket_recv(link.here, data, sizeof(data), NULL,
					 NULL), -EAGAIN);
	assert_int_equal(zti_socket_send(link.there, "one", 3, NULL, 0), 3);
	assert_int_equal(zti_socket_send(link.there, "three", 5, NULL, 0), 5);
	assert_int_equal(zti_socket_recv(link.here, data, sizeof(data), NULL,
					 NULL), 3);
	assert_memory_equal(data, "one", 3);
	assert_int_equal(zti_socket_recv(link.here, data, sizeof(data), NULL,
					 NULL), 5);
	assert_memory_equal(data, "three", 5);
	assert_int_equal(zti_socket_send(link.there, "", 0, NULL, 0), -EINVAL);
	drop_link(&link);
}

static void fds_arrive(void)
{
	struct link link = make_link();
	int fds[4] = { -1, -1, -1, -1 };
	unsigned int count = 4;
	struct stat sent, came;
	char byte;
	int i;

	send_copies(&link, "x", 1, 3);
	assert_int_equal(zti_socket_recv(link.here, &byte, 1, fds, &count), 1);
	assert_int_equal(count, 3);
	assert_int_equal(fds[3], -1);
	assert_int_equal(fstat(link.pipe[1], &sent), 0);
	for (i = 0; i < 3; i++) {
		assert_int_equal(fstat(fds[i], &came), 0);
		assert_int_equal(came.st_ino, sent.st_ino);
		assert_true(fcntl(fds[i], F_GETFD) & FD_CLOEXEC);
		close(fds[i]);
	}
	count = 4;
	assert_int_equal(zti_socket_send(link.there, "y", 1, NULL, 0), 1);
	assert_int_equal(zti_socket_recv(link.here, &byte, 1, fds, &count), 1);
	assert_int_equal(count, 0);
	drop_link(&link);
}

static void as_many_fds_as_the_kernel_allows(void)
{
	struct link link = make_link();
	int fds[ZTI_SOCKET_FDS_MAX];
	unsigned int i, count = ZTI_SOCKET_FDS_MAX;
	char byte;

	send_copies(&link, "x", 1, ZTI_SOCKET_FDS_MAX);
	assert_int_equal(zti_socket_recv(link.here, &byte, 1, fds, &count), 1);
	assert_int_equal(count, ZTI_SOCKET_FDS_MAX);
	for (i = 0; i < count; i++)
		close(fds[i]);
	assert_int_equal(zti_socket_send(link.there, "x", 1, fds,
					 ZTI_SOCKET_FDS_MAX + 1), -EINVAL);
	drop_link(&link);
}

static void unwanted_fds_are_closed(void)
{
	struct link link = make_link();
	char byte;

	send_copies(&link, "x", 1, 3);
	assert_int_equal(zti_socket_recv(link.here, &byte, 1, NULL, NULL), 1);
	drop_link(&link);
}

static void more_fds_than_room_is_an_error(void)
{
	unsigned int room;

	/* An odd room leaves padding that could hold one more. */
	for (room = 0; room < 4; room++) {
		struct link link = make_link();
		unsigned int count = room;
		int fds[4];
		char byte;

		send_copies(&link, "x", 1, room + 1);
		assert_int_equal(zti_socket_recv(link.here, &byte, 1, fds,
						 &count), -EMSGSIZE);
		assert_int_equal(count, 0);
		drop_link(&link);
	}
}

static void oversized_message_is_an_error(void)
{
	struct link link = make_link();
	unsigned int count = 2;
	char data[8];
	int fds[2];

	send_copies(&link, "123456789", 9, 2);
	assert_int_equal(zti_socket_recv(link.here, data, sizeof(data), fds,
					 &count), -EMSGSIZE);
	assert_int_equal(count, 0);
	assert_int_equal(zti_socket_send(link.there, "123456789", 9, NULL, 0),
			 9);
	assert_int_equal(zti_socket_recv(link.here, data, sizeof(data), NULL,
					 NULL), -EMSGSIZE);
	assert_int_equal(zti_socket_send(link.there, "next", 4, NULL, 0), 4);
	assert_int_equal(zti_socket_recv(link.here, data, sizeof(data), NULL,
					 NULL), 4);
	drop_link(&link);
}

static void no_fds_left_is_told_apart(void)
{
	struct link link = make_link();
	struct rlimit old, limit;
	unsigned int count = 3;
	int fds[3], next;
	char byte;

	send_copies(&link, "x", 1, 3);
	next = dup(link.here);
	close(next);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	limit = old;
	limit.rlim_cur = (rlim_t)next + 2;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	assert_int_equal(zti_socket_recv(link.here, &byte, 1, fds, &count),
			 -EMFILE);
	assert_int_equal(count, 0);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
	drop_link(&link);
}

static void end_of_file_comes_after_what_was_sent(void)
{
	struct link link = make_link();
	char data[8];

	/* "unread" makes the close a reset; "last" is there all the same. */
	assert_int_equal(zti_socket_send(link.here, "unread", 6, NULL, 0), 6);
	assert_int_equal(zti_socket_send(link.there, "last", 4, NULL, 0), 4);
	close(link.there);
	link.there = -1;
	assert_int_equal(zti_socket_recv(link.here, data, sizeof(data), NULL,
					 NULL), -ECONNRESET);
	assert_int_equal(zti_socket_recv(link.here, data, sizeof(data), NULL,
					 NULL), 4);
	assert_int_equal(zti_socket_recv(link.here, data, sizeof(data), NULL,
					 NULL), 0);
	assert_int_equal(zti_socket_send(link.here, "x", 1, NULL, 0), -EPIPE);
	drop_link(&link);
}

static void empty_message_counts_as_end_of_file(void)
{
	struct link link = make_link();
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = { .header = { CMSG_LEN(sizeof(int)), SOL_SOCKET,
				  SCM_RIGHTS } };
	struct msghdr message = { .msg_control = &control,
				  .msg_controllen = sizeof(control) };
	unsigned int count = 1;
	char byte;
	int fds[1];

	memcpy(CMSG_DATA(&control.header), &link.pipe[1], sizeof(int));
	assert_int_equal(sendmsg(link.there, &message, 0), 0);
	assert_int_equal(zti_socket_recv(link.here, &byte, 1, fds, &count), 0);
	assert_int_equal(count, 0);
	drop_link(&link);
}

static void full_socket_is_told_without_waiting(void)
{
	struct link link = make_link();
	char data[4096] = { 0 };
	ssize_t r;

	do
		r = zti_socket_send(link.here, data, sizeof(data), NULL, 0);
	while (r == (ssize_t)sizeof(data));
	assert_int_equal(r, -EAGAIN);
	drop_link(&link);
}

/* Between connect() and accept() too: that is when the kernel would not ask. */
static void accepted_peers_cannot_send_fds(void)
{
	int dirfd = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	int listener = zti_socket_listen(dirfd, "cam0", 0600, 0);
	int client = zti_socket_connect(dirfd, "cam0");
	int server, known;
	socklen_t size = sizeof(known);
	char byte;

	assert_true(dirfd >= 0 && listener >= 0 && client >= 0);
	if (getsockopt(listener, SOL_SOCKET, SO_PASSRIGHTS, &known,
		       &size) < 0) {
		/* An older kernel: then they are closed, see above. */
		assert_int_equal(errno, ENOPROTOOPT);
		goto end;
	}
	assert_int_equal(zti_socket_send(client, "x", 1, &dirfd, 1), -EPERM);
	server = zti_socket_accept(listener);
	assert_true(server >= 0);
	assert_int_equal(zti_socket_send(client, "x", 1, &dirfd, 1), -EPERM);
	assert_int_equal(zti_socket_send(client, "x", 1, NULL, 0), 1);
	assert_int_equal(zti_socket_recv(server, &byte, 1, NULL, NULL), 1);
	/* The other way is open. */
	assert_int_equal(zti_socket_send(server, "x", 1, &dirfd, 1), 1);
	close(server);
end:
	close(client);
	close(listener);
	close(dirfd);
}

static const struct zt_test tests[] = {
	ZT_TEST(messages_keep_their_bounds),
	ZT_TEST(fds_arrive),
	ZT_TEST(as_many_fds_as_the_kernel_allows),
	ZT_TEST(unwanted_fds_are_closed),
	ZT_TEST(more_fds_than_room_is_an_error),
	ZT_TEST(oversized_message_is_an_error),
	ZT_TEST(no_fds_left_is_told_apart),
	ZT_TEST(end_of_file_comes_after_what_was_sent),
	ZT_TEST(empty_message_counts_as_end_of_file),
	ZT_TEST(full_socket_is_told_without_waiting),
	ZT_TEST(accepted_peers_cannot_send_fds),
};
ZT_TEST_MAIN(tests)
