/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Configuration and signals as stages find them in a pipeline: wherever their code looks, they
 * meet the one version that was chosen when the packet entered.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "config_link.h"
#include "net.h"
#include "seams.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static const struct numbers defaults = LINK_DEFAULTS;

/* A stage's program, and what it leaves when it meets @n. */
struct user {
	const char *program;
	__u64 (*leaves)(const struct numbers *n);
};

static __u64 once(const struct numbers *n)
{
	return link_sum(n);
}

static __u64 doubled(const struct numbers *n)
{
	return 2 * link_sum(n);
}

static __u64 first_of_list(const struct numbers *n)
{
	return n->list[0];
}

static __u64 one(const struct numbers *n)
{
	return 1;
}

static __u64 plus1(const struct numbers *n)
{
	return 1 + link_sum(n);
}

static __u64 plus5(const struct numbers *n)
{
	return 1 + 4 + link_sum(n);
}

static __u64 plus14(const struct numbers *n)
{
	return 1 + 4 + 9 + link_sum(n);
}

static __u64 plus30(const struct numbers *n)
{
	return 1 + 4 + 9 + 16 + link_sum(n);
}

static __u64 plus55(const struct numbers *n)
{
	return 1 + 4 + 9 + 16 + 25 + link_sum(n);
}

static __u64 plus10(const struct numbers *n)
{
	return 1 + 9 + link_sum(n);
}

static __u64 plus4(const struct numbers *n)
{
	return 4 + link_sum(n);
}

static __u64 nested(const struct numbers *n)
{
	return n->a + 4 + link_sum(n);
}

static __u64 eight_and_1(const struct numbers *n)
{
	return 1 + 8 * link_sum(n);
}

static __u64 two_and_1(const struct numbers *n)
{
	return 1 + 2 * link_sum(n);
}

static __u64 thrice(const struct numbers *n)
{
	return 3 + 3 * link_sum(n);
}

static const struct user users[] = {{"direct", once},
				    {"twice", doubled},
				    {"indexed", first_of_list},
				    {"blind", one},
				    {"call0", once},
				    {"call1", plus1},
				    {"call2", plus5},
				    {"call3", plus14},
				    {"call4", plus30},
				    {"call5", plus55},
				    {"call_unused", plus10},
				    {"call_global", plus4},
				    {"call_nested", nested},
				    {"call_both", eight_and_1},
				    {"variable", once},
				    {"tail", two_and_1},
				    {"leaf", two_and_1},
				    {"callback", thrice},
				    {"deep", once},
				    {"blind_deep", one},
				    {"call_tight", plus1}};

/* "{name: u<k>, …}, " */
static void add_user(struct buf *b, const char *program, size_t k)
{
	buf_fmt(b, "%s{name: u%zu, object: config_link.bpf.o, program: %s, constants: {slot: %zu}}",
		b->n ? ", " : "[", k, program, k);
}

static char *end_list(struct buf *b)
{
	buf_str(b, "]");
	return buf_take(b) ?: (bail_out("no memory"), NULL);
}

static const struct image_field *find_field(const struct seams *s, const char *stage,
					    const char *name)
{
	array_foreach (f, &s->image->fields)
		if (text_eq(f->stage, stage) && text_eq(f->name, name))
			return f;
	return NULL;
}

/* Where a stage's struct is in a version. */
static __u32 offset_of(const struct seams *s, const char *stage)
{
	const struct image_field *f = find_field(s, stage, "small");

	return f ? f->offset : (bail_out("%s has no configuration", stage), 0);
}

struct versions {
	__u8 bytes[8192];
	__u32 one; /* bytes of a version */
};

static struct versions read_versions(const struct seams *s)
{
	struct versions v = {.one = s->image->config_size};
	__u32 zero = 0;

	if (CONFIG_VERSIONS * v.one > sizeof(v.bytes) ||
	    bpf_map_lookup_elem(s->config, &zero, v.bytes))
		bail_out("cannot read the configuration");
	return v;
}

static struct numbers *in_version(struct versions *v, const struct seams *s, const char *stage,
				  int version)
{
	return (struct numbers *)(v->bytes + version * v->one + offset_of(s, stage));
}

static void write_versions(const struct seams *s, const struct versions *v)
{
	__u32 zero = 0;

	if (bpf_map_update_elem(s->config, &zero, v->bytes, BPF_ANY))
		bail_out("cannot write the configuration");
}

