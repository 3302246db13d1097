/* SPDX-License-Identifier: MIT */
/* See director.h. */
#include "director.h"

#define PATIENCE_MS 20000	/* for whoever is to come to rest, or to end */
#define NUDGE_AGAIN_MS 100
#define SLEEP_ON_MS 500		/* a patient audit nudges after this */

static uint64_t roll(struct director *director, uint64_t first, uint64_t last)
{
	return dice_between(&director->dice, first, last);
}

static struct process_row *publisher_row(unsigned int stream)
{
	return &ledger->stream[stream].process;
}

/* ------------------------------------------------------------------------
 * Audits.
 */

static bool under_audit(const struct director *director, unsigned int stream)
{
	return director->audits[stream].phase != NO_AUDIT;
}

static void set_phase(struct audit_state *audit, enum audit_phase phase)
{
	audit->phase = phase;
	audit->phase_ns = ledger_now_ns();
	audit->nudge_ns = audit->phase_ns;
	if (audit->patient && phase == SETTLING)
		audit->nudge_ns += ledger_ms(SLEEP_ON_MS);
}

static void begin_audit(struct director *director, unsigned int stream,
			bool patient)
{
	struct audit_state *audit = &director->audits[stream];
	bool all = dice_chance(&director->dice, 75);

	audit->number = ++director->audit_count;
	audit->patient = patient;
	for (unsigned int i = 0; all && i < ledger->readers; i++)
		if (director->cast.readers[i].stream == stream)
			cast_resume(&director->cast.readers[i]);
	set_phase(audit, COMING_TO_REST);
	atomic_store(&ledger->stream[stream].audit, audit->number);
	if (!audit->patient)
		ledger_wake(&ledger->stream[stream].audit);
}

static void end_audit(struct director *director, unsigned int stream)
{
	struct audit_state *audit = &director->audits[stream];

	set_phase(audit, NO_AUDIT);
	audit->next_ns = audit->phase_ns +
			 (int64_t)roll(director, 300, 3000) * 1000000;
	atomic_store(&ledger->stream[stream].audit, 0);
	ledger_wake(&ledger->stream[stream].audit);
}

static bool is_awaited(const struct actor *reader, unsigned int stream,
		       uint32_t number)
{
	return reader->stream == stream && reader->pid &&
	       !reader->resumes_ns &&
	       atomic_load(&ledger->reader[reader->number].audited) != number;
}

/* Who has not come to rest yet; they are nudged when it is time. */
static unsigned int count_awaited(struct director *director,
				  unsigned int stream, bool nudge)
{
	uint32_t number = director->audits[stream].number;
	unsigned int n = 0;

	for (unsigned int i = 0; i < ledger->readers; i++) {
		struct actor *reader = &director->cast.readers[i];

		if (!is_awaited(reader, stream, number))
			continue;
		n++;
		if (nudge)
			cast_nudge(reader);
	}
	return n;
}

static void advance(struct director *director, unsigned int stream,
		    bool nudge)
{
	struct audit_state *audit = &director->audits[stream];
	struct actor *auditor = &director->cast.auditors[stream];
	struct actor *publisher = &director->cast.publishers[stream];

	switch (audit->phase) {
	case COMING_TO_REST:
		if (atomic_load(&ledger->stream[stream].paused) ==
		    audit->number)
			set_phase(audit, SETTLING);
		else if (nudge)
			cast_nudge(publisher);
		break;
	case SETTLING:
		if (nudge)
			ledger_wake(&ledger->stream[stream].audit);
		if (count_awaited(director, stream, nudge))
			break;
		set_phase(audit, COMPARING);
		auditor->audit = audit->number;
		cast_start(auditor);
		break;
	case COMPARING:
		if (!auditor->pid)
			end_audit(director, stream);
		break;
	default:
		break;
	}
}

static void audit(struct director *director, unsigned int stream, int64_t now)
{
	struct audit_state *audit = &director->audits[stream];
	bool nudge = now >= audit->nudge_ns;

	if (!under_audit(director, stream))
		return;
	if (nudge)
		audit->nudge_ns = now + NUDGE_AGAIN_MS * INT64_C(1000000);
	/* A publisher that fell (none is killed in an audit) is seen to
	   elsewhere. */
	if (!director->cast.publishers[stream].pid) {
		if (!director->cast.auditors[stream].pid)
			end_audit(director, stream);
		return;
	}
	advance(director, stream, nudge);
	if (under_audit(director, stream) &&
	    !ledger_check(PROCESSES,
			  ledger_now_ns() - audit->phase_ns <
				  ledger_ms(PATIENCE_MS),
			  "%s does not come to rest for an audit (phase %u, %u readers awaited)",
			  ledger->stream[stream].name, audit->phase,
			  count_awaited(director, stream, false)))
		end_audit(director, stream);
}

