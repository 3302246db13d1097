/* SPDX-License-Identifier: MIT */
/*
 * Bytes in and out: blocks larger and smaller than the buffer come whole from
 * a pipe that gives little at a time, and gathered pieces go out in order to a
 * reader that is slow, or does not block.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "input.h"
#include "output.h"
#include "packed_rows.h"

#include "harness.h"

#define BYTES 1000000

static uint8_t expected(size_t i)
{
	return (uint8_t)(i * 2654435761U >> 13);
}

static uint8_t *make_bytes(void)
{
	uint8_t *bytes = malloc(BYTES);

	for (size_t i = 0; i < BYTES; i++)
		bytes[i] = expected(i);
	return bytes;
}

/* Reads a pipe to its end; the result is BYTES bytes. */
static void *drain(void *context)
{
	uint8_t *bytes = malloc(BYTES + 1);
	size_t used = 0;
	ssize_t got;

	while ((got = read(*(int *)context, bytes + used,
			   BYTES + 1 - used < 999 ? BYTES + 1 - used : 999)) > 0)
		used += (size_t)got;
	assert_int_equal(used, BYTES);
	return bytes;
}

/* Pieces of all lengths, most of them beside the one before. */
static void write_pieces(int fd, const uint8_t *bytes)
{
	struct output *output = malloc(sizeof(*output));
	size_t at = 0, size = 0;

	output_start(output, fd);
	while (at < BYTES) {
		size = size * 7 % 4099 + 1;
		if (size > BYTES - at)
			size = BYTES - at;
		assert_int_equal(output_add(output, bytes + at, size), 0);
		at += size;
	}
	assert_int_equal(output_flush(output), 0);
	assert_int_equal(output->written, BYTES);
	free(output);
}

static void gather_into(int flags)
{
	uint8_t *bytes = make_bytes();
	pthread_t reader;
	void *got;
	int ends[2];

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	assert_int_equal(fcntl(ends[1], F_SETFL, flags), 0);
	assert_int_equal(pthread_create(&reader, NULL, drain, &ends[0]), 0);
	write_pieces(ends[1], bytes);
	close(ends[1]);
	assert_int_equal(pthread_join(reader, &got), 0);
	assert_memory_equal(got, bytes, BYTES);
	close(ends[0]);
	free(got);
	free(bytes);
}

static void pieces_go_out_in_order(void)
{
	gather_into(0);
	gather_into(O_NONBLOCK);
}

/* More pieces that do not touch than one system call takes. */
static void scattered_pieces_go_out_in_order(void)
{
	struct output *output = malloc(sizeof(*output));
	uint8_t *bytes = make_bytes(), got[2500];
	int ends[2];

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	output_start(output, ends[1]);
	for (size_t i = 0; i < sizeof(got); i++)
		assert_int_equal(output_add(output, bytes + 2 * i, 1), 0);
	assert_int_equal(output_add(output, bytes, 0), 0);
	assert_int_equal(output_flush(output), 0);
	assert_int_equal(read(ends[0], got, sizeof(got)), sizeof(got));
	for (size_t i = 0; i < sizeof(got); i++)
		assert_int_equal(got[i], bytes[2 * i]);
	close(ends[0]);
	signal(SIGPIPE, SIG_IGN);
	assert_int_equal(output_add(output, bytes, 1), 0);
	assert_int_equal(output_flush(output), -EPIPE);
	close(ends[1]);
	free(output);
	free(bytes);
}

struct trickle {
	const uint8_t *bytes;
	size_t at, step;
};

static ssize_t read_trickle(void *context, void *into, size_t size)
{
	struct trickle *trickle = context;
	size_t part = trickle->step = trickle->step * 5 % 70001 + 1;

	if (part > size)
		part = size;
	if (part > BYTES - trickle->at)
		part = BYTES - trickle->at;
	memcpy(into, trickle->bytes + trickle->at, part);
	trickle->at += part;
	return (ssize_t)part;
}

static void blocks_come_whole(void)
{
	struct input *input = malloc(sizeof(*input));
	uint8_t *bytes = make_bytes(), *block = malloc(BYTES);
	struct trickle trickle = { bytes, 0, 1 };
	size_t at = 0, size = 0;

	input_start(input, read_trickle, &trickle);
	while (at < BYTES) {
		assert_int_equal(input_more(input), 1);
		size = size * 11 % 150001 + 1;
		if (size > BYTES - at)
			size = BYTES - at;
		if (size % 3 == 0) {
			assert_int_equal(input_skip(input, size), 0);
		} else {
			assert_int_equal(input_block(input, block, size), 0);
			assert_memory_equal(block, bytes + at, size);
		}
		at += size;
		assert_int_equal(input->offset, at);
	}
	assert_int_equal(input_more(input), 0);
	assert_int_equal(input_block(input, block, 1), -ENODATA);
	assert_int_equal(input_skip(input, 1), -ENODATA);
	free(input);
	free(block);
	free(bytes);
}

/* Rows with a stride and back are the packed picture again. */
static void packed_rows_come_back(void)
{
	static const char *const names[] = { "I420", "NV12", "RGB24", "YUYV" };
	struct input *input = malloc(sizeof(*input));
	uint8_t *bytes = make_bytes(), *payload = calloc(1, BYTES);
	struct output *output = malloc(sizeof(*output));
	uint8_t got[8192], *data[ZT_MAX_PLANES];
	int ends[2];

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct trickle trickle = { bytes, 0, 1 };
		struct zt_format format = {
			.fourcc = zt_format_by_name(names[i])->fourcc,
			.width = 33,
			.height = 17,
		};
		size_t size = (size_t)packed_rows_size(&format);

		assert_int_equal(zt_format_complete(&format), 0);
		for (unsigned int p = 0; p < format.plane_count; p++)
			data[p] = payload + format.planes[p].offset;
		input_start(input, read_trickle, &trickle);
		assert_int_equal(packed_rows_read(input, &format, data), 0);
		assert_int_equal(input->offset, size);
		output_start(output, ends[1]);
		for (unsigned int p = 0; p < format.plane_count; p++)
			assert_int_equal(packed_rows_add(output, &format, p,
							 data[p]), 0);
		assert_int_equal(output_flush(output), 0);
		assert_int_equal(read(ends[0], got, sizeof(got)), size);
		assert_memory_equal(got, bytes, size);
	}
	close(ends[0]);
	close(ends[1]);
	free(input);
	free(output);
	free(payload);
	free(bytes);
}

static const struct zt_test tests[] = {
	ZT_TEST(pieces_go_out_in_order),
	ZT_TEST(scattered_pieces_go_out_in_order),
	ZT_TEST(blocks_come_whole),
	ZT_TEST(packed_rows_come_back),
};
ZT_TEST_MAIN(tests)
