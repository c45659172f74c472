/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * What becomes of a map that both revisions have. As it was: it continues. Larger or smaller,
 * which the manifest has said: its entries are copied. Otherwise on-change decides.
 */
#include <errno.h>

#include "base/error.h"
#include "base/text.h"
#include "live/carry.h"
#include "object/mapdef.h"

struct judge {
	const struct image *image;
	const struct image_map *m;
	const struct map_setup *setup; /* NULL: the manifest says nothing */
	struct carried *c;
	struct elements from;
	struct types_of were, are;
	void *fill;
	/* what differs */
	bool type, flags, size, layout;
	struct buf diff;
};

static void judge_done(struct judge *j)
{
	types_of_done(&j->were);
	types_of_done(&j->are);
	free(j->fill);
	buf_done(&j->diff);
}

static __u32 old_number(const struct judge *j, const char *member)
{
	return json_integer_value(json_object_get(j->c->was, member));
}

static void compare_layouts(struct judge *j, const char *what, const struct layout *from,
			    const struct layout *to)
{
	_cleanup_free_ char *diff = layout_diff(from, to);

	if (layout_equal(from, to))
		return;
	j->layout = true;
	buf_fmt(&j->diff, "%s%s:\n%s", j->diff.n ? "\n" : "", what, diff ?: "");
}

static void compare_sizes(struct judge *j, const char *what, __u32 from, __u32 to)
{
	if (from == to)
		return;
	j->layout = true;
	buf_fmt(&j->diff, "%s%s: %u bytes became %u", j->diff.n ? "\n" : "", what, from, to);
}

static void compare_keys(struct judge *j)
{
	if (j->were.has_key && j->are.has_key)
		compare_layouts(j, "key", &j->were.key, &j->are.key);
	else
		compare_sizes(j, "key", j->from.info.key_size, j->m->def.key_size);
}

static void compare_values(struct judge *j)
{
	const char *what = j->m->globals ? "globals" : "value";

	if (j->were.has_value && j->are.has_value)
		compare_layouts(j, what, &j->were.value, &j->are.value);
	else
		compare_sizes(j, what, j->from.info.value_size,
			      j->m->globals ? j->are.value.size : j->m->def.value_size);
}

static void compare_type(struct judge *j)
{
	const char *was = json_string_value(json_object_get(j->c->was, "type"));
	const char *is = map_type_name(j->m->def.type);

	j->type = j->from.info.type != j->m->def.type;
	if (j->type)
		buf_fmt(&j->diff, "%s became %s", was ?: "its type", is ?: "another");
}

static void compare_numbers(struct judge *j)
{
	__u32 entries = old_number(j, "max-entries"), flags = old_number(j, "flags");

	j->size = entries != j->m->def.max_entries;
	if (j->size)
		buf_fmt(&j->diff, "%smax-entries %u became %u", j->diff.n ? "\n" : "", entries,
			j->m->def.max_entries);
	j->flags = flags != j->m->def.flags;
	if (j->flags)
		buf_fmt(&j->diff, "%sflags 0x%x became 0x%x", j->diff.n ? "\n" : "", flags,
			j->m->def.flags);
}

static int compare(struct judge *j, struct braid_error *err)
{
	int r = types_of_new(j->image, j->m, &j->are, err) ?:
			fill_new(j->image, j->m, j->setup, &j->are, &j->fill, err) ?:
			types_of_old(&j->from,
				     json_string_value(json_object_get(j->c->was, "symbol")) ?: "",
				     j->m->globals, &j->were, err);

	if (r)
		return r;
	if (!j->m->globals) {
		compare_type(j);
		compare_keys(j);
	}
	compare_values(j);
	if (!j->m->globals)
		compare_numbers(j);
	return j->diff.failed ? error_oom(err) : 0;
}

static const char *what_changed(const struct judge *j)
{
	return j->type     ? "its type changed"
	       : j->layout ? "its layout changed"
	       : j->flags  ? "its flags changed"
			   : "its size changed";
}

static enum on_change policy(const struct judge *j)
{
	return j->setup && j->setup->has_on_change ? j->setup->on_change
						   : j->image->plan->pipeline->on_change;
}

static int decide(struct judge *j, enum carry_how how, char *why, struct braid_error *err)
{
	j->c->how = how;
	j->c->why = why;
	return why ? 0 : error_oom(err);
}

/* @reason: why it cannot be as it was said; NULL: nothing was said. */
static int refuse(struct judge *j, int code, const char *reason, struct braid_error *err)
{
	struct braid_error *refusal = &j->c->refusal;
	const char *name = j->m->name;

	if (!reason) {
		error_set(refusal, code, j->c->where, "map '%s' cannot go on: %s", name,
			  what_changed(j));
		error_why(refusal, "%s", j->diff.v ?: "");
		error_hint(refusal,
			   "say what becomes of its entries, under maps: %s: on-change: migrate "
			   "copies them member by member, on-change: reset begins without them",
			   name);
	} else {
		error_set(refusal, code, j->c->where,
			  "the entries of map '%s' cannot be brought over", name);
		error_why(refusal, "%s%s%s", reason, j->diff.n ? "\n" : "", j->diff.v ?: "");
		error_hint(refusal, "begin without them, under maps: %s: on-change: reset", name);
	}
	return decide(j, CARRY_REFUSED, strdup(reason ?: what_changed(j)), err);
}

