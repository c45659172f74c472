/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "live/observe_ask.h"

#include <errno.h>
#include <linux/filter.h>

#include "base/error.h"
#include "base/text.h"
#include "live/observe.h"
#include "manifest/hook.h"

#define RING_DEFAULT (4u << 20) /* bytes */
#define RING_MAX     (1u << 30)

static int invalid(struct braid_error *err, const char *what)
{
	error_set(err, -EINVAL, NULL, "an observer cannot ask for that: %s", what);
	return -EINVAL;
}

static int check(const struct braid_observe_opts *o, struct braid_error *err)
{
	const unsigned int both = BRAID_OBSERVE_EVENTS | BRAID_OBSERVE_TIMES;

	if (!(o->what & both) || o->what & ~both)
		return invalid(err, "neither events nor times, or something unknown");
	if (o->only && o->what & BRAID_OBSERVE_TIMES)
		return invalid(err, "times, and not of all stages");
	if (o->snap > OBSERVE_SNAP)
		return invalid(err, "more than 65535 bytes of each packet");
	if (o->ring > RING_MAX)
		return invalid(err, "a buffer of more than 1 GiB");
	if (o->n_filter > BPF_MAXINSNS || (o->n_filter && !o->filter))
		return invalid(err, "a filter of more than 4096 instructions");
	return 0;
}

static json_t *names(const char *const *list, size_t n)
{
	json_t *j = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(j, json_string(list[i]));
	return j;
}

static json_t *filter_to_json(const struct braid_filter *f, size_t n)
{
	json_t *j = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(j, json_pack("[i, i, i, I]", f[i].code, f[i].jt, f[i].jf,
						   (json_int_t)f[i].k));
	return j;
}

/* A power of two, and whole pages. */
static __u32 ring_size(size_t wanted)
{
	__u32 size = 1u << 16;

	while (size < (wanted ?: RING_DEFAULT))
		size <<= 1;
	return size;
}

int ask_new(const struct braid_observe_opts *o, json_t **ret, struct braid_error *err)
{
	int r = check(o, err);
	json_t *j;

	if (r)
		return r;
	j = json_pack("{s:i, s:I, s:I, s:I, s:o, s:o, s:o, s:b, s:o}", "what", o->what, "every",
		      (json_int_t)o->every, "snap", (json_int_t)o->snap, "ring",
		      (json_int_t)ring_size(o->ring), "filter",
		      filter_to_json(o->filter, o->n_filter), "verdicts",
		      names(o->verdicts, o->n_verdicts), "before", names(o->before, o->n_before),
		      "only", o->only, "behind", names(o->behind, o->n_behind));
	if (!j)
		return error_oom(err);
	*ret = j;
	return 0;
}

/* Index of a stage of the plan; -1: it has none of that name. */
static int find_stage(const json_t *plan, const char *name)
{
	json_t *stage;
	size_t i;

	json_array_foreach (json_object_get(plan, "stages"), i, stage)
		if (text_eq(json_string_value(json_object_get(stage, "name")), name))
			return json_integer_value(json_object_get(stage, "index"));
	return -1;
}

static int no_stage(const json_t *plan, const char *name, struct braid_error *err)
{
	const char *all[64];
	json_t *stage;
	size_t i, n = 0;

	json_array_foreach (json_object_get(plan, "stages"), i, stage)
		if (n < 64)
			all[n++] = json_string_value(json_object_get(stage, "name"));
	return stage_unknown(-EINVAL, NULL, name, all, n, err);
}

int ask_check(const json_t *asks, const json_t *plan, struct braid_error *err)
{
	enum hook hook = hook_of_plan(plan);
	json_t *word;
	__u32 verdict;
	size_t i;

	json_array_foreach (json_object_get(asks, "before"), i, word)
		if (find_stage(plan, json_string_value(word)) < 0)
			return no_stage(plan, json_string_value(word), err);
	json_array_foreach (json_object_get(asks, "behind"), i, word)
		if (find_stage(plan, json_string_value(word)) < 0)
			return no_stage(plan, json_string_value(word), err);
	json_array_foreach (json_object_get(asks, "verdicts"), i, word) {
		int r = verdict_read(hook, "verdict", NULL, json_string_value(word),
				     (struct place){}, &verdict, err);

		if (r)
			return r;
	}
	return 0;
}

