/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "kernel/tc.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/text.h"
#include "kernel/iface.h"
#include "kernel/tc_internal.h"
#include "kernel/tcx_abi.h"

const char *const tc_hook_names[] = {
	[TC_INGRESS] = "tc-ingress",
	[TC_EGRESS] = "tc-egress",
	[TC_NETKIT_PRIMARY] = "netkit-primary",
	[TC_NETKIT_PEER] = "netkit-peer",
};

static const __u32 attach_types[] = {
	[TC_INGRESS] = ABI_TCX_INGRESS,
	[TC_EGRESS] = ABI_TCX_EGRESS,
	[TC_NETKIT_PRIMARY] = ABI_NETKIT_PRIMARY,
	[TC_NETKIT_PEER] = ABI_NETKIT_PEER,
};

__u32 tc_attach_type(enum tc_hook hook)
{
	return attach_types[hook];
}

char *tc_where(const struct netns *ns, __u32 ifindex, enum tc_hook hook)
{
	_cleanup_free_ char *where = iface_where(ns, ifindex);

	return where ? text_fmt("%s, %s", where, tc_hook_names[hook]) : NULL;
}

void tc_state_done(struct tc_state *s)
{
	array_done(&s->list);
}

void tc_describe(struct tc_attached *at)
{
	_cleanup_close_ int fd = bpf_prog_get_fd_by_id(at->prog_id);
	struct bpf_prog_info info = {};
	__u32 size = sizeof(info);

	if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &size))
		return;
	memcpy(at->name, info.name, sizeof(at->name));
	memcpy(at->tag, info.tag, sizeof(at->tag));
	at->uid = info.created_by_uid;
	at->loaded_ns = info.load_time;
}

static int query(struct abi_prog_query *q)
{
	return syscall(SYS_bpf, BPF_PROG_QUERY, q, sizeof(*q)) ? -errno : 0;
}

bool tc_has_links(enum tc_hook hook)
{
	/* of no interface: a kernel that knows the hook says that there is none */
	struct abi_prog_query q = {.attach_type = tc_attach_type(hook)};
	int r = query(&q);

	return r != -EINVAL && r != -EOPNOTSUPP;
}

struct query_ids {
	__u32 *programs, *links;
	__u32 n;
	__u64 revision;
};

static void ids_done(struct query_ids *ids)
{
	free(ids->programs);
	free(ids->links);
}

/* The list may grow between two looks. */
static int ids_read(__u32 ifindex, enum tc_hook hook, struct query_ids *ret)
{
	struct abi_prog_query q;
	__u32 room = 64; /* more than any kernel takes, today */
	int r;

	do {
		struct query_ids ids = {
			.programs = calloc(room, sizeof(__u32)),
			.links = calloc(room, sizeof(__u32)),
		};

		q = (struct abi_prog_query){
			.ifindex = ifindex,
			.attach_type = tc_attach_type(hook),
			.prog_ids = (uintptr_t)ids.programs,
			.link_ids = (uintptr_t)ids.links,
			.count = room,
		};
		r = ids.programs && ids.links ? query(&q) : -ENOMEM;
		if (r) {
			ids_done(&ids);
			room = q.count > room ? q.count : 2 * room;
			continue;
		}
		ids.n = q.count;
		ids.revision = q.revision;
		*ret = ids;
	} while (r == -ENOSPC);
	return r;
}

static int explain_query(int r, const char *where, enum tc_hook hook, struct braid_error *err)
{
	if (tc_is_netkit(hook) && (r == -EINVAL || r == -ENXIO || r == -EACCES)) {
		error_set(err, -EINVAL, where, "there is no such hook here");
		if (r == -EINVAL)
			error_why(err, "this kernel has no netkit: it needs Linux 6.7");
		else if (r == -ENXIO)
			error_why(err, "the interface is no netkit device");
		else
			error_why(err, "the interface is the peer of a netkit pair; both hooks are "
				       "at its primary device");
		return -EINVAL;
	}
	error_errno(err, r, where, "cannot ask for the attached programs");
	if (r == -EPERM)
		error_hint(err, "it takes CAP_NET_ADMIN: run as root");
	return r;
}

/* The list of TCX or netkit. A kernel without TCX has none. */
static int read_list(__u32 ifindex, enum tc_hook hook, struct tc_state *state, const char *where,
		     struct braid_error *err)
{
	_cleanup_(ids_done) struct query_ids ids = {};
	int r = ids_read(ifindex, hook, &ids);

	if (r == -EINVAL && !tc_is_netkit(hook))
		return 0;
	if (r)
		return explain_query(r, where, hook, err);
	/* of an empty list Linux says 1 at a netkit device, but expects what it has counted */
	state->revision = ids.n || !tc_is_netkit(hook) ? ids.revision : 0;
	for (__u32 i = 0; i < ids.n; i++) {
		struct tc_attached *at = array_push(&state->list);

		if (!at)
			return error_oom(err);
		at->prog_id = ids.programs[i];
		at->link_id = ids.links[i];
		tc_describe(at);
	}
	return 0;
}

static int read_clsact(__u32 ifindex, enum tc_hook hook, struct tc_state *state, const char *where,
		       struct braid_error *err)
{
	struct tc_clsact clsact;
	int r = tc_clsact_read(ifindex, &clsact, where, err);

	if (r)
		return r;
	state->has_clsact = text_eq(clsact.kind, "clsact");
	state->has_ingress = text_eq(clsact.kind, "ingress");
	if (!state->has_clsact && !(state->has_ingress && hook == TC_INGRESS))
		return 0;
	return tc_filters_read(ifindex, hook, state, where, err);
}

int tc_query(const struct netns *ns, __u32 ifindex, enum tc_hook hook, struct tc_state *ret,
	     struct braid_error *err)
{
	_cleanup_netns_guard_ struct netns_guard guard = NETNS_GUARD_INIT;
	_cleanup_(tc_state_done) struct tc_state state = {};
	_cleanup_free_ char *where = NULL;
	char name[IF_NAMESIZE];
	int r;

	/* a list of filters is empty, too, where there is no interface */
	r = iface_name(ns, ifindex, name, err);
	if (r)
		return r;
	where = tc_where(ns, ifindex, hook);
	r = netns_enter(ns, &guard, err);
	if (r)
		return r;
	r = read_list(ifindex, hook, &state, where, err);
	if (!r && !tc_is_netkit(hook))
		r = read_clsact(ifindex, hook, &state, where, err);
	if (r)
		return r;
	*ret = state;
	state = (struct tc_state){};
	return 0;
}
