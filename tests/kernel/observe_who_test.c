/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which packets an observer looks at, and which of their events it wants; several at once, each
 * for itself; what there is no room for; times. Without any of them nothing is another thing.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/text.h"
#include "cbpf_pcap.h"
#include "graph_common.h"
#include "observe_common.h"

static const struct seams_way fused = {"fused", STRATEGY_AUTO};
static const struct seams_way tailcall = {"tailcall", STRATEGY_TAILCALL};
static const struct seams_way *const ways[] = {&fused, &tailcall};
#define THREE "[" MARK(1, "mark") ", " MARK(2, "mark") ", " MARK(3, "mark") "]"

/* Sends it @n times; stage @asks returns @answer. */
static void send(const struct look *l, packet_maker *make, int n, __u8 asks, __u8 answer)
{
	struct trip t = {make, .asks = asks, .answer = answer};

	for (int i = 0; i < n; i++) {
		struct pkt p;

		graph_make(&p, &t);
		look_run(l, p.data, p.len);
	}
}

static void start(struct look *l, const struct seams_way *way, const struct observe_set *set)
{
	_cleanup_free_ char *text = graph_words(THREE);

	look_start(l, way, set, "signals: stages, ", text);
}

static void test_sample(const struct seams_way *way)
{
	static const struct observe_set set = {
		.slots[2] = {.used = true, .settings = {.what = OBSERVE_EVENTS}}};
	_cleanup_look_ struct look l = {};
	struct seen *seen;
	__u64 lease, n;

	start(&l, way, &set);
	send(&l, udp4, 10, 0, 0);
	is_int(look_state(&l, 2).packets, 10, "%s: all packets", way->name);
	is_int(look_read(&l, 2, &seen), 40, "%s: and their events", way->name);
	l.controls[2]->sample = 1u << 30;
	send(&l, udp4, 4000, 0, 0);
	n = look_state(&l, 2).packets - 10;
	ok(n > 800 && n < 1200, "%s: a quarter of 4000: %llu", way->name, n);
	look_drain(&l, 2);
	l.controls[2]->sample = 0;
	send(&l, udp4, 100, 0, 0);
	is_int(look_read(&l, 2, &seen), 0, "%s: none", way->name);
	l.controls[2]->sample = 1ull << 32;
	lease = l.controls[2]->lease;
	l.controls[2]->lease = 1;
	send(&l, udp4, 100, 0, 0);
	is_int(look_read(&l, 2, &seen), 0, "%s: nobody looks any more", way->name);
	l.controls[2]->lease = lease;
	send(&l, udp4, 1, 0, 0);
	is_str(look_text(&l, 2), "> m1:2 m2:2 m3:2!", "%s: and somebody again", way->name);
}

