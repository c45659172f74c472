/* SPDX-License-Identifier: GPL-2.0-only */
/* Commands that look, at hooks beside XDP: what they say is what frames met there. */
#include <signal.h>
#include <string.h>

#include "capture_read.h"
#include "live_observe.h"
#include "live_tc.h"
#include "seen.h"
#include "site.h"
#include "wait.h"

enum { NONE = -2, UNSPEC = -1, SHOT = 2 };

#define ONLY_OURS "ether", "proto", "0x88b5"

/* Twice as many packets as trips: each is two frames. */
static void test_counters(const struct site *s)
{
	enum { TRIPS = 4 };
	_cleanup_json_ json_t *j = NULL;

	for (int i = 0; i < TRIPS; i++)
		is_str(s->trip(0, 0), "123", "%s: to be counted", s->what);
	is_str(s->trip(2, SHOT), "dropped", "and one that is dropped");
	j = braid_json("status", "edge");
	is_int(json_number(j, "pipelines/0/counters/entered/packets"), 2 * TRIPS + 2, "came");
	is_int(json_number(j, "pipelines/0/counters/entered/bytes"), (2 * TRIPS + 2) * FRAME_SIZE,
	       "in bytes");
	is_int(json_number(j, "pipelines/0/counters/left/unspec/packets"), 2 * TRIPS + 1, "left");
	is_int(json_number(j, "pipelines/0/counters/left/shot/packets"), 1, "were dropped");
	is_int(json_number(j, "pipelines/0/counters/stages/1/verdicts/shot/packets"), 1, "by m2");
	is_int(json_number(j, "pipelines/0/counters/stages/2/packets"), 2 * TRIPS + 1,
	       "came to m3");
}

static void test_graph(const struct site *s)
{
	_cleanup_json_ json_t *j = braid_json("graph", "edge", "--interval", "0");
	const char *path = live_text("%s/hook.svg", net_scratch());
	_cleanup_run_ struct run r = {};
	const char *dot = json_text(j, "picture");

	ok(strstr(dot, s->hook), "%s: graph: the hook: %s", s->what, dot);
	for (int i = 1; i <= 3; i++)
		ok(strstr(dot, live_text("\"m%d\" [shape=box", i)), "stage m%d", i);
	ok(strstr(dot, "shot"), "the verdict of the one that was dropped");
	is_int(json_number(j, "counters/entered/packets"), 10, "what came");
	is_int(braid(&r, "graph", "edge", "--interval", "0", "-o", path), 0, "as a picture");
}

/* The bytes of a frame from the number of signatures up to the place of the last one. */
static const char *signed_by(int n, int places)
{
	static char text[2 * FRAME_IDS + 8];
	int at = sprintf(text, "%02x00", n);

	for (int i = 1; i <= places; i++)
		at += sprintf(text + at, "%02x", i <= n ? i : 0);
	return text;
}

/* Stage @i of the packet is m<i + 1>, and all that it changed is what it signs. */
static void is_stage(json_t *packet, int i, const char *verdict, const char *what)
{
	json_t *stage = json_at(packet, live_text("stages/%d", i));

	is_str(json_text(stage, "stage"), live_text("m%d", i + 1), "%s: stage %d", what, i + 1);
	is_str(json_text(stage, "verdict"), verdict, "its verdict");
	is_int(json_array_size(json_at(stage, "changes")), 1, "what it changed");
	is_int(json_number(stage, "changes/0/offset"), FRAME_SIGNED, "where");
	is_str(json_text(stage, "changes/0/old"), signed_by(i, i + 1), "from");
	is_str(json_text(stage, "changes/0/new"), signed_by(i + 1, i + 1), "to");
}

static void test_trace(const struct site *s)
{
	_cleanup_run_ struct run r = {};
	_cleanup_json_ json_t *whole = NULL, *dropped = NULL, *totals = NULL;

	seen_start(&r, 1, "trace", "edge", "--json", "--count", "2", ONLY_OURS);
	is_str(s->trip(0, 0), "123", "%s: while somebody traces", s->what);
	ok(seen_wait(&r, 1), "a line"); /* of several CPUs they come in any order */
	is_str(s->trip(2, SHOT), "dropped", "and one is dropped");
	is_int(run_wait(&r), 0, "trace");
	whole = seen_json(&r, 0);
	dropped = seen_json(&r, 1);
	totals = seen_json(&r, 2);
	is_int(json_array_size(json_at(whole, "stages")), 3, "three stages");
	for (int i = 0; i < 3; i++)
		is_stage(whole, i, "unspec", s->what);
	is_str(json_text(whole, "verdict"), "unspec", "with which it left");
	is_str(json_text(whole, "stage"), "m3", "where");
	is_str(json_text(whole, "interface"), s->ifname, "where it came");
	is_int(json_number(whole, "length"), FRAME_SIZE, "its length");
	ok(json_is_true(json_at(whole, "whole")), "from beginning to end");
	is_int(json_array_size(json_at(dropped, "stages")), 2, "two stages");
	is_stage(dropped, 0, "unspec", "dropped");
	is_stage(dropped, 1, "shot", "dropped");
	is_str(json_text(dropped, "stage"), "m2", "who dropped it");
	is_str(json_text(dropped, "verdict"), "shot", "and how");
	is_int(json_number(totals, "totals/looked-at"), 2, "no others were looked at");
	is_int(json_number(totals, "totals/missed"), 0, "none was missed");
}

