/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Plan, link, load; and what auto does when the verifier finds the whole too much. */
#include <errno.h>

#include "base/error.h"
#include "base/text.h"
#include "compose/observe.h"
#include "kernel/cpus.h"
#include "kernel/verifier.h"
#include "live/live.h"

void running_image_done(struct running_image *r)
{
	loaded_free(r->loaded);
	image_free(r->image);
	braid_plan_free(r->plan);
	*r = (struct running_image){};
}

struct wanted_image {
	const struct braid_pipeline *p;
	enum strategy strategy;
	const char *why;
	bool clean_stack;
	const struct image_opts *opts;
	const struct reuse_chooser *chooser;
};

static int make_scratch(bool frags, const struct chosen *chosen, int *ret, struct braid_error *err)
{
	if (chosen->bound_to)
		return dispatch_scratch_bound(chosen->bound_ns, chosen->bound_to, frags, ret, err);
	return dispatch_scratch(frags, ret, err);
}

/* Components are loaded for a dispatcher of their kind, and attached to another one later. */
static int load(struct running_image *run, const struct chosen *chosen, struct braid_error *err)
{
	struct load_opts opts = {chosen->reuse, chosen->n, chosen->only};
	_cleanup_close_ int scratch = -1;
	int r = 0;

	if (run->plan->strategy != STRATEGY_DISPATCHER)
		return load_image(run->image, &opts, &run->loaded, err);
	r = make_scratch(run->plan->frags, chosen, &scratch, err);
	if (r)
		return r;
	run->bound_to = chosen->bound_to;
	run->bound_cookie = chosen->bound_to ? chosen->bound_ns->cookie : 0;
	opts.dispatcher = scratch;
	r = load_image(run->image, &opts, &run->loaded, err);
	return r ? dispatch_explain(err) : 0;
}

static int load_as(const struct wanted_image *w, struct running_image *ret, struct braid_error *err)
{
	struct running_image run = {};
	struct chosen chosen = {};
	int r = plan_new(w->p, w->strategy, w->why, &run.plan, err);

	if (!r)
		run.plan->clean_stack = w->clean_stack;
	if (!r && w->opts)
		r = plan_observe(run.plan, w->opts->observe, err);
	r = r ?: image_new(run.plan, w->opts, &run.image, err);
	if (!r && w->chooser)
		r = w->chooser->choose(w->chooser->ctx, run.image, &chosen, err);
	if (!r && chosen.only)
		r = image_empty_jumps(run.image, err);
	r = r ?: load(&run, &chosen, err);
	if (r)
		running_image_done(&run);
	else
		*ret = run;
	return r;
}

/* Could another strategy help? Only when it was the verifier that said no. */
static bool refused_as_a_whole(const struct wanted_image *w, const struct braid_error *err)
{
	return (w->strategy == STRATEGY_AUTO || w->strategy == STRATEGY_FUSED) &&
	       w->p->stages.n > 1 && err->log;
}

/*
 * The verifier gave up on the whole. With the stack cleaned between stages it has fewer
 * states to tell apart. 0: that was enough.
 */
static int load_clean(const struct wanted_image *w, struct running_image *ret)
{
	_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
	struct wanted_image clean = *w;
	_cleanup_free_ char *why = text_fmt(
		"%s; with the stack cleaned between stages, as the verifier gave up without",
		w->strategy == STRATEGY_AUTO ? "auto: one program is fastest"
					     : "the manifest says so");

	clean.why = why;
	clean.clean_stack = true;
	return why ? load_as(&clean, ret, &err) : -ENOMEM;
}

int image_load(const struct braid_pipeline *p, enum strategy strategy, const char *reason,
	       const struct image_opts *opts, const struct reuse_chooser *chooser,
	       struct running_image *ret, struct braid_error *err)
{
	struct image_opts more = opts ? *opts : (struct image_opts){};
	struct wanted_image w = {p, strategy, reason, false, &more, chooser};
	_cleanup_error_ struct braid_error alone = BRAID_ERROR_INIT;
	_cleanup_free_ char *why = NULL;
	struct running_image run = {};
	int cpus = cpus_possible(err), r, again;

	if (cpus < 0)
		return cpus;
	more.cpus = cpus;
	r = load_as(&w, ret, err);

	if (!r || !refused_as_a_whole(&w, err))
		return r;
	if (verdict_gave_up(err->log) && !load_clean(&w, ret)) {
		braid_error_clear(err);
		return 0;
	}
	why = text_fmt("auto: fused was refused (%s); each stage alone was not", err->what ?: "");
	if (!why)
		return error_oom(err);
	w.strategy = STRATEGY_TAILCALL;
	w.why = why;
	again = load_as(&w, &run, &alone);
	if (again) {
		/* the stage that fails by itself is the better thing to talk about */
		error_move(err, &alone);
		return again;
	}
	if (strategy == STRATEGY_FUSED) {
		running_image_done(&run);
		error_hint(err, "each stage alone is accepted: use strategy auto or tailcall");
		return r;
	}
	braid_error_clear(err);
	*ret = run;
	return 0;
}
