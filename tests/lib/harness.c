/* SPDX-License-Identifier: MIT */
/*
 * The runner: a process, a runtime directory and a time limit for each test,
 * and the verdict in TAP. A test's process is the reaper of what it starts,
 * and this one is the reaper of that, so nothing gets away: not even a child
 * that made a session of its own.
 */
#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <ftw.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness.h"
#include "inside.h"
#include "leaks.h"

/* A test under way. */
struct run {
	const struct zt_test *test;
	char base[256];		/* holds the two below */
	char runtime[272];
	char scratch[272];
	int output;		/* what it prints; a memfd */
	pid_t pid;
};

void harness_skip(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vprintf(format, arguments);
	va_end(arguments);
	printf("\n");
	skip();
	abort();	/* not reached: skip() jumps */
}

/* ------------------------------------------------------------------------
 * In the test's process.
 */

/* Lives in a frame that a failing assertion does not jump out of. */
struct examined {
	const struct zt_test *test;
	struct holdings before;
};

static void test_and_compare(void *argument)
{
	struct examined *examined = argument;

	holdings_take(&examined->before);
	examined->test->run();
	if (!holdings_check(&examined->before))
		fail_msg("the test did not leave things as it found them");
}

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define __SANITIZE_THREAD__ 1	/* as gcc says it */
#endif
#endif

#ifdef __SANITIZE_THREAD__
static void *do_nothing(void *argument)
{
	return argument;
}

/*
 * The thread sanitizer starts a thread of its own beside the first thread of a
 * process: have it start before threads are counted.
 */
static void settle_threads(void)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, do_nothing, NULL) == 0)
		pthread_join(thread, NULL);
}
#else
static void settle_threads(void)
{
}
#endif

static void run_child(const struct run *run)
{
	struct examined examined = { .test = run->test };
	int result;

	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	if (dup2(run->output, STDOUT_FILENO) < 0 ||
	    dup2(run->output, STDERR_FILENO) < 0 || chdir(run->scratch) < 0)
		_exit(INSIDE_FAILED);
	close(run->output);
	setvbuf(stdout, NULL, _IONBF, 0);
	umask(022);
	setenv("ZOETROPE_DIR", run->runtime, 1);
	unsetenv("XDG_RUNTIME_DIR");
	settle_threads();
	result = inside_run(run->test->name, test_and_compare, &examined);
	holdings_free(&examined.before);
	exit(result);
}

/* ------------------------------------------------------------------------
 * In the runner.
 */

static bool make_directories(struct run *run)
{
	const char *parent = getenv("TMPDIR");

	snprintf(run->base, sizeof(run->base), "%s/zoetrope-test-XXXXXX",
		 parent && *parent ? parent : "/tmp");
	if (!mkdtemp(run->base))
		return false;
	snprintf(run->runtime, sizeof(run->runtime), "%s/run", run->base);
	snprintf(run->scratch, sizeof(run->scratch), "%s/scratch", run->base);
	return mkdir(run->runtime, 0700) == 0 && mkdir(run->scratch, 0700) == 0;
}

static int remove_entry(const char *path, const struct stat *st, int type,
			struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	remove(path);
	return 0;
}

static bool ends_in(const char *text, const char *end)
{
	size_t length = strlen(text), end_length = strlen(end);

	return length >= end_length &&
	       !strcmp(text + length - end_length, end);
}

/* The name of what may not be in the runtime directory, or NULL; free it. */
static char *runtime_left(const struct run *run)
{
	bool sockets = run->test->flags & ZT_LEAVES_SOCKETS;
	DIR *dir = opendir(run->runtime);
	struct dirent *entry;
	char *left = NULL;

	while (dir && !left && (entry = readdir(dir))) {
		const char *name = entry->d_name;

		if (strcmp(name, ".") && strcmp(name, "..") &&
		    !ends_in(name, ".lock") &&
		    !(sockets && ends_in(name, ".sock")))
			left = strdup(name);
	}
	if (dir)
		closedir(dir);
	return left;
}

/* One child of this process, or 0. */
static pid_t any_child(void)
{
	DIR *dir = opendir("/proc");
	struct dirent *entry;
	pid_t found = 0;

	while (dir && !found && (entry = readdir(dir))) {
		char path[300], line[512];
		const char *after;
		int parent;
		FILE *file;

		if (!isdigit((unsigned char)entry->d_name[0]))
			continue;
		snprintf(path, sizeof(path), "/proc/%s/stat", entry->d_name);
		file = fopen(path, "re");
		if (!file)
			continue;
		/* pid (name) state parent; the name may hold anything */
		if (fgets(line, sizeof(line), file) &&
		    (after = strrchr(line, ')')) &&
		    sscanf(after, ") %*c %d", &parent) == 1 &&
		    parent == getpid())
			found = atoi(entry->d_name);
		fclose(file);
	}
	if (dir)
		closedir(dir);
	return found;
}

/* Kill what is left of a test's processes; they are our children by now. */
static void kill_stragglers(void)
{
	siginfo_t info;
	pid_t pid;

	while (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
	       (pid = any_child()) > 0) {
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
	}
}