static void test_drops(const struct site *s)
{
	_cleanup_run_ struct run r = {};

	seen_start(&r, 1, "trace", "edge", "--drops");
	is_str(s->trip(0, 0), "123", "%s: one comes through", s->what);
	is_str(s->trip(1, SHOT), "dropped", "one does not");
	is_str(s->trip(3, SHOT), "dropped", "nor does another one");
	ok(seen_wait(&r, 2), "two lines");
	is_int(seen_end(&r, SIGINT), 0, "trace --drops");
	ok(strstr(r.out, "m1    shot          1\n") && strstr(r.out, "m3    shot          1\n"),
	   "each at its stage: %s", r.out);
	ok(strstr(r.out, "6 packets looked at, 2 dropped, 0 events missed\n"), "of six frames");
}

/* Frame @i of seam @seam has @n signatures, and leaves by @verdict. */
static void is_captured(const struct cap *c, const char *seam, int i, int n, long long verdict)
{
	const struct cap_packet *p = cap_packet(c, seam, i);

	if (!ok(p != NULL, "%s: frame %d", seam, i))
		return;
	is_int(p->captured, FRAME_SIZE, "whole");
	is_int(p->bytes[FRAME_SIGNED], n, "signatures");
	for (int k = 0; k < n; k++)
		is_int(p->bytes[FRAME_MARKS + k], k + 1, "of m%d", k + 1);
	is_int(p->verdict_kind, verdict == NONE ? -1 : 1, "a verdict of TC, or none");
	if (verdict != NONE)
		is_int(p->verdict, verdict, "which");
}

static void test_capture(const struct site *s)
{
	const char *path = live_text("%s/hook.pcapng", net_scratch());
	_cleanup_run_ struct run r = {};
	_cleanup_cap_ struct cap c = {};
	const char *comment;

	seen_start(&r, 1, "capture", "edge", "-w", path, "--count", "7", ONLY_OURS);
	is_str(s->trip(0, 0), "123", "%s: while somebody captures", s->what);
	is_str(s->trip(2, SHOT), "dropped", "and one is dropped");
	is_int(run_wait(&r), 0, "capture");
	cap_read(&c, path);
	is_int(c.n, 7, "at four seams, and at three");
	for (int i = 0; i < 2; i++) {
		is_captured(&c, "entry", i, 0, NONE);
		is_captured(&c, "m1 (after)", i, 1, UNSPEC);
	}
	is_captured(&c, "m2 (after)", 0, 2, UNSPEC);
	is_captured(&c, "m2 (after)", 1, 2, SHOT);
	is_captured(&c, "m3 (after)", 0, 3, UNSPEC);
	ok(!cap_packet(&c, "m3 (after)", 1), "m3 has not seen the one that was dropped");
	comment = cap_packet(&c, "m2 (after)", 1)->comment;
	ok(strstr(comment, live_text("m2: shot, leaves; %s, cpu ", s->ifname)), "in words: %s",
	   comment);
	is_int(c.packets[0].flags & 3, s->outbound ? 2 : 1, "which way it goes");
}

static void test_latency(const struct site *s)
{
	enum { TRIPS = 5 };
	_cleanup_run_ struct run r = {};
	_cleanup_json_ json_t *j = NULL;

	seen_start(&r, 1, "latency", "edge", "--json", "--duration", "1h", "--sample", "1:1");
	for (int i = 0; i < TRIPS; i++)
		is_str(s->trip(0, 0), "123", "%s: while it is timed", s->what);
	is_int(seen_end(&r, SIGINT), 0, "latency");
	j = json_loads(r.out, 0, NULL);
	for (int i = 0; i < 4; i++) {
		json_t *stage = json_at(j, live_text("revisions/0/stages/%d", i));

		is_str(json_text(stage, "stage"), i < 3 ? live_text("m%d", i + 1) : "", "a stage");
		is_int(json_number(stage, "packets"), 2 * TRIPS, "all that came were timed");
	}
}

