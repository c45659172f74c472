/* SPDX-License-Identifier: GPL-2.0-only */
/* What status and plan say of others on the interfaces of pipelines, and that it is true. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/if_link.h>
#include <linux/pkt_cls.h>
#include <string.h>

#include "kernel/ids.h"
#include "kernel/tc.h"
#include "live_tc.h"

/* A program of somebody else: this process, which holds a link of it. */
struct stranger {
	int program, link;
	__u32 id, link_id;
};

static int must_load(enum bpf_prog_type type, const char *name, int verdict)
{
	const struct bpf_insn insns[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .imm = verdict},
		{.code = BPF_JMP | BPF_EXIT},
	};
	int fd = bpf_prog_load(type, name, "GPL", insns, 2, NULL);

	if (fd < 0)
		bail_out("loading a program: %s", strerror(-fd));
	return fd;
}

static struct stranger attach_tc(const char *ns, const char *ifname, enum tc_hook hook,
				 const char *name)
{
	_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
	_cleanup_netns_ struct netns at = NETNS_INIT;
	struct tc_place place = {.position = TC_LAST};
	struct stranger s = {.program = must_load(BPF_PROG_TYPE_SCHED_CLS, name, TC_ACT_UNSPEC)};
	struct bpf_link_info info = {};
	__u32 size = sizeof(info);

	if (netns_open(ns, &at, &err) ||
	    tc_link_create(&at, net_ifindex(ns, ifname), hook, s.program, &place, &s.link, &err))
		bail_out("attaching: %s", err.what);
	if (bpf_obj_get_info_by_fd(s.link, &info, &size))
		bail_out("reading a link's info");
	s.id = program_id(s.program);
	s.link_id = info.id;
	return s;
}

static struct stranger attach_xdp(const char *ns, const char *ifname, const char *name)
{
	struct stranger s = {.program = must_load(BPF_PROG_TYPE_XDP, name, XDP_PASS), .link = -1};
	_net_in_(there, ns);

	if (bpf_xdp_attach(net_ifindex(ns, ifname), s.program, XDP_FLAGS_DRV_MODE, NULL))
		bail_out("attaching %s", name);
	s.id = program_id(s.program);
	return s;
}

static void detach_xdp(struct stranger *s, const char *ns, const char *ifname)
{
	_net_in_(there, ns);

	bpf_xdp_detach(net_ifindex(ns, ifname), XDP_FLAGS_DRV_MODE, NULL);
	closep(&s->program);
}

static void stranger_done(struct stranger *s)
{
	closep(&s->link);
	closep(&s->program);
}
#define _cleanup_stranger_ __attribute__((cleanup(stranger_done), unused))

/* Number @i of @list is the program @name, and means what begins with @means. */
static void foreigner(json_t *list, size_t i, const char *hook, const char *name, const char *means)
{
	json_t *f = json_array_get(list, i);

	is_str(json_text(f, "name"), name, "number %zu is %s", i, name);
	is_str(json_text(f, "hook"), hook, "at %s", hook);
	ok(strncmp(json_text(f, "means"), means, strlen(means)) == 0, "it means '%s…': %s", means,
	   json_text(f, "means"));
}

/* Is @pid among the processes of a foreigner, under its own name? */
static bool has_process(json_t *f, pid_t pid, const char *comm)
{
	json_t *processes = json_at(f, "processes"), *p;
	size_t i;

	json_array_foreach (processes, i, p)
		if (json_number(p, "pid") == pid)
			return strcmp(json_text(p, "comm"), comm) == 0;
	return false;
}

