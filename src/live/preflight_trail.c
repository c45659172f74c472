/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Where two ways of a packet part. Stages are the same by their names. One that only one of the
 * pipelines has stands for itself: if it stands where the other one has such a one, too, they are
 * compared (it has another name now), else what counts is whether it did anything.
 */
#include "base/text.h"
#include "live/preflight.h"

/* A place in one of the ways. */
struct walker {
	const struct side *side, *other;
	size_t at; /* next step */
};

static const struct trail_step *step_of(const struct walker *w)
{
	return w->at < w->side->trail.steps.n ? &w->side->trail.steps.v[w->at] : NULL;
}

static const void *bytes_of(const struct side *side, const struct trail_step *step)
{
	return side->trail.bytes.v + step->at;
}

static bool same_bytes(const struct side *a, const struct trail_step *x, const struct side *b,
		       const struct trail_step *y)
{
	return x->size == y->size && !memcmp(bytes_of(a, x), bytes_of(b, y), x->size);
}

static bool has_stage(const struct side *side, const char *name)
{
	array_foreach (ps, &side->watched.plan->stages)
		if (!ps->internal && text_eq(ps->stage->name, name))
			return true;
	return false;
}

/* Of a stage that the other pipeline does not have. */
static bool is_alone(const struct walker *w, const struct trail_step *step)
{
	const char *name = step ? side_stage(w->side, step->point) : NULL;

	return name && !has_stage(w->other, name);
}

/* It changed nothing, and the packet went on. */
static bool did_nothing(const struct walker *w)
{
	const struct trail_step *step = step_of(w);

	return !step->leaves && w->at && same_bytes(w->side, step, w->side, step - 1);
}

/* Stages by name, what is none by its number. */
static bool same_place(const struct walker *a, const struct trail_step *x, const struct walker *b,
		       const struct trail_step *y)
{
	const char *m = side_stage(a->side, x->point), *n = side_stage(b->side, y->point);

	return m || n ? text_eq(m, n) : x->point == y->point;
}

/* Behind this step comes a stage that the other pipeline does not have, or its end. */
static bool goes_on_alone(const struct walker *w)
{
	const struct walker here = {w->side, w->other, w->at + 1};
	const struct trail_step *next = step_of(&here);

	return next && (!side_stage(w->side, next->point) || is_alone(w, next));
}

static bool same_step(const struct walker *a, const struct walker *b, bool named)
{
	const struct trail_step *x = step_of(a), *y = step_of(b);

	if (!x || !y)
		return !x && !y;
	if (named && !same_place(a, x, b, y))
		return false;
	if (x->verdict != y->verdict || !same_bytes(a->side, x, b->side, y))
		return false;
	/* the end of the one pipeline need not be that of the other */
	return x->leaves == y->leaves || goes_on_alone(x->leaves ? b : a);
}

/* false: they part here. */
static bool advance(struct walker *a, struct walker *b)
{
	bool alone = is_alone(a, step_of(a)), other = is_alone(b, step_of(b));

	if (alone && other && same_step(a, b, false)) {
		a->at++;
		b->at++;
		return true;
	}
	if (alone != other || alone) {
		struct walker *w = alone ? a : b;

		if (!did_nothing(w))
			return false;
		w->at++;
		return true;
	}
	if (!same_step(a, b, true))
		return false;
	a->at++;
	b->at++;
	return true;
}

/* Of a way that has ended already: its last step. */
static void describe(const struct walker *w, struct braid_preflight_outcome *ret)
{
	const struct trail *t = &w->side->trail;
	const struct trail_step *last = t->steps.n ? &t->steps.v[t->steps.n - 1] : NULL;
	const struct trail_step *step = step_of(w) ?: last;

	ret->parts = step != NULL;
	if (!step)
		return;
	ret->at = (struct braid_preflight_step){
		.stage = side_stage(w->side, step->point),
		.verdict = step->verdict,
		.leaves = step->leaves,
		.size = step->size,
		.bytes = bytes_of(w->side, step),
	};
}

void trail_compare(const struct side *was, const struct side *is,
		   struct braid_preflight_outcome *ret_was, struct braid_preflight_outcome *ret_is)
{
	struct walker a = {was, is}, b = {is, was};

	while ((step_of(&a) || step_of(&b)) && advance(&a, &b))
		;
	describe(&a, ret_was);
	describe(&b, ret_is);
}
