/* SPDX-License-Identifier: GPL-2.0-only */
/* What is recognised on an interface, of all versions and none, and what can be done with it. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/if_link.h>
#include <string.h>

#include "base/text.h"
#include "dispatch_fixture.h"
#include "kernel/freplace.h"
#include "net.h"

static void is_state(enum dispatcher_state state, __u32 version, const char *why)
{
	_cleanup_(dispatcher_done) struct dispatcher d = DISPATCHER_NONE;

	dispatch_look(&d);
	is_int(d.state, state, "it is recognised: %s", *why ? why : "sound");
	is_int(d.config.version, version, "its version");
	ok(!*why || (d.why && strstr(d.why, why)), "the reason: %s", d.why ?: "none");
	ok(d.state == DISPATCHER_SOUND || d.state == DISPATCHER_LINKED || !d.components.n,
	   "only such have components");
}

static void test_version_1(void)
{
	struct fixture f = {.object = "v1", .components = {"a", "b"}};

	fixture_config_1(&f, 2);
	fixture_attach(&f);
	is_state(DISPATCHER_SOUND, 1, "");
	is_str(names_now(), "a b", "its components");
	is_str(seen_by_us(), seen_by_them(), "both list the same");
	is_int(xdp_loader("load", DISPATCH_IF, dispatch_object("c")) != 0, 1,
	       "xdp-loader adds nothing to it");
	edit("+c:10:4");
	is_state(DISPATCHER_SOUND, 2, "");
	is_str(names_now(), "c a b", "ours has moved all of them");
	is_str(met_by_packets(""), "c a b", "packets meet them");
	is_str(seen_by_us(), seen_by_them(), "both list the same");
	is_int(dispatch_folders(), 1, "the old pins are gone");
	is_int(xdp_loader("load", "-P", "90", DISPATCH_IF, dispatch_object("d")), 0,
	       "now xdp-loader adds one");
	is_str(met_by_packets(""), "c a b d", "packets meet it, too");
	edit("-mark_a", "-mark_b", "-mark_c", "-mark_d");
	is_state(DISPATCHER_ABSENT, 0, "");
	close(f.fd);
	free(f.folder);
}

static void test_version_3(void)
{
	edit("v3", "+a:50:4", "+b:60:4");
	is_state(DISPATCHER_SOUND, 3, "");
	ok(xdp_loader("status", DISPATCH_IF) != 0 || !strstr(seen_by_them(), "mark_a"),
	   "this xdp-loader does not know it");
	edit("+c:55:4");
	is_state(DISPATCHER_SOUND, 3, "");
	is_str(met_by_packets(""), "a c b", "packets meet them");
	edit("v2");
	is_state(DISPATCHER_SOUND, 2, "");
	is_str(seen_by_us(), seen_by_them(), "both list the same");
	edit("-mark_a", "-mark_b", "-mark_c");
}

static void refuses(struct fixture *f, enum dispatcher_state state, __u32 version, const char *why)
{
	_cleanup_(dispatcher_done) struct dispatcher d = DISPATCHER_NONE;

	is_state(state, version, why);
	is_int(edit_error(why, "+c:50:4"), -EBUSY, "it is not changed");
	dispatch_look(&d);
	is_int(d.id, f->id, "and still there");
	fixture_detach(f);
}

static void test_later(void)
{
	struct fixture f = {.object = "v4", .components = {"a"}};

	fixture_config(&f, 4, 1);
	fixture_attach(&f);
	refuses(&f, DISPATCHER_LATER, 4, "of version 4");
}

static void test_broken(void)
{
	static const char *const pins[] = {"prog0-prog", "prog1-link", "prog1-prog"};
	struct fixture f;

	for (int i = 0; i < 3; i++) {
		f = (struct fixture){.object = "v2", .components = {"a", "b"}};
		fixture_config(&f, 2, 2);
		fixture_attach(&f);
		is_state(DISPATCHER_SOUND, 2, "");
		fixture_unpin(&f, pins[i]);
		refuses(&f, DISPATCHER_BROKEN, 2, pins[i]);
	}
	f = (struct fixture){.object = "v2", .components = {"a"}};
	fixture_config(&f, 2, 2);
	fixture_attach(&f);
	refuses(&f, DISPATCHER_BROKEN, 2, "prog1-prog");

	f = (struct fixture){.object = "v4", .components = {"a"}};
	fixture_config(&f, 3, 1);
	fixture_attach(&f);
	refuses(&f, DISPATCHER_BROKEN, 0, "200 bytes");

	f = (struct fixture){.object = "v2", .components = {"a"}};
	fixture_config(&f, 2, 11);
	fixture_attach(&f);
	refuses(&f, DISPATCHER_BROKEN, 0, "11 components");
}

static void test_without_folder(void)
{
	struct fixture f = {.object = "v2"};

	fixture_config(&f, 2, 1);
	fixture_attach(&f);
	if (rmdir(f.folder))
		bail_out("rmdir %s", f.folder);
	refuses(&f, DISPATCHER_BROKEN, 2, "not pinned");
}

static void test_linked(void)
{
	struct fixture f = {.object = "v2", .components = {"a", "b"}, .by_link = true};
	_cleanup_(dispatcher_done) struct dispatcher d = DISPATCHER_NONE;

	fixture_config(&f, 2, 2);
	fixture_attach(&f);
	dispatch_look(&d);
	ok(d.by_link && d.link_id, "the link is found");
	is_int(d.components.n, 2, "and the components are");
	refuses(&f, DISPATCHER_LINKED, 2, "");
}

/* A program of its own is no dispatcher, however it is attached. */
static void test_foreign(void)
{
	const struct bpf_insn pass[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .imm = XDP_PASS},
		{.code = BPF_JMP | BPF_EXIT},
	};
	_cleanup_close_ int fd = bpf_prog_load(BPF_PROG_TYPE_XDP, "alone", "GPL", pass, 2, NULL);
	_cleanup_close_ int link = -1;

	if (fd < 0 || bpf_xdp_attach(dispatch_ifindex(), fd, XDP_FLAGS_SKB_MODE, NULL))
		bail_out("attaching: %s", strerror(errno));
	is_state(DISPATCHER_FOREIGN, 0, "");
	is_int(edit_error("'alone'", "+a:50:4"), -EBUSY, "nothing is added to it");
	is_int(edit_error("netlink in generic mode", "+a:50:4"), -EBUSY, "how it is attached");
	bpf_xdp_detach(dispatch_ifindex(), XDP_FLAGS_SKB_MODE, NULL);
	link = bpf_link_create(fd, dispatch_ifindex(), BPF_XDP, NULL);
	is_state(DISPATCHER_FOREIGN, 0, "");
	is_int(edit_error("by link ", "+a:50:4"), -EBUSY, "its link is told");
	is_int(dispatch_folders(), 0, "no pins are left");
}

