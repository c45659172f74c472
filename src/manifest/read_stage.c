/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Readers of one stage: its object, constants, maps, rollout. */
#include <errno.h>
#include <limits.h>

#include "base/error.h"
#include "base/text.h"
#include "manifest/check.h"
#include "manifest/edit.h"
#include "manifest/hook.h"
#include "manifest/number.h"
#include "manifest/read.h"

static int read_stage_name(struct reading *r, const struct node *n, void *stage)
{
	struct stage *s = stage;

	s->at = n->at;
	return read_text(r, n, "name", &s->name);
}

/* A path as seen from the folder of the file. */
static int read_path(struct reading *r, const struct node *n, char **slot)
{
	int res = expect(r, n, NODE_SCALAR, "object");
	char *path;

	res = res ?: check_path("object", n->text, n->at, r->err);
	if (res)
		return res;
	path = text_sibling(r->file, n->text);
	if (!path)
		return error_oom(r->err);
	free(*slot);
	*slot = path;
	return check_path("object", path, n->at, r->err);
}

int read_object(struct reading *r, const struct node *n, void *stage)
{
	return read_path(r, n, &((struct stage *)stage)->object);
}

static int read_program(struct reading *r, const struct node *n, void *stage)
{
	struct stage *s = stage;
	int res = read_text(r, n, "program", &s->program);

	return res ?: check_symbol("program", s->program, n->at, r->err);
}

int read_proceed_on(struct reading *r, const struct node *n, void *stage)
{
	struct stage *s = stage;
	int res = 0;

	s->proceed_on = 0;
	if (n->kind == NODE_SCALAR)
		return stage_add_verdict(s, r->pipeline->hook, n->text, n->at, r->err);
	res = expect(r, n, NODE_LIST, "proceed-on");
	if (!res && n->items.n == 0) {
		place_error(r->err, n->at, "proceed-on: the list is empty");
		error_why(r->err, "no stage after this one would ever run");
		res = error_code(error_hint(r->err, "leave the key out for the default"));
	}
	array_foreach (item, &n->items) {
		res = res ?: expect(r, *item, NODE_SCALAR, "proceed-on");
		res = res
			      ?: stage_add_verdict(s, r->pipeline->hook, (*item)->text, (*item)->at,
						   r->err);
	}
	return res;
}

static int read_value(struct reading *r, const struct node_pair *pair, struct constant *ret)
{
	ret->name = strdup(pair->key);
	ret->value = node_copy(pair->value);
	return ret->name && ret->value ? 0 : error_oom(r->err);
}

int read_constants(struct reading *r, const struct node *n, void *stage)
{
	int res = expect(r, n, NODE_MAP, "constants");

	array_foreach (pair, &n->pairs) {
		_cleanup_(constant_done) struct constant c = {.at = pair->at};

		res = res ?: read_value(r, pair, &c) ?: stage_put_constant(stage, &c, r->err);
	}
	return res;
}

int read_bool(struct reading *r, const struct node *n, const char *what, bool *ret)
{
	char found[128];
	bool is_true = text_eq(n->text, "true");

	if (n->kind == NODE_SCALAR && !n->quoted && (is_true || text_eq(n->text, "false"))) {
		*ret = is_true;
		return 0;
	}
	return error_code(place_error(r->err, n->at, "%s: expected true or false, found %s", what,
				      node_describe(n, found, sizeof(found))));
}

int read_disabled(struct reading *r, const struct node *n, void *stage)
{
	return read_bool(r, n, "disabled", &((struct stage *)stage)->disabled);
}

int read_whole(struct reading *r, const struct node *n, const char *what, struct number *ret)
{
	char found[128];

	if (n->kind == NODE_SCALAR && !n->quoted && number_parse(n->text, ret) == NUMBER_WHOLE)
		return 0;
	return error_code(place_error(r->err, n->at, "%s: expected a whole number, found %s", what,
				      node_describe(n, found, sizeof(found))));
}

static int read_stage_priority(struct reading *r, const struct node *n, void *stage)
{
	struct stage *s = stage;
	struct number number;
	int res = read_whole(r, n, "priority", &number);

	if (res)
		return res;
	if (!number_within(number, number_min(false, 32), number_max(false, 32))) {
		place_error(r->err, n->at, "the priority is out of range");
		return error_code(error_why(r->err, "it is 0 to %u", UINT32_MAX));
	}
	s->has_priority = true;
	s->priority = number.magnitude;
	return 0;
}

static int read_candidate_object(struct reading *r, const struct node *n, void *candidate)
{
	return read_path(r, n, &((struct candidate *)candidate)->object);
}

static int read_candidate_program(struct reading *r, const struct node *n, void *candidate)
{
	struct candidate *c = candidate;
	int res = read_text(r, n, "program", &c->program);

	return res ?: check_symbol("program", c->program, n->at, r->err);
}

static int read_rollout_key(struct reading *r, const struct node *n, void *candidate)
{
	struct candidate *c = candidate;
	unsigned int i;
	int res = read_word(r, n, "key", rollout_key_names, &i);

	if (!res)
		c->key = i;
	return res;
}

