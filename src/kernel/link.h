/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Links of the kinds that braid makes: what one holds, and what is done with it. */
#pragma once

#include <linux/types.h>
#include <stdbool.h>

#include "base/error.h"

enum link_kind { LINK_XDP, LINK_TCX, LINK_NETKIT };

struct link_info {
	__u32 id, prog_id;
	enum link_kind kind;
	/*
	 * In the namespace of its interface; 0: detached, or the device is gone. Of hook
	 * netkit-peer it is that of the peer, which may be in another namespace than the primary
	 * device, where the link was made.
	 */
	__u32 ifindex;
	__u32 attach_type; /* enum bpf_attach_type; of LINK_XDP: BPF_XDP */
};

/** link_is_at() - is it attached to @ifindex, where it was made? As far as the kernel tells. */
bool link_is_at(const struct link_info *info, __u32 ifindex);

/** link_info() - Return: 0; -EMEDIUMTYPE a link, but of no kind above. */
int link_info(int link_fd, struct link_info *ret, struct braid_error *err);

/**
 * link_update() - put @new_fd in the place of @old_fd, between two packets.
 * Return: 0; -ESTALE the link does not run @old_fd, nothing changed; -ENODEV its interface
 * is gone; -EINVAL the programs are not of one type and attach type; -EEXIST @new_fd is at that
 * hook already (TCX, netkit).
 */
int link_update(int link_fd, int old_fd, int new_fd, struct braid_error *err);

/** link_detach() - detach; the link remains, without effect. Doing it twice is fine. */
int link_detach(int link_fd, struct braid_error *err);
