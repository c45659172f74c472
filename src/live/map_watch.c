/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* What changes in a map: all entries at two times, sorted by their keys, side by side. */
#include <errno.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/text.h"
#include "live/map.h"

struct comparing {
	struct braid_map *m;
	struct snapshot now;
	size_t key_size, size; /* of an entry, with its key */
	bool per_cpu;
	int (*visit)(void *ctx, const char *json);
	void *ctx;
	double seconds;
	struct braid_error *err;
};

static int keep(void *ctx, const void *key, const void *value)
{
	struct comparing *c = ctx;
	struct snapshot *s = &c->now;
	char *room = array_grow(s->v, &s->cap, (s->n + 1) * c->size, 1);

	if (!room)
		return error_oom(c->err);
	s->v = room;
	room += s->n++ * c->size;
	memcpy(room, key, c->key_size);
	memcpy(room + c->key_size, value, c->m->e.stride);
	return 0;
}

static int by_key(const void *a, const void *b, void *size)
{
	return memcmp(a, b, *(size_t *)size);
}

/* An entry may be seen twice while others come and go: the first one of each stays. */
static void sort(struct comparing *c)
{
	struct snapshot *s = &c->now;
	size_t n = 0;

	if (s->n)
		qsort_r(s->v, s->n, c->size, by_key, &c->key_size);
	for (size_t i = 0; i < s->n; i++) {
		char *at = s->v + i * c->size;

		if (n && !memcmp(s->v + (n - 1) * c->size, at, c->key_size))
			continue;
		memmove(s->v + n++ * c->size, at, c->size);
	}
	s->n = n;
}

/* Of the member @path: does it count? Where nobody says, all numbers do. */
static bool is_counter(const struct braid_map *m, const char *path)
{
	const struct leaf *l;

	if (!m->counters)
		return true;
	l = layout_find(&m->layout, path);
	return l && l->counter;
}

static int add_rates(const struct comparing *c, const json_t *old, const json_t *now,
		     const char *path, const char *name, json_t *to);

static int add_rates_of_members(const struct comparing *c, const json_t *old, const json_t *now,
				const char *path, const char *name, json_t *to)
{
	const char *member;
	json_t *value;
	int r = 0;

	json_object_foreach ((json_t *)now, member, value) {
		_cleanup_free_ char *inner = text_fmt("%s%s%s", path, *path ? "." : "", member);
		_cleanup_free_ char *plain = text_fmt("%s%s%s", name, *name ? "." : "", member);

		r = r
			    ?: inner && plain
			       ? add_rates(c, json_object_get(old, member), value, inner, plain, to)
			       : -ENOMEM;
	}
	return r;
}

static int add_rates_of_elements(const struct comparing *c, const json_t *old, const json_t *now,
				 const char *path, const char *name, json_t *to)
{
	json_t *value;
	size_t i;
	int r = 0;

	json_array_foreach (now, i, value) {
		_cleanup_free_ char *inner = text_fmt("%s[%zu]", path, i);

		r = r
			    ?: inner ? add_rates(c, json_array_get(old, i), value, inner, name, to)
				     : -ENOMEM;
	}
	return r;
}

/* @path: "cpus[1].hits", as it is said; @name: "hits", as the layout knows it. */
static int add_rates(const struct comparing *c, const json_t *old, const json_t *now,
		     const char *path, const char *name, json_t *to)
{
	double rate;

	if (json_is_object(now))
		return add_rates_of_members(c, old, now, path, name, to);
	if (json_is_array(now))
		return add_rates_of_elements(c, old, now, path, name, to);
	if (!json_is_integer(now) || !json_is_integer(old) || json_equal(old, now) ||
	    !is_counter(c->m, name))
		return 0;
	rate = (double)(json_integer_value(now) - json_integer_value(old)) / c->seconds;
	return json_object_set_new(to, *path ? path : "value", json_real(rate)) ? -ENOMEM : 0;
}

/* The value of both, whatever it is called. */
static const json_t *value_of(const json_t *j)
{
	return json_object_get(j, "value") ?: json_object_get(j, "sum") ?: json_object_get(j, "cpus");
}

static int put_change(const struct comparing *c, json_t *j, const char *old, const char *now)
{
	json_t *rates = json_object();
	int r = json_object_set_new(j, "rates", rates) ? -ENOMEM : 0;

	r = r ?: map_put_value(c->m, j, "old", old, c->per_cpu)
	      ?: map_put_value(c->m, j, NULL, now, c->per_cpu);
	r = r ?: json_object_set_new(j, "seconds", json_real(c->seconds)) ? -ENOMEM : 0;
	r = r ?: add_rates(c, json_object_get(j, "old"), value_of(j), "", "", rates);
	if (!r && !json_object_size(rates))
		json_object_del(j, "rates");
	return r;
}

static int report(const struct comparing *c, const char *what, const char *old, const char *now)
{
	_cleanup_json_ json_t *j = json_pack("{s:s}", "change", what);
	_cleanup_free_ char *text = NULL;
	int r = json_object_set_new(j, "key", map_key_json(c->m, now ?: old)) ? -ENOMEM : 0;

	if (!r && old && now)
		r = put_change(c, j, old + c->key_size, now + c->key_size);
	else if (!r)
		r = map_put_value(c->m, j, NULL, (now ?: old) + c->key_size, c->per_cpu);
	text = r ? NULL : json_dumps(j, JSON_COMPACT | JSON_REAL_PRECISION(6));
	return text ? c->visit(c->ctx, text) : error_oom(c->err);
}

static int compare(const struct comparing *c)
{
	const struct snapshot *was = &c->m->before, *is = &c->now;
	size_t i = 0, k = 0;
	int r = 0;

	while (!r && (i < was->n || k < is->n)) {
		const char *old = was->v + i * c->size, *now = is->v + k * c->size;
		int order = i == was->n ? 1 : k == is->n ? -1 : memcmp(old, now, c->key_size);

		if (order < 0)
			r = report(c, "removed", old, NULL);
		else if (order > 0)
			r = report(c, "added", NULL, now);
		else if (memcmp(old, now, c->size) != 0)
			r = report(c, "changed", old, now);
		i += order <= 0;
		k += order >= 0;
	}
	return r;
}

int braid_map_changes(struct braid_map *m, int per_cpu, int (*visit)(void *ctx, const char *json),
		      void *ctx, struct braid_error *err)
{
	ERROR_SCRATCH(err);
	struct comparing c = {
		.m = m,
		.now = {.at_ns = clock_ns(CLOCK_MONOTONIC), .taken = true},
		.key_size = m->e.info.key_size,
		.size = m->e.info.key_size + m->e.stride,
		.per_cpu = per_cpu,
		.visit = visit,
		.ctx = ctx,
		.err = err,
	};
	int r = map_check_walkable(m, err) ?: elements_each(&m->e, keep, &c, err);

	if (!r)
		sort(&c);
	/* two calls within a nanosecond are none */
	c.seconds = (double)(c.now.at_ns - m->before.at_ns + 1) / 1e9;
	if (!r && m->before.taken)
		r = compare(&c);
	if (r < 0) {
		free(c.now.v);
		return r;
	}
	free(m->before.v);
	m->before = c.now;
	return r;
}
