/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Pipelines at both hooks of a netkit pair: `primary`, in network namespace right, and its peer in
 * left. Frames carry the signatures of what they have met.
 */
#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <string.h>
#include <unistd.h>

#include "kernel/tc.h"
#include "live_tc.h"

enum { ARRIVES_MS = 20000 };

#define ON_PRIMARY "interfaces: [{name: primary, netns: right}], "

/* By hook: from where to where its frames go. */
static const struct way {
	const char *hook, *from_ns, *from, *to_ns, *to;
} ways[] = {
	{"netkit-primary", "right", "primary", "left", "peer"},
	{"netkit-peer", "left", "peer", "right", "primary"},
};

static const char *trip(const struct way *w)
{
	_cleanup_close_ int in = wire_open(w->from_ns, w->from), out = wire_open(w->to_ns, w->to);
	static char marks[FRAME_IDS + 1];
	__u8 frame[FRAME_SIZE] = {
		2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, FRAME_TYPE >> 8, FRAME_TYPE & 0xff};
	__u8 got[2048];
	size_t n;

	wire_send(in, frame, sizeof(frame));
	if (wire_recv(out, got, sizeof(got), ARRIVES_MS) != FRAME_SIZE)
		return "lost";
	n = got[FRAME_SIGNED] % FRAME_IDS;
	for (size_t i = 0; i < n; i++)
		marks[i] = "0123456789abcdef"[got[FRAME_MARKS + i] % 16];
	marks[n] = '\0';
	return marks;
}

/* A pipeline at @w; the other way stays as it is. */
static void apply(const struct way *w, const char *name, const char *more, const char *marks,
		  const char *action, const char *want)
{
	const char *m = live_tc_manifest(name, w->hook, live_text(ON_PRIMARY "%s", more), marks);
	_cleanup_json_ json_t *j = braid_json("apply", m), *status = braid_json("status", name);

	is_str(json_text(j, "interfaces/0/action"), action, "%s %s%s: %s", name, more, marks,
	       action);
	if (*json_text(j, "error/what"))
		diag("%s: %s", json_text(j, "error/what"), json_text(j, "error/why"));
	is_str(json_text(j, "interfaces/0/way"), "netkit", "by a link of netkit");
	is_str(json_text(status, "pipelines/0/interfaces/0/state"), "attached", "status has it");
	is_str(trip(w), want, "frames carry '%s'", want);
	is_str(trip(w == ways ? ways + 1 : ways), "", "those of the other way nothing");
}

static void test_life(const struct way *w)
{
	_cleanup_json_ json_t *status = NULL;

	diag("%s", w->hook);
	is_str(trip(w), "", "nothing is attached");
	apply(w, "edge", "", "1,2", "attach", "12");
	apply(w, "edge", AS_TAILS, "2,1", "update", "21");
	apply(w, "edge", "", "1", "update", "1");
	apply(w, "other", "attach: first, ", "3", "attach", "31");
	apply(w, "other", "attach: last, ", "3", "move", "13");
	apply(w, "edge", "attach: {after: \"pipeline:other\"}, ", "1", "move", "31");
	status = braid_json("status", "edge");
	is_str(json_text(status, "pipelines/0/interfaces/0/foreigners/0/pipeline"), "other",
	       "status knows the neighbour");
	must_braid("delete", "edge");
	is_str(trip(w), "3", "one is deleted");
	must_braid("delete", "other");
	is_str(trip(w), "", "both");
	is_int(live_pins(), 0, "nothing is pinned");
}

int main(int argc, char **argv)
{
	live_init(argc, argv);
	if (!tc_has_links(TC_NETKIT_PRIMARY))
		skip_all("this kernel has no netkit: it needs Linux 6.7");
	/* ip(8) of Debian 12 knows nothing of a pair; what no program decides goes on */
	must_run("ip -n right link add primary type netkit");
	must_run("ip -n right link set nk0 netns left name peer");
	must_run("ip -n right link set primary up");
	must_run("ip -n left link set peer up");
	test_life(&ways[0]);
	test_life(&ways[1]);
	return done();
}
