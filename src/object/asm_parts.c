/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Directives: what stands around instructions. */
#include <bpf/btf.h>
#include <errno.h>
#include <stdint.h>

#include "base/error.h"
#include "base/text.h"
#include "object/asm_file.h"

bool asm_attribute(struct scan *s, const char *name)
{
	const char *was = s->at;

	if (scan_keyword(s, name) && scan_sign(s, "="))
		return true;
	s->at = was;
	return false;
}

/* The type must be of @kinds, bits by BTF_KIND_*. */
static int asm_check_type(struct asm_file *a, __u32 id, __u32 kinds)
{
	const struct btf_type *t = id < btf__type_cnt(a->u->btf) ? btf__type_by_id(a->u->btf, id)
								 : NULL;

	if (t && id && kinds & 1u << btf_kind(t))
		return 0;
	return scan_wrong(&a->s, "type %u is not there, or not of the right kind", id);
}

int asm_type_attribute(struct asm_file *a, __u32 kinds, __u32 *ret)
{
	__s64 n = 0;
	int r = scan_number(&a->s, "number of a type", 0, UINT32_MAX, &n);

	*ret = n;
	return r || !n ? r : asm_check_type(a, n, kinds);
}

int asm_name(struct asm_file *a, const char *what, char **ret)
{
	struct word w;
	int r = scan_name(&a->s, what, &w);

	if (r)
		return r;
	*ret = word_text(w);
	return *ret ? 0 : error_oom(a->s.err);
}

int asm_add_function(struct asm_file *a, const char *name, const char *section)
{
	struct func *f;
	int r = asm_end_function(a);

	if (!r && unit_find_func(a->u, name) >= 0)
		r = scan_wrong(&a->s, "there is a function '%s' already", name);
	if (r)
		return r;
	f = array_push(&a->u->funcs);
	if (!f || !array_push(&a->arguments))
		return error_oom(a->s.err);
	f->name = strdup(name);
	f->section = strdup(section);
	f->global = true;
	a->func = f - a->u->funcs.v;
	return f->name && f->section ? 0 : error_oom(a->s.err);
}

static int binding(struct asm_file *a, bool *ret_known)
{
	struct func *f = &a->u->funcs.v[a->func];

	*ret_known = true;
	if (scan_keyword(&a->s, "static"))
		f->global = false;
	else if (scan_keyword(&a->s, "global"))
		f->global = true;
	else if (scan_keyword(&a->s, "weak"))
		f->weak = true;
	else if (scan_keyword(&a->s, "hidden"))
		f->hidden = true;
	else if (asm_attribute(&a->s, "type"))
		return asm_type_attribute(a, 1u << BTF_KIND_FUNC, &f->type_id);
	else
		*ret_known = false;
	return 0;
}

/* .program NAME SECTION [static] [weak] [hidden] [type=N] */
static int program(struct asm_file *a)
{
	_cleanup_free_ char *func = NULL, *section = NULL;
	bool known = true;
	int r = asm_name(a, "the name of a program", &func) ?: asm_name(a, "a section", &section);

	if (!r && text_eq(section, ".text"))
		return scan_wrong(&a->s, "in .text are functions: .function %s", func);
	r = r ?: asm_add_function(a, func, section);
	while (!r && known && !scan_is_end(&a->s))
		r = binding(a, &known);
	return r;
}

/* .function NAME [ctx|u64]… [global] [weak] [hidden] [type=N] */
static int function(struct asm_file *a)
{
	_cleanup_free_ char *func = NULL;
	struct asm_arguments *args;
	bool known = true;
	int r = asm_name(a, "the name of a function", &func) ?: asm_add_function(a, func, ".text");

	if (r)
		return r;
	a->u->funcs.v[a->func].global = false;
	args = &a->arguments.v[a->func];
	while (!r && known && !scan_is_end(&a->s)) {
		bool context = scan_keyword(&a->s, "ctx");

		if (!context && !scan_keyword(&a->s, "u64"))
			r = binding(a, &known);
		else if (args->n == 5)
			r = scan_wrong(&a->s, "a function has five arguments at most");
		else
			args->v[args->n++] = context ? ASM_CONTEXT : ASM_NUMBER;
	}
	return r;
}

