/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the commands print with --json against docs/json.md: what must be there is, and
 * nothing is that is not documented. Last argument: docs/json.md.
 */
#include <errno.h>
#include <string.h>

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

static char *read_file(const char *path)
{
	_cleanup_fclose_ FILE *f = fopen(path, "re");
	char *text = NULL;
	size_t room = 0;

	if (!f || getdelim(&text, &room, '\0', f) < 0)
		bail_out("%s: %s", path, strerror(errno));
	return text;
}

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
	ok(wait_until(!strcmp(rollout_state(), "running"), 10000), "a rollout runs");
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

/* An XDP program and a filter, of others, where a pipeline is and where none is. */
static void test_foreigners(const char *m)
{
	_cleanup_json_ json_t *status = NULL, *plan = NULL;

	net_veth(NULL, "other0", NULL, "other1");
	must_run("ip link set other0 xdp obj %s/live_mark.bpf.o sec xdp", live_objects);
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

int main(int argc, char **argv)
{
	live_init(argc, argv);
	doc = read_file(argv[argc - 1]);
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
	test_foreigners(m);
	test_run(m);
	second = braid_json("apply", next);
	test_apply("the next apply", second);
	each_fits(json_at(second, "carry"), "carry", 0, "a map's future");
	rolled = braid_json("rollback", "edge");
	test_apply("rollback", rolled);
	test_rollout();
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
