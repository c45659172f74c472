/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* What the parts of the reader share. */
#pragma once

#include <gelf.h>

#include "object/unit.h"

/* A section of code: its functions, in the order of their addresses. */
struct code {
	size_t elf; /* ELF section index */
	char *name;
	const struct bpf_insn *insns;
	__u32 n;
};

/* What became of an ELF section. */
enum place_kind { PLACE_NONE, PLACE_CODE, PLACE_MAPS, PLACE_DATA };

struct elf_place {
	enum place_kind kind;
	__u32 index; /* into codes[] or unit->sections[] */
};

/* Where in its section a function lies; parallel to unit->funcs. */
struct func_at {
	__u32 code;  /* index into codes[] */
	__u32 first; /* instruction in the section */
};

/* Parallel to unit->maps: offset in .maps. */
struct reader {
	struct unit *unit;
	struct braid_error *err;
	Elf *elf;
	size_t shstrndx;
	size_t n_sections;
	struct elf_place *places; /* by ELF section index */
	ARRAY(struct code) codes;
	ARRAY(struct func_at) func_ats;
	ARRAY(__u32) map_offsets;
	Elf_Data *symbols;
	size_t n_symbols, strtab;
	const void *btf_bytes, *ext_bytes;
	size_t btf_size, ext_size;
};

/* Fills r->err. Return: -EINVAL; "broken" is a file no compiler writes. */
int read_broken(struct reader *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
int read_unsupported(struct reader *r, const char *hint, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Section header and symbol by index, names resolved; false: there is none. */
bool read_symbol(struct reader *r, size_t index, GElf_Sym *ret, const char **ret_name);
/* Function that holds instruction @insn of a section; -1: none. */
int read_func_at(const struct reader *r, __u32 code, __u32 insn);

/* read_types.c: refuses BTF that cannot be walked. */
int read_types(struct reader *r);
/* read_ext.c: function, line and CO-RE records. */
int read_ext(struct reader *r);
/* read_data.c: maps, data sections and externs from BTF and symbols. */
int read_data(struct reader *r);
/* read_reloc.c: relocations and calls become references. */
int read_relocs(struct reader *r);
