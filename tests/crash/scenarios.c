/* SPDX-License-Identifier: MIT */
/* The calls that victims die in; the scripts' letters stand in world.h. */
#include "scenario.h"

#include "world.h"

#define TALL (16 * WORLD_HEIGHT)

#define DO(what) { .verb = (what) }
#define LOAN(height, timeout) \
	{ .verb = ACTOR_LOAN, .a = (height), .b = (timeout) }
#define TAKE(timeout) \
	{ .verb = ACTOR_TAKE, .a = WORLD_READERS, .b = (timeout) }
#define RELEASE { .verb = ACTOR_RELEASE, .a = WORLD_READERS }
#define LEAVE { .verb = ACTOR_CLOSE, .a = WORLD_READERS }
#define JOIN(is, has) \
	{ .verb = ACTOR_OPEN, .a = WORLD_READERS, .b = (is), .c = (has) }

#define PUBLISHER(name, flag, script, call, ...) \
	{ .verb = name, .role = ROLE_PUBLISHER, .flags = flag, \
	  .before = script, .order = call, __VA_ARGS__ }
#define SERVICE(name, flag, script, awakes, ...) \
	{ .verb = name, .role = ROLE_SERVICE, .flags = flag, \
	  .before = script, .meanwhile = awakes, __VA_ARGS__ }
#define SUBSCRIBER(name, flag, is, has, script, call, ...) \
	{ .verb = name, .role = ROLE_SUBSCRIBER, .flags = flag, \
	  .delivery = is, .bound = has, .before = script, .order = call, \
	  __VA_ARGS__ }
#define MONITOR(name, script, call) \
	{ .verb = name, .role = ROLE_MONITOR, .before = script, \
	  .order = call }

#define READER_3(is, has) .delivery = is, .bound = has

/* What every kind of subscriber does. */
#define EACH(kind, is, has) \
	SUBSCRIBER("join as " kind, 0, is, has, "p 012", JOIN(is, has)), \
	SUBSCRIBER("join as " kind ", more memory", \
		   SCENARIO_TIGHT | SCENARIO_GROWS | SCENARIO_FRESH, is, has, \
		   "p 012 B", JOIN(is, has)), \
	SUBSCRIBER("take as " kind, 0, is, has, "V 3d p 0a p 0a", TAKE(0)), \
	SUBSCRIBER("take as " kind ", nothing there", 0, is, has, \
		   "V 3d p 3d", TAKE(0)), \
	SUBSCRIBER("take as " kind ", waiting", 0, is, has, "V 3d p 3d", \
		   TAKE(ZT_FOREVER), .meanwhile = "p"), \
	SUBSCRIBER("release as " kind, 0, is, has, "V 3d p 3", RELEASE), \
	SUBSCRIBER("leave as " kind, 0, is, has, "V 3d p", LEAVE), \
	SUBSCRIBER("leave as " kind ", frame held", 0, is, has, "V 3d p 3", \
		   LEAVE), \
	SUBSCRIBER("release as " kind ", after leaving", 0, is, has, \
		   "V 3d p 3 W S 0a p 0a p 0a p 0a", RELEASE), \
	SUBSCRIBER("find the publisher of " kind " dead", SCENARIO_FRESH, is, \
		   has, "V 3d p 3 X", TAKE(0)), \
	SUBSCRIBER("reconnect as " kind, SCENARIO_FRESH, is, has, \
		   "V 3d p 3 f p", TAKE(ZT_FOREVER)), \
	SUBSCRIBER("find the stream of " kind " ended", \
		   SCENARIO_FRESH | SCENARIO_ENDS, is, has, "V 3d p 3d D", \
		   TAKE(0))

/*
 * The same calls, but the victim only stands still for a while: whatever the
 * others do meanwhile, nobody loses or sees twice what he should not.
 */
