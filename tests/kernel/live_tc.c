/* SPDX-License-Identifier: GPL-2.0-only */
#include "live_tc.h"

#include <arpa/inet.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <string.h>
#include <sys/socket.h>

#include "kernel/tc.h"

enum { ARRIVES_MS = 60000 };

const char *live_tc_marks(const char *ids)
{
	static char texts[4][2048];
	static int next;
	char *text = texts[next++ % 4];
	size_t n = 0;

	for (const char *id = ids; *id; id += strcspn(id, ","), id += *id == ',')
		n += snprintf(text + n, sizeof(texts[0]) - n,
			      "%s{name: m%d, object: %s/live_tc_mark.bpf.o, constants: {id: %d}}",
			      n ? ", " : "", atoi(id), live_objects, atoi(id));
	return text;
}

const char *live_tc_manifest(const char *name, const char *hook, const char *more,
			     const char *marks)
{
	return live_write(live_text("%s.yaml", name),
			  "braid: 1\n"
			  "pipelines:\n"
			  "  - {name: %s, hook: %s, %sstages: [%s]}\n",
			  name, hook, more, live_tc_marks(marks));
}

static enum tc_hook hook_by_name(const char *name)
{
	return strcmp(name, "tc-egress") ? TC_INGRESS : TC_EGRESS;
}

static struct tc_state query(const char *ns, const char *ifname, const char *hook)
{
	_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
	_cleanup_netns_ struct netns at = NETNS_INIT;
	struct tc_state state = {};

	if (netns_open(ns, &at, &err) ||
	    tc_query(&at, net_ifindex(ns, ifname), hook_by_name(hook), &state, &err))
		bail_out("asking %s: %s", ifname, err.what);
	return state;
}

size_t live_tc_programs(const char *ns, const char *ifname, const char *hook)
{
	struct tc_state state = query(ns, ifname, hook);
	size_t n = state.list.n;

	tc_state_done(&state);
	return n;
}

bool live_tc_has_clsact(const char *ns, const char *ifname)
{
	struct tc_state state = query(ns, ifname, "tc-ingress");
	bool has = state.has_clsact;

	tc_state_done(&state);
	return has;
}

bool live_tc_links(void)
{
	return tc_has_links(TC_INGRESS);
}

int live_tc_stranger(const char *ns, const char *ifname, int id)
{
	_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
	struct bpf_object *object =
		bpf_object__open(live_text("%s/live_tc_mark.bpf.o", live_objects));
	struct bpf_map *rodata = object ? bpf_object__find_map_by_name(object, ".rodata") : NULL;
	__u8 *constants = rodata ? (__u8 *)bpf_map__initial_value(rodata, &(size_t){0}) : NULL;
	_cleanup_netns_ struct netns at = NETNS_INIT;
	struct tc_place last = {TC_LAST};
	int program, link;

	if (!constants)
		bail_out("opening a program: %s", strerror(errno));
	constants[0] = id; /* the first of them */
	if (bpf_object__load(object) || netns_open(ns, &at, &err))
		bail_out("loading a program: %s", strerror(errno));
	program = bpf_program__fd(bpf_object__next_program(object, NULL));
	if (tc_link_create(&at, net_ifindex(ns, ifname), TC_EGRESS, program, &last, &link, &err))
		bail_out("attaching a program: %s", err.what);
	bpf_object__close(object);
	return link;
}

/* Of one EtherType: such a socket receives behind TC, those of all types in front of it. */
static int wire_behind_tc(__u16 ethertype)
{
	struct sockaddr_ll at = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ethertype),
		.sll_ifindex = net_ifindex("right", "r0"),
	};
	_net_in_(there, "right");
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof(at)))
		bail_out("a packet socket: %s", strerror(errno));
	return fd;
}

static void send_frame(int wire, __u16 ethertype, int ask_id, int verdict)
{
	__u8 frame[FRAME_SIZE] = {2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2};

	frame[12] = ethertype >> 8;
	frame[13] = ethertype & 0xff;
	if (ask_id)
		frame[FRAME_ASKS + ask_id] = verdict;
	wire_send(wire, frame, sizeof(frame));
}

const char *live_tc_trip_in(int ask_id, int verdict)
{
	static char marks[FRAME_IDS + 1];
	_cleanup_close_ int in = wire_open("left", "l0");
	_cleanup_close_ int out = wire_behind_tc(FRAME_TYPE),
			    behind = wire_behind_tc(FRAME_FOLLOWER);
	__u8 got[2048];
	size_t n;

	send_frame(in, FRAME_TYPE, ask_id, verdict);
	send_frame(in, FRAME_FOLLOWER, 0, 0);
	if (wire_recv(behind, got, sizeof(got), ARRIVES_MS) != FRAME_SIZE)
		return "lost";
	live_drain(0);
	if (wire_recv(out, got, sizeof(got), 0) != FRAME_SIZE)
		return "dropped";
	n = got[FRAME_SIGNED] % FRAME_IDS;
	for (size_t i = 0; i < n; i++)
		marks[i] = "0123456789abcdef"[got[FRAME_MARKS + i] % 16];
	marks[n] = '\0';
	return marks;
}
