/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * One pipeline, put back. Where all that its current revision had pinned is there, only
 * links are made, with the program that is pinned; otherwise it is applied again, from what
 * the store has kept. It is looked without the lock: if there is nothing to do, nobody waits.
 */
#include <errno.h>

#include "base/error.h"
#include "base/text.h"
#include "kernel/bpffs.h"
#include "live/observe.h"
#include "live/restore.h"

/* What is wanted and what is there, seen from the pipeline's home. */
struct wanted {
	struct braid at; /* the caller's handle, at home here */
	struct netns_guard guard;
	char *path, *folder; /* in bpffs: of the pipeline, of its current revision */
	struct revision rev;
	json_t *plan;
	struct braid_manifest *m;
	const struct braid_pipeline *p; /* NULL: none is current */
	struct attachments attachments;
	struct wish wish;
	struct targets targets;
	bool is_pinned;     /* with all that it needs */
	struct front front; /* none: not pinned */
};

enum todo { TODO_NOTHING, TODO_ATTACH, TODO_LOAD, TODO_WAIT };

void restoring_done(struct restoring *r)
{
	json_decref(r->attached);
	json_decref(r->missing);
	free(r->recovered);
	braid_error_clear(&r->error);
}

static void forget(struct wanted *w)
{
	free(w->folder);
	w->folder = NULL;
	revision_done(&w->rev);
	w->rev = (struct revision){};
	json_decref(w->plan);
	w->plan = NULL;
	targets_done(&w->targets);
	w->targets = (struct targets){};
	braid_manifest_free(w->m);
	w->m = NULL;
	w->p = NULL;
	attachments_done(&w->attachments);
	w->attachments = (struct attachments){};
	front_done(&w->front);
	w->is_pinned = false;
}

static void wanted_done(struct wanted *w)
{
	forget(w);
	free(w->path);
	netns_leave(&w->guard);
	netns_done(&w->at.home);
}

bool revision_is_pinned(const json_t *plan, const char *folder)
{
	const char *name;
	json_t *part;
	size_t i;

	json_array_foreach (json_object_get(plan, "segments"), i, part) {
		name = json_string_value(json_object_get(part, "program"));
		_cleanup_free_ char *pin = name ? path_program(folder, name) : NULL;

		if (!pin || access(pin, F_OK))
			return false;
	}
	json_array_foreach (json_object_get(plan, "maps"), i, part) {
		name = json_string_value(json_object_get(part, "symbol"));
		_cleanup_free_ char *pin = name ? path_map(folder, name) : NULL;

		if (!pin || access(pin, F_OK))
			return false;
	}
	return true;
}

/* The revision that the store wants. None: @w->p stays NULL. */
static int read_revision(struct wanted *w, const struct store_pipeline *sp, struct braid_error *err)
{
	int r = revision_find(w->at.store, sp->home, sp->name, REVISION_CURRENT, &w->rev, err);

	if (r == -ENOENT) {
		braid_error_clear(err);
		return 0;
	}
	r = r
		    ?: braid_manifest_parse(w->rev.manifest, strlen(w->rev.manifest), "store", NULL,
					    &w->m, err);
	if (r)
		return r;
	w->plan = json_loads(w->rev.plan, 0, NULL);
	w->folder = path_revision(w->path, w->rev.number);
	if (!w->plan || !w->folder)
		return w->folder ? error_code(error_set(err, -EBADMSG, sp->name,
							"the store's plan of revision %u is "
							"damaged",
							w->rev.number))
				 : error_oom(err);
	w->p = braid_manifest_get(w->m, 0);
	return observers_add_known(&w->at, sp->home, sp->name, w->rev.number, w->plan, err);
}

