/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * From the manifest's tree of stages and choices to the plan's list, in which each stage
 * says where control goes on. Disabled stages are left out. A choice gets code of braid's
 * own in front of its branches (or the stage in front of it is what chooses); a stage with a
 * candidate gets some, too, that sends packets to one of both.
 */
#include <errno.h>

#include "base/error.h"
#include "base/text.h"
#include "compose/builtin.h"
#include "compose/plan.h"
#include "manifest/choice.h"

/* A way whose end is not known yet: of a stage's case, or its `next`. */
struct open_way {
	__u32 stage;
	int which; /* of the cases; -1: next */
};

struct ways {
	ARRAY(struct open_way) list;
};

struct graph {
	struct braid_plan *plan;
	const struct braid_pipeline *p;
	struct ways open; /* what leads to the stage that is added next */
	struct braid_error *err;
};

static int add_way(struct graph *g, struct ways *ways, __u32 stage, int which)
{
	return array_add(&ways->list, ((struct open_way){stage, which})) ? 0 : error_oom(g->err);
}

static void close_ways(struct graph *g, __u32 end)
{
	array_foreach (way, &g->open.list) {
		struct plan_stage *ps = &g->plan->stages.v[way->stage];

		if (way->which < 0)
			ps->next = end;
		else
			ps->cases.v[way->which].next = end;
	}
	g->open.list.n = 0;
}

/* A new last one, to which all open ways lead. */
static struct plan_stage *push(struct graph *g)
{
	struct plan_stage *ps = array_push(&g->plan->stages);

	if (ps)
		close_ways(g, ps - g->plan->stages.v);
	return ps;
}

/* "guard@new": a stage that the manifest does not have. @like: NULL, or what it is like. */
static struct stage *new_stage(const struct stage *like, char *name)
{
	struct stage *s = calloc(1, sizeof(*s));

	if (!s || !name) {
		free(s);
		free(name);
		return NULL;
	}
	if (like)
		*s = *like;
	s->name = name;
	s->candidate = NULL;
	return s;
}

/* One of braid's own programs, which chooses a way. */
static int add_chooser(struct graph *g, char *name, enum builtin which, const char *program,
		       __u32 *ret)
{
	struct plan_stage *ps = push(g);
	int r;

	if (!ps) {
		free(name);
		return error_oom(g->err);
	}
	ps->stage = ps->own = new_stage(NULL, name);
	ps->ns = ps->own ? stage_name_space(ps->own->name) : NULL;
	if (!ps->ns)
		return error_oom(g->err);
	ps->internal = ps->chooses = ps->frags = true;
	r = builtin_unit(builtin_for(which, g->p->hook), &ps->unit, g->err);
	if (r)
		return r;
	ps->func = unit_find_func(ps->unit, program);
	*ret = ps - g->plan->stages.v;
	return plan_stage_measure(ps, g->err);
}

static int add_stage(struct graph *g, const struct stage *s, __u32 *ret)
{
	struct plan_stage *ps = push(g);
	int r = ps ? plan_stage_load(ps, g->p, s, g->err) : error_oom(g->err);

	if (!r)
		*ret = ps - g->plan->stages.v;
	return r;
}

static int add_candidate(struct graph *g, const struct stage *s, __u32 *ret)
{
	const struct candidate *c = s->candidate;
	struct plan_stage *ps = push(g);
	struct stage *own;

	own = ps ? new_stage(s, text_fmt("%s@new", s->name)) : NULL;
	if (!own)
		return error_oom(g->err);
	own->object = c->object;
	own->bytes = c->bytes;
	own->size = c->size;
	own->program = c->program ?: s->program;
	ps->own = own;
	ps->is_candidate = true;
	*ret = ps - g->plan->stages.v;
	return plan_stage_load(ps, g->p, own, g->err);
}

/* A stage in a rollout: both versions behind what sends packets to them. */
static int add_rollout(struct graph *g, const struct stage *s, __u32 *ret_both)
{
	__u32 sender;
	int r = add_chooser(g, text_fmt("%s@share", s->name), BUILTIN_ROLLOUT,
			    builtin_keys[s->candidate->key], &sender);

	if (r)
		return r;
	g->plan->stages.v[sender].by_share = true;
	if (!array_add(&g->plan->stages.v[sender].cases, ((struct splice_case){})))
		return error_oom(g->err);
	r = add_way(g, &g->open, sender, -1) ?: add_stage(g, s, &ret_both[0]);
	r = r ?: add_way(g, &g->open, sender, 0) ?: add_candidate(g, s, &ret_both[1]);
	for (int i = 0; i < 2 && !r; i++) {
		g->plan->stages.v[ret_both[i]].in_rollout = true;
		g->plan->stages.v[ret_both[i]].sender = sender;
	}
	return r;
}

/* Does the step behind @s look at what it returns? */
static const struct choice *seen_by(const struct graph *g, const struct stage *s)
{
	for (__u32 c = 1; c <= g->p->choices.n; c++)
		if (g->p->choices.v[c - 1].field == FIELD_RESULT && choice_classifier(g->p, c) == s)
			return &g->p->choices.v[c - 1];
	return NULL;
}

