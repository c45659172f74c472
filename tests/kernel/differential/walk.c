/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a pipeline does to a packet, stage by stage along the manifest's tree. Nothing is known
 * here of the plan that braid makes of it.
 */
#include <bpf/bpf.h>
#include <string.h>

#include "apart.h"
#include "base/cleanup.h"
#include "tap.h"

#define ACCEPT 0x42524402u /* braid_accept() */

struct walked walked;

/* Which verdicts go on, if nobody says; and with which one packets leave that nobody judges. */
static const struct {
	__u32 proceed_on, pass;
} usual[] = {
	[HOOK_XDP] = {1 << XDP_PASS, XDP_PASS},
	[HOOK_TC_INGRESS] = {1u << 31 | 1 << 3, -1}, /* unspec, pipe */
	[HOOK_TC_EGRESS] = {1u << 31 | 1 << 3, -1},
	[HOOK_NETKIT_PRIMARY] = {1u << 31, -1},
	[HOOK_NETKIT_PEER] = {1u << 31, -1},
};

struct way {
	const struct apart *a;
	const struct chain *c;
	const struct state *state;
	struct tally *tallies;
	struct traffic *traffic;
	size_t came; /* bytes of the packet, when it did */
	struct outcome *o;
	struct __sk_buff *skb; /* NULL: it is XDP */
	bool own;              /* a stage ran last, and what it returned is a verdict */
	bool has_result;       /* the step in front returned @result */
	__u32 result;
};

/*
 * What an skb has beside its bytes, from program to program: nothing else of it outlives a
 * test run.
 */
static void carry(struct __sk_buff *skb)
{
	struct __sk_buff kept = {.mark = skb->mark, .priority = skb->priority};

	memcpy(kept.cb, skb->cb, sizeof(kept.cb));
	*skb = kept;
}

/* @skb: NULL: for XDP. @out: NULL: what comes out does not matter. */
static __u32 run(int program, struct __sk_buff *skb, const struct outcome *o, struct outcome *out)
{
	struct __sk_buff beside = {};
	__u8 in[OUT_SIZE];
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = in, .data_size_in = o->size, .repeat = 1);
	int r;

	memcpy(in, o->bytes, o->size);
	if (skb) {
		opts.ctx_in = skb;
		opts.ctx_size_in = sizeof(*skb);
		opts.ctx_out = &beside;
		opts.ctx_size_out = sizeof(beside);
	}
	if (out) {
		opts.data_out = out->bytes;
		opts.data_size_out = sizeof(out->bytes);
	}
	r = bpf_prog_test_run_opts(program, &opts);
	if (r)
		bail_out("cannot run a stage alone: %s", strerror(-r));
	if (out)
		out->size = opts.data_size_out;
	if (out && skb) {
		carry(&beside);
		*skb = beside;
	}
	return opts.retval;
}

/* Of TC's verdicts those that lead on are one. */
static __u32 count_as(enum hook hook, __u32 verdict)
{
	if (verdict == ACCEPT)
		return XDP_PASS;
	if (!hook_facts(hook)->is_tc)
		return verdict < 5 ? verdict : 5;
	switch ((int)verdict) {
	case -1 ... 1: /* unspec, ok, reclassify */
	case 3:        /* pipe */
		return XDP_PASS;
	case 2:
		return XDP_DROP;
	case 7:
		return XDP_REDIRECT;
	}
	return 5;
}

static void count(enum hook hook, struct said *s, __u32 verdict)
{
	s->packets++;
	s->verdicts[count_as(hook, verdict)]++;
}

/* false: the packet leaves with what is in the outcome. */
static bool judge(struct way *w, __u32 proceed_on)
{
	const __u32 pass = usual[w->c->hook].pass;
	struct outcome *o = w->o;

	w->own = true;
	o->verdict = o->stage_verdict;
	if (o->verdict == ACCEPT) {
		o->verdict = pass;
		return false;
	}
	if (o->verdict != (__u32)-1 && o->verdict > 30)
		return false;
	/* a bit for each from 0 to 30; the last one is that of -1 */
	if (!(proceed_on & (o->verdict == (__u32)-1 ? 1u << 31 : 1u << o->verdict)))
		return false;
	o->unusual += o->verdict != pass;
	return true;
}

static void note_verdict(struct way *w, struct met *ret)
{
	__u32 v = w->o->stage_verdict == ACCEPT ? usual[w->c->hook].pass : w->o->stage_verdict;

	amount_add(&ret->verdicts[row_of(w->c->hook, v)], 1, w->came);
}

