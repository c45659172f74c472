/* SPDX-License-Identifier: GPL-2.0-only */
/* Maps and globals whose layout changes: refused, reset, migrated; at rest and under load. */
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>

#include "kernel/elements.h"
#include "live_common.h"
#include "live_flood.h"
#include "live_killed.h"
#include "live_migrate.h"
#include "object/layout.h"
#include "wait.h"

enum {
	ENTRIES = 100,
	MANY = 100000,
	CHANGES = 6,
	FRAMES_BETWEEN = 16384,
	DEADLINE_MS = 60000,
};

#define MIGRATE  ON_R0 "on-change: migrate, "
#define DEFAULTS "{defaults: {ttl: 64}}"

static int cpus;
static struct braid_error err;

/* Stage s of @variant; @more: further keys of it, with a comma in front. */
static const char *manifest(const char *variant, const char *pipeline, const char *more)
{
	return live_manifest("m.yaml", pipeline,
			     live_text("{name: s, object: %s/live_migrate%s.bpf.o%s}", live_objects,
				       variant, more));
}

static int open_map(const char *name)
{
	_cleanup_json_ json_t *status = braid_json("status", "edge");
	json_t *m;
	size_t i;

	json_array_foreach (json_at(status, "pipelines/0/maps"), i, m) {
		if (!strcmp(json_text(m, "name"), name) && !json_is_true(json_at(m, "braid")))
			return bpf_obj_get(json_text(m, "pin"));
	}
	bail_out("no map %s", name);
}

/* What a report or a plan says of a map. */
static json_t *carry_of(json_t *j, const char *name)
{
	json_t *m;
	size_t i;

	json_array_foreach (json_at(j, "carry"), i, m) {
		if (!strcmp(json_text(m, "name"), name))
			return m;
	}
	json_dumpf(j, stderr, JSON_INDENT(2));
	bail_out("nothing about map %s", name);
}

static const char *how(json_t *j, const char *name)
{
	return json_text(carry_of(j, name), "how");
}

static __u32 id_of(const char *name)
{
	_cleanup_close_ int fd = open_map(name);
	struct bpf_map_info info = {};
	__u32 size = sizeof(info);

	return bpf_obj_get_info_by_fd(fd, &info, &size) ? 0 : info.id;
}

static struct prefix prefix_of(__u32 i)
{
	return (struct prefix){.prefixlen = 128, .data[15] = i};
}

static struct record0 record_of(__u32 i)
{
	return (struct record0){.packets = i, .kind = 3, .spare = 9, .seen = {i + 1, 1u << 31 | i}};
}

static void must_put(int fd, const void *key, const void *value)
{
	int r = bpf_map_update_elem(fd, key, value, BPF_ANY);

	if (r)
		bail_out("putting an entry: %s", strerror(-r));
}

/* Entries 0 to @n of a map that has record0; of one per CPU, packets differ by CPU. */
static void fill(const char *name, __u32 n)
{
	_cleanup_close_ int fd = open_map(name);
	_cleanup_free_ char *values = calloc(cpus, (sizeof(struct record0) + 7) & ~7u);

	for (__u32 i = 0; i < n; i++) {
		struct prefix prefix = prefix_of(i);
		bool trie = !strcmp(name, "routes");

		for (int cpu = 0; cpu < cpus; cpu++) {
			struct record0 r = record_of(i);

			r.packets += 1000 * cpu;
			memcpy(values + cpu * ((sizeof(r) + 7) & ~7u), &r, sizeof(r));
		}
		must_put(fd, trie ? (void *)&prefix : &i, values);
	}
}

static void fill_all(void)
{
	fill("flows", ENTRIES);
	fill("recent", ENTRIES);
	fill("by_cpu", ENTRIES);
	fill("slots", SLOTS);
	fill("cpu_slots", 1);
	fill("routes", PREFIXES);
}

