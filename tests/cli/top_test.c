/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * braid top and braid latency under real load; and top on a real terminal, which tmux is: keys go
 * in, and what a person sees comes out.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "live_common.h"
#include "live_flood.h"
#include "wait.h"

#define DEADLINE_MS 30000

static const char *tmux_name;

/* tmux with a server of its own. */
#define tmux(r, ...) run(r, "tmux", "-L", tmux_name, "-f", "/dev/null", __VA_ARGS__)

/* In characters, not bytes. */
static size_t columns(const char *line)
{
	size_t n = 0;

	for (; *line && *line != '\n'; line++)
		n += (*line & 0xc0) != 0x80;
	return n;
}

static size_t widest(const char *text)
{
	size_t most = 0;

	while (text) {
		if (columns(text) > most)
			most = columns(text);
		text = strchr(text, '\n');
		text = text ? text + 1 : NULL;
	}
	return most;
}

static long long front_program(void)
{
	_cleanup_json_ json_t *j = braid_json("status", "edge");

	return json_number(j, "pipelines/0/interfaces/0/program");
}

static void test_usage(void)
{
	run_wrong(live_braid, "top --interval 1ms", "'1ms' is less than 100ms");
	run_wrong(live_braid, "top --sort size", "unknown order 'size'");
	run_wrong(live_braid, "top --every 0", "'0' is less than 1");
	run_wrong(live_braid, "latency", "which pipeline?");
	run_wrong(live_braid, "latency a b --filter c", "and another one: 'b'");
	run_wrong(live_braid, "latency edge --sample 1", "1");
}

static void test_nothing_there(void)
{
	_cleanup_run_ struct run r = {}, named = {}, latency = {};

	is_int(braid(&r, "top", "--once"), 1, "top without a pipeline fails");
	ok(strstr(r.err, "no pipeline"), "and says so");
	is_int(braid(&named, "top", "--once", "edge"), 1, "top of one that is not there fails");
	ok(strstr(named.err, "'edge'"), "and names it");
	is_int(braid(&latency, "latency", "edge"), 1, "so does latency");
	ok(strstr(latency.err, "'edge'"), "and names it");
}

static void test_once(void)
{
	_cleanup_run_ struct run r = {};
	long long before = front_program();

	is_int(braid(&r, "top", "--once", "--every", "50", "edge"), 0, "top --once");
	diag("%s", r.out);
	ok(strstr(r.out, "edge (xdp) revision 1: ") && strstr(r.out, "packets/s"), "has a title");
	ok(strstr(r.out, "  m1 ") && strstr(r.out, "  m2 "), "and both stages");
	ok(widest(r.out) <= 80, "in 80 columns: %zu", widest(r.out));
	is_int(front_program(), before, "the program is the one from before");
}

static void test_json(void)
{
	_cleanup_json_ json_t *j = braid_json("top", "--once", "--every", "50", "edge");
	json_t *first = json_at(j, "pipelines/0/stages/0");

	is_str(json_text(j, "pipelines/0/pipeline"), "edge", "JSON: pipeline");
	is_str(json_text(first, "stage"), "m1", "stage");
	ok(json_number_value(json_at(first, "packets-per-second")) > 0, "packets come");
	ok(json_number(first, "timed") > 0, "some were timed");
	ok(json_number_value(json_at(first, "nanoseconds")) >= 0, "and took a time");
	ok(json_number_value(json_at(j, "pipelines/0/cpus/0/packets-per-second")) > 0 ||
		   json_array_size(json_at(j, "pipelines/0/cpus")) > 1,
	   "CPUs are told apart");
	ok(json_number(j, "pipelines/0/packets") > 0, "packets in all");
}

static void test_without_times(void)
{
	_cleanup_json_ json_t *j = braid_json("top", "--once", "--no-times", "edge");

	ok(json_number_value(json_at(j, "pipelines/0/stages/0/packets-per-second")) > 0,
	   "--no-times: rates");
	ok(!json_at(j, "pipelines/0/stages/0/timed"), "and no times");
}

static bool shows(struct run *r, const char *text)
{
	return tmux(r, "capture-pane", "-p") == 0 && strstr(r->out, text);
}

/* What the screen shows, when it shows @text. Valid until the next call. */
static const char *screen_with(const char *text)
{
	static struct run r;

	wait_until(shows(&r, text), DEADLINE_MS);
	return r.out;
}

static void keys(const char *key)
{
	_cleanup_run_ struct run r = {};

	if (tmux(&r, "send-keys", key))
		bail_out("tmux: %s", r.err);
}

static bool screen_is_gone(void)
{
	_cleanup_run_ struct run r = {};

	return tmux(&r, "has-session") != 0;
}

static void session(const char *command)
{
	_cleanup_run_ struct run r = {};

	/* the server of the last one may be about to end */
	if (!wait_until(!tmux(&r, "new-session", "-d", "-x", "80", "-y", "24", command),
			DEADLINE_MS))
		bail_out("tmux: %s", r.err);
}

