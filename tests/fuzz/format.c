/* SPDX-License-Identifier: MIT */
/* Fuzzes the checks of formats, which see what a publisher's board says. */
#include <string.h>

#include <zoetrope/format.h>

#include "fuzz.h"

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	return 0;
}

/* A format by and by, of values that come near to being good. */
static struct zt_format make_format(struct fuzz_input *in)
{
	struct zt_format format = { 0 };
	uint8_t which = fuzz_u8(in);
	const struct zt_format_info *info = zt_format_by_index(which % 64);

	format.fourcc = info ? info->fourcc : (uint32_t)fuzz_u64(in);
	format.width = (uint32_t)fuzz_value(in);
	format.height = (uint32_t)fuzz_value(in);
	while (fuzz_more(in)) {
		uint8_t field = fuzz_u8(in);
		uint64_t value = fuzz_value(in);
		struct zt_plane *plane = &format.planes[field / 16 % 4];

		switch (field % 16) {
		case 0:
			format.interlacing = (uint32_t)value;
			break;
		case 1:
			format.visible.x = (uint32_t)value;
			format.visible.width = (uint32_t)fuzz_value(in);
			break;
		case 2:
			format.visible.y = (uint32_t)value;
			format.visible.height = (uint32_t)fuzz_value(in);
			break;
		case 3:
			memcpy(&format.colour, &value, sizeof(format.colour));
			break;
		case 4:
			format.frame_rate.num = (uint32_t)value;
			format.frame_rate.den = (uint32_t)fuzz_value(in);
			break;
		case 5:
			format.pixel_aspect.num = (uint32_t)value;
			format.pixel_aspect.den = (uint32_t)fuzz_value(in);
			break;
		case 6:
			format.payload_size = value;
			break;
		case 7:
			format.plane_count = (uint32_t)value;
			break;
		case 8:
			format.reserved[field / 16 % 5] = (uint32_t)value;
			break;
		case 9:
			plane->offset = value;
			break;
		case 10:
			plane->size = value;
			break;
		case 11:
			plane->stride = (uint32_t)value;
			break;
		case 12:
			plane->reserved = (uint32_t)value;
			break;
		case 13:	/* as somebody else would have laid it out */
			zt_format_complete(&format);
			break;
		default:
			fuzz_bytes(in, &format, value % sizeof(format));
		}
	}
	return format;
}

/* Whatever a complete format says lies within its payload. */
static void check_complete(const struct zt_format *format)
{
	const struct zt_format_info *info = zt_format_info(format->fourcc);
	struct zt_format again = *format;

	fuzz_check(info);
	fuzz_check(format->width >= 1 && format->width <= 65536);
	fuzz_check(format->height >= 1 && format->height <= 65536);
	fuzz_check(format->payload_size <= 1ULL << 40);
	fuzz_check(format->plane_count == info->plane_count);
	fuzz_check(format->visible.x <= format->width &&
		   format->visible.width <= format->width - format->visible.x);
	fuzz_check(format->visible.y <= format->height &&
		   format->visible.height <=
			   format->height - format->visible.y);
	for (unsigned int p = 0; p < format->plane_count; p++) {
		const struct zt_plane *plane = &format->planes[p];
		uint64_t rows = zt_format_rows(info, format->height, p);
		uint64_t bytes = zt_format_row_bytes(info, format->width, p);

		fuzz_check(plane->offset <= format->payload_size);
		fuzz_check(plane->size <= format->payload_size - plane->offset);
		if (info->kind == ZT_KIND_COMPRESSED)
			continue;
		fuzz_check(plane->stride >= bytes);
		fuzz_check((rows - 1) * plane->stride + bytes <= plane->size);
	}
	fuzz_check(zt_format_complete(&again) == 0);
	fuzz_check(memcmp(&again, format, sizeof(again)) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = { data, size };
	struct zt_format asked = make_format(&in), format = asked;
	char text[11];

	if (zt_format_complete(&format) == 0)
		check_complete(&format);
	else
		fuzz_check(memcmp(&format, &asked, sizeof(format)) == 0);
	format = asked;
	if (zt_format_complete_packed(&format) == 0)
		check_complete(&format);
	else
		fuzz_check(memcmp(&format, &asked, sizeof(format)) == 0);
	fuzz_check(zt_fourcc_text(asked.fourcc, text) == text);
	return 0;
}
