/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* What a running pipeline is made of, handed over: it is all pinned. */
#include <bpf/bpf.h>
#include <errno.h>

#include "base/text.h"
#include "braid/fds.h"
#include "kernel/bpffs.h"
#include "kernel/iface.h"
#include "kernel/probe.h"
#include "live/live.h"
#include "live/passfds.h"
#include "manifest/hook.h"

struct passing {
	struct braid *b;
	const char *home, *name;
	char *path, *folder; /* of the pipeline, of its revision */
	json_t *plan;
	__u32 revision;
	struct passfds *to;
};

static void passing_done(struct passing *p)
{
	free(p->path);
	free(p->folder);
	json_decref(p->plan);
}

#define _cleanup_passing_ _cleanup_(passing_done)

/* @more: taken. */
static json_t *description(const struct passing *p, const char *kind, json_t *more)
{
	json_t *j = json_pack("{s:s, s:s, s:s, s:I}", "kind", kind, "pipeline", p->name, "home",
			      p->home, "revision", (json_int_t)p->revision);

	if (!j || !more || json_object_update(j, more)) {
		json_decref(j);
		j = NULL;
	}
	json_decref(more);
	return j;
}

static int pass_program(struct passing *p, const json_t *segment, struct braid_error *err)
{
	const char *name = json_string_value(json_object_get(segment, "program"));
	_cleanup_free_ char *pin = path_program(p->folder, name);
	_cleanup_close_ int fd = -1;
	struct bpf_prog_info info = {};
	__u32 size = sizeof(info);
	int r = pin ? bpffs_get(pin, BPFFS_PROGRAM, &fd, err) : error_oom(err);

	if (r)
		return r;
	if (bpf_obj_get_info_by_fd(fd, &info, &size))
		return error_errno(err, -errno, pin, "cannot look at a program");
	return passfds_add(
		p->to, TAKE_FD(fd),
		description(p, "program",
			    json_pack("{s:s, s:I, s:O*}", "name", name, "id", (json_int_t)info.id,
				      "stages", json_object_get(segment, "stages"))),
		err);
}

static int pass_map(struct passing *p, const json_t *map, struct braid_error *err)
{
	const char *symbol = json_string_value(json_object_get(map, "symbol"));
	_cleanup_free_ char *pin = path_map(p->folder, symbol);
	_cleanup_close_ int fd = -1;
	struct bpf_map_info info = {};
	__u32 size = sizeof(info);
	int r = pin ? bpffs_get(pin, BPFFS_MAP, &fd, err) : error_oom(err);

	if (r)
		return r;
	if (bpf_obj_get_info_by_fd(fd, &info, &size))
		return error_errno(err, -errno, pin, "cannot look at a map");
	return passfds_add(p->to, TAKE_FD(fd),
			   description(p, "map",
				       json_pack("{s:O*, s:O*, s:s, s:I, s:s, s:O*}", "stage",
						 json_object_get(map, "stage"), "name",
						 json_object_get(map, "name"), "symbol", symbol,
						 "id", (json_int_t)info.id, "pin", pin, "braid",
						 json_object_get(map, "braid"))),
			   err);
}

/* What is not there any more has no name. */
static json_t *interface_of(const struct attachment *a)
{
	_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
	_cleanup_netns_ struct netns ns = NETNS_INIT;
	char name[IF_NAMESIZE];

	if (attachment_netns(a->cookie, &ns, &err) || iface_name(&ns, a->ifindex, name, &err))
		return json_object();
	return json_pack("{s:s, s:s}", "name", name, "netns", ns.name);
}

static int pass_link(struct passing *p, struct attachment *a, struct braid_error *err)
{
	json_t *j = interface_of(a);

	if (j) {
		json_object_set_new(j, "id", json_integer(a->link_id));
		json_object_set_new(j, "hook", json_string(hook_facts(a->hook)->name));
		json_object_set_new(j, "ifindex", json_integer(a->ifindex));
		json_object_set_new(j, "pin", json_string(a->path));
	}
	return passfds_add(p->to, TAKE_FD(a->fd), description(p, "link", j), err);
}

/* Those that are attached without a link have a note in its place, which is for braid only. */
static int pass_links(struct passing *p, struct braid_error *err)
{
	struct attachments all = {};
	int r = attachments_read(p->path, &all, err);

	array_foreach (a, &all.list)
		if (!r && a->way->has_link)
			r = pass_link(p, a, err);
	attachments_done(&all);
	return r;
}

static int pass_all(struct passing *p, struct braid_error *err)
{
	json_t *part;
	size_t i;
	int r = 0;

	json_array_foreach (json_object_get(p->plan, "segments"), i, part)
		r = r ?: pass_program(p, part, err);
	json_array_foreach (json_object_get(p->plan, "maps"), i, part)
		r = r ?: pass_map(p, part, err);
	return r ?: pass_links(p, err);
}

static int find_running(struct passing *p, const char *root, struct braid_error *err)
{
	_cleanup_revision_ struct revision rev = {};
	int r = revision_find(p->b->store, p->home, p->name, REVISION_CURRENT, &rev, err);

	if (r == -ENOENT && pipeline_elsewhere(p->b, p->home, p->name, err))
		return -ENOENT;
	if (r == -ENOENT) {
		error_set(err, -ENOENT, NULL, "there is no pipeline '%s'", p->name);
		error_hint(err, "'braid status' lists those that run");
	}
	if (r)
		return r;
	passing_done(p);
	p->revision = rev.number;
	p->path = path_pipeline(root, p->home, p->name);
	p->folder = p->path ? path_revision(p->path, rev.number) : NULL;
	p->plan = json_loads(rev.plan, 0, NULL);
	if (!p->plan) {
		error_set(err, -EBADMSG, p->name, "the store's plan of revision %u is damaged",
			  rev.number);
		return -EBADMSG;
	}
	return p->folder ? 0 : error_oom(err);
}

/*
 * All is opened under the lock, since who changes the pipeline removes what it was. It is sent
 * behind the lock: the receiver may be slow.
 */
int braid_fds_send_pipeline(struct braid *b, int socket, const char *home, const char *name,
			    struct braid_error *err)
{
	_cleanup_passfds_ struct passfds to = {};
	_cleanup_passing_ struct passing p = {
		.b = b, .home = home ?: b->home.name, .name = name, .to = &to};
	_cleanup_free_ char *root = NULL;
	ERROR_SCRATCH(err);
	int r;

	r = braid_fds_check(socket, err) ?: probe_privileges(err) ?: bpffs_root(&root, err);
	r = r ?: store_lock(b->store, b->cause, b->wait_ns, err);
	if (r)
		return r;
	r = find_running(&p, root, err) ?: pass_all(&p, err);
	store_unlock(b->store);
	return r ?: passfds_send(&to, socket, err);
}