static void end_session(void)
{
	_cleanup_run_ struct run r = {};

	tmux(&r, "kill-session");
}

static void test_screen(void)
{
	long long before = front_program();
	const char *screen;

	session(live_text("%s top edge --every 50 --interval 200ms", live_braid));
	screen = screen_with("packets/s");
	ok(strstr(screen, "  m1 ") && strstr(screen, "  m2 "), "the screen shows the stages");
	ok(widest(screen) <= 80, "in 80 columns");
	ok(strstr(screen, "F1Help"), "and the keys");
	keys("F1");
	ok(strstr(screen_with("Rates are"), "F10 q"), "F1: help");
	keys("F1");
	keys("P");
	ok(strstr(screen_with("by pps"), "by pps"), "P: sorted by packets");
	keys("\\");
	keys("m2");
	keys("Enter");
	screen = screen_with("only: m2");
	ok(strstr(screen, "  m2 ") && !strstr(screen, "  m1 "), "\\: only stages with that name");
	keys("Enter");
	ok(strstr(screen_with("pass "), "pass "), "Enter: verdicts");
	keys("q");
	ok(wait_until(screen_is_gone(), DEADLINE_MS), "q: the end");
	is_int(front_program(), before, "and the program is the one from before");
}

/* Keys come from a terminal: a file would be readable for ever. */
static void test_no_keyboard(void)
{
	const char *file = live_write("keys", "q");

	session(live_text("exec %s top edge --interval 100ms <%s", live_braid, file));
	ok(strstr(screen_with(" m1 "), " m1 "), "a screen without keys");
	ok(!screen_is_gone(), "it goes on");
	keys("C-c");
	ok(wait_until(screen_is_gone(), DEADLINE_MS), "until a signal comes");
}

/* What it needs is told before anything is put in. */
static void test_no_screen(void)
{
	static const struct {
		const char *how, *says;
	} cases[] = {
		{"timeout 60", "timeout --foreground"},
		{"env -u TERM", "TERM is not set"},
		{"env TERM=no-such-type", "its type, 'no-such-type'"},
		{"env TERM=dumb", "its type is 'dumb'"},
	};
	const char *screen;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		session(live_text("%s %s top edge; echo status $?; exec cat", cases[i].how,
				  live_braid));
		screen = screen_with("status 1");
		ok(strstr(screen, "status 1") && strstr(screen, cases[i].says), "%s: %s",
		   cases[i].how, cases[i].says);
		end_session();
	}
}

static void type(const char *line)
{
	keys(line);
	keys("Enter");
}

/* ^Z: the shell gets its terminal, others the lock; and it can go on, or end. */
static void test_stopped(void)
{
	long long before = front_program();
	_cleanup_run_ struct run r = {};
	const char *manifest = live_manifest("m.yaml", "signals: none, " ON_R0, live_marks("1,2"));
	_cleanup_json_ json_t *j = NULL;

	session("PS1='> ' sh -i");
	type(live_text("%s top edge --interval 200ms", live_braid));
	ok(strstr(screen_with(" m1 "), " m1 "), "top in a shell");
	ok(front_program() != before, "a variant is in");
	keys("C-z");
	ok(!strstr(screen_with("Stopped"), "F1Help"), "^Z: the shell has its terminal");
	must_braid("apply", manifest);
	j = braid_json("status", "edge");
	ok(!json_at(j, "pipelines/0/observed"), "a change to the pipeline takes the variant out");
	before = front_program();
	type("fg");
	ok(strstr(screen_with("F1Help"), " m1 "), "fg: its screen is back");
	ok(wait_until(front_program() != before, DEADLINE_MS), "and the variant");
	keys("C-z");
	screen_with("Stopped");
	type("clear");
	type("bg");
	ok(wait_until((keys("Enter"), shows(&r, "Stopped")), DEADLINE_MS) &&
		   !strstr(r.out, "F1Help"),
	   "bg: it does not draw on what is others'");
	type("kill -s TERM %1; kill -s CONT %1");
	ok(wait_until(front_program() == before, DEADLINE_MS), "SIGTERM ends it");
	end_session();
}