/* What of it is there. */
static int look(struct wanted *w, const char *root, struct braid_error *err)
{
	int r;

	if (!w->p)
		return 0;
	w->wish = (struct wish){
		.p = w->p,
		.strategy = plan_strategy(w->plan, w->p->strategy),
		.root = root,
		.home = w->at.home.name,
		.path = w->path,
		.known = json_object_get(w->plan, "front"),
		.partial = true,
	};
	r = attachments_read(w->path, &w->attachments, err) ?:
		    front_open(w->plan, w->folder, &w->front, err) ?:
		    targets_find(&w->wish, &w->attachments, &w->targets, err);
	w->is_pinned = !r && w->front.list.n && revision_is_pinned(w->plan, w->folder);
	return r;
}

static bool is_attached(const struct wanted *w, const struct target *t)
{
	return t->held && !t->orphan && runs_revision(&w->front, w->folder, &t->held->runs, NULL);
}

static enum todo choose(const struct wanted *w)
{
	/* what is bound to a device may be so to one that is gone */
	enum todo attach = json_object_get(w->plan, "bound") ? TODO_LOAD : TODO_ATTACH;

	if (!w->p)
		return TODO_NOTHING;
	if (!w->is_pinned)
		return w->targets.list.n || !w->p->interfaces.n ? TODO_LOAD : TODO_WAIT;
	array_foreach (t, &w->targets.list)
		if (!is_attached(w, t))
			return attach;
	array_foreach (a, &w->attachments.list)
		if (!a->live)
			return TODO_ATTACH; /* or rather: its pin is to be removed */
	return w->targets.list.n || !w->p->interfaces.n ? TODO_NOTHING : TODO_WAIT;
}

/* Not ours any more: of an interface that was deleted, or detached by somebody. */
static int remove_dead(struct wanted *w, struct braid_error *err)
{
	int r = 0;

	array_foreach (a, &w->attachments.list)
		if (!a->live)
			r = r ?: attachment_remove(&w->attachments, a, err);
	return r;
}

static int updated_by_others(const struct wanted *w, const struct target *t,
			     struct braid_error *err)
{
	error_set(err, -ESTALE, t->iface->name,
		  "the pipeline's link runs program %u, not that of revision %u",
		  ids_first(&t->held->runs), w->rev.number);
	error_why(err, "someone else has updated the link");
	error_hint(err, "braid rollback --replace %s %u takes it back", w->p->name, w->rev.number);
	return -ESTALE;
}

/* It runs, but nothing in bpffs says so any more. */
static int note_again(const struct wanted *w, struct attachment *orphan, struct braid_error *err)
{
	_cleanup_free_ char *folder = text_fmt("%s/links", w->path);
	int r = folder ? bpffs_mkdir(folder, err) : error_oom(err);

	return r ?: attachment_note(orphan, err);
}

/* Puts those where it is not attached in front. @ret: how many. */
static int sort_targets(struct wanted *w, size_t *ret, struct braid_error *err)
{
	size_t n = 0;

	array_foreach (t, &w->targets.list) {
		struct target swapped = *t;

		if (is_attached(w, t))
			continue;
		if (t->orphan && front_is(&w->front, &t->orphan->runs)) {
			int r = note_again(w, t->orphan, err);

			if (r)
				return r;
			continue;
		}
		if (t->action != TARGET_CREATE)
			return updated_by_others(w, t, err);
		*t = w->targets.list.v[n];
		w->targets.list.v[n++] = swapped;
	}
	*ret = n;
	return 0;
}

static int tell(struct wanted *w, const struct targets *made, struct braid_error *err)
{
	struct buf text = {};
	_cleanup_free_ char *what = NULL;

	buf_str(&text, "attached again to");
	array_foreach (t, &made->list)
		buf_fmt(&text, "%s %s in %s", t == made->list.v ? "" : ",", t->iface->name,
			t->at.ns.name);
	what = buf_take(&text);
	return what ? event_add(w->at.store, w->at.home.name, w->p->name, w->at.cause, what, err)
		    : error_oom(err);
}

/* The folder of links may be gone with them. */
static int make_attachments(struct targets *t, struct wanted *w, struct braid_error *err)
{
	_cleanup_free_ char *folder = text_fmt("%s/links", w->path);
	int r = folder ? bpffs_mkdir(folder, err) : error_oom(err);

	return r ?: targets_switch(t, &w->wish, &w->front, w->folder, err) ?: tell(w, t, err);
}

