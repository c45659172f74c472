/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * From the tree of a manifest to the plan: which stages there are, where each leads to, which of
 * them are one program. What packets make of it: kernel/graph.
 */
#include <errno.h>
#include <linux/bpf.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "compose/image.h"
#include "tap.h"

static const char *folder;
static struct braid_error err;

#define S(name)   "{name: " name ", object: stage.o, program: words}"
#define OFF(name) "{name: " name ", object: stage.o, program: words, disabled: true}"
#define ROLLED(name)                                                                               \
	"{name: " name ", object: stage.o, program: words, rollout: {object: stage.o, seed: 5}}"
#define CROWD(name) "{name: " name ", object: crowd.o}"
#define LONG(name)  "{name: " name ", object: long.o}"
#define SWITCH(name, field, cases, rest)                                                           \
	"{name: " name ", switch: " field ", cases: [" cases "], default: [" rest "]}"
#define WHEN(values, stages) "{when: [" values "], stages: [" stages "]}"

struct plan {
	struct braid_manifest *manifest;
	struct braid_plan *plan;
	char *text;
};

static void plan_done(struct plan *p)
{
	free(p->text);
	braid_plan_free(p->plan);
	braid_manifest_free(p->manifest);
	braid_error_clear(&err);
}

#define _cleanup_plan_ _cleanup_(plan_done)

static const char *name_of(const struct braid_plan *plan, __u32 next)
{
	return next == SPLICE_END ? "end" : plan->stages.v[next].stage->name;
}

/* "a>b b(6:c)>d | c>d": stages, their cases, where they lead to; '|': another program. */
static char *describe(const struct braid_plan *plan)
{
	struct buf b = {};

	array_foreach (ps, &plan->stages) {
		if (ps > plan->stages.v)
			buf_str(&b, ps->segment != ps[-1].segment ? " | " : " ");
		buf_fmt(&b, "%s", ps->stage->name);
		if (ps->chooses)
			buf_str(&b, "(");
		array_foreach (c, &ps->cases) {
			buf_str(&b, c > ps->cases.v ? " " : "");
			if (ps->by_share)
				buf_str(&b, "share");
			else
				buf_fmt(&b, "%u", c->value);
			buf_fmt(&b, ":%s", name_of(plan, c->next));
		}
		buf_fmt(&b, "%s>%s", ps->chooses ? ")" : "", name_of(plan, ps->next));
	}
	return buf_take(&b);
}

static int make(struct plan *p, enum strategy strategy, const char *stages)
{
	_cleanup_free_ char *name = text_fmt("%s/m.yaml", folder);
	_cleanup_free_ char *text =
		text_fmt("{braid: 1, pipelines: [{name: edge, hook: xdp, stages: [%s]}]}", stages);
	int r;

	*p = (struct plan){};
	if (braid_manifest_parse(text, strlen(text), name, NULL, &p->manifest, &err))
		bail_out("%s: %s: %s", err.where ?: "", err.what, err.why ?: "");
	r = plan_new(braid_manifest_get(p->manifest, 0), strategy, NULL, &p->plan, &err);
	if (!r)
		p->text = describe(p->plan);
	return r;
}

static void check(const char *what, enum strategy strategy, const char *stages, const char *want)
{
	_cleanup_plan_ struct plan p;

	if (make(&p, strategy, stages))
		ok(false, "%s: %s: %s", what, err.where ?: "", err.what);
	else
		is_str(p.text, want, "%s", what);
}