static int refuse_conversion(struct judge *j, struct braid_error *why, struct braid_error *err)
{
	_cleanup_free_ char *reason = text_fmt("%s: %s", why->what ?: "", why->why ?: "");
	int r = why->code;

	if (r != -EMEDIUMTYPE)
		return error_move(err, why);
	return reason ? refuse(j, r, reason, err) : error_oom(err);
}

static int make_conversions(const struct judge *j, struct conversion *key, struct conversion *value,
			    struct braid_error *err)
{
	int r;

	if (j->were.has_key && j->are.has_key)
		r = conversion_new(&j->were.key, &j->are.key, true, NULL, key, err);
	else
		r = conversion_new_raw(j->from.info.key_size, key, err);
	if (r)
		return r;
	if (j->were.has_value && j->are.has_value)
		return conversion_new(&j->were.value, &j->are.value, false, j->fill, value, err);
	return conversion_new_raw(j->from.info.value_size, value, err);
}

/* Of a map that becomes smaller: is there more in it already? A look now saves the attempt. */
static int check_room(struct judge *j, bool *ret_fits, struct braid_error *err)
{
	_cleanup_free_ char *reason = NULL;
	size_t n;
	int r;

	*ret_fits = true;
	if (j->m->globals || elements_is_array(j->from.info.type) ||
	    j->m->def.max_entries >= j->from.info.max_entries)
		return 0;
	r = elements_count(&j->from, &n, err);
	if (r || n <= j->m->def.max_entries)
		return r;
	*ret_fits = false;
	reason = text_fmt("it has %zu, and max-entries is now %u", n, j->m->def.max_entries);
	return reason ? refuse(j, -ENOSPC, reason, err) : error_oom(err);
}

static int migrate(struct judge *j, struct braid_error *err)
{
	_cleanup_error_ struct braid_error why = BRAID_ERROR_INIT;
	struct conversion key = {}, value = {};
	bool fits;
	int r = check_room(j, &fits, err);

	if (r || !fits)
		return r;
	r = make_conversions(j, &key, &value, &why);
	if (r) {
		conversion_done(&key);
		return refuse_conversion(j, &why, err);
	}
	j->c->migration = calloc(1, sizeof(*j->c->migration));
	if (!j->c->migration) {
		conversion_done(&key);
		conversion_done(&value);
		return error_oom(err);
	}
	r = migration_init(j->c->migration, &j->from, &key, &value, j->c->where, j->m->name, err);
	j->c->migration->from.locked = layout_has(&j->were.value, LEAF_LOCK);
	j->c->migration->to_locked = layout_has(&j->are.value, LEAF_LOCK);
	return r ?: decide(j, CARRY_MIGRATED, strdup(what_changed(j)), err);
}

/* The reason why entries of the old map can be none of the new one; NULL: they can. */
static const char *why_no_entries(const struct judge *j)
{
	enum elements_class class = elements_class(j->from.info.type);
	bool typed = j->were.has_value && j->are.has_value;

	if (class == ELEMENTS_KEPT)
		return "what is in a map of its type cannot be read back";
	if (!j->m->globals && !elements_fit(j->from.info.type, j->m->def.type))
		return "entries of the one type are none of the other";
	if (j->layout && (!typed || class == ELEMENTS_DEVICES))
		return class == ELEMENTS_DEVICES ? "what it maps to is said in another way now"
						 : "their types are not known, only their sizes";
	return NULL;
}

static int judge(struct judge *j, struct braid_error *err)
{
	bool resized = j->size && !j->type && !j->flags && !j->layout;
	enum on_change on_change = policy(j);
	const char *reason = why_no_entries(j);

	if (!j->type && !j->flags && !j->layout && !j->size) {
		j->c->how = CARRY_CONTINUES;
		return 0;
	}
	if (elements_class(j->from.info.type) == ELEMENTS_NONE)
		return decide(j, CARRY_ANEW, strdup(what_changed(j)), err);
	if (on_change == ON_CHANGE_RESET)
		return decide(j, CARRY_ANEW,
			      text_fmt("%s, and on-change is reset", what_changed(j)), err);
	if (elements_class(j->from.info.type) == ELEMENTS_KEPT && elements_is_empty(&j->from))
		return decide(j, CARRY_ANEW, text_fmt("%s; nothing was in it", what_changed(j)),
			      err);
	if (on_change == ON_CHANGE_REFUSE && !resized)
		return refuse(j, -EMEDIUMTYPE, NULL, err);
	return reason ? refuse(j, -EMEDIUMTYPE, reason, err) : migrate(j, err);
}

int carry_judge(const struct image *image, const struct image_map *m, struct carried *c,
		struct braid_error *err)
{
	_cleanup_(judge_done) struct judge j = {
		.image = image, .m = m, .c = c, .setup = setup_of(image, m)};
	int r = elements_open(c->fd, &j.from, err) ?: compare(&j, err) ?: judge(&j, err);

	if (r && !err->where && c->where)
		error_within(err, "%s", c->where);
	if (!r && c->how != CARRY_CONTINUES)
		c->diff = buf_take(&j.diff);
	return r;
}
