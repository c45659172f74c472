/* SPDX-License-Identifier: GPL-2.0-only */
/* Who looks at a packet sees each seam that it comes to, in order, and changes nothing. */
#include <bpf/bpf.h>
#include <string.h>

#include "base/text.h"
#include "compose/rollout_abi.h"
#include "graph_common.h"
#include "net.h"
#include "observe_common.h"

/* Takes least of the stack: a stage that fills it can be seen. */
static const struct observe_set looks_least = {
	.slots = {
		[0] = {.used = true, .settings = {.what = OBSERVE_EVENTS, .snap = 64}},
		[7] = {.used = true, .settings = {.what = OBSERVE_EVENTS}},
	}};

/* Twice: who is not the first sees the same; and one that times, which takes more code. */
static const struct observe_set looks = {
	.slots = {
		[0] = {.used = true, .settings = {.what = OBSERVE_EVENTS, .snap = 64}},
		[5] = {.used = true, .settings = {.what = OBSERVE_TIMES}},
		[7] = {.used = true, .settings = {.what = OBSERVE_EVENTS | OBSERVE_TIMES}},
	}};

/* The same, but also in front of stages. */
static const __u32 before[] = {0, 2};
static const struct observe_set looks_before = {
	.slots = {
		[0] = {.used = true,
		       .settings = {.what = OBSERVE_EVENTS, .snap = 64},
		       .before = before,
		       .n_before = COUNT(before)},
		[1] = {.used = true, .settings = {.what = OBSERVE_EVENTS | OBSERVE_TIMES}},
		[7] = {.used = true,
		       .settings = {.what = OBSERVE_EVENTS | OBSERVE_TIMES},
		       .before = before,
		       .n_before = COUNT(before)},
	}};

struct sight {
	struct trip t;
	const char *sees;
};

static size_t check_sights(struct look *l, const char *what, const struct sight *sights, size_t n)
{
	size_t wrong = 0;

	for (size_t i = 0; i < n; i++)
		for (int slot = 0; slot < 8; slot += 7) {
			const char *sees;

			if (!slot)
				wrong += graph_check(&l->s, &sights[i].t, what);
			sees = look_text(l, slot);
			if (text_eq(sees, sights[i].sees))
				continue;
			diag("%s: slot %d saw '%s' instead of '%s'", what, slot, sees,
			     sights[i].sees);
			wrong++;
		}
	return wrong;
}

/* In each way, whatever the stages do with registers and the stack. */
static size_t check_set(const char *name, size_t way, int mix, const struct observe_set *set,
			const char *keys, const char *stages, const struct sight *sights, size_t n)
{
	_cleanup_free_ char *what = text_fmt("%s, %s, %s, mix %d", seams_hook, name,
					     seams_ways[way].name, mix);
	_cleanup_free_ char *pipeline = graph_words(keys);
	_cleanup_free_ char *text = graph_stages(stages, graph_mixes[mix]);
	_cleanup_look_ struct look l = {};

	look_start(&l, &seams_ways[way], set, pipeline, text);
	return check_sights(&l, what, sights, n);
}

/* Of the stages of this mix one fills the stack: beside it there is no room for times. */
#define DEEP_MIX 2

static void test_sights(const char *name, const char *keys, const char *stages,
			const struct sight *sights, size_t n)
{
	size_t wrong = 0;

	for (size_t w = 0; w < SEAMS_WAYS; w++)
		for (int m = 0; m < GRAPH_MIXES; m++)
			wrong += check_set(name, w, m, m == DEEP_MIX ? &looks_least : &looks, keys,
					   stages, sights, n);
	is_int(wrong, 0, "%s, %s: each seam is seen, in order", seams_hook, name);
}

static void test_chain(void)
{
	static const struct sight sights[] = {
		{{udp4, "123", XDP_PASS}, "> m1:2 m2:2 m3:2!"},
		{{udp4, "12", XDP_DROP, 2, XDP_DROP}, "> m1:2 m2:1!"},
		{{udp4, "12", XDP_PASS, 2, STAGE_SAYS_ACCEPT}, "> m1:2 m2:accept!"},
		{{udp4, "123", XDP_TX, 3, XDP_TX}, "> m1:2 m2:2 m3:3!"},
		{{udp4, "1", XDP_REDIRECT, 1, XDP_REDIRECT}, "> m1:4!"},
		{{udp4, "13", XDP_PASS, .paused = "m2"}, "> m1:2 m3:2!"},
		{{udp4, "12", XDP_PASS, .paused = "m3"}, "> m1:2 m2:2 $:2!"},
		{{udp4, "", XDP_PASS, .paused = "m1 m2 m3"}, "> $:2!"},
	};

	test_sights("a chain", "signals: stages, ", "[" M(1) ", " M(2) ", " M(3) "]", sights,
		    COUNT(sights));
}

