/* SPDX-License-Identifier: GPL-2.0-only */
/* XDP attached by netlink, as ip(8) does it; and in the place of what ip(8) attached. */
#include <stdlib.h>
#include <string.h>

#include "kernel/xdp.h"
#include "live_common.h"

#define BY_NETLINK "attach: {via: netlink}, "
#define BY_LINK    "attach: {via: link}, "

static struct xdp_state query(const char *ifname)
{
	_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
	_cleanup_netns_ struct netns right = NETNS_INIT;
	struct xdp_state state;

	if (netns_open("right", &right, &err) ||
	    xdp_query(&right, net_ifindex("right", ifname), &state, &err))
		bail_out("asking %s: %s", ifname, err.what);
	return state;
}

static void apply(const char *manifest, const char *action, const char *way, const char *trip,
		  const char *what)
{
	_cleanup_json_ json_t *j = braid_json("apply", "--replace", manifest);
	_cleanup_json_ json_t *status = braid_json("status");

	is_str(json_text(j, "interfaces/0/action"), action, "%s: %s", what, action);
	is_str(json_text(j, "interfaces/0/way"), way, "by %s", way);
	is_str(json_text(status, "pipelines/0/interfaces/0/way"), way, "status has that");
	is_str(json_text(status, "pipelines/0/interfaces/0/state"), "attached", "attached");
	is_int(query("r0").v[0].links, !strcmp(way, "link"), "the kernel has that");
	is_str(live_trip(0), trip, "frames carry '%s'", trip);
}

static void gone(const char *what)
{
	must_braid("delete", "edge");
	is_str(live_trip(0), "", "%s: deleted, frames meet nothing", what);
	is_int(live_pins(), 0, "nothing is pinned");
	is_int(query("r0").n + query("r1").n, 0, "nothing is attached");
}

static void test_life(void)
{
	const char *m = live_manifest("m.yaml", ON_R0 BY_NETLINK, live_marks("1,2"));
	_cleanup_json_ json_t *j = NULL;

	apply(m, "attach", "netlink", "12", "first");
	j = braid_json("apply", m);
	ok(json_is_false(json_at(j, "changed")), "again: nothing to do");
	apply(live_manifest("m.yaml", ON_R0 BY_NETLINK AS_TAILS, live_marks("2,1")), "update",
	      "netlink", "21", "another revision");
	must_braid("apply", live_manifest("m.yaml", ON_R0_R1 BY_NETLINK, live_marks("3")));
	is_str(live_trip(1), "3", "another interface");
	must_braid("apply", live_manifest("m.yaml", ON_R0 BY_NETLINK, live_marks("1")));
	is_str(live_trip(1), "", "and without it");
	apply(live_manifest("m.yaml", ON_R0 BY_NETLINK "mode: generic, ", live_marks("1")),
	      "change-mode", "netlink", "1", "generic");
	apply(live_manifest("m.yaml", ON_R0 BY_NETLINK, live_marks("1")), "change-mode", "netlink",
	      "1", "native");
	must_braid("rollback", "edge", "1");
	is_str(live_trip(0), "12", "rollback");
	gone("netlink");
}

static void test_ways(void)
{
	apply(live_manifest("m.yaml", ON_R0, live_marks("1")), "attach", "link", "1", "auto");
	apply(live_manifest("m.yaml", ON_R0 BY_NETLINK, live_marks("2")), "change-way", "netlink",
	      "2", "netlink");
	apply(live_manifest("m.yaml", ON_R0, live_marks("3")), "update", "netlink", "3",
	      "auto keeps that");
	apply(live_manifest("m.yaml", ON_R0 BY_LINK, live_marks("4")), "change-way", "link", "4",
	      "link");
	gone("ways");
}

/* The same interface refuses one way after the old one has been detached: all is put back. */
static void test_way_undone(void)
{
	_cleanup_run_ struct run r = {};

	must_braid("apply", live_manifest("m.yaml", ON_R0_R1 "mode: generic, ", live_marks("1")));
	must_run("ip -n left link set l1 mtu 9000");
	is_int(braid(&r, "apply", live_manifest("bad.yaml", ON_R0_R1 BY_NETLINK, live_marks("2"))),
	       1, "native by netlink, and r1 cannot");
	ok(strstr(r.err, "MTU"), "for that reason: %s", r.err);
	is_str(live_trip(0), "1", "r0 is back");
	is_str(live_trip(1), "1", "so is r1");
	is_int(query("r0").v[0].links, 1, "by a link");
	must_run("ip -n left link set l1 mtu 1500");
	gone("undone");
}

