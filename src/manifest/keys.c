/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Walking a map of the file by its table of keys. */
#include "manifest/read.h"

#include <errno.h>

#include "base/error.h"
#include "base/text.h"
#include "manifest/check.h"
#include "manifest/number.h"

const struct key_table *const key_tables[] = {
	&manifest_table,        &pipeline_table,     &attach_table,   &interface_table,
	&shared_map_table,      &stage_table,        &choice_table,   &case_table,
	&rollout_table,         &map_table,          &entry_table,    &values_table,
	&values_pipeline_table, &values_stage_table, &optimize_table, NULL};

int expect(struct reading *r, const struct node *n, enum node_kind kind, const char *what)
{
	char found[128];

	if (n->kind == kind)
		return 0;
	place_error(r->err, n->at, "%s: expected %s, found %s", what,
		    kind == NODE_LIST  ? "a list"
		    : kind == NODE_MAP ? "a map of keys and values"
				       : "a text",
		    node_describe(n, found, sizeof(found)));
	if (n->kind == NODE_SCALAR && kind == NODE_LIST)
		error_hint(r->err, "a list of one is written [%.40s]", n->text);
	return error_code(r->err);
}

static const char *name_of_key(const void *element)
{
	return ((const struct key *)element)->name;
}

static const struct key *find_key(const struct key_table *t, const char *name)
{
	for (size_t i = 0; i < t->n; i++) {
		if (strcmp(t->keys[i].name, name) == 0)
			return &t->keys[i];
	}
	return NULL;
}

static int error_unknown_key(struct reading *r, const struct node_pair *pair,
			     const struct key_table *t)
{
	char kind[64];

	snprintf(kind, sizeof(kind), "%s has the keys", t->what);
	place_error(r->err, pair->at, "unknown key '%.64s' in %s", pair->key, t->what);
	return error_unknown(r->err, pair->key, kind, t->keys, t->n, sizeof(*t->keys), name_of_key);
}

int read_map(struct reading *r, const struct node *n, const struct key_table *t, void *into)
{
	int res = expect(r, n, NODE_MAP, t->what);

	if (res)
		return res;
	array_foreach (pair, &n->pairs) {
		if (!find_key(t, pair->key))
			return error_unknown_key(r, pair, t);
	}
	for (size_t i = 0; i < t->n; i++) {
		const struct key *key = &t->keys[i];
		const struct node *value = node_get(n, key->name);

		if (!value && key->required)
			return error_code(place_error(r->err, n->at, "%s needs the key '%s'",
						      t->what, key->name));
		if (value && key->read)
			res = key->read(r, value, into);
		if (res)
			return res;
	}
	return 0;
}

int check_version(struct reading *r, const struct node *n, const struct key_table *t)
{
	const char *key = t->keys[0].name;
	const struct node *version;
	char found[128];
	int res = expect(r, n, NODE_MAP, t->what);

	if (res)
		return res;
	version = node_get(n, key);
	if (!version) {
		place_error(r->err, n->at, "%s needs the key '%s'", t->what, key);
		return error_code(error_hint(r->err, "start it with '%s: 1'", key));
	}
	if (version->kind == NODE_SCALAR && !version->quoted && text_eq(version->text, "1"))
		return 0;
	place_error(r->err, version->at, "%s: expected the number 1, found %s", key,
		    node_describe(version, found, sizeof(found)));
	return error_code(error_why(r->err, "1 is the only version of the format so far"));
}
