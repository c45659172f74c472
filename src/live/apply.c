/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * The transaction.
 *
 *	1  record the revision as pending, its objects kept
 *	2  load everything beside what runs; pin it in a folder of its own
 *	3  switch the links: here packets change over
 *	4  record the revision as current
 *	5  detach interfaces that are no longer named
 *	6  when no packet can be inside the old programs any more, remove their folder
 *
 * Killed before the end of 3: recover() puts the old program back where the new one is.
 * Killed later: it finishes the rest.
 */
#include <bpf/bpf.h>
#include <errno.h>

#include "base/error.h"
#include "base/text.h"
#include "compose/plan_json.h"
#include "kernel/bpffs.h"
#include "kernel/iface.h"
#include "kernel/probe.h"
#include "kernel/rcu.h"
#include "live/live.h"
#include "manifest/json.h"
#include "manifest/opts.h"

struct change {
	struct braid *b;
	const struct braid_pipeline *p;
	bool replace;
	char *root, *path; /* of bpffs, of the pipeline in it */
	char *recovered;
	bool has_current;
	struct revision current;
	json_t *old_plan; /* of the current revision */
	char *old_path;   /* its folder */
	__u32 old_id;     /* the program in front of it; 0: not pinned any more */
	struct pinned_links links;
	struct targets targets;
	struct running_image run;
	struct carry carry;
	json_t *wanted, *plan;
	__u32 number;
	char *new_path;
};

static void change_done(struct change *c)
{
	free(c->root);
	free(c->path);
	free(c->recovered);
	revision_done(&c->current);
	json_decref(c->old_plan);
	free(c->old_path);
	targets_done(&c->targets);
	pinned_links_done(&c->links);
	carry_done(&c->carry);
	running_image_done(&c->run);
	json_decref(c->wanted);
	json_decref(c->plan);
	free(c->new_path);
}

#define _cleanup_change_ _cleanup_(change_done)

static int find_current(struct change *c, struct braid_error *err)
{
	int r = revision_find(c->b->store, c->b->home.name, c->p->name, REVISION_CURRENT,
			      &c->current, err);

	if (r == -ENOENT) {
		braid_error_clear(err);
		return 0;
	}
	if (r)
		return r;
	c->has_current = true;
	c->old_plan = json_loads(c->current.plan, 0, NULL);
	c->old_path = path_revision(c->path, c->current.number);
	if (!c->old_path)
		return error_oom(err);
	if (!c->old_plan) {
		error_set(err, -EBADMSG, c->p->name, "the store's plan of revision %u is damaged",
			  c->current.number);
		return -EBADMSG;
	}
	return 0;
}

/* All that can be known before anything is loaded. */
static int look(struct change *c, struct braid_error *err)
{
	int r = bpffs_root(&c->root, err);

	if (r)
		return r;
	c->path = path_pipeline(c->root, c->b->home.name, c->p->name);
	if (!c->path)
		return error_oom(err);
	return find_current(c, err) ?:
	       pinned_links_read(c->path, &c->links, err) ?:
	       comparable(c->p, &c->wanted, err);
}

static int find_targets(struct change *c, struct braid_error *err)
{
	return targets_find(c->p, &c->links, c->root, c->replace, &c->targets, err);
}

static int choose_maps(void *ctx, const struct image *image, const struct load_reuse **ret,
		       size_t *ret_n, struct braid_error *err)
{
	struct change *c = ctx;
	int r;

	carry_done(&c->carry); /* of an attempt with another strategy */
	r = carry_find(image, c->old_plan, c->old_path ?: "", &c->carry, err);
	if (r)
		return r;
	*ret = c->carry.reuse.v;
	*ret_n = c->carry.reuse.n;
	return 0;
}

/* The program that each of our links is expected to run. */
static int expect_programs(struct change *c, struct braid_error *err)
{
	_cleanup_close_ int entry = -1;
	int r = 0;
	__u32 id;

	if (c->has_current)
		r = revision_entry(c->old_plan, c->old_path, &entry, &c->old_id, err);
	if (r)
		return r;
	id = c->old_id;
	array_foreach (t, &c->targets.list) {
		if (t->action != TARGET_UPDATE && t->action != TARGET_MODE)
			continue;
		if (id && t->link->info.prog_id != id && !c->replace) {
			_cleanup_free_ char *where = iface_where(&t->ns, t->ifindex);

			error_set(err, -ESTALE, where,
				  "the pipeline's link runs program %u, not that of revision %u",
				  t->link->info.prog_id, c->current.number);
			error_why(err, "someone else has updated the link");
			error_hint(err,
				   "see what it is (bpftool prog show id %u), or use --replace",
				   t->link->info.prog_id);
			return -ESTALE;
		}
		t->old_program = id == t->link->info.prog_id
					 ? dup(entry)
					 : bpf_prog_get_fd_by_id(t->link->info.prog_id);
		if (t->old_program < 0)
			return error_errno(err, -errno, c->p->name, "cannot open program %u",
					   t->link->info.prog_id);
	}
	return 0;
}

