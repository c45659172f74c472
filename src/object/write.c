/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * unit -> ELF. Everything is laid out anew: code by section, then maps, data, BTF.
 * References become relocations with implicit addends, as clang writes them, so
 * every loader that takes clang's objects takes these.
 */
#include <bpf/btf.h>
#include <bpf/libbpf_legacy.h> /* btf_ext__get_raw_data(): libbpf 1.1 exports no other name */
#include <errno.h>

#include "base/error.h"
#include "base/text.h"
#include "object/elf_out.h"
#include "object/types.h"
#include "object/unit.h"

#ifndef EM_BPF
#define EM_BPF 247
#endif
enum { RELOC_LOAD = 1, RELOC_ABS64 = 2, RELOC_CALL = 10 }; /* LLVM: R_BPF_64_64, _ABS64, _32 */

/* Where a function went; a section of code is known by its first function. */
struct func_out {
	__u32 section; /* ELF section index */
	__u32 offset;  /* bytes */
	__u32 symbol;
};

struct writer {
	const struct unit *unit;
	struct elf_out elf;
	struct btf *btf;
	struct types types;
	struct func_out *funcs;
	__u32 *map_symbols, *map_offsets, *section_symbols, *section_indexes, *extern_symbols;
	__u32 maps_section, text_symbol;
};

/* Index of the ELF section of that name with code; 0: not there yet. */
static __u32 code_section(const struct writer *w, const char *name)
{
	for (size_t i = 2; i < w->elf.sections.n; i++)
		if ((w->elf.sections.v[i].flags & SHF_EXECINSTR) &&
		    text_eq(w->elf.sections.v[i].name, name))
			return i;
	return 0;
}

/* The instruction as it stands in a file: what a reference decides is cleared. */
static struct bpf_insn insn_in_file(const struct writer *w, const struct bpf_insn *insn,
				    const struct ref *ref)
{
	struct bpf_insn out = *insn;

	switch (ref->kind) {
	case REF_CALL:
	case REF_KFUNC:
		out.src_reg = BPF_PSEUDO_CALL;
		out.imm = -1;
		out.off = 0;
		break;
	case REF_DATA:
		out.src_reg = 0;
		out.imm = ref->addend;
		break;
	case REF_FUNC:
		out.src_reg = 0;
		out.imm = w->funcs[ref->target].offset;
		break;
	default:
		out.src_reg = 0;
		out.imm = 0;
	}
	return out;
}

static void lay_out_code(struct writer *w)
{
	for (size_t i = 0; i < w->unit->funcs.n; i++) {
		const struct func *f = &w->unit->funcs.v[i];
		struct out_section *s;
		__u32 index;

		if (f->dead)
			continue;
		index = code_section(w, f->section);
		if (!index)
			index = elf_out_section(&w->elf, f->section, SHT_PROGBITS,
						SHF_ALLOC | SHF_EXECINSTR, 8);
		s = &w->elf.sections.v[index];
		w->funcs[i] = (struct func_out){.section = index, .offset = s->bytes.n};
		w->elf.failed |= buf_add(&s->bytes, f->insns.v,
					 f->insns.n * sizeof(struct bpf_insn)) != 0;
	}
}

/* When all functions have their places. */
static void write_refs(struct writer *w)
{
	for (size_t i = 0; i < w->unit->funcs.n && !w->elf.failed; i++) {
		const struct func *f = &w->unit->funcs.v[i];
		const struct func_out *out = &w->funcs[i];
		struct bpf_insn *insns;

		if (f->dead)
			continue;
		insns = (struct bpf_insn *)(w->elf.sections.v[out->section].bytes.v + out->offset);
		array_foreach (ref, &f->refs)
			insns[ref->insn] = insn_in_file(w, &f->insns.v[ref->insn], ref);
	}
}