static int read_share_maps(struct reading *r, const struct node *n, void *candidate)
{
	return read_bool(r, n, "share-maps", &((struct candidate *)candidate)->share_maps);
}

static int read_seed(struct reading *r, const struct node *n, void *candidate)
{
	struct candidate *c = candidate;
	struct number number;
	int res = read_whole(r, n, "seed", &number);

	if (res)
		return res;
	if (!number_within(number, number_min(false, 32), number_max(false, 32)))
		return error_code(error_why(place_error(r->err, n->at, "the seed is out of range"),
					    "it is 0 to %u", UINT_MAX));
	c->seed = number.magnitude;
	return 0;
}

static int read_rollout(struct reading *r, const struct node *n, void *stage)
{
	_cleanup_(candidate_freep) struct candidate *c = calloc(1, sizeof(*c));
	int res;

	if (!c)
		return error_oom(r->err);
	res = read_map(r, n, &rollout_table, c) ?: stage_set_candidate(stage, c, n->at, r->err);
	if (!res)
		TAKE_PTR(c);
	return res;
}

static int read_max_entries(struct reading *r, const struct node *n, void *map)
{
	struct number number;
	int res = read_whole(r, n, "max-entries", &number);

	if (res)
		return res;
	/* Anything that is not a __u64 is out of range as much as 0 is. */
	if (!number_within(number, number_min(false, 64), number_max(false, 64)))
		number.magnitude = 0;
	return map_set_max_entries(map, number.magnitude, n->at, r->err);
}

static int read_entry_key(struct reading *r, const struct node *n, void *entry)
{
	struct map_entry *e = entry;

	e->key = node_copy(n);
	return e->key ? 0 : error_oom(r->err);
}

static int read_entry_value(struct reading *r, const struct node *n, void *entry)
{
	struct map_entry *e = entry;

	e->value = node_copy(n);
	return e->value ? 0 : error_oom(r->err);
}

static int read_entries(struct reading *r, const struct node *n, void *map)
{
	struct map_setup *m = map;
	int res = expect(r, n, NODE_LIST, "entries");

	array_foreach (e, &m->entries)
		map_entry_done(e);
	m->entries.n = 0;
	array_foreach (item, &n->items) {
		_cleanup_(map_entry_done) struct map_entry e = {.at = (*item)->at};

		res = res ?: read_map(r, *item, &entry_table, &e);
		res = res ?: map_add_entry(m, &e, r->err);
	}
	return res;
}

static int read_map_on_change(struct reading *r, const struct node *n, void *map)
{
	int res = expect(r, n, NODE_SCALAR, "on-change");

	return res ?: map_set_on_change(map, n->text, n->at, r->err);
}

static int read_defaults(struct reading *r, const struct node *n, void *map)
{
	int res = expect(r, n, NODE_MAP, "defaults");

	array_foreach (pair, &n->pairs) {
		_cleanup_(constant_done) struct constant c = {.at = pair->at};

		res = res ?: read_value(r, pair, &c) ?: map_put_default(map, &c, r->err);
	}
	return res;
}

int read_maps(struct reading *r, const struct node *n, void *stage)
{
	int res = expect(r, n, NODE_MAP, "maps");

	array_foreach (pair, &n->pairs) {
		struct map_setup *m;

		res = res ?: stage_map(stage, pair->key, pair->at, &m, r->err);
		res = res ?: read_map(r, pair->value, &map_table, m);
	}
	return res;
}

static const struct key stage_keys[] = {
	{"name", KEY_TEXT, true, .read = read_stage_name},
	{"object", KEY_TEXT, true, .read = read_object},
	{"program", KEY_TEXT, false, .read = read_program},
	{"proceed-on", KEY_WORDS, false, verdict_names, read_proceed_on},
	{"priority", KEY_NUMBER, false, .read = read_stage_priority},
	{"constants", KEY_MAP, false, .read = read_constants},
	{"maps", KEY_MAP, false, .read = read_maps},
	{"disabled", KEY_BOOL, false, .read = read_disabled},
	{"rollout", KEY_MAP, false, .read = read_rollout},
};
TABLE(stage, "a stage", "stage");

static const struct key rollout_keys[] = {
	{"object", KEY_TEXT, true, .read = read_candidate_object},
	{"program", KEY_TEXT, false, .read = read_candidate_program},
	{"key", KEY_WORD, false, rollout_key_names, read_rollout_key},
	{"share-maps", KEY_BOOL, false, .read = read_share_maps},
	{"seed", KEY_NUMBER, false, .read = read_seed},
};
TABLE(rollout, "a rollout", "rollout");

static const struct key map_keys[] = {
	{"max-entries", KEY_NUMBER, false, .read = read_max_entries},
	{"entries", KEY_LIST, false, .read = read_entries},
	{"on-change", KEY_WORD, false, on_change_names, read_map_on_change},
	{"defaults", KEY_MAP, false, .read = read_defaults},
};
TABLE(map, "the setup of a map", "map");

static const struct key entry_keys[] = {
	{"key", KEY_ANY, false, .read = read_entry_key},
	{"value", KEY_ANY, true, .read = read_entry_value},
};
TABLE(entry, "an entry of a map", "entry");
