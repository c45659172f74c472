/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A pipeline in a libxdp dispatcher, beside programs of xdp-loader: both on one interface, each
 * changed without the other noticing; and both taken into one program.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "dispatch/dispatch.h"
#include "live_common.h"

/* Stage 1, as its author has built it: what xdp-loader loads. */
static char *theirs;

#define xdp_loader(r, ...) run(r, "nsenter", "--net=/run/netns/right", "xdp-loader", __VA_ARGS__)

static void must_xdp_loader(const char *line)
{
	must_run("nsenter --net=/run/netns/right xdp-loader %s", line);
}

/* The components, as xdp-loader lists them: "mark edge". Valid up to the next call. */
static const char *seen_by_them(void)
{
	static char names[256];
	_cleanup_run_ struct run r = {};
	char *line, *rest;

	if (xdp_loader(&r, "status", "r0"))
		bail_out("xdp-loader status: %s", r.err);
	*names = '\0';
	for (line = strtok_r(r.out, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		char name[64];

		if (sscanf(line, " => %*d %63s", name) != 1)
			continue;
		strcat(names, *names ? " " : "");
		strcat(names, name);
	}
	return names;
}

/* What braid says of the interface: "edge mark". */
static const char *seen_by_us(void)
{
	static char names[256];
	_cleanup_json_ json_t *j = braid_json("dispatcher", "show", "--netns", "right", "r0");
	json_t *component;
	size_t i;

	*names = '\0';
	json_array_foreach (json_at(j, "interfaces/0/components"), i, component) {
		strcat(names, *names ? " " : "");
		strcat(names, json_text(component, "name"));
	}
	return names;
}

#define AGREE(want, signs, what)                                                                   \
	do {                                                                                       \
		is_str(seen_by_them(), want, "%s: xdp-loader sees %s", what, want);                \
		is_str(seen_by_us(), want, "%s: braid sees %s", what, want);                       \
		is_str(live_trip(0), signs, "%s: packets meet %s", what, signs);                   \
	} while (0)

static size_t folders(void)
{
	_cleanup_run_ struct run r = {};
	size_t n = 0;

	if (run(&r, "ls", live_text("%s/xdp", getenv("BRAID_BPFFS"))))
		return 0;
	for (const char *c = r.out; *c; c++)
		n += *c == '\n';
	return n;
}

static void test_beside(void)
{
	const char *edge = live_manifest("edge.yaml", ON_R0, live_marks("2,3"));
	_cleanup_json_ json_t *report = NULL;

	must_xdp_loader(live_text("load -m native r0 %s", theirs));
	is_str(live_trip(0), "1", "theirs runs");
	report = braid_json("apply", edge);
	is_str(json_text(report, "strategy"), "dispatcher", "auto joins it");
	is_str(json_text(report, "interfaces/0/way"), "dispatcher", "there");
	AGREE("edge mark", "231", "beside it");
	must_braid("apply", live_manifest("edge.yaml", ON_R0, live_marks("3,2,4")));
	AGREE("edge mark", "3241", "a change of ours");
	must_xdp_loader(live_text("load -m native r0 %s", theirs));
	AGREE("edge mark mark", "32411", "one more of theirs");
	must_braid("apply", live_manifest("edge.yaml",
					  ON_R0 "strategy: dispatcher, attach: {priority: 60}, ",
					  live_marks("2")));
	AGREE("mark mark edge", "112", "another priority");
	is_int(folders(), 1, "one folder of pins");
	must_braid("delete", "edge");
	AGREE("mark mark", "11", "without ours");
	must_xdp_loader("unload -a r0");
	is_str(live_trip(0), "", "nothing is left");
	is_int(folders(), 0, "no pins either");
	is_int(live_pins(), 0, "nor ours");
}

/* Stages with priorities are components, and theirs runs in between. */
static void test_between(void)
{
	const char *stages = live_text("%s, %s, %s", live_mark(2, ", priority: 10"),
				       live_mark(3, ""), live_mark(4, ", priority: 90"));

	must_xdp_loader(live_text("load -m native r0 %s", theirs));
	must_braid("apply", live_manifest("edge.yaml", ON_R0 "attach: {priority: 60}, ", stages));
	AGREE("m2 mark edge m4", "2134", "between");
	is_str(live_trip_asking(0, 3, XDP_DROP), "dropped", "a verdict ends the chain");
	must_braid("signal", "edge", "pause");
	is_str(live_trip(0), "1", "paused: all of ours, and none of theirs");
	must_braid("signal", "edge", "resume");
	is_str(live_trip(0), "2134", "resumed");
	must_braid("signal", "edge", "pause", "--stage", "m3");
	is_str(live_trip(0), "214", "one stage paused");
	must_braid("delete", "edge");
	must_xdp_loader("unload -a r0");
}

/* Somebody unloads everything. */
static void test_restore(void)
{
	_cleanup_json_ json_t *gone = NULL, *back = NULL;
	_cleanup_run_ struct run r = {};

	must_xdp_loader(live_text("load -m native r0 %s", theirs));
	must_braid("apply", live_manifest("edge.yaml", ON_R0, live_marks("2")));
	must_xdp_loader("unload -a r0");
	gone = braid_json("status", "edge");
	is_str(json_text(gone, "pipelines/0/interfaces/0/state"), "detached", "status says so");
	is_int(braid(&r, "restore"), 0, "restore");
	AGREE("edge", "2", "back again");
	back = braid_json("status", "edge");
	is_str(json_text(back, "pipelines/0/interfaces/0/state"), "attached", "attached");
	must_braid("delete", "edge");
	is_int(folders(), 0, "nothing is left");
}

/* By somebody with libbpf, who sets constants before loading: as component of priority 40. */
static void load_with_id(int id)
{
	_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
	_cleanup_netns_ struct netns ns = NETNS_INIT;
	struct bpf_object *o = bpf_object__open_file(theirs, NULL);
	struct bpf_program *p = bpf_object__find_program_by_name(o, "mark");
	struct addition add = {.name = "mark", .slot = {.priority = 40, .actions = 1u << XDP_PASS}};
	struct dispatch_edit edit = {.add = &add, .n_add = 1, .mode = XDP_NATIVE};
	_cleanup_close_ int scratch = -1;
	struct bpf_map *map;
	size_t size;

	bpf_object__for_each_map(map, o)
	{
		_cleanup_free_ char *copy = NULL;
		const char *name = bpf_map__name(map);
		const void *was = bpf_map__initial_value(map, &size);

		if (!was || strlen(name) < 7 || strcmp(name + strlen(name) - 7, ".rodata"))
			continue;
		copy = malloc(size);
		memcpy(copy, was, size);
		copy[0] = id; /* the first constant */
		if (bpf_map__set_initial_value(map, copy, size))
			bail_out("setting a constant");
	}
	if (dispatch_scratch(false, &scratch, &err))
		bail_out("a dispatcher to load for: %s", err.what);
	bpf_program__set_type(p, BPF_PROG_TYPE_EXT);
	bpf_program__set_expected_attach_type(p, 0);
	bpf_program__set_attach_target(p, scratch, "prog0");
	if (bpf_object__load(o))
		bail_out("loading a component");
	add.fd = bpf_program__fd(p);
	if (netns_open("right", &ns, &err) ||
	    dispatch_change(&ns, net_ifindex("right", "r0"), &edit, NULL, &err))
		bail_out("adding a component: %s", err.what);
	bpf_object__close(o);
}

static void test_adopt(void)
{
	_cleanup_json_ json_t *j = NULL;
	_cleanup_run_ struct run r = {};
	long long before;

	must_xdp_loader(live_text("load -m native r0 %s", theirs));
	load_with_id(9);
	must_braid("apply", live_manifest("edge.yaml", ON_R0, live_marks("2,3")));
	AGREE("mark edge mark", "9231", "three tools");
	before = live_count("m2", "count");
	braid(&r, "adopt", "--netns", "right", "r0");
	is_int(r.status, 1, "adopt: the object is not found");
	ok(strstr(r.err, "--objects"), "and it says what to do: %s", r.err);
	AGREE("mark edge mark", "9231", "after that");
	j = braid_json("adopt", "--netns", "right", "r0", "--objects", theirs);
	is_str(live_trip(0), "9231", "adopted: packets meet the same");
	is_str(json_text(j, "applied/strategy"), "fused", "in one program");
	is_int(json_number(j, "before/calls"), 3, "before there were calls");
	is_int(json_number(j, "after/programs"), 1, "now one program");
	ok(json_is_true(json_at(j, "applied/interfaces/0/atomic")), "by an exchange");
	is_int(live_count("m2", "count"), before + 2, "our maps go on");
	is_int(live_count("mark", "count"), 3, "and theirs: two frames before, one since");
	is_int(folders(), 0, "no pins of a dispatcher are left");
	is_str(seen_by_them(), "", "xdp-loader sees no dispatcher");
	must_braid("rollback", "edge");
	AGREE("mark edge mark_2", "9231", "rolled back");
	must_braid("delete", "edge");
	is_str(live_trip(0), "", "deleted");
	is_int(folders(), 0, "nothing is left");
}

int main(int argc, char **argv)
{
	live_init(argc, argv);
	setenv("LIBXDP_BPFFS", getenv("BRAID_BPFFS"), 1);
	/* as iproute2 leaves it, which was here before us all */
	must_run("mkdir %s/tc", getenv("BRAID_BPFFS"));
	must_run("ln -s tc %s/xdp", getenv("BRAID_BPFFS"));
	theirs = strdup(live_text("%s/live_mark.bpf.o", live_objects));
	test_beside();
	test_between();
	test_restore();
	test_adopt();
	return done();
}