/* The end has a verdict of its own: the packet leaves with that, not with the last stage's. */
static void test_final(void)
{
	static const struct sight sights[] = {
		{{udp4, "12", XDP_TX}, "> m1:2 m2:2 $:3!"},
		{{udp4, "12", XDP_DROP, 2, XDP_DROP}, "> m1:2 m2:1!"},
		{{udp4, "1", XDP_TX, .paused = "m2"}, "> m1:2 $:3!"},
		{{udp4, "12", XDP_PASS, 2, STAGE_SAYS_ACCEPT}, "> m1:2 m2:accept!"},
	};

	test_sights("an end", "final: tx, signals: stages, ", "[" M(1) ", " M(2) "]", sights,
		    COUNT(sights));
}

/* What chooses is no stage, and not seen; who is asked for a result does not leave with it. */
static void test_choices(void)
{
	static const struct sight sights[] = {
		{{tcp4, "124", XDP_PASS}, "> m1:2 m2:2 m4:2!"},
		{{udp4, "134", XDP_PASS}, "> m1:2 m3:2 m4:2!"},
		{{udp4, "13", XDP_DROP, 3, XDP_DROP}, "> m1:2 m3:1!"},
		{{arp, "14", XDP_PASS}, "> m1:2 m4:2!"},
		{{tcp4, "12", XDP_PASS, .paused = "m4"}, "> m1:2 m2:2 $:2!"},
	};
	static const struct sight results[] = {
		{{udp4, "13", XDP_PASS, 1, 7}, "> m1:7 m3:2!"},
		{{udp4, "123", XDP_PASS, 1, 1}, "> m1:1 m2:2 m3:2!"},
	};
	static const struct sight empty[] = {
		{{udp4, "12", XDP_PASS}, "> m1:2 m2:2!"},
		{{arp, "1", XDP_PASS}, "> m1:2 $:2!"},
	};

	test_sights("a choice", "signals: stages, ",
		    "[" M(1) ", " SWITCH("a", "protocol", WHEN("tcp", M(2)) ", " WHEN("udp", M(3)),
					 "") ", " M(4) "]",
		    sights, COUNT(sights));
	if (text_eq(seams_hook, "xdp"))
		test_sights("a result", "",
			    "[" M(1) ", " SWITCH("a", "result", WHEN("7", ""), M(2)) ", " M(3) "]",
			    results, COUNT(results));
	test_sights("a choice at the end", "",
		    "[" M(1) ", " SWITCH("a", "protocol", WHEN("udp", M(2)), "") "]", empty,
		    COUNT(empty));
}

/* Further than a jump reaches: what leaves, and what goes on, is taken there. */
static void test_long(void)
{
	static const struct sight sights[] = {
		{{udp4, "123", XDP_PASS}, "> m1:2 m2:2 m3:2!"},
		{{udp4, "1", XDP_DROP, 1, XDP_DROP}, "> m1:1!"},
		{{udp4, "3", XDP_PASS, .paused = "m1 m2"}, "> m3:2!"},
		{{udp4, "1", XDP_PASS, .paused = "m2 m3"}, "> m1:2 $:2!"},
	};
	_cleanup_free_ char *stages =
		graph_words("[" LONG(1) ", " LONG(2) ", " MARK(3, "mark") "]");
	size_t wrong = 0;

	for (size_t w = 0; w < SEAMS_WAYS; w++) {
		_cleanup_look_ struct look l = {};

		look_start(&l, &seams_ways[w], &looks, "signals: stages, ", stages);
		wrong += check_sights(&l, seams_ways[w].name, sights, COUNT(sights));
	}
	is_int(wrong, 0, "%s, long stages: each seam is seen, in order", seams_hook);
}

