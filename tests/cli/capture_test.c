/* SPDX-License-Identifier: GPL-2.0-only */
/* braid capture: what is in the file is what was on the wire, all of it or said to be missing. */
#include <glob.h>
#include <pcap/pcap.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/text.h"
#include "capture_read.h"
#include "seen.h"
#include "wait.h"

#define GENERIC "mode: generic, " ON_R0

static const char *path_of(const char *name)
{
	return live_text("%s/%s", net_scratch(), name);
}

static long long size_of(const char *path)
{
	struct stat st;

	return stat(path, &st) ? -1 : st.st_size;
}

static const char *comment_of(const struct cap *c, const char *seam)
{
	const struct cap_packet *p = cap_packet(c, seam, 0);

	return p ? p->comment : "";
}

static void is_packet(const struct cap_packet *p, const void *bytes, size_t size, const char *what)
{
	if (!ok(p != NULL, "%s: it is there", what))
		return;
	is_int(p->captured, size, "%s: its size", what);
	is_int(p->length, size, "as it was");
	is_mem(p->bytes, bytes, size, "%s: byte by byte", what);
}

/* All seams: what came in, and what left. */
static void test_bytes(void)
{
	_cleanup_run_ struct run r = {};
	_cleanup_cap_ struct cap c = {};
	_cleanup_close_ int out = wire_open("left", "l0");
	const char *path = path_of("all.pcapng");
	struct pkt vip = seen_frame(FLOW_VIP), denied = seen_frame(FLOW_DENIED);
	const struct cap_packet *in, *left;
	__u8 frame[2048] = {};
	ssize_t size;

	seen_start(&r, 1, "capture", "edge", "-w", path, "--count", "7");
	seen_send(FLOW_VIP, 1);
	seen_send(FLOW_DENIED, 1);
	is_int(run_wait(&r), 0, "four seams of one packet and three of another");
	size = wire_recv(out, frame, sizeof(frame), SEEN_MS);
	cap_read(&c, path);
	is_int(c.n, 7, "all are there");
	is_int(c.n_statistics, c.n_seams, "each interface has statistics");
	is_packet(cap_packet(&c, "entry", 0), vip.data, vip.len, "as it came in");
	is_packet(cap_packet(&c, "acl (after)", 0), vip.data, vip.len, "in front of lb");
	is_packet(cap_packet(&c, "lb (after)", 0), frame, size, "as it left");
	is_packet(cap_packet(&c, "acl (after)", 1), denied.data, denied.len, "dropped");
	ok(!cap_packet(&c, "lb (after)", 1), "which lb has not seen");
	in = cap_packet(&c, "entry", 0);
	left = cap_packet(&c, "lb (after)", 0);
	is_int(left->id, in->id, "one id at all seams");
	ok(cap_packet(&c, "entry", 1)->id != in->id, "and another one of the other packet");
	is_int(in->verdict_kind, -1, "no verdict at the entry");
	is_int(left->verdict_kind, 2, "one of XDP behind a stage");
	is_int(left->verdict, 3, "XDP_TX");
	is_int(left->flags, 1, "inbound");
	is_int(cap_packet(&c, "acl (after)", 1)->verdict, 1, "XDP_DROP");
	ok(strstr(comment_of(&c, "lb (after)"), "lb: tx, leaves; r0, cpu "), "in words: %s",
	   comment_of(&c, "lb (after)"));
	ok(strstr(comment_of(&c, "acl (after)"), "acl: pass; r0, cpu "), "%s",
	   comment_of(&c, "acl (after)"));
	is_int(c.seams[cap_seam(&c, "entry")].received, 2, "statistics: what was written");
	is_int(c.seams[cap_seam(&c, "entry")].dropped, 0, "and what was missed");
}

/* The times are those of this day, and go on. */
static void test_times(void)
{
	_cleanup_cap_ struct cap c = {};
	__u64 now = clock_ns(CLOCK_REALTIME) / 1000000000, first;
	bool ordered = true;

	cap_read(&c, path_of("all.pcapng"));
	for (size_t i = 1; i < c.n; i++)
		ordered &= c.packets[i].time_ns >= c.packets[i - 1].time_ns;
	ok(ordered, "in their order");
	first = c.packets[0].time_ns / 1000000000;
	ok(first <= now && first + 600 > now, "some seconds ago");
}

