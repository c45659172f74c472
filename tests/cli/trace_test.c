/* SPDX-License-Identifier: GPL-2.0-only */
/* braid trace: where packets die, what becomes of them, and nothing stays behind. */
#include <sched.h>
#include <signal.h>
#include <string.h>

#include "base/text.h"
#include "seen.h"
#include "wait.h"

#define GENERIC "mode: generic, " ON_R0

static void test_who_drops(void)
{
	_cleanup_run_ struct run r = {};
	_cleanup_json_ json_t *packet = NULL, *totals = NULL;

	seen_start(&r, 1, "trace", "edge", "--json", "--count", "1", "host", "203.0.113.9");
	seen_send(FLOW_OTHER, 2);
	seen_send(FLOW_VIP, 2);
	seen_send(FLOW_DENIED, 1);
	is_int(run_wait(&r), 0, "it ends when it has seen one");
	packet = seen_json(&r, 0);
	totals = seen_json(&r, 1);
	is_str(json_text(packet, "stage"), "acl", "who drops it");
	is_str(json_text(packet, "verdict"), "drop", "that it is dropped");
	is_str(json_text(packet, "summary"), "203.0.113.9:1000 > 192.0.2.10:80 tcp SYN", "what");
	is_str(json_text(packet, "interface"), "r0", "where it came in");
	is_int(json_number(packet, "length"), seen_frame(FLOW_DENIED).len, "its length");
	ok(json_is_true(json_at(packet, "whole")), "from the entry to its end");
	is_int(json_array_size(json_at(packet, "stages")), 2, "it came to two stages");
	is_str(json_text(packet, "stages/0/stage"), "guard", "the first");
	is_str(json_text(packet, "stages/0/verdict"), "pass", "let it pass");
	is_int(json_array_size(json_at(packet, "stages/0/changes")), 0, "as it was");
	ok(json_is_true(json_at(packet, "stages/1/leaves")), "the second was its end");
	ok(json_number(packet, "stages/1/since-entry") >=
		   json_number(packet, "stages/0/since-entry"),
	   "time goes on");
	is_int(json_number(totals, "totals/looked-at"), 1, "others were not looked at");
	is_int(json_number(totals, "totals/shown"), 1, "one is shown");
	is_int(json_number(totals, "totals/missed"), 0, "and none missed");
	is_int(seen_looking(), 0, "nobody looks any more");
}

/* The change of @name in the last stage; NULL: there is none. */
static json_t *change(json_t *packet, const char *name)
{
	json_t *list = json_at(packet, "stages/2/changes"), *c;
	size_t i;

	json_array_foreach (list, i, c)
		if (text_eq(json_string_value(json_object_get(c, "name")), name))
			return c;
	return NULL;
}

static void is_hex(const char *got, const __u8 *want, size_t n, const char *what)
{
	struct buf b = {};

	for (size_t i = 0; i < n; i++)
		buf_fmt(&b, "%02x", want[i]);
	is_str(got, b.v, "%s", what);
	buf_done(&b);
}

/* What lb says it did is what comes out. */
static void test_changes(void)
{
	_cleanup_run_ struct run r = {};
	_cleanup_json_ json_t *packet = NULL;
	_cleanup_close_ int out = wire_open("left", "l0");
	struct pkt in = seen_frame(FLOW_VIP);
	__u8 frame[2048] = {};

	seen_start(&r, 1, "trace", "edge", "--json", "--count", "1");
	seen_send(FLOW_VIP, 1);
	is_int(run_wait(&r), 0, "a packet for the tunnel");
	is_int(wire_recv(out, frame, sizeof(frame), SEEN_MS), in.len + 20,
	       "comes back with a header");
	packet = seen_json(&r, 0);
	is_str(json_text(packet, "verdict"), "tx", "its verdict");
	is_int(json_number(packet, "stages/2/front"), 20, "bytes were pushed in front");
	is_int(json_number(packet, "stages/2/end"), 0, "and none at the end");
	is_str(json_text(change(packet, "eth.dst"), "to"), "02:00:00:00:00:11", "to the backend");
	is_hex(json_text(change(packet, "eth.dst"), "old"), in.data, 6, "its old bytes");
	is_hex(json_text(change(packet, "eth.dst"), "new"), frame, 6, "and its new ones");
	is_str(json_text(change(packet, "ip"), "kind"), "pushed", "a header is new");
	is_int(json_number(change(packet, "ip"), "offset"), 14, "where it stands");
	is_hex(json_text(change(packet, "ip"), "new"), frame + 14, 20, "and its bytes");
	is_int(json_array_size(json_at(packet, "stages/2/changes")), 3, "and no more: %s", r.out);
}

