/* SPDX-License-Identifier: GPL-2.0-only */
/* A manifest with everything in it, and one with nothing that can be left out. */
#include <errno.h>
#include <string.h>

#include "base/error.h"
#include "braid/manifest.h"
#include "tap.h"
#include "manifest/model.h"

static const char everything[] =
	"\xef\xbb\xbf# edge\n"
	"braid: 1\n"
	"pipelines:\n"
	"  - name: edge\n"
	"    hook: xdp\n"
	"    mode: generic\n"
	"    strategy: tailcall\n"
	"    interfaces:\n"
	"      - eth0\n"
	"      - {name: eth0, netns: blue}\n"
	"      - {name: eth1, netns: /proc/1/ns/net}\n"
	"    final: drop\n"
	"    shared-maps:\n" /* in front of the stages: order is the reader's business */
	"      blocked: [guard.blocked, acl.deny]\n"
	"    stages:\n"
	"      - name: guard\n"
	"        object: guard/guard.bpf.o\n"
	"        program: guard_main\n"
	"        proceed-on: [pass, tx]\n"
	"        constants: {limit: 0x1f4, name: \"12\", on: true, none: ~, table: [1, [2]]}\n"
	"        maps:\n"
	"          rules4:\n"
	"            max-entries: 1024\n"
	"            entries:\n"
	"              - {key: 192.0.2.0/24, value: {action: 1}}\n"
	"              - {value: 7}\n"
	"      - name: acl\n"
	"        object: /opt/acl.o\n"
	"        proceed-on: pass\n"
	"      - name: by-proto\n"
	"        switch: protocol\n"
	"        cases:\n"
	"          - when: tcp\n"
	"            stages:\n"
	"              - {name: syn, object: syn.o, disabled: true}\n"
	"              - name: by-port\n"
	"                switch: destination-port\n"
	"                cases: [{when: [80, 0x1bb], stages: [{name: web, object: web.o}]}]\n"
	"          - {when: [udp, 132], stages: []}\n"
	"        default: [{name: other, object: other.o}]\n"
	"      - name: last\n"
	"        object: last.o\n"
	"        rollout: {object: new/last.o, key: random, share-maps: true, seed: 9}\n"
	"        maps:\n"
	"          flows: {on-change: reset}\n"
	"          .data: {on-change: migrate, defaults: {ttl: 64, limits.burst: 0x10}}\n"
	"    signals: pipeline\n"
	"    stats: off\n"
	"    optimize: {splice: off, unread: on, context: off}\n"
	"    on-change: migrate\n"
	"  - name: spare\n"
	"    hook: xdp\n"
	"    optimize: off\n"
	"    interfaces: []\n"
	"    stages: [{name: only, object: o}]\n";

static void check_pipeline(const struct braid_pipeline *p)
{
	is_str(p->name, "edge", "name");
	is_int(p->hook, HOOK_XDP, "hook");
	is_int(p->mode, MODE_GENERIC, "mode");
	is_int(p->strategy, STRATEGY_TAILCALL, "strategy");
	ok(p->has_final && p->final == 1, "final: drop");
	is_int(p->interfaces.n, 3, "three interfaces");
	is_str(p->interfaces.v[0].name, "eth0", "a name only");
	is_str(p->interfaces.v[0].netns, NULL, "the caller's own namespace");
	is_str(p->interfaces.v[1].netns, "blue", "a named namespace");
	is_str(p->interfaces.v[2].netns, "/proc/1/ns/net", "a namespace by path");
	is_int(p->interfaces.v[2].at.line, 11, "an interface knows its line");
	is_int(p->shared.n, 1, "one shared map");
	is_str(p->shared.v[0].members.v[1].stage, "acl", "its second stage");
	is_str(p->shared.v[0].members.v[1].map, "deny", "its second map");
}

