/* SPDX-License-Identifier: GPL-2.0-only */
/* Written from the chain and not by braid, which may be what is wrong. Not by diag(): long lines.
 */
#include "report.h"

#include <stdio.h>
#include <string.h>

#include "manifest/model.h"

/* Lines of what stands at this depth in the tree begin so. */
static void begin(int depth)
{
	printf("# %*s", 6 + 4 * depth, "");
}

static void print_constants(const struct link *l, int depth)
{
	const char *between = "constants: {";

	for (size_t i = 0; i < l->n_settings; i++)
		if (l->settings[i].what == CONSTANT) {
			if (*between == 'c')
				begin(depth + 1);
			printf("%s%s: %s", between, l->settings[i].name, l->settings[i].value);
			between = ", ";
		}
	if (*between == ',')
		puts("}");
}

static void print_map(const struct link *l, const char *name, int depth)
{
	const char *between = "entries: [";

	begin(depth + 2);
	printf("%s: {", name);
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

static void print_maps(const struct link *l, int depth)
{
	bool any = false;

	for (size_t i = 0; i < l->n_settings; i++) {
		bool first = l->settings[i].what != CONSTANT;

		for (size_t j = 0; j < i && first; j++)
			first = l->settings[j].what == CONSTANT ||
				strcmp(l->settings[j].name, l->settings[i].name);
		if (first && !any) {
			begin(depth + 1);
			puts("maps:");
		}
		if (first)
			print_map(l, l->settings[i].name, depth);
		any |= first;
	}
}

static void print_stage(enum hook hook, const struct link *l, const char *object, int depth)
{
	const char *between = "";

	begin(depth);
	printf("- name: %s\n", l->name);
	begin(depth);
	printf("  object: %s\n", object);
	if (l->disabled) {
		begin(depth);
		puts("  disabled: true");
	}
	if (l->rolled) {
		begin(depth);
		printf("  rollout: {object: %s, key: %s, share-maps: %s, seed: %u}\n", object,
		       rollout_key_names[l->key], l->share_maps ? "true" : "false", l->seed);
	}
	if (l->proceed_on) {
		begin(depth);
		printf("  proceed-on: [");
		for (unsigned int bit = 0; bit < 32; bit++)
			if (l->proceed_on & 1u << bit) {
				printf("%s%s", between, verdict_name(hook, verdict_of_bit(bit)));
				between = ", ";
			}
		puts("]");
	}
	print_constants(l, depth);
	print_maps(l, depth);
}

static void print_range(const struct chain *c, const char *const *objects, size_t from, size_t to,
			int outer, size_t branch, int depth);

static void print_fork(const struct chain *c, const char *const *objects, int index, int depth)
{
	const struct fork *f = &c->forks[index];

	begin(depth);
	printf("- name: %s\n", f->name);
	begin(depth);
	printf("  switch: %s\n", field_names[f->field]);
	begin(depth);
	puts("  cases:");
	for (size_t b = 0; b < f->n; b++) {
		bool rest = b + 1 == f->n;

		begin(depth);
		printf(rest ? "  default:" : "    - when: [");
		for (size_t i = 0; i < f->n_values[b] && !rest; i++)
			printf("%s%u", i ? ", " : "", f->values[b][i]);
		if (!rest) {
			puts("]");
			begin(depth);
			printf("      stages:");
		}
		puts(f->first[b] == f->first[b + 1] ? " []" : "");
		print_range(c, objects, f->first[b], f->first[b + 1], index, b, depth + 2);
	}
}

static void print_range(const struct chain *c, const char *const *objects, size_t from, size_t to,
			int outer, size_t branch, int depth)
{
	for (size_t k = from; k < to;) {
		int i = tree_fork_at(c, k, outer, branch);

		if (i < 0) {
			print_stage(c->hook, &c->stages[k], objects[c->stages[k].kind], depth);
			k++;
		} else {
			print_fork(c, objects, i, depth);
			k = c->forks[i].first[c->forks[i].n];
		}
	}
}

static void print_state(const struct chain *c, size_t index)
{
	const struct state *s = &c->states[index];

	printf("# state %zu: closed %d, verdict %u, share %u, configuration %u, paused:", index,
	       s->closed, s->verdict, s->share, s->config);
	for (size_t k = 0; k < c->n; k++)
		for (int v = 0; v < 2; v++)
			if (s->paused[v] & 1ull << k)
				printf(" %s%s", c->stages[k].name, v ? "@new" : "");
	putchar('\n');
}

/* The optimisations that are off when the pipeline is run in this way. */
static void print_off(const char *way, __u32 off)
{
	const char *between = "";

	printf("#     # %s: optimize: {", way);
	for (int i = 0; i < OPTIMIZE_ALL; i++)
		if (off & 1u << i) {
			printf("%s%s: off", between, optimize_names[i]);
			between = ", ";
		}
	puts("}");
}

void report_chain(const struct chain *c, const char *const *objects)
{
	bool any = false;

	printf("# braid: 1\n# pipelines:\n#   - name: %s\n#     hook: %s\n#     final: %s\n",
	       c->name, hook_names[c->hook],
	       c->has_final ? verdict_name(c->hook, c->final) : "last");
	printf("#     signals: %s\n", signals_names[c->signals]);
	print_off("one off", c->one_off);
	print_off("some off", c->some_off);
	puts("#     stages:");
	print_range(c, objects, 0, c->n, -1, 0, 0);
	for (const struct share *s = c->shares; s < c->shares + SHARES; s++) {
		const char *between = "";

		if (!(s->members & (s->members - 1)))
			continue;
		printf("%s#       all-%s: [", any ? "" : "#     shared-maps:\n", s->map);
		any = true;
		for (size_t k = 0; k < c->n; k++)
			if (s->members & 1ull << k) {
				printf("%s%s.%s", between, c->stages[k].name, s->map);
				between = ", ";
			}
		puts("]");
	}
	for (size_t i = 0; i < STATES; i++)
		print_state(c, i);
	fflush(stdout);
}

void report_events(const struct event *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		printf("# packet %zu, state %u, %zu bytes: ", i, v[i].state, v[i].packet.len);
		for (size_t at = 0; at < v[i].packet.len; at++)
			printf("%02x", v[i].packet.data[at]);
		putchar('\n');
	}
	fflush(stdout);
}
