/* SPDX-License-Identifier: MIT */
/* See subject.h. */
#include "subject.h"

#include <errno.h>
#include <string.h>
#include <sys/inotify.h>

/*
 * In place of the C library's: to close an inotify descriptor takes
 * milliseconds, and a subscriber does without one when there is none to be had.
 */
int inotify_init1(int flags)
{
	(void)flags;
	errno = EMFILE;
	return -1;
}

void subject_begin(struct subject *subject, uint8_t kind)
{
	memset(subject, 0, sizeof(*subject));
	fake_begin(&subject->fake);
	subject->sub = fake_subscriber(kind % 3, 1 + kind / 3 % SUBJECT_HELD);
	fake_listen(&subject->fake);
}

void subject_end(struct subject *subject)
{
	while (subject->held_count > 1)
		subject_release(subject, 0);
	/* The last one outlives its subscriber. */
	zt_subscriber_close(subject->sub);
	if (subject->held_count)
		subject_release(subject, 0);
	fake_end(&subject->fake);
}

/* Every page of it is to be had. */
static void touch(const uint8_t *from, uint64_t size)
{
	const volatile uint8_t *byte = from;

	for (uint64_t i = 0; i < size; i += 1024)
		(void)byte[i];
	if (size)
		(void)byte[size - 1];
}

static bool within(const struct zti_memory *memory, const uint8_t *from,
		   uint64_t size)
{
	const uint8_t *start = memory->address;

	return start && from >= start &&
	       (uint64_t)(from - start) <= memory->size &&
	       size <= memory->size - (uint64_t)(from - start);
}

static void check_frame(const struct subject *subject,
			const struct zt_frame *frame)
{
	const struct zti_connection *conn = subject->sub->conn;
	struct zt_format format = frame->format;
	unsigned int id = 0;

	while (id < ZTI_SEGMENTS_MAX &&
	       !within(&conn->segments[id], frame->payload,
		       frame->format.payload_size))
		id++;
	fuzz_check(id < ZTI_SEGMENTS_MAX);
	fuzz_check(zt_format_complete(&format) == 0);
	fuzz_check(memcmp(&format, &frame->format, sizeof(format)) == 0);
	fuzz_check(frame->bytes_used <= format.payload_size);
	fuzz_check(frame->clock <= ZT_CLOCK_REALTIME);
	for (unsigned int p = 0; p < format.plane_count; p++)
		fuzz_check(frame->data[p] ==
			   frame->payload + format.planes[p].offset);
	touch(frame->payload, format.payload_size);
	if (!frame->metadata_used)
		return;
	fuzz_check(within(&conn->segments[id], frame->metadata,
			  frame->metadata_used));
	touch(frame->metadata, frame->metadata_used);
}

void subject_take(struct subject *subject)
{
	const struct zt_frame *frame;
	int r;

	if (subject->held_count == SUBJECT_HELD)
		subject_release(subject, 0);
	r = fake_take(subject->sub, &frame);
	fuzz_check(r <= 0);
	fuzz_check(strlen(zt_subscriber_reason(subject->sub)) <
		   ZT_REASON_MAX);
	if (r == -EPROTO)
		fuzz_check(*zt_subscriber_reason(subject->sub));
	if (r < 0)
		return;
	check_frame(subject, frame);
	subject->copies[subject->held_count] = *frame;
	subject->held[subject->held_count++] = frame;
}

void subject_release(struct subject *subject, unsigned int index)
{
	const struct zt_frame *frame;

	if (index >= subject->held_count)
		return;
	frame = subject->held[index];
	fuzz_check(memcmp(frame, &subject->copies[index], sizeof(*frame)) ==
		   0);
	touch(frame->payload, frame->format.payload_size);
	touch(frame->metadata, frame->metadata_used);
	zt_release(frame);
	subject->held_count--;
	for (; index < subject->held_count; index++) {
		subject->held[index] = subject->held[index + 1];
		subject->copies[index] = subject->copies[index + 1];
	}
}

void subject_describe(struct subject *subject, struct fuzz_input *in)
{
	uint8_t choice = fuzz_u8(in);
	struct zti_slot *desc = &subject->fake.board->slots[choice / 16 % 4];
	uint64_t value = fuzz_value(in);
	struct zt_plane *plane = &desc->format.planes[value % 4];

	switch (choice % 16) {
	case 0:
		desc->sequence.word = value;
		break;
	case 1:
		desc->bytes_used = value;
		break;
	case 2:
		desc->offset = value;
		break;
	case 3:
		desc->segment = (uint32_t)value;
		break;
	case 4:
		desc->format_serial++;
		break;
	case 5:
		desc->metadata_used = (uint32_t)value;
		break;
	case 6:
		desc->metadata_offset = value;
		break;
	case 7:
		desc->published_ns = (int64_t)value;
		break;
	case 8:
		desc->clock = (uint32_t)value;
		break;
	case 9:
		desc->format.payload_size = value;
		break;
	case 10:
		plane->offset = fuzz_value(in);
		break;
	case 11:
		plane->stride = (uint32_t)fuzz_value(in);
		break;
	case 12:	/* another whole format, as good as any */
		memset(&desc->format, 0, sizeof(desc->format));
		desc->format.fourcc = ZT_FOURCC('Y', 'U', '1', '2');
		desc->format.width = 16 + value % 64;
		desc->format.height = 16;
		zt_format_complete(&desc->format);
		desc->format_serial++;
		break;
	case 13:
		desc->sequence.word = ++subject->fake.sequence;
		break;
	default:
		fuzz_bytes(in, (uint8_t *)desc + value % sizeof(*desc),
			   sizeof(*desc) - value % sizeof(*desc));
	}
}

void subject_write_page(struct subject *subject, struct fuzz_input *in)
{
	struct zti_page *page = subject->fake.page;
	uint8_t choice = fuzz_u8(in);

	switch (choice % 8) {
	case 0:
		page->offered.word = fuzz_u64(in);
		break;
	case 1:
		page->returned.word = fuzz_u64(in);
		break;
	case 2:
		page->messages.word++;
		break;
	case 3:
		page->waiting.word = choice / 8;
		break;
	case 4:
		subject->fake.board->waiting.word = choice / 8 & 1;
		break;
	case 5:
		fuzz_bytes(in, page, sizeof(*page));
		break;
	default:
		page->offered.word |= 1ULL << choice / 8 % 8;
	}
}
