/* SPDX-License-Identifier: MIT */
/* A forked child owns nothing of its parent's, and disturbs nothing. */
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sanitizers.h"
#include "stream.h"

/* All that a program can have, when it forks. */
struct things {
	struct zt_publisher *pub;
	struct zt_publisher *unthreaded;
	struct zt_subscriber *sub;
	struct zt_monitor *monitor;
	struct zt_loan *loan;
	const struct zt_frame *frame;
};

static void make(struct things *things)
{
	static const struct zt_publisher_options no_thread = {
		.flags = ZT_PUBLISHER_NO_THREAD,
	};
	struct zt_format format = stream_small();

	things->pub = stream_create("cam0", NULL);
	things->unthreaded = stream_create("cam1", &no_thread);
	things->sub = stream_open("cam0", NULL);
	assert_int_equal(zt_monitor_open("cam0", stream_patience(),
					 &things->monitor, NULL), 0);
	stream_publish(things->pub, &format);
	things->frame = stream_take_this(things->sub, 1);
	things->loan = stream_loan(things->pub, &format);
	stream_paint(things->loan, 2);
}

/* Nothing of it was touched. */
static void check(struct things *things)
{
	struct zt_format format = stream_small();

	assert_int_equal(zt_publisher_subscribers(things->pub), 1);
	assert_int_equal(zt_publish(things->pub, things->loan), 0);
	stream_expect_error(things->sub, -EBUSY);
	for (int i = 0; i < 10; i++)
		stream_publish(things->pub, &format);
	assert_true(stream_is_painted(things->frame, 1));
	zt_release(things->frame);
	stream_expect(things->sub, 12);
	assert_true(zt_publisher_dispatch(things->unthreaded) >= 0);
}

static void unmake(struct things *things)
{
	zt_monitor_close(things->monitor);
	zt_subscriber_close(things->sub);
	zt_publisher_destroy(things->unthreaded);
	zt_publisher_destroy(things->pub);
}

/* Try everything that there is. */
static int try_all(int fd, void *argument)
{
	struct things *things = argument;
	struct zt_publisher_stats stats = { .size = sizeof(stats) };
	struct zt_subscriber_stats reading = { .size = sizeof(reading) };
	struct zt_format format = stream_small();
	struct zt_stream_info info;
	const struct zt_frame *frame;
	struct zt_loan *loan;

	(void)fd;
	assert_int_equal(zt_loan(things->pub, &format, 0, &loan), -ECHILD);
	assert_int_equal(zt_publish(things->pub, things->loan), -ECHILD);
	zt_discard(things->pub, things->loan);
	assert_int_equal(zt_publish_copy(things->pub, &format, "", 9216, 0, 0),
			 -ECHILD);
	assert_int_equal(zt_publisher_subscribers(things->pub), -ECHILD);
	assert_int_equal(zt_publisher_wait_subscribers(things->pub, 1,
						       ZT_FOREVER), -ECHILD);
	assert_int_equal(zt_publisher_get_stats(things->pub, &stats), -ECHILD);
	assert_int_equal(zt_publisher_fd(things->unthreaded), -ECHILD);
	assert_int_equal(zt_publisher_dispatch(things->unthreaded), -ECHILD);
	assert_int_equal(zt_take(things->sub, 0, &frame), -ECHILD);
	assert_int_equal(zt_take(things->sub, ZT_FOREVER, &frame), -ECHILD);
	assert_int_equal(zt_subscriber_fd(things->sub), -ECHILD);
	assert_int_equal(zt_subscriber_get_stats(things->sub, &reading),
			 -ECHILD);
	assert_int_equal(zt_monitor_read(things->monitor, &info, NULL, 0),
			 -ECHILD);
	/* The parent's frame can be looked at, not given back. */
	assert_true(stream_is_painted(things->frame, 1));
	zt_release(things->frame);
	unmake(things);
	return 0;
}

static void a_child_can_do_nothing_but_look(void)
{
	struct things things;
	struct harness_peer child;

	make(&things);
	for (int i = 0; i < 3; i++) {
		child = harness_spawn(try_all, &things);
		assert_int_equal(harness_reap(&child), 0);
	}
	check(&things);
	unmake(&things);
}

