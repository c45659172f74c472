/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Maps that pipelines of one home share: each that has a shared map of that name, with
 * across-pipelines, uses the same one, and pins it in its own folder. So it lives as long as
 * one of them does.
 */
#include <bpf/bpf.h>
#include <errno.h>

#include "base/error.h"
#include "base/text.h"
#include "kernel/bpffs.h"
#include "live/carry.h"
#include "live/live.h"

/* A map of another pipeline. */
struct neighbour {
	const char *pipeline;
	json_t *plan; /* owned */
	const json_t *map;
	int fd;
};

static void neighbour_done(struct neighbour *n)
{
	json_decref(n->plan);
	closep(&n->fd);
}

static const json_t *find_map(const json_t *plan, const char *name)
{
	json_t *m;
	size_t i;

	json_array_foreach (json_object_get(plan, "maps"), i, m)
		if (json_is_true(json_object_get(m, "across")) &&
		    text_eq(json_string_value(json_object_get(m, "name")), name))
			return m;
	return NULL;
}

/* ret->fd stays -1 when that pipeline has no such map that runs. */
static int look_at(struct braid *b, const char *root, const struct store_pipeline *p,
		   const char *name, struct neighbour *ret, struct braid_error *err)
{
	_cleanup_revision_ struct revision rev = {};
	_cleanup_free_ char *path = path_pipeline(root, p->home, p->name), *folder = NULL,
			    *pin = NULL;
	int r = revision_get(b->store, p->home, p->name, p->current, &rev, err);

	if (r)
		return r;
	folder = path ? path_revision(path, p->current) : NULL;
	ret->plan = json_loads(rev.plan, 0, NULL);
	ret->map = find_map(ret->plan, name);
	if (!folder)
		return error_oom(err);
	if (!ret->map)
		return 0;
	pin = path_map(folder, json_string_value(json_object_get(ret->map, "symbol")));
	r = pin ? bpffs_get(pin, BPFFS_MAP, &ret->fd, err) : error_oom(err);
	if (r != -ENOENT)
		return r;
	braid_error_clear(err);
	return 0;
}

static int find_neighbour(struct braid *b, const char *root, const char *pipeline,
			  const struct store_pipelines *all, const char *name,
			  struct neighbour *ret, struct braid_error *err)
{
	array_foreach (p, &all->list) {
		int r;

		if (!p->current || !text_eq(p->home, b->home.name) || text_eq(p->name, pipeline))
			continue;
		r = look_at(b, root, p, name, ret, err);
		ret->pipeline = p->name;
		if (r || ret->fd >= 0)
			return r;
		json_decref(ret->plan);
		ret->plan = NULL;
	}
	return 0;
}

static __u32 map_id(int fd)
{
	struct bpf_map_info info = {};
	__u32 size = sizeof(info);

	return bpf_obj_get_info_by_fd(fd, &info, &size) ? 0 : info.id;
}

static void refuse(struct carried *c, const char *pipeline, const char *what, const char *hint)
{
	_cleanup_free_ char *diff = c->diff ? strdup(c->diff) : NULL;

	error_set(&c->refusal, -EBUSY, c->where, "map '%s' is shared with pipeline '%s', %s",
		  c->name, pipeline, what);
	if (diff)
		error_why(&c->refusal, "%s", diff);
	error_hint(&c->refusal, "%s", hint);
	c->how = CARRY_REFUSED;
}

/* There is none of our own: theirs it is, if that is what our stages take it for. */
static int adopt(const struct image *image, const struct image_map *m, struct carried *c,
		 struct neighbour *n, struct carry *carry, struct braid_error *err)
{
	int r;

	free(c->why); /* that it is new */
	c->why = NULL;
	c->was = n->map;
	c->fd = TAKE_FD(n->fd);
	r = carry_judge(image, m, c, err);
	c->was = NULL; /* it is the neighbour's */
	if (r)
		return r;
	if (c->how != CARRY_CONTINUES) {
		close(TAKE_FD(c->fd));
		refuse(c, n->pipeline, "which has it in another shape",
		       "give all stages that share it the same definition, or share it under "
		       "another name");
		return 0;
	}
	free(c->why);
	c->why = text_fmt("shared with pipeline %s", n->pipeline);
	return c->why && array_add(&carry->reuse, ((struct load_reuse){c->symbol, c->fd}))
		       ? 0
		       : error_oom(err);
}

static int meet(const struct image *image, const struct image_map *m, struct carried *c,
		struct neighbour *n, struct carry *carry, struct braid_error *err)
{
	if (c->how == CARRY_ANEW && !c->was)
		return adopt(image, m, c, n, carry, err);
	if (c->how == CARRY_CONTINUES && map_id(c->fd) == map_id(n->fd))
		return 0;
	if (c->how == CARRY_CONTINUES)
		refuse(c, n->pipeline, "and this pipeline has had one of its own",
		       "share it under another name, or delete this pipeline first: its entries "
		       "go");
	else if (c->how != CARRY_REFUSED)
		refuse(c, n->pipeline, "and would not be the same any more",
		       "change it when one pipeline only has it, or share it under another name");
	return 0;
}

int across_find(struct braid *b, const char *root, const struct image *image, struct carry *carry,
		struct braid_error *err)
{
	struct store_pipelines all = {};
	int r = 0;

	array_foreach (m, &image->maps) {
		struct neighbour n = {.fd = -1};

		if (r || !m->across)
			continue;
		if (!all.list.n)
			r = store_pipelines(b->store, &all, err);
		r = r
			    ?: find_neighbour(b, root, image->plan->pipeline->name, &all, m->name,
					      &n, err);
		array_foreach (c, &carry->list)
			if (!r && n.fd >= 0 && text_eq(c->symbol, m->symbol) &&
			    c->how != CARRY_DROPPED && c->how != CARRY_PARKED)
				r = meet(image, m, c, &n, carry, err);
		neighbour_done(&n);
	}
	store_pipelines_done(&all);
	return r;
}
