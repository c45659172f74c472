/* SPDX-License-Identifier: GPL-2.0-only */
/* Stages come, go and move in a pipeline that is there; what is refused changes nothing. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "tap.h"
#include "manifest/json.h"

#define S(name)   "{name: " name ", object: " name ".o}"
#define OFF(name) "{name: " name ", object: " name ".o, disabled: true}"
#define HEAD      "braid: 1\npipelines:\n- name: p\n  hook: xdp\n  stages: ["
#define PLAIN     HEAD S("a") "," S("b") "," S("c") "]\n"
#define ONE       HEAD S("a") "," OFF("b") "]\n"
#define TREE                                                                                       \
	HEAD S("a") ", {name: k, switch: vlan, cases: [{when: 1, stages: [" S("b") "," S(          \
		"c") "]}, {when: 2, stages: [{name: n, switch: dscp, cases: [{when: ef, stages: "  \
		     "[" S("d") "]}]}]}], default: [" S("e") "]}, " S("f") "]\n"
#define RESULT                                                                                     \
	HEAD S("a") "," S("b") ", {name: k, switch: result, cases: [{when: 1, stages: [" S(        \
		"c") "]}]}, " S("d") "]\n"
#define BUSY HEAD S("a") ", {name: b, object: o, rollout: {object: n}}," S("c") "]\n"

enum op { ADD, REMOVE, MOVE, ENABLE, DISABLE };

struct edit {
	const char *text;
	enum op op;
	const char *stage;
	enum braid_where where;
	const char *other;
	const char *want; /* "a k[b c|d|]": branches of k; -a: disabled. NULL: refused */
	int code;
	const char *what, *hint;
};

