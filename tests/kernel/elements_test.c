/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Entries of maps: read, written, changed in place; and brought from one map into another, with
 * what both programs did meanwhile. The programs are this test: what it writes to the old map
 * and to the new one at each step is what they would have.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>

#include "base/text.h"
#include "kernel/inplace.h"
#include "live/migrate.h"
#include "net.h"
#include "tap.h"

enum { MANY = 5000 };

static struct braid_error err;

static int map_new(__u32 type, __u32 key, __u32 value, __u32 entries)
{
	__u32 flags = type == BPF_MAP_TYPE_LPM_TRIE ? BPF_F_NO_PREALLOC : 0;
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = flags);
	int fd = bpf_map_create(type, "elements", key, value, entries, &opts);

	if (fd < 0)
		bail_out("a map of type %u: %s", type, strerror(-fd));
	return fd;
}

static struct elements must_open(int fd)
{
	struct elements e;

	if (elements_open(fd, &e, &err))
		bail_out("%s: %s", err.what, err.why);
	return e;
}

/* Keys are {32, i}: as good for a trie as for a hash table. */
struct key {
	__u32 len, i;
};

struct seen {
	__u8 times[MANY];
	size_t wrong;
	__u32 cpus;
};

static int see(void *ctx, const void *key, const void *value)
{
	const struct key *k = key;
	struct seen *seen = ctx;
	const __u64 *v = value;

	if (k->i >= MANY || k->len != 32)
		return -ERANGE;
	for (__u32 cpu = 0; cpu < seen->cpus; cpu++)
		seen->wrong += v[cpu] != k->i * 3ull + cpu;
	seen->times[k->i]++;
	return 0;
}

static void check_all(struct elements *e, const char *what)
{
	_cleanup_free_ struct seen *seen = calloc(1, sizeof(*seen));
	size_t once = 0, n;

	seen->cpus = e->cpus;
	is_int(elements_each(e, see, seen, &err), 0, "%s: read", what);
	for (int i = 0; i < MANY; i++)
		once += seen->times[i] == 1;
	is_int(once, MANY, "%s: each entry once", what);
	is_int(seen->wrong, 0, "%s: with its values", what);
	is_int(elements_count(e, &n, &err), 0, "%s: counted", what);
	is_int(n, MANY, "%s: all of them", what);
}

static void fill(struct elements *e, const char *what)
{
	_cleanup_free_ struct key *keys = calloc(MANY, sizeof(*keys));
	_cleanup_free_ __u64 *values = calloc(MANY, e->stride);
	size_t done;

	for (__u32 i = 0; i < MANY; i++) {
		keys[i] = (struct key){32, i};
		for (__u32 cpu = 0; cpu < e->cpus; cpu++)
			values[i * e->cpus + cpu] = i * 3ull + cpu;
	}
	is_int(elements_put(e, keys, values, MANY, BPF_ANY, &done), 0, "%s: written", what);
	is_int(done, MANY, "%s: to the end", what);
	is_int(elements_put(e, keys, values, 1, BPF_NOEXIST, &done), -EEXIST,
	       "%s: not what is there", what);
	check_all(e, what);
	is_int(elements_drop(e, keys, MANY / 2), 0, "%s: deleted", what);
	is_int(elements_drop(e, keys, MANY / 2 + 10), 0, "%s: and what is not there", what);
	is_int(elements_get(e, &keys[0], values), -ENOENT, "%s: is gone", what);
	is_int(elements_count(e, &done, &err), 0, "%s: counted again", what);
	is_int(done, MANY - MANY / 2 - 10, "%s: the rest", what);
}

static void test_types(void)
{
	static const struct {
		__u32 type;
		const char *name;
	} types[] = {
		{BPF_MAP_TYPE_HASH, "hash"},
		{BPF_MAP_TYPE_LRU_HASH, "LRU hash"},
		{BPF_MAP_TYPE_PERCPU_HASH, "per-CPU hash"},
		{BPF_MAP_TYPE_LPM_TRIE, "LPM trie"},
	};

	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++) {
		for (int one_by_one = 0; one_by_one < 2; one_by_one++) {
			_cleanup_close_ int fd = map_new(types[i].type, 8, 8, 2 * MANY);
			struct elements e = must_open(fd);
			_cleanup_free_ char *what = text_fmt("%s%s", types[i].name,
							     one_by_one ? ", one by one" : "");

			e.one_by_one = one_by_one;
			fill(&e, what);
			is_int(e.one_by_one, one_by_one, "%s: the kernel has batches for it", what);
		}
	}
}

