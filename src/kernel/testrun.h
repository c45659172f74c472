/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Packets through an XDP program that need not be attached anywhere. */
#pragma once

#include <stddef.h>

#include "kernel/netns.h"

/* One packet, run @repeat times; only the last run's outcome is reported. */
struct testrun {
	const void *packet;
	size_t size;
	void *out; /* what the program makes of it; may be NULL */
	size_t room;
	unsigned int repeat; /* 0 means 1 */
};

struct testrun_result {
	__u32 verdict;
	size_t size;       /* of the packet that came out */
	__u32 nanoseconds; /* of one run, the mean over all */
};

/**
 * testrun_packet() - run @prog_fd on one packet.
 * Redirects have no effect; maps do change. The interface seen is lo of the caller's
 * namespace.
 * Needs: CAP_BPF and CAP_NET_ADMIN.
 * Return: 0; -EMSGSIZE the packet is shorter than an Ethernet header, or larger than the
 * kernel takes (some 64 KiB; before Linux 5.18 some 3,500 bytes); -ENOSPC @room is too
 * small; -EINTR by a signal, with @repeat > 1 only.
 */
int testrun_packet(int prog_fd, const struct testrun *run, struct testrun_result *ret,
		   struct braid_error *err);

/*
 * @repeat packets as if received by queue @queue of @ifindex, for real: TX and redirect
 * transmit, PASS goes up the stack. Pages are reused: a program may find a packet as it
 * was left the last time.
 */
struct testrun_live {
	const void *packet;
	size_t size;
	const struct netns *ns;
	__u32 ifindex; /* 0: none in particular */
	__u32 queue;
	unsigned int repeat;
	unsigned int batch; /* packets between two flushes, at most 256; 0: the kernel's 64 */
};

/**
 * testrun_live() - Needs: Linux 5.18, CAP_NET_ADMIN and CAP_BPF, and CAP_SYS_ADMIN for
 * another namespace. Return: 0; -EMSGSIZE; -ENODEV no such interface or queue; -EINTR.
 */
int testrun_live(int prog_fd, const struct testrun_live *run, struct braid_error *err);
