/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Why a pipeline is as it is, and what the verifier had to do for each stage. */
#include "compose/explain.h"

#include <errno.h>

#include "base/error.h"
#include "base/text.h"
#include "braid/inspect.h"
#include "kernel/cpus.h"
#include "kernel/trial.h"
#include "kernel/verifier.h"
#include "live/dump.h"
#include "manifest/hook.h"
#include "manifest/opts.h"

/* A log of all visits of so many instructions takes a second, and 100 MB. */
#define VISITS_UNASKED 100000

struct explain {
	struct image *image; /* borrowed; loses what the loader puts into its PROG_ARRAY */
	int stage;
	bool visits; /* a log of all, however long it takes */
	json_t *programs, *stages;
	struct explain_costs costs;
};

static int add_verdict(const struct trial *t, json_t *j)
{
	struct verdict v = {};
	int r = t->code ? verdict_parse_log(t->log, &v) : 0;

	if (r)
		return r;
	json_object_set_new(j, "accepted", json_boolean(!t->code));
	if (t->code)
		json_object_set_new(j, "reason",
				    json_string(v.reason ?: t->heard ?: error_name(t->code)));
	json_object_set_new(j, "processed", json_integer(t->processed));
	json_object_set_new(j, "states", json_integer(t->states));
	json_object_set_new(j, "peak-states", json_integer(t->peak_states));
	json_object_set_new(j, "instructions", json_integer(t->instructions));
	json_object_set_new(j, "stack", json_integer(t->stack));
	verdict_done(&v);
	return 0;
}

/* What of it is whose, by a log of all visits. Without: why. */
static int add_visits(struct explain *e, __u32 segment, const struct trial *t, json_t *j,
		      struct braid_error *err)
{
	_cleanup_error_ struct braid_error hidden = BRAID_ERROR_INIT;
	_cleanup_free_ char *log = NULL;
	int r;

	if (!t->processed || (!e->visits && t->processed > VISITS_UNASKED)) {
		json_object_set_new(j, "costs-unknown",
				    json_string(t->processed
							? "the verifier's log of so many "
							  "instructions takes seconds"
							: "the verifier did not go through it"));
		return 0;
	}
	r = trial_visits(e->image->elf, e->image->size, e->image->segments.v[segment].name, &log,
			 &hidden);
	if (r == -E2BIG)
		json_object_set_new(j, "costs-unknown", json_string(hidden.what));
	else if (r || explain_log(e->image, segment, log, &e->costs))
		return error_oom(err);
	return 0;
}

/* The program of @segment through the verifier. */
static int try_segment(struct explain *e, __u32 segment, struct braid_error *err)
{
	json_t *verifier = json_object();
	struct trial t = {};
	int r = trial_load(e->image->elf, e->image->size, e->image->segments.v[segment].name, &t,
			   err);

	if (!r && add_verdict(&t, verifier))
		r = error_oom(err);
	r = r ?: add_visits(e, segment, &t, verifier, err);
	trial_done(&t);
	if (r) {
		json_decref(verifier);
		return r;
	}
	json_object_set_new(json_array_get(e->programs, segment), "verifier", verifier);
	return 0;
}

static json_t *cost_to_json(const struct explain_cost *c)
{
	return json_pack("{s:I, s:I}", "processed", (json_int_t)c->processed, "branches",
			 (json_int_t)c->branches);
}

static bool has_costs(const struct explain *e, size_t stage)
{
	json_t *program = json_array_get(e->programs, e->image->plan->stages.v[stage].segment);

	return !json_object_get(json_object_get(program, "verifier"), "costs-unknown");
}

static void add_costs(struct explain *e)
{
	json_t *stage;
	size_t i;

	json_array_foreach (e->stages, i, stage) {
		size_t k = json_integer_value(json_object_get(stage, "index"));
		json_t *cost;

		if (!has_costs(e, k))
			continue;
		cost = cost_to_json(&e->costs.stages.v[k]);
		json_object_set_new(cost, "seams", cost_to_json(&e->costs.seams.v[k]));
		json_object_set_new(stage, "verifier", cost);
	}
}

