// SPDX-License-Identifier: GPL-2.0-only
#include "common/compose.h"

#include <err.h>
#include <stdio.h>
#include <string.h>

void braid_must(int r, const struct braid_error *err, const char *what)
{
	if (!r)
		return;
	errx(1, "%s: %s%s%s%s%s", what, err->where ?: "", err->where ? ": " : "",
	     err->what ?: strerror(-r), err->why ? ": " : "", err->why ?: "");
}

struct braid_pipeline *pipeline_open(const char *name, const char *strategy)
{
	struct braid_error error = BRAID_ERROR_INIT;
	struct braid_pipeline *p;

	braid_must(braid_pipeline_new(name, &p, &error), &error, name);
	braid_must(braid_pipeline_set_strategy(p, strategy, &error), &error, name);
	braid_must(braid_pipeline_set_signals(p, "none", &error), &error, name);
	braid_must(braid_pipeline_set_stats(p, "off", &error), &error, name);
	return p;
}

void pipeline_repeat(struct braid_pipeline *p, const char *name, struct bytes object,
		     unsigned int n)
{
	struct braid_stage_opts opts = {
		.sz = sizeof(opts),
		.object = name,
		.bytes = object.data,
		.size = object.size,
	};

	for (unsigned int i = 0; i < n; i++) {
		struct braid_error error = BRAID_ERROR_INIT;
		char stage[32];

		snprintf(stage, sizeof(stage), "%s_%u", name, i);
		braid_must(braid_pipeline_add_stage(p, stage, &opts, &error), &error, stage);
	}
}

struct braid_manifest *manifest_parse(const char *text, const char *folder)
{
	struct braid_error error = BRAID_ERROR_INIT;
	struct braid_manifest *m;
	char name[64];

	snprintf(name, sizeof(name), "%s/manifest", folder);
	braid_must(braid_manifest_parse(text, strlen(text), name, NULL, &m, &error), &error,
		   "manifest");
	return m;
}

struct bytes pipeline_link(const struct braid_pipeline *p)
{
	struct braid_error error = BRAID_ERROR_INIT;
	struct braid_plan *plan;
	struct bytes linked;
	void *data;

	braid_must(braid_plan_new(p, &plan, &error), &error, "planning");
	braid_must(braid_plan_link(plan, &data, &linked.size, &error), &error, "linking");
	linked.data = data;
	braid_plan_free(plan);
	return linked;
}
