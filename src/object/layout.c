/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* The walk along a type, down to what is no struct and no array. */
#include "object/layout.h"

#include <bpf/btf.h>
#include <errno.h>
#include <stdint.h>

#include "base/error.h"
#include "base/text.h"
#include "object/layout_index.h"
#include "object/unit.h"

/* Deeper or more than that is taken for broken BTF: a struct within a struct within … */
#define DEPTH_MAX  32
#define LEAVES_MAX 65536

struct tag {
	__u32 type;
	int component; /* index of a member; -1: the type itself */
};

struct walk {
	const struct btf *btf;
	struct layout out;
	ARRAY(struct tag) counters;
	bool in_union;
	struct braid_error *err;
};

/* Where the walk is. */
struct at {
	const char *path;
	__u32 bit;
	__u32 bitfield; /* its size in bits; 0: none */
	unsigned int depth;
	bool counter;
	__u32 n_dims;
	struct dim dims[LAYOUT_DIMS];
};

/* A type without its modifiers and typedefs. */
struct bare {
	__u32 id;
	const struct btf_type *t;
	const char *name; /* the outermost one; NULL: none */
	bool network_order;
};

static int walk(struct walk *w, __u32 id, const struct at *at);

static void leaf_done(struct leaf *l)
{
	free(l->path);
	free(l->name);
	free(l->type);
	free(l->inside);
}

void layout_done(struct layout *l)
{
	array_foreach (leaf, &l->leaves)
		leaf_done(leaf);
	array_done(&l->leaves);
	*l = (struct layout){};
}

static int broken(struct walk *w, const struct at *at)
{
	error_set(w->err, -EINVAL, *at->path ? at->path : NULL, "its type in the BTF is broken");
	return -EINVAL;
}

static bool is_network_order(const char *name)
{
	return text_eq(name, "__be16") || text_eq(name, "__be32") || text_eq(name, "__be64");
}

static bool is_modifier(const struct btf_type *t)
{
	return btf_is_mod(t) || btf_is_typedef(t) || btf_is_type_tag(t) || btf_is_var(t);
}

/* false: the BTF leads nowhere. */
static bool strip(const struct btf *btf, __u32 id, struct bare *ret)
{
	struct bare b = {.id = id, .t = btf__type_by_id(btf, id)};

	for (int i = 0; b.t && is_modifier(b.t) && i < DEPTH_MAX; i++) {
		const char *name = btf__name_by_offset(btf, b.t->name_off) ?: "";

		if (btf_is_typedef(b.t)) {
			b.name = b.name ?: name;
			b.network_order |= is_network_order(name);
		}
		b.id = b.t->type;
		b.t = btf__type_by_id(btf, b.id);
	}
	if (!b.t || is_modifier(b.t))
		return false;
	if (!b.name && b.t->name_off)
		b.name = btf__name_by_offset(btf, b.t->name_off);
	*ret = b;
	return true;
}

/* "__u32", "struct flow", "union address", "void *": what stands in front of a declaration. */
static char *type_text(const struct btf *btf, __u32 id, const struct bare *b)
{
	const char *kind = btf_is_struct(b->t)     ? "struct"
			   : btf_is_union(b->t)    ? "union"
			   : btf_is_any_enum(b->t) ? "enum"
						   : "";
	bool is_typedef = b->name && (!b->t->name_off ||
				      strcmp(b->name, btf__name_by_offset(btf, b->t->name_off)));

	if (btf_is_ptr(b->t))
		return text_fmt("%s", b->name ?: "pointer");
	if (is_typedef)
		return strdup(b->name);
	return text_fmt("%s%s%s", kind, *kind && b->name ? " " : "", b->name ?: "");
}

/* As in fit: clang marks char as any signed number of one byte, but names it. */
static bool is_char(const struct btf *btf, const struct btf_type *t)
{
	return t->size == 1 && (btf_int_encoding(t) & BTF_INT_CHAR ||
				text_eq(btf__name_by_offset(btf, t->name_off), "char"));
}

static enum leaf_kind kind_of_int(const struct btf *btf, const struct btf_type *t)
{
	int encoding = btf_int_encoding(t);

