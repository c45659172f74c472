/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Maps while packets change them: what dump, watch and member assignment make of it, compared
 * with what bpftool says of the same map; and dump's output as input.
 */
#include <bpf/bpf.h>
#include <string.h>

#include "live_flood.h"
#include "live_maps_common.h"
#include "wait.h"

enum { FRAMES = 50, DEADLINE_MS = 60000, ROUNDS = 30 };

static void send_frames(int n)
{
	for (int i = 0; i < n; i++)
		if (strcmp(live_trip(0), "") != 0)
			bail_out("frame %d did not arrive as it was", i);
}

static long long get_number(const char *map, const char *key, const char *path)
{
	_cleanup_json_ json_t *j = braid_json("map", "get", "edge", map, key);

	return json_number(j, path);
}

static void test_counting(void)
{
	const char *globals;

	map_says("set", "edge", "flows", FLOW, "{limit: 5, label: web}");
	send_frames(FRAMES);
	is_int(get_number("flows", FLOW, "value/packets"), FRAMES, "a hash counts frames");
	is_int(get_number("stats", "0", "sum/packets"), FRAMES, "a per-CPU array, all CPUs");
	is_int(get_number("stats", "0", "sum/bytes"), FRAMES * FRAME_SIZE, "and bytes");
	is_int(get_number("counts", live_text("%d", FRAME_SIZE), "sum"), FRAMES, "a per-CPU hash");
	globals = map_says("get", "edge", "all.data");
	is_str(globals, live_text("{mark: 5, name: none, total: %d}", FRAMES), "globals");
	is_str(map_says("get", "edge", "lru", "fd00::1"), "1", "an LRU hash, by IPv6 address");
	is_str(map_says("get", "edge", "waiting"), "{source: 10.0.0.1, port: 53, zero: 0}",
	       "a queue that the program fills");
}

static void test_watch(void)
{
	_cleanup_run_ struct run r = {};
	_cleanup_json_ json_t *j = NULL;
	const char *const argv[] = {live_braid, "map", "watch",      "edge", "flows", "--json",
				    "--limit",  "1",   "--interval", "0.01", NULL};

	run_start(&r, argv);
	/* it must see them come, whenever it has taken its first look */
	ok(wait_until((send_frames(1), run_has_ended(&r)), DEADLINE_MS),
	   "watch sees enough, and ends");
	is_int(run_wait(&r), 0, "well");
	j = json_loads(r.out, 0, NULL);
	is_str(json_text(j, "change"), "changed", "an entry changes: %s", r.out);
	is_str(json_text(j, "key/source"), "192.0.2.1", "that one");
	ok(json_number(j, "value/packets") > json_number(j, "old/packets"), "from old to new");
	ok(json_real_value(json_at(j, "rates/packets")) > 0, "so fast");
	ok(!json_at(j, "rates/limit"), "what does not count has no rate");
}

static void test_watch_text(void)
{
	_cleanup_run_ struct run r = {};
	const char *const argv[] = {live_braid, "map", "watch",      "edge", "counts",
				    "--limit",  "1",   "--interval", "0.01", NULL};

	map_says("delete", "edge", "counts", "--all", "--yes");
	run_start(&r, argv);
	ok(wait_until((send_frames(1), run_has_ended(&r)), DEADLINE_MS),
	   "per CPU: it sees it, too");
	is_int(run_wait(&r), 0, "well");
	ok(strstr(r.out, live_text("+ %d = ", FRAME_SIZE)) == r.out ||
		   strstr(r.out, live_text("~ %d: ", FRAME_SIZE)) == r.out,
	   "for people: %s", r.out);
}

static void test_nothing(void)
{
	is_str(map_says("watch", "edge", "table", "--once", "--interval", "0.01"), "",
	       "nothing changes, nothing is said");
	map_fails(2, "is not a time", "watch", "edge", "table", "--interval", "x");
	map_fails(1, "without changing it", "watch", "edge", "waiting");
}

/* Programs count in the one member while the other is set: no count is lost. */
static void test_members_under_load(void)
{
	long long before = get_number("flows", FLOW, "value/packets"), sent, arrived;

	live_flood_start();
	for (int i = 0; i < ROUNDS; i++) {
		_cleanup_run_ struct run r = {};

		if (braid(&r, "map", "set", "edge", "flows", FLOW, live_text(".limit=%d", i + 1),
			  ".burst=9"))
			bail_out("set: %s", r.err);
	}
	ok(strstr(map_says("dump", "edge", "flows"), "limit: 30"), "dump under load");
	map_says("dump", "edge", "stats", "--json");
	sent = live_flood_end();
	ok(wait_until((arrived = get_number("flows", FLOW, "value/packets") - before) == sent,
		      DEADLINE_MS),
	   "%lld frames, %lld counted beside %d changes", sent, arrived, ROUNDS);
	is_int(get_number("flows", FLOW, "value/limit"), ROUNDS, "the last one holds");
}

