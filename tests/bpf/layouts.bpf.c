/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A variable of each type of layouts.h, so that all of them are in the BTF. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "layouts.h"

#define ALL(name) struct name v_##name

ALL(wide_old);
ALL(wide_new);
ALL(nested_old);
ALL(nested_new);
ALL(array_old);
ALL(array_new);
ALL(bits_old);
ALL(bits_new);
ALL(union_old);
ALL(union_new);
ALL(union_bad);
ALL(key_old);
ALL(key_new);
ALL(locked_old);
ALL(locked_new);
ALL(timed_old);
ALL(timed_new);
ALL(held_old);
ALL(signs);
ALL(signs_kept);
ALL(signs_a);
ALL(signs_b);
ALL(signs_address);
ALL(signs_letter);
ALL(signs_half);
ALL(signs_pointer);
ALL(signs_array);
ALL(signs_bool);
ALL(counts);
ALL(counts_new);
ALL(same_a);
ALL(same_b);
ALL(renamed);

/* Globals of their own section: a counter, and two of one name. */
__u64 total COUNTER SEC(".data.globals") = 7;
__u32 limits[4] SEC(".data.globals") = {1, 2, 3, 4};

SEC("xdp") int layouts(struct xdp_md *ctx)
{
	__sync_fetch_and_add(&total, limits[ctx->rx_queue_index & 3]);
	return XDP_PASS;
}

char _license[] SEC("license") = "GPL";
