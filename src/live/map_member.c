/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Members of a value changed where it is. bpf(2) only replaces whole values, and what a program
 * writes into other members meanwhile would be lost; so a program of ours exchanges the words
 * that change, each at once (kernel/inplace.h).
 */
#include <errno.h>

#include "base/error.h"
#include "base/text.h"
#include "live/map.h"
#include "manifest/fit.h"

/* What the members are to be: the bits of @mask, as in @want. */
struct edit {
	unsigned char *want, *mask;
	size_t size;
};

static void edit_done(struct edit *e)
{
	free(e->want);
	free(e->mask);
}

static void mark_bits(unsigned char *mask, const struct spot_in *at)
{
	for (unsigned int b = at->bit; b < at->bit + at->bits; b++)
		mask[b / 8] |= __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? 0x80 >> b % 8 : 1 << b % 8;
}

static int edit_add(const struct braid_map *m, const char *assignment, struct edit *e,
		    struct braid_error *err)
{
	const char *equals = strchr(assignment, '=');
	_cleanup_free_ char *path = equals ? strndup(assignment, equals - assignment) : NULL;
	_cleanup_free_ char *where = map_where(m);
	_cleanup_(node_freep) struct node *n = NULL;
	struct spot_in at;
	int r;

	if (!equals) {
		error_set(err, -EINVAL, where, "'%s' is no assignment", assignment);
		return error_code(error_hint(err, "write .member=value"));
	}
	if (!path)
		return error_oom(err);
	r = map_node(m, equals + 1, path, &n, err);
	if (r)
		return r;
	r = fit_find(m->btf, m->value_type, m->prefix, path, e->size, &at, err)
		    ?: fit_bits(n, path, m->btf, &at, e->want, e->size, err);
	if (r)
		return r == -ENOMEM ? r : error_code(error_within(err, "%s", where ?: ""));
	mark_bits(e->mask, &at);
	return 0;
}

static int edit_read(const struct braid_map *m, const char *const *members, size_t n,
		     struct edit *e, struct braid_error *err)
{
	int r = 0;

	e->size = m->e.info.value_size;
	e->want = calloc(1, e->size);
	e->mask = calloc(1, e->size);
	if (!e->want || !e->mask)
		return error_oom(err);
	for (size_t i = 0; i < n && !r; i++)
		r = edit_add(m, members[i], e, err);
	return r;
}

static void apply(const struct edit *e, size_t at, size_t size, unsigned char *value)
{
	for (size_t i = at; i < at + size; i++)
		value[i] = (value[i] & ~e->mask[i]) | (e->want[i] & e->mask[i]);
}

static bool touches(const struct edit *e, size_t at, size_t size)
{
	for (size_t i = at; i < at + size; i++)
		if (e->mask[i])
			return true;
	return false;
}

/* What words can be exchanged: the last bytes of an odd size are in none. */
static size_t word_at(const struct edit *e, size_t at)
{
	return at + 8 <= e->size ? 8 : at + 4 <= e->size ? 4 : 0;
}

static bool is_in_words(const struct edit *e)
{
	size_t end = e->size & ~(size_t)3;

	return !touches(e, end, e->size - end);
}

static __u64 load_word(const unsigned char *bytes, size_t size)
{
	__u32 half;
	__u64 whole;

	if (size == 8) {
		memcpy(&whole, bytes, sizeof(whole));
		return whole;
	}
	memcpy(&half, bytes, sizeof(half));
	return half;
}

/* @cpu: of the value, which is one of @m->e.cpus. */
static int exchange(struct braid_map *m, const void *key, __u32 cpu, const struct edit *e,
		    size_t at, size_t size, unsigned char *room)
{
	unsigned char *value = room + cpu * (m->e.stride / m->e.cpus);
	int r;

	do {
		__u64 from, to;

		r = elements_get(&m->e, key, room);
		if (r)
			return r;
		from = load_word(value + at, size);
		apply(e, at, size, value);
		to = load_word(value + at, size);
		if (from == to)
			return 0;
		r = inplace_swap(m->inplace, key, at, size, from, to);
	} while (r == -EBUSY); /* a program was faster */
	return r;
}

static int exchange_words(struct braid_map *m, const void *key, __u32 cpu, const struct edit *e,
			  unsigned char *room)
{
	int r = 0;

	for (size_t at = 0, size; (size = word_at(e, at)) && !r; at += size)
		if (touches(e, at, size))
			r = exchange(m, key, cpu, e, at, size, room);
	return r;
}

static int off_line(const struct braid_map *m, __u32 cpu, int code, struct braid_error *err)
{
	_cleanup_free_ char *where = map_where(m);

	error_errno(err, code, where, "cannot change the value of CPU %u", cpu);
	return error_code(error_hint(err, "it is off, or not for this process; a whole value can "
					  "be set all the same"));
}

static int change_in_place(struct braid_map *m, const void *key, const char *text,
			   const struct edit *e, unsigned char *room, struct braid_error *err)
{
	int r = 0;

	for (__u32 cpu = 0; cpu < m->e.cpus && !r; cpu++) {
		_cleanup_cpu_guard_ struct cpu_guard guard = {};

		if (m->e.cpus > 1) {
			r = cpu_enter(cpu, &guard);
			if (r)
				return off_line(m, cpu, r, err);
		}
		r = exchange_words(m, key, cpu, e, room);
	}
	return r ? map_fail(m, r, text, err) : 0;
}

static int change_whole(struct braid_map *m, const void *key, const char *text,
			const struct edit *e, unsigned char *room, struct braid_error *err)
{
	size_t stride = m->e.stride / m->e.cpus, done;
	int r = elements_get(&m->e, key, room);

	for (__u32 cpu = 0; cpu < m->e.cpus; cpu++)
		apply(e, 0, e->size, room + cpu * stride);
	r = r
		    ?: elements_put(&m->e, key, room, 1, BPF_EXIST | (m->e.locked ? BPF_F_LOCK : 0),
				    &done);
	return r ? map_fail(m, r, text, err) : 0;
}

/* Values of tries lie at odd addresses, where words cannot be exchanged. */
static bool can_exchange(struct braid_map *m, const struct edit *e)
{
	_cleanup_error_ struct braid_error ignored = BRAID_ERROR_INIT;

	if (m->e.info.type == BPF_MAP_TYPE_LPM_TRIE || !is_in_words(e) ||
	    m->e.info.map_flags & BPF_F_RDONLY_PROG)
		return false;
	return m->inplace || !inplace_open(&m->e, &m->inplace, &ignored);
}

static int check_members(const struct braid_map *m, struct braid_error *err)
{
	_cleanup_free_ char *where = map_where(m);
	int r = map_check_writable(m, err);

	if (r || (m->kind == MAP_ENTRIES && m->value_type))
		return r;
	error_set(err, -ENODATA, where, "its values have no members that are known");
	error_hint(err, m->kind == MAP_ENTRIES ? "set the whole value, as hex: and its bytes"
					       : "set the whole value");
	return -ENODATA;
}

int braid_map_set_members(struct braid_map *m, const char *key, const char *const *members,
			  size_t n, struct braid_error *err)
{
	_cleanup_(edit_done) struct edit e = {};
	_cleanup_free_ void *k = NULL, *room = calloc(1, m->e.stride ?: 1);
	ERROR_SCRATCH(err);
	int r = room ? check_members(m, err) : error_oom(err);

	r = r ?: map_key(m, key, &k, err) ?: edit_read(m, members, n, &e, err);
	if (r)
		return r;
	return can_exchange(m, &e) ? change_in_place(m, k, key, &e, room, err)
				   : change_whole(m, k, key, &e, room, err);
}
