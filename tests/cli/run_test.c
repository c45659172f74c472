/* SPDX-License-Identifier: GPL-2.0-only */
/* braid run: recorded packets in, verdicts and packets out, nothing attached. */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <pcap/pcap.h>
#include <string.h>

#include "base/text.h"
#include "live_common.h"
#include "packet.h"

static const char *manifest;

static struct pkt frame(int id, int verdict)
{
	struct pkt p = {.len = FRAME_SIZE};
	struct ethhdr *eth = (void *)p.data;

	eth->h_proto = htons(FRAME_TYPE);
	if (id)
		p.data[FRAME_ASKS + id] = verdict;
	return p;
}

/* Three frames, and a packet between them that is too short to be one. */
enum { PACKETS = 4 };

static void make(struct pkt v[PACKETS])
{
	v[0] = frame(0, 0);
	v[1] = frame(1, 1); /* stage m1 drops it */
	v[2] = (struct pkt){.len = 9};
	v[3] = frame(2, 3); /* stage m2 sends it back */
}

static void check(json_t *j, const char *what)
{
	static const char *const want[PACKETS][2] = {
		{"pass", "m3"}, {"drop", "m1"}, {"", ""}, {"tx", "m2"}};

	is_int(json_number(j, "packets"), PACKETS, "%s: all packets", what);
	is_int(json_number(j, "skipped"), 1, "one is skipped");
	for (int i = 0; i < PACKETS; i++) {
		is_str(json_text(j, live_text("results/%d/verdict", i)), want[i][0],
		       "packet %d: its verdict", i + 1);
		is_str(json_text(j, live_text("results/%d/stage", i)), want[i][1],
		       "and the stage where it left");
	}
	ok(*json_text(j, "results/2/skipped"), "the short one has a reason: %s",
	   json_text(j, "results/2/skipped"));
	is_int(json_number(j, "totals/0/drop"), 1, "totals: dropped by m1");
	is_int(json_number(j, "totals/1/tx"), 1, "sent back by m2");
	is_int(json_number(j, "totals/2/pass"), 1, "passed by m3");
}

/* What comes out has the signatures of those who saw it, and is the same otherwise. */
static void check_out(const char *path, const struct pkt in[PACKETS], const char *what)
{
	static const struct {
		int packet;
		const char *marks;
	} want[] = {{0, "\1\2\3"}, {1, "\1"}, {3, "\1\2"}};
	size_t n;
	_cleanup_free_ struct pkt *out = pkt_read_pcap(path, &n);

	is_int(n, 3, "%s: three come out", what);
	for (size_t i = 0; i < n && i < 3; i++) {
		struct pkt p = in[want[i].packet];

		p.data[FRAME_SIGNED] = strlen(want[i].marks);
		memcpy(p.data + FRAME_MARKS, want[i].marks, strlen(want[i].marks));
		is_int(out[i].len, p.len, "as long as it was");
		is_mem(out[i].data, p.data, p.len, "with the right signatures");
	}
}

static void test_file(void)
{
	_cleanup_free_ char *in = text_fmt("%s/in.pcap", net_scratch());
	_cleanup_free_ char *out = text_fmt("%s/out.pcap", net_scratch());
	struct pkt packets[PACKETS];
	_cleanup_json_ json_t *j = NULL, *piped = NULL;
	_cleanup_run_ struct run r = {};

	make(packets);
	pkt_write_pcap(in, packets, PACKETS);
	j = braid_json("run", manifest, "--pcap", in, "--out", out);
	check(j, "a file");
	check_out(out, packets, "a file");
	piped = live_json((const char *const[]){
		"sh", "-c", live_text("%s run --json %s --pcap - <%s", live_braid, manifest, in),
		NULL});
	check(piped, "standard input");
	is_int(braid(&r, "run", manifest, "--pcap", in), 0, "for people");
	ok(strstr(r.out, "left at m2"), "it says where each left: %s%s", r.out, r.err);
	is_int(live_pins(), 0, "nothing is pinned by it");
}

