/* SPDX-License-Identifier: GPL-2.0-only */
/* docs/manifest.schema.json says what the tables of keys say: no more, no less. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "tap.h"
#include "manifest/read.h"

static json_t *schema;

/* Follows "#/definitions/…". */
static json_t *resolve(json_t *j)
{
	const char *ref = json_string_value(json_object_get(j, "$ref"));
	const char *prefix = "#/definitions/";

	if (!ref)
		return j;
	if (!text_has_prefix(ref, prefix))
		return NULL;
	return json_object_get(json_object_get(schema, "definitions"), ref + strlen(prefix));
}

static bool list_has(json_t *list, const char *word)
{
	json_t *item;
	size_t i;

	json_array_foreach (list, i, item) {
		if (text_eq(json_string_value(item), word))
			return true;
	}
	return false;
}

static bool is_type(json_t *j, const char *type)
{
	return text_eq(json_string_value(json_object_get(j, "type")), type);
}

static bool has_words(json_t *j, const char *const *words)
{
	json_t *list = json_object_get(j, "enum");
	size_t n = 0;

	for (; words[n]; n++) {
		if (!list_has(list, words[n]))
			return false;
	}
	return json_array_size(list) == n;
}

/* A word, or a list of such words. */
static bool has_words_or_list(json_t *j, const char *const *words)
{
	json_t *either = json_object_get(j, "oneOf");
	json_t *list = json_array_get(either, 1);

	return json_array_size(either) == 2 &&
	       has_words(resolve(json_array_get(either, 0)), words) && is_type(list, "array") &&
	       has_words(resolve(json_object_get(list, "items")), words);
}

/* One of a few words, or a map. */
static bool has_words_or_map(json_t *j, const char *const *words)
{
	json_t *either = json_object_get(j, "oneOf");

	return json_array_size(either) == 2 && has_words(json_array_get(either, 0), words) &&
	       is_type(resolve(json_array_get(either, 1)), "object");
}

static bool has_key_type(json_t *j, const struct key *key)
{
	switch (key->type) {
	case KEY_VERSION:
		return json_integer_value(json_object_get(j, "const")) == 1;
	case KEY_TEXT:
		return is_type(j, "string");
	case KEY_WORD:
		return has_words(j, key->words);
	case KEY_WORDS:
		return has_words_or_list(j, key->words);
	case KEY_WORD_OR_MAP:
		return has_words_or_map(j, key->words);
	case KEY_NUMBER:
		return is_type(j, "integer");
	case KEY_BOOL:
		return is_type(j, "boolean");
	case KEY_LIST:
		return is_type(j, "array");
	case KEY_MAP:
		return is_type(j, "object");
	case KEY_ANY:
		return json_is_object(j) && !json_object_get(j, "type");
	}
	return false;
}

static void check_table(const struct key_table *t)
{
	json_t *definitions = json_object_get(schema, "definitions");
	json_t *j = t->schema ? json_object_get(definitions, t->schema) : schema;
	json_t *properties = json_object_get(j, "properties");
	size_t required = 0;

	ok(is_type(j, "object"), "%s is an object", t->what);
	ok(json_is_false(json_object_get(j, "additionalProperties")), "which is closed");
	is_int(json_object_size(properties), t->n, "with as many keys");
	for (size_t i = 0; i < t->n; i++) {
		const struct key *key = &t->keys[i];
		json_t *property = resolve(json_object_get(properties, key->name));

		ok(property && has_key_type(property, key), "%s: %s", t->what, key->name);
		is_int(list_has(json_object_get(j, "required"), key->name), key->required,
		       "required or not");
		required += key->required;
	}
	is_int(json_array_size(json_object_get(j, "required")), required, "nothing else required");
}

int main(int argc, char **argv)
{
	_cleanup_free_ char *path = text_fmt("%s/docs/manifest.schema.json",
					     argc > 1 ? argv[1] : ".");
	json_error_t err;

	schema = json_load_file(path, JSON_REJECT_DUPLICATES, &err);
	if (!schema)
		bail_out("%s:%d: %s", path, err.line, err.text);
	for (size_t i = 0; key_tables[i]; i++)
		check_table(key_tables[i]);
	json_decref(schema);
	return done();
}
