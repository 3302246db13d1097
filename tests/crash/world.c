/* SPDX-License-Identifier: MIT */
/* Scripts, and the processes that they are about: see world.h. */
#include "world.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

#include "harness.h"

#define LOANS 1
#define WHILE_MS 4

static const struct {
	enum zt_delivery delivery;
	uint32_t bound;
	const char *name;
} kinds[ACTOR_READERS] = {
	{ ZT_LOSSLESS, 2, "the lossless reader" },
	{ ZT_QUEUE, 2, "the queueing reader" },
	{ ZT_LATEST, 1, "the latest reader" },
	{ 0, 0, "reader 3" },
};

bool world_fault(struct world *world, const char *format, ...)
{
	va_list args;

	if (world->fault[0])
		return false;
	va_start(args, format);
	vsnprintf(world->fault, sizeof(world->fault), format, args);
	va_end(args);
	return false;
}

static const char *name_of(const struct world *world,
			   const struct crowd *crowd)
{
	if (crowd == &world->publisher)
		return "the publisher";
	return crowd == &world->readers ? "the readers" : "the third process";
}

bool world_answer(struct world *world, struct crowd *crowd, char letter,
		  struct answer *ret)
{
	if (!actor_answer(&crowd->actor, HARNESS_PATIENCE, ret))
		return world_fault(world, "%s: no answer (at '%c')",
				   name_of(world, crowd), letter);
	if (ret->fault[0])
		return world_fault(world, "%s: %s (at '%c')",
				   name_of(world, crowd), ret->fault, letter);
	return true;
}

bool world_ask(struct world *world, struct crowd *crowd,
	       const struct order *order, struct answer *ret)
{
	actor_order(&crowd->actor, order);
	return world_answer(world, crowd, '?', ret);
}

/* ------------------------------------------------------------------------
 * What the letters mean.
 */

static struct crowd *crowd_of(struct world *world, char letter)
{
	if (strchr("pluLGxD", letter))
		return &world->publisher;
	if (strchr("3dVWRMN", letter))
		return &world->third;
	return &world->readers;
}

static struct order loan_order(const struct world *world, int64_t timeout_ns,
			       bool publish)
{
	return (struct order){ .verb = ACTOR_LOAN, .a = world->height,
			       .b = timeout_ns, .c = publish };
}

static struct order open_order(const struct world *world, int64_t bound)
{
	return (struct order){ .verb = ACTOR_OPEN, .a = WORLD_READERS,
			       .b = world->delivery, .c = bound };
}

static struct order order_of(struct world *world, char letter)
{
	switch (letter) {
	case 'p':
		return loan_order(world, 0, true);
	case 'l':
	case 'x':
		return loan_order(world, 0, false);
	case 'L':
		return loan_order(world, ZT_FOREVER, false);
	case 'G':
		world->height *= 16;
		world->grown = true;
		return loan_order(world, ZT_FOREVER, false);
	case 'u':
		return (struct order){ .verb = ACTOR_PUBLISH };
	case 'V':
		return open_order(world, world->bound);
	case 'R':
		return open_order(world, 64);
	case 'W':
		return (struct order){ .verb = ACTOR_CLOSE,
				       .a = WORLD_READERS };
	case 'D':
		return (struct order){ .verb = ACTOR_DESTROY };
	case 'S':
		return (struct order){ .verb = ACTOR_SURVEY };
	case 'M':
		return (struct order){ .verb = ACTOR_WATCH };
	case 'N':
		return (struct order){ .verb = ACTOR_UNWATCH };
	case 'A':
		return (struct order){ .verb = ACTOR_ATTEND, .a = 1 };
	case 'B':
		return (struct order){ .verb = ACTOR_ATTEND, .a = 7 };
	default:
		return (struct order){ .verb = ACTOR_ATTEND };
	}
}

void world_published(struct world *world)
{
	world->published++;
	for (int i = 0; i < ACTOR_READERS; i++)
		model_publish(&world->models[i], world->published);
}

/* Look at what became of a letter, and bring the model up to it. */
static bool conclude(struct world *world, char letter,
		     const struct answer *answer)
{
	struct model *third = &world->models[WORLD_READERS];
	int expected = 0;

	switch (letter) {
	case 'x':
		expected = -EAGAIN;
		break;
	case 'p':
	case 'u':
		world_published(world);
		break;
	case 'V':
		model_join(third, world->delivery, world->bound, LOANS,
			   world->published);
		break;
	case 'W':
		third->joined = false;
		break;
	}
	if (letter == 'S' || (letter == 'R' && answer->r < 0))
		return true;
	if (answer->r != expected)
		return world_fault(world, "'%c' returned %d (%s): %s", letter,
				   answer->r, strerror(-answer->r),
				   answer->reason);
	return true;
}

