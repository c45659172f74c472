/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* What is on an interface. Nothing that is found there is believed. */
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <string.h>

#include "base/text.h"
#include "dispatch/inside.h"
#include "kernel/bpffs.h"
#include "kernel/freplace.h"
#include "kernel/iface.h"
#include "kernel/program.h"
#include "kernel/proginfo.h"

enum { READ_TRIES = 10 };

void dispatcher_done(struct dispatcher *d)
{
	array_foreach (c, &d->components)
		closep(&c->fd);
	array_done(&d->components);
	closep(&d->fd);
	free(d->why);
	free(d->folder);
	*d = DISPATCHER_NONE;
}

/* @err says what is wrong with @d, and is emptied: to know that is no failure of reading. */
static int is_broken(struct dispatcher *d, struct braid_error *err)
{
	d->state = DISPATCHER_BROKEN;
	if (err->why)
		d->why = text_fmt("%s: %s", err->what, err->why);
	else
		d->why = strdup(err->what ?: "no memory");
	braid_error_clear(err);
	return d->why ? 0 : error_oom(err);
}

static int broken(struct dispatcher *d, const char *what, struct braid_error *err)
{
	error_set(err, -EBADMSG, NULL, "%s", what);
	return is_broken(d, err);
}

/* Reasons that lie in the caller or the machine, and not in what was found. */
static bool is_failure(int r)
{
	return r == -ENOMEM || r == -EPERM || r == -EACCES || r == -EMFILE || r == -ENFILE;
}

static int read_config(struct dispatcher *d, const struct proginfo *p, struct braid_error *err)
{
	_cleanup_(program_maps_done) struct program_maps maps = {};
	const struct bpf_map_info *info;
	__u8 bytes[4096];
	__u32 zero = 0;
	int r;

	if (!p->btf)
		return broken(d, "it has no BTF", err);
	r = program_maps_read(d->fd, &maps, err);
	if (r)
		return is_failure(r) ? r : is_broken(d, err);
	if (maps.list.n != 1)
		return broken(d, "it has not one map, its configuration", err);
	info = &maps.list.v[0].info;
	if (info->type != BPF_MAP_TYPE_ARRAY || info->key_size != sizeof(zero) ||
	    info->max_entries != 1 || !(info->map_flags & BPF_F_RDONLY_PROG) ||
	    info->value_size < 2 || info->value_size > sizeof(bytes))
		return broken(d, "its map is no configuration", err);
	r = bpf_map_lookup_elem(maps.list.v[0].fd, &zero, bytes);
	if (r)
		return error_errno(err, r, NULL, "cannot read the configuration of program %u",
				   d->id);
	r = dispatcher_config_read(bytes, info->value_size, dispatcher_metadata_version(p->btf),
				   &d->config, err);
	if (!r || is_failure(r))
		return r;
	r = is_broken(d, err) ?: r;
	if (r == -EOPNOTSUPP)
		d->state = DISPATCHER_LATER;
	return r == -ENOMEM ? r : 0;
}

/* As named; or by the id alone: an interface that came from another namespace was renumbered. */
static int find_folder(const char *bpffs, __u32 ifindex, struct dispatcher *d,
		       struct braid_error *err)
{
	_cleanup_(dispatch_places_done) struct dispatch_places places = {};
	int r = dispatch_places_read(bpffs, &places, err);

	if (r)
		return r;
	array_foreach (p, &places.list) {
		if (p->is_trial || p->id != d->id || (d->folder && p->ifindex != ifindex))
			continue;
		free(d->folder);
		d->folder = TAKE_PTR(p->folder);
	}
	return 0;
}

static int open_pin(const char *folder, __u32 slot, const char *what, enum bpffs_kind kind,
		    int *ret_fd, struct braid_error *err)
{
	_cleanup_free_ char *path = dispatch_pin(folder, slot, what);

	return path ? bpffs_get(path, kind, ret_fd, err) : error_oom(err);
}

static int read_link(const struct dispatcher *d, __u32 slot, struct component *c,
		     struct braid_error *err)
{
	_cleanup_close_ int fd = -1;
	struct freplace_info info;
	int r = open_pin(d->folder, slot, "link", BPFFS_LINK, &fd, err);

	r = r ?: freplace_info(fd, &info, err);
	if (r)
		return r;
	if (info.prog_id != c->id || (info.target_id && info.target_id != d->id)) {
		error_set(err, -EBADMSG, NULL, "link %u, pinned for component %u, is not of it",
			  info.id, slot);
		return -EBADMSG;
	}
	c->link_id = info.id;
	return 0;
}

static int read_program(struct component *c, struct braid_error *err)
{
	struct proginfo p;
	int r = proginfo_read(c->fd, &p, err);

	if (r)
		return r;
	c->id = p.id;
	c->uid = p.uid;
	c->loaded_ns = p.loaded_ns;
	c->instructions = p.instructions;
	memcpy(c->tag, p.tag, sizeof(c->tag));
	strcpy(c->name, p.name);
	if (p.type != BPF_PROG_TYPE_EXT)
		r = error_code(error_set(err, -EBADMSG, NULL, "program %u, '%s', is no component",
					 p.id, p.name));
	proginfo_done(&p);
	return r;
}

static int read_component(struct dispatcher *d, __u32 slot, struct braid_error *err)
{
	struct component *c = array_push(&d->components);
	int r;

	if (!c)
		return error_oom(err);
	c->fd = -1;
	c->slot = d->config.slots[slot];
	r = open_pin(d->folder, slot, "prog", BPFFS_PROGRAM, &c->fd, err);
	r = r ?: read_program(c, err);
	return r ?: read_link(d, slot, c, err);
}

static void forget_components(struct dispatcher *d)
{
	array_foreach (c, &d->components)
		closep(&c->fd);
	array_done(&d->components);
}

