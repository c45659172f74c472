/* SPDX-License-Identifier: GPL-2.0-only */
/* braid map list */
#include <string.h>

#include "cli/map.h"

/* What is not true of most maps. */
static void add_note(struct buf *b, const char *text)
{
	buf_fmt(b, "%s%s", b->n ? "; " : "", text);
}

static char *notes(const json_t *m)
{
	static const struct {
		const char *member, *text;
	} flags[] = {
		{"braid", "braid's own"},
		{"parked", "of a disabled stage"},
		{"frozen", "frozen"},
		{"mmapable", "can be mapped"},
		{"read-only-for-programs", "programs only read it"},
	};
	_cleanup_free_ char *shares = list_text(json_object_get(m, "shared"));
	_cleanup_free_ char *others = list_text(json_object_get(m, "shared-with"));
	struct buf b = {};

	for (size_t i = 0; i < sizeof(flags) / sizeof(*flags); i++)
		if (json_is_true(json_object_get(m, flags[i].member)))
			add_note(&b, flags[i].text);
	if (shares && *shares) {
		add_note(&b, "shared: ");
		buf_str(&b, shares);
	}
	if (others && *others) {
		add_note(&b, "also of pipeline ");
		buf_str(&b, others);
	}
	if (!text_eq(member(m, "home"), "init")) {
		add_note(&b, "home ");
		buf_str(&b, member(m, "home"));
	}
	return buf_take(&b);
}

/* "__u32"; without a type how many bytes it has. */
static char *type_of(const json_t *m, const char *name, const char *size)
{
	const char *type = member(m, name);

	if (*type)
		return strdup(type);
	if (text_eq(member(m, "type"), "globals"))
		return strdup(text_eq(name, "value-type") ? "variables" : "-");
	return number(m, size) ? text_fmt("%lld bytes", number(m, size)) : strdup("-");
}

static char *entries_of(const json_t *m)
{
	if (json_object_get(m, "entries"))
		return text_fmt("%lld/%lld", number(m, "entries"), number(m, "max-entries"));
	return text_fmt("%lld", number(m, "max-entries"));
}

static void show(const json_t *maps, bool with_pipeline)
{
	static const char *const headings[] = {"PIPELINE", "MAP",      "TYPE",   "KEY",
					       "VALUE",    ">ENTRIES", ">BYTES", "NOTE"};
	struct table *t = table_new(headings + !with_pipeline, 8 - !with_pipeline);
	json_t *m;
	size_t i;

	json_array_foreach (maps, i, m) {
		_cleanup_free_ char *key = type_of(m, "key-type", "key-size");
		_cleanup_free_ char *value = type_of(m, "value-type", "value-size");
		_cleanup_free_ char *entries = entries_of(m), *note = notes(m);
		_cleanup_free_ char *bytes = text_fmt("%lld", number(m, "bytes"));
		_cleanup_free_ char *type = json_is_integer(json_object_get(m, "type"))
						    ? text_fmt("%lld", number(m, "type"))
						    : strdup(member(m, "type"));

		if (with_pipeline)
			table_row(t, member(m, "pipeline"), member(m, "map"), type, key, value,
				  entries, bytes, note);
		else
			table_row(t, member(m, "map"), type, key, value, entries, bytes, note);
	}
	table_print(t);
}

int map_list(struct map_call *call)
{
	struct braid_maps_opts opts = {
		.sz = sizeof(opts),
		.home = call->own->home,
		.own = call->own->all,
		.count = call->own->count,
	};
	_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
	_cleanup_json_ json_t *j = NULL;
	char *text = NULL;

	if (call->n > 1)
		return usage(call->c, "one pipeline at most");
	if (open_braid(call->o, &call->b, &err) ||
	    braid_maps(call->b, call->args[0], &opts, &text, &err))
		return fail(call->o, &err);
	if (call->o->json) {
		print_json(text);
		return EXIT_DONE;
	}
	j = parse_json(text);
	if (!json_array_size(json_object_get(j, "maps")))
		puts("There are no maps.");
	else
		show(json_object_get(j, "maps"), !call->n);
	return EXIT_DONE;
}