static bool can_audit(const struct director *director, unsigned int stream,
		      int64_t now)
{
	const struct actor *publisher = &director->cast.publishers[stream];

	return !under_audit(director, stream) && publisher->pid &&
	       !publisher->killed && !publisher->resumes_ns &&
	       !atomic_load(&ledger->stream[stream].end) &&
	       atomic_load(&publisher_row(stream)->doing) != STARTING &&
	       now >= director->audits[stream].next_ns;
}

/*
 * New memory: some readers have yet to hear of it, and are given what lies in
 * it later. If the stream rests just now, nothing else will wake them.
 */
static void audit_growth(struct director *director, unsigned int stream,
			 int64_t now)
{
	struct audit_state *audit = &director->audits[stream];
	const struct epoch_row *row =
		ledger_epoch(&ledger->stream[stream],
			     atomic_load(&ledger->stream[stream].epoch));
	int64_t grew_ns = row ? atomic_load(&row->grew_ns) : 0;

	if (!row || grew_ns == audit->grew_ns)
		return;
	audit->grew_ns = grew_ns;
	if (dice_chance(&director->dice, 15) &&
	    can_audit(director, stream, now))
		begin_audit(director, stream, true);
}

/* ------------------------------------------------------------------------
 * Acts of chance.
 */

static void act_on_reader(struct director *director)
{
	struct actor *reader =
		&director->cast.readers[roll(director, 0,
					     ledger->readers - 1)];

	if (!reader->pid || under_audit(director, reader->stream))
		return;
	if (dice_chance(&director->dice, 45))
		cast_kill(reader);
	else if (!reader->resumes_ns && !reader->killed)
		cast_stop(reader, (int64_t)roll(director, 1,
			dice_chance(&director->dice, 10) ? 1500 : 300) *
				  1000000);
}

static void act_on_publisher(struct director *director)
{
	unsigned int stream = (unsigned int)roll(director, 0,
						 ledger->streams - 1);
	struct actor *publisher = &director->cast.publishers[stream];
	uint64_t what = roll(director, 0, 99);

	if (!publisher->pid || publisher->killed ||
	    under_audit(director, stream))
		return;
	if (what < 20)
		cast_kill(publisher);
	else if (what < 40)
		atomic_store(&ledger->stream[stream].end, 1);
	else if (!publisher->resumes_ns)
		cast_stop(publisher, (int64_t)roll(director, 1, 300) *
					     1000000);
}

static void act_on_watcher(struct director *director)
{
	struct actor *watcher =
		&director->cast.watchers[roll(director, 0,
					      ledger->watchers - 1)];

	if (!watcher->pid) {
		watcher->stream = (unsigned int)roll(director, 0,
						     ledger->streams - 1);
		cast_start(watcher);
	} else if (dice_chance(&director->dice, 40)) {
		cast_kill(watcher);
	} else if (!watcher->resumes_ns && !watcher->killed) {
		cast_stop(watcher, (int64_t)roll(director, 1, 300) * 1000000);
	}
}

static void act(struct director *director, int64_t now)
{
	uint64_t what = roll(director, 0, 99);
	unsigned int stream = (unsigned int)roll(director, 0,
						 ledger->streams - 1);

	if (what < 70)
		act_on_reader(director);
	else if (what < 78)
		act_on_publisher(director);
	else if (what < 88)
		act_on_watcher(director);
	else if (can_audit(director, stream, now))
		begin_audit(director, stream,
			    dice_chance(&director->dice, 25));
}

/* ------------------------------------------------------------------------
 * Those who are missing.
 */

static void start_reader(struct director *director, struct actor *reader)
{
	unsigned int stream = (unsigned int)roll(director, 0,
						 ledger->streams - 1);

	if (under_audit(director, stream))
		return;
	reader->stream = stream;
	cast_start(reader);
}

