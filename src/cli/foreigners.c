/* SPDX-License-Identifier: GPL-2.0-only */
/* Who else is attached to interfaces. */
#include <string.h>

#include "base/text.h"
#include "cli/cli.h"
#include "cli/show.h"

/* "'guard' (12)", "flower (pref 10)" */
static char *program_text(const json_t *f)
{
	_cleanup_free_ char *pref = number(f, "priority")
					    ? text_fmt(", pref %lld", number(f, "priority"))
					    : NULL;

	if (number(f, "program"))
		return text_fmt("%s (%lld%s)", member(f, "name"), number(f, "program"), pref ?: "");
	return text_fmt("%s (%s)", member(f, "kind"), pref ? pref + strlen(", ") : "");
}

/* What says most; --json has all. */
static char *owner_text(const json_t *f)
{
	const json_t *process = json_array_get(json_object_get(f, "processes"), 0);
	const json_t *pin = json_array_get(json_object_get(f, "pins"), 0);

	if (*member(f, "pipeline"))
		return text_fmt("pipeline %s", member(f, "pipeline"));
	if (process)
		return text_fmt("%s (%lld)", member(process, "comm"), number(process, "pid"));
	if (pin)
		return strdup(json_string_value(pin));
	if (json_object_get(f, "uid"))
		return text_fmt("uid %lld", number(f, "uid"));
	return strdup("-");
}

static size_t count(const json_t *interfaces)
{
	size_t i, n = 0;
	json_t *iface;

	json_array_foreach (interfaces, i, iface)
		n += json_array_size(json_object_get(iface, "foreigners"));
	return n;
}

static void add_rows(struct table *t, const json_t *iface, const char *indent)
{
	size_t i;
	json_t *f;

	json_array_foreach (json_object_get(iface, "foreigners"), i, f) {
		_cleanup_free_ char *name = text_fmt("%s%s", indent, member(iface, "name"));
		_cleanup_free_ char *program = program_text(f), *owner = owner_text(f);

		table_row(t, name, member(f, "hook"), program, owner, member(f, "means"));
	}
}

void show_foreigners(const json_t *interfaces, bool mean, const char *indent)
{
	_cleanup_free_ char *heading = text_fmt("%sALSO ON", indent);
	const char *const headings[] = {mean ? heading : "INTERFACE", "HOOK", "PROGRAM", "OWNER",
					"MEANS"};
	struct table *t;
	json_t *iface;
	size_t i;

	if (!count(interfaces))
		return;
	t = table_new(headings, mean ? 5 : 4);
	json_array_foreach (interfaces, i, iface)
		add_rows(t, iface, indent);
	table_print(t);
}
