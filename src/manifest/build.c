/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* The builder: the same edits as from YAML, with names instead of places in the errors. */
#include "braid/manifest.h"

#include <errno.h>

#include "base/error.h"
#include "base/text.h"
#include "manifest/build.h"
#include "manifest/check.h"
#include "manifest/edit.h"
#include "manifest/hook.h"
#include "manifest/json.h"
#include "manifest/opts.h"

#define MEMORY_LABEL "(memory)"

/* Where elements of a pipeline built in C come from. */
static const struct place nowhere;

int build_within(const struct braid_pipeline *p, int r, struct braid_error *err)
{
	if (r && r != -ENOMEM)
		error_within(err, "pipeline %s", p->name);
	return r;
}

/* The same: stage @s, and @what of it that is called @name. */
static int build_within_stage(const struct braid_pipeline *p, const struct stage *s,
			      const char *what, const char *name, int r, struct braid_error *err)
{
	if (r && r != -ENOMEM)
		error_within(err, "pipeline %s: stage %s: %s %s", p->name, s->name, what, name);
	return r;
}

int braid_pipeline_new(const char *name, struct braid_pipeline **ret, struct braid_error *err)
{
	_cleanup_(braid_pipeline_freep) struct braid_pipeline *p = NULL;
	int r;
	ERROR_SCRATCH(err);

	r = check_name("pipeline", name, nowhere, err);
	if (r)
		return r;
	p = calloc(1, sizeof(*p));
	if (p)
		p->name = strdup(name);
	if (!p || !p->name)
		return error_oom(err);
	*ret = TAKE_PTR(p);
	return 0;
}

const char *braid_pipeline_name(const struct braid_pipeline *p)
{
	return p->name;
}

int braid_pipeline_json(const struct braid_pipeline *p, char **ret, struct braid_error *err)
{
	ERROR_SCRATCH(err);

	return pipeline_to_text(p, ret, err);
}

bool build_text(char **slot, const char *s)
{
	*slot = s ? strdup(s) : NULL;
	return *slot || !s;
}

int braid_pipeline_add_interface(struct braid_pipeline *p, const char *name, const char *netns,
				 struct braid_error *err)
{
	_cleanup_(interface_done) struct interface i = {};
	ERROR_SCRATCH(err);

	if (!build_text(&i.name, name) || !build_text(&i.netns, netns))
		return error_oom(err);
	return build_within(p, pipeline_add_interface(p, &i, err), err);
}

int braid_pipeline_set_mode(struct braid_pipeline *p, const char *mode, struct braid_error *err)
{
	ERROR_SCRATCH(err);

	return build_within(p, pipeline_set_mode(p, mode, nowhere, err), err);
}

int braid_pipeline_set_strategy(struct braid_pipeline *p, const char *strategy,
				struct braid_error *err)
{
	unsigned int i;
	int r;
	ERROR_SCRATCH(err);

	r = word_parse("strategy", strategy, strategy_names, nowhere, &i, err);
	if (!r)
		p->strategy = i;
	return build_within(p, r, err);
}

int braid_pipeline_set_signals(struct braid_pipeline *p, const char *signals,
			       struct braid_error *err)
{
	unsigned int i;
	int r;
	ERROR_SCRATCH(err);

	r = word_parse("signals", signals, signals_names, nowhere, &i, err);
	if (!r)
		p->signals = i;
	return build_within(p, r, err);
}

int braid_pipeline_set_stats(struct braid_pipeline *p, const char *stats, struct braid_error *err)
{
	unsigned int i;
	int r;
	ERROR_SCRATCH(err);

	r = word_parse("stats", stats, stats_names, nowhere, &i, err);
	if (!r)
		p->stats = i;
	return build_within(p, r, err);
}

int braid_pipeline_set_on_change(struct braid_pipeline *p, const char *on_change,
				 struct braid_error *err)
{
	unsigned int i;
	int r;
	ERROR_SCRATCH(err);

