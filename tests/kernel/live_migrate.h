/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Three versions of the values of a stage's maps, for the stage (live_migrate.bpf.c) and for
 * the test. From 0 to 1 members become wider, move into another order and are added; from 1 to
 * 2 and back they only move.
 */
#pragma once

#ifdef __bpf__
#include <braid/bpf/braid.bpf.h>
#else
#include <linux/types.h>
#define braid_counter
#endif

struct record0 {
	__u32 packets braid_counter;
	__u16 kind;
	__u8 spare; /* not in the others */
	struct {
		__u32 first, last;
	} seen;
};

struct record1 {
	__u64 bytes;
	struct {
		__u64 last;
		__u32 first;
		__u8 how;
	} seen;
	__u64 packets braid_counter;
	__u32 kind;
	__u32 ttl;
};

struct record2 {
	__u64 packets braid_counter;
	__u32 ttl, kind;
	struct {
		__u32 first;
		__u8 how;
		__u64 last;
	} seen;
	__u64 bytes;
};

struct prefix {
	__u32 prefixlen;
	__u8 data[16]; /* 8 * n: the values of a trie lie behind it, and must be aligned */
};

#define PREFIXES 16
#define RECENT   64
#define SLOTS    4
