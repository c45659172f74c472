/* SPDX-License-Identifier: GPL-2.0-only */
/* A pipeline in C is the one that the same YAML gives; and wrong calls are refused alike. */
#include <errno.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "braid/manifest.h"
#include "tap.h"
#include "manifest/edit.h"

static const char same[] =
	"braid: 1\n"
	"pipelines:\n"
	"  - name: edge\n"
	"    hook: xdp\n"
	"    mode: generic\n"
	"    strategy: fused\n"
	"    interfaces: [eth0, {name: eth1, netns: blue}]\n"
	"    final: tx\n"
	"    stages:\n"
	"      - name: guard\n"
	"        object: guard.o\n"
	"        program: main\n"
	"        proceed-on: [pass, redirect]\n"
	"        constants: {limit: 6, list: [1, a]}\n"
	"        maps:\n"
	"          rules: {max-entries: 5, entries: [{key: 1, value: {a: 2}},\n"
	"                                            {value: x}]}\n"
	"      - {name: acl, object: acl.o, disabled: true}\n"
	"      - name: by\n"
	"        switch: protocol\n"
	"        cases:\n"
	"          - {when: [tcp, 0x11], stages: [{name: t, object: t.o}, {name: in,\n"
	"             switch: vlan, cases: [{when: 5, stages: []}],\n"
	"             default: [{name: v, object: v.o}]}]}\n"
	"          - {when: gre, stages: []}\n"
	"        default: [{name: d, object: d.o}]\n"
	"      - {name: z, object: z.o, rollout: {object: y.o, key: source,\n"
	"         share-maps: true, seed: 3}, maps: {.data: {on-change: reset,\n"
	"         defaults: {a.b: 1}}}}\n"
	"    signals: pipeline\n"
	"    stats: off\n"
	"    optimize: {fold: off, frame: off}\n"
	"    on-change: migrate\n"
	"    shared-maps: {blocked: [guard.blocked, acl.deny]}\n";

static int failures;

