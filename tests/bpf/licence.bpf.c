/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Compiled with LICENCE, and with NEEDS: what of the kernel is for GPL-compatible programs only. */
#include "stage.bpf.h"

const volatile __u32 slot = 0;

#define NOTHING 0
#define HELPER  1
#define KFUNC   2

#if NEEDS == KFUNC
extern void *bpf_cast_to_kern_ctx(void *obj) __ksym;
#endif

static __noinline void use(struct xdp_md *ctx)
{
#if NEEDS == HELPER
	static const char text[] = "x";

	if (ctx->rx_queue_index == 0xffff)
		bpf_trace_printk(text, sizeof(text));
#elif NEEDS == KFUNC
	bpf_cast_to_kern_ctx(ctx);
#endif
}

SEC("xdp") int licence(struct xdp_md *ctx)
{
	use(ctx);
	return stage_act(ctx, slot);
}

char _license[] SEC("license") = LICENCE;
