/* SPDX-License-Identifier: GPL-2.0-only */
/* Written from the chain and not by braid, which may be what is wrong. Not by diag(): long lines.
 */
#include "report.h"

#include <stdio.h>
#include <string.h>

#include "manifest/model.h"

static void print_constants(const struct link *l)
{
	const char *between = "#         constants: {";

	for (size_t i = 0; i < l->n_settings; i++)
		if (l->settings[i].what == CONSTANT) {
			printf("%s%s: %s", between, l->settings[i].name, l->settings[i].value);
			between = ", ";
		}
	if (*between == ',')
		puts("}");
}

static void print_map(const struct link *l, const char *name)
{
	const char *between = "entries: [";

	printf("#           %s: {", name);
	for (size_t i = 0; i < l->n_settings; i++) {
		const struct setting *s = &l->settings[i];

		if (s->what == CONSTANT || strcmp(s->name, name))
			continue;
		if (s->what == MAX_ENTRIES)
			printf("max-entries: %u, ", s->value_size);
		else if (*s->key)
			printf("%s{key: %s, value: %s}", between, s->key, s->value);
		else
			printf("%s{value: %s}", between, s->value);
		if (s->what == ENTRY)
			between = ", ";
	}
	puts(*between == ',' ? "]}" : "}");
}

static void print_maps(const struct link *l)
{
	bool any = false;

	for (size_t i = 0; i < l->n_settings; i++) {
		bool first = l->settings[i].what != CONSTANT;

		for (size_t j = 0; j < i && first; j++)
			first = l->settings[j].what == CONSTANT ||
				strcmp(l->settings[j].name, l->settings[i].name);
		if (first && !any)
			puts("#         maps:");
		if (first)
			print_map(l, l->settings[i].name);
		any |= first;
	}
}

static void print_stage(const struct link *l, const char *object)
{
	const char *between = "#         proceed-on: [";

	printf("#       - name: %s\n#         object: %s\n", l->name, object);
	for (__u32 v = 0; v < 5; v++)
		if (l->proceed_on & 1 << v) {
			printf("%s%s", between, verdict_names[v]);
			between = ", ";
		}
	if (*between == ',')
		puts("]");
	print_constants(l);
	print_maps(l);
}

void report_chain(const struct chain *c, const char *const *objects)
{
	bool any = false;

	printf("# braid: 1\n# pipelines:\n#   - name: %s\n#     hook: xdp\n#     final: %s\n",
	       c->name, c->final < 0 ? "last" : verdict_names[c->final]);
	puts("#     stages:");
	for (size_t k = 0; k < c->n; k++)
		print_stage(&c->stages[k], objects[c->stages[k].kind]);
	for (const struct share *s = c->shares; s < c->shares + SHARES; s++) {
		const char *between = "";

		if (!(s->members & (s->members - 1)))
			continue;
		printf("%s#       all-%s: [", any ? "" : "#     shared-maps:\n", s->map);
		any = true;
		for (size_t k = 0; k < c->n; k++)
			if (s->members & 1 << k) {
				printf("%s%s.%s", between, c->stages[k].name, s->map);
				between = ", ";
			}
		puts("]");
	}
	fflush(stdout);
}

void report_packets(const struct pkt *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		printf("# packet %zu, %zu bytes: ", i, v[i].len);
		for (size_t at = 0; at < v[i].len; at++)
			printf("%02x", v[i].data[at]);
		putchar('\n');
	}
	fflush(stdout);
}
