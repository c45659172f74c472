/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A dispatcher that nobody can change any more, and nothing where a component was meant: what is
 * said of it, and that it can be taken away, also from where not all can be seen.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/if_link.h>
#include <string.h>
#include <sys/stat.h>

#include "live_common.h"

#define AS_COMPONENTS "strategy: dispatcher, "

#define dispatcher(r, ...) braid(r, "dispatcher", __VA_ARGS__, "--netns", "right", "--json")
/* In a container: processes outside, and where they are, cannot be seen. */
#define from_inside(r, ...) run(r, "unshare", "-pf", "--mount-proc", live_braid, __VA_ARGS__)

/* It has the name, and neither BTF nor a configuration. */
static int must_load(void)
{
	const struct bpf_insn pass[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .imm = XDP_PASS},
		{.code = BPF_JMP | BPF_EXIT},
	};
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .expected_attach_type = BPF_XDP);
	int fd = bpf_prog_load(BPF_PROG_TYPE_XDP, "xdp_dispatcher", "GPL", pass, 2, &opts);

	if (fd < 0)
		bail_out("loading a program: %s", strerror(-fd));
	return fd;
}

/* By netlink, and with a folder that may be of it or of one before. */
static void attach(void)
{
	_cleanup_close_ int fd = must_load();
	int ifindex = net_ifindex("right", "r0");
	const char *xdp = live_text("%s/xdp", getenv("BRAID_BPFFS"));
	_net_in_(there, "right");

	if (bpf_xdp_attach(ifindex, fd, XDP_FLAGS_DRV_MODE, NULL))
		bail_out("attaching a program: %s", strerror(errno));
	if ((mkdir(xdp, 0700) && errno != EEXIST) ||
	    mkdir(live_text("%s/dispatch-%d-1", xdp, ifindex), 0700))
		bail_out("%s: %s", xdp, strerror(errno));
}

static int attach_by_link(void)
{
	_cleanup_close_ int fd = must_load();
	LIBBPF_OPTS(bpf_link_create_opts, opts, .flags = XDP_FLAGS_DRV_MODE);
	_net_in_(there, "right");
	int link = bpf_link_create(fd, net_ifindex("right", "r0"), BPF_XDP, &opts);

	if (link < 0)
		bail_out("attaching a program: %s", strerror(-link));
	return link;
}

static size_t folders(void)
{
	struct stat st;

	if (stat(live_text("%s/xdp", getenv("BRAID_BPFFS")), &st))
		return 0;
	return st.st_nlink - 2;
}

static void is_state(const char *state, const char *why)
{
	_cleanup_json_ json_t *j = braid_json("dispatcher", "show", "--netns", "right", "r0");

	is_str(json_text(j, "interfaces/0/state"), state, "r0: %s", state);
	is_str(json_text(j, "interfaces/0/why"), why, "the reason: %s", why);
}

/* There is no id 0, and nobody may be told that it is done. */
static void test_nobody(void)
{
	_cleanup_run_ struct run r = {};

	is_int(dispatcher(&r, "remove", "r0", "0"), 1, "component 0 is removed from nothing");
	is_int(dispatcher(&r, "set", "r0", "0", "--priority", "3"), 1, "or set");
	is_int(dispatcher(&r, "remove", "r0", "4294967295"), 1, "no more than any other");
}

static void refuses(const char *what, const char *says, const char *never)
{
	const char *path = live_manifest("edge.yaml", live_text("%s%s", ON_R0, what),
					 live_marks("2"));
	_cleanup_json_ json_t *plan = NULL;
	_cleanup_run_ struct run r = {};

	is_int(braid(&r, "apply", path), 3, "apply (%s): refused", what);
	ok(strstr(r.err, says), "the error says '%s': %s", says, r.err);
	ok(!strstr(r.err, never), "and not '%s'", never);
	plan = braid_json("plan", path);
	ok(strstr(json_text(plan, "foreigners/0/foreigners/0/means"), says),
	   "plan says so, too: %s", json_text(plan, "foreigners/0/foreigners/0/means"));
}

static void test_refused(void)
{
	attach();
	is_state("broken", "it has no BTF");
	refuses(AS_COMPONENTS, "it has no BTF", "strategy");
	refuses(AS_FUSED, "it has no BTF", "strategy: dispatcher");
}

/* From inside a container nobody can tell whether others need the pins. */
static void test_taken_away(void)
{
	_cleanup_run_ struct run r = {};
	_cleanup_json_ json_t *j = NULL;

	from_inside(&r, "dispatcher", "remove", "--netns", "right", "r0", "--all", "--json");
	is_int(r.status, 0, "it is taken away: %s", r.err);
	j = json_loads(r.out, 0, NULL);
	is_int(json_array_size(json_at(j, "removed")), 1, "the report says which");
	ok(strstr(json_text(j, "pins-left"), "cannot look into all network namespaces"),
	   "and that pins stay: %s", json_text(j, "pins-left"));
	is_state("none", "");
	is_int(folders(), 1, "they do");
	rmdir(live_text("%s/xdp/dispatch-%d-1", getenv("BRAID_BPFFS"), net_ifindex("right", "r0")));
}

static void test_replaced(void)
{
	const char *path = live_manifest("edge.yaml", ON_R0 AS_FUSED, live_marks("2"));
	_cleanup_run_ struct run r = {};
	_cleanup_json_ json_t *j = NULL;

	attach();
	from_inside(&r, "apply", path, "--replace", "--json");
	is_int(r.status, 0, "its place is taken: %s", r.err);
	j = json_loads(r.out, 0, NULL);
	ok(strstr(json_text(j, "interfaces/0/pins-left"), "cannot look"), "and its pins stay: %s",
	   json_text(j, "interfaces/0/pins-left"));
	is_str(live_trip(0), "2", "packets meet the pipeline");
	is_int(from_inside(&r, "delete", "edge"), 0, "that goes"); /* whose home is inside, too */
	rmdir(live_text("%s/xdp/dispatch-%d-1", getenv("BRAID_BPFFS"), net_ifindex("right", "r0")));
}

/* Whose link it is does not make it sound. */
static void test_by_link(void)
{
	_cleanup_run_ struct run r = {};
	int link = attach_by_link();

	is_state("broken", "it has no BTF");
	is_int(dispatcher(&r, "add", "r0", live_text("%s/live_mark.bpf.o", live_objects)), 3,
	       "nothing joins it");
	ok(strstr(r.out, "it has no BTF") && strstr(r.out, "tool that attached it"),
	   "why, and what to do: %s", r.out);
	is_int(dispatcher(&r, "remove", "r0", "--all"), 3, "the link's owner must go");
	close(link);
}

int main(int argc, char **argv)
{
	live_init(argc, argv);
	test_nobody();
	test_refused();
	test_taken_away();
	test_replaced();
	test_by_link();
	return done();
}
