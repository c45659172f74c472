/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Maps of the revision that runs and maps of the one that takes its place: who is whose
 * successor, what becomes of each (carry_judge.c), and doing it.
 */
#include "live/carry.h"

#include <errno.h>

#include "base/error.h"
#include "base/text.h"
#include "compose/plan_json.h"
#include "kernel/bpffs.h"
#include "live/live.h"

static struct migration *migration_free(struct migration *m)
{
	if (m)
		migration_done(m);
	free(m);
	return NULL;
}

void carry_done(struct carry *c)
{
	array_foreach (m, &c->list) {
		free(m->symbol);
		free(m->where);
		free(m->why);
		free(m->diff);
		closep(&m->fd);
		migration_free(m->migration);
		braid_error_clear(&m->refusal);
	}
	array_done(&c->list);
	array_done(&c->reuse);
	*c = (struct carry){};
}

/* Braid's own maps have no stage either, as shared ones. */
static const json_t *find_named(const json_t *list, const char *stage, const char *name)
{
	size_t i;
	json_t *m;

	json_array_foreach (list, i, m) {
		const char *s = json_string_value(json_object_get(m, "stage"));
		bool same_stage = stage ? text_eq(s, stage) : !s;

		if (same_stage && !json_is_true(json_object_get(m, "braid")) &&
		    text_eq(json_string_value(json_object_get(m, "name")), name))
			return m;
	}
	return NULL;
}

static const char *digest_of(const json_t *old, const char *stage)
{
	const json_t *s = find_named(json_object_get(old, "stages"), NULL, stage);

	return json_string_value(json_object_get(s, "digest"));
}

/* Is the stage now what was its candidate, and not what it was itself? */
static bool is_promoted(const struct image *image, const struct image_map *m, const json_t *old,
			const char *candidate)
{
	const char *is = image->plan->stages.v[m->stage_index].digest;

	return text_eq(digest_of(old, candidate), is) && !text_eq(digest_of(old, m->stage), is);
}

/* The map in the old plan whose successor @m is. NULL in @ret: there is none. */
static int find_old(const struct image *image, const struct image_map *m, const json_t *old,
		    const json_t **ret, struct braid_error *err)
{
	const json_t *maps = json_object_get(old, "maps");
	_cleanup_free_ char *candidate = m->stage ? text_fmt("%s@new", m->stage) : NULL;

	*ret = NULL;
	if (m->stage && !candidate)
		return error_oom(err);
	if (candidate && is_promoted(image, m, old, candidate))
		*ret = find_named(maps, candidate, m->name);
	*ret = *ret ?: find_named(maps, m->stage, m->name);
	return 0;
}

static bool has_static_values(const struct image *image, const struct image_map *m)
{
	int map = m->globals ? -1 : unit_find_map(image->unit, m->symbol);

	return map >= 0 && image->unit->maps.v[map].values.n;
}

/* NULL: that decides nothing. */
static const char *why_anew(const struct image *image, const struct image_map *m, const json_t *was)
{
	_cleanup_json_ json_t *is = map_to_json(m);
	const json_t *a = json_object_get(was, "entries-digest");
	const json_t *b = json_object_get(is, "entries-digest");

	if (!was)
		return "it is new";
	if (has_static_values(image, m))
		return "it holds programs or maps of its own revision";
	if (m->globals != text_eq(json_string_value(json_object_get(was, "type")), "globals"))
		return "it is another thing";
	if (!json_equal(a, b) && (a || b))
		return "its entries in the manifest changed";
	return NULL;
}

/* The pin of a map of the old plan. -1 in @ret_fd: it is gone. */
static int open_old(const json_t *was, const char *path, int *ret_fd, struct braid_error *err)
{
	const char *symbol = json_string_value(json_object_get(was, "symbol"));
	_cleanup_free_ char *pin = symbol ? path_map(path, symbol) : NULL;
	int r = pin ? bpffs_get(pin, BPFFS_MAP, ret_fd, err) : error_oom(err);

	if (r != -ENOENT)
		return r;
	braid_error_clear(err);
	*ret_fd = -1;
	return 0;
}

