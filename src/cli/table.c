/* SPDX-License-Identifier: GPL-2.0-only */
#include <libsmartcols.h>
#include <stdarg.h>

#include "cli/cli.h"

struct table {
	struct libscols_table *t;
	size_t n;
};

static void out_of_memory(void)
{
	fputs("braid: out of memory\n", stderr);
	exit(EXIT_FAILED);
}

struct table *table_new(const char *const *headings, size_t n)
{
	struct table *t = malloc(sizeof(*t));

	if (!t || !(t->t = scols_new_table()))
		out_of_memory();
	scols_table_enable_minout(t->t, 1); /* no blanks behind the last column */
	t->n = n;
	for (size_t i = 0; i < n; i++) {
		bool right = headings[i][0] == '>';

		if (!scols_table_new_column(t->t, headings[i] + right, 0,
					    right        ? SCOLS_FL_RIGHT
					    : i + 1 == n ? SCOLS_FL_WRAP
							 : 0))
			out_of_memory();
	}
	return t;
}

void table_row(struct table *t, ...)
{
	struct libscols_line *line = scols_table_new_line(t->t, NULL);
	va_list ap;

	if (!line)
		out_of_memory();
	va_start(ap, t);
	for (size_t i = 0; i < t->n; i++)
		if (scols_line_set_data(line, i, va_arg(ap, const char *) ?: ""))
			out_of_memory();
	va_end(ap);
}

void table_print(struct table *t)
{
	scols_print_table(t->t);
	scols_unref_table(t->t);
	free(t);
}
