/* SPDX-License-Identifier: GPL-2.0-only */
/* Which metrics there are, and how they are written. */
#include <string.h>

#include "cli/metrics.h"

static const char gauge[] = "gauge", counter[] = "counter";

const struct family_facts families[FAMILIES] = {
	[BUILD_INFO] = {"braid_build_info", gauge, "1; the version that wrote this."},
	[PIPELINE_INFO] = {"braid_pipeline_info", gauge, "1; what a pipeline is."},
	[PIPELINE_ERROR] = {"braid_pipeline_error", gauge,
			    "1: the pipeline cannot be read, and has no other metrics."},
	[PIPELINE_REVISION] = {"braid_pipeline_revision", gauge, "Revision that runs."},
	[PIPELINE_CREATED] = {"braid_pipeline_created_timestamp_seconds", gauge,
			      "When that revision was begun, since 1970."},
	[PIPELINE_INTERRUPTED] = {"braid_pipeline_interrupted", gauge,
				  "1: a killed command left a revision behind."},
	[PIPELINE_RUNNING] = {"braid_pipeline_running", gauge,
			      "1: packets enter it; 0: it is paused, drained or shutting down."},
	[PIPELINE_ATTACHED] = {"braid_pipeline_attached", gauge,
			       "1: the interface runs the pipeline; 0: it should."},
	[PIPELINE_SINCE] = {"braid_pipeline_counters_created_timestamp_seconds", gauge,
			    "From when on its packets are counted, since 1970."},
	[PIPELINE_PACKETS] = {"braid_pipeline_packets_total", counter, "Packets that came in."},
	[PIPELINE_BYTES] = {"braid_pipeline_bytes_total", counter,
			    "Bytes of the packets that came in."},
	[PIPELINE_LEFT_PACKETS] = {"braid_pipeline_left_packets_total", counter,
				   "Packets that left, by verdict."},
	[PIPELINE_LEFT_BYTES] = {"braid_pipeline_left_bytes_total", counter,
				 "Bytes of the packets that left, as they came in, by verdict."},
	[STAGE_PACKETS] = {"braid_stage_packets_total", counter,
			   "Packets of a stage, by what it returned."},
	[STAGE_BYTES] = {"braid_stage_bytes_total", counter,
			 "Bytes of the packets of a stage, as they came in, by what it returned."},
	[STAGE_BYPASSED_PACKETS] = {"braid_stage_bypassed_packets_total", counter,
				    "Packets that went past a paused stage."},
	[STAGE_BYPASSED_BYTES] = {"braid_stage_bypassed_bytes_total", counter,
				  "Bytes of the packets that went past a paused stage."},
	[TAIL_CALLS_LOST] = {"braid_tail_calls_lost_total", counter,
			     "Tail calls behind a stage that failed."},
	[EDGE_PACKETS] = {"braid_edge_packets_total", counter,
			  "Packets from one stage to another."},
	[EDGE_BYTES] = {"braid_edge_bytes_total", counter,
			"Bytes of the packets from one stage to another."},
	[PROGRAM_INSTRUCTIONS] = {"braid_program_instructions", gauge,
				  "Instructions of a program, as the kernel has rewritten them."},
	[PROGRAM_JITED] = {"braid_program_jited_bytes", gauge, "Machine code of a program."},
	[PROGRAM_VERIFIED] = {"braid_program_verified_instructions", gauge,
			      "Instructions that the verifier walked through."},
	[SIGNAL_ACTIVE] = {"braid_signal_active", gauge, "1: the stage has that signal."},
	[OBSERVERS] = {"braid_observers", gauge, "Who looks at a pipeline."},
	[ROLLOUT_ACTIVE] = {"braid_rollout_active", gauge,
			    "1: two versions of the stage run; 0: the rollout is over."},
	[ROLLOUT_SHARE] = {"braid_rollout_share_ratio", gauge,
			   "Part of the packets that goes to the new version of a stage."},
	[ROLLOUT_STEP] = {"braid_rollout_step", gauge,
			  "Step of the rollout, from 1; 0: it has not begun."},
};

/* false: @labels has no sample yet. */
static bool add_to_same(json_t *list, const json_t *labels, const json_t *value)
{
	json_t *one, *old;
	size_t i;

	json_array_foreach (list, i, one) {
		old = json_object_get(one, "value");
		if (!json_equal(json_object_get(one, "labels"), labels))
			continue;
		if (json_is_integer(old) && json_is_integer(value))
			json_integer_set(old, json_integer_value(old) + json_integer_value(value));
		return true;
	}
	return false;
}

void metrics_add(struct metrics *m, enum family f, json_t *value, const char *const *labels)
{
	json_t *j = json_object();

	if (!m->samples[f])
		m->samples[f] = json_array();
	for (; *labels; labels += 2)
		if (labels[1] && *labels[1])
			json_object_set_new(j, labels[0], json_string(labels[1]));
	if (!add_to_same(m->samples[f], j, value))
		json_array_append_new(m->samples[f],
				      json_pack("{s:O, s:O}", "labels", j, "value", value));
	json_decref(j);
	json_decref(value);
}

void metrics_done(struct metrics *m)
{
	for (int f = 0; f < FAMILIES; f++)
		json_decref(m->samples[f]);
}

static void write_sample(const char *name, const json_t *sample, struct buf *b)
{
	const json_t *value = json_object_get(sample, "value"), *label;
	const char *key, *sign = "{";

	buf_str(b, name);
	json_object_foreach (json_object_get(sample, "labels"), key, label) {
		buf_fmt(b, "%s%s=", sign, key);
		quoted_text(b, json_string_value(label));
		sign = ",";
	}
	if (*sign == ',')
		buf_str(b, "}");
	if (json_is_integer(value))
		buf_fmt(b, " %lld\n", (long long)json_integer_value(value));
	else
		buf_fmt(b, " %.15g\n", json_number_value(value));
}

void metrics_text(const struct metrics *m, struct buf *b)
{
	for (int f = 0; f < FAMILIES; f++) {
		const struct family_facts *facts = &families[f];
		json_t *one;
		size_t i;

		if (!json_array_size(m->samples[f]))
			continue;
		buf_fmt(b, "# HELP %s %s\n# TYPE %s %s\n", facts->name, facts->help, facts->name,
			facts->type);
		json_array_foreach (m->samples[f], i, one)
			write_sample(facts->name, one, b);
	}
}

json_t *metrics_json(const struct metrics *m)
{
	json_t *list = json_array();

	for (int f = 0; f < FAMILIES; f++)
		json_array_append_new(
			list, json_pack("{s:s, s:s, s:s, s:o}", "name", families[f].name, "type",
					families[f].type, "help", families[f].help, "samples",
					m->samples[f] ? json_incref(m->samples[f]) : json_array()));
	return json_pack("{s:o}", "metrics", list);
}
