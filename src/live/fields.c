/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Fields of the configuration: which there are, and values as bytes of one version. */
#include <errno.h>

#include "base/error.h"
#include "base/text.h"
#include "manifest/fit.h"
#include "manifest/unfit.h"
#include "live/runtime.h"

void fields_done(struct config_fields *f)
{
	array_foreach (field, &f->list)
		free(field->stage);
	array_done(&f->list);
	image_free(f->image);
	braid_plan_free(f->plan);
	braid_manifest_free(f->manifest);
	*f = (struct config_fields){};
}

int fields_of_image(const struct image *image, struct config_fields *ret, struct braid_error *err)
{
	if (image->config < 0)
		return 0;
	array_foreach (f, &image->fields) {
		struct config_field *field = array_push(&ret->list);

		if (!field)
			return error_oom(err);
		field->f = f;
		field->stage = strndup(f->stage, strcspn(f->stage, "@"));
		if (!field->stage)
			return error_oom(err);
	}
	ret->defaults = image->unit->sections.v[image->config].bytes.v;
	ret->size = image->config_size;
	return 0;
}

int fields_open(struct braid *b, const struct running *run, struct config_fields *ret,
		struct braid_error *err)
{
	_cleanup_fields_ struct config_fields f = {};
	const struct braid_pipeline *p;
	int r = braid_revision(b, run->revision.pipeline, run->revision.number, &f.manifest, err);

	if (r)
		return r;
	p = braid_manifest_get(f.manifest, 0);
	/* as it was loaded: auto would be chosen anew */
	r = plan_new(p, plan_strategy(run->plan, STRATEGY_FUSED), NULL, &f.plan, err) ?: image_new(f.plan, NULL, &f.image, err) ?:
	    fields_of_image(f.image, &f, err);
	if (r)
		return r;
	*ret = f;
	f = (struct config_fields){};
	return 0;
}

char *field_name(const struct config_field *f)
{
	return text_fmt("%s.%s", f->stage, f->f->name);
}

/* What unknown or ambiguous names are answered with. */
static int list_names(const struct config_fields *f, struct buf *to, struct braid_error *err)
{
	array_foreach (field, &f->list)
		if (!strchr(field->f->stage, '@'))
			buf_fmt(to, "%s%s.%s", to->n ? ", " : "", field->stage, field->f->name);
	return to->failed ? error_oom(err) : 0;
}

static int unknown(const struct config_fields *f, const char *name, struct braid_error *err)
{
	_cleanup_(buf_done) struct buf all = {};
	const char *names[64], *near;
	size_t n = 0;
	int r = list_names(f, &all, err);

	if (r)
		return r;
	array_foreach (field, &f->list)
		if (n < 64)
			names[n++] = field->f->name;
	near = text_nearest(name, names, n);
	error_set(err, -ENOENT, NULL, "there is no field '%s'", name);
	error_why(err, "%s%s", f->list.n ? "the fields are " : "its stages have no configuration",
		  all.v ?: "");
	if (near)
		error_hint(err, "did you mean '%s'?", near);
	return -ENOENT;
}

static int ambiguous(const struct found_fields *found, const char *name, struct braid_error *err)
{
	const struct config_field *first = found->list.v[0];
	const struct config_field *last = found->list.v[found->list.n - 1];

	error_set(err, -EINVAL, NULL, "several stages have a field '%s'", name);
	error_hint(err, "name the stage too: %s.%s or %s.%s", first->stage, name, last->stage,
		   name);
	return -EINVAL;
}

static bool means(const struct config_field *f, const char *name)
{
	size_t n = strlen(f->stage);

	return text_eq(name, f->f->name) ||
	       (!strncmp(name, f->stage, n) && name[n] == '.' && text_eq(name + n + 1, f->f->name));
}

int fields_find(const struct config_fields *f, const char *name, struct found_fields *ret,
		struct braid_error *err)
{
	struct found_fields found = {};
	int r = 0;

