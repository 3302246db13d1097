/* SPDX-License-Identifier: MIT */
/* The codes of the formats that the command treats one by one. */
#ifndef ZOETROPE_TOOL_FOURCC_H
#define ZOETROPE_TOOL_FOURCC_H

#include <zoetrope/format.h>

#define FORMAT_RGB24 ZT_FOURCC('B', 'G', '2', '4')
#define FORMAT_BGR24 ZT_FOURCC('R', 'G', '2', '4')
#define FORMAT_RGBA ZT_FOURCC('A', 'B', '2', '4')
#define FORMAT_BGRA ZT_FOURCC('A', 'R', '2', '4')
#define FORMAT_RGBX ZT_FOURCC('X', 'B', '2', '4')
#define FORMAT_BGRX ZT_FOURCC('X', 'R', '2', '4')
#define FORMAT_GRAY8 ZT_FOURCC('R', '8', ' ', ' ')
#define FORMAT_GRAY16 ZT_FOURCC('R', '1', '6', ' ')
#define FORMAT_YUYV ZT_FOURCC('Y', 'U', 'Y', 'V')
#define FORMAT_UYVY ZT_FOURCC('U', 'Y', 'V', 'Y')
#define FORMAT_NV12 ZT_FOURCC('N', 'V', '1', '2')
#define FORMAT_NV21 ZT_FOURCC('N', 'V', '2', '1')
#define FORMAT_NV16 ZT_FOURCC('N', 'V', '1', '6')
#define FORMAT_I420 ZT_FOURCC('Y', 'U', '1', '2')
#define FORMAT_YV12 ZT_FOURCC('Y', 'V', '1', '2')
#define FORMAT_I422 ZT_FOURCC('Y', 'U', '1', '6')
#define FORMAT_I444 ZT_FOURCC('Y', 'U', '2', '4')
#define FORMAT_P010 ZT_FOURCC('P', '0', '1', '0')
#define FORMAT_MJPG ZT_FOURCC('M', 'J', 'P', 'G')
#define FORMAT_PNG ZT_FOURCC('P', 'N', 'G', ' ')

#endif