static const struct edit edits[] = {
	{PLAIN, ADD, "x", BRAID_FIRST, NULL, "x a b c"},
	{PLAIN, ADD, "x", BRAID_LAST, NULL, "a b c x"},
	{PLAIN, ADD, "x", BRAID_BEFORE, "a", "x a b c"},
	{PLAIN, ADD, "x", BRAID_AFTER, "b", "a b x c"},
	{PLAIN, ADD, "x", BRAID_AFTER, "c", "a b c x"},
	{PLAIN, ADD, "x", BRAID_AFTER, "bb", NULL, -ENOENT, "the pipeline 'p' has no stage 'bb'"},
	{PLAIN, ADD, "x", BRAID_AFTER, NULL, NULL, -ENOENT, "the pipeline 'p' has no stage ''"},
	{PLAIN, ADD, "x", 7, NULL, NULL, -EINVAL, "there is no such place for a stage"},
	{PLAIN, ADD, "b", BRAID_LAST, NULL, NULL, -EINVAL, "two stages have the name 'b'"},
	{PLAIN, ADD, "B", BRAID_LAST, NULL, NULL, -EINVAL, "'B' is no name for a stage"},
	{TREE, ADD, "k", BRAID_LAST, NULL, NULL, -EINVAL, "a stage and a choice have the name 'k'"},
	{TREE, ADD, "x", BRAID_FIRST, NULL, "x a k[b c|n[d|]|e] f"},
	{TREE, ADD, "x", BRAID_LAST, NULL, "a k[b c|n[d|]|e] f x"},
	{TREE, ADD, "x", BRAID_AFTER, "a", "a x k[b c|n[d|]|e] f"},
	{TREE, ADD, "x", BRAID_BEFORE, "b", "a k[x b c|n[d|]|e] f"},
	{TREE, ADD, "x", BRAID_AFTER, "c", "a k[b c x|n[d|]|e] f"},
	{TREE, ADD, "x", BRAID_BEFORE, "d", "a k[b c|n[x d|]|e] f"},
	{TREE, ADD, "x", BRAID_AFTER, "e", "a k[b c|n[d|]|e x] f"},
	{TREE, ADD, "x", BRAID_BEFORE, "f", "a k[b c|n[d|]|e] x f"},
	{TREE, ADD, "x", BRAID_BEFORE, "k", "a x k[b c|n[d|]|e] f"},
	{TREE, ADD, "x", BRAID_AFTER, "k", "a k[b c|n[d|]|e] x f"},
	{TREE, ADD, "x", BRAID_BEFORE, "n", "a k[b c|x n[d|]|e] f"},
	{TREE, ADD, "x", BRAID_AFTER, "n", "a k[b c|n[d|] x|e] f"},

	{PLAIN, REMOVE, "b", 0, NULL, "a c"},
	{PLAIN, REMOVE, "d", 0, NULL, NULL, -ENOENT, "the pipeline 'p' has no stage 'd'"},
	{ONE, REMOVE, "b", 0, NULL, "a"},
	{ONE, REMOVE, "a", 0, NULL, NULL, -EINVAL, "the stage 'a' cannot be removed", "delete p"},
	{TREE, REMOVE, "b", 0, NULL, "a k[c|n[d|]|e] f"},
	{TREE, REMOVE, "e", 0, NULL, "a k[b c|n[d|]|] f"},
	{TREE, REMOVE, "d", 0, NULL, "a k[b c||e] f"},
	{RESULT, REMOVE, "a", 0, NULL, "b k[c|] d"},
	{RESULT, REMOVE, "c", 0, NULL, "a b d"},
	{RESULT, REMOVE, "b", 0, NULL, NULL, -EINVAL,
	 "the choice 'k' must stand directly behind the stage 'b'", "behind 'k'"},
	{BUSY, REMOVE, "b", 0, NULL, NULL, -EBUSY, "cannot be removed during its rollout", "abort"},

	{PLAIN, MOVE, "a", BRAID_LAST, NULL, "b c a"},
	{PLAIN, MOVE, "c", BRAID_FIRST, NULL, "c a b"},
	{PLAIN, MOVE, "a", BRAID_AFTER, "b", "b a c"},
	{PLAIN, MOVE, "c", BRAID_BEFORE, "b", "a c b"},
	{PLAIN, MOVE, "a", BRAID_BEFORE, "b", "a b c"},
	{PLAIN, MOVE, "a", BRAID_BEFORE, "a", NULL, -EINVAL, "cannot stand beside itself"},
	{PLAIN, MOVE, "d", BRAID_BEFORE, "a", NULL, -ENOENT, "no stage 'd'"},
	{PLAIN, MOVE, "a", BRAID_BEFORE, "d", NULL, -ENOENT, "no stage 'd'"},
	{TREE, MOVE, "a", BRAID_AFTER, "d", "k[b c|n[d a|]|e] f"},
	{TREE, MOVE, "d", BRAID_BEFORE, "n", "a k[b c|d|e] f"},
	{TREE, MOVE, "d", BRAID_AFTER, "n", "a k[b c|d|e] f"},
	{TREE, MOVE, "d", BRAID_LAST, NULL, "a k[b c||e] f d"},
	{TREE, MOVE, "f", BRAID_BEFORE, "c", "a k[b f c|n[d|]|e]"},
	{RESULT, MOVE, "a", BRAID_AFTER, "k", "b k[c|] a d"},
	{RESULT, MOVE, "d", BRAID_AFTER, "b", NULL, -EINVAL, "directly behind the stage 'b'"},
	{RESULT, MOVE, "b", BRAID_FIRST, NULL, NULL, -EINVAL, "directly behind the stage 'b'"},
	{BUSY, MOVE, "b", BRAID_FIRST, NULL, "b a c"},

	{ONE, ENABLE, "b", 0, NULL, "a b"},
	{ONE, ENABLE, "a", 0, NULL, "a -b"},
	{ONE, DISABLE, "b", 0, NULL, "a -b"},
	{ONE, DISABLE, "a", 0, NULL, NULL, -EINVAL, "the stage 'a' cannot be disabled", "delete p"},
	{TREE, DISABLE, "d", 0, NULL, "a k[b c|n[-d|]|e] f"},
	{RESULT, DISABLE, "a", 0, NULL, "-a b k[c|] d"},
	{RESULT, DISABLE, "b", 0, NULL, "a -b k[c|] d"},
	{BUSY, DISABLE, "b", 0, NULL, NULL, -EBUSY, "cannot be disabled during its rollout"},
	{PLAIN, DISABLE, "d", 0, NULL, NULL, -ENOENT, "no stage 'd'"},
};

static void print_steps(json_t *steps, struct buf *out);