/* What packets meet after an XDP pipeline, and on the other way. */
static void test_around_xdp(void)
{
	_cleanup_stranger_ struct stranger in = attach_tc("right", "r0", TC_INGRESS, "in_link");
	_cleanup_stranger_ struct stranger out = attach_tc("right", "r0", TC_EGRESS, "out_link");
	_cleanup_close_ int filter = must_load(BPF_PROG_TYPE_SCHED_CLS, "filter", TC_ACT_OK);
	const char *pin = live_text("%s/filter", getenv("BRAID_BPFFS"));
	_cleanup_json_ json_t *status = NULL;
	_cleanup_run_ struct run r = {};
	json_t *list, *f;

	if (bpf_obj_pin(filter, pin))
		bail_out("pinning at %s: %s", pin, strerror(errno));
	must_run("tc -n right qdisc add dev r0 clsact");
	must_run("tc -n right filter add dev r0 ingress pref 7 bpf da object-pinned %s", pin);
	must_braid("apply", live_manifest("m.yaml", ON_R0, live_marks("1")));
	status = braid_json("status", "edge");
	list = json_at(status, "pipelines/0/interfaces/0/foreigners");
	if (!is_int(json_array_size(list), 3, "three are on this interface"))
		return;
	foreigner(list, 0, "tc-ingress", "in_link",
		  "runs after this pipeline, on what that passes");
	foreigner(list, 1, "tc-ingress", "filter", "runs after this pipeline");
	foreigner(list, 2, "tc-egress", "out_link", "sees what is sent; this");
	f = json_array_get(list, 0);
	is_str(json_text(f, "by"), "link", "by a link");
	is_int(json_number(f, "link"), in.link_id, "its id");
	is_int(json_number(f, "program"), in.id, "the program's");
	is_int(json_number(f, "uid"), 0, "who loaded it");
	is_int(strlen(json_text(f, "tag")), 16, "its tag");
	ok(json_number(f, "loaded") > 0, "and when");
	ok(has_process(f, getpid(), "live_foreign"), "this process holds it");
	f = json_array_get(list, 1);
	is_str(json_text(f, "by"), "clsact", "a filter");
	is_int(json_number(f, "priority"), 7, "its pref");
	is_str(json_text(f, "pins/0"), pin, "its pin");
	is_int(json_array_size(json_at(f, "pins")), 1, "the only one");

	is_int(braid(&r, "status", "edge"), 0, "as a table");
	ok(strstr(r.out, "ALSO ON") && strstr(r.out, "live_foreign (") && strstr(r.out, "filter ("),
	   "they are there: %s", r.out);
	must_braid("delete", "edge");
	must_run("tc -n right qdisc delete dev r0 clsact");
	unlink(pin);
}

/* The kernel has one place for XDP. */
static void test_in_the_way(void)
{
	const char *m = live_manifest("m.yaml", ON_R0, live_marks("1"));
	struct stranger s = attach_xdp("right", "r0", "stranger");
	_cleanup_json_ json_t *blocked = braid_json("plan", m);
	_cleanup_json_ json_t *replaced = braid_json("plan", "--replace", m);
	_cleanup_json_ json_t *alone = NULL;
	_cleanup_run_ struct run r = {};

	is_str(json_text(blocked, "foreigners/0/name"), "r0", "plan names the interface");
	foreigner(json_at(blocked, "foreigners/0/foreigners"), 0, "xdp", "stranger",
		  "holds the hook: apply needs --replace");
	is_str(json_text(blocked, "foreigners/0/foreigners/0/by"), "netlink", "by netlink");
	is_str(json_text(blocked, "foreigners/0/foreigners/0/mode"), "native", "in native mode");
	foreigner(json_at(replaced, "foreigners/0/foreigners"), 0, "xdp", "stranger",
		  "holds the hook: apply replaces it");
	is_int(braid(&r, "plan", m), 3, "as a table");
	ok(strstr(r.out, "stranger (") && strstr(r.out, "--replace"), "it is there: %s", r.out);
	detach_xdp(&s, "right", "r0");
	alone = braid_json("plan", m);
	is_int(json_array_size(json_at(alone, "foreigners")), 0, "nobody, nothing");
}