static void test_latency(void)
{
	_cleanup_run_ struct run r = {}, against = {};
	_cleanup_json_ json_t *j = NULL;
	long long first, whole;
	const char *path;

	is_int(braid(&r, "latency", "edge", "--duration", "1s", "--json"), 0, "latency --json");
	j = json_loads(r.out, 0, NULL);
	is_int(json_number(j, "revisions/0/revision"), 1, "of revision 1");
	is_str(json_text(j, "revisions/0/stages/0/stage"), "m1", "of the first stage");
	/* read one behind the other, while packets come */
	first = json_number(j, "revisions/0/stages/0/packets");
	whole = json_number(j, "revisions/0/stages/2/packets");
	ok(llabs(first - whole) * 20 < first,
	   "as many of the whole pipeline: none left: %lld, %lld", first, whole);
	ok(json_number(j, "revisions/0/stages/0/packets") > 0, "and there were some");
	ok(json_array_size(json_at(j, "revisions/0/stages/0/histogram")) > 0, "a histogram");
	path = live_write("latency.json", "%s", r.out);
	is_int(braid(&against, "latency", "edge", "--duration", "500ms", "--against", path), 0,
	       "against what was printed before");
	ok(strstr(against.out, "revision 1 -> 1") && strstr(against.out, "->"), "a comparison");
	ok(widest(against.out) <= 100, "that fits a screen");
}

/* The expression as arguments, as trace and capture take it. */
static void test_expression(void)
{
	_cleanup_json_ json_t *none = braid_json("latency", "edge", "--duration", "500ms",
						 "--every", "1", "ether", "proto", "0x9999");
	_cleanup_run_ struct run r = {};

	is_int(json_number(none, "revisions/0/stages/0/packets"), 0, "no packet is such a one");
	is_int(braid(&r, "latency", "edge", "inbound"), 1, "what is not in the bytes");
	ok(strstr(r.err, "'inbound'") && strstr(r.err, "bytes of a packet"), "is refused: %s",
	   r.err);
}

static void test_bad_file(void)
{
	_cleanup_run_ struct run r = {};

	is_int(braid(&r, "latency", "edge", "--against", live_write("bad.json", "{}")), 1,
	       "a file with no latencies");
	ok(strstr(r.err, "bad.json") && strstr(r.err, "\"revisions\""), "is named, and why");
}

/* The last line that was printed. NULL: there is no whole one. */
static json_t *last_line(const char *path)
{
	_cleanup_run_ struct run r = {};

	run(&r, "tail", "-n", "1", path);
	return json_loads(r.out, 0, NULL);
}

static bool is_at_rest(const char *path)
{
	_cleanup_json_ json_t *j = last_line(path);

	return json_at(j, "pipelines/0/note") &&
	       json_number_value(json_at(j, "pipelines/0/packets-per-second")) == 0 &&
	       json_number_value(json_at(j, "pipelines/0/stages/0/packets-per-second")) == 0 &&
	       !json_at(j, "pipelines/0/stages/0/timed");
}

static bool is_at_work(const char *path)
{
	_cleanup_json_ json_t *j = last_line(path);

	return json_number_value(json_at(j, "pipelines/0/stages/0/packets-per-second")) > 0;
}

/* What has ended has no rates. */
static void test_deleted(void)
{
	const char *path = live_write("lines", "%s", "");
	_cleanup_run_ struct run top = {};

	run_start(&top, (const char *const[]){
				"sh", "-c",
				live_text("exec %s top edge --json -i 100ms >%s", live_braid, path),
				NULL});
	ok(wait_until(is_at_work(path), DEADLINE_MS), "packets come");
	must_braid("delete", "edge");
	ok(wait_until(is_at_rest(path), DEADLINE_MS), "and a pipeline that is deleted is at rest");
	kill(top.pid, SIGTERM);
	is_int(run_wait(&top), 0, "it ends in order");
}

static void test_uncounted(void)
{
	_cleanup_run_ struct run r = {}, none = {};
	_cleanup_json_ json_t *j = NULL;

	must_braid("apply", live_manifest("off.yaml", "stats: off, " ON_R0, live_marks("1,2")));
	is_int(braid(&r, "top", "--once", "--every", "50", "edge"), 0, "stats: off: top");
	ok(strstr(r.out, "it counts no packets") && strstr(r.out, "  m2 "), "has stages: %s",
	   r.out);
	j = braid_json("top", "--once", "--every", "50");
	ok(json_number(j, "pipelines/0/stages/0/timed") > 0, "that are timed");
	ok(!json_at(j, "pipelines/0/stages/0/packets") && !json_at(j, "pipelines/0/packets"),
	   "and not counted");
	is_int(braid(&none, "top", "--once", "--no-times", "edge"), 1, "without times: nothing");
	ok(strstr(none.err, "nothing is counted"), "which is said");
}

int main(int argc, char **argv)
{
	live_init(argc, argv);
	setenv("LC_ALL", "C.UTF-8", 1);
	tmux_name = strdup(live_text("braid-test-%d", getpid()));
	test_usage();
	test_nothing_there();
	must_braid("apply", live_manifest("m.yaml", ON_R0, live_marks("1,2")));
	live_flood_start();
	test_once();
	test_json();
	test_without_times();
	test_screen();
	test_no_keyboard();
	test_no_screen();
	test_latency();
	test_expression();
	test_bad_file();
	test_stopped();
	test_deleted();
	test_uncounted();
	live_flood_end();
	must_braid("delete", "edge");
	return done();
}
