/* SPDX-License-Identifier: GPL-2.0-only */
/* Test runs: one packet and what becomes of it, and many that leave at an interface. */
#include <errno.h>
#include <string.h>

#include "kernel/link.h"
#include "kernel/testrun.h"
#include "kernel/xdp.h"
#include "kernel_common.h"
#include "net.h"

static void test_testrun(void)
{
	const struct bpf_insn grow[] = {MOV(2, -4), CALL(BPF_FUNC_xdp_adjust_head), MOV(0, XDP_TX),
					EXIT()};
	_cleanup_close_ int prog = load("grow", grow, COUNT(grow));
	static unsigned char packet[200000];
	unsigned char out[128] = {};
	struct testrun run = {.packet = packet, .size = 60, .out = out, .room = sizeof(out)};
	struct testrun_result result = {};

	memset(packet, 0xab, sizeof(packet));
	is_int(testrun_packet(prog, &run, &result, &err), 0, "a packet runs");
	is_int(result.verdict, XDP_TX, "its verdict");
	is_int(result.size, 64, "it grew by four bytes in front");
	is_mem(out + 4, packet, 60, "the rest is as it was");
	run.room = 62;
	is_int(testrun_packet(prog, &run, &result, &err), -ENOSPC, "no room for it");
	says("64 bytes");
	run = (struct testrun){.packet = packet, .size = 60, .repeat = 1000};
	is_int(testrun_packet(prog, &run, &result, &err), 0, "without output, 1000 times");
	run.size = 13;
	is_int(testrun_packet(prog, &run, &result, &err), -EMSGSIZE, "shorter than Ethernet");
	run.size = 14;
	is_int(testrun_packet(prog, &run, &result, &err), 0, "a bare Ethernet header");
	run.size = sizeof(packet);
	is_int(testrun_packet(prog, &run, &result, &err), -EMSGSIZE, "more than any kernel takes");
	says("3,500 bytes");
}

/* A live run redirects into one end of a veth; the other end receives every frame. */
static void test_testrun_live(void)
{
	_cleanup_netns_ struct netns red = must_open("red");
	_cleanup_close_ int pass = verdict_program("receive", XDP_PASS), link = -1;
	_cleanup_close_ int wire = wire_open("blue", "veth0");
	__u32 ifindex = net_ifindex("red", "veth0");
	const struct bpf_insn send[] = {MOV(1, ifindex), MOV(2, 0), CALL(BPF_FUNC_redirect),
					EXIT()};
	_cleanup_close_ int prog = load("send", send, COUNT(send)), peer = -1;
	_cleanup_netns_ struct netns blue = must_open("blue");
	unsigned char frame[64] = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x88, 0xb5};
	struct testrun_live run = {.packet = frame,
				   .size = sizeof(frame),
				   .ns = &red,
				   .ifindex = ifindex,
				   .repeat = 100,
				   .batch = 16};

	if (xdp_link_create(&red, ifindex, pass, XDP_NATIVE, &link, &err) ||
	    xdp_link_create(&blue, net_ifindex("blue", "veth0"), pass, XDP_NATIVE, &peer, &err))
		bail_out("%s", error_all());
	is_int(testrun_live(prog, &run, &err), 0, "a live run");
	is_int(wire_count(wire, 100, 5000), 100, "every frame arrives at the other end");
	run.size = 10;
	is_int(testrun_live(prog, &run, &err), -EMSGSIZE, "too short");
	run.size = sizeof(frame);
	run.ifindex = 9999;
	is_int(testrun_live(prog, &run, &err), -ENODEV, "no interface");
	run.ifindex = ifindex;
	run.queue = 77;
	is_int(testrun_live(prog, &run, &err), -ENODEV, "no such queue");
	says("veth0 in netns red");
}

int main(void)
{
	kernel_test_begin();
	test_testrun();
	test_testrun_live();
	return kernel_test_end();
}