/* Where a pipeline of TC is going to stand, and does. @before: how many are before it. */
static void order(const char *attach, size_t before, const char *what)
{
	static const char *const names[] = {"one", "two"};
	const char *m = live_tc_manifest("edge", "tc-egress", live_text(ON_L0 "%s", attach), "1");
	_cleanup_json_ json_t *plan = braid_json("plan", m), *status = NULL;
	json_t *planned = json_at(plan, "foreigners/0/foreigners"), *there;

	diag("%s", what);
	must_braid("apply", m);
	status = braid_json("status", "edge");
	there = json_at(status, "pipelines/0/interfaces/0/foreigners");
	is_int(json_array_size(there), 2, "two are there");
	for (size_t i = 0; i < 2; i++) {
		const char *means = i < before ? "runs before this pipeline, which sees only what"
					       : "runs after this pipeline, on what all";

		foreigner(planned, i, "tc-egress", names[i], means);
		foreigner(there, i, "tc-egress", names[i], means);
	}
	must_braid("delete", "edge");
}

static void test_order(void)
{
	_cleanup_stranger_ struct stranger one = attach_tc("left", "l0", TC_EGRESS, "one");
	_cleanup_stranger_ struct stranger two = attach_tc("left", "l0", TC_EGRESS, "two");

	order("", 2, "last");
	order("attach: first, ", 0, "first");
	order("attach: {before: 'program:two'}, ", 1, "before one of them");
	order(live_text("attach: {after: 'id:%u'}, ", one.id), 1, "after one of them");
	order("attach: {via: netlink}, ", 2, "a filter is behind them all");
}

/* A plan that moves the pipeline tells of the new place. */
static void test_move(void)
{
	_cleanup_stranger_ struct stranger one = attach_tc("left", "l0", TC_EGRESS, "one");
	_cleanup_json_ json_t *plan = NULL;

	must_braid("apply", live_tc_manifest("edge", "tc-egress", ON_L0, "1"));
	plan = braid_json("plan",
			  live_tc_manifest("edge", "tc-egress", ON_L0 "attach: first, ", "1"));
	is_str(json_text(plan, "interfaces/0/action"), "move", "it moves");
	foreigner(json_at(plan, "foreigners/0/foreigners"), 0, "tc-egress", "one", "runs after");
	must_braid("delete", "edge");
}

/* Pipelines are no strangers to each other, and are named. */
static void test_pipelines(void)
{
	_cleanup_json_ json_t *status = NULL;
	json_t *f;

	must_braid("apply", live_tc_manifest("a", "tc-egress", ON_L0, "1"));
	must_braid("apply", live_tc_manifest("b", "tc-egress", ON_L0, "2"));
	is_str(live_trip(0), "12", "frames meet the one, then the other");
	status = braid_json("status", "b");
	f = json_at(status, "pipelines/0/interfaces/0/foreigners/0");
	is_str(json_text(f, "pipeline"), "a", "another pipeline");
	ok(*json_text(f, "home"), "and its home");
	ok(strstr(json_text(f, "means"), "runs before"), "before this one");
	must_braid("delete", "a");
	is_str(live_trip(0), "2", "without it they meet the other");
	must_braid("delete", "b");
}

/* Interfaces of no pipeline. */
static void test_others(void)
{
	struct stranger s;
	_cleanup_json_ json_t *all = NULL, *one = NULL, *none = NULL;
	_cleanup_run_ struct run r = {};

	net_veth(NULL, "home0", NULL, "home1");
	must_braid("apply", live_manifest("m.yaml", "interfaces: [home1], ", live_marks("1")));
	s = attach_xdp(NULL, "home0", "elsewhere");
	all = braid_json("status");
	is_int(json_array_size(json_at(all, "others")), 1, "one interface more has something");
	is_str(json_text(all, "others/0/name"), "home0", "its name");
	is_str(json_text(all, "others/0/foreigners/0/name"), "elsewhere", "and what it has");
	ok(!json_at(all, "others/0/foreigners/0/means"), "which means nothing to anybody");
	is_int(braid(&r, "status"), 0, "as a table");
	ok(strstr(r.out, "Without a pipeline") && strstr(r.out, "elsewhere ("), "too: %s", r.out);
	one = braid_json("status", "edge");
	ok(!json_at(one, "others"), "not if one pipeline is asked for");
	must_braid("delete", "edge");
	detach_xdp(&s, NULL, "home0");
	none = braid_json("status");
	is_int(json_array_size(json_at(none, "others")), 0, "nothing any more");
	must_run("ip link delete home0");
}

