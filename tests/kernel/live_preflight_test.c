/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * braid preflight: packets through what runs and through what is new, and what runs does not
 * notice. Verdicts, the packets that differ, where they part, and with which maps they began.
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/text.h"
#include "live_common.h"
#include "packet.h"

enum { DIFFERS = 5 }; /* exit status */

/* The report of `braid preflight … --json`, which ends with @status. */
static json_t *report_of(int status, const char *what, const char *const argv[])
{
	_cleanup_run_ struct run r = {};
	json_t *j;

	run_start(&r, argv);
	is_int(run_wait(&r), status, "%s: exit status", what);
	j = json_loads(r.out, 0, NULL);
	if (!j)
		bail_out("%s: no JSON: %s%s", what, r.out, r.err);
	return j;
}
#define preflight(status, what, ...)                                                               \
	report_of(status, what,                                                                    \
		  (const char *const[]){live_braid, "preflight", "--json", __VA_ARGS__, NULL})

/* Packets of that pair of verdicts. */
static long long pair(json_t *j, const char *old, const char *new)
{
	json_t *p;
	size_t i;

	json_array_foreach (json_at(j, "verdicts"), i, p)
		if (!strcmp(json_text(p, "old"), old) && !strcmp(json_text(p, "new"), new))
			return json_number(p, "packets");
	return 0;
}

static struct pkt udp(const char *source)
{
	struct pkt p = {};

	pkt_eth(&p);
	pkt_ip4(&p, source, "192.0.2.9");
	pkt_udp(&p, 1000, 53);
	pkt_payload(&p, NULL, 30);
	pkt_finish(&p);
	return p;
}

/* Every third one has a private source; one is too short to be run. */
enum { PACKETS = 31, SHORT = 10 };

static char *write_packets(struct pkt v[PACKETS])
{
	char *path = text_fmt("%s/in.pcap", net_scratch());

	for (int i = 0; i < PACKETS; i++)
		v[i] = udp(live_text("%s.%d", i % 3 ? "198.51.100" : "10.0.0", i + 1));
	v[SHORT].len = 9;
	pkt_write_pcap(path, v, PACKETS);
	return path;
}

/* Pipeline `edge` of the examples guard and ratelimit; @pipeline as in live_manifest(). */
static const char *examples(const char *name, const char *pipeline, const char *private,
			    const char *limit)
{
	return live_manifest(
		name, pipeline,
		live_text("{name: guard, object: %s/guard/guard.bpf.o, constants: {drop_private: "
			  "%s}}, {name: limit, object: %s/ratelimit/ratelimit.bpf.o, constants: "
			  "{%s}}",
			  live_examples, private, live_examples, limit));
}

/* Ids of all that runs, and what it has counted. */
static char *what_runs(void)
{
	_cleanup_json_ json_t *status = braid_json("status", "edge");
	struct buf b = {};
	json_t *j;
	size_t i;

	json_array_foreach (json_at(status, "pipelines/0/programs"), i, j)
		buf_fmt(&b, "program %lld ", json_number(j, "id"));
	json_array_foreach (json_at(status, "pipelines/0/maps"), i, j)
		buf_fmt(&b, "%s %lld ", json_text(j, "name"), json_number(j, "id"));
	buf_fmt(&b, "revision %lld pins %zu", json_number(status, "pipelines/0/revision"),
		live_pins());
	return buf_take(&b);
}

/* Of a per-CPU array of counters, all CPUs and elements: nobody has counted anything. */
static long long counted(const char *stage)
{
	_cleanup_json_ json_t *status = braid_json("status", "edge");
	long long sum = 0;
	json_t *m;
	size_t i;

	json_array_foreach (json_at(status, "pipelines/0/maps"), i, m) {
		_cleanup_close_ int fd = -1;
		__u64 values[256] = {};

		if (strcmp(json_text(m, "name"), "counters") ||
		    strcmp(json_text(m, "stage"), stage))
			continue;
		fd = bpf_obj_get(json_text(m, "pin"));
		for (__u32 k = 0; !bpf_map_lookup_elem(fd, &k, values); k++)
			for (int cpu = 0; cpu < 256; cpu++)
				sum += values[cpu];
	}
	return sum;
}

