/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* What runs, as the kernel has it, beside what the store wants. */
#include <bpf/bpf.h>
#include <errno.h>
#include <inttypes.h>

#include "base/error.h"
#include "base/text.h"
#include "kernel/bpffs.h"
#include "kernel/iface.h"
#include "live/counters.h"
#include "live/foreign.h"
#include "live/observe.h"
#include "live/rollout.h"
#include "live/runtime.h"

/* What the kernel says of a pinned program. */
static json_t *program_to_json(const char *pin, const json_t *segment)
{
	_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
	_cleanup_close_ int fd = -1;
	struct bpf_prog_info info = {};
	__u32 size = sizeof(info);
	json_t *j = json_pack("{s:O, s:O}", "program", json_object_get(segment, "program"),
			      "stages", json_object_get(segment, "stages"));

	if (bpffs_get(pin, BPFFS_PROGRAM, &fd, &err) || bpf_obj_get_info_by_fd(fd, &info, &size))
		return j;
	json_object_set_new(j, "id", json_integer(info.id));
	json_object_set_new(j, "instructions", json_integer(info.xlated_prog_len / 8));
	json_object_set_new(j, "jited-bytes", json_integer(info.jited_prog_len));
	json_object_set_new(j, "verified-instructions", json_integer(info.verified_insns));
	return j;
}

static json_t *programs_to_json(const json_t *plan, const char *folder)
{
	json_t *list = json_array(), *segment;
	size_t i;

	json_array_foreach (json_object_get(plan, "segments"), i, segment) {
		const char *name = json_string_value(json_object_get(segment, "program"));
		_cleanup_free_ char *pin = path_program(folder, name);

		if (pin)
			json_array_append_new(list, program_to_json(pin, segment));
	}
	return list;
}

static json_t *maps_to_json(const json_t *plan, const char *folder)
{
	json_t *list = json_array(), *map;
	size_t i;

	json_array_foreach (json_object_get(plan, "maps"), i, map) {
		_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
		_cleanup_close_ int fd = -1;
		_cleanup_free_ char *pin =
			path_map(folder, json_string_value(json_object_get(map, "symbol")));
		struct bpf_map_info info = {};
		__u32 size = sizeof(info);
		json_t *j = json_deep_copy(map);

		json_object_del(j, "entries-digest");
		if (pin)
			json_object_set_new(j, "pin", json_string(pin));
		if (pin && !bpffs_get(pin, BPFFS_MAP, &fd, &err) &&
		    !bpf_obj_get_info_by_fd(fd, &info, &size))
			json_object_set_new(j, "id", json_integer(info.id));
		json_array_append_new(list, j);
	}
	return list;
}

struct seen {
	const char *state;
	bool observed;
	const struct attachment *own;
	struct spot at;
};

/* Who is there instead, where there is place for one only: or in our link. */
static __u32 find_foreign(const struct seen *seen, const char **ret_name)
{
	const struct xdp_attached *there = spot_xdp(&seen->at);
	__u32 id = seen->own ? ids_first(&seen->own->runs) : 0;

	if (there) {
		*ret_name = there->name;
		return there->prog_id;
	}
	array_foreach (t, &seen->at.tc.list)
		if (id && t->prog_id == id) {
			*ret_name = t->name;
			return id;
		}
	return 0;
}

/* Compares what is on the interface with what should be there. */
static void look_at(struct seen *seen, const struct attachments *all, const struct front *front,
		    const char *folder)
{
	_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
	const char *name;

	seen->state = "detached";
	if (spot_look(&seen->at, &err))
		return;
	seen->own = attachment_at(all, &seen->at);
	if (seen->own && runs_revision(front, folder, &seen->own->runs, &seen->observed))
		seen->state = "attached";
	else if (find_foreign(seen, &name))
		seen->state = "foreign";
}

static void seen_to_json(const struct seen *seen, json_t *j)
{
	const struct xdp_attached *there = spot_xdp(&seen->at);
	const char *name = "";
	__u32 id = text_eq(seen->state, "foreign") ? find_foreign(seen, &name) : 0;

	json_object_set_new(j, "ifindex", json_integer(seen->at.ifindex));
	json_object_set_new(j, "state", json_string(seen->state));
	if (seen->own)
		json_object_set_new(j, "way", json_string(way_name(seen->own->way, seen->at.hook)));
	if (seen->own && seen->own->link_id)
		json_object_set_new(j, "link", json_integer(seen->own->link_id));
	if (seen->own && seen->own->filter.priority)
		json_object_set_new(j, "priority", json_integer(seen->own->filter.priority));
	if (there)
		json_object_set_new(j, "mode", json_string(xdp_mode_names[there->mode]));
	if (text_eq(seen->state, "attached"))
		id = ids_first(&seen->own->runs);
	if (id)
		json_object_set_new(j, "program", json_integer(id));
	if (seen->observed)
		json_object_set_new(j, "observed", json_true());
	if (*name)
		json_object_set_new(j, "foreign", json_string(name));
}

