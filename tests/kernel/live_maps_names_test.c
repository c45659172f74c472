/* SPDX-License-Identifier: GPL-2.0-only */
/* What maps are called: of several stages, shared, of other pipelines and homes, parked. */
#include <string.h>

#include "live_maps_common.h"

static const char *pipeline(const char *file, const char *name, const char *more,
			    const char *stages)
{
	return live_write(file,
			  "braid: 1\n"
			  "pipelines:\n"
			  "  - {name: %s, hook: xdp, %sstages: [%s]}\n",
			  name, more, stages);
}

static void test_stages(void)
{
	must_braid("apply", live_manifest("m.yaml", ON_R0, live_marks("1,2")));
	live_trip(0);
	map_fails(1, "name the stage too: m1.count or m2.count", "get", "edge", "count");
	is_str(map_says("get", "edge", "m2.count"), "1", "one of several, by its stage");
	is_str(map_says("get", "edge", "m2.data"), "{total: 1}", "globals");
	is_str(map_says("get", "edge", "m1.count", "0"), "1",
	       "the key of an only entry may be given");
	map_fails(1, "did you mean 'm1.count'?", "get", "edge", "m1.coutn");
	map_says("delete", "edge", "m1.sizes", "--all", "--yes");
	must_braid("stage", "disable", "edge", "m2");
	is_str(map_says("get", "edge", "m2.count"), "1", "of a stage that is disabled");
	must_braid("delete", "edge");
	map_fails(1, "no pipeline 'edge' runs", "list", "edge");
}

/* Names of braid's own maps do not stand in the way of stages'. */
static void test_own(void)
{
	const char *stage = "{name: %s, object: %s/%s/%s.bpf.o}";
	const char *guard = live_text(stage, "guard", live_examples, "guard", "guard");
	const char *acl = live_text(stage, "acl", live_examples, "acl", "acl");

	must_braid("apply", live_manifest("own.yaml", ON_R0, guard));
	ok(!strcmp(map_says("dump", "edge", "counters"),
		   map_says("dump", "edge", "guard.counters")),
	   "the stage's, not braid's");
	ok(*map_says("dump", "edge", ".data._count"), "which has a name, too");
	must_braid("apply", live_manifest("own.yaml", ON_R0, live_text("%s, %s", guard, acl)));
	map_fails(1, "name the stage too: guard.counters or acl.counters", "dump", "edge",
		  "counters");
	must_braid("delete", "edge");
	must_braid("apply", live_manifest("m.yaml", ON_R0, live_marks("1")));
	ok(*map_says("dump", "edge", "counters"), "where no stage has one, it is braid's");
	must_braid("delete", "edge");
}

static json_t *find(json_t *list, const char *name, const char *of)
{
	json_t *m;
	size_t i;

	json_array_foreach (json_at(list, "maps"), i, m)
		if (!strcmp(json_text(m, "map"), name) && !strcmp(json_text(m, "pipeline"), of))
			return m;
	return NULL;
}

static void test_shared(void)
{
	const char *shared = "interfaces: [{name: %s, netns: right}], "
			     "shared-maps: {seen: {maps: [%s], across-pipelines: true}}, ";
	const char *first = live_text(shared, "r0", "m1.count, m2.count");
	const char *second = live_text(shared, "r1", "m3.count");
	_cleanup_json_ json_t *all = NULL, *one = NULL;

	must_braid("apply", pipeline("a.yaml", "edge", first, live_marks("1,2")));
	must_braid("apply", pipeline("b.yaml", "other", second, live_marks("3")));
	live_trip(0);
	live_trip(1);
	is_str(map_says("get", "edge", "seen"), "3", "a shared map, by its name");
	is_str(map_says("get", "edge", "m1.count"), "3", "and by that of a member");
	is_str(map_says("get", "other", "m3.count"), "3", "of another pipeline, too");
	all = braid_json("map", "list");
	is_str(json_text(find(all, "seen", "edge"), "shared-with/0"), "other", "list: with whom");
	is_str(json_text(find(all, "seen", "other"), "shared-with/0"), "edge", "both ways");
	is_str(json_text(find(all, "seen", "edge"), "shared/1"), "m2.count", "and by which stages");
	one = braid_json("map", "list", "other");
	is_str(json_text(find(one, "seen", "other"), "shared-with/0"), "edge",
	       "also if only one of them is listed");
	ok(!find(one, "seen", "edge"), "which is alone then");
	ok(strstr(map_says("list", "other"), "also of pipeline edge"), "for people");
	must_braid("delete", "other");
	must_braid("delete", "edge");
}

