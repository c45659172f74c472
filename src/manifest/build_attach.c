/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* The builder: the hook, and how the pipeline is attached to it. */
#include "base/error.h"
#include "manifest/build.h"
#include "manifest/check.h"
#include "manifest/edit.h"
#include "manifest/hook.h"
#include "manifest/opts.h"

static const struct place nowhere;

int braid_pipeline_set_hook(struct braid_pipeline *p, const char *hook, struct braid_error *err)
{
	unsigned int i;
	int r;
	ERROR_SCRATCH(err);

	r = word_parse("hook", hook, hook_names, nowhere, &i, err);
	return build_within(p, r ?: pipeline_set_hook(p, i, nowhere, err), err);
}

const char *braid_pipeline_hook(const struct braid_pipeline *p)
{
	return hook_names[p->hook];
}

static int set_attach(struct braid_pipeline *p, const struct braid_attach_opts *opts,
		      struct braid_error *err)
{
	_cleanup_(attach_done) struct attach a = {};
	int r = 0;

	if (opts->order)
		r = attach_set_order(&a, opts->order, nowhere, err);
	if (!r && opts->before)
		r = attach_set_relative(&a, ATTACH_BEFORE, opts->before, nowhere, err);
	if (!r && opts->after)
		r = attach_set_relative(&a, ATTACH_AFTER, opts->after, nowhere, err);
	if (!r && opts->via)
		r = attach_set_via(&a, opts->via, nowhere, err);
	if (!r && opts->has_priority)
		r = attach_set_priority(&a, opts->priority, nowhere, err);
	if (!r)
		pipeline_set_attach(p, &a);
	return r;
}

int braid_pipeline_set_attach(struct braid_pipeline *p, const struct braid_attach_opts *user_opts,
			      struct braid_error *err)
{
	struct braid_attach_opts opts;
	int r;
	ERROR_SCRATCH(err);

	r = opts_take(&opts, sizeof(opts), user_opts, err);
	return build_within(p, r ?: set_attach(p, &opts, err), err);
}
