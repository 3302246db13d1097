/* SPDX-License-Identifier: MIT */
/* A font of 5 by 7 dots for numbers and times. */
#ifndef ZOETROPE_TOOL_DIGITS_H
#define ZOETROPE_TOOL_DIGITS_H

#include <stdbool.h>

/** A cell is 8 by 8 dots, the glyph and the space around it. */
#define DIGITS_CELL 8

/** "0123456789:.# ": what it can show, and in which order. */
#define DIGITS_COUNT 14

/** Which glyph shows a character; the blank where there is none. */
unsigned int digits_find(char c);

/** Whether a dot of a glyph is set; x and y below DIGITS_CELL. */
bool digits_dot(unsigned int glyph, unsigned int x, unsigned int y);

#endif
