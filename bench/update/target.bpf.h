/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The stage that is exchanged. Before including this, define VERSION, 0 to 2; and, for a
 * stage with state that must be migrated, RECORD, the members of a record, different in each
 * version: __u32 owner and __u64 packets are always among them.
 */
#pragma once

#include <linux/if_ether.h>
#include <bpf/bpf_endian.h>
#include <braid/bpf/braid.bpf.h>

#include "common/counter.bpf.h"
#include "update/records.h"

COUNTER(count, 3); /* by version */

/* When each version met its first packet: CLOCK_MONOTONIC, ns. 0: not since the bench looked. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 3);
	__type(key, __u32);
	__type(value, __u64);
} first SEC(".maps");

#ifdef RECORD
struct record {
	RECORD
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, RECORDS);
	__type(key, __u32);
	__type(value, struct record);
} records SEC(".maps");

/* Atomic, as what the version before has counted late is added from another CPU. */
static __always_inline void keep(__u64 n)
{
	__u32 key = n % RECORDS_IN_USE;
	struct record *record = bpf_map_lookup_elem(&records, &key);

	if (record)
		__sync_fetch_and_add(&record->packets, 1);
}
#else
static __always_inline void keep(__u64 n)
{
}
#endif

SEC("xdp")
int target(struct xdp_md *ctx)
{
	void *data_end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = (void *)(long)ctx->data;
	__u32 version = VERSION;
	__u64 *n, *at;

	if ((void *)(eth + 1) > data_end || eth->h_proto != bpf_htons(ETH_P_IP))
		return XDP_PASS;
	n = bpf_map_lookup_elem(&count, &version);
	at = bpf_map_lookup_elem(&first, &version);
	if (!n || !at)
		return XDP_ABORTED;
	if (!*at)
		*at = bpf_ktime_get_ns();
	keep((*n)++);
	return XDP_PASS;
}

char _license[] SEC("license") = "Dual BSD/GPL";
