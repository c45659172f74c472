/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * The model of a BPF object. Everything that an ELF file says by offsets and
 * relocations is a reference by index here, so code can be moved, renamed and
 * joined without arithmetic on addresses.
 */
#pragma once

#include <linux/bpf.h>
#include <linux/types.h>
#include <stdbool.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "braid/error.h"

struct btf;

enum ref_kind {
	REF_CALL,   /* call of funcs[target] */
	REF_FUNC,   /* address of funcs[target]: a callback */
	REF_MAP,    /* maps[target] */
	REF_DATA,   /* sections[target] + addend */
	REF_EXTERN, /* address or value of externs[target] */
	REF_KFUNC,  /* call of the kernel function externs[target] */
};

/* An instruction that names something outside of its function. */
struct ref {
	__u32 insn; /* index in its function; the first of the two slots of ld_imm64 */
	enum ref_kind kind;
	__u32 target;
	__u32 addend; /* bytes; REF_DATA only */
};

/* Source line of an instruction; offsets into the strings of the unit's BTF. */
struct line {
	__u32 insn;
	__u32 file, text;
	__u32 line_col; /* line << 10 | column */
};

/* CO-RE relocation record. */
struct core_relo {
	__u32 insn;
	__u32 type_id;
	__u32 access; /* offset into BTF strings */
	__u32 kind;   /* enum bpf_core_relo_kind */
};

struct func {
	char *name;
	char *section; /* ".text": called by others; anything else: a program */
	bool global;   /* symbol binding */
	bool weak, hidden;
	bool dead;     /* spliced into another one: not written */
	__u32 type_id; /* BTF_KIND_FUNC; 0: none */
	ARRAY(struct bpf_insn) insns;
	/* all three sorted by insn */
	ARRAY(struct ref) refs;
	ARRAY(struct line) lines;
	ARRAY(struct core_relo) cores;
};

/* A static value of a map: a program in a PROG_ARRAY, a map in a map. */
struct map_value {
	__u32 offset;       /* bytes from the start of the map's variable */
	enum ref_kind kind; /* REF_FUNC or REF_MAP */
	__u32 target;
};

/* A map defined through BTF in .maps; what it is: mapdef.h. */
struct map {
	char *name;
	__u32 type_id; /* BTF_KIND_VAR */
	__u32 size;    /* of the variable */
	ARRAY(struct map_value) values;
};

enum section_kind { SECTION_DATA, SECTION_RODATA, SECTION_BSS, SECTION_OTHER };

struct var {
	__u32 type_id; /* BTF_KIND_VAR */
	__u32 offset, size;
};

/* Global variables. Each DATA, RODATA and BSS section becomes one array map. */
struct section {
	char *name;
	enum section_kind kind;
	__u32 align;
	struct { /* for SECTION_BSS the bytes are all zero, and there all the same */
		char *v;
		size_t n;
	} bytes;
	ARRAY(struct var) vars; /* sorted by offset */
};

/* Defined by the kernel: .kconfig values, .ksyms variables and functions. */
struct extern_sym {
	char *name;
	char *section;
	__u32 type_id; /* BTF_KIND_VAR or BTF_KIND_FUNC */
	bool weak;
};

struct unit {
	char *name; /* for messages */
	char *license;
	__u32 kern_version; /* section "version"; 0: none */
	struct btf *btf;    /* owned. Its DATASECs are not used: sections[] and maps[] are */
	ARRAY(struct func) funcs;
	ARRAY(struct map) maps;
	ARRAY(struct section) sections;
	ARRAY(struct extern_sym) externs;
};

/* An empty unit with empty BTF. */
int unit_new(const char *name, struct unit **ret, struct braid_error *err);
void unit_free(struct unit *u); /* NULL is fine */
DEFINE_CLEANUP(struct unit *, unit_free)

/* @bytes is borrowed during the call; @name is for messages. */
int unit_read(const void *bytes, size_t size, const char *name, struct unit **ret,
	      struct braid_error *err);
/* -> malloc'ed ELF; deterministic: the same unit gives the same bytes. */
int unit_write(const struct unit *u, void **ret_bytes, size_t *ret_size, struct braid_error *err);

static inline bool func_is_program(const struct func *f)
{
	return strcmp(f->section, ".text") != 0;
}

/* Index, or -1. */
int unit_find_func(const struct unit *u, const char *name);
int unit_find_map(const struct unit *u, const char *name);
int unit_find_section(const struct unit *u, const char *name);
/* A variable in a data section by name; NULL: none. @ret_section: its index. */
const struct var *unit_find_var(const struct unit *u, const char *name, __u32 *ret_section);
/* Name of a VAR or FUNC type; "" when it has none. */
const char *unit_type_name(const struct unit *u, __u32 type_id);

/* Other code in the place of its own; nothing in it is a reference. 0 or -ENOMEM. */
int func_set_body(struct func *f, const struct bpf_insn *insns, size_t n);

static inline bool insn_is_ld_imm64(const struct bpf_insn *i)
{
	return i->code == (BPF_LD | BPF_IMM | BPF_DW);
}

static inline bool insn_is_exit(const struct bpf_insn *i)
{
	return i->code == (BPF_JMP | BPF_EXIT);
}

static inline bool insn_is_call(const struct bpf_insn *i)
{
	return i->code == (BPF_JMP | BPF_CALL);
}

/* A call of another function of the object (not of a helper or kernel function). */
static inline bool insn_is_pseudo_call(const struct bpf_insn *i)
{
	return insn_is_call(i) && i->src_reg == BPF_PSEUDO_CALL;
}

/*
 * Jumps within a function. @ret_target: relative to the next instruction.
 * BPF_JMP32|BPF_JA ("gotol", -mcpu=v4) keeps its target in imm.
 */
static inline bool insn_is_jump(const struct bpf_insn *i, __s32 *ret_target)
{
	int class = BPF_CLASS(i->code), op = BPF_OP(i->code);

	if ((class != BPF_JMP && class != BPF_JMP32) || op == BPF_CALL || op == BPF_EXIT)
		return false;
	*ret_target = class == BPF_JMP32 && op == BPF_JA ? i->imm : i->off;
	return true;
}
