/* SPDX-License-Identifier: GPL-2.0-only */
/* braid map dump, watch: entries as they come. */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "cli/map.h"

/* Neither an error nor the end: enough has been seen. */
#define ENOUGH 1

struct printing {
	bool json;
	unsigned long long left; /* entries that may still be printed */
};

static int print_one(struct printing *p, const char *text, void (*show)(const json_t *entry))
{
	_cleanup_json_ json_t *j = NULL;

	if (!p->left)
		return ENOUGH;
	p->left--;
	if (p->json) {
		puts(text);
		return 0;
	}
	j = json_loads(text, 0, NULL);
	if (!j)
		return -ENOMEM;
	show(j);
	return 0;
}

static void show_entry(const json_t *entry)
{
	print_entry("", entry);
}

static int visit_entry(void *ctx, const char *text)
{
	return print_one(ctx, text, show_entry);
}

int map_dump(struct map_call *call)
{
	_cleanup_(braid_map_closep) struct braid_map *m = NULL;
	_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
	struct printing p = {call->o->json, call->own->limit ?: ~0ull};
	int r, status;

	if (call->n != 2)
		return usage(call->c, "which map? PIPELINE MAP");
	if (map_call_open(call, &m, &status))
		return status;
	r = braid_map_each(m, call->own->per_cpu, visit_entry, &p, &err);
	return r < 0 ? fail(call->o, &err) : EXIT_DONE;
}

static void add_difference(const json_t *old, const json_t *now, const json_t *rates,
			   const char *path, struct buf *to);

static void add_members(const json_t *old, const json_t *now, const json_t *rates, const char *path,
			struct buf *to)
{
	const char *name;
	json_t *value;

	json_object_foreach ((json_t *)now, name, value) {
		_cleanup_free_ char *inner = text_fmt("%s%s%s", path, *path ? "." : "", name);

		add_difference(json_object_get(old, name), value, rates, inner ?: "", to);
	}
}

static void add_elements(const json_t *old, const json_t *now, const json_t *rates,
			 const char *path, struct buf *to)
{
	json_t *value;
	size_t i;

	json_array_foreach (now, i, value) {
		_cleanup_free_ char *inner = text_fmt("%s[%zu]", path, i);

		add_difference(json_array_get(old, i), value, rates, inner ?: "", to);
	}
}

/* "packets 3 -> 10 (+7/s)" for each thing that differs. */
static void add_difference(const json_t *old, const json_t *now, const json_t *rates,
			   const char *path, struct buf *to)
{
	const json_t *rate = json_object_get(rates, *path ? path : "value");
	double per_second = json_number_value(rate);

	if (json_equal(old, now))
		return;
	if (json_is_object(old) && json_is_object(now))
		return add_members(old, now, rates, path, to);
	if (json_is_array(old) && json_is_array(now))
		return add_elements(old, now, rates, path, to);
	buf_fmt(to, "%s%s%s", to->n ? ", " : "", path, *path ? " " : "");
	inline_text(old, to);
	buf_str(to, " -> ");
	inline_text(now, to);
	if (rate)
		buf_fmt(to, " (%+.*f/s)", per_second > -10 && per_second < 10 ? 1 : 0, per_second);
}

static void show_change(const json_t *j)
{
	const char *what = member(j, "change");
	_cleanup_(buf_done) struct buf key = {}, b = {};

	if (!text_eq(what, "changed")) {
		print_entry(text_eq(what, "added") ? "+ " : "- ", j);
		return;
	}
	inline_text(json_object_get(j, "key"), &key);
	add_difference(json_object_get(j, "old"), entry_value(j), json_object_get(j, "rates"), "",
		       &b);
	printf("~ %s: %s\n", key.v ?: "", b.v ?: "(bytes that have no name)");
}

static int visit_change(void *ctx, const char *text)
{
	return print_one(ctx, text, show_change);
}

static long long id_of(struct braid_map *m)
{
	_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
	_cleanup_json_ json_t *j = NULL;
	char *text;

	if (braid_map_json(m, &text, &err))
		return 0;
	j = parse_json(text);
	return number(j, "id");
}

/*
 * The pipeline may have another map of that name by now, or none. @m: that other one then.
 * Return: 0; else *ret_status is how to exit.
 */
static int look_for_it(struct map_call *call, struct braid_map **m, int *ret_status)
{
	_cleanup_(braid_map_closep) struct braid_map *now = NULL;
	int r = map_call_open(call, &now, ret_status);

	if (r || id_of(now) == id_of(*m))
		return r;
	puts(call->o->json ? "{\"change\":\"replaced\"}" : "= another map is in its place");
	braid_map_close(*m);
	*m = TAKE_PTR(now);
	return 0;
}

/* What the other one has then is what changes are told from. */
static int watch_on(struct map_call *call, struct braid_map **m, struct printing *p,
		    struct braid_error *err)
{
	uint64_t ns = call->own->interval ?: 1000000000, look = clock_ns(CLOCK_MONOTONIC);
	struct timespec interval = {ns / 1000000000, ns % 1000000000};
	int status, r = braid_map_changes(*m, call->own->per_cpu, visit_change, p, err);

	while (!r && p->left) {
		clock_nanosleep(CLOCK_MONOTONIC, 0, &interval, NULL);
		r = braid_map_changes(*m, call->own->per_cpu, visit_change, p, err);
		if (!r && clock_ns(CLOCK_MONOTONIC) - look > 1000000000) {
			look = clock_ns(CLOCK_MONOTONIC);
			if (look_for_it(call, m, &status))
				return status;
		}
		if (fflush(stdout) || call->own->once)
			break;
	}
	return r < 0 ? fail(call->o, err) : EXIT_DONE;
}

int map_watch(struct map_call *call)
{
	_cleanup_(braid_map_closep) struct braid_map *m = NULL;
	_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
	struct printing p = {call->o->json, call->own->limit ?: ~0ull};
	int status;

	if (call->n != 2)
		return usage(call->c, "which map? PIPELINE MAP");
	return map_call_open(call, &m, &status) ? status : watch_on(call, &m, &p, &err);
}
