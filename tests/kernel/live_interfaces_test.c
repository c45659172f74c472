/* SPDX-License-Identifier: GPL-2.0-only */
/* Several interfaces in several namespaces: all or nothing; modes; the programs of others. */
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/if_link.h>
#include <string.h>

#include "live_common.h"

/* A program of somebody else, who keeps its fds. */
struct stranger {
	int program, link;
	__u32 id;
};

static int must_load_stranger(void)
{
	const struct bpf_insn pass[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .imm = XDP_PASS},
		{.code = BPF_JMP | BPF_EXIT},
	};
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .expected_attach_type = BPF_XDP);
	int fd = bpf_prog_load(BPF_PROG_TYPE_XDP, "stranger", "GPL", pass, 2, &opts);

	if (fd < 0)
		bail_out("loading a program: %s", strerror(-fd));
	return fd;
}

static struct stranger stranger_new(void)
{
	struct stranger s = {.program = must_load_stranger(), .link = -1};
	struct bpf_prog_info info = {};
	__u32 size = sizeof(info);

	if (bpf_obj_get_info_by_fd(s.program, &info, &size))
		bail_out("reading a program's info");
	s.id = info.id;
	return s;
}

static void stranger_attach(struct stranger *s, const char *ifname)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts, .flags = XDP_FLAGS_DRV_MODE);
	_net_in_(there, "right");

	s->link = bpf_link_create(s->program, net_ifindex("right", ifname), BPF_XDP, &opts);
	if (s->link < 0)
		bail_out("attaching a program: %s", strerror(-s->link));
}

static void stranger_done(struct stranger *s)
{
	closep(&s->link);
	closep(&s->program);
}

#define _cleanup_stranger_ __attribute__((cleanup(stranger_done), unused))

/* The link of interface @i in status of `edge`. */
static int open_link(int i)
{
	_cleanup_json_ json_t *status = braid_json("status", "edge");
	long long id = json_number(status, live_text("pipelines/0/interfaces/%d/link", i));
	int fd = bpf_link_get_fd_by_id(id);

	if (fd < 0)
		bail_out("opening link %lld: %s", id, strerror(-fd));
	return fd;
}

static void states(const char *first, const char *second, const char *what)
{
	_cleanup_json_ json_t *status = braid_json("status", "edge");

	is_str(json_text(status, "pipelines/0/interfaces/0/state"), first, "%s: r0 is %s", what,
	       first);
	is_str(json_text(status, "pipelines/0/interfaces/1/state"), second, "%s: the other is %s",
	       what, second);
}

static void trips(const char *first, const char *second, const char *what)
{
	is_str(live_trip(0), first, "%s: at r0 '%s'", what, first);
	is_str(live_trip(1), second, "%s: at r1 '%s'", what, second);
}

static void test_two(void)
{
	must_braid("apply", live_manifest("m.yaml", ON_R0_R1, live_marks("1")));
	trips("1", "1", "two interfaces");
	must_braid("apply", live_manifest("m.yaml", ON_R0, live_marks("1,2")));
	trips("12", "", "one is dropped from the manifest");
	must_braid("apply", live_manifest("m.yaml", ON_R0_R1, live_marks("1,2")));
	trips("12", "12", "and added again");
}

/* Status of all, without the ids of links: one that was undone may be another. */
static json_t *status_but_links(void)
{
	json_t *status = live_status(), *iface;
	size_t i;

	json_array_foreach (json_at(status, "pipelines/0/interfaces"), i, iface)
		json_object_del(iface, "link");
	return status;
}

/* Applies what cannot be; everything must be as it was. */
static void refused(const char *manifest, int status, const char *says, const char *what)
{
	_cleanup_json_ json_t *before = status_but_links(), *after = NULL;
	_cleanup_run_ struct run r = {};
	size_t pins = live_pins();

	is_int(braid(&r, "apply", manifest), status, "%s: refused", what);
	ok(strstr(r.err, says), "the error says '%s': %s", says, r.err);
	after = status_but_links();
	ok(json_equal(before, after), "status is what it was");
	is_int(live_pins(), pins, "nothing more is pinned, and nothing less");
}

static void test_all_or_nothing(void)
{
	_cleanup_json_ json_t *history = NULL;

	must_braid("apply", live_manifest("m.yaml", ON_R0, live_marks("1")));
	must_run("ip -n left link set l1 mtu 9000");
	refused(live_manifest("bad.yaml", ON_R0_R1, live_marks("1,2")), 1, "MTU",
		"a second interface with too large an MTU");
	trips("1", "", "and the first one is back");
	history = braid_json("history", "edge");
	is_str(json_text(history, "0/state"), "failed", "history has the attempt");
	ok(*json_text(history, "0/note"), "and why: %s", json_text(history, "0/note"));
	must_run("ip -n left link set l1 mtu 1500");
	refused(live_manifest("bad.yaml",
			      "interfaces: [{name: r0, netns: right}, {name: r11, netns: right}], ",
			      live_marks("1,2")),
		1, "did you mean", "an interface that is not there");
	refused(live_manifest("bad.yaml",
			      "interfaces: [{name: r0, netns: right}, {name: r1, netns: rihgt}], ",
			      live_marks("1,2")),
		1, "did you mean 'right'", "a namespace that is not there");
	trips("1", "", "the first one runs what it ran");
}