static void test_homes(void)
{
	const char *m = pipeline("home.yaml", "elsewhere", "interfaces: [l1], ", live_marks("1"));
	_cleanup_json_ json_t *all = NULL;

	{
		_net_in_(there, "left");
		must_braid("apply", m);
		is_str(map_says("get", "elsewhere", "count"), "0", "in the home of the pipeline");
	}
	map_fails(1, "--home left", "get", "elsewhere", "count");
	is_str(map_says("get", "elsewhere", "count", "--home", "left"), "0", "from outside");
	map_says("set", "elsewhere", "count", "7", "--home", "left");
	is_str(map_says("dump", "elsewhere", "m1.count", "--home", "left"), "0 = 7", "changed");
	all = braid_json("map", "list");
	is_str(json_text(find(all, "m1.count", "elsewhere"), "home"), "left", "list has all homes");
	ok(strstr(map_says("list", "--home", "left"), "m1.count"), "or one");
	map_fails(1, "no pipeline", "list", "elsewhere");
	{
		_net_in_(there, "left");
		must_braid("delete", "elsewhere");
	}
}

/* What was set by hand stays; a change of the manifest's entries begins anew. */
static void test_entries(void)
{
	const char *with = ", maps: {sizes: {entries: [{key: 1, value: %d}]}}";
	const char *m = live_manifest("m.yaml", ON_R0, live_mark(1, live_text(with, 5)));
	_cleanup_json_ json_t *j = NULL;

	must_braid("apply", m);
	is_str(map_says("dump", "edge", "sizes"), "1 = 5", "the manifest's entries");
	ok(strstr(map_says("set", "edge", "sizes", "1", "6"),
		  "The manifest gives this map entries"),
	   "set says what apply will do");
	must_braid("apply", m);
	is_str(map_says("dump", "edge", "sizes"), "1 = 6", "apply leaves what was set");
	j = braid_json("map", "set", "edge", "sizes", "2", "7");
	is_int(json_number(j, "manifest-entries"), 1, "as JSON, too");
	must_braid("apply", live_manifest("m.yaml", ON_R0, live_mark(1, live_text(with, 8))));
	is_str(map_says("dump", "edge", "sizes"), "1 = 8", "other entries: it begins anew");
	must_braid("delete", "edge");
}

/* Entries that nobody can name. */
static void test_sockets(void)
{
	const char *m = live_write("tc.yaml",
				   "braid: 1\n"
				   "pipelines: [{name: edge, hook: tc-egress, " ON_R0
				   "stages: [{name: out, object: %s/live_maps_tc.bpf.o}]}]\n",
				   live_objects);
	_cleanup_json_ json_t *list = NULL;

	must_braid("apply", m);
	list = braid_json("map", "list", "--count");
	is_str(json_text(find(list, "out.by_socket", "edge"), "type"), "sk_storage", "of sockets");
	map_fails(1, "belongs to a socket", "dump", "edge", "by_socket");
	map_fails(1, "belongs to a socket", "get", "edge", "by_socket", "1");
	map_fails(1, "from outside", "set", "edge", "by_socket", "1", "2");
	map_fails(1, "nothing can be deleted", "delete", "edge", "by_socket", "1");
	must_braid("delete", "edge");
}

int main(int argc, char **argv)
{
	live_init(argc, argv);
	test_stages();
	test_own();
	test_shared();
	test_homes();
	test_entries();
	test_sockets();
	return done();
}
