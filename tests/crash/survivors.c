/* SPDX-License-Identifier: MIT */
/* What survivors must find after a death: see world.h. */
#include "world.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness.h"

/* ------------------------------------------------------------------------
 * The publisher is dead.
 */

static bool is_all(const struct drained *drained, const struct model *model)
{
	uint64_t waiting = model_waiting(model);

	return drained->count == (model->delivery == ZT_LATEST ? !!waiting :
								  waiting) &&
	       (!waiting || (drained->last == model->high &&
			     (model->delivery == ZT_LATEST ||
			      drained->first == model->low)));
}

/* A reader whose stream has ended, not died, is through: it opens again. */
static bool open_again(struct world *world, int i)
{
	struct order close = { .verb = ACTOR_CLOSE, .a = i };
	struct order open = { .verb = ACTOR_OPEN, .a = i,
			      .b = (int64_t)world->models[i].delivery,
			      .c = world->models[i].bound,
			      .d = ZT_SUBSCRIBER_WAIT };
	struct answer answer;

	if (!world_ask(world, &world->readers, &close, &answer) ||
	    !world_ask(world, &world->readers, &open, &answer))
		return false;
	return answer.r == 0 ||
	       world_fault(world, "reader %d cannot be opened again: %s", i,
			   answer.reason);
}

static bool mourn(struct world *world, int i)
{
	const struct mourned *mourned = &world->mourned;
	struct order order = { .verb = ACTOR_DRAIN, .a = i,
			       .b = (int64_t)mourned->epoch };
	struct model *model = &world->models[i], more = *model;
	struct answer answer;

	if (!world_ask(world, &world->readers, &order, &answer))
		return false;
	model_publish(&more, mourned->published + 1);
	if (!is_all(&answer.drained, model) &&
	    !(mourned->publishing && is_all(&answer.drained, &more)))
		return world_fault(world,
			"reader %d found %ju frames, %ju to %ju, where %ju to %ju were waiting and %ju was the newest",
			i, (uintmax_t)answer.drained.count,
			(uintmax_t)answer.drained.first,
			(uintmax_t)answer.drained.last, (uintmax_t)model->low,
			(uintmax_t)model->high, (uintmax_t)mourned->published);
	if (answer.r == -EPIPE && world->ending)
		return open_again(world, i);
	return answer.r == -EAGAIN ||
	       world_fault(world, "reader %d: took all, then %d (%s): %s", i,
			   answer.r, strerror(-answer.r), answer.reason);
}

bool world_mourn(struct world *world)
{
	for (int i = 0; i < WORLD_READERS && world->mourned.there; i++)
		if (!mourn(world, i))
			return false;
	world->mourned.there = false;
	return true;
}

bool world_relics(struct world *world)
{
	struct order order = { .verb = ACTOR_RELICS,
			       .a = (int64_t)world->epoch };
	struct answer answer;

	return world_ask(world, &world->readers, &order, &answer);
}

/* ------------------------------------------------------------------------
 * All go on.
 */

/* Is what a reader got by itself what it may have got? */
static bool check_exhausted(struct world *world, int i, bool all,
			    const struct result *result)
{
	struct model *model = &world->models[i];
	uint64_t last = result->taken ? result->sequence : model->last;
	uint64_t newest = world->published + world->publishing;

	if (result->r != -EAGAIN)
		return world_fault(world, "reader %d: took %ju frames, then %d",
				   i, (uintmax_t)result->taken,
				   (int)result->r);
	if (model->delivery == ZT_LOSSLESS && result->dropped)
		return world_fault(world, "reader %d lost %ju frames", i,
				   (uintmax_t)result->dropped);
	if (last > newest || (all && model->delivery != ZT_QUEUE &&
			      last != world->published))
		return world_fault(world,
			"reader %d had frame %ju last where %ju is the newest",
			i, (uintmax_t)last, (uintmax_t)newest);
	model_exhausted(model, result->taken, last, world->published);
	return true;
}

bool world_exhaust(struct world *world, char letter)
{
	bool third = letter == 'e';
	struct order order = { .verb = ACTOR_EXHAUST, .a = third ? 8 : 7 };
	struct answer answer;

	if (!world_ask(world, third ? &world->third : &world->readers, &order,
		       &answer))
		return false;
	for (int i = 0; i < ACTOR_READERS; i++)
		if ((order.a >> i & 1) &&
		    !check_exhausted(world, i, letter != 'q',
				     &answer.results[i]))
			return false;
	if (third)
		world->exhausted = answer.results[WORLD_READERS];
	return true;
}

/* Take all that waits, release all. */
static bool tidy(struct world *world)
{
	char script[WORLD_READERS * 16], *end = script;

	for (int i = 0; i < WORLD_READERS; i++) {
		struct model model = world->models[i];
		uint64_t sequence;

		while (model_waiting(&model) || model.held) {
			bool takes = model_take(&model, &sequence) == 0;

			if (!takes)
				model.held--;
			*end++ = (char)((takes ? '0' : 'a') + i);
		}
	}
	*end = '\0';
	return world_run(world, script);
}

/*
 * Five frames, in which each reader holds all that it may, is full, loses what
 * its delivery says and no more, and in which each frame that is held is
 * looked at after later ones have been written.
 */