static int just_exit(int fd, void *unused)
{
	(void)fd;
	(void)unused;
	return 0;
}

/* Nor does its end, with exit handlers and all, end anything. */
static void a_child_may_end(void)
{
	struct things things;
	struct harness_peer child;

	make(&things);
	child = harness_spawn(just_exit, NULL);
	assert_int_equal(harness_reap(&child), 0);
	check(&things);
	unmake(&things);
}

/* With threads, a child of a program that has some. */
static void need_fork_with_threads(void)
{
	if (ADDRESS_SANITIZER || THREAD_SANITIZER)
		harness_skip("the sanitizer cannot follow a fork of a program "
			     "with threads");
}

static int have_your_own(int fd, void *argument)
{
	struct zt_format format = stream_small();
	struct zt_publisher *pub = stream_create("cam2", NULL);
	struct zt_subscriber *own = stream_open("cam2", NULL);
	struct zt_subscriber *parents = stream_open("cam0", NULL);

	(void)fd;
	(void)argument;
	stream_publish(pub, &format);
	stream_expect(own, 1);
	stream_expect(parents, 1);
	zt_subscriber_close(parents);
	zt_subscriber_close(own);
	zt_publisher_destroy(pub);
	return 0;
}

static void a_child_can_have_its_own(void)
{
	struct things things;
	struct harness_peer child;

	need_fork_with_threads();
	make(&things);
	child = harness_spawn(have_your_own, NULL);
	assert_int_equal(harness_reap(&child), 0);
	harness_until(zt_publisher_subscribers(things.pub) == 1);
	check(&things);
	unmake(&things);
}

/* ------------------------------------------------------------------------
 * The parent dies, the child lives on.
 */

/* Tells the pid of a child that stays. */
static void leave_a_child(int fd)
{
	pid_t pid = fork();

	if (pid == 0)
		for (;;)
			pause();
	harness_send_event(fd, (uint64_t)pid);
	for (;;)
		pause();
}

static int publish_and_fork(int fd, void *unused)
{
	struct zt_publisher *pub = stream_create("cam0", NULL);
	struct zt_format format = stream_small();

	(void)unused;
	stream_publish(pub, &format);
	leave_a_child(fd);
	return 0;
}

static int subscribe_and_fork(int fd, void *unused)
{
	struct zt_subscriber *sub = stream_open("cam0", NULL);

	(void)unused;
	stream_take(sub);
	leave_a_child(fd);
	return 0;
}