static void print_step(json_t *step, struct buf *out)
{
	json_t *branch;
	size_t i;

	buf_fmt(out, "%s%s", json_object_get(step, "disabled") ? "-" : "",
		json_string_value(json_object_get(step, "name")));
	if (!json_object_get(step, "switch"))
		return;
	buf_str(out, "[");
	json_array_foreach (json_object_get(step, "cases"), i, branch) {
		print_steps(json_object_get(branch, "stages"), out);
		buf_str(out, "|");
	}
	print_steps(json_object_get(step, "default"), out);
	buf_str(out, "]");
}

static void print_steps(json_t *steps, struct buf *out)
{
	json_t *step;
	size_t i;

	json_array_foreach (steps, i, step) {
		buf_str(out, i ? " " : "");
		print_step(step, out);
	}
}

static char *layout(const struct braid_pipeline *p)
{
	_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
	struct buf out = {};
	json_t *j;

	if (pipeline_to_json(p, &j, &err))
		bail_out("no JSON");
	buf_str(&out, "");
	print_steps(json_object_get(j, "stages"), &out);
	json_decref(j);
	return buf_take(&out);
}

static struct braid_manifest *parse(const char *text)
{
	_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
	struct braid_manifest *m = NULL;

	if (braid_manifest_parse(text, strlen(text), "x", NULL, &m, &err))
		bail_out("%s: %s", err.where, err.what);
	return m;
}

static int carry_out(struct braid_pipeline *p, const struct edit *e, struct braid_error *err)
{
	struct braid_stage_opts opts = {.sz = sizeof(opts), .object = "new.o"};

	switch (e->op) {
	case ADD:
		return braid_pipeline_insert_stage(p, e->stage, &opts, e->where, e->other, err);
	case REMOVE:
		return braid_pipeline_remove_stage(p, e->stage, err);
	case MOVE:
		return braid_pipeline_move_stage(p, e->stage, e->where, e->other, err);
	case ENABLE:
	case DISABLE:
		return braid_pipeline_enable_stage(p, e->stage, e->op == ENABLE, err);
	}
	return -1;
}

/* What came out is what the same manifest would give: it goes to JSON and back. */
static void check_whole(const struct braid_pipeline *p)
{
	_cleanup_(braid_manifest_freep) struct braid_manifest *m = NULL;
	_cleanup_free_ char *text = NULL, *again = NULL;

	braid_pipeline_json(p, &text, NULL);
	m = parse(text);
	braid_pipeline_json(m->pipelines.v[0], &again, NULL);
	is_str(again, text, "a whole pipeline");
}

static void check_edit(const struct edit *e, size_t i)
{
	_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
	_cleanup_(braid_manifest_freep) struct braid_manifest *m = parse(e->text);
	struct braid_pipeline *p = braid_manifest_edit(m, 0);
	_cleanup_free_ char *before = layout(p), *after = NULL;

	is_int(carry_out(p, e, &err), e->code, "edit %zu: %s", i, e->stage);
	after = layout(p);
	is_str(after, e->want ?: before, "edit %zu: %s", i, e->want ? "order" : "nothing changed");
	if (e->what && !ok(strstr(err.what ?: "", e->what), "edit %zu: %s", i, e->what))
		diag("it says: %s", err.what);
	if (e->hint)
		ok(strstr(err.hint ?: "", e->hint), "edit %zu: hint: %s", i, err.hint);
	check_whole(p);
}

static void check_add(void)
{
	const char *const verdicts[] = {"tx"};
	struct braid_stage_opts opts = {.sz = sizeof(opts),
					.object = "/new.o",
					.program = "main",
					.proceed_on = verdicts,
					.n_proceed_on = 1};
	_cleanup_(braid_manifest_freep) struct braid_manifest *m = parse(TREE);
	_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
	struct braid_pipeline *p = braid_manifest_edit(m, 0);
	struct stage *s;

	is_int(braid_pipeline_insert_stage(p, "x", &opts, BRAID_BEFORE, "c", &err), 0, "insert");
	s = pipeline_stage(p, "x");
	is_str(s->object, "/new.o", "its object");
	is_str(s->program, "main", "its program");
	is_int(s->proceed_on, 1 << 3, "its verdicts");
	opts.choice = "k";
	is_int(braid_pipeline_insert_stage(p, "y", &opts, BRAID_LAST, NULL, &err), -EINVAL,
	       "a branch is not given twice");
	is_str(err.where, "pipeline p: stage y", "where");
	ok(!braid_manifest_edit(m, 1), "there is no second pipeline to edit");
}