static void test_one_stage(void)
{
	_cleanup_run_ struct run r = {}, after = {};
	_cleanup_cap_ struct cap c = {}, d = {};
	const char *path = path_of("lb.pcapng"), *path_after = path_of("after.pcapng");

	seen_start(&r, 1, "capture", "edge", "-w", path, "--stage", "lb", "--count", "4", "tcp");
	seen_start(&after, 2, "capture", "edge", "-w", path_after, "--stage", "lb", "--stage",
		   "guard", "--after", "--count", "3", "--snap", "60");
	seen_send(FLOW_OTHER, 1);
	seen_send(FLOW_VIP, 9);
	is_int(run_wait(&r), 0, "both sides of one stage");
	is_int(run_wait(&after), 0, "what comes out of two");
	cap_read(&c, path);
	is_int(c.n_seams, 2, "two interfaces");
	is_int(c.n, 4, "the filter, and the limit");
	is_int(c.seams[cap_seam(&c, "lb (before)")].packets, 2, "in front");
	is_int(c.seams[cap_seam(&c, "lb (after)")].packets, 2, "behind");
	is_int(cap_packet(&c, "lb (after)", 1)->length,
	       cap_packet(&c, "lb (before)", 1)->length + 20, "with what lb did");
	ok(strstr(comment_of(&c, "lb (before)"), "before lb; "), "%s",
	   comment_of(&c, "lb (before)"));
	cap_read(&d, path_after);
	is_int(d.n_seams, 2, "two interfaces");
	is_int(d.n, 3, "the limit");
	is_int(d.seams[0].snap, 60, "the limit of bytes is said");
	is_int(d.packets[0].captured, 60, "and kept");
	is_int(d.packets[0].length, seen_frame(FLOW_OTHER).len, "the length is that of the packet");
	is_int(braid(&r, "capture", "edge", "-w", path, "--stage", "lbb"), 1, "no such stage");
	ok(strstr(r.err, "did you mean 'lb'?"), "%s", r.err);
}

static void test_sizes(void)
{
	_cleanup_run_ struct run r = {};
	_cleanup_cap_ struct cap c = {};
	const char *path = path_of("bytes.pcapng");
	glob_t files;

	seen_start(&r, 1, "capture", "edge", "-w", path, "--bytes", "8k", "--json");
	seen_send(FLOW_OTHER, 60);
	is_int(run_wait(&r), 0, "a size ends it");
	cap_read(&c, path);
	ok(c.size <= 8192, "%zu bytes are no more", c.size);
	ok(c.size > 8192 - 600 - c.n_seams * 160, "and not much less");
	is_int(c.n_statistics, c.n_seams, "with its end");
	{
		_cleanup_json_ json_t *j = json_loads(r.out, 0, NULL);

		is_int(json_number(j, "written"), c.n, "packets");
		is_int(json_number(j, "bytes"), c.size, "bytes");
		is_int(json_number(j, "missed"), 0, "none missed");
		is_str(json_text(j, "files/0"), path, "where");
	}
	is_int(braid(&r, "capture", "edge", "-w", path, "--bytes", "100"), 1, "no room at all");
	ok(strstr(r.err, "no room for packets"), "%s", r.err);
	is_int(size_of(path), (long long)c.size, "and what is in the file stays");
	is_int(braid(&r, "capture", "edge", "-w", path_of("tiny.pcapng"), "--ring", "3:10"), 1,
	       "nor in a ring");
	is_int(glob(path_of("tiny*"), 0, NULL, &files), GLOB_NOMATCH, "of which no file is made");
}

/* As tcpdump takes it. */
static void test_snap_zero(void)
{
	_cleanup_run_ struct run r = {};
	_cleanup_cap_ struct cap c = {};
	const char *path = path_of("zero.pcapng");

	seen_start(&r, 1, "capture", "edge", "-w", path, "-s", "0", "-n", "1", "--wait", "1m");
	seen_send(FLOW_OTHER, 1);
	is_int(run_wait(&r), 0, "-s 0");
	cap_read(&c, path);
	is_int(cap_packet(&c, "entry", 0)->captured, seen_frame(FLOW_OTHER).len, "is all of it");
}

