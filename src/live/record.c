/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* A new revision, on record before packets meet it: in the store, then in bpffs. */
#include "base/error.h"
#include "base/text.h"
#include "compose/count.h"
#include "compose/plan_json.h"
#include "kernel/bpffs.h"
#include "live/change.h"
#include "live/orphan.h"

static int put_object(struct change *c, struct revision *rev, const char *stage, const void *bytes,
		      size_t size, struct braid_error *err)
{
	struct revision_object *o = array_push(&rev->objects);

	if (!o)
		return error_oom(err);
	o->stage = (char *)stage; /* borrowed: revision_begin() copies */
	return store_put(c->b->store, bytes, size, o->digest, err);
}

/* Those that are linked, as they were read for it; and those of disabled stages. */
static int put_objects(struct change *c, struct revision *rev, struct braid_error *err)
{
	int r = 0;

	array_foreach (ps, &c->run.plan->stages)
		if (!ps->internal)
			r = r ?: put_object(c, rev, ps->stage->name, ps->bytes, ps->size, err);
	array_foreach (s, &c->p->stages) {
		_cleanup_free_ void *bytes = NULL;
		size_t size;

		if (!s->disabled)
			continue;
		r = r ?: stage_read(s, &bytes, &size, err);
		r = r ?: put_object(c, rev, s->name, bytes, size, err);
	}
	return r;
}

/* How the counters of the image are to be read. */
static int add_counting(struct change *c, struct braid_error *err)
{
	_cleanup_count_model_ struct count_model m = {};
	int r;

	if (!plan_counts(c->run.plan))
		return 0;
	r = count_model_new(c->run.plan, &m, err);
	if (!r && json_object_set_new(c->plan, "counting", count_model_to_json(&m)))
		r = error_oom(err);
	return r;
}

/* The plan of what was loaded; who has one already has loaded nothing. */
static int make_plan(struct change *c, struct braid_error *err)
{
	if (c->plan)
		return 0;
	return plan_to_json(c->run.image, &c->plan, err) ?: bound_note(&c->run, c->plan, err)
		       ?: add_counting(c, err);
}

int change_begin(struct change *c, struct braid_error *err)
{
	_cleanup_free_ char *manifest = NULL, *plan = NULL;
	struct revision rev = {
		.home = c->b->home.name, .pipeline = (char *)c->p->name, .cause = c->b->cause};
	int r = make_plan(c, err) ?: revision_text(c->p, &manifest, err);

	if (!r && !c->slot.index && c->run.loaded)
		r = front_of_loaded(c->plan, c->run.loaded, &c->new, err);

	if (r)
		return r;
	json_object_set(c->plan, "wanted", c->wanted);
	if (c->slot.index)
		json_object_set(c->plan, "front", json_object_get(c->old_plan, "front"));
	else
		json_object_set_new(c->plan, "front", orphan_note(&c->new));
	json_object_set_new(c->plan, "interfaces", targets_to_json(&c->targets));
	if (c->slot.index)
		json_object_set_new(c->plan, "slot", json_integer(c->slot.index));
	r = carry_note(&c->carry, c->plan, err) ?: revisions_highest(c->path, &rev.number, err);
	if (r)
		return r;
	plan = json_dumps(c->plan, JSON_COMPACT);
	if (!plan)
		return error_oom(err);
	rev.manifest = manifest;
	rev.plan = plan;
	r = put_objects(c, &rev, err) ?: revision_begin(c->b->store, &rev, &c->number, err);
	array_done(&rev.objects);
	return r;
}

/* What was not loaded, as only one slot changes, is the old revision's program. */
static int pin_program(struct change *c, __u32 segment, struct braid_error *err)
{
	const char *name = c->run.image->segments.v[segment].name;
	_cleanup_free_ char *pin = path_program(c->new_path, name), *old = NULL;
	_cleanup_close_ int fd = -1;
	int r;

	if (!pin)
		return error_oom(err);
	if (!c->slot.index || c->slot.index == segment)
		return bpffs_pin(loaded_program(c->run.loaded, segment), pin, err);
	old = path_program(c->old_path, name);
	r = old ? bpffs_get(old, BPFFS_PROGRAM, &fd, err) : error_oom(err);
	return r ?: bpffs_pin(fd, pin, err);
}

int change_make_folders(struct change *c, struct braid_error *err)
{
	_cleanup_free_ char *programs = NULL, *maps = NULL, *links = NULL;

	c->new_path = path_revision(c->path, c->number);
	programs = c->new_path ? text_fmt("%s/programs", c->new_path) : NULL;
	maps = c->new_path ? text_fmt("%s/maps", c->new_path) : NULL;
	links = text_fmt("%s/links", c->path);
	if (!programs || !maps || !links)
		return error_oom(err);
	return bpffs_mkdir(links, err) ?: bpffs_mkdir(programs, err) ?: bpffs_mkdir(maps, err);
}

int change_pin(struct change *c, struct braid_error *err)
{
	int r = change_make_folders(c, err);

	for (size_t i = 0; i < c->run.image->segments.n && !r; i++)
		r = pin_program(c, i, err);
	array_foreach (m, &c->run.image->maps) {
		_cleanup_free_ char *pin = path_map(c->new_path, m->symbol);

		r = r
			    ?: pin ? bpffs_pin(loaded_map(c->run.loaded, m->symbol), pin, err)
				   : error_oom(err);
	}
	return r ?: carry_pin(&c->carry, c->new_path, err);
}