static void test_ways(void)
{
	check("a chain", STRATEGY_FUSED, S("a") ", " S("b"), "a>b b>end");
	check("two branches and a default, joined", STRATEGY_FUSED,
	      S("a") ", " SWITCH("by", "protocol", WHEN("tcp", S("b")) ", " WHEN("17, 1", S("c")),
				 S("d")) ", " S("e"),
	      "a>by by(6:b 17:c 1:c)>d b>e c>e d>e e>end");
	check("at both ends", STRATEGY_FUSED,
	      SWITCH("by", "protocol", WHEN("tcp", S("b") ", " S("c")), S("d")),
	      "by(6:b)>d b>c c>end d>end");
	check("empty branches lead past it", STRATEGY_FUSED,
	      SWITCH("by", "vlan", WHEN("7", "") ", " WHEN("8", S("b")), "") ", " S("e"),
	      "by(7:e 8:b)>e b>e e>end");
	check("empty branches at the end", STRATEGY_FUSED,
	      S("a") ", " SWITCH("by", "vlan", WHEN("7", "") ", " WHEN("8", S("b")), ""),
	      "a>by by(7:end 8:b)>end b>end");
	check("in each other", STRATEGY_FUSED,
	      SWITCH("o", "ethertype",
		     WHEN("ipv4", SWITCH("i", "protocol", WHEN("tcp", S("a")), "") ", " S("b")),
		     SWITCH("j", "dscp", WHEN("ef", S("c")), S("d"))) ", " S("e"),
	      "o(2048:i)>j i(6:a)>b a>b b>e j(46:c)>d c>e d>e e>end");
	check("one behind the other", STRATEGY_FUSED,
	      SWITCH("o", "vlan", WHEN("1", S("a")), "") ", " SWITCH("i", "vlan", WHEN("2", S("b")),
								     "") ", " S("c"),
	      "o(1:a)>i a>i i(2:b)>c b>c c>end");
	check("a choice is all there is in a branch", STRATEGY_FUSED,
	      SWITCH("o", "vlan",
		     WHEN("1", SWITCH("i", "vlan", WHEN("2", S("a")), "")) ", " WHEN("3", ""), ""),
	      "o(1:i 3:end)>end i(2:a)>end a>end");
}

static void test_results(void)
{
	check("what a stage returns", STRATEGY_FUSED,
	      S("a") ", " SWITCH("by", "result", WHEN("drop", S("b")) ", " WHEN("9", ""),
				 S("c")) ", " S("d"),
	      "a(1:b 9:d)>c b>d c>d d>end");
	check("behind a branch it is the stage in front that counts", STRATEGY_FUSED,
	      SWITCH("o", "vlan", WHEN("1", S("a")),
		     "") ", " S("b") ", " SWITCH("by", "result", WHEN("9", S("c")), ""),
	      "o(1:a)>b a>b b(9:c)>end c>end");
	check("both versions of it", STRATEGY_FUSED,
	      ROLLED("a") ", " SWITCH("by", "result", WHEN("9", S("b")), "") ", " S("c"),
	      "a@share(share:a@new)>a a(9:b)>c a@new(9:b)>c b>c c>end");
}

static void test_disabled(void)
{
	check("a stage", STRATEGY_FUSED, S("a") ", " OFF("b") ", " S("c"), "a>c c>end");
	check("the first and the last", STRATEGY_FUSED, OFF("a") ", " S("b") ", " OFF("c"),
	      "b>end");
	check("all of a branch", STRATEGY_FUSED,
	      SWITCH("by", "vlan", WHEN("1", OFF("a")) ", " WHEN("2", S("b")),
		     OFF("c")) ", " S("d"),
	      "by(1:d 2:b)>d b>d d>end");
	check("all of a choice", STRATEGY_FUSED,
	      S("x") ", " SWITCH("by", "vlan", WHEN("1", OFF("a")), OFF("b")) ", " S("d"),
	      "x>d d>end");
	check("who classifies", STRATEGY_FUSED,
	      S("x") ", " OFF("a") ", " SWITCH("by", "result", WHEN("1", S("b")),
					       S("c")) ", " S("d"),
	      "x>c c>d d>end");
	check("who classifies, and the default is empty", STRATEGY_FUSED,
	      S("x") ", " OFF("a") ", " SWITCH("by", "result", WHEN("1", S("b")), "") ", " S("d"),
	      "x>d d>end");
	check("an outer choice of what only a classifier led to", STRATEGY_FUSED,
	      S("x") ", " SWITCH(
		      "o", "vlan",
		      WHEN("1", OFF("a") ", " SWITCH("by", "result", WHEN("1", S("b")), "")), ""),
	      "x>end");
	check("all that is chosen: what it returns is no verdict all the same", STRATEGY_FUSED,
	      S("a") ", " SWITCH("by", "result", WHEN("1", OFF("b")), "") ", " S("d"),
	      "a()>d d>end");
}