static void end_child(pid_t pid)
{
	assert_int_equal(kill(pid, 0), 0);
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void a_publishers_death_is_seen(void)
{
	static const struct zt_subscriber_options options = {
		.flags = ZT_SUBSCRIBER_NO_RECONNECT,
	};
	struct harness_peer parent = harness_spawn(publish_and_fork, NULL);
	struct zt_subscriber *sub;
	uint64_t child;

	assert_int_equal(harness_wait_event(parent.fd, HARNESS_PATIENCE,
					    &child), 0);
	sub = stream_open("cam0", &options);
	harness_kill(&parent);
	stream_expect(sub, 1);
	stream_await_error(sub, -ECONNRESET);
	zt_subscriber_close(sub);
	/* And its name is free. */
	zt_publisher_destroy(stream_create("cam0", NULL));
	end_child((pid_t)child);
}

static void a_subscribers_death_is_seen(void)
{
	struct zt_publisher *pub = stream_create("cam0", NULL);
	struct zt_format format = stream_small();
	struct harness_peer parent;
	uint64_t child;

	stream_publish(pub, &format);
	parent = harness_spawn(subscribe_and_fork, NULL);
	assert_int_equal(harness_wait_event(parent.fd, HARNESS_PATIENCE,
					    &child), 0);
	assert_int_equal(zt_publisher_subscribers(pub), 1);
	harness_kill(&parent);
	harness_until(zt_publisher_subscribers(pub) == 0);
	zt_publisher_destroy(pub);
	end_child((pid_t)child);
}

/* ------------------------------------------------------------------------
 * Descriptors.
 */

/* A program that is started has none of ours. */
static void descriptors_are_closed_on_exec(void)
{
	struct things things;
	struct dirent *entry;
	char before[1024] = { 0 };
	unsigned int count = 0;
	DIR *dir = opendir("/proc/self/fd");

	while ((entry = readdir(dir)))
		if (atoi(entry->d_name) < 1024)
			before[atoi(entry->d_name)] = 1;
	make(&things);
	rewinddir(dir);
	while ((entry = readdir(dir))) {
		int fd = atoi(entry->d_name);

		if (entry->d_name[0] == '.' || before[fd])
			continue;
		assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
		count++;
	}
	closedir(dir);
	assert_true(count > 10);
	check(&things);
	unmake(&things);
}

/* Returns the descriptors that it has. */
static int count_descriptors(int fd, void *unused)
{
	DIR *dir = opendir("/proc/self/fd");
	int count = -3;

	(void)fd;
	(void)unused;
	while (readdir(dir))
		count++;
	closedir(dir);
	return count;
}

static void a_child_has_none_of_the_descriptors(void)
{
	struct harness_peer child = harness_spawn(count_descriptors, NULL);
	int before = harness_reap(&child);
	struct things things;

	make(&things);
	child = harness_spawn(count_descriptors, NULL);
	assert_int_equal(harness_reap(&child), before);
	check(&things);
	unmake(&things);
}

/* ------------------------------------------------------------------------
 * Forking at any moment.
 */

static atomic_bool stop;

static void *come_and_go(void *result)
{
	struct zt_subscriber_options options = {
		.size = sizeof(options), .flags = ZT_SUBSCRIBER_WAIT,
	};
	const struct zt_frame *frame;
	struct zt_subscriber *sub;

	while (!atomic_load(&stop)) {
		if (zt_subscriber_open("cam0", &options, &sub, NULL) < 0)
			continue;
		while (zt_take(sub, 10000000, &frame) == 0) {
			if (!stream_is_painted(frame, frame->sequence))
				*(int *)result = -EIO;
			zt_release(frame);
		}
		zt_subscriber_close(sub);
	}
	return NULL;
}

static void *publish_and_end(void *result)
{
	struct zt_publisher_options options = { .size = sizeof(options) };
	struct zt_format format = stream_small();
	struct zt_publisher *pub;
	struct zt_loan *loan;

	while (!atomic_load(&stop)) {
		int r = zt_publisher_create("cam0", &options, &pub, NULL);

		*(int *)result = r;
		if (r < 0)
			break;
		for (uint64_t i = 1; r == 0 && i < 20; i++) {
			r = zt_loan(pub, &format, 0, &loan);
			if (r < 0)
				break;
			stream_paint(loan, i);
			r = zt_publish(pub, loan);
		}
		zt_publisher_destroy(pub);
	}
	return NULL;
}

/* In the child, nothing that the threads had locked stays locked. */
static int fork_on(int fd, void *unused)
{
	struct zt_publisher *pub = stream_create("cam3", NULL);

	(void)fd;
	(void)unused;
	zt_publisher_destroy(pub);
	_exit(0);
}

static void threads_may_be_anywhere(void)
{
	pthread_t threads[3];
	int results[3] = { 0 };

	need_fork_with_threads();
	pthread_create(&threads[0], NULL, publish_and_end, &results[0]);
	pthread_create(&threads[1], NULL, come_and_go, &results[1]);
	pthread_create(&threads[2], NULL, come_and_go, &results[2]);
	for (int i = 0; i < 300; i++) {
		struct harness_peer child = harness_spawn(fork_on, NULL);

		assert_int_equal(harness_reap(&child), 0);
	}
	atomic_store(&stop, true);
	for (int i = 0; i < 3; i++) {
		pthread_join(threads[i], NULL);
		assert_int_equal(results[i], 0);
	}
}

static const struct zt_test tests[] = {
	ZT_TEST(a_child_can_do_nothing_but_look),
	ZT_TEST(a_child_may_end),
	ZT_TEST(a_child_can_have_its_own),
	ZT_TEST(a_publishers_death_is_seen),
	ZT_TEST(a_subscribers_death_is_seen),
	ZT_TEST(descriptors_are_closed_on_exec),
	ZT_TEST(a_child_has_none_of_the_descriptors),
	ZT_TEST(threads_may_be_anywhere),
};
ZT_TEST_MAIN(tests)
