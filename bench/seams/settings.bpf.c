// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Stages that read two values, and differ in where these are: constants, globals, fields of
 * the configuration. In called_* it is a function of the stage's own that reads them.
 */
#include <braid/bpf/braid.bpf.h>

#include "common/counter.bpf.h"
#include "seams/frame.bpf.h"

struct settings {
	__u32 longest braid_range(64, 65535); /* bytes of an IP packet */
	__u32 weight braid_range(1, 1000);
};

const volatile struct settings constants = {.longest = 1500, .weight = 1};
struct settings globals = {.longest = 1500, .weight = 1};
BRAID_CONFIG(struct settings, config) = {.longest = 1500, .weight = 1};

COUNTER(count, 1);

#define READ(settings)                                                                             \
	({                                                                                         \
		struct bench_frame *frame = bench_frame(ctx);                                      \
		int verdict = XDP_PASS;                                                            \
		__u32 key = 0;                                                                     \
		__u64 *n;                                                                          \
                                                                                                   \
		if (!frame || bpf_ntohs(frame->ip.tot_len) > settings.longest)                     \
			verdict = XDP_DROP;                                                        \
		else if ((n = bpf_map_lookup_elem(&count, &key)))                                  \
			*n += settings.weight;                                                     \
		verdict;                                                                           \
	})

#define READER(settings)                                                                           \
	SEC("xdp") int reads_##settings(struct xdp_md *ctx)                                        \
	{                                                                                          \
		return READ(settings);                                                             \
	}                                                                                          \
	static __noinline int function_##settings(struct xdp_md *ctx)                              \
	{                                                                                          \
		return READ(settings);                                                             \
	}                                                                                          \
	SEC("xdp") int called_##settings(struct xdp_md *ctx)                                       \
	{                                                                                          \
		return function_##settings(ctx);                                                   \
	}

READER(constants)
READER(globals)
READER(config)

char _license[] SEC("license") = "Dual BSD/GPL";