	return encoding & BTF_INT_BOOL     ? LEAF_BOOL
	       : is_char(btf, t)           ? LEAF_CHAR
	       : encoding & BTF_INT_SIGNED ? LEAF_SIGNED
					   : LEAF_UNSIGNED;
}

/* Compilers before LLVM 15 do not say whether an enum is signed. */
static enum leaf_kind kind_of_enum(const struct btf_type *t)
{
	bool is_signed = btf_kflag(t);

	for (int i = 0; btf_is_enum(t) && i < btf_vlen(t); i++)
		is_signed = is_signed || btf_enum(t)[i].val < 0;
	return is_signed ? LEAF_SENUM : LEAF_ENUM;
}

/* A pointer that the kernel follows: __kptr and the like. */
static bool is_held_pointer(const struct btf *btf, const struct btf_type *t)
{
	const struct btf_type *to = btf__type_by_id(btf, t->type);

	if (!to || !btf_is_type_tag(to))
		return false;
	return strstr(btf__name_by_offset(btf, to->name_off) ?: "", "kptr") ||
	       text_eq(btf__name_by_offset(btf, to->name_off), "uptr");
}

/* Structs of the kernel's own, which programs only hand on to helpers. */
static bool is_special(const char *name, enum leaf_kind *ret)
{
	static const char *const locks[] = {"bpf_spin_lock", "bpf_res_spin_lock"};
	static const char *const held[] = {
		"bpf_timer",   "bpf_wq",      "bpf_list_head", "bpf_list_node",
		"bpf_rb_root", "bpf_rb_node", "bpf_refcount",  "bpf_task_work",
	};

	for (size_t i = 0; i < sizeof(locks) / sizeof(*locks); i++)
		if (text_eq(name, locks[i])) {
			*ret = LEAF_LOCK;
			return true;
		}
	for (size_t i = 0; i < sizeof(held) / sizeof(*held); i++)
		if (text_eq(name, held[i])) {
			*ret = LEAF_HELD;
			return true;
		}
	return false;
}

bool layout_is_special(const char *name)
{
	enum leaf_kind ignored;

	return is_special(name, &ignored);
}

/* Nothing may lie outside of the type, whatever the BTF says. What a union holds is only named. */
static bool is_inside(const struct walk *w, const struct leaf *l)
{
	__u64 end = (__u64)l->bit + l->bits;

	for (__u32 i = 0; i < l->n_dims; i++) {
		if (!l->dims[i].n)
			return true;
		if (__builtin_add_overflow(end, (l->dims[i].n - 1ULL) * l->dims[i].stride, &end))
			return false;
	}
	return w->in_union || end <= w->out.size * 8ULL;
}

/* "rules[].hits" -> "rules.hits" */
static char *without_arrays(const char *path)
{
	char *name = strdup(path), *to = name;

	for (; name && *path; path++)
		if (*path != '[' && *path != ']')
			*to++ = *path;
	if (name)
		*to = '\0';
	return name;
}

static int add_leaf(struct walk *w, const struct at *at, __u32 id, const struct bare *b,
		    enum leaf_kind kind)
{
	__s64 size = btf__resolve_size(w->btf, b->id);
	struct leaf leaf = {
		.kind = kind,
		.network_order = b->network_order,
		.bitfield = at->bitfield,
		.counter = at->counter && (kind == LEAF_UNSIGNED || kind == LEAF_SIGNED),
		.bit = at->bit,
		.type_id = id,
		.n_dims = at->n_dims,
	};

	if (size < 0 || size > UINT32_MAX / 8 || (!at->bitfield && at->bit % 8) ||
	    w->out.leaves.n == LEAVES_MAX)
		return broken(w, at);
	leaf.bits = at->bitfield ?: size * 8;
	memcpy(leaf.dims, at->dims, sizeof(leaf.dims));
	if (!is_inside(w, &leaf))
		return broken(w, at);
	leaf.path = strdup(at->path);
	leaf.name = without_arrays(at->path);
	leaf.type = type_text(w->btf, id, b);
	if (!leaf.path || !leaf.name || !leaf.type || !array_add(&w->out.leaves, leaf)) {
		leaf_done(&leaf);
		return error_oom(w->err);
	}
	return 0;
}

