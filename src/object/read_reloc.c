/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Relocations, and calls that need none, become references.
 * Types: LLVM, BPF psABI. Implicit addends (SHT_REL): they stand in the instruction.
 */
#include "object/read.h"

#include <errno.h>

#include "base/error.h"
#include "base/text.h"

#ifndef R_BPF_64_64
#define R_BPF_64_64 1 /* ld_imm64 */
#endif
#define R_BPF_64_ABS64 2
#define R_BPF_64_ABS32 3
#ifndef R_BPF_64_32
#define R_BPF_64_32 10 /* call */
#endif

static int find_extern(const struct reader *r, const char *name)
{
	array_foreach (e, &r->unit->externs)
		if (text_eq(e->name, name))
			return e - r->unit->externs.v;
	return -1;
}

static int find_map(const struct reader *r, __u64 offset)
{
	for (size_t i = 0; i < r->map_offsets.n; i++)
		if (r->map_offsets.v[i] == offset)
			return i;
	return -1;
}

/* The function that starts at @offset of a section of code. */
static int func_starting(const struct reader *r, __u32 code, __u64 offset)
{
	__u64 insn = offset / sizeof(struct bpf_insn);
	int f = insn < r->codes.v[code].n ? read_func_at(r, code, insn) : -1;

	return f >= 0 && r->func_ats.v[f].first == insn ? f : -1;
}

static struct elf_place place_of(const struct reader *r, const GElf_Sym *sym)
{
	return sym->st_shndx < r->n_sections ? r->places[sym->st_shndx] : (struct elf_place){};
}

/* What an ld_imm64 loads. @addend: what stands in its imm. */
static int resolve_load(struct reader *r, const GElf_Sym *sym, const char *name, __u32 addend,
			struct ref *ref)
{
	struct elf_place at = place_of(r, sym);
	__u64 offset = sym->st_value + addend;
	int i;

	switch (at.kind) {
	case PLACE_MAPS:
		ref->kind = REF_MAP;
		i = find_map(r, offset);
		break;
	case PLACE_CODE:
		ref->kind = REF_FUNC;
		i = func_starting(r, at.index, offset);
		break;
	case PLACE_DATA:
		ref->kind = REF_DATA;
		ref->addend = offset;
		i = at.index;
		if (r->unit->sections.v[i].kind == SECTION_OTHER)
			return read_unsupported(r, "put it into .data, .bss or .rodata",
						"'%s' lies in section %s, which no loader maps",
						name, r->unit->sections.v[i].name);
		if (offset > r->unit->sections.v[i].bytes.n)
			i = -1;
		break;
	default:
		ref->kind = REF_EXTERN;
		i = sym->st_shndx == SHN_UNDEF ? find_extern(r, name) : -1;
	}
	if (i < 0)
		return read_broken(r, "a load of '%s' leads nowhere", name);
	ref->target = i;
	return 0;
}

static int resolve_call(struct reader *r, const GElf_Sym *sym, const char *name, __s32 imm,
			struct ref *ref)
{
	struct elf_place at = place_of(r, sym);
	int i;

	if (sym->st_shndx == SHN_UNDEF) {
		ref->kind = REF_KFUNC;
		i = find_extern(r, name);
	} else {
		ref->kind = REF_CALL;
		i = at.kind == PLACE_CODE
			    ? func_starting(r, at.index,
					    sym->st_value +
						    ((__s64)imm + 1) * sizeof(struct bpf_insn))
			    : -1;
	}
	if (i < 0)
		return read_broken(r, "a call of '%s' leads nowhere", name);
	ref->target = i;
	return 0;
}

/* Keeps refs sorted by instruction; relocations mostly come in that order. */
static int insert_ref(struct reader *r, struct func *f, struct ref ref)
{
	size_t i;

	if (!array_push(&f->refs))
		return error_oom(r->err);
	for (i = f->refs.n - 1; i && f->refs.v[i - 1].insn > ref.insn; i--)
		f->refs.v[i] = f->refs.v[i - 1];
	if (i && f->refs.v[i - 1].insn == ref.insn)
		return read_broken(r, "two relocations of one instruction in %s", f->name);
	f->refs.v[i] = ref;
	return 0;
}

static int read_code_rel(struct reader *r, __u32 code, const GElf_Rel *rel)
{
	__u64 at = rel->r_offset / sizeof(struct bpf_insn);
	int index = at < r->codes.v[code].n ? read_func_at(r, code, at) : -1;
	const struct bpf_insn *insn;
	struct ref ref = {};
	const char *name;
	struct func *f;
	GElf_Sym sym;
	int err;

	if (index < 0 || rel->r_offset % sizeof(struct bpf_insn) ||
	    !read_symbol(r, GELF_R_SYM(rel->r_info), &sym, &name))
		return read_broken(r, "a relocation of section %s leads nowhere",
				   r->codes.v[code].name);
	f = &r->unit->funcs.v[index];
	ref.insn = at - r->func_ats.v[index].first;
	insn = &f->insns.v[ref.insn];
	if (insn_is_ld_imm64(insn))
		err = resolve_load(r, &sym, name, insn->imm, &ref);
	else if (insn_is_call(insn))
		err = resolve_call(r, &sym, name, insn->imm, &ref);
	else
		err = read_broken(r, "a relocation in %s of what is no load and no call", f->name);
	return err ?: insert_ref(r, f, ref);
}