static void check_update(void)
{
	struct braid_stage_opts opts = {.sz = sizeof(opts), .object = "new.o"};
	_cleanup_(braid_manifest_freep) struct braid_manifest *m = parse(
		HEAD "{name: a, object: a.o, program: f, proceed-on: tx, constants: {x: 1}, "
		     "maps: {m: {max-entries: 5}}}, " S("b") "]\n"
							     "  shared-maps: {both: [a.s, b.s]}\n");
	_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
	struct braid_pipeline *p = braid_manifest_edit(m, 0);
	struct stage *s = pipeline_stage(p, "a");

	is_int(braid_pipeline_update_stage(p, "a", &opts, &err), 0, "another object");
	is_str(s->object, "new.o", "is there");
	is_str(s->program, "f", "the program stays");
	is_int(s->proceed_on, 1 << 3, "and the verdicts");
	is_int(s->constants.n, 1, "and constants");
	is_int(s->maps.n, 1, "and maps");
	is_int(p->shared.n, 1, "and what it shares");

	opts = (struct braid_stage_opts){.sz = sizeof(opts),
					 .bytes = "ELF",
					 .size = 3,
					 .program = "g",
					 .proceed_mask = 1 << 1};
	is_int(braid_pipeline_update_stage(p, "a", &opts, &err), 0, "bytes");
	is_str(s->object, "(memory)", "with a label");
	is_mem(s->bytes, "ELF", 3, "are copied");
	is_str(s->program, "g", "with another program");
	is_int(s->proceed_on, 1 << 1, "and other verdicts");

	opts = (struct braid_stage_opts){.sz = sizeof(opts), .object = "back.o"};
	is_int(braid_pipeline_update_stage(p, "a", &opts, &err), 0, "a path again");
	ok(!s->bytes && !s->size, "the bytes are gone");
}

static void check_update_refused(void)
{
	struct braid_stage_opts opts = {.sz = sizeof(opts), .object = "new.o"};
	struct braid_stage_opts off = {.sz = sizeof(off), .object = "new.o", .disabled = 1};
	struct braid_stage_opts none = {.sz = sizeof(none)};
	struct braid_stage_opts bad = {.sz = sizeof(bad), .object = "x", .program = "a b"};
	_cleanup_(braid_manifest_freep) struct braid_manifest *m = parse(BUSY);
	_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
	struct braid_pipeline *p = braid_manifest_edit(m, 0);

	is_int(braid_pipeline_update_stage(p, "b", &opts, &err), -EBUSY, "during a rollout");
	is_str(err.where, "pipeline p: stage b", "where");
	is_str(err.what, "the stage 'b' cannot be replaced during its rollout", "what");
	is_int(braid_pipeline_update_stage(p, "d", &opts, &err), -ENOENT, "no such stage");
	is_int(braid_pipeline_update_stage(p, "a", &off, &err), -EINVAL, "disabled by an update");
	is_int(braid_pipeline_update_stage(p, "a", &none, &err), -EINVAL, "no object");
	is_int(braid_pipeline_update_stage(p, "a", &bad, &err), -EINVAL, "a bad program");
	is_str(p->stages.v[0].object, "a.o", "nothing has changed");
	is_str(p->stages.v[1].object, "o", "there neither");
}

/* Removing leaves shared maps; one of one is none. */
static void check_shared(void)
{
	_cleanup_(braid_manifest_freep) struct braid_manifest *m =
		parse(PLAIN "  shared-maps: {two: [a.m, b.m], all: [a.n, b.n, c.n]}\n");
	_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
	struct braid_pipeline *p = braid_manifest_edit(m, 0);

	is_int(braid_pipeline_remove_stage(p, "b", &err), 0, "a stage that shares goes");
	is_int(p->shared.n, 1, "a map that two shared is shared no more");
	is_str(p->shared.v[0].name, "all", "another one is");
	is_int(p->shared.v[0].members.n, 2, "by two");
	is_str(p->shared.v[0].members.v[1].stage, "c", "these");
	check_whole(p);
}

int main(void)
{
	for (size_t i = 0; i < sizeof(edits) / sizeof(edits[0]); i++)
		check_edit(&edits[i], i);
	check_add();
	check_update();
	check_update_refused();
	check_shared();
	return done();
}
