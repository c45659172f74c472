/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Taking components of others into a pipeline. It takes two steps, each a revision:
 *
 *	1  the components that are there, with the programs and maps that they have, become
 *	   those of a revision: nothing is loaded, and nothing changes for packets
 *	2  the transaction of apply, to the strategy that is wanted: as between any two
 *	   revisions maps go on, and one that fails leaves the first
 *
 * In the first one words of the control block are still those of the stages that the pipeline
 * had before, so it is not for staying.
 */
#include <errno.h>

#include "base/error.h"
#include "base/text.h"
#include "compose/plan_json.h"
#include "kernel/bpffs.h"
#include "kernel/iface.h"
#include "kernel/probe.h"
#include "live/adopt.h"
#include "live/change.h"
#include "live/note.h"
#include "manifest/json.h"
#include "manifest/opts.h"

static int refuse(const struct adoption *a, int code, const char *what, const char *hint,
		  struct braid_error *err)
{
	_cleanup_free_ char *where = iface_where(&a->at.ns, a->at.ifindex);

	error_set(err, code, where, "%s", what);
	error_hint(err, "%s", hint);
	return code;
}

/* Which of this home's pipelines is in the dispatcher. None: a new one. */
static int find_pipeline(struct adoption *a, struct braid_error *err)
{
	struct store_pipelines all = {};
	int r = store_pipelines(a->b->store, &all, err);

	array_foreach (sp, &all.list) {
		_cleanup_free_ char *path = path_pipeline(a->root, sp->home, sp->name);
		struct attachments attached = {};

		if (r || !sp->current || !text_eq(sp->home, a->b->home.name))
			continue;
		r = path ? attachments_read(path, &attached, err) : error_oom(err);
		if (!r && attachment_at(&attached, &a->at)) {
			if (a->has_pipeline)
				r = refuse(a, -EBUSY, "several pipelines are in the dispatcher",
					   "put their stages into one, and delete the other", err);
			else
				r = braid_revision(a->b, sp->name, 0, &a->manifest, err);
			a->has_pipeline = true;
		}
		attachments_done(&attached);
	}
	store_pipelines_done(&all);
	return r;
}

static int look(struct adoption *a, const char *netns, const char *iface, struct braid_error *err)
{
	int r = bpffs_root(&a->root, err) ?:
		netns_open(netns, &a->at.ns, err) ?:
		iface_index(&a->at.ns, iface, &a->at.ifindex, err) ?:
		spot_look(&a->at, err);

	if (r)
		return r;
	if (!spot_has_chain(&a->at))
		return refuse(a, -ENOENT, "there is no libxdp dispatcher that could be taken over",
			      a->at.chain ? a->at.chain->why ?: "see braid dispatcher show"
					  : "apply a pipeline here",
			      err);
	return find_pipeline(a, err);
}

/* May it have been made for @m? libbpf and the kernel cut names. */
static bool may_be(const struct program_map *there, const struct image_map *m)
{
	return strncmp(there->info.name, m->name, sizeof(there->info.name) - 1) == 0 &&
	       there->info.type == m->def.type && there->info.key_size == m->def.key_size &&
	       there->info.value_size == m->def.value_size;
}

/* Several may be @m's, such as @there: the wrong one would have another's entries. */
static int cannot_tell(const struct adopted *from, const struct change *c,
		       const struct program_map *there, const struct image_map *m,
		       struct braid_error *err)
{
	const char *other = "another";

	array_foreach (o, &c->run.image->maps)
		if (o != m && text_eq(o->stage, m->stage) && may_be(there, o))
			other = o->name;
	error_set(err, -ENOTUNIQ, from->component->name, "maps '%s' and '%s' cannot be told apart",
		  m->name, other);
	error_why(err, "the kernel keeps %zu characters of a name, '%s', and both have one shape",
		  sizeof(there->info.name) - 1, there->info.name);
	error_hint(err, "have it loaded again from an object in which they differ earlier");
	return -ENOTUNIQ;
}

/* Of @from. -ENOENT: none that could go on, like globals, which libbpf cuts up. */
static int open_adopted(const struct adopted *from, const struct change *c,
			const struct image_map *m, int *ret_fd, struct braid_error *err)
{
	_cleanup_(program_maps_done) struct program_maps maps = {};
	const struct program_map *found = NULL;
	int r = program_maps_read(from->component->fd, &maps, err);

	if (r)
		return r;
	array_foreach (there, &maps.list) {
		if (!may_be(there, m))
			continue;
		if (found)
			return cannot_tell(from, c, there, m, err);
		found = there;
	}
	*ret_fd = found ? fd_copy(found->fd) : -ENOENT;
	return *ret_fd < 0 ? *ret_fd : 0;
}

