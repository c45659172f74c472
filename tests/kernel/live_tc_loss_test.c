/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A flood of frames through XDP to TC ingress of one interface, or on to TC egress of another
 * one, while the revisions of the pipeline there are exchanged: each frame that XDP lets pass is
 * seen by each stage, once.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>

#include "live_flood.h"
#include "live_tc.h"
#include "wait.h"

enum {
	FRAMES_BETWEEN = 16384, /* that each revision has to see at least */
	CHANGES = 12,
	DEADLINE_MS = 60000,
};

/* Where the pipeline is. */
static const struct place {
	const char *hook, *interfaces;
} ingress = {"tc-ingress", ON_R0},
  egress = {"tc-egress", "interfaces: [{name: r1, netns: right}], "};

/* What comes in at r0 leaves by r1: as the kernel forwards, but for all frames. */
static void forward(void)
{
	const struct bpf_insn insns[] = {
		{.code = BPF_ALU | BPF_MOV | BPF_K,
		 .dst_reg = 1,
		 .imm = net_ifindex("right", "r1")},
		{.code = BPF_ALU | BPF_MOV | BPF_K, .dst_reg = 2},
		{.code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_redirect},
		{.code = BPF_JMP | BPF_EXIT},
	};
	_cleanup_close_ int fd = bpf_prog_load(BPF_PROG_TYPE_SCHED_CLS, "forward", "GPL", insns, 4,
					       NULL);
	const char *pin = live_text("%s/forward", getenv("BRAID_BPFFS"));

	if (fd < 0 || bpf_obj_pin(fd, pin))
		bail_out("a program that forwards: %s", strerror(errno));
	must_run("tc -n right qdisc add dev r0 clsact");
	must_run("tc -n right filter add dev r0 ingress bpf da object-pinned %s", pin);
	must_run("rm %s", pin);
}

static int open_count(const char *pipeline, const char *stage)
{
	_cleanup_json_ json_t *status = braid_json("status", pipeline);
	json_t *map;
	size_t i;

	json_array_foreach (json_at(status, "pipelines/0/maps"), i, map) {
		if (!strcmp(json_text(map, "name"), "count") &&
		    !strcmp(json_text(map, "stage"), stage))
			return bpf_obj_get(json_text(map, "pin"));
	}
	bail_out("stage %s of %s has no map 'count'", stage, pipeline);
}

/* Its last stage drops: nobody waits for the frames. */
static const char *edge(const struct place *at, const char *more)
{
	return live_write("edge.yaml",
			  "braid: 1\n"
			  "pipelines:\n"
			  "  - {name: edge, hook: %s, %s%s"
			  "stages: [%s, {name: m3, object: %s/live_tc_mark.bpf.o, "
			  "constants: {id: 3, verdict: 2}}]}\n",
			  at->hook, at->interfaces, more, live_tc_marks("1,2"), live_objects);
}

/* Return: whether all changes happened, and were seen at work. */
static bool change_under_load(const struct place *at, const char *even, const char *odd,
			      int seen_last)
{
	for (int i = 0; i < CHANGES; i++) {
		long long before = live_counted(seen_last);
		_cleanup_run_ struct run r = {};

		if (!wait_until(live_counted(seen_last) > before + FRAMES_BETWEEN, DEADLINE_MS))
			return false;
		if (braid(&r, "apply", edge(at, i % 2 ? odd : even))) {
			diag("%s%s", r.out, r.err);
			return false;
		}
	}
	return true;
}

/* @once: no frame may be seen twice either. */
static void test_changes(const struct place *at, const char *even, const char *odd, bool once,
			 const char *what)
{
	const char *const stages[] = {"m1", "m2", "m3"};
	int counts[3], passed;

	must_braid("apply",
		   live_write("front.yaml",
			      "braid: 1\n"
			      "pipelines: [{name: front, hook: xdp, " ON_R0 "stages: [%s]}]\n",
			      live_marks("9")));
	must_braid("apply", edge(at, odd));
	passed = open_count("front", "m9");
	for (int i = 0; i < 3; i++)
		counts[i] = open_count("edge", stages[i]);
	live_flood_start();
	ok(change_under_load(at, even, odd, counts[2]), "%s, %s: %d changes while frames flow",
	   at->hook, what, CHANGES);
	live_flood_end();
	/* a softirq may still be at it */
	ok(wait_until(live_counted(counts[2]) >= live_counted(passed), DEADLINE_MS),
	   "all have come through");
	ok(live_counted(passed) > CHANGES * FRAMES_BETWEEN, "%lld frames passed XDP",
	   live_counted(passed));
	for (int i = 0; i < 3; i++) {
		if (once)
			is_int(live_counted(counts[i]), live_counted(passed),
			       "stage %s saw each of them once", stages[i]);
		else
			ok(live_counted(counts[i]) >= live_counted(passed),
			   "stage %s missed none of them", stages[i]);
		close(counts[i]);
	}
	close(passed);
	must_braid("delete", "edge");
	must_braid("delete", "front");
}

static void test_place(const struct place *at)
{
	test_changes(at, "attach: {via: netlink}, " AS_TAILS, "attach: {via: netlink}, " AS_FUSED,
		     true, "filter");
	if (!live_tc_links()) {
		skip("this kernel has no links for TC");
		return;
	}
	test_changes(at, AS_TAILS, AS_FUSED, true, "link");
	/* with none before and none behind, each place is right: so there is another one */
	must_braid("apply", live_tc_manifest("other", at->hook, at->interfaces, "4"));
	test_changes(at, "attach: first, ", "attach: last, ", false, "moves");
	must_braid("delete", "other");
	is_int(live_pins(), 0, "nothing is left");
}

int main(int argc, char **argv)
{
	live_init(argc, argv);
	test_place(&ingress);
	forward();
	test_place(&egress);
	return done();
}