static bool is_migrated(const struct record1 *r, __u32 i, int cpu)
{
	return r->packets == i + 1000ull * cpu && r->kind == 3 && r->seen.first == i + 1 &&
	       r->seen.last == (1u << 31 | i) && r->ttl == 64 && !r->bytes && !r->seen.how;
}

/* All @n entries, of all CPUs if the map has values for each. */
static void is_all_migrated(const char *name, __u32 n, bool percpu)
{
	_cleanup_close_ int fd = open_map(name);
	_cleanup_free_ struct record1 *values = calloc(cpus, sizeof(*values));
	__u32 good = 0;

	for (__u32 i = 0; i < n; i++) {
		struct prefix prefix = prefix_of(i);
		bool trie = !strcmp(name, "routes"), same = true;

		if (bpf_map_lookup_elem(fd, trie ? (void *)&prefix : &i, values))
			continue;
		for (int cpu = 0; cpu < (percpu ? cpus : 1); cpu++)
			same = same && is_migrated(&values[cpu], i, cpu);
		good += same;
	}
	is_int(good, n, "%s: all entries, member by member", name);
}

/* Where a variable of the stage is in its globals, by the kernel's BTF of the map. */
static __u32 offset_of(int fd, const char *variable)
{
	struct elements map;
	struct layout l;
	struct btf *btf;
	__u32 offset = 0;

	if (elements_open(fd, &map, &err) || elements_btf(&map, &btf, &err) || !btf ||
	    layout_read(btf, map.info.btf_value_type_id, "s__", &l, &err))
		bail_out("globals: %s", err.what ?: "no BTF");
	if (!layout_find(&l, variable))
		bail_out("no variable %s", variable);
	offset = layout_find(&l, variable)->bit / 8;
	layout_done(&l);
	btf__free(btf);
	return offset;
}

static __u64 global(const char *variable, size_t size)
{
	_cleanup_close_ int fd = open_map(".data");
	char bytes[256] = {};
	__u32 zero = 0;
	__u64 v = 0;

	if (bpf_map_lookup_elem(fd, &zero, bytes))
		bail_out("reading globals");
	memcpy(&v, bytes + offset_of(fd, variable), size);
	return v;
}

static void set_global(const char *variable, __u64 v, size_t size)
{
	_cleanup_close_ int fd = open_map(".data");
	char bytes[256] = {};
	__u32 zero = 0;

	if (bpf_map_lookup_elem(fd, &zero, bytes))
		bail_out("reading globals");
	memcpy(bytes + offset_of(fd, variable), &v, size);
	must_put(fd, &zero, bytes);
}

static void begin(const char *variant)
{
	_cleanup_run_ struct run r = {};

	braid(&r, "delete", "edge");
	must_braid("apply", manifest(variant, ON_R0, ""));
}

static const char *with_defaults(void)
{
	static char text[512];

	snprintf(text, sizeof(text),
		 ", maps: {flows: %s, recent: %s, by_cpu: %s, slots: %s, "
		 "cpu_slots: %s, routes: %s}",
		 DEFAULTS, DEFAULTS, DEFAULTS, DEFAULTS, DEFAULTS, DEFAULTS);
	return text;
}