static void choose_version(const struct seams *s, __u32 version)
{
	struct control c = seams_control(s);

	c.config = version;
	seams_set_control(s, &c);
}

/* Of stage @k in @version: each has numbers of its own. */
static struct numbers numbers_of(size_t k, int version)
{
	struct numbers n = {.small = 1 + k, .a = 1000 * (k + 1), .b = (k + 1) << 20};

	n.in.low = version;
	n.in.high = 100 * version + k;
	for (int i = 0; i < 4; i++)
		n.list[i] = version * 50 + i + k;
	return n;
}

static void send_one(const struct seams *s, __u64 ret[LINK_SLOTS])
{
	__u8 packet[LINK_PACKET] = {};
	__u32 verdict = seams_run(s, packet, sizeof(packet));

	if (verdict != XDP_PASS)
		diag("verdict %u", verdict);
	memcpy(ret, packet + LINK_OUT, 8 * LINK_SLOTS);
}

/* Who of the stages did not meet @version, or the defaults: -1. */
static size_t check_met(const struct seams *s, const struct user *const *list, size_t n,
			int version)
{
	__u64 got[LINK_SLOTS];
	size_t wrong = 0;

	send_one(s, got);
	for (size_t k = 0; k < n; k++) {
		struct numbers met = version < 0 ? defaults : numbers_of(k, version);
		__u64 want = list[k]->leaves(&met);

		if (got[k] == want)
			continue;
		diag("%s at %zu leaves %llu instead of %llu", list[k]->program, k, got[k], want);
		wrong++;
	}
	return wrong;
}

static void fill_versions(const struct seams *s, const struct user *const *list, size_t n)
{
	struct versions v = read_versions(s);

	for (size_t k = 0; k < n; k++) {
		_cleanup_free_ char *stage = text_fmt("u%zu", k);

		for (int version = 0; version < 2 && find_field(s, stage, "a"); version++)
			*in_version(&v, s, stage, version) = numbers_of(k, version);
	}
	write_versions(s, &v);
}

/* Defaults, one version, the other, the first again. */
static void check_users(const char *what, const struct seams_way *way,
			const struct user *const *list, size_t n)
{
	_cleanup_seams_ struct seams s = {};
	_cleanup_free_ char *stages = NULL;
	struct buf b = {};
	size_t wrong;

	for (size_t k = 0; k < n; k++)
		add_user(&b, list[k]->program, k);
	stages = end_list(&b);
	if (seams_plan(&s, way, "", stages) || seams_load(&s, way, NULL, 0)) {
		ok(false, "%s, %s: loads: %s", what, way->name, seams_error());
		return;
	}
	wrong = check_met(&s, list, n, -1);
	choose_version(&s, 1);
	wrong += check_met(&s, list, n, -1);
	fill_versions(&s, list, n);
	wrong += check_met(&s, list, n, 1);
	choose_version(&s, 0);
	wrong += check_met(&s, list, n, 0);
	is_int(wrong, 0, "%s, %s: what stages meet", what, way->name);
}

/* Each alone, each behind one that does not look, and in front of one that does. */
static void test_each(void)
{
	for (size_t i = 0; i < SEAMS_WAYS; i++)
		for (size_t u = 0; u < COUNT(users); u++) {
			const struct user *list[] = {&users[3], &users[u], &users[1]};

			if (users[u].leaves != one)
				check_users(users[u].program, &seams_ways[i], &list[1], 1);
			check_users(users[u].program, &seams_ways[i], list, 3);
		}
}

/* All that go together in one program; two of them twice. */
static void test_together(void)
{
	static const char *const names[] = {
		"call5", "direct", "call_unused", "variable", "indexed", "callback", "call_nested",
		"call3", "direct", "call_global", "tail",     "twice",   "leaf",     "call5",
	};
	const struct user *list[COUNT(names)];

	for (size_t k = 0; k < COUNT(names); k++)
		for (size_t u = 0; u < COUNT(users); u++)
			if (text_eq(users[u].program, names[k]))
				list[k] = &users[u];
	for (size_t i = 0; i < SEAMS_WAYS; i++)
		check_users("together", &seams_ways[i], list, COUNT(list));
}

/*
 * A stage deep in the stack beside one whose function has only just room: who is called must
 * be found with what the configuration takes.
 */
