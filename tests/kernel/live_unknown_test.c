/* SPDX-License-Identifier: GPL-2.0-only */
/* What runs, and commands whose store does not know it: it stays as it is, unless it is asked for.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "live_observe.h"

static const char *other; /* another store */

/* All that braid has pinned, by path and id; the caller frees. */
static char *pinned(void)
{
	_cleanup_run_ struct run r = {};

	if (run(&r, "find", getenv("BRAID_BPFFS"), "-type", "f", "-printf", "%p %i\n"))
		bail_out("find: %s", r.err);
	return strdup(r.out);
}

static void set_up(const char *more)
{
	must_braid("apply", live_manifest("edge.yaml", more, live_marks("1,2")));
	must_braid("map", "set", "edge", "m1.sizes", "64", "7");
}

struct looked {
	const char *args[8];
};

/* With a store that has never heard of it. */
static const struct looked commands[] = {
	{{"trace", "edge", "-n", "1"}},
	{{"capture", "edge", "-w", "/dev/null", "-n", "1"}},
	{{"latency", "edge", "-d", "10ms"}},
	{{"top", "edge", "--once", "-i", "100ms"}},
	{{"status", "edge"}},
	{{"history", "edge"}},
	{{"diff", "edge", "1"}},
	{{"dump", "edge"}},
	{{"graph", "edge"}},
	{{"explain", "edge"}},
	{{"map", "list", "edge"}},
	{{"map", "dump", "edge", "m1.sizes"}},
	{{"map", "set", "edge", "m1.sizes", "64", "9"}},
	{{"map", "delete", "edge", "m1.sizes", "64"}},
	{{"config", "get", "edge"}},
	{{"config", "set", "edge", "limit=1"}},
	{{"config", "rollback", "edge"}},
	{{"signal", "edge"}},
	{{"signal", "edge", "pause"}},
	{{"signal", "edge", "shutdown"}},
	{{"signal", "edge", "reload"}},
	{{"update", "edge", "m1=none.o"}},
	{{"stage", "disable", "edge", "m1"}},
	{{"stage", "remove", "edge", "m1"}},
	{{"rollback", "edge"}},
	{{"rollback", "edge", "1"}},
	{{"rollout", "edge", "m1=/dev/null"}},
	{{"rollout", "status", "edge"}},
	{{"rollout", "abort", "edge"}},
	{{"restore", "edge"}},
};

static void run_in(struct run *r, const char *store, const char *const args[])
{
	const char *argv[16] = {live_braid};
	size_t n = 1;

	for (size_t i = 0; args[i]; i++)
		argv[n++] = args[i];
	argv[n++] = "--state";
	argv[n++] = store;
	run_start(r, argv);
	run_wait(r);
}

static void looks_and_goes(const struct looked *c)
{
	_cleanup_free_ char *before = pinned(), *after = NULL;
	_cleanup_run_ struct run r = {};

	run_in(&r, other, c->args);
	after = pinned();
	is_str(after, before, "%s %s: all that was pinned is there", c->args[0], c->args[1]);
	ok(r.status == 1 && strstr(r.err, "this store does not know it") && strstr(r.err, other),
	   "%s %s: and it says so: %d %s", c->args[0], c->args[1], r.status, r.err);
}

static void runs_on(const char *what)
{
	is_str(live_trip(0), "12", "%s: packets go on", what);
	is_str(live_trip(1), "12", "%s: at both interfaces", what);
}

static void test_commands(const char *more)
{
	_cleanup_json_ json_t *entry = NULL;

	set_up(more);
	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++)
		looks_and_goes(&commands[i]);
	runs_on("unknown");
	entry = braid_json("map", "get", "edge", "m1.sizes", "64");
	ok(json_at(entry, "value"), "what was in its maps is");
	must_braid("delete", "edge");
}

/* A store that knows a pipeline of that name, which ran before, or runs no more. */
static void test_stale(void)
{
	_cleanup_free_ char *before = NULL, *after = NULL;
	_cleanup_run_ struct run r = {};

	must_run("%s apply --state %s %s", live_braid, other,
		 live_manifest("edge.yaml", ON_R0_R1, live_marks("3")));
	set_up(ON_R0_R1);
	runs_on("taken over");
	before = pinned();
	run_in(&r, other, (const char *const[]){"trace", "edge", "-n", "1", NULL});
	is_int(r.status, 1, "whose programs are gone cannot be looked at");
	run_in(&r, other, (const char *const[]){"signal", "edge", "pause", NULL});
	after = pinned();
	is_str(after, before, "what is of another store is there");
	runs_on("another store's");
	must_run("%s delete --state %s edge", live_braid, other);
	must_braid("delete", "edge");
	is_int(live_pins(), 0, "nothing is left");
}

/* Who applies wants it: what runs is taken over, and its store finds another one instead. */
static void test_apply(void)
{
	_cleanup_json_ json_t *was = NULL, *j = NULL;
	_cleanup_run_ struct run r = {};
	size_t pins;

	set_up(ON_R0_R1);
	pins = live_pins();
	was = braid_json("status", "edge");
	j = braid_json("apply", "--state", other,
		       live_manifest("edge.yaml", ON_R0_R1, live_marks("1,2")));
	ok(json_number(j, "revision") > json_number(was, "pipelines/0/revision"),
	   "its number is none that is in use");
	is_str(json_text(j, "interfaces/0/action"), "update", "with what is attached");
	ok(strstr(json_text(j, "recovered"), "a new history begins"), "and it says so");
	runs_on("applied");
	is_int(live_pins(), pins, "what was pinned before is gone");
	is_int(braid(&r, "delete", "edge"), 0, "it can be deleted by its old store, too");
	is_int(live_pins(), 0, "and nothing is left");
	must_run("%s delete --state %s edge", live_braid, other);
}

int main(int argc, char **argv)
{
	live_init(argc, argv);
	other = live_text("%s/other", net_scratch());
	test_commands(ON_R0_R1);
	test_commands(ON_R0_R1 "attach: {via: netlink}, ");
	test_stale();
	test_apply();
	return done();
}