static void lay_out_data(struct writer *w)
{
	array_foreach (s, &w->unit->sections) {
		bool bss = s->kind == SECTION_BSS;
		__u64 flags = SHF_ALLOC | (s->kind == SECTION_RODATA ? 0 : SHF_WRITE);
		__u32 index = elf_out_section(&w->elf, s->name, bss ? SHT_NOBITS : SHT_PROGBITS,
					      flags, s->align);

		w->section_indexes[s - w->unit->sections.v] = index;
		if (bss)
			w->elf.sections.v[index].nobits = s->bytes.n;
		else
			buf_add(&w->elf.sections.v[index].bytes, s->bytes.v, s->bytes.n);
	}
}

static void lay_out_maps(struct writer *w)
{
	struct buf *bytes;

	if (!w->unit->maps.n)
		return;
	w->maps_section = elf_out_section(&w->elf, ".maps", SHT_PROGBITS, SHF_ALLOC | SHF_WRITE, 8);
	bytes = &w->elf.sections.v[w->maps_section].bytes;
	array_foreach (m, &w->unit->maps) {
		buf_align(bytes, 8);
		w->map_offsets[m - w->unit->maps.v] = bytes->n;
		buf_fill(bytes, 0, m->size);
	}
}

static void lay_out_rest(struct writer *w)
{
	const struct unit *u = w->unit;
	__u32 i;

	if (u->license) {
		i = elf_out_section(&w->elf, "license", SHT_PROGBITS, SHF_ALLOC | SHF_WRITE, 1);
		buf_add(&w->elf.sections.v[i].bytes, u->license, strlen(u->license) + 1);
	}
	if (u->kern_version) {
		i = elf_out_section(&w->elf, "version", SHT_PROGBITS, SHF_ALLOC | SHF_WRITE, 4);
		buf_add(&w->elf.sections.v[i].bytes, &u->kern_version, sizeof(u->kern_version));
	}
}

static void add_func_symbols(struct writer *w, bool global)
{
	array_foreach (f, &w->unit->funcs) {
		struct func_out *out = &w->funcs[f - w->unit->funcs.v];

		if (f->dead || f->global != global)
			continue;
		out->symbol = elf_out_symbol(&w->elf, f->name,
					     !global   ? STB_LOCAL
					     : f->weak ? STB_WEAK
						       : STB_GLOBAL,
					     STT_FUNC, out->section, out->offset,
					     f->insns.n * sizeof(struct bpf_insn));
		if (f->hidden && !w->elf.failed)
			w->elf.symbols.v[out->symbol].st_other = STV_HIDDEN;
	}
}

static void add_var_symbols(struct writer *w, const struct section *s)
{
	__u32 index = w->section_indexes[s - w->unit->sections.v];

	array_foreach (v, &s->vars) {
		const struct btf_type *t = btf__type_by_id(w->unit->btf, v->type_id);

		if (btf_var(t)->linkage != BTF_VAR_STATIC)
			elf_out_symbol(&w->elf, unit_type_name(w->unit, v->type_id), STB_GLOBAL,
				       STT_OBJECT, index, v->offset, v->size);
	}
}

static void add_symbols(struct writer *w)
{
	for (size_t i = 0; i < w->unit->sections.n; i++)
		w->section_symbols[i] = elf_out_symbol(&w->elf, NULL, STB_LOCAL, STT_SECTION,
						       w->section_indexes[i], 0, 0);
	if (code_section(w, ".text"))
		w->text_symbol = elf_out_symbol(&w->elf, NULL, STB_LOCAL, STT_SECTION,
						code_section(w, ".text"), 0, 0);
	add_func_symbols(w, false);
	add_func_symbols(w, true);
	array_foreach (m, &w->unit->maps)
		w->map_symbols[m - w->unit->maps.v] =
			elf_out_symbol(&w->elf, m->name, STB_GLOBAL, STT_OBJECT, w->maps_section,
				       w->map_offsets[m - w->unit->maps.v], m->size);
	array_foreach (s, &w->unit->sections)
		add_var_symbols(w, s);
	array_foreach (e, &w->unit->externs)
		w->extern_symbols[e - w->unit->externs.v] =
			elf_out_symbol(&w->elf, e->name, e->weak ? STB_WEAK : STB_GLOBAL,
				       STT_NOTYPE, SHN_UNDEF, 0, 0);
}

