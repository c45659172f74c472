/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * .BTF.ext: which type each function has, which line each instruction comes from,
 * and CO-RE records. Layout: Linux, Documentation/bpf/btf.rst, ".BTF.ext section".
 */
#include "object/read.h"

#include <bpf/btf.h>
#include <errno.h>

#include "base/error.h"
#include "base/text.h"

struct ext_header {
	__u16 magic;
	__u8 version, flags;
	__u32 hdr_len;
	/* offsets from the end of the header */
	__u32 func_off, func_len;
	__u32 line_off, line_len;
	__u32 core_off, core_len; /* only when hdr_len covers them */
};

#define EXT_HEADER_MIN 24 /* without the CO-RE fields */

struct ext_func {
	__u32 offset, type_id;
};

struct ext_line {
	__u32 offset, file, text, line_col;
};

struct ext_core {
	__u32 offset, type_id, access, kind;
};

typedef int ext_record_fn(struct reader *r, struct func *f, __u32 insn, const void *record);

static int add_type(struct reader *r, struct func *f, __u32 insn, const void *record)
{
	const struct ext_func *e = record;
	const struct btf_type *t = btf__type_by_id(r->unit->btf, e->type_id);

	if (insn || !t || !btf_is_func(t))
		return read_broken(r, "function %s has no function type", f->name);
	f->type_id = e->type_id;
	return 0;
}

static int add_line(struct reader *r, struct func *f, __u32 insn, const void *record)
{
	const struct ext_line *e = record;

	if (f->lines.n && f->lines.v[f->lines.n - 1].insn >= insn)
		return read_broken(r, "line records of %s are out of order", f->name);
	if (!btf__str_by_offset(r->unit->btf, e->file) ||
	    !btf__str_by_offset(r->unit->btf, e->text))
		return read_broken(r, "a line record of %s names no file", f->name);
	if (!array_add(&f->lines, ((struct line){insn, e->file, e->text, e->line_col})))
		return error_oom(r->err);
	return 0;
}

static int add_core(struct reader *r, struct func *f, __u32 insn, const void *record)
{
	const struct ext_core *e = record;

	if (!btf__type_by_id(r->unit->btf, e->type_id) ||
	    !btf__str_by_offset(r->unit->btf, e->access))
		return read_broken(r, "a CO-RE record of %s names no type", f->name);
	if (f->cores.n && f->cores.v[f->cores.n - 1].insn >= insn)
		return read_broken(r, "CO-RE records of %s are out of order", f->name);
	if (!array_add(&f->cores, ((struct core_relo){insn, e->type_id, e->access, e->kind})))
		return error_oom(r->err);
	return 0;
}

static int code_by_name(const struct reader *r, const char *name)
{
	array_foreach (c, &r->codes)
		if (text_eq(c->name, name))
			return c - r->codes.v;
	return -1;
}

/* One of the three parts: record size, then per section a header and its records. */
static int each_record(struct reader *r, const char *part, __u32 size, __u32 min_size,
		       ext_record_fn *add)
{
	__u32 record_size, at = sizeof(record_size);

	if (!size)
		return 0;
	if (size < at)
		return read_broken(r, "damaged .BTF.ext");
	memcpy(&record_size, part, sizeof(record_size));
	if (record_size < min_size || record_size > 256)
		return read_broken(r, ".BTF.ext has records of %u bytes", record_size);
	while (at < size) {
		const char *name;
		__u32 head[2]; /* name of the section, number of records */
		int code;

		if (size - at < sizeof(head))
			return read_broken(r, "damaged .BTF.ext");
		memcpy(head, part + at, sizeof(head));
		at += sizeof(head);
		if (head[1] > (size - at) / record_size)
			return read_broken(r, "damaged .BTF.ext");
		name = btf__str_by_offset(r->unit->btf, head[0]);
		code = name ? code_by_name(r, name) : -1;
		for (__u32 i = 0; i < head[1]; i++, at += record_size) {
			__u32 record[64], insn;
			int f, err;

			if (code < 0)
				continue; /* of a section that was discarded */
			memcpy(record, part + at, record_size);
			insn = record[0] / sizeof(struct bpf_insn);
			f = read_func_at(r, code, insn);
			if (f < 0)
				return read_broken(r, ".BTF.ext names code that is not there");
			err = add(r, &r->unit->funcs.v[f], insn - r->func_ats.v[f].first, record);
			if (err)
				return err;
		}
	}
	return 0;
}

static bool inside(const struct reader *r, const struct ext_header *h, __u32 off, __u32 len)
{
	size_t room = r->ext_size - h->hdr_len;

	return off <= room && len <= room - off;
}

int read_ext(struct reader *r)
{
	const char *base = r->ext_bytes;
	struct ext_header h = {};

	if (!base)
		return 0;
	if (r->ext_size < EXT_HEADER_MIN)
		return read_broken(r, "damaged .BTF.ext");
	memcpy(&h, base, EXT_HEADER_MIN);
	if (h.magic != 0xeB9F || h.version != 1 || h.hdr_len < EXT_HEADER_MIN ||
	    h.hdr_len > r->ext_size)
		return read_broken(r, "damaged .BTF.ext");
	if (h.hdr_len >= sizeof(h))
		memcpy(&h, base, sizeof(h));
	if (!inside(r, &h, h.func_off, h.func_len) || !inside(r, &h, h.line_off, h.line_len) ||
	    !inside(r, &h, h.core_off, h.core_len))
		return read_broken(r, "damaged .BTF.ext");
	base += h.hdr_len;
	return each_record(r, base + h.func_off, h.func_len, sizeof(struct ext_func), add_type) ?:
	       each_record(r, base + h.line_off, h.line_len, sizeof(struct ext_line), add_line) ?:
	       each_record(r, base + h.core_off, h.core_len, sizeof(struct ext_core), add_core);
}
