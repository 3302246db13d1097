/* SPDX-License-Identifier: MIT */
/* What two processes can do without the library: the limits. */
#include "measures.h"

#include <errno.h>
#include <linux/futex.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

static int eventfds[2];
static uint8_t *shared_frames;

void bare_prepare(void)
{
	int fd = memfd_create("bench-handoff", MFD_CLOEXEC);

	if (fd < 0 || ftruncate(fd, 2 * FRAME_BYTES) < 0)
		die("no memory for two frames", -errno, NULL);
	shared_frames = mmap(NULL, 2 * FRAME_BYTES, PROT_READ | PROT_WRITE,
			     MAP_SHARED | MAP_POPULATE, fd, 0);
	for (unsigned int i = 0; i < 2; i++)
		eventfds[i] = eventfd(0, EFD_CLOEXEC);
	if (shared_frames == MAP_FAILED || eventfds[0] < 0 || eventfds[1] < 0)
		die("cannot set up the bare measurements", -errno, NULL);
	close(fd);
}

static uint32_t get(struct word *word)
{
	return atomic_load_explicit(&word->value, memory_order_acquire);
}

static void set(struct word *word, uint32_t value)
{
	atomic_store_explicit(&word->value, value, memory_order_release);
}

/* A line that one side writes and the other spins on, and one for the way
   back: what a signal in one direction costs. */
static void line_ask(void *context, uint64_t n)
{
	struct arena *arena = context;

	for (uint32_t value = get(&arena->back) + 1; n; n--, value++) {
		set(&arena->there, value);
		while (get(&arena->back) != value)
			continue;
	}
}

static void line_answer(void *context, uint64_t n)
{
	struct arena *arena = context;

	for (uint32_t value = 1; n; n--, value++) {
		while (get(&arena->there) != value)
			continue;
		set(&arena->back, value);
	}
}

double bare_line(struct pair *pair, const struct measure *measure)
{
	set(&pair->arena->there, 0);
	set(&pair->arena->back, 0);
	return pair_time(pair, line_ask, line_answer, pair->arena,
			 measure->batches, measure->count) / 2;
}

/*
 * One line that both write in turn. Each side writes it by one address and
 * reads it by another that is the same: where the two look alike, processors
 * guess that a read gives what was written last, and here it never does.
 */
struct ball {
	struct word *in, *out;
};

static void ball_ask(void *context, uint64_t n)
{
	const struct ball *ball = context;

	for (uint32_t value = get(ball->in); n; n--, value += 2) {
		set(ball->out, value + 1);
		while (get(ball->in) != value + 2)
			continue;
	}
}

static void ball_answer(void *context, uint64_t n)
{
	const struct ball *ball = context;

	for (uint32_t value = 0; n; n--, value += 2) {
		while (get(ball->in) != value + 1)
			continue;
		set(ball->out, value + 2);
	}
}

double bare_ball(struct pair *pair, const struct measure *measure)
{
	struct ball ball = { &pair->arena->there, &pair->arena->there };

	set(&pair->arena->there, 0);
	return pair_time(pair, ball_ask, ball_answer, &ball,
			 measure->batches, measure->count) / 2;
}

static void futex(struct word *word, int operation, uint32_t value)
{
	long r = syscall(SYS_futex, &word->value, operation, value, NULL, NULL,
			 0);

	if (r < 0 && errno != EAGAIN && errno != EINTR)
		die("futex", -errno, NULL);
}

static void futex_pass(struct word *word)
{
	set(word, 1);
	futex(word, FUTEX_WAKE, 1);
}

static void futex_await(struct word *word)
{
	while (!get(word))
		futex(word, FUTEX_WAIT, 0);
	set(word, 0);
}

static void futex_ask(void *context, uint64_t n)
{
	struct arena *arena = context;

	for (; n; n--) {
		futex_pass(&arena->there);
		futex_await(&arena->back);
	}
}

static void futex_answer(void *context, uint64_t n)
{
	struct arena *arena = context;

	for (; n; n--) {
		futex_await(&arena->there);
		futex_pass(&arena->back);
	}
}

double bare_futex(struct pair *pair, const struct measure *measure)
{
	set(&pair->arena->there, 0);
	set(&pair->arena->back, 0);
	return pair_time(pair, futex_ask, futex_answer, pair->arena,
			 measure->batches, measure->count) / 2;
}

static void event_pass(int fd)
{
	uint64_t one = 1;

	if (write(fd, &one, sizeof(one)) != sizeof(one))
		die("write to an eventfd", -errno, NULL);
}

static void event_await(int fd)
{
	uint64_t count;

	if (read(fd, &count, sizeof(count)) != sizeof(count))
		die("read of an eventfd", -errno, NULL);
}

static void event_ask(void *context, uint64_t n)
{
	const int *fds = context;

	for (; n; n--) {
		event_pass(fds[0]);
		event_await(fds[1]);
	}
}

static void event_answer(void *context, uint64_t n)
{
	const int *fds = context;

	for (; n; n--) {
		event_await(fds[0]);
		event_pass(fds[1]);
	}
}

double bare_eventfd(struct pair *pair, const struct measure *measure)
{
	return pair_time(pair, event_ask, event_answer, eventfds,
			 measure->batches, measure->count) / 2;
}

/* Two frames' worth of shared memory, and how far each side is. */
struct buffers {
	struct arena *arena;
	uint8_t *frames[2];
	const uint8_t *source;
	enum fill fill;
	uint32_t done;
};

static void frames_alone(void *context, uint64_t n)
{
	struct buffers *buffers = context;

	for (; n; n--) {
		uint32_t number = buffers->done++;
		uint8_t *frame = buffers->frames[number % 2];

		frame_write(frame, buffers->source, buffers->fill, number);
		frame_read(frame, buffers->fill, number);
	}
}

static void frames_nothing(void *context, uint64_t n)
{
	(void)context;
	(void)n;
}

static void frames_write(void *context, uint64_t n)
{
	struct buffers *buffers = context;

	for (; n; n--) {
		uint32_t number = buffers->done++;

		/* The reader is at most at the frame before this one. */
		while (get(&buffers->arena->back) + 1 < number)
			continue;
		frame_write(buffers->frames[number % 2], buffers->source,
			    buffers->fill, number);
		set(&buffers->arena->there, number + 1);
	}
}

static void frames_read(void *context, uint64_t n)
{
	struct buffers *buffers = context;

	for (; n; n--) {
		uint32_t number = buffers->done++;

		while (get(&buffers->arena->there) <= number)
			continue;
		frame_read(buffers->frames[number % 2], buffers->fill, number);
		set(&buffers->arena->back, number + 1);
	}
}

static double time_frames(struct pair *pair, const struct measure *measure,
			  pair_work a, pair_work b)
{
	struct buffers buffers = {
		.arena = pair->arena,
		.source = frame_source(),
		.fill = measure->fill,
	};

	for (unsigned int i = 0; i < 2; i++)
		buffers.frames[i] = shared_frames + i * FRAME_BYTES;
	set(&pair->arena->there, 0);
	set(&pair->arena->back, 0);
	return pair_time(pair, a, b, &buffers, measure->batches,
			 measure->count);
}

/* One process, one processor: writes a frame, then reads it. */
double bare_frames_alone(struct pair *pair, const struct measure *measure)
{
	return time_frames(pair, measure, frames_alone, frames_nothing);
}

/* Two processes: one writes the next frame while the other reads this one. */
double bare_frames_shared(struct pair *pair, const struct measure *measure)
{
	return time_frames(pair, measure, frames_write, frames_read);
}
