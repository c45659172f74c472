/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Commands that look at a pipeline in a libxdp dispatcher: m2, m3 and m4 are components, and a
 * program of xdp-loader runs between m2 and m3.
 */
#include <linux/bpf.h>
#include <signal.h>
#include <string.h>

#include "capture_read.h"
#include "live_observe.h"
#include "seen.h"
#include "wait.h"

static const char *const ours[] = {"m2", "m3", "m4"};

#define ONLY_OURS "ether", "proto", "0x88b5"

static void test_counters(void)
{
	_cleanup_json_ json_t *status = NULL;
	json_t *j;

	is_str(live_trip(0), "2134", "frames meet components of two tools");
	is_str(live_trip_asking(0, 1, XDP_DROP), "dropped", "theirs drops one");
	is_str(live_trip_asking(0, 3, XDP_DROP), "dropped", "m3 drops one");
	status = braid_json("status", "edge");
	j = json_at(status, "pipelines/0/counters");
	is_int(json_number(j, "entered/packets"), 6, "two frames a trip");
	is_int(json_number(j, "entered/bytes"), 6 * FRAME_SIZE, "their bytes");
	is_int(json_number(j, "stages/0/verdicts/pass/packets"), 6, "m2 lets all of them pass");
	is_int(json_number(j, "stages/1/packets"), 5, "m3 does not see the one that theirs drops");
	is_int(json_number(j, "stages/1/verdicts/drop/packets"), 1, "it drops one itself");
	is_int(json_number(j, "stages/2/packets"), 4, "m4 has the rest");
	is_int(json_number(j, "left/drop/packets"), 1, "what ours dropped");
	is_int(json_number(j, "left/pass/packets"), 4, "what ours let pass, to the end");
}

static void test_graph(void)
{
	_cleanup_json_ json_t *j = braid_json("graph", "edge", "--interval", "0");
	const char *path = live_text("%s/edge.html", net_scratch());
	_cleanup_run_ struct run r = {};
	const char *dot = json_text(j, "picture");

	for (int i = 0; i < 3; i++)
		ok(strstr(dot, live_text("\"%s\" [shape=box", ours[i])), "graph: %s", ours[i]);
	ok(strstr(dot, "component m2, priority 10") && strstr(dot, "component edge, priority 60") &&
		   strstr(dot, "component m4, priority 90"),
	   "the components");
	ok(strstr(dot, "came: 5 packets"), "what came to m3");
	is_int(braid(&r, "graph", "edge", "--interval", "0", "-o", path), 0, "as a page");
}

static void test_dump(void)
{
	_cleanup_json_ json_t *j = braid_json("dump", "--jited", "edge"), *one = NULL;
	json_t *chain = braid_json("dispatcher", "show", "--netns", "right", "r0");
	json_t *components = json_at(chain, "interfaces/0/components"), *program, *block, *c;
	size_t i, k, n = 0, stages = 0, machine = 0;

	is_str(json_text(j, "strategy"), "dispatcher", "dump: how it runs");
	is_int(json_array_size(json_at(j, "programs")), 3, "three programs, and none of theirs");
	ok(!json_at(j, "stages-unknown") && !json_at(j, "machine-hidden"), "all is known");
	json_array_foreach (json_at(j, "programs"), i, program) {
		json_array_foreach (components, k, c)
			n += json_number(c, "id") == json_number(program, "id");
		json_array_foreach (json_at(program, "blocks"), k, block) {
			stages += !strcmp(json_text(block, "stage"), ours[i]);
			machine += json_at(block, "machine/code/0") != NULL;
		}
		ok(stages && machine, "%s is in %s, with machine code", ours[i],
		   json_text(program, "program"));
		stages = machine = 0;
	}
	is_int(n, 3, "they are the components that run");
	one = braid_json("dump", "edge", "m3");
	is_int(json_array_size(json_at(one, "programs")), 1, "one stage is in one program");
	is_str(json_text(one, "programs/0/program"), "edge", "which");
	json_decref(chain);
}

static void test_explain(void)
{
	_cleanup_json_ json_t *j = braid_json("explain", "edge");
	json_t *p, *s;
	size_t i;

	is_str(json_text(j, "strategy"), "dispatcher", "explain: how it runs");
	ok(strstr(json_text(j, "why"), "dispatcher"), "and why: %s", json_text(j, "why"));
	ok(!json_at(j, "differs") && !json_at(j, "verifier-unknown"), "all is known");
	json_array_foreach (json_at(j, "programs"), i, p) {
		ok(json_is_true(json_at(p, "verifier/accepted")), "the verifier takes %s: %s",
		   json_text(p, "program"), json_text(p, "verifier/reason"));
		ok(strstr(json_text(p, "why"), "a component of priority"), "%s",
		   json_text(p, "why"));
	}
	is_int(i, 3, "three programs");
	json_array_foreach (json_at(j, "stages"), i, s)
		ok(json_number(s, "verifier/processed") > 0, "the verifier's work in %s",
		   json_text(s, "name"));
	is_int(i, 3, "three stages");
}

/* What braid did not make it does not show as if it had. */
static void test_others(void)
{
	static const char *const commands[] = {"dump", "explain", "graph", "trace", "latency"};

	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++) {
		_cleanup_run_ struct run r = {};

		is_int(braid(&r, commands[i], "mark"), 1, "%s of theirs", commands[i]);
		ok(strstr(r.err, "there is no pipeline 'mark'"), "says: %s", r.err);
	}
}

