/* SPDX-License-Identifier: GPL-2.0-only */
/* The configuration: fields of all kinds; and that a packet meets one version, at full rate. */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "compose/control_abi.h"
#include "live_common.h"
#include "live_flood.h"
#include "live_killed.h"
#include "wait.h"

enum {
	SETS = 40,
	FRAMES_BETWEEN = 4096, /* that each version has to see at least */
	DEADLINE_MS = 60000,
};

static const char *manifest(const char *more, const char *stages)
{
	return live_manifest("m.yaml", live_text(ON_R0 "%s", more), stages);
}

/* Stage @name with variant @v of live_config. */
static const char *stage(const char *name, int v)
{
	return live_text("{name: %s, object: %s/live_config%d.bpf.o}", name, live_objects, v);
}

/* one and two write what they meet, three compares. */
static const char *chain(const char *more)
{
	return manifest(
		more, live_text("%s, %s, %s", stage("one", 1), stage("two", 2), stage("three", 3)));
}

/* The field of `config get --json`, as a line of JSON; "" when there is none. */
static const char *field(const char *name, const char *what)
{
	_cleanup_json_ json_t *j = braid_json("config", "get", "edge");
	json_t *f;
	size_t i;

	json_array_foreach (json_at(j, "fields"), i, f) {
		const char *full = live_text("%s.%s", json_text(f, "stage"), json_text(f, "name"));
		char *text;

		if (strcmp(full, name))
			continue;
		text = json_dumps(json_at(f, what), JSON_ENCODE_ANY | JSON_COMPACT);
		full = live_text("%s", text ?: "");
		free(text);
		return full;
	}
	return "";
}

static long long version(void)
{
	_cleanup_json_ json_t *j = braid_json("config", "get", "edge");

	return json_number(j, "version");
}

/* struct everything of live_config.bpf.c. */
struct everything {
	__u8 small;
	__s32 negative;
	__u64 large;
	__be16 port;
	bool flag;
	unsigned int mode;
	char label[8];
	__u8 address[4];
	struct {
		__u32 rate, burst;
	} limits;
};

/* What the stage's program met with the last frame. */
static struct everything met(void)
{
	_cleanup_json_ json_t *status = NULL;
	struct everything e = {};
	__u32 zero = 0;
	json_t *m;
	size_t i;

	live_trip(0);
	status = braid_json("status", "edge");
	json_array_foreach (json_at(status, "pipelines/0/maps"), i, m) {
		_cleanup_close_ int fd = -1;

		if (strcmp(json_text(m, "name"), "met"))
			continue;
		fd = bpf_obj_get(json_text(m, "pin"));
		if (fd < 0 || bpf_map_lookup_elem(fd, &zero, &e))
			bail_out("reading map met: %s", strerror(errno));
		return e;
	}
	bail_out("there is no map met");
}

static void test_defaults(const char *strategy)
{
	struct everything e;

	must_braid("apply",
		   manifest(strategy, live_text("%s, %s", stage("all", 0), live_mark(1, ""))));
	e = met();
	is_int(e.small, 5, "%sthe program meets defaults", strategy);
	ok(e.large == 1ull << 40 && e.negative == -1 && e.mode == 2 && e.address[3] == 1 &&
		   !strcmp(e.label, "none") && e.limits.burst == 10,
	   "of all kinds");
	is_int(version(), 0, "no version yet");
	is_str(field("all.small", "value"), "5", "get: a number");
	is_str(field("all.small", "type"), "\"__u8\"", "its type");
	is_str(field("all.small", "min"), "1", "its range");
	is_str(field("all.small", "max"), "200", "from the author");
	is_str(field("all.negative", "min"), "-10", "a negative one");
	is_str(field("all.large", "value"), "1099511627776", "one of 64 bits");
	is_str(field("all.port", "value"), "53", "in network byte order");
	is_str(field("all.flag", "value"), "false", "a bool");
	is_str(field("all.mode", "value"), "\"MODE_AUTO\"", "an enumerator");
	is_str(field("all.mode", "type"), "\"enum mode\"", "and its type");
	is_str(field("all.label", "value"), "\"none\"", "a text");
	is_str(field("all.address", "value"), "\"10.0.0.1\"", "an address");
	is_str(field("all.limits.rate", "value"), "100", "a nested member");
	must_braid("delete", "edge");
}

