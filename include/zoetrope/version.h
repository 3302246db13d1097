/* SPDX-License-Identifier: MIT */
/*
 * The library's version, and how its public names are marked. The version of
 * the shared layout is another number: see docs/layout.md.
 */
#ifndef ZOETROPE_VERSION_H
#define ZOETROPE_VERSION_H

#define ZT_VERSION_MAJOR 0
#define ZT_VERSION_MINOR 1
#define ZT_VERSION_PATCH 0
#define ZT_VERSION_TEXT "0.1.0"

#define ZT_API __attribute__((visibility("default")))

#ifdef __cplusplus
extern "C" {
#endif

/** The version of the library in use, as ZT_VERSION_TEXT. Since 0.1. */
ZT_API const char *zt_version(void);

#ifdef __cplusplus
}
#endif
#endif
