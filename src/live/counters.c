/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* All that a pipeline has counted: its revision, those that are about to go, and the base. */
#include <errno.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/text.h"
#include "kernel/bpffs.h"
#include "live/counters.h"
#include "live/runtime.h"
#include "manifest/opts.h"

struct telling {
	struct braid *b;
	const char *home, *pipeline;
	char *path; /* of the pipeline in bpffs */
	__u32 revision;
	const json_t *plan;
	json_t *base, *j;
	__u32 map; /* of the revision */
};

static void telling_done(struct telling *t)
{
	free(t->path);
	json_decref(t->base);
	json_decref(t->j);
}

/* What another revision counted that is still there. -ENODATA: nothing that is not told. */
static int read_other(struct telling *t, __u32 number, struct counters *ret,
		      struct braid_error *err)
{
	_cleanup_free_ char *folder = path_revision(t->path, number);
	_cleanup_revision_ struct revision rev = {};
	_cleanup_json_ json_t *plan = NULL;
	int r = folder ? revision_get(t->b->store, t->home, t->pipeline, number, &rev, err)
		       : error_oom(err);

	if (r)
		return r;
	plan = json_loads(rev.plan, 0, NULL);
	return counters_read(plan, folder, ret, err);
}

/*
 * A change may be under way: then packets are counted by both revisions, or the old one's
 * counters are not in the base yet.
 */
static int add_other(struct telling *t, __u32 number, struct braid_error *err)
{
	_cleanup_error_ struct braid_error unread = BRAID_ERROR_INIT;
	_cleanup_counters_ struct counters c = {};
	_cleanup_json_ json_t *j = NULL;
	int r = read_other(t, number, &c, &unread);

	if (r == -ENOMEM)
		return error_oom(err);
	if (r || c.map == t->map)
		return 0;
	r = counters_to_json(&c, COUNTERS_ALL, &j, err);
	return r ?: counters_add(t->j, j, err);
}

static int add_others(struct telling *t, struct braid_error *err)
{
	struct bpffs_entries entries = {};
	int r = bpffs_list(t->path, &entries, err);
	__u32 number;

	array_foreach (e, &entries.list)
		if (!r && e->is_folder && path_parse_revision(e->name, &number) &&
		    number != t->revision && !counters_are_folded(t->base, number))
			r = add_other(t, number, err);
	bpffs_entries_done(&entries);
	return r;
}

/* Those of the revision that runs: an earlier one numbered its CPUs alike, but that is gone. */
static int add_cpus(struct telling *t, const struct counters *c, struct braid_error *err)
{
	json_t *list = json_array();
	int r = 0;

	json_object_set_new(t->j, "cpus", list);
	for (__u32 cpu = 0; cpu < c->cpus && !r; cpu++) {
		_cleanup_json_ json_t *one = NULL;

		r = counters_to_json(c, cpu, &one, err);
		if (!r)
			json_array_append_new(list,
					      json_pack("{s:I, s:O, s:O}", "cpu", (json_int_t)cpu,
							"entered", json_object_get(one, "entered"),
							"stages", json_object_get(one, "stages")));
	}
	return r;
}

/* In this order: what is folded meanwhile is found out by the base being another one. */
static int read_once(struct telling *t, bool cpus, struct braid_error *err)
{
	_cleanup_free_ char *folder = path_revision(t->path, t->revision);
	_cleanup_counters_ struct counters c = {};
	int r = folder ? counters_base(t->b, t->home, t->pipeline, &t->base, err) : error_oom(err);

	r = r ?: counters_read(t->plan, folder, &c, err) ?:
	    counters_to_json(&c, COUNTERS_ALL, &t->j, err);
	if (r)
		return r;
	t->map = c.map;
	r = add_others(t, err) ?: counters_add(t->j, t->base, err);
	if (r)
		return r;
	counters_prune(t->j, &c.model);
	return cpus ? add_cpus(t, &c, err) : 0;
}

static bool is_base(struct telling *t)
{
	_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
	_cleanup_json_ json_t *now = NULL;

	return !counters_base(t->b, t->home, t->pipeline, &now, &err) && json_equal(now, t->base);
}

/* Changes take a while each: a second one in between is rare, a third one not to be waited for. */
#define TRIES 3

int counters_describe(struct braid *b, const char *home, const char *pipeline, __u32 revision,
		      const json_t *plan, bool cpus, json_t **ret, struct braid_error *err)
{
	_cleanup_free_ char *root = NULL;
	int r = bpffs_root(&root, err);

	for (int i = 0; i < TRIES && !r; i++) {
		_cleanup_(telling_done) struct telling t = {.b = b,
							    .home = home,
							    .pipeline = pipeline,
							    .revision = revision,
							    .plan = plan};

		t.path = path_pipeline(root, home, pipeline);
		r = t.path ? read_once(&t, cpus, err) : error_oom(err);
		if (r || (!is_base(&t) && i + 1 < TRIES))
			continue;
		/* two documents and their times make a rate */
		*ret = json_pack("{s:s, s:s, s:I, s:O, s:f}", "pipeline", pipeline, "home", home,
				 "revision", (json_int_t)revision, "hook",
				 json_object_get(plan, "hook"), "at",
				 clock_ns(CLOCK_REALTIME) / 1e9);
		json_object_update(*ret, t.j);
		return 0;
	}
	return r;
}

/* -EAGAIN: another revision runs meanwhile. */
static int tell(struct braid *b, const char *name, bool cpus, json_t **ret, struct braid_error *err)
{
	_cleanup_running_ struct running run = {}, now = {};
	int r = running_open(b, name, &run, err);

	if (r == -ENOENT)
		return pipeline_unknown(b, name, err);
	r = r
		    ?: counters_describe(b, b->home.name, name, run.revision.number, run.plan, cpus,
					 ret, err);
	if (r == -ENODATA && !running_open(b, name, &now, err) &&
	    now.revision.number != run.revision.number)
		return -EAGAIN;
	return r;
}

int braid_counters(struct braid *b, const char *name, const struct braid_counters_opts *opts,
		   char **ret_json, struct braid_error *err)
{
	_cleanup_json_ json_t *j = NULL;
	struct braid_counters_opts o;
	ERROR_SCRATCH(err);
	int r = opts_take(&o, sizeof(o), opts, err);

	if (r)
		return r;
	do
		r = tell(b, name, o.cpus, &j, err);
	while (r == -EAGAIN);
	if (r) {
		error_within(err, "%s", name);
		return r;
	}
	*ret_json = json_dumps(j, JSON_INDENT(2));
	return *ret_json ? 0 : error_oom(err);
}
