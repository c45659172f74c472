/* SPDX-License-Identifier: GPL-2.0-only */
/* Who holds a program or a link: this process, a child, a pin, nobody. */
#include <bpf/bpf.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/text.h"
#include "kernel/bpffs.h"
#include "kernel/ids.h"
#include "kernel/netns.h"
#include "kernel/owner.h"
#include "kernel/xdp.h"
#include "net.h"
#include "tap.h"

static struct braid_error err;
static char *root;

static int make_program(const char *name)
{
	const struct bpf_insn pass[] = {{.code = BPF_ALU64 | BPF_MOV | BPF_K, .imm = 2},
					{.code = BPF_JMP | BPF_EXIT}};
	int fd = bpf_prog_load(BPF_PROG_TYPE_XDP, name, "GPL", pass, 2, NULL);

	if (fd < 0)
		bail_out("loading a program: %s", strerror(-fd));
	return fd;
}

static __u32 link_id(int fd)
{
	struct bpf_link_info info = {};
	__u32 size = sizeof(info);

	if (bpf_obj_get_info_by_fd(fd, &info, &size))
		bail_out("reading a link's info");
	return info.id;
}

static struct owners look(const char *where)
{
	struct owners o = {};

	if (owners_read(where, &o, &err))
		bail_out("%s", err.what);
	return o;
}

struct count {
	int holders, own, other, pins;
	char comm[16], pin[256];
};

static struct count count(const struct owners *o, __u32 prog_id, __u32 link)
{
	struct count c = {};

	owners_foreach(h, o, prog_id, link)
	{
		c.holders++;
		c.own += h->pid == getpid();
		c.other += h->pid && h->pid != getpid();
		c.pins += !h->pid;
		if (h->pid && h->pid != getpid())
			snprintf(c.comm, sizeof(c.comm), "%s", h->comm);
		if (h->pin)
			snprintf(c.pin, sizeof(c.pin), "%s", h->pin);
	}
	return c;
}

/* A child with a copy of @fd as its only one of BPF, and a name of its own. */
static pid_t keep_in_child(int fd)
{
	int ready[2];
	pid_t pid;
	char byte;

	if (pipe(ready))
		bail_out("pipe");
	fflush(NULL);
	pid = fork();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		prctl(PR_SET_NAME, "tck) 1 holder");
		dup2(fd, 100);
		dup2(fd, 101); /* twice, and named once */
		if (write(ready[1], "", 1) == 1)
			pause();
		_exit(1);
	}
	close(ready[1]);
	if (pid < 0 || read(ready[0], &byte, 1) != 1)
		bail_out("fork: %s", strerror(errno));
	close(ready[0]);
	return pid;
}

static void end(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void test_processes(void)
{
	int held = make_program("held");
	_cleanup_close_ int other = make_program("other");
	__u32 id = program_id(held);
	struct owners before = look(NULL), after;
	pid_t pid = keep_in_child(held);
	struct count c = count(&before, id, 0);

	is_int(c.holders, 1, "this process holds a program");
	is_int(c.own, 1, "by its id");
	owners_done(&before);
	before = look(NULL);
	c = count(&before, id, 0);
	is_int(c.other, 1, "a child, too, once");
	is_str(c.comm, "tck) 1 holder", "by its name, whatever that is");
	is_int(count(&before, program_id(other), 0).own, 1, "another program is held, as well");
	close(held);
	after = look(NULL);
	c = count(&after, id, 0);
	is_int(c.own, 0, "this process holds it no more");
	is_int(c.other, 1, "the child does");
	end(pid);
	owners_done(&after);
	after = look(NULL);
	is_int(count(&after, id, 0).holders, 0, "now nobody does");
	owners_done(&before);
	owners_done(&after);
}

/* A link keeps its program, which nobody else may hold. */
static void test_link(void)
{
	_cleanup_netns_ struct netns ns = NETNS_INIT;
	int prog = make_program("linked");
	_cleanup_close_ int link = -1;
	__u32 id = program_id(prog);
	struct owners o;

	if (netns_open("blue", &ns, &err) ||
	    xdp_link_create(&ns, net_ifindex("blue", "veth0"), prog, XDP_NATIVE, &link, &err))
		bail_out("%s", err.what);
	close(prog);
	o = look(NULL);
	is_int(count(&o, id, 0).holders, 0, "nobody holds the program itself");
	is_int(count(&o, 0, link_id(link)).own, 1, "this process holds its link");
	is_int(count(&o, id, link_id(link)).holders, 1, "which is found with both ids");
	/* numbers of the two have nothing to do with each other */
	is_int(count(&o, link_id(link), 0).holders + count(&o, 0, id).holders, 0,
	       "and not by the other's");
	is_int(count(&o, 0, 0).holders, 0, "nor by none");
	owners_done(&o);
}

static void test_pins(void)
{
	int prog = make_program("pinned");
	_cleanup_close_ int map = bpf_map_create(BPF_MAP_TYPE_ARRAY, "m", 4, 4, 1, NULL);
	_cleanup_free_ char *folder = text_fmt("%s/a/b", root), *pin = text_fmt("%s/p", folder);
	_cleanup_free_ char *again = text_fmt("%s/q", root), *other = text_fmt("%s/m", folder);
	__u32 id = program_id(prog);
	struct owners o;
	struct count c;

	if (bpffs_mkdir(folder, &err) || bpffs_pin(prog, pin, &err) || bpffs_pin(map, other, &err))
		bail_out("%s", err.what);
	close(prog);
	o = look(root);
	c = count(&o, id, 0);
	is_int(c.holders, 1, "a pin holds a program");
	is_str(c.pin, pin, "by its path");
	ok(!o.cut, "all was looked at");
	owners_done(&o);
	o = look(NULL);
	is_int(count(&o, id, 0).holders, 0, "not if nobody asks for pins");
	owners_done(&o);

	if (symlink(folder, again))
		bail_out("symlink: %s", strerror(errno));
	o = look(root);
	is_int(count(&o, id, 0).pins, 1, "symbolic links are not followed");
	owners_done(&o);
	o = look(again);
	is_int(count(&o, id, 0).pins, 1, "but to the root");
	owners_done(&o);
	if (unlink(again) || unlink(pin))
		bail_out("unlink: %s", strerror(errno));
	o = look(root);
	is_int(count(&o, id, 0).holders, 0, "no pin, nobody");
	owners_done(&o);
}

static void test_other_places(void)
{
	struct owners o = look("/proc");

	ok(!o.cut, "what is no bpffs is not walked");
	owners_done(&o);
	o = look("/nowhere");
	ok(!o.cut, "nor what is nothing");
	owners_done(&o);
}

/* Somebody may have made a labyrinth. */
static void test_depth(void)
{
	_cleanup_free_ char *path = strdup(root);
	struct owners o;

	for (int i = 0; i < 40; i++) {
		char *below = text_fmt("%s/d", path);

		free(path);
		path = below;
		if (mkdir(path, 0700))
			bail_out("%s: %s", path, strerror(errno));
	}
	o = look(root);
	ok(o.cut, "there is an end, and it is told");
	owners_done(&o);
}

int main(void)
{
	net_init();
	net_add("red");
	net_add("blue");
	net_veth("red", "veth0", "blue", "veth0");
	if (bpffs_root(&root, &err))
		bail_out("%s", err.what);
	test_processes();
	test_link();
	test_pins();
	test_other_places();
	test_depth();
	free(root);
	braid_error_clear(&err);
	return done();
}
