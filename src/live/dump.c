/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * What runs, instruction by instruction. The verifier has changed the code since it was
 * linked, but each instruction still has its source line; the revision is linked once more to
 * know of which stage each line is.
 */
#include <bpf/btf.h>
#include <errno.h>

#include "base/error.h"
#include "base/text.h"
#include "braid/inspect.h"
#include "kernel/bpffs.h"
#include "live/dump.h"
#include "manifest/hook.h"
#include "manifest/opts.h"

struct dump {
	const struct braid_inspect_opts *opts;
	struct rebuilt made;
	struct kallsyms *calls;
	int stage; /* index of the only one that is wanted; -1: all */
};

/* A program that is being written down. */
struct program {
	const struct dump *d;
	__u32 segment;
	struct xlated x;
	struct dump_names names;
	struct image_lines lines; /* as it was loaded */
	int *line_of;             /* by line of @x: index in @lines, or -1 */
	json_t *blocks;
};

static const char *string_at(const struct btf *btf, __u32 offset)
{
	return (btf ? btf__str_by_offset(btf, offset) : NULL) ?: "";
}

/* Lines were removed with their instructions, none was added, and they are in their order. */
static int match_lines(struct program *p)
{
	size_t from = 0;

	p->line_of = calloc(p->x.lines.n + 1, sizeof(*p->line_of));
	if (!p->line_of || image_lines(p->d->made.image, p->segment, &p->lines))
		return -ENOMEM;
	for (size_t i = 0; i < p->x.lines.n; i++) {
		const struct bpf_line_info *l = &p->x.lines.v[i];
		int at = image_lines_next(&p->lines, from, string_at(p->x.btf, l->file_name_off),
					  string_at(p->x.btf, l->line_off), l->line_col);

		p->line_of[i] = p->d->made.same ? at : -1;
		if (at >= 0)
			from = at + 1;
	}
	return 0;
}

static const struct image_line *origin(const struct program *p, int line)
{
	return line >= 0 && p->line_of[line] >= 0 ? &p->lines.list.v[p->line_of[line]] : NULL;
}

static const char *stage_name(const struct dump *d, int stage)
{
	return d->made.plan->stages.v[stage].stage->name;
}

static void describe_line(const struct program *p, int line, json_t *block)
{
	const struct bpf_line_info *l = line >= 0 ? &p->x.lines.v[line] : NULL;
	const struct image_line *from = origin(p, line);
	const char *text;

	if (from && from->stage >= 0)
		json_object_set_new(block, "stage", json_string(stage_name(p->d, from->stage)));
	if (from && (from->seam || from->stage < 0))
		json_object_set_new(block, "seam", json_true());
	if (!l)
		return;
	text = string_at(p->x.btf, l->line_off);
	while (*text == ' ' || *text == '\t')
		text++;
	json_object_set_new(block, "file", json_string(string_at(p->x.btf, l->file_name_off)));
	json_object_set_new(block, "line", json_integer(BPF_LINE_INFO_LINE_NUM(l->line_col)));
	json_object_set_new(block, "column", json_integer(BPF_LINE_INFO_LINE_COL(l->line_col)));
	json_object_set_new(block, "source", json_string(text));
}

/* A jump that leaves the stage says where to. */
static void name_target(const struct program *p, int line, json_t *insn)
{
	json_t *target = json_object_get(insn, "target");
	const struct image_line *from = origin(p, line), *to;

	if (!target)
		return;
	to = origin(p, xlated_line(&p->x, json_integer_value(target)));
	if (to && to->stage >= 0 && (!from || from->stage != to->stage))
		json_object_set_new(insn, "to", json_string(stage_name(p->d, to->stage)));
}

static json_t *instructions(struct program *p, int line, __u32 first, __u32 end)
{
	json_t *list = json_array();

	for (__u32 i = first; i < end; i++) {
		json_t *j = dump_insn(&p->names, i);

		name_target(p, line, j);
		json_array_append_new(list, j);
		i += insn_is_ld_imm64(&p->x.insns.v[i]);
	}
	return list;
}

