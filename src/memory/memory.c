/* SPDX-License-Identifier: MIT */
/* The table of memory backends: the one place that knows them all. */
#include "memory/memory_impl.h"

static const struct zti_memory_backend *const backends[] = {
	&zti_memfd_backend,
};

const struct zti_memory_backend *zti_memory_backend(uint32_t kind)
{
	size_t i;

	for (i = 0; i < sizeof(backends) / sizeof(*backends); i++)
		if (backends[i]->kind == kind)
			return backends[i];
	return NULL;
}
