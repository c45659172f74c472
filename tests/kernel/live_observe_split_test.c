/* SPDX-License-Identifier: GPL-2.0-only */
/* What runs fits into one program, and with somebody who looks it does not. */
#include <errno.h>
#include <sqlite3.h>
#include <string.h>

#include "base/error.h"
#include "live_observe.h"

enum { TRIPS = 10 };

static const char *manifest(void)
{
	const char *object = live_text("object: %s/live_many.bpf.o", live_objects);

	return live_manifest(
		"edge.yaml", ON_R0,
		live_text("{name: a, %s}, {name: b, %s}, {name: c, %s}", object, object, object));
}

/* A number of the pipeline's counters. */
static long long counted(const char *what)
{
	_cleanup_json_ json_t *status = braid_json("status", "edge");

	return json_number(status, live_text("pipelines/0/counters/%s/packets", what));
}

/* Return: how many packets entered on these trips. */
static long long make_trips(void)
{
	long long before = counted("entered");

	for (int i = 0; i < TRIPS; i++)
		is_str(live_trip(0), "", "a frame comes through");
	return counted("entered") - before;
}

static void is_consistent(long long want)
{
	is_int(counted("entered"), want, "all are counted");
	is_int(counted("stages/0"), want, "in the first stage");
	is_int(counted("stages/2"), want, "in the last");
	is_int(counted("left/pass"), want, "where they leave");
}

static void test_split(struct braid *b)
{
	_cleanup_json_ json_t *status = NULL;
	struct braid_observer *o;
	long long each = make_trips();

	ok(each >= TRIPS, "%lld packets", each);
	is_consistent(each);
	o = observe_open(b, 1);
	is_str(observe_state(), "observed", "somebody looks");
	is_int(make_trips(), each, "as many again");
	is_consistent(2 * each);
	observe_close(o);
	is_int(make_trips(), each, "and when nobody looks");
	is_consistent(3 * each);
	status = braid_json("status", "edge");
	is_str(json_text(status, "pipelines/0/strategy"), "fused", "it was one program, and is");
}

static void change_store(const char *sql)
{
	sqlite3 *db;

	if (sqlite3_open(live_text("%s/braid.db", getenv("BRAID_STATE")), &db) ||
	    sqlite3_exec(db, sql, NULL, NULL, NULL))
		bail_out("%s: %s", sql, sqlite3_errmsg(db));
	sqlite3_close(db);
}

/* As if another version of braid had loaded it, with counters in other places. */
static void test_other_version(struct braid *b)
{
	const struct braid_observe_opts opts = {
		.sz = sizeof(opts), .what = BRAID_OBSERVE_EVENTS, .every = 1, .snap = 128};
	_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
	struct braid_observer *o;

	change_store("UPDATE revision SET plan = json_remove(plan, '$.counting.edges[1]')");
	is_int(braid_observer_open(b, "edge", &opts, &o, &err), -ESTALE,
	       "whoever would count in other places may not look");
	ok(strstr(err.what, "another version") || strstr(err.what, "variant"),
	   "it says why: %s, %s", err.what, err.why);
	is_str(live_trip(0), "", "what ran runs");
	is_str(observe_state(), "", "and nobody looks");
	must_braid("apply", live_manifest("edge.yaml", ON_R0, live_marks("1")));
	o = observe_open(b, 1);
	is_str(live_trip(0), "1", "what this version has loaded can be looked at");
	observe_close(o);
}

int main(int argc, char **argv)
{
	struct braid *b;

	live_init(argc, argv);
	must_braid("apply", manifest());
	b = observe_braid("test");
	test_split(b);
	test_other_version(b);
	braid_close(b);
	must_braid("delete", "edge");
	is_int(live_pins(), 0, "nothing is left");
	return done();
}
