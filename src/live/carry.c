/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Which maps go on in a new revision: those of the same stage and name, of the same
 * shape, and with the same entries in the manifest. All others start anew, and say why.
 */
#include <bpf/bpf.h>
#include <errno.h>

#include "base/error.h"
#include "base/text.h"
#include "compose/plan_json.h"
#include "kernel/bpffs.h"
#include "live/live.h"

void carry_done(struct carry *c)
{
	array_foreach (m, &c->list) {
		free(m->symbol);
		closep(&m->fd);
	}
	array_done(&c->list);
	array_done(&c->reuse);
}

static const json_t *find_named(const json_t *list, const char *stage, const char *name)
{
	size_t i;
	json_t *m;

	json_array_foreach (list, i, m) {
		const char *s = json_string_value(json_object_get(m, "stage"));
		bool same_stage = stage ? text_eq(s, stage) : !s;

		if (same_stage && text_eq(json_string_value(json_object_get(m, "name")), name))
			return m;
	}
	return NULL;
}

static bool same_object(const json_t *old, const struct image *image, const struct image_map *m)
{
	const json_t *stage = find_named(json_object_get(old, "stages"), NULL, m->stage);

	return text_eq(json_string_value(json_object_get(stage, "digest")),
		       image->plan->stages.v[m->stage_index].digest);
}

/* The members of a map's description that must be equal, and what to say when they are not. */
static const char *shape_changed(const json_t *was, const json_t *is)
{
	static const char *const members[][2] = {
		{"type", "its type changed"},
		{"key-size", "its key size changed"},
		{"value-size", "its value size changed"},
		{"max-entries", "its size changed"},
		{"flags", "its flags changed"},
		{"entries-digest", "its entries in the manifest changed"},
	};

	for (size_t i = 0; i < sizeof(members) / sizeof(*members); i++) {
		json_t *a = json_object_get(was, members[i][0]);
		json_t *b = json_object_get(is, members[i][0]);

		if (!json_equal(a, b) && (a || b))
			return members[i][1];
	}
	return NULL;
}

static bool has_static_values(const struct image *image, const struct image_map *m)
{
	int map = m->globals ? -1 : unit_find_map(image->unit, m->symbol);

	return map >= 0 && image->unit->maps.v[map].values.n;
}

/* NULL: it may go on. */
static const char *why_not(const struct image *image, const struct image_map *m, const json_t *old)
{
	const json_t *was = find_named(json_object_get(old, "maps"), m->stage, m->name);
	_cleanup_json_ json_t *is = map_to_json(m);

	if (!was)
		return "it is new";
	if (has_static_values(image, m))
		return "it holds programs or maps of its own revision";
	if (m->globals && !same_object(old, image, m))
		return "the object changed";
	return shape_changed(was, is);
}

static int carry_one(const struct image *image, const struct image_map *m, const json_t *old,
		     const char *path, struct carry *ret, struct braid_error *err)
{
	const json_t *was = find_named(json_object_get(old, "maps"), m->stage, m->name);
	const char *symbol = json_string_value(json_object_get(was, "symbol"));
	struct carried *c = array_push(&ret->list);
	_cleanup_free_ char *pin = NULL;
	int r;

	if (!c)
		return error_oom(err);
	*c = (struct carried){.fd = -1, .stage = m->stage, .name = m->name};
	c->why_not = why_not(image, m, old);
	c->symbol = strdup(m->symbol);
	if (!c->symbol)
		return error_oom(err);
	if (c->why_not)
		return 0;
	pin = symbol ? path_map(path, symbol) : NULL;
	if (!pin)
		return error_oom(err);
	r = bpffs_get(pin, BPFFS_MAP, &c->fd, err);
	if (r == -ENOENT) {
		braid_error_clear(err);
		c->why_not = "its pin is gone";
		return 0;
	}
	return r;
}

int carry_find(const struct image *image, const json_t *old, const char *path, struct carry *ret,
	       struct braid_error *err)
{
	struct carry c = {};
	int r = 0;

	array_foreach (m, &image->maps)
		if (!r && !m->braid)
			r = carry_one(image, m, old, path, &c, err);
	array_foreach (m, &c.list)
		if (!r && m->fd >= 0 &&
		    !array_add(&c.reuse, ((struct load_reuse){m->symbol, m->fd})))
			r = error_oom(err);
	if (r)
		carry_done(&c);
	else
		*ret = c;
	return r;
}

json_t *carry_to_json(const struct carry *c)
{
	json_t *list = json_array();

	array_foreach (m, &c->list) {
		json_t *j = json_pack("{s:s?, s:s, s:b}", "stage", m->stage, "name", m->name,
				      "carried", m->fd >= 0);

		if (m->why_not)
			json_object_set_new(j, "why", json_string(m->why_not));
		json_array_append_new(list, j);
	}
	return list;
}