/* Each has a filter, a sample and wishes of its own. */
static void test_several(const struct seams_way *way)
{
	_cleanup_free_ struct braid_filter *udp = NULL, *ip6 = NULL;
	size_t n_udp = pcap_filter("udp port 53", &udp), n_ip6 = pcap_filter("ip6", &ip6);
	__u32 drops = text_eq(seams_hook, "xdp") ? 1u << XDP_ABORTED | 1u << XDP_DROP : 1u << 2;
	__u32 passes = text_eq(seams_hook, "xdp") ? 1u << XDP_PASS : 1u << 31;
	struct observe_set set = {
		.slots = {
			[0] = {.used = true, .settings = {.what = OBSERVE_EVENTS, .snap = 64}},
			[1] = {.used = true,
			       .settings = {.what = OBSERVE_EVENTS, .snap = 20},
			       .filter = udp,
			       .n_filter = n_udp},
			[2] = {.used = true,
			       .settings = {.what = OBSERVE_EVENTS | OBSERVE_TIMES},
			       .filter = ip6,
			       .n_filter = n_ip6},
			[3] = {.used = true, .settings = {.what = OBSERVE_EVENTS, .leaves = drops}},
			[4] = {.used = true, .settings = {.what = OBSERVE_TIMES}},
			[5] = {.used = true,
			       .settings = {.what = OBSERVE_EVENTS, .leaves = passes},
			       .filter = udp,
			       .n_filter = n_udp},
			[6] = {.used = true, .settings = {.what = OBSERVE_EVENTS}},
			[7] = {.used = true, .settings = {.what = OBSERVE_EVENTS}},
		}};
	_cleanup_look_ struct look l = {};
	struct seen *seen;

	start(&l, way, &set);
	l.controls[6]->sample = 0;
	send(&l, udp4, 1, 0, 0);
	send(&l, udp6, 1, 2, XDP_DROP);
	send(&l, udp4, 1, 2, STAGE_SAYS_ACCEPT);
	is_str(look_text(&l, 0), "> m1:2 m2:2 m3:2! > m1:2 m2:1! > m1:2 m2:accept!",
	       "%s: all of all", way->name);
	is_str(look_text(&l, 7), "> m1:2 m2:2 m3:2! > m1:2 m2:1! > m1:2 m2:accept!",
	       "%s: the last one, too", way->name);
	is_int(look_read(&l, 1, &seen), 7, "%s: a filter", way->name);
	is_int(seen[3].e.captured, 20, "%s: as many bytes as it asked for", way->name);
	is_int(seen[3].e.spent, 0, "%s: who asked for no times has none", way->name);
	is_int(look_read(&l, 2, &seen), 3, "%s: another filter", way->name);
	is_int(seen[0].e.captured, 0, "%s: no bytes", way->name);
	ok(seen[0].e.packet != seen[0].e.length, "%s: a packet has a number", way->name);
	is_str(look_text(&l, 3), "m2:1!", "%s: who is dropped", way->name);
	is_str(look_text(&l, 5), "m3:2! m2:accept!", "%s: who passes, of some", way->name);
	is_str(look_text(&l, 6), "", "%s: nobody", way->name);
	is_int(look_times(&l, 4, 0).n, 3, "%s: times of all", way->name);
	is_int(look_times(&l, 2, 0).n, 1, "%s: times of some", way->name);
}

static __u64 sum_of(const struct observe_times *t)
{
	__u64 n = 0;

	for (int i = 0; i < OBSERVE_BUCKETS; i++)
		n += t->buckets[i];
	return n;
}

/* Counts are exact. What it took can only be said to be something. */
static void test_times(const struct seams_way *way)
{
	static const struct observe_set set = {
		.slots[0] = {.used = true, .settings = {.what = OBSERVE_TIMES}}};
	static const struct {
		__u32 index;
		__u64 n;
		const char *what;
	} want[] = {
		{0, 30, "the first stage"},
		{1, 20, "the second, paused for a while"},
		{2, 25, "the third, behind which some left"},
		{3 + OBSERVE_WHOLE, 30, "the whole"},
		{3 + OBSERVE_CLOCK, 30, "the clock"},
	};
	_cleanup_look_ struct look l = {};
	__u64 stages = 0;

	start(&l, way, &set);
	is_int(loaded_map(l.s.loaded, "_observe0__events"), -1, "%s: no ring", way->name);
	send(&l, udp4, 15, 0, 0);
	send(&l, udp4, 5, 2, XDP_DROP);
	seams_bypass(&l.s, "m2");
	send(&l, udp4, 10, 0, 0);
	for (size_t i = 0; i < COUNT(want); i++) {
		struct observe_times t = look_times(&l, 0, want[i].index);

		is_int(t.n, want[i].n, "%s: %s", way->name, want[i].what);
		is_int(sum_of(&t), want[i].n, "%s: %s: in buckets", way->name, want[i].what);
		ok(t.sum >= t.n, "%s: %s: it takes time", way->name, want[i].what);
		if (want[i].index < 3)
			stages += t.sum;
		else if (want[i].index == 3 + OBSERVE_WHOLE)
			is_int(t.sum, stages, "%s: the whole is all of them", way->name);
	}
}

