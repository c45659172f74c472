/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A stage with thirty maps: three of them are more than one program may use. */
#include "stage.bpf.h"

const volatile __u32 slot = 0;

#define MAP(name)                                                                                  \
	struct {                                                                                   \
		__uint(type, BPF_MAP_TYPE_ARRAY);                                                  \
		__uint(max_entries, 1);                                                            \
		__type(key, __u32);                                                                \
		__type(value, __u64);                                                              \
	} name SEC(".maps")

#define TEN(run, name)                                                                             \
	run(name##0);                                                                              \
	run(name##1);                                                                              \
	run(name##2);                                                                              \
	run(name##3);                                                                              \
	run(name##4);                                                                              \
	run(name##5);                                                                              \
	run(name##6);                                                                              \
	run(name##7);                                                                              \
	run(name##8);                                                                              \
	run(name##9)

TEN(MAP, a);
TEN(MAP, b);
TEN(MAP, c);

static __always_inline void count(void *map)
{
	__u32 zero = 0;
	__u64 *n = bpf_map_lookup_elem(map, &zero);

	if (n)
		*n += 1;
}

#define COUNT(name) count(&name)

SEC("xdp") int crowd(struct xdp_md *ctx)
{
	TEN(COUNT, a);
	TEN(COUNT, b);
	TEN(COUNT, c);
	return stage_act(ctx, slot);
}

char _license[] SEC("license") = "GPL";
