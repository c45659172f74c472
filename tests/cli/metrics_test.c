/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * braid metrics and braid graph of a pipeline that runs: the numbers are those of packets that
 * were sent. Last arguments: docs/metrics.md, the dashboard.
 */
#include <string.h>
#include <sys/stat.h>

#include "base/text.h"
#include "file.h"
#include "live_common.h"
#include "prometheus.h"
#include "wait.h"

#define EDGE  "pipeline=\"edge\""
#define FRAME 128 /* bytes of each */

static char *metrics(void)
{
	_cleanup_run_ struct run r = {};

	is_int(braid(&r, "metrics"), 0, "metrics");
	is_str(r.err, "", "without a complaint");
	return TAKE_PTR(r.out);
}

/* Each trip is the frame in question and one behind it: five that pass, three end at m2. */
static void send_packets(void)
{
	for (int i = 0; i < 5; i++)
		is_str(live_trip(0), "123", "a frame passes");
	for (int i = 0; i < 3; i++)
		is_str(live_trip_asking(0, 2, 1), "dropped", "m2 drops one");
}

enum { SENT = 16, DROPPED = 3 };

static void test_numbers(void)
{
	_cleanup_free_ char *text = metrics();

	prometheus_check(text);
	is_int(prometheus(text, "braid_pipeline_packets_total", EDGE), SENT, "came in");
	is_int(prometheus(text, "braid_pipeline_bytes_total", EDGE), SENT * FRAME, "their bytes");
	is_int(prometheus(text, "braid_pipeline_left_packets_total", EDGE, "verdict=\"pass\""),
	       SENT - DROPPED, "passed");
	is_int(prometheus(text, "braid_pipeline_left_packets_total", EDGE, "verdict=\"drop\""),
	       DROPPED, "dropped");
	is_int(prometheus(text, "braid_stage_packets_total", EDGE, "stage=\"m1\"",
			  "verdict=\"pass\""),
	       SENT, "all of them by m1");
	is_int(prometheus(text, "braid_stage_packets_total", EDGE, "stage=\"m2\"",
			  "verdict=\"drop\"", "hook=\"xdp\""),
	       DROPPED, "those that m2 dropped");
	is_int(prometheus(text, "braid_stage_bytes_total", EDGE, "stage=\"m2\"",
			  "verdict=\"drop\""),
	       DROPPED * FRAME, "and their bytes");
	is_int(prometheus(text, "braid_stage_packets_total", EDGE, "stage=\"m3\"",
			  "verdict=\"pass\""),
	       SENT - DROPPED, "m3 saw the others");
	is_int(prometheus(text, "braid_edge_packets_total", EDGE, "from=\"m2\"", "to=\"m3\""),
	       SENT - DROPPED, "which went from m2 to m3");
	is_int(prometheus(text, "braid_pipeline_revision", EDGE), 1, "the revision");
	is_int(prometheus(text, "braid_pipeline_running", EDGE), 1, "it runs");
	is_int(prometheus(text, "braid_pipeline_error", EDGE), 0, "it can be read");
	is_int(prometheus(text, "braid_pipeline_attached", EDGE, "interface=\"r0\"",
			  "netns=\"right\""),
	       1, "where it is attached");
	is_int(prometheus(text, "braid_signal_active", EDGE, "stage=\"m1\"", "signal=\"pause\""), 0,
	       "nothing is paused");
	is_int(prometheus(text, "braid_build_info"), 1, "which braid");
	ok(prometheus(text, "braid_program_instructions", EDGE, "program=\"edge\"") > 20,
	   "the program has instructions");
}

static void test_graph(void)
{
	_cleanup_run_ struct run r = {};
	const char *record;

	is_int(braid(&r, "graph", "edge", "-i", "0", "-f", "svg"), 0, "graph of what runs");
	ok(strstr(r.out, ">16 \u00b7 100\u00a0%<"), "16 packets came in");
	ok(strstr(r.out, ">13 \u00b7 81.2\u00a0%<"), "13 went on");
	ok(strstr(r.out, "data-verdict=\"drop\"><title>3 packets, 384 bytes<"), "3 ended");
	ok(strstr(r.out, ">r0 in right<"), "and where");
	is_int(braid(&r, "graph", "edge", "-i", "0", "-f", "html"), 0, "as a page");
	ok(strstr(r.out, "3 packets, 384 bytes, 18.8\u00a0%</td>"), "with the facts of m2");
	is_int(braid(&r, "status", "--json"), 0, "what status says");
	record = live_write("record.json", "%s", r.out);
	is_int(braid(&r, "graph", "edge", "-c", record, "-f", "svg"), 0, "as a recording");
	ok(strstr(r.out, ">16 \u00b7 100\u00a0%<"), "has the same numbers");
	is_int(braid(&r, "graph", "edge", "-i", "0"), 0, "for graphviz");
	ok(strstr(r.out, "\"m1\" -> \"m2\" ["), "a way between stages");
	is_int(braid(&r, "graph", "edg"), 1, "one that does not run");
	ok(strstr(r.err, "did you mean 'edge'?"), "with the next best");
}

