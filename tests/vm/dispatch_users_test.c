/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who uses libxdp without knowing of us: xdp-filter and xdpdump, of xdp-tools. What they have
 * loaded goes on when ours adds something, and their own commands find it.
 */
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/text.h"
#include "dispatch_common.h"
#include "net.h"
#include "run.h"
#include "wait.h"

enum { DEADLINE_MS = 60000, PCAP_HEAD = 24 /* and more, in its newer format */ };

static const char *const blocked = "10.1.2.3";

#define filter(...) run_tool((const char *const[]){"xdp-filter", __VA_ARGS__, NULL})

static int run_tool(const char *const argv[])
{
	_cleanup_run_ struct run r = {};

	run_start(&r, argv);
	if (run_wait(&r))
		diag("%s %s: %d: %s%s", argv[0], argv[1], r.status, r.out, r.err);
	return r.status;
}

/* In its status there is a line that begins with @word: an interface, a rule. */
static bool filter_says(const char *word)
{
	_cleanup_run_ struct run r = {};
	_cleanup_free_ char *copy = NULL;
	char *rest, *line, first[64];

	run(&r, "xdp-filter", "status");
	rest = copy = strdup(r.out);
	while ((line = strsep(&rest, "\n")))
		if (sscanf(line, " %63s", first) == 1 && text_eq(first, word))
			return true;
	diag("xdp-filter status: %s%s", r.out, r.err);
	return false;
}

static void test_filter(void)
{
	is_int(filter("load", "-f", "ipv4", DISPATCH_IF), 0, "xdp-filter is there first");
	edit("+a:5:4", "+b:90:4");
	ok(strstr(names_now(), "xdpfilt"), "ours beside it: %s", names_now());
	is_str(seen_by_us(), seen_by_them(), "both list the same");
	is_str(met_by_packets(""), "a b", "packets meet ours on both sides of it");
	ok(filter_says(DISPATCH_IF), "xdp-filter finds itself");
	is_int(filter("ip", blocked), 0, "it takes a rule");
	ok(filter_says(blocked), "and tells it");
	edit("=mark_a:95:4");
	ok(filter_says(blocked), "the rule is there after a change of ours");
	is_int(filter("ip", "-r", blocked), 0, "the rule is taken away");
	is_int(filter("unload", DISPATCH_IF), 0, "it goes");
	is_str(names_now(), "b a", "ours stay");
	is_str(met_by_packets(""), "b a", "packets meet them");
	edit("-mark_a", "-mark_b");
	is_int(dispatch_folders(), 0, "no pins are left");
}

static bool has_captured(struct run *r, int wire)
{
	__u8 frame[64] = {[12] = 0x88, [13] = 0xb5};

	struct stat st;

	wire_send(wire, frame, sizeof(frame));
	return !fstat(r->out_fd, &st) && st.st_size > PCAP_HEAD;
}

static bool has_ended(const struct run *r)
{
	siginfo_t info = {};

	return !waitid(P_PID, r->pid, &info, WEXITED | WNOHANG | WNOWAIT) && info.si_pid;
}

/* It attaches to the functions of programs that run (fentry). */
static void test_dump(void)
{
	_cleanup_close_ int wire = wire_open(NULL, "d1");
	_cleanup_run_ struct run dump = {};

	is_int(xdp_loader("load", DISPATCH_IF, dispatch_object("c")), 0, "one of xdp-loader's");
	edit("+d:50:4");
	run_start(&dump, (const char *const[]){"xdpdump", "-i", DISPATCH_IF, "--rx-capture",
					       "entry", "-w", "-", NULL});
	wait_until(has_captured(&dump, wire) || has_ended(&dump), DEADLINE_MS);
	if (has_ended(&dump)) {
		run_wait(&dump);
		skip("xdpdump does not run here: %s", dump.err);
	} else {
		ok(has_captured(&dump, wire), "xdpdump sees packets");
	}
	run_done(&dump);
	edit("-mark_c", "-mark_d");
}

int main(int argc, char **argv)
{
	dispatch_init(argc, argv);
	test_filter();
	test_dump();
	return done();
}
