/* SPDX-License-Identifier: MIT */
/* The whole public interface. Each header below can be included alone. */
#ifndef ZOETROPE_H
#define ZOETROPE_H

#include <zoetrope/version.h>
#include <zoetrope/error.h>
#include <zoetrope/format.h>
#include <zoetrope/frame.h>
#include <zoetrope/publisher.h>
#include <zoetrope/subscriber.h>
#include <zoetrope/monitor.h>

#endif
