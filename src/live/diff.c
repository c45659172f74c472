/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* How two pipelines differ. */
#include <errno.h>

#include "base/error.h"
#include "base/text.h"
#include "live/live.h"
#include "compose/plan_json.h"
#include "manifest/json.h"

/* "object" of @holder becomes the digest of @s's. */
static int set_digest(json_t *holder, const struct stage *s, struct braid_error *err)
{
	_cleanup_free_ char *text = NULL;
	char digest[65];
	int r = stage_digest(s, digest, err);

	if (r)
		return r;
	text = text_fmt("sha256:%s", digest);
	return text && !json_object_set_new(holder, "object", json_string(text)) ? 0
										 : error_oom(err);
}

int comparable(const struct braid_pipeline *p, json_t **ret, struct braid_error *err)
{
	_cleanup_json_ json_t *j = NULL;
	int r = pipeline_to_json(p, &j, err);

	for (size_t i = 0; i < p->stages.n && !r; i++) {
		const struct stage *s = &p->stages.v[i];
		json_t *stage = model_find_stage(j, s->name);

		r = set_digest(stage, s, err);
		if (!r && s->candidate) {
			const struct stage candidate = {.name = s->name,
							.object = s->candidate->object,
							.bytes = s->candidate->bytes,
							.size = s->candidate->size,
							.at = s->at};

			r = set_digest(json_object_get(stage, "rollout"), &candidate, err);
		}
	}
	if (!r)
		*ret = TAKE_PTR(j);
	return r;
}

static int add(json_t *list, const char *path, const json_t *from, const json_t *to)
{
	json_t *j = json_pack("{s:s}", "path", path);

	if (from)
		json_object_set(j, "old", (json_t *)from);
	if (to)
		json_object_set(j, "new", (json_t *)to);
	return json_array_append_new(list, j) ? -ENOMEM : 0;
}

static char *join(const char *path, const char *member)
{
	return *path ? text_fmt("%s.%s", path, member) : strdup(member);
}

static const char *name_of(const json_t *element)
{
	return json_string_value(json_object_get(element, "name"));
}

/* Lists whose elements all have a name are compared by it. */
static bool is_named(const json_t *list)
{
	json_t *element;
	size_t i;

	json_array_foreach (list, i, element)
		if (!name_of(element))
			return false;
	return json_array_size(list) > 0;
}

static const json_t *by_name(const json_t *list, const char *name)
{
	json_t *element;
	size_t i;

	json_array_foreach (list, i, element)
		if (text_eq(name_of(element), name))
			return element;
	return NULL;
}

/* The names in their order, to say that the order changed. */
static json_t *order(const json_t *list)
{
	json_t *names = json_array(), *element;
	size_t i;

	json_array_foreach (list, i, element)
		json_array_append_new(names, json_string(name_of(element)));
	return names;
}

static int diff_named(const json_t *from, const json_t *to, const char *path, json_t *list)
{
	_cleanup_json_ json_t *was = order(from), *is = order(to);
	json_t *element;
	size_t i;
	int r = 0;

	json_array_foreach (from, i, element) {
		_cleanup_free_ char *at = join(path, name_of(element));

		r = r
			    ?: !at ? -ENOMEM
				   : diff_values(element, by_name(to, name_of(element)), at, list);
	}
	json_array_foreach (to, i, element) {
		_cleanup_free_ char *at = join(path, name_of(element));

		if (!by_name(from, name_of(element)))
			r = r ?: !at ? -ENOMEM : add(list, at, NULL, element);
	}
	if (!r && json_array_size(was) == json_array_size(is) && !json_equal(was, is)) {
		_cleanup_free_ char *at = join(path, "(order)");

		for (i = 0; i < json_array_size(was) && !r; i++)
			if (!by_name(to, json_string_value(json_array_get(was, i))))
				return 0; /* said already: one went, another came */
		r = at ? add(list, at, was, is) : -ENOMEM;
	}
	return r;
}

static int diff_objects(const json_t *from, const json_t *to, const char *path, json_t *list)
{
	const char *key;
	json_t *value;
	int r = 0;

	json_object_foreach ((json_t *)from, key, value) {
		_cleanup_free_ char *at = join(path, key);

		r = r ?: !at ? -ENOMEM : diff_values(value, json_object_get(to, key), at, list);
	}
	json_object_foreach ((json_t *)to, key, value) {
		_cleanup_free_ char *at = join(path, key);

		if (!json_object_get(from, key))
			r = r ?: !at ? -ENOMEM : add(list, at, NULL, value);
	}
	return r;
}

int diff_values(const json_t *from, const json_t *to, const char *path, json_t *list)
{
	if (json_equal(from, to))
		return 0;
	if (json_is_object(from) && json_is_object(to))
		return diff_objects(from, to, path, list);
	if (json_is_array(from) && json_is_array(to) && is_named(from) && is_named(to))
		return diff_named(from, to, path, list);
	return add(list, path, from, to);
}

int braid_diff(const struct braid_pipeline *from, const struct braid_pipeline *to, char **ret_json,
	       struct braid_error *err)
{
	_cleanup_json_ json_t *a = NULL, *b = NULL, *list = json_array();
	ERROR_SCRATCH(err);
	int r;

	r = comparable(from, &a, err) ?: comparable(to, &b, err);
	if (r)
		return r;
	if (diff_values(a, b, "", list))
		return error_oom(err);
	*ret_json = json_dumps(list, JSON_INDENT(2));
	return *ret_json ? 0 : error_oom(err);
}
