/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What braid/bpf offers to authors, on packets: each alone, as any loader loads it, and in
 * pipelines, where stages share the scratch area and the flows, and where an operator sets
 * the configuration and the signals.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <netinet/in.h>
#include <string.h>

#include "kernel/testrun.h"
#include "live_common.h"
#include "packet.h"
#include "tap.h"

static struct braid_error err;

static __u32 run_packet(int prog, const struct pkt *p)
{
	struct testrun_result result = {};

	if (testrun_packet(prog, &(struct testrun){.packet = p->data, .size = p->len}, &result,
			   &err))
		bail_out("%s: %s", err.what, err.why ?: "");
	return result.verdict;
}

static void udp(struct pkt *p, __u16 port, size_t payload)
{
	memset(p, 0, sizeof(*p));
	pkt_eth(p);
	pkt_ip4(p, "10.0.0.1", "10.0.0.2");
	pkt_udp(p, port, 53);
	pkt_payload(p, NULL, payload);
	pkt_finish(p);
}

static int program(struct bpf_object *o, const char *name)
{
	return bpf_program__fd(bpf_object__find_program_by_name(o, name));
}

static void test_alone(void)
{
	struct bpf_object *o = bpf_object__open_file(live_text("%s/scratch.bpf.o", live_objects),
						     NULL);
	struct pkt p, whole, first = {}, rest = {};
	int leave, limit;

	if (!o || bpf_object__load(o))
		bail_out("the kernel refuses the object");
	leave = program(o, "leave");
	limit = program(o, "limit");

	udp(&p, 1000, 50);
	is_int(run_packet(leave, &p), XDP_PASS, "a note is left");
	udp(&p, 1000, 60);
	is_int(run_packet(leave, &p), XDP_PASS, "and is zero again for the next packet");

	for (int i = 0; i < 3; i++)
		is_int(run_packet(limit, &p), XDP_PASS, "packet %d of a flow", i + 1);
	is_int(run_packet(limit, &p), XDP_DROP, "the default limit is 3");
	udp(&p, 1001, 60);
	is_int(run_packet(limit, &p), XDP_PASS, "another flow has a state of its own");

	udp(&whole, 1000, 64);
	pkt_fragment(&whole, 16, &first, &rest);
	is_int(run_packet(limit, &first), XDP_PASS, "fragments are a flow");
	is_int(run_packet(limit, &rest), XDP_PASS, "all of a datagram the same");
	is_int(run_packet(limit, &rest), XDP_PASS, "three are let through");
	is_int(run_packet(limit, &first), XDP_DROP, "and no fourth");

	memset(&p, 0, sizeof(p));
	pkt_eth(&p);
	pkt_ethertype(&p, ETH_P_ARP);
	pkt_payload(&p, NULL, 46);
	pkt_finish(&p);
	is_int(run_packet(limit, &p), XDP_TX, "ARP is of no flow");
	bpf_object__close(o);
}

static const char *stages(const char *list)
{
	static const char *const names[] = {"leave", "look", "limit", "again"};
	static char text[2048];
	size_t n = 0;

	for (; *list; list++) {
		const char *name = names[*list - '0'];

		n += snprintf(text + n, sizeof(text) - n,
			      "%s{name: %s, object: %s/scratch.bpf.o, program: %s}", n ? ", " : "",
			      name, live_objects, *list == '3' ? "limit" : name);
	}
	return text;
}

static void apply(const char *strategy, const char *list)
{
	must_braid("apply",
		   live_manifest("scratch.yaml", live_text(ON_R0 "%s", strategy), stages(list)));
}

/* The pipeline's first program, which leads to the others. */
static int open_entry(void)
{
	_cleanup_json_ json_t *status = braid_json("status", "edge");

	return bpf_prog_get_fd_by_id(json_number(status, "pipelines/0/programs/0/id"));
}

static size_t count_maps(const char *name)
{
	_cleanup_json_ json_t *status = braid_json("status", "edge");
	size_t i, n = 0;
	json_t *m;

	json_array_foreach (json_at(status, "pipelines/0/maps"), i, m)
		n += !strcmp(json_text(m, "name"), name);
	return n;
}

static void test_scratch(const char *strategy)
{
	_cleanup_close_ int entry = -1;
	struct pkt p;

	apply(strategy, "01");
	is_int(count_maps("braid_scratch"), 1, "%sone scratch area for both stages", strategy);
	entry = open_entry();
	for (int i = 0; i < 4; i++) {
		udp(&p, 1000, 50 + 10 * i);
		is_int(run_packet(entry, &p), XDP_PASS, "what one leaves the other finds");
	}
}

static void test_flows(void)
{
	_cleanup_close_ int entry = -1;
	struct pkt p;

	apply(AS_FUSED, "23");
	is_int(count_maps("braid_flows"), 1, "one map of flows for both stages");
	entry = open_entry();
	udp(&p, 2000, 50);
	is_int(run_packet(entry, &p), XDP_PASS, "both count a packet");
	is_int(run_packet(entry, &p), XDP_DROP, "in one state: four are one too many");
	must_braid("delete", "edge");
}

static void test_operator(void)
{
	_cleanup_close_ int entry = -1;
	_cleanup_run_ struct run r = {};
	struct pkt p;

	apply(AS_FUSED, "2");
	entry = open_entry();
	udp(&p, 3000, 50);
	must_braid("config", "set", "edge", "packets=5");
	for (int i = 0; i < 5; i++)
		is_int(run_packet(entry, &p), XDP_PASS, "packet %d of five", i + 1);
	is_int(run_packet(entry, &p), XDP_DROP, "the limit is what was set");
	is_int(braid(&r, "config", "set", "edge", "packets=1001"), 1, "beyond braid_range()");
	must_braid("config", "set", "edge", "open=true");
	is_int(run_packet(entry, &p), XDP_PASS, "another field");

	must_braid("signal", "edge", "drain", "--stage", "limit");
	is_int(run_packet(entry, &p), XDP_PASS, "drain: a flow that has begun goes on");
	udp(&p, 3001, 50);
	is_int(run_packet(entry, &p), XDP_DROP, "a new one does not begin");
	must_braid("signal", "edge", "resume", "--stage", "limit");
	is_int(run_packet(entry, &p), XDP_PASS, "resumed");
	must_braid("delete", "edge");
}

int main(int argc, char **argv)
{
	live_init(argc, argv);
	test_alone();
	test_scratch(AS_FUSED);
	test_scratch(AS_TAILS);
	test_flows();
	test_operator();
	braid_error_clear(&err);
	is_int(live_pins(), 0, "nothing is left of all that");
	return done();
}