static void start_missing(struct director *director, int64_t now)
{
	struct cast *cast = &director->cast;

	for (unsigned int i = 0; i < ledger->streams; i++)
		if (!cast->publishers[i].pid &&
		    !under_audit(director, i) &&
		    now >= cast->publishers[i].returns_ns)
			cast_start(&cast->publishers[i]);
	for (unsigned int i = 0; i < ledger->readers; i++)
		if (!cast->readers[i].pid &&
		    now >= cast->readers[i].returns_ns)
			start_reader(director, &cast->readers[i]);
}

void director_make(struct director *director)
{
	cast_make(&director->cast);
	director->dice.state = dice_hash(ledger->seed, ROLES, 0, 0);
}

/* Calm, weather, storm: they take turns. */
static void choose_storm(struct director *director, int64_t now)
{
	static const unsigned int storms[] = { 5, 30, 30, 60, 150 };

	director->storm = storms[roll(director, 0, 4)];
	director->storm_ends_ns = now +
		(int64_t)roll(director, 1, 8) * 1000000000;
}

static void keep_up(struct director *director)
{
	int64_t now = ledger_now_ns();

	cast_reap(&director->cast, &director->dice);
	cast_look_after(&director->cast, now);
	for (unsigned int i = 0; i < ledger->streams; i++)
		audit(director, i, now);
}

int64_t director_turn(struct director *director)
{
	int64_t now = ledger_now_ns();

	keep_up(director);
	start_missing(director, now);
	for (unsigned int i = 0; i < ledger->streams; i++)
		audit_growth(director, i, now);
	if (now >= director->storm_ends_ns)
		choose_storm(director, now);
	if (now >= director->act_ns) {
		act(director, now);
		director->act_ns = now + (int64_t)roll(
			director, 0, 2000000000 / director->storm);
	}
	return now + 5000000 < director->act_ns ? now + 5000000 :
						  director->act_ns;
}

/* ------------------------------------------------------------------------
 * The end.
 */

static bool any_audit(const struct director *director)
{
	for (unsigned int i = 0; i < ledger->streams; i++)
		if (under_audit(director, i))
			return true;
	return false;
}

static void resume_all(struct director *director)
{
	for (unsigned int i = 0; i < director->cast.count; i++)
		cast_resume(&director->cast.actors[i]);
}

/* Wait until none of them lives; then, or after a while, kill. */
static void see_off(struct director *director, enum role role,
		    void (*turn)(struct director *director))
{
	int64_t limit = ledger_now_ns() + ledger_ms(PATIENCE_MS);
	int64_t nudge_ns = 0;
	struct cast *cast = &director->cast;

	while (cast_living(cast, role) && ledger_now_ns() < limit) {
		bool nudge = ledger_now_ns() >= nudge_ns;

		if (nudge)
			nudge_ns = ledger_now_ns() +
				   NUDGE_AGAIN_MS * INT64_C(1000000);
		for (unsigned int i = 0; nudge && i < cast->count; i++)
			if (cast->actors[i].role == role)
				cast_nudge(&cast->actors[i]);
		keep_up(director);
		turn(director);
	}
	ledger_check(PROCESSES, !cast_living(cast, role),
		     "%u processes (role %u) do not end",
		     cast_living(cast, role), role);
	for (unsigned int i = 0; i < cast->count; i++)
		if (cast->actors[i].role == role)
			cast_kill(&cast->actors[i]);
}

static void audit_all(struct director *director,
		      void (*turn)(struct director *director))
{
	for (unsigned int i = 0; i < ledger->streams; i++) {
		director->audits[i].next_ns = 0;
		if (can_audit(director, i, ledger_now_ns()))
			begin_audit(director, i, false);
	}
	while (any_audit(director)) {
		keep_up(director);
		turn(director);
	}
}

void director_finish(struct director *director,
		     void (*turn)(struct director *director))
{
	struct cast *cast = &director->cast;

	while (any_audit(director)) {
		keep_up(director);
		turn(director);
	}
	resume_all(director);
	audit_all(director, turn);
	atomic_store(&ledger->finish, 1);
	ledger_wake(&ledger->finish);
	see_off(director, READER, turn);
	see_off(director, WATCHER, turn);
	/* A last one ends each stream properly: its socket goes. */
	for (unsigned int i = 0; i < ledger->streams; i++) {
		if (!cast->publishers[i].pid)
			cast_start(&cast->publishers[i]);
		atomic_store(&ledger->stream[i].end, 1);
	}
	see_off(director, PUBLISHER, turn);
	while (cast_living(cast, READER) + cast_living(cast, WATCHER) +
	       cast_living(cast, PUBLISHER))
		cast_reap(cast, &director->dice);
}
