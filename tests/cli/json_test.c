/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the commands print with --json against docs/json.md: what must be there is, and
 * nothing is that is not documented. Last argument: docs/json.md.
 */
#include <errno.h>
#include <string.h>

#include "file.h"
#include "live_common.h"
#include "packet.h"
#include "wait.h"

enum { MEMBERS = 32 };

/* A table of members. */
struct table {
	char name[MEMBERS][32];
	bool optional[MEMBERS];
	size_t n;
};

static char *doc;

/* "| `a`, `b`? | ..." adds a and b. */
static void read_row(const char *row, struct table *t)
{
	const char *end = strchr(row + 1, '|');

	while ((row = strchr(row, '`')) && row < end) {
		const char *close = strchr(++row, '`');

		if (t->n == MEMBERS || close - row >= (int)sizeof(t->name[0]))
			bail_out("a table that is too large");
		snprintf(t->name[t->n], sizeof(t->name[0]), "%.*s", (int)(close - row), row);
		t->optional[t->n++] = close[1] == '?';
		row = close + 1;
	}
}

/* Table @number, from 0, below the heading "## @section" or "### @section". */
static struct table find_table(const char *section, int number)
{
	const char *heading = live_text("# %s\n", section), *line = strstr(doc, heading);
	struct table t = {};
	bool inside = false;

	if (!line)
		bail_out("docs/json.md has no section '%s'", section);
	line = strchr(line, '\n') + 1;
	for (int seen = -1; *line && *line != '#'; line = strchr(line, '\n') + 1) {
		seen += *line == '|' && !inside;
		inside = *line == '|';
		if (inside && seen == number && strncmp(line, "| member", 8) != 0)
			read_row(line, &t);
	}
	if (!t.n)
		bail_out("section '%s' of docs/json.md has no table %d", section, number);
	return t;
}

static bool is_documented(const char *key, const struct table *a, const struct table *b)
{
	for (size_t i = 0; i < a->n; i++)
		if (!strcmp(a->name[i], key))
			return true;
	return b && is_documented(key, b, NULL);
}

/* @more: members that may be there, too; may be NULL. */
static void fits(json_t *j, const struct table *t, const struct table *more, const char *what)
{
	const char *key;
	json_t *value;

	ok(json_is_object(j), "%s is an object", what);
	for (size_t i = 0; i < t->n; i++)
		if (!t->optional[i] &&
		    !ok(json_object_get(j, t->name[i]), "%s has %s", what, t->name[i]))
			diag("members are missing");
	json_object_foreach (j, key, value)
		if (!is_documented(key, t, more))
			ok(false, "'%s' in %s is documented", key, what);
}

static void each_fits(json_t *list, const char *section, int number, const char *what)
{
	struct table t = find_table(section, number);
	json_t *element;
	size_t i;

	ok(json_array_size(list) > 0, "%s: a list that is not empty", what);
	json_array_foreach (list, i, element)
		fits(element, &t, NULL, what);
}

static void test_plan_and_link(const char *m)
{
	_cleanup_json_ json_t *plan = braid_json("plan", m);
	_cleanup_json_ json_t *linked = braid_json(
		"link", live_text("%s/live_mark.bpf.o", live_objects), "-o", "/run/scratch/out.o");
	struct table t = find_table("plan, link", 0), running = find_table("plan, link", 1);

	fits(plan, &t, &running, "plan");
	fits(linked, &t, NULL, "link");
	each_fits(json_at(plan, "stages"), "stage", 0, "a stage of plan");
	each_fits(json_at(plan, "maps"), "map", 0, "a map of plan");
	each_fits(json_at(plan, "changes"), "change", 0, "a change in plan");
	each_fits(json_at(plan, "carry"), "carry", 0, "a map's future in plan");
}

static void test_apply(const char *command, json_t *j)
{
	struct table t = find_table("apply, rollback", 0);

	fits(j, &t, NULL, command);
	each_fits(json_at(j, "stages"), "stage", 0, "a stage of it");
}

static void test_status(void)
{
	_cleanup_json_ json_t *j = braid_json("status");

	each_fits(json_at(j, "pipelines"), "status", 0, "a pipeline of status");
	each_fits(json_at(j, "pipelines/0/interfaces"), "status", 1, "an interface of status");
	each_fits(json_at(j, "pipelines/0/programs"), "status", 2, "a program of status");
	each_fits(json_at(j, "pipelines/0/maps"), "map", 0, "a map of status");
	each_fits(json_at(j, "pipelines/0/stages"), "stage", 0, "a stage of status");
}

