/* SPDX-License-Identifier: GPL-2.0-only */
/* src/kernel against the kernel: namespaces, bpffs, XDP links, foreign programs, test runs. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/if_link.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "base/text.h"
#include "kernel/bpffs.h"
#include "kernel/ids.h"
#include "kernel/iface.h"
#include "kernel/probe.h"
#include "kernel/rcu.h"
#include "kernel/rtnl.h"
#include "kernel/testrun.h"
#include "kernel/link.h"
#include "kernel/xdp.h"
#include "net.h"
#include "run.h"
#include "tap.h"
#include "wait.h"

#define INSN(op, dst, src, offset, value)                                                          \
	((struct bpf_insn){.code = op, .dst_reg = dst, .src_reg = src, .off = offset, .imm = value})
#define MOV(reg, value)         INSN(BPF_ALU64 | BPF_MOV | BPF_K, reg, 0, 0, value)
#define MOV_REG(to, from)       INSN(BPF_ALU64 | BPF_MOV | BPF_X, to, from, 0, 0)
#define ADD(reg, value)         INSN(BPF_ALU64 | BPF_ADD | BPF_K, reg, 0, 0, value)
#define LOAD(to, from, offset)  INSN(BPF_LDX | BPF_MEM | BPF_DW, to, from, offset, 0)
#define STORE(to, offset, from) INSN(BPF_STX | BPF_MEM | BPF_DW, to, from, offset, 0)
#define CALL(helper)            INSN(BPF_JMP | BPF_CALL, 0, 0, 0, helper)
#define EXIT()                  INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0)
#define COUNT(array)            (sizeof(array) / sizeof(*(array)))

static struct braid_error err;

static int load(const char *name, const struct bpf_insn *insns, size_t n)
{
	int fd = bpf_prog_load(BPF_PROG_TYPE_XDP, name, "GPL", insns, n, NULL);

	if (fd < 0)
		bail_out("loading %s: %s", name, strerror(-fd));
	return fd;
}

static int verdict_program(const char *name, int verdict)
{
	const struct bpf_insn insns[] = {MOV(0, verdict), EXIT()};

	return load(name, insns, COUNT(insns));
}

static struct netns must_open(const char *name)
{
	struct netns ns;

	if (netns_open(name, &ns, &err))
		bail_out("%s", err.what);
	return ns;
}

/* What went wrong, all of it, as one string to look into. */
static const char *error_all(void)
{
	static char text[1024];

	snprintf(text, sizeof(text), "%s|%s|%s|%s", err.where ?: "", err.what ?: "", err.why ?: "",
		 err.hint ?: "");
	return text;
}

#define says(word) ok(strstr(error_all(), word), "the error says '%s': %s", word, error_all())