static void test_takes_place(void)
{
	const char *m = live_manifest("m.yaml", ON_R0, live_marks("2"));
	_cleanup_json_ json_t *plan = NULL;
	_cleanup_run_ struct run r = {};

	must_run("ip -n right link set r0 xdp obj %s/live_mark.bpf.o sec xdp", live_objects);
	is_int(braid(&r, "apply", m), 3, "what ip attached is in the way");
	plan = braid_json("plan", "--replace", m);
	is_str(json_text(plan, "interfaces/0/action"), "replace", "plan: it would be replaced");
	ok(json_is_true(json_at(plan, "interfaces/0/atomic")), "between two packets");
	is_str(json_text(plan, "interfaces/0/way"), "netlink", "by netlink");
	apply(m, "replace", "netlink", "2", "so it is");
	apply(live_manifest("m.yaml", ON_R0, live_marks("3")), "update", "netlink", "3",
	      "the next one, too");
	gone("took its place");
	must_run("ip -n right link set r0 xdp obj %s/live_mark.bpf.o sec xdp", live_objects);
	apply(live_manifest("m.yaml", ON_R0 BY_LINK, live_marks("2")), "replace", "link", "2",
	      "who wants a link");
	gone("took its place by a link");
}

/* Another interface cannot, so the stranger is back: not another one like it, but it. */
static void test_place_given_back(void)
{
	_cleanup_run_ struct run r = {};
	__u32 id;

	must_run("ip -n right link set r0 xdp obj %s/live_mark.bpf.o sec xdp", live_objects);
	must_run("ip -n right link set r1 xdpgeneric obj %s/live_mark.bpf.o sec xdp", live_objects);
	must_run("ip -n left link set l1 mtu 9000");
	id = query("r0").v[0].prog_id;
	is_int(braid(&r, "apply", "--replace",
		     live_manifest("bad.yaml", ON_R0_R1, live_marks("2"))),
	       1, "r1 cannot");
	is_int(query("r0").v[0].prog_id, id, "r0 has the program that it had");
	is_int(query("r0").v[0].links, 0, "by netlink");
	is_str(live_trip(0), "1", "and it runs");
	is_str(live_trip(1), "1", "that of r1, too");
	is_int(live_pins(), 0, "nothing is pinned");
	must_run("ip -n left link set l1 mtu 1500");
	must_run("ip -n right link set r0 xdp off");
	must_run("ip -n right link set r1 xdpgeneric off");
}

/* Others can do by netlink what they like. */
static void test_taken_away(void)
{
	const char *m = live_manifest("m.yaml", ON_R0 BY_NETLINK, live_marks("2"));
	_cleanup_json_ json_t *detached = NULL, *foreign = NULL;
	_cleanup_run_ struct run r = {};

	must_braid("apply", m);
	must_run("ip -n right link set r0 xdp off");
	detached = braid_json("status");
	is_str(json_text(detached, "pipelines/0/interfaces/0/state"), "detached", "taken away");
	must_braid("restore");
	is_str(live_trip(0), "2", "restore brings it back");
	must_run("ip -force -n right link set r0 xdp obj %s/live_mark.bpf.o sec xdp", live_objects);
	foreign = braid_json("status");
	is_str(json_text(foreign, "pipelines/0/interfaces/0/state"), "foreign", "exchanged");
	is_int(braid(&r, "apply", m), 3, "which is a conflict");
	apply(m, "replace", "netlink", "2", "--replace takes it back");
	must_run("ip -n right link set r0 xdp off");
	gone("taken away");
}

/* bpffs is emptied: what netlink has attached is still there, and known. */
static void test_emptied(void)
{
	_cleanup_json_ json_t *j = NULL;

	must_braid("apply", live_manifest("m.yaml", ON_R0 BY_NETLINK, live_marks("2")));
	must_run("find %s/braid -depth -delete", getenv("BRAID_BPFFS"));
	must_braid("restore");
	is_str(live_trip(0), "2", "bpffs was emptied: restored");
	must_run("find %s/braid -depth -delete", getenv("BRAID_BPFFS"));
	j = braid_json("apply", live_manifest("m.yaml", ON_R0 BY_NETLINK, live_marks("3")));
	is_str(json_text(j, "interfaces/0/action"), "update", "apply exchanges it");
	is_str(live_trip(0), "3", "so it is");
	must_run("find %s/braid -depth -delete", getenv("BRAID_BPFFS"));
	gone("emptied");
}

static void test_gone(void)
{
	must_braid("apply", live_manifest("m.yaml", ON_R0_R1 BY_NETLINK, live_marks("2")));
	must_run("ip -n right link delete r1");
	live_plug(1);
	must_braid("restore");
	is_str(live_trip(1), "2", "an interface that was made again");
	net_delete("right");
	must_braid("delete", "edge");
	is_int(live_pins(), 0, "deleted when its namespace was gone");
}

int main(int argc, char **argv)
{
	live_init(argc, argv);
	net_add("home");
	net_enter("home"); /* so that restore finds it when bpffs was emptied */
	test_life();
	test_ways();
	test_way_undone();
	test_takes_place();
	test_place_given_back();
	test_taken_away();
	test_emptied();
	test_gone();
	return done();
}