static __u32 ref_symbol(const struct writer *w, enum ref_kind kind, __u32 target)
{
	switch (kind) {
	case REF_CALL:
		return w->funcs[target].symbol;
	case REF_FUNC: /* libbpf takes the address of a static function this way only */
		return w->text_symbol;
	case REF_MAP:
		return w->map_symbols[target];
	case REF_DATA:
		return w->section_symbols[target];
	default:
		return w->extern_symbols[target];
	}
}

/* The section of relocations that belongs to @section, made when it is first asked for. */
static struct buf *relocs_of(struct writer *w, __u32 section)
{
	__u32 index;

	for (size_t i = 2; i < w->elf.sections.n; i++)
		if (w->elf.sections.v[i].type == SHT_REL && w->elf.sections.v[i].info == section)
			return &w->elf.sections.v[i].bytes;
	index = elf_out_section(&w->elf, NULL, SHT_REL, 0, 8);
	w->elf.sections.v[index].info = section;
	w->elf.sections.v[index].entsize = sizeof(Elf64_Rel);
	return &w->elf.sections.v[index].bytes;
}

static void add_reloc(struct writer *w, __u32 section, __u64 offset, __u32 symbol, __u32 type)
{
	Elf64_Rel rel = {offset, ELF64_R_INFO((__u64)symbol, type)};

	buf_add(relocs_of(w, section), &rel, sizeof(rel));
}

static void add_relocs(struct writer *w)
{
	array_foreach (f, &w->unit->funcs) {
		const struct func_out *out = &w->funcs[f - w->unit->funcs.v];

		array_foreach (ref, &f->refs)
			if (!f->dead)
				add_reloc(w, out->section,
					  out->offset + ref->insn * sizeof(struct bpf_insn),
					  ref_symbol(w, ref->kind, ref->target),
					  ref->kind == REF_CALL || ref->kind == REF_KFUNC
						  ? RELOC_CALL
						  : RELOC_LOAD);
	}
	array_foreach (m, &w->unit->maps)
		array_foreach (v, &m->values)
			add_reloc(w, w->maps_section,
				  w->map_offsets[m - w->unit->maps.v] + v->offset,
				  v->kind == REF_MAP ? w->map_symbols[v->target]
						     : w->funcs[v->target].symbol,
				  RELOC_ABS64);
}

/* All types but the DATASECs: those are made anew from what the unit says now. */
static int copy_types(struct writer *w)
{
	int r = types_init(&w->types, w->unit->btf, w->btf);

	for (__u32 id = 1; id < w->types.n && !r; id++)
		if (!btf_is_datasec(btf__type_by_id(w->unit->btf, id)))
			r = types_want(&w->types, id);
	return r ?: types_commit(&w->types);
}

static int add_var(struct writer *w, __u32 type_id, __u32 offset, __u32 size)
{
	return btf__add_datasec_var_info(w->btf, types_id(&w->types, type_id), offset, size);
}

static int add_extern_datasec(struct writer *w, const char *name)
{
	int r = 0;

	array_foreach (e, &w->unit->externs) {
		const struct btf_type *t = btf__type_by_id(w->unit->btf, e->type_id);
		__s64 size = btf_is_var(t) ? btf__resolve_size(w->unit->btf, t->type) : 0;

		if (!text_eq(e->section, name))
			continue;
		if (!r)
			r = btf__add_datasec(w->btf, name, 0);
		if (r > 0)
			r = add_var(w, e->type_id, 0, size < 0 ? 0 : size) ?: 1;
		if (r < 0)
			return r;
	}
	return 0;
}

