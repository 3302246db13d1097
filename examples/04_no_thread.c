/* SPDX-License-Identifier: MIT */
/*
 * Publish from an event loop, without a thread of the library's own.
 *
 *	04_no_thread [NAME [FRAMES]]	(cam0, for ever)
 *
 * One poll() waits for the camera (here: a timer, 30 times a second) and for
 * subscribers that come, go or have something to say. Frames are made only
 * while somebody watches.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <zoetrope/zoetrope.h>

/* All that the loop works on. */
struct camera {
	struct zt_publisher *pub;
	int timer;
	unsigned long number;	/* frames published */
};

/* Grey, a little brighter with each frame. */
static int publish_one(struct camera *camera)
{
	struct zt_format format = {
		.fourcc = zt_format_by_name("GRAY8")->fourcc,
		.width = 320,
		.height = 240,
	};
	struct zt_loan *loan;
	/* A loop must not wait: 0, and -EAGAIN means "not this time". */
	int r = zt_loan(camera->pub, &format, 0, &loan);

	if (r == -EAGAIN)
		return 0;
	if (r < 0)
		return r;
	camera->number++;
	memset(loan->payload, (int)(camera->number & 255),
	       loan->format.payload_size);
	return zt_publish(camera->pub, loan);
}

static int on_timer(struct camera *camera)
{
	uint64_t expired;

	if (read(camera->timer, &expired, sizeof(expired)) != sizeof(expired))
		return -errno;
	if (zt_publisher_subscribers(camera->pub) == 0)
		return 0;
	return publish_one(camera);
}

static int loop(struct camera *camera, unsigned long frames)
{
	struct pollfd fds[] = {
		{ .fd = zt_publisher_fd(camera->pub), .events = POLLIN },
		{ .fd = camera->timer, .events = POLLIN },
	};
	int r = 0;

	while (r >= 0 && (!frames || camera->number < frames)) {
		if (poll(fds, 2, -1) < 0)
			return -errno;
		if (fds[0].revents)
			r = zt_publisher_dispatch(camera->pub);
		if (r >= 0 && fds[1].revents)
			r = on_timer(camera);
	}
	return r < 0 ? r : 0;
}

int main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : "cam0";
	unsigned long frames = argc > 2 ? strtoul(argv[2], NULL, 10) : 0;
	struct zt_publisher_options options = {
		.size = sizeof(options),
		.flags = ZT_PUBLISHER_NO_THREAD,
	};
	struct itimerspec pace = { { 0, 1000000000 / 30 },
				   { 0, 1000000000 / 30 } };
	struct camera camera = { 0 };
	char reason[ZT_REASON_MAX];
	int r;

	camera.timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
	if (camera.timer < 0 ||
	    timerfd_settime(camera.timer, 0, &pace, NULL) < 0) {
		perror("cannot make a timer");
		return 1;
	}
	r = zt_publisher_create(name, &options, &camera.pub, reason);
	if (r < 0) {
		fprintf(stderr, "cannot publish %s: %s\n", name, reason);
		close(camera.timer);
		return 1;
	}
	r = loop(&camera, frames);
	if (r < 0)
		fprintf(stderr, "%s ended: %s: %s\n", name, strerror(-r),
			zt_publisher_reason(camera.pub));
	zt_publisher_destroy(camera.pub);
	close(camera.timer);
	return r < 0;
}
