/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "compose/lines.h"

#include <bpf/btf.h>
#include <errno.h>

#include "base/text.h"

struct walk {
	const struct unit *u;
	bool *placed;
	__u32 next; /* first instruction behind what has been placed */
	int (*fn)(void *ctx, __u32 func, __u32 first);
	void *ctx;
};

/* The main program, then what it calls, each function once, depth first; as in locate.c. */
static int place(struct walk *w, __u32 func)
{
	const struct func *f = &w->u->funcs.v[func];
	int r = w->fn(w->ctx, func, w->next);

	w->placed[func] = true;
	w->next += f->insns.n;
	array_foreach (ref, &f->refs)
		if (!r && (ref->kind == REF_CALL || ref->kind == REF_FUNC) &&
		    !w->placed[ref->target])
			r = place(w, ref->target);
	return r;
}

int image_each_func(const struct image *image, __u32 segment,
		    int (*fn)(void *ctx, __u32 func, __u32 first), void *ctx)
{
	_cleanup_free_ bool *placed = calloc(image->unit->funcs.n + 1, sizeof(*placed));
	struct walk w = {image->unit, placed, 0, fn, ctx};

	return placed ? place(&w, image->segments.v[segment].func) : -ENOMEM;
}

const struct splice_range *image_range(const struct image *image, __u32 segment, __u32 insn)
{
	array_foreach (r, &image->segments.v[segment].map.ranges)
		if (insn >= r->first && insn - r->first < r->n)
			return r;
	return NULL;
}

/* Of "a" and "a__b" the longer one. */
int image_func_stage(const struct image *image, const struct func *f)
{
	size_t best = 0;
	int stage = LINE_NO_STAGE;

	array_foreach (ps, &image->plan->stages) {
		size_t n = strlen(ps->ns);

		if (n > best && text_has_prefix(f->name, ps->ns) &&
		    text_has_prefix(f->name + n, "__")) {
			best = n;
			stage = ps - image->plan->stages.v;
		}
	}
	return stage;
}

struct collect {
	const struct image *image;
	__u32 segment;
	struct image_lines lines;
};

static int add_lines(void *ctx, __u32 func, __u32 first)
{
	struct collect *c = ctx;
	const struct image *image = c->image;
	const struct func *f = &image->unit->funcs.v[func];
	bool main = func == image->segments.v[c->segment].func;

	array_foreach (l, &f->lines) {
		const struct splice_range *range = main ? image_range(image, c->segment, l->insn)
							: NULL;
		struct image_line line = {
			.insn = first + l->insn,
			.stage = LINE_NO_STAGE,
			.func = main ? NULL : f->name,
			.file = btf__str_by_offset(image->unit->btf, l->file) ?: "",
			.text = btf__str_by_offset(image->unit->btf, l->text) ?: "",
			.line_col = l->line_col,
		};

		if (range) {
			line.stage = image->plan->segments.v[c->segment].first + range->part;
			line.seam = range->seam;
		} else if (!main) {
			line.stage = image_func_stage(image, f);
		}
		if (!array_add(&c->lines.list, line))
			return -ENOMEM;
	}
	return 0;
}

int image_lines(const struct image *image, __u32 segment, struct image_lines *ret)
{
	struct collect c = {.image = image, .segment = segment};
	int r = image_each_func(image, segment, add_lines, &c);

	if (r)
		image_lines_done(&c.lines);
	else
		*ret = c.lines;
	return r;
}

void image_lines_done(struct image_lines *lines)
{
	array_done(&lines->list);
}

int image_lines_next(const struct image_lines *lines, size_t from, const char *file,
		     const char *text, __u32 line_col)
{
	for (size_t i = from; i < lines->list.n; i++) {
		const struct image_line *l = &lines->list.v[i];

		if (l->line_col == line_col && text_eq(l->text, text) && text_eq(l->file, file))
			return i;
	}
	return -1;
}
