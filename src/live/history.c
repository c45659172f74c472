/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* What ran, and going back to it; and the end of a pipeline. */
#include <errno.h>

#include "base/error.h"
#include "base/text.h"
#include "kernel/bpffs.h"
#include "kernel/probe.h"
#include "kernel/rcu.h"
#include "live/live.h"
#include "live/observe.h"
#include "live/orphan.h"
#include "manifest/json.h"

static bool has_history(struct braid *b, const char *name)
{
	_cleanup_error_ struct braid_error ignored = BRAID_ERROR_INIT;
	struct revisions revs = {};
	bool has = store_history(b->store, b->home.name, name, &revs, &ignored) || revs.list.n;

	revisions_done(&revs);
	return has;
}

int pipeline_check_known(struct braid *b, const char *name, struct braid_error *err)
{
	return has_history(b, name) ? 0 : pipeline_unknown(b, name, err);
}

static json_t *revision_to_json(const struct revision *rev)
{
	json_t *j = json_pack("{s:I, s:s, s:I, s:s}", "revision", (json_int_t)rev->number, "state",
			      revision_state_names[rev->state], "created",
			      (json_int_t)(rev->created_ns / 1000000000), "cause", rev->cause);

	if (rev->note)
		json_object_set_new(j, "note", json_string(rev->note));
	return j;
}

static json_t *event_to_json(const struct event *e)
{
	return json_pack("{s:s, s:I, s:s, s:I}", "event", e->what, "created",
			 (json_int_t)(e->created_ns / 1000000000), "cause", e->cause, "after",
			 (json_int_t)e->revision);
}

/*
 * One line of time, newest first. Each event knows the newest revision of its time, so that
 * a clock that was set makes no difference.
 */
static json_t *story(const struct revisions *revs, const struct events *events)
{
	json_t *list = json_array();
	size_t i = 0, k = 0;

	while (i < revs->list.n || k < events->list.n) {
		const struct revision *rev = i < revs->list.n ? &revs->list.v[i] : NULL;
		const struct event *e = k < events->list.n ? &events->list.v[k] : NULL;
		bool is_event = e && (!rev || e->revision >= rev->number);

		json_array_append_new(list, is_event ? event_to_json(e) : revision_to_json(rev));
		i += !is_event;
		k += is_event;
	}
	return list;
}

int braid_history(struct braid *b, const char *name, char **ret_json, struct braid_error *err)
{
	_cleanup_json_ json_t *list = NULL;
	struct revisions revs = {};
	struct events events = {};
	ERROR_SCRATCH(err);
	int r;

	r = store_history(b->store, b->home.name, name, &revs, err)
		    ?: store_events(b->store, b->home.name, name, &events, err);
	if (!r && !revs.list.n)
		r = pipeline_unknown(b, name, err);
	if (!r)
		list = story(&revs, &events);
	revisions_done(&revs);
	events_done(&events);
	return r ?: json_give(list, ret_json, err);
}

json_t *json_escaped(const char *text)
{
	_cleanup_free_ char *escaped = text ? text_escape(text) : NULL;

	return escaped ? json_string(escaped) : NULL;
}

int json_give(json_t *j, char **ret, struct braid_error *err)
{
	if (!ret)
		return 0;
	*ret = j ? json_dumps(j, JSON_INDENT(2)) : NULL;
	return *ret ? 0 : error_oom(err);
}

/* A file's path as it holds in every folder; links stay as they are: they may change. */
static int make_absolute(const char *folder, char **object, struct braid_error *err)
{
	char *path = (*object)[0] == '/' ? NULL : text_fmt("%s/%s", folder, *object);

	if ((*object)[0] == '/')
		return 0;
	if (!path)
		return error_oom(err);
	free(*object);
	*object = path;
	return 0;
}

int revision_text(const struct braid_pipeline *p, char **ret, struct braid_error *err)
{
	_cleanup_(braid_manifest_freep) struct braid_manifest *copy = NULL;
	_cleanup_free_ char *text = NULL, *folder = get_current_dir_name();
	struct braid_pipeline *to;
	int r = pipeline_to_text(p, &text, err);

	r = r ?: braid_manifest_parse(text, strlen(text), "store", NULL, &copy, err);
	if (r)
		return r;
	to = copy->pipelines.v[0];
	for (size_t i = 0; i < p->stages.n && folder && !r; i++) {
		const struct stage *from = &p->stages.v[i];

		if (!from->bytes) /* else the path is a label */
			r = make_absolute(folder, &to->stages.v[i].object, err);
		if (!r && from->candidate && !from->candidate->bytes)
			r = make_absolute(folder, &to->stages.v[i].candidate->object, err);
	}
	return r ?: pipeline_to_text(to, ret, err);
}

