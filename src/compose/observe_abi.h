/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * What an observed variant of a pipeline and its observers have between them. Each observer has
 * a slot: a copy of the program in bpf/observe.bpf.c with its own settings, ring and histograms,
 * so observers know nothing of each other. Slot s is linked as the stage "_observe<s>".
 */
#pragma once

#include <linux/types.h>

#define OBSERVE_SLOTS 8

/* What an observer wants: bits. */
enum {
	OBSERVE_EVENTS = 1, /* struct observe_event for each seam, in the ring */
	OBSERVE_TIMES = 2,  /* struct observe_times for each stage */
};

/* Constants of a slot: section .rodata.observe, variable "settings". */
struct observe_settings {
	__u32 what; /* OBSERVE_EVENTS, OBSERVE_TIMES */
	__u32 snap; /* bytes of the packet in an event at most: 0 to OBSERVE_SNAP */
	__u32 only; /* neither the entry nor the ends of the pipeline: seams that call, no others */
	/* 0: all seams; else only where a packet leaves with one of these verdicts: verdict.h */
	__u32 leaves;
	/* what the image knows, and fills in */
	__u32 stages;  /* of the plan: elements of the map "times" are these and those behind */
	__u32 several; /* the pipeline is several programs */
	__u32 frags;   /* packets may be in several buffers */
};

#define OBSERVE_SNAP 65535u

/* What may change while it runs: section .data.observe, variable "control"; mapped. */
struct observe_control {
	/*
	 * Until then somebody looks: CLOCK_MONOTONIC, ns. Observers write it again and again;
	 * when that ends, no packet is looked at any more.
	 */
	__u64 lease;
	/* Of 2^32 packets, those that are looked at: a random number is below. 2^32: all. */
	__u64 sample;
};

/* Where an event is from: the index of a stage, or one of these. */
enum {
	OBSERVE_ENTRY = 0xffffffffu, /* in front of the first stage */
	/*
	 * The packet leaves, but not with what a stage said: at the end of the pipeline, with the
	 * verdict that the manifest has for it, or past a last stage that is paused; or because
	 * a tail call failed.
	 */
	OBSERVE_END = 0xfffffffeu,
	OBSERVE_LOST = 0xfffffffdu,
	OBSERVE_BEFORE = 0x80000000u, /* bit: in front of the stage, not behind it */
};

/* Seams say where they are in one word: point, and verdicts after which the packet goes on. */
#define OBSERVE_ANY    0xffffffffu /* … after all: what was returned is no verdict */
#define OBSERVE_SILENT 0x40000000u /* bit of a point: braid's own code, only its time counts */

/* Bits of observe_event.flags. */
enum {
	OBSERVE_LEAVES = 1, /* the packet leaves the pipeline here */
};

/*
 * In the ring "events" (BPF_MAP_TYPE_RINGBUF). The packet's bytes follow; behind them there may
 * be bytes that mean nothing. Readers are woken once in a millisecond and CPU at most: what comes
 * right behind has to be looked for, 100 ms later or so.
 */
struct observe_event {
	__u64 time;     /* CLOCK_MONOTONIC, ns: bpf_ktime_get_ns() */
	__u64 packet;   /* the same for all events of one packet: CPU << 48 | number there */
	__u32 point;    /* index of the stage in the plan; or as above */
	__u32 verdict;  /* that it returned; 0 in front of a stage */
	__u32 length;   /* of the packet as it is now, all buffers */
	__u32 captured; /* bytes that follow */
	__s32 head;     /* by how much its start has moved since the entry: < 0: it grew in front */
	__u32 ifindex;  /* where it came in; TC: of the device */
	__u32 queue;    /* where it came in; TC: its queue_mapping */
	__u16 cpu, flags;
	__u32 spent; /* ns in the stage, without looking; 0 unless OBSERVE_TIMES are wanted, too */
	__u32 reserved;
};

_Static_assert(sizeof(struct observe_event) == 56, "no padding");

/*
 * A histogram of nanoseconds: buckets of equal width up to 2^OBSERVE_LINEAR, then that many
 * to each power of two: 12.5 % at most between their bounds.
 */
#define OBSERVE_LINEAR  3
#define OBSERVE_BUCKETS ((32 - OBSERVE_LINEAR + 1) << OBSERVE_LINEAR)

/* The map "times": BPF_MAP_TYPE_PERCPU_ARRAY. Index: of the stage; then the two below. */
struct observe_times {
	__u64 n, sum; /* nanoseconds */
	__u64 buckets[OBSERVE_BUCKETS];
};

enum {
	OBSERVE_WHOLE = 0, /* settings.stages + this: of all that a packet met, where it leaves */
	/* … what looking at the clock takes: in each stage's once, in the above once per stage */
	OBSERVE_CLOCK = 1,
	OBSERVE_MORE = 2,
};

/* The bucket of @ns. */
static inline __u32 observe_bucket(__u64 ns)
{
	__u32 n = ns > 0xffffffffu ? 0xffffffffu : (__u32)ns, power = OBSERVE_LINEAR;

	if (n < 1u << OBSERVE_LINEAR)
		return n;
	for (int step = 16; step; step >>= 1)
		if (power + step < 32 && n >> (power + step))
			power += step;
	return ((power - OBSERVE_LINEAR + 1) << OBSERVE_LINEAR) +
	       ((n >> (power - OBSERVE_LINEAR)) & ((1u << OBSERVE_LINEAR) - 1));
}

/* The map "state": BPF_MAP_TYPE_PERCPU_ARRAY of one element. */
struct observe_state {
	__u64 packets; /* looked at */
	__u64 missed;  /* events that the ring had no room for */
	/* of the present packet */
	__u64 packet; /* as in events */
	__u64 spent;  /* ns until here */
	__u64 start;  /* address of its first byte at the entry, to compare only */
	__u64 now;    /* … as it is now */
	__u64 woken;  /* when readers were woken last */
	__u32 length; /* at the entry */
	__u32 looks;  /* is it looked at? For programs behind tail calls */
};