static void test_migrate(void)
{
	static const struct {
		const char *name;
		__u32 n;
		bool percpu;
	} maps[] = {
		{"flows", ENTRIES, false}, {"recent", ENTRIES, false}, {"by_cpu", ENTRIES, true},
		{"slots", SLOTS, false},   {"cpu_slots", 1, true},     {"routes", PREFIXES, false},
	};
	_cleanup_json_ json_t *plan = NULL, *j = NULL;
	const char *next;

	begin("0");
	fill_all();
	set_global("total", 0xfffffff0, 4);
	set_global("setting", 12, 4);
	next = manifest("1", MIGRATE, with_defaults());
	plan = braid_json("plan", next);
	is_str(how(plan, "flows"), "migrated", "plan says so before");
	ok(!json_at(plan, "blocked"), "nothing is in the way");
	j = braid_json("apply", next);
	for (size_t i = 0; i < sizeof(maps) / sizeof(*maps); i++) {
		json_t *c = carry_of(j, maps[i].name);

		is_str(json_text(c, "how"), "migrated", "%s is migrated", maps[i].name);
		is_int(json_number(c, "copied"), maps[i].n, "%s: copied", maps[i].name);
		is_int(json_number(c, "late") + json_number(c, "conflicts"), 0, "nothing is late");
		is_str(json_text(c, "removed/0"), "__u8 spare", "removed members are named");
		is_int(json_array_size(json_at(c, "added")), 3, "added ones, too");
		is_all_migrated(maps[i].name, maps[i].n, maps[i].percpu);
	}
	is_str(how(j, "names"), "continues", "the map that is the same continues");
	is_str(how(j, ".data"), "migrated", "globals are migrated");
	is_int(global("total", 8), 0xfffffff0, "by their names, wider");
	is_int(global("setting", 4), 12, "to another place");
	is_int(global("added", 8), 77, "a new one has the value that the object gives it");
}

/* The sum of a member over all entries and CPUs of a map. */
struct sum {
	size_t stride, offset, size;
	int values;
	__u64 n;
};

static int add_up(void *ctx, const void *key, const void *value)
{
	struct sum *sum = ctx;

	for (int i = 0; i < sum->values; i++) {
		__u64 v = 0;

		memcpy(&v, (const char *)value + i * sum->stride + sum->offset, sum->size);
		sum->n += v;
	}
	return 0;
}

static __u64 packets_in(const char *name, int variant)
{
	_cleanup_close_ int fd = open_map(name);
	struct sum sum = {.size = variant ? 8 : 4};
	struct elements map;

	if (elements_open(fd, &map, &err))
		bail_out("%s", err.what);
	sum.offset = variant == 0   ? offsetof(struct record0, packets)
		     : variant == 1 ? offsetof(struct record1, packets)
				    : offsetof(struct record2, packets);
	sum.stride = map.stride / map.cpus;
	sum.values = map.cpus;
	if (elements_each(&map, add_up, &sum, &err))
		bail_out("%s", err.what);
	return sum.n;
}

static const char *const counting[] = {"flows", "recent", "by_cpu", "slots", "cpu_slots", "routes"};
enum { COUNTING = 6 };

/* Frames meet what was migrated, and go on counting there. */
static void test_goes_on(void)
{
	__u64 before[COUNTING], total = global("total", 8);
	long long sent;

	for (int i = 0; i < COUNTING; i++)
		before[i] = packets_in(counting[i], 1);
	live_flood_start();
	wait_until(live_flood_sent() > FRAMES_BETWEEN, DEADLINE_MS);
	sent = live_flood_end();
	wait_until(global("total", 8) - total >= sent, DEADLINE_MS);
	is_int(global("total", 8) - total, sent, "globals: each of %lld frames", sent);
	for (int i = 0; i < COUNTING; i++)
		is_int(packets_in(counting[i], 1) - before[i], sent, "%s: each frame", counting[i]);
}

static void refused(const char *next, const char *const says[], const char *what)
{
	_cleanup_json_ json_t *plan = braid_json("plan", next);
	_cleanup_run_ struct run r = {};
	__u32 id = id_of("flows");

	is_int(braid(&r, "apply", next), 1, "%s: is refused", what);
	for (; *says; says++) {
		ok(strstr(r.err, *says), "it says '%s': %s", *says, r.err);
		ok(strstr(json_text(plan, "blocked/what"), *says) ||
			   strstr(json_text(plan, "blocked/why"), *says) ||
			   strstr(json_text(plan, "blocked/hint"), *says),
		   "plan, too");
	}
	is_int(id_of("flows"), id, "what ran goes on");
	is_int(braid(&r, "plan", next), 3, "plan: a conflict");
}