/* Is what is wanted what runs already, everywhere? */
static bool is_unchanged(const struct change *c)
{
	if (!c->has_current || c->links.list.n != c->targets.list.n ||
	    !json_equal(c->wanted, json_object_get(c->old_plan, "wanted")))
		return false;
	array_foreach (t, &c->targets.list)
		if (t->action != TARGET_UPDATE || t->link->info.prog_id != c->old_id)
			return false;
	return true;
}

static int put_objects(struct change *c, struct revision *rev, struct braid_error *err)
{
	array_foreach (ps, &c->run.plan->stages) {
		struct revision_object *o = array_push(&rev->objects);
		int r;

		if (!o)
			return error_oom(err);
		o->stage = (char *)ps->stage->name; /* borrowed: revision_begin() copies */
		r = store_put(c->b->store, ps->bytes, ps->size, o->digest, err);
		if (r)
			return r;
	}
	return 0;
}

static int begin(struct change *c, struct braid_error *err)
{
	_cleanup_free_ char *manifest = NULL, *plan = NULL;
	struct revision rev = {
		.home = c->b->home.name, .pipeline = (char *)c->p->name, .cause = c->b->cause};
	int r = plan_to_json(c->run.image, &c->plan, err) ?: pipeline_to_text(c->p, &manifest, err);

	if (r)
		return r;
	json_object_set(c->plan, "wanted", c->wanted);
	plan = json_dumps(c->plan, JSON_COMPACT);
	if (!plan)
		return error_oom(err);
	rev.manifest = manifest;
	rev.plan = plan;
	r = put_objects(c, &rev, err) ?: revision_begin(c->b->store, &rev, &c->number, err);
	array_done(&rev.objects);
	return r;
}

static int pin_all(struct change *c, struct braid_error *err)
{
	_cleanup_free_ char *programs = NULL, *maps = NULL, *links = NULL;
	int r;

	c->new_path = path_revision(c->path, c->number);
	programs = c->new_path ? text_fmt("%s/programs", c->new_path) : NULL;
	maps = c->new_path ? text_fmt("%s/maps", c->new_path) : NULL;
	links = text_fmt("%s/links", c->path);
	if (!programs || !maps || !links)
		return error_oom(err);
	r = bpffs_mkdir(links, err) ?: bpffs_mkdir(programs, err) ?: bpffs_mkdir(maps, err);
	for (size_t i = 0; i < c->run.image->segments.n && !r; i++) {
		_cleanup_free_ char *pin = path_program(c->new_path,
							c->run.image->segments.v[i].name);

		r = pin ? bpffs_pin(loaded_program(c->run.loaded, i), pin, err) : error_oom(err);
	}
	array_foreach (m, &c->run.image->maps) {
		_cleanup_free_ char *pin = path_map(c->new_path, m->symbol);

		r = r
			    ?: pin ? bpffs_pin(loaded_map(c->run.loaded, m->symbol), pin, err)
				   : error_oom(err);
	}
	return r;
}

static bool is_wanted(const struct change *c, const struct pinned_link *l)
{
	array_foreach (t, &c->targets.list)
		if (l->cookie == t->ns.cookie && l->ifindex == t->ifindex)
			return true;
	return false;
}

/* Interfaces that the pipeline no longer names. */
static int drop_links(struct change *c, struct braid_error *err)
{
	int r = 0;

	array_foreach (l, &c->links.list)
		if (!is_wanted(c, l))
			r = r ?: link_remove(l->fd, l->path, err);
	return r;
}

/* How many revisions of a pipeline one can go back to; it takes a look at all, so not often. */
#define KEEP_REVISIONS 500
#define PRUNE_EVERY    50

/* The old folder goes when nobody can be inside the old programs. */
static int tidy_up(struct change *c, struct braid_error *err)
{
	int r = 0;

	if (c->has_current)
		r = kernel_sync_rcu(err) ?: bpffs_remove_tree(c->old_path, err);
	if (!r && c->number % PRUNE_EVERY == 0)
		r = store_prune(c->b->store, KEEP_REVISIONS, err);
	return r;
}

/* Nothing of the attempt stays. @err: why; it is kept. */
static void abandon(struct change *c, const struct braid_error *err)
{
	_cleanup_error_ struct braid_error second = BRAID_ERROR_INIT;

	/* packets may still be inside, if some interface had been switched already */
	kernel_sync_rcu(&second);
	if (c->new_path)
		bpffs_remove_tree(c->new_path, &second);
	if (c->number)
		revision_abort(c->b->store, c->b->home.name, c->p->name, c->number, err->what ?: "",
			       &second);
}

/* The links, and then the store. When it cannot record what runs, what ran before runs. */
static int switch_over(struct change *c, struct braid_error *err)
{
	int program = loaded_program(c->run.loaded, 0);
	int r = targets_switch(&c->targets, c->p, c->path, program, err);

	if (r)
		return r;
	r = revision_commit(c->b->store, c->b->home.name, c->p->name, c->number, err);
	if (r)
		targets_undo(&c->targets, c->p, c->path, program, err);
	return r;
}

