/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "object/asm_types.h"

#include <bpf/btf.h>
#include <ctype.h>
#include <errno.h>
#include <stdint.h>

#include "base/error.h"
#include "base/text.h"
#include "object/read.h"
#include "object/types.h"

static const struct asm_type_kind asm_type_kinds[] = {
	[BTF_KIND_INT] = {"int", 1},
	[BTF_KIND_PTR] = {"ptr"},
	[BTF_KIND_ARRAY] = {"array", 3},
	[BTF_KIND_STRUCT] = {"struct", 3, true, true},
	[BTF_KIND_UNION] = {"union", 3, true, true},
	[BTF_KIND_ENUM] = {"enum", 2, true, true},
	[BTF_KIND_FWD] = {"fwd"},
	[BTF_KIND_TYPEDEF] = {"typedef"},
	[BTF_KIND_VOLATILE] = {"volatile"},
	[BTF_KIND_CONST] = {"const"},
	[BTF_KIND_RESTRICT] = {"restrict"},
	[BTF_KIND_FUNC] = {"func"},
	[BTF_KIND_FUNC_PROTO] = {"func_proto", 2, true, true},
	[BTF_KIND_VAR] = {"var", 1},
	[BTF_KIND_FLOAT] = {"float"},
	[BTF_KIND_DECL_TAG] = {"decl_tag", 1},
	[BTF_KIND_TYPE_TAG] = {"type_tag"},
	[BTF_KIND_ENUM64] = {"enum64", 3, true, true},
};
static const __u32 asm_n_type_kinds = sizeof(asm_type_kinds) / sizeof(*asm_type_kinds);

#define MAX_MEMBERS 0xffff

void asm_types_done(struct asm_types *t)
{
	buf_done(&t->types);
	buf_done(&t->strings);
}

/* A quoted string goes to the strings; @ret: its offset there. */
static int string(struct scan *s, struct asm_types *t, __u32 *ret)
{
	_cleanup_free_ char *text = NULL;
	size_t n;
	int r = scan_string(s, &text, &n);

	if (r)
		return r;
	*ret = 0; /* "" */
	if (!n)
		return 0;
	if (strlen(text) != n)
		return scan_wrong(s, "a name with a NUL in it");
	*ret = t->strings.n;
	return buf_add(&t->strings, text, n + 1) ? error_oom(s->err) : 0;
}

static int kind_word(struct scan *s, __u32 *ret)
{
	struct word w;
	const char *was = s->at;

	if (scan_word(s, &w))
		for (__u32 k = 1; k < asm_n_type_kinds; k++)
			if (asm_type_kinds[k].word && word_is(w, asm_type_kinds[k].word)) {
				*ret = k;
				return 0;
			}
	s->at = was;
	return scan_expected(s, "a kind of type, such as int or struct");
}

/* What is behind the colon. */
static int words(struct scan *s, struct asm_types *t, const struct asm_type_kind *kind,
		 __u32 *ret_n)
{
	__u32 n = 0;

	while (!scan_is_end(s)) {
		__u32 word = 0;
		__u64 number = 0;
		int r = kind->named && n % kind->words == 0 ? string(s, t, &word)
							    : scan_u64(s, "number", &number);

		if (r)
			return r;
		word = word ?: number;
		if (buf_add(&t->types, &word, sizeof(word)))
			return error_oom(s->err);
		n++;
	}
	*ret_n = n;
	return 0;
}

static int head(struct scan *s, struct asm_types *t, struct btf_type *ret)
{
	__u32 kind = 0, flag = 0;
	__s64 number = 0, linkage = 0, value = 0;
	int r = scan_number(s, "number of a type", 1, UINT32_MAX, &number);

	if (!r && number != t->n + 1)
		return scan_wrong(s, "this is type %u: they are numbered from 1", t->n + 1);
	r = r ?: kind_word(s, &kind) ?: string(s, t, &ret->name_off);
	r = r ?: scan_number(s, "size or type", 0, UINT32_MAX, &value);
	if (!r && scan_keyword(s, "flag"))
		flag = 1;
	if (!r && kind == BTF_KIND_FUNC)
		r = scan_number(s, "linkage", 0, 2, &linkage);
	ret->info = kind << 24 | flag << 31 | (__u32)linkage;
	ret->size = value;
	return r;
}