#define refuses(next, what, ...) refused(next, (const char *const[]){__VA_ARGS__, NULL}, what)

static void test_refuse(void)
{
	begin("0");
	fill_all();
	refuses(manifest("1", ON_R0, ""), "another layout", "map 'flows' cannot go on",
		"its layout changed", "- __u32 packets at 0", "+ __u64 packets at 24",
		"- __u8 spare at 6", "16 bytes became 40", "on-change: migrate",
		"on-change: reset");
	refuses(manifest("4", ON_R0, ""), "other names in the same bytes",
		"map 'names' cannot go on", "- __u32 passed at 0\n", "+ __u32 dropped at 0\n");
}

/* An error in the manifest is one for plan, too: nothing to be blocked. */
static void test_wrong_defaults(void)
{
	static const char *const says[][2] = {
		{"{tll: 1}", "did you mean 'ttl'?"},
		{"{ttl: -1}", "out of range"},
		{"{seen: 1}", "no member 'seen'"},
	};

	for (size_t i = 0; i < sizeof(says) / sizeof(*says); i++) {
		_cleanup_run_ struct run r = {};

		is_int(braid(&r, "apply",
			     manifest("1", MIGRATE,
				      live_text(", maps: {flows: {defaults: %s}}", says[i][0]))),
		       1, "defaults: %s", says[i][0]);
		ok(strstr(r.err, says[i][1]), "says '%s': %s", says[i][1], r.err);
	}
}

static void test_narrower(void)
{
	begin("1");
	refuses(manifest("0", MIGRATE, ""), "narrower",
		"the entries of map 'flows' cannot be brought over", "'__u64 seen.last'",
		"may hold values that do not fit", "on-change: reset");
}

static void test_reset(void)
{
	_cleanup_json_ json_t *j = NULL;

	begin("0");
	fill_all();
	j = braid_json("apply", manifest("1", ON_R0 "on-change: migrate, ",
					 ", maps: {flows: {on-change: reset}, .data: "
					 "{on-change: reset}}"));
	is_str(how(j, "flows"), "anew", "reset: it starts anew");
	ok(strstr(json_text(carry_of(j, "flows"), "why"), "on-change is reset"), "and says why");
	is_int(packets_in("flows", 1), 0, "without entries");
	is_str(how(j, "recent"), "migrated", "the others as the pipeline says");
	is_int(global("added", 8), 77, "globals as the object has them");
}

static void test_same_layout(void)
{
	static const char *const names[] = {"flows", "by_cpu", "names", ".data"};
	_cleanup_json_ json_t *j = NULL;
	__u32 id;

	begin("0");
	set_global("setting", 12, 4);
	id = id_of(".data");
	j = braid_json("apply", manifest("3", ON_R0, ""));
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		is_str(how(j, names[i]), "continues", "another object: %s continues", names[i]);
	is_int(id_of(".data"), id, "globals are the same map");
	is_int(global("setting", 4), 12, "with what was in them");
}

static void test_renamed(void)
{
	const __u32 old[2] = {1, 2};
	__u32 new[2] = {}, key = 0;
	_cleanup_close_ int fd = -1;
	_cleanup_json_ json_t *j = NULL;

	begin("0");
	fd = open_map("names");
	must_put(fd, &key, old);
	close(TAKE_FD(fd));
	j = braid_json("apply", manifest("4", MIGRATE, ""));
	is_str(how(j, "names"), "migrated", "members that changed places");
	fd = open_map("names");
	bpf_map_lookup_elem(fd, &key, new);
	ok(new[0] == 2 && new[1] == 1, "go where their names are");
}

static const char *sized(const char *map, unsigned int entries)
{
	return manifest("0", ON_R0, live_text(", maps: {%s: {max-entries: %u}}", map, entries));
}

