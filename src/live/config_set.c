/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Changing the configuration of what runs. */
#include <errno.h>

#include "base/error.h"
#include "base/text.h"
#include "kernel/bpffs.h"
#include "kernel/probe.h"
#include "live/live_config.h"
#include "manifest/json.h"

/* "[1, 2]", "{a: 1}" and quoted texts are YAML; all else is a scalar as it stands. */
static int parse_value(const char *text, json_t **ret, struct braid_error *err)
{
	_cleanup_(node_freep) struct node *n = NULL;
	struct node scalar = {.kind = NODE_SCALAR, .text = (char *)text};
	int r = 0;

	if (*text && strchr("[{\"'", *text))
		r = node_parse(text, strlen(text), "value", &n, err);
	if (r)
		return r;
	*ret = node_to_json(n ?: &scalar);
	return *ret ? 0 : error_oom(err);
}

/* A change under way: what people asked for, collected field by field. */
struct setting {
	struct live_config *c;
	json_t *values; /* of the new version */
	char *bytes;    /* fitted one by one, so that an error names its field */
	struct buf what;
	json_t *seen; /* fields that were named */
};

static void setting_done(struct setting *s)
{
	json_decref(s->values);
	free(s->bytes);
	buf_done(&s->what);
	json_decref(s->seen);
}

static int say_change(struct setting *s, const struct config_field *f, const char *from,
		      bool to_default, struct braid_error *err)
{
	_cleanup_json_ json_t *old = field_get(f, from), *new = field_get(f, s->bytes);
	_cleanup_free_ char *a = old ? json_dumps(old, JSON_ENCODE_ANY) : NULL;
	_cleanup_free_ char *z = new ? json_dumps(new, JSON_ENCODE_ANY) : NULL;

	if (!a || !z)
		return error_oom(err);
	return buf_fmt(&s->what, "%s%s.%s %s -> %s%s", s->what.n ? ", " : "", f->stage, f->f->name,
		       a, z, to_default ? " (default)" : "")
		       ? error_oom(err)
		       : 0;
}

static int put_value(struct setting *s, const struct config_field *f, const json_t *value,
		     struct braid_error *err)
{
	json_t *of_stage = json_object_get(s->values, f->stage);

	if (!value) {
		json_object_del(of_stage, f->f->name);
		return 0;
	}
	if (!of_stage) {
		of_stage = json_object();
		if (json_object_set_new(s->values, f->stage, of_stage))
			return error_oom(err);
	}
	return json_object_set(of_stage, f->f->name, (json_t *)value) ? error_oom(err) : 0;
}

/* @value: NULL: back to the default. */
static int set_field(struct setting *s, const struct found_fields *found, const json_t *value,
		     struct braid_error *err)
{
	const struct config_field *first = found->list.v[0];
	_cleanup_free_ char *name = field_name(first);
	_cleanup_free_ char *before = malloc(s->c->fields.size);
	int r = 0;

	if (!name || !before)
		return error_oom(err);
	if (json_object_get(s->seen, name)) {
		error_set(err, -EINVAL, name, "the field is given twice");
		return -EINVAL;
	}
	json_object_set_new(s->seen, name, json_true());
	memcpy(before, s->bytes, s->c->fields.size);
	array_foreach (f, &found->list) {
		if (value)
			r = r ?: field_put(*f, value, s->bytes, err);
		else
			memcpy(s->bytes + (*f)->f->offset,
			       (const char *)s->c->fields.defaults + (*f)->f->offset,
			       (*f)->f->size);
	}
	r = r ?: put_value(s, first, value, err);
	if (!r && !field_is_same(first, before, s->bytes))
		r = say_change(s, first, before, !value, err);
	return r;
}

/* "guard.limit=500"; "guard.limit=": the default. */
static int take_change(struct setting *s, const char *change, struct braid_error *err)
{
	const char *equals = strchr(change, '=');
	_cleanup_free_ char *name = equals ? strndup(change, equals - change) : NULL;
	struct found_fields found = {};
	_cleanup_json_ json_t *value = NULL;
	int r;

	if (!equals || equals == change) {
		error_set(err, -EINVAL, NULL, "'%s' sets no field", change);
		error_hint(err, "write FIELD=VALUE");
		return -EINVAL;
	}
	if (!name)
		return error_oom(err);
	r = fields_find(&s->c->fields, name, &found, err);
	if (!r && equals[1])
		r = parse_value(equals + 1, &value, err);
	r = r ?: set_field(s, &found, value, err);
	array_done(&found.list);
	return r;
}

static int report(const struct live_config *c, __u32 number, const char *what, char **ret_report,
		  struct braid_error *err)
{
	_cleanup_json_ json_t *j =
		json_pack("{s:s, s:I, s:b, s:I}", "pipeline", c->run.revision.pipeline, "version",
			  (json_int_t)(what ? number : c->number), "changed", what != NULL,
			  "revision", (json_int_t)c->run.revision.number);

	if (what)
		json_object_set_new(j, "what", json_string(what));
	if (c->recovered)
		json_object_set_new(j, "recovered", json_string(c->recovered));
	return json_give(j, ret_report, err);
}

