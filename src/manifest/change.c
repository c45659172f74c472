/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Changing a pipeline that runs already: the public side of layout.c. */
#include <errno.h>

#include "base/error.h"
#include "manifest/build.h"
#include "manifest/edit.h"
#include "manifest/layout.h"
#include "manifest/opts.h"

static const struct place nowhere;

/* -ENOENT names the pipeline itself. */
static int about(const struct braid_pipeline *p, const char *stage, int r, struct braid_error *err)
{
	if (r && r != -ENOMEM && r != -ENOENT)
		error_within(err, "pipeline %s: stage %s", p->name, stage);
	return r;
}

static int check_place(const struct braid_stage_opts *opts, struct braid_error *err)
{
	if (!opts->choice && !opts->branch)
		return 0;
	return error_code(place_error(err, nowhere,
				      "a choice is given for a stage whose place "
				      "is known otherwise"));
}

static int update(struct braid_pipeline *p, struct stage *s, const struct braid_stage_opts *opts,
		  struct braid_error *err)
{
	_cleanup_(stage_done) struct stage fresh = {.at = s->at};
	int r = check_place(opts, err) ?: stage_check_settled(s, "replaced", err);

	if (!r && opts->disabled)
		r = error_code(place_error(err, nowhere, "an update does not disable a stage"));
	r = r ?: build_stage(&fresh, p, s->name, opts, err) ?: stage_check_object(&fresh, err);
	if (r)
		return r;
	free(s->object);
	free(s->bytes);
	s->object = TAKE_PTR(fresh.object);
	s->bytes = TAKE_PTR(fresh.bytes);
	s->size = fresh.size;
	if (fresh.program) {
		free(s->program);
		s->program = TAKE_PTR(fresh.program);
	}
	if (fresh.has_proceed_on) {
		s->has_proceed_on = true;
		s->proceed_on = fresh.proceed_on;
	}
	return 0;
}

int braid_pipeline_update_stage(struct braid_pipeline *p, const char *name,
				const struct braid_stage_opts *user_opts, struct braid_error *err)
{
	struct braid_stage_opts opts;
	struct stage *s;
	int r;
	ERROR_SCRATCH(err);

	r = pipeline_find_stage(p, name, nowhere, &s, err);
	r = r ?: opts_take(&opts, sizeof(opts), user_opts, err);
	r = r ?: update(p, s, &opts, err);
	return about(p, name, r, err);
}

static int insert(struct braid_pipeline *p, const char *name, const struct braid_stage_opts *opts,
		  const struct position *at, struct braid_error *err)
{
	_cleanup_(stage_done) struct stage s = {};
	int r = check_place(opts, err) ?: build_stage(&s, p, name, opts, err);

	return r ?: pipeline_insert_stage(p, &s, at, err);
}

int braid_pipeline_insert_stage(struct braid_pipeline *p, const char *name,
				const struct braid_stage_opts *user_opts, enum braid_where where,
				const char *other, struct braid_error *err)
{
	const struct position at = {where, other};
	struct braid_stage_opts opts;
	int r;
	ERROR_SCRATCH(err);

	r = opts_take(&opts, sizeof(opts), user_opts, err);
	r = r ?: insert(p, name, &opts, &at, err);
	return about(p, name, r, err);
}

int braid_pipeline_remove_stage(struct braid_pipeline *p, const char *name, struct braid_error *err)
{
	ERROR_SCRATCH(err);

	return about(p, name, pipeline_remove_stage(p, name, err), err);
}

int braid_pipeline_move_stage(struct braid_pipeline *p, const char *name, enum braid_where where,
			      const char *other, struct braid_error *err)
{
	const struct position at = {where, other};
	ERROR_SCRATCH(err);

	return about(p, name, pipeline_move_stage(p, name, &at, err), err);
}

int braid_pipeline_enable_stage(struct braid_pipeline *p, const char *name, int enabled,
				struct braid_error *err)
{
	ERROR_SCRATCH(err);

	return about(p, name, pipeline_enable_stage(p, name, enabled, err), err);
}