	r = word_parse("on-change", on_change, on_change_names, nowhere, &i, err);
	if (!r)
		p->on_change = i;
	return build_within(p, r, err);
}

int braid_pipeline_set_final(struct braid_pipeline *p, const char *final, struct braid_error *err)
{
	ERROR_SCRATCH(err);

	return build_within(p, pipeline_set_final(p, final, nowhere, err), err);
}

int build_object(const char *object, const void *bytes, size_t size, char **ret_object,
		 void **ret_bytes, size_t *ret_size, struct braid_error *err)
{
	_cleanup_free_ char *label = NULL;
	void *copy = NULL;

	if (!object && !bytes)
		return error_code(place_error(err, nowhere, "no object is given"));
	if (!build_text(&label, object ?: MEMORY_LABEL))
		return error_oom(err);
	if (bytes) {
		copy = malloc(size ?: 1);
		if (!copy)
			return error_oom(err);
		memcpy(copy, bytes, size);
	}
	*ret_object = TAKE_PTR(label);
	*ret_bytes = copy;
	*ret_size = bytes ? size : 0;
	return 0;
}

/* Adds the verdicts of @opts. */
static int build_verdicts(struct stage *s, enum hook hook, const struct braid_stage_opts *opts,
			  struct braid_error *err)
{
	int r = 0;

	for (size_t i = 0; !r && i < opts->n_proceed_on; i++)
		r = stage_add_verdict(s, hook, opts->proceed_on[i], nowhere, err);
	for (unsigned int bit = 0; !r && bit < 32; bit++) {
		const char *name = verdict_name(hook, verdict_of_bit(bit));

		if (!(opts->proceed_mask & 1u << bit))
			continue;
		if (!name)
			return error_code(place_error(err, nowhere,
						      "proceed_mask: the hook %s has no verdict %u",
						      hook_names[hook], bit));
		r = stage_add_verdict(s, hook, name, nowhere, err);
	}
	return r;
}

int build_stage(struct stage *s, const struct braid_pipeline *p, const char *name,
		const struct braid_stage_opts *opts, struct braid_error *err)
{
	int r = build_object(opts->object, opts->bytes, opts->size, &s->object, &s->bytes, &s->size,
			     err);

	if (r)
		return r;
	if (!build_text(&s->name, name) || !build_text(&s->program, opts->program))
		return error_oom(err);
	s->disabled = opts->disabled;
	s->has_priority = opts->has_priority;
	s->priority = opts->has_priority ? opts->priority : 0;
	return build_verdicts(s, p->hook, opts, err);
}

static int add_stage(struct braid_pipeline *p, const char *name,
		     const struct braid_stage_opts *opts, struct braid_error *err)
{
	_cleanup_(stage_done) struct stage s = {};
	int r;

	r = build_find_branch(p, opts->choice, opts->branch, &s.choice, &s.branch, err);
	r = r ?: build_stage(&s, p, name, opts, err);
	return r ?: pipeline_add_stage(p, &s, err);
}

int braid_pipeline_add_stage(struct braid_pipeline *p, const char *name,
			     const struct braid_stage_opts *user_opts, struct braid_error *err)
{
	struct braid_stage_opts opts;
	int r;
	ERROR_SCRATCH(err);

	r = opts_take(&opts, sizeof(opts), user_opts, err);
	r = r ?: add_stage(p, name, &opts, err);
	if (r && r != -ENOMEM)
		error_within(err, "pipeline %s: stage %s", p->name, name);
	return r;
}

/* YAML from C: errors in the text itself say its line and column, later ones have no place. */
static int parse_value(const char *yaml, struct node **ret, struct braid_error *err)
{
	int r = node_parse(yaml, strlen(yaml), "value", ret, err);

	if (!r)
		node_unplace(*ret);
	return r;
}

