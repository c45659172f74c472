/* SPDX-License-Identifier: GPL-2.0-only */
/* Values files over a manifest: order, merging, replacing, and what is refused. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/error.h"
#include "base/text.h"
#include "braid/manifest.h"
#include "tap.h"
#include "manifest/model.h"

static const char manifest[] =
	"braid: 1\n"
	"pipelines:\n"
	"  - name: edge\n"
	"    hook: xdp\n"
	"    interfaces: [eth0, eth1]\n"
	"    stages:\n"
	"      - name: guard\n"
	"        object: guard.o\n"
	"        constants: {limit: 1, burst: 2}\n"
	"        maps:\n"
	"          rules: {max-entries: 8, entries: [{value: 1}, {value: 2}],\n"
	"                  defaults: {a: 1, b: 1}}\n"
	"      - {name: acl, object: acl.o, proceed-on: pass}\n"
	"  - {name: core, hook: xdp, interfaces: [eth2],\n"
	"     stages: [{name: a, object: a}]}\n";

static char folder[] = "/tmp/braid-values-XXXXXX";

/* The path of a file in the test's folder, to be freed. */
static char *put(const char *name, const char *text)
{
	char *path = text_fmt("%s/%s", folder, name);
	_cleanup_fclose_ FILE *f = path ? fopen(path, "we") : NULL;

	if (!f || fputs(text, f) < 0)
		bail_out("cannot write %s", name);
	return path;
}

static int load(const char *const *values, size_t n, struct braid_manifest **ret,
		struct braid_error *err)
{
	struct braid_manifest_opts opts = {.sz = sizeof(opts), .values = values, .n_values = n};

	return braid_manifest_parse(manifest, strlen(manifest), "edge.yaml", &opts, ret, err);
}

static void check_guard(const struct stage *s, const char *site)
{
	_cleanup_free_ char *object = text_fmt("%s/other.o", folder);

	is_str(s->object, object, "an object beside its values file");
	is_int(s->constants.n, 3, "constants are merged by name");
	is_str(s->constants.v[0].value->text, "1", "not mentioned: kept");
	is_str(s->constants.v[1].value->text, "30", "mentioned twice: the last one counts");
	is_str(s->constants.v[1].value->at.file, site, "and knows its file");
	is_str(s->constants.v[2].name, "extra", "new: added");
	is_int(s->maps.n, 2, "maps are merged by name");
	is_int(s->maps.v[0].max_entries, 8, "max-entries kept");
	is_int(s->maps.v[0].entries.n, 1, "entries replaced");
	is_str(s->maps.v[0].entries.v[0].value->text, "9", "by the new ones");
	is_int(s->maps.v[0].on_change, ON_CHANGE_MIGRATE, "on-change");
	is_int(s->maps.v[0].defaults.n, 3, "defaults are merged by name");
	is_str(s->maps.v[0].defaults.v[1].value->text, "2", "and replaced");
	is_int(s->maps.v[1].max_entries, 5, "a map that had no setup");
}

static void check_layers(void)
{
	_cleanup_free_ char *site = put("site.yaml", "braid-values: 1\n"
						     "pipelines:\n"
						     "  edge:\n"
						     "    interfaces: [eth5]\n"
						     "    mode: generic\n"
						     "    strategy: fused\n"
						     "    final: drop\n"
						     "    signals: none\n"
						     "    stats: off\n"
						     "    optimize: off\n"
						     "    on-change: reset\n"
						     "    stages:\n"
						     "      guard:\n"
						     "        object: other.o\n"
						     "        constants: {burst: 20}\n"
						     "        maps: {more: {max-entries: 5}}\n"
						     "      acl: {proceed-on: [tx]}\n");
	_cleanup_free_ char *host = put("host.yaml",
					"braid-values: 1\n"
					"pipelines:\n"
					"  edge:\n"
					"    final: last\n"
					"    optimize: {fold: on}\n"
					"    stages:\n"
					"      guard:\n"
					"        constants: {burst: 30, extra: [1]}\n"
					"        maps: {rules: {entries: [{value: 9}], "
					"on-change: migrate, defaults: {b: 2, c: 3}}}\n"
					"      acl: {disabled: true}\n");
	const char *const files[] = {site, host};
	_cleanup_(braid_manifest_freep) struct braid_manifest *m = NULL;
	_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
	struct braid_pipeline *p;

	if (!is_int(load(files, 2, &m, &err), 0, "two layers"))
		bail_out("%s: %s", err.where, err.what);
	p = m->pipelines.v[0];
	is_int(p->interfaces.n, 1, "interfaces are replaced");
	is_str(p->interfaces.v[0].name, "eth5", "by the new one");
	is_int(p->mode, MODE_GENERIC, "mode");
	is_int(p->strategy, STRATEGY_FUSED, "strategy");
	is_int(p->signals, SIGNALS_NONE, "signals");
	is_int(p->stats, STATS_OFF, "stats");
	is_int(p->on_change, ON_CHANGE_RESET, "on-change");
	is_int(p->not_optimized, ((1 << OPTIMIZE_ALL) - 1) & ~(1 << OPTIMIZE_FOLD),
	       "all off, and one on again");
	ok(p->stages.v[1].disabled, "disabled");
	ok(!p->has_final, "final: set by one, reset by the next");
	is_int(p->stages.v[1].proceed_on, 1 << 3, "proceed-on is replaced");
	check_guard(&p->stages.v[0], host);
	is_int(m->pipelines.v[1]->mode, MODE_NATIVE, "other pipelines stay as they are");
}

