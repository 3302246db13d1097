/* SPDX-License-Identifier: MIT */
/* Reading lists of subscribers. Pure. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <zoetrope/subscriber.h>

#include "audience.h"
#include "delivery.h"
#include "units.h"
#include "voice.h"

/* What a subscription reserves where nobody says: subscriber.h. */
#define USUAL_HELD 1
#define USUAL_DEPTH 4

/* Far more than any stream has, and no sum of these passes 32 bits. */
#define MOST 100000

/* Cut the number behind `mark` off `text`. */
static int take_number(char *text, char mark, uint32_t *ret, char *reason)
{
	char *at = strchr(text, mark);
	int error;

	if (!at)
		return 0;
	*at = '\0';
	error = units_count32(at + 1, ret, reason);
	if (!error && *ret > MOST)
		return reason_set(reason, -EINVAL, "'%.20s' is too large a "
				  "number", at + 1);
	return error;
}

static int add(char *item, struct audience *audience, char *reason)
{
	uint32_t count = 1, depth = 0, delivery = 0;
	int error;

	error = take_number(item, ':', &count, reason);
	if (!error)
		error = take_number(item, '/', &depth, reason);
	if (!error)
		error = delivery_parse(item, &delivery, reason);
	if (error)
		return error;
	if (!depth)
		depth = delivery == ZT_LATEST ? USUAL_HELD : USUAL_DEPTH;
	if (audience->subscribers + count > MOST ||
	    (uint64_t)audience->reserve + (uint64_t)depth * count > UINT32_MAX)
		return reason_set(reason, -EINVAL, "these are too many");
	audience->subscribers += count;
	audience->reserve += depth * count;
	if (delivery == ZT_LOSSLESS &&
	    (!audience->shallowest || depth < audience->shallowest))
		audience->shallowest = depth;
	return 0;
}

int audience_parse(const char *text, void *ret, char *reason)
{
	struct audience audience = { 0 };
	char copy[512], why[ZT_REASON_MAX], *rest = NULL, *item;
	int error = 0;

	if (strlen(text) >= sizeof(copy))
		return reason_set(reason, -EINVAL, "the list is too long");
	strcpy(copy, text);
	for (item = strtok_r(copy, ",", &rest); item && !error;
	     item = strtok_r(NULL, ",", &rest))
		error = add(item, &audience, why);
	if (!error && audience.subscribers == 0)
		error = reason_set(why, -EINVAL, "it names no subscriber");
	if (error)
		return reason_set(reason, error, "%.120s; write it as "
				  "latest:2,queue/4:1,lossless/8:1", why);
	*(struct audience *)ret = audience;
	return 0;
}
