/* SPDX-License-Identifier: MIT */
/* See attempt.h. */
#include "attempt.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "harness.h"

/* So long is a call silent before it counts as waiting for something. */
#define WAITS_MS 3
/* And so long is a service thread before it counts as through: less than the
   time from one look at what monitors see to the next. */
#define THROUGH_MS 100

static bool is_publisher(const struct scenario *scenario)
{
	return scenario->role <= ROLE_SERVICE;
}

static struct crowd *victim_of(struct world *world,
			       const struct scenario *scenario)
{
	return is_publisher(scenario) ? &world->publisher : &world->third;
}

/* What the publisher is to be like, and reader 3. */
static void set_up(struct world *world, const struct scenario *scenario)
{
	int64_t slots = scenario->flags & SCENARIO_TIGHT ? 0 :
							   WORLD_SLOTS_SPARE;
	uint64_t evict = scenario->flags & SCENARIO_EVICTS ? 1 : ZT_NEVER;

	if (slots != world->slots || evict != world->evict_after_ns)
		world->slots_owned = 0;
	world->slots = slots;
	world->evict_after_ns = evict;
	world->bare = scenario->flags & SCENARIO_BARE;
	world->delivery = scenario->delivery;
	world->bound = scenario->bound;
	world->ending = scenario->flags & SCENARIO_ENDS;
	world->exhausted = (struct result){ 0 };
	world->fault[0] = '\0';
}

/* What the survivors hold when nobody has died yet. */
static bool measure(struct world *world, const struct scenario *scenario)
{
	bool lives = !is_publisher(scenario) ||
		     (scenario->flags & SCENARIO_RESUMES);

	return !lives || world->publisher.descriptors ||
	       (world_round(world) && world_holdings(world));
}

static bool make_ready(struct world *world, const struct scenario *scenario)
{
	set_up(world, scenario);
	if (!world_readers(world))
		return false;
	if (!is_publisher(scenario))
		world_third(world);
	if (scenario->flags & SCENARIO_CREATES) {
		world->publisher = (struct crowd){ .actor = actor_spawn() };
		return true;
	}
	if (!world_publisher(world) || !measure(world, scenario))
		return false;
	world->grown |= scenario->flags & SCENARIO_GROWS;
	return world_run(world, scenario->before) && world_relics(world);
}

static pid_t service_thread(pid_t pid)
{
	struct dirent *entry;
	char path[64];
	pid_t tid = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	dir = opendir(path);
	while (dir && (entry = readdir(dir)))
		if (isdigit((unsigned char)entry->d_name[0]) &&
		    atoi(entry->d_name) != pid)
			tid = atoi(entry->d_name);
	if (dir)
		closedir(dir);
	return tid;
}

struct errand {
	struct world *world;
	const struct scenario *scenario;
};

static void run_meanwhile(void *userdata)
{
	struct errand *errand = userdata;

	world_run(errand->world, errand->scenario->meanwhile);
}

/* Bring the victim's thread to position 0 of the call. */
static enum stepped begin(struct world *world, const struct scenario *scenario,
			  struct stepper *stepper)
{
	struct crowd *victim = victim_of(world, scenario);
	struct order order = scenario->order;
	pid_t tid = victim->actor.pid;

	if (scenario->role == ROLE_SERVICE)
		tid = service_thread(tid);
	if (!stepper_seize(stepper, tid))
		return STEPPED_DIED;
	if (scenario->role == ROLE_SERVICE) {
		if (!stepper_catch(stepper) ||
		    !world_run(world, scenario->meanwhile))
			return STEPPED_DIED;
		return stepper_awake(stepper);
	}
	order.stepped = 1;
	actor_order(&victim->actor, &order);
	victim->pending = '.';
	return stepper_begin(stepper);
}

/* Kill it where it stands, and reap it, every thread of it. */
static void kill_victim(struct world *world, const struct scenario *scenario,
			pid_t tid)
{
	struct crowd *victim = victim_of(world, scenario);

	kill(victim->actor.pid, SIGKILL);
	while (tid != victim->actor.pid && waitpid(tid, NULL, __WALL) < 0 &&
	       errno == EINTR)
		continue;
	if (is_publisher(scenario) && !(scenario->flags & SCENARIO_CREATES))
		world_bury(world, scenario->flags & SCENARIO_PUBLISHES);
	actor_end(&victim->actor);
	victim->pending = 0;
}

/*
 * Let it go on from where it stands, to the end of its call; what that
 * returned is one of what it may return.
 */
static void resume(struct world *world, const struct scenario *scenario,
		   struct stepper *stepper)
{
	struct crowd *victim = victim_of(world, scenario);
	bool in_call = scenario->role != ROLE_SERVICE;
	struct answer answer = { 0 };

	if (stepper_let_go(stepper, in_call) != STEPPED_ON) {
		world_fault(world, "it did not go on: status 0x%x",
			    (unsigned int)stepper->status);
		return;
	}
	victim->pending = 0;
	if (in_call && world_answer(world, victim, '.', &answer) &&
	    answer.r < 0 && answer.r != -EAGAIN)
		world_fault(world, "the call returned %d (%s): %s", answer.r,
			    strerror(-answer.r), answer.reason);
	if (world->publishing)
		world_published(world);
	if (scenario->order.verb == ACTOR_TAKE && answer.r == 0)
		world->models[WORLD_READERS].last = answer.results[0].sequence;
}

