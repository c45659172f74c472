/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Command lines of xdp-loader and dispatcher that are wrong, which needs no privilege to see.
 * Arguments: the command; a folder to make a link in.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "run.h"
#include "tap.h"

static const char *braid;

/* What the real xdp-loader says by its exit status. */
static void test_status(void)
{
	static const struct {
		const char *word, *arg, *more;
		int status;
	} lines[] = {
		{"help", NULL, NULL, 255},      {"he", NULL, NULL, 255},
		{"nosuch", NULL, NULL, 1},      {"load", NULL, NULL, 1},
		{"load", "--help", NULL, 1},    {"status", "--version", NULL, 1},
		{"load", "-m", "SKB", 1},       {"load", "-P", "-1", 1},
		{"load", "-A", "XDP_NONE", 1},  {"load", "--nosuch", NULL, 1},
		{"load", "lo", NULL, 1},        {"unload", "lo", NULL, 1},
		{"unload", "-i", "0x10", 1},    {"unload", "-i", "-5", 1},
		{"status", "a", "b", 1},        {"clean", "a", "b", 1},
		{"features", NULL, NULL, 1},    {"status", "nosuch0", NULL, 1},
		{"load", "nosuch0", "x.o", 1},  {"load", "--pass-fds", "0", 1},
		{"load", "--pass-fds", "x", 1},
	};
	/* Of -A; all options are looked at before it is seen that no interface is named. */
	static const struct {
		const char *actions, *says;
	} lists[] = {
		{"", "which interface?"},
		{"XDP_PASS", "which interface?"},
		{"XDP_PASS,XDP_TX", "which interface?"},
		{"XDP_PASS,", "which interface?"},
		{",", "no value"},
		{",,", "no value"},
		{",XDP_PASS", "no value"},
		{"XDP_PASS,,", "no value"},
		{"XDP_PASS,,XDP_TX", "no value"},
		{"XDP_PAS", "no value"},
		{"XDP_PASSED", "no value"},
	};
	_cleanup_run_ struct run r = {};

	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		is_int(run(&r, braid, "xdp-loader", lines[i].word, lines[i].arg, lines[i].more),
		       lines[i].status, "xdp-loader %s %s %s", lines[i].word, lines[i].arg ?: "",
		       lines[i].more ?: "");
		ok(*r.err || *r.out, "something is said");
	}
	for (size_t i = 0; i < sizeof(lists) / sizeof(*lists); i++) {
		is_int(run(&r, braid, "xdp-loader", "load", "-A", lists[i].actions), 1, "-A '%s'",
		       lists[i].actions);
		ok(strstr(r.err, lists[i].says), "what is wrong: %s", r.err);
	}
	is_int(run(&r, braid, "xdp-loader"), 255, "no command");
	is_int(run(&r, braid, "xdp-loader", "load", "nosuch0", "x.o", "--json"), 1, "as JSON");
	ok(strstr(r.out, "\"code\": -19"), "the error, too: %s", r.out);
}

static void test_help(void)
{
	static const char *const options[] = {"--mode",    "--pin-path", "--section",
					      "--actions", "--pass-fds", "--json"};
	_cleanup_run_ struct run r = {};

	run(&r, braid, "xdp-loader", "load", "--help");
	for (size_t i = 0; i < sizeof(options) / sizeof(*options); i++)
		ok(strstr(r.out, options[i]), "load --help has %s", options[i]);
	ok(!strstr(r.out, "--id"), "and none of another command");
}

/* Called by its name. */
static void test_link(const char *folder)
{
	_cleanup_free_ char *target = realpath(braid, NULL);
	_cleanup_run_ struct run r = {};
	char path[512];

	snprintf(path, sizeof(path), "%s/xdp-loader", folder);
	unlink(path);
	if (!target || symlink(target, path))
		bail_out("%s: %s", path, strerror(errno));
	is_int(run(&r, path, "help"), 255, "through a link");
	is_int(run(&r, path, "apply"), 1, "it has xdp-loader's commands only");
	is_int(run(&r, path, "status", "nosuch0"), 1, "and does them");
	ok(strstr(r.err, "nosuch0"), "with a message: %s", r.err);
	unlink(path);
}

static void test_dispatcher(void)
{
	run_wrong(braid, "dispatcher", "list, show");
	run_wrong(braid, "dispatcher nosuch eth0", "unknown dispatcher command 'nosuch'");
	run_wrong(braid, "dispatcher list eth0", "no argument");
	run_wrong(braid, "dispatcher show a b", "one interface");
	run_wrong(braid, "dispatcher add", "which interface?");
	run_wrong(braid, "dispatcher add eth0", "which object?");
	run_wrong(braid, "dispatcher add eth0 a.o --priority -1", "'-1' is not a number");
	run_wrong(braid, "dispatcher add eth0 a.o --proceed-on pass,,tx", "no list of verdicts");
	run_wrong(braid, "dispatcher add eth0 a.o --section a --program b", "one of");
	run_wrong(braid, "dispatcher remove eth0", "which components?");
	run_wrong(braid, "dispatcher remove eth0 a --all", "which components?");
	run_wrong(braid, "dispatcher set eth0 a", "--priority, --proceed-on");
	run_wrong(braid, "dispatcher replace eth0 a", "which object instead?");
}

int main(int argc, char **argv)
{
	if (argc != 3)
		bail_out("usage: loader_usage_test BRAID FOLDER");
	braid = argv[1];
	test_status();
	test_help();
	test_link(argv[2]);
	test_dispatcher();
	return done();
}
