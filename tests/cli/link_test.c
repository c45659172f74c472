/* SPDX-License-Identifier: GPL-2.0-only */
/* braid link: what comes out is an object for everybody's loader. */
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "live_common.h"

static const char *mark, *out;

static void must_link(const char *more)
{
	must_run("%s link a=%s b=%s:mark -o %s%s", live_braid, mark, mark, out, more);
}

/* What bpftool says of what is pinned there. */
static json_t *bpftool(const char *kind, const char *pin)
{
	return live_json((const char *const[]){"bpftool", "-j", kind, "show", "pinned", pin, NULL});
}

static void test_bpftool(void)
{
	_cleanup_free_ char *pin = text_fmt("%s/linked", getenv("BRAID_BPFFS"));
	_cleanup_free_ char *maps = text_fmt("%s/linked-maps", getenv("BRAID_BPFFS"));
	_cleanup_json_ json_t *program = NULL, *a = NULL, *b = NULL;

	must_link("");
	must_run("bpftool prog load %s %s type xdp pinmaps %s", out, pin, maps);
	program = bpftool("prog", pin);
	is_str(json_text(program, "name"), "both", "bpftool loads it under the file's name");
	is_str(json_text(program, "type"), "xdp", "for XDP");
	a = bpftool("map", live_text("%s/a__count", maps));
	b = bpftool("map", live_text("%s/b__count", maps));
	is_str(json_text(a, "name"), "a__count", "each stage has its own map");
	is_str(json_text(b, "name"), "b__count", "in its own name space");
	ok(json_number(a, "id") != json_number(b, "id"), "they are two");
	must_run("rm -r %s %s", pin, maps);
}

static void ip_sets(const char *more, const char *sec, const char *trip, const char *what)
{
	must_link(more);
	must_run("ip -n right link set r0 xdp obj %s sec %s", out, sec);
	is_str(live_trip(0), trip, "%s: %s", what, trip);
	must_run("ip -n right link set r0 xdp off");
}

static void test_ip(void)
{
	/* both sign with the object's own id, 1 */
	ip_sets("", "xdp", "11", "ip loads it, and frames meet both");
	ip_sets(" --name front", "xdp", "11", "under another name");
	ip_sets(" --proceed-on drop", "xdp", "1", "PASS is the end of the first stage");
	ip_sets(" --strategy fused --final drop", "xdp", "lost", "a final verdict for all");
}

/* For a TC hook: what tc(8) and bpftool load. */
static void test_tc(void)
{
	_cleanup_free_ char *pin = text_fmt("%s/linked", getenv("BRAID_BPFFS"));
	_cleanup_free_ char *tc = text_fmt("%s/mark/mark_tc.bpf.o", live_examples);
	_cleanup_json_ json_t *program = NULL;
	_cleanup_run_ struct run r = {};

	must_run("%s link --hook tc-egress a=%s b=%s -o %s --proceed-on next,pipe,ok", live_braid,
		 tc, tc, out);
	must_run("bpftool prog load %s %s", out, pin);
	program = bpftool("prog", pin);
	is_str(json_text(program, "type"), "sched_cls", "bpftool knows its type");
	must_run("rm %s", pin);
	must_run("ip netns exec right tc qdisc add dev r0 clsact");
	must_run("ip netns exec right tc filter add dev r0 egress bpf da obj %s sec tc", out);
	is_int(run(&r, "ip", "netns", "exec", "right", "tc", "filter", "show", "dev", "r0",
		   "egress"),
	       0, "tc loads it");
	ok(strstr(r.out, "direct-action") && strstr(r.out, "name both"), "a filter: %s", r.out);
	must_run("ip netns exec right tc qdisc del dev r0 clsact");
	is_int(braid(&r, "link", "--hook", "tc", tc, "-o", out), 1, "no such hook");
	ok(strstr(r.err, "tc-ingress, tc-egress"), "it says which there are: %s", r.err);
	is_int(braid(&r, "link", "--hook", "tc-ingress", mark, "-o", out), 1, "an XDP program");
	ok(strstr(r.err, "no program for this hook"), "it says so: %s", r.err);
}

static void test_errors(void)
{
	_cleanup_run_ struct run r = {};
	struct stat before, after;

	must_link("");
	stat(out, &before);
	is_int(braid(&r, "link", mark, "none.o", "-o", out), 1, "an object that is not there");
	ok(strstr(r.err, "none.o"), "it says which: %s", r.err);
	stat(out, &after);
	is_int(after.st_ino, before.st_ino, "the file that was there is left alone");
	is_int(braid(&r, "link", mark, mark, "-o", out), 1, "two stages of one name");
	ok(strstr(r.err, "live_mark"), "it says which: %s", r.err);
	is_int(braid(&r, "link", mark, "-o", out, "--proceed-on", "pas"), 1, "a wrong verdict");
	ok(strstr(r.err, "did you mean 'pass'?"), "it says what is meant: %s", r.err);
	is_int(braid(&r, "link", mark, "-o", "/nonexistent/x.o"), 1, "no place to write");
	ok(strstr(r.err, "/nonexistent/x.o"), "it says where: %s", r.err);
	ok(access(live_text("%s.new", out), F_OK), "no half of a file stays");
}

int main(int argc, char **argv)
{
	live_init(argc, argv);
	_cleanup_free_ char *object = text_fmt("%s/live_mark.bpf.o", live_objects);
	_cleanup_free_ char *linked = text_fmt("%s/both.o", net_scratch());

	mark = object;
	out = linked;
	test_bpftool();
	test_ip();
	test_tc();
	test_errors();
	return done();
}