static void test_rules(void)
{
	__u32 id = edit("+a:50:4", "+frags:60:4");
	_cleanup_(dispatcher_done) struct dispatcher d = DISPATCHER_NONE;

	dispatch_look(&d);
	ok(!d.config.frags, "no frags: one does not know them");
	ok(!d.config.slots[0].flags && d.config.slots[1].flags, "that is kept of each");
	is_int(edit_error("runs in native mode", "generic", "+b:50:4"), -EEXIST, "another mode");
	is_int(edit_error("no component", "-nobody"), -ENOENT, "nobody is removed");
	is_int(edit_error("no component", "=nobody:1:1"), -ENOENT, "nobody is set");
	is_int(edit("=mark_a:50:4"), id, "what is as wanted stays");
	edit("-mark_a");
	dispatcher_done(&d);
	dispatch_look(&d);
	ok(d.config.frags, "frags: all that are left know them");
	is_str(seen_by_us(), seen_by_them(), "both list the same");
	edit("+a:1:4", "+b:1:4", "+c:1:4", "+d:1:4", "+e:1:4", "+f:1:4", "+g:1:4", "+h:1:4",
	     "+i:1:4");
	is_int(edit_error("11 components", "+j:1:4"), -ENOSPC, "ten at most");
	is_str(met_by_packets(""), "a b c d e f g h i z", "packets meet them all");
	is_int(xdp_loader("unload", "-a", DISPATCH_IF), 0, "xdp-loader takes all away");
	is_int(dispatch_folders(), 0, "with their pins");
	edit("generic", "+a:50:4");
	dispatcher_done(&d);
	dispatch_look(&d);
	is_int(d.mode, XDP_GENERIC, "generic mode, from the first one on");
	edit("-mark_a");
}

/* Does this kernel (6.3) bind programs to devices? */
static bool kernel_binds(void)
{
	const struct bpf_insn pass[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .imm = XDP_PASS},
		{.code = BPF_JMP | BPF_EXIT},
	};
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .prog_ifindex = dispatch_ifindex(),
		    .prog_flags = 1u << 6); /* BPF_F_XDP_DEV_BOUND_ONLY */
	_cleanup_close_ int fd = bpf_prog_load(BPF_PROG_TYPE_XDP, "bound", "GPL", pass, 2, &opts);

	return fd >= 0;
}

/* All of one dispatcher are bound to the device, or none; the first ones decide. */
static void test_bound(void)
{
	_cleanup_(dispatcher_done) struct dispatcher d = DISPATCHER_NONE;

	if (!kernel_binds()) {
		skip("this kernel binds no program to a device: it needs Linux 6.3");
		return;
	}
	edit("@a:50:4", "@b:60:4");
	dispatch_look(&d);
	is_int(d.config.version, 3, "bound to a device: version 3 can say that");
	ok(d.config.devbound && d.config.slots[0].flags == 1u << 6, "and does");
	is_str(met_by_frames(), "a b", "frames meet them");
	is_int(edit_error("bound to a device", "+c:50:4"), -EINVAL, "one that is not");
	is_int(edit_error("bound to a device", "-mark_a", "+c:50:4"), -EINVAL, "still");
	edit("-mark_b");
	dispatcher_done(&d);
	dispatch_look(&d);
	ok(d.config.devbound, "who is left is bound");
	edit("-mark_a", "+c:50:4");
	is_str(met_by_frames(), "c", "all of them exchanged at once");
	is_int(edit_error("bound to a device", "@a:50:4"), -EINVAL, "the other way round");
	edit("-mark_c");
}

int main(int argc, char **argv)
{
	dispatch_init(argc, argv);
	is_state(DISPATCHER_ABSENT, 0, "");
	test_version_1();
	test_version_3();
	test_later();
	test_broken();
	test_without_folder();
	test_linked();
	test_foreign();
	test_rules();
	test_bound();
	return done();
}