static void check_stages(const struct braid_pipeline *p)
{
	const struct stage *guard = pipeline_stage(p, "guard"), *acl = pipeline_stage(p, "acl");

	is_int(p->stages.n, 6, "stages of all branches");
	is_str(guard->object, "etc/guard/guard.bpf.o", "an object beside the manifest");
	is_str(acl->object, "/opt/acl.o", "an object by absolute path");
	is_str(guard->program, "guard_main", "program");
	is_str(acl->program, NULL, "no program named");
	ok(guard->has_proceed_on && guard->proceed_on == (1u << 2 | 1u << 3), "two verdicts");
	ok(acl->has_proceed_on && acl->proceed_on == 1u << 2, "one verdict without a list");
	is_int(guard->at.line, 16, "a stage knows its line");
	is_int(guard->at.column, 15, "and its column");
	is_str(guard->at.file, "etc/edge.yaml", "and its file");
	ok(!pipeline_stage(p, "gurad"), "no such stage");
}

static void check_contents(const struct stage *s)
{
	const struct map_setup *m = s->maps.v;

	is_int(s->constants.n, 5, "constants in their order");
	is_str(s->constants.v[0].value->text, "0x1f4", "a number as it was written");
	ok(!s->constants.v[0].value->quoted, "which was not quoted");
	ok(s->constants.v[1].value->quoted, "a text that was");
	is_int(s->constants.v[3].value->kind, NODE_NULL, "~ is nothing");
	is_int(s->constants.v[4].value->items.n, 2, "a list");
	is_str(m->name, "rules4", "map");
	is_int(m->max_entries, 1024, "max-entries");
	is_str(m->entries.v[0].key->text, "192.0.2.0/24", "key of an entry");
	is_str(node_get(m->entries.v[0].value, "action")->text, "1", "value of an entry");
	ok(!m->entries.v[1].key, "an entry without key");
}

static void check_choices(const struct braid_pipeline *p)
{
	static const struct {
		const char *name;
		__u32 choice, branch;
	} want[] = {{"guard", 0, 0}, {"acl", 0, 0},   {"syn", 1, 0},
		    {"web", 2, 0},   {"other", 1, 2}, {"last", 0, 0}};
	const struct choice *proto = &p->choices.v[0], *port = &p->choices.v[1];

	for (size_t i = 0; i < 6; i++) {
		const struct stage *s = &p->stages.v[i];

		is_str(s->name, want[i].name, "stage %zu of the list", i);
		is_int(s->choice, want[i].choice, "stands in that choice");
		is_int(s->branch, want[i].branch, "in that branch");
	}
	is_int(p->choices.n, 2, "two choices");
	is_int(proto->field, FIELD_PROTOCOL, "the outer one first");
	is_int(proto->branches.n, 3, "two cases and the default");
	is_int(proto->branches.v[0].values.v[0], 6, "tcp");
	is_int(proto->branches.v[1].values.n, 2, "two values");
	is_int(proto->branches.v[2].values.n, 0, "the default has none");
	is_int(port->choice, 1, "the inner one is in the outer one");
	is_int(port->branch, 0, "in its first branch");
	is_int(port->branches.v[0].values.v[1], 443, "a port in hex");
	is_int(port->branches.n, 2, "a default that is left out is there, too");
	is_int(port->at.line, 36, "a choice knows its line");
}

static void check_change(const struct braid_pipeline *p)
{
	const struct stage *last = pipeline_stage(p, "last");
	const struct map_setup *data = &last->maps.v[1];

	is_int(p->signals, SIGNALS_PIPELINE, "signals");
	is_int(p->stats, STATS_OFF, "stats");
	is_int(p->not_optimized, 1 << OPTIMIZE_SPLICE | 1 << OPTIMIZE_CONTEXT, "optimize");
	is_int(p->on_change, ON_CHANGE_MIGRATE, "on-change");
	ok(pipeline_stage(p, "syn")->disabled && !last->disabled, "one stage is disabled");
	is_str(last->candidate->object, "etc/new/last.o", "a candidate beside the manifest");
	is_int(last->candidate->key, ROLLOUT_RANDOM, "its key");
	ok(last->candidate->share_maps, "its maps");
	is_int(last->candidate->seed, 9, "its seed");
	ok(last->maps.v[0].has_on_change && last->maps.v[0].on_change == ON_CHANGE_RESET,
	   "a map says itself");
	is_str(data->name, ".data", "the globals as a map");
	is_int(data->defaults.n, 2, "defaults");
	is_str(data->defaults.v[1].name, "limits.burst", "of a member of a member");
	is_str(data->defaults.v[1].value->text, "0x10", "as it was written");
}

