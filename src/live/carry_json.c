/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* What has become of maps, for reports: docs/json.md, carry. */
#include "live/carry.h"

static const char *const how_names[] = {
	[CARRY_CONTINUES] = "continues", [CARRY_MIGRATED] = "migrated", [CARRY_ANEW] = "anew",
	[CARRY_REFUSED] = "refused",     [CARRY_DROPPED] = "dropped",   [CARRY_PARKED] = "parked",
};

static void add_members(json_t *j, const char *key, char *const *texts, size_t n)
{
	json_t *list = n ? json_array() : NULL;

	for (size_t i = 0; i < n; i++)
		json_array_append_new(list, json_string(texts[i]));
	if (list)
		json_object_set_new(j, key, list);
}

static void add_counts(json_t *j, const struct migration_report *report)
{
	json_t *passes = json_array();

	for (unsigned int i = 0; i < report->n_passes; i++)
		json_array_append_new(passes, json_integer(report->passes[i]));
	json_object_set_new(j, "copied", json_integer(report->copied));
	json_object_set_new(j, "caught-up", passes);
	if (report->evicted)
		json_object_set_new(j, "evicted", json_integer(report->evicted));
	json_object_set_new(j, "late", json_integer(report->late));
	json_object_set_new(j, "conflicts", json_integer(report->conflicts));
	if (report->note)
		json_object_set_new(j, "note", json_string(report->note));
}

static json_t *one_to_json(const struct carry *c, const struct carried *m)
{
	bool carried = m->how == CARRY_CONTINUES || m->how == CARRY_MIGRATED ||
		       m->how == CARRY_PARKED;
	json_t *j = json_pack("{s:s?, s:s, s:b, s:s}", "stage", m->stage, "name", m->name,
			      "carried", carried, "how", how_names[m->how]);

	if (m->why)
		json_object_set_new(j, "why", json_string(m->why));
	if (m->diff && *m->diff)
		json_object_set_new(j, "diff", json_string(m->diff));
	if (!m->migration)
		return j;
	add_members(j, "added", m->migration->value.added.v, m->migration->value.added.n);
	add_members(j, "removed", m->migration->value.removed.v, m->migration->value.removed.n);
	if (c->finished)
		add_counts(j, &m->migration->report);
	return j;
}

json_t *carry_to_json(const struct carry *c)
{
	json_t *list = json_array();

	array_foreach (m, &c->list)
		json_array_append_new(list, one_to_json(c, m));
	return list;
}
