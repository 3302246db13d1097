/* SPDX-License-Identifier: MIT */
/* See stream.h. */
#include <grp.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "stream.h"

#define GOLDEN UINT64_C(0x9e3779b97f4a7c15)

int64_t stream_patience(void)
{
	return harness_limit_ns(HARNESS_PATIENCE) - harness_limit_ns(0);
}

struct zt_format stream_format(uint32_t fourcc, uint32_t width,
			       uint32_t height)
{
	struct zt_format format = {
		.fourcc = fourcc, .width = width, .height = height,
	};

	return format;
}

struct zt_format stream_small(void)
{
	return stream_format(ZT_FOURCC('B', 'G', '2', '4'), 64, 48);
}

struct zt_format stream_sized(uint64_t bytes)
{
	return stream_format(ZT_FOURCC('R', '8', ' ', ' '), 4096,
			     (uint32_t)(bytes / 4096));
}

/* What stands at the index-th eight bytes of a frame. */
static uint64_t paint_at(uint64_t seed, uint64_t index)
{
	return (seed + 1) * GOLDEN ^ index * 0x100000001;
}

void stream_paint(struct zt_loan *loan, uint64_t seed)
{
	uint64_t size = loan->bytes_used;

	for (uint64_t at = 0; at < size; at += 8) {
		uint64_t word = paint_at(seed, at / 8);

		memcpy(loan->payload + at, &word,
		       size - at < 8 ? size - at : 8);
	}
}

bool stream_is_painted(const struct zt_frame *frame, uint64_t seed)
{
	uint64_t size = frame->bytes_used;

	for (uint64_t at = 0; at < size; at += 8) {
		uint64_t word = paint_at(seed, at / 8);

		if (!memcmp(frame->payload + at, &word,
			    size - at < 8 ? size - at : 8))
			continue;
		memcpy(&word, frame->payload + at, size - at < 8 ? 1 : 8);
		print_error("frame %ju is wrong at byte %ju of %ju: 0x%jx in "
			    "place of 0x%jx\n", (uintmax_t)frame->sequence,
			    (uintmax_t)at, (uintmax_t)size, (uintmax_t)word,
			    (uintmax_t)paint_at(seed, at / 8));
		return false;
	}
	return true;
}

static void log_line(void *userdata, int level, const char *line)
{
	(void)userdata;
	printf("log %d: %s\n", level, line);
}

struct zt_publisher *
stream_create_bare(const char *name,
		   const struct zt_publisher_options *options)
{
	struct zt_publisher_options own = { 0 };
	char reason[ZT_REASON_MAX] = "";
	struct zt_publisher *pub;
	int r;

	if (options)
		own = *options;
	own.size = sizeof(own);
	if (!own.log)
		own.log = log_line;
	r = zt_publisher_create(name, &own, &pub, reason);
	if (r < 0)
		fail_msg("cannot publish %s: %s (%s)", name, reason,
			 strerror(-r));
	return pub;
}

struct zt_publisher *stream_create(const char *name,
				   const struct zt_publisher_options *options)
{
	struct zt_publisher_options own = { 0 };
	struct zt_format format = stream_small();

	if (options)
		own = *options;
	if (!own.format)
		own.format = &format;
	return stream_create_bare(name, &own);
}

static struct zt_loan *loan(struct zt_publisher *pub,
			    const struct zt_format *format, int64_t timeout_ns)
{
	struct zt_loan *loan;
	int r = zt_loan(pub, format, timeout_ns, &loan);

	if (r < 0)
		fail_msg("no loan: %s (%s)", zt_publisher_reason(pub),
			 strerror(-r));
	return loan;
}

struct zt_loan *stream_loan(struct zt_publisher *pub,
			    const struct zt_format *format)
{
	return loan(pub, format, 0);
}

struct zt_loan *stream_loan_in_time(struct zt_publisher *pub,
				    const struct zt_format *format)
{
	return loan(pub, format, stream_patience());
}

