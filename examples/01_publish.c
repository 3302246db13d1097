/* SPDX-License-Identifier: MIT */
/*
 * Publish a stream: a picture that moves, 30 times a second.
 *
 *	01_publish [NAME [FRAMES]]	(cam0, until interrupted)
 *
 * The pixels are written straight into shared memory; whoever subscribes reads
 * them there. The frame that nobody took is simply written over: a publisher
 * like this one waits for nobody.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <zoetrope/zoetrope.h>

static volatile sig_atomic_t stop;

static void on_signal(int signal)
{
	(void)signal;
	stop = 1;
}

/* Rows begin at multiples of the plane's stride, which may exceed the width. */
static void paint(const struct zt_loan *loan, unsigned long number)
{
	const struct zt_format *format = &loan->format;

	for (uint32_t y = 0; y < format->height; y++) {
		uint8_t *pixel = loan->data[0] +
				 (size_t)y * format->planes[0].stride;

		for (uint32_t x = 0; x < format->width; x++, pixel += 3) {
			pixel[0] = (uint8_t)(x + number);
			pixel[1] = (uint8_t)y;
			pixel[2] = (uint8_t)number;
		}
	}
}

static int publish_one(struct zt_publisher *pub, unsigned long number)
{
	struct zt_format format = {
		.fourcc = zt_format_by_name("RGB24")->fourcc,
		.width = 640,
		.height = 480,
		.frame_rate = { 30, 1 },
	};
	struct zt_loan *loan;
	int r = zt_loan(pub, &format, ZT_FOREVER, &loan);

	if (r < 0)
		return r;
	paint(loan, number);
	return zt_publish(pub, loan);
}

/* A camera would set the pace; here the clock does. */
static void wait_for_next(struct timespec *next)
{
	next->tv_nsec += 1000000000 / 30;
	if (next->tv_nsec >= 1000000000) {
		next->tv_nsec -= 1000000000;
		next->tv_sec++;
	}
	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, next, NULL);
}

int main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : "cam0";
	unsigned long frames = argc > 2 ? strtoul(argv[2], NULL, 10) : 0;
	struct zt_publisher_options options = { .size = sizeof(options) };
	struct sigaction action = { .sa_handler = on_signal };
	char reason[ZT_REASON_MAX];
	struct zt_publisher *pub;
	struct timespec next;
	int r;

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	r = zt_publisher_create(name, &options, &pub, reason);
	if (r < 0) {
		fprintf(stderr, "cannot publish %s: %s\n", name, reason);
		return 1;
	}

	clock_gettime(CLOCK_MONOTONIC, &next);
	for (unsigned long n = 1; !stop && (!frames || n <= frames); n++) {
		r = publish_one(pub, n);
		if (r < 0)
			break;
		wait_for_next(&next);
	}
	if (r < 0 && r != -EINTR)
		fprintf(stderr, "%s ended: %s: %s\n", name, strerror(-r),
			zt_publisher_reason(pub));

	/* Subscribers take what is left and see that the stream has ended. A
	   publisher that dies instead, they wait for to come back. */
	zt_publisher_destroy(pub);
	return r < 0 && r != -EINTR;
}