static int add_step(struct graph *g, const struct stage *s)
{
	const struct choice *seen = seen_by(g, s);
	__u32 both[2];
	int n = s->candidate ? 2 : 1;
	int r = s->candidate ? add_rollout(g, s, both) : add_stage(g, s, both);

	for (int i = 0; i < n && !r; i++) {
		g->plan->stages.v[both[i]].chooses = seen;
		r = add_way(g, &g->open, both[i], -1);
	}
	return r;
}

/* Does no classifier say any more that packets go there? Then they go through the default. */
static bool is_cut_off(const struct graph *g, const struct stage *s)
{
	__u32 choice = s->choice, branch = s->branch;

	while (choice) {
		const struct choice *c = &g->p->choices.v[choice - 1];

		if (c->field == FIELD_RESULT && branch + 1 < c->branches.n &&
		    choice_classifier(g->p, choice)->disabled)
			return true;
		choice = c->choice;
		branch = c->branch;
	}
	return false;
}

static bool is_enabled(const struct graph *g, __u32 choice, __u32 branch)
{
	array_foreach (s, &g->p->stages)
		if (!s->disabled && !is_cut_off(g, s) &&
		    branch_within(g->p, s->choice, s->branch, choice) == (int)branch)
			return true;
	return false;
}

/* Those who choose: what leads here (what the stages in front return), or one of braid's. */
static int find_choosers(struct graph *g, const struct choice *c, struct ways *ret)
{
	__u32 chooser;
	int r;

	if (c->field != FIELD_RESULT) {
		char *name = strdup(c->name);

		r = add_chooser(g, name, BUILTIN_CLASSIFY, builtin_classifiers[c->field], &chooser);
		return r ?: add_way(g, ret, chooser, -1);
	}
	*ret = g->open;
	g->open = (struct ways){};
	return 0;
}

/* Opens the ways into a branch: one per value and chooser; for the default their `next`. */
static int open_branch(struct graph *g, const struct choice *c, __u32 branch,
		       const struct ways *choosers)
{
	const struct branch *b = &c->branches.v[branch];
	bool is_default = branch + 1 == c->branches.n;
	int r = 0;

	array_foreach (way, &choosers->list) {
		struct plan_stage *ps = &g->plan->stages.v[way->stage];

		ps->choice = c;
		if (is_default)
			r = r ?: add_way(g, &g->open, way->stage, -1);
		array_foreach (v, &b->values) {
			if (!array_add(&ps->cases, ((struct splice_case){.value = *v})))
				return error_oom(g->err);
			r = r ?: add_way(g, &g->open, way->stage, ps->cases.n - 1);
		}
	}
	return r;
}

static int add_sequence(struct graph *g, __u32 choice, __u32 branch);

static int add_branches(struct graph *g, __u32 choice, const struct ways *choosers,
			struct ways *joined)
{
	const struct choice *c = &g->p->choices.v[choice - 1];
	int r = 0;

	for (__u32 b = 0; b < c->branches.n && !r; b++) {
		r = open_branch(g, c, b, choosers) ?: add_sequence(g, choice, b);
		array_foreach (way, &g->open.list)
			r = r ?: add_way(g, joined, way->stage, way->which);
		g->open.list.n = 0;
	}
	return r;
}

static int add_choice(struct graph *g, __u32 choice)
{
	const struct choice *c = &g->p->choices.v[choice - 1];
	struct ways choosers = {}, joined = {};
	bool any = false;
	int r;

	for (__u32 b = 0; b < c->branches.n; b++)
		any |= is_enabled(g, choice, b);
	if (!any)
		return 0;
	if (c->field == FIELD_RESULT && choice_classifier(g->p, choice)->disabled)
		return add_sequence(g, choice, c->branches.n - 1); /* nobody says otherwise */
	r = find_choosers(g, c, &choosers) ?: add_branches(g, choice, &choosers, &joined);
	array_done(&choosers.list);
	array_done(&g->open.list);
	g->open = joined;
	return r;
}

/* The steps that stand directly at (@choice, @branch). */
static int add_sequence(struct graph *g, __u32 choice, __u32 branch)
{
	long last = 0;
	int r = 0;

	array_foreach (s, &g->p->stages) {
		long step = step_of(g->p, s, choice, branch);

		if (r || step < 0)
			continue;
		if (!step && !s->disabled)
			r = add_step(g, s);
		else if (step && step != last)
			r = add_choice(g, step);
		last = step;
	}
	return r;
}

int plan_add_stages(struct braid_plan *plan, struct braid_error *err)
{
	struct graph g = {.plan = plan, .p = plan->pipeline, .err = err};
	int r = add_sequence(&g, 0, 0);

	if (!r)
		close_ways(&g, SPLICE_END);
	array_done(&g.open.list);
	array_foreach (ps, &plan->stages) /* the list does not grow any more */
		if (ps->own)
			ps->stage = ps->own;
	return r;
}