static void test_nothing_left(void)
{
	_cleanup_plan_ struct plan p;

	is_int(make(&p, STRATEGY_FUSED,
		    OFF("a") ", " SWITCH("by", "result", WHEN("1", S("b")), "")),
	       -EINVAL, "the only stage is where nobody sends packets");
	ok(err.why && strstr(err.why, "disabled"), "the error says so: %s", err.why ?: "");
}

static void test_candidates(void)
{
	_cleanup_plan_ struct plan p;

	check("in a chain", STRATEGY_FUSED, S("a") ", " ROLLED("b") ", " S("c"),
	      "a>b@share b@share(share:b@new)>b b>c b@new>c c>end");
	check("in a branch, at its end", STRATEGY_FUSED,
	      SWITCH("by", "vlan", WHEN("1", ROLLED("b")), "") ", " S("c"),
	      "by(1:b@share)>c b@share(share:b@new)>b b>c b@new>c c>end");
	check("two in a row, at the end", STRATEGY_FUSED, ROLLED("a") ", " ROLLED("b"),
	      "a@share(share:a@new)>a a>b@share a@new>b@share b@share(share:b@new)>b b>end "
	      "b@new>end");
	if (make(&p, STRATEGY_FUSED, S("x") ", " ROLLED("a")))
		bail_out("%s", err.what);
	ok(p.plan->has_rollout && p.plan->stages.v[1].internal && p.plan->stages.v[1].by_share,
	   "braid's own code sends");
	for (__u32 k = 2; k < 4; k++)
		ok(p.plan->stages.v[k].in_rollout && p.plan->stages.v[k].sender == 1 &&
			   !p.plan->stages.v[k].internal,
		   "to both versions: %u", k);
	ok(!p.plan->stages.v[2].is_candidate && p.plan->stages.v[3].is_candidate,
	   "of which one is new");
}

static void test_segments(void)
{
	check("a program for each stage; braid's own code with the one in front", STRATEGY_TAILCALL,
	      S("a") ", " SWITCH("by", "protocol", WHEN("tcp", S("b") ", " S("c")), "") ", " S("d"),
	      "a>by by(6:b)>d | b>c | c>d | d>end");
	check("braid's own code behind a join is a program", STRATEGY_TAILCALL,
	      SWITCH("o", "vlan", WHEN("1", S("a")), "") ", " SWITCH("i", "vlan", WHEN("2", S("b")),
								     S("c")),
	      "o(1:a)>i | a>i | i(2:b)>c | b>end | c>end");
	check("of a rollout: each version", STRATEGY_TAILCALL, S("a") ", " ROLLED("b") ", " S("c"),
	      "a>b@share b@share(share:b@new)>b | b>c | b@new>c | c>end");
	check("the limit of maps cuts, and so do ways from other programs", STRATEGY_AUTO,
	      S("a") ", " SWITCH("by", "vlan",
				 WHEN("1", CROWD("b")) ", " WHEN("2", CROWD("c") ", " S("d")),
				 CROWD("e") ", " S("f")) ", " S("g"),
	      "a>by by(1:b 2:c)>e b>g c>d d>g | e>f f>g | g>end");
}

/* Branches that are too long for a jump over three of them: but it links. */
static void test_far(void)
{
	static const char stages[] =
		SWITCH("by", "vlan",
		       WHEN("1", LONG("a")) ", " WHEN("2", LONG("b")) ", " WHEN("3", LONG("c")),
		       LONG("e")) ", " S("d");
	_cleanup_(image_freep) struct image *image = NULL;
	_cleanup_plan_ struct plan p;

	if (make(&p, STRATEGY_FUSED, stages))
		bail_out("%s", err.what);
	is_str(p.text, "by(1:a 2:b 3:c)>e a>d b>d c>d e>d d>end", "it is one program");
	is_int(image_new(p.plan, NULL, &image, &err), 0, "and links");
}