static bool walk_stage(struct way *w, size_t k)
{
	const struct link *l = &w->c->stages[k];
	int version;

	w->has_result = false;
	if (l->disabled)
		return true;
	w->own = false;
	version = l->rolled && run(apart_key(w->a, k), w->skb, w->o, NULL) < w->state->share;
	if (w->c->signals == SIGNALS_STAGES && w->state->paused[version] & 1ull << k) {
		walked.paused++;
		amount_add(&w->traffic->stages[k][version].past, 1, w->came);
		return true;
	}
	w->o->stage_verdict = run(apart_stage(w->a, k, version, w->state->config), w->skb, w->o,
				  w->o);
	w->o->stage = k + version * STAGES;
	w->o->ran++;
	amount_add(&w->traffic->stages[k][version].all, 1, w->came);
	walked.versions[version] += l->rolled;
	walked.configs[w->state->config] += kind_is_dice(l->kind);
	if (l->rolled)
		count(w->c->hook, &w->tallies[k].version[version], w->o->stage_verdict);
	if (tree_seen_by(w->c, k)) {
		w->has_result = true;
		w->result = w->o->stage_verdict;
		return true;
	}
	note_verdict(w, &w->traffic->stages[k][version]);
	return judge(w, l->proceed_on ?: usual[w->c->hook].proceed_on);
}

static bool is_alive(const struct chain *c, const struct fork *f)
{
	for (size_t k = f->first[0]; k < f->first[f->n]; k++)
		if (tree_runs(c, k))
			return true;
	return false;
}

static size_t branch_for(const struct fork *f, __u32 value)
{
	for (size_t b = 0; b + 1 < f->n; b++)
		for (size_t i = 0; i < f->n_values[b]; i++)
			if (f->values[b][i] == value)
				return b;
	return f->n - 1;
}

static size_t choose(struct way *w, const struct fork *f)
{
	size_t b = f->n - 1;

	if (f->field != FIELD_RESULT)
		b = branch_for(f, run(apart_field(w->a, f->field), w->skb, w->o, NULL));
	else if (w->has_result)
		b = branch_for(f, w->result);
	walked.branches[f->field][b + 1 == f->n]++;
	return b;
}

/* Steps that stand directly at (@outer, @branch). */
static bool walk_range(struct way *w, size_t from, size_t to, int outer, size_t branch)
{
	bool goes_on = true;

	for (size_t k = from; k < to && goes_on;) {
		int i = tree_fork_at(w->c, k, outer, branch);
		const struct fork *f = i < 0 ? NULL : &w->c->forks[i];
		size_t b;

		if (i < 0) {
			goes_on = walk_stage(w, k++);
			continue;
		}
		k = f->first[f->n];
		if (!is_alive(w->c, f))
			continue;
		/* where nobody can say otherwise the default stands in the choice's place */
		if (f->field != FIELD_RESULT || !w->c->stages[f->first[0] - 1].disabled)
			w->own = false;
		b = choose(w, f);
		w->has_result = false;
		goes_on = walk_range(w, f->first[b], f->first[b + 1], i, b);
	}
	return goes_on;
}

static void walk_pipeline(struct way *w)
{
	struct outcome *o = w->o;

	if (w->state->closed && w->c->signals != SIGNALS_NONE) {
		walked.closed++;
		o->verdict = w->state->verdict;
		return;
	}
	if (!walk_range(w, 0, w->c->n, -1, 0))
		return;
	walked.nobody += !w->own;
	if (w->c->has_final)
		o->verdict = w->c->final;
	else if (!w->own)
		o->verdict = usual[w->c->hook].pass;
}

void walk(const struct apart *a, const struct state *state, struct tally *tallies,
	  struct traffic *traffic, struct outcome *o)
{
	struct way w = {.a = a,
			.c = apart_chain(a),
			.state = state,
			.tallies = tallies,
			.traffic = traffic,
			.came = o->size,
			.o = o};
	struct __sk_buff skb = {};

	if (hook_facts(w.c->hook)->is_tc)
		w.skb = &skb;
	o->stage = -1;
	o->stage_verdict = -1;
	o->unusual = o->ran = 0;
	walk_pipeline(&w);
	amount_add(&traffic->entered, 1, w.came);
	amount_add(&traffic->left[row_of(w.c->hook, o->verdict)], 1, w.came);
}