static bool is_counter(const struct walk *w, __u32 type, int component)
{
	array_foreach (tag, &w->counters)
		if (tag->type == type && tag->component == component)
			return true;
	return false;
}

/* "(a|b)": a union without a name goes by those of its members. */
static char *union_name(const struct btf *btf, const struct btf_type *t)
{
	struct buf b = {};

	buf_str(&b, "(");
	for (int i = 0; i < btf_vlen(t); i++)
		buf_fmt(&b, "%s%s", i ? "|" : "",
			btf__name_by_offset(btf, btf_members(t)[i].name_off) ?: "");
	buf_str(&b, ")");
	return buf_take(&b);
}

static int walk_member(struct walk *w, const struct bare *outer, int i, const struct at *at)
{
	const struct btf_member *m = btf_members(outer->t) + i;
	const char *name = btf__name_by_offset(w->btf, m->name_off) ?: "";
	_cleanup_free_ char *path = NULL, *of_union = NULL;
	struct at inner = *at;
	struct bare b;

	if (!strip(w->btf, m->type, &b))
		return broken(w, at);
	if (!*name && btf_is_union(b.t)) {
		name = of_union = union_name(w->btf, b.t);
		if (!name)
			return error_oom(w->err);
	}
	path = text_fmt("%s%s%s", at->path, *at->path && *name ? "." : "", name);
	if (!path)
		return error_oom(w->err);
	inner.path = path;
	inner.bit += btf_member_bit_offset(outer->t, i);
	inner.bitfield = btf_member_bitfield_size(outer->t, i);
	inner.counter |= is_counter(w, outer->id, i);
	inner.depth++;
	return walk(w, m->type, &inner);
}

/* "union { __u32 v4; __u8 v6[16]; }" for people; for comparing, what matters of it. */
static int describe_union(struct walk *w, const struct walk *inside)
{
	struct leaf *leaf = &w->out.leaves.v[w->out.leaves.n - 1];
	struct buf text = {}, same = {};

	buf_fmt(&text, "%s {", leaf->type);
	array_foreach (l, &inside->out.leaves) {
		buf_str(&text, " ");
		leaf_describe(&text, l);
		buf_str(&text, ";");
		buf_fmt(&same, "%s %d %u:%u", l->path, l->kind, l->bit, l->bits);
		for (__u32 i = 0; i < l->n_dims; i++)
			buf_fmt(&same, "[%u,%u]", l->dims[i].n, l->dims[i].stride);
		buf_fmt(&same, "%s;", l->inside ?: "");
	}
	buf_str(&text, " }");
	free(leaf->type);
	leaf->type = buf_take(&text);
	leaf->inside = buf_take(&same);
	return leaf->type && leaf->inside ? 0 : error_oom(w->err);
}

/* A union is one leaf. */
static int walk_union(struct walk *w, __u32 id, const struct bare *b, const struct at *at)
{
	struct walk inside = {.btf = w->btf, .in_union = true, .err = w->err};
	struct at root = {.path = "", .depth = at->depth};
	int r = add_leaf(w, at, id, b, LEAF_UNION);

	for (int i = 0; i < btf_vlen(b->t) && !r; i++)
		r = walk_member(&inside, b, i, &root);
	r = r ?: describe_union(w, &inside);
	layout_done(&inside.out);
	return r;
}

static int walk_struct(struct walk *w, const struct bare *b, const struct at *at)
{
	int r = 0;

	for (int i = 0; i < btf_vlen(b->t) && !r; i++)
		r = walk_member(w, b, i, at);
	return r;
}

static int walk_array(struct walk *w, const struct bare *b, const struct at *at)
{
	const struct btf_array *array = btf_array(b->t);
	_cleanup_free_ char *path = text_fmt("%s[]", at->path);
	__s64 size = btf__resolve_size(w->btf, array->type);
	struct at inner = *at;

	if (!path)
		return error_oom(w->err);
	if (size < 0 || size > UINT32_MAX / 8 || at->n_dims == LAYOUT_DIMS || at->bitfield)
		return broken(w, at);
	inner.path = path;
	inner.depth++;
	inner.dims[inner.n_dims++] = (struct dim){array->nelems, size * 8};
	return walk(w, array->type, &inner);
}

