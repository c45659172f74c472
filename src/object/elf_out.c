/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "object/elf_out.h"

#include <errno.h>

void elf_out_init(struct elf_out *e)
{
	*e = (struct elf_out){};
	elf_out_section(e, "", SHT_NULL, 0, 0);
	elf_out_section(e, ".strtab", SHT_STRTAB, 0, 1);
	buf_fill(&e->strings, 0, 1);
	elf_out_symbol(e, NULL, STB_LOCAL, STT_NOTYPE, SHN_UNDEF, 0, 0);
}

void elf_out_done(struct elf_out *e)
{
	array_foreach (s, &e->sections)
		buf_done(&s->bytes);
	array_done(&e->sections);
	array_done(&e->symbols);
	buf_done(&e->strings);
}

static __u32 add_string(struct elf_out *e, const char *s)
{
	__u32 at = e->strings.n;

	if (!s || !*s)
		return 0;
	buf_add(&e->strings, s, strlen(s) + 1);
	return at;
}

__u32 elf_out_section(struct elf_out *e, const char *name, __u32 type, __u64 flags, __u64 align)
{
	struct out_section *s = array_push(&e->sections);

	if (!s) {
		e->failed = true;
		return 0;
	}
	s->name = name;
	s->type = type;
	s->flags = flags;
	s->align = align;
	return e->sections.n - 1;
}

__u32 elf_out_symbol(struct elf_out *e, const char *name, int bind, int type, __u32 section,
		     __u64 value, __u64 size)
{
	Elf64_Sym *s = array_push(&e->symbols);

	if (!s) {
		e->failed = true;
		return 0;
	}
	s->st_name = add_string(e, name);
	s->st_info = ELF64_ST_INFO(bind, type);
	s->st_shndx = section;
	s->st_value = value;
	s->st_size = size;
	return e->symbols.n - 1;
}

static void add_symtab(struct elf_out *e)
{
	__u32 index = elf_out_section(e, ".symtab", SHT_SYMTAB, 0, 8);
	struct out_section *s = &e->sections.v[index];
	__u32 locals = 0;

	if (e->failed)
		return;
	while (locals < e->symbols.n && ELF64_ST_BIND(e->symbols.v[locals].st_info) == STB_LOCAL)
		locals++;
	s->link = 1;
	s->info = locals;
	s->entsize = sizeof(Elf64_Sym);
	buf_add(&s->bytes, e->symbols.v, e->symbols.n * sizeof(Elf64_Sym));
	array_foreach (rel, &e->sections)
		if (rel->type == SHT_REL)
			rel->link = index;
}

static __u32 add_section_name(struct elf_out *e, const struct out_section *s)
{
	__u32 at;

	if (s->type != SHT_REL)
		return add_string(e, s->name);
	at = e->strings.n;
	buf_str(&e->strings, ".rel");
	add_string(e, e->sections.v[s->info].name);
	return at;
}

static const Elf64_Ehdr file_header = {
	.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64,
		    __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? ELFDATA2LSB : ELFDATA2MSB,
		    EV_CURRENT},
	.e_type = ET_REL,
	.e_machine = EM_BPF,
	.e_version = EV_CURRENT,
	.e_ehsize = sizeof(Elf64_Ehdr),
	.e_shentsize = sizeof(Elf64_Shdr),
	.e_shstrndx = 1,
};

int elf_out_finish(struct elf_out *e, void **ret_bytes, size_t *ret_size)
{
	struct buf file = {}, headers = {};
	Elf64_Ehdr *eh;
	bool failed;

	add_symtab(e);
	buf_add(&file, &file_header, sizeof(file_header));
	for (size_t i = 0; i < e->sections.n && !e->failed; i++) {
		struct out_section *s = &e->sections.v[i];
		Elf64_Shdr sh = {
			.sh_name = add_section_name(e, s),
			.sh_type = s->type,
			.sh_flags = s->flags,
			.sh_link = s->link,
			.sh_info = s->info,
			.sh_addralign = s->align,
			.sh_entsize = s->entsize,
		};
		/* the names of sections stand in the same table: it goes last */
		const struct buf *bytes = i == 1 ? NULL : &s->bytes;

		if (bytes) {
			buf_align(&file, s->align ?: 1);
			sh.sh_offset = file.n;
			sh.sh_size = s->type == SHT_NOBITS ? s->nobits : bytes->n;
			buf_add(&file, bytes->v, bytes->n);
		}
		e->failed |= s->bytes.failed;
		buf_add(&headers, &sh, sizeof(sh));
	}
	failed = e->failed || e->strings.failed || headers.failed || file.failed;
	if (!failed) {
		Elf64_Shdr *names = (Elf64_Shdr *)headers.v + 1;

		names->sh_offset = file.n;
		names->sh_size = e->strings.n;
		buf_add(&file, e->strings.v, e->strings.n);
		buf_align(&file, 8);
		eh = (Elf64_Ehdr *)file.v;
		if (!file.failed) {
			eh->e_shoff = file.n;
			eh->e_shnum = e->sections.n;
		}
		buf_add(&file, headers.v, headers.n);
		failed = file.failed;
	}
	buf_done(&headers);
	if (failed) {
		buf_done(&file);
		return -ENOMEM;
	}
	*ret_size = file.n;
	*ret_bytes = buf_take(&file);
	return 0;
}