/* One letter that is a call. */
static bool perform(struct world *world, char letter, bool wait)
{
	struct crowd *crowd = crowd_of(world, letter);
	struct order order = order_of(world, letter);
	struct answer answer;

	if (crowd == &world->third)
		world_third(world);
	actor_order(&crowd->actor, &order);
	if (!wait) {
		crowd->pending = letter;
		return true;
	}
	return world_answer(world, crowd, letter, &answer) &&
	       conclude(world, letter, &answer);
}

bool world_collect(struct world *world, bool publisher_lives)
{
	struct crowd *crowds[] = { &world->publisher, &world->readers,
				   &world->third };

	for (int i = 0; i < 3; i++) {
		char letter = crowds[i]->pending;
		struct answer answer;

		if (!letter || !crowds[i]->actor.pid)
			continue;
		crowds[i]->pending = 0;
		if (!world_answer(world, crowds[i], letter, &answer))
			return false;
		if (publisher_lives && !conclude(world, letter, &answer))
			return false;
	}
	return true;
}

/* ------------------------------------------------------------------------
 * Taking and releasing, by the model.
 */

static bool check_step(struct world *world, char letter,
		       const struct result *result)
{
	bool takes = letter <= '9';
	int reader = letter - (takes ? '0' : 'a');
	struct model *model = &world->models[reader];
	uint64_t last = model->last, sequence = 0;
	int expected = 0;

	if (takes)
		expected = model_take(model, &sequence);
	else
		model->held--;
	if (result->r != expected)
		return world_fault(world,
			"%s: '%c' returned %d (%s) where it should be %d, frame %ju (newest %ju)",
			kinds[reader].name, letter, (int)result->r,
			strerror((int)-result->r), expected,
			(uintmax_t)sequence, (uintmax_t)world->published);
	if (takes && !expected &&
	    (result->sequence != sequence ||
	     result->dropped != sequence - last - 1))
		return world_fault(world,
			"%s: got frame %ju (%ju dropped) in place of %ju (after %ju)",
			kinds[reader].name, (uintmax_t)result->sequence,
			(uintmax_t)result->dropped, (uintmax_t)sequence,
			(uintmax_t)last);
	return true;
}

/* As many letters as one process can do in a row. Returns how many; 0: no. */
static size_t take_and_release(struct world *world, const char *script)
{
	struct order order = { .verb = ACTOR_SCRIPT_RUN };
	struct crowd *crowd = crowd_of(world, script[0]);
	size_t n = 0, length;
	struct answer answer;

	for (length = 0; script[length] &&
	     strchr("0123abcd ", script[length]) && n < ACTOR_SCRIPT - 1;
	     length++) {
		if (script[length] == ' ')
			continue;
		if (crowd_of(world, script[length]) != crowd)
			break;
		order.script[n++] = script[length];
	}
	if (!world_ask(world, crowd, &order, &answer))
		return 0;
	for (size_t i = 0; i < n; i++)
		if (!check_step(world, order.script[i], &answer.results[i]))
			return 0;
	return length;
}

/* ------------------------------------------------------------------------
 * Scripts.
 */

/* A loan sleeps in ppoll(); an actor without an order, in poll(). */
static bool await_sleep(struct world *world)
{
	int64_t limit = harness_limit_ns(HARNESS_PATIENCE);
	char path[64];
	long call = 0;

	snprintf(path, sizeof(path), "/proc/%d/syscall",
		 (int)world->publisher.actor.pid);
	do {
		FILE *file = fopen(path, "re");

		if (!file || fscanf(file, "%ld", &call) != 1)
			call = 0;
		if (file)
			fclose(file);
		if (call == SYS_ppoll)
			return true;
	} while (harness_nap_until(limit));
	return world_fault(world, "the publisher does not wait in its loan");
}

static bool next_publisher(struct world *world)
{
	world->models[WORLD_READERS].joined = false;
	world_bury(world, false);
	return world_publisher(world);
}