static void put_names(__u32 n)
{
	_cleanup_close_ int fd = open_map("names");
	const __u32 value[2] = {7, 8};

	for (__u32 i = 0; i < n; i++)
		must_put(fd, &i, value);
}

static void test_size(void)
{
	_cleanup_json_ json_t *larger = NULL, *smaller = NULL;
	_cleanup_close_ int fd = -1;
	__u32 key = 6, value[2] = {};

	begin("0");
	put_names(7);
	larger = braid_json("apply", sized("names", 16));
	is_str(how(larger, "names"), "migrated", "a larger map takes the entries, unasked");
	is_int(json_number(carry_of(larger, "names"), "copied"), 7, "all of them");
	refuses(sized("names", 6), "too small", "it has 7, and max-entries is now 6");
	smaller = braid_json("apply", sized("names", 7));
	is_int(json_number(carry_of(smaller, "names"), "copied"), 7, "a smaller one if they fit");
	fd = open_map("names");
	ok(!bpf_map_lookup_elem(fd, &key, value) && value[1] == 8, "with their values");
}

static void test_shorter_array(void)
{
	_cleanup_run_ struct run r = {};
	_cleanup_json_ json_t *j = NULL;
	const struct record0 empty = {};
	_cleanup_close_ int fd = -1;
	__u32 last = SLOTS - 1, id;

	begin("0");
	fill("slots", SLOTS);
	id = id_of("slots");
	is_int(braid(&r, "apply", sized("slots", SLOTS - 1)), 1, "an array that is too short");
	ok(strstr(r.err, "element 3 is in use, and max-entries is now 3"), "says so: %s", r.err);
	is_int(id_of("slots"), id, "the old one goes on");
	fd = open_map("slots");
	must_put(fd, &last, &empty);
	j = braid_json("apply", sized("slots", SLOTS - 1));
	is_int(json_number(carry_of(j, "slots"), "copied"), SLOTS, "its end was free: that fits");
	is_int(packets_in("slots", 0), 0 + 1 + 2, "the rest is there");
}

static void test_timer(void)
{
	begin("0t");
	refuses(manifest("1t", MIGRATE, ""), "a timer",
		"the entries of map 'timers' cannot be brought over",
		"'struct bpf_timer timer' cannot be converted", "cannot be copied");
	must_braid("apply", manifest("1t", MIGRATE, ", maps: {timers: {on-change: reset}}"));
}

/* Entries of the manifest are what a map begins with, not what it goes on with. */
static void test_manifests_entries(void)
{
	const char *entries = ", maps: {names: {entries: [{key: 1, value: {passed: 5}}, "
			      "{key: 2, value: {passed: 6}}], max-entries: %d}}";
	_cleanup_close_ int fd = -1;
	_cleanup_run_ struct run r = {};
	__u32 one = 1, two = 2, value[2] = {50, 0};

	braid(&r, "delete", "edge");
	must_braid("apply", manifest("0", ON_R0, live_text(entries, 8)));
	fd = open_map("names");
	must_put(fd, &one, value);
	bpf_map_delete_elem(fd, &two);
	close(TAKE_FD(fd));
	must_braid("apply", manifest("0", ON_R0, live_text(entries, 9)));
	fd = open_map("names");
	ok(!bpf_map_lookup_elem(fd, &one, value) && value[0] == 50, "what was changed stays so");
	is_int(bpf_map_lookup_elem(fd, &two, value), -ENOENT, "what was deleted, too");
}