static void test_ring(void)
{
	_cleanup_run_ struct run r = {};
	const char *path = path_of("ring.pcapng");
	size_t packets = 0;
	glob_t files;

	seen_start(&r, 1, "capture", "edge", "-w", path, "--ring", "3:4k", "--count", "200",
		   "--after", "--stage", "guard");
	seen_send(FLOW_OTHER, 200);
	is_int(run_wait(&r), 0, "a ring");
	is_int(size_of(path), -1, "no file of the plain name");
	if (glob(path_of("ring_?????_??????????????.pcapng"), 0, NULL, &files))
		bail_out("no files of the ring");
	is_int(files.gl_pathc, 3, "three files stay");
	for (size_t i = 0; i < files.gl_pathc; i++) {
		_cleanup_cap_ struct cap c = {};

		cap_read(&c, files.gl_pathv[i]);
		ok(c.size <= 4096, "%s: %zu bytes", files.gl_pathv[i], c.size);
		is_int(c.n_seams, 1, "with its interface");
		is_int(c.n_statistics, 1, "and its end");
		is_int(c.seams[0].received, c.n, "statistics of this file");
		packets += c.n;
	}
	ok(packets > 20 && packets < 200, "the last %zu packets", packets);
	globfree(&files);
}

/* To a pipe, packet by packet, while it runs. */
static void test_pipe(void)
{
	_cleanup_run_ struct run r = {};
	const char *path = path_of("pipe.pcapng");
	char why[PCAP_ERRBUF_SIZE];
	struct pcap_pkthdr *h;
	const u_char *bytes;
	struct pkt p = seen_frame(FLOW_OTHER);
	int n = 0;
	pcap_t *in;

	seen_start_argv(&r, 1,
			(const char *const[]){
				"sh", "-c",
				live_text("exec %s capture edge -w - udp >%s", live_braid, path),
				NULL});
	ok(wait_until(size_of(path) > 100, SEEN_MS), "the head goes out at once");
	seen_send(FLOW_OTHER, 2);
	ok(wait_until(size_of(path) > 1500, SEEN_MS), "and so do packets");
	is_int(seen_end(&r, SIGINT), 0, "ended in order");
	in = pcap_open_offline(path, why);
	if (!ok(in != NULL, "libpcap reads it: %s", in ? "" : why))
		return;
	while (pcap_next_ex(in, &h, &bytes) == 1) {
		if (h->caplen != p.len || memcmp(bytes, p.data, p.len) != 0)
			ok(false, "packet %d differs", n);
		n++;
	}
	is_int(n, 2 * 4, "two packets at four seams");
	pcap_close(in);
	is_int(braid(&r, "capture", "edge", "-w", "-", "--json"), 2, "not both on standard output");
}

/* 0: there is no file yet. */
static size_t packets_in(const char *path)
{
	_cleanup_cap_ struct cap c = {};

	if (size_of(path) < 0)
		return 0;
	cap_read(&c, path);
	return c.n;
}

/* Whoever is killed: the file can be read to its end, and nothing stays in the kernel. */
static void test_kill(void)
{
	size_t pins = live_pins();

	for (int worker = 0; worker < 2; worker++) {
		_cleanup_run_ struct run r = {};
		const char *path = path_of(worker ? "worker.pcapng" : "guard.pcapng");

		seen_start(&r, 1, "capture", "edge", "-w", path, "--after", "--stage", "guard");
		seen_send(FLOW_OTHER, 5);
		ok(wait_until(packets_in(path) == 5, SEEN_MS), "five packets are in the file");
		kill(worker ? seen_worker(0) : r.pid, SIGKILL);
		run_wait(&r);
		ok(wait_until(seen_looking() == 0 && live_pins() == pins, SEEN_MS),
		   "killed: nothing stays");
		is_int(packets_in(path), 5, "and the file is whole");
	}
}

