/* SPDX-License-Identifier: MIT */
/* Reading frames from a file that holds anything, as `zoetrope pub` does. */
#ifndef FUZZ_READING_H
#define FUZZ_READING_H

#include "fuzz.h"
#include "source.h"

/* Largest frame that is read, in bytes. */
#define READING_MAX (1U << 20)

/* A file of these bytes: its path. One at a time. */
const char *reading_file(const uint8_t *data, size_t size);
void reading_done(void);

/* Take it frame by frame; `choices` says which are skipped, and so on. */
void reading_play(struct source *source, uint32_t choices);

#endif
