/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What mark and mark_tc have in common: a value in front of packets, and a map. */
#pragma once

#include <braid/bpf/meta.h>

#define MARK_META    1
#define MARK_CLASSES 16

struct mark {
	__u32 class; /* below MARK_CLASSES */
};

struct seen {
	__u64 xdp;      /* packets that mark put into the class */
	__u64 tc;       /* of them, those that mark_tc found */
	__u64 unmarked; /* class 0: packets that came to mark_tc without a mark */
};

/* One for both programs, if a manifest says so: docs/manifest.md, shared maps. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, MARK_CLASSES);
	__type(key, __u32);
	__type(value, struct seen);
} seen SEC(".maps");
