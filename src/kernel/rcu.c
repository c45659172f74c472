/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "kernel/rcu.h"

#include <bpf/bpf.h>
#include <linux/membarrier.h>
#include <stdbool.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>

/*
 * synchronize_rcu() in the kernel, by design: the memory barrier is the guise. Refused
 * with nohz_full; and on one CPU it returns at once, though a preempted program may be
 * half done.
 */
static bool sync_by_membarrier(void)
{
	return get_nprocs() > 1 && !syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0);
}

/* The kernel lets no update of a map of maps return before its old readers are gone. */
static int sync_by_map(struct braid_error *err)
{
	_cleanup_close_ int inner = -1, outer = -1;
	__u32 key = 0;
	int r;

	inner = bpf_map_create(BPF_MAP_TYPE_ARRAY, "braid_sync", 4, 4, 1, NULL);
	if (inner >= 0) {
		LIBBPF_OPTS(bpf_map_create_opts, opts, .inner_map_fd = inner);

		outer = bpf_map_create(BPF_MAP_TYPE_ARRAY_OF_MAPS, "braid_sync", 4, 4, 1, &opts);
	}
	r = inner < 0 ? inner : outer < 0 ? outer : bpf_map_update_elem(outer, &key, &inner, 0);
	return r ? error_errno(err, r, NULL, "cannot wait for running programs to finish") : 0;
}

int kernel_sync_rcu(struct braid_error *err)
{
	return sync_by_membarrier() ? 0 : sync_by_map(err);
}
