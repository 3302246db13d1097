/* SPDX-License-Identifier: MIT */
/* See cast.h. */
#include "cast.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "actors.h"

/* Nothing that an actor does takes so long; a loan of it is asked after. */
#define HANG_MS 30000
#define NUDGE_MS 1000

static const char *const role_names[] = {
	[PUBLISHER] = "publisher", [READER] = "reader", [WATCHER] = "monitor",
	[AUDITOR] = "auditor",
};

static const char *const doing_names[] = {
	[STARTING] = "its start", [OPENING] = "opening", [TAKING] = "zt_take",
	[RESTING] = "what it does between calls", [CLOSING] = "closing",
	[LOANING] = "zt_loan", [PUBLISHING] = "zt_publish",
	[PAUSING] = "its rest", [LEAVING] = "its end",
};

static struct actor *add(struct cast *cast, enum role role, unsigned int count)
{
	struct actor *first = &cast->actors[cast->count];

	for (unsigned int i = 0; i < count; i++) {
		struct actor *actor = &cast->actors[cast->count++];

		actor->role = role;
		actor->number = i;
		actor->stream = i % ledger->streams;
		actor->row = role == PUBLISHER ? &ledger->stream[i].process :
			     role == READER ? &ledger->reader[i].process :
			     role == WATCHER ? &ledger->watcher[i] :
					       &cast->auditor_rows[i];
	}
	return first;
}

void cast_make(struct cast *cast)
{
	memset(cast, 0, sizeof(*cast));
	cast->publishers = add(cast, PUBLISHER, ledger->streams);
	cast->readers = add(cast, READER, ledger->readers);
	cast->watchers = add(cast, WATCHER, ledger->watchers);
	cast->auditors = add(cast, AUDITOR, ledger->streams);
}

/* ------------------------------------------------------------------------
 * Starting.
 */

static void be_woken(int signal_number)
{
	(void)signal_number;
}

