/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Every allocation fails once: the call returns -ENOMEM, and the leak checker of the test
 * build finds nothing left. Linked with --wrap for the allocators, so that only those that
 * braid itself calls are counted; jansson's go the same way. libyaml's own are not reached.
 */
#include <bpf/btf.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "tap.h"
#include "manifest/fit.h"
#include "manifest/json.h"

static unsigned long allocations, fail_at; /* counted from 1; 0: none fails */

static bool fails(void)
{
	return ++allocations == fail_at;
}

#define WRAP(type, name, params, args)                                                             \
	type __real_##name params;                                                                 \
	type __wrap_##name params;                                                                 \
	type __wrap_##name params                                                                  \
	{                                                                                          \
		return fails() ? NULL : __real_##name args;                                        \
	}

WRAP(void *, malloc, (size_t n), (n))
WRAP(void *, calloc, (size_t n, size_t size), (n, size))
WRAP(void *, realloc, (void *p, size_t n), (p, n))
WRAP(void *, reallocarray, (void *p, size_t n, size_t size), (p, n, size))
WRAP(char *, strdup, (const char *s), (s))
WRAP(char *, strndup, (const char *s, size_t n), (s, n))

int __real_vasprintf(char **ret, const char *fmt, va_list ap);
int __wrap_vasprintf(char **ret, const char *fmt, va_list ap);
int __wrap_vasprintf(char **ret, const char *fmt, va_list ap)
{
	return fails() ? -1 : __real_vasprintf(ret, fmt, ap);
}

static const char good[] =
	"braid: 1\n"
	"pipelines:\n"
	"  - name: edge\n"
	"    hook: xdp\n"
	"    final: drop\n"
	"    interfaces: [eth0, {name: eth1, netns: blue}]\n"
	"    stages:\n"
	"      - name: guard\n"
	"        object: guard.o\n"
	"        program: main\n"
	"        proceed-on: [pass, tx]\n"
	"        constants: {limit: 0x10, table: [1, 2, a], none: ~, on: true, m: {a: 1}}\n"
	"        maps: {r: {max-entries: 8, entries: [{key: 1, value: {action: x}}]}}\n"
	"      - {name: acl, object: acl.o, rollout: {object: new.o}}\n"
	"      - {name: by, switch: vlan, cases: [{when: [5, 0x6], stages: [{name: x, object: x,\n"
	"         maps: {.data: {on-change: reset, defaults: {a.b: 1}}}}]}]}\n"
	"    shared-maps: {blocked: [guard.blocked, acl.deny]}\n"
	"  - {name: core, hook: tc-egress, attach: {before: \"pipeline:edge\", via: link},\n"
	"     stages: [{name: a, object: a, proceed-on: [next, pipe]}]}\n";

static const char typo[] = "braid: 1\n"
			   "pipelines:\n"
			   "  - {name: edge, hook: xdp, stagse: []}\n";

static int read_and_write(struct braid_error *err)
{
	_cleanup_(braid_manifest_freep) struct braid_manifest *m = NULL;
	_cleanup_free_ char *text = NULL;
	json_t *second = NULL;
	int r = braid_manifest_parse(good, strlen(good), "dir/edge.yaml", NULL, &m, err);

	r = r ?: braid_pipeline_json(braid_manifest_get(m, 0), &text, err);
	r = r ?: pipeline_to_json(braid_manifest_get(m, 1), &second, err);
	json_decref(second);
	return r;
}

static int read_typo(struct braid_error *err)
{
	_cleanup_(braid_manifest_freep) struct braid_manifest *m = NULL;
	int r = braid_manifest_parse(typo, strlen(typo), "edge.yaml", NULL, &m, err);

	return r == -EINVAL ? 0 : r;
}

