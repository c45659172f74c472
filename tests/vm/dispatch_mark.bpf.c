// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * A component: it signs the frame with its LETTER, counts it, and does what the frame asks of
 * that letter. NAME is its name, SECTION "xdp" or "xdp.frags".
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "dispatch_frame.h"

__u64 met; /* packets */

/* What libxdp's xdp_run_config is: by default it runs at priority 40, and goes on after PASS. */
#define STRING_(x)  #x
#define STRING(x)   STRING_(x)
#define JOIN_(a, b) a##b
#define JOIN(a, b)  JOIN_(a, b)
struct {
	__uint(priority, 40);
	__uint(XDP_PASS, 1);
} JOIN(_, NAME) SEC(".xdp_run_config");

SEC(SECTION) int NAME(struct xdp_md *ctx)
{
	__u8 *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	__u8 n, *mark;

	if (data + FRAME_SIZE > end)
		return XDP_PASS;
	__sync_fetch_and_add(&met, 1);
	n = data[FRAME_SIGNED];
	mark = data + FRAME_MARKS + (n % FRAME_MOST);
	if (mark + 1 <= end) {
		*mark = LETTER;
		data[FRAME_SIGNED] = n + 1;
	}
	n = data[FRAME_ASKS + LETTER - 'a'];
	return n ? n - 1 : XDP_PASS;
}

char _license[] SEC("license") = "GPL";
