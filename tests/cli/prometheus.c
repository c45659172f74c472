/* SPDX-License-Identifier: GPL-2.0-only */
#include "prometheus.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/text.h"
#include "tap.h"

/* What the comments above the samples have said. */
struct family {
	char name[128];
	bool has_help, has_type, counter;
};

struct checker {
	struct family now;
	ARRAY(char *) done; /* names of families, and samples with their labels */
	int line, faults;
};

static void fault(struct checker *c, const char *what, const char *line)
{
	diag("line %d: %s: %.*s", c->line, what, (int)strcspn(line, "\n"), line);
	c->faults++;
}

/* false: it was there before. */
static bool once(struct checker *c, const char *text, size_t n)
{
	char *copy = strndup(text, n);

	array_foreach (old, &c->done)
		if (text_eq(*old, copy)) {
			free(copy);
			return false;
		}
	if (!copy || !array_add(&c->done, copy))
		bail_out("out of memory");
	return true;
}

static size_t name_length(const char *at)
{
	size_t n = 0;

	while (isalpha((unsigned char)at[n]) || at[n] == '_' || at[n] == ':' ||
	       (n && isdigit((unsigned char)at[n])))
		n++;
	return n;
}

/* "# HELP name text", "# TYPE name type": each once, in front of all samples. */
static void check_comment(struct checker *c, const char *line)
{
	bool is_help = text_has_prefix(line, "# HELP ");
	const char *name = line + 7;
	size_t n;

	if (!is_help && !text_has_prefix(line, "# TYPE ")) {
		fault(c, "neither help nor type", line);
		return;
	}
	n = name_length(name);
	if (!n || n >= sizeof(c->now.name) || name[n] != ' ' || !text_has_prefix(name, "braid_"))
		fault(c, "no name", line);
	if (strlen(c->now.name) != n || strncmp(name, c->now.name, n) != 0) {
		c->now = (struct family){};
		snprintf(c->now.name, sizeof(c->now.name), "%.*s", (int)n, name);
		if (!once(c, name, n))
			fault(c, "a family in two places", line);
	}
	if (is_help ? c->now.has_help : c->now.has_type)
		fault(c, "said twice", line);
	if (is_help) {
		c->now.has_help = true;
		return;
	}
	c->now.has_type = true;
	c->now.counter = text_has_prefix(name + n, " counter\n");
	if (!c->now.counter && !text_has_prefix(name + n, " gauge\n"))
		fault(c, "an unknown type", line);
	if (c->now.counter != (n > 6 && text_has_prefix(name + n - 6, "_total ")))
		fault(c, "counters end in _total, and nothing else does", line);
}

/* Behind the opening brace. Return: behind the closing one; NULL: wrong. */
static const char *skip_labels(const char *at)
{
	for (;;) {
		size_t n = name_length(at);

		if (!n || at[n] != '=' || at[n + 1] != '"' ||
		    strchr("\"}", at[n + 2]) == at + n + 2)
			return NULL; /* an empty value is no label */
		at += n + 2;
		for (; *at != '"'; at++) {
			if (*at == '\\' && !strchr("\\\"n", *++at))
				return NULL;
			if (*at == '\n' || !*at)
				return NULL;
		}
		if (*++at == '}')
			return at + 1;
		if (*at++ != ',')
			return NULL;
	}
}

static void check_sample(struct checker *c, const char *line)
{
	size_t n = name_length(line);
	const char *at = line + n;
	char *end;

	if (n != strlen(c->now.name) || strncmp(line, c->now.name, n) != 0)
		fault(c, "not below its comments", line);
	if (!c->now.has_help || !c->now.has_type)
		fault(c, "without help or type", line);
	if (*at == '{')
		at = skip_labels(at + 1);
	if (!at || *at != ' ') {
		fault(c, "wrong labels", line);
		return;
	}
	if (!once(c, line, at - line))
		fault(c, "a sample twice", line);
	if (strtod(at + 1, &end) < 0 || end == at + 1 || *end != '\n')
		fault(c, "no number", line);
}

void prometheus_check(const char *text)
{
	struct checker c = {};

	ok(*text && text[strlen(text) - 1] == '\n', "the last line ends");
	for (const char *line = text; *line; line = strchr(line, '\n') + 1) {
		c.line++;
		if (!strchr(line, '\n'))
			break;
		if (*line == '#')
			check_comment(&c, line);
		else
			check_sample(&c, line);
	}
	ok(c.line > 20, "%d lines", c.line);
	is_int(c.faults, 0, "all as Prometheus wants them");
	array_foreach (old, &c.done)
		free(*old);
	array_done(&c.done);
}

static bool has_labels(const char *line, const char *const *labels)
{
	size_t n = strcspn(line, "\n");

	for (; *labels; labels++) {
		const char *at = memmem(line, n, *labels, strlen(*labels));

		if (!at || (at[-1] != '{' && at[-1] != ','))
			return false;
	}
	return true;
}

double prometheus_value(const char *text, const char *name, const char *const *labels)
{
	double found = -1;
	size_t n = strlen(name);

	for (const char *line = text; *line; line = strchr(line, '\n') + 1) {
		if (strncmp(line, name, n) != 0 || !strchr("{ ", line[n]) ||
		    !has_labels(line, labels))
			continue;
		if (found != -1)
			return -2;
		found = atof(line + strcspn(line, "\n") -
			     strlen(strrchr(strndupa(line, strcspn(line, "\n")), ' ')));
	}
	return found;
}