static int stop_at_third(void *ctx, const void *key, const void *value)
{
	return ++*(int *)ctx == 3 ? 42 : 0;
}

static void test_arrays(void)
{
	_cleanup_close_ int fd = map_new(BPF_MAP_TYPE_PERCPU_ARRAY, 4, 12, 7);
	struct elements e = must_open(fd);
	size_t n;
	int seen = 0;

	is_int(e.stride, 16 * e.cpus, "a per-CPU value is rounded up to 8 bytes");
	is_int(elements_count(&e, &n, &err), 0, "an array");
	is_int(n, 7, "has all of its elements");
	is_int(elements_each(&e, stop_at_third, &seen, &err), 42, "a visitor may stop");
	is_int(seen, 3, "and is called no more");
}

static void test_empty(void)
{
	_cleanup_close_ int queue = map_new(BPF_MAP_TYPE_QUEUE, 0, 8, 4);
	_cleanup_close_ int ring = map_new(BPF_MAP_TYPE_RINGBUF, 0, 0, 4096);
	_cleanup_close_ int programs = map_new(BPF_MAP_TYPE_PROG_ARRAY, 4, 4, 4);
	struct elements q = must_open(queue), r = must_open(ring), p = must_open(programs);
	__u64 v = 1;

	ok(elements_is_empty(&q), "a queue is empty");
	bpf_map_update_elem(queue, NULL, &v, 0);
	ok(!elements_is_empty(&q), "and is not");
	ok(elements_is_empty(&r), "a ring buffer holds nothing of anybody's");
	ok(elements_is_empty(&p), "a PROG_ARRAY without programs");
	is_int(elements_class(BPF_MAP_TYPE_PROG_ARRAY), ELEMENTS_KEPT, "cannot be read back");
	ok(elements_fit(BPF_MAP_TYPE_HASH, BPF_MAP_TYPE_LRU_HASH) &&
		   !elements_fit(BPF_MAP_TYPE_HASH, BPF_MAP_TYPE_PERCPU_HASH) &&
		   !elements_fit(BPF_MAP_TYPE_ARRAY, BPF_MAP_TYPE_HASH),
	   "which types can take each other's entries");
}

static void test_devices(void)
{
	_cleanup_close_ int fd = map_new(BPF_MAP_TYPE_DEVMAP_HASH, 4, 4, 4);
	struct elements e = must_open(fd);
	__u32 key = 5, loopback = 1, got = 0;
	size_t done, n;

	is_int(elements_put(&e, &key, &loopback, 1, BPF_ANY, &done), 0, "an interface");
	is_int(elements_count(&e, &n, &err), 0, "read");
	ok(n == 1 && !elements_get(&e, &key, &got) && got == 1, "back");
}

static void test_inplace(void)
{
	_cleanup_close_ int fd = map_new(BPF_MAP_TYPE_HASH, 4, 20, 4);
	struct elements e = must_open(fd);
	__u32 key = 1, other = 2, v[5] = {10, 20, 0xffffffff, 0, 7};
	_cleanup_(inplace_closep) struct inplace *p = NULL;

	bpf_map_update_elem(fd, &key, v, BPF_ANY);
	is_int(inplace_open(&e, &p, &err), 0, "in place: %s", err.what ?: "");
	is_int(inplace_add(p, &key, 0, 4, 5), 0, "add to 4 bytes");
	is_int(inplace_add(p, &key, 8, 8, 1), 0, "to 8");
	is_int(inplace_add(p, &other, 0, 4, 1), -ENOENT, "to nothing");
	is_int(inplace_add(p, &key, 16, 8, 1), -ERANGE, "behind the end");
	is_int(inplace_add(p, &key, 0x7fffffff, 4, 1), -ERANGE, "far behind it");
	is_int(inplace_swap(p, &key, 4, 4, 20, 21), 0, "exchange");
	is_int(inplace_swap(p, &key, 4, 4, 20, 22), -EBUSY, "not what is something else");
	is_int(inplace_swap(p, &key, 16, 4, 7, ~0ull), 0, "the last word");
	bpf_map_lookup_elem(fd, &key, v);
	ok(v[0] == 15 && v[1] == 21 && v[2] == 0 && v[3] == 1 && v[4] == ~0u, "that is all");
	is_int(inplace_swap(p, &key, 8, 8, 1ull << 32, 9), 0, "exchange of 8 bytes");
	bpf_map_lookup_elem(fd, &key, v);
	ok(v[2] == 9 && v[3] == 0, "as a whole");
}

