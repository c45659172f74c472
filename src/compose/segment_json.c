/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Segments for the plan. The digest of one is over all that it is made of: two segments of
 * one digest, in two plans of one pipeline, are the same program on the same maps.
 */
#include <jansson.h>
#include <sha256.h>

#include "base/error.h"
#include "base/text.h"
#include "compose/count.h"
#include "compose/image.h"
#include "compose/plan_json.h"
#include "manifest/json.h"

/* Instructions of a program with all the functions that it calls. */
static __u32 program_size(const struct image *image, __u32 segment)
{
	struct func_facts facts;

	if (func_analyse(image->unit, image->segments.v[segment].func, &facts))
		return 0;
	return facts.total_insns;
}

static json_t *find_stage(const json_t *stages, const char *name);

/* In the tree of stages and switches. Borrowed. */
static json_t *find_in_step(const json_t *step, const char *name)
{
	const json_t *cases = json_object_get(step, "cases"), *c;
	json_t *found = find_stage(json_object_get(step, "default"), name);
	size_t i;

	json_array_foreach (cases, i, c)
		found = found ?: find_stage(json_object_get(c, "stages"), name);
	return found;
}

static json_t *find_stage(const json_t *stages, const char *name)
{
	json_t *step, *found = NULL;
	size_t i;

	json_array_foreach (stages, i, step) {
		if (!json_object_get(step, "switch") &&
		    text_eq(json_string_value(json_object_get(step, "name")), name))
			return step;
		found = found ?: find_in_step(step, name);
	}
	return found;
}

json_t *model_find_stage(const json_t *model, const char *name)
{
	return find_stage(json_object_get(model, "stages"), name);
}

/* What the manifest says of a stage, but for where it stands and where its object lies. */
static char *settings_text(const json_t *model, const struct plan_stage *ps)
{
	_cleanup_free_ char *name = strndup(ps->stage->name, strcspn(ps->stage->name, "@"));
	json_t *stage = name ? model_find_stage(model, name) : NULL;
	json_t *copy = stage ? json_copy(stage) : json_object();
	char *text;

	json_object_del(copy, "object");
	text = json_dumps(copy, JSON_COMPACT | JSON_SORT_KEYS);
	json_decref(copy);
	return text;
}

/* Slots, or where in the segment. */
static void add_next(const struct braid_plan *plan, const struct segment *seg, __u32 next,
		     struct buf *b)
{
	if (next == SPLICE_END)
		buf_str(b, " end");
	else if (next >= seg->first && next < seg->first + seg->n)
		buf_fmt(b, " +%u", next - seg->first);
	else
		buf_fmt(b, " slot %u", plan->stages.v[next].segment);
}

static int describe_stage(const struct image *image, const struct segment *seg, const json_t *model,
			  __u32 k, struct buf *b, struct braid_error *err)
{
	const struct braid_plan *plan = image->plan;
	const struct plan_stage *ps = &plan->stages.v[k];
	_cleanup_free_ char *settings = settings_text(model, ps);

	if (!settings)
		return error_oom(err);
	buf_fmt(b, "%u %s %s %s %x %d %d %u", k, ps->stage->name, ps->digest,
		ps->unit->funcs.v[ps->func].name, ps->proceed_on, ps->called, ps->chooses,
		ps->sender);
	add_next(plan, seg, ps->next, b);
	array_foreach (c, &ps->cases) {
		buf_fmt(b, " %u:", c->value);
		add_next(plan, seg, c->next, b);
	}
	array_foreach (f, &image->fields)
		if (f->stage == ps->stage->name)
			buf_fmt(b, " %s@%u", f->name, f->offset);
	buf_fmt(b, " %s\n", settings);
	return 0;
}

/* What all segments have in common. */
static int describe_whole(const struct image *image, const json_t *model, struct buf *b,
			  struct braid_error *err)
{
	const struct braid_plan *plan = image->plan;
	const struct braid_pipeline *p = plan->pipeline;
	_cleanup_free_ char *shared = json_dumps(json_object_get(model, "shared-maps"),
						 JSON_COMPACT | JSON_ENCODE_ANY);
	_cleanup_count_model_ struct count_model counts = {};
	__u64 mark = 0;
	int r = 0;

	if (plan_counts(plan))
		r = count_model_new(plan, &counts, err) ?: count_model_mark(&counts, &mark, err);
	if (r)
		return r;
	buf_fmt(b, "%s %d %u %s %d %d %d %x %u %d %s %llx\n", p->name, p->has_final, p->final,
		plan->license, plan->frags, plan->clean_stack, p->signals, p->not_optimized,
		image->config_size, image->packet_map >= 0, shared ?: "", (unsigned long long)mark);
	return b->failed ? error_oom(err) : 0;
}

static int segment_to_json(const struct image *image, const struct segment *seg,
			   const json_t *model, json_t *list, struct braid_error *err)
{
	const struct braid_plan *plan = image->plan;
	json_t *stages = json_array();
	char digest[65];
	struct buf b = {};
	int r = describe_whole(image, model, &b, err);

	for (__u32 k = seg->first; k < seg->first + seg->n; k++) {
		r = r ?: describe_stage(image, seg, model, k, &b, err);
		if (!plan->stages.v[k].internal)
			json_array_append_new(stages, json_string(plan->stages.v[k].stage->name));
	}
	if (!r && b.failed)
		r = error_oom(err);
	if (!r)
		SHA256Data((const __u8 *)b.v, b.n, digest);
	buf_done(&b);
	if (r) {
		json_decref(stages);
		return r;
	}
	json_array_append_new(
		list, json_pack("{s:s, s:I, s:o, s:s}", "program", seg->name, "instructions",
				(json_int_t)program_size(image, seg - plan->segments.v), "stages",
				stages, "digest", digest));
	return 0;
}

int segments_to_json(const struct image *image, json_t **ret, struct braid_error *err)
{
	json_t *model, *list;
	int r = pipeline_to_json(image->plan->pipeline, &model, err);

	if (r)
		return r;
	list = json_array();
	array_foreach (seg, &image->plan->segments)
		r = r ?: segment_to_json(image, seg, model, list, err);
	json_decref(model);
	if (r)
		json_decref(list);
	else
		*ret = list;
	return r;
}
