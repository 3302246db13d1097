/* SPDX-License-Identifier: MIT */
/*
 * A runtime directory on a file system that is full or read-only; and a user
 * who has used up his inotify instances. In name spaces of our own, so
 * that nobody else is concerned.
 */
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "stream.h"

static bool write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	bool good = fd >= 0 &&
		    write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	if (fd >= 0)
		close(fd);
	return good;
}

/* Be root among ourselves, and ourselves among others. */
static void enter_namespaces(int flags)
{
	unsigned int uid = getuid(), gid = getgid();
	char map[64];

	if (unshare(CLONE_NEWUSER | flags) < 0)
		harness_skip("no name spaces of our own: %s", strerror(errno));
	write_file("/proc/self/setgroups", "deny");
	snprintf(map, sizeof(map), "%u %u 1", uid, uid);
	assert_true(write_file("/proc/self/uid_map", map));
	snprintf(map, sizeof(map), "%u %u 1", gid, gid);
	assert_true(write_file("/proc/self/gid_map", map));
}

/* A small file system where streams live. */
static void mount_small(unsigned long flags, const char *options)
{
	const char *directory = getenv("ZOETROPE_DIR");

	enter_namespaces(CLONE_NEWNS);
	if (mount("tmpfs", directory, "tmpfs", flags, options) < 0)
		harness_skip("cannot mount a file system: %s", strerror(errno));
}

static void leave_small(void)
{
	assert_int_equal(umount2(getenv("ZOETROPE_DIR"), MNT_DETACH), 0);
}

static void expect_full(int error)
{
	struct zt_publisher *pub = NULL;
	char reason[ZT_REASON_MAX] = "";
	int r = zt_publisher_create("cam0", NULL, &pub, reason);

	printf("%s\n", reason);
	if (r != error || !strlen(reason))
		fail_msg("it is told %s: %s", strerrorname_np(-r), reason);
	assert_null(pub);
}

static void publish_and_read(void)
{
	struct zt_publisher *pub = stream_create("cam0", NULL);
	struct zt_subscriber *sub = stream_open("cam0", NULL);

	stream_expect(sub, stream_publish(pub, NULL));
	zt_subscriber_close(sub);
	zt_publisher_destroy(pub);
}

static void fill_path(char path[300])
{
	snprintf(path, 300, "%s/fill", getenv("ZOETROPE_DIR"));
}

/* Not even the number of the epoch can be written. */
static void without_room(void)
{
	char path[300], page[4097];

	mount_small(0, "size=4096");
	memset(page, 'x', 4096);
	page[4096] = '\0';
	fill_path(path);
	assert_true(write_file(path, page));
	expect_full(-ENOSPC);
	assert_int_equal(unlink(path), 0);
	publish_and_read();
	leave_small();
}

/* The root directory, and so many files beside it. */
static void without_inodes(void)
{
	char path[300];

	mount_small(0, "nr_inodes=3");
	fill_path(path);
	assert_true(write_file(path, "x"));
	expect_full(-ENOSPC);	/* the lock, and no socket */
	assert_int_equal(unlink(path), 0);
	publish_and_read();
	leave_small();
}

static void that_is_read_only(void)
{
	const char *directory = getenv("ZOETROPE_DIR");

	mount_small(MS_RDONLY, "size=65536");
	expect_full(-EROFS);
	assert_int_equal(mount(NULL, directory, NULL, MS_REMOUNT, NULL), 0);
	publish_and_read();
	leave_small();
}

static int publish_later(int fd, void *argument)
{
	struct zt_publisher *pub;
	uint64_t event;

	(void)argument;
	harness_wait_event(fd, HARNESS_PATIENCE, &event);
	pub = stream_create("cam0", NULL);
	stream_publish(pub, NULL);
	harness_wait_event(fd, HARNESS_PATIENCE, &event);
	zt_publisher_destroy(pub);
	return 0;
}

/* A stream is waited for all the same. */
static void without_inotify(void)
{
	struct zt_subscriber_options wait = { .flags = ZT_SUBSCRIBER_WAIT };
	struct zt_subscriber *sub;
	struct harness_peer peer;

	enter_namespaces(0);
	if (!write_file("/proc/sys/user/max_inotify_instances", "0"))
		harness_skip("the number of inotify instances cannot be set");
	assert_int_equal(inotify_init1(IN_CLOEXEC), -1);
	peer = harness_spawn(publish_later, NULL);
	sub = stream_open("cam0", &wait);
	stream_expect_error(sub, -EAGAIN);
	assert_true(harness_send_event(peer.fd, 0));
	stream_expect(sub, 1);
	zt_subscriber_close(sub);
	assert_true(harness_send_event(peer.fd, 0));
	assert_int_equal(harness_reap(&peer), 0);
}

static const struct zt_test tests[] = {
	ZT_TEST(without_room),
	ZT_TEST(without_inodes),
	ZT_TEST(that_is_read_only),
	ZT_TEST(without_inotify),
};
ZT_TEST_MAIN(tests)