static void check_saved(const char *path, const struct pkt sent[PACKETS])
{
	size_t n, at = 0;
	_cleanup_free_ struct pkt *saved = pkt_read_pcap(path, &n);

	is_int(n, 11, "all packets that differ are saved");
	for (int i = 0; i < PACKETS; i++)
		if (i % 3 == 0 && at < n) {
			ok(saved[at].len == sent[i].len &&
				   !memcmp(saved[at].data, sent[i].data, sent[i].len),
			   "packet %d, as it came", i + 1);
			at++;
		}
}

static void test_constant(void)
{
	_cleanup_free_ char *before = NULL, *after = NULL, *in = NULL,
			    *few = text_fmt("%s/few.pcap", net_scratch()),
			    *saved = text_fmt("%s/diff.pcap", net_scratch());
	const char *new = examples("new.yaml", ON_R0, "true", "");
	_cleanup_json_ json_t *j = NULL, *allowed = NULL;
	struct pkt packets[PACKETS];
	_cleanup_run_ struct run r = {};
	long long guard;

	in = write_packets(packets);
	must_braid("apply", examples("old.yaml", ON_R0, "false", ""));
	before = what_runs();
	guard = counted("guard");
	j = preflight(DIFFERS, "a constant", new, "--pcap", in, "--save", saved, "--limit", "2");
	is_int(pair(j, "pass", "drop"), 11, "eleven are dropped now");
	is_int(pair(j, "pass", "pass"), PACKETS - 12, "all others pass as before");
	is_int(json_array_size(json_at(j, "verdicts")), 2, "and that is all");
	is_int(json_number(j, "read"), PACKETS, "packets that were read");
	is_int(json_number(j, "packets"), PACKETS - 1, "that were run");
	is_int(json_number(j, "skipped"), 1, "one was too short");
	is_int(json_number(j, "differ-bytes"), 0, "no packet was changed");
	is_int(json_array_size(json_at(j, "list")), 2, "as many are listed as were asked for");
	is_int(json_number(j, "list/1/packet"), 4, "the second is the fourth packet");
	is_str(json_text(j, "list/1/old"), "pass", "its old verdict");
	is_str(json_text(j, "list/1/new"), "drop", "its new one");
	is_str(json_text(j, "list/1/old-part/stage"), "guard", "where they part");
	is_str(json_text(j, "list/1/old-part/verdict"), "pass", "old verdict there");
	is_str(json_text(j, "list/1/new-part/verdict"), "drop", "new verdict there");
	ok(strstr(json_text(j, "list/1/summary"), "10.0.0.4"), "what packet it is: %s",
	   json_text(j, "list/1/summary"));
	is_str(json_text(j, "changes/0/path"), "stages.guard.constants.drop_private",
	       "what was changed");
	ok(json_number(j, "new/programs/0/verified-instructions") > 100, "verifier: instructions");
	ok(json_number(j, "new/programs/0/states") > 1, "states");
	ok(json_real_value(json_at(j, "cost/old-ns")) > 0 &&
		   json_real_value(json_at(j, "cost/ratio")) > 0,
	   "what it costs was measured");
	check_saved(saved, packets);
	allowed = preflight(0, "allowed", new, "--pcap", in, "--allow", "drop:pass,pass:drop");
	is_int(json_number(allowed, "allowed"), 11, "eleven are as allowed");
	is_int(json_number(allowed, "unexpected"), 0, "none is not");
	/* what they cost takes its time for each packet */
	pkt_write_pcap(few, packets, 3);
	is_int(braid(&r, "preflight", new, "--pcap", few, "--max-diff", "1"), 0, "--max-diff 1");
	is_int(braid(&r, "preflight", new, "--pcap", few, "--max-diff", "0"), DIFFERS, "0");
	is_int(braid(&r, "preflight", new, "--pcap", few, "--max-diff", "33%"), DIFFERS, "33 %%");
	is_int(braid(&r, "preflight", new, "--pcap", few, "--max-diff", "34%"), 0, "34 %%");
	ok(strstr(r.out, "they part at guard: pass -> drop"), "for people: %s%s", r.out, r.err);
	is_int(braid(&r, "preflight", live_text("%s/old.yaml", net_scratch()), "--pcap", few), 0,
	       "against itself nothing differs");
	after = what_runs();
	is_str(after, before, "what runs is as it was");
	is_int(counted("guard"), guard, "and has seen none of the packets");
}

