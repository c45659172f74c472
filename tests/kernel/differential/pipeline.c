/* SPDX-License-Identifier: GPL-2.0-only */
/* A chain in the words of a manifest, by the calls that build one in C. */
#include <stdio.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "chain.h"
#include "tap.h"

static bool is_shared(const struct share *s)
{
	return s->members & (s->members - 1);
}

static int put_setting(struct braid_pipeline *p, const struct link *l, const struct setting *s,
		       struct braid_error *err)
{
	switch (s->what) {
	case CONSTANT:
		return braid_pipeline_set_constant(p, l->name, s->name, s->value, err);
	case MAX_ENTRIES:
		return braid_pipeline_set_max_entries(p, l->name, s->name, s->value_size, err);
	default:
		return braid_pipeline_add_entry(p, l->name, s->name, *s->key ? s->key : NULL,
						s->value, err);
	}
}

/* @at: where it stands; NULL: in no choice. */
static int put_stage(struct braid_pipeline *p, const struct link *l, const char *object,
		     const struct fork *at, size_t branch, struct braid_error *err)
{
	struct braid_stage_opts opts = {
		.sz = sizeof(opts),
		.object = object,
		.proceed_mask = l->proceed_on,
		.disabled = l->disabled,
		.choice = at ? at->name : NULL,
		.branch = branch,
	};
	struct braid_candidate_opts candidate = {
		.sz = sizeof(candidate),
		.object = object,
		.key = rollout_key_names[l->key],
		.share_maps = l->share_maps,
		.seed = l->seed,
	};
	int r = braid_pipeline_add_stage(p, l->name, &opts, err);

	for (size_t i = 0; i < l->n_settings && !r; i++)
		r = put_setting(p, l, &l->settings[i], err);
	if (!r && l->rolled)
		r = braid_pipeline_set_candidate(p, l->name, &candidate, err);
	return r;
}

static size_t branch_of(const struct fork *at, size_t branch)
{
	return at && branch + 1 == at->n ? BRAID_DEFAULT : branch;
}

static int put_fork(struct braid_pipeline *p, const struct fork *f, const struct fork *at,
		    size_t branch, struct braid_error *err)
{
	struct braid_choice_opts opts = {
		.sz = sizeof(opts),
		.field = field_names[f->field],
		.choice = at ? at->name : NULL,
		.branch = branch_of(at, branch),
	};
	int r = braid_pipeline_add_choice(p, f->name, &opts, err);

	for (size_t b = 0; b + 1 < f->n && !r; b++) {
		char texts[VALUES][16];
		const char *values[VALUES];

		for (size_t i = 0; i < f->n_values[b]; i++) {
			snprintf(texts[i], sizeof(texts[i]), i % 2 ? "%u" : "0x%x",
				 f->values[b][i]);
			values[i] = texts[i];
		}
		r = braid_pipeline_add_case(p, f->name, values, f->n_values[b], err);
	}
	return r;
}

static int put_range(struct braid_pipeline *p, const struct chain *c, const char *const *objects,
		     size_t from, size_t to, int outer, size_t branch, struct braid_error *err)
{
	const struct fork *at = outer < 0 ? NULL : &c->forks[outer];
	int r = 0;

	for (size_t k = from; k < to && !r;) {
		int i = tree_fork_at(c, k, outer, branch);
		const struct fork *f = i < 0 ? NULL : &c->forks[i];

		if (i < 0) {
			r = put_stage(p, &c->stages[k], objects[c->stages[k].kind], at,
				      branch_of(at, branch), err);
			k++;
			continue;
		}
		r = put_fork(p, f, at, branch, err);
		for (size_t b = 0; b < f->n && !r; b++)
			r = put_range(p, c, objects, f->first[b], f->first[b + 1], i, b, err);
		k = f->first[f->n];
	}
	return r;
}

static int put_share(struct braid_pipeline *p, const struct chain *c, const struct share *s,
		     struct braid_error *err)
{
	char names[STAGES][64], shared[40];
	const char *members[STAGES];
	size_t n = 0;

	for (size_t k = 0; k < c->n; k++)
		if (s->members & 1ull << k) {
			snprintf(names[n], sizeof(names[n]), "%s.%s", c->stages[k].name, s->map);
			members[n] = names[n];
			n++;
		}
	snprintf(shared, sizeof(shared), "all-%s", s->map);
	return braid_pipeline_share_map(p, shared, members, n, err);
}

struct braid_pipeline *chain_pipeline(const struct chain *c, const char *const *objects)
{
	_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
	struct braid_pipeline *p = NULL;
	int r = braid_pipeline_new(c->name, &p, &err);

	r = r ?: braid_pipeline_set_hook(p, hook_names[c->hook], &err);
	r = r ?: put_range(p, c, objects, 0, c->n, -1, 0, &err);
	if (!r)
		r = braid_pipeline_set_signals(p, signals_names[c->signals], &err);
	for (size_t i = 0; i < SHARES && !r; i++)
		if (is_shared(&c->shares[i]))
			r = put_share(p, c, &c->shares[i], &err);
	if (!r && c->has_final)
		r = braid_pipeline_set_final(p, verdict_name(c->hook, c->final), &err);
	if (r)
		bail_out("building a pipeline: %s: %s", err.where ?: "", err.what ?: "");
	return p;
}