static void test_parked(void)
{
	const char *both = live_text("%s, {name: s, object: %s/live_migrate0.bpf.o%%s}",
				     live_mark(1, ""), live_objects);
	_cleanup_json_ json_t *off = NULL, *again = NULL, *on = NULL, *gone = NULL;
	_cleanup_run_ struct run r = {};
	__u32 id;

	braid(&r, "delete", "edge");
	must_braid("apply", live_manifest("m.yaml", ON_R0, live_text(both, "")));
	fill("flows", ENTRIES);
	id = id_of("flows");
	off = braid_json("apply",
			 live_manifest("m.yaml", ON_R0, live_text(both, ", disabled: true")));
	is_str(how(off, "flows"), "parked", "a disabled stage's maps wait");
	again = braid_json("apply", live_manifest("m.yaml", ON_R0 "final: pass, ",
						  live_text(both, ", disabled: true")));
	is_str(how(again, "flows"), "parked", "for as long as it takes");
	on = braid_json("apply", live_manifest("m.yaml", ON_R0, live_text(both, "")));
	is_str(how(on, "flows"), "continues", "enabled: they go on");
	is_int(id_of("flows"), id, "the same map");
	is_int(packets_in("flows", 0), ENTRIES * (ENTRIES - 1) / 2, "with all entries");
	gone = braid_json("apply", live_manifest("m.yaml", ON_R0, live_mark(1, "")));
	is_str(how(gone, "flows"), "dropped", "without its stage it is dropped, and that is said");
}

static __u32 id_in(const char *stage, const char *name)
{
	_cleanup_json_ json_t *status = braid_json("status", "edge");
	json_t *m;
	size_t i;

	json_array_foreach (json_at(status, "pipelines/0/maps"), i, m) {
		if (!strcmp(json_text(m, "stage"), stage) && !strcmp(json_text(m, "name"), name))
			return json_number(m, "id");
	}
	return 0;
}

/* What was the candidate of a rollout becomes the stage, and its maps those of the stage. */
static void test_promoted(void)
{
	const char *rollout = live_text(", rollout: {object: %s/live_migrate3.bpf.o}",
					live_objects);
	_cleanup_json_ json_t *both = NULL, *promoted = NULL;
	__u32 old, new;

	begin("0");
	both = braid_json("apply", manifest("0", ON_R0, rollout));
	is_str(how(both, "flows"), "continues", "during a rollout the stage's maps go on");
	old = id_in("s", "flows");
	new = id_in("s@new", "flows");
	ok(old && new &&old != new, "the candidate has its own");
	promoted = braid_json("apply", manifest("3", ON_R0, ""));
	is_str(how(promoted, "flows"), "continues", "promoted");
	is_int(id_in("s", "flows"), new, "it goes on with its own maps");
	begin("0");
	must_braid("apply", manifest("0", ON_R0, rollout));
	old = id_in("s", "flows");
	must_braid("apply", manifest("0", ON_R0, ""));
	is_int(id_in("s", "flows"), old, "aborted: the stage goes on with its own");
	is_int(id_in("s@new", "flows"), 0, "the candidate's are gone");
}

static const char *reordered(int i, unsigned int keys)
{
	return manifest(i % 2 ? "1" : "2", MIGRATE,
			live_text(", constants: {keys: %u, verdict: 1}", keys));
}

static void count_late(json_t *report, long long *late, long long *conflicts)
{
	json_t *m;
	size_t i;

	json_array_foreach (json_at(report, "carry"), i, m) {
		if (strcmp(json_text(m, "how"), "migrated"))
			continue;
		*late += json_number(m, "late");
		*conflicts += json_number(m, "conflicts");
		if (*json_text(m, "note"))
			diag("%s: %s", json_text(m, "name"), json_text(m, "note"));
	}
}

/* Return: whether all changes happened. */
static bool migrate_under_load(unsigned int keys, int changes, long long *late,
			       long long *conflicts)
{
	for (int i = 0; i < changes; i++) {
		long long before = live_flood_sent();
		_cleanup_json_ json_t *j = NULL;

		if (!wait_until(live_flood_sent() > before + FRAMES_BETWEEN, DEADLINE_MS))
			return false;
		j = braid_json("apply", reordered(i + 1, keys));
		if (strcmp(how(j, "flows"), "migrated"))
			return false;
		count_late(j, late, conflicts);
	}
	return true;
}