static int license(struct asm_file *a)
{
	size_t n;

	free(a->u->license);
	a->u->license = NULL;
	return scan_string(&a->s, &a->u->license, &n);
}

static int version(struct asm_file *a)
{
	__s64 n = 0;
	int r = scan_number(&a->s, "version", 0, UINT32_MAX, &n);

	a->u->kern_version = n;
	return r;
}

/* .extern NAME SECTION type=N [weak] */
static int external(struct asm_file *a)
{
	_cleanup_free_ char *symbol = NULL, *section = NULL;
	struct extern_sym *e;
	int r = asm_name(a, "a name", &symbol) ?: asm_name(a, ".ksyms or .kconfig", &section);

	if (!r && !text_eq(section, ".ksyms") && !text_eq(section, ".kconfig"))
		return scan_wrong(&a->s, "'%s' where .ksyms or .kconfig is expected", section);
	e = r ? NULL : array_push(&a->u->externs);
	if (!e)
		return r ?: error_oom(a->s.err);
	e->name = TAKE_PTR(symbol);
	e->section = TAKE_PTR(section);
	if (!asm_attribute(&a->s, "type"))
		return scan_expected(&a->s, "type=N");
	r = asm_type_attribute(a, 1u << BTF_KIND_VAR | 1u << BTF_KIND_FUNC, &e->type_id);
	if (!r && !e->type_id)
		return scan_wrong(&a->s, "it must have a type");
	e->weak = !r && scan_keyword(&a->s, "weak");
	return r;
}

static int add_string(struct asm_file *a, const char *text, __u32 *ret)
{
	int off = btf__add_str(a->u->btf, text);

	*ret = off;
	return off < 0 ? error_oom(a->s.err) : 0;
}

/* .file "name" */
static int file(struct asm_file *a)
{
	size_t n;

	free(a->file);
	a->file = NULL;
	return scan_string(&a->s, &a->file, &n);
}

/* .line N:COLUMN "text", of the next instruction */
static int source_line(struct asm_file *a)
{
	_cleanup_free_ char *text = NULL;
	struct line l = {};
	__s64 number = 0, column = 0;
	size_t n;
	int r = asm_need_function(a) ?: scan_number(&a->s, "line", 0, (1 << 22) - 1, &number);
	struct func *f;

	r = r		    ?:
	    scan_expect(&a->s, ":") ?:
	    scan_number(&a->s, "column", 0, 1023, &column) ?:
	    scan_string(&a->s, &text, &n);
	r = r ?: add_string(a, a->file ?: "", &l.file) ?: add_string(a, text, &l.text);
	if (r)
		return r;
	f = &a->u->funcs.v[a->func];
	l.insn = f->insns.n;
	l.line_col = number << 10 | column;
	if (f->lines.n && f->lines.v[f->lines.n - 1].insn == l.insn)
		return scan_wrong(&a->s, "two lines for one instruction");
	return array_add(&f->lines, l) ? 0 : error_oom(a->s.err);
}

const char *const asm_core_kinds[] = {
	"field_byte_offset", "field_byte_size",  "field_exists",   "field_signed",
	"field_lshift_u64",  "field_rshift_u64", "type_id_local",  "type_id_target",
	"type_exists",       "type_size",        "enumval_exists", "enumval_value",
	"type_matches",
};
const __u32 asm_n_core_kinds = sizeof(asm_core_kinds) / sizeof(*asm_core_kinds);