/* Building goes on after a failure, to name each. */
#define MUST(call)                                                                                 \
	do {                                                                                       \
		_cleanup_error_ struct braid_error err_ = BRAID_ERROR_INIT;                        \
		struct braid_error *err = &err_;                                                   \
		if (!is_int(call, 0, #call) && ++failures)                                         \
			diag("%s: %s", err->where, err->what);                                     \
	} while (0)

static void build_choices(struct braid_pipeline *p)
{
	const char *const first[] = {"tcp", "0x11"}, *const second[] = {"gre"},
			  *const five[] = {"5"};
	struct braid_choice_opts by = {.sz = sizeof(by), .field = "protocol"};
	struct braid_choice_opts in = {.sz = sizeof(in), .field = "vlan", .choice = "by"};
	struct braid_stage_opts t = {.sz = sizeof(t), .object = "t.o", .choice = "by"};
	struct braid_stage_opts v = {
		.sz = sizeof(v), .object = "v.o", .choice = "in", .branch = BRAID_DEFAULT};
	struct braid_stage_opts d = {
		.sz = sizeof(d), .object = "d.o", .choice = "by", .branch = BRAID_DEFAULT};
	struct braid_stage_opts z = {.sz = sizeof(z), .object = "z.o"};
	struct braid_candidate_opts y = {
		.sz = sizeof(y), .object = "y.o", .key = "source", .share_maps = 1, .seed = 3};

	MUST(braid_pipeline_add_choice(p, "by", &by, err));
	MUST(braid_pipeline_add_case(p, "by", first, 2, err));
	MUST(braid_pipeline_add_case(p, "by", second, 1, err));
	MUST(braid_pipeline_add_stage(p, "t", &t, err));
	MUST(braid_pipeline_add_choice(p, "in", &in, err));
	MUST(braid_pipeline_add_case(p, "in", five, 1, err));
	MUST(braid_pipeline_add_stage(p, "v", &v, err));
	MUST(braid_pipeline_add_stage(p, "d", &d, err));
	MUST(braid_pipeline_add_stage(p, "z", &z, err));
	MUST(braid_pipeline_set_candidate(p, "z", &y, err));
	MUST(braid_pipeline_set_map_on_change(p, "z", ".data", "reset", err));
	MUST(braid_pipeline_set_map_default(p, "z", ".data", "a.b", "1", err));
	MUST(braid_pipeline_set_signals(p, "pipeline", err));
	MUST(braid_pipeline_set_stats(p, "off", err));
	MUST(braid_pipeline_set_optimize(p, NULL, 0, err));
	MUST(braid_pipeline_set_optimize(p, "splice", 1, err));
	MUST(braid_pipeline_set_optimize(p, "unread", 1, err));
	MUST(braid_pipeline_set_optimize(p, "context", 1, err));
	MUST(braid_pipeline_set_on_change(p, "migrate", err));
}

static void build(struct braid_pipeline *p)
{
	const char *const verdicts[] = {"pass"};
	const char *const members[] = {"guard.blocked", "acl.deny"};
	struct braid_stage_opts guard = {.sz = sizeof(guard),
					 .object = "guard.o",
					 .program = "main",
					 .proceed_on = verdicts,
					 .n_proceed_on = 1,
					 .proceed_mask = 1 << XDP_REDIRECT};
	struct braid_stage_opts acl = {.sz = sizeof(acl), .object = "acl.o", .disabled = 1};

	MUST(braid_pipeline_set_mode(p, "generic", err));
	MUST(braid_pipeline_set_strategy(p, "fused", err));
	MUST(braid_pipeline_set_final(p, "tx", err));
	MUST(braid_pipeline_add_interface(p, "eth0", NULL, err));
	MUST(braid_pipeline_add_interface(p, "eth1", "blue", err));
	MUST(braid_pipeline_add_stage(p, "guard", &guard, err));
	MUST(braid_pipeline_add_stage(p, "acl", &acl, err));
	build_choices(p);
	MUST(braid_pipeline_set_constant(p, "guard", "limit", "5", err));
	MUST(braid_pipeline_set_constant(p, "guard", "list", "[1, a]", err));
	MUST(braid_pipeline_set_constant(p, "guard", "limit", "6", err));
	MUST(braid_pipeline_set_max_entries(p, "guard", "rules", 5, err));
	MUST(braid_pipeline_add_entry(p, "guard", "rules", "1", "{a: 2}", err));
	MUST(braid_pipeline_add_entry(p, "guard", "rules", NULL, "x", err));
	MUST(braid_pipeline_share_map(p, "blocked", members, 2, err));
}

static void check_same(const struct braid_pipeline *built)
{
	_cleanup_(braid_manifest_freep) struct braid_manifest *m = NULL;
	_cleanup_free_ char *json = NULL, *json_built = NULL;

	MUST(braid_manifest_parse(same, strlen(same), "x", NULL, &m, err));
	if (failures)
		bail_out("nothing to compare");
	MUST(braid_pipeline_json(m->pipelines.v[0], &json, err));
	MUST(braid_pipeline_json(built, &json_built, err));
	is_str(json_built, json, "the builder and YAML agree");
}

#define REFUSED(call, code_, where_, what_, hint_)                                                 \
	do {                                                                                       \
		_cleanup_error_ struct braid_error err_ = BRAID_ERROR_INIT;                        \
		struct braid_error *err = &err_;                                                   \
		is_int(call, code_, #call);                                                        \
		is_str(err->where, where_, "where");                                               \
		is_str(err->what, what_, "what");                                                  \
		is_str(err->hint, hint_, "hint");                                                  \
	} while (0)

static void check_refused(struct braid_pipeline *p)
{
	const char *const members[] = {"guard.other", "akl.deny"};
	const char *const wrong[] = {"pas"};
	struct braid_stage_opts opts = {.sz = sizeof(opts)};
	struct braid_stage_opts odd = {.sz = sizeof(odd), .object = "x", .proceed_mask = 1 << 5};
	struct braid_stage_opts bad = {
		.sz = sizeof(bad), .object = "x", .proceed_on = wrong, .n_proceed_on = 1};
	struct braid_pipeline *other = NULL;

	REFUSED(braid_pipeline_new("Edge", &other, err), -EINVAL, NULL,
		"'Edge' is no name for a pipeline", NULL);
	ok(!other, "nothing is returned");
	REFUSED(braid_pipeline_set_mode(p, "nativ", err), -EINVAL, "pipeline edge",
		"unknown mode 'nativ'", "did you mean 'native'?");
	REFUSED(braid_pipeline_set_strategy(p, "fuse", err), -EINVAL, "pipeline edge",
		"unknown strategy 'fuse'", "did you mean 'fused'?");
	REFUSED(braid_pipeline_set_final(p, "dorp", err), -EINVAL, "pipeline edge",
		"unknown final verdict 'dorp'", "did you mean 'drop'?");
	REFUSED(braid_pipeline_add_interface(p, "eth0", NULL, err), -EINVAL, "pipeline edge",
		"the interface 'eth0' is given twice", NULL);
	REFUSED(braid_pipeline_add_interface(p, "\xff", NULL, err), -EINVAL, "pipeline edge",
		"'\xff' is no name of an interface", NULL);
	REFUSED(braid_pipeline_add_stage(p, "x", &opts, err), -EINVAL, "pipeline edge: stage x",
		"no object is given", NULL);
	REFUSED(braid_pipeline_add_stage(p, "x", &odd, err), -EINVAL, "pipeline edge: stage x",
		"proceed_mask: the hook xdp has no verdict 5", NULL);
	REFUSED(braid_pipeline_add_stage(p, "x", &bad, err), -EINVAL, "pipeline edge: stage x",
		"unknown verdict 'pas'", "did you mean 'pass'?");
	opts.object = "x";
	REFUSED(braid_pipeline_add_stage(p, "acl", &opts, err), -EINVAL, "pipeline edge: stage acl",
		"two stages have the name 'acl'", NULL);
	REFUSED(braid_pipeline_set_constant(p, "gard", "x", "1", err), -ENOENT, NULL,
		"the pipeline 'edge' has no stage 'gard'", "did you mean 'guard'?");
	REFUSED(braid_pipeline_set_constant(p, "guard", "x", "a: &b 1", err), -EINVAL,
		"pipeline edge: stage guard: constant x: value:1:4",
		"anchors are not part of braid's YAML",
		"write the value out; quote a text that starts with &");
	REFUSED(braid_pipeline_set_max_entries(p, "guard", "rules", 0, err), -EINVAL,
		"pipeline edge: stage guard: map rules",
		"max-entries of the map 'rules' is out of range", NULL);
	REFUSED(braid_pipeline_add_entry(p, "guard", "a b", NULL, "1", err), -EINVAL,
		"pipeline edge: stage guard: map a b", "'a b' is no name of a map", NULL);
	REFUSED(braid_pipeline_share_map(p, "more", members, 2, err), -ENOENT, "pipeline edge",
		"the pipeline 'edge' has no stage 'akl'", "did you mean 'acl'?");
}

static void check_refused_choices(struct braid_pipeline *p)
{
	const char *const taken[] = {"7", "6"}, *const more[] = {"esp"},
			  *const wrong[] = {"7", "tpc"};
	struct braid_choice_opts opts = {.sz = sizeof(opts), .field = "protocl"};
	struct braid_choice_opts result = {.sz = sizeof(result), .field = "result"};
	struct braid_choice_opts late = {.sz = sizeof(late), .field = "vlan", .choice = "by"};
	struct braid_stage_opts stage = {.sz = sizeof(stage), .object = "x", .choice = "by"};
	struct braid_candidate_opts candidate = {.sz = sizeof(candidate)};

	REFUSED(braid_pipeline_set_signals(p, "stage", err), -EINVAL, "pipeline edge",
		"unknown signals 'stage'", "did you mean 'stages'?");
	REFUSED(braid_pipeline_set_stats(p, "counter", err), -EINVAL, "pipeline edge",
		"unknown stats 'counter'", "did you mean 'counters'?");
	REFUSED(braid_pipeline_set_optimize(p, "frames", 0, err), -EINVAL, "pipeline edge",
		"unknown optimisation 'frames'", "did you mean 'frame'?");
	REFUSED(braid_pipeline_set_on_change(p, "rest", err), -EINVAL, "pipeline edge",
		"unknown on-change 'rest'", "did you mean 'reset'?");
	REFUSED(braid_pipeline_set_map_on_change(p, "z", "m", "keep", err), -EINVAL,
		"pipeline edge: stage z: map m", "unknown on-change 'keep'", NULL);
	REFUSED(braid_pipeline_set_map_default(p, "z", "m", "a b", "1", err), -EINVAL,
		"pipeline edge: stage z: map m", "'a b' is no name of a member",
		"write it as in C: ttl, or limits.burst for a member of a struct in it");
	REFUSED(braid_pipeline_set_max_entries(p, "z", ".data", 1, err), -EINVAL,
		"pipeline edge: stage z: map .data", "the globals of a stage have no max-entries",
		NULL);
	REFUSED(braid_pipeline_add_choice(p, "q", &opts, err), -EINVAL, "pipeline edge: choice q",
		"unknown field 'protocl'", "did you mean 'protocol'?");
	REFUSED(braid_pipeline_add_choice(p, "q", &late, err), -EINVAL, "pipeline edge: choice q",
		"what stands behind this place of the choice 'by' is there already",
		"add stages in the order of the manifest");
	REFUSED(braid_pipeline_add_stage(p, "q", &stage, err), -EINVAL, "pipeline edge: stage q",
		"what stands behind this place of the choice 'by' is there already",
		"add stages in the order of the manifest");
	stage.branch = 2;
	REFUSED(braid_pipeline_add_stage(p, "q", &stage, err), -EINVAL, "pipeline edge: stage q",
		"the choice 'by' has no case 2", NULL);
	stage.choice = "bi";
	REFUSED(braid_pipeline_add_stage(p, "q", &stage, err), -ENOENT, "pipeline edge: stage q",
		"the pipeline 'edge' has no choice 'bi'", "did you mean 'by'?");
	stage.choice = NULL;
	REFUSED(braid_pipeline_add_stage(p, "q", &stage, err), -EINVAL, "pipeline edge: stage q",
		"a branch without a choice", NULL);
	REFUSED(braid_pipeline_add_case(p, "by", more, 1, err), -EINVAL, "pipeline edge: choice by",
		"the choice has stages already", "add all cases before the first stage of any");
	REFUSED(braid_pipeline_set_candidate(p, "acl", &candidate, err), -EINVAL,
		"pipeline edge: stage acl", "no object is given", NULL);
	candidate.object = "x";
	REFUSED(braid_pipeline_set_candidate(p, "acl", &candidate, err), -EINVAL,
		"pipeline edge: stage acl", "the stage 'acl' is disabled and has a rollout", NULL);
	ok(!pipeline_stage(p, "acl")->candidate, "which it has not");

	MUST(braid_pipeline_add_choice(p, "open", &result, err));
	REFUSED(braid_pipeline_add_case(p, "open", NULL, 0, err), -EINVAL,
		"pipeline edge: choice open", "a case needs values", NULL);
	MUST(braid_pipeline_add_case(p, "open", taken, 1, err));
	REFUSED(braid_pipeline_add_case(p, "open", taken, 2, err), -EINVAL,
		"pipeline edge: choice open", "the value 7 is given twice in the choice 'open'",
		NULL);
	REFUSED(braid_pipeline_add_case(p, "open", wrong + 1, 1, err), -EINVAL,
		"pipeline edge: choice open", "unknown result 'tpc'", NULL);
	is_int(p->choices.v[2].branches.n, 2, "no branch is left of those");
	stage = (struct braid_stage_opts){.sz = sizeof(stage), .object = "x"};
	REFUSED(braid_pipeline_add_stage(p, "q", &stage, err), -EINVAL, "pipeline edge: stage q",
		"the choice 'open' has no stage", NULL);
	{
		_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;

		is_int(pipeline_check(p, &err), -EINVAL, "such a pipeline is not whole");
	}
}

static void check_bytes(void)
{
	_cleanup_(braid_pipeline_freep) struct braid_pipeline *p = NULL;
	_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
	_cleanup_free_ char *json = NULL;
	char bytes[] = "ELF";
	struct braid_stage_opts opts = {.sz = sizeof(opts), .bytes = bytes, .size = sizeof(bytes)};

	MUST(braid_pipeline_new("mem", &p, err));
	is_int(pipeline_check(p, &err), -EINVAL, "a pipeline without stages is not whole");
	is_str(err.what, "the pipeline 'mem' has no stages", "and says so");
	MUST(braid_pipeline_add_stage(p, "a", &opts, err));
	bytes[0] = 'x';
	is_mem(p->stages.v[0].bytes, "ELF", sizeof(bytes), "bytes are copied");
	is_int(pipeline_check(p, &err), 0, "now it is whole");
	MUST(braid_pipeline_json(p, &json, err));
	ok(strstr(json, "\"object\": \"(memory)\""), "in JSON there is a label");
}

int main(void)
{
	_cleanup_(braid_pipeline_freep) struct braid_pipeline *p = NULL;

	MUST(braid_pipeline_new("edge", &p, err));
	if (!p)
		bail_out("no pipeline");
	build(p);
	check_refused(p);
	check_same(p);
	check_refused_choices(p);
	check_bytes();
	braid_pipeline_free(NULL);
	braid_manifest_free(NULL);
	return done();
}
