/* SPDX-License-Identifier: MIT */
/*
 * The runner catches each kind of leak, and what else ends a test badly. The
 * specimens are tests that misbehave; this program runs itself over each of
 * them and reads the verdict.
 */
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness.h"

/* Where a specimen names what it leaves, for this program to remove. */
static char leftover[64];

static void name_leftover(const char *kind)
{
	snprintf(leftover, sizeof(leftover), "/zt-specimen-%s-%d", kind,
		 (int)getpid());
	printf("left %s\n", leftover);
}

static void behaves(void)
{
	struct stat st;

	assert_int_equal(stat(getenv("ZOETROPE_DIR"), &st), 0);
	close(open("scratch-file", O_CREAT | O_WRONLY, 0600));
}

static void asserts_wrong(void)
{
	assert_int_equal(6 * 9, 42);
}

static void skips(void)
{
	harness_skip("there is no %s here", "camera");
}

static void crashes(void)
{
	raise(SIGSEGV);
}

static void exits(void)
{
	exit(3);
}

static void hangs(void)
{
	for (;;)
		pause();
}

static void leaks_fd(void)
{
	assert_true(open("/dev/null", O_RDONLY | O_CLOEXEC) >= 0);
}

static void closes_foreign_fd(void)
{
	close(STDIN_FILENO);
}

static void leaks_shared_mapping(void)
{
	mmap(NULL, 4096, PROT_READ, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
}

static void leaks_memfd_mapping(void)
{
	int fd = memfd_create("specimen", MFD_CLOEXEC);

	assert_int_equal(ftruncate(fd, 4096), 0);
	mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0);
	close(fd);
}

static void *wait_for_ever(void *argument)
{
	for (;;)
		pause();
	return argument;
}

static void leaks_thread(void)
{
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, wait_for_ever, NULL), 0);
}

static void leaks_child(void)
{
	if (fork() == 0)
		wait_for_ever(NULL);
}

static void leaks_zombie(void)
{
	siginfo_t info;
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT);
}

/* A daemon: a session of its own, and its parent gone. */
static void leaks_daemon(void)
{
	struct harness_peer told;
	int ends[2];

	socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends);
	told.pid = fork();
	if (told.pid == 0) {
		setsid();
		if (fork() == 0) {
			harness_send_event(ends[1], 1);
			wait_for_ever(NULL);
		}
		_exit(0);
	}
	close(ends[1]);
	told.fd = ends[0];
	harness_expect_event(told.fd, 1);
	harness_reap(&told);
}

static void leaks_shm(void)
{
	int fd;

	name_leftover("shm");
	fd = shm_open(leftover, O_CREAT | O_EXCL | O_RDWR, 0600);
	assert_true(fd >= 0);
	close(fd);
}

static void leaks_semaphore(void)
{
	sem_t *semaphore;

	name_leftover("sem");
	semaphore = sem_open(leftover, O_CREAT | O_EXCL, 0600, 1);
	assert_ptr_not_equal(semaphore, SEM_FAILED);
	sem_close(semaphore);
}

static void leaks_sysv(void)
{
	int id = shmget(IPC_PRIVATE, 4096, IPC_CREAT | 0600);

	assert_true(id >= 0);
	printf("left id %d\n", id);
}

static void leaves_file(void)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/cam0.tmp", getenv("ZOETROPE_DIR"));
	close(open(path, O_CREAT | O_WRONLY, 0600));
}

static void leaves_lock(void)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/cam0.lock", getenv("ZOETROPE_DIR"));
	close(open(path, O_CREAT | O_WRONLY, 0600));
}

static void leaves_socket(void)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/cam0.sock", getenv("ZOETROPE_DIR"));
	close(open(path, O_CREAT | O_WRONLY, 0600));
}

static void may_leave_socket(void)
{
	leaves_socket();
}