static void test_run(const char *m)
{
	const char *pcap = live_text("%s/in.pcap", net_scratch());
	struct pkt packets[2] = {{.len = FRAME_SIZE}, {.len = 10}};
	struct table t = find_table("run", 0);
	_cleanup_json_ json_t *j = NULL;

	pkt_write_pcap(pcap, packets, 2);
	j = braid_json("run", m, "--pcap", pcap);
	fits(j, &t, NULL, "run");
	each_fits(json_at(j, "results"), "run", 1, "a result of run");
}

/* @m runs: a packet that another stage signs. */
static void test_preflight(const char *m)
{
	const char *pcap = live_text("%s/one.pcap", net_scratch());
	const char *new = live_manifest("new.yaml", ON_R0, live_mark(7, ""));
	struct pkt packet = {.len = FRAME_SIZE, .data = {[12] = FRAME_TYPE >> 8, FRAME_TYPE & 255}};
	struct table t = find_table("preflight", 0), side = find_table("preflight", 1);
	_cleanup_json_ json_t *j = NULL;

	must_braid("apply", m);
	pkt_write_pcap(pcap, &packet, 1);
	j = braid_json("preflight", new, "--pcap", pcap, "--max-diff", "100%");
	fits(j, &t, NULL, "preflight");
	fits(json_at(j, "old"), &side, NULL, "preflight's old one");
	fits(json_at(j, "new"), &side, NULL, "its new one");
	each_fits(json_at(j, "list"), "preflight", 2, "a packet that differs");
	each_fits(json_at(j, "changes"), "change", 0, "a change");
}

/* Pictures of what runs, on standard output and in a file; all metrics. */
static void test_graph_and_metrics(void)
{
	const char *file = live_text("%s/edge.svg", net_scratch());
	_cleanup_json_ json_t *printed = braid_json("graph", "edge", "--interval", "0");
	_cleanup_json_ json_t *written = braid_json("graph", "edge", "--interval", "0", "-o", file);
	_cleanup_json_ json_t *metrics = braid_json("metrics");
	struct table t = find_table("graph", 0);

	fits(printed, &t, NULL, "graph");
	fits(written, &t, NULL, "graph into a file");
	is_str(json_text(written, "output"), file, "it says which");
	each_fits(json_at(metrics, "metrics"), "metrics", 0, "a metric");
}

static bool is_looked_at(void)
{
	_cleanup_json_ json_t *status = braid_json("status", "edge");

	return json_is_true(json_at(status, "pipelines/0/observed/looks"));
}

/* A packet that stages sign; a file without packets. */
static void test_looking(void)
{
	const char *file = live_text("%s/edge.pcapng", net_scratch());
	struct table packet = find_table("trace", 0), totals = find_table("trace", 3);
	struct table captured = find_table("capture", 0);
	_cleanup_json_ json_t *line = NULL, *last = NULL, *capture = NULL;
	_cleanup_run_ struct run r = {};

	run_start(&r, (const char *const[]){live_braid, "trace", "edge", "--json", "--count", "1",
					    NULL});
	ok(wait_until(is_looked_at(), 20000), "somebody looks");
	live_trip(0);
	is_int(run_wait(&r), 0, "trace");
	line = json_loads(r.out, JSON_DISABLE_EOF_CHECK, NULL);
	last = json_loads(strchr(r.out, '\n') ?: "", 0, NULL);
	fits(line, &packet, NULL, "a packet of trace");
	each_fits(json_at(line, "stages"), "trace", 1, "its stages");
	each_fits(json_at(line, "stages/0/changes"), "trace", 2, "what changed");
	fits(json_at(last, "totals"), &totals, NULL, "totals of trace");
	capture = braid_json("capture", "edge", "-w", file, "--duration", "100ms");
	fits(capture, &captured, NULL, "capture");
	is_str(json_text(capture, "files/0"), file, "it says where");
}

static void test_diff(json_t *diff)
{
	struct table t = find_table("diff", 0);

	fits(diff, &t, NULL, "diff");
	each_fits(json_at(diff, "changes"), "change", 0, "a change");
}

