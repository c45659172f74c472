/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "kernel/link.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>

#include "kernel/tcx_abi.h"

static bool kind_of(__u32 type, enum link_kind *ret)
{
	switch (type) {
	case BPF_LINK_TYPE_XDP:
		*ret = LINK_XDP;
		return true;
	case ABI_LINK_TYPE_TCX:
		*ret = LINK_TCX;
		return true;
	case ABI_LINK_TYPE_NETKIT:
		*ret = LINK_NETKIT;
		return true;
	}
	return false;
}

bool link_is_at(const struct link_info *info, __u32 ifindex)
{
	if (info->kind == LINK_NETKIT && info->attach_type == ABI_NETKIT_PEER)
		return info->ifindex;
	return info->ifindex == ifindex;
}

int link_info(int link_fd, struct link_info *ret, struct braid_error *err)
{
	struct bpf_link_info info = {};
	struct abi_link_place place;
	enum link_kind kind;
	__u32 size = sizeof(info);
	int r;

	r = bpf_obj_get_info_by_fd(link_fd, &info, &size);
	if (r)
		return error_errno(err, r, NULL, "cannot read what a link is");
	if (!kind_of(info.type, &kind)) {
		error_set(err, -EMEDIUMTYPE, NULL, "link %u is not of an interface", info.id);
		return -EMEDIUMTYPE;
	}
	memcpy(&place, &info.xdp, sizeof(place));
	*ret = (struct link_info){
		.id = info.id,
		.prog_id = info.prog_id,
		.kind = kind,
		.ifindex = place.ifindex,
		.attach_type = kind == LINK_XDP ? BPF_XDP : place.attach_type,
	};
	return 0;
}

static int prog_id(int fd, __u32 *ret)
{
	struct bpf_prog_info info = {};
	__u32 size = sizeof(info);
	int r = bpf_obj_get_info_by_fd(fd, &info, &size);

	*ret = info.id;
	return r;
}

static bool runs(int link_fd, int prog_fd)
{
	_cleanup_error_ struct braid_error ignored = BRAID_ERROR_INIT;
	struct link_info link;
	__u32 id;

	return !link_info(link_fd, &link, &ignored) && !prog_id(prog_fd, &id) && link.prog_id == id;
}

int link_update(int link_fd, int old_fd, int new_fd, struct braid_error *err)
{
	LIBBPF_OPTS(bpf_link_update_opts, opts, .flags = BPF_F_REPLACE, .old_prog_fd = old_fd);
	int r = bpf_link_update(link_fd, new_fd, &opts);

	switch (-r) {
	case 0:
		return 0;
	case ENOLINK:
		error_set(err, -ENODEV, NULL, "the link's interface is gone");
		return -ENODEV;
	case EPERM: /* twofold: not allowed, or not the expected program */
		if (runs(link_fd, old_fd))
			break;
		error_set(err, -ESTALE, NULL, "the link runs another program than expected");
		error_why(err, "somebody else updated it");
		return -ESTALE;
	case EEXIST: /* TCX, netkit */
		error_set(err, -EEXIST, NULL, "the program is attached there already");
		error_why(err, "the hook's list holds each program once, by whatever link");
		return -EEXIST;
	}
	error_errno(err, r, NULL, "cannot replace the program of a link");
	if (r == -EINVAL)
		error_why(err, "the new program's type or attach type is not the old one's, or "
			       "the driver refuses it");
	if (r == -EPERM)
		error_hint(err, "it takes CAP_NET_ADMIN and CAP_BPF: run as root");
	return r;
}

int link_detach(int link_fd, struct braid_error *err)
{
	int r = bpf_link_detach(link_fd);

	return r ? error_errno(err, r, NULL, "cannot detach a link") : 0;
}
