/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Text -> unit, line by line. Types come first, as all else refers to them. */
#include "object/asm.h"

#include <ctype.h>
#include <errno.h>
#include <stdint.h>

#include "base/error.h"
#include "base/text.h"
#include "braid/inspect.h"
#include "object/asm_file.h"

static struct func *current(struct asm_file *a)
{
	return &a->u->funcs.v[a->func];
}

static int find_label(const struct asm_file *a, struct word name)
{
	array_foreach (l, &a->labels)
		if (l->name.n == name.n && !memcmp(l->name.v, name.v, name.n))
			return l - a->labels.v;
	return -1;
}

static int add_label(struct asm_file *a, struct word name, const struct scan *at)
{
	struct asm_label l = {name, a->func < 0 ? 0 : current(a)->insns.n, *at};

	if (find_label(a, name) >= 0) {
		a->s.at = at->at;
		return scan_wrong(&a->s, "there is a label '%.*s' in this function already",
				  (int)name.n, name.v);
	}
	return array_add(&a->labels, l) ? 0 : error_oom(a->s.err);
}

/* Second slots of ld_imm64 are no instructions. */
static bool is_second(const struct func *f, __u32 insn)
{
	for (__u32 i = 0; i < insn; i++)
		if (insn_is_ld_imm64(&f->insns.v[i]) && ++i == insn)
			return true;
	return false;
}

static int set_distance(struct asm_file *a, struct asm_label *jump, __s64 to)
{
	struct bpf_insn *insn = &current(a)->insns.v[jump->insn];
	bool in_imm = insn->code == (BPF_JMP32 | BPF_JA);
	__s64 distance = to - jump->insn - 1;

	if (in_imm) {
		insn->imm = distance;
		return 0;
	}
	if (distance < INT16_MIN || distance > INT16_MAX)
		return scan_wrong(&jump->at, "too far for a jump of 16 bits: gotol reaches it");
	insn->off = distance;
	return 0;
}

/* "goto name" and "goto pc+3" alike. */
static int resolve_jump(struct asm_file *a, struct asm_label *jump)
{
	const struct func *f = current(a);
	__s32 distance = 0;
	__s64 to;
	int label = jump->name.v ? find_label(a, jump->name) : -1;

	if (jump->name.v && label < 0)
		return scan_wrong(&jump->at, "there is no label '%.*s' in function %s",
				  (int)jump->name.n, jump->name.v, f->name);
	insn_is_jump(&f->insns.v[jump->insn], &distance);
	to = label >= 0 ? a->labels.v[label].insn : (__s64)jump->insn + 1 + distance;
	if (to < 0 || to >= (__s64)f->insns.n || is_second(f, to))
		return scan_wrong(&jump->at, "a jump out of function %s", f->name);
	return label >= 0 ? set_distance(a, jump, to) : 0;
}

/* .insn may have left half of one. */
static int check_slots(struct asm_file *a)
{
	const struct func *f = current(a);

	for (size_t i = 0; i < f->insns.n; i++)
		if (insn_is_ld_imm64(&f->insns.v[i]) && (++i == f->insns.n || f->insns.v[i].code))
			return scan_wrong(&a->s, "half an ld_imm64 in function %s", f->name);
	return 0;
}

int asm_end_function(struct asm_file *a)
{
	int r = a->func < 0 ? 0 : check_slots(a);

	array_foreach (jump, &a->jumps)
		r = r ?: resolve_jump(a, jump);
	if (!r && a->func >= 0 && !current(a)->insns.n)
		r = scan_wrong(&a->s, "function %s has no instructions", current(a)->name);
	a->labels.n = a->jumps.n = 0;
	return r;
}

int asm_need_function(struct asm_file *a)
{
	return a->func < 0 ? asm_add_function(a, "snippet", "xdp") : 0;
}

static int add_insn(struct asm_file *a, const struct asm_insn *i)
{
	struct func *f = current(a);
	struct asm_label jump = {i->name, f->insns.n, i->at};
	struct asm_pending p = {a->func, f->insns.n, i->kind, i->name, i->addend, i->at};
	__s32 distance;
	bool ok = true;

	if (insn_is_jump(&i->insn[0], &distance))
		ok = array_add(&a->jumps, jump);
	else if (i->kind != ASM_NO_NAME)
		ok = array_add(&a->pending, p);
	for (__u32 k = 0; k < i->n && ok; k++)
		ok = array_add(&f->insns, i->insn[k]);
	return ok ? 0 : error_oom(a->s.err);
}

/* "12:" in front of an instruction, as in a log: it must be the right number. */
static int index_of(struct asm_file *a, bool *ret_state)
{
	const char *was = a->s.at;
	__s64 n;
	int r = scan_number(&a->s, "number of an instruction", 0, UINT32_MAX, &n)
			?: scan_expect(&a->s, ":");

	*ret_state = false;
	scan_is_end(&a->s);
	/* "0: R1=ctx() R10=fp0": what the verifier knows; for readers */
	if (!r && a->s.end - a->s.at > 1 && *a->s.at == 'R' && isdigit((unsigned char)a->s.at[1])) {
		*ret_state = true;
		return 0;
	}
	if (r || n == current(a)->insns.n)
		return r;
	a->s.at = was;
	return scan_wrong(&a->s,
			  "this is instruction %zu: lines of the log are missing, or there "
			  "are some too many",
			  current(a)->insns.n);
}