static void test_trace(void)
{
	_cleanup_run_ struct run r = {};
	_cleanup_json_ json_t *whole = NULL, *dropped = NULL, *taken = NULL;

	seen_start(&r, 1, "trace", "edge", "--json", "--count", "3", ONLY_OURS);
	is_str(live_trip(0), "2134", "while somebody traces");
	ok(seen_wait(&r, 1), "a line"); /* of several CPUs they come in any order */
	is_str(live_trip_asking(0, 4, XDP_DROP), "dropped", "and m4 drops one");
	ok(seen_wait(&r, 2), "another one");
	is_str(live_trip_asking(0, 1, XDP_DROP), "dropped", "and theirs another one");
	is_int(run_wait(&r), 0, "trace");
	whole = seen_json(&r, 0);
	dropped = seen_json(&r, 1);
	taken = seen_json(&r, 2);
	is_int(json_array_size(json_at(whole, "stages")), 3, "three stages of ours");
	for (int i = 0; i < 3; i++) {
		json_t *stage = json_at(whole, live_text("stages/%d", i));

		is_str(json_text(stage, "stage"), ours[i], "stage %d", i + 1);
		is_str(json_text(stage, "verdict"), "pass", "its verdict");
		is_str(json_text(stage, "program"), i == 1 ? "edge" : ours[i], "its component");
	}
	is_str(json_text(whole, "verdict"), "pass", "with which it left");
	is_str(json_text(whole, "stage"), "m4", "where");
	ok(json_is_true(json_at(whole, "whole")), "from beginning to end");
	is_str(json_text(dropped, "stage"), "m4", "who dropped the other one");
	is_str(json_text(dropped, "verdict"), "drop", "and how");
	is_int(json_array_size(json_at(taken, "stages")), 1, "the third came to m2 only");
	ok(json_is_false(json_at(taken, "whole")), "what became of it, ours do not know");
	ok(!json_at(taken, "verdict"), "nor do they say that they do");
}

static void test_capture(void)
{
	const char *path = live_text("%s/edge.pcapng", net_scratch());
	_cleanup_run_ struct run r = {};
	_cleanup_cap_ struct cap c = {};
	const struct cap_packet *p;

	seen_start(&r, 1, "capture", "edge", "-w", path, "--count", "4", ONLY_OURS);
	is_str(live_trip(0), "2134", "while somebody captures");
	is_int(run_wait(&r), 0, "capture");
	cap_read(&c, path);
	is_int(c.n, 4, "at the entry, and behind three stages");
	p = cap_packet(&c, "entry", 0);
	is_int(p ? p->bytes[FRAME_SIGNED] : -1, 0, "signatures as it came");
	p = cap_packet(&c, "m2 (after)", 0);
	is_int(p ? p->bytes[FRAME_SIGNED] : -1, 1, "behind m2");
	p = cap_packet(&c, "m3 (after)", 0);
	is_int(p ? p->bytes[FRAME_SIGNED] : -1, 3, "behind m3, with theirs");
	p = cap_packet(&c, "m4 (after)", 0);
	is_int(p ? p->bytes[FRAME_SIGNED] : -1, 4, "behind m4");
}

static void test_latency(void)
{
	_cleanup_run_ struct run r = {};
	_cleanup_json_ json_t *j = NULL;

	seen_start(&r, 1, "latency", "edge", "--json", "--duration", "1h", "--sample", "1:1");
	is_str(live_trip(0), "2134", "while it is timed");
	is_str(live_trip(0), "2134", "and again");
	is_int(seen_end(&r, SIGINT), 0, "latency");
	j = json_loads(r.out, 0, NULL);
	for (int i = 0; i < 4; i++) {
		json_t *stage = json_at(j, live_text("revisions/0/stages/%d", i));

		is_str(json_text(stage, "stage"), i < 3 ? ours[i] : "", "a stage");
		is_int(json_number(stage, "packets"), 4, "all that came were timed");
	}
}

static void test_top(void)
{
	_cleanup_run_ struct run r = {};
	_cleanup_json_ json_t *j = NULL;

	run_start(&r, (const char *const[]){live_braid, "top", "--once", "--json", "--every", "1",
					    "--interval", "3s", "edge", NULL});
	while (!run_has_ended(&r))
		if (strcmp(live_trip(0), "2134") != 0)
			ok(false, "a frame is lost while top looks");
	is_int(run_wait(&r), 0, "top");
	j = seen_json(&r, 0);
	for (int i = 0; i < 3; i++) {
		json_t *stage = json_at(j, live_text("pipelines/0/stages/%d", i));

		is_str(json_text(stage, "stage"), ours[i], "a stage");
		ok(json_number_value(json_at(stage, "packets-per-second")) > 0, "its rate");
		ok(json_number(stage, "timed") > 0, "its times");
	}
}

int main(int argc, char **argv)
{
	size_t pins;

	live_init(argc, argv);
	setenv("LIBXDP_BPFFS", getenv("BRAID_BPFFS"), 1);
	must_run("nsenter --net=/run/netns/right xdp-loader load -m native r0 %s/live_mark.bpf.o",
		 live_objects);
	must_braid("apply",
		   live_manifest("edge.yaml", ON_R0 "attach: {priority: 60}, ",
				 live_text("%s, %s, %s", live_mark(2, ", priority: 10"),
					   live_mark(3, ""), live_mark(4, ", priority: 90"))));
	pins = live_pins();
	test_counters();
	test_graph();
	test_dump();
	test_explain();
	test_others();
	test_trace();
	test_capture();
	test_latency();
	test_top();
	is_int(live_pins(), pins, "nothing of those that looked is left");
	is_str(live_trip(0), "2134", "and what ran runs");
	must_braid("delete", "edge");
	must_run("nsenter --net=/run/netns/right xdp-loader unload -a r0");
	is_int(live_pins(), 0, "nothing is left");
	return done();
}
