/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* The pipeline that an adoption ends with, as a manifest would say it. */
#include <ctype.h>
#include <errno.h>

#include "base/error.h"
#include "base/text.h"
#include "live/adopt.h"

void adoption_done(struct adoption *a)
{
	array_foreach (one, &a->list) {
		free(one->stage);
		origin_object_done(&one->object);
	}
	array_done(&a->list);
	json_decref(a->before);
	braid_manifest_free(a->manifest);
	braid_pipeline_free(a->own);
	spot_done(&a->at);
	free(a->root);
}

const struct adopted *adoption_of(const struct adoption *a, const char *stage)
{
	array_foreach (one, &a->list)
		if (text_eq(one->stage, stage))
			return one;
	return NULL;
}

#define STAGE_NAME_MAX 32 /* of a manifest */

/* A name as manifests have them, that no stage has: "XDP_filter" -> "xdp_filter", "xdp_filter-2".
 */
static char *stage_name(const struct braid_pipeline *p, const char *program)
{
	char base[STAGE_NAME_MAX - 3] = "x";
	char *name;
	size_t n = 0;

	for (const char *c = program; *c && n < sizeof(base) - 1; c++)
		if (n || isalpha((unsigned char)*c))
			base[n++] = isalnum((unsigned char)*c) ? tolower(*c) : '_';
	base[n ?: 1] = '\0';
	name = strdup(base);
	for (unsigned int i = 2; name && pipeline_stage(p, name); i++) {
		free(name);
		name = text_fmt("%s-%u", base, i);
	}
	return name;
}

/* Behind @last, a stage or a choice; NULL: in front of all. */
static int insert(struct adoption *a, const struct adopted *one, const char *last,
		  struct braid_error *err)
{
	const struct component *c = one->component;
	struct braid_stage_opts opts = {
		.sz = sizeof(opts),
		.object = one->object.path,
		.program = c->name,
		.proceed_mask = c->slot.actions,
		.has_priority = 1,
		.priority = c->slot.priority,
	};

	return braid_pipeline_insert_stage(a->p, one->stage, &opts,
					   last ? BRAID_AFTER : BRAID_FIRST, last, err);
}

static int adopt_one(struct adoption *a, const struct component *c, const char *last,
		     const struct braid_adopt_opts *o, struct braid_error *err)
{
	_cleanup_(program_maps_done) struct program_maps maps = {};
	struct adopted *one = array_push(&a->list);
	int r;

	if (!one)
		return error_oom(err);
	one->component = c;
	one->stage = stage_name(a->p, c->name);
	r = one->stage ? origin_find(c, o->objects, o->n_objects, &one->object, err)
		       : error_oom(err);
	r = r ?: a->p->stages.n ? insert(a, one, last, err) : insert(a, one, NULL, err);
	return r ?: program_maps_read(c->fd, &maps, err) ?:
	       adopt_constants(c, &one->object, &maps, a->p, one->stage, err);
}

/* The outermost thing that a stage is in: itself, or a choice. */
static const char *outermost(const struct braid_pipeline *p, const struct stage *s)
{
	__u32 choice = s->choice;

	if (!choice)
		return s->name;
	while (p->choices.v[choice - 1].choice)
		choice = p->choices.v[choice - 1].choice;
	return p->choices.v[choice - 1].name;
}

/* What stands last in component @c, if that is the pipeline's own; NULL: it is another's. */
static const char *own_last(struct adoption *a, const json_t *plan, const struct component *c)
{
	const char *last = NULL, *name;
	json_t *segment, *stage;
	size_t i, k;

	json_array_foreach (json_object_get(plan, "segments"), i, segment) {
		if (!text_eq(json_string_value(json_object_get(segment, "program")), c->name))
			continue;
		json_array_foreach (json_object_get(segment, "stages"), k, stage) {
			const struct stage *s;

			name = json_string_value(stage);
			s = name ? pipeline_stage(a->p, name) : NULL;
			last = s ? outermost(a->p, s) : last;
		}
	}
	return last;
}

static bool is_own(const struct adoption *a, const struct ids *own, const struct component *c)
{
	return a->has_pipeline && ids_have(own, c->id);
}

static int read_own(struct adoption *a, struct ids *ret, json_t **ret_plan, struct braid_error *err)
{
	_cleanup_free_ char *path = path_pipeline(a->root, a->b->home.name, a->p->name);
	_cleanup_revision_ struct revision rev = {};
	struct attachments all = {};
	const struct attachment *at;
	int r = path ? attachments_read(path, &all, err) : error_oom(err);

	r = r
		    ?: revision_find(a->b->store, a->b->home.name, a->p->name, REVISION_CURRENT,
				     &rev, err);
	at = r ? NULL : attachment_at(&all, &a->at);
	if (at)
		array_foreach (id, &at->runs.list)
			if (!array_add(&ret->list, *id))
				r = error_oom(err);
	attachments_done(&all);
	*ret_plan = r ? NULL : json_loads(rev.plan, 0, NULL);
	return r;
}

static int add_all(struct adoption *a, const struct braid_adopt_opts *o, struct braid_error *err)
{
	_cleanup_json_ json_t *plan = NULL;
	struct ids own = {};
	const char *last = NULL;
	int r = a->has_pipeline ? read_own(a, &own, &plan, err) : 0;

	array_foreach (c, &a->at.chain->components) {
		if (is_own(a, &own, c)) {
			last = own_last(a, plan, c) ?: last;
			continue;
		}
		r = r ?: adopt_one(a, c, last, o, err);
		if (!r)
			last = a->list.v[a->list.n - 1].stage;
	}
	array_done(&own.list);
	return r;
}

static int new_pipeline(struct adoption *a, const char *netns, const char *iface,
			const struct braid_adopt_opts *o, struct braid_error *err)
{
	bool generic = a->at.chain->mode == XDP_GENERIC;

	return braid_pipeline_new(o->name ?: iface, &a->own, err) ?:
	       braid_pipeline_add_interface(a->own, iface, netns, err) ?:
	       braid_pipeline_set_mode(a->own, generic ? "generic" : "native", err);
}

int adoption_model(struct adoption *a, const char *netns, const char *iface,
		   const struct braid_adopt_opts *o, struct braid_error *err)
{
	int r = a->has_pipeline ? 0 : new_pipeline(a, netns, iface, o, err);

	if (r)
		return r;
	a->p = a->has_pipeline ? braid_manifest_edit(a->manifest, 0) : a->own;
	if (a->p->interfaces.n > 1) {
		error_set(err, -EINVAL, a->p->name, "the pipeline is on %zu interfaces",
			  a->p->interfaces.n);
		error_why(err, "components of %s would run on all of them", iface);
		error_hint(err, "make a pipeline of its own for %s first", iface);
		return -EINVAL;
	}
	r = braid_pipeline_set_strategy(a->p, "dispatcher", err) ?: add_all(a, o, err);
	if (r || a->list.n)
		return r;
	error_set(err, -EALREADY, iface, "all components are those of pipeline '%s'", a->p->name);
	error_hint(err, "apply it with another strategy");
	return -EALREADY;
}