static int core_kind(struct scan *s, __u32 *ret)
{
	const char *was;
	struct word w;
	__s64 n = 0;
	int r;

	if (scan_is_number(s)) { /* one that a later compiler knows */
		r = scan_number(s, "kind", 0, UINT32_MAX, &n);
		*ret = n;
		return r;
	}
	was = s->at;
	if (scan_word(s, &w))
		for (__u32 k = 0; k < asm_n_core_kinds; k++)
			if (word_is(w, asm_core_kinds[k])) {
				*ret = k;
				return 0;
			}
	s->at = was;
	return scan_expected(s, "a kind of CO-RE record, such as field_byte_offset");
}

/* .core KIND TYPE "0:1", of the next instruction */
static int core(struct asm_file *a)
{
	_cleanup_free_ char *access = NULL;
	struct core_relo c = {};
	__s64 type = 0;
	size_t n;
	int r = asm_need_function(a) ?: core_kind(&a->s, &c.kind);
	struct func *f;

	r = r		    ?:
	    scan_number(&a->s, "type", 1, UINT32_MAX, &type) ?:
	    scan_string(&a->s, &access, &n) ?:
	    add_string(a, access, &c.access);
	r = r ?: asm_check_type(a, type, ~(1u << BTF_KIND_VAR | 1u << BTF_KIND_DATASEC));
	if (r)
		return r;
	f = &a->u->funcs.v[a->func];
	c.insn = f->insns.n;
	c.type_id = type;
	if (f->cores.n && f->cores.v[f->cores.n - 1].insn == c.insn)
		return scan_wrong(&a->s, "two records for one instruction");
	return array_add(&f->cores, c) ? 0 : error_oom(a->s.err);
}

/* .insn CODE DST SRC OFFSET IMMEDIATE: as numbers */
static int raw(struct asm_file *a)
{
	__s64 v[5] = {};
	static const struct {
		const char *what;
		__s64 low, high;
	} fields[] = {
		{"opcode", 0, 255},
		{"register", 0, 15},
		{"register", 0, 15},
		{"offset", INT16_MIN, INT16_MAX},
		{"immediate", INT32_MIN, UINT32_MAX},
	};
	struct bpf_insn insn;
	struct func *f;
	__s32 distance;
	int r = asm_need_function(a);

	for (int i = 0; i < 5 && !r; i++)
		r = scan_number(&a->s, fields[i].what, fields[i].low, fields[i].high, &v[i]);
	if (r)
		return r;
	f = &a->u->funcs.v[a->func];
	insn = (struct bpf_insn){
		.code = v[0], .dst_reg = v[1], .src_reg = v[2], .off = v[3], .imm = v[4]};
	if (insn_is_jump(&insn, &distance) &&
	    !array_add(&a->jumps, ((struct asm_label){.insn = f->insns.n, .at = a->s})))
		return error_oom(a->s.err);
	return array_add(&f->insns, insn) ? 0 : error_oom(a->s.err);
}

static const struct {
	const char *name;
	int (*read)(struct asm_file *a);
} directives[] = {
	{"program", program},  {"function", function},
	{"license", license},  {"version", version},
	{"map", asm_map},      {"value", asm_map_value},
	{"extern", external},  {"file", file},
	{"line", source_line}, {"core", core},
	{"insn", raw},         {"section", asm_section},
	{"bytes", asm_bytes},  {"variable", asm_variable},
};

#define N_DIRECTIVES (sizeof(directives) / sizeof(*directives))

int asm_directive(struct asm_file *a, struct word word)
{
	_cleanup_free_ char *text = word_text(word);
	const char *names[N_DIRECTIVES], *near;
	int r;

	for (size_t i = 0; i < N_DIRECTIVES; i++) {
		if (word_is(word, directives[i].name))
			return directives[i].read(a);
		names[i] = directives[i].name;
	}
	near = text ? text_nearest(text, names, N_DIRECTIVES) : NULL;
	a->s.at = word.v - 1;
	r = scan_wrong(&a->s, "there is no directive '.%s'", text ?: "");
	if (near)
		error_hint(a->s.err, "did you mean '.%s'?", near);
	return r;
}