/* A plan that could not be applied. */
static void test_blocked(void)
{
	const char *other = live_write("other.yaml",
				       "braid: 1\n"
				       "pipelines: [{name: other, hook: xdp, " ON_R0
				       "stages: [%s]}]\n",
				       live_mark(5, ""));
	_cleanup_json_ json_t *plan = braid_json("plan", other);
	struct table t = find_table("plan, link", 0), running = find_table("plan, link", 1);

	fits(plan, &t, &running, "a plan that is blocked");
	is_int(json_number(plan, "blocked/code"), -EBUSY, "it has the code");
	ok(strstr(json_text(plan, "blocked/what"), "'edge'"), "and says by whom: %s",
	   json_text(plan, "blocked/what"));
}

static void test_error(void)
{
	_cleanup_json_ json_t *j = braid_json("history", "nobody");
	struct table t = find_table("Errors", 0);

	fits(json_at(j, "error"), &t, NULL, "an error");
	is_int(json_number(j, "error/code"), -ENOENT, "with its code");
	is_str(json_text(j, "error/name"), "ENOENT", "and its name");
}

/* Revisions and events, each as the document has it. */
static void test_history(void)
{
	_cleanup_json_ json_t *history = braid_json("history", "edge");
	struct table revision = find_table("history", 0), event = find_table("history", 1);
	int events = 0;
	json_t *one;
	size_t i;

	json_array_foreach (history, i, one) {
		bool is_event = json_object_get(one, "event");

		events += is_event;
		fits(one, is_event ? &event : &revision, NULL, is_event ? "event" : "revision");
	}
	ok(events > 0 && events < i, "history has both");
}

static void test_signal(void)
{
	_cleanup_json_ json_t *paused = braid_json("signal", "edge", "pause");
	_cleanup_json_ json_t *set = braid_json("signal", "edge", "set", "4");
	_cleanup_json_ json_t *alone = braid_json("signal", "edge"), *status = NULL;
	_cleanup_json_ json_t *reload = braid_json("signal", "edge", "reload");
	struct table t = find_table("signal", 0);

	fits(paused, &t, NULL, "signal");
	fits(set, &t, NULL, "signal with a bit");
	fits(alone, &t, NULL, "signal without a signal");
	is_str(json_text(alone, "state"), "paused", "it has the state");
	is_str(json_text(alone, "stages/0/signals/0"), "user-4", "and the signals of a stage");
	test_apply("signal reload", reload);
	status = braid_json("status");
	each_fits(json_at(status, "pipelines"), "status", 0, "a pipeline that is paused");
	each_fits(json_at(status, "pipelines/0/stages"), "stage", 0, "a stage with signals");
}

static const char *rollout_state(void)
{
	_cleanup_json_ json_t *j = braid_json("rollout", "status", "edge");

	return live_text("%s", json_text(j, "state"));
}

static void test_rollout(void)
{
	_cleanup_run_ struct run r = {};
	const char *argv[] = {
		live_braid, "rollout", "edge",   live_text("m2=%s/live_mark.bpf.o", live_objects),
		"--steps",  "100",     "--gate", "drop_rate<1%",
		"--every",  "1h",      NULL};
	_cleanup_json_ json_t *running = NULL, *aborted = NULL, *status = NULL;
	struct table t = find_table("rollout", 0), version = find_table("rollout", 2);

	run_start(&r, argv);
	ok(wait_until(!strcmp(rollout_state(), "running"), 20000), "a rollout runs");
	is_str(live_trip(0), "12", "frames go through both stages");
	running = braid_json("rollout", "status", "edge");
	fits(running, &t, NULL, "rollout status");
	each_fits(json_at(running, "gates"), "rollout", 1, "a gate");
	fits(json_at(running, "old"), &version, NULL, "the old version");
	fits(json_at(running, "new"), &version, NULL, "the new version");
	status = braid_json("status");
	each_fits(json_at(status, "pipelines/0/stages"), "stage", 0, "a stage in a rollout");
	aborted = braid_json("rollout", "abort", "edge");
	fits(aborted, &t, NULL, "rollout abort");
	is_int(run_wait(&r), 1, "the one that drove it ends");
}

