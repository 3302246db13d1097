/* SPDX-License-Identifier: MIT */
/* Fuzzes what reads y4m: four bytes of choices, then the file. */
#include <string.h>

#include "reading.h"
#include "voice.h"
#include "y4m.h"

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	return 0;
}

/* What we write of a header says what we read from it. */
static void check_header(const struct zt_format *format)
{
	char text[Y4M_HEADER_ROOM], reason[ZT_REASON_MAX];
	struct zt_format again;
	int length = y4m_print_header(format, text, reason);

	fuzz_check(length > 1 && text[length - 1] == '\n');
	text[length - 1] = '\0';
	fuzz_check(y4m_parse_header(text, &again, reason) == 0);
	fuzz_check(memcmp(&again, format, sizeof(again)) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = { data, size };
	unsigned int fds = fuzz_fds();
	uint32_t choices = fuzz_u16(&in) | (uint32_t)fuzz_u16(&in) << 16;
	char reason[ZT_REASON_MAX] = "";
	struct source *source;

	if (source_open_y4m(reading_file(in.data, in.size), &source,
			    reason) == 0) {
		check_header(&source->format);
		reading_play(source, choices);
		source->ops->close(source);
	}
	reading_done();
	fuzz_check(fuzz_fds() == fds);
	return 0;
}