static int carry_out(struct change *c, struct braid_error *err)
{
	int r = begin(c, err) ?: pin_all(c, err) ?: switch_over(c, err);

	if (r) {
		abandon(c, err);
		return r;
	}
	r = drop_links(c, err) ?: tidy_up(c, err);
	if (r)
		error_hint(err,
			   "revision %u runs, but not all is tidied up: the next change "
			   "to the pipeline does that",
			   c->number);
	return r;
}

static int report(const struct change *c, bool changed, char **ret, struct braid_error *err)
{
	_cleanup_json_ json_t *j =
		json_pack("{s:s, s:I, s:b, s:o}", "pipeline", c->p->name, "revision",
			  (json_int_t)(changed ? c->number : c->current.number), "changed", changed,
			  "interfaces", targets_to_json(&c->targets));
	const json_t *plan = changed ? c->plan : c->old_plan;

	json_object_set(j, "strategy", json_object_get(plan, "strategy"));
	json_object_set(j, "why", json_object_get(plan, "why"));
	json_object_set(j, "stages", json_object_get(plan, "stages"));
	if (changed)
		json_object_set_new(j, "carry", carry_to_json(&c->carry));
	if (changed && c->has_current)
		json_object_set_new(j, "replaced", json_integer(c->current.number));
	if (c->recovered)
		json_object_set_new(j, "recovered", json_string(c->recovered));
	if (ret)
		*ret = json_dumps(j, JSON_INDENT(2));
	return !ret || *ret ? 0 : error_oom(err);
}

static int apply_locked(struct change *c, char **ret_report, struct braid_error *err)
{
	struct reuse_chooser chooser = {choose_maps, c};
	int r = bpffs_root(&c->root, err);

	r = r ?: recover(c->b, c->root, c->p->name, &c->recovered, err);
	free(c->root);
	c->root = NULL;
	r = r ?: look(c, err) ?: find_targets(c, err);
	if (r)
		return r;
	r = expect_programs(c, err);
	if (!r && is_unchanged(c))
		return report(c, false, ret_report, err);
	r = r ?: image_load(c->p, false, &chooser, &c->run, err);
	return r ?: carry_out(c, err) ?: report(c, true, ret_report, err);
}

int braid_apply(struct braid *b, const struct braid_pipeline *p,
		const struct braid_apply_opts *opts, char **ret_report, struct braid_error *err)
{
	_cleanup_change_ struct change c = {.b = b, .p = p};
	struct braid_apply_opts o;
	ERROR_SCRATCH(err);
	int r;

	r = opts_take(&o, sizeof(o), opts, err);
	c.replace = o.replace;
	r = r ?: probe_privileges(err) ?: store_lock(b->store, b->cause, b->wait_ns, err);
	if (r)
		return r;
	r = apply_locked(&c, ret_report, err);
	store_unlock(b->store);
	return r;
}

static json_t *error_to_json(const struct braid_error *err)
{
	return json_pack("{s:i, s:s?, s:s?, s:s?, s:s?}", "code", err->code, "where", err->where,
			 "what", err->what, "why", err->why, "hint", err->hint);
}

static int preview(struct change *c, json_t **ret, struct braid_error *err)
{
	_cleanup_(braid_plan_freep) struct braid_plan *plan = NULL;
	_cleanup_(image_freep) struct image *image = NULL;
	_cleanup_error_ struct braid_error blocked = BRAID_ERROR_INIT;
	_cleanup_json_ json_t *changes = json_array();
	int r = plan_new(c->p, c->p->strategy, NULL, &plan, err) ?:
			image_new(plan, false, &image, err) ?:
			carry_find(image, c->old_plan, c->old_path ?: "", &c->carry, err) ?:
			plan_to_json(image, ret, err);

	if (r)
		return r;
	if (c->has_current &&
	    diff_values(json_object_get(c->old_plan, "wanted"), c->wanted, "", changes))
		return error_oom(err);
	json_object_set_new(*ret, "runs",
			    c->has_current ? json_integer(c->current.number) : json_null());
	json_object_set(*ret, "changes", changes);
	r = find_targets(c, &blocked);
	if (r == -EPERM || r == -EACCES) /* to look; whoever applies may be somebody else */
		return error_move(err, &blocked);
	if (r)
		json_object_set_new(*ret, "blocked", error_to_json(&blocked));
	json_object_set_new(*ret, "interfaces", targets_to_json(&c->targets));
	json_object_set_new(*ret, "carry", carry_to_json(&c->carry));
	return 0;
}

int braid_preview(struct braid *b, const struct braid_pipeline *p,
		  const struct braid_apply_opts *opts, char **ret_json, struct braid_error *err)
{
	_cleanup_change_ struct change c = {.b = b, .p = p};
	_cleanup_json_ json_t *j = NULL;
	struct braid_apply_opts o;
	ERROR_SCRATCH(err);
	int r;

	r = opts_take(&o, sizeof(o), opts, err);
	c.replace = o.replace;
	r = r ?: look(&c, err) ?: preview(&c, &j, err);
	if (r)
		return r;
	*ret_json = json_dumps(j, JSON_INDENT(2));
	return *ret_json ? 0 : error_oom(err);
}
