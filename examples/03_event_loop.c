/* SPDX-License-Identifier: MIT */
/*
 * Subscribe from an event loop: the stream is one file descriptor among
 * others.
 *
 *	03_event_loop [NAME]		(cam0)
 *
 * Counts frames and prints the count once a second, by a timer that the same
 * poll() waits for. Every frame counts here, so the delivery is `queue`: in
 * order, up to 8 waiting, the oldest dropped when we are slower than that.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <zoetrope/zoetrope.h>

struct counter {
	unsigned long frames, missed;
};

/*
 * Take all there is, until -EAGAIN: only then does the fd promise to become
 * readable for the next frame.
 */
static int drain(struct zt_subscriber *sub, struct counter *counter)
{
	const struct zt_frame *frame;
	int r;

	while ((r = zt_take(sub, 0, &frame)) == 0) {
		counter->frames++;
		counter->missed += frame->dropped;
		zt_release(frame);
	}
	return r == -EAGAIN ? 0 : r;
}

static void tick(int timer, const struct counter *counter)
{
	uint64_t expired;

	if (read(timer, &expired, sizeof(expired)) != sizeof(expired))
		return;
	printf("%lu frames, %lu missed\n", counter->frames, counter->missed);
	fflush(stdout);
}

static int loop(struct zt_subscriber *sub, int timer, struct counter *counter)
{
	struct pollfd fds[] = {
		{ .fd = zt_subscriber_fd(sub), .events = POLLIN },
		{ .fd = timer, .events = POLLIN },
	};
	/* Before the first poll() there may be frames already. */
	int r = drain(sub, counter);

	while (r == 0) {
		if (poll(fds, 2, -1) < 0)
			return -errno;
		if (fds[0].revents)
			r = drain(sub, counter);
		if (fds[1].revents)
			tick(timer, counter);
	}
	return r;
}

int main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : "cam0";
	struct zt_subscriber_options options = {
		.size = sizeof(options),
		.flags = ZT_SUBSCRIBER_WAIT,
		.delivery = ZT_QUEUE,
		.depth = 8,
	};
	struct itimerspec second = { { 1, 0 }, { 1, 0 } };
	struct counter counter = { 0, 0 };
	char reason[ZT_REASON_MAX];
	struct zt_subscriber *sub;
	int timer, r;

	timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
	if (timer < 0 || timerfd_settime(timer, 0, &second, NULL) < 0) {
		perror("cannot make a timer");
		return 1;
	}
	r = zt_subscriber_open(name, &options, &sub, reason);
	if (r < 0) {
		fprintf(stderr, "cannot subscribe to %s: %s\n", name, reason);
		close(timer);
		return 1;
	}
	r = loop(sub, timer, &counter);
	if (r != -EPIPE)
		fprintf(stderr, "%s: %s: %s\n", name, strerror(-r),
			zt_subscriber_reason(sub));
	else
		printf("%s ended: %lu frames, %lu missed\n", name,
		       counter.frames, counter.missed);
	zt_subscriber_close(sub);
	close(timer);
	return r != -EPIPE;
}
