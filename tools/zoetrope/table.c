/* SPDX-License-Identifier: MIT */
/* Tables of strings. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "table.h"

struct table {
	const struct table_column *columns;
	size_t count, used, room;
	char **cells;
};

struct table *table_create(const struct table_column *columns, size_t count)
{
	struct table *table = calloc(1, sizeof(*table));

	if (!table)
		return NULL;
	table->columns = columns;
	table->count = count;
	return table;
}

void table_destroy(struct table *table)
{
	if (!table)
		return;
	for (size_t i = 0; i < table->used; i++)
		free(table->cells[i]);
	free(table->cells);
	free(table);
}

void table_add(struct table *table, const char *format, ...)
{
	size_t room = table->room ? table->room * 2 : 64;
	va_list arguments;
	char text[256];
	char **cells;

	if (table->used == table->room) {
		cells = realloc(table->cells, room * sizeof(*cells));
		if (!cells)
			return;
		table->cells = cells;
		table->room = room;
	}
	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	table->cells[table->used++] = strdup(text);
}

static const char *cell_text(const struct table *table, size_t i)
{
	return table->cells[i] ? table->cells[i] : "";
}

static int column_width(const struct table *table, size_t column)
{
	size_t width = strlen(table->columns[column].title), i, length;

	for (i = column; i < table->used; i += table->count) {
		length = strlen(cell_text(table, i));
		if (length > width)
			width = length;
	}
	return (int)width;
}

static void print_cell(const struct table *table, size_t column,
		       const char *text, FILE *to)
{
	int width = column_width(table, column);
	bool last = column + 1 == table->count;

	if (table->columns[column].right)
		fprintf(to, "%*s", width, text);
	else
		fprintf(to, "%-*s", last ? 0 : width, text);
	fputs(last ? "\n" : "  ", to);
}

void table_print(const struct table *table, const char *indent, FILE *to)
{
	fputs(indent, to);
	for (size_t c = 0; c < table->count; c++)
		print_cell(table, c, table->columns[c].title, to);
	for (size_t i = 0; i < table->used; i++) {
		if (i % table->count == 0)
			fputs(indent, to);
		print_cell(table, i % table->count, cell_text(table, i), to);
	}
}
