/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The maps of a pipeline that runs, as people see them: each kind read and written, what is
 * printed set again, and what must be refused.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "live_maps_common.h"

static json_t *listed(const char *map)
{
	static json_t *j;
	json_t *m;
	size_t i;

	json_decref(j);
	j = braid_json("map", "list", "edge", "--all", "--count");
	json_array_foreach (json_at(j, "maps"), i, m)
		if (!strcmp(json_text(m, "map"), map))
			return m;
	return NULL;
}

static void test_list(void)
{
	json_t *m = listed("all.flows");
	const char *out;

	is_str(json_text(m, "type"), "hash", "list: its type");
	is_str(json_text(m, "key-type"), "struct flow", "of its keys");
	is_str(json_text(m, "value-type"), "struct record", "of its values");
	is_int(json_number(m, "max-entries"), 4, "its size");
	is_int(json_number(m, "entries"), 0, "what is in it");
	ok(json_number(m, "bytes") > 0, "its memory");
	is_str(json_text(listed("all.waiting"), "value-type"), "struct flow",
	       "of a queue, too, which the kernel does not know");
	is_str(json_text(listed("all.data"), "type"), "globals", "globals");
	ok(json_is_true(json_at(listed("all.data"), "mmapable")), "that can be mapped");
	ok(json_is_true(json_at(listed("control"), "braid")), "braid's own with --all");
	out = map_says("list", "edge");
	ok(strstr(out, "all.flows") && strstr(out, "percpu_array") && !strstr(out, "control"),
	   "the table, without them");
	out = map_says("list");
	ok(strstr(out, "PIPELINE") && strstr(out, "edge"), "of all pipelines");
}

static void test_hash(void)
{
	const char *record = "{packets: 0, limit: 9, action: DENY, label: web, mac: "
			     "\"02:00:00:00:00:01\", burst: 200, low: 5, high: 17}";
	const char *out;

	map_says("set", "edge", "flows", FLOW, record);
	out = map_says("get", "edge", "all.flows", FLOW);
	is_str(out, record, "get prints what was set");
	map_says("set", "edge", "flows", FLOW, out);
	is_str(map_says("get", "edge", "flows", FLOW), record, "and set takes what get prints");
	is_str(map_says("dump", "edge", "flows"),
	       live_text("{source: 192.0.2.1, port: 443, zero: 0} = %s", record), "dump");
	out = map_says("dump", "edge", "flows", "--json");
	ok(strstr(out, "{\"key\":{\"source\":\"192.0.2.1\",\"port\":443,\"zero\":0},\"value\":") ==
		   out,
	   "an object in each line: %s", out);
	map_says("set", "edge", "flows", FLOW, ".limit=77", ".label=x", ".high=1", ".burst=3");
	is_str(map_says("get", "edge", "flows", FLOW),
	       "{packets: 0, limit: 77, action: DENY, label: x, mac: \"02:00:00:00:00:01\", burst: "
	       "3, "
	       "low: 5, high: 1}",
	       "members change, and the others stay");
	is_int(json_number(listed("all.flows"), "entries"), 1, "one entry");
	map_says("delete", "edge", "flows", FLOW);
	map_fails(1, "no entry", "get", "edge", "flows", FLOW);
	map_fails(1, "no entry", "delete", "edge", "flows", FLOW);
	map_fails(1, "no entry", "set", "edge", "flows", FLOW, ".limit=1");
}

static void test_flags(void)
{
	map_fails(1, "no entry", "set", "edge", "flows", FLOW, "{}", "--update");
	map_says("set", "edge", "flows", FLOW, "{limit: 1}", "--create");
	map_fails(3, "there already", "set", "edge", "flows", FLOW, "{}", "--create");
	map_says("set", "edge", "flows", FLOW, "{limit: 2}", "--update");
	map_says("set", "edge", "flows", "{port: 1}", "{}");
	map_says("set", "edge", "flows", "{port: 2}", "{}");
	map_says("set", "edge", "flows", "{port: 3}", "{}");
	map_fails(1, "no room", "set", "edge", "flows", "{port: 4}", "{}");
	map_fails(1, "nothing was deleted", "delete", "edge", "flows", "--all");
	is_int(json_number(listed("all.flows"), "entries"), 4, "they are still there");
	map_says("delete", "edge", "flows", "--all", "--yes");
	is_int(json_number(listed("all.flows"), "entries"), 0, "and gone with --yes");
}