static const struct zt_test specimens[] = {
	ZT_TEST(behaves),
	ZT_TEST(asserts_wrong),
	ZT_TEST(skips),
	ZT_TEST(crashes),
	ZT_TEST(exits),
	ZT_TEST(hangs, .timeout_s = 1),
	ZT_TEST(leaks_fd),
	ZT_TEST(closes_foreign_fd),
	ZT_TEST(leaks_shared_mapping),
	ZT_TEST(leaks_memfd_mapping),
	ZT_TEST(leaks_thread),
	ZT_TEST(leaks_child),
	ZT_TEST(leaks_zombie),
	ZT_TEST(leaks_daemon),
	ZT_TEST(leaks_shm),
	ZT_TEST(leaks_semaphore),
	ZT_TEST(leaks_sysv),
	ZT_TEST(leaves_file),
	ZT_TEST(leaves_lock),
	ZT_TEST(leaves_socket),
	ZT_TEST(may_leave_socket, .flags = ZT_LEAVES_SOCKETS),
};

/* ------------------------------------------------------------------------
 * The tests.
 */

/* Run this program over one specimen; what it prints, and how it exits. */
static int run_specimen(const char *name, char *output, size_t size)
{
	char command[200];
	size_t n;
	FILE *pipe;

	snprintf(command, sizeof(command),
		 "ASAN_OPTIONS=handle_segv=0:detect_leaks=0 "
		 "TSAN_OPTIONS=handle_segv=0 "
		 "exec /proc/%d/exe --specimens %s", (int)getpid(), name);
	pipe = popen(command, "re");
	assert_non_null(pipe);
	n = fread(output, 1, size - 1, pipe);
	output[n] = '\0';
	return WEXITSTATUS(pclose(pipe));
}

static void passes(const char *name)
{
	char output[8192], line[100];

	snprintf(line, sizeof(line), "1..1\nok 1 - %s\n", name);
	assert_int_equal(run_specimen(name, output, sizeof(output)), 0);
	assert_string_equal(output, line);
}

static void fails(const char *name, const char *reason)
{
	char output[8192], line[100];
	const char *left;
	int id;

	snprintf(line, sizeof(line), "1..1\nnot ok 1 - %s\n", name);
	assert_int_equal(run_specimen(name, output, sizeof(output)), 1);
	if (strncmp(output, line, strlen(line)) || !strstr(output, reason))
		fail_msg("%s: the verdict is not '%s' but: %s", name, reason,
			 output);

	left = strstr(output, "left /zt-specimen-");
	if (left && sscanf(left, "left %63s", leftover) == 1) {
		shm_unlink(leftover);
		sem_unlink(leftover);
	}
	left = strstr(output, "left id ");
	if (left && sscanf(left, "left id %d", &id) == 1)
		shmctl(id, IPC_RMID, NULL);
}

static void good_tests_pass(void)
{
	passes("behaves");
	passes("leaves_lock");
	passes("may_leave_socket");
}

static void bad_ends_fail(void)
{
	fails("asserts_wrong", "0x36 != 0x2a");
	fails("crashes", "was killed by signal 11");
	fails("exits", "exited with status 3");
	fails("hangs", "took longer than its time limit");
}

static void skipped_tests_are_told(void)
{
	char output[8192];

	assert_int_equal(run_specimen("skips", output, sizeof(output)), 0);
	assert_non_null(strstr(output, "ok 1 - skips # SKIP\n"));
	assert_non_null(strstr(output, "there is no camera here"));
}

static void leaked_descriptors_fail(void)
{
	fails("leaks_fd", "left behind: descriptor");
	fails("closes_foreign_fd", "did not open: descriptor 0");
}

static void leaked_mappings_fail(void)
{
	fails("leaks_shared_mapping", "left behind: mapping");
	fails("leaks_memfd_mapping", "/memfd:specimen");
}

static void leaked_threads_fail(void)
{
	fails("leaks_thread", "left behind: thread");
}

