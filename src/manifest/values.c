/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Values files: what differs between sites, laid over a manifest. Lists are replaced whole. */
#include "manifest/read.h"

#include "base/error.h"
#include "manifest/edit.h"
#include "manifest/hook.h"

static int read_stages(struct reading *r, const struct node *n, void *pipeline)
{
	int res = expect(r, n, NODE_MAP, "stages");

	array_foreach (pair, &n->pairs) {
		struct stage *s;

		res = res ?: pipeline_find_stage(pipeline, pair->key, pair->at, &s, r->err);
		res = res ?: read_map(r, pair->value, &values_stage_table, s);
		res = res ?: stage_check(s, r->err);
	}
	return res;
}

static int read_pipelines(struct reading *r, const struct node *n, void *manifest)
{
	int res = expect(r, n, NODE_MAP, "pipelines");

	array_foreach (pair, &n->pairs) {
		res = res ?: manifest_find(manifest, pair->key, pair->at, &r->pipeline, r->err);
		res = res ?: read_map(r, pair->value, &values_pipeline_table, r->pipeline);
	}
	return res;
}

int read_values(const struct node *n, const char *file, struct braid_manifest *m,
		struct braid_error *err)
{
	struct reading r = {.file = file, .err = err};
	int res;

	if (n->kind == NODE_MAP && node_get(n, "braid") && !node_get(n, "braid-values")) {
		place_error(err, n->at, "this is a manifest, not a values file");
		return error_code(error_hint(err, "a values file starts with 'braid-values: 1'"));
	}
	res = check_version(&r, n, &values_table);
	return res ?: read_map(&r, n, &values_table, m);
}

static const struct key values_keys[] = {
	{"braid-values", KEY_VERSION, true},
	{"pipelines", KEY_MAP, true, .read = read_pipelines},
};
TABLE(values, "a values file", "values");

static const struct key values_pipeline_keys[] = {
	{"mode", KEY_WORD, false, mode_names, read_mode},
	{"strategy", KEY_WORD, false, strategy_names, read_strategy},
	{"signals", KEY_WORD, false, signals_names, read_signals},
	{"stats", KEY_WORD, false, stats_names, read_stats},
	{"optimize", KEY_WORD_OR_MAP, false, optimize_words, read_optimize},
	{"on-change", KEY_WORD, false, on_change_names, read_on_change},
	{"attach", KEY_WORD_OR_MAP, false, attach_words, read_attach},
	{"interfaces", KEY_LIST, false, .read = read_interfaces},
	{"stages", KEY_MAP, false, .read = read_stages},
	{"final", KEY_WORD, false, final_names, read_final},
};
TABLE(values_pipeline, "the values of a pipeline", "values-pipeline");

static const struct key values_stage_keys[] = {
	{"object", KEY_TEXT, false, .read = read_object},
	{"proceed-on", KEY_WORDS, false, verdict_names, read_proceed_on},
	{"constants", KEY_MAP, false, .read = read_constants},
	{"maps", KEY_MAP, false, .read = read_maps},
	{"disabled", KEY_BOOL, false, .read = read_disabled},
};
TABLE(values_stage, "the values of a stage", "values-stage");
