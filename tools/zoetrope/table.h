/* SPDX-License-Identifier: MIT */
/* Text in columns, each as wide as its widest cell. */
#ifndef ZOETROPE_TOOL_TABLE_H
#define ZOETROPE_TOOL_TABLE_H

#include <stdbool.h>
#include <stdio.h>

struct table_column {
	const char *title;
	bool right;		/* numbers */
};

struct table;

/** `columns` is borrowed, `count` of them. NULL: no memory. */
struct table *table_create(const struct table_column *columns, size_t count);

/** NULL is allowed. */
void table_destroy(struct table *table);

/** Add the next cell, row by row. Where memory is short it stays empty. */
void table_add(struct table *table, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/** Print titles and rows, each row behind `indent`. */
void table_print(const struct table *table, const char *indent, FILE *to);

#endif
