/* SPDX-License-Identifier: MIT */
/*
 * What a forked child may not inherit. Each publisher, subscriber and monitor
 * registers an entry; in a child, `in_child` of each closes the descriptors
 * (so that the parent's death is seen by its peers) and the entry says
 * "forked" from then on, so that every call of the object answers -ECHILD.
 *
 * The registry is the library's only global state. pthread_atfork() does the
 * work: a raw clone() goes by it.
 */
#ifndef ZTI_FORK_H
#define ZTI_FORK_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

struct zti_fork_entry {
	struct zti_fork_entry *next, **link;
	pthread_mutex_t *lock;	/* held across fork: the descriptors are
				   consistent while it is */
	void (*in_child)(struct zti_fork_entry *entry);
	_Atomic bool forked;
};

/* Errors: -ENOMEM where the handlers cannot be installed. */
int zti_fork_register(struct zti_fork_entry *entry, pthread_mutex_t *lock,
		      void (*in_child)(struct zti_fork_entry *entry));

/* Does nothing in a child. */
void zti_fork_unregister(struct zti_fork_entry *entry);

static inline bool zti_forked(const struct zti_fork_entry *entry)
{
	return atomic_load_explicit(&entry->forked, memory_order_relaxed);
}

#endif
