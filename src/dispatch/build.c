/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* A dispatcher beside the one that runs: loaded, its components linked to it, pinned. */
#include <errno.h>

#include "base/text.h"
#include "dispatch/inside.h"
#include "kernel/bpffs.h"
#include "kernel/freplace.h"
#include "kernel/proginfo.h"

void built_done(struct built *b)
{
	for (int i = 0; i < DISPATCHER_SLOTS; i++)
		closep(&b->links[i]);
	closep(&b->fd);
	free(b->folder);
	*b = BUILT_NONE;
}

/* A device is found by its index in the namespace of the thread. */
static int load_in(const struct netns *ns, const struct dispatcher_config *c, __u32 bound_to,
		   int *ret_fd, struct braid_error *err)
{
	_cleanup_netns_guard_ struct netns_guard guard = NETNS_GUARD_INIT;
	_cleanup_free_ void *elf = NULL;
	size_t size;
	int r = dispatcher_emit(c, &elf, &size, err);

	if (!r && bound_to)
		r = netns_enter(ns, &guard, err);
	return r ?: freplace_load(elf, size, bound_to, ret_fd, err);
}

static int find_id(int fd, __u32 *ret, struct braid_error *err)
{
	struct proginfo p;
	int r = proginfo_read(fd, &p, err);

	if (r)
		return r;
	*ret = p.id;
	proginfo_done(&p);
	return 0;
}

/* One alone replaces the whole dispatcher, so that it costs nothing. */
static int link_component(const struct built *b, const struct chain *chain, __u32 slot, int *ret_fd,
			  struct braid_error *err)
{
	const struct member *m = &chain->members.v[slot];
	char name[16] = DISPATCHER_NAME;
	int r;

	if (chain->config.n > 1)
		snprintf(name, sizeof(name), "prog%u", slot);
	r = freplace_link(m->fd, b->fd, name, ret_fd, err);
	if (r)
		error_within(err, "component '%s' (program %u)", m->name, m->id);
	return r;
}

int build_dispatcher(const struct netns *ns, __u32 ifindex, const struct chain *chain,
		     struct built *ret, struct braid_error *err)
{
	_cleanup_(built_done) struct built b = BUILT_NONE;
	__u32 bound_to = chain->config.devbound ? ifindex : 0;
	int r = load_in(ns, &chain->config, bound_to, &b.fd, err);

	r = r ?: find_id(b.fd, &b.id, err);
	for (__u32 i = 0; i < chain->config.n && !r; i++)
		r = link_component(&b, chain, i, &b.links[i], err);
	if (r)
		return r;
	*ret = b;
	b = BUILT_NONE;
	return 0;
}

static int pin(int fd, const char *folder, __u32 slot, const char *what, struct braid_error *err)
{
	_cleanup_free_ char *path = dispatch_pin(folder, slot, what);

	return path ? bpffs_pin(fd, path, err) : error_oom(err);
}

int build_pin(struct built *b, const struct chain *chain, const char *bpffs, __u32 ifindex,
	      struct braid_error *err)
{
	_cleanup_error_ struct braid_error ignored = BRAID_ERROR_INIT;
	int r;

	b->folder = dispatch_folder(bpffs, ifindex, b->id);
	if (!b->folder)
		return error_oom(err);
	r = bpffs_mkdir(b->folder, err);
	for (__u32 i = 0; i < chain->config.n && !r; i++) {
		r = pin(b->links[i], b->folder, i, "link", err);
		r = r ?: pin(chain->members.v[i].fd, b->folder, i, "prog", err);
	}
	if (r)
		bpffs_remove_tree(b->folder, &ignored);
	return r;
}

int dispatch_scratch(bool frags, int *ret_fd, struct braid_error *err)
{
	const struct dispatcher_config c = {
		.version = DISPATCHER_NEWEST,
		.n = 1,
		.frags = frags && freplace_knows_frags(),
	};

	return load_in(NULL, &c, 0, ret_fd, err);
}

int dispatch_scratch_bound(const struct netns *ns, __u32 ifindex, bool frags, int *ret_fd,
			   struct braid_error *err)
{
	const struct dispatcher_config c = {
		.version = DISPATCHER_NEWEST,
		.n = 1,
		.frags = frags && freplace_knows_frags(),
		.devbound = true,
	};

	return load_in(ns, &c, ifindex, ret_fd, err);
}

int dispatch_explain(struct braid_error *err)
{
	return freplace_explain(err);
}
