/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* sampler: hands one packet in N, cut to its headers, to user space. Never drops. */
#include <braid/bpf/braid.bpf.h>
#include <braid/bpf/parse.h>

#include "sampler_abi.h"

/* Sample one packet in so many; 0: none. */
const volatile __u32 every = 1000;
/*
 * Take exactly each Nth packet of a CPU in place of drawing lots. Repeatable, for
 * tests; but traffic that has a period of its own is then seen wrongly.
 */
const volatile bool periodic = false;

/* Indexes of counters. */
enum sampler_count {
	SAMPLER_SEEN,
	SAMPLER_SAMPLED,
	SAMPLER_LOST, /* should have been sampled, but the ring buffer was full */
	SAMPLER_COUNTS,
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 18); /* bytes: a power of two, whole pages */
} samples SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, SAMPLER_COUNTS);
	__type(key, __u32);
	__type(value, __u64);
} counters SEC(".maps");

/* Return: the count, this packet included; 0 cannot be. */
static __always_inline __u64 count(__u32 what)
{
	__u64 *packets = bpf_map_lookup_elem(&counters, &what);

	return packets ? ++*packets : 0;
}

/* Return: how many bytes were copied. Eight at a time, then the odd ones. */
static __always_inline __u32 copy_head(struct parse_cursor *cursor, __u8 *to)
{
	__u32 n = 0;

	for (__u64 i = 0; i < SAMPLE_BYTES / 8; i++) {
		const __u64 *word = parse_take(cursor, sizeof(*word));

		if (!word)
			break;
		*(__u64 *)(to + i * 8) = *word;
		n += 8;
	}
	for (__u64 i = 0; i < 7 && n < SAMPLE_BYTES; i++) {
		const __u8 *byte = parse_take(cursor, sizeof(*byte));

		if (!byte)
			break;
		to[n++] = *byte;
	}
	return n;
}

static __always_inline void take_sample(const struct xdp_md *ctx)
{
	struct parse_cursor cursor = parse_start(ctx);
	struct sample *sample = bpf_ringbuf_reserve(&samples, sizeof(*sample), 0);

	if (!sample) {
		count(SAMPLER_LOST);
		return;
	}
	sample->magic = SAMPLE_MAGIC;
	sample->version = SAMPLE_VERSION;
	sample->time = bpf_ktime_get_ns();
	sample->length = ctx->data_end - ctx->data;
	sample->every = every;
	sample->ifindex = ctx->ingress_ifindex;
	sample->queue = ctx->rx_queue_index;
	sample->captured = copy_head(&cursor, sample->bytes);
	bpf_ringbuf_submit(sample, 0);
	count(SAMPLER_SAMPLED);
}

SEC("xdp") int sampler(struct xdp_md *ctx)
{
	__u64 seen = count(SAMPLER_SEEN);

	if (every && (periodic ? seen : bpf_get_prandom_u32()) % every == 0)
		take_sample(ctx);
	return XDP_PASS;
}

BRAID_RUN_CONFIG(sampler, 40, XDP_PASS);

char LICENSE[] SEC("license") = "Dual BSD/GPL";
