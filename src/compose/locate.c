/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * From an instruction of a loaded program back to the author's source.
 *
 * libbpf appends to a program the functions that it calls, each once, depth first in the
 * order of the calls; the verifier counts instructions over the whole. CO-RE and the
 * other relocations change no number of instructions.
 */
#include <bpf/btf.h>

#include "base/text.h"
#include "compose/image.h"

struct layout {
	const struct unit *u;
	bool *placed;
	__u32 next; /* first instruction after what has been placed */
	__u32 want;
	int found;  /* function that holds @want, or -1 */
	__u32 insn; /* @want, from the start of that function */
};

static void place(struct layout *l, __u32 func)
{
	const struct func *f = &l->u->funcs.v[func];

	l->placed[func] = true;
	if (l->want >= l->next && l->want - l->next < f->insns.n) {
		l->found = func;
		l->insn = l->want - l->next;
	}
	l->next += f->insns.n;
	array_foreach (ref, &f->refs)
		if ((ref->kind == REF_CALL || ref->kind == REF_FUNC) && !l->placed[ref->target])
			place(l, ref->target);
}

static void fill_line(const struct unit *u, const struct func *f, __u32 insn, struct location *ret)
{
	const struct line *best = NULL;

	array_foreach (line, &f->lines)
		if (line->insn <= insn)
			best = line;
	if (!best)
		return;
	ret->file = btf__str_by_offset(u->btf, best->file) ?: "";
	ret->text = btf__str_by_offset(u->btf, best->text) ?: "";
	ret->line = best->line_col >> 10;
	while (*ret->text == ' ' || *ret->text == '\t')
		ret->text++;
}

static void fill_stage(const struct image *image, __u32 segment, __u32 insn, struct location *ret)
{
	__u32 first = image->plan->segments.v[segment].first;

	array_foreach (r, &image->segments.v[segment].map.ranges)
		if (insn >= r->first && insn - r->first < r->n && !r->seam)
			ret->stage = image->plan->stages.v[first + r->part].stage->name;
}

/*
 * A function apart from the program: its name space says whose it is. Of "a" and "a__b"
 * the longer one.
 */
static void fill_func(const struct image *image, const struct func *f, struct location *ret)
{
	size_t best = 0;

	array_foreach (ps, &image->plan->stages) {
		size_t n = strlen(ps->ns);

		if (n > best && text_has_prefix(f->name, ps->ns) &&
		    text_has_prefix(f->name + n, "__")) {
			best = n;
			ret->stage = ps->stage->name;
			ret->func = f->name + n + 2;
		}
	}
}

bool image_locate(const struct image *image, __u32 segment, __u32 insn, struct location *ret)
{
	const struct unit *u = image->unit;
	_cleanup_free_ bool *placed = calloc(u->funcs.n + 1, sizeof(*placed));
	struct layout l = {.u = u, .placed = placed, .want = insn, .found = -1};

	if (!placed || segment >= image->segments.n)
		return false;
	place(&l, image->segments.v[segment].func);
	if (l.found < 0)
		return false;
	*ret = (struct location){.file = "", .text = ""};
	fill_line(u, &u->funcs.v[l.found], l.insn, ret);
	if (l.found == (int)image->segments.v[segment].func)
		fill_stage(image, segment, l.insn, ret);
	else
		fill_func(image, &u->funcs.v[l.found], ret);
	return true;
}