/* Wait for the test's end, or end it. False: it took too long. */
static bool wait_for_child(const struct run *run, int *ret_status)
{
	unsigned int limit = run->test->timeout_s ? run->test->timeout_s : 30;
	int pidfd = pidfd_open(run->pid, 0);
	bool in_time = harness_wait_readable(pidfd, (int)limit * 1000);

	close(pidfd);
	if (!in_time)
		kill(-run->pid, SIGKILL);
	waitpid(run->pid, ret_status, 0);
	kill_stragglers();
	return in_time;
}

/* Show what the test printed, as comments. */
static void show_output(int fd)
{
	FILE *file = fdopen(dup(fd), "r");
	char line[1024];
	bool inside = false;

	rewind(file);
	while (fgets(line, sizeof(line), file)) {
		printf("%s%s", inside ? "" : "#   ", line);
		inside = !strchr(line, '\n');
	}
	if (inside)
		printf("\n");
	fclose(file);
}

static char *text(const char *format, ...)
	__attribute__((format(printf, 1, 2)));

static char *text(const char *format, ...)
{
	va_list arguments;
	char *made;

	va_start(arguments, format);
	if (vasprintf(&made, format, arguments) < 0)
		abort();
	va_end(arguments);
	return made;
}

/* Why the test's process failed, or NULL; the text is the caller's to free. */
static char *find_fault(bool in_time, int status)
{
	if (!in_time)
		return text("took longer than its time limit");
	if (WIFSIGNALED(status))
		return text("was killed by signal %d (%s)", WTERMSIG(status),
			    strsignal(WTERMSIG(status)));
	if (WEXITSTATUS(status) == INSIDE_FAILED)
		return text("failed");
	if (WEXITSTATUS(status) != INSIDE_PASSED &&
	    WEXITSTATUS(status) != INSIDE_SKIPPED)
		return text("exited with status %d", WEXITSTATUS(status));
	return NULL;
}

/* What the test left outside its process, or NULL; to be freed. */
static char *find_left(const struct run *run, const struct lines *objects)
{
	char *left = objects_left(objects), *fault = NULL;

	if (left) {
		fault = text("left behind: %s", left);
	} else {
		left = runtime_left(run);
		if (left)
			fault = text("left behind in its runtime directory: %s",
				     left);
	}
	free(left);
	return fault;
}

static bool judge(const struct run *run, size_t number, bool verbose,
		  const char *fault, int status)
{
	bool skipped = !fault && WEXITSTATUS(status) == INSIDE_SKIPPED;

	printf("%s %zu - %s%s\n", fault ? "not ok" : "ok", number,
	       run->test->name, skipped ? " # SKIP" : "");
	if (fault)
		printf("# %s: %s\n", run->test->name, fault);
	if (fault || skipped || verbose)
		show_output(run->output);
	fflush(stdout);
	return !fault;
}

static bool run_one(const struct zt_test *test, size_t number, bool verbose)
{
	struct run run = { .test = test };
	struct lines objects = objects_take();
	int status = 0;
	bool in_time, good;
	char *fault;

	run.output = memfd_create("output", MFD_CLOEXEC);
	if (run.output < 0 || !make_directories(&run)) {
		printf("Bail out! cannot prepare %s: %m\n", test->name);
		exit(1);
	}
	run.pid = fork();
	if (run.pid == 0)
		run_child(&run);
	if (run.pid < 0) {
		printf("Bail out! fork: %m\n");
		exit(1);
	}
	setpgid(run.pid, run.pid);
	in_time = wait_for_child(&run, &status);
	fault = find_fault(in_time, status);
	if (!fault)
		fault = find_left(&run, &objects);
	good = judge(&run, number, verbose, fault, status);
	free(fault);
	lines_free(&objects);
	close(run.output);
	nftw(run.base, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
	return good;
}

static bool is_wanted(const struct zt_test *test, char **patterns)
{
	if (!*patterns)
		return true;
	for (; *patterns; patterns++)
		if (!fnmatch(*patterns, test->name, 0))
			return true;
	return false;
}

int harness_main(int argc, char **argv, const struct zt_test *tests,
		 size_t count)
{
	bool list = false, verbose = false;
	size_t wanted = 0, failed = 0, number = 0;
	int option;

	while ((option = getopt(argc, argv, "lv")) != -1) {
		if (option == '?') {
			fprintf(stderr, "usage: %s [-l] [-v] [PATTERN...]\n",
				argv[0]);
			return 2;
		}
		list |= option == 'l';
		verbose |= option == 'v';
	}
	argv += optind;
	for (size_t i = 0; i < count; i++)
		wanted += is_wanted(&tests[i], argv);

	prctl(PR_SET_CHILD_SUBREAPER, 1);
	if (!list)
		printf("1..%zu\n", wanted);
	fflush(stdout);
	for (size_t i = 0; i < count; i++) {
		if (!is_wanted(&tests[i], argv))
			continue;
		if (list)
			printf("%s\n", tests[i].name);
		else if (!run_one(&tests[i], ++number, verbose))
			failed++;
	}
	return failed > 0;
}