static int add_datasecs(struct writer *w)
{
	int r = 0;

	if (w->unit->maps.n)
		r = btf__add_datasec(w->btf, ".maps", w->elf.sections.v[w->maps_section].bytes.n);
	for (size_t i = 0; i < w->unit->maps.n && r >= 0; i++)
		r = add_var(w, w->unit->maps.v[i].type_id, w->map_offsets[i],
			    w->unit->maps.v[i].size);
	array_foreach (s, &w->unit->sections) {
		if (r >= 0 && s->vars.n)
			r = btf__add_datasec(w->btf, s->name, s->bytes.n);
		for (size_t i = 0; i < s->vars.n && r >= 0; i++)
			r = add_var(w, s->vars.v[i].type_id, s->vars.v[i].offset,
				    s->vars.v[i].size);
	}
	r = r < 0 ? r : add_extern_datasec(w, ".kconfig");
	return r < 0 ? r : add_extern_datasec(w, ".ksyms");
}

/* Offset in the new strings of a string of the unit's BTF. */
static __u32 move_string(struct writer *w, __u32 off)
{
	int moved = btf__add_str(w->btf, btf__str_by_offset(w->unit->btf, off) ?: "");

	w->elf.failed |= moved < 0;
	return moved < 0 ? 0 : moved;
}

enum ext_part { EXT_FUNC, EXT_LINE, EXT_CORE };
static const __u32 ext_record_size[] = {8, 16, 16};

static __u32 ext_func_part(struct writer *w, const struct func *f, __u32 base, enum ext_part part,
			   struct buf *out)
{
	__u32 n = 0;

	if (part == EXT_FUNC && f->type_id) {
		__u32 record[] = {base, types_id(&w->types, f->type_id)};

		buf_add(out, record, sizeof(record));
		n++;
	}
	for (size_t i = 0; part == EXT_LINE && i < f->lines.n; i++, n++) {
		const struct line *l = &f->lines.v[i];
		__u32 record[] = {base + l->insn * (__u32)sizeof(struct bpf_insn),
				  move_string(w, l->file), move_string(w, l->text), l->line_col};

		buf_add(out, record, sizeof(record));
	}
	for (size_t i = 0; part == EXT_CORE && i < f->cores.n; i++, n++) {
		const struct core_relo *c = &f->cores.v[i];
		__u32 record[] = {base + c->insn * (__u32)sizeof(struct bpf_insn),
				  types_id(&w->types, c->type_id), move_string(w, c->access),
				  c->kind};

		buf_add(out, record, sizeof(record));
	}
	return n;
}

/* Record size, then per section of code its name, the number of records, the records. */
static void ext_part(struct writer *w, enum ext_part part, struct buf *out)
{
	buf_add(out, &ext_record_size[part], sizeof(__u32));
	for (size_t s = 2; s < w->elf.sections.n; s++) {
		size_t head_at = out->n;
		__u32 head[2] = {};
		int name;

		if (!(w->elf.sections.v[s].flags & SHF_EXECINSTR))
			continue;
		name = btf__add_str(w->btf, w->elf.sections.v[s].name);
		w->elf.failed |= name < 0;
		head[0] = name;
		buf_add(out, head, sizeof(head));
		for (size_t i = 0; i < w->unit->funcs.n; i++)
			if (!w->unit->funcs.v[i].dead && w->funcs[i].section == s)
				head[1] += ext_func_part(w, &w->unit->funcs.v[i],
							 w->funcs[i].offset, part, out);
		if (out->failed)
			return;
		if (head[1])
			memcpy(out->v + head_at, head, sizeof(head));
		else
			out->n = head_at;
	}
	if (out->n == sizeof(__u32))
		out->n = 0; /* nothing at all: the part is empty */
}

/* Stays empty when there is no record: libbpf takes no .BTF.ext that is only a header. */
static void build_ext(struct writer *w, struct buf *out)
{
	struct {
		__u16 magic;
		__u8 version, flags;
		__u32 hdr_len, offsets[6];
	} h = {0xeB9F, 1, 0, sizeof(h), {}};
	struct buf parts = {};

	for (int part = EXT_FUNC; part <= EXT_CORE; part++) {
		struct buf one = {};

		ext_part(w, part, &one);
		h.offsets[2 * part] = parts.n;
		h.offsets[2 * part + 1] = one.n;
		buf_add(&parts, one.v, one.n);
		parts.failed |= one.failed;
		buf_done(&one);
	}
	if (parts.n) {
		buf_add(out, &h, sizeof(h));
		buf_add(out, parts.v, parts.n);
	}
	out->failed |= parts.failed;
	buf_done(&parts);
}

