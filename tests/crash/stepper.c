/* SPDX-License-Identifier: MIT */
/* ptrace, on x86-64: see stepper.h. */
#include "stepper.h"

#include <elf.h>
#include <errno.h>
#include <limits.h>
#include <link.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness.h"
#include "part.h"

/* Most words of a stack that are looked through for a return address. */
#define STACK_WORDS 64
/* A breakpoint costs as much as this many single steps. */
#define WORTH_A_BREAKPOINT 3

char stepper_library[PATH_MAX];

static uintptr_t base;			/* of the library */
static uintptr_t text, text_end;	/* its code, without the PLT */
static uintptr_t own, own_end;		/* this program's */

/* ------------------------------------------------------------------------
 * The library's code.
 */

/* The section .text of an ELF file. */
static bool find_text(const char *path, Elf64_Shdr *ret)
{
	FILE *file = fopen(path, "re");
	char name[6] = "";
	Elf64_Shdr names, section;
	bool found = false;
	Elf64_Ehdr header;
	long at;

	if (!file)
		return false;
	if (fread(&header, sizeof(header), 1, file) != 1)
		goto out;
	at = (long)header.e_shoff + header.e_shstrndx * (long)sizeof(names);
	if (fseek(file, at, SEEK_SET) < 0 ||
	    fread(&names, sizeof(names), 1, file) != 1)
		goto out;
	for (long i = 0; i < header.e_shnum && !found; i++) {
		at = (long)header.e_shoff + i * (long)sizeof(section);
		if (fseek(file, at, SEEK_SET) < 0 ||
		    fread(&section, sizeof(section), 1, file) != 1 ||
		    fseek(file, (long)names.sh_offset + section.sh_name,
			  SEEK_SET) < 0 ||
		    fread(name, sizeof(name), 1, file) != 1)
			break;
		found = memcmp(name, ".text", sizeof(name)) == 0;
	}
	*ret = section;
out:
	fclose(file);
	return found;
}

static int find_object(struct dl_phdr_info *info, size_t size, void *userdata)
{
	int *count = userdata;
	Elf64_Shdr section;

	(void)size;
	if (!(*count)++) {
		for (int i = 0; i < info->dlpi_phnum; i++) {
			const Elf64_Phdr *part = &info->dlpi_phdr[i];

			if (part->p_type != PT_LOAD ||
			    !(part->p_flags & PF_X))
				continue;
			own = info->dlpi_addr + part->p_vaddr;
			own_end = own + part->p_memsz;
		}
	} else if (strstr(info->dlpi_name, "/libzoetrope.so") &&
		   find_text(info->dlpi_name, &section)) {
		snprintf(stepper_library, sizeof(stepper_library), "%s",
			 info->dlpi_name);
		base = info->dlpi_addr;
		text = base + section.sh_addr;
		text_end = text + section.sh_size;
	}
	return 0;
}

static bool in_text(uintptr_t address)
{
	return address >= text && address < text_end;
}

static bool in_own(uintptr_t address)
{
	return address >= own && address < own_end;
}

/* ------------------------------------------------------------------------
 * A stopped thread.
 */

static uintptr_t get(const struct stepper *s, size_t offset)
{
	return (uintptr_t)ptrace(PTRACE_PEEKUSER, s->tid, offset, NULL);
}

static uintptr_t get_rip(struct stepper *s)
{
	s->rip = get(s, offsetof(struct user, regs.rip));
	return s->rip;
}

static uintptr_t get_word(const struct stepper *s, uintptr_t address)
{
	return (uintptr_t)ptrace(PTRACE_PEEKDATA, s->tid, address, NULL);
}

static void set_debug(const struct stepper *s, int which, uintptr_t value)
{
	ptrace(PTRACE_POKEUSER, s->tid,
	       offsetof(struct user, u_debugreg) +
		       (size_t)which * sizeof(uintptr_t), value);
}

static void set_breakpoint(struct stepper *s, uintptr_t address)
{
	if (s->breakpoint != address) {
		set_debug(s, 0, address);
		if (!s->breakpoint)
			set_debug(s, 7, 1);
	}
	s->breakpoint = address;
}

/* The clock ticks only while somebody waits: its signal ends the wait. */
static void tick(int signal_number)
{
	(void)signal_number;
}

static void set_clock(int ms)
{
	const struct timeval period = { ms / 1000, ms % 1000 * 1000 };
	const struct itimerval timer = { period, period };

	setitimer(ITIMER_REAL, &timer, NULL);
}

/*
 * Wait for it to stop at a trap. Other stops are gone past; signals are
 * delivered, so those of a fault kill it.
 */
static enum stepped wait_trap(struct stepper *s)
{
	for (;;) {
		int stop = 0;

		if (waitpid(s->tid, &s->status, __WALL) < 0) {
			if (errno != EINTR)
				return STEPPED_DIED;
			if (!s->when_idle)
				return STEPPED_IDLE;
			s->when_idle(s->userdata);
			s->when_idle = NULL;
			s->idle_ms = HARNESS_PATIENCE;
			set_clock(s->idle_ms);
			continue;
		}
		if (!WIFSTOPPED(s->status))
			return STEPPED_DIED;
		if (WSTOPSIG(s->status) == SIGTRAP && !(s->status >> 16))
			return STEPPED_ON;
		if (!(s->status >> 16))
			stop = WSTOPSIG(s->status);
		ptrace(PTRACE_CONT, s->tid, NULL, stop);
	}
}

