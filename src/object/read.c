/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* ELF -> unit: sections, symbols and functions. The rest is in read_*.c. */
#include "object/read.h"

#include <bpf/btf.h>
#include <errno.h>

#include "base/error.h"
#include "base/text.h"

int read_broken(struct reader *r, const char *fmt, ...)
{
	_cleanup_free_ char *what = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&what, fmt, ap) < 0)
		what = NULL;
	va_end(ap);
	error_set(r->err, -EINVAL, r->unit->name, "not a usable BPF object: %s", what ?: "");
	return -EINVAL;
}

int read_unsupported(struct reader *r, const char *hint, const char *fmt, ...)
{
	_cleanup_free_ char *what = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&what, fmt, ap) < 0)
		what = NULL;
	va_end(ap);
	error_set(r->err, -EOPNOTSUPP, r->unit->name, "%s", what ?: "");
	error_hint(r->err, "%s", hint);
	return -EOPNOTSUPP;
}

bool read_symbol(struct reader *r, size_t index, GElf_Sym *ret, const char **ret_name)
{
	if (index >= r->n_symbols || !gelf_getsym(r->symbols, index, ret))
		return false;
	*ret_name = elf_strptr(r->elf, r->strtab, ret->st_name) ?: "";
	return true;
}

int read_func_at(const struct reader *r, __u32 code, __u32 insn)
{
	for (size_t i = 0; i < r->func_ats.n; i++) {
		const struct func_at *at = &r->func_ats.v[i];

		if (at->code == code && insn >= at->first &&
		    insn - at->first < r->unit->funcs.v[i].insns.n)
			return i;
	}
	return -1;
}

static int read_header(struct reader *r)
{
	GElf_Ehdr eh;

	if (elf_kind(r->elf) != ELF_K_ELF || !gelf_getehdr(r->elf, &eh))
		return read_unsupported(r, "give the .o file that clang -target bpf wrote",
					"not an ELF file");
	if (eh.e_machine != EM_BPF || eh.e_type != ET_REL)
		return read_unsupported(r, "compile it with clang -target bpf -g -O2 -c",
					"an ELF file, but not a BPF object");
	if (gelf_getclass(r->elf) != ELFCLASS64)
		return read_broken(r, "32-bit ELF");
	if (eh.e_ident[EI_DATA] !=
	    (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? ELFDATA2LSB : ELFDATA2MSB))
		return read_unsupported(r, "compile it with -target bpf on this machine",
					"built for the other byte order");
	if (elf_getshdrstrndx(r->elf, &r->shstrndx) || elf_getshdrnum(r->elf, &r->n_sections))
		return read_broken(r, "no section names");
	r->places = calloc(r->n_sections ?: 1, sizeof(*r->places));
	return r->places ? 0 : error_oom(r->err);
}

static enum section_kind kind_of(const char *name, const GElf_Shdr *sh)
{
	if (sh->sh_type == SHT_NOBITS)
		return SECTION_BSS;
	if (text_eq(name, ".data") || text_has_prefix(name, ".data."))
		return SECTION_DATA;
	if (text_eq(name, ".rodata") || text_has_prefix(name, ".rodata."))
		return SECTION_RODATA;
	return SECTION_OTHER;
}

/* Globals may be large, but not so large that a fuzzed header eats the machine. */
#define SECTION_LIMIT (64u << 20)

static int add_data(struct reader *r, size_t index, const char *name, const GElf_Shdr *sh,
		    const Elf_Data *data)
{
	struct section *s;

	/* BTF knows sections by their names */
	if (!*name || unit_find_section(r->unit, name) >= 0)
		return read_broken(r, "two sections of data with the name '%s'", name);
	s = array_push(&r->unit->sections);
	if (!s)
		return error_oom(r->err);
	if (sh->sh_size > SECTION_LIMIT)
		return read_broken(r, "section %s has %llu bytes", name,
				   (unsigned long long)sh->sh_size);
	if (sh->sh_addralign > 4096 || (sh->sh_addralign & (sh->sh_addralign - 1)))
		return read_broken(r, "section %s has an impossible alignment", name);
	s->name = strdup(name);
	s->kind = kind_of(name, sh);
	s->align = sh->sh_addralign ?: 1;
	s->bytes.n = sh->sh_size;
	s->bytes.v = calloc(1, sh->sh_size ?: 1);
	if (!s->name || !s->bytes.v)
		return error_oom(r->err);
	if (s->kind != SECTION_BSS && data->d_buf)
		memcpy(s->bytes.v, data->d_buf,
		       data->d_size < s->bytes.n ? data->d_size : s->bytes.n);
	r->places[index] = (struct elf_place){PLACE_DATA, r->unit->sections.n - 1};
	return 0;
}

