/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Whether BTF can be walked. libbpf checks the lengths only: ids and names may lead
 * nowhere and types around in circles, and libbpf itself would fall over that later.
 */
#include "object/read.h"

#include <bpf/btf.h>
#include <errno.h>

#include "base/error.h"
#include "object/types.h"

#define DEPTH_LIMIT 256 /* pointers to arrays of pointers …, up to the next struct */

enum state { NEW, ON_THE_WAY, DONE };

struct walk {
	const struct btf *btf;
	unsigned char *states; /* enum state by type id */
	__u32 n;               /* types, void included */
	unsigned int depth;
	bool symbols; /* variables and functions may stand here */
};

static bool has_name(const struct btf *btf, __u32 off)
{
	return btf__str_by_offset(btf, off) != NULL;
}

/* All names in the type, its members' and parameters' too. */
static bool has_names(const struct btf *btf, const struct btf_type *t)
{
	bool fine = has_name(btf, t->name_off);

	for (int i = 0; fine && i < btf_vlen(t); i++)
		if (btf_is_composite(t))
			fine = has_name(btf, btf_members(t)[i].name_off);
		else if (btf_is_enum(t))
			fine = has_name(btf, btf_enum(t)[i].name_off);
		else if (btf_is_enum64(t))
			fine = has_name(btf, btf_enum64(t)[i].name_off);
		else if (btf_is_func_proto(t))
			fine = has_name(btf, btf_params(t)[i].name_off);
	return fine;
}

/* Linux, kernel/bpf/btf.c: bits that are in use, and kinds whose vlen counts something. */
#define INFO_BITS 0x9f00ffff

static bool has_sane_head(const struct btf_type *t)
{
	bool counts = btf_is_composite(t) || btf_is_any_enum(t) || btf_is_func_proto(t) ||
		      btf_is_datasec(t) || btf_is_func(t);

	if (t->info & ~INFO_BITS || (!counts && btf_vlen(t)))
		return false;
	return !(btf_is_fwd(t) || btf_is_array(t)) || !t->type;
}

/* Symbols are no types of anything: only sections hold them, and tags are on them. */
static int is_type(__u32 *id, void *ctx)
{
	const struct walk *w = ctx;
	const struct btf_type *t = *id < w->n ? btf__type_by_id(w->btf, *id) : NULL;

	if (!t || btf_is_datasec(t))
		return -EINVAL;
	return w->symbols || !(btf_is_var(t) || btf_is_func(t)) ? 0 : -EINVAL;
}

/* In C a type comes back to itself only through a struct or union. */
static int follow(__u32 *id, void *ctx)
{
	struct walk *w = ctx;
	struct btf_type *t = (struct btf_type *)btf__type_by_id(w->btf, *id);
	int r;

	if (!*id || w->states[*id] == DONE || btf_is_composite(t))
		return 0;
	if (w->states[*id] == ON_THE_WAY || w->depth == DEPTH_LIMIT)
		return -ELOOP;
	w->states[*id] = ON_THE_WAY;
	w->depth++;
	r = type_each_ref(t, follow, w);
	w->depth--;
	w->states[*id] = DONE;
	return r;
}

int read_types(struct reader *r)
{
	struct walk w = {.btf = r->unit->btf, .n = btf__type_cnt(r->unit->btf)};
	int err = 0;

	for (__u32 id = 1; id < w.n; id++) {
		struct btf_type *t = (struct btf_type *)btf__type_by_id(w.btf, id);

		if (!has_sane_head(t) || !has_names(w.btf, t))
			return read_broken(r, "damaged BTF (type %u is none)", id);
		w.symbols = btf_is_datasec(t) || btf_is_decl_tag(t);
		if (type_each_ref(t, is_type, &w))
			return read_broken(r, "damaged BTF (type %u leads nowhere)", id);
	}
	w.states = calloc(w.n, sizeof(*w.states));
	if (!w.states)
		return error_oom(r->err);
	for (__u32 id = 1; id < w.n && !err; id++)
		if (follow(&id, &w))
			err = read_broken(r, "damaged BTF (type %u goes in circles)", id);
	free(w.states);
	return err;
}