static void test_top(const struct site *s)
{
	_cleanup_run_ struct run r = {};
	_cleanup_json_ json_t *j = NULL;

	run_start(&r, (const char *const[]){live_braid, "top", "--once", "--json", "--every", "1",
					    "--interval", "2s", "edge", NULL});
	while (!run_has_ended(&r))
		if (strcmp(s->trip(0, 0), "123") != 0)
			ok(false, "%s: a frame is lost while top looks", s->what);
	is_int(run_wait(&r), 0, "%s: top", s->what);
	j = seen_json(&r, 0);
	is_str(json_text(j, "pipelines/0/hook"), s->hook, "the hook");
	for (int i = 0; i < 3; i++) {
		json_t *stage = json_at(j, live_text("pipelines/0/stages/%d", i));

		is_str(json_text(stage, "stage"), live_text("m%d", i + 1), "a stage");
		ok(json_number_value(json_at(stage, "packets-per-second")) > 0, "its rate");
		ok(json_number(stage, "timed") > 0, "its times");
	}
}

/* No frame meets another number of stages while observers come and go. */
static void test_come_and_go(const struct site *s)
{
	enum { TIMES = 4, BURST = 50 };
	const char *const names[] = {"m1", "m2", "m3"};
	long long sent = 0, before[3], lost = 0;
	int counts[3];

	for (int i = 0; i < 3; i++) {
		counts[i] = site_open_count(names[i]);
		before[i] = site_counted(counts[i]);
	}
	for (int i = 0; i < TIMES; i++) {
		_cleanup_run_ struct run r = {};

		run_start(&r, (const char *const[]){live_braid, "trace", "edge", "--count",
						    live_text("%d", 3 * BURST), NULL});
		while (!run_has_ended(&r) && !lost) {
			site_send(s, BURST);
			sent += BURST;
			lost = !wait_until(site_counted(counts[2]) - before[2] == sent, SEEN_MS);
		}
		is_int(run_wait(&r), 0, "%s: somebody has looked", s->what);
	}
	for (int i = 0; i < 3; i++) {
		is_int(site_counted(counts[i]) - before[i], sent, "%s saw each frame once",
		       names[i]);
		close(counts[i]);
	}
	live_drain(0);
}

static void test_inspection(const struct site *s)
{
	_cleanup_json_ json_t *dump = braid_json("dump", "edge", "m2");
	_cleanup_json_ json_t *why = braid_json("explain", "edge");
	json_t *program, *block;
	size_t i, k, blocks = 0, others = 0;

	is_str(json_text(dump, "hook"), s->hook, "%s: dump", s->what);
	json_array_foreach (json_at(dump, "programs"), i, program)
		json_array_foreach (json_at(program, "blocks"), k, block) {
			blocks++;
			others += strcmp(json_text(block, "stage"), "m2") != 0;
		}
	ok(blocks > 3, "lines of m2: %zu", blocks);
	is_int(others, 0, "and of no others");
	is_int(json_array_size(json_at(why, "stages")), 3, "explain: the stages");
	json_array_foreach (json_at(why, "programs"), i, program)
		ok(json_is_true(json_at(program, "verifier/accepted")), "the verifier takes %s: %s",
		   json_text(program, "program"), json_text(program, "verifier/reason"));
}

static void test_site(const struct site *s)
{
	_cleanup_observed_run_ struct observed_run base = {}, now = {};

	if (!strstr(s->pipeline, "netlink") && !site_has_links(s)) {
		skip("%s: this kernel has no links there", s->what);
		return;
	}
	site_apply(s, "");
	test_counters(s);
	test_graph(s);
	observed_run_read(&base);
	test_trace(s);
	test_drops(s);
	test_capture(s);
	test_latency(s);
	test_top(s);
	test_come_and_go(s);
	test_inspection(s);
	observed_run_read(&now);
	ok(observed_run_is(&base, &now), "%s: what runs then is what ran before", s->what);
	is_str(observe_state(), "", "nobody looks");
	must_braid("delete", "edge");
	is_int(live_pins(), 0, "nothing is left");
	site_apply(s, "");
	is_str(s->trip(0, 0), "123", "%s: applied once more", s->what);
	must_braid("delete", "edge");
}

static void test_sites(const struct site *s)
{
	for (; s->what; s++)
		test_site(s);
}

/* With `netkit`: there; a kernel that has none is an old one, so at those of TC. */
int main(int argc, char **argv)
{
	bool netkit = argc > 4 && !strcmp(argv[4], "netkit");

	live_init(argc, argv);
	if (netkit && site_has_links(sites_netkit)) {
		site_plug_netkit();
		test_sites(sites_netkit);
		return done();
	}
	if (netkit)
		skip("this kernel has no netkit: it needs Linux 6.7");
	test_sites(sites_tc);
	return done();
}
