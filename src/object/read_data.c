/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Maps, global variables and externs: BTF says what they are, symbols where. */
#include "object/read.h"

#include <bpf/btf.h>
#include <errno.h>

#include "base/error.h"
#include "base/text.h"

/* The offset of a global variable: clang leaves it to the symbol. */
static bool find_var(struct reader *r, size_t elf_section, const char *name, __u64 *ret)
{
	const char *sym_name;
	GElf_Sym sym;

	for (size_t i = 0; read_symbol(r, i, &sym, &sym_name); i++)
		if (sym.st_shndx == elf_section && GELF_ST_TYPE(sym.st_info) == STT_OBJECT &&
		    text_eq(sym_name, name)) {
			*ret = sym.st_value;
			return true;
		}
	return false;
}

static ssize_t section_by_name(struct reader *r, const char *name, GElf_Shdr *ret_sh)
{
	Elf_Scn *scn = NULL;

	while ((scn = elf_nextscn(r->elf, scn))) {
		if (!gelf_getshdr(scn, ret_sh))
			continue;
		if (text_eq(elf_strptr(r->elf, r->shstrndx, ret_sh->sh_name), name))
			return elf_ndxscn(scn);
	}
	return -1;
}

static int add_map(struct reader *r, const struct btf_type *var, const struct var *v,
		   const char *name)
{
	const struct btf_type *def = btf__type_by_id(r->unit->btf, var->type);
	struct map *m = array_push(&r->unit->maps);

	if (!m || !array_add(&r->map_offsets, v->offset))
		return error_oom(r->err);
	while (def && (btf_is_mod(def) || btf_is_typedef(def)))
		def = btf__type_by_id(r->unit->btf, def->type);
	if (!def || !btf_is_struct(def))
		return read_broken(r, "map %s is not defined by a struct", name);
	m->name = strdup(name);
	m->type_id = v->type_id;
	m->size = v->size;
	return m->name ? 0 : error_oom(r->err);
}

static int by_offset(const void *a, const void *b)
{
	const struct var *x = a, *y = b;

	return x->offset < y->offset ? -1 : x->offset > y->offset;
}

/* One DATASEC: its variables go to the maps, or to the section of that name. */
static int read_vars(struct reader *r, const struct btf_type *sec, const char *sec_name)
{
	const struct btf_var_secinfo *info = btf_var_secinfos(sec);
	struct section *s = NULL;
	GElf_Shdr sh;
	ssize_t elf_section = section_by_name(r, sec_name, &sh);
	enum place_kind kind = elf_section < 0 ? PLACE_NONE : r->places[elf_section].kind;

	if (kind != PLACE_MAPS && kind != PLACE_DATA)
		return 0; /* "license" and the like */
	if (kind == PLACE_DATA)
		s = &r->unit->sections.v[r->places[elf_section].index];
	for (int i = 0; i < btf_vlen(sec); i++) {
		const struct btf_type *var = btf__type_by_id(r->unit->btf, info[i].type);
		const char *name = var ? btf__name_by_offset(r->unit->btf, var->name_off) : NULL;
		struct var v = {info[i].type, info[i].offset, info[i].size};
		__u64 offset = v.offset;
		int err;

		if (!name || !btf_is_var(var))
			return read_broken(r, "section %s holds something that is no variable",
					   sec_name);
		if (btf_var(var)->linkage != BTF_VAR_STATIC &&
		    !find_var(r, elf_section, name, &offset))
			return read_broken(r, "variable %s has no symbol", name);
		if (offset > sh.sh_size || v.size > sh.sh_size - offset)
			return read_broken(r, "variable %s lies outside of section %s", name,
					   sec_name);
		v.offset = offset;
		if (kind == PLACE_MAPS)
			err = add_map(r, var, &v, name);
		else
			err = array_add(&s->vars, v) ? 0 : error_oom(r->err);
		if (err)
			return err;
	}
	if (s && s->vars.n)
		qsort(s->vars.v, s->vars.n, sizeof(*s->vars.v), by_offset);
	return 0;
}

/* The type of an extern, and the DATASEC (.kconfig, .ksyms) that declares it. */
static int find_extern(struct reader *r, const char *name, __u32 *ret_type, const char **ret_sec)
{
	const struct btf *btf = r->unit->btf;

	for (__u32 id = 1; id < btf__type_cnt(btf); id++) {
		const struct btf_type *sec = btf__type_by_id(btf, id);
		const struct btf_var_secinfo *info = btf_var_secinfos(sec);
		const char *sec_name = btf__name_by_offset(btf, sec->name_off);

		if (!btf_is_datasec(sec) ||
		    (!text_eq(sec_name, ".kconfig") && !text_eq(sec_name, ".ksyms")))
			continue;
		for (int i = 0; i < btf_vlen(sec); i++) {
			const struct btf_type *t = btf__type_by_id(btf, info[i].type);

			if (t && text_eq(btf__name_by_offset(btf, t->name_off), name)) {
				*ret_type = info[i].type;
				*ret_sec = sec_name;
				return 0;
			}
		}
	}
	return read_unsupported(r, "declare it with __kconfig or __ksym, or define it",
				"'%s' is used but defined nowhere", name);
}

static int read_externs(struct reader *r)
{
	const char *name;
	GElf_Sym sym;

	for (size_t i = 1; read_symbol(r, i, &sym, &name); i++) {
		struct extern_sym *e;
		const char *section = NULL;
		__u32 type_id = 0;
		int err;

		if (sym.st_shndx != SHN_UNDEF || GELF_ST_BIND(sym.st_info) == STB_LOCAL)
			continue;
		err = find_extern(r, name, &type_id, &section);
		if (err)
			return err;
		e = array_push(&r->unit->externs);
		if (!e)
			return error_oom(r->err);
		e->name = strdup(name);
		e->section = strdup(section);
		if (!e->name || !e->section)
			return error_oom(r->err);
		e->type_id = type_id;
		e->weak = GELF_ST_BIND(sym.st_info) == STB_WEAK;
	}
	return 0;
}

int read_data(struct reader *r)
{
	const struct btf *btf = r->unit->btf;

	for (__u32 id = 1; id < btf__type_cnt(btf); id++) {
		const struct btf_type *t = btf__type_by_id(btf, id);
		int err;

		if (!btf_is_datasec(t))
			continue;
		err = read_vars(r, t, btf__name_by_offset(btf, t->name_off) ?: "");
		if (err)
			return err;
	}
	return read_externs(r);
}