/* Runs @body in a child; its errors are for itself. Return: its exit status. */
static int in_child(int (*body)(void))
{
	pid_t pid;
	int status;

	fflush(NULL);
	pid = fork();
	if (!pid) {
		/* no leak check for what the parent owns */
		_exit(body());
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		bail_out("fork: %s", strerror(errno));
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void test_netns_identity(void)
{
	_cleanup_netns_ struct netns own = must_open(NULL), red = must_open("red");
	_cleanup_netns_ struct netns again = must_open("/run/netns/red");
	_cleanup_netns_ struct netns found = NETNS_INIT;
	_cleanup_free_ char *name = NULL, *nobody = NULL, *own_name = NULL;

	ok(own.cookie && red.cookie, "cookies are never 0");
	ok(!netns_is_same(&own, &red), "two namespaces are two");
	ok(netns_is_same(&red, &again), "one namespace by name and by path is one");
	is_str(again.name, "red", "a path is described by the name");
	own_name = text_fmt("cookie:%llu", (unsigned long long)own.cookie);
	is_str(own.name, own_name, "one without a name is called by its cookie");
	name = netns_describe(red.cookie);
	is_str(name, "red", "a cookie is described by the name");
	nobody = netns_describe(1ULL << 60);
	is_str(nobody, "cookie:1152921504606846976", "a cookie of nobody by itself");
	is_int(netns_open(own_name, &found, &err), 0, "a description can be opened");
	ok(netns_is_same(&own, &found), "and is the same namespace");
	is_int(netns_find(1ULL << 60, &again, &err), -ENOENT, "a cookie of nobody is not found");
}

/* @fd: the namespace in which the test was started; @name: what it was called there. */
static void test_netns_outer(int fd, const char *name)
{
	_cleanup_free_ char *path = text_fmt("/proc/self/fd/%d", fd);
	_cleanup_netns_ struct netns own = must_open(NULL), outer = must_open(path);
	_cleanup_netns_ struct netns found = NETNS_INIT;

	ok(!netns_is_same(&own, &outer), "the test runs in a namespace of its own");
	is_str(outer.name, name, "the outer one is called the same from inside");
	ok(text_has_prefix(own.name, "cookie:"), "the inner one is not 'init': %s", own.name);
	if (access("/proc/1/ns/net", R_OK)) {
		skip("process 1 may not be looked at here");
		return;
	}
	is_int(netns_open("init", &found, &err), 0, "that of process 1 can be opened");
	is_str(found.name, "init", "and is called init");
}

static void test_netns_errors(void)
{
	struct netns ns;
	int fd;

	is_int(netns_open("rde", &ns, &err), -ENOENT, "an unknown name");
	says("did you mean 'red'");
	is_int(netns_open("something-else", &ns, &err), -ENOENT, "an unlike name");
	says("ip netns list");
	is_int(netns_open("/proc/self/ns/mnt", &ns, &err), -EINVAL, "a mount namespace");
	says("not a network namespace");
	fd = open("/run/netns/stale", O_CREAT | O_WRONLY | O_CLOEXEC, 0);
	close(fd);
	is_int(netns_open("stale", &ns, &err), -EINVAL, "a name that nothing is mounted on");
	unlink("/run/netns/stale");
	is_int(netns_open("..", &ns, &err), -EINVAL, "no way out of the folder by a name");
	is_int(netns_open("/nowhere", &ns, &err), -ENOENT, "a path to nothing");
}

static void test_netns_guard(void)
{
	_cleanup_netns_ struct netns own = must_open(NULL), red = must_open("red");
	struct netns_guard guard = NETNS_GUARD_INIT;

	is_int(netns_enter(&own, &guard, &err), 0, "entering where one is");
	is_int(guard.old, -1, "needs no way back");
	{
		_cleanup_netns_guard_ struct netns_guard inside = NETNS_GUARD_INIT;
		_cleanup_netns_ struct netns here = NETNS_INIT;

		is_int(netns_enter(&red, &inside, &err), 0, "entering another");
		here = must_open(NULL);
		ok(netns_is_same(&here, &red), "one is inside");
	}
	{
		_cleanup_netns_ struct netns back = must_open(NULL);

		ok(netns_is_same(&back, &own), "the end of the scope leads back");
	}
}

static void test_iface(void)
{
	_cleanup_netns_ struct netns red = must_open("red");
	struct ifaces ifaces = {};
	char name[IF_NAMESIZE];
	__u32 ifindex = 0;

	is_int(iface_index(&red, "veth0", &ifindex, &err), 0, "an interface by name");
	is_int(ifindex, net_ifindex("red", "veth0"), "has its index");
	is_int(iface_name(&red, ifindex, name, &err), 0, "and back");
	is_str(name, "veth0", "to its name");
	is_int(iface_index(&red, "vteh0", &ifindex, &err), -ENODEV, "an unknown name");
	says("did you mean 'veth0'");
	says("'red'");
	is_int(iface_index(&red, "wlan7", &ifindex, &err), -ENODEV, "an unlike name");
	says("there are lo, veth0");
	is_int(iface_name(&red, 9999, name, &err), -ENODEV, "an index of nobody");
	is_int(iface_list(&red, &ifaces, &err), 0, "listing");
	is_int(ifaces.list.n, 2, "finds lo and the veth");
	is_str(ifaces.list.v[0].name, "lo", "in order");
	array_done(&ifaces.list);
}

static void test_bpffs_pins(const char *root)
{
	_cleanup_free_ char *folder = text_fmt("%s/braid/x", root);
	_cleanup_free_ char *pin = text_fmt("%s/prog", folder),
			    *dotted = text_fmt("%s/a.b", folder);
	_cleanup_(bpffs_entries_done) struct bpffs_entries entries = {};
	_cleanup_close_ int one = verdict_program("one", XDP_PASS), got = -1;
	_cleanup_close_ int two = verdict_program("two", XDP_DROP);
	struct stat st;

	is_int(bpffs_mkdir(folder, &err), 0, "a folder and the one above");
	is_int(bpffs_mkdir(folder, &err), 0, "again");
	ok(!stat(folder, &st) && (st.st_mode & 0777) == 0700, "for the owner only");
	is_int(bpffs_pin(one, pin, &err), 0, "a pin");
	is_int(bpffs_pin(two, pin, &err), -EEXIST, "is not replaced by pinning");
	is_int(bpffs_get(pin, BPFFS_PROGRAM, &got, &err), 0, "it can be opened");
	is_int(program_id(got), program_id(one), "and is the program");
	closep(&got);
	is_int(bpffs_get(pin, BPFFS_MAP, &got, &err), -EMEDIUMTYPE, "but not as a map");
	says("a map was expected here, not a program");
	is_int(bpffs_list(folder, &entries, &err), 0, "the folder can be read");
	is_int(entries.list.n, 1, "there is one thing");
	is_str(entries.list.v[0].name, "prog", "the pin");
	ok(!entries.list.v[0].is_folder, "which is no folder");
	is_int(bpffs_pin(one, dotted, &err), -EPERM, "a '.' is refused");
	says("allows no '.'");
	is_int(bpffs_unpin(pin, &err), 0, "unpinned");
	is_int(bpffs_unpin(pin, &err), -ENOENT, "once");
}

static void test_bpffs_escape(void)
{
	_cleanup_free_ char *vlan = bpffs_escape("eth0.100%"), *back = bpffs_unescape(vlan);

	is_str(vlan, "eth0%2e100%25", "escaped for bpffs");
	is_str(back, "eth0.100%", "and back");
}

static void test_bpffs_remove_tree(const char *root)
{
	_cleanup_free_ char *top = text_fmt("%s/tree", root), *deep = text_fmt("%s/a/b", top);
	_cleanup_free_ char *pin = text_fmt("%s/pin", deep), *link = text_fmt("%s/link", top);
	_cleanup_close_ int prog = verdict_program("tree", XDP_PASS);
	const char *outside = net_scratch();

	bpffs_mkdir(deep, &err);
	bpffs_pin(prog, pin, &err);
	if (symlink(outside, link))
		bail_out("symlink: %s", strerror(errno));
	is_int(bpffs_remove_tree(top, &err), -EXDEV, "a symbolic link stops a removal");
	says("/tree/link");
	unlink(link);
	is_int(bpffs_remove_tree(top, &err), 0, "a tree is removed");
	ok(access(top, F_OK), "all of it");
	is_int(bpffs_remove_tree(top, &err), 0, "one that is gone is fine");
	is_int(bpffs_remove_tree(outside, &err), -ENODEV, "a folder elsewhere is refused");
	ok(!access(outside, F_OK), "and left alone");
}

static void test_bpffs_root(void)
{
	_cleanup_free_ char *root = NULL, *named = strdup(getenv("BRAID_BPFFS"));
	char *none = NULL;

	setenv("BRAID_BPFFS", "/run/bpf///", 1);
	is_int(bpffs_root(&root, &err), 0, "a root that was named");
	is_str(root, "/run/bpf", "without slashes at its end");
	setenv("BRAID_BPFFS", "/proc", 1);
	is_int(bpffs_root(&none, &err), -ENODEV, "another file system");
	says("no BPF file system is mounted here");
	setenv("BRAID_BPFFS", "/run/nothing", 1);
	is_int(bpffs_root(&none, &err), -ENOENT, "no folder");
	says("$BRAID_BPFFS");
	unsetenv("BRAID_BPFFS");
	is_int(bpffs_root(&none, &err), -EXDEV, "a private one that nobody named");
	says("ip netns exec");
	umount("/sys/fs/bpf");
	if (mount("tmpfs", "/sys/fs/bpf", "tmpfs", 0, NULL))
		bail_out("mount: %s", strerror(errno));
	is_int(bpffs_root(&none, &err), -ENODEV, "none at the usual place");
	says("netns:");
	umount("/sys/fs/bpf");
	ok(!none, "an error returns no path");
	setenv("BRAID_BPFFS", named, 1);
}

static void test_link(void)
{
	_cleanup_netns_ struct netns red = must_open("red");
	_cleanup_close_ int one = verdict_program("first", XDP_PASS);
	_cleanup_close_ int two = verdict_program("second", XDP_DROP), link = -1, other = -1;
	__u32 ifindex = net_ifindex("red", "veth0");
	struct link_info info;
	struct xdp_state state;

	is_int(xdp_query(&red, ifindex, &state, &err), 0, "query");
	is_int(state.n, 0, "nothing is attached");
	is_int(xdp_link_create(&red, ifindex, one, XDP_NATIVE, &link, &err), 0, "a link");
	is_int(link_info(link, &info, &err), 0, "knows");
	is_int(info.ifindex, ifindex, "its interface");
	is_int(info.prog_id, program_id(one), "and program");
	is_int(xdp_query(&red, ifindex, &state, &err), 0, "query");
	is_int(state.n, 1, "finds one");
	is_int(state.v[0].mode, XDP_NATIVE, "native");
	is_int(state.v[0].prog_id, program_id(one), "the program");
	is_str(state.v[0].name, "first", "its name");
	is_int(state.v[0].links, 1, "by a link");
	is_int(state.v[0].link_id, info.id, "this one");
	is_int(state.v[0].uid, 0, "of root");
	ok(state.v[0].loaded_ns, "with a time");

	is_int(xdp_link_create(&red, ifindex, two, XDP_NATIVE, &other, &err), -EBUSY, "occupied");
	says("veth0 in netns red");
	says("'first'");
	is_int(xdp_link_create(&red, ifindex, two, XDP_GENERIC, &other, &err), -EEXIST,
	       "in the other mode too");
	is_int(link_update(link, two, two, &err), -ESTALE, "wrong expectation");
	link_info(link, &info, &err);
	is_int(info.prog_id, program_id(one), "changes nothing");
	is_int(link_update(link, one, two, &err), 0, "the right one");
	link_info(link, &info, &err);
	is_int(info.prog_id, program_id(two), "replaces it");
	is_int(link_detach(link, &err), 0, "detached");
	is_int(link_detach(link, &err), 0, "twice");
	link_info(link, &info, &err);
	is_int(info.ifindex, 0, "the link has no interface any more");
	is_int(link_update(link, two, one, &err), -ENODEV, "and takes no program");
	xdp_query(&red, ifindex, &state, &err);
	is_int(state.n, 0, "the interface is free");
	is_int(xdp_link_create(&red, 9999, one, XDP_NATIVE, &other, &err), -ENODEV, "no interface");
	is_int(xdp_query(&red, 9999, &state, &err), -ENODEV, "nor to ask");
	is_int(other, -1, "failures return no link");
}

static void test_link_modes(void)
{
	_cleanup_netns_ struct netns red = must_open("red");
	_cleanup_close_ int prog = verdict_program("modes", XDP_PASS), link = -1, none = -1;
	__u32 lo = net_ifindex("red", "lo"), ifindex = net_ifindex("red", "veth0");
	struct xdp_state state;

	is_int(xdp_link_create(&red, lo, prog, XDP_NATIVE, &none, &err), -EOPNOTSUPP,
	       "lo has no native XDP");
	says("mode: generic");
	is_int(xdp_link_create(&red, lo, prog, XDP_GENERIC, &link, &err), 0, "but generic");
	xdp_query(&red, lo, &state, &err);
	is_int(state.v[0].mode, XDP_GENERIC, "and says so");
	must_run("ip -n blue link set veth0 mtu 9000");
	is_int(xdp_link_create(&red, ifindex, prog, XDP_NATIVE, &none, &err), -ERANGE,
	       "a veth whose peer sends 9000 bytes");
	says("MTU");
	must_run("ip -n blue link set veth0 mtu 1500");
}

static void test_update_refuses_other_type(void)
{
	_cleanup_netns_ struct netns red = must_open("red");
	const struct bpf_insn insns[] = {MOV(0, 0), EXIT()};
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .expected_attach_type = BPF_XDP_CPUMAP);
	_cleanup_close_ int prog = verdict_program("typed", XDP_PASS), link = -1;
	_cleanup_close_ int cpumap = bpf_prog_load(BPF_PROG_TYPE_XDP, "cpumap", "GPL", insns,
						   COUNT(insns), &opts);
	struct link_info info;

	xdp_link_create(&red, net_ifindex("red", "veth0"), prog, XDP_NATIVE, &link, &err);
	is_int(link_update(link, prog, cpumap, &err), -EINVAL, "another attach type");
	says("attach type");
	link_info(link, &info, &err);
	is_int(info.prog_id, program_id(prog), "changes nothing");
}

static void test_foreign_netlink(void)
{
	_cleanup_netns_ struct netns red = must_open("red");
	_cleanup_close_ int theirs = verdict_program("foreign", XDP_PASS), link = -1;
	_cleanup_close_ int ours = verdict_program("ours", XDP_PASS);
	_cleanup_free_ char *message = NULL;
	__u32 ifindex = net_ifindex("red", "veth0");
	struct xdp_state state, old;

	{
		_net_in_(there, "red");
		is_int(bpf_xdp_attach(ifindex, theirs, XDP_FLAGS_DRV_MODE, NULL), 0, "foreign");
	}
	is_int(xdp_query(&red, ifindex, &state, &err), 0, "query");
	is_int(state.n, 1, "sees it");
	is_str(state.v[0].name, "foreign", "its name");
	is_int(state.v[0].prog_id, program_id(theirs), "its id");
	is_int(state.v[0].links, 0, "and that it hangs on no link");
	is_int(xdp_link_create(&red, ifindex, ours, XDP_NATIVE, &link, &err), -EBUSY, "in the way");
	says("by netlink");

	old = state;
	{
		_net_in_(there, "red");
		bpf_xdp_attach(ifindex, ours, XDP_FLAGS_DRV_MODE, NULL);
		is_int(rtnl_xdp_detach(ifindex, theirs, XDP_FLAGS_DRV_MODE, &message), -EEXIST,
		       "netlink minds the expected program");
		is_str(message, "Active program does not match expected", "in its own words");
	}
	is_int(xdp_detach_foreign(&red, ifindex, &old.v[0], &err), -ESTALE, "another took over");
	xdp_query(&red, ifindex, &state, &err);
	is_int(state.v[0].prog_id, program_id(ours), "which stays");
	is_int(xdp_detach_foreign(&red, ifindex, &state.v[0], &err), 0, "the right one");
	xdp_query(&red, ifindex, &state, &err);
	is_int(state.n, 0, "is detached");
	is_int(xdp_detach_foreign(&red, ifindex, &old.v[0], &err), 0, "gone already is fine");
}

static void test_foreign_link(void)
{
	_cleanup_netns_ struct netns red = must_open("red");
	_cleanup_close_ int prog = verdict_program("linked", XDP_PASS), link = -1;
	__u32 ifindex = net_ifindex("red", "veth0");
	struct xdp_state state;

	xdp_link_create(&red, ifindex, prog, XDP_NATIVE, &link, &err);
	xdp_query(&red, ifindex, &state, &err);
	is_int(xdp_detach_foreign(&red, ifindex, &state.v[0], &err), 0, "by its link's id");
	xdp_query(&red, ifindex, &state, &err);
	is_int(state.n, 0, "a foreign link is detached");
}

/* Interfaces of different namespaces with one ifindex: the kernel's link info cannot tell. */
static void test_equal_ifindex(void)
{
	_cleanup_netns_ struct netns red = must_open("red"), blue = must_open("blue");
	_cleanup_close_ int shared = verdict_program("shared", XDP_PASS);
	_cleanup_close_ int own = verdict_program("own", XDP_PASS);
	_cleanup_close_ int in_red = -1, in_blue = -1;
	const __u32 ifindex = 77;
	struct xdp_state r, b;

	must_run("ip -n red link add same index 77 type veth peer name same-peer");
	must_run("ip -n blue link add same index 77 type veth peer name same-peer");
	xdp_link_create(&red, ifindex, shared, XDP_NATIVE, &in_red, &err);
	xdp_query(&red, ifindex, &r, &err);
	xdp_query(&blue, ifindex, &b, &err);
	is_int(r.n, 1, "attached here");
	is_int(b.n, 0, "and not there");

	xdp_link_create(&blue, ifindex, own, XDP_NATIVE, &in_blue, &err);
	xdp_query(&red, ifindex, &r, &err);
	xdp_query(&blue, ifindex, &b, &err);
	is_str(r.v[0].name, "shared", "one program here");
	is_str(b.v[0].name, "own", "another there");
	ok(r.v[0].link_id && b.v[0].link_id && r.v[0].link_id != b.v[0].link_id, "two links");

	link_update(in_blue, own, shared, &err);
	xdp_query(&red, ifindex, &r, &err);
	is_int(r.v[0].links, 2, "one program in both: two links may be it");
	is_int(r.v[0].link_id, 0, "so none is named");
	is_int(xdp_detach_foreign(&red, ifindex, &r.v[0], &err), -ENOTUNIQ, "nor detached");
	xdp_query(&red, ifindex, &r, &err);
	xdp_query(&blue, ifindex, &b, &err);
	ok(r.n == 1 && b.n == 1, "both are still attached");
	must_run("ip -n red link delete same");
	must_run("ip -n blue link delete same");
}

static void test_device_gone(void)
{
	_cleanup_netns_ struct netns red = must_open("red");
	_cleanup_close_ int prog = verdict_program("orphan", XDP_PASS), link = -1;
	_cleanup_close_ int next = verdict_program("next", XDP_PASS);
	struct link_info info;

	net_veth("red", "going", "blue", "going");
	xdp_link_create(&red, net_ifindex("red", "going"), prog, XDP_NATIVE, &link, &err);
	must_run("ip -n red link delete going");
	is_int(link_info(link, &info, &err), 0, "a link outlives its device");
	is_int(info.ifindex, 0, "and says that it is gone");
	is_int(link_update(link, prog, next, &err), -ENODEV, "an update does too");
	is_int(link_detach(link, &err), 0, "detaching it is fine");
}

/*
 * Counts `started` up, looks up a huge key very often, counts `finished` up. It spends
 * milliseconds in one run, nearly all of them between the two.
 */
static int slow_program(int counts, int hash)
{
	enum { KEY = 480, ROUNDS = 6000 };
	struct bpf_insn insns[KEY / 8 + 40];
	size_t n = 0, top, jump;

#define EMIT(...) (insns[n++] = __VA_ARGS__)
#define COUNT_UP(offset)                                                                           \
	do {                                                                                       \
		EMIT(INSN(BPF_LD | BPF_IMM | BPF_DW, 6, BPF_PSEUDO_MAP_VALUE, 0, counts));         \
		EMIT(INSN(0, 0, 0, 0, offset));                                                    \
		EMIT(LOAD(7, 6, 0));                                                               \
		EMIT(ADD(7, 1));                                                                   \
		EMIT(STORE(6, 0, 7));                                                              \
	} while (0)
	for (int at = -KEY; at < 0; at += 8)
		EMIT(INSN(BPF_ST | BPF_MEM | BPF_DW, 10, 0, at, 0));
	COUNT_UP(0);
	EMIT(MOV(8, 0));
	top = n;
	EMIT(INSN(BPF_LD | BPF_IMM | BPF_DW, 1, BPF_PSEUDO_MAP_FD, 0, hash));
	EMIT(INSN(0, 0, 0, 0, 0));
	EMIT(MOV_REG(2, 10));
	EMIT(ADD(2, -KEY));
	EMIT(CALL(BPF_FUNC_map_lookup_elem));
	EMIT(ADD(8, 1));
	jump = n;
	EMIT(INSN(BPF_JMP | BPF_JLT | BPF_K, 8, 0, (short)(top - jump - 1), ROUNDS));
	COUNT_UP(8);
	EMIT(MOV(0, XDP_PASS));
	EMIT(EXIT());
#undef COUNT_UP
#undef EMIT
	return load("slow", insns, n);
}

struct slow {
	int prog;
	atomic_bool stop;
	int failed;
};

static void *run_slow(void *arg)
{
	_cleanup_error_ struct braid_error own = BRAID_ERROR_INIT;
	struct testrun_result result;
	struct slow *slow = arg;
	char packet[64] = {};
	struct testrun run = {.packet = packet, .size = sizeof(packet)};

	while (!atomic_load(&slow->stop))
		slow->failed |= testrun_packet(slow->prog, &run, &result, &own);
	return NULL;
}

static void read_counts(int map, __u64 ret[2])
{
	__u32 key = 0;

	if (bpf_map_lookup_elem(map, &key, ret))
		bail_out("reading counts");
}

/* Return: how often a run that had begun before the call was not over after it. */
static int count_early_returns(void)
{
	_cleanup_close_ int counts = bpf_map_create(BPF_MAP_TYPE_ARRAY, "counts", 4, 16, 1, NULL);
	_cleanup_close_ int hash = bpf_map_create(BPF_MAP_TYPE_HASH, "hash", 480, 4, 1, NULL);
	_cleanup_close_ int prog = slow_program(counts, hash);
	struct slow slow = {.prog = prog};
	long long until = now_ms() + 10000;
	int early = 0, caught = 0;
	pthread_t thread;

	if (pthread_create(&thread, NULL, run_slow, &slow))
		bail_out("pthread_create");
	while (caught < 10 && now_ms() < until) {
		__u64 before[2], after[2];

		read_counts(counts, before);
		caught += before[0] > before[1];
		if (kernel_sync_rcu(&err))
			early = -1000;
		read_counts(counts, after);
		early += after[1] < before[0];
	}
	atomic_store(&slow.stop, true);
	pthread_join(thread, NULL);
	is_int(caught, 10, "ten calls while the program was running");
	is_int(slow.failed, 0, "and its runs succeeded");
	return early;
}

#define NO_SECCOMP 77 /* the kernel is one without CONFIG_SECCOMP_FILTER */

/* In a child: membarrier(2) as a nohz_full kernel answers it. */
static int sync_without_membarrier(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_membarrier, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EINVAL),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog filter = {COUNT(code), code};

	if (freopen("/dev/null", "w", stdout) == NULL || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return 100;
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter))
		return errno == EINVAL ? NO_SECCOMP : 100;
	if (syscall(SYS_membarrier, 0, 0, 0) != -1)
		return 101;
	return count_early_returns() ? 1 : 0;
}

