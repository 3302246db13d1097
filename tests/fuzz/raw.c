/* SPDX-License-Identifier: MIT */
/* Fuzzes what reads raw frames: choices, format and size, then the file. */
#include "reading.h"
#include "voice.h"

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = { data, size };
	unsigned int fds = fuzz_fds();
	uint32_t choices = fuzz_u16(&in) | (uint32_t)fuzz_u16(&in) << 16;
	const struct zt_format_info *info = zt_format_by_index(fuzz_u8(&in));
	struct zt_format format = {
		.width = 1 + fuzz_u8(&in), .height = 1 + fuzz_u8(&in),
	};
	char reason[ZT_REASON_MAX] = "";
	struct source *source;

	/* The command takes no others: see pub_options.c. */
	if (!info || info->kind == ZT_KIND_COMPRESSED)
		return 0;
	format.fourcc = info->fourcc;
	if (source_open_raw(reading_file(in.data, in.size), &format, &source,
			    reason) == 0) {
		reading_play(source, choices);
		source->ops->close(source);
	}
	reading_done();
	fuzz_check(fuzz_fds() == fds);
	return 0;
}
