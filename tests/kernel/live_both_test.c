/* SPDX-License-Identifier: GPL-2.0-only */
/* An XDP pipeline and one at TC ingress of one interface, in one manifest, with a common map. */
#include <bpf/bpf.h>
#include <string.h>

#include "live_tc.h"

static const char *both(const char *tc)
{
	return live_write("both.yaml",
			  "braid: 1\n"
			  "pipelines:\n"
			  "  - name: front\n"
			  "    hook: xdp\n"
			  "    interfaces: [{name: r0, netns: right}]\n"
			  "    stages: [%s]\n"
			  "    shared-maps: {seen: {maps: [m1.count], across-pipelines: true}}\n"
			  "  - name: edge\n"
			  "    hook: tc-ingress\n"
			  "    interfaces: [{name: r0, netns: right}]\n"
			  "    %s\n"
			  "    stages: [%s]\n"
			  "    shared-maps: {seen: {maps: [m2.count], across-pipelines: true}}\n",
			  live_marks("1"), tc, live_tc_marks("2"));
}

static long long seen(const char *pipeline)
{
	_cleanup_json_ json_t *status = braid_json("status", pipeline);
	_cleanup_close_ int fd = -1;
	json_t *map;
	__u32 zero = 0;
	__u64 n = 0;
	size_t i;

	json_array_foreach (json_at(status, "pipelines/0/maps"), i, map) {
		if (!strcmp(json_text(map, "name"), "seen"))
			fd = bpf_obj_get(json_text(map, "pin"));
	}
	return fd < 0 || bpf_map_lookup_elem(fd, &zero, &n) ? -1 : (long long)n;
}

static void test_both(const char *tc, const char *way)
{
	_cleanup_json_ json_t *xdp = NULL, *ingress = NULL;

	must_braid("apply", both(tc));
	xdp = braid_json("status", "front");
	ingress = braid_json("status", "edge");
	is_str(json_text(xdp, "pipelines/0/interfaces/0/way"), "link", "XDP by a link");
	is_str(json_text(ingress, "pipelines/0/interfaces/0/way"), way, "TC by %s", way);
	is_str(live_tc_trip_in(0, 0), "12", "a frame meets both");
	is_int(seen("front"), 2, "who count in one map");
	is_int(seen("edge"), 2, "the same");
	is_str(live_tc_trip_in(2, 2), "dropped", "TC drops");
	is_int(seen("edge"), 4, "what XDP had let pass");
	must_braid("delete", "front");
	is_str(live_tc_trip_in(0, 0), "2", "one without the other");
	is_int(seen("edge"), 5, "the map lives on");
	must_braid("apply", both(tc));
	is_str(live_tc_trip_in(0, 0), "12", "both again");
	is_int(seen("front"), 7, "with that map");
	must_braid("delete", "edge");
	must_braid("delete", "front");
	is_int(live_pins(), 0, "nothing is left");
}

int main(int argc, char **argv)
{
	live_init(argc, argv);
	test_both("attach: {via: netlink}", "clsact");
	if (live_tc_links())
		test_both("attach: last", "tcx");
	else
		skip("this kernel has no links for TC");
	return done();
}
