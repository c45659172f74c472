/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Global variables, and the bytes of their sections. */
#include <bpf/btf.h>
#include <ctype.h>
#include <errno.h>
#include <stdint.h>

#include "base/error.h"
#include "base/text.h"
#include "object/asm_file.h"

#define SIZE_LIMIT (64 << 20) /* as the reader of objects has it */

static enum section_kind kind_of(const char *name)
{
	static const struct {
		const char *name;
		enum section_kind kind;
	} kinds[] = {{".data", SECTION_DATA}, {".rodata", SECTION_RODATA}, {".bss", SECTION_BSS}};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		size_t n = strlen(kinds[i].name);

		if (text_has_prefix(name, kinds[i].name) && (!name[n] || name[n] == '.'))
			return kinds[i].kind;
	}
	return SECTION_OTHER;
}

static struct section *find_or_add(struct asm_file *a, const char *name, int *ret)
{
	int index = unit_find_section(a->u, name);
	struct section *s = index < 0 ? array_push(&a->u->sections) : &a->u->sections.v[index];

	if (s && index < 0) {
		s->name = strdup(name);
		s->kind = kind_of(name);
		s->align = 1;
	}
	if (!s || !s->name)
		return NULL;
	*ret = s - a->u->sections.v;
	return s;
}

static int grow(struct asm_file *a, struct section *s, __u64 size)
{
	char *bytes;

	if (size <= s->bytes.n)
		return 0;
	if (size > SIZE_LIMIT)
		return scan_wrong(&a->s, "section %s would have more than 64 MiB", s->name);
	bytes = realloc(s->bytes.v, size);
	if (!bytes)
		return error_oom(a->s.err);
	memset(bytes + s->bytes.n, 0, size - s->bytes.n);
	s->bytes.v = bytes;
	s->bytes.n = size;
	return 0;
}

/* .section NAME [nobits] [align=N] [size=N] */
int asm_section(struct asm_file *a)
{
	_cleanup_free_ char *name = NULL;
	struct section *s;
	__s64 n = 0;
	int r = asm_name(a, "the name of a section", &name);

	if (r)
		return r;
	s = find_or_add(a, name, &a->section);
	if (!s)
		return error_oom(a->s.err);
	while (!r && !scan_is_end(&a->s)) {
		if (scan_keyword(&a->s, "nobits")) {
			s->kind = SECTION_BSS;
		} else if (asm_attribute(&a->s, "align")) {
			r = scan_number(&a->s, "alignment", 1, 4096, &n);
			if (!r && n & (n - 1))
				return scan_wrong(&a->s, "alignments are powers of two");
			s->align = r ? s->align : n;
		} else if (asm_attribute(&a->s, "size")) {
			r = scan_number(&a->s, "size", 0, SIZE_LIMIT, &n) ?: grow(a, s, n);
		} else {
			return scan_expected(&a->s, "nobits, align= or size=");
		}
	}
	return r;
}

static int put(struct asm_file *a, struct section *s, __u64 at, const void *bytes, size_t n)
{
	int r = grow(a, s, at + n);

	if (r)
		return r;
	for (size_t i = 0; i < n && s->kind == SECTION_BSS; i++)
		if (((const char *)bytes)[i])
			return scan_wrong(&a->s, "all of section %s is zero", s->name);
	if (n)
		memcpy(s->bytes.v + at, bytes, n);
	return 0;
}

/* .bytes OFFSET: 01 02 "text" … */
int asm_bytes(struct asm_file *a)
{
	__s64 at = 0;
	int r = scan_number(&a->s, "offset", 0, SIZE_LIMIT, &at) ?: scan_expect(&a->s, ":");
	struct section *s;

	if (a->section < 0)
		return scan_wrong(&a->s, "of which section? .section stands in front of .bytes");
	s = &a->u->sections.v[a->section];
	while (!r && !scan_is_end(&a->s)) {
		char digits[3] = {};

		if (scan_is_string(&a->s)) {
			_cleanup_free_ char *text = NULL;
			size_t n = 0;

			r = scan_string(&a->s, &text, &n) ?: put(a, s, at, text, n);
			at += n;
		} else if (a->s.end - a->s.at >= 2 && isxdigit((unsigned char)a->s.at[0]) &&
			   isxdigit((unsigned char)a->s.at[1])) {
			unsigned char byte;

			memcpy(digits, a->s.at, 2);
			byte = strtoul(digits, NULL, 16);
			a->s.at += 2;
			r = put(a, s, at++, &byte, 1);
		} else {
			return scan_expected(&a->s,
					     "a byte of two hexadecimal digits, or a string");
		}
	}
	return r;
}