/* At its instruction: others act, it dies or goes on. */
static void decide(struct world *world, const struct scenario *scenario,
		   struct stepper *stepper, enum stepped stepped)
{
	world->publishing = scenario->flags & SCENARIO_PUBLISHES;
	if (scenario->between && !world->fault[0])
		world_run(world, scenario->between);
	if (!(scenario->flags & SCENARIO_RESUMES) || world->fault[0])
		kill_victim(world, scenario, stepper->tid);
	else if (stepped != STEPPED_IDLE || stepper_stop(stepper))
		resume(world, scenario, stepper);
	world->publishing = false;
}

/* Returns whether it came elsewhere than it was to. */
static bool go(struct world *world, const struct scenario *scenario,
	       struct trace *trace, size_t n)
{
	struct errand errand = { world, scenario };
	struct stepper stepper = { .idle_ms = HARNESS_PATIENCE };
	enum stepped stepped = begin(world, scenario, &stepper);

	if (stepped == STEPPED_ON) {
		if (scenario->role == ROLE_SERVICE) {
			stepper.idle_ms = THROUGH_MS;
			stepper.turns = scenario->turns;
		} else if (scenario->meanwhile) {
			stepper.idle_ms = WAITS_MS;
			stepper.when_idle = run_meanwhile;
			stepper.userdata = &errand;
		}
		stepped = trace->count ? stepper_run(&stepper, trace, n) :
					 stepper_record(&stepper, trace);
	}
	if (stepped == STEPPED_DIED)
		world_fault(world,
			    "the victim died by itself, or cannot be stepped: status 0x%x",
			    (unsigned int)stepper.status);
	if (stepped == STEPPED_IDLE && scenario->role != ROLE_SERVICE)
		world_fault(world, "the call does not return");
	decide(world, scenario, &stepper, stepped);
	return stepped != STEPPED_ON || stepper.astray;
}

/* The third process outlives the publisher: its frames are intact. */
static bool dismiss_third(struct world *world)
{
	struct order relics = { .verb = ACTOR_RELICS, .a = INT64_MAX };
	struct answer answer;

	world->models[WORLD_READERS].joined = false;
	if (!world->third.actor.pid)
		return true;
	if (!world_ask(world, &world->third, &relics, &answer))
		return false;
	actor_end(&world->third.actor);
	return true;
}

/* The next publisher begins, and is the next victim. */
static bool check_publisher(struct world *world,
			    const struct scenario *scenario)
{
	if (!world_collect(world, false) || !world_run(world, "Z"))
		return false;
	if (!(scenario->flags & SCENARIO_CREATES))
		return dismiss_third(world) && world_publisher(world);
	world->stillborn++;
	return world_publisher(world) && world_round(world) &&
	       world_relics(world);
}

/* All live: each gets what it is owed, then the third process is gone. */
static bool check_all(struct world *world, const struct scenario *scenario)
{
	return world_collect(world, true) &&
	       world_run(world, scenario->after) && world_account(world) &&
	       world_run(world, "Q K Z") &&
	       world_survey(world, false) && world_round(world) &&
	       world_holdings(world);
}

static bool check_others(struct world *world, const struct scenario *scenario)
{
	world->models[WORLD_READERS].joined = false;
	if (scenario->flags & SCENARIO_ENDS)
		world_bury(world, false);
	if (!world_publisher(world))
		return false;
	return world_collect(world, true) &&
	       world_run(world, scenario->after ? scenario->after : "") &&
	       world_run(world, "Z") &&
	       world_survey(world, false) && world_round(world) &&
	       world_holdings(world);
}

static bool check(struct world *world, const struct scenario *scenario)
{
	if (scenario->flags & SCENARIO_RESUMES)
		return check_all(world, scenario);
	return is_publisher(scenario) ? check_publisher(world, scenario) :
					check_others(world, scenario);
}

/* After a violation nothing can be relied on: begin from nothing. */
static enum attempt give_up(struct world *world)
{
	char fault[sizeof(world->fault)];

	memcpy(fault, world->fault, sizeof(fault));
	world_end(world);
	memcpy(world->fault, fault, sizeof(fault));
	return ATTEMPT_VIOLATION;
}

bool attempt_finish(struct world *world)
{
	world->fault[0] = '\0';
	actor_end(&world->third.actor);
	world_bury(world, false);
	world->bare = false;
	if (!world_publisher(world) || !world_round(world) ||
	    !world_relics(world)) {
		give_up(world);
		return false;
	}
	world_bury(world, false);
	return true;
}

enum attempt attempt_kill(struct world *world, const struct scenario *scenario,
			  struct trace *trace, size_t n)
{
	bool astray;

	if (!make_ready(world, scenario))
		return give_up(world);
	astray = go(world, scenario, trace, n);
	if (world->fault[0] || !check(world, scenario) ||
	    !world_directory(world))
		return give_up(world);
	if (scenario->flags & (SCENARIO_FRESH | SCENARIO_CREATES))
		world_bury(world, false);
	return astray ? ATTEMPT_ASTRAY : ATTEMPT_KILLED;
}