static void test_inplace_percpu(void)
{
	_cleanup_close_ int fd = map_new(BPF_MAP_TYPE_PERCPU_ARRAY, 4, 8, 1);
	struct elements e = must_open(fd);
	_cleanup_(inplace_closep) struct inplace *p = NULL;
	_cleanup_free_ __u64 *v = calloc(e.cpus, sizeof(*v));
	__u32 key = 0, good = 0;

	is_int(inplace_open(&e, &p, &err), 0, "per CPU");
	for (__u32 cpu = 0; cpu < e.cpus; cpu++) {
		_cleanup_cpu_guard_ struct cpu_guard guard = {};

		if (cpu_enter(cpu, &guard))
			continue; /* off: nobody has counted there */
		inplace_add(p, &key, 0, 8, cpu + 1);
	}
	bpf_map_lookup_elem(fd, &key, v);
	for (__u32 cpu = 0; cpu < e.cpus; cpu++)
		good += v[cpu] == cpu + 1;
	is_int(good, e.cpus, "each CPU has its own");
}

static void test_inplace_refused(void)
{
	_cleanup_close_ int fd = map_new(BPF_MAP_TYPE_HASH, 4, 2, 4);
	struct elements small = must_open(fd), locked = small;
	struct inplace *p = NULL;

	locked.locked = true;
	is_int(inplace_open(&small, &p, &err), -EOPNOTSUPP, "values of 2 bytes");
	is_int(inplace_open(&locked, &p, &err), -EOPNOTSUPP, "values with a lock");
	ok(strstr(err.what, "lock"), "says so: %s", err.what);
	braid_error_clear(&err);
}

/* A value of the old map and one of the new: a counter, and a word that is none. */
struct old {
	__u32 count, word;
};
struct new
{
	__u64 word;
	__u64 count;
};

static struct conversion value_conversion(void)
{
	struct conversion c = {
		.from_size = sizeof(struct old),
		.to_size = sizeof(struct new),
		.fill = calloc(1, sizeof(struct new)),
	};
	const struct move moves[] = {
		{.from = 0, .to = 64, .from_bits = 32, .to_bits = 64, .counter = true},
		{.from = 32, .to = 0, .from_bits = 32, .to_bits = 64},
	};

	if (!c.fill || !array_add(&c.moves, moves[0]) || !array_add(&c.moves, moves[1]))
		bail_out("no memory");
	return c;
}

struct pair {
	int from, to; /* fds */
	struct migration m;
};

static void pair_init(struct pair *p, __u32 type, __u32 key_size, __u32 entries)
{
	struct conversion key, value = value_conversion();
	struct elements from;

	p->from = map_new(type, key_size, sizeof(struct old), 1024);
	p->to = map_new(type, key_size, sizeof(struct new), entries);
	from = must_open(p->from);
	if (conversion_new_raw(key_size, &key, &err) ||
	    migration_init(&p->m, &from, &key, &value, "stage s", "flows", &err))
		bail_out("%s", err.what);
}

static void pair_done(struct pair *p)
{
	migration_done(&p->m);
	close(p->from);
	close(p->to);
}

static void put_old(const struct pair *p, __u32 key, __u32 count, __u32 word)
{
	struct old v = {count, word};

	bpf_map_update_elem(p->from, &key, &v, BPF_ANY);
}

static void put_new(const struct pair *p, __u32 key, __u64 count, __u64 word)
{
	struct new v = {.count = count, .word = word};

	bpf_map_update_elem(p->to, &key, &v, BPF_ANY);
}