static void prepare_child(pid_t parent)
{
	struct sigaction wake = { .sa_handler = be_woken };
	struct sigaction ignore = { .sa_handler = SIG_IGN };
	sigset_t none;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	sigaction(SIGUSR1, &wake, NULL);
	/* Ctrl-C is the driver's: it has us end. */
	sigaction(SIGINT, &ignore, NULL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static int play(const struct actor *actor)
{
	struct dice dice = {
		dice_hash(ledger->seed, actor->role, actor->number,
			  actor->life),
	};

	switch (actor->role) {
	case PUBLISHER:
		return publisher_run(actor->stream, dice);
	case READER:
		return reader_run(actor->number, dice);
	case WATCHER:
		return watcher_run(actor->number, actor->stream, dice);
	default:
		return auditor_run(actor->stream, actor->audit);
	}
}

static void note_start(struct actor *actor)
{
	struct stream_row *stream = &ledger->stream[actor->stream];

	actor->life++;
	actor->killed = false;
	actor->resumes_ns = actor->complained_ns = 0;
	atomic_store(&actor->row->stopped, 0);
	ledger_doing(actor->row, STARTING);
	switch (actor->role) {
	case PUBLISHER:
		atomic_store(&stream->end, 0);
		atomic_fetch_add(&stream->attempts, 1);
		ledger_count(PUBLISHERS_BEGUN, 1);
		break;
	case READER:
		atomic_store(&ledger->reader[actor->number].stream,
			     actor->stream);
		atomic_store(&ledger->reader[actor->number].audited, 0);
		atomic_store(&ledger->reader[actor->number].lossless, 0);
		ledger_count(READERS_BEGUN, 1);
		break;
	case WATCHER:
		ledger_count(MONITORS, 1);
		break;
	default:
		break;
	}
}

void cast_start(struct actor *actor)
{
	pid_t parent = getpid(), pid;

	note_start(actor);
	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		prepare_child(parent);
		exit(play(actor));
	}
	if (!ledger_check(PROCESSES, pid > 0, "fork: %s", strerror(errno)))
		return;
	actor->pid = pid;
	atomic_store(&actor->row->pid, pid);
}

/* ------------------------------------------------------------------------
 * Signals.
 */

void cast_stop(struct actor *actor, int64_t for_ns)
{
	atomic_store(&actor->row->stopped, 1);
	kill(actor->pid, SIGSTOP);
	actor->resumes_ns = ledger_now_ns() + for_ns;
	ledger_count(STOPS, 1);
}

/* A loan may have waited for it, and does no longer. */
static void note_room(struct actor *actor)
{
	if (actor->role == READER &&
	    atomic_load(&ledger->reader[actor->number].lossless))
		atomic_store(&ledger->stream[actor->stream].room_ns,
			     ledger_now_ns());
}

static void note_resumed(struct actor *actor)
{
	atomic_store(&actor->row->continued_ns, ledger_now_ns());
	note_room(actor);
}

void cast_resume(struct actor *actor)
{
	if (!actor->pid || !actor->resumes_ns)
		return;
	actor->resumes_ns = 0;
	note_resumed(actor);
	atomic_store(&actor->row->stopped, 0);
	kill(actor->pid, SIGCONT);
	note_resumed(actor);
}

static void note_end(struct actor *actor)
{
	struct stream_row *stream = &ledger->stream[actor->stream];
	struct epoch_row *row = ledger_epoch(stream,
					     atomic_load(&stream->epoch));

	if (row && !atomic_load(&row->over_ns))
		atomic_store(&row->over_ns, ledger_now_ns());
}

void cast_kill(struct actor *actor)
{
	if (!actor->pid || actor->killed)
		return;
	actor->killed = true;
	if (actor->role == PUBLISHER)
		note_end(actor);
	kill(actor->pid, SIGKILL);
}

void cast_nudge(struct actor *actor)
{
	if (!actor->pid)
		return;
	atomic_store(&actor->row->nudged_ns, ledger_now_ns());
	kill(actor->pid, SIGUSR1);
}

/* ------------------------------------------------------------------------
 * Ends.
 */

static void check_status(const struct actor *actor, int status)
{
	bool right = WIFEXITED(status) ? WEXITSTATUS(status) == 0 :
		WTERMSIG(status) == SIGKILL && actor->killed;

	ledger_check(PROCESSES, right, "%s %d of %s: %s %d",
		     role_names[actor->role], (int)actor->pid,
		     ledger->stream[actor->stream].name,
		     WIFEXITED(status) ? "exit status" : "killed by signal",
		     WIFEXITED(status) ? WEXITSTATUS(status) :
					 WTERMSIG(status));
}

static void note_death(struct actor *actor)
{
	static const enum count counts[] = {
		[PUBLISHER] = PUBLISHERS_KILLED, [READER] = READERS_KILLED,
		[WATCHER] = MONITORS_KILLED,
	};

	if (actor->killed && actor->role != AUDITOR)
		ledger_count(counts[actor->role], 1);
	/* It may have begun to publish after we noted the end of the one
	   before. */
	if (actor->role == PUBLISHER)
		note_end(actor);
	note_room(actor);
	atomic_store(&actor->row->stopped, 0);
	atomic_store(&actor->row->pid, 0);
	actor->pid = 0;
	actor->resumes_ns = 0;
}

static struct actor *find(struct cast *cast, pid_t pid)
{
	for (unsigned int i = 0; i < cast->count; i++)
		if (cast->actors[i].pid == pid)
			return &cast->actors[i];
	return NULL;
}

void cast_reap(struct cast *cast, struct dice *dice)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		struct actor *actor = find(cast, pid);

		if (!ledger_check(PROCESSES, actor, "a process %d ended that is not ours",
				  (int)pid))
			continue;
		check_status(actor, status);
		note_death(actor);
		actor->returns_ns = ledger_now_ns() +
			(int64_t)dice_below(dice, 200) * 1000000;
	}
}

static void look_after(struct actor *actor, int64_t now)
{
	uint32_t doing = atomic_load(&actor->row->doing);
	int64_t since = atomic_load(&actor->row->since_ns);
	int64_t continued = atomic_load(&actor->row->continued_ns);

	if (actor->resumes_ns && now >= actor->resumes_ns)
		cast_resume(actor);
	if (!actor->pid || actor->resumes_ns || actor->killed)
		return;
	since = since > continued ? since : continued;
	if (doing == LOANING && now - since > ledger_ms(NUDGE_MS) &&
	    now - actor->complained_ns > ledger_ms(NUDGE_MS)) {
		actor->complained_ns = now;
		cast_nudge(actor);
	}
	if (doing == PAUSING || now - since < ledger_ms(HANG_MS))
		return;
	ledger_check(PROCESSES, false, "%s %d of %s hangs in %s for %jd ms",
		     role_names[actor->role], (int)actor->pid,
		     ledger->stream[actor->stream].name, doing_names[doing],
		     (intmax_t)(now - since) / 1000000);
	cast_kill(actor);
}

void cast_look_after(struct cast *cast, int64_t now)
{
	for (unsigned int i = 0; i < cast->count; i++)
		look_after(&cast->actors[i], now);
}

unsigned int cast_living(const struct cast *cast, enum role role)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < cast->count; i++)
		n += cast->actors[i].role == role && cast->actors[i].pid;
	return n;
}