static void test_set(const char *strategy)
{
	_cleanup_json_ json_t *j = NULL, *same = NULL;
	struct everything e;
	long long first;

	must_braid("apply",
		   manifest(strategy, live_text("%s, %s", stage("all", 0), live_mark(1, ""))));
	j = braid_json("config", "set", "edge", "small=200", "all.negative=-10", "large=0xffff",
		       "port=8080", "flag=true", "mode=MODE_ON", "label=abc", "address=192.0.2.7",
		       "limits.rate=7");
	first = json_number(j, "version");
	is_int(first, version(), "%sset: another version", strategy);
	ok(json_is_true(json_at(j, "changed")), "that changed something");
	ok(strstr(json_text(j, "what"), "all.small 5 -> 200"), "it says what: %s",
	   json_text(j, "what"));
	e = met();
	is_int(e.small, 200, "the program meets the new values");
	ok(e.negative == -10 && e.large == 0xffff && e.port == htons(8080) && e.flag &&
		   e.mode == 1 && !strcmp(e.label, "abc") && e.address[0] == 192 &&
		   e.address[3] == 7 && e.limits.rate == 7,
	   "of all kinds");
	is_int(e.limits.burst, 10, "and a default where none was given");
	is_str(field("all.small", "value"), "200", "get has it");
	is_str(field("all.small", "default"), "5", "and the default");
	is_str(field("all.label", "value"), "\"abc\"", "and others");
	same = braid_json("config", "set", "edge", "small=200");
	ok(json_is_false(json_at(same, "changed")), "the same again changes nothing");
	is_int(version(), first, "and makes no version");
	must_braid("config", "set", "edge", "--default", "small", "label=");
	e = met();
	is_int(e.small, 5, "back to its default");
	is_str(e.label, "none", "another way to say so");
	is_int(e.limits.rate, 7, "others stay");
	must_braid("config", "rollback", "edge");
	is_int(met().small, 200, "rollback: the values of before");
	must_braid("config", "rollback", "edge");
	is_int(met().small, 5, "twice leads back");
	must_braid("config", "rollback", "edge", "0");
	is_int(met().limits.rate, 100, "0: all defaults");
	must_braid("config", "rollback", "edge", live_text("%lld", first));
	is_int(met().large, 0xffff, "and any version");
	must_braid("delete", "edge");
}

static void test_history(void)
{
	_cleanup_json_ json_t *versions = NULL, *story = NULL;

	must_braid("apply", chain(""));
	must_braid("config", "set", "edge", "one.value=1");
	must_braid("config", "set", "edge", "one.value=2");
	versions = braid_json("config", "history", "edge");
	is_str(json_text(versions, "0/state"), "current", "the newest is current");
	is_int(json_number(versions, "0/values/one/value"), 2, "with its values");
	is_str(json_text(versions, "1/state"), "old", "the one before is old");
	ok(strstr(json_text(versions, "0/cause"), "one.value=2"), "with its cause");
	story = braid_json("history", "edge");
	ok(strstr(json_text(story, "0/event"), "one.value 1 -> 2"), "history has it too: %s",
	   json_text(story, "0/event"));
	is_str(json_text(story, "2/state"), "current", "behind its revision");
	must_braid("delete", "edge");
}

#define fails(word, ...)                                                                           \
	do {                                                                                       \
		_cleanup_run_ struct run r_ = {};                                                  \
		is_int(braid(&r_, "config", __VA_ARGS__), 1, "fails: %s", word);                   \
		ok(strstr(r_.err, word), "and says '%s': %s", word, r_.err);                       \
	} while (0)

static void test_errors(void)
{
	fails("no pipeline 'edge'", "set", "edge", "small=1");
	must_braid("apply", manifest("", live_marks("1")));
	fails("no configuration", "get", "edge");
	fails("no configuration", "set", "edge", "small=1");
	must_braid("apply", manifest("", live_text("%s, %s, %s", stage("all", 0), stage("one", 1),
						   stage("two", 2))));
	fails("1 to 200", "set", "edge", "small=0");
	fails("out of range", "set", "edge", "small=201");
	fails("out of range", "set", "edge", "small=256");
	fails("MODE_OFF", "set", "edge", "mode=MODE_NONE");
	fails("too long", "set", "edge", "label=abcdefgh");
	fails("'smal'", "set", "edge", "smal=1");
	fails("one.value", "set", "edge", "value=1");
	fails("twice", "set", "edge", "small=1", "all.small=2");
	fails("FIELD=VALUE", "set", "edge", "small");
	fails("no configuration 999", "rollback", "edge", "999");
	/* all or nothing */
	fails("out of range", "set", "edge", "large=9", "small=256");
	is_str(field("all.large", "value"), "1099511627776", "what stands before it is not set");
	is_int(version(), 0, "none of that made a version");
	is_int(met().small, 5, "or changed what runs");
	must_braid("delete", "edge");
}

