/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Somebody looks at a pipeline in a libxdp dispatcher: a packet through several components is
 * one packet, which leaves where it leaves the last of them.
 */
#include <linux/bpf.h>
#include <stdio.h>
#include <string.h>

#include "live_common.h"
#include "live_observe.h"

struct sight {
	char text[512];
	uint64_t packet;
	size_t packets;
};

static int on_event(void *ctx, const struct braid_event *e)
{
	struct sight *s = ctx;
	size_t n = strlen(s->text);
	bool entry = e->point == BRAID_EVENT_ENTRY;

	s->packets += e->packet != s->packet;
	s->packet = e->packet;
	if (entry)
		snprintf(s->text + n, sizeof(s->text) - n, "%s>", n ? " " : "");
	else
		snprintf(s->text + n, sizeof(s->text) - n, " %u:%u%s", e->point, e->verdict,
			 e->leaves ? "!" : "");
	return 0;
}

/* Frames of other kinds come by, too: is there one that did this, and is each one packet? */
static bool saw(struct braid_observer *o, const char *what)
{
	struct sight s = {};
	struct braid_error err = BRAID_ERROR_INIT;
	size_t entries = 0;

	if (braid_observer_read(o, on_event, &s, &err))
		bail_out("reading: %s", err.what);
	for (const char *c = s.text; *c; c++)
		entries += *c == '>';
	diag("%s", s.text);
	return strstr(s.text, what) && entries == s.packets;
}

static void test_components(const char *name, const char *stages)
{
	struct braid *b = observe_braid("test");
	struct braid_observer *o;

	must_braid("apply", live_manifest("edge.yaml", ON_R0 "strategy: dispatcher, ", stages));
	is_str(live_trip(0), "234", "%s: runs", name);
	o = observe_open(b, 1);
	is_str(live_trip(0), "234", "%s: runs while somebody looks", name);
	ok(saw(o, "> 0:2 1:2 2:2!"), "%s: one packet, which leaves at the end", name);
	is_str(live_trip_asking(0, 3, XDP_DROP), "dropped", "%s: dropped in between", name);
	ok(saw(o, "> 0:2 1:1!"), "%s: it leaves there", name);
	is_str(live_trip_asking(0, 4, XDP_DROP), "dropped", "%s: dropped at the end", name);
	ok(saw(o, "> 0:2 1:2 2:1!"), "%s: it leaves there, too", name);
	observe_close(o);
	is_str(live_trip(0), "234", "%s: runs when nobody looks", name);
	must_braid("delete", "edge");
	braid_close(b);
}

int main(int argc, char **argv)
{
	live_init(argc, argv);
	setenv("LIBXDP_BPFFS", getenv("BRAID_BPFFS"), 1);
	test_components("one", live_marks("2,3,4"));
	test_components("three", live_text("%s, %s, %s", live_mark(2, ", priority: 10"),
					   live_mark(3, ""), live_mark(4, ", priority: 90")));
	return done();
}