/* @n stages; behind every @each of them a choice of two. */
static char *long_list(size_t n, size_t each)
{
	struct buf b = {};

	for (size_t k = 0; k < n; k++) {
		if (each && k % each == each - 1)
			buf_fmt(&b,
				"%s{name: by%zu, switch: vlan, cases: [{when: 1, stages: "
				"[{name: m%zu, object: stage.o, program: words}]}], default: "
				"[{name: n%zu, object: stage.o, program: words}]}",
				k ? ", " : "", k, k, k);
		else
			buf_fmt(&b, "%s{name: s%zu, object: stage.o, program: words}",
				k ? ", " : "", k);
	}
	return buf_take(&b);
}

/* The most programs that a packet can go through, without what is not its business. */
static __u32 longest(const struct braid_plan *plan, __u32 *ret_bad)
{
	__u32 calls[512] = {}, most = 0;

	*ret_bad = 0;
	for (__u32 k = 0; k < plan->stages.n; k++) {
		const struct plan_stage *ps = &plan->stages.v[k];

		for (size_t i = 0; i <= ps->cases.n; i++) {
			__u32 to = i < ps->cases.n ? ps->cases.v[i].next : ps->next;
			bool crosses;

			if (to == SPLICE_END)
				continue;
			crosses = plan->stages.v[to].segment != ps->segment;
			/* a tail call leads to the beginning of a program only; nothing leads back
			 */
			*ret_bad += crosses &&
				    plan->segments.v[plan->stages.v[to].segment].first != to;
			*ret_bad += to <= k;
			if (calls[k] + crosses > calls[to])
				calls[to] = calls[k] + crosses;
		}
		if (calls[k] > most)
			most = calls[k];
	}
	return most;
}

static void check_long(const char *what, size_t n, size_t each, size_t at_least)
{
	_cleanup_free_ char *stages = long_list(n, each);
	_cleanup_plan_ struct plan p;
	__u32 most, bad;

	if (!ok(!make(&p, STRATEGY_TAILCALL, stages), "%s: %s", what, err.what ?: "planned"))
		return;
	most = longest(p.plan, &bad);
	ok(most <= TAIL_CALLS, "%s: %u tail calls at most", what, most);
	is_int(bad, 0, "%s: each leads to the beginning of a program", what);
	ok(p.plan->segments.n >= at_least, "%s: %zu programs", what, p.plan->segments.n);
}

static void test_long(void)
{
	check_long("as many as there may be", 34, 0, 34);
	check_long("one more", 35, 0, 34);
	check_long("as many on the longest way, more in all", 30, 3, 40);
	check_long("too many on the longest way", 60, 5, 20);
	check_long("a choice behind each", 40, 2, 20);
	check_long("nothing but choices", 40, 1, 20);
}

/* What both strategies put where, for trees of every shape that fits. */
static void test_targets(void)
{
	static const char *const shapes[] = {
		SWITCH("o", "vlan",
		       WHEN("1", CROWD("a") ", " CROWD("b")) ", " WHEN("2", CROWD("c")),
		       "") ", " CROWD("d") ", " S("e"),
		CROWD("a") ", " SWITCH("o", "vlan", WHEN("1", S("b")), CROWD("c")) ", " SWITCH(
			"i", "dscp", WHEN("1", S("d")), CROWD("e")) ", " S("f"),
		ROLLED("a") ", " CROWD("b") ", " ROLLED("c") ", " CROWD("d") ", " ROLLED("e"),
	};

	for (size_t i = 0; i < sizeof(shapes) / sizeof(*shapes); i++)
		for (int way = 0; way < 2; way++) {
			_cleanup_plan_ struct plan p;
			__u32 bad;

			if (make(&p, way ? STRATEGY_TAILCALL : STRATEGY_AUTO, shapes[i]))
				bail_out("%s", err.what);
			ok(longest(p.plan, &bad) && !bad, "several programs: %s", p.text);
		}
}

int main(int argc, char **argv)
{
	if (argc < 2)
		bail_out("usage: graph FOLDER");
	folder = argv[1];
	test_ways();
	test_results();
	test_disabled();
	test_nothing_left();
	test_candidates();
	test_segments();
	test_far();
	test_long();
	test_targets();
	return done();
}