static void test_percpu(void)
{
	int n = libbpf_num_possible_cpus();
	_cleanup_json_ json_t *apart = NULL;
	const char *list = "[";

	map_says("set", "edge", "counts", "7", "10");
	is_str(map_says("get", "edge", "counts", "7"), live_text("%d", 10 * n),
	       "per CPU: each has it, and get adds up");
	for (int i = 0; i < n; i++)
		list = live_text("%s%s%d", list, i ? ", " : "", i + 1);
	list = live_text("%s]", list);
	map_says("set", "edge", "counts", "7", list, "--per-cpu");
	is_str(map_says("get", "edge", "counts", "7", "--per-cpu"), list, "one for each");
	is_str(map_says("get", "edge", "counts", "7"), live_text("%d", n * (n + 1) / 2),
	       "their sum");
	apart = braid_json("map", "get", "edge", "counts", "7", "--per-cpu");
	is_int(json_array_size(json_at(apart, "cpus")), n, "as JSON");
	map_fails(1, "a list of", "set", "edge", "counts", "7", "[1]", "--per-cpu");
	map_says("set", "edge", "stats", "1", "{packets: 1, bytes: 2, last: 3, setting: 4}");
	is_str(map_says("get", "edge", "stats", "1"),
	       live_text("{packets: %d, bytes: %d, last: 3, setting: 4}", n, 2 * n),
	       "only what is tagged counts; the rest is the same on all CPUs");
	map_says("set", "edge", "stats", "1", ".packets=0", ".last=8");
	is_str(map_says("get", "edge", "stats", "1"),
	       live_text("{packets: 0, bytes: %d, last: 8, setting: 4}", 2 * n),
	       "members change on all CPUs");
}

static void test_tries_and_arrays(void)
{
	map_says("set", "edge", "routes", "10.0.0.0/8", "{action: DENY, limit: 5}");
	map_says("set", "edge", "routes", "10.1.0.0/16", "{action: 1}");
	ok(strstr(map_says("get", "edge", "routes", "10.1.0.0/16"), "action: 1"), "trie: a prefix");
	ok(strstr(map_says("get", "edge", "routes", "10.2.3.4/32"), "action: DENY"),
	   "and the longest that fits");
	ok(strstr(map_says("dump", "edge", "routes"), "10.0.0.0/8 = {"), "dump names them");
	map_says("set", "edge", "routes", "10.0.0.0/8", ".limit=6");
	ok(strstr(map_says("get", "edge", "routes", "10.0.0.0/8"), "limit: 6, action: DENY"),
	   "members");
	map_says("delete", "edge", "routes", "10.0.0.0/8");
	map_fails(1, "no entry", "get", "edge", "routes", "10.2.3.4/32");
	map_fails(1, "bits behind its prefix", "set", "edge", "routes", "10.1.0.0/8", "{}");

	map_says("set", "edge", "table", "2", "-5");
	is_str(map_says("dump", "edge", "table"), "0 = 0\n1 = 0\n2 = -5", "array");
	map_fails(1, "entries 0 to 2", "set", "edge", "table", "3", "1");
	map_fails(1, "entries 0 to 2", "get", "edge", "table", "3");
	map_fails(1, "deleted", "delete", "edge", "table", "0");
	map_fails(1, "out of range", "set", "edge", "table", "0", "40000");

	map_says("set", "edge", "locks", "1", "{a: 1, b: 2}");
	map_says("set", "edge", "locks", "1", ".b=7");
	is_str(map_says("get", "edge", "locks", "1"), "{lock: \"hex:00000000\", a: 1, b: 7}",
	       "with a lock");
	map_says("set", "edge", "bare", "hex:01000000", "hex:000102030405060708090a0b");
	is_str(map_says("dump", "edge", "bare"), "hex:01000000 = hex:000102030405060708090a0b",
	       "without types");
	map_fails(1, "no members", "set", "edge", "bare", "hex:01000000", ".x=1");
}

static void test_globals(void)
{
	is_str(map_says("get", "edge", "all.data"), "{mark: 5, name: none, total: 0}", "globals");
	map_says("set", "edge", ".data", ".mark=6", ".name=abc");
	is_str(map_says("get", "edge", "all.data"), "{mark: 6, name: abc, total: 0}", "changed");
	map_says("set", "edge", "all..data", "0", "{mark: 5, name: none}");
	is_str(map_says("dump", "edge", ".data"), "0 = {mark: 5, name: none, total: 0}",
	       "all of them");
}

static void test_queues(void)
{
	map_fails(1, "is empty", "get", "edge", "pile");
	map_says("set", "edge", "pile", "1");
	map_says("set", "edge", "pile", "2");
	is_str(map_says("get", "edge", "pile"), "2", "stack: what comes next");
	is_str(map_says("delete", "edge", "pile"), "2", "is taken out");
	is_str(map_says("get", "edge", "pile"), "1", "and then the one below");
	map_fails(1, "without changing it", "dump", "edge", "pile");
	map_fails(1, "no keys", "get", "edge", "pile", "0");
	map_says("set", "edge", "waiting", FLOW);
	is_str(map_says("get", "edge", "waiting"), "{source: 192.0.2.1, port: 443, zero: 0}",
	       "queue: with types");
	map_fails(1, "no keys", "set", "edge", "waiting", FLOW, "--create");
	map_says("delete", "edge", "waiting", "--all", "--yes");
	map_fails(1, "is empty", "get", "edge", "waiting");
	map_fails(1, "not in it", "get", "edge", "filter", "17");
	map_says("set", "edge", "filter", "17");
	is_str(map_says("get", "edge", "filter", "17"), "17", "bloom filter: may be in it");
	map_fails(1, "no keys", "set", "edge", "filter", "18", "--update");
	map_fails(1, "not in it", "get", "edge", "filter", "18");
	map_fails(1, "asked for", "dump", "edge", "filter");
	map_fails(1, "on its way", "dump", "edge", "events");
	map_fails(1, "from outside", "set", "edge", "events", "1");
}

