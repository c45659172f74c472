/* SPDX-License-Identifier: GPL-2.0-only */
/* netdevsim, which stands in for a NIC that runs programs itself. */
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <string.h>
#include <unistd.h>

#include "facts.h"
#include "run.h"
#include "tap.h"
#include "wait.h"

static int write_file(const char *path, const char *text)
{
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CLOEXEC);

	return fd < 0 || write(fd, text, strlen(text)) < 0 ? -errno : 0;
}

/* The interface that came last. */
static int newest(void)
{
	struct if_nameindex *all = if_nameindex();
	int last = 0;

	if (!all)
		bail_out("if_nameindex: %s", strerror(errno));
	for (struct if_nameindex *i = all; i->if_index; i++)
		last = (int)i->if_index > last ? (int)i->if_index : last;
	if_freenameindex(all);
	return last;
}

/* A program for a device is taken by it, which shows in debugfs. */
static void check_offload(int ifindex)
{
	const char *shown = "/sys/kernel/debug/netdevsim/netdevsim7/ports/0/bpf_offloaded_id";
	const struct bpf_insn pass[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .imm = XDP_PASS},
		{.code = BPF_JMP | BPF_EXIT},
	};
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .prog_ifindex = ifindex);
	_cleanup_close_ int fd = bpf_prog_load(BPF_PROG_TYPE_XDP, "facts", "GPL", pass, 2, &opts);

	ok(fd >= 0, "a program for a device loads");
	ok(facts_file_is(shown, "0"), "the device has none yet");
	is_int(bpf_xdp_attach(ifindex, fd, XDP_FLAGS_HW_MODE, NULL), 0, "offloading it");
	ok(!facts_file_is(shown, "0"), "the device has it");
	is_int(bpf_xdp_detach(ifindex, XDP_FLAGS_HW_MODE, NULL), 0, "taking it back");
	ok(facts_file_is(shown, "0"), "the device has it no more");
}

void facts_devices(void)
{
	int before = newest();
	_cleanup_run_ struct run r = {};

	run(&r, "modprobe", "netdevsim"); /* where it is a module nobody else asks for it */
	if (!fact(write_file("/sys/bus/netdevsim/new_device", "7 1"), "netdevsim: is made"))
		return;
	ok(wait_until(newest() > before, FACTS_DEADLINE_MS), "it has an interface");
	check_offload(newest());
	is_int(write_file("/sys/bus/netdevsim/del_device", "7"), 0, "netdevsim is taken away");
	is_int(newest(), before, "with its interface");
}