static void is_new(const struct pair *p, __u32 key, __u64 count, __u64 word, const char *what)
{
	struct new v = {};

	is_int(bpf_map_lookup_elem(p->to, &key, &v), 0, "%s: is there", what);
	is_int(v.count, count, "%s: count", what);
	is_int(v.word, word, "%s: word", what);
}

static void test_late(void)
{
	struct new gone;
	struct pair p;
	__u32 key = 9;

	pair_init(&p, BPF_MAP_TYPE_HASH, 4, 1024);
	for (__u32 i = 0; i < 10; i++)
		put_old(&p, i, 100 + i, i);
	put_new(&p, 77, 1, 1); /* as the manifest would */
	is_int(migration_copy(&p.m, p.to, &err), 0, "copied");
	is_int(p.m.report.copied, 10, "ten");
	is_int(p.m.report.n_passes, 1, "nothing more");
	is_new(&p, 3, 103, 3, "an entry");
	key = 77;
	is_int(bpf_map_lookup_elem(p.to, &key, &gone), -ENOENT, "what was there before is not");

	put_old(&p, 0, 107, 0); /* old: counted on */
	put_old(&p, 1, 108, 1); /* both */
	put_new(&p, 1, 104, 1);
	put_old(&p, 2, 102, 50); /* old: another word */
	put_old(&p, 3, 103, 60); /* both */
	put_new(&p, 3, 103, 61);
	put_old(&p, 4, 10, 4); /* old: lowered */
	put_old(&p, 20, 5, 6); /* old: added */
	put_old(&p, 21, 5, 6); /* both added */
	put_new(&p, 21, 2, 6);
	put_old(&p, 22, 5, 6); /* both added, and not the same */
	put_new(&p, 22, 2, 7);
	key = 5;
	bpf_map_delete_elem(p.from, &key); /* old: deleted */
	key = 6;
	bpf_map_delete_elem(p.to, &key); /* old: counted; new: deleted */
	put_old(&p, 6, 200, 6);
	is_int(migration_finish(&p.m, &err), 0, "finished");
	is_new(&p, 0, 107, 0, "late");
	is_new(&p, 1, 111, 1, "counted by both");
	is_new(&p, 2, 102, 50, "a late word");
	is_new(&p, 3, 103, 61, "what the new program wrote stays");
	is_new(&p, 4, 10, 4, "a counter that went down");
	is_new(&p, 20, 5, 6, "added late");
	is_new(&p, 21, 7, 6, "added by both, counted by both");
	is_new(&p, 22, 7, 7, "of which the new one's word stays");
	is_int(p.m.report.late, 6, "six came late");
	is_int(p.m.report.conflicts, 4,
	       "four conflicts: two words, one deleted by each of the programs");
	ok(!p.m.report.note, "all of it in place");
	pair_done(&p);
}

/* The 32-bit counter that runs over, and one that the new layout does not align. */
static void test_wrapped(void)
{
	struct pair p;

	pair_init(&p, BPF_MAP_TYPE_ARRAY, 4, 1024);
	put_old(&p, 3, 0xfffffffe, 0);
	is_int(migration_copy(&p.m, p.to, &err), 0, "an array");
	is_int(p.m.report.copied, 1024, "all of its elements");
	put_old(&p, 3, 3, 0);
	is_int(migration_finish(&p.m, &err), 0, "finished");
	is_new(&p, 3, 0x100000003, 0, "a counter that wrapped around goes on in a wider one");
	pair_done(&p);
}

struct prefix4 {
	__u32 len, address;
};

static void test_trie(void)
{
	const struct prefix4 key = {32, 0x0100007f};
	struct old v = {1, 2};
	struct new w = {};
	struct pair p;

	pair_init(&p, BPF_MAP_TYPE_LPM_TRIE, 8, 64);
	bpf_map_update_elem(p.from, &key, &v, BPF_ANY);
	is_int(migration_copy(&p.m, p.to, &err), 0, "a trie");
	v.count = 5;
	bpf_map_update_elem(p.from, &key, &v, BPF_ANY);
	w = (struct new){.count = 3, .word = 2};
	bpf_map_update_elem(p.to, &key, &w, BPF_ANY);
	is_int(migration_finish(&p.m, &err), 0, "finished");
	bpf_map_lookup_elem(p.to, &key, &w);
	is_int(w.count, 3, "8 bytes behind a prefix of 4 are not aligned, and nothing is added");
	is_int(p.m.report.conflicts, 1, "and that is counted");
	pair_done(&p);
}