int braid_pipeline_set_constant(struct braid_pipeline *p, const char *stage, const char *var,
				const char *value, struct braid_error *err)
{
	_cleanup_(constant_done) struct constant c = {};
	struct stage *s;
	int r;
	ERROR_SCRATCH(err);

	r = pipeline_find_stage(p, stage, nowhere, &s, err);
	if (r)
		return r;
	if (!build_text(&c.name, var))
		return error_oom(err);
	r = parse_value(value, &c.value, err);
	r = r ?: stage_put_constant(s, &c, err);
	return build_within_stage(p, s, "constant", var, r, err);
}

int braid_pipeline_set_max_entries(struct braid_pipeline *p, const char *stage, const char *map,
				   uint32_t n, struct braid_error *err)
{
	struct map_setup *m;
	struct stage *s;
	int r;
	ERROR_SCRATCH(err);

	r = pipeline_find_stage(p, stage, nowhere, &s, err);
	if (r)
		return r;
	r = stage_map(s, map, nowhere, &m, err);
	r = r ?: map_set_max_entries(m, n, nowhere, err);
	return build_within_stage(p, s, "map", map, r, err);
}

int braid_pipeline_add_entry(struct braid_pipeline *p, const char *stage, const char *map,
			     const char *key, const char *value, struct braid_error *err)
{
	_cleanup_(map_entry_done) struct map_entry e = {};
	struct map_setup *m;
	struct stage *s;
	int r;
	ERROR_SCRATCH(err);

	r = pipeline_find_stage(p, stage, nowhere, &s, err);
	if (r)
		return r;
	if (key)
		r = parse_value(key, &e.key, err);
	r = r ?: parse_value(value, &e.value, err);
	r = r ?: stage_map(s, map, nowhere, &m, err);
	r = r ?: map_add_entry(m, &e, err);
	return build_within_stage(p, s, "map", map, r, err);
}

int braid_pipeline_set_map_on_change(struct braid_pipeline *p, const char *stage, const char *map,
				     const char *on_change, struct braid_error *err)
{
	struct map_setup *m;
	struct stage *s;
	int r;
	ERROR_SCRATCH(err);

	r = pipeline_find_stage(p, stage, nowhere, &s, err);
	if (r)
		return r;
	r = stage_map(s, map, nowhere, &m, err);
	r = r ?: map_set_on_change(m, on_change, nowhere, err);
	return build_within_stage(p, s, "map", map, r, err);
}

int braid_pipeline_set_map_default(struct braid_pipeline *p, const char *stage, const char *map,
				   const char *member, const char *value, struct braid_error *err)
{
	_cleanup_(constant_done) struct constant c = {};
	struct map_setup *m;
	struct stage *s;
	int r;
	ERROR_SCRATCH(err);

	r = pipeline_find_stage(p, stage, nowhere, &s, err);
	if (r)
		return r;
	if (!build_text(&c.name, member))
		return error_oom(err);
	r = parse_value(value, &c.value, err);
	r = r ?: stage_map(s, map, nowhere, &m, err);
	r = r ?: map_put_default(m, &c, err);
	return build_within_stage(p, s, "map", map, r, err);
}

static int share(struct braid_pipeline *p, const char *name, const char *const *members,
		 size_t n_members, bool across, struct braid_error *err)
{
	_cleanup_(shared_map_done) struct shared_map s = {.across = across};
	int r = 0;

	if (!build_text(&s.name, name))
		return error_oom(err);
	for (size_t i = 0; !r && i < n_members; i++)
		r = shared_map_add(&s, members[i], nowhere, err);
	r = r ?: pipeline_add_shared(p, &s, err);
	return build_within(p, r, err);
}

int braid_pipeline_share_map(struct braid_pipeline *p, const char *name, const char *const *members,
			     size_t n_members, struct braid_error *err)
{
	ERROR_SCRATCH(err);

	return share(p, name, members, n_members, false, err);
}

int braid_pipeline_share_across(struct braid_pipeline *p, const char *name,
				const char *const *members, size_t n_members,
				struct braid_error *err)
{
	ERROR_SCRATCH(err);

	return share(p, name, members, n_members, true, err);
}
