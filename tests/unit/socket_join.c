/* SPDX-License-Identifier: MIT */
/* A stream's socket: made whole or not at all, and who can connect to it. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "harness.h"
#include "os/socket.h"

static int open_directory(void)
{
	int dirfd = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);

	assert_true(dirfd >= 0);
	return dirfd;
}

static int must_listen(int dirfd, const char *name)
{
	int fd = zti_socket_listen(dirfd, name, 0600, 0);

	assert_true(fd >= 0);
	return fd;
}

static void assert_flags(int fd)
{
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
}

static void connections_are_made(void)
{
	int dirfd = open_directory();
	int listener = must_listen(dirfd, "cam0");
	int client, server;
	pid_t pid = 0;
	uid_t uid = 12345;

	assert_int_equal(zti_socket_accept(listener), -EAGAIN);
	client = zti_socket_connect(dirfd, "cam0");
	assert_true(client >= 0);
	assert_true(harness_wait_readable(listener, HARNESS_PATIENCE));
	server = zti_socket_accept(listener);
	assert_true(server >= 0);
	assert_flags(listener);
	assert_flags(client);
	assert_flags(server);
	assert_int_equal(zti_socket_peer(server, &pid, &uid), 0);
	assert_int_equal(pid, getpid());
	assert_int_equal(uid, geteuid());
	assert_int_equal(zti_socket_send(client, "hello", 5, NULL, 0), 5);
	assert_true(harness_wait_readable(server, HARNESS_PATIENCE));
	close(client);
	close(server);
	close(listener);
	close(dirfd);
}

static void mode_and_group_are_set_whatever_the_umask(void)
{
	gid_t group = geteuid() == 0 ? 12345 : getegid();
	int dirfd = open_directory();
	struct stat status;
	int listener;

	umask(077);
	listener = zti_socket_listen(dirfd, "cam0", 0660, group);
	assert_true(listener >= 0);
	assert_int_equal(stat("cam0.sock", &status), 0);
	assert_int_equal(status.st_mode & 07777, 0660);
	assert_int_equal(status.st_gid, group);
	close(listener);
	umask(0);
	listener = zti_socket_listen(dirfd, "cam0", 0600, 0);
	assert_true(listener >= 0);
	assert_int_equal(stat("cam0.sock", &status), 0);
	assert_int_equal(status.st_mode & 07777, 0600);
	close(listener);
	close(dirfd);
}

static void what_a_crash_left_is_replaced(void)
{
	int dirfd = open_directory();
	int listener, client, file;

	close(must_listen(dirfd, "cam0"));
	assert_int_equal(access("cam0.sock", F_OK), 0);
	file = open("cam0.sock.new", O_WRONLY | O_CREAT, 0600);
	assert_true(file >= 0);
	close(file);
	listener = must_listen(dirfd, "cam0");
	assert_int_equal(access("cam0.sock.new", F_OK), -1);
	client = zti_socket_connect(dirfd, "cam0");
	assert_true(client >= 0);
	close(client);
	close(listener);
	close(dirfd);
}

static void failure_leaves_nothing(void)
{
	int dirfd = open_directory();

	/* A socket cannot be renamed to a directory's name: the last step. */
	assert_int_equal(mkdir("cam0.sock", 0700), 0);
	assert_int_equal(zti_socket_listen(dirfd, "cam0", 0600, 0), -EISDIR);
	assert_int_equal(access("cam0.sock.new", F_OK), -1);
	assert_int_equal(errno, ENOENT);
	close(dirfd);
	assert_int_equal(zti_socket_listen(dirfd, "cam1", 0600, 0), -EBADF);
}

static void unlink_removes_it(void)
{
	int dirfd = open_directory();
	int listener = must_listen(dirfd, "cam0");

	zti_socket_unlink(dirfd, "cam0");
	assert_int_equal(access("cam0.sock", F_OK), -1);
	zti_socket_unlink(dirfd, "cam0");
	assert_int_equal(zti_socket_connect(dirfd, "cam0"), -ENOENT);
	close(listener);
	close(dirfd);
}

