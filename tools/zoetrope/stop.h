/* SPDX-License-Identifier: MIT */
/*
 * Ending on a signal. SIGINT and SIGTERM ask the command to stop; its loops
 * look at stop_requested(), and calls that wait return EINTR.
 */
#ifndef ZOETROPE_TOOL_STOP_H
#define ZOETROPE_TOOL_STOP_H

#include <stdbool.h>

/** Catch SIGINT and SIGTERM, ignore SIGPIPE. Once, before any thread. */
void stop_prepare(void);

/** Whether a signal asked for the end. */
bool stop_requested(void);

#endif