/* No space left: what is in the file by then can be read, to its end. */
static void test_full(void)
{
	_cleanup_free_ char *folder = strdup(path_of("small"));
	_cleanup_free_ char *path = text_fmt("%s/full.pcapng", folder);
	_cleanup_run_ struct run r = {};
	_cleanup_cap_ struct cap c = {};

	if (mkdir(folder, 0700) || mount("tmpfs", folder, "tmpfs", 0, "size=64k"))
		bail_out("a small disk");
	seen_start(&r, 1, "capture", "edge", "-w", path);
	seen_send(FLOW_OTHER, 2);
	ok(wait_until(size_of(path) > 1500, SEEN_MS), "two are written");
	seen_send(FLOW_OTHER, 400);
	is_int(run_wait(&r), 1, "a full disk ends it");
	ok(strstr(r.err, "No space left"), "it says why: %s", r.err);
	cap_read(&c, path);
	ok(c.n >= 2 * 4, "%zu packets can be read", c.n);
	is_int(c.n_statistics, c.n_seams, "with their end");
	must_run("umount %s", folder);
}

/* More than there is room for: what was missed is said, and adds up with what was not. */
static void test_missed(void)
{
	_cleanup_run_ struct run r = {};
	_cleanup_cap_ struct cap c = {};
	_cleanup_json_ json_t *j = NULL;
	const char *path = path_of("missed.pcapng");
	__u64 told = 0;
	int worker;

	seen_start(&r, 1, "capture", "edge", "-w", path, "--buffer", "64k", "--json", "--stage",
		   "guard", "--after", "udp");
	worker = seen_worker(0);
	kill(worker, SIGSTOP); /* it reads nothing meanwhile */
	seen_send(FLOW_OTHER, 1000);
	kill(worker, SIGCONT);
	ok(wait_until(size_of(path) > 4096, SEEN_MS), "some are written");
	seen_send(FLOW_OTHER, 1);
	is_int(seen_end(&r, SIGINT), 0, "a buffer that is too small");
	cap_read(&c, path);
	j = json_loads(r.out, 0, NULL);
	is_int(json_number(j, "looked-at"), 1001, "all were looked at");
	ok(json_number(j, "missed") > 0, "%lld events were missed", json_number(j, "missed"));
	is_int(json_number(j, "written"), c.n, "the others are written");
	is_int(c.seams[0].dropped, json_number(j, "missed"), "the file says so, too");
	for (size_t i = 0; i < c.n; i++)
		told += c.packets[i].dropped;
	ok(told <= c.seams[0].dropped, "packets say how many were missed in front of them: %llu",
	   told);
	is_int(c.n + json_number(j, "missed"), 1001, "and that is all: one of each packet");
}

/* The peers for whom it is written, if this machine has them. */
static void test_peers(void)
{
	_cleanup_run_ struct run r = {};
	const char *path = path_of("all.pcapng");

	run(&r, "tcpdump", "-n", "-r", path);
	is_int(r.status, 0, "tcpdump reads it: %s", r.err);
	ok(strstr(r.out, "198.18.0.1.1000 > 192.0.2.10.80"), "and sees what it is");
	if (run(&r, "tshark", "--version")) {
		skip("no tshark here");
		return;
	}
	run(&r, "tshark", "-r", path, "-T", "fields", "-e", "frame.interface_name", "-e",
	    "frame.comment", "-e", "frame.packet_id");
	is_int(r.status, 0, "tshark reads it: %s", r.err);
	ok(strstr(r.out, "lb (after)\tlb: tx, leaves"), "seams and comments: %s", r.out);
}

int main(int argc, char **argv)
{
	live_init(argc, argv);
	seen_apply(GENERIC);
	test_bytes();
	test_times();
	test_one_stage();
	test_sizes();
	test_snap_zero();
	test_ring();
	test_pipe();
	test_kill();
	test_full();
	test_missed();
	test_peers();
	run_wrong(live_braid, "capture edge", "where to?");
	run_wrong(live_braid, "capture -w x", "which pipeline");
	run_wrong(live_braid, "capture edge -w x --ring 3", "not a ring");
	run_wrong(live_braid, "capture edge -w x --bytes 3T", "'3T' is not a size");
	must_braid("delete", "edge");
	return done();
}
