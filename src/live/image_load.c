/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Plan, link, load; and what auto does when the verifier finds the whole too much. */
#include <errno.h>

#include "base/error.h"
#include "base/text.h"
#include "kernel/verifier.h"
#include "live/live.h"

void running_image_done(struct running_image *r)
{
	loaded_free(r->loaded);
	image_free(r->image);
	braid_plan_free(r->plan);
	*r = (struct running_image){};
}

static int load_as(const struct braid_pipeline *p, enum strategy strategy, const char *why,
		   bool clean_stack, bool record, const struct reuse_chooser *chooser,
		   struct running_image *ret, struct braid_error *err)
{
	struct running_image run = {};
	struct chosen chosen = {};
	int r = plan_new(p, strategy, why, &run.plan, err);

	if (!r)
		run.plan->clean_stack = clean_stack;
	r = r ?: image_new(run.plan, record, &run.image, err);
	if (!r && chooser)
		r = chooser->choose(chooser->ctx, run.image, &chosen, err);
	if (!r && chosen.only)
		r = image_empty_jumps(run.image, err);
	r = r ?: load_image(run.image, chosen.reuse, chosen.n, chosen.only, &run.loaded, err);
	if (r)
		running_image_done(&run);
	else
		*ret = run;
	return r;
}

/* Could another strategy help? Only when it was the verifier that said no. */
static bool refused_as_a_whole(const struct braid_pipeline *p, const struct braid_error *err)
{
	return p->strategy != STRATEGY_TAILCALL && p->stages.n > 1 && err->log;
}

/*
 * The verifier gave up on the whole. With the stack cleaned between stages it has fewer
 * states to tell apart. 0: that was enough.
 */
static int load_clean(const struct braid_pipeline *p, bool record,
		      const struct reuse_chooser *chooser, struct running_image *ret)
{
	_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
	_cleanup_free_ char *why = text_fmt(
		"%s; with the stack cleaned between stages, as the verifier gave up without",
		p->strategy == STRATEGY_AUTO ? "auto: one program is fastest"
					     : "the manifest says so");

	return why ? load_as(p, p->strategy, why, true, record, chooser, ret, &err) : -ENOMEM;
}

int image_load(const struct braid_pipeline *p, bool record, const struct reuse_chooser *chooser,
	       struct running_image *ret, struct braid_error *err)
{
	_cleanup_error_ struct braid_error alone = BRAID_ERROR_INIT;
	_cleanup_free_ char *why = NULL;
	struct running_image run = {};
	int r = load_as(p, p->strategy, NULL, false, record, chooser, ret, err), again;

	if (!r || !refused_as_a_whole(p, err))
		return r;
	if (verdict_gave_up(err->log) && !load_clean(p, record, chooser, ret)) {
		braid_error_clear(err);
		return 0;
	}
	why = text_fmt("auto: fused was refused (%s); each stage alone was not", err->what ?: "");
	if (!why)
		return error_oom(err);
	again = load_as(p, STRATEGY_TAILCALL, why, false, record, chooser, &run, &alone);
	if (again) {
		/* the stage that fails by itself is the better thing to talk about */
		error_move(err, &alone);
		return again;
	}
	if (p->strategy == STRATEGY_FUSED) {
		running_image_done(&run);
		error_hint(err, "each stage alone is accepted: use strategy auto or tailcall");
		return r;
	}
	braid_error_clear(err);
	*ret = run;
	return 0;
}
