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
	bool replace, partial;
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
	bool links_stay; /* they run what they should: an update of one slot may do */
	struct slot slot;
	struct {
		ARRAY(struct load_reuse) list;
	} reuse; /* of both, borrowed */
	json_t *wanted, *plan, *dropped;
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
	slot_done(&c->slot);
	array_done(&c->reuse.list);
	running_image_done(&c->run);
	json_decref(c->wanted);
	json_decref(c->plan);
	json_decref(c->dropped);
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
	if (c->partial)
		return targets_find_present(c->p, &c->links, c->root, c->replace, &c->targets, err);
	return targets_find(c->p, &c->links, c->root, c->replace, &c->targets, err);
}

static bool reuse(struct change *c, const struct load_reuse *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!array_add(&c->reuse.list, list[i]))
			return false;
	return true;
}

static int choose(void *ctx, const struct image *image, struct chosen *ret, struct braid_error *err)
{
	struct change *c = ctx;
	int r;

	carry_done(&c->carry); /* of an attempt with another strategy */
	slot_done(&c->slot);
	c->reuse.list.n = 0;
	r = carry_find(image, c->old_plan, c->old_path ?: "", &c->carry, err) ?:
	    across_find(c->b, c->root, image, &c->carry, err) ?:
	    carry_check(&c->carry, err);
	if (!r && c->links_stay)
		r = slot_find(image, &c->carry, c->old_plan, c->old_path, &c->slot, err);
	if (r)
		return r;
	if (!reuse(c, c->carry.reuse.v, c->carry.reuse.n) ||
	    (c->slot.index && !reuse(c, c->slot.own.v, c->slot.own.n)))
		return error_oom(err);
	*ret = (struct chosen){c->reuse.list.v, c->reuse.list.n, c->slot.index};
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

/* Is every link that is wanted there, and runs the current revision? And no other? */
static bool links_are_right(const struct change *c)
{
	if (!c->has_current || c->links.list.n != c->targets.list.n)
		return false;
	array_foreach (t, &c->targets.list)
		if (t->action != TARGET_UPDATE || t->link->info.prog_id != c->old_id)
			return false;
	return true;
}

/* Is what is wanted what runs already, everywhere? */
static bool is_unchanged(const struct change *c)
{
	return c->links_stay && json_equal(c->wanted, json_object_get(c->old_plan, "wanted")) &&
	       revision_is_pinned(c->old_plan, c->old_path);
}

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

static int begin(struct change *c, struct braid_error *err)
{
	_cleanup_free_ char *manifest = NULL, *plan = NULL;
	struct revision rev = {
		.home = c->b->home.name, .pipeline = (char *)c->p->name, .cause = c->b->cause};
	int r = plan_to_json(c->run.image, &c->plan, err) ?: revision_text(c->p, &manifest, err);

	if (r)
		return r;
	json_object_set(c->plan, "wanted", c->wanted);
	json_object_set_new(c->plan, "interfaces", targets_to_json(&c->targets));
	if (c->slot.index)
		json_object_set_new(c->plan, "slot", json_integer(c->slot.index));
	r = carry_note(&c->carry, c->plan, err);
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
		r = kernel_sync_rcu(err) ?:
		    carry_finish(&c->carry, err) ?:
		    bpffs_remove_tree(c->old_path, err);
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

/* One slot of the PROG_ARRAY, or all links: here packets change over. */
static int switch_programs(struct change *c, struct braid_error *err)
{
	if (c->slot.index)
		return slot_switch(&c->slot, loaded_program(c->run.loaded, c->slot.index), err);
	return targets_switch(&c->targets, c->p, c->path, loaded_program(c->run.loaded, 0), err);
}

static void switch_back(struct change *c, struct braid_error *err)
{
	_cleanup_error_ struct braid_error second = BRAID_ERROR_INIT;

	if (!c->slot.index)
		targets_undo(&c->targets, c->p, c->path, loaded_program(c->run.loaded, 0), err);
	else if (slot_undo(&c->slot, &second))
		error_hint(err, "the new program stays in slot %u: apply again", c->slot.index);
}

/* And then the store. When it cannot record what runs, what ran before runs. */
static int switch_over(struct change *c, struct braid_error *err)
{
	int r = switch_programs(c, err);

	if (r)
		return r;
	r = revision_commit(c->b->store, c->b->home.name, c->p->name, c->number, err);
	if (r)
		switch_back(c, err);
	return r;
}

/* The control block of before goes on, and stages in the slot may have other names now. */
static int follow_names(struct change *c, struct braid_error *err)
{
	_cleanup_free_ char *mended = NULL;

	return c->slot.index ? runtime_sync(c->b, c->p->name, &mended, err) : 0;
}

static int carry_out(struct change *c, struct braid_error *err)
{
	int r = begin(c, err);

	if (!r && !c->slot.index) /* with one slot the control block goes on */
		r = runtime_fill(c->b, c->plan, c->run.image, c->run.loaded, &c->dropped, err);
	r = r ?: pin_all(c, err) ?: carry_copy(&c->carry, c->run.loaded, err) ?: switch_over(c, err);
	if (r) {
		abandon(c, err);
		return r;
	}
	r = follow_names(c, err) ?: drop_links(c, err) ?: tidy_up(c, err);
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
	if (changed && c->slot.index)
		json_object_set(j, "only",
				json_object_get(json_array_get(json_object_get(plan, "segments"),
							       c->slot.index),
						"stages"));
	if (changed)
		json_object_set_new(j, "carry", carry_to_json(&c->carry));
	if (c->partial)
		json_object_set_new(j, "missing",
				    targets_missing_to_json(&c->targets, c->b->home.name));
	if (changed && c->has_current)
		json_object_set_new(j, "replaced", json_integer(c->current.number));
	if (json_array_size(c->dropped))
		json_object_set(j, "config-dropped", c->dropped);
	if (c->recovered)
		json_object_set_new(j, "recovered", json_string(c->recovered));
	if (ret)
		*ret = json_dumps(j, JSON_INDENT(2));
	return !ret || *ret ? 0 : error_oom(err);
}

/* What somebody else has changed since @p was read would be undone. */
static int expect_revision(const struct change *c, struct braid_error *err)
{
	__u32 current = c->has_current ? c->current.number : 0;

	if (!c->p->revision || c->p->revision == current)
		return 0;
	error_set(err, -EAGAIN, c->p->name, "the pipeline has changed in the meantime");
	if (current)
		error_why(err, "revision %u was to be changed, and revision %u runs",
			  c->p->revision, current);
	else
		error_why(err, "revision %u was to be changed, and nothing runs", c->p->revision);
	error_hint(err, "do it again");
	return -EAGAIN;
}

static int apply_locked(struct change *c, char **ret_report, struct braid_error *err)
{
	struct reuse_chooser chooser = {choose, c};
	int r = bpffs_root(&c->root, err);

	r = r ?: recover(c->b, c->root, c->p->name, &c->recovered, err);
	free(c->root);
	c->root = NULL;
	r = r ?: look(c, err) ?: expect_revision(c, err) ?: find_targets(c, err);
	if (r)
		return r;
	r = expect_programs(c, err);
	c->links_stay = !r && links_are_right(c);
	if (!r && is_unchanged(c))
		return report(c, false, ret_report, err);
	r = r ?: image_load(c->p, false, &chooser, &c->run, err);
	return r ?: carry_out(c, err) ?: report(c, true, ret_report, err);
}

int braid_apply(struct braid *b, const struct braid_pipeline *p,
		const struct braid_apply_opts *opts, char **ret_report, struct braid_error *err)
{
	_cleanup_change_ struct change c = {.b = b, .p = p, .slot = SLOT_INIT};
	struct braid_apply_opts o;
	ERROR_SCRATCH(err);
	int r;

	r = opts_take(&o, sizeof(o), opts, err);
	c.replace = o.replace;
	c.partial = o.partial;
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
			across_find(c->b, c->root, image, &c->carry, err) ?:
			plan_to_json(image, ret, err);

	if (r)
		return r;
	if (c->has_current &&
	    diff_values(json_object_get(c->old_plan, "wanted"), c->wanted, "", changes))
		return error_oom(err);
	json_object_set_new(*ret, "runs",
			    c->has_current ? json_integer(c->current.number) : json_null());
	json_object_set(*ret, "changes", changes);
	r = find_targets(c, &blocked) ?: carry_check(&c->carry, &blocked);
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
	_cleanup_change_ struct change c = {.b = b, .p = p, .slot = SLOT_INIT};
	_cleanup_json_ json_t *j = NULL;
	struct braid_apply_opts o;
	ERROR_SCRATCH(err);
	int r;

	r = opts_take(&o, sizeof(o), opts, err);
	c.replace = o.replace;
	c.partial = o.partial;
	r = r ?: look(&c, err) ?: preview(&c, &j, err);
	if (r)
		return r;
	*ret_json = json_dumps(j, JSON_INDENT(2));
	return *ret_json ? 0 : error_oom(err);
}