/* Packets come as long as it counts. */
static void test_rates(void)
{
	const char *path = live_text("%s/rates.svg", net_scratch());
	const char *argv[] = {live_braid, "graph", "edge", "-i", "2", "-o", path, NULL};
	_cleanup_run_ struct run r = {}, cat = {};

	run_start(&r, argv);
	ok(wait_until((live_trip(0), access(path, F_OK) == 0), 20000), "a picture of rates");
	is_int(run_wait(&r), 0, "it is done");
	is_int(run(&cat, "cat", path), 0, "the picture");
	ok(strstr(cat.out, "pps \u00b7 100\u00a0%<"), "has packets per second");
}

static void test_pause(void)
{
	_cleanup_free_ char *text = NULL;
	_cleanup_run_ struct run r = {};
	double before;

	must_braid("signal", "edge", "pause", "--stage", "m1");
	text = metrics();
	before = prometheus(text, "braid_stage_bypassed_packets_total", EDGE, "stage=\"m1\"");
	is_str(live_trip(0), "23", "a frame goes past m1");
	free(text);
	text = metrics();
	is_int(prometheus(text, "braid_signal_active", EDGE, "stage=\"m1\"", "signal=\"pause\""), 1,
	       "metrics say that it is paused");
	is_int(prometheus(text, "braid_stage_bypassed_packets_total", EDGE, "stage=\"m1\"") -
		       before,
	       2, "and what went past it");
	is_int(braid(&r, "graph", "edge", "-i", "0", "-f", "svg"), 0, "a picture");
	ok(strstr(r.out, ">paused<") && strstr(r.out, "edge past"), "shows that, too");
	must_braid("signal", "edge", "resume", "--stage", "m1");
	must_braid("signal", "edge", "pause");
	is_str(live_trip(0), "", "a frame goes past the pipeline");
	free(text);
	text = metrics();
	is_int(prometheus(text, "braid_pipeline_running", EDGE), 0, "it does not run");
	is_int(braid(&r, "graph", "edge", "-i", "0", "-f", "svg"), 0, "a picture of that");
	ok(strstr(r.out, "xdp, native, paused<"), "says so");
	must_braid("signal", "edge", "resume");
}

static bool share_is(double share)
{
	_cleanup_run_ struct run r = {};

	return !braid(&r, "metrics") &&
	       prometheus(r.out, "braid_rollout_share_ratio", EDGE, "stage=\"m2\"") == share;
}

static void test_rollout(void)
{
	_cleanup_run_ struct run r = {}, graph = {};
	const char *argv[] = {
		live_braid, "rollout", "edge",    live_text("m2=%s/live_mark.bpf.o", live_objects),
		"--steps",  "25,100",  "--every", "1h",
		NULL};

	run_start(&r, argv);
	ok(wait_until(share_is(0.25), 20000), "a quarter goes to the new version");
	is_int(braid(&graph, "graph", "edge", "-i", "0", "-f", "svg"), 0, "a picture of both");
	ok(strstr(graph.out, ">m2@new<") && strstr(graph.out, ">new, 25\u00a0%<"), "and the share");
	must_braid("rollout", "abort", "edge");
	is_int(run_wait(&r), 1, "it is over");
	ok(!share_is(0.25), "and not told of");
}

/* Names of families, with a blank in front and behind. Caller frees. */
static char *families(void)
{
	_cleanup_json_ json_t *j = braid_json("metrics");
	struct buf b = {};
	json_t *one;
	size_t i;

	buf_str(&b, " ");
	json_array_foreach (json_at(j, "metrics"), i, one)
		buf_fmt(&b, "%s ", json_text(one, "name"));
	return buf_take(&b);
}