/* What is missing, with the programs that are pinned. Nothing is loaded: no new revision. */
static int attach(struct restoring *rs, struct wanted *w, struct braid_error *err)
{
	struct targets missing = {};
	size_t n;
	int r = remove_dead(w, err) ?: sort_targets(w, &n, err);

	if (r)
		return r;
	rs->state = RESTORED_RUNS;
	if (!n)
		return 0;
	missing.list.v = w->targets.list.v;
	missing.list.n = n;
	r = make_attachments(&missing, w, err);
	if (r)
		return r;
	rs->attached = targets_to_json(&missing);
	rs->state = RESTORED_DONE;
	return 0;
}

static int load(struct restoring *rs, struct wanted *w, struct braid_error *err)
{
	struct braid_apply_opts opts = {.sz = sizeof(opts), .partial = 1};
	_cleanup_(braid_manifest_freep) struct braid_manifest *m = NULL;
	_cleanup_json_ json_t *report = NULL;
	_cleanup_free_ char *text = NULL;
	int r = braid_revision(&w->at, rs->sp->name, 0, &m, err)
			?: braid_apply(&w->at, braid_manifest_get(m, 0), &opts, &text, err);

	if (r)
		return r;
	report = json_loads(text, 0, NULL);
	rs->revision = json_integer_value(json_object_get(report, "revision"));
	rs->attached = json_incref(json_object_get(report, "interfaces"));
	rs->state = RESTORED_DONE;
	return 0;
}

static int list_missing(struct restoring *rs, const struct wanted *w, struct braid_error *err)
{
	json_t *iface;
	size_t i;

	rs->missing = targets_missing_to_json(&w->targets, rs->sp->home);
	json_array_foreach (rs->missing, i, iface) {
		_cleanup_free_ char *now = renamed_to(w->p, w->targets.missing.v[i], NULL,
						      &w->attachments,
						      json_object_get(w->plan, "interfaces"));

		if (now)
			json_object_set_new(iface, "now", json_string(now));
	}
	return rs->missing ? 0 : error_oom(err);
}

static int act(struct restoring *rs, struct wanted *w, struct braid_error *err)
{
	int r;

	if (!w->p) {
		rs->state = RESTORED_NONE;
		return 0;
	}
	rs->revision = w->rev.number;
	r = list_missing(rs, w, err);
	if (r)
		return r;
	switch (choose(w)) {
	case TODO_ATTACH:
		return attach(rs, w, err);
	case TODO_LOAD:
		return load(rs, w, err);
	case TODO_WAIT:
		rs->state = RESTORED_WAITS;
		return 0;
	default:
		rs->state = RESTORED_RUNS;
		return 0;
	}
}

static int look_again(struct restoring *rs, struct wanted *w, struct braid_error *err)
{
	forget(w);
	return read_revision(w, rs->sp, err) ?: look(w, rs->root, err);
}

/*
 * What a command that was killed has left, or a machine that stopped, first. Observers go only if
 * something is to be attached: then they come back to that, too.
 */
static int act_locked(struct restoring *rs, struct wanted *w, struct braid_error *err)
{
	_cleanup_free_ char *gone = NULL;
	int r = recover_beside(&w->at, rs->root, rs->sp->name, OBSERVERS_STAY_WELL, &rs->recovered,
			       err)
			?: look_again(rs, w, err);

	if (!r && choose(w) == TODO_ATTACH)
		r = observe_end(&w->at, rs->root, rs->sp->name, &gone, err)
			    ?: look_again(rs, w, err);
	return r ?: act(rs, w, err);
}

