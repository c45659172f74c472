/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A map that pipelines share: the first makes it, the others take it, a change of its shape
 * is refused while it has other users, and it goes with the last of them.
 */
#include <string.h>

#include "live_common.h"

/* Pipeline @name on r<wire>, whose stage m<id> shares @map as `site`. */
static const char *manifest(const char *name, int wire, int id, const char *map, const char *more)
{
	return live_write(live_text("%s.yaml", name),
			  "braid: 1\n"
			  "pipelines:\n"
			  "  - {name: %s, hook: xdp, interfaces: [{name: r%d, netns: right}],\n"
			  "     stages: [%s],\n"
			  "     shared-maps: {site: {maps: [m%d.%s], across-pipelines: true}}}\n",
			  name, wire, live_mark(id, more), id, map);
}

/* Of the shared map of @pipeline; 0: it has none that can be opened. */
static long long map_id(const char *pipeline)
{
	_cleanup_json_ json_t *j = braid_json("status", pipeline);
	json_t *map;
	size_t i;

	json_array_foreach (json_at(j, "pipelines/0/maps"), i, map)
		if (!strcmp(json_text(map, "name"), "site"))
			return json_number(map, "id");
	return 0;
}

/* What `site` has counted: its first value. */
static long long counted(const char *pipeline)
{
	_cleanup_run_ struct run r = {};
	_cleanup_json_ json_t *dump = NULL;

	if (run(&r, "bpftool", "--json", "map", "dump", "id", live_text("%lld", map_id(pipeline))))
		bail_out("bpftool: %s", r.err);
	dump = json_loads(r.out, 0, NULL);
	return json_number(dump, "0/formatted/value");
}

static void test_shared(void)
{
	long long before;

	must_braid("apply", manifest("one", 0, 1, "count", ""));
	is_str(live_trip(0), "1", "a frame through the first pipeline");
	before = map_id("one");
	must_braid("apply", manifest("two", 1, 2, "count", ""));
	is_int(map_id("two"), before, "the second one has the same map");
	is_str(live_trip(1), "2", "a frame through the second");
	is_int(counted("one"), counted("two"), "one count");
	ok(counted("one") >= 2, "of frames through both");
	must_braid("apply", manifest("two", 1, 2, "count", ", proceed-on: [pass, tx]"));
	is_int(map_id("two"), before, "still after an update");
}

static void test_refused(void)
{
	_cleanup_run_ struct run r = {};

	/* the wish alone does not make it another pipeline's map, too */
	is_int(braid(&r, "apply",
		     manifest("two", 1, 2, "sizes", ", maps: {sizes: {on-change: reset}}")),
	       3, "another map under that name, while it has two users");
	ok(strstr(r.err, "map 'site' is shared with pipeline 'one'"), "says with whom");
	is_int(braid(&r, "plan",
		     manifest("two", 1, 2, "sizes", ", maps: {sizes: {on-change: reset}}")),
	       3, "plan says so, too");
	is_str(live_trip(1), "2", "what ran runs");
	must_braid("delete", "two");
	is_int(braid(&r, "apply", manifest("two", 1, 2, "sizes", "")), 3,
	       "a newcomer takes it for something else");
	ok(strstr(r.err, "in another shape"), "is told so");
	ok(strstr(r.err, "hash"), "with what differs: %s", r.err);
}

static void test_end(void)
{
	long long first = map_id("one");

	must_braid("apply", manifest("two", 1, 2, "count", ""));
	must_braid("delete", "one");
	is_int(map_id("two"), first, "it outlives the pipeline that made it");
	is_str(live_trip(1), "2", "and is used");
	must_braid("delete", "two");
	is_int(live_pins(), 0, "with the last it goes");
	must_braid("apply", manifest("one", 0, 1, "count", ""));
	ok(map_id("one") != first, "the next one is new");
	must_braid("delete", "one");
}

int main(int argc, char **argv)
{
	live_init(argc, argv);
	test_shared();
	test_refused();
	test_end();
	return done();
}