static void test_buckets(void)
{
	__u64 values[] = {0, 1, 7, 8, 9, 15, 16, 17, 18, 31, 32, 35, 36, 1000, 65535, 65536};
	__u32 last = 0, wrong = 0;

	for (__u64 v = 0; v < 100000; v++) {
		__u32 b = observe_bucket(v);

		wrong += b != last && b != last + 1;
		last = b;
	}
	is_int(wrong, 0, "buckets follow each other");
	for (size_t i = 0; i < COUNT(values); i++)
		for (int shift = 0; shift < 40; shift++)
			wrong += observe_bucket(values[i] << shift) >= OBSERVE_BUCKETS;
	is_int(wrong, 0, "there is one for each time");
	is_int(observe_bucket(8), 8, "the first with a power");
	is_int(observe_bucket(16), 16, "the second");
	is_int(observe_bucket(17), 16, "two in one");
	is_int(observe_bucket(0xffffffff), OBSERVE_BUCKETS - 1, "the last");
	is_int(observe_bucket(1ull << 40), OBSERVE_BUCKETS - 1, "and beyond");
}

/* The ring is full; what there is no room for is counted. */
static void test_missed(void)
{
	struct observe_set set = {.slots[1] = {.used = true,
					       .settings = {.what = OBSERVE_EVENTS, .snap = 64},
					       .ring = getpagesize()}};
	_cleanup_look_ struct look l = {};
	struct seen *seen;
	__u64 n, missed;

	start(&l, &fused, &set);
	send(&l, udp4, 50, 0, 0);
	missed = look_state(&l, 1).missed;
	n = look_read(&l, 1, &seen);
	ok(n > 10 && missed, "a small ring: %llu events, %llu missed", n, missed);
	is_int(n + missed, 200, "which is all");
	is_int(look_state(&l, 1).packets, 50, "of all packets");
	send(&l, udp4, 1, 0, 0);
	is_int(look_read(&l, 1, &seen), 4, "when there is room, nothing is missed");
	is_int(look_state(&l, 1).missed, missed, "nor counted");
}

static void check_same(const char *what, const struct seams *a, const struct seams *b)
{
	ok(a->image->size == b->image->size &&
		   !memcmp(a->image->elf, b->image->elf, a->image->size),
	   "%s: the same bytes", what);
}

/* Nobody looks: not one instruction is another one. */
static void test_nobody(const struct seams_way *way)
{
	static const struct observe_set none;
	_cleanup_free_ char *stages = graph_words(THREE);
	struct seams_way watched = *way;
	_cleanup_seams_ struct seams base = {}, empty = {};

	seams_start(&base, way, "signals: stages, ", stages);
	watched.observe = &none;
	seams_start(&empty, &watched, "signals: stages, ", stages);
	check_same(way->name, &base, &empty);
	array_foreach (m, &empty.image->maps)
		if (m->observer)
			ok(false, "%s: %s is an observer's", way->name, m->symbol);
}

static void test_maps(void)
{
	static const struct observe_set set = {
		.slots = {
			[0] = {.used = true, .settings = {.what = OBSERVE_EVENTS}, .ring = 1 << 16},
			[3] = {.used = true, .settings = {.what = OBSERVE_TIMES}},
		}};
	static const struct {
		const char *symbol, *name;
		__u32 slot, n;
	} want[] = {
		{"_observe0__events", "events", 0, 1 << 16}, {"_observe0__state", "state", 0, 1},
		{".data._observe0", "control", 0, 0},        {"_observe3__times", "times", 3, 5},
		{"_observe3__state", "state", 3, 1},         {".data._observe3", "control", 3, 0},
	};
	_cleanup_look_ struct look l = {};
	size_t n = 0;

	start(&l, &fused, &set);
	array_foreach (m, &l.s.image->maps) {
		if (!m->observer)
			continue;
		if (n < COUNT(want)) {
			is_str(m->symbol, want[n].symbol, "an observer's map");
			is_str(m->name, want[n].name, "its name");
			is_int(m->slot, want[n].slot, "whose it is");
			is_int(m->def.max_entries, want[n].n, "its size");
			ok(m->braid && !m->stage, "no stage's");
		}
		n++;
	}
	is_int(n, COUNT(want), "and no other");
}