static int add_code(struct reader *r, size_t index, const char *name, const Elf_Data *data)
{
	struct code *c;

	if (data->d_size % sizeof(struct bpf_insn))
		return read_broken(r, "section %s is cut in the middle of an instruction", name);
	c = array_push(&r->codes);
	if (!c)
		return error_oom(r->err);
	c->elf = index;
	c->insns = data->d_buf;
	c->n = data->d_size / sizeof(struct bpf_insn);
	c->name = strdup(name);
	if (!c->name)
		return error_oom(r->err);
	r->places[index] = (struct elf_place){PLACE_CODE, r->codes.n - 1};
	return 0;
}

static int set_license(struct reader *r, const Elf_Data *data)
{
	free(r->unit->license);
	r->unit->license = strndup(data->d_buf ?: "", data->d_buf ? data->d_size : 0);
	return r->unit->license ? 0 : error_oom(r->err);
}

static int read_section(struct reader *r, size_t index, Elf_Scn *scn)
{
	const char *name;
	Elf_Data *data;
	GElf_Shdr sh;

	if (!gelf_getshdr(scn, &sh))
		return read_broken(r, "section %zu has no header", index);
	name = elf_strptr(r->elf, r->shstrndx, sh.sh_name);
	data = elf_getdata(scn, NULL);
	if (!name || !data)
		return read_broken(r, "section %zu lies outside of the file", index);
	if (sh.sh_type == SHT_SYMTAB) {
		r->symbols = data;
		r->n_symbols = sh.sh_entsize ? sh.sh_size / sh.sh_entsize : 0;
		r->strtab = sh.sh_link;
	} else if (text_eq(name, "license")) {
		return set_license(r, data);
	} else if (text_eq(name, "version")) {
		if (data->d_buf && data->d_size >= sizeof(__u32))
			memcpy(&r->unit->kern_version, data->d_buf, sizeof(__u32));
	} else if (text_eq(name, ".BTF")) {
		r->btf_bytes = data->d_buf;
		r->btf_size = data->d_size;
	} else if (text_eq(name, ".BTF.ext")) {
		r->ext_bytes = data->d_buf;
		r->ext_size = data->d_size;
	} else if (text_eq(name, ".maps")) {
		/* the bytes do not matter, only that the file really has that many */
		if (sh.sh_type == SHT_NOBITS)
			return read_broken(r, "section .maps has no contents");
		r->places[index].kind = PLACE_MAPS;
	} else if (text_eq(name, "maps") || text_has_prefix(name, "maps/")) {
		return read_unsupported(r,
					"define the maps in SEC(\".maps\"), with __uint and __type",
					"maps in the old section 'maps', without types");
	} else if (sh.sh_type == SHT_PROGBITS && (sh.sh_flags & SHF_EXECINSTR)) {
		return sh.sh_size ? add_code(r, index, name, data) : 0;
	} else if ((sh.sh_type == SHT_PROGBITS || sh.sh_type == SHT_NOBITS) &&
		   (sh.sh_flags & SHF_ALLOC) && sh.sh_size) {
		return add_data(r, index, name, &sh, data);
	}
	return 0;
}

static int add_func(struct reader *r, __u32 code, const GElf_Sym *sym, const char *name)
{
	const struct code *c = &r->codes.v[code];
	__u64 first = sym->st_value / sizeof(struct bpf_insn);
	__u64 n = sym->st_size / sizeof(struct bpf_insn);
	struct func_at *at;
	struct func *f;

	if (sym->st_value % sizeof(struct bpf_insn) || sym->st_size % sizeof(struct bpf_insn) ||
	    !n || first > c->n || n > c->n - first)
		return read_broken(r, "function %s lies outside of section %s", name, c->name);
	for (__u64 i = first; i < first + n; i++)
		if (read_func_at(r, code, i) >= 0)
			return read_broken(r, "function %s overlaps another", name);
	f = array_push(&r->unit->funcs);
	at = array_push(&r->func_ats);
	if (!f || !at || !array_reserve(&f->insns, n))
		return error_oom(r->err);
	*at = (struct func_at){code, first};
	f->name = strdup(name);
	f->section = strdup(c->name);
	if (!f->name || !f->section)
		return error_oom(r->err);
	f->global = GELF_ST_BIND(sym->st_info) != STB_LOCAL;
	f->weak = GELF_ST_BIND(sym->st_info) == STB_WEAK;
	f->hidden = GELF_ST_VISIBILITY(sym->st_other) == STV_HIDDEN;
	memcpy(f->insns.v, c->insns + first, n * sizeof(struct bpf_insn));
	f->insns.n = n;
	return 0;
}

