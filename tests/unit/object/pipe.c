/* SPDX-License-Identifier: GPL-2.0-only */
#include "pipe.h"

#include "base/error.h"
#include "base/text.h"
#include "tap.h"

static void must(int r, const struct braid_error *err)
{
	if (r)
		bail_out("%s: %s (%s)", err->where ?: "", err->what, err->why ?: "");
}

static void add_stage(struct pipe *p, const struct pipe_opts *opts, const struct pipe_stage *s,
		      size_t k)
{
	_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
	_cleanup_free_ char *path = text_fmt("%s/%s.o", opts->folder, s->object);
	_cleanup_free_ char *name = text_fmt("s%zu", k), *slot = text_fmt("%zu", k);
	struct braid_stage_opts how = {.sz = sizeof(how),
				       .object = path,
				       .program = s->program,
				       .proceed_mask = s->proceed_on};

	must(braid_pipeline_add_stage(p->pipeline, name, &how, &err), &err);
	if (!s->no_slot)
		must(braid_pipeline_set_constant(p->pipeline, name, "slot", slot, &err), &err);
	if (s->never) {
		p->pipeline->stages.v[k].has_proceed_on = true;
		p->pipeline->stages.v[k].proceed_on = 0;
	}
}

void pipe_init(struct pipe *p, const struct pipe_opts *opts, const struct pipe_stage *stages,
	       size_t n)
{
	_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;

	*p = (struct pipe){};
	must(braid_pipeline_new("test", &p->pipeline, &err), &err);
	must(braid_pipeline_set_strategy(p->pipeline, opts->strategy, &err), &err);
	if (opts->final)
		must(braid_pipeline_set_final(p->pipeline, opts->final, &err), &err);
	if (opts->signals)
		must(braid_pipeline_set_signals(p->pipeline, opts->signals, &err), &err);
	must(braid_pipeline_set_stats(p->pipeline, opts->stats ?: "off", &err), &err);
	for (size_t k = 0; k < n; k++)
		add_stage(p, opts, &stages[k], k);
}

int pipe_build(struct pipe *p, const struct pipe_opts *opts, const struct pipe_stage *stages,
	       size_t n, struct braid_error *err)
{
	struct image_opts image_opts = {.record = opts->record};
	int r = braid_plan_new(p->pipeline, &p->plan, err);

	for (size_t k = 0; k < n && !r; k++)
		p->plan->stages.v[k].called |= stages[k].call;
	return r ?: image_new(p->plan, &image_opts, &p->image, err);
}

void pipe_done(struct pipe *p)
{
	image_free(p->image);
	braid_plan_free(p->plan);
	braid_pipeline_free(p->pipeline);
	*p = (struct pipe){};
}