/* @s->values as what packets use, unless that changes nothing. */
static int carry_out(struct braid *b, struct setting *s, char **ret_report, struct braid_error *err)
{
	const char *active = live_config_active(s->c);
	bool same = !memcmp(active, s->bytes, s->c->fields.size);
	__u32 number = s->c->number;
	int r;

	if (same && json_equal(s->values, s->c->values))
		return report(s->c, number, NULL, ret_report, err);
	if (!s->what.n && buf_str(&s->what, same ? "the same values" : "as the store wants it"))
		return error_oom(err);
	r = live_config_switch(b, s->c, s->values, s->what.v, &number, err);
	return r ?: report(s->c, number, s->what.v, ret_report, err);
}

static int begin(struct braid *b, const char *name, struct live_config *c, struct braid_error *err)
{
	_cleanup_free_ char *root = NULL;

	return bpffs_root(&root, err) ?: recover_beside(b, root, name, OBSERVERS_STAY_WELL, &c->recovered, err) ?:
	       live_config_open(b, name, c, err);
}

static int set_locked(struct braid *b, const char *name, const char *const *changes, size_t n,
		      char **ret_report, struct braid_error *err)
{
	_cleanup_live_config_ struct live_config c = LIVE_CONFIG_INIT;
	_cleanup_(setting_done) struct setting s = {.c = &c};
	int r = begin(b, name, &c, err);

	if (r)
		return r;
	s.values = json_deep_copy(c.values);
	s.seen = json_object();
	s.bytes = live_config_bytes(&c, c.values, NULL, err);
	if (!s.values || !s.seen)
		return error_oom(err);
	if (!s.bytes)
		return err->code;
	for (size_t i = 0; i < n && !r; i++)
		r = take_change(&s, changes[i], err);
	return r ?: carry_out(b, &s, ret_report, err);
}

int braid_config_set(struct braid *b, const char *name, const char *const *changes,
		     size_t n_changes, char **ret_report, struct braid_error *err)
{
	ERROR_SCRATCH(err);
	int r = probe_privileges(err) ?: store_lock(b->store, b->cause, b->wait_ns, err);

	if (r)
		return r;
	r = set_locked(b, name, changes, n_changes, ret_report, err);
	store_unlock(b->store);
	return r;
}

/* The newest that was in use, and is not now; if there is none, the defaults. */
static int previous_values(struct braid *b, const char *name, json_t **ret, __u32 *ret_number,
			   struct braid_error *err)
{
	_cleanup_config_version_ struct config_version old = {};
	int r = config_find(b->store, b->home.name, name, CONFIG_OLD, &old, err);

	if (r == -ENOENT) {
		braid_error_clear(err);
		*ret = json_object();
		*ret_number = 0;
		return *ret ? 0 : error_oom(err);
	}
	if (r)
		return r;
	*ret = json_loads(old.fields, 0, NULL);
	*ret_number = old.number;
	return 0;
}

static int values_of(struct braid *b, const char *name, int64_t version, json_t **ret,
		     __u32 *ret_number, struct braid_error *err)
{
	_cleanup_config_version_ struct config_version v = {};
	int r;

	if (version < 0) {
		r = previous_values(b, name, ret, ret_number, err);
	} else if (version) {
		r = config_get(b->store, b->home.name, name, version, &v, err);
		*ret = r ? NULL : json_loads(v.fields, 0, NULL);
		*ret_number = version;
	} else {
		r = 0;
		*ret = json_object();
		*ret_number = 0;
	}
	if (r || json_is_object(*ret))
		return r;
	error_set(err, -EBADMSG, name, "the store's configuration %u is damaged", *ret_number);
	return -EBADMSG;
}

/* What there is no place for now stays in the store, and is not in use. */
static int roll_back(struct braid *b, const char *name, int64_t version, char **ret_report,
		     struct braid_error *err)
{
	_cleanup_live_config_ struct live_config c = LIVE_CONFIG_INIT;
	_cleanup_(setting_done) struct setting s = {.c = &c};
	const char *active;
	__u32 to;
	int r = begin(b, name, &c, err) ?: values_of(b, name, version, &s.values, &to, err);

	if (r)
		return r;
	s.bytes = live_config_bytes(&c, s.values, NULL, err);
	if (!s.bytes)
		return err->code;
	active = live_config_active(&c);
	if (to)
		buf_fmt(&s.what, "back to %u", to);
	else
		buf_str(&s.what, "back to the defaults");
	array_foreach (f, &c.fields.list) {
		_cleanup_json_ json_t *v = field_get(f, s.bytes);
		_cleanup_free_ char *text = v ? json_dumps(v, JSON_ENCODE_ANY) : NULL;

		if (!field_is_same(f, active, s.bytes))
			buf_fmt(&s.what, ", %s.%s %s", f->stage, f->f->name, text ?: "");
	}
	return s.what.failed ? error_oom(err) : carry_out(b, &s, ret_report, err);
}

int braid_config_rollback(struct braid *b, const char *name, int64_t version, char **ret_report,
			  struct braid_error *err)
{
	ERROR_SCRATCH(err);
	int r = probe_privileges(err) ?: store_lock(b->store, b->cause, b->wait_ns, err);

	if (r)
		return r;
	r = roll_back(b, name, version, ret_report, err);
	store_unlock(b->store);
	return r;
}
