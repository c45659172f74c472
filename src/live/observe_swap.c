/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* One front in the place of another of the same revision, on all interfaces or on none. */
#include <errno.h>
#include <inttypes.h>

#include "base/error.h"
#include "base/text.h"
#include "kernel/bpffs.h"
#include "live/observe.h"

void swap_done(struct swap *s)
{
	free(s->path);
	front_done(&s->base);
	array_done(&s->variants.list);
	attachments_done(&s->attachments);
	*s = (struct swap){};
}

int swap_open(struct braid *b, const char *name, const struct running *run, struct swap *ret,
	      struct braid_error *err)
{
	_cleanup_swap_ struct swap s = {.b = b, .name = name, .run = run};
	_cleanup_free_ char *root = NULL;
	int r = bpffs_root(&root, err);

	s.path = r ? NULL : path_pipeline(root, b->home.name, name);
	if (!s.path)
		return r ?: error_oom(err);
	r = front_open(run->plan, run->folder, &s.base, err) ?:
	    variants_read(run->folder, &s.variants, err) ?:
	    attachments_read(s.path, &s.attachments, err);
	if (!r && !s.base.list.n) {
		error_set(err, -ENOENT, name, "the programs of the pipeline are gone");
		error_hint(err, "braid restore %s puts them back", name);
		r = -ENOENT;
	}
	if (r)
		return r;
	*ret = s;
	s = (struct swap){};
	return 0;
}

/* Not if somebody else has put a program of his into the pipeline's link. */
static bool is_ours(const struct swap *s, const struct attachment *a)
{
	bool ours = a->live && a->runs.list.n;

	if (!ours || front_is(&s->base, &a->runs))
		return ours;
	array_foreach (id, &a->runs.list)
		ours &= ids_have(&s->variants, *id);
	return ours;
}

size_t swap_count(const struct swap *s)
{
	size_t n = 0;

	array_foreach (a, &s->attachments.list)
		n += is_ours(s, a);
	return n;
}

/* What was there before, while it may be put back. */
struct swapped {
	ARRAY(struct front) list; /* by attachment; empty: nothing was done */
};

static void swapped_done(struct swapped *all)
{
	array_foreach (f, &all->list)
		front_done(f);
	array_done(&all->list);
}

/* An interface that goes meanwhile takes its attachment with it. */
static int swap_one(struct attachment *a, const struct front *to, struct front *from,
		    struct braid_error *err)
{
	int r = front_by_ids(&a->runs, from, err) ?: attachment_update(a, from, to, err);

	if (!r)
		return 0;
	front_done(from);
	if (r != -ENODEV)
		return r;
	braid_error_clear(err);
	a->live = false;
	return 0;
}

static void undo(struct swap *s, const struct front *to, const struct swapped *was,
		 struct braid_error *err)
{
	for (size_t i = was->list.n; i--;) {
		_cleanup_error_ struct braid_error second = BRAID_ERROR_INIT;
		const struct front *from = &was->list.v[i];

		if (from->list.n && attachment_update(&s->attachments.list.v[i], to, from, &second))
			error_hint(err,
				   "what was put in stays at one interface (%s): the next "
				   "change to the pipeline takes it out",
				   second.what ?: "");
	}
}

int swap_to(struct swap *s, const struct front *to, struct braid_error *err)
{
	_cleanup_(swapped_done) struct swapped was = {};
	int r = 0;

	array_foreach (a, &s->attachments.list) {
		struct front *from = array_push(&was.list);

		r = from ? 0 : error_oom(err);
		if (!r && is_ours(s, a) && !front_is(to, &a->runs))
			r = swap_one(a, to, from, err);
		if (r)
			break;
	}
	if (r)
		undo(s, to, &was, err);
	return r;
}
