/* SPDX-License-Identifier: GPL-2.0-only */
/* Maps and globals whose layout or size changes, at rest: migrated, refused, reset; killed. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <string.h>

#include "live_flood.h"
#include "live_killed.h"
#include "live_migrate_common.h"
#include "wait.h"

#define DEFAULTS "{defaults: {ttl: 64}}"

static int cpus;

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
	test_renamed();
	test_size();
	test_shorter_array();
	test_timer();
	test_killed();
	braid_error_clear(&err);
	return done();
}
