/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* The document "rollout" of the store: how far a rollout is, and how it goes on. */
#include <errno.h>

#include "base/error.h"
#include "base/text.h"
#include "live/rollout.h"

const char *const rollout_state_names[] = {
	[ROLLOUT_RUNNING] = "running",     [ROLLOUT_PAUSED] = "paused",
	[ROLLOUT_FAILING] = "failing",     [ROLLOUT_ABORTING] = "aborting",
	[ROLLOUT_PROMOTING] = "promoting", [ROLLOUT_FAILED] = "failed",
	[ROLLOUT_ABORTED] = "aborted",     [ROLLOUT_PROMOTED] = "promoted",
	[ROLLOUT_ENDED] = "ended",         NULL,
};

void rollout_done(struct rollout *r)
{
	free(r->stage);
	free(r->object);
	free(r->why);
	array_done(&r->steps);
	array_done(&r->gates);
	array_foreach (text, &r->gate_texts)
		free(*text);
	array_done(&r->gate_texts);
	*r = (struct rollout){};
}

__u32 rollout_share(const struct rollout *r)
{
	double share;

	/* while it is promoted nobody goes back to the old version for a moment */
	if (r->step < 0 || r->step >= r->steps.n ||
	    (r->state != ROLLOUT_RUNNING && r->state != ROLLOUT_PAUSED &&
	     r->state != ROLLOUT_PROMOTING))
		return 0;
	share = r->steps.v[r->step] * ROLLOUT_WHOLE / 100;
	return share < 1 ? 1 : share + 0.5;
}

/* "5", "0.5": digits with at most three behind the point. */
static const char *parse_percent(const char *at, double *ret)
{
	unsigned int whole = 0, part = 0, scale = 1;
	const char *start = at;

	for (; *at >= '0' && *at <= '9' && at - start < 3; at++)
		whole = whole * 10 + (*at - '0');
	if (at == start)
		return NULL;
	if (*at == '.') {
		for (start = ++at; *at >= '0' && *at <= '9' && at - start < 3; at++) {
			part = part * 10 + (*at - '0');
			scale *= 10;
		}
		if (at == start)
			return NULL;
	}
	*ret = whole + (double)part / scale;
	return at;
}

static int bad_steps(const char *text, const char *why, struct braid_error *err)
{
	error_set(err, -EINVAL, NULL, "these are no steps of a rollout: '%s'", text);
	error_why(err, "%s", why);
	error_hint(err, "percentages that grow up to 100, with commas between: 1,5,25,100");
	return -EINVAL;
}

int rollout_parse_steps(const char *text, struct rollout *r, struct braid_error *err)
{
	const char *at = text;
	double last = 0, percent;

	r->steps.n = 0;
	for (;; at++) {
		at = parse_percent(at, &percent);
		if (!at || (*at && *at != ','))
			return bad_steps(text, "a step is a number such as 5 or 0.5", err);
		if (percent <= last)
			return bad_steps(
				text, "a step is more than the one before, and more than 0", err);
		if (percent > 100)
			return bad_steps(text, "a step is at most 100", err);
		if (!array_add(&r->steps, percent))
			return error_oom(err);
		last = percent;
		if (!*at)
			break;
	}
	if (last != 100)
		return bad_steps(text, "the last step is 100: then the new version is promoted",
				 err);
	return 0;
}

int rollout_add_gate(struct rollout *r, const char *text, struct braid_error *err)
{
	char *copy = strdup(text);
	struct gate g;
	int result;

	if (!copy || !array_add(&r->gate_texts, copy)) {
		free(copy);
		return error_oom(err);
	}
	result = gate_parse(text, &g, err);
	if (!result && !array_add(&r->gates, g))
		result = error_oom(err);
	return result;
}

/* Most buckets are empty: {"120": 3}. */
static json_t *version_to_json(const struct rollout_version *v)
{
	json_t *verdicts = json_array(), *latency = json_object();

	for (int i = 0; i < ROLLOUT_VERDICTS; i++)
		json_array_append_new(verdicts, json_integer(v->verdicts[i]));
	for (int i = 0; i < ROLLOUT_BUCKETS; i++) {
		char name[16];

		snprintf(name, sizeof(name), "%d", i);
		if (v->latency[i])
			json_object_set_new(latency, name, json_integer(v->latency[i]));
	}
	return json_pack("{s:I, s:o, s:I, s:I, s:o}", "packets", (json_int_t)v->packets, "verdicts",
			 verdicts, "samples", (json_int_t)v->samples, "latency-ns",
			 (json_int_t)v->latency_ns, "latency", latency);
}

static void version_from_json(json_t *j, struct rollout_version *v)
{
	json_t *value;
	const char *name;
	size_t i;

	v->packets = json_integer_value(json_object_get(j, "packets"));
	v->samples = json_integer_value(json_object_get(j, "samples"));
	v->latency_ns = json_integer_value(json_object_get(j, "latency-ns"));
	json_array_foreach (json_object_get(j, "verdicts"), i, value)
		if (i < ROLLOUT_VERDICTS)
			v->verdicts[i] = json_integer_value(value);
	json_object_foreach (json_object_get(j, "latency"), name, value) {
		unsigned long bucket = strtoul(name, NULL, 10);

		if (bucket < ROLLOUT_BUCKETS)
			v->latency[bucket] = json_integer_value(value);
	}
}

