/* SPDX-License-Identifier: MIT */
/* The version of the library, for programs that link it at run time. */
#include <zoetrope/version.h>

const char *zt_version(void)
{
	return ZT_VERSION_TEXT;
}
