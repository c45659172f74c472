/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What is counted of a pipeline, and what follows: packets walk through plans made by chance, by
 * the rules of plan.h alone. Only edges that have a counter are told of it, and all others must
 * come out as they were.
 */
#include <errno.h>
#include <linux/bpf.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "compose/count.h"
#include "compose/count_layout.h"
#include "manifest/hook.h"
#include "random.h"
#include "tap.h"

#define STAGES_MAX 14
#define EDGES_MAX  2048

static struct braid_error err;
static struct choice choice = {.name = "by", .field = FIELD_PROTOCOL};

/* A plan without objects: counters do not look at code. */
struct subject {
	struct braid_pipeline pipeline;
	struct braid_plan plan;
	struct stage stages[STAGES_MAX];
	char names[STAGES_MAX][16];
	struct count_model model;
	struct count_value truth[EDGES_MAX], *block;
	struct rng *r;
};

static void subject_done(struct subject *s)
{
	array_foreach (ps, &s->plan.stages)
		array_done(&ps->cases);
	array_done(&s->plan.stages);
	array_done(&s->plan.segments);
	count_model_done(&s->model);
	free(s->block);
}

static __u32 later(struct subject *s, __u32 k, __u32 n)
{
	__u32 next = k + 1 + rng_below(s->r, 3);

	return next < n ? next : SPLICE_END;
}

static void choose_ways(struct subject *s, struct plan_stage *ps, __u32 k, __u32 n)
{
	ps->chooses = true;
	ps->choice = &choice;
	ps->internal = rng_chance(s->r, 50);
	for (__u32 i = rng_below(s->r, 4); i-- > 0;) {
		struct splice_case c = {.value = i, .next = later(s, k, n)};

		if (!array_add(&ps->cases, c))
			bail_out("no memory");
	}
}

static __u32 some_verdicts(struct subject *s)
{
	bool tc = hook_facts(s->pipeline.hook)->is_tc;
	__u32 mask = 0;

	if (rng_chance(s->r, 60))
		return hook_facts(s->pipeline.hook)->proceed_on;
	for (int i = 0; i < 3; i++)
		mask |= verdict_bit(rng_below(s->r, tc ? 10 : 5) - tc);
	return mask;
}

static void add_segment(struct subject *s, __u32 first, __u32 n)
{
	struct segment seg = {.first = first, .n = n, .actions = some_verdicts(s)};

	if (!array_add(&s->plan.segments, seg))
		bail_out("no memory");
	for (__u32 k = first; k < first + n; k++)
		s->plan.stages.v[k].segment = s->plan.segments.n - 1;
}

/* Does a way lead past the beginning of a segment? From a component there is no way to the end. */
static bool leads_past(const struct subject *s, __u32 next, __u32 at)
{
	return next > at && (next != SPLICE_END || s->plan.strategy == STRATEGY_DISPATCHER);
}

static bool may_cut(const struct subject *s, __u32 at)
{
	for (__u32 k = 0; k < at; k++) {
		const struct plan_stage *ps = &s->plan.stages.v[k];
		bool past = leads_past(s, ps->next, at);

		array_foreach (c, &ps->cases)
			past |= leads_past(s, c->next, at);
		if (past)
			return false;
	}
	return true;
}

static void cut(struct subject *s)
{
	__u32 n = s->plan.stages.n, first = 0;

	s->plan.strategy = STRATEGY_FUSED + rng_below(s->r, 3);
	for (__u32 k = 1; k < n && s->plan.strategy != STRATEGY_FUSED; k++)
		if (rng_chance(s->r, 40) && may_cut(s, k)) {
			add_segment(s, first, k - first);
			first = k;
		}
	add_segment(s, first, n - first);
}