#define STANDS(kind, is, has, more) \
	SUBSCRIBER("take as " kind "; frames come", SCENARIO_RESUMES, is, has, \
		   "V 3d p 0a" more, TAKE(0), .between = "p 0a" more, \
		   .after = "e p e"), \
	SUBSCRIBER("release as " kind "; frames come", SCENARIO_RESUMES, is, \
		   has, "V 3d p 30a", RELEASE, .between = "p 0a" more, \
		   .after = "e p e"), \
	SUBSCRIBER("join as " kind "; frames come", SCENARIO_RESUMES, is, has, \
		   "p 0a1b2c", JOIN(is, has), .between = "p 0a1b2c p 0a", \
		   .after = "e p e"), \
	PUBLISHER("publish; a reader joins as " kind, \
		  SCENARIO_RESUMES | SCENARIO_PUBLISHES, "p 0a1b2c l", \
		  DO(ACTOR_PUBLISH), .between = "&V i", .after = "e p e", \
		  READER_3(is, has)), \
	PUBLISHER("publish; a reader leaves as " kind, \
		  SCENARIO_RESUMES | SCENARIO_PUBLISHES, "p 0a V p 30a l", \
		  DO(ACTOR_PUBLISH), .between = "&W i", .after = "S p 0a p", \
		  READER_3(is, has)), \
	PUBLISHER("publish; a reader dies as " kind, \
		  SCENARIO_RESUMES | SCENARIO_PUBLISHES, "p 0a V p 30a l", \
		  DO(ACTOR_PUBLISH), .between = "K", .after = "S p 0a p", \
		  READER_3(is, has)), \
	SERVICE("serve a join as " kind "; frames come", SCENARIO_RESUMES, \
		"p 0a1b2c B", "&V", .between = "Z p 0a1b2c p 0a1b2c", \
		.after = "e p e", READER_3(is, has)), \
	SERVICE("serve a leave as " kind "; frames come", SCENARIO_RESUMES, \
		"p 0a V p 30a1b2c", "&W", .between = "p 0a" more, \
		.after = "S p 0a p", READER_3(is, has)), \
	SERVICE("serve a hang-up as " kind "; frames come", SCENARIO_RESUMES, \
		"p 0a V p 30a1b2c", "K", .between = "p 0a" more, \
		.after = "S p 0a p", READER_3(is, has))