static void test_for_people(void)
{
	_cleanup_run_ struct run r = {};

	seen_start(&r, 1, "trace", "edge", "--count", "2");
	seen_send(FLOW_DENIED, 1);
	seen_send(FLOW_VIP, 5);
	is_int(run_wait(&r), 0, "for people");
	ok(strstr(r.out, "203.0.113.9:1000 > 192.0.2.10:80 tcp SYN\n"), "a head: %s", r.out);
	ok(strstr(r.out, "  = drop by acl, "), "the first dies");
	ok(strstr(r.out, "[0] eth.dst 02:00:00:00:00:02 -> 02:00:00:00:00:11\n"), "what changed");
	ok(strstr(r.out, "20 bytes pushed in front\n"), "and what was pushed");
	ok(strstr(r.out, "  = tx by lb, "), "the second goes on");
	ok(strstr(r.out, " packets looked at, 2 shown, 0 events missed\n"), "two, and no more");
	ok(!strchr(r.out, '\033'), "no colours in a file");
}

static void test_drops(void)
{
	_cleanup_run_ struct run r = {}, text = {};
	_cleanup_json_ json_t *one = NULL, *totals = NULL;

	seen_start(&r, 1, "trace", "edge", "--drops", "--json");
	seen_start(&text, 2, "trace", "edge", "--drops");
	seen_send(FLOW_DENIED, 50);
	seen_send(FLOW_VIP, 3);
	seen_send(FLOW_DENIED, 7);
	seen_send(FLOW_OTHER, 4);
	ok(seen_wait(&r, 57) && seen_wait(&text, 57), "each that dies has a line");
	is_int(seen_end(&r, SIGINT), 0, "ended in order");
	is_int(seen_end(&text, SIGTERM), 0, "and by another signal");
	one = seen_json(&r, 56);
	totals = seen_json(&r, 57);
	is_str(json_text(one, "stage"), "acl", "where");
	is_str(json_text(one, "verdict"), "drop", "how");
	is_str(json_text(one, "summary"), "203.0.113.9:1000 > 192.0.2.10:80 tcp SYN", "what");
	is_int(json_number(totals, "totals/looked-at"), 64, "all were looked at");
	is_int(json_number(totals, "totals/shown"), 57, "those that died are shown");
	is_int(json_number(totals, "totals/missed"), 0, "none missed");
	is_int(json_array_size(json_at(totals, "totals/drops")), 1, "one stage drops");
	is_str(json_text(totals, "totals/drops/0/stage"), "acl", "which");
	is_int(json_number(totals, "totals/drops/0/packets"), 57, "how many");
	ok(strstr(text.out, "acl   drop         57\n"), "the same for people: %s", text.out);
	ok(strstr(text.out, "64 packets looked at, 57 dropped, 0 events missed\n"), "totals");
}

static void test_limits(void)
{
	_cleanup_run_ struct run r = {}, sampled = {};
	_cleanup_json_ json_t *packet = NULL, *totals = NULL, *whole = NULL;

	seen_start(&r, 1, "trace", "edge", "--json", "--snap", "0", "--count", "1", "tcp");
	seen_send(FLOW_VIP, 1);
	is_int(run_wait(&r), 0, "0 bytes of each are all");
	whole = seen_json(&r, 0);
	ok(!strstr(json_text(whole, "summary"), "type 0x0800"), "%s", json_text(whole, "summary"));

	seen_start(&r, 1, "trace", "edge", "--json", "--snap", "14", "--count", "1", "tcp");
	seen_send(FLOW_VIP, 1);
	is_int(run_wait(&r), 0, "14 bytes of each");
	packet = seen_json(&r, 0);
	is_str(json_text(packet, "summary"), "02:00:00:00:00:01 > 02:00:00:00:00:02 type 0x0800",
	       "that is an Ethernet header");
	is_int(json_number(packet, "length"), seen_frame(FLOW_VIP).len, "of a longer packet");
	ok(change(packet, "eth.dst") && !change(packet, "ip"), "what changed behind is not seen");

	seen_start(&sampled, 1, "trace", "edge", "--json", "--sample", "1:4000000000");
	seen_send(FLOW_VIP, 20);
	seen_end(&sampled, SIGINT);
	totals = seen_json(&sampled, 0);
	is_int(json_number(totals, "totals/looked-at"), 0, "one of very many is none of 20");
	is_int(json_number(totals, "totals/shown"), 0, "and none is shown");
	is_int(braid(&sampled, "trace", "edge", "--duration", "100ms"), 0, "a time ends it");
}