static void test_rcu(void)
{
	int r;

	is_int(count_early_returns(), 0, "no call returned before a running program did");
	r = in_child(sync_without_membarrier);
	if (r == NO_SECCOMP)
		skip("the kernel cannot refuse membarrier: it has no CONFIG_SECCOMP_FILTER");
	else
		is_int(r, 0, "nor where membarrier is refused");
}

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

static void test_ids(void)
{
	_cleanup_close_ int prog = verdict_program("listed", XDP_PASS);
	__u32 id = program_id(prog);
	struct ids ids = {};
	size_t found = 0;
	bool sorted = true;

	is_int(ids_list(IDS_PROGRAMS, &ids, &err), 0, "programs can be listed");
	for (size_t i = 0; i < ids.list.n; i++) {
		found += ids.list.v[i] == id;
		sorted &= !i || ids.list.v[i - 1] < ids.list.v[i];
	}
	is_int(found, 1, "the new one among them, once");
	ok(sorted, "in order");
	array_done(&ids.list);
	is_int(ids_list(IDS_MAPS, &ids, &err), 0, "maps too");
	array_done(&ids.list);
	is_int(ids_list(IDS_LINKS, &ids, &err), 0, "links too");
	array_done(&ids.list);
}

static int keep_capabilities(__u64 keep)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2] = {
		{.effective = keep, .permitted = keep},
		{.effective = keep >> 32, .permitted = keep >> 32}};

	return syscall(SYS_capset, &head, data);
}

