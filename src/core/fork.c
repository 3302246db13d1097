/* SPDX-License-Identifier: MIT */
/* The registry behind fork.h: a list, its lock, three atfork handlers. */
#include "core/fork.h"

#include <sched.h>
#include <stddef.h>

static pthread_mutex_t registry_lock = PTHREAD_MUTEX_INITIALIZER;
static struct zti_fork_entry *registry;
static bool installed;		/* the handlers; under registry_lock */

/* All the locks, or none. */
static bool try_lock_all(void)
{
	for (struct zti_fork_entry *e = registry; e; e = e->next) {
		if (!pthread_mutex_trylock(e->lock))
			continue;
		for (struct zti_fork_entry *f = registry; f != e; f = f->next)
			pthread_mutex_unlock(f->lock);
		return false;
	}
	return true;
}

/*
 * Whoever holds an object's lock may be about to register another one, so we
 * do not wait for it with the registry in hand.
 */
static void before_fork(void)
{
	for (;;) {
		pthread_mutex_lock(&registry_lock);
		if (try_lock_all())
			return;
		pthread_mutex_unlock(&registry_lock);
		sched_yield();
	}
}

static void in_parent(void)
{
	for (struct zti_fork_entry *e = registry; e; e = e->next)
		pthread_mutex_unlock(e->lock);
	pthread_mutex_unlock(&registry_lock);
}

static void in_child(void)
{
	for (struct zti_fork_entry *e = registry; e; e = e->next) {
		atomic_store_explicit(&e->forked, true, memory_order_relaxed);
		e->in_child(e);
		pthread_mutex_unlock(e->lock);
	}
	registry = NULL;
	pthread_mutex_unlock(&registry_lock);
}

int zti_fork_register(struct zti_fork_entry *entry, pthread_mutex_t *lock,
		      void (*child)(struct zti_fork_entry *entry))
{
	int r = 0;

	pthread_mutex_lock(&registry_lock);
	if (!installed)
		r = pthread_atfork(before_fork, in_parent, in_child);
	if (r) {
		pthread_mutex_unlock(&registry_lock);
		return -r;
	}
	installed = true;
	entry->lock = lock;
	entry->in_child = child;
	entry->next = registry;
	entry->link = &registry;
	if (registry)
		registry->link = &entry->next;
	registry = entry;
	pthread_mutex_unlock(&registry_lock);
	return 0;
}

void zti_fork_unregister(struct zti_fork_entry *entry)
{
	if (zti_forked(entry))
		return;
	pthread_mutex_lock(&registry_lock);
	if (entry->link) {
		*entry->link = entry->next;
		if (entry->next)
			entry->next->link = entry->link;
	}
	pthread_mutex_unlock(&registry_lock);
}
