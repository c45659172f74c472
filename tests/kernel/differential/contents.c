/* SPDX-License-Identifier: GPL-2.0-only */
#include "contents.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "sampler/sampler_abi.h"
#include "tap.h"

static int add_sample(void *ctx, void *data, size_t size)
{
	struct contents *m = ctx;

	if (size != sizeof(struct sample))
		bail_out("a sample of %zu bytes", size);
	buf_add(&m->bytes, data, size);
	return 0;
}

static void read_ring(int fd, struct contents *m)
{
	struct ring_buffer *ring = ring_buffer__new(fd, add_sample, m, NULL);

	m->step = sizeof(struct sample);
	if (!ring || ring_buffer__consume(ring) < 0)
		bail_out("cannot read a ring buffer");
	ring_buffer__free(ring);
}

/* Keys are compared as bytes: any order will do that is the same each time. */
static int compare_keys(const void *a, const void *b, void *key_size)
{
	return memcmp(a, b, *(__u32 *)key_size);
}

static size_t value_bytes(const struct contents *m)
{
	if (m->type != BPF_MAP_TYPE_PERCPU_ARRAY && m->type != BPF_MAP_TYPE_PERCPU_HASH &&
	    m->type != BPF_MAP_TYPE_LRU_PERCPU_HASH)
		return m->value_size;
	return ((m->value_size + 7) & ~7u) * libbpf_num_possible_cpus();
}

static void read_elements(int fd, struct contents *m)
{
	size_t size = value_bytes(m);
	_cleanup_free_ __u8 *key = calloc(1, m->key_size), *value = calloc(1, size);
	int r = bpf_map_get_next_key(fd, NULL, key);

	if (!key || !value)
		bail_out("no memory");
	m->step = m->key_size + size;
	for (; !r; r = bpf_map_get_next_key(fd, key, key)) {
		if (bpf_map_lookup_elem(fd, key, value))
			bail_out("an element of %s is not there", m->of.name);
		buf_add(&m->bytes, key, m->key_size);
		buf_add(&m->bytes, value, size);
	}
	if (r != -ENOENT || m->bytes.failed)
		bail_out("reading %s: %s", m->of.name, strerror(-r));
	if (m->bytes.n)
		qsort_r(m->bytes.v, m->bytes.n / m->step, m->step, compare_keys, &m->key_size);
}

void contents_read(int fd, struct contents *ret)
{
	struct bpf_map_info info = {};
	__u32 size = sizeof(info);

	if (fd < 0)
		return;
	if (bpf_obj_get_info_by_fd(fd, &info, &size))
		bail_out("cannot look at a map");
	ret->found = true;
	ret->type = info.type;
	ret->key_size = info.key_size;
	ret->value_size = info.value_size;
	ret->max_entries = info.max_entries;
	if (ret->type == BPF_MAP_TYPE_RINGBUF)
		read_ring(fd, ret);
	else
		read_elements(fd, ret);
}

static void print_element(struct buf *out, const char *label, const struct contents *m, size_t at)
{
	buf_fmt(out, "%s", label);
	for (size_t i = 0; at < m->bytes.n && i < m->step; i++)
		buf_fmt(out, i == m->key_size ? ": %02x" : "%02x", (__u8)m->bytes.v[at + i]);
	buf_str(out, at < m->bytes.n ? "\n" : "nothing\n");
}

bool contents_are_same(const struct contents *want, const struct contents *got, struct buf *why)
{
	size_t at = 0, n = want->bytes.n < got->bytes.n ? want->bytes.n : got->bytes.n;

	if (got->found != want->found)
		buf_str(why, "there is no such map\n");
	else if (got->type != want->type || got->key_size != want->key_size ||
		 got->value_size != want->value_size || got->max_entries != want->max_entries)
		buf_fmt(why, "type, key, value, entries: %u %u %u %u, want %u %u %u %u\n",
			got->type, got->key_size, got->value_size, got->max_entries, want->type,
			want->key_size, want->value_size, want->max_entries);
	if (why->n)
		return false;
	while (at < n && !memcmp(got->bytes.v + at, want->bytes.v + at, want->step))
		at += want->step;
	if (at == want->bytes.n && at == got->bytes.n)
		return true;
	print_element(why, "got  ", got, at);
	print_element(why, "want ", want, at);
	return false;
}