/* The source's bucket as it runs: empty for an hour. */
static void drain(const char *address)
{
	_cleanup_json_ json_t *status = braid_json("status", "edge");
	struct in6_addr key = {.s6_addr = {[10] = 0xff, [11] = 0xff}};
	__u64 full_at = clock_ns(CLOCK_MONOTONIC) + 3600 * 1000000000ull;
	json_t *m;
	size_t i;

	inet_pton(AF_INET, address, &key.s6_addr[12]);
	json_array_foreach (json_at(status, "pipelines/0/maps"), i, m) {
		_cleanup_close_ int fd = -1;

		if (strcmp(json_text(m, "name"), "buckets"))
			continue;
		fd = bpf_obj_get(json_text(m, "pin"));
		if (bpf_map_update_elem(fd, &key, &full_at, BPF_ANY))
			bail_out("cannot fill the map");
	}
}

static const char *fate(json_t *j, const char *side, const char *stage, const char *map)
{
	json_t *m;
	size_t i;

	json_array_foreach (json_at(j, live_text("%s/maps", side)), i, m)
		if (!strcmp(json_text(m, "stage"), stage) && !strcmp(json_text(m, "name"), map))
			return json_text(m, "how");
	return "";
}

static void test_state(void)
{
	_cleanup_free_ char *in = text_fmt("%s/one.pcap", net_scratch());
	_cleanup_json_ json_t *copied = NULL, *empty = NULL, *larger = NULL;
	struct pkt packets[3] = {udp("198.51.100.1"), udp("198.51.100.2"), udp("198.51.100.1")};
	const char *new, *size = "}, maps: {buckets: {max-entries: 1000}";

	pkt_write_pcap(in, packets, 3);
	must_braid("apply", examples("old.yaml", ON_R0, "false", "rate: 100, burst: 10"));
	drain("198.51.100.1");
	new = examples("new.yaml", ON_R0, "false", "rate: 200, burst: 10");
	copied = preflight(0, "state that runs", new, "--pcap", in);
	is_int(pair(copied, "drop", "drop"), 2, "its bucket is empty in both");
	is_int(pair(copied, "pass", "pass"), 1, "another source's is not");
	is_str(fate(copied, "old", "limit", "buckets"), "copied", "the old one has a copy");
	is_str(fate(copied, "new", "limit", "buckets"), "copied", "so has the new one");
	empty = preflight(0, "no state", new, "--pcap", in, "--empty");
	is_int(pair(empty, "pass", "pass"), 3, "nobody has sent anything yet");
	/* the new one's map has another size: its entries migrate, as with apply */
	larger = preflight(
		0, "another size",
		examples("new.yaml", ON_R0, "false", live_text("rate: 100, burst: 10%s", size)),
		"--pcap", in);
	is_str(fate(larger, "new", "limit", "buckets"), "migrated", "brought over");
	is_int(pair(larger, "drop", "drop"), 2, "with what is in it");
}

static void write_frame(const char *path)
{
	struct pkt p = {.len = FRAME_SIZE};
	struct ethhdr *eth = (void *)p.data;

	eth->h_proto = htons(FRAME_TYPE);
	pkt_write_pcap(path, &p, 1);
}

