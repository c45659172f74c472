/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "manifest/layout.h"

#include <errno.h>

#include "base/error.h"
#include "base/text.h"
#include "manifest/choice.h"
#include "manifest/edit.h"

/* A place in the list: in front of stage @index, at (@choice, @branch). */
struct slot {
	size_t index;
	__u32 choice, branch;
};

static const struct place nowhere;

/*
 * A copy of the list and of the choices, to be changed and checked. What their elements own
 * still belongs to the pipeline: layout_commit() or layout_drop() must follow.
 */
static int layout_begin(const struct braid_pipeline *p, struct braid_pipeline *ret,
			struct braid_error *err)
{
	*ret = *p;
	memset(&ret->stages, 0, sizeof(ret->stages));
	memset(&ret->choices, 0, sizeof(ret->choices));
	if (!array_reserve(&ret->stages, p->stages.n + 1) ||
	    !array_reserve(&ret->choices, p->choices.n)) {
		array_done(&ret->stages);
		return error_oom(err);
	}
	array_foreach (s, &p->stages)
		ret->stages.v[ret->stages.n++] = *s;
	array_foreach (c, &p->choices)
		ret->choices.v[ret->choices.n++] = *c;
	return 0;
}

static void layout_drop(struct braid_pipeline *next)
{
	array_done(&next->stages);
	array_done(&next->choices);
}

static void layout_commit(struct braid_pipeline *p, const struct braid_pipeline *next)
{
	array_foreach (c, &p->choices) {
		if (!pipeline_choice(next, c->name))
			choice_done(c);
	}
	array_done(&p->stages);
	array_done(&p->choices);
	*p = *next;
}

/* There is room for it. */
static void put(struct braid_pipeline *p, const struct stage *s, const struct slot *at)
{
	struct stage *slot = &p->stages.v[at->index];

	memmove(slot + 1, slot, (p->stages.n - at->index) * sizeof(*slot));
	*slot = *s;
	slot->choice = at->choice;
	slot->branch = at->branch;
	p->stages.n++;
}

static struct stage take(struct braid_pipeline *p, size_t index)
{
	struct stage *slot = &p->stages.v[index], s = *slot;

	p->stages.n--;
	memmove(slot, slot + 1, (p->stages.n - index) * sizeof(*slot));
	return s;
}

static void take_choice(struct braid_pipeline *p, __u32 choice)
{
	struct choice *c = &p->choices.v[choice - 1];

	p->choices.n--;
	memmove(c, c + 1, (p->choices.n - (choice - 1)) * sizeof(*c));
	array_foreach (s, &p->stages)
		s->choice -= s->choice > choice;
	array_foreach (other, &p->choices)
		other->choice -= other->choice > choice;
}

/* Choices without stages: from the last one, as inner ones stand behind those they are in. */
static void prune(struct braid_pipeline *p)
{
	for (__u32 k = p->choices.n; k; k--) {
		size_t first, end;

		choice_span(p, k, &first, &end);
		if (first == end)
			take_choice(p, k);
	}
}

static int error_other_result(const struct choice *c, const struct stage *s,
			      struct braid_error *err)
{
	place_error(err, nowhere, "the choice '%s' must stand directly behind the stage '%s'",
		    c->name, s->name);
	error_why(err, "it looks at what that stage returned");
	return error_code(error_hint(err, "a stage can go in front of '%s' or behind '%s'", s->name,
				     c->name));
}

/* Another stage in front of a choice would answer another question. */
static int check_results(const struct braid_pipeline *p, const struct braid_pipeline *next,
			 struct braid_error *err)
{
	array_foreach (c, &next->choices) {
		__u32 was = pipeline_choice(p, c->name), is = c - next->choices.v + 1;
		const struct stage *from, *to;

		if (c->field != FIELD_RESULT)
			continue;
		from = choice_classifier(p, was);
		to = choice_classifier(next, is);
		if (from && (!to || !text_eq(from->name, to->name)))
			return error_other_result(c, from, err);
	}
	return 0;
}

static int finish(struct braid_pipeline *p, struct braid_pipeline *next, struct braid_error *err)
{
	int r;

	prune(next);
	r = check_results(p, next, err) ?: pipeline_check(next, err);
	if (r)
		layout_drop(next);
	else
		layout_commit(p, next);
	return r;
}

static int slot_beside(const struct braid_pipeline *p, const struct position *at, struct slot *ret,
		       struct braid_error *err)
{
	bool after = at->where == BRAID_AFTER;
	__u32 choice = at->other ? pipeline_choice(p, at->other) : 0;
	struct stage *s;
	size_t first, end;
	int r;