json_t *ask_what_to_json(const json_t *asks)
{
	int what = json_integer_value(json_object_get(asks, "what"));
	json_t *list = json_array();

	if (what & BRAID_OBSERVE_EVENTS)
		json_array_append_new(list, json_string("events"));
	if (what & BRAID_OBSERVE_TIMES)
		json_array_append_new(list, json_string("times"));
	return list;
}

static __u64 number(const json_t *j, const char *name)
{
	return json_integer_value(json_object_get(j, name));
}

static struct braid_filter instruction(const json_t *j)
{
	return (struct braid_filter){
		.code = json_integer_value(json_array_get(j, 0)),
		.jt = json_integer_value(json_array_get(j, 1)),
		.jf = json_integer_value(json_array_get(j, 2)),
		.k = json_integer_value(json_array_get(j, 3)),
	};
}

static int take_filter(const json_t *list, struct observe_slot *slot, struct braid_filter **ret,
		       struct braid_error *err)
{
	struct braid_filter *f = calloc(json_array_size(list) + 1, sizeof(*f));
	json_t *j;
	size_t i;

	if (!f)
		return error_oom(err);
	json_array_foreach (list, i, j)
		f[i] = instruction(j);
	slot->filter = *ret = f;
	slot->n_filter = json_array_size(list);
	return 0;
}

static int by_number(const void *a, const void *b)
{
	__u32 x = *(const __u32 *)a, y = *(const __u32 *)b;

	return x < y ? -1 : x > y;
}

static int take_stages(const json_t *list, const json_t *plan, __u32 **ret, size_t *ret_n,
		       struct braid_error *err)
{
	__u32 *stages = calloc(json_array_size(list) + 1, sizeof(*stages));
	json_t *name;
	size_t i, n = 0;

	if (!stages)
		return error_oom(err);
	json_array_foreach (list, i, name) {
		int stage = find_stage(plan, json_string_value(name));

		for (size_t k = 0; k < n; k++)
			if (stages[k] == stage) /* named twice */
				stage = -1;
		if (stage >= 0)
			stages[n++] = stage;
	}
	qsort(stages, n, sizeof(*stages), by_number);
	*ret = stages;
	*ret_n = n;
	return 0;
}

static __u32 verdict_mask(const json_t *list, enum hook hook)
{
	json_t *word;
	__u32 verdict, mask = 0;
	size_t i;

	json_array_foreach (list, i, word)
		if (verdict_parse(hook, json_string_value(word), &verdict))
			mask |= verdict_bit(verdict);
	return mask;
}

static int take(const struct observing *o, const json_t *plan, struct asked *a,
		struct braid_error *err)
{
	struct observe_slot *slot = &a->set.slots[o->slot];
	int r;

	if (slot->used) /* a document with two of one slot: one of them looks */
		return 0;
	*slot = (struct observe_slot){
		.used = true,
		.settings = {.what = number(o->asks, "what"),
			     .snap = number(o->asks, "snap"),
			     .only = json_is_true(json_object_get(o->asks, "only")),
			     .leaves = verdict_mask(json_object_get(o->asks, "verdicts"),
						    hook_of_plan(plan))},
		.ring = number(o->asks, "ring"),
	};
	r = take_filter(json_object_get(o->asks, "filter"), slot, &a->slots[o->slot].filter, err);
	r = r
		    ?: take_stages(json_object_get(o->asks, "before"), plan,
				   &a->slots[o->slot].before, &slot->n_before, err);
	r = r
		    ?: take_stages(json_object_get(o->asks, "behind"), plan,
				   &a->slots[o->slot].behind, &slot->n_behind, err);
	slot->before = a->slots[o->slot].before;
	slot->behind = a->slots[o->slot].behind;
	return r;
}

int asked_new(const struct observers *observers, const json_t *plan, struct asked *ret,
	      struct braid_error *err)
{
	struct asked a = {};
	int r = 0;

	array_foreach (o, &observers->list)
		r = r ?: take(o, plan, &a, err);
	if (r)
		asked_done(&a);
	else
		*ret = a;
	return r;
}

void asked_done(struct asked *a)
{
	for (size_t i = 0; i < OBSERVE_SLOTS; i++) {
		free(a->slots[i].filter);
		free(a->slots[i].before);
		free(a->slots[i].behind);
	}
}