static void test_config(void)
{
	const char *m = live_manifest(
		"config.yaml", ON_R0,
		live_text("{name: all, object: %s/live_config0.bpf.o}", live_objects));
	_cleanup_json_ json_t *applied = braid_json("apply", m);
	_cleanup_json_ json_t *set = braid_json("config", "set", "edge", "small=7");
	_cleanup_json_ json_t *same = braid_json("config", "set", "edge", "small=7");
	_cleanup_json_ json_t *get = braid_json("config", "get", "edge");
	_cleanup_json_ json_t *versions = braid_json("config", "history", "edge");
	_cleanup_json_ json_t *back = braid_json("config", "rollback", "edge");
	struct table t = find_table("config", 0), changed = find_table("config", 2);

	test_apply("apply with a configuration", applied);
	fits(get, &t, NULL, "config get");
	each_fits(json_at(get, "fields"), "config", 1, "a field");
	fits(set, &changed, NULL, "config set");
	fits(same, &changed, NULL, "config set that changes nothing");
	fits(back, &changed, NULL, "config rollback");
	each_fits(versions, "config", 3, "a version");
}

/* Entries of a per-CPU map and of others, changes, and what set and delete say. */
static void test_map(void)
{
	const char *m =
		live_manifest("maps.yaml", ON_R0,
			      live_text("{name: kinds, object: %s/live_maps.bpf.o}", live_objects));
	_cleanup_json_ json_t *applied = braid_json("apply", m), *change = NULL;
	_cleanup_json_ json_t *list = braid_json("map", "list", "edge", "--all", "--count");
	_cleanup_json_ json_t *set = braid_json("map", "set", "edge", "counts", "1", "2");
	_cleanup_json_ json_t *sum = braid_json("map", "get", "edge", "counts", "1");
	_cleanup_json_ json_t *cpus = braid_json("map", "get", "edge", "counts", "1", "--per-cpu");
	_cleanup_json_ json_t *port = braid_json("map", "get", "edge", "table", "1");
	_cleanup_json_ json_t *deleted = braid_json("map", "delete", "edge", "counts", "1");
	const char *section = "map list, get, set, delete, dump, watch";
	struct table entry = find_table(section, 1), changed = find_table(section, 2);
	_cleanup_run_ struct run r = {};

	test_apply("apply with maps", applied);
	each_fits(json_at(list, "maps"), section, 0, "a map of map list");
	fits(sum, &entry, NULL, "a sum");
	fits(cpus, &entry, NULL, "a value for each CPU");
	fits(port, &entry, NULL, "a value");
	is_int(json_number(set, "set"), 1, "map set: how many");
	is_int(json_number(deleted, "deleted"), 1, "map delete: how many");
	run_start(&r, (const char *const[]){live_braid, "map", "watch", "edge", "stats", "--json",
					    "--limit", "1", "--interval", "0.01", NULL});
	ok(wait_until((live_trip(0), run_has_ended(&r)), 20000), "watch sees a change");
	run_wait(&r);
	change = json_loads(r.out, 0, NULL);
	fits(change, &changed, NULL, "a change");
}

/* An XDP program and a filter, of others, where a pipeline is and where none is. */
static void test_foreigners(const char *m)
{
	_cleanup_json_ json_t *status = NULL, *plan = NULL;
	/* that is none but by its name */
	const char *text = live_write("d.s", ".program xdp_dispatcher xdp\nr0 = 2\nexit\n");
	const char *dispatcher = live_text("%s/d.o", net_scratch());

	must_braid("asm", text, "-o", dispatcher);
	net_veth(NULL, "other0", NULL, "other1");
	must_run("ip link set other0 xdp obj %s/live_mark.bpf.o sec xdp", live_objects);
	must_run("ip link set other1 xdp obj %s sec xdp", dispatcher);
	must_run("tc -n right qdisc add dev r0 clsact");
	must_run("tc -n right filter add dev r0 ingress chain 1 protocol ip bpf da obj "
		 "%s/live_tc_mark.bpf.o sec tc",
		 live_objects);
	status = braid_json("status");
	plan = braid_json("plan", m);
	each_fits(json_at(status, "pipelines/0/interfaces/0/foreigners"), "foreigner", 0,
		  "a filter in status");
	each_fits(json_at(plan, "foreigners/0/foreigners"), "foreigner", 0, "a filter in plan");
	each_fits(json_at(status, "others/0/foreigners"), "foreigner", 0, "a program elsewhere");
	each_fits(json_at(status, "dispatchers"), "dispatcher, xdp-loader", 0, "a dispatcher");
	must_run("tc -n right qdisc delete dev r0 clsact");
	must_run("ip link delete other0");
}