/* The map that is there; -ENOENT: none. */
static int open_map(const struct adoption *a, const struct change *c, const struct image_map *m,
		    int *ret_fd, struct braid_error *err)
{
	const struct adopted *from = adoption_of(a, m->stage);
	_cleanup_free_ char *old = NULL;

	if (from)
		return open_adopted(from, c, m, ret_fd, err);
	old = path_map(c->old_path ?: "", m->symbol);
	return old ? bpffs_get(old, BPFFS_MAP, ret_fd, err) : error_oom(err);
}

static void forget_map(struct change *c, const char *symbol)
{
	json_t *list = json_object_get(c->plan, "maps"), *m;
	size_t i;

	json_array_foreach (list, i, m)
		if (text_eq(json_string_value(json_object_get(m, "symbol")), symbol)) {
			json_array_remove(list, i);
			return;
		}
}

/* The plan, without maps that are not there: they start anew. */
static int write_plan(const struct adoption *a, struct change *c, struct braid_error *err)
{
	int r = plan_to_json(c->run.image, &c->plan, err);

	array_foreach (m, &c->run.image->maps) {
		_cleanup_close_ int fd = -1;

		r = r ?: open_map(a, c, m, &fd, err);
		if (r != -ENOENT)
			continue;
		forget_map(c, m->symbol);
		braid_error_clear(err);
		r = 0;
	}
	return r;
}

static int pin_map(const struct adoption *a, const struct change *c, const struct image_map *m,
		   struct braid_error *err)
{
	_cleanup_free_ char *pin = path_map(c->new_path, m->symbol);
	_cleanup_close_ int fd = -1;
	int r = pin ? open_map(a, c, m, &fd, err) : error_oom(err);

	if (r != -ENOENT)
		return r ?: bpffs_pin(fd, pin, err);
	braid_error_clear(err);
	return 0;
}

/* Programs and maps as they are, under the names that a revision has for them. */
static int pin_all(const struct adoption *a, struct change *c, struct braid_error *err)
{
	int r = change_make_folders(c, err);

	for (size_t i = 0; i < c->run.image->segments.n && !r; i++) {
		_cleanup_free_ char *pin = path_program(c->new_path,
							c->run.image->segments.v[i].name);

		r = pin ? bpffs_pin(a->at.chain->components.v[i].fd, pin, err) : error_oom(err);
	}
	array_foreach (m, &c->run.image->maps)
		r = r ?: pin_map(a, c, m, err);
	return r;
}

/* Where nothing of the pipeline was before. */
static int pin_note(const struct adoption *a, const struct change *c, struct braid_error *err)
{
	const struct note note = {.way = way_dispatcher.number};
	_cleanup_close_ int fd = -1;
	_cleanup_free_ char *path = attachment_path(c->path, a->at.ns.cookie, a->at.ifindex,
						    HOOK_XDP, false);

	if (!path)
		return error_oom(err);
	return a->has_pipeline ? 0 : note_pin(path, &note, &fd, err);
}

/* Is each component that is there one of the plan? Somebody may have changed priorities. */
static int check_components(const struct adoption *a, const struct change *c,
			    struct braid_error *err)
{
	if (c->run.plan->segments.n == a->at.chain->components.n)
		return 0;
	return refuse(a, -EBUSY, "the pipeline's components are not those of its manifest",
		      "apply it again, then adopt", err);
}

static int claim_locked(struct adoption *a, struct change *c, struct braid_error *err)
{
	int r = change_look(c, err);

	c->strategy = STRATEGY_DISPATCHER;
	r = r ?: change_find_targets(c, err) ?:
	    plan_new(c->p, STRATEGY_DISPATCHER, "as it was taken over", &c->run.plan, err) ?:
	    image_new(c->run.plan, NULL, &c->run.image, err) ?:
	    check_components(a, c, err) ?:
	    write_plan(a, c, err) ?:
	    change_begin(c, err);
	if (r)
		return r;
	r = pin_all(a, c, err) ?: pin_note(a, c, err) ?:
	    revision_commit(c->b->store, c->b->home.name, c->p->name, c->number, err);
	if (r) {
		change_abandon(c, err);
		return r;
	}
	return c->has_current ? bpffs_remove_tree(c->old_path, err) : 0;
}

static int claim(struct adoption *a, struct braid_error *err)
{
	_cleanup_change_ struct change c = {.b = a->b, .p = a->p, .slot = SLOT_INIT};
	int r = claim_locked(a, &c, err);

	a->number = c.number;
	return r;
}