/* Stages that sign packets; one in the place of another, and one that is gone. */
static void test_bytes(void)
{
	_cleanup_free_ char *in = text_fmt("%s/frame.pcap", net_scratch());
	const char *old = live_manifest("marks.yaml", ON_R0, live_marks("1,2,3"));
	const char *other = live_manifest("other.yaml", ON_R0, live_marks("1,4,3"));
	const char *fewer = live_manifest("fewer.yaml", ON_R0, live_marks("1,2"));
	_cleanup_json_ json_t *j = NULL, *less = NULL, *same = NULL;

	write_frame(in);
	must_braid("apply", old);
	j = preflight(DIFFERS, "another stage", other, "--pcap", in);
	is_int(json_number(j, "differ-verdict"), 0, "the verdict is the same");
	is_int(json_number(j, "differ-bytes"), 1, "the bytes are not");
	is_str(json_text(j, "list/0/old-part/stage"), "m2", "they part at the old one's stage");
	is_str(json_text(j, "list/0/new-part/stage"), "m4", "which the new one has not");
	is_int(json_number(j, "list/0/differences/0/offset"), FRAME_MARKS + 1, "where");
	is_str(json_text(j, "list/0/differences/0/old"), "02", "old byte");
	is_str(json_text(j, "list/0/differences/0/new"), "04", "new byte");
	is_int(json_array_size(json_at(j, "list/0/differences")), 1, "nothing else differs");
	is_str(json_text(j, "stages/1/in"), "new", "m4 is new");
	is_str(json_text(j, "stages/3/in"), "old", "m2 is gone");
	is_int(json_number(j, "cost/packets"), 1, "what writes into packets is measured, too");
	is_str(json_text(j, "cost/how"), "one by one", "one by one");
	less = preflight(DIFFERS, "a stage less", fewer, "--pcap", in);
	is_str(json_text(less, "list/0/old-part/stage"), "m3", "they part where it was");
	same = preflight(0, "pass:pass", fewer, "--pcap", in, "--allow", "pass:pass");
	is_int(json_number(same, "allowed"), 1, "bytes may differ where the verdict does not");
}

static void test_tc(void)
{
	_cleanup_free_ char *in = text_fmt("%s/tc.pcap", net_scratch());
	const char *text = "{braid: 1, pipelines: [{name: edge, hook: tc-ingress, final: %s, "
			   "stages: [{name: mark, object: %s/mark/mark_tc.bpf.o}]}]}";
	const char *old = live_write("tc0.yaml", text, "last", live_examples);
	const char *new = live_write("tc1.yaml", text, "shot", live_examples);
	const char *xdp = live_manifest("x.yaml", "", live_mark(1, ""));
	struct pkt packet = udp("198.51.100.1");
	_cleanup_json_ json_t *j = NULL;
	_cleanup_run_ struct run r = {};

	pkt_write_pcap(in, &packet, 1);
	must_braid("delete", "edge");
	j = preflight(DIFFERS, "TC", new, "--old", old, "--pcap", in);
	is_int(pair(j, "unspec", "shot"), 1, "TC: its verdicts");
	ok(json_is_null(json_at(j, "list/0/new-part/stage")), "behind the last stage they part");
	is_int(braid(&r, "preflight", new, "--pcap", in), 1, "nothing runs, and no --old");
	ok(strstr(r.err, "edge"), "that is said: %s", r.err);
	is_int(braid(&r, "preflight", new, "--old", xdp, "--pcap", in), 1, "two hooks");
	ok(strstr(r.err, "different hooks"), "that is said: %s", r.err);
	run_wrong(live_braid, live_text("preflight %s --pcap %s --allow shot:passed", new, in),
		  "no verdict 'passed'");
	run_wrong(live_braid, live_text("preflight %s", new), "--pcap");
}