/* The manifest's own verdict, and programs behind tail calls. */
static void test_programs(void)
{
	_cleanup_run_ struct run r = {}, text = {};
	_cleanup_json_ json_t *packet = NULL;

	seen_apply("strategy: tailcall, final: drop, " GENERIC);
	seen_start(&r, 1, "trace", "edge", "--json", "--count", "1");
	seen_start(&text, 2, "trace", "edge", "--count", "1");
	seen_send(FLOW_OTHER, 1);
	is_int(run_wait(&r), 0, "several programs");
	is_int(run_wait(&text), 0, "for people, too");
	packet = seen_json(&r, 0);
	is_int(json_array_size(json_at(packet, "stages")), 4, "three stages and the end: %s",
	       r.out);
	ok(strcmp(json_text(packet, "stages/0/program"), json_text(packet, "stages/1/program")) !=
		   0,
	   "one program each");
	is_str(json_text(packet, "stages/2/verdict"), "pass", "the last stage lets it pass");
	is_str(json_text(packet, "stage"), "end", "its end is behind it");
	is_str(json_text(packet, "verdict"), "drop", "as the manifest wants it");
	ok(strstr(text.out, "  tail call into "), "tail calls are shown: %s", text.out);
	ok(strstr(text.out, "  = drop, behind the last stage, "), "and the end");
	must_braid("delete", "edge");
}

/* Another revision meanwhile: it goes on. All on one CPU, as each has numbers of its own. */
static void test_change_meanwhile(void)
{
	_cleanup_run_ struct run r = {};
	_cleanup_json_ json_t *first = NULL, *gap = NULL, *second = NULL;
	long long revision;
	cpu_set_t one, was;

	CPU_ZERO(&one);
	CPU_SET(0, &one);
	if (sched_getaffinity(0, sizeof(was), &was) || sched_setaffinity(0, sizeof(one), &one))
		bail_out("cannot choose a CPU");
	seen_start(&r, 1, "trace", "edge", "--json", "--count", "2");
	seen_send(FLOW_OTHER, 1);
	ok(seen_wait(&r, 1), "one packet");
	seen_apply("signals: none, " GENERIC);
	ok(wait_until(seen_looking() == 1, SEEN_MS), "it looks at the new revision");
	seen_send(FLOW_OTHER, 1);
	is_int(run_wait(&r), 0, "and sees a packet there");
	first = seen_json(&r, 0);
	gap = seen_json(&r, 1);
	second = seen_json(&r, 2);
	revision = json_number(first, "revision");
	ok(json_is_real(json_at(gap, "gap/seconds")), "in between, that nobody looked: %s", r.out);
	is_int(json_number(gap, "gap/revision"), revision + 1, "and what runs now");
	is_int(json_number(second, "revision"), revision + 1, "of the next revision");
	is_int(json_number(second, "cpu"), json_number(first, "cpu"), "on the same CPU");
	ok(json_number(second, "packet") != json_number(first, "packet"),
	   "it is another packet: number %lld", json_number(second, "packet"));
	sched_setaffinity(0, sizeof(was), &was);
}

/* However it ends: what runs then is what ran before. */
static void test_ends(void)
{
	static const struct {
		const char *what;
		int signal, status;
		bool worker;
	} ends[] = {
		{"SIGINT", SIGINT, 0, false},
		{"SIGTERM", SIGTERM, 0, false},
		{"SIGKILL", SIGKILL, 128 + SIGKILL, false},
		{"SIGKILL of the process that works", SIGKILL, 1, true},
	};
	size_t pins = live_pins();

	for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++) {
		_cleanup_run_ struct run r = {};

		seen_start(&r, 1, "trace", "edge", "--json");
		ok(live_pins() > pins, "%s: there is a variant", ends[i].what);
		seen_send(FLOW_OTHER, 3);
		ok(seen_wait(&r, 3), "it looks");
		kill(ends[i].worker ? seen_worker(0) : r.pid, ends[i].signal);
		is_int(run_wait(&r), ends[i].status, "%s: its status", ends[i].what);
		ok(wait_until(seen_looking() == 0 && live_pins() == pins, SEEN_MS),
		   "%s: nothing stays", ends[i].what);
	}
}

/* Who started it has no wish to be told of children's ends: it must be told all the same. */
static void test_nobody_hears(void)
{
	_cleanup_run_ struct run r = {};

	run_start(&r, (const char *const[]){"env", "--ignore-signal=CHLD", live_braid, "trace",
					    "edge", "--duration", "100ms", NULL});
	if (!ok(wait_until(run_has_ended(&r), SEEN_MS), "it ends"))
		kill(r.pid, SIGKILL);
	is_int(run_wait(&r), 0, "in order");
	is_int(seen_looking(), 0, "and nothing stays");
}

int main(int argc, char **argv)
{
	live_init(argc, argv);
	seen_apply(GENERIC);
	test_who_drops();
	test_changes();
	test_for_people();
	test_drops();
	test_limits();
	test_change_meanwhile();
	test_ends();
	test_nobody_hears();
	test_programs();
	run_wrong(live_braid, "trace", "which pipeline");
	run_wrong(live_braid, "trace edge --count 0", "'0' is less than 1");
	run_wrong(live_braid, "trace edge --snap 70000", "greater than 65535");
	run_wrong(live_braid, "trace edge --filter tcp udp", "another one");
	return done();
}