static json_t *adopted_to_json(const struct adoption *a)
{
	json_t *list = json_array();

	array_foreach (one, &a->list)
		json_array_append_new(list, json_pack("{s:s, s:I, s:s, s:s}", "component",
						      one->component->name, "id",
						      (json_int_t)one->component->id, "stage",
						      one->stage, "object", one->object.path));
	return list;
}

/* What a packet met before: the dispatcher, and what that calls. */
static json_t *before_to_json(const struct adoption *a)
{
	__u32 n = a->at.chain->components.n, sum = program_instructions(a->at.chain->fd);

	array_foreach (c, &a->at.chain->components)
		sum += c->instructions;
	/* a single component takes the dispatcher's own place */
	return json_pack("{s:I, s:I, s:I}", "programs", (json_int_t)n + 1, "calls",
			 (json_int_t)(n > 1 ? n : 0), "instructions", (json_int_t)sum);
}

static int after_to_json(struct adoption *a, json_t **ret, struct braid_error *err)
{
	_cleanup_free_ char *text = NULL;
	_cleanup_json_ json_t *status = NULL;
	json_t *programs, *program;
	json_int_t sum = 0;
	size_t i;
	int r = braid_status(a->b, a->p->name, &text, err);

	if (r)
		return r;
	status = json_loads(text, 0, NULL);
	programs = json_object_get(json_array_get(json_object_get(status, "pipelines"), 0),
				   "programs");
	json_array_foreach (programs, i, program)
		sum += json_integer_value(json_object_get(program, "instructions"));
	*ret = json_pack("{s:I, s:I}", "programs", (json_int_t)json_array_size(programs),
			 "instructions", sum);
	return *ret ? 0 : error_oom(err);
}

static int report(struct adoption *a, const char *applied, char **ret, struct braid_error *err)
{
	_cleanup_free_ char *manifest = NULL;
	_cleanup_json_ json_t *j = NULL;
	json_t *after = NULL;
	int r = revision_text(a->p, &manifest, err) ?: after_to_json(a, &after, err);

	if (r)
		return r;
	j = json_pack("{s:s, s:o, s:o, s:o, s:o, s:o}", "pipeline", a->p->name, "adopted",
		      adopted_to_json(a), "before", a->before, "after", after, "applied",
		      json_loads(applied, 0, NULL), "manifest", json_loads(manifest, 0, NULL));
	a->before = NULL;
	return json_give(j, ret, err);
}

/* What is open here would keep pins of the dispatcher from being cleaned away. */
static void let_go(struct adoption *a)
{
	a->before = before_to_json(a);
	array_foreach (c, &a->at.chain->components)
		closep(&c->fd);
	array_foreach (c, &a->at.chain->components)
		c->fd = -1;
	closep(&a->at.chain->fd);
	a->at.chain->fd = -1;
}

static int take_over(struct adoption *a, const char *netns, const char *iface,
		     const struct braid_adopt_opts *o, struct braid_error *err)
{
	_cleanup_free_ char *recovered = NULL;
	int r = look(a, netns, iface, err);

	if (!r && a->has_pipeline)
		r = recover(a->b, a->root, braid_manifest_get(a->manifest, 0)->name, &recovered,
			    err);
	return r ?: adoption_model(a, netns, iface, o, err) ?: claim(a, err);
}

int braid_adopt(struct braid *b, const char *iface, const char *netns,
		const struct braid_adopt_opts *user_opts, char **ret_report,
		struct braid_error *err)
{
	_cleanup_(adoption_done) struct adoption a = {.b = b,
						      .at = {.ns = NETNS_INIT, .hook = HOOK_XDP}};
	struct braid_apply_opts apply = {.sz = sizeof(apply)};
	_cleanup_free_ char *applied = NULL;
	struct braid_adopt_opts o;
	ERROR_SCRATCH(err);
	int r;

	r = opts_take(&o, sizeof(o), user_opts, err) ?: probe_privileges(err) ?:
	    store_lock(b->store, b->cause, b->wait_ns, err);
	if (r)
		return r;
	r = take_over(&a, netns, iface, &o, err);
	store_unlock(b->store);
	if (r)
		return r;
	let_go(&a);
	a.p->revision = a.number; /* or somebody was quicker */
	r = braid_pipeline_set_strategy(a.p, o.strategy ?: "fused", err)
		    ?: braid_apply(b, a.p, &apply, &applied, err);
	if (r) {
		error_hint(err, "revision %u of '%s' has the components as they were", a.number,
			   a.p->name);
		return r;
	}
	return report(&a, applied, ret_report, err);
}