static void connect_tells_why_not(void)
{
	struct sockaddr_un address = { AF_UNIX, "stream.sock" };
	int dirfd = open_directory();
	int listener, stream;

	assert_int_equal(zti_socket_connect(dirfd, "cam0"), -ENOENT);
	listener = must_listen(dirfd, "cam0");
	close(listener);
	assert_int_equal(zti_socket_connect(dirfd, "cam0"), -ECONNREFUSED);

	/* Another kind of socket, as a stranger may have put there. */
	stream = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(stream >= 0);
	assert_int_equal(bind(stream, (const struct sockaddr *)&address,
			      sizeof(address)), 0);
	assert_int_equal(listen(stream, 1), 0);
	assert_int_equal(zti_socket_connect(dirfd, "stream"), -EPROTOTYPE);
	close(stream);
	close(dirfd);
}

static void full_backlog_is_told_without_waiting(void)
{
	int dirfd = open_directory();
	int listener = must_listen(dirfd, "cam0");
	int client[3], i, r = 0;

	assert_int_equal(listen(listener, 1), 0);
	for (i = 0; i < 3 && r >= 0; i++)
		client[i] = r = zti_socket_connect(dirfd, "cam0");
	assert_int_equal(r, -EAGAIN);
	while (--i > 0)
		close(client[i - 1]);
	close(listener);
	close(dirfd);
}

static int try_as_nobody(int fd, void *argument)
{
	int dirfd = *(const int *)argument;

	(void)fd;
	assert_int_equal(setresuid(65534, 65534, 65534), 0);
	assert_int_equal(zti_socket_connect(dirfd, "mine"), -EACCES);
	assert_true(zti_socket_connect(dirfd, "all") >= 0);
	return 0;
}

static void mode_decides_who_may_connect(void)
{
	int dirfd = open_directory();
	struct harness_peer peer;
	int mine, all;

	if (geteuid() != 0)
		harness_skip("only root can become another user");
	assert_int_equal(chmod(".", 0711), 0);
	mine = zti_socket_listen(dirfd, "mine", 0600, 0);
	all = zti_socket_listen(dirfd, "all", 0666, 0);
	assert_true(mine >= 0 && all >= 0);
	peer = harness_spawn(try_as_nobody, &dirfd);
	assert_int_equal(harness_reap(&peer), 0);
	close(mine);
	close(all);
	close(dirfd);
}

static void paths_may_be_long(void)
{
	char name[65], component[101];
	int dirfd, deeper, listener, client, i;

	memset(name, 'n', 64);
	name[64] = '\0';
	memset(component, 'd', 100);
	component[100] = '\0';
	dirfd = open_directory();
	for (i = 0; i < 3; i++) {
		assert_int_equal(mkdirat(dirfd, component, 0700), 0);
		deeper = openat(dirfd, component, O_PATH | O_CLOEXEC);
		assert_true(deeper >= 0);
		close(dirfd);
		dirfd = deeper;
	}
	listener = must_listen(dirfd, name);
	client = zti_socket_connect(dirfd, name);
	assert_true(client >= 0);
	close(client);
	close(listener);
	close(dirfd);
}

static const struct zt_test tests[] = {
	ZT_TEST(connections_are_made),
	ZT_TEST(mode_and_group_are_set_whatever_the_umask),
	ZT_TEST(what_a_crash_left_is_replaced),
	ZT_TEST(failure_leaves_nothing),
	ZT_TEST(unlink_removes_it),
	ZT_TEST(connect_tells_why_not),
	ZT_TEST(full_backlog_is_told_without_waiting),
	ZT_TEST(mode_decides_who_may_connect),
	ZT_TEST(paths_may_be_long),
};
ZT_TEST_MAIN(tests)
