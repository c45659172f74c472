/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* What a dispatcher is to become: an edit, applied to what was read. Pure but for probing. */
#include <errno.h>
#include <string.h>

#include "base/text.h"
#include "dispatch/inside.h"
#include "kernel/freplace.h"
#include "kernel/proginfo.h"
#include "object/dispatcher_abi.h"

static bool is_removed(const struct dispatch_edit *edit, __u32 id)
{
	for (size_t i = 0; i < edit->n_remove; i++)
		if (edit->remove[i] == id)
			return true;
	return false;
}

static bool is_there(const struct dispatcher *now, __u32 id)
{
	array_foreach (c, &now->components)
		if (c->id == id)
			return true;
	return false;
}

static int not_there(__u32 id, struct braid_error *err)
{
	error_set(err, -ENOENT, NULL, "the dispatcher has no component with id %u", id);
	return -ENOENT;
}

static int check_ids(const struct dispatcher *now, const struct dispatch_edit *edit,
		     struct braid_error *err)
{
	for (size_t i = 0; i < edit->n_remove && !edit->remove_rest; i++)
		if (!is_there(now, edit->remove[i]))
			return not_there(edit->remove[i], err);
	for (size_t i = 0; i < edit->n_set; i++)
		if (!is_there(now, edit->set[i].id) || is_removed(edit, edit->set[i].id))
			return not_there(edit->set[i].id, err);
	return 0;
}

static void reset(const struct dispatch_edit *edit, struct member *m)
{
	for (size_t i = 0; i < edit->n_set; i++) {
		const struct resetting *set = &edit->set[i];

		if (set->id != m->id)
			continue;
		if (set->set_priority)
			m->slot.priority = set->priority;
		if (set->set_actions)
			m->slot.actions = set->actions;
	}
}

static int keep_old(const struct dispatcher *now, const struct dispatch_edit *edit,
		    struct chain *chain, struct braid_error *err)
{
	array_foreach (c, &now->components) {
		struct member m = {
			.fd = c->fd,
			.name = c->name,
			.id = c->id,
			.instructions = c->instructions,
			.loaded_ns = c->loaded_ns,
			.slot = c->slot,
			.at = chain->members.n,
		};

		memcpy(m.tag, c->tag, sizeof(m.tag));
		reset(edit, &m);
		if (!is_removed(edit, c->id) && !array_add(&chain->members, m))
			return error_oom(err);
	}
	return 0;
}

static int add_new(const struct dispatch_edit *edit, struct chain *chain, struct braid_error *err)
{
	for (size_t i = 0; i < edit->n_add; i++) {
		const struct addition *a = &edit->add[i];
		struct member m = {
			.fd = a->fd,
			.name = a->name,
			.slot = a->slot,
			.is_new = true,
			.at = chain->members.n,
		};
		struct proginfo p;
		int r = proginfo_read(a->fd, &p, err);

		if (r)
			return r;
		proginfo_done(&p);
		m.id = p.id;
		m.instructions = p.instructions;
		m.loaded_ns = p.loaded_ns;
		memcpy(m.tag, p.tag, sizeof(m.tag));
		if (p.type != BPF_PROG_TYPE_EXT) {
			error_set(err, -EINVAL, a->name, "program %u is not of type EXT", p.id);
			error_hint(err, "a component is loaded for the function of a dispatcher "
					"that it is to replace");
			return -EINVAL;
		}
		if (!array_add(&chain->members, m))
			return error_oom(err);
	}
	return 0;
}

static struct dispatcher_rank rank_of(const struct member *m)
{
	return (struct dispatcher_rank){
		.priority = m->slot.priority,
		.name = m->name,
		.loaded = !m->is_new,
		.instructions = m->instructions,
		.tag = m->tag,
		.loaded_ns = m->loaded_ns,
	};
}

static int compare(const void *a, const void *b)
{
	const struct member *x = a, *y = b;
	struct dispatcher_rank rx = rank_of(x), ry = rank_of(y);

	return dispatcher_rank_compare(&rx, &ry) ?: x->at < y->at ? -1 : x->at > y->at;
}

/* The kernel binds all or none: who replaces a function of a bound program is bound as well. */
static int check_bound(struct chain *chain, const struct dispatcher *now, struct braid_error *err)
{
	size_t bound = 0;

	array_foreach (m, &chain->members)
		bound += !!(m->slot.flags & DISPATCHER_DEVBOUND);
	if (bound && bound < chain->members.n) {
		error_set(err, -EINVAL, NULL,
			  "programs bound to a device, and such that are not, in one dispatcher");
		error_why(err, now->components.n ? "the first one that was attached has decided"
						 : "the kernel takes all or none");
		return -EINVAL;
	}
	chain->config.devbound = bound;
	return 0;
}

static __u32 version_of(const struct dispatcher *now, const struct dispatch_edit *edit,
			const struct chain *chain)
{
	__u32 version = edit->version ?: now->state == DISPATCHER_SOUND ? now->config.version : 0;

	if (version < 2) /* 1 is not written any more */
		version = dispatch_installed_version();
	if (version < 2 || (chain->config.devbound && !edit->version))
		version = DISPATCHER_NEWEST;
	return version;
}

static bool is_changed(const struct dispatcher *now, const struct chain *chain)
{
	if (now->components.n != chain->members.n || now->config.version != chain->config.version)
		return chain->members.n || now->components.n;
	for (size_t i = 0; i < chain->members.n; i++) {
		const struct component *c = &now->components.v[i];
		const struct member *m = &chain->members.v[i];

		if (m->is_new || m->id != c->id || m->slot.priority != c->slot.priority ||
		    m->slot.actions != c->slot.actions)
			return true;
	}
	return false;
}

static int fill_config(const struct dispatcher *now, const struct dispatch_edit *edit,
		       struct chain *chain, struct braid_error *err)
{
	struct dispatcher_config *c = &chain->config;
	int r = check_bound(chain, now, err);

	if (r)
		return r;
	if (chain->members.n > DISPATCHER_SLOTS) {
		error_set(err, -ENOSPC, NULL, "%zu components, and a dispatcher has %d places",
			  chain->members.n, DISPATCHER_SLOTS);
		error_hint(err, "a pipeline of strategy `fused` is one component, however many "
				"stages it has");
		return -ENOSPC;
	}
	c->version = version_of(now, edit, chain);
	c->n = chain->members.n;
	c->frags = c->n;
	for (__u32 i = 0; i < c->n; i++) {
		c->slots[i] = chain->members.v[i].slot;
		c->slots[i].actions &= ~(1u << DISPATCHER_STUB);
		c->frags &= !!(c->slots[i].flags & DISPATCHER_FRAGS);
	}
	c->frags = c->frags && freplace_knows_frags();
	return 0;
}

int chain_make(const struct dispatcher *now, const struct dispatch_edit *edit, struct chain *ret,
	       struct braid_error *err)
{
	struct chain chain = {};
	int r = check_ids(now, edit, err);

	r = r ?: keep_old(now, edit, &chain, err);
	r = r ?: add_new(edit, &chain, err);
	if (!r && chain.members.n)
		qsort(chain.members.v, chain.members.n, sizeof(*chain.members.v), compare);
	r = r ?: fill_config(now, edit, &chain, err);
	if (r) {
		array_done(&chain.members);
		return r;
	}
	chain.changed = is_changed(now, &chain);
	*ret = chain;
	return 0;
}
