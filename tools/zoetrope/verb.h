/* SPDX-License-Identifier: MIT */
/* The verbs of the command: each takes what follows `zoetrope`. */
#ifndef ZOETROPE_TOOL_VERB_H
#define ZOETROPE_TOOL_VERB_H

/** Returns what to exit with: STATUS_… (voice.h). argv[0] is the verb. */
typedef int (*verb_fn)(int argc, char **argv);

int verb_pub(int argc, char **argv);
int verb_sub(int argc, char **argv);
int verb_ls(int argc, char **argv);
int verb_info(int argc, char **argv);
int verb_plan(int argc, char **argv);

#endif
