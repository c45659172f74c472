/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* What a reader would have to look up in manifest, objects, plan and code. */
#include "compose/explain.h"

#include <errno.h>

#include "base/error.h"
#include "base/text.h"
#include "compose/lines.h"
#include "compose/plan_json.h"
#include "manifest/hook.h"
#include "object/exits.h"

static const struct choice *choice_of(const struct braid_pipeline *p, const struct stage *s)
{
	return s->choice ? &p->choices.v[s->choice - 1] : NULL;
}

/* A sentence: why this stage is a part of the pipeline, and at that place. */
static char *why_here(const struct braid_plan *plan, const struct plan_stage *ps)
{
	const struct braid_pipeline *p = plan->pipeline;
	const struct choice *c = choice_of(p, ps->stage);
	__u32 k = ps - plan->stages.v;

	if (ps->internal && ps->by_share)
		return text_fmt("braid's own: sends each packet to %s or to its candidate",
				plan->stages.v[k + 1].stage->name);
	if (ps->internal && ps->choice)
		return text_fmt("braid's own: looks at packets for switch %s", ps->choice->name);
	if (ps->internal)
		return strdup("braid's own");
	if (ps->is_candidate)
		return text_fmt("the candidate of %s in a rollout: gets a share of its packets",
				ps[-1].stage->name);
	if (c)
		return text_fmt("the manifest has it in a branch of switch %s", c->name);
	return text_fmt("the manifest has it as stage %zu of %zu",
			(size_t)(ps->stage - p->stages.v) + 1, p->stages.n);
}

static const char *verdicts_from(enum origin o)
{
	return o == FROM_MANIFEST     ? "the manifest says so"
	       : o == FROM_ANNOTATION ? "the author says so, in the object"
				      : "nobody says otherwise: the hook's default";
}

/* Is a way from an earlier program, other than from the stage just in front, what begins it? */
static bool is_target(const struct braid_plan *plan, const struct segment *seg)
{
	for (__u32 i = 0; i < seg->first; i++) {
		const struct plan_stage *ps = &plan->stages.v[i];

		if (i + 1 < seg->first && ps->next == seg->first)
			return true;
		array_foreach (c, &ps->cases)
			if (c->next == seg->first)
				return true;
	}
	return false;
}

static char *why_program(const struct braid_plan *plan, const struct segment *seg)
{
	const struct plan_stage *ps = &plan->stages.v[seg->first];

	if (plan->strategy == STRATEGY_DISPATCHER)
		return text_fmt("a component of priority %u: %s", seg->priority,
				ps->stage->has_priority ? "the stage has a priority of its own"
							: "neighbours without one are together");
	if (plan->segments.n == 1)
		return strdup("all stages fit into one program");
	if (plan->strategy == STRATEGY_TAILCALL)
		return plan->stages.n > TAIL_CALLS + 1
			       ? text_fmt("strategy tailcall, and a packet can make %d tail calls: "
					  "neighbours share a program",
					  TAIL_CALLS)
			       : strdup("strategy tailcall: a program for each stage");
	if (!seg->first)
		return strdup("packets enter here");
	if (ps->facts.throws || ps[-1].facts.throws)
		return text_fmt("cut: %s throws, and an exception ends the whole program",
				ps->facts.throws ? ps->stage->name : ps[-1].stage->name);
	if (is_target(plan, seg))
		return strdup("cut: a way from another program leads here, and tail calls lead to "
			      "the beginning of one");
	return text_fmt("cut: with %s the program in front of it would use more than %d maps",
			ps->stage->name, PROGRAM_MAPS);
}

/* How the head of a spliced program keeps the context: its first instructions say so. */
static char *context_text(const struct image *image, __u32 segment)
{
	const struct image_segment *is = &image->segments.v[segment];
	const struct func *f = &image->unit->funcs.v[is->func];

	array_foreach (r, &is->map.ranges) {
		if (!r->seam || r->part)
			break;
		for (__u32 i = r->first; i < r->first + r->n; i++) {
			const struct bpf_insn *insn = &f->insns.v[i];

			if (insn->code == (BPF_ALU64 | BPF_MOV | BPF_X) &&
			    insn->src_reg == BPF_REG_1 && insn->dst_reg >= BPF_REG_6)
				return text_fmt("in register r%u, which no stage touches",
						insn->dst_reg);
			if (insn->code == (BPF_STX | BPF_MEM | BPF_DW) &&
			    insn->src_reg == BPF_REG_1 && insn->dst_reg == BPF_REG_10)
				return text_fmt("on the stack, at r10%+d", insn->off);
		}
	}
	return strdup("not kept: whoever needs it finds it in r1");
}

static int set_owned(json_t *j, const char *name, char *text)
{
	int r = text ? json_object_set_new(j, name, json_string(text)) : -ENOMEM;

	free(text);
	return r;
}