/* In a child without privileges. Return: 0, or which expectation failed. */
static int unprivileged(void)
{
	struct netns red = NETNS_INIT;
	struct netns_guard guard = NETNS_GUARD_INIT;
	struct ids ids;
	int r = 0;

	if (netns_open("red", &red, &err))
		return 1;
	if (keep_capabilities(1ULL << CAP_NET_ADMIN | 1ULL << CAP_BPF))
		return 2;
	if (probe_privileges(&err) != -EPERM || !text_eq(err.why, "missing: CAP_PERFMON"))
		r = 3;
	else if (keep_capabilities(0))
		r = 4;
	else if (probe_privileges(&err) != -EPERM ||
		 !text_eq(err.why, "missing: CAP_NET_ADMIN, CAP_BPF, CAP_PERFMON"))
		r = 5;
	else if (ids_list(IDS_LINKS, &ids, &err) != -EPERM || !err.hint)
		r = 6;
	else if (netns_enter(&red, &guard, &err) != -EPERM || !err.hint)
		r = 7;
	netns_done(&red);
	braid_error_clear(&err);
	return r;
}

static void test_probe(void)
{
	is_int(probe_privileges(&err), 0, "root may");
	is_int(in_child(unprivileged), 0, "others may not, and are told what is missing");
	is_int(probe_kernel(5, 14, "a test", &err), 0, "this kernel is not older than 5.14");
	is_int(probe_kernel(99, 0, "the far future", &err), -EOPNOTSUPP, "but than 99.0");
	says("99.0 or later");
	is_int(probe_kernel(1, 99, "the past", &err), 0, "2.0 would be later than 1.99");
}

static int quiet(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	return 0;
}

int main(void)
{
	_cleanup_free_ char *root = NULL;
	_cleanup_netns_ struct netns outer = must_open(NULL);

	net_init();
	libbpf_set_print(quiet);
	net_add("red");
	net_add("blue");
	net_veth("red", "veth0", "blue", "veth0");

	test_netns_identity();
	test_netns_outer(outer.fd, outer.name);
	test_netns_errors();
	test_netns_guard();
	test_iface();
	if (bpffs_root(&root, &err))
		bail_out("%s", error_all());
	test_bpffs_pins(root);
	test_bpffs_escape();
	test_bpffs_remove_tree(root);
	test_bpffs_root();
	test_link();
	test_link_modes();
	test_update_refuses_other_type();
	test_foreign_netlink();
	test_foreign_link();
	test_equal_ifindex();
	test_device_gone();
	test_rcu();
	test_testrun();
	test_testrun_live();
	test_ids();
	test_probe();
	braid_error_clear(&err);
	return done();
}
