/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Showing the configuration of what runs, and of before. */
#include <errno.h>

#include "base/error.h"
#include "base/text.h"
#include "kernel/probe.h"
#include "live/live_config.h"
#include "manifest/unfit.h"

/* The value that the store has for it; NULL: none, the default holds. */
static json_t *stored_value(const json_t *values, const struct config_field *f)
{
	return json_object_get(json_object_get(values, f->stage), f->f->name);
}

static json_t *field_to_json(const struct live_config *c, const struct config_field *f,
			     const char *wanted)
{
	_cleanup_free_ char *type = type_text(f->f->btf, f->f->type);
	const char *active = live_config_active(c);
	json_t *j = json_pack("{s:s, s:s, s:o, s:o, s:s, s:b}", "stage", f->f->stage, "name",
			      f->f->name, "value", field_get(f, wanted), "default",
			      field_get(f, c->fields.defaults), "type", type ?: "", "set",
			      stored_value(c->values, f) != NULL);

	if (f->f->has_range) {
		json_object_set_new(j, "min", json_integer(f->f->min));
		json_object_set_new(j, "max", json_integer(f->f->max));
	}
	if (!field_is_same(f, wanted, active))
		json_object_set_new(j, "running", field_get(f, active));
	return j;
}

static json_t *fields_to_json(const struct live_config *c, const char *wanted)
{
	json_t *list = json_array();

	array_foreach (f, &c->fields.list)
		json_array_append_new(list, field_to_json(c, f, wanted));
	return list;
}

int braid_config_get(struct braid *b, const char *name, char **ret_json, struct braid_error *err)
{
	_cleanup_live_config_ struct live_config c = LIVE_CONFIG_INIT;
	_cleanup_config_version_ struct config_version pending = {};
	_cleanup_json_ json_t *j = NULL, *dropped = NULL;
	_cleanup_free_ char *wanted = NULL;
	ERROR_SCRATCH(err);
	int r = probe_privileges(err) ?: live_config_open(b, name, &c, err);

	if (r)
		return r;
	wanted = live_config_bytes(&c, c.values, &dropped, err);
	if (!wanted)
		return err->code;
	j = json_pack("{s:s, s:I, s:I, s:b, s:o}", "pipeline", name, "version",
		      (json_int_t)c.number, "revision", (json_int_t)c.run.revision.number,
		      "differs", memcmp(wanted, live_config_active(&c), c.fields.size) != 0,
		      "fields", fields_to_json(&c, wanted));
	if (json_array_size(dropped))
		json_object_set(j, "dropped", dropped);
	r = config_find(b->store, b->home.name, name, CONFIG_PENDING, &pending, err);
	if (!r)
		json_object_set_new(j, "interrupted", json_integer(pending.number));
	else if (r != -ENOENT)
		return r;
	braid_error_clear(err);
	return json_give(j, ret_json, err);
}

static json_t *version_to_json(const struct config_version *v)
{
	json_t *fields = json_loads(v->fields, 0, NULL);
	json_t *j = json_pack("{s:I, s:s, s:I, s:s, s:s, s:o}", "version", (json_int_t)v->number,
			      "state", config_state_names[v->state], "created",
			      (json_int_t)(v->created_ns / 1000000000), "cause", v->cause, "what",
			      v->what, "values", fields ?: json_null());

	if (v->note)
		json_object_set_new(j, "note", json_string(v->note));
	return j;
}

int braid_config_history(struct braid *b, const char *name, char **ret_json,
			 struct braid_error *err)
{
	_cleanup_json_ json_t *list = json_array();
	struct config_versions versions = {};
	ERROR_SCRATCH(err);
	int r = store_configs(b->store, b->home.name, name, &versions, err);

	if (!r && !versions.list.n)
		r = pipeline_check_known(b, name, err);
	array_foreach (v, &versions.list)
		json_array_append_new(list, version_to_json(v));
	config_versions_done(&versions);
	return r ?: json_give(list, ret_json, err);
}