/* u8 to u64; @ret_type: of BTF. */
static int scalar(struct asm_file *a, __u32 *ret_size, int *ret_type)
{
	static const struct {
		const char *word, *c_name;
		__u32 size;
	} scalars[] = {
		{"u8", "unsigned char", 1},
		{"u16", "unsigned short", 2},
		{"u32", "unsigned int", 4},
		{"u64", "unsigned long long", 8},
	};

	for (size_t i = 0; i < sizeof(scalars) / sizeof(*scalars); i++) {
		if (!scan_keyword(&a->s, scalars[i].word))
			continue;
		*ret_size = scalars[i].size;
		*ret_type = btf__add_int(a->u->btf, scalars[i].c_name, scalars[i].size, 0);
		return *ret_type < 0 ? error_oom(a->s.err) : 0;
	}
	return scan_expected(&a->s, "u8, u16, u32, u64, or type=N at=N size=N");
}

/* "1000 7": the values of an array of @count; fewer are filled up with 0. */
static int values(struct asm_file *a, struct section *s, __u64 at, __u32 size, __u32 *ret_count,
		  bool counted)
{
	__u32 n = 0;
	int r = 0;

	while (!r && !scan_is_end(&a->s)) {
		__s64 low = size == 8 ? INT64_MIN : -(1ll << (8 * size - 1));
		__s64 high = size == 8 ? INT64_MAX : (1ll << 8 * size) - 1, number = 0;
		__u64 value = 0;

		if (counted && n == *ret_count)
			return scan_wrong(&a->s, "more values than the %u of the array",
					  *ret_count);
		if (size == 8)
			r = scan_u64(&a->s, "a number", &value);
		else
			r = scan_number(&a->s, "number", low, high, &number);
		value = size == 8 ? value : (__u64)number;
		if (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__)
			value <<= 64 - 8 * size;
		r = r ?: put(a, s, at + (__u64)n * size, &value, size);
		n++;
	}
	if (!counted)
		*ret_count = n ?: 1;
	return r ?: grow(a, s, at + (__u64)*ret_count * size);
}

static int add_var(struct asm_file *a, struct section *s, struct var v)
{
	size_t i;

	if (!array_push(&s->vars))
		return error_oom(a->s.err);
	for (i = s->vars.n - 1; i && s->vars.v[i - 1].offset > v.offset; i--)
		s->vars.v[i] = s->vars.v[i - 1];
	s->vars.v[i] = v;
	return 0;
}

/* NAME SECTION [static] u32[4] 1 2 3 4: behind what is in the section */
static int plain_variable(struct asm_file *a, struct section *s, const char *name)
{
	int linkage = scan_keyword(&a->s, "static") ? BTF_VAR_STATIC : BTF_VAR_GLOBAL_ALLOCATED;
	__u32 size = 0, n = 1;
	__s64 count = 1;
	bool counted = false;
	int type = 0, var, r = scalar(a, &size, &type);
	__u64 at;

	if (!r && scan_sign(&a->s, "[")) {
		counted = true;
		r = scan_number(&a->s, "number of elements", 1, SIZE_LIMIT, &count)
			    ?: scan_expect(&a->s, "]");
		n = count;
	}
	if (r)
		return r;
	at = (s->bytes.n + size - 1) / size * size;
	s->align = s->align < size ? size : s->align;
	r = values(a, s, at, size, &n, counted);
	if (r)
		return r;
	if (counted || n > 1)
		type = btf__add_array(a->u->btf, type, type, n);
	var = type < 0 ? type : btf__add_var(a->u->btf, name, linkage, type);
	return var < 0 ? error_oom(a->s.err) : add_var(a, s, (struct var){var, at, n * size});
}

/* NAME SECTION type=N at=N size=N */
static int typed_variable(struct asm_file *a, struct section *s, const char *name)
{
	struct var v = {};
	__s64 at = 0, size = 0;
	int r = asm_type_attribute(a, 1u << BTF_KIND_VAR, &v.type_id);

	if (!r && !text_eq(unit_type_name(a->u, v.type_id), name))
		return scan_wrong(&a->s, "type %u is that of variable '%s'", v.type_id,
				  unit_type_name(a->u, v.type_id));
	if (!r && !asm_attribute(&a->s, "at"))
		return scan_expected(&a->s, "at=");
	r = r ?: scan_number(&a->s, "offset", 0, SIZE_LIMIT, &at);
	if (!r && !asm_attribute(&a->s, "size"))
		return scan_expected(&a->s, "size=");
	r = r ?: scan_number(&a->s, "size", 0, SIZE_LIMIT, &size) ?: grow(a, s, at + size);
	v.offset = at;
	v.size = size;
	return r ?: add_var(a, s, v);
}

int asm_variable(struct asm_file *a)
{
	_cleanup_free_ char *name = NULL, *section = NULL;
	struct section *s;
	__u32 other;
	int index, r = asm_name(a, "the name of a variable", &name)
			       ?: asm_name(a, "a section, such as .data", &section);

	if (!r && unit_find_var(a->u, name, &other))
		return scan_wrong(&a->s, "there is a variable '%s' already", name);
	s = r ? NULL : find_or_add(a, section, &index);
	if (!s)
		return r ?: error_oom(a->s.err);
	return asm_attribute(&a->s, "type") ? typed_variable(a, s, name)
					    : plain_variable(a, s, name);
}
