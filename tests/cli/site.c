/* SPDX-License-Identifier: GPL-2.0-only */
#include "site.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "kernel/tc.h"
#include "live_tc.h"
#include "wait.h"

enum { ARRIVES_MS = 60000 };

static int primary_wire, peer_wire;

static void make(__u8 *frame, int type, int id, int verdict)
{
	memset(frame, 0, FRAME_SIZE);
	memset(frame, 2, 12);
	frame[12] = type >> 8;
	frame[13] = type & 0xff;
	if (id)
		frame[FRAME_ASKS + id] = verdict;
}

static const char *signatures(const __u8 *frame)
{
	static char marks[FRAME_IDS + 1];
	size_t n = frame[FRAME_SIGNED] % FRAME_IDS;

	for (size_t i = 0; i < n; i++)
		marks[i] = "0123456789abcdef"[frame[FRAME_MARKS + i] % 16];
	marks[n] = '\0';
	return marks;
}

/* A frame that is dropped where it is sent is an error for its sender: as if there were no room. */
static void send_asking(int wire, const __u8 *frame, int verdict)
{
	if (!verdict)
		wire_send(wire, frame, FRAME_SIZE);
	else if (send(wire, frame, FRAME_SIZE, 0) != FRAME_SIZE && errno != ENOBUFS)
		bail_out("sending: %s", strerror(errno));
}

static const char *trip(int in, int out, int id, int verdict)
{
	__u8 frame[FRAME_SIZE], behind[FRAME_SIZE], got[2048] = {};

	wire_count(out, 0, 0); /* what was sent without looking */
	make(frame, FRAME_TYPE, id, verdict);
	make(behind, FRAME_FOLLOWER, 0, 0);
	send_asking(in, frame, verdict);
	wire_send(in, behind, sizeof(behind));
	if (wire_recv(out, got, sizeof(got), ARRIVES_MS) != FRAME_SIZE)
		return "lost";
	if (!memcmp(got, behind, FRAME_SIZE))
		return "dropped";
	memcpy(frame, got, FRAME_SIZE);
	if (wire_recv(out, got, sizeof(got), ARRIVES_MS) != FRAME_SIZE ||
	    memcmp(got, behind, FRAME_SIZE))
		return "lost";
	return signatures(frame);
}

static const char *trip_primary(int id, int verdict)
{
	return trip(primary_wire, peer_wire, id, verdict);
}

static const char *trip_peer(int id, int verdict)
{
	return trip(peer_wire, primary_wire, id, verdict);
}

static const char *trip_egress(int id, int verdict)
{
	_cleanup_close_ int in = wire_open("left", "l0"), out = wire_open("right", "r0");

	live_drain(0);
	return trip(in, out, id, verdict);
}

#define FILTER "attach: {via: netlink}, "

const struct site sites_tc[] = {
	{"egress, a link", "tc-egress", ON_L0 AS_FUSED, "l0", true, trip_egress},
	{"egress, a filter", "tc-egress", ON_L0 AS_TAILS FILTER, "l0", true, trip_egress},
	{"ingress, a link", "tc-ingress", ON_R0 AS_TAILS, "r0", false, live_tc_trip_in},
	{"ingress, a filter", "tc-ingress", ON_R0 AS_FUSED FILTER, "r0", false, live_tc_trip_in},
	{},
};

#define ON_PRIMARY "interfaces: [{name: primary, netns: left}], "

const struct site sites_netkit[] = {
	{"netkit", "netkit-primary", ON_PRIMARY AS_FUSED, "primary", true, trip_primary},
	{"netkit, its peer", "netkit-peer", ON_PRIMARY AS_TAILS, "primary", true, trip_peer},
	{},
};

static enum tc_hook hook_of(const struct site *s)
{
	for (int i = 0; i <= TC_NETKIT_PEER; i++)
		if (!strcmp(tc_hook_names[i], s->hook))
			return i;
	bail_out("%s is no hook of TC", s->hook);
}

bool site_has_links(const struct site *s)
{
	return tc_has_links(hook_of(s));
}

static bool gets_through(int in, int out)
{
	__u8 frame[FRAME_SIZE];

	make(frame, FRAME_FOLLOWER, 0, 0);
	wire_send(in, frame, sizeof(frame));
	return wire_count(out, 1, 20);
}

void site_plug_netkit(void)
{
	/* ip(8) of Debian 12 knows nothing of a pair; what no program decides goes on */
	must_run("ip -n left link add primary type netkit");
	must_run("ip -n left link set nk0 netns right name peer");
	must_run("ip -n left link set primary up");
	must_run("ip -n right link set peer up");
	primary_wire = wire_open("left", "primary");
	peer_wire = wire_open("right", "peer");
	if (!wait_until(gets_through(primary_wire, peer_wire), ARRIVES_MS) ||
	    !wait_until(gets_through(peer_wire, primary_wire), ARRIVES_MS))
		bail_out("no frame gets through netkit");
	wire_count(primary_wire, 0, 0);
	wire_count(peer_wire, 0, 0);
}

void site_apply(const struct site *s, const char *more)
{
	must_braid("apply", live_tc_manifest("edge", s->hook, live_text("%s%s", s->pipeline, more),
					     "1,2,3"));
}

int site_open_count(const char *stage)
{
	_cleanup_json_ json_t *status = braid_json("status", "edge");
	json_t *map;
	size_t i;

	json_array_foreach (json_at(status, "pipelines/0/maps"), i, map)
		if (!strcmp(json_text(map, "name"), "count") &&
		    !strcmp(json_text(map, "stage"), stage))
			return bpf_obj_get(json_text(map, "pin"));
	bail_out("stage %s has no map 'count'", stage);
}

long long site_counted(int count)
{
	__u32 zero = 0;
	__u64 value;

	if (bpf_map_lookup_elem(count, &zero, &value))
		bail_out("reading a counter");
	return value;
}

void site_send(const struct site *s, unsigned int n)
{
	bool netkit = !strncmp(s->hook, "netkit", 6);
	int wire = s->trip == trip_primary ? primary_wire
		   : netkit                ? peer_wire
					   : wire_open("left", "l0");
	__u8 frame[FRAME_SIZE];

	make(frame, FRAME_TYPE, 0, 0);
	while (n--)
		wire_send(wire, frame, sizeof(frame));
	if (!netkit)
		close(wire);
}
