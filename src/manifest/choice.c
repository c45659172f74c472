/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "manifest/choice.h"

#include <errno.h>

#include "base/error.h"
#include "base/text.h"

int branch_within(const struct braid_pipeline *p, __u32 choice, __u32 branch, __u32 outer)
{
	while (choice && choice != outer) {
		const struct choice *c = &p->choices.v[choice - 1];

		branch = c->branch;
		choice = c->choice;
	}
	return choice ? (int)branch : -1;
}

long step_of(const struct braid_pipeline *p, const struct stage *s, __u32 choice, __u32 branch)
{
	__u32 at = s->choice, through = s->branch, step = 0;

	while (at && at != choice) {
		step = at;
		through = p->choices.v[step - 1].branch;
		at = p->choices.v[step - 1].choice;
	}
	return at == choice && (!choice || through == branch) ? (long)step : -1;
}

static bool is_in(const struct braid_pipeline *p, const struct stage *s, __u32 choice)
{
	return branch_within(p, s->choice, s->branch, choice) >= 0;
}

void choice_span(const struct braid_pipeline *p, __u32 choice, size_t *ret_first, size_t *ret_end)
{
	size_t first = 0, end;

	while (first < p->stages.n && !is_in(p, &p->stages.v[first], choice))
		first++;
	for (end = first; end < p->stages.n && is_in(p, &p->stages.v[end], choice);)
		end++;
	*ret_first = first;
	*ret_end = end;
}

const struct stage *choice_classifier(const struct braid_pipeline *p, __u32 choice)
{
	const struct choice *c = &p->choices.v[choice - 1];
	const struct stage *s;
	size_t first, end;

	choice_span(p, choice, &first, &end);
	s = first ? &p->stages.v[first - 1] : NULL;
	return s && step_of(p, s, c->choice, c->branch) == 0 ? s : NULL;
}

__u32 pipeline_choice(const struct braid_pipeline *p, const char *name)
{
	array_foreach (c, &p->choices) {
		if (text_eq(c->name, name))
			return c - p->choices.v + 1;
	}
	return 0;
}

static int error_no_stage(const struct choice *c, struct place at, struct braid_error *err)
{
	place_error(err, at, "the choice '%s' has no stage", c->name);
	return error_code(error_why(err, "all of its branches are empty: it makes no difference"));
}

static int error_passed(const struct choice *c, struct place at, struct braid_error *err)
{
	place_error(err, at, "what stands behind this place of the choice '%s' is there already",
		    c->name);
	return error_code(error_hint(err, "add stages in the order of the manifest"));
}

int choice_check_next(const struct braid_pipeline *p, __u32 choice, __u32 branch, struct place at,
		      struct braid_error *err)
{
	const struct stage *last = p->stages.n ? &p->stages.v[p->stages.n - 1] : NULL;
	size_t first, end;

	/* A choice stands where its stages do: one without must get some first. */
	for (__u32 k = p->choices.n; k; k = p->choices.v[k - 1].choice) {
		choice_span(p, k, &first, &end);
		if (first == end && branch_within(p, choice, branch, k) < 0)
			return error_no_stage(&p->choices.v[k - 1], at, err);
	}
	for (__u32 k = choice; k; k = p->choices.v[k - 1].choice) {
		int to = branch_within(p, choice, branch, k);
		int from = last ? branch_within(p, last->choice, last->branch, k) : -1;

		choice_span(p, k, &first, &end);
		if (first < end && (from < 0 || from > to))
			return error_passed(&p->choices.v[k - 1], at, err);
	}
	return 0;
}

int choice_no_classifier(const struct choice *c, struct braid_error *err)
{
	place_error(err, c->at, "the choice '%s' has no stage directly in front of it", c->name);
	error_why(err, "it looks at what that stage returned");
	return error_code(error_hint(
		err, "put the stage that classifies in front of it, into the same list"));
}

int choice_check(const struct braid_pipeline *p, __u32 choice, struct braid_error *err)
{
	const struct choice *c = &p->choices.v[choice - 1];
	size_t first, end;

	choice_span(p, choice, &first, &end);
	if (first == end)
		return error_no_stage(c, c->at, err);
	if (c->field == FIELD_RESULT && !choice_classifier(p, choice))
		return choice_no_classifier(c, err);
	return 0;
}
