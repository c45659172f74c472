/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Of the kernel's interface what Debian 12's headers and libbpf do not have yet: TCX links
 * (Linux 6.6) and netkit links (6.7). Numbers and layouts: include/uapi/linux/bpf.h of 6.7.
 */
#pragma once

#include <linux/types.h>
#include <stddef.h>

enum {
	ABI_TCX_INGRESS = 46, /* enum bpf_attach_type */
	ABI_TCX_EGRESS = 47,
	ABI_NETKIT_PRIMARY = 54,
	ABI_NETKIT_PEER = 55,

	ABI_LINK_TYPE_TCX = 11, /* enum bpf_link_type */
	ABI_LINK_TYPE_NETKIT = 13,

	/* flags of attaching and of BPF_LINK_CREATE, for hooks that hold several programs */
	ABI_F_BEFORE = 1u << 3,
	ABI_F_AFTER = 1u << 4,
	ABI_F_ID = 1u << 5,    /* the relative program or link is given by its id */
	ABI_F_LINK = 1u << 13, /* it is a link */
};

/* Of struct bpf_link_info what follows `prog_id`; of a link of XDP only the first is set. */
struct abi_link_place {
	__u32 ifindex, attach_type;
};

/* Of union bpf_attr what BPF_LINK_CREATE takes of a TCX or netkit link. */
struct abi_link_create {
	__u32 prog_fd, ifindex, attach_type, flags;
	__u32 relative, pad;
	__u64 expected_revision; /* 0: not asked */
};

_Static_assert(offsetof(struct abi_link_create, relative) == 16, "link_create.tcx");
_Static_assert(sizeof(struct abi_link_create) == 32, "link_create.tcx");

/* What BPF_PROG_QUERY takes and gives. Pointers are to arrays of @count; each may be 0. */
struct abi_prog_query {
	__u32 ifindex, attach_type, query_flags, attach_flags;
	__u64 prog_ids;
	__u32 count, pad; /* in: room; out: programs that there are, also with -ENOSPC */
	__u64 prog_attach_flags, link_ids, link_attach_flags;
	__u64 revision; /* out; counts up with every change of the list, from 1 */
};

_Static_assert(offsetof(struct abi_prog_query, prog_attach_flags) == 32, "query");
_Static_assert(offsetof(struct abi_prog_query, revision) == 56, "query");
_Static_assert(sizeof(struct abi_prog_query) == 64, "query");