/* A file of IP packets without Ethernet headers, and none in it. */
static void write_raw(const char *path)
{
	const __u32 header[] = {0xa1b2c3d4, 2 | 4 << 16, 0, 0, 65535, 101};
	FILE *f = fopen(path, "w");

	if (!f || fwrite(header, sizeof(header), 1, f) != 1 || fclose(f))
		bail_out("%s: cannot be written", path);
}

/* Nothing that could be compared is no "nothing differs". */
static void test_nothing(void)
{
	const char *good = live_manifest("good.yaml", "", live_mark(1, ""));
	_cleanup_free_ char *in = text_fmt("%s/nothing.pcap", net_scratch());
	struct pkt brief = {.len = 9};
	_cleanup_json_ json_t *j = NULL;
	_cleanup_run_ struct run r = {};

	pkt_write_pcap(in, &brief, 0);
	is_int(braid(&r, "preflight", good, "--old", good, "--pcap", in), 1, "no packet");
	ok(strstr(r.err, "nothing was compared"), "it says so: %s", r.err);
	pkt_write_pcap(in, &brief, 1);
	is_int(braid(&r, "preflight", good, "--old", good, "--pcap", in), 1, "all are skipped");
	ok(strstr(r.err, "none of its 1 packets"), "it says so: %s", r.err);
	j = preflight(1, "as JSON", good, "--old", good, "--pcap", in);
	is_str(json_text(j, "error/name"), "ENODATA", "that it is no report");
}

static void test_refused(void)
{
	const char *bad = live_manifest("bad.yaml", "",
					live_text("%s, {name: bad, object: %s/live_refused.bpf.o, "
						  "program: beyond}",
						  live_mark(1, ""), live_objects));
	_cleanup_free_ char *in = text_fmt("%s/frame.pcap", net_scratch());
	_cleanup_free_ char *raw = text_fmt("%s/raw.pcap", net_scratch());
	const char *good = live_manifest("good.yaml", "", live_mark(1, ""));
	_cleanup_run_ struct run r = {};

	is_int(braid(&r, "preflight", bad, "--old", good, "--pcap", in), 1, "one is refused");
	ok(strstr(r.err, "new") && strstr(r.err, "stage bad") && strstr(r.err, "4711"),
	   "which, at which stage, in which line: %s", r.err);
	write_raw(raw);
	is_int(braid(&r, "preflight", good, "--old", good, "--pcap", raw), 1, "no Ethernet");
	ok(strstr(r.err, "RAW"), "the link type is named: %s", r.err);
}

static bool has_ended(const struct run *r)
{
	siginfo_t info = {};

	return waitid(P_PID, r->pid, &info, WEXITED | WNOHANG | WNOWAIT) || info.si_pid;
}

/* Packets that come while it looks. */
static void test_live(void)
{
	_cleanup_free_ char *before = NULL, *after = NULL;
	const char *old = live_manifest("marks.yaml", ON_R0, live_marks("1,2"));
	const char *new = live_manifest("other.yaml", ON_R0, live_marks("1"));
	_cleanup_run_ struct run r = {};
	_cleanup_json_ json_t *j = NULL;
	int sent = 0, wrong = 0;

	must_braid("apply", old);
	before = what_runs();
	run_start(&r, (const char *const[]){live_braid, "preflight", new, "--live", "5",
					    "--seconds", "60", "--json", NULL});
	for (; !has_ended(&r); sent++)
		wrong += strcmp(live_trip(0), "12") != 0;
	is_int(run_wait(&r), DIFFERS, "packets from the interface");
	j = json_loads(r.out, 0, NULL);
	is_int(json_number(j, "packets"), 5, "as many as were asked for: %s", r.err);
	ok(json_number(j, "differ") > 0, "some lack a signature");
	is_int(wrong, 0, "of %d frames on their way meanwhile each arrives as it should", sent);
	after = what_runs();
	is_str(after, before, "what runs is as it was");
}

int main(int argc, char **argv)
{
	live_init(argc, argv);
	test_constant();
	test_state();
	test_bytes();
	test_tc();
	test_nothing();
	test_refused();
	test_live();
	return done();
}