/* The name is gone; the interface may go by another one now. */
static void no_such_interface(json_t *j, const char *now)
{
	json_object_set_new(j, "state", json_string(now ? "renamed" : "missing"));
	if (now)
		json_object_set_new(j, "now", json_escaped(now));
}

static void foreigners_to_json(const struct braid_pipeline *p, const char *home,
			       const struct seen *seen, struct foreign *foreign, json_t *j)
{
	struct foreign_view view = {
		.home = home,
		.pipeline = p->name,
		.hook = p->hook,
		.attached = text_eq(seen->state, "attached"),
		.joins = p->strategy == STRATEGY_DISPATCHER,
		.closed = seen->at.chain ? dispatcher_closed(seen->at.chain) : NULL,
		.clsact = wanted_way(p, p->strategy, NULL) == &way_clsact,
		.place.position = p->attach.order == ATTACH_FIRST ? TC_FIRST : TC_LAST,
	};

	foreign_add(foreign, &seen->at.ns, seen->at.ifindex, &view, j);
}

static json_t *interface_to_json(const struct braid_pipeline *p, const struct interface *iface,
				 const char *home, const struct attachments *all,
				 const struct front *front, const char *folder, const json_t *known,
				 struct foreign *foreign)
{
	_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
	struct seen seen = {.at = {.ns = NETNS_INIT, .hook = p->hook}};
	json_t *j = json_pack("{s:s, s:s}", "name", iface->name, "netns", iface->netns ?: home);

	if (netns_open(iface->netns ?: home, &seen.at.ns, &err) ||
	    iface_index(&seen.at.ns, iface->name, &seen.at.ifindex, &err)) {
		_cleanup_free_ char *now = renamed_to(p, iface, home, all, known);

		no_such_interface(j, now);
	} else {
		look_at(&seen, all, front, folder);
		seen_to_json(&seen, j);
		foreigners_to_json(p, home, &seen, foreign, j);
	}
	spot_done(&seen.at);
	return j;
}

static int interfaces_to_json(const struct revision *rev, const json_t *plan,
			      const struct attachments *all, const struct front *front,
			      const char *folder, struct foreign *foreign, json_t **ret,
			      struct braid_error *err)
{
	_cleanup_(braid_manifest_freep) struct braid_manifest *m = NULL;
	const struct braid_pipeline *p;
	json_t *list;
	int r = braid_manifest_parse(rev->manifest, strlen(rev->manifest), "store", NULL, &m, err);

	if (r)
		return r;
	p = braid_manifest_get(m, 0);
	list = json_array();
	array_foreach (iface, &p->interfaces)
		json_array_append_new(
			list, interface_to_json(p, iface, rev->home, all, front, folder,
						json_object_get(plan, "interfaces"), foreign));
	*ret = list;
	return 0;
}

/* What cannot be read is not there: the rest of the status matters as much. */
static int add_counters(struct braid *b, const struct store_pipeline *sp, __u32 revision,
			const json_t *plan, json_t *j, struct braid_error *err)
{
	_cleanup_error_ struct braid_error unread = BRAID_ERROR_INIT;
	json_t *counters;
	int r = counters_are_in(plan) ? counters_describe(b, sp->home, sp->name, revision, plan,
							  false, &counters, &unread)
				      : -ENODATA;

	if (r == -ENOMEM)
		return error_oom(err);
	return r ? 0 : json_object_set_new(j, "counters", counters) ? error_oom(err) : 0;
}

static int pipeline_status(struct braid *b, const char *root, const struct store_pipeline *sp,
			   struct foreign *foreign, json_t *list, struct braid_error *err)
{
	_cleanup_free_ char *path = path_pipeline(root, sp->home, sp->name);
	/* of a first apply that was killed there is only what it was about to do */
	__u32 number = sp->current ?: sp->pending;
	_cleanup_free_ char *folder = path ? path_revision(path, number) : NULL;
	_cleanup_revision_ struct revision rev = {};
	_cleanup_json_ json_t *plan = NULL;
	struct attachments all = {};
	_cleanup_front_ struct front front = {};
	json_t *j, *programs, *interfaces = NULL, *observed, *rollout;
	int r = folder ? 0 : error_oom(err);