static int read_pins(struct dispatcher *d, __u32 ifindex, const char *bpffs,
		     struct braid_error *err)
{
	int r = find_folder(bpffs, ifindex, d, err);

	if (r)
		return is_failure(r) ? r : is_broken(d, err);
	if (!d->folder)
		return broken(d, "its components are not pinned", err);
	for (__u32 i = 0; i < d->config.n && !r; i++)
		r = read_component(d, i, err);
	if (!r)
		return 0;
	forget_components(d);
	if (is_failure(r))
		return r;
	error_why(err, "%s, at %s", err->why ?: error_name(r), err->where ?: d->folder);
	return is_broken(d, err);
}

static int read_dispatcher(struct dispatcher *d, __u32 ifindex, const char *bpffs,
			   struct braid_error *err)
{
	struct proginfo p;
	int r = proginfo_read(d->fd, &p, err);

	if (r)
		return r;
	memcpy(d->name, p.short_name, sizeof(d->name));
	if (!text_eq(d->name, DISPATCHER_NAME)) {
		d->state = DISPATCHER_FOREIGN;
		proginfo_done(&p);
		return 0;
	}
	d->state = DISPATCHER_SOUND;
	r = read_config(d, &p, err);
	proginfo_done(&p);
	if (r)
		return r;
	if (d->state == DISPATCHER_SOUND)
		r = read_pins(d, ifindex, bpffs, err);
	if (!r && d->by_link && d->state == DISPATCHER_SOUND)
		d->state = DISPATCHER_LINKED;
	return r;
}

/* Of two, the one in hardware is no dispatcher's business. */
static const struct xdp_attached *choose(const struct xdp_state *state)
{
	for (size_t i = 0; i < state->n; i++)
		if (state->v[i].mode != XDP_HARDWARE)
			return &state->v[i];
	return state->n ? &state->v[0] : NULL;
}

/* Return: -ENOENT it went while it was looked at. */
static int read_once(const struct netns *ns, __u32 ifindex, const char *bpffs, struct dispatcher *d,
		     struct braid_error *err)
{
	const struct xdp_attached *at;
	struct xdp_state state;
	int r = xdp_query(ns, ifindex, &state, err);

	if (r)
		return r;
	at = choose(&state);
	if (!at)
		return 0;
	d->id = at->prog_id;
	d->mode = at->mode;
	d->by_link = at->links > 0;
	d->link_id = at->link_id;
	return program_open(d->id, &d->fd, err) ?: read_dispatcher(d, ifindex, bpffs, err);
}

int dispatcher_read_locked(const struct netns *ns, __u32 ifindex, const char *bpffs,
			   struct dispatcher *ret, struct braid_error *err)
{
	int r = -ENOENT;

	for (int i = 0; r == -ENOENT && i < READ_TRIES; i++) {
		_cleanup_(dispatcher_done) struct dispatcher d = DISPATCHER_NONE;

		braid_error_clear(err);
		r = read_once(ns, ifindex, bpffs, &d, err);
		if (r)
			continue;
		*ret = d;
		d = DISPATCHER_NONE;
	}
	if (r) {
		_cleanup_free_ char *where = iface_where(ns, ifindex);

		if (where && !err->where)
			error_within(err, "%s", where);
	}
	return r == -ENOENT ? -EAGAIN : r;
}

int dispatcher_read(const struct netns *ns, __u32 ifindex, const char *bpffs,
		    struct dispatcher *ret, struct braid_error *err)
{
	_cleanup_dispatch_lock_ struct dispatch_lock lock = DISPATCH_LOCK_INIT;

	return dispatch_lock_shared(bpffs, &lock, err)
		       ?: dispatcher_read_locked(ns, ifindex, bpffs, ret, err);
}

const char *dispatcher_closed(const struct dispatcher *d)
{
	if (d->state == DISPATCHER_LINKED)
		return "only the owner of the link that holds it can exchange it";
	return d->why;
}

/* "by link 7", "by netlink" */
static const char *holder_of(const struct dispatcher *d, char *buf, size_t size)
{
	if (d->link_id)
		snprintf(buf, size, "link %u", d->link_id);
	else
		snprintf(buf, size, "%s", d->by_link ? "a link" : "netlink");
	return buf;
}

int dispatcher_must_be_ours(const struct netns *ns, __u32 ifindex, const struct dispatcher *d,
			    struct braid_error *err)
{
	_cleanup_free_ char *where = iface_where(ns, ifindex);
	char holder[32];

	if (d->state == DISPATCHER_ABSENT || d->state == DISPATCHER_SOUND)
		return 0;
	holder_of(d, holder, sizeof(holder));
	error_set(err, -EBUSY, where, "'%s' (program %u) is attached", d->name, d->id);
	switch (d->state) {
	case DISPATCHER_FOREIGN:
		error_why(err,
			  "it is a program of its own, attached by %s in %s mode, and no "
			  "dispatcher that takes others in",
			  holder, xdp_mode_names[d->mode]);
		error_hint(err, "detach it with the tool that attached it");
		break;
	case DISPATCHER_LINKED:
		error_why(err, "this dispatcher is held by %s: only who has that can exchange it",
			  holder);
		error_hint(err, "detach it with the tool that attached it");
		break;
	case DISPATCHER_LATER:
		error_why(err, "this dispatcher cannot be changed: %s", d->why);
		error_hint(err, "use the tool that made it, or a later braid");
		break;
	default:
		error_why(err, "this dispatcher cannot be changed: %s", d->why);
		error_hint(err, d->by_link ? "detach it with the tool that attached it"
					   : "`xdp-loader unload --all` takes it away, with its "
					     "components");
		break;
	}
	return -EBUSY;
}