static void test_full(void)
{
	static const __u32 types[] = {BPF_MAP_TYPE_HASH, BPF_MAP_TYPE_LRU_HASH};
	struct pair p;

	for (size_t i = 0; i < 2; i++) {
		pair_init(&p, types[i], 4, 128);
		for (__u32 k = 0; k < 300; k++)
			put_old(&p, k, k, k);
		is_int(migration_copy(&p.m, p.to, &err), -ENOSPC, "a full map");
		ok(strstr(err.why, "has 300, and max-entries is now 128"), "numbers: %s", err.why);
		ok(strstr(err.hint, "max-entries"), "and what to do: %s", err.hint);
		braid_error_clear(&err);
		pair_done(&p);
	}
}

/* As many as there is room for, which of an LRU map takes some care. */
static void test_exactly_full(void)
{
	struct pair p;
	__u32 good = 0;

	pair_init(&p, BPF_MAP_TYPE_LRU_HASH, 4, 300);
	for (__u32 k = 0; k < 300; k++)
		put_old(&p, k, k, k);
	is_int(migration_copy(&p.m, p.to, &err), 0, "an LRU map to the last entry: %s",
	       err.why ?: "");
	for (__u32 k = 0; k < 300; k++) {
		struct new v;

		good += !bpf_map_lookup_elem(p.to, &k, &v) && v.count == k;
	}
	is_int(good, 300, "all of them are there");
	pair_done(&p);
}

/* Beside the lots in which the kernel sets elements free: none of it unseen. */
static void test_nearly_full(void)
{
	struct pair p;
	size_t have = 0;

	pair_init(&p, BPF_MAP_TYPE_LRU_HASH, 4, 1000);
	for (__u32 k = 0; k < 1000; k++)
		put_old(&p, k, k, k);
	is_int(migration_copy(&p.m, p.to, &err), 0, "an LRU map that is nearly full");
	is_int(elements_count(&p.m.to, &have, &err), 0, "counted");
	is_int(have + p.m.report.evicted, p.m.report.copied, "what was set free is reported: %zu",
	       p.m.report.evicted);
	pair_done(&p);
}

/* A key with bytes that belong to no member. */
struct padded {
	__u8 a;
	__u8 nobodys[3];
	__u32 b;
};

static void test_keys_meet(void)
{
	struct conversion key = {.from_size = 8, .to_size = 8, .fill = calloc(1, 8)};
	const struct move moves[] = {
		{.from = 0, .to = 0, .from_bits = 8, .to_bits = 8, .bytes = true},
		{.from = 32, .to = 32, .from_bits = 32, .to_bits = 32, .bytes = true},
	};
	const struct padded keys[] = {{1, {0}, 2}, {1, {9}, 2}};
	struct old v = {};
	struct pair p;

	if (!array_add(&key.moves, moves[0]) || !array_add(&key.moves, moves[1]))
		bail_out("no memory");
	pair_init(&p, BPF_MAP_TYPE_HASH, 8, 64);
	conversion_done(&p.m.key);
	p.m.key = key;
	for (int i = 0; i < 2; i++)
		bpf_map_update_elem(p.from, &keys[i], &v, BPF_ANY);
	is_int(migration_copy(&p.m, p.to, &err), -EMEDIUMTYPE, "two keys become one");
	ok(strstr(err.why, "2 keys became 1"), "says so: %s", err.why);
	braid_error_clear(&err);
	pair_done(&p);
}

int main(void)
{
	net_init();
	test_types();
	test_arrays();
	test_empty();
	test_devices();
	test_inplace();
	test_inplace_percpu();
	test_inplace_refused();
	test_late();
	test_wrapped();
	test_trie();
	test_full();
	test_exactly_full();
	test_nearly_full();
	test_keys_meet();
	braid_error_clear(&err);
	return done();
}