static uint64_t publish(struct zt_publisher *pub, struct zt_loan *loan)
{
	uint64_t sequence = stream_stats(pub).published + 1;

	stream_paint(loan, sequence);
	assert_int_equal(zt_publish(pub, loan), 0);
	return sequence;
}

uint64_t stream_publish(struct zt_publisher *pub,
			const struct zt_format *format)
{
	return publish(pub, stream_loan(pub, format));
}

uint64_t stream_publish_in_time(struct zt_publisher *pub,
				const struct zt_format *format)
{
	return publish(pub, stream_loan_in_time(pub, format));
}

struct zt_publisher_stats stream_stats(struct zt_publisher *pub)
{
	struct zt_publisher_stats stats = { .size = sizeof(stats) };

	assert_int_equal(zt_publisher_get_stats(pub, &stats), 0);
	return stats;
}

void stream_wait_subscribers(struct zt_publisher *pub, unsigned int count)
{
	int r = zt_publisher_wait_subscribers(pub, count, stream_patience());

	if (r < 0)
		fail_msg("%u subscribers, not %u: %s",
			 stream_stats(pub).subscribers, count, strerror(-r));
}

static int open_subscriber(const char *name,
			   const struct zt_subscriber_options *options,
			   struct zt_subscriber **ret_sub, char *reason)
{
	struct zt_subscriber_options own = { 0 };

	if (options)
		own = *options;
	own.size = sizeof(own);
	own.join_timeout_ns = own.join_timeout_ns ?
		own.join_timeout_ns : (uint64_t)stream_patience();
	return zt_subscriber_open(name, &own, ret_sub, reason);
}

struct zt_subscriber *stream_open(const char *name,
				  const struct zt_subscriber_options *options)
{
	char reason[ZT_REASON_MAX] = "";
	struct zt_subscriber *sub;
	int r = open_subscriber(name, options, &sub, reason);

	if (r < 0)
		fail_msg("cannot join %s: %s (%s)", name, reason, strerror(-r));
	return sub;
}

const char *stream_refused(const char *name,
			   const struct zt_subscriber_options *options,
			   int error)
{
	static char reason[ZT_REASON_MAX];
	struct zt_subscriber *sub = NULL;

	assert_int_equal(open_subscriber(name, options, &sub, reason), error);
	assert_null(sub);
	printf("refused: %s\n", reason);
	return reason;
}

const struct zt_frame *stream_take(struct zt_subscriber *sub)
{
	const struct zt_frame *frame;
	int r = zt_take(sub, stream_patience(), &frame);

	if (r < 0)
		fail_msg("no frame: %s (%s)", zt_subscriber_reason(sub),
			 strerror(-r));
	assert_true(stream_is_painted(frame, frame->sequence));
	return frame;
}

const struct zt_frame *stream_take_this(struct zt_subscriber *sub,
					uint64_t sequence)
{
	const struct zt_frame *frame = stream_take(sub);

	assert_int_equal(frame->sequence, sequence);
	return frame;
}

void stream_expect(struct zt_subscriber *sub, uint64_t sequence)
{
	zt_release(stream_take_this(sub, sequence));
}

static void check_error(struct zt_subscriber *sub, int r, int error)
{
	if (r != error)
		fail_msg("zt_take gives %d (%s), not %d", r,
			 r ? zt_subscriber_reason(sub) : "a frame", error);
}

void stream_expect_error(struct zt_subscriber *sub, int error)
{
	const struct zt_frame *frame;

	check_error(sub, zt_take(sub, 0, &frame), error);
}

void stream_await_error(struct zt_subscriber *sub, int error)
{
	const struct zt_frame *frame;

	check_error(sub, zt_take(sub, stream_patience(), &frame), error);
}

struct zt_subscriber_stats stream_reader_stats(struct zt_subscriber *sub)
{
	struct zt_subscriber_stats stats = { .size = sizeof(stats) };

	assert_int_equal(zt_subscriber_get_stats(sub, &stats), 0);
	return stats;
}

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
	r = open_subscriber(reading->name, &reading->options, &reading->sub,
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
