/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A record in sampler's ring buffer, as the BPF program writes and user space reads it. */
#ifndef SAMPLER_ABI_H
#define SAMPLER_ABI_H

#include <linux/types.h>

#define SAMPLE_MAGIC   0x534d504cu /* "SMPL" */
#define SAMPLE_VERSION 1
#define SAMPLE_BYTES   128

/* All in host byte order but @bytes. */
struct sample {
	__u32 magic;
	__u16 version;
	__u16 captured; /* how many of @bytes are the packet's; the rest is undefined */
	__u64 time;     /* CLOCK_MONOTONIC, ns */
	__u32 length;   /* of the whole frame, without FCS */
	__u32 every;    /* one packet in so many was sampled */
	__u32 ifindex;
	__u32 queue;
	__u8 bytes[SAMPLE_BYTES]; /* the frame from its Ethernet header on */
};

_Static_assert(sizeof(struct sample) == 160, "user space depends on it");
_Static_assert(__builtin_offsetof(struct sample, bytes) == 32, "user space depends on it");

#endif