/* Where an object goes: to a stage, or to its candidate ("guard@new"). NULL: there is none. */
static size_t *place_of(const struct braid_pipeline *p, const char *name, void ***ret_bytes)
{
	size_t n = strcspn(name, "@");

	array_foreach (s, &p->stages) {
		if (strncmp(s->name, name, n) || s->name[n])
			continue;
		if (name[n] && !s->candidate)
			return NULL;
		*ret_bytes = name[n] ? &s->candidate->bytes : &s->bytes;
		return name[n] ? &s->candidate->size : &s->size;
	}
	return NULL;
}

/* The objects of a revision come from the store: the files may be gone by now. */
static int take_objects(struct braid *b, const struct revision *rev, struct braid_pipeline *p,
			struct braid_error *err)
{
	array_foreach (o, &rev->objects) {
		void **bytes;
		size_t *size = place_of(p, o->stage, &bytes);
		int r = size ? store_get(b->store, o->digest, bytes, size, err) : 0;

		if (r)
			return r;
	}
	return 0;
}

int braid_revision(struct braid *b, const char *name, uint32_t revision,
		   struct braid_manifest **ret, struct braid_error *err)
{
	_cleanup_(braid_manifest_freep) struct braid_manifest *m = NULL;
	_cleanup_revision_ struct revision rev = {};
	_cleanup_free_ char *label = NULL;
	ERROR_SCRATCH(err);
	int r;

	if (revision)
		r = revision_get(b->store, b->home.name, name, revision, &rev, err);
	else
		r = revision_find(b->store, b->home.name, name, REVISION_CURRENT, &rev, err);
	if (r == -ENOENT && (!revision || !has_history(b, name)))
		return pipeline_unknown(b, name, err);
	if (r)
		return r;
	label = text_fmt("revision %u of %s", rev.number, name);
	r = label ? 0 : error_oom(err);
	r = r ?: braid_manifest_parse(rev.manifest, strlen(rev.manifest), label, NULL, &m, err) ?:
		 take_objects(b, &rev, m->pipelines.v[0], err);
	if (r)
		return r;
	m->pipelines.v[0]->revision = revision ? 0 : rev.number;
	*ret = TAKE_PTR(m);
	return 0;
}

/* What the current revision is attached by, and nothing in bpffs tells of any more. */
static int remove_orphans(struct braid *b, const char *path, const char *name,
			  struct braid_error *err)
{
	_cleanup_(braid_manifest_freep) struct braid_manifest *m = NULL;
	_cleanup_revision_ struct revision rev = {};
	_cleanup_json_ json_t *plan = NULL;
	int r = revision_find(b->store, b->home.name, name, REVISION_CURRENT, &rev, err);

	if (r == -ENOENT) {
		braid_error_clear(err);
		return 0;
	}
	r = r ?: braid_manifest_parse(rev.manifest, strlen(rev.manifest), "store", NULL, &m, err);
	if (r)
		return r;
	plan = json_loads(rev.plan, 0, NULL);
	r = observers_add_known(b, b->home.name, name, rev.number, plan, err);
	return r ?: orphans_remove(braid_manifest_get(m, 0), plan, path, err);
}

static int delete_locked(struct braid *b, const char *root, const char *name,
			 struct braid_error *err)
{
	_cleanup_free_ char *path = path_pipeline(root, b->home.name, name), *recovered = NULL;
	struct attachments all = {};
	bool is_there = path && !access(path, F_OK);
	int r = path ? recover(b, root, name, &recovered, err) : error_oom(err);

	r = r ?: attachments_read(path, &all, err);
	array_foreach (a, &all.list)
		r = r ?: attachment_remove(&all, a, err);
	attachments_done(&all);
	r = r ?: remove_orphans(b, path, name, err);
	r = r ?: revision_delete(b->store, b->home.name, name, b->cause, err);
	if (r == -ENOENT && !is_there)
		return pipeline_unknown(b, name, err);
	if (r == -ENOENT) { /* a delete that was killed, or a store that was lost */
		braid_error_clear(err);
		r = 0;
	}
	return r ?: kernel_sync_rcu(err) ?: bpffs_remove_tree(path, err);
}

int braid_delete(struct braid *b, const char *name, struct braid_error *err)
{
	_cleanup_free_ char *root = NULL;
	ERROR_SCRATCH(err);
	int r;

	r = probe_privileges(err) ?:
		    bpffs_root(&root, err) ?:
		    store_lock(b->store, b->cause, b->wait_ns, err);
	if (r)
		return r;
	r = delete_locked(b, root, name, err);
	store_unlock(b->store);
	return r;
}
