/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Counters as documents, and documents added up. */
#include <errno.h>

#include "base/error.h"
#include "base/text.h"
#include "live/counters.h"
#include "manifest/hook.h"

static json_t *value_to_json(const struct count_value *v)
{
	return json_pack("{s:I, s:I}", "packets", (json_int_t)v->packets, "bytes",
			 (json_int_t)v->bytes);
}

static void add_member(json_t *to, const char *key, json_int_t more)
{
	json_object_set_new(to, key,
			    json_integer(json_integer_value(json_object_get(to, key)) + more));
}

static void add_value(json_t *to, const struct count_value *v)
{
	add_member(to, "packets", v->packets);
	add_member(to, "bytes", v->bytes);
}

/* The member @key of @of, an object of a value. Borrowed. */
static json_t *member_of(json_t *of, const char *key)
{
	json_t *j = json_object_get(of, key);

	if (!j) {
		j = value_to_json(&(struct count_value){});
		json_object_set_new(of, key, j);
	}
	return j;
}

static const char *word_of(enum hook hook, __u32 verdict)
{
	return (verdict == COUNT_OTHER ? NULL : verdict_name(hook, verdict)) ?: "other";
}

static bool is_known(const char *word)
{
	return !text_eq(word, "other");
}

/* What a stage returned. Others than those of the hook are there only if there were some. */
static void add_verdict(json_t *stage, const struct count_edge *e, const char *word,
			const struct count_value *v)
{
	json_t *verdicts = json_object_get(stage, "verdicts"), *j;

	if (!v->packets && (e->kind == COUNT_ACCEPT || !is_known(word)))
		return;
	j = member_of(verdicts, word);
	add_value(j, v);
	json_object_set_new(j, "leaves",
			    json_boolean(e->kind != COUNT_PROCEED && e->onward == COUNT_OUTSIDE));
}

/* What went from a stage, and by which way. */
static void add_from(json_t *stage, const struct counters *c, const struct count_edge *e,
		     const struct count_value *v)
{
	switch (e->kind) {
	case COUNT_VERDICT:
	case COUNT_PROCEED:
		add_verdict(stage, e, word_of(c->hook, e->verdict), v);
		break;
	case COUNT_ACCEPT:
		add_verdict(stage, e, "accept", v);
		break;
	case COUNT_BYPASS:
		add_value(member_of(stage, "bypassed"), v);
		break;
	case COUNT_LOST:
		if (v->packets)
			add_member(stage, "lost", v->packets);
		return;
	default:
		break;
	}
}

static bool is_met(enum count_kind kind)
{
	return kind != COUNT_BYPASS && kind != COUNT_LOST;
}

static json_t *stage_to_json(const struct counters *c, const struct count_value *values, __u32 k)
{
	const struct count_stage *s = &c->model.stages.v[k];
	json_t *j = json_pack("{s:s, s:I, s:I, s:o, s:o}", "stage", s->name, "packets",
			      (json_int_t)0, "bytes", (json_int_t)0, "bypassed",
			      value_to_json(&(struct count_value){}), "verdicts", json_object());

	if (s->internal)
		json_object_set_new(j, "internal", json_true());
	array_foreach (e, &c->model.edges) {
		const struct count_value *v = &values[e - c->model.edges.v];

		if (e->from != k)
			continue;
		add_from(j, c, e, v);
		if (is_met(e->kind)) /* whatever meets the stage goes from it */
			add_value(j, v);
	}
	return j;
}

static const char *name_of(const struct counters *c, __u32 stage)
{
	return stage == COUNT_OUTSIDE ? "" : c->model.stages.v[stage].name;
}

/* The edge of @list with those members, or a new one. Borrowed. */
static json_t *edge_of(json_t *list, const char *from, const char *to, const char *text)
{
	json_t *j;
	size_t i;

	json_array_foreach (list, i, j)
		if (text_eq(json_string_value(json_object_get(j, "from")), from) &&
		    text_eq(json_string_value(json_object_get(j, "to")), to) &&
		    text_eq(json_string_value(json_object_get(j, "case")) ?: "", text ?: ""))
			return j;
	j = json_pack("{s:s, s:s, s:s*, s:I, s:I}", "from", from, "to", to, "case", text, "packets",
		      (json_int_t)0, "bytes", (json_int_t)0);
	json_array_append_new(list, j);
	return j;
}

static void add_edge(json_t *list, const struct counters *c, const struct count_edge *e,
		     const struct count_value *v)
{
	__u32 to = e->to == COUNT_OUTSIDE ? e->onward : e->to;

	add_value(edge_of(list, name_of(c, e->from), name_of(c, to), e->text), v);
}

/* Of components, only what comes into the first one comes into the pipeline. */
static void add_whole(json_t *j, const struct counters *c, const struct count_value *values)
{
	json_t *entered = json_object_get(j, "entered"), *edges = json_object_get(j, "edges");
	__u32 entries = 0;

	array_foreach (e, &c->model.edges) {
		const struct count_value *v = &values[e - c->model.edges.v];

		entries += e->kind == COUNT_ENTER;
		if (e->from == COUNT_OUTSIDE && entries > 1 && e->onward == COUNT_OUTSIDE &&
		    e->kind == COUNT_ENTER)
			continue;
		if (e->from == COUNT_OUTSIDE && entries == 1)
			add_value(entered, v);
		if (e->to == COUNT_OUTSIDE && e->onward == COUNT_OUTSIDE &&
		    (v->packets || is_known(word_of(c->hook, e->left))))
			add_value(member_of(json_object_get(j, "left"), word_of(c->hook, e->left)),
				  v);
		if (e->kind != COUNT_CLOSED || v->packets)
			add_edge(edges, c, e, v);
	}
}