static void test_tight(void)
{
	static const struct user deepest = {"deepest", once}, deep = {"deep", once},
				 blind = {"blind", one}, blind_deep = {"blind_deep", one},
				 blind_call = {"blind_call", one}, tight = {"call_tight", plus1};
	const struct user *lists[][2] = {{&blind_deep, &tight}, {&blind_call, &deep}},
			  *alone[] = {&blind, &deepest};

	for (size_t i = 0; i < SEAMS_WAYS; i++) {
		for (size_t k = 0; k < COUNT(lists); k++)
			check_users("tight", &seams_ways[i], lists[k], 2);
		if (!seams_ways[i].called)
			check_users("deepest", &seams_ways[i], alone, 2);
	}
}

/* The version changes while a packet is inside: it keeps its own, the next has the other. */
static void check_flip(const struct seams_way *way, const char *before, const char *behind)
{
	_cleanup_seams_ struct seams first = {}, s = {};
	_cleanup_free_ char *stages = NULL;
	__u64 got[LINK_SLOTS];
	struct versions v;
	size_t wrong = 0;
	struct buf b = {};

	add_user(&b, before, 0);
	add_user(&b, "flip", 1);
	add_user(&b, behind, 2);
	add_user(&b, behind, 3);
	stages = end_list(&b);
	seams_start(&first, way, "", stages);
	if (seams_plan(&s, way, "", stages) ||
	    seams_load(&s, way,
		       (struct load_reuse[]){{CONTROL_SECTION, first.control},
					     {"u1__knob", first.control}},
		       2))
		bail_out("%s", seams_error());
	v = read_versions(&s);
	for (int version = 0; version < 2; version++)
		for (int k = 0; k < 4; k++) {
			char stage[] = {'u', '0' + k, '\0'};

			if (k != 1)
				*in_version(&v, &s, stage, version) = numbers_of(0, version);
		}
	write_versions(&s, &v);
	for (int packet = 0; packet < 4; packet++) {
		struct numbers met = numbers_of(0, packet % 2);

		send_one(&s, got);
		wrong += got[1] != (packet + 1) % 2; /* it is the other one by now */
		wrong += got[0] != link_sum(&met) || got[2] != got[0] || got[3] != got[0];
	}
	is_int(wrong, 0, "one version from the first stage to the last: %s, %s, %s", way->name,
	       before, behind);
}

static void test_flip(void)
{
	static const char *const pairs[][2] = {{"direct", "direct"},
					       {"direct", "call0"},
					       {"call0", "direct"},
					       {"call0", "variable"},
					       {"variable", "deep"}};

	for (size_t i = 0; i < SEAMS_WAYS; i++)
		for (size_t p = 0; p < COUNT(pairs); p++)
			check_flip(&seams_ways[i], pairs[p][0], pairs[p][1]);
}

static void test_fields(void)
{
	static const struct {
		const char *name;
		__u32 offset, size;
		bool has_range;
		__s64 min, max;
	} want[] = {
		{"small", offsetof(struct numbers, small), 1, true, 1, 200},
		{"a", offsetof(struct numbers, a), 4},
		{"b", offsetof(struct numbers, b), 8, true, -5, 1000000000000},
		{"in.low", offsetof(struct numbers, in.low), 2, true, 0, 10},
		{"in.high", offsetof(struct numbers, in.high), 2},
		{"list", offsetof(struct numbers, list), 16},
	};
	_cleanup_seams_ struct seams s = {};
	struct numbers found;
	struct versions v;
	struct buf b = {};
	_cleanup_free_ char *stages = NULL;

	add_user(&b, "direct", 0);
	add_user(&b, "blind", 1);
	add_user(&b, "call1", 2);
	stages = end_list(&b);
	seams_start(&s, &seams_ways[0], "", stages);
	is_int(s.image->fields.n, 2 * COUNT(want), "fields of two stages, none of who is blind");
	for (size_t i = 0; i < COUNT(want); i++) {
		const struct image_field *f = find_field(&s, "u0", want[i].name),
					 *g = find_field(&s, "u2", want[i].name);

		if (!ok(f && g, "%s is there", want[i].name))
			continue;
		is_int(f->offset, want[i].offset, "%s: its place", want[i].name);
		ok(g->offset >= sizeof(struct numbers) &&
			   g->offset + g->size <= s.image->config_size,
		   "%s: another place for the other stage", want[i].name);
		is_int(f->size, want[i].size, "%s: its size", want[i].name);
		is_int(f->has_range, want[i].has_range, "%s: has a range", want[i].name);
		ok(!f->has_range || (f->min == want[i].min && f->max == want[i].max),
		   "%s: %lld to %lld", want[i].name, f->min, f->max);
	}
	v = read_versions(&s);
	for (int version = 0; version < 2; version++) {
		memcpy(&found, in_version(&v, &s, "u2", version), sizeof(found));
		is_mem(&found, &defaults, sizeof(found), "defaults in version %d", version);
	}
}