/* All metrics that @text names are there. Return: how many it names. */
static int names_in(const char *text, const char *all, const char *where)
{
	int n = 0;

	for (const char *at = text; (at = strstr(at, "braid_")); at += 6) {
		size_t length = strspn(at, "abcdefghijklmnopqrstuvwxyz_");
		_cleanup_free_ char *name = text_fmt(" %.*s ", (int)length, at);

		n++;
		if (!strstr(all, name))
			ok(false, "%s: there is a metric%s", where, name);
	}
	return n;
}

static void test_documents(const char *document, const char *dashboard)
{
	_cleanup_free_ char *all = families(), *doc = file_text(document);
	_cleanup_free_ char *board = file_text(dashboard);
	_cleanup_json_ json_t *j = json_loads(board, 0, NULL);
	char *save = NULL, *names = strdupa(all);

	for (char *name = strtok_r(names, " ", &save); name; name = strtok_r(NULL, " ", &save)) {
		_cleanup_free_ char *marked = text_fmt("`%s`", name);

		ok(strstr(doc, marked), "docs/metrics.md has %s", name);
	}
	ok(names_in(doc, all, "docs/metrics.md") > 20, "what it names is there");
	ok(json_array_size(json_at(j, "panels")) > 10, "the dashboard is JSON, with panels");
	ok(names_in(board, all, "dashboard") > 20, "the metrics that it asks for are there");
}

/* Others read it while it is written. */
static void test_output(void)
{
	_cleanup_run_ struct run r = {};
	const char *folder = live_text("%s/prom", net_scratch());
	const char *file = live_text("%s/braid.prom", folder);
	struct stat st;

	must_run("mkdir %s", folder);
	is_int(braid(&r, "metrics", "-o", file), 0, "into a file");
	is_str(r.out, "", "and nothing else");
	is_int(stat(file, &st) ? 0 : st.st_mode & 07777, 0644, "for all to read");
	is_int(run(&r, "ls", folder), 0, "ls");
	is_str(r.out, "braid.prom\n", "nothing is left beside it");
	if (run(&r, "promtool", "--version"))
		skip("there is no promtool");
	else
		is_int(run(&r, "sh", "-c", live_text("promtool check metrics <%s", file)), 0,
		       "promtool has nothing to say");
}

/* A pin where links of @pipeline are. */
static const char *stray_link(const char *pipeline)
{
	_cleanup_json_ json_t *status = braid_json("status", pipeline);

	return live_text("%s/braid/%s/%s/links/1-1", getenv("BRAID_BPFFS"),
			 json_text(status, "pipelines/0/home"), pipeline);
}

/* Somebody has put something else where links of one pipeline are. */
static void test_broken(void)
{
	const char *other = live_write("other.yaml",
				       "braid: 1\npipelines: [{name: other, hook: xdp, "
				       "interfaces: [{name: r1, netns: right}], stages: [%s]}]\n",
				       live_mark(4, ""));
	_cleanup_run_ struct run r = {};
	_cleanup_free_ char *text = NULL;
	const char *stray;

	must_braid("apply", other);
	stray = stray_link("other");
	must_run("bpftool map create %s type array key 4 value 4 entries 1 name stray", stray);
	text = metrics();
	prometheus_check(text);
	is_int(prometheus(text, "braid_pipeline_error", "pipeline=\"other\""), 1,
	       "it cannot be read, and that is said");
	is_int(prometheus(text, "braid_pipeline_revision", "pipeline=\"other\""), -1,
	       "and nothing else of it");
	is_int(prometheus(text, "braid_pipeline_error", EDGE), 0, "the other one can");
	ok(prometheus(text, "braid_pipeline_packets_total", EDGE) >= SENT, "with its numbers");
	is_int(braid(&r, "status"), 0, "status tells of both");
	ok(strstr(r.out, "other: cannot be read: "), "of one why not");
	must_run("rm %s", stray);
	must_braid("delete", "other");
}

int main(int argc, char **argv)
{
	live_init(argc, argv);
	must_braid("apply", live_manifest("m.yaml", ON_R0, live_marks("1,2,3")));
	send_packets();
	test_numbers();
	test_graph();
	test_documents(argv[argc - 2], argv[argc - 1]);
	test_output();
	test_rates();
	test_pause();
	test_broken();
	test_rollout();
	must_braid("delete", "edge");
	return done();
}