static bool is_wanted(const struct program *p, int line)
{
	const struct image_line *from = origin(p, line);

	return p->d->stage < 0 || (from && from->stage == p->d->stage);
}

/* The instructions from @first up to @end are of one line of one function. */
static void add_block(struct program *p, const char *func, __u32 first, __u32 end)
{
	int line = xlated_line(&p->x, first);
	bool begins = xlated_func(&p->x, first) != NULL;
	json_t *block, *machine;

	if (!is_wanted(p, line))
		return;
	block = json_pack("{s:s*}", "function", func);
	describe_line(p, line, block);
	json_object_set_new(block, "instructions", instructions(p, line, first, end));
	machine = line >= 0 ? dump_machine(&p->x, line) : NULL;
	if (machine)
		json_object_set_new(block, "machine", machine);
	machine = begins ? dump_prologue(&p->x, first) : NULL;
	if (machine)
		json_object_set_new(block, "prologue", machine);
	json_array_append_new(p->blocks, block);
}

/* Does a line or a function begin here? */
static bool begins_block(const struct program *p, __u32 insn)
{
	int line = xlated_line(&p->x, insn);

	return (line >= 0 && p->x.lines.v[line].insn_off == insn) || xlated_func(&p->x, insn);
}

static void add_blocks(struct program *p)
{
	const char *func = NULL;
	__u32 first = 0;

	for (__u32 i = 0; i < p->x.insns.n; i++) {
		if (i && begins_block(p, i)) {
			add_block(p, func, first, i);
			first = i;
		}
		func = xlated_func(&p->x, i) ?: func;
		i += insn_is_ld_imm64(&p->x.insns.v[i]);
	}
	if (p->x.insns.n)
		add_block(p, func, first, p->x.insns.n);
}

static json_t *program_to_json(struct program *p)
{
	char tag[2 * BPF_TAG_SIZE + 1];
	json_t *j;

	for (int i = 0; i < BPF_TAG_SIZE; i++)
		snprintf(tag + 2 * i, 3, "%02x", p->x.tag[i]);
	p->blocks = json_array();
	add_blocks(p);
	j = json_pack("{s:s, s:I, s:s, s:I, s:o}", "program",
		      p->d->made.image->segments.v[p->segment].name, "id", (json_int_t)p->x.id,
		      "tag", tag, "instructions", (json_int_t)p->x.insns.n, "blocks", p->blocks);
	if (p->d->opts->machine && p->x.machines.n)
		json_object_set_new(j, "jited-bytes", json_integer(p->x.machine_code.n));
	return j;
}

static void program_done(struct program *p)
{
	xlated_done(&p->x);
	dump_names_done(&p->names);
	image_lines_done(&p->lines);
	free(p->line_of);
}

static int open_program(struct program *p, struct braid_error *err)
{
	const struct rebuilt *made = &p->d->made;
	_cleanup_free_ char *pin = path_program(made->folder,
						made->image->segments.v[p->segment].name);
	_cleanup_close_ int fd = -1;
	int r = pin ? bpffs_get(pin, BPFFS_PROGRAM, &fd, err) : error_oom(err);

	if (r == -ENOENT)
		error_hint(err, "it is not loaded: 'braid restore' loads what should run");
	r = r	?: xlated_read(fd, p->d->opts->machine, &p->x, err)
		?: dump_names_init(&p->names, made->recorded, made->folder, err);
	if (r)
		return r;
	p->names.x = &p->x;
	p->names.calls = p->d->calls;
	return match_lines(p) ? error_oom(err) : 0;
}

