/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* The builder: choices, and second versions of stages. */
#include <errno.h>

#include "base/error.h"
#include "base/text.h"
#include "manifest/build.h"
#include "manifest/check.h"
#include "manifest/choice.h"
#include "manifest/edit.h"
#include "manifest/opts.h"

static const struct place nowhere;

static const char *name_of_choice(const void *element)
{
	return ((const struct choice *)element)->name;
}

static int find_choice(const struct braid_pipeline *p, const char *name, __u32 *ret,
		       struct braid_error *err)
{
	*ret = pipeline_choice(p, name);
	if (*ret)
		return 0;
	place_error(err, nowhere, "the pipeline '%s' has no choice '%.64s'", p->name, name);
	err->code = -ENOENT;
	return error_unknown(err, name, "its choices are", p->choices.v, p->choices.n,
			     sizeof(*p->choices.v), name_of_choice);
}

int build_find_branch(const struct braid_pipeline *p, const char *name, size_t branch,
		      __u32 *ret_choice, __u32 *ret_branch, struct braid_error *err)
{
	size_t last;
	int r;

	if (!name) {
		*ret_choice = *ret_branch = 0;
		return branch ? error_code(place_error(err, nowhere, "a branch without a choice"))
			      : 0;
	}
	r = find_choice(p, name, ret_choice, err);
	if (r)
		return r;
	last = p->choices.v[*ret_choice - 1].branches.n - 1;
	if (branch != BRAID_DEFAULT && branch >= last) {
		place_error(err, nowhere, "the choice '%s' has no case %zu", name, branch);
		return error_code(error_why(err, "it has %zu, counted from 0", last));
	}
	*ret_branch = branch == BRAID_DEFAULT ? last : branch;
	return 0;
}

static int add_choice(struct braid_pipeline *p, const char *name,
		      const struct braid_choice_opts *opts, struct braid_error *err)
{
	_cleanup_(choice_done) struct choice c = {};
	unsigned int field;
	int r = word_parse("field", opts->field ?: "", field_names, nowhere, &field, err);

	r = r ?: build_find_branch(p, opts->choice, opts->branch, &c.choice, &c.branch, err);
	if (r)
		return r;
	c.field = field;
	if (!build_text(&c.name, name))
		return error_oom(err);
	return pipeline_add_choice(p, &c, err);
}

int braid_pipeline_add_choice(struct braid_pipeline *p, const char *name,
			      const struct braid_choice_opts *user_opts, struct braid_error *err)
{
	struct braid_choice_opts opts;
	int r;
	ERROR_SCRATCH(err);

	r = opts_take(&opts, sizeof(opts), user_opts, err);
	r = r ?: add_choice(p, name, &opts, err);
	if (r && r != -ENOMEM)
		error_within(err, "pipeline %s: choice %s", p->name, name);
	return r;
}

/* Branches are numbered: a new one must not come between those that have stages. */
static int check_empty(const struct braid_pipeline *p, __u32 choice, struct braid_error *err)
{
	size_t first, end;

	choice_span(p, choice, &first, &end);
	if (first == end)
		return 0;
	place_error(err, nowhere, "the choice has stages already");
	return error_code(error_hint(err, "add all cases before the first stage of any"));
}

static int add_case(struct choice *c, enum hook hook, const char *const *values, size_t n,
		    struct braid_error *err)
{
	struct branch *last;
	int r = 0;

	if (!n)
		return error_code(place_error(err, nowhere, "a case needs values"));
	if (!array_push(&c->branches))
		return error_oom(err);
	last = &c->branches.v[c->branches.n - 2]; /* the default so far: empty */
	for (size_t i = 0; i < n && !r; i++)
		r = choice_add_value(c, last - c->branches.v, hook, values[i], nowhere, err);
	if (r) {
		array_done(&last->values);
		c->branches.n--;
	}
	return r;
}

int braid_pipeline_add_case(struct braid_pipeline *p, const char *choice, const char *const *values,
			    size_t n_values, struct braid_error *err)
{
	__u32 k;
	int r;
	ERROR_SCRATCH(err);

	r = find_choice(p, choice, &k, err);
	if (r)
		return r;
	r = check_empty(p, k, err)
		    ?: add_case(&p->choices.v[k - 1], p->hook, values, n_values, err);
	if (r && r != -ENOMEM)
		error_within(err, "pipeline %s: choice %s", p->name, choice);
	return r;
}

static int set_candidate(struct stage *s, const struct braid_candidate_opts *opts,
			 struct braid_error *err)
{
	_cleanup_(candidate_freep) struct candidate *c = calloc(1, sizeof(*c));
	unsigned int key;
	int r;

	if (!c)
		return error_oom(err);
	r = word_parse("key", opts->key ?: rollout_key_names[0], rollout_key_names, nowhere, &key,
		       err);
	r = r
		    ?: build_object(opts->object, opts->bytes, opts->size, &c->object, &c->bytes,
				    &c->size, err);
	if (r)
		return r;
	if (!build_text(&c->program, opts->program))
		return error_oom(err);
	c->key = key;
	c->share_maps = opts->share_maps;
	c->seed = opts->seed;
	r = stage_set_candidate(s, c, nowhere, err);
	if (r)
		return r;
	TAKE_PTR(c);
	r = stage_check(s, err);
	if (r)
		s->candidate = candidate_free(s->candidate);
	return r;
}

int braid_pipeline_set_candidate(struct braid_pipeline *p, const char *stage,
				 const struct braid_candidate_opts *user_opts,
				 struct braid_error *err)
{
	struct braid_candidate_opts opts;
	struct stage *s;
	int r;
	ERROR_SCRATCH(err);

	r = pipeline_find_stage(p, stage, nowhere, &s, err);
	if (r)
		return r;
	if (!user_opts) {
		s->candidate = candidate_free(s->candidate);
		return 0;
	}
	r = opts_take(&opts, sizeof(opts), user_opts, err);
	r = r ?: set_candidate(s, &opts, err);
	if (r && r != -ENOMEM)
		error_within(err, "pipeline %s: stage %s", p->name, stage);
	return r;
}
