/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "kernel/elements.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>

#ifndef ENOTSUPP /* the kernel's own, which leaks through bpf(2) */
#define ENOTSUPP 524
#endif

/* At once: some, but not more bytes than that. Hash tables want a whole bucket to fit. */
#define BATCH_MIN   16
#define BATCH_MAX   4096
#define BATCH_BYTES (1u << 20)

int elements_open(int fd, struct elements *ret, struct braid_error *err)
{
	struct elements e = {.fd = fd, .cpus = 1};
	__u32 size = sizeof(e.info);
	int cpus;

	if (bpf_obj_get_info_by_fd(fd, &e.info, &size))
		return error_errno(err, -errno, NULL, "cannot look at a map");
	e.stride = e.info.value_size;
	if (elements_is_percpu(e.info.type)) {
		cpus = libbpf_num_possible_cpus();
		if (cpus < 0)
			return error_errno(err, cpus, NULL, "cannot count the CPUs");
		e.cpus = cpus;
		e.stride = ((e.info.value_size + 7) & ~7u) * (size_t)cpus;
	}
	*ret = e;
	return 0;
}

int elements_btf(const struct elements *e, struct btf **ret, struct braid_error *err)
{
	struct btf *btf = NULL;

	if (e->info.btf_id && (e->info.btf_value_type_id || e->info.btf_key_type_id)) {
		btf = btf__load_from_kernel_by_id(e->info.btf_id);
		if (!btf)
			return error_errno(err, -errno, e->info.name, "cannot read a map's types");
	}
	*ret = btf;
	return 0;
}

enum elements_class elements_class(__u32 map_type)
{
	switch (map_type) {
	case BPF_MAP_TYPE_HASH:
	case BPF_MAP_TYPE_LRU_HASH:
	case BPF_MAP_TYPE_PERCPU_HASH:
	case BPF_MAP_TYPE_LRU_PERCPU_HASH:
	case BPF_MAP_TYPE_ARRAY:
	case BPF_MAP_TYPE_PERCPU_ARRAY:
	case BPF_MAP_TYPE_LPM_TRIE:
		return ELEMENTS_VALUES;
	case BPF_MAP_TYPE_DEVMAP:
	case BPF_MAP_TYPE_DEVMAP_HASH:
	case BPF_MAP_TYPE_CPUMAP:
		return ELEMENTS_DEVICES;
	case BPF_MAP_TYPE_RINGBUF:
	case BPF_MAP_TYPE_PERF_EVENT_ARRAY:
	case BPF_MAP_TYPE_STACK_TRACE:
		return ELEMENTS_NONE;
	default:
		return ELEMENTS_KEPT;
	}
}

bool elements_is_percpu(__u32 map_type)
{
	return map_type == BPF_MAP_TYPE_PERCPU_HASH || map_type == BPF_MAP_TYPE_PERCPU_ARRAY ||
	       map_type == BPF_MAP_TYPE_LRU_PERCPU_HASH;
}

bool elements_is_array(__u32 map_type)
{
	return map_type == BPF_MAP_TYPE_ARRAY || map_type == BPF_MAP_TYPE_PERCPU_ARRAY;
}

static bool is_hash(__u32 type)
{
	return type == BPF_MAP_TYPE_HASH || type == BPF_MAP_TYPE_LRU_HASH;
}

static bool is_percpu_hash(__u32 type)
{
	return type == BPF_MAP_TYPE_PERCPU_HASH || type == BPF_MAP_TYPE_LRU_PERCPU_HASH;
}

bool elements_fit(__u32 from_type, __u32 to_type)
{
	return from_type == to_type || (is_hash(from_type) && is_hash(to_type)) ||
	       (is_percpu_hash(from_type) && is_percpu_hash(to_type));
}

