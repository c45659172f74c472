/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* A relocatable ELF64 file of machine BPF, built section by section in memory. */
#pragma once

#include <elf.h>
#include <linux/types.h>

#include "base/array.h"
#include "base/text.h"

struct out_section {
	const char *name; /* borrowed; a SHT_REL is named after the section it is for (info) */
	__u32 type, link, info;
	__u64 flags, align, entsize;
	__u64 nobits; /* size of a SHT_NOBITS section */
	struct buf bytes;
};

/* Sections [0] and [1] are the null section and the string table. */
struct elf_out {
	ARRAY(struct out_section) sections;
	ARRAY(Elf64_Sym) symbols; /* locals first */
	struct buf strings;
	bool failed; /* no memory, somewhere */
};

void elf_out_init(struct elf_out *e);
void elf_out_done(struct elf_out *e);
/* Index of a new section; its bytes go to e->sections.v[index].bytes. */
__u32 elf_out_section(struct elf_out *e, const char *name, __u32 type, __u64 flags, __u64 align);
__u32 elf_out_symbol(struct elf_out *e, const char *name, int bind, int type, __u32 section,
		     __u64 value, __u64 size);
/* Adds symbol and string tables and lays the file out. 0 or -ENOMEM. */
int elf_out_finish(struct elf_out *e, void **ret_bytes, size_t *ret_size);