/* One CPU's block, or the sum of all. NULL: no memory. */
static struct count_value *block_of(const struct counters *c, __u32 cpu)
{
	struct count_value *sum = calloc(c->model.counters, sizeof(*sum));

	for (__u32 i = 0; sum && i < c->cpus; i++)
		for (__u32 k = 0; k < c->model.counters && (cpu == COUNTERS_ALL || cpu == i); k++) {
			const struct count_value *v = &c->values[(size_t)i * c->model.counters + k];

			sum[k].packets += v->packets;
			sum[k].bytes += v->bytes;
		}
	return sum;
}

int counters_to_json(const struct counters *c, __u32 cpu, json_t **ret, struct braid_error *err)
{
	_cleanup_free_ struct count_value *block = block_of(c, cpu);
	_cleanup_free_ struct count_value *values = calloc(c->model.edges.n + 1, sizeof(*values));
	json_t *j, *stages;
	int r = block && values ? count_derive(&c->model, block, values) : -ENOMEM;

	if (r)
		return error_oom(err);
	stages = json_array();
	for (__u32 k = 0; k < c->model.stages.n; k++)
		json_array_append_new(stages, stage_to_json(c, values, k));
	j = json_pack("{s:I, s:o, s:o, s:o, s:o}", "since", (json_int_t)c->since, "entered",
		      value_to_json(&(struct count_value){}), "left", json_object(), "stages",
		      stages, "edges", json_array());
	if (!j)
		return error_oom(err);
	add_whole(j, c, values);
	*ret = j;
	return 0;
}

/* All numbers of an object, and of objects in it; what else there is stays, or comes along. */
static void add_numbers(json_t *to, const json_t *from)
{
	const char *key;
	json_t *v;

	json_object_foreach ((json_t *)from, key, v) {
		json_t *there = json_object_get(to, key);

		if (!there)
			json_object_set_new(to, key, json_deep_copy(v));
		else if (json_is_integer(v))
			add_member(to, key, json_integer_value(v));
		else if (json_is_object(v))
			add_numbers(there, v);
	}
}

static const json_t *stage_of(const json_t *list, const char *name)
{
	size_t i;
	json_t *s;

	json_array_foreach (list, i, s)
		if (text_eq(json_string_value(json_object_get(s, "stage")), name))
			return s;
	return NULL;
}

static const char *text_of(const json_t *j, const char *key)
{
	return json_string_value(json_object_get(j, key)) ?: "";
}

/* The earlier one of both. */
static void add_since(json_t *j, json_t *since)
{
	if (since && json_integer_value(since) < json_integer_value(json_object_get(j, "since")))
		json_object_set(j, "since", since);
}

int counters_add(json_t *j, const json_t *base, struct braid_error *err)
{
	json_t *stages = json_object_get(j, "stages"), *each;
	size_t i;

	json_array_foreach (json_object_get(base, "stages"), i, each) {
		const json_t *there = stage_of(stages, text_of(each, "stage"));

		if (there)
			add_numbers((json_t *)there, each);
		else if (json_array_append_new(stages, json_deep_copy(each)))
			return error_oom(err);
	}
	json_array_foreach (json_object_get(base, "edges"), i, each) {
		const char *text = json_string_value(json_object_get(each, "case"));

		add_numbers(edge_of(json_object_get(j, "edges"), text_of(each, "from"),
				    text_of(each, "to"), text),
			    each);
	}
	add_numbers(json_object_get(j, "entered"), json_object_get(base, "entered"));
	add_numbers(json_object_get(j, "left"), json_object_get(base, "left"));
	add_since(j, json_object_get(base, "since"));
	return 0;
}

static bool has_stage(const struct count_model *m, const char *name)
{
	array_foreach (s, &m->stages)
		if (text_eq(s->name, name))
			return true;
	return false;
}

static bool has_edge(const struct counters *c, const json_t *edge)
{
	array_foreach (e, &c->model.edges) {
		__u32 to = e->to == COUNT_OUTSIDE ? e->onward : e->to;

		if (text_eq(name_of(c, e->from), text_of(edge, "from")) &&
		    text_eq(name_of(c, to), text_of(edge, "to")))
			return true;
	}
	return false;
}

void counters_prune(json_t *j, const struct count_model *like)
{
	json_t *stages = json_object_get(j, "stages"), *edges = json_object_get(j, "edges");
	const struct counters c = {.model = *like};

	for (size_t i = json_array_size(stages); i-- > 0;)
		if (!has_stage(like, text_of(json_array_get(stages, i), "stage")))
			json_array_remove(stages, i);
	for (size_t i = json_array_size(edges); i-- > 0;)
		if (!has_edge(&c, json_array_get(edges, i)))
			json_array_remove(edges, i);
}
