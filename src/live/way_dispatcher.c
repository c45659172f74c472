/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * As components of a libxdp dispatcher, beside those of other tools. Each change is one
 * transaction of the protocol: others' components are moved with it as they are.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/error.h"
#include "kernel/bpffs.h"
#include "live/note.h"
#include "live/way.h"
#include "object/dispatcher_abi.h"

static bool find(const struct spot *s, const struct ids *ours, size_t *at, struct attachment *ret)
{
	if ((*at)++ || !s->chain)
		return false;
	array_foreach (c, &s->chain->components)
		if (ids_have(ours, c->id) && !array_add(&ret->runs.list, c->id))
			return false;
	ret->mode = s->chain->mode;
	return ret->runs.list.n;
}

static const struct note note = {.way = 5};

static bool has(const struct front *f, __u32 id)
{
	array_foreach (p, &f->list)
		if (p->id == id)
			return true;
	return false;
}

/* What must happen for @to to be there instead of @from; either may be empty. */
struct exchange {
	struct dispatch_edit edit;
	__u32 *remove;
	struct addition *add;
	struct resetting *set;
};

static void exchange_done(struct exchange *x)
{
	free(x->remove);
	free(x->add);
	free(x->set);
}

static void want(struct exchange *x, const struct front_program *p, bool is_there)
{
	if (is_there)
		x->set[x->edit.n_set++] = (struct resetting){.id = p->id,
							     .set_priority = true,
							     .set_actions = true,
							     .priority = p->priority,
							     .actions = p->actions};
	else
		x->add[x->edit.n_add++] = (struct addition){
			.fd = p->fd,
			.name = p->name,
			.slot = {.priority = p->priority,
				 .actions = p->actions,
				 .flags = (p->frags ? DISPATCHER_FRAGS : 0) |
					  (p->bound ? DISPATCHER_DEVBOUND : 0)},
		};
}

static int exchange_plan(const struct front *from, const struct front *to, enum xdp_mode mode,
			 struct exchange *ret, struct braid_error *err)
{
	struct exchange x = {
		.remove = calloc(from->list.n + 1, sizeof(*x.remove)),
		.add = calloc(to->list.n + 1, sizeof(*x.add)),
		.set = calloc(to->list.n + 1, sizeof(*x.set)),
	};

	if (!x.remove || !x.add || !x.set) {
		exchange_done(&x);
		return error_oom(err);
	}
	array_foreach (p, &from->list)
		if (!has(to, p->id))
			x.remove[x.edit.n_remove++] = p->id;
	array_foreach (p, &to->list)
		want(&x, p, has(from, p->id));
	x.edit.remove = x.remove;
	x.edit.add = x.add;
	x.edit.set = x.set;
	x.edit.mode = mode;
	*ret = x;
	return 0;
}

static int change(const struct netns *ns, __u32 ifindex, const struct front *from,
		  const struct front *to, enum xdp_mode mode, struct braid_error *err)
{
	_cleanup_(exchange_done) struct exchange x = {};
	int r = exchange_plan(from, to, mode, &x, err);

	r = r ?: dispatch_change(ns, ifindex, &x.edit, NULL, err);
	if (r != -ENOENT)
		return r;
	/* "a component to remove is not there": somebody else has removed it */
	err->code = -ESTALE;
	return -ESTALE;
}

/* Those of @f that are there: of a command that was killed while it changed the way. */
static int find_again(const struct spot *s, const struct front *f, struct front *ret,
		      struct braid_error *err)
{
	struct ids there = {};
	int r = 0;

	if (s->chain)
		array_foreach (c, &s->chain->components)
			if (has(f, c->id) && !array_add(&there.list, c->id))
				r = error_oom(err);
	r = r ?: front_by_ids(&there, ret, err);
	array_done(&there.list);
	return r;
}

static int attach(struct spot *s, const struct how *how, const struct front *f, const char *path,
		  struct attachment *ret, struct braid_error *err)
{
	_cleanup_front_ struct front there = {};
	_cleanup_close_ int fd = -1;
	int r = find_again(s, f, &there, err) ?: note_pin(path, &note, &fd, err);

	if (r)
		return r;
	r = change(&s->ns, s->ifindex, &there, f, how->mode, err);
	if (r) {
		_cleanup_error_ struct braid_error ignored = BRAID_ERROR_INIT;

		bpffs_unpin(path, &ignored);
		return r;
	}
	ret->fd = TAKE_FD(fd);
	ret->mode = how->mode;
	return 0;
}

static int update(struct attachment *a, const struct netns *ns, const struct front *from,
		  const struct front *to, struct braid_error *err)
{
	return change(ns, a->ifindex, from, to, a->mode, err);
}

static int detach(struct attachment *a, const struct netns *ns, struct braid_error *err)
{
	const struct dispatch_edit edit = {
		.remove = a->runs.list.v,
		.n_remove = a->runs.list.n,
		.remove_rest = true,
	};

	return dispatch_change(ns, a->ifindex, &edit, NULL, err);
}

static void describe(const struct attachment *a, const struct spot *s, struct how *ret)
{
	ret->mode = a->mode;
}

const struct way way_dispatcher = {
	.number = 5,
	.name = "dispatcher",
	.find = find,
	.attach = attach,
	.update = update,
	.detach = detach,
	.describe = describe,
};
