/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Stages with a configuration. VARIANT 1 and 2: the first and the second of a chain; each
 * writes the `value` that it meets into the frame. 3: behind them; counts frames where both
 * values differ, and keeps the last one. 0: fields of all kinds, read back by the test.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include <braid/bpf/braid.bpf.h>

#include "live_frame.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} count SEC(".maps");

#define SEEN(n)                                                                                    \
	struct {                                                                                   \
		__uint(type, BPF_MAP_TYPE_ARRAY);                                                  \
		__uint(max_entries, 1);                                                            \
		__type(key, __u32);                                                                \
		__type(value, __u64);                                                              \
	} n SEC(".maps")

static __always_inline void add(void *map)
{
	__u32 zero = 0;
	__u64 *n = bpf_map_lookup_elem(map, &zero);

	if (n)
		__sync_fetch_and_add(n, 1);
}

/* The frame's data, if it is one of ours. */
static __always_inline __u8 *frame(struct xdp_md *ctx)
{
	__u8 *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = (void *)data;

	if (data + FRAME_SIZE > end || eth->h_proto != bpf_htons(FRAME_TYPE))
		return NULL;
	return data;
}

#if VARIANT == 0
enum mode { MODE_OFF, MODE_ON, MODE_AUTO };

struct everything {
	__u8 small braid_range(1, 200);
	__s32 negative braid_range(-10, 10);
	__u64 large;
	__be16 port;
	_Bool flag;
	enum mode mode;
	char label[8];
	__u8 address[4];
	struct {
		__u32 rate;
		__u32 burst;
	} limits;
};

BRAID_CONFIG(struct everything, config) = {
	.small = 5,
	.negative = -1,
	.large = 1ull << 40,
	.port = bpf_htons(53),
	.mode = MODE_AUTO,
	.label = "none",
	.address = {10, 0, 0, 1},
	.limits = {100, 10},
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct everything);
} met SEC(".maps");

/* Member by member: the configuration is not memory that a helper may read. */
SEC("xdp") int kinds(struct xdp_md *ctx)
{
	struct everything now = {};
	__u32 zero = 0;

	if (!frame(ctx))
		return XDP_PASS;
	now.small = config.small;
	now.negative = config.negative;
	now.large = config.large;
	now.port = config.port;
	now.flag = config.flag;
	now.mode = config.mode;
	for (int i = 0; i < 8; i++)
		now.label[i] = config.label[i];
	for (int i = 0; i < 4; i++)
		now.address[i] = config.address[i];
	now.limits.rate = config.limits.rate;
	now.limits.burst = config.limits.burst;
	bpf_map_update_elem(&met, &zero, &now, BPF_ANY);
	add(&count);
	return XDP_PASS;
}
#elif VARIANT == 1 || VARIANT == 2
struct one_value {
	__u64 before;
	__u64 value;
};

BRAID_CONFIG(struct one_value, config);

SEC("xdp") int write_value(struct xdp_md *ctx)
{
	__u8 *data = frame(ctx);

	if (!data)
		return XDP_PASS;
	*(__u64 *)(data + FRAME_MARKS + (VARIANT - 1) * 8) = config.value;
	add(&count);
	return XDP_PASS;
}
#else
SEEN(mismatches);
SEEN(last);

static __always_inline void keep(void *map, __u64 value)
{
	__u32 zero = 0;
	__u64 *n = bpf_map_lookup_elem(map, &zero);

	if (n)
		*n = value;
}

SEC("xdp") int compare(struct xdp_md *ctx)
{
	__u8 *data = frame(ctx);
	__u64 first, second;

	if (!data)
		return XDP_PASS;
	first = *(__u64 *)(data + FRAME_MARKS);
	second = *(__u64 *)(data + FRAME_MARKS + 8);
	if (first != second)
		add(&mismatches);
	keep(&last, second);
	add(&count);
	return XDP_DROP;
}
#endif

char _license[] SEC("license") = "GPL";
