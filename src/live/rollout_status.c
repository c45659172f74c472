/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* A rollout as JSON: how far it is, how both versions do, what the gates say. */
#include "base/error.h"
#include "base/text.h"
#include "live/rollout.h"

static json_t *value_to_json(enum metric m, const struct rollout_version *v)
{
	double value;

	if (!metric_value(m, v, &value))
		return json_null();
	return json_real(value);
}

static json_t *version_to_json(const struct rollout_version *v)
{
	json_t *rates = json_object(), *latency = json_object();

	for (enum metric m = 0; m < METRIC_LATENCY_MEAN; m++) { /* "drop" of "drop_rate" */
		const char *name = metric_names[m];

		json_object_setn_new(rates, name, strcspn(name, "_"), value_to_json(m, v));
	}
	for (enum metric m = METRIC_LATENCY_MEAN; m < METRICS; m++) /* "p99" of "latency_p99" */
		json_object_set_new(latency, strchr(metric_names[m], '_') + 1, value_to_json(m, v));
	json_object_set_new(latency, "samples", json_integer(v->samples));
	return json_pack("{s:I, s:o, s:o}", "packets", (json_int_t)v->packets, "rates", rates,
			 "latency", latency);
}

static json_t *gate_to_json(const struct rollout *r, size_t i, const struct rollout_step *step)
{
	const struct gate *g = &r->gates.v[i];
	struct gate_result result = {};
	json_t *j = json_pack("{s:s}", "gate", r->gate_texts.v[i]);

	if (step)
		result = rollout_judge(r, g, step);
	json_object_set_new(j, "state", json_string(gate_state_names[result.state]));
	if (result.has_old)
		json_object_set_new(j, "old", json_real(result.old));
	if (result.has_new)
		json_object_set_new(j, "new", json_real(result.new));
	if (result.state != GATE_WAITS)
		json_object_set_new(j, "limit", json_real(result.limit));
	return j;
}

static void add_step(json_t *j, const struct rollout *r, const struct rollout_step *step)
{
	const struct rollout_version *old = &step->version[ROLLOUT_OLD];
	const struct rollout_version *new = &step->version[ROLLOUT_NEW];

	json_object_set_new(j, "old", version_to_json(old));
	json_object_set_new(j, "new", version_to_json(new));
	if (old->packets + new->packets)
		json_object_set_new(
			j, "actual",
			json_real(100.0 * new->packets / (old->packets + new->packets)));
	if (r->state == ROLLOUT_RUNNING && r->step >= 0 && step->elapsed_ns < r->every_ns)
		json_object_set_new(j, "next", json_real((r->every_ns - step->elapsed_ns) / 1e9));
}

json_t *rollout_to_json(const char *pipeline, const struct rollout *r,
			const struct rollout_step *step)
{
	json_t *steps = json_array(), *gates = json_array(), *j;

	array_foreach (percent, &r->steps)
		json_array_append_new(steps, json_real(*percent));
	for (size_t i = 0; i < r->gates.n; i++)
		json_array_append_new(gates, gate_to_json(r, i, step));
	j = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:o, s:i, s:f, s:f, s:I, s:o}", "pipeline",
		      pipeline, "stage", r->stage, "state", rollout_state_names[r->state], "object",
		      r->object, "key", rollout_key_names[r->key], "maps",
		      r->share_maps ? "shared" : "separate", "steps", steps, "step", r->step + 1,
		      "wanted", rollout_share(r) ? r->steps.v[r->step] : 0.0, "every",
		      r->every_ns / 1e9, "min-packets", (json_int_t)r->min_packets, "gates", gates);
	if (!j)
		return NULL;
	if (r->why)
		json_object_set_new(j, "why", json_string(r->why));
	if (step)
		add_step(j, r, step);
	return j;
}

static bool has_two_versions(const json_t *plan, const char *stage)
{
	_cleanup_free_ char *new = text_fmt("%s@new", stage);
	json_t *one;
	size_t i;

	json_array_foreach (json_object_get(plan, "stages"), i, one)
		if (text_eq(json_string_value(json_object_get(one, "name")), new))
			return true;
	return false;
}

json_t *rollout_brief(struct braid *b, const char *home, const char *pipeline, const json_t *plan)
{
	_cleanup_error_ struct braid_error ignored = BRAID_ERROR_INIT;
	_cleanup_json_ json_t *doc = NULL;
	json_t *stage, *wanted;
	json_int_t step;

	if (runtime_document(b, home, pipeline, RUNTIME_ROLLOUT, &doc, &ignored))
		return NULL;
	stage = json_object_get(doc, "stage");
	if (!stage || !has_two_versions(plan, json_string_value(stage)))
		return NULL;
	step = json_integer_value(json_object_get(doc, "step"));
	wanted = json_array_get(json_object_get(doc, "steps"), step);
	return json_pack("{s:O, s:O, s:I, s:f}", "stage", stage, "state",
			 json_object_get(doc, "state"), "step", step + 1, "wanted",
			 json_integer_value(json_object_get(doc, "share"))
				 ? json_number_value(wanted)
				 : 0.0);
}