/* Without privileges all but the verifier's part is known. @hidden: why. */
static int ask_verifier(struct explain *e, struct braid_error *hidden, struct braid_error *err)
{
	int r = explain_costs_init(&e->costs, e->image) ? error_oom(err) : 0;

	/* a loader could not fill it with programs that it does not load */
	if (!r && e->image->segments.n > 1 && e->image->plan->strategy != STRATEGY_DISPATCHER)
		r = image_empty_jumps(e->image, err);
	for (__u32 i = 0; i < e->image->segments.n && !r; i++) {
		r = try_segment(e, i, hidden);
		if (r && r != -ENOMEM)
			return 0;
		if (r)
			return error_oom(err);
	}
	if (!r)
		add_costs(e);
	return r;
}

static int explain(struct image *image, const struct braid_inspect_opts *o, json_t **ret,
		   struct braid_error *err)
{
	_cleanup_error_ struct braid_error hidden = BRAID_ERROR_INIT;
	const struct braid_plan *plan = image->plan;
	struct explain e = {.image = image, .visits = o->costs};
	json_t *j = NULL;
	int r = inspect_stage(plan, o->stage, &e.stage, err);

	r = r	?: explain_programs(image, &e.programs, err)
		?: explain_stages(image, e.stage, &e.stages, err);
	if (!r)
		r = ask_verifier(&e, &hidden, err);
	if (!r) {
		j = json_pack("{s:s, s:s, s:s, s:s, s:s, s:O, s:O}", "pipeline",
			      plan->pipeline->name, "hook", hook_names[plan->pipeline->hook],
			      "strategy", strategy_names[plan->strategy], "why", plan->why,
			      "license", plan->license, "programs", e.programs, "stages", e.stages);
		r = j ? 0 : error_oom(err);
	}
	if (j && hidden.code)
		json_object_set_new(j, "verifier-unknown",
				    json_string(hidden.what ?: error_name(hidden.code)));
	json_decref(e.programs);
	json_decref(e.stages);
	explain_costs_done(&e.costs);
	if (!r)
		*ret = j;
	return r;
}

/* Places are those in the store's copy of the manifest, which nobody has seen. */
static void drop_places(json_t *explained)
{
	json_t *stage;
	size_t i;

	json_array_foreach (json_object_get(explained, "stages"), i, stage)
		json_object_del(stage, "at");
}

int braid_explain(struct braid *b, const char *name, const struct braid_inspect_opts *opts,
		  char **ret_json, struct braid_error *err)
{
	_cleanup_json_ json_t *j = NULL;
	struct braid_inspect_opts o;
	struct rebuilt made = {};
	ERROR_SCRATCH(err);
	int r;

	r = opts_take(&o, sizeof(o), opts, err) ?: rebuild(b, name, &made, err);
	if (r)
		return r;
	r = explain(made.image, &o, &j, err);
	if (!r) {
		drop_places(j);
		json_object_set_new(j, "revision", json_integer(made.revision));
		json_object_set_new(j, "home", json_string(b->home.name));
		if (!made.same)
			json_object_set_new(j, "differs",
					    json_string("another version of braid linked what "
							"runs: this is how it would be now"));
	}
	r = r ?: json_give(j, ret_json, err);
	rebuilt_done(&made);
	return r;
}

/* As it would run: what auto falls back to is known when it was loaded. */
static int build(const struct braid_pipeline *p, struct running_image *ret, struct braid_error *err)
{
	_cleanup_error_ struct braid_error ignored = BRAID_ERROR_INIT;
	struct running_image run = {};
	struct image_opts opts = {};
	int cpus = cpus_possible(err), r;

	if (cpus < 0)
		return cpus;
	if (!image_load(p, p->strategy, NULL, NULL, NULL, ret, &ignored))
		return 0;
	/* no privileges, or it is refused: then this says where and why */
	opts.cpus = cpus;
	r = plan_new(p, p->strategy, NULL, &run.plan, err)
		    ?: image_new(run.plan, &opts, &run.image, err);
	if (r)
		running_image_done(&run);
	else
		*ret = run;
	return r;
}

int braid_explain_pipeline(const struct braid_pipeline *p, const struct braid_inspect_opts *opts,
			   char **ret_json, struct braid_error *err)
{
	_cleanup_json_ json_t *j = NULL;
	struct running_image run = {};
	struct braid_inspect_opts o;
	ERROR_SCRATCH(err);
	int r;

	r = opts_take(&o, sizeof(o), opts, err) ?: build(p, &run, err);
	if (r)
		return r;
	r = explain(run.image, &o, &j, err) ?: json_give(j, ret_json, err);
	running_image_done(&run);
	return r;
}