static json_t *base_to_json(const struct rollout_base *b)
{
	return json_pack("{s:s, s:I, s:I, s:o, s:o}", "boot", b->boot, "map", (json_int_t)b->map,
			 "began-ns", (json_int_t)b->began_ns, "old",
			 version_to_json(&b->version[ROLLOUT_OLD]), "new",
			 version_to_json(&b->version[ROLLOUT_NEW]));
}

static void base_from_json(const json_t *j, struct rollout_base *b)
{
	snprintf(b->boot, sizeof(b->boot), "%s",
		 json_string_value(json_object_get(j, "boot")) ?: "");
	b->map = json_integer_value(json_object_get(j, "map"));
	b->began_ns = json_integer_value(json_object_get(j, "began-ns"));
	version_from_json(json_object_get(j, "old"), &b->version[ROLLOUT_OLD]);
	version_from_json(json_object_get(j, "new"), &b->version[ROLLOUT_NEW]);
}

static json_t *to_json(const struct rollout *r)
{
	json_t *steps = json_array(), *gates = json_array(), *j;

	array_foreach (percent, &r->steps)
		json_array_append_new(steps, json_real(*percent));
	array_foreach (text, &r->gate_texts)
		json_array_append_new(gates, json_string(*text));
	j = json_pack("{s:I, s:s, s:s, s:s, s:s, s:b, s:o, s:i, s:I, s:I, s:o, s:o}", "share",
		      (json_int_t)rollout_share(r), "state", rollout_state_names[r->state], "stage",
		      r->stage, "object", r->object, "key", rollout_key_names[r->key], "share-maps",
		      r->share_maps, "steps", steps, "step", r->step, "every-ns",
		      (json_int_t)r->every_ns, "min-packets", (json_int_t)r->min_packets, "gates",
		      gates, "base", base_to_json(&r->base));
	if (r->why)
		json_object_set_new(j, "why", json_string(r->why));
	if (r->has_reference)
		json_object_set_new(j, "reference", version_to_json(&r->reference));
	return j;
}

/* -1: none of @names. */
static int find_word(const char *const *names, const json_t *word)
{
	for (int i = 0; names[i]; i++)
		if (text_eq(names[i], json_string_value(word)))
			return i;
	return -1;
}

static int lists_from_json(const json_t *j, struct rollout *r, struct braid_error *err)
{
	json_t *value;
	size_t i;
	int result = 0;

	json_array_foreach (json_object_get(j, "steps"), i, value)
		if (!array_add(&r->steps, json_number_value(value)))
			return error_oom(err);
	json_array_foreach (json_object_get(j, "gates"), i, value)
		result = result ?: rollout_add_gate(r, json_string_value(value) ?: "", err);
	return result;
}

static int copy_text(const json_t *j, char **ret, struct braid_error *err)
{
	*ret = strdup(json_string_value(j) ?: "");
	return *ret ? 0 : error_oom(err);
}

static int from_json(const json_t *j, struct rollout *r, struct braid_error *err)
{
	const json_t *why = json_object_get(j, "why"), *reference = json_object_get(j, "reference");
	int state = find_word(rollout_state_names, json_object_get(j, "state"));
	int key = find_word(rollout_key_names, json_object_get(j, "key")), result;

	if (state < 0 || key < 0) {
		error_set(err, -EBADMSG, NULL, "the store's document of the rollout is damaged");
		return -EBADMSG;
	}
	r->state = state;
	r->key = key;
	r->share_maps = json_is_true(json_object_get(j, "share-maps"));
	r->step = json_integer_value(json_object_get(j, "step"));
	r->every_ns = json_integer_value(json_object_get(j, "every-ns"));
	r->min_packets = json_integer_value(json_object_get(j, "min-packets"));
	base_from_json(json_object_get(j, "base"), &r->base);
	r->has_reference = reference;
	if (reference)
		version_from_json((json_t *)reference, &r->reference);
	result = copy_text(json_object_get(j, "stage"), &r->stage, err)
			 ?: copy_text(json_object_get(j, "object"), &r->object, err);
	if (!result && why)
		result = copy_text(why, &r->why, err);
	return result ?: lists_from_json(j, r, err);
}

int rollout_load(struct braid *b, const char *pipeline, struct rollout *ret,
		 struct braid_error *err)
{
	_cleanup_rollout_ struct rollout rollout = {};
	_cleanup_json_ json_t *j = NULL;
	int r = runtime_document(b, b->home.name, pipeline, RUNTIME_ROLLOUT, &j, err);

	if (r)
		return r;
	if (!json_object_size(j))
		return -ENOENT;
	r = from_json(j, &rollout, err);
	if (r) {
		error_within(err, "pipeline %s", pipeline);
		return r;
	}
	*ret = rollout;
	rollout = (struct rollout){};
	return 0;
}

int rollout_save(struct braid *b, const char *pipeline, const struct rollout *r, const char *what,
		 struct braid_error *err)
{
	_cleanup_json_ json_t *j = to_json(r);
	_cleanup_free_ char *text = j ? json_dumps(j, JSON_COMPACT) : NULL;

	if (!text)
		return error_oom(err);
	if (!what)
		return runtime_put(b->store, b->home.name, pipeline, RUNTIME_ROLLOUT, text, err);
	return runtime_record(b->store, b->home.name, pipeline, RUNTIME_ROLLOUT, text, b->cause,
			      what, err);
}
