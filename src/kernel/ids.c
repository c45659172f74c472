/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "kernel/ids.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>

static const struct {
	const char *word;
	int (*next)(__u32 id, __u32 *ret_id);
} kinds[] = {
	[IDS_PROGRAMS] = {"programs", bpf_prog_get_next_id},
	[IDS_MAPS] = {"maps", bpf_map_get_next_id},
	[IDS_LINKS] = {"links", bpf_link_get_next_id},
};

int ids_list(enum ids_kind kind, struct ids *ret, struct braid_error *err)
{
	struct ids ids = {};
	__u32 id = 0;
	int r;

	while (!(r = kinds[kind].next(id, &id))) {
		if (!array_add(&ids.list, id)) {
			r = -ENOMEM;
			break;
		}
	}
	if (r == -ENOENT) {
		*ret = ids;
		return 0;
	}
	array_done(&ids.list);
	error_errno(err, r, NULL, "cannot list BPF %s", kinds[kind].word);
	if (r == -EPERM)
		error_hint(err, "it takes CAP_SYS_ADMIN: run as root");
	return r;
}

__u32 program_id(int fd)
{
	struct bpf_prog_info info = {};
	__u32 size = sizeof(info);

	return bpf_obj_get_info_by_fd(fd, &info, &size) ? 0 : info.id;
}

int fd_copy(int fd)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);

	return copy >= 0 ? copy : -errno;
}
