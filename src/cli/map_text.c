/* SPDX-License-Identifier: GPL-2.0-only */
/* Values as one types them. */
#include <ctype.h>
#include <string.h>

#include "cli/map.h"

/* What YAML takes for a text without quotes, inside of {} and [] too. */
static bool is_plain(const char *s, bool inside)
{
	if (!isalnum((unsigned char)*s) && *s != '/' && *s != '_')
		return false;
	if (text_eq(s, "null") || text_eq(s, "Null") || text_eq(s, "NULL"))
		return false;
	for (const char *c = s; *c; c++)
		if (!isalnum((unsigned char)*c) && !strchr("_./+-", *c) &&
		    (*c != ':' || inside || !c[1]))
			return false;
	return true;
}

static void add_string(const char *s, bool inside, struct buf *to)
{
	_cleanup_json_ json_t *j = NULL;
	_cleanup_free_ char *quoted = NULL;

	if (is_plain(s, inside)) {
		buf_str(to, s);
		return;
	}
	j = json_string(s);
	quoted = json_dumps(j, JSON_ENCODE_ANY);
	buf_str(to, quoted ?: "");
}

static void add(const json_t *j, bool inside, struct buf *to)
{
	const char *name, *between = "";
	json_t *value;
	size_t i;

	if (json_is_object(j)) {
		buf_str(to, "{");
		json_object_foreach ((json_t *)j, name, value) {
			buf_fmt(to, "%s%s: ", between, name);
			add(value, true, to);
			between = ", ";
		}
		buf_str(to, "}");
	} else if (json_is_array(j)) {
		buf_str(to, "[");
		json_array_foreach (j, i, value) {
			buf_str(to, between);
			add(value, true, to);
			between = ", ";
		}
		buf_str(to, "]");
	} else if (json_is_string(j)) {
		add_string(json_string_value(j), inside, to);
	} else {
		_cleanup_free_ char *text = json_dumps(j, JSON_ENCODE_ANY);

		buf_str(to, text ?: "null");
	}
}

void inline_text(const json_t *j, struct buf *to)
{
	add(j, false, to);
}

const json_t *entry_value(const json_t *entry)
{
	return json_object_get(entry, "value")
		       ?: json_object_get(entry, "sum") ?: json_object_get(entry, "cpus");
}

void print_entry(const char *mark, const json_t *entry)
{
	const json_t *key = json_object_get(entry, "key");
	_cleanup_(buf_done) struct buf b = {};

	if (key) {
		inline_text(key, &b);
		buf_str(&b, " = ");
	}
	inline_text(entry_value(entry), &b);
	printf("%s%s\n", mark, b.v ?: "");
}
