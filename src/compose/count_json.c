/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * A model as JSON, as it is kept with a plan:
 *	{"counters": 42, "stages": ["guard", "by-proto@"],
 *	 "edges": [[kind, from, to, counter, verdict, left, onward, "text"], …]}
 * The name of code of braid's own has a '@' behind it.
 */
#include <errno.h>

#include "base/error.h"
#include "base/text.h"
#include "compose/count.h"

static json_t *edge_to_json(const struct count_edge *e)
{
	json_t *j = json_pack("[i, I, I, I, I, I, I]", e->kind, (json_int_t)e->from,
			      (json_int_t)e->to, (json_int_t)e->counter, (json_int_t)e->verdict,
			      (json_int_t)e->left, (json_int_t)e->onward);

	if (j && e->text && json_array_append_new(j, json_string(e->text))) {
		json_decref(j);
		return NULL;
	}
	return j;
}

/* @lost: with those of tail calls that fail, of which there are as many as it has segments. */
static json_t *edges_to_json(const struct count_model *m, bool lost)
{
	json_t *list = json_array();

	array_foreach (e, &m->edges)
		if ((lost || e->kind != COUNT_LOST) &&
		    json_array_append_new(list, edge_to_json(e))) {
			json_decref(list);
			return NULL;
		}
	return list;
}

json_t *count_model_to_json(const struct count_model *m)
{
	json_t *stages = json_array(), *edges = edges_to_json(m, true);

	array_foreach (s, &m->stages)
		json_array_append_new(stages,
				      json_sprintf("%s%s", s->name, s->internal ? "@" : ""));
	return json_pack("{s:I, s:o, s:o}", "counters", (json_int_t)m->counters, "stages", stages,
			 "edges", edges);
}

static bool read_stage(const json_t *j, struct count_model *m)
{
	const char *name = json_string_value(j);
	struct count_stage *s = name && *name ? array_push(&m->stages) : NULL;
	size_t n = name ? strlen(name) : 0;

	if (!s)
		return false;
	s->internal = name[n - 1] == '@';
	s->name = strndup(name, n - s->internal);
	return s->name;
}

static bool read_number(const json_t *j, size_t i, __u32 *ret)
{
	json_t *v = json_array_get(j, i);
	json_int_t n = json_integer_value(v);

	*ret = n;
	return json_is_integer(v) && n >= 0 && n <= UINT32_MAX;
}

static bool read_edge(const json_t *j, struct count_model *m)
{
	struct count_edge *e = array_push(&m->edges);
	__u32 kind;

	if (!e || !read_number(j, 0, &kind) || !read_number(j, 1, &e->from) ||
	    !read_number(j, 2, &e->to) || !read_number(j, 3, &e->counter) ||
	    !read_number(j, 4, &e->verdict) || !read_number(j, 5, &e->left) ||
	    !read_number(j, 6, &e->onward))
		return false;
	e->kind = kind;
	if (json_array_size(j) > 7 &&
	    !(e->text = strdup(json_string_value(json_array_get(j, 7)) ?: "")))
		return false;
	return kind <= COUNT_CLOSED && e->counter < m->counters &&
	       (e->from < m->stages.n || e->from == COUNT_OUTSIDE) &&
	       (e->to < m->stages.n || e->to == COUNT_OUTSIDE) &&
	       (e->onward < m->stages.n || e->onward == COUNT_OUTSIDE);
}

int count_model_from_json(const json_t *j, struct count_model *ret, struct braid_error *err)
{
	_cleanup_count_model_ struct count_model m = {};
	json_int_t counters = json_integer_value(json_object_get(j, "counters"));
	json_t *each;
	bool good = counters > 0 && counters < 1 << 24;
	size_t i;

	m.counters = good ? counters : 0;
	json_array_foreach (json_object_get(j, "stages"), i, each)
		good = good && read_stage(each, &m);
	json_array_foreach (json_object_get(j, "edges"), i, each)
		good = good && read_edge(each, &m);
	if (!good) {
		error_set(err, -EBADMSG, NULL, "what is counted cannot be read from the plan");
		return -EBADMSG;
	}
	*ret = m;
	m = (struct count_model){};
	return 0;
}

int count_model_mark(const struct count_model *m, __u64 *ret, struct braid_error *err)
{
	json_t *edges = edges_to_json(m, false);
	char *text = edges ? json_dumps(edges, JSON_COMPACT) : NULL;
	__u64 mark = 0xcbf29ce484222325; /* FNV-1a */

	json_decref(edges);
	if (!text)
		return error_oom(err);
	for (const char *c = text; *c; c++)
		mark = (mark ^ (__u8)*c) * 0x100000001b3;
	free(text);
	*ret = mark;
	return 0;
}
