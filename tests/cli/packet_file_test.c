/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Files of packets of "run" and "preflight": one that was cut off, what is written and cannot be,
 * and which packets come out at all.
 */
#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "base/text.h"
#include "live_common.h"
#include "packet.h"

enum { DIFFERS = 5, PACKETS = 10 };

static const char *drop, *other, *both; /* manifests */

/* Stage @id is asked for @verdict. */
static struct pkt frame(int id, int verdict)
{
	struct pkt p = {.len = FRAME_SIZE};
	struct ethhdr *eth = (void *)p.data;

	eth->h_proto = htons(FRAME_TYPE);
	p.data[FRAME_ASKS + id] = verdict;
	return p;
}

static char *write_frames(const char *name, int id, int verdict, size_t n)
{
	char *path = text_fmt("%s/%s", net_scratch(), name);
	struct pkt v[PACKETS];

	for (size_t i = 0; i < n; i++)
		v[i] = frame(id, verdict);
	pkt_write_pcap(path, v, n);
	return path;
}

/* The report of preflight, which ends with @status. */
static json_t *compare(const char *old, const char *new, const char *in, int status)
{
	_cleanup_run_ struct run r = {};
	json_t *j;

	is_int(braid(&r, "preflight", "--json", new, "--old", old, "--pcap", in), status,
	       "exit status");
	j = json_loads(r.out, 0, NULL);
	if (!j)
		bail_out("no JSON: %s%s", r.out, r.err);
	return j;
}

/* Both pipelines sign packets, each with its own name; stage 2 is what decides. */
static void test_comes_out(void)
{
	_cleanup_free_ char *dropped = write_frames("drop.pcap", 2, 1, 3);
	_cleanup_free_ char *aborted = write_frames("abort.pcap", 2, 9, 3);
	_cleanup_free_ char *sent = write_frames("tx.pcap", 2, 3, 3);
	_cleanup_json_ json_t *in = compare(both, other, dropped, 0);
	_cleanup_json_ json_t *unknown = compare(both, other, aborted, 0);
	_cleanup_json_ json_t *out = compare(both, other, sent, DIFFERS);
	_cleanup_json_ json_t *lost = compare(both, drop, sent, DIFFERS);

	is_int(json_number(in, "packets"), 3, "drop and drop: packets");
	is_int(json_number(in, "differ"), 0, "whatever is in them");
	is_int(json_number(unknown, "differ"), 0, "so with a verdict that aborts");
	is_int(json_number(out, "differ-bytes"), 3, "tx and tx: the bytes that come out differ");
	is_int(json_number(lost, "differ-verdict"), 3, "tx and drop: by verdict");
	is_int(json_number(lost, "differ-bytes"), 0, "and not by bytes: nothing comes out");
}

static void test_cut_off(void)
{
	_cleanup_free_ char *in = write_frames("cut.pcap", 0, 0, PACKETS);
	_cleanup_json_ json_t *j = NULL;
	_cleanup_run_ struct run r = {};

	must_run("truncate -s -5 %s", in);
	j = compare(both, both, in, 1);
	is_int(json_number(j, "packets"), PACKETS - 1, "whole packets are compared");
	ok(strstr(json_text(j, "cut-off"), "truncated"), "that there was more: %s",
	   json_text(j, "cut-off"));
	is_int(braid(&r, "preflight", both, "--old", both, "--pcap", in), 1, "for people");
	ok(strstr(r.out, "9 packets, 0 skipped") && strstr(r.err, "truncated"),
	   "both are said: %s%s", r.out, r.err);
	ok(!strstr(r.err, live_text("%s: %s", in, in)), "the file is named once");
	is_int(braid(&r, "run", both, "--pcap", in), 1, "run");
	ok(strstr(r.out, "9 packets, 0 skipped") && strstr(r.err, "9 whole packets"),
	   "the same: %s%s", r.out, r.err);
}

static void shell(const char *line)
{
	_cleanup_run_ struct run r = {};

	if (run(&r, "sh", "-c", line))
		bail_out("%s: %s", line, r.err);
}

static void full(const char *what, const char *command, const char *says)
{
	_cleanup_run_ struct run r = {};

	run_start(&r,
		  (const char *const[]){"sh", "-c", live_text("%s %s", live_braid, command), NULL});
	is_int(run_wait(&r), 1, "%s: %s", command, what);
	ok(strstr(r.err, says), "says '%s': %s", says, r.err);
	ok(!strstr(r.out, "saved"), "and not that it is saved");
}

/* A disk that is full; what was there before stays. */
static void test_full(void)
{
	_cleanup_free_ char *in = write_frames("out.pcap", 0, 0, PACKETS);
	_cleanup_free_ char *small = text_fmt("%s/small", net_scratch());
	_cleanup_free_ char *save = text_fmt("preflight %s --old %s --pcap %s --save", other, both,
					     in);
	_cleanup_free_ char *run = text_fmt("run %s --pcap %s --out", both, in);
	_cleanup_free_ char *kept = text_fmt("%s/kept.pcap", small);
	struct stat st;

	if (mkdir(small, 0755) || mount("none", small, "tmpfs", 0, "size=8k"))
		bail_out("no tmpfs");
	shell(live_text("echo before >%s", kept));
	full("no room at all", live_text("%s /dev/full", save), "No space left");
	full("no room at all", live_text("%s /dev/full", run), "No space left");
	shell(live_text("yes | head -c 4096 >%s/fill", small));
	full("too little", live_text("%s %s", save, kept), "No space left");
	full("too little", live_text("%s %s", run, kept), "No space left");
	must_run("grep -qx before %s", kept);
	shell(live_text("test \"$(ls %s | xargs)\" = 'fill kept.pcap'", small));
	full("nowhere", live_text("%s /nonexistent/x", save), "/nonexistent/x: cannot write it");
	full("a folder", live_text("%s %s", run, small), "directory");
	umount(small);
	shell(live_text("%s %s %s/whole.pcap || test $? = 5", live_braid, save, net_scratch()));
	ok(!stat(live_text("%s/whole.pcap", net_scratch()), &st) && st.st_size > PACKETS,
	   "with room it is there");
	run_wrong(live_braid, live_text("%s -", run), "standard output");
	run_wrong(live_braid, live_text("preflight %s --pcap %s --live 3", both, in), "not both");
}

int main(int argc, char **argv)
{
	live_init(argc, argv);
	both = live_manifest("both.yaml", "", live_marks("1,2,3"));
	other = live_manifest("other.yaml", "", live_marks("4,2,3"));
	drop = live_manifest("drop.yaml", "final: drop, ", live_marks("1"));
	test_comes_out();
	test_cut_off();
	test_full();
	return done();
}