static void test_survives(void)
{
	_cleanup_json_ json_t *j = NULL;
	const char *both = live_text("%s, %s", stage("all", 0), live_mark(1, ""));

	must_braid("apply", manifest("", both));
	must_braid("config", "set", "edge", "small=77", "limits.burst=3");
	must_braid("apply", manifest(AS_TAILS, both));
	is_int(met().small, 77, "values survive an update");
	is_int(met().limits.burst, 3, "all of them");
	j = braid_json("apply", manifest("", live_marks("1")));
	is_str(json_text(j, "config-dropped/0/field"), "all.limits.burst",
	       "a field that vanishes is said to be dropped");
	must_braid("rollback", "edge");
	is_int(met().small, 77, "when it is back it has its value");
	must_braid("delete", "edge");
	must_braid("apply", manifest("", both));
	is_int(met().small, 5, "a new life of the name begins with defaults");
	must_braid("delete", "edge");
}

static int open_map(const char *stage_name, const char *name)
{
	_cleanup_json_ json_t *status = braid_json("status", "edge");
	json_t *m;
	size_t i;
	int fd;

	json_array_foreach (json_at(status, "pipelines/0/maps"), i, m) {
		if (strcmp(json_text(m, "name"), name) ||
		    (stage_name && strcmp(json_text(m, "stage"), stage_name)))
			continue;
		fd = bpf_obj_get(json_text(m, "pin"));
		if (fd < 0)
			bail_out("map %s: %s", name, strerror(errno));
		return fd;
	}
	bail_out("there is no map %s", name);
}

/* What runs is changed behind the store's back: get says so, and the next set mends it. */
static void test_differs(void)
{
	_cleanup_json_ json_t *j = NULL, *after = NULL;
	_cleanup_close_ int fd = -1;
	struct bpf_map_info info = {};
	__u32 size = sizeof(info), zero = 0;
	char both[1024] = {};

	must_braid("apply", chain(""));
	must_braid("config", "set", "edge", "one.value=3", "two.value=3");
	fd = open_map(NULL, "config");
	if (bpf_obj_get_info_by_fd(fd, &info, &size) || info.value_size > sizeof(both) ||
	    bpf_map_update_elem(fd, &zero, both, BPF_ANY))
		bail_out("writing the configuration: %s", strerror(errno));
	j = braid_json("config", "get", "edge");
	ok(json_is_true(json_at(j, "differs")), "what runs differs from the store");
	is_str(field("one.value", "running"), "0", "it is told what is in use");
	is_str(field("one.value", "value"), "3", "beside what is wanted");
	must_braid("config", "set", "edge", "two.value=3");
	after = braid_json("config", "get", "edge");
	ok(json_is_false(json_at(after, "differs")), "setting what is wanted mends it");
	must_braid("delete", "edge");
}

/* Sets both fields to 1, 2, … while frames flow. Return: whether each was seen at work. */
static bool set_under_load(int last, int count)
{
	for (int i = 1; i <= SETS; i++) {
		const char *one = live_text("one.value=%d", i), *two = live_text("two.value=%d", i);
		_cleanup_run_ struct run r = {};
		long long before;

		if (braid(&r, "config", "set", "edge", one, two)) {
			diag("%s%s", r.out, r.err);
			return false;
		}
		before = live_counted(count);
		if (!wait_until(live_counted(count) > before + FRAMES_BETWEEN, DEADLINE_MS) ||
		    live_counted(last) != i)
			return false;
	}
	return true;
}