static json_t *stages_of(const struct braid_plan *plan, const struct segment *seg)
{
	json_t *list = json_array();

	for (__u32 i = seg->first; i < seg->first + seg->n; i++)
		json_array_append_new(list, json_string(plan->stages.v[i].stage->name));
	return list;
}

static __u32 seam_insns(const struct image_segment *is, int part)
{
	__u32 n = 0;

	array_foreach (r, &is->map.ranges)
		if (r->seam && (part < 0 || (int)r->part == part))
			n += r->n;
	return n;
}

int explain_programs(const struct image *image, json_t **ret, struct braid_error *err)
{
	json_t *list = json_array();
	int r = 0;

	array_foreach (seg, &image->plan->segments) {
		__u32 k = seg - image->plan->segments.v;
		const struct image_segment *is = &image->segments.v[k];
		json_t *j = json_pack("{s:s, s:o, s:I, s:I}", "program", seg->name, "stages",
				      stages_of(image->plan, seg), "instructions",
				      (json_int_t)image->unit->funcs.v[is->func].insns.n, "seams",
				      (json_int_t)seam_insns(is, -1));

		r = r ?: set_owned(j, "why", why_program(image->plan, seg));
		r = r ?: set_owned(j, "context", context_text(image, k));
		json_array_append_new(list, j);
	}
	if (r)
		json_decref(list);
	else
		*ret = list;
	return r ? error_oom(err) : 0;
}

/* Exits, and those whose verdict is known where the program is linked. */
static int count_exits(const struct braid_plan *plan, const struct plan_stage *ps, __u32 *ret_all,
		       __u32 *ret_known)
{
	const struct func *f = &ps->unit->funcs.v[ps->func];
	struct exits_rule rule = {
		.fold = !(plan->pipeline->not_optimized & 1u << OPTIMIZE_FOLD) && !ps->called &&
			!ps->chooses && !ps->in_rollout,
		.proceed_on = ps->proceed_on,
		.accept = BRAID_ACCEPT,
		.pass = hook_facts(plan->pipeline->hook)->pass,
	};
	struct exits x = {};
	int r = exits_init(&x, f, &rule);

	*ret_all = *ret_known = 0;
	for (__u32 i = 0; i < f->insns.n && !r; i++) {
		if (x.label[i] == LABEL_NONE)
			continue;
		(*ret_all)++;
		*ret_known += x.label[i] != LABEL_CHECK;
	}
	exits_done(&x);
	return r;
}

static json_t *maps_of(const struct image *image, const struct plan_stage *ps)
{
	json_t *list = json_array();

	array_foreach (m, &image->maps)
		if (m->stage && text_eq(m->stage, ps->stage->name))
			json_array_append_new(list, json_string(m->name));
	return list;
}

static json_t *seam_of(const struct image *image, const struct plan_stage *ps)
{
	const struct image_segment *is = &image->segments.v[ps->segment];
	__u32 part = ps - image->plan->stages.v - image->plan->segments.v[ps->segment].first;
	__u32 before = 0, behind = 0;
	bool seen = false;

	array_foreach (r, &is->map.ranges) {
		if (r->part != part)
			continue;
		if (!r->seam)
			seen = true;
		else if (seen)
			behind += r->n;
		else
			before += r->n;
	}
	return json_pack("{s:I, s:I}", "before", (json_int_t)before, "behind", (json_int_t)behind);
}

static int explain_stage(const struct image *image, const struct plan_stage *ps, json_t *list)
{
	const struct braid_plan *plan = image->plan;
	__u32 exits, known;
	json_t *j = plan_stage_to_json(plan, ps);
	char at[256];
	int r = count_exits(plan, ps, &exits, &known);

	json_array_append_new(list, j);
	r = r ?: set_owned(j, "why", why_here(plan, ps));
	if (ps->stage->at.file && !ps->internal)
		json_object_set_new(j, "at",
				    json_string(place_text(ps->stage->at, at, sizeof(at))));
	if (ps->internal)
		json_object_set_new(j, "internal", json_true());
	if (!ps->chooses)
		json_object_set_new(j, "why-proceed-on",
				    json_string(verdicts_from(ps->proceed_from)));
	json_object_set_new(j, "in", json_string(plan->segments.v[ps->segment].name));
	json_object_set_new(
		j, "exits",
		json_pack("{s:I, s:I}", "all", (json_int_t)exits, "known", (json_int_t)known));
	json_object_set_new(j, "seam", seam_of(image, ps));
	json_object_set_new(j, "maps", maps_of(image, ps));
	return r;
}

int explain_stages(const struct image *image, int stage, json_t **ret, struct braid_error *err)
{
	json_t *list = json_array();
	int r = 0;

	array_foreach (ps, &image->plan->stages)
		if (stage < 0 || ps - image->plan->stages.v == stage)
			r = r ?: explain_stage(image, ps, list);
	if (r)
		json_decref(list);
	else
		*ret = list;
	return r ? error_oom(err) : 0;
}