/* TC: its verdicts; a part of an IP header is not run. */
static void test_tc(void)
{
	_cleanup_free_ char *in = text_fmt("%s/tc.pcap", net_scratch());
	const char *path = live_write("tc.yaml",
				      "{braid: 1, pipelines: [{name: tc, hook: tc-ingress, "
				      "stages: [{name: mark, object: %s/mark/mark_tc.bpf.o}]}]}",
				      live_examples);
	struct pkt packets[2] = {};
	_cleanup_json_ json_t *j = NULL;
	_cleanup_run_ struct run r = {};

	pkt_eth(&packets[0]);
	pkt_ip4(&packets[0], "10.0.0.1", "10.0.0.2");
	pkt_udp(&packets[0], 1, 2);
	pkt_finish(&packets[0]);
	packets[1] = packets[0];
	packets[1].len = ETH_HLEN + 10;
	pkt_write_pcap(in, packets, 2);
	j = braid_json("run", path, "--pcap", in);
	is_str(json_text(j, "results/0/verdict"), "unspec", "TC: its verdict");
	is_int(json_number(j, "results/0/size-out"), packets[0].len, "with the Ethernet header");
	ok(*json_text(j, "results/1/skipped"), "half of an IP header: %s",
	   json_text(j, "results/1/skipped"));
	is_int(json_number(j, "totals/0/unspec"), 1, "counted by the hook's verdicts");
	is_int(json_number(j, "totals/0/shot"), 0, "of which there are others");
	is_int(json_number(j, "totals/0/tx"), -1, "and tx is none of them");
	is_int(braid(&r, "run", path, "--pcap", in), 0, "for people");
	ok(strstr(r.out, "UNSPEC") && !strstr(r.out, "SHOT"), "verdicts that occurred: %s", r.out);
}

/* The time stamps in nanoseconds: another magic number. */
static void test_nanoseconds(void)
{
	_cleanup_free_ char *in = text_fmt("%s/nano.pcap", net_scratch());
	pcap_t *dead = pcap_open_dead_with_tstamp_precision(DLT_EN10MB, 65535,
							    PCAP_TSTAMP_PRECISION_NANO);
	pcap_dumper_t *d = pcap_dump_open(dead, in);
	struct pkt packets[PACKETS];
	_cleanup_json_ json_t *j = NULL;

	if (!d)
		bail_out("%s", pcap_geterr(dead));
	make(packets);
	for (int i = 0; i < PACKETS; i++) {
		struct pcap_pkthdr h = {.ts = {1, 999999999 - i}, packets[i].len, packets[i].len};

		pcap_dump((u_char *)d, &h, packets[i].data);
	}
	pcap_dump_close(d);
	pcap_close(dead);
	j = braid_json("run", manifest, "--pcap", in);
	check(j, "nanoseconds");
}

static void fails(const char *in, const char *out, const char *says, const char *what)
{
	_cleanup_run_ struct run r = {};

	is_int(braid(&r, "run", manifest, "--pcap", in, "--out", out), 1, "%s", what);
	ok(strstr(r.err, says), "it says '%s': %s", says, r.err);
}

static void test_errors(void)
{
	_cleanup_free_ char *in = text_fmt("%s/in.pcap", net_scratch());
	_cleanup_free_ char *cut = text_fmt("%s/cut.pcap", net_scratch());
	_cleanup_free_ char *ip = text_fmt("%s/ip.pcap", net_scratch());
	pcap_t *dead = pcap_open_dead(DLT_RAW, 65535);
	pcap_dumper_t *d = pcap_dump_open(dead, ip);

	pcap_dump_close(d);
	pcap_close(dead);
	must_run("cp %s %s", in, cut);
	must_run("truncate -s -5 %s", cut);
	fails("/nonexistent.pcap", "/dev/null", "No such file", "no such file");
	fails(manifest, "/dev/null", manifest, "a file of another kind");
	fails(ip, "/dev/null", "not Ethernet", "packets without Ethernet headers");
	fails(cut, "/dev/null", "truncated", "a file that was cut");
	fails(in, "/nonexistent/out.pcap", "/nonexistent/out.pcap", "no place for what comes out");
}

/* Columns may be empty, the last one too: no blanks stand where a line ends. */
static void test_table(void)
{
	const char *m = live_manifest(
		"choice.yaml", "",
		live_text("%s, {name: by, switch: protocol, cases: [{when: tcp, stages: [%s]}]}",
			  live_marks("1"), live_marks("2")));
	_cleanup_run_ struct run r = {};

	is_int(braid(&r, "plan", m), 0, "a plan, as a table");
	ok(strstr(r.out, " WHEN\n") && strstr(r.out, "6 (tcp)\n"), "with a last column: %s", r.out);
	ok(strstr(r.out, " spliced\n"), "which is empty for a stage");
	ok(!strstr(r.out, " \n"), "no line ends in a blank");
	is_int(braid(&r, "plan", m, "nosuch"), 1, "no such pipeline in it");
	ok(strstr(r.err, m), "the error says in which file: %s", r.err);
}

int main(int argc, char **argv)
{
	live_init(argc, argv);
	manifest = live_manifest("m.yaml", "", live_marks("1,2,3"));
	test_file();
	test_nanoseconds();
	manifest = live_manifest("m.yaml", AS_TAILS, live_marks("1,2,3"));
	test_file();
	test_tc();
	test_table();
	test_errors();
	return done();
}