/* A mistake in them shows at once, and not when they are wanted. */
static int check_defaults(const struct image *image, const struct image_map *m,
			  const struct map_setup *setup, struct braid_error *err)
{
	_cleanup_(types_of_done) struct types_of types = {};
	void *fill = NULL;
	int r = types_of_new(image, m, &types, err)
			?: fill_new(image, m, setup, &types, &fill, err);

	free(fill);
	return r;
}

static int carry_one(const struct image *image, const struct image_map *m, const json_t *old,
		     const char *path, struct carry *ret, struct braid_error *err)
{
	const struct map_setup *setup = setup_of(image, m);
	struct carried *c = array_push(&ret->list);
	const char *why;
	int r;

	if (!c)
		return error_oom(err);
	*c = (struct carried){.how = CARRY_ANEW, .fd = -1, .stage = m->stage, .name = m->name};
	c->symbol = strdup(m->symbol);
	c->where = m->stage ? stage_where(image->plan->stages.v[m->stage_index].stage)
			    : strdup(image->plan->pipeline->name);
	r = c->symbol && c->where ? find_old(image, m, old, &c->was, err) : error_oom(err);
	if (r)
		return r;
	why = why_anew(image, m, c->was);
	if (!why) {
		r = open_old(c->was, path, &c->fd, err);
		why = c->fd < 0 ? "its pin is gone" : NULL;
	}
	if (!r && !why) {
		r = carry_judge(image, m, c, err);
		if (c->how != CARRY_CONTINUES)
			close(TAKE_FD(c->fd));
		return r;
	}
	c->why = r ? NULL : strdup(why);
	if (!r && setup && setup->defaults.n)
		r = check_defaults(image, m, setup, err);
	return r ?: c->why ? 0 : error_oom(err);
}

static bool is_disabled(const struct braid_pipeline *p, const char *stage)
{
	size_t n = strcspn(stage, "@"); /* "guard@new" waits with its stage */

	array_foreach (s, &p->stages)
		if (s->disabled && strlen(s->name) == n && !strncmp(s->name, stage, n) &&
		    (!stage[n] || s->candidate))
			return true;
	return false;
}

/* A shared map waits as long as one of those who share it does. */
static bool is_waiting(const struct braid_pipeline *p, const char *stage, const char *name)
{
	if (stage)
		return is_disabled(p, stage);
	array_foreach (shared, &p->shared)
		array_foreach (ref, &shared->members)
			if (text_eq(shared->name, name) && is_disabled(p, ref->stage))
				return true;
	return false;
}

static bool has_successor(const struct carry *c, const json_t *was)
{
	array_foreach (m, &c->list)
		if (m->was == was)
			return true;
	return false;
}

/* Has its stage a map of that name, which is not its successor? */
static bool is_replaced(const struct carry *c, const char *stage, const char *name)
{
	array_foreach (m, &c->list)
		if (m->was && text_eq(m->name, name) &&
		    (stage ? text_eq(m->stage, stage) : !m->stage))
			return true;
	return false;
}

/* A map of the old revision that no map of the new one takes the place of. */
static int leave_one(const struct braid_pipeline *p, const json_t *was, const char *path,
		     struct carry *ret, struct braid_error *err)
{
	const char *stage = json_string_value(json_object_get(was, "stage"));
	const char *name = json_string_value(json_object_get(was, "name"));
	const char *symbol = json_string_value(json_object_get(was, "symbol"));
	bool waits = is_waiting(p, stage, name ?: "");
	bool replaced = is_replaced(ret, stage, name);
	struct carried *c = array_push(&ret->list);
	int r;

	if (!c)
		return error_oom(err);
	*c = (struct carried){
		.how = CARRY_DROPPED, .fd = -1, .stage = stage, .name = name ?: "", .was = was};
	c->symbol = strdup(symbol ?: "");
	if (!c->symbol)
		return error_oom(err);
	r = waits ? open_old(was, path, &c->fd, err) : 0;
	if (r)
		return r;
	if (c->fd >= 0)
		c->how = CARRY_PARKED;
	c->why = strdup(c->fd >= 0 ? "its stage is disabled: it waits"
			: waits    ? "its pin is gone"
			: replaced ? "that of its promoted candidate goes on"
				   : "no stage has it any more");
	return c->why ? 0 : error_oom(err);
}