/* A program may use 64 maps: with those of observers it becomes two, and all goes on as before. */
#define WITH_MAPS 50
static void test_many_maps(void)
{
	struct observe_set set = {};
	struct seams_way way = fused;
	struct buf stages = {};
	_cleanup_seams_ struct seams base = {};
	_cleanup_look_ struct look l = {};
	struct seen *seen;
	struct pkt p = {};

	for (int i = 0; i < WITH_MAPS; i++)
		buf_fmt(&stages, "%s{name: c%d, object: skb_count.bpf.o}", i ? ", " : "[", i);
	buf_str(&stages, "]");
	for (int i = 0; i < OBSERVE_SLOTS; i++)
		set.slots[i] = (struct observe_slot){
			.used = true, .settings.what = OBSERVE_EVENTS | OBSERVE_TIMES};
	seams_start(&base, &way, "", stages.v);
	is_int(base.plan->segments.n, 1, "%d stages with a map each: a program", WITH_MAPS);
	look_start(&l, &way, &set, "", stages.v);
	is_int(l.s.plan->segments.n, 2, "with eight who look: two");
	udp4(&p);
	look_run(&l, p.data, p.len);
	for (int i = 0; i < OBSERVE_SLOTS; i++) {
		is_int(look_read(&l, i, &seen), WITH_MAPS + 1, "who is number %d sees all", i);
		is_int(seen[WITH_MAPS].e.point, WITH_MAPS - 1, "… to the last");
		is_int(look_times(&l, i, WITH_MAPS + OBSERVE_WHOLE).n, 1, "… and the whole");
	}
	buf_done(&stages);
}

static void test_refused(void)
{
	static const __u32 nowhere[] = {3};
	static const struct braid_filter endless[] = {{0x05, 0, 0, 7}};
	static const struct {
		struct observe_slot slot;
		const char *says;
	} cases[] = {
		{{.used = true}, "edge|an observer asks for neither events nor times||"},
		{{.used = true, .settings = {.what = OBSERVE_EVENTS, .snap = 65536}},
		 "edge|an observer asks for more bytes of a packet than it can have||"},
		{{.used = true, .settings = {.what = OBSERVE_EVENTS}, .ring = 5000},
		 "edge|an observer asks for a ring whose size is no power of 2, or not one of "
		 "pages||"},
		{{.used = true,
		  .settings = {.what = OBSERVE_EVENTS},
		  .before = nowhere,
		  .n_before = 1},
		 "edge|an observer asks for events in front of a stage that is not there||"},
		{{.used = true,
		  .settings = {.what = OBSERVE_EVENTS},
		  .filter = endless,
		  .n_filter = 1},
		 "filter|instruction 0 jumps beyond the end||"},
	};
	_cleanup_free_ char *stages = graph_words(THREE);

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct observe_set set = {.slots[4] = cases[i].slot};
		struct seams_way way = {"refused", STRATEGY_AUTO, .observe = &set};
		_cleanup_seams_ struct seams s = {};

		is_int(seams_plan(&s, &way, "", stages), -EINVAL, "refused");
		is_str(seams_error(), cases[i].says, "and said");
	}
}

int main(int argc, char **argv)
{
	if (argc < 2)
		bail_out("usage: observe_who_test FOLDER");
	seams_folder = argv[1];
	for (int tc = 0; tc < 2; tc++) {
		seams_hook = tc ? "tc-egress" : "xdp";
		for (size_t w = 0; w < COUNT(ways); w++) {
			test_sample(ways[w]);
			test_several(ways[w]);
			test_times(ways[w]);
		}
		test_missed();
	}
	test_many_maps();
	seams_hook = "xdp";
	test_buckets();
	for (size_t w = 0; w < SEAMS_WAYS; w++)
		test_nobody(&seams_ways[w]);
	test_maps();
	test_refused();

	return done();
}