	r = r ?: revision_get(b->store, sp->home, sp->name, number, &rev, err) ?:
			 attachments_read(path, &all, err);
	if (r)
		return r;
	plan = json_loads(rev.plan, 0, NULL);
	programs = programs_to_json(plan, folder);
	r = front_open(plan, folder, &front, err)
		    ?: interfaces_to_json(&rev, plan, &all, &front, folder, foreign, &interfaces,
					  err);
	attachments_done(&all);
	if (r) {
		json_decref(programs);
		return r;
	}
	j = json_pack("{s:s, s:s, s:I, s:I, s:s, s:O*, s:O*, s:O*, s:o, s:O*, s:o, s:o}",
		      "pipeline", sp->name, "home", sp->home, "revision", (json_int_t)number,
		      "created", (json_int_t)(rev.created_ns / 1000000000), "cause", rev.cause,
		      "strategy", json_object_get(plan, "strategy"), "why",
		      json_object_get(plan, "why"), "license", json_object_get(plan, "license"),
		      "interfaces", interfaces, "stages", json_object_get(plan, "stages"),
		      "programs", programs, "maps", maps_to_json(plan, folder));
	r = signals_describe(b, sp->home, sp->name, plan, folder, j, err);
	if (r) {
		json_decref(j);
		return r;
	}
	rollout = rollout_brief(b, sp->home, sp->name, plan);
	if (rollout)
		json_object_set_new(j, "rollout", rollout);
	observed = observers_to_json(b, sp->home, sp->name, number, folder);
	if (observed)
		json_object_set_new(j, "observed", observed);
	r = add_counters(b, sp, number, plan, j, err);
	if (r) {
		json_decref(j);
		return r;
	}
	if (sp->pending)
		json_object_set_new(j, "interrupted", json_integer(sp->pending));
	return json_array_append_new(list, j) ? error_oom(err) : 0;
}

/* Instead of what cannot be read. */
static json_t *unread_to_json(const struct braid_error *err)
{
	return json_pack("{s:i, s:o?, s:o?, s:o?, s:o?}", "code", err->code, "where",
			 json_escaped(err->where), "what", json_escaped(err->what), "why",
			 json_escaped(err->why), "hint", json_escaped(err->hint));
}

/* One that cannot be read says so, and does not keep the others from being told of. */
static int pipeline_or_error(struct braid *b, const char *root, const struct store_pipeline *sp,
			     struct foreign *foreign, json_t *list, struct braid_error *err)
{
	_cleanup_error_ struct braid_error own = BRAID_ERROR_INIT;
	int r = pipeline_status(b, root, sp, foreign, list, &own);

	if (r == -ENOMEM)
		return error_oom(err);
	if (!r)
		return 0;
	r = json_array_append_new(list, json_pack("{s:s, s:o, s:I, s:o}", "pipeline", sp->name,
						  "home", json_escaped(sp->home), "revision",
						  (json_int_t)(sp->current ?: sp->pending), "error",
						  unread_to_json(&own)));
	return r ? error_oom(err) : 0;
}

static int unknown(const struct store_pipelines *all, const char *name, struct braid_error *err)
{
	const char *names[64], *near;
	size_t n = 0;

	array_foreach (sp, &all->list)
		if (sp->current && n < 64)
			names[n++] = sp->name;
	near = text_nearest(name, names, n);
	error_set(err, -ENOENT, NULL, "there is no pipeline '%s'", name);
	if (near)
		error_hint(err, "did you mean '%s'?", near);
	return -ENOENT;
}

int braid_status(struct braid *b, const char *name, char **ret_json, struct braid_error *err)
{
	_cleanup_json_ json_t *list = json_array(), *all = NULL;
	_cleanup_foreign_ struct foreign *foreign = NULL;
	_cleanup_free_ char *root = NULL;
	struct store_pipelines pipelines = {};
	ERROR_SCRATCH(err);
	int r;

	r = bpffs_root(&root, err) ?: foreign_new(root, &foreign, err);
	r = r ?: store_pipelines(b->store, &pipelines, err);
	array_foreach (sp, &pipelines.list)
		if (!r && (sp->current || sp->pending) && (!name || text_eq(sp->name, name)))
			r = name ? pipeline_status(b, root, sp, foreign, list, err)
				 : pipeline_or_error(b, root, sp, foreign, list, err);
	if (!r && name && !json_array_size(list))
		r = pipeline_elsewhere(b, b->home.name, name, err)
			    ?: unknown(&pipelines, name, err);
	store_pipelines_done(&pipelines);
	if (r)
		return r;
	all = json_pack("{s:O, s:o*}", "pipelines", list, "others",
			name ? NULL : foreign_others(foreign, &b->home));
	return json_give(all, ret_json, err);
}
