/* SPDX-License-Identifier: MIT */
/* Publishers and readers in processes of their own: see stream.h. */
#include <grp.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "stream.h"

static int run_source(int fd, void *argument)
{
	const struct stream_source *source = argument;
	struct zt_publisher *pub = stream_create(source->name,
						 &source->options);
	uint64_t event;

	harness_send_event(fd, 0);
	if (source->wait_subscribers)
		stream_wait_subscribers(pub, source->wait_subscribers);
	for (uint64_t i = 0; i < source->frames; i++)
		stream_publish_in_time(pub, &source->format);
	harness_send_event(fd, source->frames);
	harness_wait_event(fd, 10 * HARNESS_PATIENCE, &event);
	zt_publisher_destroy(pub);
	return 0;
}

struct harness_peer stream_source_start(const struct stream_source *source)
{
	struct stream_source own = *source;
	struct harness_peer peer;

	if (!own.format.fourcc)
		own.format = stream_small();
	peer = harness_spawn(run_source, &own);
	harness_expect_event(peer.fd, 0);
	return peer;
}

bool stream_sleeps(pid_t thread)
{
	char path[64], line[512], state = '?';
	const char *after;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)thread);
	file = fopen(path, "re");
	if (!file)
		return false;
	/* pid (name) state; the name may hold anything */
	if (fgets(line, sizeof(line), file) && (after = strrchr(line, ')')))
		sscanf(after, ") %c", &state);
	fclose(file);
	return state == 'S';
}

void stream_open_directory(void)
{
	const char *directory = getenv("ZOETROPE_DIR");
	char path[512];

	snprintf(path, sizeof(path), "%s", directory);
	assert_int_equal(chmod(path, 0755), 0);
	assert_int_equal(chmod(dirname(path), 0755), 0);
}

void stream_become(unsigned int uid)
{
	assert_int_equal(setgroups(0, NULL), 0);
	assert_int_equal(setresgid(uid, uid, uid), 0);
	assert_int_equal(setresuid(uid, uid, uid), 0);
	/* It counts as another program; our death is to end it all the same. */
	prctl(PR_SET_DUMPABLE, 1);
}

#define HELD_MAX 64
#define END 0	/* to a reader: other peers may hold copies of our socket, so
		   that it would not see it close */

struct reading {
	const char *name;
	struct zt_subscriber_options options;
	unsigned int uid;
	struct zt_subscriber *sub;
	const struct zt_frame *held[HELD_MAX];
	unsigned int held_count;
};

static int64_t take(struct reading *reading, int64_t timeout_ns)
{
	const struct zt_frame *frame;
	int r = zt_take(reading->sub, timeout_ns, &frame);

	if (r < 0)
		return r;
	assert_true(stream_is_painted(frame, frame->sequence));
	reading->held[reading->held_count++] = frame;
	return (int64_t)frame->sequence;
}

static int64_t release(struct reading *reading)
{
	int64_t sequence;

	if (!reading->held_count)
		return -EINVAL;
	sequence = (int64_t)reading->held[0]->sequence;
	zt_release(reading->held[0]);
	reading->held_count--;
	memmove(reading->held, reading->held + 1,
		reading->held_count * sizeof(*reading->held));
	return sequence;
}

static int64_t check(struct reading *reading)
{
	for (unsigned int i = 0; i < reading->held_count; i++)
		if (!stream_is_painted(reading->held[i],
				       reading->held[i]->sequence))
			return -EIO;
	return reading->held_count;
}

static int64_t run(struct reading *reading)
{
	bool lossless = reading->options.delivery == ZT_LOSSLESS;
	const struct zt_frame *frame;
	uint64_t last = 0, epoch = 0;
	int64_t count = 0;

	while (zt_take(reading->sub, ZT_FOREVER, &frame) == 0) {
		assert_true(frame->epoch >= epoch);
		if (frame->epoch == epoch) {
			assert_true(frame->sequence > last);
			assert_true(!lossless || frame->sequence == last + 1);
		}
		assert_true(stream_is_painted(frame, frame->sequence));
		epoch = frame->epoch;
		last = frame->sequence;
		zt_release(frame);
		count++;
	}
	return count;
}

static int64_t obey(struct reading *reading, uint64_t verb)
{
	switch (verb) {
	case STREAM_TAKE:
		return take(reading, stream_patience());
	case STREAM_TRY:
		return take(reading, 0);
	case STREAM_RELEASE:
		return release(reading);
	case STREAM_CHECK:
		return check(reading);
	case STREAM_RUN:
		return run(reading);
	default:
		zt_subscriber_close(reading->sub);
		reading->sub = NULL;
		return 0;
	}
}

static int read_stream(int fd, void *argument)
{
	struct reading *reading = argument;
	char reason[ZT_REASON_MAX] = "";
	uint64_t verb;
	int r;

	if (reading->uid)
		stream_become(reading->uid);
	r = stream_try_open(reading->name, &reading->options, &reading->sub,
			    reason);
	if (r < 0)
		printf("refused: %s\n", reason);
	harness_send_event(fd, (uint64_t)(int64_t)r);
	if (r < 0)
		return 0;
	while (harness_wait_event(fd, 10 * HARNESS_PATIENCE, &verb) == 0 &&
	       verb != END)
		harness_send_event(fd, (uint64_t)obey(reading, verb));
	while (reading->held_count)
		release(reading);
	zt_subscriber_close(reading->sub);
	return 0;
}

struct stream_reader
stream_reader_spawn(const char *name,
		    const struct zt_subscriber_options *options,
		    unsigned int uid)
{
	struct reading reading = { .name = name, .uid = uid };

	if (options)
		reading.options = *options;
	return (struct stream_reader){ harness_spawn(read_stream, &reading) };
}

struct stream_reader
stream_reader_start(const char *name,
		    const struct zt_subscriber_options *options,
		    unsigned int uid)
{
	struct stream_reader reader = stream_reader_spawn(name, options, uid);

	assert_int_equal(stream_reader_reply(&reader), 0);
	return reader;
}

int stream_reader_refused(const char *name,
			  const struct zt_subscriber_options *options,
			  unsigned int uid)
{
	struct stream_reader reader = stream_reader_spawn(name, options, uid);
	int64_t error = stream_reader_reply(&reader);

	stream_reader_end(&reader);
	return (int)error;
}

void stream_reader_tell(struct stream_reader *reader, enum stream_verb verb)
{
	assert_true(harness_send_event(reader->peer.fd, verb));
}

int64_t stream_reader_reply(struct stream_reader *reader)
{
	uint64_t reply;
	int r = harness_wait_event(reader->peer.fd, 2 * HARNESS_PATIENCE,
				   &reply);

	if (r < 0)
		fail_msg("the reader does not reply: %s", strerror(-r));
	return (int64_t)reply;
}

int64_t stream_reader_ask(struct stream_reader *reader, enum stream_verb verb)
{
	stream_reader_tell(reader, verb);
	return stream_reader_reply(reader);
}

void stream_reader_end(struct stream_reader *reader)
{
	harness_send_event(reader->peer.fd, END);
	assert_int_equal(harness_reap(&reader->peer), 0);
}
