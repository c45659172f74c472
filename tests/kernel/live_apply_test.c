/* SPDX-License-Identifier: GPL-2.0-only */
/* One interface over its life: apply, change, carry over, roll back, delete; with frames. */
#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "live_common.h"
#include "wait.h"

static long long revision(void)
{
	_cleanup_json_ json_t *status = braid_json("status", "edge");

	return json_number(status, "pipelines/0/revision");
}

/* Applies, and checks that it became revision @want. */
static void apply(const char *manifest, int want, const char *what)
{
	_cleanup_json_ json_t *j = braid_json("apply", manifest);

	is_int(json_number(j, "revision"), want, "%s: revision %d", what, want);
}

static void test_first(void)
{
	const char *m = live_manifest("m.yaml", ON_R0, live_marks("1,2,3"));
	_cleanup_json_ json_t *j = braid_json("apply", m), *status = NULL;

	ok(json_is_true(json_at(j, "changed")), "the first apply changes something");
	is_int(json_number(j, "revision"), 1, "it is revision 1");
	is_str(json_text(j, "strategy"), "fused", "auto fuses");
	is_str(json_text(j, "interfaces/0/action"), "attach", "it attaches");
	is_str(live_trip(0), "123", "a frame meets all stages in their order");
	is_str(live_trip_asking(0, 2, 1), "dropped", "one that stage 2 drops does not come");
	is_int(live_count("m1", "count"), 2, "stage 1 saw two");
	is_int(live_count("m2", "count"), 2, "stage 2 too");
	is_int(live_count("m3", "count"), 1, "stage 3 only the one that passed");
	is_str(live_trip(1), "", "another interface is as it was");

	status = braid_json("status");
	is_str(json_text(status, "pipelines/0/pipeline"), "edge", "status names it");
	is_str(json_text(status, "pipelines/0/interfaces/0/state"), "attached", "attached");
	is_str(json_text(status, "pipelines/0/interfaces/0/mode"), "native", "native");
	is_int(json_number(status, "pipelines/0/interfaces/0/program"),
	       json_number(status, "pipelines/0/programs/0/id"), "with the pipeline's program");
}

static void test_idempotent(void)
{
	const char *m = live_manifest("m.yaml", ON_R0, live_marks("1,2,3"));
	_cleanup_json_ json_t *before = live_status(), *after = NULL;
	_cleanup_json_ json_t *j = braid_json("apply", m);
	size_t pins = live_pins();

	ok(json_is_false(json_at(j, "changed")), "again: nothing to do");
	is_int(json_number(j, "revision"), 1, "the revision stays");
	after = live_status();
	ok(json_equal(before, after), "nothing in status changed, program ids included");
	is_int(live_pins(), pins, "nor what is pinned");
}

/* Each change of the manifest is a revision, and what the frames meet. */
static void test_changes(void)
{
	int n = revision();

	apply(live_manifest("m.yaml", ON_R0, live_marks("3,1,2")), ++n, "another order");
	is_str(live_trip(0), "312", "is the order on the wire");
	apply(live_manifest("m.yaml", ON_R0 "final: drop, ", live_marks("3,1,2")), ++n, "final");
	is_int(live_count("m2", "count"), 2 + 1, "no frame yet");
	ok(live_is_lost(0), "final: drop drops what passes all, of any type");
	is_int(live_count("m2", "count"), 2 + 2, "behind the last stage");
	apply(live_manifest(
		      "m.yaml", ON_R0,
		      live_text("%s, %s", live_mark(1, ", proceed-on: [drop]"), live_mark(2, ""))),
	      ++n, "proceed-on");
	is_str(live_trip(0), "1", "PASS of stage 1 is now the end");
	is_str(live_trip_asking(0, 1, 1), "12", "and with DROP stage 2 runs, whose PASS counts");
	apply(live_manifest("m.yaml", ON_R0,
			    live_text("{name: m1, object: %s/live_mark.bpf.o, constants: "
				      "{id: 9}}",
				      live_objects)),
	      ++n, "a constant");
	is_str(live_trip(0), "9", "is what the stage signs with");
	apply(live_manifest("m.yaml", ON_R0 AS_TAILS, live_marks("1,2,3")), ++n, "tailcall");
	is_str(live_trip(0), "123", "the same stages by tail calls");
	is_str(live_trip_asking(0, 2, 1), "dropped", "the same verdicts");
	is_int(revision(), n, "status knows the last of them");
}

/* Why the map of stage m1 did not carry over; "" when it did, "?" when it is not listed. */
static const char *why(json_t *j, const char *map)
{
	json_t *m;
	size_t i;

	json_array_foreach (json_at(j, "carry"), i, m) {
		if (!strcmp(json_text(m, "name"), map))
			return json_is_true(json_at(m, "carried")) ? "" : json_text(m, "why");
	}
	return "?";
}

static const char *sizes(const char *entries)
{
	return live_mark(1, live_text(", maps: {sizes: {max-entries: 8, entries: [%s]}}", entries));
}

static void test_carry(void)
{
	const char *m = live_manifest("m.yaml", ON_R0, sizes("{key: 60, value: 5}"));
	_cleanup_json_ json_t *j = NULL;
	long long before, total;

	must_braid("apply", m);
	before = live_count("m1", "count");
	total = live_count("m1", ".data");
	live_trip(0);
	live_trip(0);
	is_int(live_count("m1", "count"), before + 2, "two frames counted");
	json_decref(braid_json("apply", live_manifest("m.yaml", ON_R0 "final: pass, ",
						      sizes("{key: 60, value: 5}"))));
	is_int(live_count("m1", "count"), before + 2, "the next revision goes on with the map");
	is_int(live_count("m1", ".data"), total + 2, "and with the globals of the same object");
	live_trip(0);
	is_int(live_count("m1", "count"), before + 3, "counting");
	j = braid_json("apply", live_manifest("m.yaml", ON_R0, sizes("{key: 128, value: 0}")));
	is_str(why(j, "count"), "", "other entries of one map leave the others alone");
	is_str(why(j, "sizes"), "its entries in the manifest changed", "that one starts anew");
	is_str(why(j, ".data"), "", "globals go on");
}

