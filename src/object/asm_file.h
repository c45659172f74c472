/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* A file of assembler text on its way to a unit. */
#pragma once

#include "object/asm_insn.h"
#include "object/asm_types.h"

/* A label, or a jump to one, in the function that is being read. */
struct asm_label {
	struct word name;
	__u32 insn;
	struct scan at;
};

/* An instruction that names something which may come later in the file. */
struct asm_pending {
	__u32 func, insn;
	enum asm_name kind;
	struct word name;
	__s64 addend;
	struct scan at;
};

/* A value of a map that names something. */
struct asm_value {
	__u32 map, slot;
	struct word name;
	struct scan at;
};

enum asm_argument { ASM_CONTEXT, ASM_NUMBER };

/* Of a function without a type. */
struct asm_arguments {
	__u8 n;
	enum asm_argument v[5];
};

struct asm_file {
	struct scan s;
	struct unit *u;
	struct asm_types types;
	int func;    /* that is being read; -1: none yet */
	int section; /* that bytes go to; -1 */
	char *file;  /* of source lines; owned */
	ARRAY(struct asm_label) labels;
	ARRAY(struct asm_label) jumps;
	ARRAY(struct asm_pending) pending;
	ARRAY(struct asm_value) values;
	ARRAY(struct asm_arguments) arguments; /* by function */
};

/* asm.c: the function before this one ends. */
int asm_end_function(struct asm_file *a);
/* A snippet without any frame is a program, too. */
int asm_need_function(struct asm_file *a);

/* asm_parts.c: what stands behind ".word". */
int asm_directive(struct asm_file *a, struct word word);
int asm_add_function(struct asm_file *a, const char *name, const char *section);
/* "name=5"; false: another word stands here. */
bool asm_attribute(struct scan *s, const char *name);

/* A name, malloc()ed. */
int asm_name(struct asm_file *a, const char *what, char **ret);
/* The number behind "type=", of one of @kinds. 0: none. */
int asm_type_attribute(struct asm_file *a, __u32 kinds, __u32 *ret);
/* By enum bpf_core_relo_kind. */
extern const char *const asm_core_kinds[];
extern const __u32 asm_n_core_kinds;

/* asm_maps.c */
int asm_map(struct asm_file *a);
int asm_map_value(struct asm_file *a);

/* asm_data.c */
int asm_section(struct asm_file *a);
int asm_bytes(struct asm_file *a);
int asm_variable(struct asm_file *a);

/* asm_end.c: what the whole file had to be read for. */
int asm_finish(struct asm_file *a);
