/* SPDX-License-Identifier: GPL-2.0-only */
/* Somebody looks at a pipeline in a libxdp dispatcher, beside a component of another tool. */
#include <errno.h>
#include <string.h>

#include "live_observe.h"
#include "wait.h"

/* Names and ids of the components, as they run: "m2:12 mark:7 m4:13". Free it. */
static char *components(void)
{
	_cleanup_json_ json_t *j = braid_json("dispatcher", "show", "--netns", "right", "r0");
	char text[512] = "";
	json_t *component;
	size_t i, n = 0;

	json_array_foreach (json_at(j, "interfaces/0/components"), i, component)
		n += snprintf(text + n, sizeof(text) - n, "%s%s:%lld", n ? " " : "",
			      json_text(component, "name"), json_number(component, "id"));
	return strdup(text);
}

static unsigned long long seen(struct braid_observer *o)
{
	struct braid_observer_count count = {};

	if (braid_observer_count(o, &count, NULL))
		bail_out("counting");
	return count.packets;
}

static const char *state(void)
{
	static char text[64];
	_cleanup_json_ json_t *status = braid_json("status", "edge");

	snprintf(text, sizeof(text), "%s", json_text(status, "pipelines/0/interfaces/0/state"));
	return text;
}

static void test_look(void)
{
	_cleanup_free_ char *before = components(), *during = NULL, *after = NULL;
	struct braid *b = observe_braid("test");
	struct braid_observer *o;
	size_t pins = live_pins();

	is_str(live_trip(0), "2134", "components of two tools");
	o = observe_open(b, 0);
	during = components();
	ok(strcmp(before, during) != 0, "ours are others now: %s, then %s", before, during);
	is_str(live_trip(0), "2134", "frames meet all of them, in their order");
	ok(seen(o) > 0, "and are seen");
	is_str(state(), "attached", "status finds nothing wrong");
	is_str(observe_state(), "observed", "and says that somebody looks");
	observe_close(o);
	after = components();
	is_str(after, before, "then the very components of before run");
	is_str(live_trip(0), "2134", "and frames meet them");
	is_int(live_pins(), pins, "nothing is left");
	braid_close(b);
}

static void test_killed(void)
{
	_cleanup_free_ char *before = components(), *after = NULL;
	struct looker l;

	looker_start(&l, 0);
	looker_kill(&l);
	is_str(live_trip(0), "2134", "behind a kill frames go on");
	must_braid("signal", "edge", "resume");
	after = components();
	is_str(after, before, "and the next command puts the components back");
}

int main(int argc, char **argv)
{
	live_init(argc, argv);
	must_braid("dispatcher", "add", "--netns", "right", "r0",
		   live_text("%s/live_mark.bpf.o", live_objects));
	must_braid("apply",
		   live_manifest("edge.yaml", ON_R0 "attach: {priority: 60}, ",
				 live_text("%s, %s, %s", live_mark(2, ", priority: 10"),
					   live_mark(3, ""), live_mark(4, ", priority: 90"))));
	test_look();
	test_killed();
	must_braid("delete", "edge");
	is_int(live_pins(), 0, "nothing is pinned in the end");
	must_braid("dispatcher", "remove", "--netns", "right", "--all", "r0");
	return done();
}
