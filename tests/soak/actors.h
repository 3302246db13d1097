/* SPDX-License-Identifier: MIT */
/*
 * The processes of the soak. Each lives in a child of the driver's, decides
 * what it does by its dice, and returns its exit status: 0, whatever it found
 * (that stands in the ledger).
 */
#ifndef SOAK_ACTORS_H
#define SOAK_ACTORS_H

#include "dice.h"
#include "ledger.h"

/* Publishes the stream until it is told to end it. */
int publisher_run(unsigned int stream, struct dice dice);

/* Joins the stream, reads, leaves; again and again. */
int reader_run(unsigned int number, struct dice dice);

/* Looks at the stream for a while. */
int watcher_run(unsigned int number, unsigned int stream, struct dice dice);

/* Compares what all sides say about a stream that is at rest: see audit.c. */
int auditor_run(unsigned int stream, uint32_t audit);

#endif