/* Two variables: fields have their names in front. */
static void test_two(const struct seams_way *way)
{
	static const char stages[] =
		"[{name: u0, object: config_two.bpf.o, program: two, constants: {slot: 0}}, "
		"{name: u1, object: config_two.bpf.o, program: two, constants: {slot: 1}}]";
	const struct image_field *extra, *other;
	_cleanup_seams_ struct seams s = {};
	__u64 got[LINK_SLOTS];
	struct versions v;
	__u32 value = 50;

	seams_start(&s, way, "", stages);
	extra = find_field(&s, "u0", "extra");
	if (!ok(extra && find_field(&s, "u0", "numbers.in.low"), "fields of both"))
		return;
	other = find_field(&s, "u1", "numbers.small");
	ok(other && other->offset > extra->offset && other->offset % 8 == 0,
	   "the next stage's begin aligned");
	ok(extra->has_range && extra->min == 1 && extra->max == 99, "a range of a variable");
	send_one(&s, got);
	is_int(got[0], link_sum(&defaults) + 3 * 9, "defaults of both, %s", way->name);
	v = read_versions(&s);
	memcpy(v.bytes + v.one + extra->offset, &value, sizeof(value));
	write_versions(&s, &v);
	choose_version(&s, 1);
	send_one(&s, got);
	is_int(got[0], link_sum(&defaults) + 3 * 50, "one is changed, %s", way->name);
}

/* A stage and its candidate have fields of their own, each. */
static void test_candidate(void)
{
	static const char stages[] =
		"[{name: u0, object: config_link.bpf.o, program: call2, constants: {slot: 0}, "
		"rollout: {object: config_link.bpf.o, seed: 1}}]";

	for (size_t i = 0; i < SEAMS_WAYS; i++) {
		_cleanup_seams_ struct seams s = {};
		struct numbers old = numbers_of(1, 1), new = numbers_of(2, 1);
		__u64 got[LINK_SLOTS];
		struct control c;
		struct versions v;

		seams_start(&s, &seams_ways[i], "", stages);
		v = read_versions(&s);
		*in_version(&v, &s, "u0", 1) = old;
		*in_version(&v, &s, "u0@new", 1) = new;
		write_versions(&s, &v);
		choose_version(&s, 1);
		send_one(&s, got);
		is_int(got[0], 5 + link_sum(&old), "the old version has its own, %s",
		       seams_ways[i].name);
		c = seams_control(&s);
		c.share = 65536;
		seams_set_control(&s, &c);
		send_one(&s, got);
		is_int(got[0], 5 + link_sum(&new), "the new one, too");
	}
}

/* Whose map a candidate has: its stage's, that of all members, or its own. */
static void test_candidate_maps(void)
{
	static const struct {
		const char *what, *pipeline, *share;
		bool same;
	} cases[] = {
		{"of its own", "", "false", false},
		{"of its stage", "", "true", true},
		{"of all members", "shared-maps: {both: [u0.knob, u1.knob]}, ", "false", true},
		{"of all members, and its stage", "shared-maps: {both: [u1.knob, u0.knob]}, ",
		 "true", true},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		_cleanup_free_ char *stages =
			text_fmt("[{name: u0, object: config_link.bpf.o, program: flip, rollout: "
				 "{object: config_link.bpf.o, seed: 1, share-maps: %s}, "
				 "maps: {knob: {max-entries: 2}}}, "
				 "{name: u1, object: config_link.bpf.o, program: flip}]",
				 cases[i].share);
		_cleanup_seams_ struct seams s = {};
		const struct image_map *old, *new;

		seams_start(&s, &seams_ways[i % 2], cases[i].pipeline, stages);
		old = image_find_map(s.image, seams_stage(&s, "u0"), "knob");
		new = image_find_map(s.image, seams_stage(&s, "u0@new"), "knob");
		ok(old && new && (old == new) == cases[i].same, "a map %s", cases[i].what);
		is_int(new ? new->def.max_entries : 0, 2, "as large as it is said");
	}
}