/* Per section by address, so that the writer puts everything back where it was. */
static int read_funcs_of(struct reader *r, __u32 code)
{
	__u64 next = 0;

	while (next < r->codes.v[code].n * sizeof(struct bpf_insn)) {
		const char *name, *best_name = NULL;
		GElf_Sym sym, best;
		int err;

		for (size_t i = 0; read_symbol(r, i, &sym, &name); i++)
			if (GELF_ST_TYPE(sym.st_info) == STT_FUNC &&
			    sym.st_shndx == r->codes.v[code].elf && sym.st_value == next) {
				best = sym;
				best_name = name;
				break;
			}
		if (!best_name)
			return read_broken(r, "code in section %s that belongs to no function",
					   r->codes.v[code].name);
		err = add_func(r, code, &best, best_name);
		if (err)
			return err;
		next += best.st_size;
	}
	return 0;
}

/* Both slots of ld_imm64 there, jumps within the function and not into the middle of one. */
static int check_func(struct reader *r, const struct func *f)
{
	_cleanup_free_ bool *second = calloc(f->insns.n, sizeof(*second));

	if (!second)
		return error_oom(r->err);
	for (size_t i = 0; i < f->insns.n; i++)
		if (insn_is_ld_imm64(&f->insns.v[i])) {
			if (i + 1 >= f->insns.n || f->insns.v[i + 1].code)
				return read_broken(r, "function %s: half an ld_imm64 at %zu",
						   f->name, i);
			second[++i] = true;
		}
	for (size_t i = 0; i < f->insns.n; i++) {
		__s32 jump;
		__s64 to;

		if (second[i] || !insn_is_jump(&f->insns.v[i], &jump))
			continue;
		to = (__s64)i + 1 + jump;
		if (to < 0 || to >= (__s64)f->insns.n || second[to])
			return read_broken(r, "function %s: a jump at %zu leads nowhere", f->name,
					   i);
	}
	return 0;
}

static int read_code(struct reader *r)
{
	int err = 0;

	for (size_t i = 0; i < r->codes.n && !err; i++)
		err = read_funcs_of(r, i);
	array_foreach (f, &r->unit->funcs)
		err = err ?: check_func(r, f);
	return err;
}

static int read_btf(struct reader *r)
{
	struct btf *btf;

	if (!r->btf_bytes)
		return read_unsupported(r,
					"compile it with clang -g: names and types come from BTF",
					"the object has no BTF");
	btf = btf__new(r->btf_bytes, r->btf_size);
	if (!btf)
		return read_broken(r, "damaged BTF (%s)", error_name(errno));
	btf__free(r->unit->btf);
	r->unit->btf = btf;
	return 0;
}

static int read_all(struct reader *r)
{
	Elf_Scn *scn = NULL;
	int err = read_header(r);

	while (!err && (scn = elf_nextscn(r->elf, scn)))
		err = read_section(r, elf_ndxscn(scn), scn);
	if (!err && !r->symbols)
		err = read_broken(r, "no symbol table");
	return err		?:
	       read_btf(r)	?:
	       read_types(r)	?:
	       read_code(r)	?:
	       read_ext(r)	?:
	       read_data(r)	?:
	       read_relocs(r);
}

int unit_read(const void *bytes, size_t size, const char *name, struct unit **ret,
	      struct braid_error *err)
{
	_cleanup_(unit_freep) struct unit *u = NULL;
	struct reader r = {.err = err};
	int code = unit_new(name, &u, err);

	if (code)
		return code;
	r.unit = u;
	elf_version(EV_CURRENT);
	/* read-only use: libelf's prototype lacks the const */
	r.elf = elf_memory((char *)bytes, size);
	code = r.elf ? read_all(&r)
		     : read_unsupported(&r, "give the .o file that clang wrote", "not an ELF file");
	elf_end(r.elf);
	array_foreach (c, &r.codes)
		free(c->name);
	array_done(&r.codes);
	array_done(&r.func_ats);
	array_done(&r.map_offsets);
	free(r.places);
	if (!code)
		*ret = TAKE_PTR(u);
	return code;
}
