/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "live/front.h"

#include <bpf/bpf.h>
#include <errno.h>

#include "base/error.h"
#include "base/text.h"
#include "kernel/bpffs.h"
#include "live/live.h"

void front_done(struct front *f)
{
	array_foreach (p, &f->list) {
		closep(&p->fd);
		free(p->name);
	}
	array_done(&f->list);
	*f = (struct front){};
}

/* Takes @fd, whatever becomes of it. */
static int add(struct front *f, int fd, const char *name, struct braid_error *err)
{
	struct front_program *p = array_push(&f->list);

	if (!p) {
		close(fd);
		return error_oom(err);
	}
	p->fd = fd;
	p->id = program_id(fd);
	p->name = strdup(name);
	if (!p->id)
		return error_errno(err, -EBADF, name, "cannot look at a program");
	return p->name ? 0 : error_oom(err);
}

enum strategy plan_strategy(const json_t *plan, enum strategy otherwise)
{
	const char *name = json_string_value(json_object_get(plan, "strategy"));

	for (int i = 0; name && strategy_names[i]; i++)
		if (text_eq(name, strategy_names[i]))
			return i;
	return otherwise;
}

/* How many programs of a plan packets enter by: the first ones. */
static size_t count(const json_t *plan)
{
	if (plan_strategy(plan, STRATEGY_FUSED) != STRATEGY_DISPATCHER)
		return 1;
	return json_array_size(json_object_get(plan, "segments"));
}

/* What the plan says of it as a component. */
static void describe(const json_t *plan, size_t i, struct front_program *p)
{
	const json_t *c = json_array_get(json_object_get(plan, "components"), i);

	p->priority = json_integer_value(json_object_get(c, "priority"));
	p->actions = json_integer_value(json_object_get(c, "actions"));
	p->frags = json_is_true(json_object_get(plan, "frags"));
	p->bound = json_object_get(plan, "bound");
}

static const char *name_of(const json_t *plan, size_t i)
{
	const json_t *segment = json_array_get(json_object_get(plan, "segments"), i);

	return json_string_value(json_object_get(segment, "program"));
}

int front_open(const json_t *plan, const char *folder, struct front *ret, struct braid_error *err)
{
	struct front f = {};
	int r = 0;

	for (size_t i = 0; i < count(plan) && !r; i++) {
		const char *name = name_of(plan, i);
		_cleanup_free_ char *pin = name ? path_program(folder, name) : NULL;
		int fd = -1;

		r = pin ? bpffs_get(pin, BPFFS_PROGRAM, &fd, err) : error_oom(err);
		r = r ?: add(&f, fd, name, err);
		if (!r)
			describe(plan, i, &f.list.v[i]);
	}
	if (r)
		front_done(&f);
	if (r && r != -ENOENT)
		return r;
	if (r)
		braid_error_clear(err);
	*ret = f;
	return 0;
}

int front_of_loaded(const json_t *plan, const struct loaded *loaded, struct front *ret,
		    struct braid_error *err)
{
	struct front f = {};
	int r = 0;

	for (size_t i = 0; i < count(plan) && !r; i++) {
		int fd = fd_copy(loaded_program(loaded, i));

		r = fd < 0 ? error_errno(err, fd, name_of(plan, i), "cannot use a program")
			   : add(&f, fd, name_of(plan, i), err);
		if (!r)
			describe(plan, i, &f.list.v[i]);
	}
	if (r)
		front_done(&f);
	else
		*ret = f;
	return r;
}

/* Takes @fd. */
static int of_one(int fd, struct front *ret, struct braid_error *err)
{
	struct front f = {};
	int r = add(&f, fd, "", err);

	if (r)
		front_done(&f);
	else
		*ret = f;
	return r;
}

int front_by_id(__u32 id, struct front *ret, struct braid_error *err)
{
	int fd = bpf_prog_get_fd_by_id(id);

	return fd < 0 ? error_errno(err, fd, NULL, "cannot open program %u", id)
		      : of_one(fd, ret, err);
}

int front_by_ids(const struct ids *ids, struct front *ret, struct braid_error *err)
{
	struct front f = {};
	int r = 0;

	array_foreach (id, &ids->list) {
		int fd = r ? -1 : bpf_prog_get_fd_by_id(*id);

		if (!r && fd < 0)
			r = error_errno(err, fd, NULL, "cannot open program %u", *id);
		r = r ?: add(&f, fd, "", err);
	}
	if (r)
		front_done(&f);
	else
		*ret = f;
	return r;
}

int front_by_pin(const char *pin, struct front *ret, struct braid_error *err)
{
	int fd, r = bpffs_get(pin, BPFFS_PROGRAM, &fd, err);

	return r ?: of_one(fd, ret, err);
}

int front_copy(const struct front *f, struct front *ret, struct braid_error *err)
{
	struct front copy = {};
	int r = 0;

	array_foreach (p, &f->list) {
		int fd = r ? -1 : fd_copy(p->fd);

		if (!r && fd < 0)
			r = error_errno(err, fd, p->name, "cannot use a program");
		r = r ?: add(&copy, fd, p->name, err);
		if (r)
			break;
		copy.list.v[copy.list.n - 1].priority = p->priority;
		copy.list.v[copy.list.n - 1].actions = p->actions;
		copy.list.v[copy.list.n - 1].frags = p->frags;
		copy.list.v[copy.list.n - 1].bound = p->bound;
	}
	if (r)
		front_done(&copy);
	else
		*ret = copy;
	return r;
}

int front_fd(const struct front *f)
{
	return f->list.n ? f->list.v[0].fd : -1;
}

__u32 front_id(const struct front *f)
{
	return f->list.n ? f->list.v[0].id : 0;
}

bool ids_have(const struct ids *ids, __u32 id)
{
	array_foreach (one, &ids->list)
		if (*one == id)
			return true;
	return false;
}

__u32 ids_first(const struct ids *ids)
{
	return ids->list.n ? ids->list.v[0] : 0;
}

bool front_is(const struct front *f, const struct ids *ids)
{
	array_foreach (p, &f->list)
		if (!ids_have(ids, p->id))
			return false;
	return f->list.n && f->list.n == ids->list.n;
}