	array_foreach (field, &f->list)
		if (!r && means(field, name) && !array_add(&found.list, field))
			r = error_oom(err);
	if (!r && !found.list.n)
		r = unknown(f, name, err);
	array_foreach (one, &found.list)
		if (!r && !text_eq((*one)->stage, found.list.v[0]->stage))
			r = ambiguous(&found, name, err);
	if (r)
		array_done(&found.list);
	else
		*ret = found;
	return r;
}

static int check_range(const struct config_field *f, const char *name, const void *bytes,
		       struct braid_error *err)
{
	__s64 v;

	if (!f->f->has_range || (unfit_number(f->f->btf, f->f->type, bytes, f->f->size, &v) &&
				 v >= f->f->min && v <= f->f->max))
		return 0;
	error_set(err, -EINVAL, name, "the value is out of range");
	error_why(err, "its author allows %lld to %lld", (long long)f->f->min,
		  (long long)f->f->max);
	return -EINVAL;
}

int field_put(const struct config_field *f, const json_t *value, void *version,
	      struct braid_error *err)
{
	_cleanup_free_ char *text = json_dumps(value, JSON_ENCODE_ANY), *name = field_name(f);
	_cleanup_free_ char *bytes = calloc(1, f->f->size ?: 1);
	_cleanup_(node_freep) struct node *n = NULL;
	int r;

	if (!text || !name || !bytes)
		return error_oom(err);
	r = node_parse(text, strlen(text), name, &n, err);
	if (r)
		return r;
	node_unplace(n); /* "line 1 of the value" helps nobody */
	r = fit_value(n, name, f->f->btf, f->f->type, bytes, f->f->size, err)
		    ?: check_range(f, name, bytes, err);
	if (!r)
		memcpy((char *)version + f->f->offset, bytes, f->f->size);
	return r;
}

json_t *field_get(const struct config_field *f, const void *version)
{
	return unfit_value(f->f->btf, f->f->type, (const char *)version + f->f->offset, f->f->size);
}

bool field_is_same(const struct config_field *f, const char *a, const char *b)
{
	return !memcmp(a + f->f->offset, b + f->f->offset, f->f->size);
}

static int drop(json_t *list, const char *stage, const char *field, const char *why,
		struct braid_error *err)
{
	_cleanup_free_ char *name = text_fmt("%s.%s", stage, field);
	json_t *j = name ? json_pack("{s:s, s:s}", "field", name, "why", why) : NULL;

	return json_array_append_new(list, j) ? error_oom(err) : 0;
}

/* One value of the store into all fields that it is for: of a stage and of its candidate. */
static int fill_one(const struct config_fields *f, const char *stage, const char *name,
		    const json_t *value, void *version, json_t *dropped, struct braid_error *err)
{
	_cleanup_error_ struct braid_error misfit = BRAID_ERROR_INIT;
	bool found = false;
	int r = 0;

	array_foreach (field, &f->list) {
		if (r || !text_eq(field->stage, stage) || !text_eq(field->f->name, name))
			continue;
		found = true;
		r = field_put(field, value, version, &misfit);
	}
	if (r == -ENOMEM)
		return error_oom(err);
	if (r)
		return drop(dropped, stage, name, misfit.what ?: "it does not fit", err);
	return found ? 0 : drop(dropped, stage, name, "there is no such field", err);
}

int fields_fill(const struct config_fields *f, const json_t *values, void *version,
		json_t **ret_dropped, struct braid_error *err)
{
	_cleanup_json_ json_t *dropped = json_array();
	const char *stage, *name;
	json_t *of_stage, *value;
	int r = dropped ? 0 : error_oom(err);

	if (f->size)
		memcpy(version, f->defaults, f->size);
	json_object_foreach ((json_t *)values, stage, of_stage)
		json_object_foreach (of_stage, name, value)
			r = r ?: fill_one(f, stage, name, value, version, dropped, err);
	if (!r && ret_dropped)
		*ret_dropped = TAKE_PTR(dropped);
	return r;
}