static void leaked_children_fail(void)
{
	fails("leaks_child", "left behind: a child that still runs");
	fails("leaks_zombie", "not waited for");
	fails("leaks_daemon", "left behind: a child that still runs");
}

static void leaked_objects_fail(void)
{
	fails("leaks_shm", "left behind: /dev/shm/zt-specimen-shm");
	fails("leaks_semaphore", "left behind: /dev/shm/sem.zt-specimen-sem");
	fails("leaks_sysv", "left behind: System V segment");
}

static void leftovers_in_the_runtime_directory_fail(void)
{
	fails("leaves_file", "runtime directory: cam0.tmp");
	fails("leaves_socket", "runtime directory: cam0.sock");
}

static int answer(int fd, void *argument)
{
	uint64_t event;

	while (harness_wait_event(fd, HARNESS_PATIENCE, &event) == 0)
		harness_send_event(fd, event + *(const uint64_t *)argument);
	return 7;
}

static int assert_wrongly(int fd, void *argument)
{
	(void)fd;
	assert_null(argument);
	return 0;
}

static void peers_talk_and_end(void)
{
	uint64_t step = 2, event;
	struct harness_peer peer = harness_spawn(answer, &step);

	assert_int_equal(harness_wait_event(peer.fd, 0, &event), -ETIMEDOUT);
	assert_true(harness_send_event(peer.fd, 40));
	harness_expect_event(peer.fd, 42);

	harness_signal(&peer, SIGSTOP);
	assert_true(harness_send_event(peer.fd, 1));
	assert_int_equal(harness_wait_event(peer.fd, 20, &event), -ETIMEDOUT);
	harness_signal(&peer, SIGCONT);
	harness_expect_event(peer.fd, 3);

	shutdown(peer.fd, SHUT_WR);
	assert_int_equal(harness_wait_event(peer.fd, HARNESS_PATIENCE, &event),
			 -EPIPE);
	assert_int_equal(harness_reap(&peer), 7);
}

static void peers_fail_and_die(void)
{
	uint64_t step = 0;
	struct harness_peer peer = harness_spawn(assert_wrongly, &step);

	assert_int_equal(harness_reap(&peer), HARNESS_FAILED);
	peer = harness_spawn(answer, &step);
	harness_signal(&peer, SIGKILL);
	assert_int_equal(harness_reap(&peer), -SIGKILL);
	peer = harness_spawn(answer, &step);
	harness_kill(&peer);
	assert_int_equal(peer.pid, -1);
}

static void threads_are_pinned(void)
{
	assert_true(harness_pin(0));
	assert_false(harness_pin(1));	/* one is left that it may run on */
}

static void waits_have_a_limit(void)
{
	int64_t limit = harness_limit_ns(20);
	int naps = 0;

	while (harness_nap_until(limit))
		naps++;
	assert_in_range(naps, 1, 40 * 20);
	harness_until(naps-- == 0);
}

static const struct zt_test tests[] = {
	ZT_TEST(good_tests_pass),
	ZT_TEST(bad_ends_fail),
	ZT_TEST(skipped_tests_are_told),
	ZT_TEST(leaked_descriptors_fail),
	ZT_TEST(leaked_mappings_fail),
	ZT_TEST(leaked_threads_fail),
	ZT_TEST(leaked_children_fail),
	ZT_TEST(leaked_objects_fail),
	ZT_TEST(leftovers_in_the_runtime_directory_fail),
	ZT_TEST(peers_talk_and_end),
	ZT_TEST(peers_fail_and_die),
	ZT_TEST(threads_are_pinned),
	ZT_TEST(waits_have_a_limit),
};

int main(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "--specimens"))
		return harness_main(argc - 1, argv + 1, specimens,
				    sizeof(specimens) / sizeof(*specimens));
	return harness_main(argc, argv, tests, sizeof(tests) / sizeof(*tests));
}