static void test_first_apply_undone(void)
{
	must_braid("delete", "edge");
	must_run("ip -n left link set l1 mtu 9000");
	refused(live_manifest("bad.yaml", ON_R0_R1, live_marks("1,2")), 1, "MTU", "a first apply");
	trips("", "", "nothing is attached");
	is_int(live_pins(), 0, "nothing is pinned");
	must_run("ip -n left link set l1 mtu 1500");
}

static void test_modes(void)
{
	_cleanup_json_ json_t *status = NULL;
	size_t pins;

	must_braid("apply", live_manifest("m.yaml", ON_R0_R1, live_marks("1")));
	pins = live_pins();
	must_braid("apply", live_manifest("m.yaml", ON_R0_R1 "mode: generic, ", live_marks("1,2")));
	trips("12", "12", "generic");
	status = braid_json("status");
	is_str(json_text(status, "pipelines/0/interfaces/0/mode"), "generic", "status says so");
	must_run("ip -n left link set l1 mtu 9000");
	refused(live_manifest("bad.yaml", ON_R0_R1, live_marks("1,2,3")), 1, "MTU",
		"back to native, and the second one cannot");
	trips("12", "12", "generic goes on");
	must_run("ip -n left link set l1 mtu 1500");
	must_braid("apply", live_manifest("m.yaml", ON_R0_R1, live_marks("1")));
	trips("1", "1", "native again");
	is_int(live_pins(), pins, "as many pins as before");
}

/* Interfaces and namespaces that go away while the pipeline runs. */
static void test_gone(void)
{
	const char *both = "interfaces: [{name: r0, netns: right}, {name: x, netns: third}], ";

	net_add("third");
	net_veth("left", "lx", "third", "x");
	must_braid("apply", live_manifest("m.yaml", both, live_marks("1")));
	states("attached", "attached", "all there");
	must_run("ip -n third link delete x");
	states("attached", "missing", "an interface is deleted");
	refused(live_manifest("bad.yaml", both, live_marks("1,2")), 1, "no interface",
		"it cannot be attached to");
	net_veth("left", "lx", "third", "x");
	states("attached", "detached", "there is one of that name again");
	must_braid("apply", live_manifest("m.yaml", both, live_marks("1")));
	states("attached", "attached", "the same manifest attaches to it");
	net_delete("third");
	states("attached", "missing", "its namespace is deleted");
	is_str(live_trip(0), "1", "the other one runs on");
	must_braid("apply", live_manifest("m.yaml", ON_R0, live_marks("1")));
	is_str(live_trip(0), "1", "without it");
	must_braid("delete", "edge");
	is_int(live_pins(), 0, "nothing is left of any of them");
}

/* Somebody detaches the link, and attaches another program. */
static void test_detached_and_foreign(void)
{
	const char *m = live_manifest("m.yaml", ON_R0_R1, live_marks("1"));
	_cleanup_stranger_ struct stranger s = stranger_new();
	_cleanup_json_ json_t *status = NULL;
	int link;

	must_braid("apply", m);
	link = open_link(1);
	if (bpf_link_detach(link))
		bail_out("detaching");
	close(link);
	states("attached", "detached", "our link was detached");
	must_braid("apply", m);
	trips("1", "1", "the same manifest attaches again");
	link = open_link(1);
	bpf_link_detach(link);
	close(link);
	stranger_attach(&s, "r1");
	states("attached", "foreign", "another program instead");
	status = braid_json("status");
	is_str(json_text(status, "pipelines/0/interfaces/1/foreign"), "stranger",
	       "status names it");
	refused(m, 3, live_text("'stranger', id %u", s.id), "without --replace");
	must_braid("apply", "--replace", m);
	trips("1", "1", "with it");
	states("attached", "attached", "with it");
}

