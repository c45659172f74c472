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
	run_wrong(braid, "trace edge --bogus", "value: --bogus");
	run_wrong(braid, "trace edge tcp -Qj", "value: -Q");
	run_wrong(braid, "capture edge --json -w x --wait", "value: --wait");
	run_wrong(braid, "map watch edge m -i -1", "--interval: '-1'");
	run_wrong(braid, "apply m.yaml --values", "without its value");
	run_wrong(braid, "apply --pcap x m.yaml", "--pcap");
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
	run_wrong(braid, "run m.yaml", "--pcap FILE");
	run_wrong(braid, "link a.o", "-o FILE");
}

/* Who takes an amount: what is none is refused in the same words, wherever it stands. */
struct place {
	const char *line, *place; /* the line's %s is the amount */
	const char *least, *most; /* just outside of what it may be, or NULL */
};

static const struct place numbers[] = {
	{"rollback edge -- %s", "REVISION", "0", "4294967296"},
	{"diff edge -- %s", "REVISION", "0", "4294967296"},
	{"signal edge set -- %s", "BIT", NULL, "4294967296"},
	{"map dump edge m --limit=%s", "--limit", "0", NULL},
	{"trace edge --count=%s", "--count", "0", NULL},
	{"trace edge --every=%s", "--every", "0", "4294967296"},
	{"trace edge --sample=1:%s", "--sample", "0", "4294967296"},
	{"capture edge -w x --count=%s", "--count", "0", NULL},
	{"capture edge -w x --ring=%s:1M", "--ring", "0", "100000"},
	{"top --every=%s", "--every", "0", "4294967296"},
	{"rollout edge a=b --min-packets=%s", "--min-packets", "0", "4294967296"},
	{"preflight m.yaml --live=%s", "--live", "0", NULL},
	{"preflight m.yaml --limit=%s", "--limit", NULL, NULL},
	{"dispatcher add eth0 a.o --priority=%s", "--priority", NULL, "4294967296"},
	{"status --pass-fds=%s", "--pass-fds", NULL, "2147483648"},
};

static const struct place sizes[] = {
	{"trace edge --snap=%s", "--snap", NULL, "64k"},
	{"capture edge -w x --snap=%s", "--snap", NULL, "65536"},
	{"capture edge -w x --bytes=%s", "--bytes", "0", NULL},
	{"capture edge -w x --ring=3:%s", "--ring", "0k", NULL},
	{"capture edge -w x --buffer=%s", "--buffer", "0", "1025M"},
};

static const struct place times[] = {
	{"apply m.yaml --wait=%s", "--wait", NULL, "1441m"},
	{"graph edge --interval=%s", "--interval", NULL, "3600.1"},
	{"top --interval=%s", "--interval", "0.09", "61m"},
	{"map watch edge m --interval=%s", "--interval", "9999us", "24.1h"},
	{"trace edge --duration=%s", "--duration", "0", NULL},
	{"latency edge --duration=%s", "--duration", "0.0009s", NULL},
	{"rollout edge a=b --every=%s", "--every", "0", "1000001h"},
	{"preflight m.yaml --seconds=%s", "--seconds", "0", NULL},
};

static void wrong_amount(const struct place *p, const char *amount, const char *what)
{
	char line[128], want[128];

	snprintf(line, sizeof(line), p->line, amount);
	snprintf(want, sizeof(want), "%s: '%s' is %s", p->place, amount, what);
	run_wrong(braid, line, want);
}

static void test_amounts(const struct place *list, size_t n, const char *kind)
{
	char what[16];

	snprintf(what, sizeof(what), "not a %s", kind);
	for (size_t i = 0; i < n; i++) {
		wrong_amount(&list[i], "-1", what);
		wrong_amount(&list[i], "1x", what);
		wrong_amount(&list[i], "99999999999999999999", "greater than ");
		if (list[i].least)
			wrong_amount(&list[i], list[i].least, "less than ");
		if (list[i].most)
			wrong_amount(&list[i], list[i].most, "greater than ");
	}
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
	test_amounts(numbers, sizeof(numbers) / sizeof(*numbers), "number");
	test_amounts(sizes, sizeof(sizes) / sizeof(*sizes), "size");
	test_amounts(times, sizeof(times) / sizeof(*times), "time");
	test_errors();
	return done();
}