/* What dump prints can be set, in this map and in another one. */
static void test_restore(const char *map, const char *option)
{
	_cleanup_run_ struct run first = {}, again = {};
	const char *file;

	if (braid(&first, "map", "dump", "edge", map, "--json", option))
		bail_out("dump: %s", first.err);
	file = live_write("dump.json", "%s", first.out);
	if (strcmp(map, "stats") != 0) /* an array keeps its entries */
		map_says("delete", "edge", map, "--all", "--yes");
	map_says("set", "edge", map, "--from", file);
	braid(&again, "map", "dump", "edge", map, "--json", option);
	is_str(again.out, first.out, "%s: dump, delete, set --from: as it was", map);
}

static void test_from(void)
{
	map_says("set", "edge", "routes", "10.0.0.0/8",
		 "{action: DENY, mac: \"02:00:00:00:00:07\"}");
	test_restore("flows", "--per-cpu");
	test_restore("routes", "--per-cpu");
	test_restore("stats", "--per-cpu");
	map_fails(1, "--per-cpu", "set", "edge", "stats", "--from",
		  live_write("sum.json", "{\"key\":0,\"sum\":{\"packets\":1}}\n"));
	map_fails(3, "there.json:1: ", "set", "edge", "flows", "--create", "--from",
		  live_write("there.json", "{\"key\":%s,\"value\":{}}\n",
			     "{\"source\":\"192.0.2.1\",\"port\":443}"));
	map_fails(1, "no entry", "set", "edge", "stats", "--from",
		  live_write("no.json", "[{\"value\":\n"));
	map_fails(1, "Is a directory", "set", "edge", "stats", "--from", net_scratch());
}

/* bpftool's members of @theirs, which it prints by its own reading of BTF, are in @ours. */
static void compare(json_t *theirs, json_t *ours, const char *what)
{
	const char *name;
	json_t *value;

	json_object_foreach (theirs, name, value) {
		json_t *mine = json_object_get(ours, name);

		if (json_is_integer(value) && json_is_integer(mine))
			is_int(json_integer_value(mine), json_integer_value(value), "%s: %s", what,
			       name);
	}
}

static void test_bpftool(void)
{
	_cleanup_close_ int fd = maps_open("flows");
	struct bpf_map_info info = {};
	__u32 size = sizeof(info);
	_cleanup_run_ struct run r = {};
	_cleanup_json_ json_t *theirs = NULL,
			      *ours = braid_json("map", "get", "edge", "flows", FLOW);

	if (bpf_obj_get_info_by_fd(fd, &info, &size))
		bail_out("looking at a map");
	if (run(&r, "bpftool", "-j", "map", "dump", "id", live_text("%u", info.id))) {
		skip("bpftool: %s", r.err);
		return;
	}
	theirs = json_loads(r.out, 0, NULL);
	is_int(json_array_size(theirs), 1, "bpftool sees one entry, too");
	is_int(json_number(theirs, "0/formatted/value/packets"), json_number(ours, "value/packets"),
	       "with the same count");
	compare(json_at(theirs, "0/formatted/value"), json_at(ours, "value"), "bpftool agrees");
	is_str(json_text(theirs, "0/formatted/value/action"), json_text(ours, "value/action"),
	       "and on the enumerator");
}

static bool has_said(const char *path, const char *what)
{
	_cleanup_run_ struct run r = {};

	return !run(&r, "grep", "-q", "-e", what, path);
}

/* Another map in its place, and then none: both are told. */
static void test_watch_gone(void)
{
	const char *path = live_write("watched", "%s", "");
	_cleanup_run_ struct run r = {};

	live_drain(0);
	run_start(&r, (const char *const[]){"sh", "-c",
					    live_text("exec %s map watch edge flows -i 10ms >%s",
						      live_braid, path),
					    NULL});
	ok(wait_until((send_frames(1), has_said(path, "^~ ")), DEADLINE_MS), "it watches");
	maps_apply(", maps: {flows: {entries: [{key: {source: 192.0.2.1, port: 443, zero: 0}, "
		   "value: {limit: 1}}]}}");
	ok(wait_until(has_said(path, "^= another map"), DEADLINE_MS), "another map is told");
	must_braid("delete", "edge");
	is_int(run_wait(&r), 1, "and that there is none ends it");
	ok(strstr(r.err, "no pipeline 'edge' runs"), "%s", r.err);
}

int main(int argc, char **argv)
{
	live_init(argc, argv);
	maps_apply("");
	test_counting();
	test_watch();
	test_watch_text();
	test_nothing();
	test_members_under_load();
	test_from();
	test_bpftool();
	test_watch_gone();
	return done();
}