static bool run_letter(struct world *world, char letter, bool wait)
{
	switch (letter) {
	case ' ':
		return true;
	case 'x':
		/* With hardly any patience it would evict, not refuse. */
		return world->evict_after_ns != ZT_NEVER ||
		       perform(world, 'x', true);
	case 'E':
		world->models[WORLD_READERS].joined = false;
		return true;
	case 'w':
		return await_sleep(world);
	case 'i':
		harness_wait_readable(world->third.actor.fd, WHILE_MS);
		return true;
	case 'q':
	case 'Q':
	case 'e':
		return world_exhaust(world, letter);
	case 'K':
		world->models[WORLD_READERS].joined = false;
		actor_end(&world->third.actor);
		return true;
	case 'X':
		world->models[WORLD_READERS].joined = false;
		world_bury(world, false);
		return true;
	case 'f':
		return next_publisher(world);
	case 'A':
	case 'B':
	case 'Z':
		if (world->attending == letter)
			return true;
		world->attending = letter;
		return perform(world, letter, wait);
	default:
		return perform(world, letter, wait);
	}
}

bool world_run(struct world *world, const char *script)
{
	while (*script) {
		bool wait = *script != '&';

		script += !wait;
		if (strchr("0123abcd", *script)) {
			size_t n = take_and_release(world, script);

			if (!n)
				return false;
			script += n;
			continue;
		}
		if (!run_letter(world, *script++, wait))
			return false;
	}
	return true;
}

/* ------------------------------------------------------------------------
 * Processes.
 */

static bool open_reader(struct world *world, int i)
{
	struct order order = { .verb = ACTOR_OPEN, .a = i,
			       .b = kinds[i].delivery, .c = kinds[i].bound,
			       .d = ZT_SUBSCRIBER_WAIT };
	struct answer answer;

	if (!world_ask(world, &world->readers, &order, &answer))
		return false;
	return answer.r == 0 ||
	       world_fault(world, "%s cannot be opened: %s", kinds[i].name,
			   answer.reason);
}

bool world_readers(struct world *world)
{
	if (world->readers.actor.pid)
		return true;
	world->readers = (struct crowd){ .actor = actor_spawn() };
	world->attending = 'Z';
	for (int i = 0; i < WORLD_READERS; i++)
		if (!open_reader(world, i))
			return false;
	return true;
}

void world_third(struct world *world)
{
	if (!world->third.actor.pid)
		world->third = (struct crowd){ .actor = actor_spawn() };
}

static bool join_readers(struct world *world)
{
	struct order order = { .verb = ACTOR_AWAIT, .a = WORLD_READERS };
	struct answer answer;

	if (!world_run(world, "B") ||
	    !world_ask(world, &world->publisher, &order, &answer) ||
	    !world_run(world, "Z"))
		return false;
	if (answer.r < 0)
		return world_fault(world, "the readers did not join: %s",
				   strerror(-answer.r));
	for (int i = 0; i < WORLD_READERS; i++)
		model_join(&world->models[i], kinds[i].delivery,
			   kinds[i].bound, LOANS, 0);
	return true;
}

/* Publishers that died as they began may have used up an epoch each. */
static bool note_epoch(struct world *world, uint64_t epoch)
{
	if (epoch <= world->epoch ||
	    epoch > world->epoch + 1 + world->stillborn)
		return world_fault(world, "epoch %ju follows epoch %ju",
				   (uintmax_t)epoch, (uintmax_t)world->epoch);
	world->epoch = epoch;
	world->stillborn = 0;
	return true;
}

static bool create(struct world *world)
{
	struct order order = { .verb = ACTOR_CREATE, .a = world->slots,
			       .b = (int64_t)world->evict_after_ns,
			       .c = world->bare ? 0 : WORLD_HEIGHT };
	struct answer answer;

	world->publisher = (struct crowd){ .actor = actor_spawn() };
	world->published = 0;
	world->height = WORLD_HEIGHT;
	world->grown = false;
	if (!world_ask(world, &world->publisher, &order, &answer))
		return false;
	if (answer.r < 0)
		return world_fault(world,
			"the next publisher cannot begin: %s", answer.reason);
	return note_epoch(world, answer.epoch);
}

bool world_publisher(struct world *world)
{
	if (world->publisher.actor.pid)
		return true;
	world->readers.mappings = 0;
	return create(world) && world_readers(world) && world_mourn(world) &&
	       join_readers(world);
}

void world_bury(struct world *world, bool publishing)
{
	if (!world->publisher.actor.pid)
		return;
	actor_end(&world->publisher.actor);
	world->mourned = (struct mourned){ true, publishing, world->epoch,
					   world->published };
}

void world_end(struct world *world)
{
	actor_end(&world->publisher.actor);
	actor_end(&world->readers.actor);
	actor_end(&world->third.actor);
	memset(world->models, 0, sizeof(world->models));
	world->mourned.there = false;
}
