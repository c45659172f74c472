/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A dispatcher that somebody has bound to its device: components and pipelines that join it are
 * bound as well, and their successors, and those through which somebody looks.
 */
#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>

#include "dispatch/dispatch.h"
#include "live_observe.h"
#include "object/dispatcher_abi.h"

static char *mark;

/* The components, in their order: "mark edge". Valid up to the next call. */
static const char *names(void)
{
	static char text[256];
	_cleanup_json_ json_t *j = braid_json("dispatcher", "show", "--netns", "right", "r0");
	json_t *component;
	size_t i;

	*text = '\0';
	json_array_foreach (json_at(j, "interfaces/0/components"), i, component) {
		strcat(text, *text ? " " : "");
		strcat(text, json_text(component, "name"));
	}
	return text;
}

static bool is_bound(void)
{
	_cleanup_(dispatcher_done) struct dispatcher d = DISPATCHER_NONE;
	_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
	_cleanup_netns_ struct netns ns = NETNS_INIT;

	if (netns_open("right", &ns, &err) ||
	    dispatcher_read(&ns, net_ifindex("right", "r0"), getenv("BRAID_BPFFS"), &d, &err))
		bail_out("reading the dispatcher: %s", err.what);
	return d.state == DISPATCHER_SOUND && d.config.devbound;
}

/* Somebody's, with libbpf. Return: 0; or the kernel binds no programs. */
static int begin(void)
{
	_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
	_cleanup_netns_ struct netns ns = NETNS_INIT;
	struct bpf_object *o = bpf_object__open_file(mark, NULL);
	struct bpf_program *p = bpf_object__find_program_by_name(o, "mark");
	struct addition add = {
		.name = "mark",
		.slot = {.priority = 40, .actions = 1u << XDP_PASS, .flags = DISPATCHER_DEVBOUND},
	};
	struct dispatch_edit edit = {.add = &add, .n_add = 1, .mode = XDP_NATIVE};
	_cleanup_close_ int scratch = -1;
	__u32 ifindex = net_ifindex("right", "r0");
	int r;

	if (netns_open("right", &ns, &err))
		bail_out("netns right: %s", err.what);
	r = dispatch_scratch_bound(&ns, ifindex, false, &scratch, &err);
	bpf_program__set_type(p, BPF_PROG_TYPE_EXT);
	bpf_program__set_expected_attach_type(p, 0);
	if (!r) {
		bpf_program__set_attach_target(p, scratch, "prog0");
		if (bpf_object__load(o))
			bail_out("loading a component");
		add.fd = bpf_program__fd(p);
		if (dispatch_change(&ns, ifindex, &edit, NULL, &err))
			bail_out("adding a component: %s", err.what);
	}
	bpf_object__close(o);
	return r;
}

static void is_now(const char *want, const char *signs, const char *what)
{
	is_str(names(), want, "%s: %s", what, want);
	is_str(live_trip(0), signs, "packets meet %s", signs);
	ok(is_bound(), "all of them bound to the device");
}

static const char *second_id(void)
{
	_cleanup_json_ json_t *j = braid_json("dispatcher", "show", "--netns", "right", "r0");

	return live_text("%lld", json_number(j, "interfaces/0/components/1/id"));
}

static void test_components(void)
{
	must_braid("dispatcher", "add", "--netns", "right", "r0", mark, "--priority", "70");
	is_now("mark mark", "11", "one of ours beside it");
	must_braid("dispatcher", "replace", "--netns", "right", "r0", second_id(), mark,
		   "--priority", "80");
	is_now("mark mark", "11", "another one instead");
}

static void test_pipeline(void)
{
	struct braid *b = observe_braid("test");
	_cleanup_run_ struct run r = {};
	struct braid_observer *o;
	const char *base;

	must_braid("apply", live_manifest("edge.yaml", ON_R0, live_marks("2,3")));
	is_now("mark edge mark", "1231", "a pipeline joins");
	must_braid("apply", live_manifest("edge.yaml", ON_R0, live_marks("3,2")));
	is_now("mark edge mark", "1321", "another revision of it");
	base = strdupa(second_id());
	o = observe_open(b, 0);
	is_now("mark edge mark", "1321", "while somebody looks");
	ok(strcmp(second_id(), base) != 0, "at a variant of it");
	observe_close(o);
	is_now("mark edge mark", "1321", "and then");
	is_str(second_id(), base, "it is itself");
	must_braid("rollback", "edge");
	is_now("mark edge mark", "1231", "back again");
	braid(&r, "apply",
	      live_manifest("wide.yaml", ON_R0_R1 "strategy: dispatcher, ", live_marks("4")));
	is_int(r.status, 1, "edge on two interfaces");
	ok(strstr(r.err, "bound to its device"), "one of which is bound: %s", r.err);
	is_now("mark edge mark", "1231", "after that");
	braid_close(b);
}

/* All go. What is pinned can be nowhere but in such a dispatcher, so it is loaded anew. */
static void test_restore(void)
{
	must_run("ip -n right link set r0 xdpdrv off");
	is_str(live_trip(0), "", "somebody has taken all away");
	must_braid("restore");
	is_str(live_trip(0), "23", "the pipeline is restored");
	must_braid("apply", live_manifest("edge.yaml", ON_R0, live_marks("2")));
	is_str(live_trip(0), "2", "and its next revision");
	must_braid("delete", "edge");
	must_braid("dispatcher", "clean");
	is_int(live_pins(), 0, "nothing is left");
}

int main(int argc, char **argv)
{
	live_init(argc, argv);
	setenv("LIBXDP_BPFFS", getenv("BRAID_BPFFS"), 1);
	mark = strdup(live_text("%s/live_mark.bpf.o", live_objects));
	if (begin()) {
		skip("this kernel binds no program to a device: it needs Linux 6.3");
		return done();
	}
	is_now("mark", "1", "somebody begins");
	test_components();
	test_pipeline();
	test_restore();
	free(mark);
	return done();
}