/* One that is like the others takes its place. */
static void test_maps_in_maps(void)
{
	_cleanup_close_ int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "another", 4, 4, 1, NULL);
	const char *pin = live_text("%s/another", getenv("BRAID_BPFFS"));
	struct bpf_map_info info = {};
	__u32 size = sizeof(info);

	if (fd < 0 || bpf_obj_pin(fd, pin) || bpf_obj_get_info_by_fd(fd, &info, &size))
		bail_out("a map: %s", strerror(errno));
	map_says("set", "edge", "maps", "1", pin);
	is_str(map_says("get", "edge", "maps", "1"),
	       live_text("{map: %u, map-name: another, map-type: array}", info.id), "map of maps");
	map_says("set", "edge", "maps", "0", live_text("%u", info.id));
	ok(strstr(map_says("dump", "edge", "maps"), "1 = {map: "), "by its id, too");
	unlink(pin);
	map_fails(1, "like those", "set", "edge", "maps", "1",
		  live_text("%lld", json_number(listed("all.table"), "id")));
	map_fails(1, "No such file", "set", "edge", "maps", "1", pin);
}

static void test_names(void)
{
	const char *loopback = "{interface: lo, ifindex: 1}";
	_cleanup_json_ json_t *j = NULL;

	map_says("set", "edge", "ports", "1", "lo");
	is_str(map_says("dump", "edge", "ports"), live_text("1 = %s", loopback), "devmap");
	map_says("set", "edge", "ports", "2", loopback);
	map_says("delete", "edge", "ports", "1");
	is_str(map_says("dump", "edge", "ports"), live_text("2 = %s", loopback), "set and deleted");
	map_fails(1, "nowhere0", "set", "edge", "ports", "1", "nowhere0");
	map_says("set", "edge", "ports_by_id", "9", "1");
	is_str(map_says("get", "edge", "ports_by_id", "9"), loopback, "by its index");
	map_says("set", "edge", "cpus", "0", "{queue: 128}");
	is_str(map_says("get", "edge", "cpus", "0"), "{queue: 128}", "cpumap");
	test_maps_in_maps();
	map_fails(1, "expected the id of a map", "set", "edge", "maps", "1", "x");
	map_fails(1, "which sockets", "dump", "edge", "sockets");
	j = braid_json("status", "edge");
	map_says("set", "edge", "calls", "3",
		 live_text("%lld", json_number(j, "pipelines/0/programs/0/id")));
	ok(strstr(map_says("get", "edge", "calls", "3"), "{program: "), "prog array");
	map_says("delete", "edge", "calls", "3");
	map_fails(1, "no entry", "get", "edge", "calls", "3");
}

static void test_refused(void)
{
	_cleanup_close_ int fd = maps_open("table");

	map_fails(1, "did you mean 'flows'?", "get", "edge", "flow", "1");
	map_fails(1, "did you mean 'edge'?", "get", "egde", "flows", "1");
	map_fails(1, "which entry?", "get", "edge", "flows");
	map_fails(1, "no member 'soucre'", "get", "edge", "flows", "{soucre: 1}");
	map_fails(1, "expected", "get", "edge", "flows", "17");
	map_fails(1, "too long", "set", "edge", "flows", FLOW, "{label: much too long}");
	map_fails(1, "no member 'limt'", "set", "edge", "flows", FLOW, ".limt=1");
	map_fails(1, "exactly", "get", "edge", "flows", "hex:01");
	map_fails(4, "braid signal", "set", "edge", "control", "0", "{}");
	map_fails(2, "does not go with", "get", "edge", "flows", FLOW, "--yes");
	map_fails(2, "did you mean 'dump'?", "dmup", "edge", "flows");
	if (bpf_map_freeze(fd))
		bail_out("freezing a map: %s", strerror(errno));
	map_fails(4, "frozen", "set", "edge", "table", "1", "1");
	map_fails(4, "frozen", "set", "edge", "table", "--from",
		  live_write("one.json", "{\"key\":0,\"value\":1}\n"));
	ok(json_is_true(json_at(listed("all.table"), "frozen")), "list says so");
	is_str(map_says("get", "edge", "table", "2"), "-5", "it can be read");
}

int main(int argc, char **argv)
{
	live_init(argc, argv);
	maps_apply("");
	test_list();
	test_hash();
	test_flags();
	test_percpu();
	test_tries_and_arrays();
	test_globals();
	test_queues();
	test_names();
	test_refused();
	must_braid("delete", "edge");
	return done();
}
