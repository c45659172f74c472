/* SPDX-License-Identifier: GPL-2.0-only */
/* Help and wrong usage, which need no privilege. Argument: the command. */
#include <string.h>

#include "run.h"
#include "tap.h"

static const char *braid;

static const struct {
	const char *name;
	const char *options[8]; /* its own */
	const char *arguments;  /* too few of them, or too many; NULL: none are */
} commands[] = {
	{"plan", {"--values", "--state", "--replace"}},
	{"apply", {"--values", "--state", "--replace", "--wait"}},
	{"status", {"--state"}, "a b"},
	{"graph", {"--format", "--output", "--interval", "--counters", "--state"}, "a b"},
	{"metrics", {"--output", "--state"}, "a"},
	{"diff", {"--values", "--state"}},
	{"signal", {"--stage", "--verdict", "--state", "--wait"}, "a pause b"},
	{"config", {"--default", "--state", "--wait"}, "get"},
	{"history", {"--state"}, "a b"},
	{"rollback", {"--state", "--replace"}, "a 1 2"},
	{"delete", {"--state", "--wait"}, "a b"},
	{"run", {"--values", "--pcap", "--out"}, "m.yaml a b"},
	{"link", {"--output", "--name", "--strategy", "--proceed-on", "--final"}},
};

#define N_COMMANDS (sizeof(commands) / sizeof(*commands))

static void test_help(void)
{
	_cleanup_run_ struct run all = {}, r = {};

	is_int(run(&all, braid, "--help"), 0, "--help");
	for (size_t i = 0; i < N_COMMANDS; i++) {
		const char *name = commands[i].name;

		ok(strstr(all.out, name), "--help lists %s", name);
		is_int(run(&r, braid, name, "--help"), 0, "%s --help", name);
		is_str(r.err, "", "it is no error");
		for (int o = 0; commands[i].options[o]; o++)
			ok(strstr(r.out, commands[i].options[o]), "it has %s",
			   commands[i].options[o]);
		ok(strstr(r.out, "--json") && strstr(r.out, "--verbose"),
		   "it has what all commands have");
	}
	is_int(run(&r, braid, "--version"), 0, "--version");
	ok(strstr(r.out, "braid 0."), "says which: %s", r.out);
}

static void test_wrong(void)
{
	_cleanup_run_ struct run r = {};

	is_int(run(&r, braid), 2, "no command: status 2");
	ok(strstr(r.err, "usage:"), "and the usage");
	run_wrong(braid, "aply x.yaml", "did you mean 'apply'?");
	run_wrong(braid, "frobnicate", "braid --help");
	for (size_t i = 0; i < N_COMMANDS; i++) {
		char line[64];

		snprintf(line, sizeof(line), "%s --no-such-option", commands[i].name);
		run_wrong(braid, line, "--no-such-option");
		snprintf(line, sizeof(line), "%s %s", commands[i].name,
			 commands[i].arguments ?: "");
		if (commands[i].arguments)
			run_wrong(braid, line, "usage:");
	}
	run_wrong(braid, "apply --jsn m.yaml", "--json?");
	run_wrong(braid, "apply m.yaml --values", "without its value");
	run_wrong(braid, "apply --wait soon m.yaml", "'soon' is not a number of seconds");
	run_wrong(braid, "apply --wait -1 m.yaml", "'-1' is not a number of seconds");
	run_wrong(braid, "apply --pcap x m.yaml", "--pcap");
	run_wrong(braid, "rollback edge zero", "'zero' is not a revision");
	run_wrong(braid, "rollback edge 0", "'0' is not a revision");
	run_wrong(braid, "diff edge -- -1", "'-1' is not a revision");
	run_wrong(braid, "map dmup edge m", "did you mean 'dump'?");
	run_wrong(braid, "map list edge m", "one pipeline at most");
	run_wrong(braid, "map get edge", "get what?");
	run_wrong(braid, "map set edge m", "set what?");
	run_wrong(braid, "map set edge m k a b", "one value");
	run_wrong(braid, "map set edge m k .a=1 b", "no .MEMBER=VALUE");
	run_wrong(braid, "map set edge m k 1 --create --update", "not both");
	run_wrong(braid, "map set edge m k .a=1 --create", "entries that are there");
	run_wrong(braid, "map delete edge m k --all", "without a KEY");
	run_wrong(braid, "map dump edge m --yes", "--yes does not go with dump");
	run_wrong(braid, "map dump edge m --limit -1", "not a number of entries");
	run_wrong(braid, "map watch edge m --interval 0", "not a number of seconds");
	run_wrong(braid, "run m.yaml", "--pcap FILE");
	run_wrong(braid, "link a.o", "-o FILE");
}

/* One without privileges, and without anything that it could look at. */
static void test_errors(void)
{
	_cleanup_run_ struct run r = {};

	is_int(run(&r, braid, "plan", "/nonexistent.yaml"), 1, "no such manifest: status 1");
	is_str(r.out, "", "nothing on standard output");
	is_int(run(&r, braid, "plan", "--json", "/nonexistent.yaml"), 1, "with --json, too");
	is_str(r.err, "", "nothing on standard error");
	ok(strstr(r.out, "\"ENOENT\""), "the error is JSON: %s", r.out);
}

int main(int argc, char **argv)
{
	if (argc < 2)
		bail_out("usage: %s BRAID", argv[0]);
	braid = argv[1];
	test_help();
	test_wrong();
	test_errors();
	return done();
}
