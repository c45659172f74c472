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

static const char same[] = "braid: 1\n"
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
			   "      - {name: acl, object: acl.o}\n"
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
	struct braid_stage_opts acl = {.sz = sizeof(acl), .object = "acl.o"};

	MUST(braid_pipeline_set_mode(p, "generic", err));
	MUST(braid_pipeline_set_strategy(p, "fused", err));
	MUST(braid_pipeline_set_final(p, "tx", err));
	MUST(braid_pipeline_add_interface(p, "eth0", NULL, err));
	MUST(braid_pipeline_add_interface(p, "eth1", "blue", err));
	MUST(braid_pipeline_add_stage(p, "guard", &guard, err));
	MUST(braid_pipeline_add_stage(p, "acl", &acl, err));
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
	check_bytes();
	braid_pipeline_free(NULL);
	braid_manifest_free(NULL);
	return done();
}