static int leave_rest(const struct image *image, const json_t *old, const char *path,
		      struct carry *ret, struct braid_error *err)
{
	size_t i;
	json_t *was;
	int r = 0;

	json_array_foreach (json_object_get(old, "maps"), i, was)
		if (!r && !json_is_true(json_object_get(was, "braid")) && !has_successor(ret, was))
			r = leave_one(image->plan->pipeline, was, path, ret, err);
	return r;
}

static bool is_braids(const struct image *image, const struct image_map *m)
{
	return m->braid || (m->stage && image->plan->stages.v[m->stage_index].internal);
}

int carry_find(const struct image *image, const json_t *old, const char *path, struct carry *ret,
	       struct braid_error *err)
{
	struct carry c = {};
	int r = 0;

	array_foreach (m, &image->maps)
		if (!r && !is_braids(image, m))
			r = carry_one(image, m, old, path, &c, err);
	r = r ?: leave_rest(image, old, path, &c, err);
	array_foreach (m, &c.list)
		if (!r && m->how == CARRY_CONTINUES &&
		    !array_add(&c.reuse, ((struct load_reuse){m->symbol, m->fd})))
			r = error_oom(err);
	if (r)
		carry_done(&c);
	else
		*ret = c;
	return r;
}

int carry_check(const struct carry *c, struct braid_error *err)
{
	array_foreach (m, &c->list) {
		const struct braid_error *e = &m->refusal;

		if (m->how != CARRY_REFUSED)
			continue;
		error_set(err, e->code, e->where, "%s", e->what ?: "");
		error_why(err, "%s", e->why ?: "");
		error_hint(err, "%s", e->hint ?: "");
		return e->code;
	}
	return 0;
}

static int note_parked(const struct carried *m, json_t *maps, struct braid_error *err)
{
	json_t *copy = json_deep_copy(m->was);

	if (json_object_set_new(copy, "parked", json_true()) || json_array_append_new(maps, copy))
		return error_oom(err);
	return 0;
}

int carry_note(const struct carry *c, json_t *plan, struct braid_error *err)
{
	json_t *migrates = json_array();
	int r = 0;

	array_foreach (m, &c->list) {
		if (m->how == CARRY_PARKED)
			r = r ?: note_parked(m, json_object_get(plan, "maps"), err);
		if (m->how == CARRY_MIGRATED)
			json_array_append_new(migrates, json_sprintf("%s%s%s", m->stage ?: "",
								     m->stage ? "." : "", m->name));
	}
	if (!r && json_array_size(migrates))
		json_object_set(plan, "migrates", migrates);
	json_decref(migrates);
	return r;
}

char *carry_cut_short(const char *plan)
{
	_cleanup_json_ json_t *j = json_loads(plan, 0, NULL);
	struct buf text = {};
	json_t *name;
	size_t i;

	buf_str(&text, "");
	json_array_foreach (json_object_get(j, "migrates"), i, name)
		buf_fmt(&text, "%s%s", i ? ", " : "; what changed last may be missing in the maps ",
			json_string_value(name));
	return buf_take(&text);
}

int carry_pin(const struct carry *c, const char *revision_path, struct braid_error *err)
{
	int r = 0;

	array_foreach (m, &c->list) {
		_cleanup_free_ char *pin = NULL;

		if (m->how != CARRY_PARKED || r)
			continue;
		pin = path_map(revision_path, m->symbol);
		r = pin ? bpffs_pin(m->fd, pin, err) : error_oom(err);
	}
	return r;
}

int carry_copy(struct carry *c, const struct loaded *loaded, struct braid_error *err)
{
	int r = 0;

	array_foreach (m, &c->list)
		if (!r && m->migration)
			r = migration_copy(m->migration, loaded_map(loaded, m->symbol), err);
	return r;
}

int carry_finish(struct carry *c, struct braid_error *err)
{
	int r = 0;

	array_foreach (m, &c->list)
		if (m->migration)
			r = r ?: migration_finish(m->migration, err);
	c->finished = !r;
	return r;
}