	if (choice) {
		const struct choice *c = &p->choices.v[choice - 1];

		choice_span(p, choice, &first, &end);
		*ret = (struct slot){after ? end : first, c->choice, c->branch};
		return 0;
	}
	r = pipeline_find_stage(p, at->other ?: "", nowhere, &s, err);
	if (!r)
		*ret = (struct slot){s - p->stages.v + after, s->choice, s->branch};
	return r;
}

static int slot_find(const struct braid_pipeline *p, const struct position *at, struct slot *ret,
		     struct braid_error *err)
{
	switch (at->where) {
	case BRAID_FIRST:
		*ret = (struct slot){};
		return 0;
	case BRAID_LAST:
		*ret = (struct slot){.index = p->stages.n};
		return 0;
	case BRAID_BEFORE:
	case BRAID_AFTER:
		return slot_beside(p, at, ret, err);
	}
	return error_code(place_error(err, nowhere, "there is no such place for a stage"));
}

int pipeline_insert_stage(struct braid_pipeline *p, struct stage *s, const struct position *at,
			  struct braid_error *err)
{
	struct braid_pipeline next;
	struct slot slot = {};
	int r = pipeline_check_stage(p, s, err);

	r = r ?: slot_find(p, at, &slot, err) ?: layout_begin(p, &next, err);
	if (r)
		return r;
	put(&next, s, &slot);
	r = finish(p, &next, err);
	if (!r)
		*s = (struct stage){};
	return r;
}

/* @what: "removed", "disabled". */
static int check_not_last(const struct braid_pipeline *p, const struct stage *s, const char *what,
			  struct braid_error *err)
{
	array_foreach (other, &p->stages) {
		if (other != s && !other->disabled)
			return 0;
	}
	if (s->disabled)
		return 0;
	place_error(err, nowhere, "the stage '%s' cannot be %s: no other one of '%s' is enabled",
		    s->name, what, p->name);
	return error_code(error_hint(err, "'braid delete %s' ends the whole pipeline", p->name));
}

int stage_check_settled(const struct stage *s, const char *what, struct braid_error *err)
{
	if (!s->candidate)
		return 0;
	place_error(err, nowhere, "the stage '%s' cannot be %s during its rollout", s->name, what);
	error_why(err, "two versions of it run");
	error_hint(err, "promote the rollout or abort it first");
	return err->code = -EBUSY;
}

/* A shared map of one is that one's own, unless other pipelines have it, too. */
static void leave_shared(struct braid_pipeline *p, const char *stage)
{
	size_t kept = 0;

	array_foreach (s, &p->shared) {
		size_t n = 0;

		array_foreach (ref, &s->members) {
			if (text_eq(ref->stage, stage)) {
				free(ref->stage);
				free(ref->map);
			} else {
				s->members.v[n++] = *ref;
			}
		}
		s->members.n = n;
		if (n < (s->across ? 1 : 2))
			shared_map_done(s);
		else
			p->shared.v[kept++] = *s;
	}
	p->shared.n = kept;
}

int pipeline_remove_stage(struct braid_pipeline *p, const char *name, struct braid_error *err)
{
	struct braid_pipeline next;
	struct stage *s, gone;
	int r = pipeline_find_stage(p, name, nowhere, &s, err);

	r = r ?: stage_check_settled(s, "removed", err) ?: check_not_last(p, s, "removed", err);
	r = r ?: layout_begin(p, &next, err);
	if (r)
		return r;
	gone = take(&next, s - p->stages.v);
	r = finish(p, &next, err);
	if (r)
		return r;
	leave_shared(p, gone.name);
	stage_done(&gone);
	return 0;
}

int pipeline_move_stage(struct braid_pipeline *p, const char *name, const struct position *at,
			struct braid_error *err)
{
	struct braid_pipeline next;
	struct slot slot = {};
	struct stage *s, moved;
	size_t from;
	int r = pipeline_find_stage(p, name, nowhere, &s, err);

	r = r ?: slot_find(p, at, &slot, err);
	if (!r && text_eq(at->other, name))
		r = error_code(place_error(err, nowhere,
					   "the stage '%s' cannot stand beside itself", name));
	r = r ?: layout_begin(p, &next, err);
	if (r)
		return r;
	from = s - p->stages.v;
	moved = take(&next, from);
	slot.index -= slot.index > from;
	put(&next, &moved, &slot);
	return finish(p, &next, err);
}

int pipeline_enable_stage(struct braid_pipeline *p, const char *name, bool enabled,
			  struct braid_error *err)
{
	struct stage *s;
	bool was;
	int r = pipeline_find_stage(p, name, nowhere, &s, err);

	if (!r && !enabled)
		r = stage_check_settled(s, "disabled", err)
			    ?: check_not_last(p, s, "disabled", err);
	if (r)
		return r;
	was = s->disabled;
	s->disabled = !enabled;
	r = pipeline_check(p, err);
	if (r)
		s->disabled = was;
	return r;
}
