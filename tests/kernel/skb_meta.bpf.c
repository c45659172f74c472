// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Values in front of a packet: what meta.h promises, as one verdict. */
#include <braid/bpf/meta.h>

struct one {
	__u32 a;
};

struct two {
	__u64 a;
	__u32 b[3];
} __attribute__((packed, aligned(4)));

struct huge {
	__u32 a[60];
};

/* 0: all is as it should be; else the line. */
SEC("xdp") int meta(struct xdp_md *ctx)
{
	struct one *one = braid_meta_put(ctx, 1, struct one);
	struct two *two;

	if (!one || one->a)
		return __LINE__;
	one->a = 11;
	two = braid_meta_put(ctx, 2, struct two);
	if (!two || two->a || two->b[2])
		return __LINE__;
	two->b[2] = 22;
	one = braid_meta_put(ctx, 1, struct one); /* the one that is there */
	if (!one || one->a != 11)
		return __LINE__;
	two = braid_meta_get(ctx, 2, struct two);
	if (!two || two->b[2] != 22)
		return __LINE__;
	if (braid_meta_get(ctx, 2, struct one)) /* of another size */
		return __LINE__;
	if (braid_meta_get(ctx, 3, struct one)) /* of another number */
		return __LINE__;
	if (ctx->data - ctx->data_meta != 4 + sizeof(struct one) + 4 + sizeof(struct two))
		return __LINE__;
	if (braid_meta_put(ctx, 3, struct huge)) /* beside the others it is too much */
		return __LINE__;
	if (!braid_meta_get(ctx, 1, struct one))
		return __LINE__;
	if (braid_meta_strip(ctx) || ctx->data != ctx->data_meta)
		return __LINE__;
	if (braid_meta_get(ctx, 1, struct one) || braid_meta_strip(ctx))
		return __LINE__;
	/* what others left there, in a form of their own */
	if (bpf_xdp_adjust_meta(ctx, -4))
		return __LINE__;
	if (braid_meta_get(ctx, 1, struct one))
		return __LINE__;
	one = braid_meta_put(ctx, 1, struct one);
	if (!one)
		return __LINE__;
	one->a = 33;
	one = braid_meta_get(ctx, 1, struct one);
	return one && one->a == 33 ? 0 : __LINE__;
}

char _license[] SEC("license") = "GPL";
