/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* The entries of a map: all of them read, many written, deleted. */
#pragma once

#include <linux/bpf.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

struct btf;

/* What a map's entries are to somebody who wants them in another map. */
enum elements_class {
	ELEMENTS_VALUES,  /* bytes: hash tables, arrays, LPM tries */
	ELEMENTS_DEVICES, /* devmaps and cpumaps: bytes that name something */
	ELEMENTS_NONE,    /* what is in there is on its way: ring buffers, stack traces */
	ELEMENTS_KEPT,    /* cannot be read back: programs, maps, sockets, queues */
};

struct elements {
	int fd; /* borrowed */
	struct bpf_map_info info;
	__u32 cpus;      /* values of an entry; 1 unless per CPU */
	size_t stride;   /* bytes of an entry's value, all CPUs: what @value is below */
	bool locked;     /* values have a bpf_spin_lock, which is taken to read them */
	bool one_by_one; /* the kernel has no batches for it */
};

/** elements_open() - @fd: of a map, borrowed as long as @ret is used. */
int elements_open(int fd, struct elements *ret, struct braid_error *err);
/* The types of its keys and values; NULL in @ret: the map was made without. btf__free(). */
int elements_btf(const struct elements *e, struct btf **ret, struct braid_error *err);

enum elements_class elements_class(__u32 map_type);
bool elements_is_percpu(__u32 map_type);
/* All indexes are there from the start, and none can be deleted. */
bool elements_is_array(__u32 map_type);
/* Are entries of the one type entries of the other? */
bool elements_fit(__u32 from_type, __u32 to_type);
/* May it hold something that somebody put there? What cannot be read counts. */
bool elements_is_empty(const struct elements *e);

/**
 * elements_each() - visit all entries, until @visit returns not 0.
 * What is added or deleted meanwhile may be seen or not, and an entry twice; what is there
 * all the time is seen.
 * Return: 0; what @visit returned; -EAGAIN it changes faster than it can be read.
 */
int elements_each(struct elements *e, int (*visit)(void *ctx, const void *key, const void *value),
		  void *ctx, struct braid_error *err);
int elements_count(struct elements *e, size_t *ret, struct braid_error *err);

/**
 * elements_put() - write @n entries, keys and values one behind the other.
 * @flags: BPF_ANY, BPF_NOEXIST, BPF_EXIST.
 * @ret_done: also after an error: how many from the start were written.
 * Return: 0; -EEXIST, -ENOENT by @flags; -E2BIG, -ENOMEM no room.
 */
int elements_put(struct elements *e, const void *keys, const void *values, size_t n, __u64 flags,
		 size_t *ret_done);
/* Those that are not there do not matter. Return: 0; negative errno. */
int elements_drop(struct elements *e, const void *keys, size_t n);
/* Return: 0; -ENOENT. */
int elements_get(const struct elements *e, const void *key, void *ret_value);