static void check_spare(const struct braid_pipeline *p)
{
	is_int(p->mode, MODE_NATIVE, "native by default");
	is_int(p->strategy, STRATEGY_AUTO, "auto by default");
	is_int(p->not_optimized, (1 << OPTIMIZE_ALL) - 1, "optimize: off is all of it");
	is_int(p->signals, SIGNALS_STAGES, "stages have signals by default");
	is_int(p->stats, STATS_COUNTERS, "packets are counted by default");
	is_int(p->on_change, ON_CHANGE_REFUSE, "a change is refused by default");
	ok(!p->stages.v[0].disabled && !p->stages.v[0].candidate, "stages run, in one version");
	ok(!p->has_final, "final: last by default");
	is_int(p->interfaces.n, 0, "no interfaces is fine");
	ok(!p->stages.v[0].has_proceed_on, "no proceed-on");
	is_str(p->stages.v[0].object, "etc/o", "object");
}

static void check_lookup(const struct braid_manifest *m)
{
	_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
	const struct braid_pipeline *p = NULL;

	is_int(braid_manifest_count(m), 2, "two pipelines");
	ok(!braid_manifest_get(m, 2), "and no third");
	is_int(braid_manifest_find(m, "spare", &p, &err), 0, "found by name");
	is_str(braid_pipeline_name(p), "spare", "the right one");
	is_int(braid_manifest_find(m, "egde", &p, &err), -ENOENT, "not found");
	is_str(err.what, "there is no pipeline 'egde'", "what");
	is_str(err.why, "the pipelines are edge, spare", "why");
	is_str(err.hint, "did you mean 'edge'?", "hint");
	is_str(braid_pipeline_name(p), "spare", "written on success only");
}

static void check_files(void)
{
	struct braid_manifest_opts opts = {.sz = sizeof(opts) - 1};
	struct {
		struct braid_manifest_opts known;
		size_t newer;
	} wide = {.known.sz = sizeof(wide)};
	_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
	struct braid_manifest *m = NULL;

	is_int(braid_manifest_load("/nonexistent/edge.yaml", NULL, &m, &err), -ENOENT, "no file");
	is_str(err.where, "/nonexistent/edge.yaml", "where");
	is_str(err.why, "No such file or directory", "why");
	is_int(braid_manifest_load("/", NULL, &m, &err), -EISDIR, "a folder");
	is_int(braid_manifest_load("/dev/zero", NULL, &m, &err), -EFBIG, "without end");

	is_int(braid_manifest_parse(everything, strlen(everything), "x", &wide.known, &m, &err), 0,
	       "newer options that say nothing");
	braid_manifest_free(m);
	wide.newer = 1;
	is_int(braid_manifest_parse(everything, strlen(everything), "x", &wide.known, &m, &err),
	       -E2BIG, "newer options that do");
	is_int(braid_manifest_parse(everything, strlen(everything), "x", &opts, &m, &err), 0,
	       "older options");
	braid_manifest_free(m);
	opts.sz = 0;
	is_int(braid_manifest_parse(everything, strlen(everything), "x", &opts, &m, &err), -EINVAL,
	       "sz forgotten");
}

int main(void)
{
	_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
	_cleanup_(braid_manifest_freep) struct braid_manifest *m = NULL;
	int r = braid_manifest_parse(everything, strlen(everything), "etc/edge.yaml", NULL, &m,
				     &err);

	if (r)
		bail_out("%s: %s", err.where, err.what);
	check_pipeline(m->pipelines.v[0]);
	check_stages(m->pipelines.v[0]);
	check_contents(&m->pipelines.v[0]->stages.v[0]);
	check_choices(m->pipelines.v[0]);
	check_change(m->pipelines.v[0]);
	check_spare(m->pipelines.v[1]);
	check_lookup(m);
	check_files();
	return done();
}