static void apply_carry(int variant, const char *on_change, json_t **ret)
{
	*ret = braid_json("apply",
			  live_manifest("m.yaml", live_text(ON_R0 "on-change: %s, ", on_change),
					live_text("{name: m1, object: %s/live_carry%d.bpf.o}",
						  live_objects, variant)));
}

static void test_carry_reasons(void)
{
	static const char *const want[][2] = {
		{"same", ""},
		{"type", "its type changed, and on-change is reset"},
		{"key", "its layout changed, and on-change is reset"},
		{"value", "its layout changed, and on-change is reset"},
		{"size", "its size changed, and on-change is reset"},
		{"flags", "its flags changed, and on-change is reset"},
		{"extra", "it is new"},
		{".data", ""},
	};
	_cleanup_json_ json_t *first = NULL, *second = NULL;
	long long before;

	apply_carry(0, "refuse", &first);
	before = live_count("m1", ".data");
	live_trip(0); /* and the frame behind it */
	apply_carry(1, "reset", &second);
	for (size_t i = 0; i < sizeof(want) / sizeof(*want); i++)
		is_str(why(second, want[i][0]), want[i][1], "map %s", want[i][0]);
	is_int(live_count("m1", "same"), 2, "the one that is the same counts on");
	is_int(live_count("m1", ".data"), before + 2, "the globals of another object, too");
}

static void test_rollback(void)
{
	const char *copy = live_text("%s/gone.bpf.o", net_scratch());
	_cleanup_json_ json_t *history = NULL, *j = NULL;
	int last;

	must_run("cp %s/live_mark.bpf.o %s", live_objects, copy);
	must_braid("apply",
		   live_manifest("m.yaml", ON_R0,
				 live_text("{name: m7, object: %s, constants: {id: 7}}", copy)));
	last = revision();
	unlink(copy);
	must_braid("apply", live_manifest("m.yaml", ON_R0, live_marks("1")));
	is_str(live_trip(0), "1", "another revision runs, the object of the one before is gone");
	j = braid_json("rollback", "edge");
	is_str(live_trip(0), "7", "rollback goes back to the one before, object and all");
	is_int(json_number(j, "revision"), last + 2, "as a new revision");
	must_braid("rollback", "edge", "1");
	is_str(live_trip(0), "123", "and to the very first");

	history = braid_json("history", "edge");
	is_int(json_array_size(history), last + 3, "history has all of them");
	is_str(json_text(history, "0/state"), "current", "the newest is current");
	is_str(json_text(history, "1/state"), "old", "the one before is old");
	ok(strstr(json_text(history, "0/cause"), "rollback edge 1"), "the cause: %s",
	   json_text(history, "0/cause"));
}

static void test_rollback_errors(void)
{
	_cleanup_run_ struct run r = {};

	is_int(braid(&r, "rollback", "edge", "999"), 1, "an unknown revision");
	ok(strstr(r.err, "there is no revision 999"), "says so: %s", r.err);
	is_int(braid(&r, "rollback", "egde", "1"), 1, "an unknown pipeline");
	ok(strstr(r.err, "there is no pipeline 'egde'") && strstr(r.err, "did you mean 'edge'?"),
	   "says so, with the nearest name: %s", r.err);
	is_str(live_trip(0), "123", "what ran runs");
}

/* Nothing of the process that applied is left; what it made goes on. */
static void test_delete(void)
{
	_cleanup_json_ json_t *status = braid_json("status"), *after = NULL, *history = NULL;
	__u32 id = json_number(status, "pipelines/0/programs/0/id");
	_cleanup_run_ struct run r = {};

	is_int(braid(&r, "delete", "edge"), 0, "delete");
	is_str(live_trip(0), "", "frames meet nothing any more");
	is_int(live_pins(), 0, "nothing is pinned");
	ok(wait_until(bpf_prog_get_fd_by_id(id) == -ENOENT, 20000), "the program is gone");
	after = braid_json("status");
	is_int(json_array_size(json_at(after, "pipelines")), 0, "status has no pipeline");
	history = braid_json("history", "edge");
	is_str(json_text(history, "0/state"), "deleted", "history stays");
	is_int(braid(&r, "delete", "edge"), 1, "it cannot be deleted twice");
	is_int(braid(&r, "rollback", "edge", "1"), 0, "but be brought back");
	is_str(live_trip(0), "123", "as it was");
	must_braid("delete", "edge");
	is_int(live_pins(), 0, "and deleted again");
}

static void test_plan_changes_nothing(void)
{
	const char *m = live_manifest("m.yaml", ON_R0, live_marks("1,2"));
	_cleanup_json_ json_t *plan = braid_json("plan", m);

	is_str(json_text(plan, "interfaces/0/action"), "attach", "plan tells what would happen");
	ok(json_is_null(json_at(plan, "runs")), "and that nothing runs");
	is_str(live_trip(0), "", "and does nothing");
	is_int(live_pins(), 0, "nor pins anything");
}

int main(int argc, char **argv)
{
	live_init(argc, argv);
	test_plan_changes_nothing();
	test_first();
	test_idempotent();
	test_changes();
	test_carry();
	test_carry_reasons();
	test_rollback();
	test_rollback_errors();
	test_delete();
	return done();
}
