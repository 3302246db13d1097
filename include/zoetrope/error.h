/* SPDX-License-Identifier: MIT */
/*
 * Errors.
 *
 * Every call that can fail returns 0 (or a count) or a negative errno value;
 * nothing sets errno. What each value means here:
 *
 *   -EAGAIN        nothing yet: no new frame, no free slot; try again
 *   -ETIMEDOUT     the same, after the time the caller gave
 *   -EINTR         a signal came while waiting
 *   -ENOENT        no publisher has this stream now
 *   -EPIPE         the stream has ended: its publisher said so
 *   -ECONNRESET    the publisher died (where reconnecting is off)
 *   -ECONNREFUSED  the publisher refused the join; the reason says why
 *   -ESHUTDOWN     evicted: this lossless subscriber made the publisher wait
 *                  longer than it allows
 *   -EBUSY         the caller holds all the frames that it may; release one
 *   -ENOBUFS       no slot for this: 64 slots or max_memory reached
 *   -ENOMEM        the machine has not the memory
 *   -EADDRINUSE    another publisher has this stream's name
 *   -EACCES, -EPERM  the runtime directory or the socket does not let us
 *   -EPROTO        the peer broke the protocol; the connection is dropped
 *   -EPROTONOSUPPORT  the peer speaks another version of the protocol
 *   -EINVAL        the caller misused the call: an argument is out of range
 *   -E2BIG         an options struct is newer than the library and asks for
 *                  what this one does not know
 *   -EMFILE, -ENFILE  out of file descriptors
 *   -ECHILD        the object belongs to the process that forked this one
 *
 * Where a reason in words exists, the call takes `ret_reason`: NULL, or room
 * for ZT_REASON_MAX bytes, which on failure holds a sentence without a full
 * stop and without a newline that says what was wrong and what to do.
 */
#ifndef ZOETROPE_ERROR_H
#define ZOETROPE_ERROR_H

#include <stdarg.h>

#include <zoetrope/version.h>

#define ZT_REASON_MAX 256

/** For time-outs, in nanoseconds: wait for ever. */
#define ZT_FOREVER (-1LL)

#ifdef __cplusplus
extern "C" {
#endif

/**
 * A line of the library's log: syslog's level (3 error, 4 warning, 6 info, 7
 * debug) and a line without a newline, valid during the call. It may come from
 * the service thread. It must not call the object that it tells about.
 */
typedef void (*zt_log_fn)(void *userdata, int level, const char *line);

#ifdef __cplusplus
}
#endif
#endif