bool world_round(struct world *world)
{
	return tidy(world) &&
	       world_run(world, "p 012"
				"p 1 x 0a"
				"p 0aa bbc 2c"
				"p 0a1b2c"
				"p") &&
	       world_survey(world, true) && world_run(world, "0a1b2c");
}

static bool check_row(struct world *world, const struct model *model,
		      const struct zt_subscription_info *row)
{
	uint64_t dropped = model_dropped(model, world->published);

	if (row->held == model->held && row->waiting == model_waiting(model) &&
	    row->taken == model->taken && row->dropped == dropped &&
	    !row->evicted && row->depth == model->bound)
		return true;
	return world_fault(world,
		"delivery %u: held %u, waiting %u, taken %ju, dropped %ju are %u, %ju, %ju, %ju",
		row->delivery, row->held, row->waiting, (uintmax_t)row->taken,
		(uintmax_t)row->dropped, model->held,
		(uintmax_t)model_waiting(model), (uintmax_t)model->taken,
		(uintmax_t)dropped);
}

static bool check_rows(struct world *world, const struct answer *answer)
{
	for (int i = 0; i < WORLD_READERS; i++) {
		const struct zt_subscription_info *row =
			&answer->survey.rows[i];
		int k = 0;

		while (k < WORLD_READERS &&
		       world->models[k].delivery != row->delivery)
			k++;
		if (k == WORLD_READERS ||
		    row->pid != world->readers.actor.pid)
			return world_fault(world,
				"a subscriber that is dead is still there");
		if (!check_row(world, &world->models[k], row))
			return false;
	}
	return true;
}

bool world_account(struct world *world)
{
	struct order order = { .verb = ACTOR_SURVEY };
	const struct result *own = &world->exhausted;
	struct answer answer;

	if (!own->all_taken)
		return true;
	if (!world_ask(world, &world->readers, &order, &answer))
		return false;
	for (int i = 0; i < answer.r && i < ACTOR_ROWS; i++) {
		const struct zt_subscription_info *row =
			&answer.survey.rows[i];

		if (row->pid != world->third.actor.pid)
			continue;
		return (row->taken == own->all_taken &&
			row->dropped == own->all_dropped) ||
		       world_fault(world,
			"reader 3 took %ju and lost %ju frames, the publisher says %ju and %ju",
			(uintmax_t)own->all_taken, (uintmax_t)own->all_dropped,
			(uintmax_t)row->taken, (uintmax_t)row->dropped);
	}
	return world_fault(world, "the publisher does not know reader 3");
}

/* Nothing but the lock and the socket is in the runtime directory. */
bool world_directory(struct world *world)
{
	DIR *dir = opendir(getenv("ZOETROPE_DIR"));
	struct dirent *entry;
	bool good = true;

	while (dir && good && (entry = readdir(dir))) {
		const char *end = strrchr(entry->d_name, '.');

		good = entry->d_name[0] == '.' || !strcmp(end, ".lock") ||
		       !strcmp(end, ".sock") ||
		       world_fault(world, "left in the runtime directory: %s",
				   entry->d_name);
	}
	if (dir)
		closedir(dir);
	return good;
}

bool world_survey(struct world *world, bool exact)
{
	struct order order = { .verb = ACTOR_SURVEY };
	const struct zt_stream_info *info;
	struct answer answer;

	if (!world_ask(world, &world->readers, &order, &answer))
		return false;
	info = &answer.survey.info;
	if (answer.r != WORLD_READERS || info->subscribers != WORLD_READERS ||
	    info->monitors != 1)
		return world_fault(world,
			"the publisher knows of %d rows, %u subscribers, %u monitors in place of 3, 3, 1 (%s)",
			answer.r, info->subscribers, info->monitors,
			answer.reason);
	if (!exact)
		return true;
	if (info->slots_in_use != 1)
		return world_fault(world,
			"%u slots are in use where only the newest frame's should be: slots are lost",
			info->slots_in_use);
	if (world->slots_owned && !world->grown &&
	    info->slots != world->slots_owned)
		return world_fault(world, "there are %u slots in place of %ju",
				   info->slots,
				   (uintmax_t)world->slots_owned);
	if (!world->grown)
		world->slots_owned = info->slots;
	return check_rows(world, &answer);
}

static bool check_count(struct world *world, const char *who,
			const char *what, unsigned int now,
			unsigned int *good, unsigned int more)
{
	if (!*good)
		*good = now;
	if (now <= *good + more)
		return true;
	return world_fault(world, "%s has %u %s in place of %u", who, now,
			   what, *good);
}

static bool check_holdings(struct world *world, const char *who,
			   struct crowd *crowd)
{
	unsigned int more = world->grown ? WORLD_READERS : 0;

	return check_count(world, who, "descriptors",
			   actor_descriptors(&crowd->actor),
			   &crowd->descriptors, more) &&
	       check_count(world, who, "mappings of shared memory",
			   actor_mappings(&crowd->actor), &crowd->mappings,
			   more);
}

/* The survey's monitor may be leaving at this moment, so look again. */
bool world_holdings(struct world *world)
{
	int64_t limit = harness_limit_ns(1000);

	if (!world_relics(world))
		return false;
	do {
		world->fault[0] = '\0';
		if (check_holdings(world, "the publisher",
				   &world->publisher) &&
		    check_holdings(world, "the readers", &world->readers))
			return true;
	} while (harness_nap_until(limit));
	return false;
}