static int read_map_rel(struct reader *r, const GElf_Rel *rel)
{
	struct map_value *value;
	struct elf_place at;
	const char *name;
	GElf_Sym sym;
	int target;

	if (!read_symbol(r, GELF_R_SYM(rel->r_info), &sym, &name))
		return read_broken(r, "a relocation of .maps leads nowhere");
	at = place_of(r, &sym);
	target = at.kind == PLACE_MAPS   ? find_map(r, sym.st_value)
		 : at.kind == PLACE_CODE ? func_starting(r, at.index, sym.st_value)
					 : -1;
	for (size_t i = 0; target >= 0 && i < r->map_offsets.n; i++) {
		struct map *m = &r->unit->maps.v[i];
		__u64 offset = rel->r_offset - r->map_offsets.v[i];

		if (rel->r_offset < r->map_offsets.v[i] || offset >= m->size)
			continue;
		value = array_push(&m->values);
		if (!value)
			return error_oom(r->err);
		*value = (struct map_value){
			.offset = offset,
			.kind = at.kind == PLACE_MAPS ? REF_MAP : REF_FUNC,
			.target = target,
		};
		return 0;
	}
	return read_broken(r, "a static value of a map leads nowhere");
}

static int read_rel_section(struct reader *r, Elf_Scn *scn, const GElf_Shdr *sh)
{
	struct elf_place at = sh->sh_info < r->n_sections ? r->places[sh->sh_info]
							  : (struct elf_place){};
	Elf_Data *data = elf_getdata(scn, NULL);
	size_t n = data && sh->sh_entsize ? sh->sh_size / sh->sh_entsize : 0;

	if (at.kind != PLACE_CODE && at.kind != PLACE_MAPS)
		return 0; /* debug information; libbpf does not look at those of data either */
	for (size_t i = 0; i < n; i++) {
		GElf_Rel rel;
		int err;

		if (!gelf_getrel(data, i, &rel))
			return read_broken(r, "damaged relocations");
		err = at.kind == PLACE_CODE ? read_code_rel(r, at.index, &rel)
					    : read_map_rel(r, &rel);
		if (err)
			return err;
	}
	return 0;
}

static const struct ref *ref_at(const struct func *f, __u32 insn)
{
	array_foreach (ref, &f->refs)
		if (ref->insn == insn)
			return ref;
	return NULL;
}

/* The assembler resolves calls of static functions within one section by itself. */
static int read_plain_calls(struct reader *r, __u32 index)
{
	struct func *f = &r->unit->funcs.v[index];
	const struct func_at *at = &r->func_ats.v[index];

	for (__u32 i = 0; i < f->insns.n; i++) {
		struct bpf_insn *insn = &f->insns.v[i];
		const struct ref *known = ref_at(f, i);
		struct ref ref = {.insn = i, .kind = REF_CALL};
		int target, err;

		if (insn_is_ld_imm64(insn)) {
			if (!known && insn->src_reg)
				return read_broken(r, "%s loads an address without a relocation",
						   f->name);
			i++;
			continue;
		}
		if (known && known->kind != REF_CALL && known->kind != REF_KFUNC)
			return read_broken(r, "a load's relocation on a call in %s", f->name);
		if (!insn_is_pseudo_call(insn) || known)
			continue;
		target = func_starting(
			r, at->code, ((__s64)at->first + i + 1 + insn->imm) * (__s64)sizeof(*insn));
		if (target < 0)
			return read_broken(r, "a call in %s leads nowhere", f->name);
		ref.target = target;
		err = insert_ref(r, f, ref);
		if (err)
			return err;
	}
	return 0;
}

/* Programs are entered by the kernel; libbpf cannot call them, and neither can we. */
static int check_calls(struct reader *r, const struct func *f)
{
	array_foreach (ref, &f->refs)
		if (ref->kind == REF_CALL || ref->kind == REF_FUNC) {
			const struct func *to = &r->unit->funcs.v[ref->target];

			if (func_is_program(to))
				return read_unsupported(
					r, "move what both need into a function without SEC()",
					"%s calls %s, which is a program (section %s)", f->name,
					to->name, to->section);
		}
	return 0;
}

int read_relocs(struct reader *r)
{
	Elf_Scn *scn = NULL;
	int err = 0;

	while (!err && (scn = elf_nextscn(r->elf, scn))) {
		GElf_Shdr sh;

		if (gelf_getshdr(scn, &sh) && sh.sh_type == SHT_REL)
			err = read_rel_section(r, scn, &sh);
	}
	for (size_t i = 0; i < r->unit->funcs.n && !err; i++)
		err = read_plain_calls(r, i) ?: check_calls(r, &r->unit->funcs.v[i]);
	return err;
}