static void subject_init(struct subject *s, struct rng *r)
{
	static const enum hook hooks[] = {HOOK_XDP, HOOK_TC_INGRESS, HOOK_NETKIT_PEER};
	__u32 n = 1 + rng_below(r, STAGES_MAX);

	*s = (struct subject){.r = r};
	s->pipeline.hook = hooks[rng_below(r, 3)];
	s->pipeline.signals = rng_below(r, 3);
	s->pipeline.has_final = rng_chance(r, 30);
	s->pipeline.final = hook_facts(s->pipeline.hook)->drop;
	s->plan.pipeline = &s->pipeline;
	for (__u32 k = 0; k < n; k++) {
		struct plan_stage *ps = array_push(&s->plan.stages);

		if (!ps)
			bail_out("no memory");
		snprintf(s->names[k], sizeof(s->names[k]), "s%u", k);
		s->stages[k].name = s->names[k];
		ps->stage = &s->stages[k];
		ps->next = rng_chance(r, 75) && k + 1 < n ? k + 1 : later(s, k, n);
		ps->proceed_on = some_verdicts(s);
		if (rng_chance(r, 30))
			choose_ways(s, ps, k, n);
	}
	cut(s);
	if (count_model_new(&s->plan, &s->model, &err))
		bail_out("%s", err.what);
	s->block = calloc(s->model.counters, sizeof(*s->block));
}

struct packet {
	struct subject *s;
	__u64 bytes;
	char why[128];
};

/* The packet takes that edge, of which there must be one. */
static bool take(struct packet *p, enum count_kind kind, __u32 from, __u32 to, __u32 verdict)
{
	struct count_edge *found = NULL;
	int n = 0;

	array_foreach (e, &p->s->model.edges)
		if (e->kind == kind && e->from == from && e->to == to && e->verdict == verdict) {
			found = found ?: e;
			n++;
		}
	/* of components, each has the same edges from and to outside */
	if (!n || (n > 1 && from != COUNT_OUTSIDE)) {
		snprintf(p->why, sizeof(p->why), "%d edges %d from %u to %u, verdict %d", n, kind,
			 from, to, (int)verdict);
		return false;
	}
	p->s->truth[found - p->s->model.edges.v].packets++;
	p->s->truth[found - p->s->model.edges.v].bytes += p->bytes;
	if (found->counter) {
		p->s->block[found->counter].packets++;
		p->s->block[found->counter].bytes += p->bytes;
	}
	return true;
}

/* Where the way leads within the segment; tail calls are within the pipeline. */
static __u32 target(const struct subject *s, __u32 k, __u32 next)
{
	bool apart = s->plan.strategy == STRATEGY_DISPATCHER;

	if (next == SPLICE_END ||
	    (apart && s->plan.stages.v[next].segment != s->plan.stages.v[k].segment))
		return COUNT_OUTSIDE;
	return next;
}

static __u32 any_verdict(struct subject *s)
{
	bool tc = hook_facts(s->pipeline.hook)->is_tc;

	return rng_chance(s->r, 5) ? COUNT_OTHER : rng_below(s->r, tc ? 10 : 5) - tc;
}

static bool return_verdict(struct packet *p, __u32 k, __u32 *ret_next)
{
	struct subject *s = p->s;
	const struct plan_stage *ps = &s->plan.stages.v[k];
	__u32 pass = hook_facts(s->pipeline.hook)->pass, v = any_verdict(s);
	__u32 to = target(s, k, ps->next);
	bool last = to == COUNT_OUTSIDE && plan_end_of(&s->plan, ps->segment) == SPLICE_LAST;
	bool accept = rng_chance(s->r, 10);

	*ret_next = COUNT_OUTSIDE;
	if (accept)
		v = pass;
	if (last || v == COUNT_OTHER || !verdict_in(ps->proceed_on, v))
		return take(p, COUNT_VERDICT, k, COUNT_OUTSIDE, v);
	if (accept)
		return take(p, COUNT_ACCEPT, k, COUNT_OUTSIDE, v);
	*ret_next = to;
	return take(p, COUNT_PROCEED, k, to, v);
}

static bool choose(struct packet *p, __u32 k, __u32 *ret_next)
{
	const struct plan_stage *ps = &p->s->plan.stages.v[k];
	__u32 i = rng_below(p->s->r, ps->cases.n + 1);
	__u32 next = i < ps->cases.n ? ps->cases.v[i].next : ps->next;

	*ret_next = target(p->s, k, next);
	return take(p, next == ps->next ? COUNT_DEFAULT : COUNT_CASE, k, *ret_next, 0);
}