static int walk(struct walk *w, __u32 id, const struct at *at)
{
	enum leaf_kind special;
	struct bare b;

	if (at->depth > DEPTH_MAX || !strip(w->btf, id, &b))
		return broken(w, at);
	if (btf_is_int(b.t) && (btf_int_offset(b.t) || btf_int_bits(b.t) != b.t->size * 8))
		return broken(w,
			      at); /* a bit-field as compilers wrote it before BTF knew of them */
	if (btf_is_int(b.t))
		return add_leaf(w, at, id, &b, kind_of_int(w->btf, b.t));
	if (btf_is_any_enum(b.t))
		return add_leaf(w, at, id, &b, kind_of_enum(b.t));
	if (btf_is_float(b.t))
		return add_leaf(w, at, id, &b, LEAF_FLOAT);
	if (btf_is_ptr(b.t))
		return add_leaf(w, at, id, &b,
				is_held_pointer(w->btf, b.t) ? LEAF_HELD : LEAF_POINTER);
	if (btf_is_struct(b.t) && is_special(b.name, &special))
		return add_leaf(w, at, id, &b, special);
	if (btf_is_struct(b.t))
		return walk_struct(w, &b, at);
	if (btf_is_union(b.t))
		return walk_union(w, id, &b, at);
	return btf_is_array(b.t) ? walk_array(w, &b, at) : broken(w, at);
}

/* libbpf reads no tags for us: those of the whole BTF, once. */
static int find_counters(struct walk *w)
{
	for (__u32 id = 1; id < btf__type_cnt(w->btf); id++) {
		const struct btf_type *t = btf__type_by_id(w->btf, id);

		if (btf_is_decl_tag(t) &&
		    text_eq(btf__name_by_offset(w->btf, t->name_off), LAYOUT_COUNTER_TAG) &&
		    !array_add(&w->counters,
			       ((struct tag){t->type, btf_decl_tag(t)->component_idx})))
			return error_oom(w->err);
	}
	return 0;
}

static int walk_var(struct walk *w, const struct var *v, const char *prefix)
{
	const struct btf_type *t = btf__type_by_id(w->btf, v->type_id);
	struct at at = {.path = "", .bit = v->offset * 8};

	if (!t || !btf_is_var(t))
		return broken(w, &at);
	at.path = btf__name_by_offset(w->btf, t->name_off) ?: "";
	at.counter = is_counter(w, v->type_id, -1);
	if (prefix && text_has_prefix(at.path, prefix))
		at.path += strlen(prefix);
	return walk(w, t->type, &at);
}

static int walk_datasec(struct walk *w, const struct btf_type *t, const char *prefix)
{
	const struct btf_var_secinfo *info = btf_var_secinfos(t);
	int r = 0;

	w->out.size = t->size;
	for (int i = 0; i < btf_vlen(t) && !r; i++)
		r = walk_var(w, &(struct var){info[i].type, info[i].offset, info[i].size}, prefix);
	return r;
}

static int finish(struct walk *w, int r, struct layout *ret)
{
	array_done(&w->counters);
	if (r)
		layout_done(&w->out);
	else
		*ret = w->out;
	return r;
}

int layout_read(const struct btf *btf, __u32 type_id, const char *prefix, struct layout *ret,
		struct braid_error *err)
{
	const struct btf_type *t = btf__type_by_id(btf, type_id);
	struct walk w = {.btf = btf, .err = err};
	struct at root = {.path = ""};
	__s64 size;
	int r = find_counters(&w);

	if (!r && t && btf_is_datasec(t))
		return finish(&w, walk_datasec(&w, t, prefix), ret);
	size = btf__resolve_size(btf, type_id);
	if (!r && (size < 0 || size > UINT32_MAX / 8))
		r = broken(&w, &root);
	w.out.size = size;
	return finish(&w, r ?: walk(&w, type_id, &root), ret);
}

int layout_read_section(const struct unit *u, __u32 section, const char *prefix, struct layout *ret,
			struct braid_error *err)
{
	const struct section *s = &u->sections.v[section];
	struct walk w = {.btf = u->btf, .err = err, .out.size = s->bytes.n};
	int r = find_counters(&w);

	array_foreach (v, &s->vars)
		r = r ?: walk_var(&w, v, prefix);
	return finish(&w, r, ret);
}