static void test_netlink_foreign(void)
{
	_cleanup_run_ struct run r = {};

	must_braid("delete", "edge");
	must_run("ip -n right link set r0 xdp obj %s/live_mark.bpf.o sec xdp", live_objects);
	is_str(live_trip(0), "1", "a program that `ip` attached");
	refused(live_manifest("bad.yaml", ON_R0, live_marks("2")), 3, "'mark', id ",
		"it is in the way");
	is_int(braid(&r, "plan", live_manifest("bad.yaml", ON_R0, live_marks("2"))), 3,
	       "plan has the same status");
	ok(strstr(r.out, "strategy  fused"), "it shows the plan nevertheless");
	ok(strstr(r.out, "'mark', id "), "and the conflict: %s", r.out);
	is_int(braid(&r, "apply", "--replace",
		     live_manifest("m.yaml", ON_R0_R1, live_marks("2,3"))),
	       0, "--replace");
	trips("23", "23", "replaces it");
}

/* It is detached, and only then does the interface refuse ours. */
static void test_netlink_foreign_put_back(void)
{
	_cleanup_run_ struct run r = {};

	must_braid("delete", "edge");
	must_run("ip -n left link set l0 mtu 9000"); /* frames that no native program takes */
	must_run("ip -n right link set r0 xdpgeneric obj %s/live_mark.bpf.o sec xdp", live_objects);
	is_str(live_trip(0), "1", "a program that `ip` attached");
	is_int(braid(&r, "apply", "--replace", live_manifest("m.yaml", ON_R0, live_marks("2"))), 1,
	       "--replace fails");
	ok(strstr(r.err, "MTU"), "as the frames may be too long: %s", r.err);
	is_str(live_trip(0), "1", "the program is back");
	must_run("ip -n right link set r0 xdpgeneric off");
	must_run("ip -n left link set l0 mtu 1500");
	must_braid("apply", live_manifest("m.yaml", ON_R0_R1, live_marks("2,3")));
}

static void test_other_pipeline(void)
{
	const char *m = live_write("other.yaml",
				   "braid: 1\n"
				   "pipelines: [{name: other, hook: xdp, " ON_R0 "stages: [%s]}]\n",
				   live_mark(5, ""));

	refused(m, 3, "pipeline 'edge' is attached here already", "another pipeline there");
	trips("23", "23", "edge runs");
}

static void test_updated_behind_our_back(void)
{
	const char *m = live_manifest("m.yaml", ON_R0_R1, live_marks("1"));
	const char *next = live_manifest("next.yaml", ON_R0_R1, live_marks("1,2"));
	_cleanup_stranger_ struct stranger s = stranger_new();
	const char *says = live_text("the pipeline's link runs program %u", s.id);
	int link;

	must_braid("apply", m);
	link = open_link(1);
	if (bpf_link_update(link, s.program, NULL))
		bail_out("updating a link");
	close(link);
	states("attached", "foreign", "the link runs another program");
	refused(m, 3, says, "the same manifest");
	refused(next, 3, says, "another one");
	trips("1", "", "nothing is touched");
	must_braid("apply", "--replace", m);
	trips("1", "1", "--replace takes the link back");
	states("attached", "attached", "and that");
}

/* The kernel numbers interfaces per namespace: equal numbers mean nothing. */
static void test_same_index(void)
{
	const char *only_a = "interfaces: [{name: ia, netns: na}], ";
	const char *both = "interfaces: [{name: ia, netns: na}, {name: ib, netns: nb}], ";
	_cleanup_json_ json_t *status = NULL;

	must_braid("delete", "edge");
	net_add("na");
	net_add("nb");
	must_run("ip -n na link add name ia index 77 type veth peer name ia2");
	must_run("ip -n nb link add name ib index 77 type veth peer name ib2");
	is_int(net_ifindex("na", "ia"), net_ifindex("nb", "ib"), "one index in two namespaces");
	must_braid("apply", live_manifest("m.yaml", only_a, live_marks("1")));
	must_run("ip -n nb link set ib xdp obj %s/live_mark.bpf.o sec xdp", live_objects);
	must_run("ip -n nb link set ib xdp off");
	must_braid("apply", live_manifest("m.yaml", both, live_marks("1")));
	states("attached", "attached", "both");
	status = braid_json("status");
	ok(json_number(status, "pipelines/0/interfaces/0/link") !=
		   json_number(status, "pipelines/0/interfaces/1/link"),
	   "a link each");
	must_braid("apply", live_manifest("m.yaml", only_a, live_marks("1")));
	must_run("ip -n nb link set ib xdp obj %s/live_mark.bpf.o sec xdp", live_objects);
	states("attached", "", "one dropped is free for others, the other one stays");
	must_braid("delete", "edge");
	is_int(live_pins(), 0, "deleted");
}

int main(int argc, char **argv)
{
	live_init(argc, argv);
	test_two();
	test_all_or_nothing();
	test_first_apply_undone();
	test_modes();
	test_gone();
	test_detached_and_foreign();
	test_netlink_foreign();
	test_netlink_foreign_put_back();
	test_other_pipeline();
	test_updated_behind_our_back();
	test_same_index();
	return done();
}
