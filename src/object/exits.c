/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "object/exits.h"

#include <errno.h>

#include "object/flow.h"
#include "object/verdict.h"

static enum label label_of(const struct exits_rule *rule, struct value verdict)
{
	__u32 v = verdict.v;

	if (!rule->fold || verdict.kind != VALUE_CONST)
		return rule->last ? LABEL_OUT : LABEL_CHECK;
	if (!rule->last && verdict_in(rule->proceed_on, v))
		return LABEL_PASS;
	if (v == rule->accept)
		v = rule->pass;
	return verdict_has_label(v) ? label_of_verdict(v) : LABEL_EXIT;
}

/* Goes on only at its target: "goto", "gotol". */
static bool is_goto(const struct bpf_insn *i)
{
	__s32 off;

	return insn_is_jump(i, &off) && BPF_OP(i->code) == BPF_JA;
}

/* Its distance has 32 bits, in a field of its own: such a jump stays as it is. */
static bool is_long(const struct bpf_insn *i)
{
	return BPF_CLASS(i->code) == BPF_JMP32 && BPF_OP(i->code) == BPF_JA;
}

struct search {
	const struct flow *fl;
	const struct exits_rule *rule;
	bool *second; /* second halves of ld_imm64 */
	struct exits *x;
};

/* The instruction from which control falls through into @at; -1: none does. */
static int falls_from(const struct search *s, __u32 at)
{
	const struct bpf_insn *prev;
	int from = (int)at - 1;

	if (from > 0 && s->second[from])
		from--;
	if (from < 0 || !s->fl->seen[from])
		return -1;
	prev = &s->fl->f->insns.v[from];
	return insn_is_exit(prev) || is_goto(prev) ? -1 : from;
}

static bool jumps_to(const struct search *s, __u32 from, __u32 to)
{
	__s32 off;

	return !s->second[from] && s->fl->seen[from] &&
	       insn_is_jump(&s->fl->f->insns.v[from], &off) && from + 1 + off == to;
}

/*
 * Something must still lead to the exit itself, or the verifier finds it unreachable: what
 * falls through into it, else the first jump. The exit leads where that way wants to; all
 * other ways are redirected each by itself.
 */
static void find_ways(struct search *s, __u32 at)
{
	const struct func *f = s->fl->f;
	struct value unknown = {};
	int from = falls_from(s, at);
	bool anchored = from >= 0;
	unsigned char *label = s->x->label;

	label[at] = label_of(s->rule, anchored ? flow_verdict(s->fl, from, false) : unknown);
	for (__u32 j = 0; j < f->insns.n; j++) {
		enum label way;

		if (!jumps_to(s, j, at))
			continue;
		way = label_of(s->rule, flow_verdict(s->fl, j, true));
		if (!anchored)
			label[at] = way;
		else if (is_long(&f->insns.v[j]) && way != label[at])
			label[at] = label_of(s->rule, unknown);
		else if (!is_long(&f->insns.v[j]))
			label[j] = way;
		anchored = true;
	}
}

static void find_all(struct search *s)
{
	const struct func *f = s->fl->f;

	memset(s->x->label, LABEL_NONE, f->insns.n);
	memset(s->x->used, 0, sizeof(s->x->used));
	for (__u32 i = 0; i < f->insns.n; i++)
		if (!s->second[i] && insn_is_exit(&f->insns.v[i]))
			find_ways(s, i);
	for (__u32 i = 0; i < f->insns.n; i++)
		s->x->used[s->x->label[i]] = true;
}

int exits_init(struct exits *x, const struct func *f, const struct exits_rule *rule)
{
	_cleanup_free_ bool *second = calloc(f->insns.n, sizeof(*second));
	struct exits_rule plain = *rule;
	struct flow fl;
	struct search s = {.fl = &fl, .rule = rule, .second = second, .x = x};
	int r = flow_init(&fl, f);

	*x = (struct exits){};
	if (r)
		return r;
	x->label = calloc(f->insns.n, 1);
	if (!second || !x->label) {
		flow_done(&fl);
		exits_done(x);
		return -ENOMEM;
	}
	for (__u32 i = 0; i + 1 < f->insns.n; i++)
		if (insn_is_ld_imm64(&f->insns.v[i]))
			second[++i] = true;
	find_all(&s);
	if (!rule->last && !x->used[LABEL_PASS] && !x->used[LABEL_CHECK]) {
		/* it always leaves: then what follows must look reachable all the same */
		plain.fold = false;
		s.rule = &plain;
		find_all(&s);
	}
	flow_done(&fl);
	return 0;
}

void exits_done(struct exits *x)
{
	free(x->label);
	*x = (struct exits){};
}