static bool walk_from(struct packet *p, __u32 k)
{
	struct subject *s = p->s;

	while (k != COUNT_OUTSIDE) {
		const struct plan_stage *ps = &s->plan.stages.v[k];
		bool first = ps->segment && k == s->plan.segments.v[ps->segment].first;

		if (first && s->plan.strategy != STRATEGY_DISPATCHER && rng_chance(s->r, 5))
			return take(p, COUNT_LOST, k, COUNT_OUTSIDE, 0);
		if (plan_is_gated(&s->plan, k) && rng_chance(s->r, 10)) {
			__u32 next = target(s, k, ps->next);

			if (!take(p, COUNT_BYPASS, k, next, 0))
				return false;
			k = next;
		} else if (!(ps->chooses ? choose : return_verdict)(p, k, &k)) {
			return false;
		}
	}
	return true;
}

static bool walk(struct packet *p)
{
	struct subject *s = p->s;
	bool apart = s->plan.strategy == STRATEGY_DISPATCHER, good = true;

	p->bytes = 60 + rng_below(s->r, 1400);
	for (__u32 seg = 0; seg < (apart ? s->plan.segments.n : 1) && good; seg++) {
		__u32 first = s->plan.segments.v[seg].first;

		if (plan_closes(&s->plan) && rng_chance(s->r, 3)) {
			good = take(p, COUNT_CLOSED, COUNT_OUTSIDE, COUNT_OUTSIDE, 1);
			continue;
		}
		good = take(p, COUNT_ENTER, COUNT_OUTSIDE, first, 0) && walk_from(p, first);
	}
	return good;
}

/* Does all follow? */
static bool derives(struct subject *s, char *why, size_t size)
{
	static struct count_value got[EDGES_MAX];

	if (count_derive(&s->model, s->block, got))
		bail_out("no memory");
	array_foreach (e, &s->model.edges) {
		size_t i = e - s->model.edges.v;

		if (got[i].packets == s->truth[i].packets && got[i].bytes == s->truth[i].bytes)
			continue;
		snprintf(why, size, "edge %d from %d to %d: %llu of %llu packets", e->kind,
			 (int)e->from, (int)e->to, (unsigned long long)got[i].packets,
			 (unsigned long long)s->truth[i].packets);
		return false;
	}
	return true;
}

/* No two edges may share a counter, and each is in the block, behind the header. */
static bool apart(const struct count_model *m)
{
	static __u8 used[65536];

	memset(used, 0, sizeof(used));
	array_foreach (e, &m->edges) {
		if (e->counter >= m->counters || (e->counter && used[e->counter]))
			return false;
		used[e->counter] = 1;
	}
	return m->counters > 1;
}

/* A tree: of the edges that go into stages as many are not counted as there are stages. */
static size_t silent_edges(const struct count_model *m)
{
	size_t n = 0;

	array_foreach (e, &m->edges)
		n += !e->counter;
	return n;
}

static bool same_in_json(const struct count_model *m)
{
	_cleanup_count_model_ struct count_model back = {};
	json_t *j = count_model_to_json(m), *again;
	__u64 a, b;
	bool good = !count_model_from_json(j, &back, &err) && !count_model_mark(m, &a, &err) &&
		    !count_model_mark(&back, &b, &err) && a == b;

	again = count_model_to_json(&back);
	good = good && json_equal(j, again);
	json_decref(j);
	json_decref(again);
	return good;
}

static void test_chance(void)
{
	struct rng r = {2026};
	size_t good = 0, spread = 0, tree = 0, kept = 0, packets = 0, kinds[COUNT_CLOSED + 1] = {};
	static const size_t n = 3000;
	char why[128] = "";

	for (size_t i = 0; i < n; i++) {
		struct subject s;
		struct packet p = {.s = &s};
		bool walks = true;

		subject_init(&s, &r);
		for (int k = 0; k < 200 && walks; k++, packets++)
			walks = walk(&p);
		if (!walks)
			snprintf(why, sizeof(why), "pipeline %zu: %.100s", i, p.why);
		good += walks && derives(&s, why, sizeof(why));
		spread += apart(&s.model);
		tree += silent_edges(&s.model) <= s.plan.stages.n;
		kept += same_in_json(&s.model);
		array_foreach (e, &s.model.edges)
			kinds[e->kind] += s.truth[e - s.model.edges.v].packets;
		subject_done(&s);
	}
	is_int(good, n, "%zu packets through pipelines by chance: all edges follow %s", packets,
	       why);
	is_int(spread, n, "each counter is one edge's");
	is_int(tree, n, "no more edges are left out than there are stages");
	is_int(kept, n, "a model in JSON is the same model");
	for (int k = 0; k <= COUNT_CLOSED; k++)
		ok(kinds[k] > 1000, "edges of kind %d were taken %zu times", k, kinds[k]);
}