const struct scenario scenarios[] = {
	/* The publisher's frame thread. */
	PUBLISHER("create", SCENARIO_CREATES, "",
		  { .verb = ACTOR_CREATE, .a = WORLD_SLOTS_SPARE,
		    .b = (int64_t)ZT_NEVER, .c = WORLD_HEIGHT }),
	PUBLISHER("first loan", SCENARIO_BARE, "B",
		  LOAN(WORLD_HEIGHT, ZT_FOREVER)),
	PUBLISHER("loan", 0, "p 0a 1b 2c p", LOAN(WORLD_HEIGHT, 0)),
	PUBLISHER("loan, of a slot just given back", 0, "p 012 a p bc",
		  LOAN(WORLD_HEIGHT, 0)),
	PUBLISHER("loan, with room just made", 0, "p 012 p abc",
		  LOAN(WORLD_HEIGHT, 0)),
	PUBLISHER("loan, no room", 0, "p p", LOAN(WORLD_HEIGHT, 0)),
	PUBLISHER("loan, waiting for a lossless reader", 0, "p p 1 2",
		  LOAN(WORLD_HEIGHT, ZT_FOREVER), .meanwhile = "0a"),
	PUBLISHER("loan, evicting", SCENARIO_EVICTS, "V p 3 0a 1 E",
		  LOAN(WORLD_HEIGHT, ZT_FOREVER), READER_3(ZT_LOSSLESS, 1)),
	PUBLISHER("loan, outgrowing all slots", SCENARIO_GROWS,
		  "p 012 p 0a A", LOAN(TALL, ZT_FOREVER)),
	PUBLISHER("discard", 0, "p 12 l", DO(ACTOR_DISCARD)),
	PUBLISHER("publish, readers asleep", SCENARIO_PUBLISHES,
		  "p 0a1b2c 012 l", DO(ACTOR_PUBLISH)),
	PUBLISHER("publish, withdrawing", SCENARIO_PUBLISHES, "p p 0a l",
		  DO(ACTOR_PUBLISH)),
	PUBLISHER("publish, readers full", SCENARIO_PUBLISHES,
		  "p 012 p 10a l", DO(ACTOR_PUBLISH)),
	PUBLISHER("publish, in new memory",
		  SCENARIO_PUBLISHES | SCENARIO_GROWS, "p 0a1b2c B G S Z",
		  DO(ACTOR_PUBLISH)),
	PUBLISHER("publish, in memory that not all know",
		  SCENARIO_PUBLISHES | SCENARIO_GROWS, "p 012 p 0ac A G Z",
		  DO(ACTOR_PUBLISH)),
	PUBLISHER("publish, old memory free",
		  SCENARIO_PUBLISHES | SCENARIO_GROWS,
		  "p 012 B G S Z u 01 abc l", DO(ACTOR_PUBLISH)),
	PUBLISHER("publish a copy", SCENARIO_PUBLISHES, "p 0a 1 2",
		  { .verb = ACTOR_COPY, .a = WORLD_HEIGHT }),
	PUBLISHER("wait for subscribers", 0, "p 012 B",
		  { .verb = ACTOR_AWAIT, .a = WORLD_READERS + 1 },
		  .meanwhile = "&V", READER_3(ZT_LATEST, 1)),
	PUBLISHER("destroy", SCENARIO_ENDS, "p 012 p 0a", DO(ACTOR_DESTROY)),

	/* Its service thread. */
	SERVICE("serve a join", 0, "p 012 B", "&V", READER_3(ZT_LOSSLESS, 2)),
	SERVICE("serve a join, more memory", SCENARIO_TIGHT | SCENARIO_GROWS,
		"p 012 B", "&V", READER_3(ZT_QUEUE, 2)),
	SERVICE("refuse a join", 0, "p 012 B", "&R", READER_3(ZT_QUEUE, 2)),
	SERVICE("serve a leave", 0, "V p 012", "&W",
		READER_3(ZT_LOSSLESS, 2)),
	SERVICE("serve a leave, frame held", 0,
		"p 012abc V 3 p 01ab p 01ab p 01", "&W",
		READER_3(ZT_QUEUE, 2)),
	SERVICE("serve a hang-up", 0, "p 012abc V 3 p 01ab p 01", "K",
		READER_3(ZT_LOSSLESS, 3)),
	SERVICE("serve a wake", 0, "p p 1 2 &L w", "0a"),
	SERVICE("serve new memory", SCENARIO_GROWS, "p 012 B", "&G"),
	SERVICE("serve the end of old memory", SCENARIO_GROWS,
		"p 012 B G S Z u 01 abc l", "u 012 B"),
	SERVICE("tell of an eviction", SCENARIO_EVICTS, "V p 3 012abc E",
		"L u 012abc", READER_3(ZT_LOSSLESS, 1)),
	SERVICE("serve a monitor", 0, "p 012", "&M", .turns = 3),
	SERVICE("serve a monitor's end", 0, "p 012 M", "&N"),

	/* Subscribers. */
	EACH("latest", ZT_LATEST, 2),
	EACH("queue", ZT_QUEUE, 2),
	EACH("lossless", ZT_LOSSLESS, 2),
	SUBSCRIBER("take, memory added", SCENARIO_GROWS | SCENARIO_FRESH,
		   ZT_QUEUE, 2, "V 3d p 3d 0a1b2c B G S Z", TAKE(0),
		   .after = "u"),
	SUBSCRIBER("take, memory added and used",
		   SCENARIO_GROWS | SCENARIO_FRESH, ZT_LATEST, 1,
		   "V 3d p 3d 0a1b2c B G S Z u", TAKE(0)),
	SUBSCRIBER("take, memory retired", SCENARIO_GROWS | SCENARIO_FRESH,
		   ZT_QUEUE, 2, "V 3d p 3d 0a1b2c B G S Z 3 S u S", TAKE(0)),
	SUBSCRIBER("take, evicted", SCENARIO_EVICTS, ZT_LOSSLESS, 1,
		   "V p 0a1b2c l E S", TAKE(0), .after = "u"),
	SUBSCRIBER("release, the publisher waiting", 0, ZT_LOSSLESS, 2,
		   "V 3d p 3 0a p 0a &L w", RELEASE, .after = "u"),
	SUBSCRIBER("leave, the publisher waiting", 0, ZT_LOSSLESS, 2,
		   "V 3d p 0a p 0a &L w", LEAVE, .after = "u"),

	/* Not dead, only standing still. */
	PUBLISHER("publish over frames; readers take",
		  SCENARIO_RESUMES | SCENARIO_PUBLISHES, "p p 0a l",
		  DO(ACTOR_PUBLISH), .between = "q", .after = "q p"),
	PUBLISHER("publish to sleepers; readers take",
		  SCENARIO_RESUMES | SCENARIO_PUBLISHES, "p 0a1b2c 012 l",
		  DO(ACTOR_PUBLISH), .between = "q", .after = "q p"),
	PUBLISHER("publish to the full; readers release",
		  SCENARIO_RESUMES | SCENARIO_PUBLISHES, "p 012 p 10a l",
		  DO(ACTOR_PUBLISH), .between = "q", .after = "q p"),
	PUBLISHER("loan; readers take", SCENARIO_RESUMES, "p p 1 2",
		  LOAN(WORLD_HEIGHT, ZT_FOREVER), .meanwhile = "q",
		  .between = "q",
		  .after = "u"),
	STANDS("latest", ZT_LATEST, 2, " p 0a"),
	STANDS("queue", ZT_QUEUE, 2, " p 0a"),
	STANDS("lossless", ZT_LOSSLESS, 4, ""),

	/* Monitors. */
	MONITOR("watch", "p 012", DO(ACTOR_WATCH)),
	MONITOR("look", "p 012 M", DO(ACTOR_LOOK)),
	MONITOR("stop watching", "p 012 M", DO(ACTOR_UNWATCH)),
	MONITOR("list streams", "p 012", DO(ACTOR_LIST)),
};

const size_t scenario_count = sizeof(scenarios) / sizeof(scenarios[0]);