static int dump_program(const struct dump *d, __u32 segment, json_t *list, struct braid_error *err)
{
	struct program p = {.d = d, .segment = segment};
	int r = open_program(&p, err);

	if (!r && (d->stage < 0 || d->made.plan->stages.v[d->stage].segment == segment))
		json_array_append_new(list, program_to_json(&p));
	program_done(&p);
	return r;
}

int stage_unknown(int code, const char *pipeline, const char *name, const char *const *all,
		  size_t n, struct braid_error *err)
{
	const char *near = text_nearest(name, all, n);

	error_set(err, code, pipeline, "what runs has no stage '%s'", name);
	if (near)
		error_hint(err, "did you mean '%s'?", near);
	else
		error_hint(err, "'braid status' lists the stages");
	return code;
}

int inspect_stage(const struct braid_plan *plan, const char *name, int *ret,
		  struct braid_error *err)
{
	const char *names[64];
	size_t n = 0;

	*ret = -1;
	if (!name)
		return 0;
	array_foreach (ps, &plan->stages) {
		if (text_eq(ps->stage->name, name)) {
			*ret = ps - plan->stages.v;
			return 0;
		}
		if (n < 64)
			names[n++] = ps->stage->name;
	}
	return stage_unknown(-ENOENT, plan->pipeline->name, name, names, n, err);
}

/* Says what the reader will miss, and why. */
static void say_hidden(const struct dump *d, bool jited, const struct braid_error *calls, json_t *j)
{
	if (!d->made.same)
		json_object_set_new(j, "stages-unknown",
				    json_string("another version of braid linked this revision: "
						"'braid apply' links it anew"));
	if (!d->calls)
		json_object_set_new(j, "helpers-hidden", json_string(calls->what ?: "no memory"));
	if (d->opts->machine && !jited)
		json_object_set_new(j, "machine-hidden",
				    json_string(d->calls ? "the kernel does not translate programs "
							   "(net.core.bpf_jit_enable)"
							 : "the kernel hides its addresses: it "
							   "takes CAP_SYSLOG, and "
							   "kernel.kptr_restrict below 2"));
}

static int dump_all(struct dump *d, struct braid *b, json_t **ret, struct braid_error *err)
{
	_cleanup_error_ struct braid_error hidden = BRAID_ERROR_INIT;
	_cleanup_json_ json_t *programs = json_array();
	json_t *program, *j;
	bool jited = false;
	size_t i;
	int r = inspect_stage(d->made.plan, d->opts->stage, &d->stage, err);

	if (kallsyms_read(&d->calls, &hidden) == -ENOMEM)
		r = r ?: error_oom(err);
	for (i = 0; i < d->made.image->segments.n && !r; i++)
		r = dump_program(d, i, programs, err);
	if (r)
		return r;
	json_array_foreach (programs, i, program)
		jited |= json_object_get(program, "jited-bytes") != NULL;
	j = json_pack("{s:s, s:s, s:I, s:s, s:s, s:O}", "pipeline", d->made.plan->pipeline->name,
		      "home", b->home.name, "revision", (json_int_t)d->made.revision, "hook",
		      hook_names[d->made.plan->pipeline->hook], "strategy",
		      strategy_names[d->made.plan->strategy], "programs", programs);
	if (!j)
		return error_oom(err);
	say_hidden(d, jited, &hidden, j);
	*ret = j;
	return 0;
}

int braid_dump(struct braid *b, const char *name, const struct braid_inspect_opts *opts,
	       char **ret_json, struct braid_error *err)
{
	_cleanup_json_ json_t *j = NULL;
	struct braid_inspect_opts o;
	struct dump d = {.opts = &o};
	ERROR_SCRATCH(err);
	int r;

	r = opts_take(&o, sizeof(o), opts, err) ?: rebuild(b, name, &d.made, err);
	if (r)
		return r;
	r = dump_all(&d, b, &j, err) ?: json_give(j, ret_json, err);
	kallsyms_free(d.calls);
	rebuilt_done(&d.made);
	return r;
}