bool elements_is_empty(const struct elements *e)
{
	_cleanup_free_ void *key = calloc(1, e->info.key_size ?: 1);
	_cleanup_free_ void *value = calloc(1, e->stride ?: 1);
	bool first = true;

	if (!key || !value)
		return false;
	if (elements_class(e->info.type) == ELEMENTS_NONE)
		return true;
	if (!e->info.key_size) /* queues and stacks: a look at what comes next */
		return bpf_map_lookup_elem(e->fd, NULL, value) == -ENOENT;
	while (!bpf_map_get_next_key(e->fd, first ? NULL : key, key)) {
		if (bpf_map_lookup_elem(e->fd, key, value) != -ENOENT)
			return false;
		first = false;
	}
	return true;
}

int elements_get(const struct elements *e, const void *key, void *ret_value)
{
	return bpf_map_lookup_elem_flags(e->fd, key, ret_value, e->locked ? BPF_F_LOCK : 0);
}

static size_t batch_size(const struct elements *e)
{
	size_t n = BATCH_BYTES / (e->info.key_size + e->stride + 1);

	return n < BATCH_MIN ? BATCH_MIN : n > BATCH_MAX ? BATCH_MAX : n;
}

/* Does the kernel say that it has no batches for this map, or none at all? */
static bool has_no_batches(int r)
{
	return r == -ENOTSUPP || r == -EOPNOTSUPP || r == -EINVAL;
}

/* Room for one batch, and where it goes on. */
struct batch {
	char *keys, *values;
	char *at, *next; /* for the kernel only */
	size_t room;
};

static void batch_done(struct batch *b)
{
	free(b->keys);
	free(b->values);
	free(b->at);
	free(b->next);
}

static int batch_grow(const struct elements *e, struct batch *b, size_t room)
{
	char *keys = reallocarray(b->keys, room, e->info.key_size);
	char *values;

	if (!keys)
		return -ENOMEM;
	b->keys = keys;
	values = reallocarray(b->values, room, e->stride);
	if (!values)
		return -ENOMEM;
	b->values = values;
	b->room = room;
	return 0;
}

static int batch_init(const struct elements *e, struct batch *b)
{
	size_t position = e->info.key_size < 8 ? 8 : e->info.key_size;

	b->at = calloc(1, position);
	b->next = calloc(1, position);
	return b->at && b->next ? batch_grow(e, b, batch_size(e)) : -ENOMEM;
}

struct visitor {
	int (*visit)(void *ctx, const void *key, const void *value);
	void *ctx;
	__u64 left; /* more than that are no reading, but a race */
};

/*
 * A walk whose place was deleted begins anew (LPM tries, and hash tables one by one). Under
 * enough deletions it would never end.
 */
static __u64 reading_limit(const struct elements *e)
{
	return 8 * (__u64)e->info.max_entries + 8192;
}

static int visit_one(struct visitor *v, const void *key, const void *value)
{
	if (!v->left)
		return -EAGAIN;
	v->left--;
	return v->visit(v->ctx, key, value);
}

static int each_by_batch(struct elements *e, struct visitor *v, struct batch *b)
{
	LIBBPF_OPTS(bpf_map_batch_opts, opts, .elem_flags = e->locked ? BPF_F_LOCK : 0);
	bool first = true, last = false;
	int r;

	while (!last) {
		__u32 n = b->room;
		char *place;

		r = bpf_map_lookup_batch(e->fd, first ? NULL : b->at, b->next, b->keys, b->values,
					 &n, &opts);
		if (r == -ENOSPC) { /* a bucket is fuller than that */
			r = batch_grow(e, b, b->room * 2);
			if (r)
				return r;
			continue;
		}
		last = r == -ENOENT;
		if (r && !last) {
			e->one_by_one |= first && has_no_batches(r);
			return r == -EINTR ? -EAGAIN : r;
		}
		for (__u32 i = 0; i < n; i++) {
			r = visit_one(v, b->keys + i * e->info.key_size, b->values + i * e->stride);
			if (r)
				return r;
		}
		first = false;
		place = b->at;
		b->at = b->next;
		b->next = place;
	}
	return 0;
}