/* With gates and branches around it, and nobody in the first program who looks. */
static void test_in_branches(void)
{
	static const char stages[] =
		"[{name: u0, object: config_link.bpf.o, program: blind, constants: {slot: 0}}, "
		"{name: by, switch: result, cases: ["
		"{when: [pass], stages: [{name: u1, object: config_link.bpf.o, program: call5, "
		"constants: {slot: 1}}, {name: u2, object: config_link.bpf.o, program: deep, "
		"constants: {slot: 2}}]}], default: [{name: u3, object: config_link.bpf.o, "
		"program: direct, constants: {slot: 3}}]}, "
		"{name: u4, object: config_link.bpf.o, program: twice, constants: {slot: 4}}]";
	const __u64 sum = link_sum(&defaults);

	for (size_t i = 0; i < SEAMS_WAYS; i++) {
		_cleanup_seams_ struct seams s = {};
		__u64 got[LINK_SLOTS];

		seams_start(&s, &seams_ways[i], "", stages);
		send_one(&s, got);
		ok(got[1] == sum + 55 && got[2] == sum && !got[3] && got[4] == 2 * sum,
		   "in a branch, %s", seams_ways[i].name);
		seams_bypass(&s, "u0 u4");
		send_one(&s, got);
		ok(!got[0] && !got[1] && !got[2] && got[3] == sum && !got[4],
		   "in the other one, %s", seams_ways[i].name);
		seams_bypass(&s, "u0 u3");
		send_one(&s, got);
		ok(!got[3] && got[4] == 2 * sum, "past it, %s", seams_ways[i].name);
	}
}

static void test_no_room(void)
{
	static const char stages[] = "[{name: u0, object: config_link.bpf.o, program: call_full}]";
	_cleanup_seams_ struct seams s = {};

	is_int(seams_plan(&s, &seams_ways[0], "", stages)
		       ?: seams_load(&s, &seams_ways[0], NULL, 0),
	       -EOVERFLOW, "a function that leaves no room");
	ok(strstr(seams_error(), "full") && strstr(seams_error(), "stack"), "is named: %s",
	   seams_error());
}

static void test_signals(const struct seams_way *way)
{
	_cleanup_seams_ struct seams s = {};
	_cleanup_free_ char *stages = NULL;
	__u64 got[LINK_SLOTS];
	struct control c;
	struct buf b = {};

	add_user(&b, "look", 0);
	add_user(&b, "blind", 1);
	add_user(&b, "look_both", 2);
	add_user(&b, "look", 3);
	stages = end_list(&b);
	seams_start(&s, way, "", stages);
	send_one(&s, got);
	ok(!got[0] && !got[3], "no signal, %s", way->name);
	c = seams_control(&s);
	for (__u32 k = 0; k < CONTROL_STAGES; k++)
		c.signals[k] = 1000 + k;
	seams_set_control(&s, &c);
	send_one(&s, got);
	is_int(got[0], 1000, "its own, %s", way->name);
	is_int(got[2], (1ll << 40) + 1002 + link_sum(&defaults), "in a function, %s", way->name);
	is_int(got[3], 1003, "of a stage that is there twice, %s", way->name);
}

static void test_no_signals(void)
{
	static const char stages[] = "[{name: u0, object: config_link.bpf.o, program: look}]";
	_cleanup_seams_ struct seams s = {};
	__u64 got[LINK_SLOTS];

	seams_start(&s, &seams_ways[0], "signals: none, ", stages);
	is_int(s.control, -1, "no control block");
	send_one(&s, got);
	is_int(got[0], 0, "then a signal is a constant 0");
}

int main(int argc, char **argv)
{
	if (argc < 2)
		bail_out("usage: config_link_test FOLDER");
	seams_folder = argv[1];
	net_init();
	test_each();
	test_together();
	test_tight();
	test_flip();
	test_fields();
	for (size_t i = 0; i < SEAMS_WAYS; i++)
		test_two(&seams_ways[i]);
	test_candidate();
	test_candidate_maps();
	test_in_branches();
	test_no_room();
	for (size_t i = 0; i < SEAMS_WAYS; i++)
		test_signals(&seams_ways[i]);
	test_no_signals();
	return done();
}
