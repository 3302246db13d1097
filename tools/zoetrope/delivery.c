/* SPDX-License-Identifier: MIT */
/* Deliveries by name. */
#include <errno.h>
#include <string.h>

#include <zoetrope/subscriber.h>

#include "delivery.h"
#include "voice.h"

static const char *const names[] = {
	[ZT_LATEST] = "latest",
	[ZT_QUEUE] = "queue",
	[ZT_LOSSLESS] = "lossless",
};

#define NAMES (sizeof(names) / sizeof(names[0]))

int delivery_parse(const char *text, void *ret, char *reason)
{
	for (uint32_t i = 0; i < NAMES; i++) {
		if (strcmp(names[i], text) != 0)
			continue;
		*(uint32_t *)ret = i;
		return 0;
	}
	return reason_set(reason, -EINVAL,
			  "'%.20s' is none of latest, queue and lossless", text);
}

const char *delivery_name(uint32_t delivery)
{
	return delivery < NAMES ? names[delivery] : "?";
}