static int each_by_key(struct elements *e, struct visitor *v, struct batch *b)
{
	bool first = true;
	int r;

	while (!(r = bpf_map_get_next_key(e->fd, first ? NULL : b->keys, b->keys))) {
		first = false;
		r = elements_get(e, b->keys, b->values);
		if (r == -ENOENT) /* deleted in between */
			r = v->left-- ? 0 : -EAGAIN;
		else
			r = r ?: visit_one(v, b->keys, b->values);
		if (r)
			return r;
	}
	return r == -ENOENT ? 0 : r;
}

int elements_each(struct elements *e, int (*visit)(void *ctx, const void *key, const void *value),
		  void *ctx, struct braid_error *err)
{
	struct visitor v = {visit, ctx, reading_limit(e)};
	_cleanup_(batch_done) struct batch b = {};
	int r = batch_init(e, &b);

	e->one_by_one |= elements_class(e->info.type) != ELEMENTS_VALUES;
	if (!r && !e->one_by_one)
		r = each_by_batch(e, &v, &b);
	if (e->one_by_one && b.room)
		r = each_by_key(e, &v, &b);
	if (r < 0 && !err->code)
		error_errno(err, r, e->info.name, "cannot read the map's entries");
	return r;
}

static int count_one(void *ctx, const void *key, const void *value)
{
	++*(size_t *)ctx;
	return 0;
}

int elements_count(struct elements *e, size_t *ret, struct braid_error *err)
{
	*ret = 0;
	return elements_each(e, count_one, ret, err);
}

/*
 * What a devmap or cpumap gives to read and what it wants written differ in one thing: the
 * id of the program of an entry, and its file descriptor.
 */
static int put_device(const struct elements *e, const void *key, const void *value, __u64 flags)
{
	struct bpf_devmap_val v = {};
	_cleanup_close_ int program = -1;
	size_t size = e->stride < sizeof(v) ? e->stride : sizeof(v);

	memcpy(&v, value, size);
	if (size == sizeof(v) && v.bpf_prog.id) {
		program = bpf_prog_get_fd_by_id(v.bpf_prog.id);
		if (program < 0)
			return -errno;
		v.bpf_prog.fd = program;
	}
	return bpf_map_update_elem(e->fd, key, &v, flags);
}

static int put_one_by_one(const struct elements *e, const char *keys, const char *values, size_t n,
			  __u64 flags, size_t *ret_done)
{
	bool devices = elements_class(e->info.type) == ELEMENTS_DEVICES;
	int r = 0;

	for (*ret_done = 0; *ret_done < n; ++*ret_done) {
		const char *key = keys + *ret_done * e->info.key_size;
		const char *value = values + *ret_done * e->stride;

		r = devices ? put_device(e, key, value, flags)
			    : bpf_map_update_elem(e->fd, key, value, flags);
		if (r)
			return r;
	}
	return 0;
}

int elements_put(struct elements *e, const void *keys, const void *values, size_t n, __u64 flags,
		 size_t *ret_done)
{
	LIBBPF_OPTS(bpf_map_batch_opts, opts, .elem_flags = flags);
	__u32 count = n;
	int r;

	*ret_done = 0;
	/* batches take no flags but BPF_F_LOCK */
	if (!n || flags || e->one_by_one || elements_class(e->info.type) != ELEMENTS_VALUES)
		return put_one_by_one(e, keys, values, n, flags, ret_done);
	r = bpf_map_update_batch(e->fd, keys, values, &count, &opts);
	if (has_no_batches(r)) {
		e->one_by_one = true;
		return put_one_by_one(e, keys, values, n, flags, ret_done);
	}
	*ret_done = count;
	return r;
}

int elements_drop(struct elements *e, const void *keys, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		int r = bpf_map_delete_elem(e->fd, (const char *)keys + i * e->info.key_size);

		if (r && r != -ENOENT)
			return r;
	}
	return 0;
}