static void is_exact(long long sent, int variant)
{
	wait_until(global("total", 8) >= sent, 5000);
	is_int(global("total", 8), sent, "globals: each frame once");
	for (int i = 0; i < COUNTING; i++)
		is_int(packets_in(counting[i], variant), sent, "%s: each frame once", counting[i]);
}

/* Tries take no entries from the programs here. */
static void make_routes(void)
{
	_cleanup_close_ int fd = open_map("routes");
	const struct record2 empty = {};

	for (__u32 i = 0; i < PREFIXES; i++) {
		struct prefix prefix = prefix_of(i);

		must_put(fd, &prefix, &empty);
	}
}

/* All that is tagged as a counter is exact, however often it moves, and no frame is lost. */
static void test_load(unsigned int keys, int changes)
{
	long long late = 0, conflicts = 0, sent;
	_cleanup_run_ struct run r = {};

	braid(&r, "delete", "edge");
	must_braid("apply", reordered(1, keys));
	must_braid("apply", reordered(0, keys));
	make_routes();
	live_flood_start();
	ok(migrate_under_load(keys, changes, &late, &conflicts),
	   "%d migrations of %u flows under load", changes, keys);
	sent = live_flood_end();
	diag("%lld frames, %lld entries late, %lld conflicts", sent, late, conflicts);
	if (keys > 1) /* with so many there is always one */
		ok(late > 0, "some entries changed between the last copying and the switch");
	is_exact(sent, changes % 2 ? 1 : 2);
}

static void fill_many(void)
{
	_cleanup_close_ int fd = open_map("flows");
	const struct record2 empty = {.kind = 5};

	for (__u32 i = 0; i < MANY; i++)
		must_put(fd, &i, &empty);
}

static void test_many(void)
{
	_cleanup_run_ struct run r = {};
	_cleanup_json_ json_t *j = NULL;
	long long sent;

	braid(&r, "delete", "edge");
	must_braid("apply", reordered(0, MANY));
	fill_many();
	make_routes();
	live_flood_start();
	if (!wait_until(live_flood_sent() > FRAMES_BETWEEN, DEADLINE_MS))
		bail_out("no frames");
	j = braid_json("apply", reordered(1, MANY));
	sent = live_flood_end();
	is_int(json_number(carry_of(j, "flows"), "copied"), MANY, "%d entries", MANY);
	is_int(json_number(carry_of(j, "flows"), "conflicts"), 0, "no conflict");
	is_exact(sent, 1);
}

/* Killed anywhere, the entries are there when the next command has settled it. */
static void test_killed(void)
{
	const char *next = NULL;
	bool killed = true;
	int nth = 0, wrong = 0;

	while (killed) {
		begin("0");
		fill_all();
		next = manifest("1", MIGRATE, with_defaults());
		killed = live_killed_at((const char *const[]){live_braid, "apply", next, NULL},
					nth++);
		must_braid("apply", next);
		wrong += packets_in("flows", 1) != ENTRIES * (ENTRIES - 1) / 2;
		wrong += packets_in("slots", 1) != SLOTS * (SLOTS - 1) / 2;
	}
	ok(nth > 10, "killed at %d places", nth);
	is_int(wrong, 0, "no entry is lost");
	must_braid("delete", "edge");
	is_int(live_pins(), 0, "no pin is left");
}

int main(int argc, char **argv)
{
	live_init(argc, argv);
	cpus = libbpf_num_possible_cpus();
	test_migrate();
	test_goes_on();
	test_refuse();
	test_wrong_defaults();
	test_narrower();
	test_reset();
	test_same_layout();
	test_renamed();
	test_size();
	test_shorter_array();
	test_timer();
	test_manifests_entries();
	test_parked();
	test_promoted();
	test_load(1, CHANGES);
	test_load(1000, CHANGES);
	test_many();
	test_killed();
	braid_error_clear(&err);
	return done();
}
