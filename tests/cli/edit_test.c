/* SPDX-License-Identifier: GPL-2.0-only */
/* braid update and braid stage as commands: usage, reports; and the new words in plan and diff. */
#include <errno.h>
#include <string.h>

#include "base/error.h"
#include "braid/braid.h"
#include "live_common.h"

static char *mark;

static void test_usage(void)
{
	run_wrong(live_braid, "update", "which pipeline");
	run_wrong(live_braid, "update edge", "which stage");
	run_wrong(live_braid, "update edge guard", "'guard' is not STAGE=OBJECT");
	run_wrong(live_braid, "update edge =x.o", "'=x.o' is not STAGE=OBJECT");
	run_wrong(live_braid, "update edge guard=", "'guard=' is not STAGE=OBJECT");
	run_wrong(live_braid, "update edge a=x.o b=y.o a=z.o",
		  "'a=z.o' is not STAGE=OBJECT, or its stage is given twice");
	run_wrong(live_braid, "update edge a=x.o b=y.o --program p", "--program is for one stage");
	run_wrong(live_braid, "update --before b edge a=x.o", "--before");
	run_wrong(live_braid, "stage", "what, which pipeline");
	run_wrong(live_braid, "stage add edge", "which stage");
	run_wrong(live_braid, "stage add edge a b", "which stage");
	run_wrong(live_braid, "stage ad edge a=b", "did you mean 'add'?");
	run_wrong(live_braid, "stage frobnicate edge a", "unknown stage command 'frobnicate'");
	run_wrong(live_braid, "stage add edge a", "'a' is not NAME=OBJECT");
	run_wrong(live_braid, "stage add edge a=b --before x --after y", "a stage has one place");
	run_wrong(live_braid, "stage add edge a=b --first --last", "a stage has one place");
	run_wrong(live_braid, "stage move edge a", "where to?");
	run_wrong(live_braid, "stage move edge a --first --program p", "takes no --program");
	run_wrong(live_braid, "stage remove edge a --first", "'stage remove' takes no place");
	run_wrong(live_braid, "stage enable edge a --proceed-on pass",
		  "'stage enable' takes no --program");
	run_wrong(live_braid, "stage disable edge a --after b", "'stage disable' takes no place");
}

static void test_nothing_runs(void)
{
	_cleanup_json_ json_t *j = braid_json("update", "edge", live_text("m1=%s", mark));

	is_str(json_text(j, "error/name"), "ENOENT", "there is no pipeline");
	ok(strstr(json_text(j, "error/what"), "no pipeline 'edge'"), "says so, as JSON");
}

static void test_reports(void)
{
	_cleanup_json_ json_t *update = NULL, *add = NULL, *same = NULL, *history = NULL;
	_cleanup_run_ struct run r = {};

	must_braid("apply", live_manifest("m.yaml", ON_R0, live_marks("1,2")));
	update = braid_json("update", "edge", live_text("m1=%s/live_newer1.bpf.o", live_objects));
	is_int(json_number(update, "revision"), 2, "update reports as apply: revision");
	ok(json_is_true(json_at(update, "changed")), "changed");
	is_int(json_number(update, "replaced"), 1, "replaced");
	is_str(json_text(update, "interfaces/0/action"), "update", "interfaces");
	ok(json_array_size(json_at(update, "carry")) > 0, "what carries over");

	add = braid_json("stage", "add", "edge", live_text("x=%s", mark), "--last");
	is_str(json_text(add, "stages/2/name"), "x", "stage reports as well");
	is_str(json_text(add, "stages/2/object"), mark, "with the path of the object");
	same = braid_json("stage", "enable", "edge", "x");
	ok(json_is_false(json_at(same, "changed")), "what is so already changes nothing");

	is_int(braid(&r, "stage", "move", "edge", "x", "--first"), 0, "for people");
	ok(strstr(r.out, "edge: revision 4 runs, 3 stages"), "the same report: %s", r.out);
	history = braid_json("history", "edge");
	ok(strstr(json_text(history, "0/cause"), "stage move edge x --first"),
	   "history has the command: %s", json_text(history, "0/cause"));
}

/* What was read before another change is not applied over it. */
static void test_stale(void)
{
	_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
	struct braid_manifest *before = NULL, *now = NULL;
	struct braid *b = NULL;

	must_braid("apply", live_manifest("m.yaml", ON_R0, live_marks("1,2")));
	if (braid_open(NULL, &b, &err) || braid_revision(b, "edge", 0, &before, &err))
		bail_out("reading: %s", err.what);
	must_braid("stage", "disable", "edge", "m1");
	is_int(braid_apply(b, braid_manifest_get(before, 0), NULL, NULL, &err), -EAGAIN,
	       "another revision runs");
	is_str(err.what, "the pipeline has changed in the meantime", "says so");
	is_int(braid_revision(b, "edge", 0, &now, &err), 0, "read again");
	is_int(braid_apply(b, braid_manifest_get(now, 0), NULL, NULL, &err), 0, "that is applied");
	braid_manifest_free(before);
	braid_manifest_free(now);
	braid_close(b);
}

/* Return: whether the changes in @j have one at @path. */
static bool has_change(json_t *j, const char *path)
{
	json_t *change;
	size_t i;

	json_array_foreach (json_at(j, "changes"), i, change)
		if (!strcmp(json_text(change, "path"), path))
			return true;
	diag("there is no %s", path);
	return false;
}

static void test_words(void)
{
	const char *rest = live_text("%s, {name: kind, switch: ethertype, cases: [{when: [ipv4, "
				     "0x%x], stages: [%s]}]}, %s",
				     live_mark(1, ", disabled: true"), FRAME_TYPE, live_mark(2, ""),
				     live_mark(3, ""));
	const char *m = live_manifest("words.yaml", ON_R0 "signals: pipeline, on-change: reset, ",
				      rest);
	_cleanup_json_ json_t *plan = NULL, *diff = NULL, *none = NULL, *status = NULL;

	must_braid("apply", live_manifest("m.yaml", ON_R0, live_marks("1,2,3")));
	plan = braid_json("plan", m);
	ok(has_change(plan, "stages.m1.disabled"), "plan: a stage that is disabled");
	ok(has_change(plan, "stages.kind"), "plan: a choice");
	diff = braid_json("diff", m);
	ok(has_change(diff, "signals"), "diff: signals");
	ok(has_change(diff, "on-change"), "diff: on-change");
	must_braid("apply", m);
	is_str(live_trip(0), "23", "what is applied runs");
	none = braid_json("diff", m);
	is_int(json_array_size(json_at(none, "changes")), 0, "and differs no more");
	status = braid_json("status", "edge");
	is_str(json_text(status, "pipelines/0/interfaces/0/state"), "attached", "status shows it");
}

int main(int argc, char **argv)
{
	live_init(argc, argv);
	mark = strdup(live_text("%s/live_mark.bpf.o", live_objects));
	test_usage();
	test_nothing_runs();
	test_reports();
	test_stale();
	test_words();
	must_braid("delete", "edge");
	is_int(live_pins(), 0, "nothing stays");
	free(mark);
	return done();
}