/* Let it run to the breakpoint or a mark. */
static enum stepped go_on(struct stepper *s)
{
	enum stepped stepped;

	set_clock(s->idle_ms);
	ptrace(PTRACE_CONT, s->tid, NULL, NULL);
	stepped = wait_trap(s);
	set_clock(0);
	s->by_breakpoint = true;
	return stepped;
}

static enum stepped step(struct stepper *s)
{
	/* Or the step would end where it begins. */
	if (s->breakpoint && s->rip == s->breakpoint && !s->by_breakpoint) {
		set_debug(s, 7, 0);
		s->breakpoint = 0;
	}
	ptrace(PTRACE_SINGLESTEP, s->tid, NULL, NULL);
	s->by_breakpoint = false;
	return wait_trap(s);
}

/*
 * From wherever it stands to the library: through this program's own code
 * step by step, and at the beginning of anybody else's to where that returns.
 */
static enum stepped reach_text(struct stepper *s)
{
	enum stepped stepped = STEPPED_ON;

	while (stepped == STEPPED_ON) {
		uintptr_t rip = get_rip(s);

		if (in_text(rip))
			return STEPPED_ON;
		if (rip == (uintptr_t)part_trapped)
			return STEPPED_ENDED;
		if (in_own(rip)) {
			stepped = step(s);
			continue;
		}
		set_breakpoint(s, get_word(s, get(s, offsetof(struct user,
							      regs.rsp))));
		stepped = go_on(s);
	}
	return stepped;
}

static enum stepped step_one(struct stepper *s)
{
	enum stepped stepped = step(s);

	return stepped == STEPPED_ON ? reach_text(s) : stepped;
}

/* ------------------------------------------------------------------------
 * Calls.
 */

enum stepped stepper_begin(struct stepper *s)
{
	enum stepped stepped;

	set_clock(HARNESS_PATIENCE);
	stepped = wait_trap(s);
	set_clock(0);
	if (stepped == STEPPED_ON)
		stepped = step(s);
	return stepped == STEPPED_ON ? reach_text(s) : stepped;
}

/* The innermost return address into the library. */
static uintptr_t find_return(const struct stepper *s)
{
	uintptr_t rsp = get(s, offsetof(struct user, regs.rsp));

	for (int i = 0; i < STACK_WORDS; i++) {
		uintptr_t word = get_word(s, rsp + (uintptr_t)i * 8);

		if (in_text(word))
			return word;
	}
	return 0;
}

bool stepper_stop(struct stepper *s)
{
	return ptrace(PTRACE_INTERRUPT, s->tid, NULL, NULL) == 0 &&
	       waitpid(s->tid, &s->status, __WALL) > 0 &&
	       WIFSTOPPED(s->status);
}

/* Interrupt it while it sleeps in epoll_wait. */
static bool interrupt_sleep(struct stepper *s)
{
	int64_t limit = harness_limit_ns(HARNESS_PATIENCE);

	do {
		uintptr_t call;

		if (!stepper_stop(s))
			return false;
		call = get(s, offsetof(struct user, regs.orig_rax));
		if (call == SYS_epoll_wait || call == SYS_epoll_pwait)
			return true;
		ptrace(PTRACE_CONT, s->tid, NULL, NULL);
	} while (harness_nap_until(limit));
	return false;
}

bool stepper_catch(struct stepper *s)
{
	uintptr_t address;

	if (!interrupt_sleep(s))
		return false;
	address = find_return(s);
	if (!address)
		return false;
	/* The interruption awakes it, once; after that an event will. */
	set_breakpoint(s, address);
	if (go_on(s) != STEPPED_ON || get_rip(s) != address)
		return false;
	s->caught_at = address;
	ptrace(PTRACE_CONT, s->tid, NULL, NULL);
	return true;
}

enum stepped stepper_awake(struct stepper *s)
{
	enum stepped stepped;

	set_clock(HARNESS_PATIENCE);
	stepped = wait_trap(s);
	set_clock(0);
	s->by_breakpoint = true;
	return stepped;
}

/* Did the instruction at this address order memory? By its prefix alone. */
static bool is_locked(const struct stepper *s, uintptr_t address)
{
	uint8_t byte[2];
	uintptr_t word = get_word(s, address);

	memcpy(byte, &word, sizeof(byte));
	return byte[0] == 0xf0 || byte[0] == 0x87 ||
	       (byte[0] >> 4 == 4 && byte[1] == 0x87);
}

