/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Where among the programs of a TC hook a pipeline stands, and where it wants to. */
#include <errno.h>

#include "base/error.h"
#include "base/text.h"
#include "kernel/iface.h"
#include "live/live.h"
#include "manifest/hook.h"

static char *place_where(const struct spot *s)
{
	_cleanup_free_ char *where = iface_where(&s->ns, s->ifindex);

	return where ? text_fmt("%s, %s", where, hook_names[s->hook]) : NULL;
}

/* One of several lists. Filters of another chain run only if one of chain 0 goes there. */
static bool is_in_list(const struct tc_attached *t, bool clsact)
{
	return t->clsact == clsact && !t->chain;
}

/* What is there, for who has asked for somebody who is not, or for one of several. */
static void list_those(const struct spot *s, bool clsact, const char *name, struct braid_error *err)
{
	_cleanup_(buf_done) struct buf text = {};

	array_foreach (t, &s->tc.list)
		if (is_in_list(t, clsact) && (!name || text_eq(t->name, name)))
			buf_fmt(&text, "%s'%s' (program %u)", text.n ? ", " : "", t->name,
				t->prog_id);
	if (text.n)
		error_why(err, "attached are: %s", text.v);
	else
		error_why(err, "nothing is attached");
}

static int not_there(const struct spot *s, const struct how *how, bool clsact,
		     struct braid_error *err)
{
	_cleanup_free_ char *where = place_where(s);

	error_set(err, -ENOENT, where, "cannot be attached %s '%s', which is not there",
		  attach_order_names[how->wanted->order], how->wanted->relative);
	list_those(s, clsact, NULL, err);
	return -ENOENT;
}

static int ambiguous(const struct spot *s, const struct how *how, bool clsact, const char *name,
		     struct braid_error *err)
{
	_cleanup_free_ char *where = place_where(s);

	error_set(err, -ENOTUNIQ, where, "several programs here have the name '%s'", name);
	list_those(s, clsact, name, err);
	error_hint(err, "say which one: id:N");
	return -ENOTUNIQ;
}

/* The program of another pipeline, of the same home. 0: it has none here. */
static int find_pipeline(const struct spot *s, const struct how *how, const char *name, bool clsact,
			 __u32 *ret_id, struct braid_error *err)
{
	_cleanup_free_ char *path = path_pipeline(how->root, how->home, name);
	struct attachments all = {};
	int r = path ? attachments_read(path, &all, err) : error_oom(err);

	*ret_id = 0;
	array_foreach (a, &all.list)
		if (attachment_is_at(a, s) && !a->link_id == clsact)
			*ret_id = ids_first(&a->runs);
	attachments_done(&all);
	return r;
}

static int find_named(const struct spot *s, const struct how *how, const char *name, bool clsact,
		      __u32 *ret_id, struct braid_error *err)
{
	size_t n = 0;

	*ret_id = 0;
	array_foreach (t, &s->tc.list) {
		if (!is_in_list(t, clsact) || !text_eq(t->name, name))
			continue;
		*ret_id = t->prog_id;
		n++;
	}
	return n > 1 ? ambiguous(s, how, clsact, name, err) : 0;
}

/* The program that the manifest means. */
static int find_relative(const struct spot *s, const struct how *how, bool clsact, __u32 *ret_id,
			 struct braid_error *err)
{
	const char *who = how->wanted->relative;

	if (text_has_prefix(who, "pipeline:"))
		return find_pipeline(s, how, who + strlen("pipeline:"), clsact, ret_id, err);
	if (text_has_prefix(who, "program:"))
		return find_named(s, how, who + strlen("program:"), clsact, ret_id, err);
	*ret_id = text_has_prefix(who, "id:") ? strtoul(who + strlen("id:"), NULL, 10) : 0;
	return 0;
}

static const struct tc_attached *find_program(const struct spot *s, bool clsact, __u32 id)
{
	array_foreach (t, &s->tc.list)
		if (is_in_list(t, clsact) && id && t->prog_id == id)
			return t;
	return NULL;
}

/* A link if there is one: its program may be exchanged meanwhile. */
static void beside(const struct tc_attached *t, struct tc_place *place)
{
	place->is_link = t->link_id;
	place->relative = t->link_id ?: t->prog_id;
}

int tc_place_find(const struct spot *s, const struct how *how, bool clsact, struct tc_place *ret,
		  struct braid_error *err)
{
	static const enum tc_position positions[] = {
		[ATTACH_LAST] = TC_LAST,
		[ATTACH_FIRST] = TC_FIRST,
		[ATTACH_BEFORE] = TC_BEFORE,
		[ATTACH_AFTER] = TC_AFTER,
	};
	struct tc_place place = how->place;
	const struct tc_attached *t;
	__u32 id;
	int r;

	place.revision = s->tc.revision;
	if (how->wanted)
		place.position = positions[how->wanted->order];
	if (how->wanted && how->wanted->relative) {
		r = find_relative(s, how, clsact, &id, err);
		if (r)
			return r;
		t = find_program(s, clsact, id);
		if (!t && !how->lenient)
			return not_there(s, how, clsact, err);
		if (t)
			beside(t, &place);
		else
			place.position = TC_LAST;
	}
	*ret = place;
	return 0;
}

static bool is_it(const struct attachment *a, const struct tc_attached *t)
{
	return a->link_id ? t->link_id == a->link_id
			  : t->clsact && t->prog_id == ids_first(&a->runs);
}

bool tc_place_is_right(const struct spot *s, const struct attachment *a,
		       const struct tc_place *place)
{
	size_t n = 0, own = 0, other = 0, last = 0;

	array_foreach (t, &s->tc.list) {
		if (!is_in_list(t, !a->link_id))
			continue;
		last = ++n;
		if (is_it(a, t))
			own = n;
		if (place->relative == (place->is_link ? t->link_id : t->prog_id))
			other = n;
	}
	switch (place->position) {
	case TC_FIRST:
		return own == 1;
	case TC_BEFORE:
		return own < other;
	case TC_AFTER:
		return own > other;
	default:
		return own == last;
	}
}

struct tc_place tc_place_of(const struct spot *s, const struct attachment *a)
{
	struct tc_place place = {TC_LAST};
	bool found = false;

	array_foreach (t, &s->tc.list) {
		if (!is_in_list(t, !a->link_id))
			continue;
		if (found) {
			place.position = TC_BEFORE;
			beside(t, &place);
			return place;
		}
		found = is_it(a, t);
	}
	return place;
}