int asm_type(struct scan *s, struct asm_types *t)
{
	struct btf_type type = {};
	const struct asm_type_kind *kind;
	size_t at = t->types.n;
	__u32 n = 0;
	int r;

	if (!t->strings.n && buf_add(&t->strings, "", 1))
		return error_oom(s->err);
	r = head(s, t, &type);
	if (!r && buf_add(&t->types, &type, sizeof(type)))
		r = error_oom(s->err);
	if (r)
		return r;
	kind = &asm_type_kinds[BTF_INFO_KIND(type.info)];
	if (kind->words && scan_sign(s, ":"))
		r = words(s, t, kind, &n);
	if (!r && kind->words && (kind->many ? n % kind->words : n != kind->words))
		return scan_wrong(s, "%s: %u numbers%s are expected behind ':'", kind->word,
				  kind->words, kind->many ? " for each member" : "");
	if (!r && kind->many && n / kind->words > MAX_MEMBERS)
		return scan_wrong(s, "more than %u members", MAX_MEMBERS);
	if (!r && kind->many) {
		type.info |= n / kind->words;
		memcpy(t->types.v + at, &type, sizeof(type));
	}
	t->n++;
	return r ?: scan_end(s);
}

int asm_types_finish(struct asm_types *t, struct unit *u, struct braid_error *err)
{
	struct btf_header h = {
		.magic = BTF_MAGIC,
		.version = BTF_VERSION,
		.hdr_len = sizeof(h),
		.type_len = t->types.n,
		.str_off = t->types.n,
		.str_len = t->strings.n,
	};
	struct reader r = {.unit = u, .err = err};
	struct buf all = {};
	struct btf *btf;

	if (!t->n)
		return 0;
	buf_add(&all, &h, sizeof(h));
	buf_add(&all, t->types.v, t->types.n);
	buf_add(&all, t->strings.v, t->strings.n);
	btf = all.failed ? NULL : btf__new(all.v, all.n);
	buf_done(&all);
	if (!btf) {
		error_set(err, -EINVAL, u->name, "the .type lines make no BTF (%s)",
			  error_name(errno));
		return -EINVAL;
	}
	btf__free(u->btf);
	u->btf = btf;
	return read_types(&r);
}

void asm_quote(struct buf *b, const char *text)
{
	buf_str(b, "\"");
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			buf_fmt(b, "\\%c", *text);
		else if (*text == '\t')
			buf_str(b, "\\t");
		else if (isprint((unsigned char)*text))
			buf_add(b, text, 1);
		else
			buf_fmt(b, "\\x%02x", (unsigned char)*text);
	}
	buf_str(b, "\"");
}

/* Does word @i of an item say a type? */
static bool is_type_word(__u32 kind, __u32 i)
{
	switch (kind) {
	case BTF_KIND_ARRAY:
		return i < 2;
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
	case BTF_KIND_FUNC_PROTO:
		return i == 1;
	default:
		return false;
	}
}

static void add_words(const struct unit *u, const struct btf_type *t, const __u32 *ids,
		      struct buf *b)
{
	const struct asm_type_kind *kind = &asm_type_kinds[btf_kind(t)];
	__u32 n = kind->many ? btf_vlen(t) * kind->words : kind->words;
	const __u32 *word = (const __u32 *)(t + 1);

	if (n)
		buf_str(b, " :");
	for (__u32 i = 0; i < n; i++) {
		__u32 k = i % kind->words;

		buf_str(b, " ");
		if (kind->named && !k)
			asm_quote(b, btf__str_by_offset(u->btf, word[i]) ?: "");
		else if (is_type_word(btf_kind(t), k))
			buf_fmt(b, "%u", ids[word[i]]);
		else
			buf_fmt(b, "%u", word[i]);
	}
}

static bool refers(const struct btf_type *t)
{
	return !(btf_is_int(t) || btf_is_composite(t) || btf_is_any_enum(t) || btf_is_float(t) ||
		 btf_is_fwd(t) || btf_is_array(t));
}

void asm_types_text(const struct unit *u, __u32 *ids, struct buf *b)
{
	__u32 n = btf__type_cnt(u->btf), next = 1;

	ids[0] = 0;
	for (__u32 id = 1; id < n; id++)
		ids[id] = btf_is_datasec(btf__type_by_id(u->btf, id)) ? 0 : next++;
	for (__u32 id = 1; id < n; id++) {
		const struct btf_type *t = btf__type_by_id(u->btf, id);

		if (btf_is_datasec(t))
			continue;
		buf_fmt(b, ".type %u %s ", ids[id], asm_type_kinds[btf_kind(t)].word);
		asm_quote(b, btf__str_by_offset(u->btf, t->name_off) ?: "");
		buf_fmt(b, " %u", refers(t) ? ids[t->type] : t->size);
		if (btf_kflag(t))
			buf_str(b, " flag");
		if (btf_is_func(t))
			buf_fmt(b, " %u", btf_vlen(t));
		add_words(u, t, ids, b);
		buf_str(b, "\n");
	}
}