static void note(struct trace *trace, uintptr_t address, bool landing)
{
	if (trace->count == trace->room) {
		trace->room = trace->room ? 2 * trace->room : 4096;
		trace->offsets = realloc(trace->offsets, trace->room *
					 sizeof(*trace->offsets));
		trace->landing = realloc(trace->landing, trace->room *
					 sizeof(*trace->landing));
	}
	trace->offsets[trace->count] = (uint32_t)(address - text);
	trace->landing[trace->count++] = landing;
}

/* For each position, the last earlier one at the same address. */
static void index_visits(struct trace *trace)
{
	int32_t *last = malloc((text_end - text) * sizeof(*last));

	trace->before = malloc((trace->count + 1) * sizeof(*trace->before));
	memset(last, 0xff, (text_end - text) * sizeof(*last));
	for (size_t i = 0; i < trace->count; i++) {
		trace->before[i] = last[trace->offsets[i]];
		last[trace->offsets[i]] = (int32_t)i;
	}
	free(last);
}

enum stepped stepper_record(struct stepper *s, struct trace *trace)
{
	enum stepped stepped = STEPPED_ON;
	bool landing = true;

	while (stepped == STEPPED_ON) {
		uintptr_t rip = get_rip(s);

		note(trace, rip, landing);
		landing = is_locked(s, rip);
		stepped = step_one(s);
		landing |= s->by_breakpoint;
		if (stepped == STEPPED_ON && s->rip == s->caught_at &&
		    s->turns && !--s->turns)
			stepped = STEPPED_ENDED;
	}
	index_visits(trace);
	return stepped;
}

/*
 * The farthest position up to n whose address is not visited between p and it,
 * nor is the one at p.
 */
static size_t farthest(const struct trace *trace, size_t p, size_t n)
{
	for (size_t m = n; m > p + WORTH_A_BREAKPOINT; m--)
		if (trace->before[m] < (int32_t)p)
			return m;
	return p;
}

enum stepped stepper_run(struct stepper *s, const struct trace *trace,
			 size_t n)
{
	enum stepped stepped = STEPPED_ON;
	size_t p = 0;

	while (p < n && stepped == STEPPED_ON) {
		size_t to = n < trace->count ? farthest(trace, p, n) : p;

		if (to == p) {
			stepped = step_one(s);
			p++;
			continue;
		}
		set_breakpoint(s, text + trace->offsets[to]);
		stepped = go_on(s);
		if (stepped == STEPPED_ON &&
		    get_rip(s) == (uintptr_t)part_trapped)
			stepped = STEPPED_ENDED;
		p = to;
	}
	s->astray = n < trace->count &&
		    get_rip(s) != text + trace->offsets[n];
	return stepped;
}

enum stepped stepper_let_go(struct stepper *s, bool in_call)
{
	enum stepped stepped = STEPPED_ON;

	set_debug(s, 7, 0);
	s->breakpoint = 0;
	if (in_call && get_rip(s) != (uintptr_t)part_trapped)
		stepped = go_on(s);
	if (stepped == STEPPED_ON)
		ptrace(PTRACE_DETACH, s->tid, NULL, NULL);
	return stepped;
}

uintptr_t trace_address(const struct trace *trace, size_t n)
{
	return n < trace->count ? text + trace->offsets[n] - base : 0;
}

void trace_free(struct trace *trace)
{
	free(trace->offsets);
	free(trace->before);
	free(trace->landing);
	*trace = (struct trace){ 0 };
}

/* ------------------------------------------------------------------------
 * Whether it can be done.
 */

bool stepper_seize(struct stepper *s, pid_t tid)
{
	s->tid = tid;
	return ptrace(PTRACE_SEIZE, tid, NULL, PTRACE_O_EXITKILL) == 0;
}

/* The clock's signal must end a wait, so it may not restart one. */
static void watch_clock(void)
{
	struct sigaction action = { .sa_handler = tick };

	sigaction(SIGALRM, &action, NULL);
}

/* Try it on a child: take hold, set a breakpoint, reach it. */
static const char *try_out(void)
{
	struct stepper s = { .idle_ms = 2000 };
	const char *reason = NULL;
	pid_t pid = fork();

	if (pid == 0) {
		raise(SIGSTOP);
		part_trap();
		_exit(0);
	}
	waitpid(pid, NULL, WSTOPPED);
	if (!stepper_seize(&s, pid)) {
		reason = errno == EPERM ?
			"ptrace is forbidden here (a container without SYS_PTRACE, or kernel.yama.ptrace_scope 3)" :
			"ptrace does not work here";
	} else {
		waitpid(pid, NULL, __WALL);
		set_breakpoint(&s, (uintptr_t)part_trap);
		kill(pid, SIGCONT);
		if (go_on(&s) != STEPPED_ON ||
		    get_rip(&s) != (uintptr_t)part_trap)
			reason = "hardware breakpoints do not work here";
	}
	kill(pid, SIGKILL);
	waitpid(pid, NULL, __WALL);
	return reason;
}

bool stepper_prepare(const char **ret_reason)
{
	int count = 0;

	watch_clock();
	dl_iterate_phdr(find_object, &count);
	*ret_reason = text ? try_out() :
			     "this program is not linked with libzoetrope.so";
	return !*ret_reason;
}