static struct count_model model_of(__u32 stages, __u32 proceed_on, enum hook hook)
{
	static struct stage s = {.name = "s"};
	struct braid_pipeline pipeline = {.hook = hook, .signals = SIGNALS_NONE};
	struct braid_plan plan = {.pipeline = &pipeline, .strategy = STRATEGY_FUSED};
	struct segment seg = {.n = stages};
	struct count_model m;

	for (__u32 k = 0; k < stages; k++) {
		struct plan_stage ps = {.stage = &s,
					.next = k + 1 < stages ? k + 1 : SPLICE_END,
					.proceed_on = proceed_on};

		if (!array_add(&plan.stages, ps))
			bail_out("no memory");
	}
	if (!array_add(&plan.segments, seg) || count_model_new(&plan, &m, &err))
		bail_out("no memory");
	array_done(&plan.stages);
	array_done(&plan.segments);
	return m;
}

/* Of what goes on in a row, nothing. */
static void test_row(void)
{
	_cleanup_count_model_ struct count_model one = model_of(5, 1u << XDP_PASS, HOOK_XDP);
	_cleanup_count_model_ struct count_model two = model_of(5, 1u << 31 | 1u << 3,
								HOOK_TC_INGRESS);
	size_t on = 0, silent = 0;

	array_foreach (e, &one.edges)
		on += e->kind == COUNT_PROCEED && e->counter;
	is_int(on, 0, "one verdict goes on from each stage: none of them is counted");
	on = 0;
	array_foreach (e, &two.edges) {
		on += e->kind == COUNT_PROCEED && e->counter;
		silent += e->kind == COUNT_PROCEED && !e->counter && e->verdict == (__u32)-1;
	}
	is_int(on, 4, "two go on: one of them is");
	is_int(silent, 4, "… and it is not that of the hook for going on");
}

static void test_bad_json(void)
{
	static const char *const bad[] = {
		"{}",
		"[]",
		"{\"counters\": 0, \"stages\": [], \"edges\": []}",
		"{\"counters\": 4, \"stages\": [\"\"], \"edges\": []}",
		"{\"counters\": 4, \"stages\": [7], \"edges\": []}",
		"{\"counters\": 4, \"stages\": [\"a\"], \"edges\": [[0]]}",
		"{\"counters\": 4, \"stages\": [\"a\"], \"edges\": [[0, 0, 1, 0, 0, 0, 0]]}",
		"{\"counters\": 4, \"stages\": [\"a\"], \"edges\": [[0, 1, 0, 0, 0, 0, 0]]}",
		"{\"counters\": 4, \"stages\": [\"a\"], \"edges\": [[0, 0, 0, 4, 0, 0, 0]]}",
		"{\"counters\": 4, \"stages\": [\"a\"], \"edges\": [[9, 0, 0, 1, 0, 0, 0]]}",
		"{\"counters\": 4, \"stages\": [\"a\"], \"edges\": [[-1, 0, 0, 1, 0, 0, 0]]}",
		"{\"counters\": 4, \"stages\": [\"a\"], \"edges\": [[0, 0, 0, 1, 0, 0, 7]]}",
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		_cleanup_count_model_ struct count_model m = {};
		json_t *j = json_loads(bad[i], 0, NULL);

		is_int(count_model_from_json(j, &m, &err), -EBADMSG, "no model: %s", bad[i]);
		json_decref(j);
	}
	braid_error_clear(&err);
}

int main(void)
{
	test_chance();
	test_row();
	test_bad_json();
	return done();
}
