/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * The transaction.
 *
 *	1  record the revision as pending, its objects kept
 *	2  load everything beside what runs; pin it in a folder of its own
 *	3  switch the interfaces: here packets change over
 *	4  record the revision as current
 *	5  detach interfaces that are no longer named
 *	6  when no packet can be inside the old programs any more, remove their folder
 *
 * Who looks at packets does so until everything is loaded, and comes back at the end.
 *
 * Killed before the end of 3: recover() puts the old program back where the new one is.
 * Killed later: it finishes the rest.
 */
#include <errno.h>

#include "base/error.h"
#include "base/text.h"
#include "kernel/bpffs.h"
#include "kernel/probe.h"
#include "kernel/rcu.h"
#include "live/change.h"
#include "live/counters.h"
#include "live/displaced.h"
#include "manifest/opts.h"

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
	if (!r && c->stays)
		r = slot_find(image, &c->carry, c->old_plan, c->old_path, &c->slot, err);
	if (r)
		return r;
	if (!reuse(c, c->carry.reuse.v, c->carry.reuse.n) ||
	    (c->slot.index && !reuse(c, c->slot.own.v, c->slot.own.n)))
		return error_oom(err);
	*ret = (struct chosen){c->reuse.list.v, c->reuse.list.n, c->slot.index};
	return bound_find(&c->targets, ret, err);
}

/* Is what is wanted what runs already, everywhere? */
static bool is_unchanged(const struct change *c)
{
	return c->stays && json_equal(c->wanted, json_object_get(c->old_plan, "wanted")) &&
	       revision_is_pinned(c->old_plan, c->old_path);
}

static bool is_wanted(const struct change *c, const struct attachment *a)
{
	array_foreach (t, &c->targets.list)
		if (a->cookie == t->at.ns.cookie && a->ifindex == t->at.ifindex &&
		    a->hook == t->at.hook)
			return true;
	return false;
}

/* From interfaces that the pipeline no longer names, or another hook of theirs. */
static int drop_attachments(struct change *c, struct braid_error *err)
{
	int r = 0;

	array_foreach (a, &c->attachments.list)
		if (!is_wanted(c, a))
			r = r ?: attachment_remove(&c->attachments, a, err);
	return r;
}

/* How many revisions of a pipeline one can go back to; it takes a look at all, so not often. */
#define KEEP_REVISIONS 500
#define PRUNE_EVERY    50

/* What the old revision counted goes on as a number. */
static int keep_counters(struct change *c, struct braid_error *err)
{
	const struct fold f = {
		.home = c->b->home.name,
		.pipeline = c->p->name,
		.number = c->current.number,
		.plan = c->old_plan,
		.stays = c->plan,
		.folder = c->old_path,
		.beside = c->new_path,
	};

	return counters_fold(c->b, &f, err);
}

/* The old folder goes when nobody can be inside the old programs. */
static int tidy_up(struct change *c, struct braid_error *err)
{
	int r = 0;

	if (c->has_current)
		r = kernel_sync_rcu(err) ?:
		    carry_finish(&c->carry, err) ?:
		    keep_counters(c, err) ?:
		    bpffs_remove_tree(c->old_path, err);
	/* what another store knew, or one that was lost */
	r = r ?: revisions_remove_but(c->path, c->number, err) ?: targets_clean(&c->targets, err);
	if (!r && c->number % PRUNE_EVERY == 0)
		r = store_prune(c->b->store, KEEP_REVISIONS, err);
	return r;
}

/* Some interface may have had the new revision for a moment. */
static void keep_failed_counters(struct change *c, struct braid_error *err)
{
	const struct fold f = {
		.home = c->b->home.name,
		.pipeline = c->p->name,
		.number = c->number,
		.failed = true,
		.plan = c->plan,
		.stays = c->old_plan,
		.folder = c->new_path,
		.beside = c->old_path,
	};

	counters_fold(c->b, &f, err);
}

void change_abandon(struct change *c, const struct braid_error *err)
{
	_cleanup_error_ struct braid_error second = BRAID_ERROR_INIT;

	/* packets may still be inside, if some interface had been switched already */
	kernel_sync_rcu(&second);
	if (c->new_path && c->has_current)
		keep_failed_counters(c, &second);
	if (c->new_path)
		bpffs_remove_tree(c->new_path, &second);
	if (c->number)
		revision_abort(c->b->store, c->b->home.name, c->p->name, c->number, err->what ?: "",
			       &second);
}

/* One slot of the PROG_ARRAY, or all interfaces: here packets change over. */
static int switch_programs(struct change *c, struct braid_error *err)
{
	if (c->slot.index)
		return slot_switch(&c->slot, loaded_program(c->run.loaded, c->slot.index), err);
	return targets_switch(&c->targets, &c->wish, &c->new, c->new_path, err);
}

static void switch_back(struct change *c, struct braid_error *err)
{
	_cleanup_error_ struct braid_error second = BRAID_ERROR_INIT;

	if (!c->slot.index)
		targets_undo(&c->targets, &c->wish, &c->new, err);
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
	int r = change_begin(c, err);

	if (!r && !c->slot.index) /* with one slot the control block goes on */
		r = runtime_fill(c->b, c->plan, c->run.image, c->run.loaded, &c->dropped, err);
	r = r ?: change_pin(c, err) ?: carry_copy(&c->carry, c->run.loaded, err) ?: switch_over(c, err);
	if (r) {
		change_abandon(c, err);
		return r;
	}
	r = follow_names(c, err) ?: drop_attachments(c, err) ?: displaced_drop(c->new_path, err) ?: tidy_up(c, err);
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

/* The interfaces are taken over, but what is in its maps only its own store could tell. */
static int tell_unknown(struct change *c, struct braid_error *err)
{
	__u32 revision = 0;
	char *text;
	int r = c->has_current ? 0 : revisions_highest(c->path, &revision, err);

	if (r || !revision)
		return r;
	text = text_fmt("%s%srevision %u was there, which this store (%s) does not know: "
			"a new history begins, with new maps",
			c->recovered ?: "", c->recovered ? "; " : "", revision,
			store_path(c->b->store));
	if (!text)
		return error_oom(err);
	free(c->recovered);
	c->recovered = text;
	return 0;
}

static int apply_locked(struct change *c, char **ret_report, struct braid_error *err)
{
	struct reuse_chooser chooser = {choose, c};
	int r = bpffs_root(&c->root, err);

	r = r ?: recover_beside(c->b, c->root, c->p->name, OBSERVERS_STAY_WELL, &c->recovered, err);
	free(c->root);
	c->root = NULL;
	r = r ?: change_look(c, err) ?: tell_unknown(c, err) ?: expect_revision(c, err);
	r = r ?: change_find_targets(c, err);
	if (r)
		return r;
	r = change_expect_programs(c, err);
	c->stays = !r && change_is_attached(c);
	if (!r && is_unchanged(c))
		return report(c, false, ret_report, err);
	r = r ?: image_load(c->p, c->strategy, c->why, NULL, &chooser, &c->run, err);
	r = r ?: change_take_out_observers(c, err) ?: carry_out(c, err);
	return r ?: report(c, true, ret_report, err);
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