/* What runs, what is attached again, and an interface that is gone. */
static void test_restore(void)
{
	struct table t = find_table("restore", 0);
	_cleanup_json_ json_t *runs = braid_json("restore"), *attached = NULL, *missing = NULL;

	must_run("find %s/braid -path */links/* -delete", getenv("BRAID_BPFFS"));
	attached = braid_json("restore");
	must_run("ip -n right link delete r0");
	missing = braid_json("restore");
	fits(runs, &t, NULL, "restore");
	each_fits(json_at(runs, "pipelines"), "restore", 1, "a pipeline that runs");
	each_fits(json_at(attached, "pipelines"), "restore", 1, "a pipeline that is restored");
	is_str(json_text(attached, "pipelines/0/attached/0/name"), "r0", "where it was attached");
	each_fits(json_at(missing, "pipelines"), "restore", 1, "a pipeline that waits");
	is_int(json_number(missing, "missing"), 1, "an interface is missing");
	test_status();
}

static void test_dump(void)
{
	_cleanup_json_ json_t *j = braid_json("dump", "edge", "--jited");
	struct table t = find_table("dump", 0);

	fits(j, &t, NULL, "dump");
	each_fits(json_at(j, "programs"), "dump", 1, "a program of dump");
	each_fits(json_at(j, "programs/0/blocks"), "dump", 2, "a block of dump");
	each_fits(json_at(j, "programs/0/blocks/0/instructions"), "dump", 3, "an instruction");
}

static void test_explain(const char *m)
{
	_cleanup_json_ json_t *j = braid_json("explain", m), *runs = braid_json("explain", "edge");
	struct table t = find_table("explain", 0), verifier = find_table("explain", 2);
	struct table more = find_table("explain", 3), stage = find_table("stage", 0);

	fits(j, &t, NULL, "explain");
	fits(runs, &t, NULL, "explain of what runs");
	each_fits(json_at(j, "programs"), "explain", 1, "a program of explain");
	fits(json_at(j, "programs/0/verifier"), &verifier, NULL, "the verifier's part");
	fits(json_at(j, "stages/0"), &stage, &more, "a stage of explain");
	fits(json_at(j, "stages/0"), &more, &stage, "a stage of explain");
}

static void test_asm(void)
{
	const char *good = live_write("good.s", "r0 = 2\nexit\n");
	const char *bad = live_write("bad.s", "exit\n");
	_cleanup_json_ json_t *yes = braid_json("asm", "--verify", good);
	_cleanup_json_ json_t *no = braid_json("asm", "--verify", bad);

	each_fits(yes, "asm", 0, "asm --verify");
	each_fits(no, "asm", 0, "asm --verify of what is refused");
}

int main(int argc, char **argv)
{
	live_init(argc, argv);
	doc = file_text(argv[argc - 1]);
	const char *m = live_manifest("m.yaml", ON_R0, live_marks("1,2"));
	const char *next = live_manifest("next.yaml", ON_R0, live_marks("2,3"));
	_cleanup_json_ json_t *applied = braid_json("apply", m), *again = braid_json("apply", m);
	_cleanup_json_ json_t *diff = braid_json("diff", next);
	_cleanup_json_ json_t *rolled = NULL, *deleted = NULL, *second = NULL;

	test_apply("apply", applied);
	test_apply("apply that changes nothing", again);
	test_plan_and_link(next);
	test_diff(diff);
	test_blocked();
	test_status();
	test_dump();
	test_explain(next);
	test_asm();
	test_graph_and_metrics();
	test_looking();
	test_foreigners(m);
	test_run(m);
	second = braid_json("apply", next);
	test_apply("the next apply", second);
	each_fits(json_at(second, "carry"), "carry", 0, "a map's future");
	test_preflight(next);
	rolled = braid_json("rollback", "edge");
	test_apply("rollback", rolled);
	test_rollout();
	test_map();
	test_signal();
	test_config();
	test_history();
	test_restore();
	deleted = braid_json("delete", "edge");
	is_str(json_text(deleted, "deleted"), "edge", "delete");
	test_error();
	free(doc);
	return done();
}