static json_t *dispatcher_at(json_t *status, __u32 program)
{
	json_t *list = json_at(status, "dispatchers"), *d;
	size_t i;

	json_array_foreach (list, i, d)
		if (json_number(d, "program/id") == program)
			return d;
	return NULL;
}

/*
 * That nobody can change, as it has no configuration: those that can be changed take freplace,
 * and tests/vm. In a namespace where nobody is at home, and in ours.
 */
static void test_dispatchers(void)
{
	struct stranger there = attach_xdp("right", "r1", "xdp_dispatcher"), here;
	_cleanup_json_ json_t *all = NULL, *one = NULL;
	_cleanup_run_ struct run r = {}, listed = {};
	json_t *d;

	net_veth(NULL, "home0", NULL, "home1");
	here = attach_xdp(NULL, "home0", "xdp_dispatcher");
	must_braid("apply", live_manifest("m.yaml", ON_R0, live_marks("1")));
	all = braid_json("status");
	d = dispatcher_at(all, there.id);
	is_str(json_text(d, "interface"), "r1", "status has one in another namespace");
	is_str(json_text(d, "netns"), "right", "and says in which");
	is_str(json_text(d, "state"), "broken", "its state");
	ok(*json_text(d, "why"), "why: %s", json_text(d, "why"));
	ok(dispatcher_at(all, here.id), "and one in our own");
	is_int(braid(&r, "status"), 0, "for people");
	is_int(braid(&listed, "dispatcher", "list"), 0, "the list");
	for (int i = 0; i < 2; i++) {
		const char *out = i ? listed.out : r.out;

		ok(strstr(out, live_text("r1 in right: program %u 'xdp_dispatcher'", there.id)),
		   "has the one, and where");
		ok(strstr(out, live_text("program %u 'xdp_dispatcher'", here.id)), "and the other");
	}
	ok(!strstr(r.out, live_text("xdp_dispatcher (%u)", here.id)), "once: %s", r.out);
	one = braid_json("status", "edge");
	ok(!json_at(one, "dispatchers"), "not if one pipeline is asked for");
	must_braid("delete", "edge");
	detach_xdp(&here, NULL, "home0");
	detach_xdp(&there, "right", "r1");
	must_run("ip link delete home0");
}

/* Interfaces may be called what is no text. */
static void test_names(void)
{
	_cleanup_json_ json_t *status = NULL, *shown = NULL, *loader = NULL, *refused = NULL;
	static const char name[] = "u\xff", escaped[] = "u\\xff";
	struct stranger s;

	net_veth(NULL, name, NULL, "home1");
	s = attach_xdp(NULL, name, "elsewhere");
	status = braid_json("status");
	is_str(json_text(status, "others/0/name"), escaped, "status");
	is_int(json_number(status, "others/0/foreigners/0/program"), s.id, "what is there");
	shown = braid_json("dispatcher", "show", name);
	is_str(json_text(shown, "interfaces/0/interface"), escaped, "dispatcher show");
	is_int(json_number(shown, "interfaces/0/program/id"), s.id, "the same");
	loader = braid_json("xdp-loader", "features", name);
	is_str(json_text(loader, "interface"), escaped, "xdp-loader features");
	refused = braid_json("dispatcher", "add", name, "/nonexistent.o");
	is_str(json_text(refused, "error/name"), "ENOENT", "and errors");
	detach_xdp(&s, NULL, name);
	must_run("ip link delete home1");
}

int main(int argc, char **argv)
{
	live_init(argc, argv);
	if (!live_tc_links())
		skip_all("this kernel has no TCX: it needs Linux 6.6");
	test_around_xdp();
	test_in_the_way();
	test_order();
	test_move();
	test_pipelines();
	test_others();
	test_dispatchers();
	test_names();
	return done();
}