static void test_one_version(const char *strategy)
{
	_cleanup_close_ int mismatches = -1, last = -1, first = -1, count = -1;

	must_braid("apply", chain(strategy));
	mismatches = open_map("three", "mismatches");
	last = open_map("three", "last");
	first = live_open_count("one");
	count = live_open_count("three");
	live_flood_start();
	ok(set_under_load(last, count), "%s%d sets, each seen at work", strategy, SETS);
	live_flood_end();
	wait_until(live_counted(count) >= live_counted(first), DEADLINE_MS);
	is_int(live_counted(count), live_counted(first), "all of %lld frames were compared",
	       live_counted(first));
	is_int(live_counted(mismatches), 0, "each met one version in both stages");
	must_braid("delete", "edge");
}

/*
 * The same comparison sees it when fields are written one after the other, in place: the test
 * above can fail.
 */
static void test_in_place(const char *strategy)
{
	_cleanup_close_ int mismatches = -1, count = -1, config = -1;
	struct bpf_map_info info = {};
	__u32 size = sizeof(info);
	volatile __u64 *at;
	bool seen;

	must_braid("apply", chain(strategy));
	mismatches = open_map("three", "mismatches");
	count = live_open_count("three");
	config = open_map(NULL, "config");
	if (bpf_obj_get_info_by_fd(config, &info, &size))
		bail_out("the configuration's map: %s", strerror(errno));
	at = mmap(NULL, info.value_size, PROT_READ | PROT_WRITE, MAP_SHARED, config, 0);
	if (at == MAP_FAILED)
		bail_out("sharing the configuration's map: %s", strerror(errno));
	live_flood_start();
	wait_until(live_counted(count) > FRAMES_BETWEEN, DEADLINE_MS);
	/* struct one_value of stage one, and behind it that of stage two; version 0 is in use */
	seen = wait_until((at[1]++, sched_yield(), at[3]++, live_counted(mismatches) > 0),
			  DEADLINE_MS);
	live_flood_end();
	ok(seen, "%s%lld frames met two versions, when there is no flip", strategy,
	   live_counted(mismatches));
	munmap((void *)at, info.value_size);
	must_braid("delete", "edge");
}

struct tally {
	int kills, finished, undone, mixed, failed, unsettled;
};

/* What the next command finds, and what it makes of it. @want: a value that was set before. */
static void look(int nth, int before, int after, struct tally *t)
{
	_cleanup_json_ json_t *j = NULL;
	_cleanup_run_ struct run r = {};
	const char *one, *two;

	/* it changes nothing itself */
	if (braid(&r, "config", "set", "edge", "one.before="))
		t->failed++;
	t->finished += strstr(r.out, "finished") != NULL;
	t->undone += strstr(r.out, "undone") != NULL;
	one = field("one.value", "value");
	two = field("two.value", "value");
	if (strcmp(one, two) || (atoi(one) != before && atoi(one) != after)) {
		t->mixed++;
		diag("killed in front of call %d: %s and %s", nth, one, two);
	}
	j = braid_json("config", "get", "edge");
	if (json_at(j, "interrupted") || !json_is_false(json_at(j, "differs")))
		t->unsettled++;
}

static void test_killed(void)
{
	struct tally t = {};
	int before = 0;

	must_braid("apply", chain(""));
	for (int nth = 0;; nth++) {
		const char *one = live_text("one.value=%d", nth + 1);
		const char *two = live_text("two.value=%d", nth + 1);
		const char *const argv[] = {live_braid, "config", "set", "edge", one, two, NULL};

		if (!live_killed_at(argv, nth))
			break;
		t.kills++;
		look(nth, before, nth + 1, &t);
		before = atoi(field("one.value", "value"));
	}
	ok(t.kills > 5, "killed at %d points", t.kills);
	is_int(t.failed, 0, "the next command succeeds");
	is_int(t.mixed, 0, "both fields are as before or as after");
	is_int(t.unsettled, 0, "nothing stays pending, and what is wanted runs");
	ok(t.finished > 0 && t.undone > 0, "some were finished (%d), some undone (%d)", t.finished,
	   t.undone);
	must_braid("delete", "edge");
}

int main(int argc, char **argv)
{
	live_init(argc, argv);
	test_defaults(AS_FUSED);
	test_defaults(AS_TAILS);
	test_set(AS_FUSED);
	test_set(AS_TAILS);
	test_history();
	test_errors();
	test_survives();
	test_differs();
	test_one_version(AS_FUSED);
	test_one_version(AS_TAILS);
	test_in_place(AS_FUSED);
	test_in_place(AS_TAILS);
	test_killed();
	is_int(live_pins(), 0, "nothing is left");
	return done();
}