/* In front of a stage is behind its gate: who is paused is not come to. */
static void test_before(void)
{
	static const struct sight sights[] = {
		{{udp4, "123", XDP_PASS}, "> <m1 m1:2 m2:2 <m3 m3:2!"},
		{{udp4, "12", XDP_DROP, 2, XDP_DROP}, "> <m1 m1:2 m2:1!"},
		{{udp4, "23", XDP_PASS, .paused = "m1"}, "> m2:2 <m3 m3:2!"},
		{{udp4, "12", XDP_PASS, .paused = "m3"}, "> <m1 m1:2 m2:2 $:2!"},
	};

	size_t wrong = 0;

	for (size_t w = 0; w < SEAMS_WAYS; w++)
		for (int m = 0; m < GRAPH_MIXES; m++)
			if (m != DEEP_MIX)
				wrong += check_set(
					"in front", w, m, &looks_before, "signals: stages, ",
					"[" M(1) ", " M(2) ", " M(3) "]", sights, COUNT(sights));
	is_int(wrong, 0, "%s: in front of stages", seams_hook);
}

static void test_rollout(const struct seams_way *way)
{
	static const struct sight old[] = {
		{{tcp4, "12", XDP_PASS}, "> m1:2 m2:2!"},
		{{tcp4, "1", XDP_DROP, 1, XDP_DROP}, "> m1:1!"},
	};
	static const struct sight new[] = {
		{{tcp4, "a2", XDP_PASS}, "> m1@new:2 m2:2!"},
		{{tcp4, "a", XDP_DROP, 1, XDP_DROP}, "> m1@new:1!"},
	};
	_cleanup_free_ char *stages = graph_words(
		"[{name: m1, object: graph_stage.bpf.o, program: mark, constants: {id: 1}, "
		"rollout: {object: graph_new.bpf.o, seed: 77}}, " MARK(2, "mark_var") "]");
	_cleanup_look_ struct look l = {};
	struct control c;
	size_t wrong;

	look_start(&l, way, &looks, "", stages);
	wrong = check_sights(&l, "share 0", old, COUNT(old));
	c = seams_control(&l.s);
	c.share = ROLLOUT_WHOLE;
	seams_set_control(&l.s, &c);
	wrong += check_sights(&l, "share 1", new, COUNT(new));
	is_int(wrong, 0, "%s, a rollout, %s: each version is seen", seams_hook, way->name);
}

/* Who is not let in is not seen. */
static void test_closed(const struct seams_way *way)
{
	_cleanup_free_ char *stages = graph_words("[" MARK(1, "mark") ", " MARK(2, "mark") "]");
	static const struct trip t = {tcp4, "", XDP_DROP};
	_cleanup_look_ struct look l = {};
	struct control c;
	size_t wrong;

	look_start(&l, way, &looks, "", stages);
	c = seams_control(&l.s);
	c.closed = 1;
	c.verdict = graph_verdict(XDP_DROP);
	seams_set_control(&l.s, &c);
	wrong = graph_check(&l.s, &t, "closed");
	is_str(look_text(&l, 0), "", "%s, closed, %s: no event", seams_hook, way->name);
	is_int(wrong + look_state(&l, 0).packets, 0, "… and no packet");
}

/* The way between two programs is not there: nobody's verdict, and it is seen. */
static void test_lost(void)
{
	static const struct seams_way way = {"tailcall", STRATEGY_TAILCALL};
	_cleanup_free_ char *stages = graph_words("[" MARK(1, "mark") ", " MARK(2, "mark") "]");
	bool tc = !text_eq(seams_hook, "xdp");
	struct trip t = {tcp4, "1", tc ? XDP_DROP : XDP_ABORTED};
	_cleanup_look_ struct look l = {};
	__u32 second = 1;
	size_t wrong;

	look_start(&l, &way, &looks, "", stages);
	if (bpf_map_delete_elem(loaded_map(l.s.loaded, IMAGE_JUMPS), &second))
		bail_out("the second program stays");
	wrong = graph_check(&l.s, &t, "lost");
	is_int(wrong, 0, "%s: a tail call that fails ends the packet", seams_hook);
	is_str(look_text(&l, 7), tc ? "> m1:2 ?:1!" : "> m1:2 ?:0!", "… and is seen");
}

int main(int argc, char **argv)
{
	if (argc < 2)
		bail_out("usage: observe_test FOLDER");
	seams_folder = argv[1];
	net_init();
	for (int tc = 0; tc < 2; tc++) {
		seams_hook = tc ? "tc-ingress" : "xdp";
		test_chain();
		test_final();
		test_choices();
		test_before();
		test_long();
		for (size_t w = 0; w < SEAMS_WAYS; w++) {
			test_rollout(&seams_ways[w]);
			test_closed(&seams_ways[w]);
		}
		test_lost();
	}
	return done();
}
