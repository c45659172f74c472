/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Counters that cost a stage as little as possible: one value per CPU, nothing shared. */
#pragma once

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#define COUNTER(name, elements)                                                                    \
	struct {                                                                                   \
		__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);                                           \
		__uint(max_entries, elements);                                                     \
		__type(key, __u32);                                                                \
		__type(value, __u64);                                                              \
	} name SEC(".maps")
