/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Readers of sequences: stages, and choices with sequences in their branches. */
#include <errno.h>

#include "base/error.h"
#include "base/text.h"
#include "manifest/check.h"
#include "manifest/choice.h"
#include "manifest/edit.h"
#include "manifest/read.h"

static int read_name(struct reading *r, const struct node *n, void *choice)
{
	struct choice *c = choice;

	c->at = n->at;
	return read_text(r, n, "name", &c->name);
}

static int read_switch(struct reading *r, const struct node *n, void *choice)
{
	struct choice *c = choice;
	unsigned int i;
	int res = read_word(r, n, "switch", field_names, &i);

	if (!res)
		c->field = i;
	return res;
}

/* Where the values of a case go: the branch that was begun last. */
static int read_when(struct reading *r, const struct node *n, void *choice)
{
	struct choice *c = choice;
	size_t branch = c->branches.n - 1;
	int res;

	if (n->kind == NODE_SCALAR)
		return choice_add_value(c, branch, r->pipeline->hook, n->text, n->at, r->err);
	res = expect(r, n, NODE_LIST, "when");
	if (!res && n->items.n == 0)
		res = error_code(error_hint(place_error(r->err, n->at, "when: the list is empty"),
					    "what no case names goes through 'default'"));
	array_foreach (item, &n->items) {
		res = res ?: expect(r, *item, NODE_SCALAR, "when");
		res = res
			      ?: choice_add_value(c, branch, r->pipeline->hook, (*item)->text,
						  (*item)->at, r->err);
	}
	return res;
}

/* Only the values: the choice must be in the pipeline before stages can be in it. */
static int read_cases(struct reading *r, const struct node *n, void *choice)
{
	struct choice *c = choice;
	struct branch *b;
	int res = expect(r, n, NODE_LIST, "cases");

	if (!res && n->items.n == 0)
		res = error_code(place_error(r->err, n->at, "cases: the list is empty"));
	array_foreach (item, &n->items) {
		if (res)
			return res;
		b = array_push(&c->branches);
		if (!b)
			return error_oom(r->err);
		b->at = (*item)->at;
		res = read_map(r, *item, &case_table, c);
	}
	if (!res && !array_push(&c->branches))
		return error_oom(r->err);
	return res;
}

static int read_branches(struct reading *r, const struct node *n, __u32 choice)
{
	const struct node *cases = node_get(n, "cases"), *rest = node_get(n, "default");
	int res = 0;

	for (size_t i = 0; i < cases->items.n && !res; i++) {
		const struct node *steps = node_get(cases->items.v[i], "stages");

		res = expect(r, steps, NODE_LIST, "stages") ?: read_steps(r, steps, choice, i);
	}
	if (!res && rest)
		res = expect(r, rest, NODE_LIST, "default")
			      ?: read_steps(r, rest, choice, cases->items.n);
	return res;
}

static int read_choice(struct reading *r, const struct node *n, __u32 choice, __u32 branch)
{
	_cleanup_(choice_done) struct choice c = {.choice = choice, .branch = branch};
	struct braid_pipeline *p = r->pipeline;
	int res = read_map(r, n, &choice_table, &c) ?: pipeline_add_choice(p, &c, r->err);
	__u32 added = p->choices.n;

	return res ?: read_branches(r, n, added) ?: choice_check(p, added, r->err);
}

static int read_stage(struct reading *r, const struct node *n, __u32 choice, __u32 branch)
{
	_cleanup_(stage_done) struct stage s = {.choice = choice, .branch = branch};
	int res = read_map(r, n, &stage_table, &s);

	return res ?: pipeline_add_stage(r->pipeline, &s, r->err);
}

int read_steps(struct reading *r, const struct node *n, __u32 choice, __u32 branch)
{
	int res = 0;

	for (size_t i = 0; i < n->items.n && !res; i++) {
		const struct node *item = n->items.v[i];

		if (item->kind == NODE_MAP && (node_get(item, "switch") || node_get(item, "cases")))
			res = read_choice(r, item, choice, branch);
		else
			res = read_stage(r, item, choice, branch);
	}
	return res;
}

/* The field comes before the values, which are its. */
static const struct key choice_keys[] = {
	{"name", KEY_TEXT, true, .read = read_name},
	{"switch", KEY_WORD, true, field_names, read_switch},
	{"cases", KEY_LIST, true, .read = read_cases},
	{"default", KEY_LIST, false},
};
TABLE(choice, "a choice", "choice");

static const struct key case_keys[] = {
	{"when", KEY_ANY, true, .read = read_when},
	{"stages", KEY_LIST, true},
};
TABLE(case, "a case", "case");