/* The interfaces are looked at only behind this. */
static int follow(const struct restoring *rs, const struct wanted *w, struct braid_error *err)
{
	int r = linkwatch_add(rs->watch, &w->at.home, err);

	for (size_t i = 0; w->p && i < w->p->interfaces.n && !r; i++) {
		_cleanup_error_ struct braid_error ignored = BRAID_ERROR_INIT;
		_cleanup_netns_ struct netns ns = NETNS_INIT;

		/* one that does not exist yet is announced by its name */
		if (!netns_open(w->p->interfaces.v[i].netns, &ns, &ignored))
			r = linkwatch_add(rs->watch, &ns, err);
	}
	return r;
}

/* All of its interfaces are missing with it. */
static int home_is_away(struct restoring *rs, struct wanted *w, struct braid_error *err)
{
	int r = read_revision(w, rs->sp, err);

	if (r || !w->p)
		return r;
	rs->state = RESTORED_WAITS;
	rs->revision = w->rev.number;
	array_foreach (iface, &w->p->interfaces)
		if (!array_add(&w->targets.missing, iface))
			return error_oom(err);
	rs->missing = targets_missing_to_json(&w->targets, rs->sp->home);
	return 0;
}

/* @ret_away: there is no such namespace (yet). */
static int enter_home(struct restoring *rs, struct wanted *w, bool *ret_away,
		      struct braid_error *err)
{
	int r = netns_open(rs->sp->home, &w->at.home, err);

	*ret_away = r == -ENOENT || r == -EINVAL;
	if (*ret_away)
		braid_error_clear(err);
	if (r)
		return *ret_away ? 0 : r;
	/* of several names for one namespace, the one that the store knows */
	free(w->at.home.name);
	w->at.home.name = strdup(rs->sp->home);
	return w->at.home.name ? netns_enter(&w->at.home, &w->guard, err) : error_oom(err);
}

/*
 * A namespace without a name is known by its cookie, which another one may have after a
 * reboot. While something of the pipeline is in bpffs, there was none.
 */
static bool skip_unnamed(struct restoring *rs, const struct wanted *w, bool away)
{
	if (!text_has_prefix(rs->sp->home, "cookie:") || (!away && !access(w->path, F_OK)))
		return false;
	rs->state = RESTORED_SKIPPED;
	return true;
}

static bool is_quiet(struct wanted *w, const struct store_pipeline *sp)
{
	enum todo todo = choose(w);

	return !sp->pending && (todo == TODO_NOTHING || todo == TODO_WAIT) &&
	       !observe_is_left(&w->at, w->path, sp->name, w->rev.number);
}

/* What fails here without keeping the others is noted only. Return: 0. */
static int note(struct restoring *rs, int r)
{
	if (r)
		rs->state = RESTORED_FAILED;
	return 0;
}

static int restore_here(struct restoring *rs, struct wanted *w, struct braid_error *err)
{
	int r = read_revision(w, rs->sp, &rs->error);

	if (r)
		return note(rs, r);
	r = follow(rs, w, err);
	if (r)
		return r;
	if (!look(w, rs->root, &rs->error) && is_quiet(w, rs->sp))
		return note(rs, act(rs, w, &rs->error));
	braid_error_clear(&rs->error);
	r = store_lock(w->at.store, w->at.cause, w->at.wait_ns, err);
	if (r)
		return r;
	r = act_locked(rs, w, &rs->error);
	store_unlock(w->at.store);
	return note(rs, r);
}

int restore_pipeline(struct restoring *rs, struct braid_error *err)
{
	_cleanup_(wanted_done) struct wanted w = {.at = *rs->b, .guard = NETNS_GUARD_INIT};
	bool away = false;
	int r;

	w.at.home = (struct netns)NETNS_INIT;
	w.path = path_pipeline(rs->root, rs->sp->home, rs->sp->name);
	if (!w.path)
		return error_oom(err);
	rs->revision = rs->sp->current;
	r = enter_home(rs, &w, &away, &rs->error);
	if (r)
		return note(rs, r);
	if (skip_unnamed(rs, &w, away))
		return 0;
	return away ? note(rs, home_is_away(rs, &w, &rs->error)) : restore_here(rs, &w, err);
}