struct bad {
	const char *text, *place, *what, *hint;
	int code;
};

#define EDGE "braid-values: 1\npipelines:\n  edge:\n"

static const struct bad bad[] = {
	{"pipelines: {}\n", "1:1", "a values file needs the key 'braid-values'",
	 "'braid-values: 1'", -EINVAL},
	{"braid-values: 2\npipelines: {}\n", "1:15", "expected the number 1", NULL, -EINVAL},
	{"braid: 1\npipelines: []\n", "1:1", "a manifest, not a values file", "braid-values: 1",
	 -EINVAL},
	{"braid-values: 1\npipelines: []\n", "2:12", "pipelines: expected a map", NULL, -EINVAL},
	{"braid-values: 1\npipelines: {egde: {}}\n", "2:13", "no pipeline 'egde'", "'edge'",
	 -ENOENT},
	{EDGE "    hook: xdp\n", "4:5", "unknown key 'hook' in the values of a pipeline", NULL,
	 -EINVAL},
	{EDGE "    final: lst\n", "4:12", "unknown final verdict 'lst'", "'last'", -EINVAL},
	{EDGE "    stages: {gard: {}}\n", "4:14", "has no stage 'gard'", "'guard'", -ENOENT},
	{EDGE "    stages: {guard: {program: x}}\n", "4:22",
	 "unknown key 'program' in the values of a stage", NULL, -EINVAL},
	{EDGE "    stages: {guard: {proceed-on: [pas]}}\n", "4:35", "unknown verdict 'pas'",
	 "'pass'", -EINVAL},
	{EDGE "    stages: {guard: {disabled: 1}}\n", "4:32", "expected true or false", NULL,
	 -EINVAL},
	{EDGE "    stages: {guard: {rollout: {object: b}}}\n", "4:22", "unknown key 'rollout'",
	 NULL, -EINVAL},
	{EDGE "    stages: {guard: {disabled: true}, acl: {disabled: true}}\n", "-",
	 "all stages of the pipeline 'edge' are disabled", "braid delete edge", -EINVAL},
	{EDGE "    interfaces: [eth2]\n", "-", "two pipelines are on the interface 'eth2'", NULL,
	 -EINVAL},
};

static void check_bad(void)
{
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		_cleanup_free_ char *path = put("bad.yaml", bad[i].text);
		_cleanup_free_ char *place = text_fmt("%s:%s", path, bad[i].place);
		const char *const files[] = {path};
		_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
		struct braid_manifest *m = NULL;

		is_int(load(files, 1, &m, &err), bad[i].code, "refused: %s", bad[i].what);
		/* "-": found later, in the manifest that the values are laid over. */
		if (bad[i].place[0] == '-')
			ok(text_has_prefix(err.where ?: "", "edge.yaml:"), "at %s", err.where);
		else
			is_str(err.where, place, "at %s", bad[i].place);
		if (!ok(err.what && strstr(err.what, bad[i].what), "says so"))
			diag("it says: %s", err.what);
		if (bad[i].hint)
			ok(err.hint && strstr(err.hint, bad[i].hint), "hints at %s", bad[i].hint);
		ok(!m, "nothing is returned");
	}
}

static void check_missing(void)
{
	const char *const files[] = {"/nonexistent/site.yaml"};
	_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
	struct braid_manifest *m = NULL;

	is_int(load(files, 1, &m, &err), -ENOENT, "no such values file");
	is_str(err.where, files[0], "which is named");
}

int main(void)
{
	_cleanup_free_ char *clean = NULL;

	if (!mkdtemp(folder))
		bail_out("no folder for files");
	check_layers();
	check_bad();
	check_missing();
	clean = text_fmt("rm -r %s", folder);
	return system(clean) ?: done();
}
