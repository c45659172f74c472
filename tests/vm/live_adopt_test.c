/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Components of others that become stages: xdp-filter, with its rules; and one that cannot.
 * Last argument: the folder of adopt_twins.bpf.o.
 */
#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <string.h>
#include <unistd.h>

#include "live_common.h"
#include "packet.h"

enum { ARRIVES_MS = 20000 };

static const char *const blocked = "10.1.2.3", *const late = "10.1.2.4", *const fine = "10.1.2.5";
static const char *vm_objects;

#define there(r, ...) run(r, "nsenter", "--net=/run/netns/right", __VA_ARGS__)

static void must_there(const char *line)
{
	must_run("nsenter --net=/run/netns/right %s", line);
}

/* Does an IPv4 packet to @address come through? */
static bool arrives(const char *address)
{
	_cleanup_close_ int in = wire_open("left", "l0"), out = wire_open("right", "r0");
	struct pkt p = {}, behind = {};
	ssize_t n;

	pkt_eth(&p);
	pkt_ip4(&p, "10.9.9.9", address);
	pkt_udp(&p, 1000, 53);
	pkt_payload(&p, NULL, 64);
	pkt_finish(&p);
	pkt_eth(&behind);
	pkt_ethertype(&behind, FRAME_FOLLOWER);
	pkt_payload(&behind, NULL, 64);
	wire_send(in, p.data, p.len);
	wire_send(in, behind.data, behind.len);
	n = wire_count_before(out, behind.data, behind.len, ARRIVES_MS);
	if (n < 0)
		bail_out("no packet arrives");
	live_drain(0);
	return n == 1;
}

/* "edge xdpfilt_dny_ip" */
static const char *components(void)
{
	static char names[256];
	_cleanup_json_ json_t *status = braid_json("status");
	json_t *list = json_at(status, "dispatchers/0/components"), *component;
	size_t i;

	*names = '\0';
	json_array_foreach (list, i, component) {
		strcat(names, *names ? " " : "");
		strcat(names, json_text(component, "name"));
	}
	return names;
}

/* The machine is our own: what status has of dispatchers is what we have made. */
static void test_status(void)
{
	_cleanup_json_ json_t *status = braid_json("status"),
			      *listed = braid_json("dispatcher", "list");
	_cleanup_run_ struct run r = {};
	json_t *d = json_at(status, "dispatchers/0");

	is_int(json_array_size(json_at(status, "dispatchers")), 1, "status has the dispatcher");
	ok(json_equal(json_at(status, "dispatchers"), json_at(listed, "dispatchers")),
	   "as dispatcher list has it");
	is_str(json_text(d, "interface"), "r0", "where");
	is_str(json_text(d, "netns"), "right", "in which namespace");
	is_str(json_text(d, "state"), "dispatcher", "its state");
	is_str(json_text(d, "program/mode"), "native", "its mode");
	ok(json_number(d, "version") >= 2, "its version");
	is_str(json_text(d, "components/0/pipeline"), "", "one is xdp-filter's");
	is_int(json_number(d, "components/0/priority"), 10, "with the priority that it asks for");
	is_str(json_text(d, "components/1/pipeline"), "edge", "one a pipeline's");
	is_int(json_number(d, "components/1/priority"), 50, "with the usual one");
	is_int(braid(&r, "status"), 0, "for people");
	ok(strstr(r.out, "r0 in right: dispatcher ") &&
		   strstr(r.out, json_text(d, "components/0/name")),
	   "the same: %s", r.out);
}

static void test_filter(void)
{
	_cleanup_json_ json_t *joined = NULL, *adopted = NULL, *after = NULL;
	_cleanup_run_ struct run r = {};

	must_there("xdp-filter load -f ipv4 r0");
	must_there(live_text("xdp-filter ip %s", blocked));
	ok(!arrives(blocked) && arrives(late) && arrives(fine), "xdp-filter drops by its rule");
	joined = braid_json("apply", live_manifest("edge.yaml", ON_R0, live_marks("2")));
	is_str(json_text(joined, "strategy"), "dispatcher", "a pipeline joins");
	ok(!arrives(blocked) && arrives(late) && arrives(fine), "the rule holds");
	is_str(live_trip(0), "2", "packets meet the pipeline");
	ok(strstr(components(), "xdpfilt") && strstr(components(), "edge"), "status: %s",
	   components());
	test_status();
	adopted = braid_json("adopt", "--netns", "right", "r0");
	is_str(json_text(adopted, "applied/strategy"), "fused", "all in one program");
	is_int(json_number(adopted, "after/programs"), 1, "in one");
	ok(!arrives(blocked) && arrives(late) && arrives(fine), "the rule holds");
	is_str(live_trip(0), "2", "packets meet the pipeline");
	after = braid_json("status");
	is_int(json_array_size(json_at(after, "dispatchers")), 0, "no dispatcher any more");
	if (!is_int(there(&r, "xdp-filter", "ip", late), 0, "xdp-filter takes one more"))
		diag("%s%s", r.out, r.err);
	ok(!arrives(blocked) && !arrives(late) && arrives(fine), "which holds, too");
	must_braid("delete", "edge");
	ok(arrives(blocked) && arrives(late), "deleted, with all that it has taken over");
}

/* The wrong map would have the other one's numbers. */
static void test_twins(void)
{
	const char *object = live_text("%s/adopt_twins.bpf.o", vm_objects);
	_cleanup_run_ struct run r = {};

	must_there(live_text("xdp-loader load -m native r0 %s", object));
	is_int(braid(&r, "adopt", "--netns", "right", "r0", "--objects", object), 1,
	       "maps with one name");
	ok(strstr(r.err, "'packets_per_cpu_in'") && strstr(r.err, "'packets_per_cpu_out'"),
	   "are told: %s", r.err);
	is_str(components(), "twins", "nothing has changed");
	is_int(live_pins(), 0, "nothing is left");
	must_there("xdp-loader unload -a r0");
}

int main(int argc, char **argv)
{
	live_init(argc, argv);
	setenv("LIBXDP_BPFFS", getenv("BRAID_BPFFS"), 1);
	vm_objects = argv[argc - 1];
	test_filter();
	test_twins();
	return done();
}