/* Types that several stages brought along become one. */
static int dedup(struct writer *w, struct buf *ext)
{
	struct btf_ext *parsed = ext->n ? btf_ext__new((__u8 *)ext->v, ext->n) : NULL;
	LIBBPF_OPTS(btf_dedup_opts, opts, .btf_ext = parsed);
	const void *bytes;
	__u32 size;
	int r;

	if (!ext->n)
		return btf__dedup(w->btf, NULL);
	if (!parsed)
		return -errno;
	r = btf__dedup(w->btf, &opts);
	if (!r) {
		bytes = btf_ext__get_raw_data(parsed, &size);
		ext->n = 0;
		r = bytes ? buf_add(ext, bytes, size) : -ENOMEM;
	}
	btf_ext__free(parsed);
	return r;
}

static int add_btf(struct writer *w)
{
	__u32 size, i;
	struct buf ext = {};
	const void *bytes;
	int r = copy_types(w) ?: add_datasecs(w);

	if (r >= 0) {
		build_ext(w, &ext);
		r = ext.failed || w->elf.failed ? -ENOMEM : dedup(w, &ext);
	}
	bytes = r >= 0 ? btf__raw_data(w->btf, &size) : NULL;
	if (bytes) {
		i = elf_out_section(&w->elf, ".BTF", SHT_PROGBITS, 0, 4);
		buf_add(&w->elf.sections.v[i].bytes, bytes, size);
	}
	if (bytes && ext.n) {
		i = elf_out_section(&w->elf, ".BTF.ext", SHT_PROGBITS, 0, 4);
		buf_add(&w->elf.sections.v[i].bytes, ext.v, ext.n);
	}
	buf_done(&ext);
	return bytes ? 0 : r < 0 ? r : -ENOMEM;
}

static int writer_init(struct writer *w, const struct unit *u)
{
	*w = (struct writer){.unit = u, .btf = btf__new_empty()};
	elf_out_init(&w->elf);
	w->funcs = calloc(u->funcs.n + 1, sizeof(*w->funcs));
	w->map_symbols = calloc(u->maps.n + 1, sizeof(__u32));
	w->map_offsets = calloc(u->maps.n + 1, sizeof(__u32));
	w->section_symbols = calloc(u->sections.n + 1, sizeof(__u32));
	w->section_indexes = calloc(u->sections.n + 1, sizeof(__u32));
	w->extern_symbols = calloc(u->externs.n + 1, sizeof(__u32));
	return w->btf && w->funcs && w->map_symbols && w->map_offsets && w->section_symbols &&
			       w->section_indexes && w->extern_symbols
		       ? 0
		       : -ENOMEM;
}

static void writer_done(struct writer *w)
{
	elf_out_done(&w->elf);
	types_done(&w->types);
	btf__free(w->btf);
	free(w->funcs);
	free(w->map_symbols);
	free(w->map_offsets);
	free(w->section_symbols);
	free(w->section_indexes);
	free(w->extern_symbols);
}

int unit_write(const struct unit *u, void **ret_bytes, size_t *ret_size, struct braid_error *err)
{
	struct writer w;
	int r = writer_init(&w, u);

	if (!r) {
		lay_out_code(&w);
		write_refs(&w);
		lay_out_data(&w);
		lay_out_maps(&w);
		lay_out_rest(&w);
		r = w.elf.failed ? -ENOMEM : 0;
	}
	if (!r) {
		add_symbols(&w);
		add_relocs(&w);
		r = w.elf.failed ? -ENOMEM : add_btf(&w);
	}
	r = r ?: elf_out_finish(&w.elf, ret_bytes, ret_size);
	writer_done(&w);
	if (r == -ENOMEM)
		return error_oom(err);
	return r < 0 ? error_errno(err, r, u->name, "cannot write the object") : 0;
}