/* "(b7)" */
static int opcode_of(struct scan *s, int *ret)
{
	char digits[3] = {};

	*ret = -1;
	if (!scan_sign(s, "("))
		return 0;
	if (s->end - s->at < 3 || !isxdigit((unsigned char)s->at[0]) ||
	    !isxdigit((unsigned char)s->at[1]))
		return scan_expected(s, "an opcode, such as (b7)");
	memcpy(digits, s->at, 2);
	s->at += 2;
	*ret = strtoul(digits, NULL, 16);
	return scan_expect(s, ")");
}

static int instruction(struct asm_file *a)
{
	struct asm_insn i;
	int opcode, r = asm_need_function(a);
	bool state = false;

	if (!r && scan_is_number(&a->s))
		r = index_of(a, &state);
	if (r || state)
		return r;
	r = opcode_of(&a->s, &opcode) ?: asm_insn(&a->s, opcode, &i) ?: scan_end(&a->s);
	return r ?: add_insn(a, &i);
}

/* "name:" */
static int labels(struct asm_file *a)
{
	for (;;) {
		struct scan was = a->s;
		struct word w;
		int r;

		if (!scan_word(&a->s, &w) || w.v[0] == '.' || !scan_sign(&a->s, ":")) {
			a->s = was;
			return 0;
		}
		r = asm_need_function(a) ?: add_label(a, w, &was);
		if (r)
			return r;
	}
}

static int line(struct asm_file *a, bool types)
{
	const char *was;
	struct word w;
	int r;

	if (scan_is_end(&a->s))
		return 0;
	was = a->s.at;
	if (*was == '.' && scan_word(&a->s, &w)) {
		if (word_is(w, ".type"))
			return types ? asm_type(&a->s, &a->types) : 0;
		if (types)
			return 0;
		a->s.at = was + 1;
		return scan_word(&a->s, &w) ? asm_directive(a, w) ?: scan_end(&a->s)
					    : scan_expected(&a->s, "a directive");
	}
	if (types)
		return 0;
	r = labels(a);
	return r ?: scan_is_end(&a->s) ? r : instruction(a);
}

/* @types: only the lines that define types, or all others. */
static int read_lines(struct asm_file *a, const char *text, size_t size, bool types)
{
	const char *end = text + size;
	int r = 0;

	a->s.number = 0;
	while (text < end && !r) {
		const char *newline = memchr(text, '\n', end - text);

		a->s.line = a->s.at = text;
		a->s.end = newline ?: end;
		a->s.number++;
		r = line(a, types);
		text = a->s.end + 1;
	}
	return r;
}

static void file_done(struct asm_file *a)
{
	asm_types_done(&a->types);
	array_done(&a->labels);
	array_done(&a->jumps);
	array_done(&a->pending);
	array_done(&a->values);
	array_done(&a->arguments);
	free(a->file);
}

int unit_assemble(const char *text, size_t size, const char *name, struct unit **ret,
		  struct braid_error *err)
{
	_cleanup_(unit_freep) struct unit *u = NULL;
	struct asm_file a = {.s = {.name = name, .err = err}, .func = -1, .section = -1};
	int r = unit_new(name, &u, err);

	if (r)
		return r;
	a.u = u;
	r = read_lines(&a, text, size, true) ?: asm_types_finish(&a.types, u, err);
	r = r ?: read_lines(&a, text, size, false) ?: asm_end_function(&a) ?: asm_finish(&a);
	file_done(&a);
	if (!r)
		*ret = TAKE_PTR(u);
	return r;
}

int braid_assemble(const char *text, size_t size, const char *name, void **ret_bytes,
		   size_t *ret_size, struct braid_error *err)
{
	_cleanup_(unit_freep) struct unit *u = NULL;
	ERROR_SCRATCH(err);
	int r;

	r = unit_assemble(text, size, name, &u, err);
	return r ?: unit_write(u, ret_bytes, ret_size, err);
}

/* Written and read first: what an object says in several ways is said in one then. */
static int normalize(const void *bytes, size_t size, const char *name, struct unit **ret,
		     struct braid_error *err)
{
	_cleanup_(unit_freep) struct unit *u = NULL;
	_cleanup_free_ void *again = NULL;
	size_t n;
	int r = unit_read(bytes, size, name, &u, err) ?: unit_write(u, &again, &n, err);

	return r ?: unit_read(again, n, name, ret, err);
}

int braid_disassemble(const void *bytes, size_t size, const char *name, char **ret_text,
		      struct braid_error *err)
{
	_cleanup_(unit_freep) struct unit *u = NULL;
	ERROR_SCRATCH(err);
	int r;

	r = normalize(bytes, size, name, &u, err);
	return r ?: unit_disassemble(u, ret_text, err);
}