static int build(struct braid_error *err)
{
	static const char *const members[] = {"a.x", "b.y"};
	struct braid_stage_opts opts = {
		.sz = sizeof(opts), .bytes = "ELF", .size = 3, .program = "main"};
	_cleanup_(braid_pipeline_freep) struct braid_pipeline *p = NULL;
	int r = braid_pipeline_new("edge", &p, err);

	r = r ?: braid_pipeline_add_interface(p, "eth0", "blue", err);
	r = r ?: braid_pipeline_add_stage(p, "a", &opts, err);
	r = r ?: braid_pipeline_add_stage(p, "b", &opts, err);
	r = r ?: braid_pipeline_set_constant(p, "a", "limit", "[5]", err);
	r = r ?: braid_pipeline_set_max_entries(p, "a", "m", 5, err);
	r = r ?: braid_pipeline_add_entry(p, "a", "m", "1", "{a: 1}", err);
	return r ?: braid_pipeline_share_map(p, "both", members, 2, err);
}

static int change(struct braid_error *err)
{
	struct braid_stage_opts opts = {.sz = sizeof(opts), .bytes = "ELF", .size = 3};
	_cleanup_(braid_manifest_freep) struct braid_manifest *m = NULL;
	int r = braid_manifest_parse(good, strlen(good), "dir/edge.yaml", NULL, &m, err);
	struct braid_pipeline *p = r ? NULL : braid_manifest_edit(m, 0);

	r = r ?: braid_pipeline_insert_stage(p, "new", &opts, BRAID_AFTER, "x", err);
	r = r ?: braid_pipeline_move_stage(p, "new", BRAID_BEFORE, "by", err);
	r = r ?: braid_pipeline_remove_stage(p, "x", err);
	r = r ?: braid_pipeline_update_stage(p, "new", &opts, err);
	return r ?: braid_pipeline_remove_stage(p, "guard", err);
}

static struct btf *btf;
static int point;

static int fit(struct braid_error *err)
{
	static const char yaml[] = "{x: 1, y: 2}";
	_cleanup_(node_freep) struct node *n = NULL;
	__u32 out[2];
	int r = node_parse(yaml, strlen(yaml), "y", &n, err);

	return r ?: fit_value(n, "value", btf, point, out, sizeof(out), err);
}

static int misfit(struct braid_error *err)
{
	static const char yaml[] = "{x: 1, z: 2}";
	_cleanup_(node_freep) struct node *n = NULL;
	__u32 out[2];
	int r = node_parse(yaml, strlen(yaml), "y", &n, err);

	r = r ?: fit_value(n, "value", btf, point, out, sizeof(out), err);
	return r == -EINVAL ? 0 : r;
}

/* @lossy: an error that is built without memory may lack strings, but keeps its code. */
static void check(const char *name, int (*run)(struct braid_error *err), bool lossy)
{
	unsigned long wrong = 0, failures = 0;
	int r;

	for (fail_at = 1;; fail_at++) {
		_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;

		allocations = 0;
		r = run(&err);
		if (allocations < fail_at)
			break;
		failures++;
		wrong += r != -ENOMEM && !(lossy && r == 0);
		wrong += r == -ENOMEM && err.code != r;
	}
	fail_at = 0;
	is_int(r, 0, "%s: works when nothing fails", name);
	is_int(wrong, 0, "%s: -ENOMEM each time", name);
	ok(failures > 5, "%s: %lu allocations failed", name, failures);
}

int main(void)
{
	json_set_alloc_funcs(__wrap_malloc, free);
	btf = btf__new_empty();
	if (!btf)
		bail_out("no BTF");
	btf__add_int(btf, "unsigned int", 4, 0);
	point = btf__add_struct(btf, "point", 8);
	btf__add_field(btf, "x", 1, 0, 0);
	btf__add_field(btf, "y", 1, 32, 0);
	check("read and write", read_and_write, false);
	check("a typo", read_typo, true);
	check("build", build, false);
	check("change", change, false);
	check("fit", fit, false);
	check("misfit", misfit, true);
	btf__free(btf);
	return done();
}
