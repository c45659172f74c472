/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * A variant goes in.
 *
 *	1  maps of observers who have left, or were killed, lose their pins
 *	2  load the variant beside what runs
 *	3  the document says who looks
 *	4  pin programs, and maps of who is new; their lease begins
 *	5  exchange on all interfaces: here packets change over
 *	6  when no packet can be inside the old programs any more, remove their folder
 *
 * Killed anywhere, packets flow through one or the other; observe_end() puts the base back and
 * removes the rest.
 */
#include <bpf/bpf.h>
#include <errno.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/text.h"
#include "compose/observe.h"
#include "kernel/bpffs.h"
#include "kernel/rcu.h"
#include "live/observe.h"

struct putting_in {
	struct swap swap;
	const struct observers *observers;
	struct variant *v;
	__u32 number;   /* of its folder; 0: it has none yet */
	char *document; /* that of before; NULL: there was none */
};

static const struct observing *in_slot(const struct observers *all, __u32 slot)
{
	array_foreach (o, &all->list)
		if (o->slot == slot)
			return o;
	return NULL;
}

int observe_unpin_slots(const char *folder, const struct observers *keep, struct braid_error *err)
{
	int r = 0;

	for (__u32 slot = 0; slot < OBSERVE_SLOTS && !r; slot++) {
		const struct observing *o = in_slot(keep, slot);
		_cleanup_free_ char *path = path_slot(folder, slot);

		if (!o || o->is_new)
			r = path ? bpffs_remove_tree(path, err) : error_oom(err);
	}
	return r;
}

/* It looks from the first packet on. */
static int begin_lease(const struct loaded *l, const struct observing *o, struct braid_error *err)
{
	__u64 every = json_integer_value(json_object_get(o->asks, "every"));
	const struct observe_control control = {
		.lease = clock_ns(CLOCK_MONOTONIC) + OBSERVE_LEASE_NS,
		.sample = (1ull << 32) / (every ?: 1),
	};
	_cleanup_free_ char *symbol = text_fmt(OBSERVE_CONTROL, o->slot);
	__u32 zero = 0;

	if (!symbol)
		return error_oom(err);
	if (bpf_map_update_elem(loaded_map(l, symbol), &zero, &control, BPF_ANY))
		return error_errno(err, -errno, symbol, "cannot begin to look");
	return 0;
}

static int begin_leases(const struct putting_in *p, struct braid_error *err)
{
	int r = 0;

	array_foreach (o, &p->observers->list)
		if (o->is_new)
			r = r ?: begin_lease(p->v->run.loaded, o, err);
	return r;
}

static int remove_but(void *ctx, const char *path, __u32 number, struct braid_error *err)
{
	const __u32 *stays = ctx;

	return number == *stays ? 0 : bpffs_remove_tree(path, err);
}

/* The variant of before. */
static int remove_others(struct putting_in *p, struct braid_error *err)
{
	return kernel_sync_rcu(err)
		       ?: variants_each(p->swap.run->folder, remove_but, &p->number, err);
}

/* Those who looked before go on to, through what they looked through. */
static void abandon(const struct putting_in *p)
{
	_cleanup_error_ struct braid_error second = BRAID_ERROR_INIT;
	_cleanup_free_ char *folder = path_variant(p->swap.run->folder, p->number);
	const struct swap *s = &p->swap;

	runtime_put(s->b->store, s->b->home.name, s->name, RUNTIME_OBSERVERS, p->document, &second);
	observe_unpin_slots(s->run->folder, p->observers, &second);
	kernel_sync_rcu(&second);
	if (p->number && folder)
		bpffs_remove_tree(folder, &second);
}

int observe_is_nowhere(const char *name, struct braid_error *err)
{
	error_set(err, -ENOENT, name, "the pipeline is attached to no interface now");
	error_hint(err, "see: braid status %s", name);
	return -ENOENT;
}

static int put_in(struct putting_in *p, struct braid_error *err)
{
	struct braid *b = p->swap.b;
	int r = runtime_get(b->store, b->home.name, p->swap.name, RUNTIME_OBSERVERS, &p->document,
			    err);

	if (r)
		return r;
	r = observers_write(b, p->swap.name, p->observers, &p->v->front, err)
		    ?: variant_pin(p->v, &p->number, err)
			       ?: begin_leases(p, err) ?: swap_to(&p->swap, &p->v->front, err);
	if (r) {
		abandon(p);
		return r;
	}
	return remove_others(p, err);
}

int observe_put_in(struct braid *b, const char *name, const struct running *run,
		   const struct observers *observers, struct variant *ret, struct braid_error *err)
{
	_cleanup_variant_ struct variant v = {};
	struct putting_in p = {.observers = observers, .v = &v};
	int r = swap_open(b, name, run, &p.swap, err);

	if (!r && !swap_count(&p.swap))
		r = observe_is_nowhere(name, err);
	r = r ?: observe_unpin_slots(run->folder, observers, err) ?:
		 variant_load(b, run, observers, &v, err) ?:
		 put_in(&p, err);
	array_foreach (a, &p.swap.attachments.list)
		v.interfaces += a->live;
	swap_done(&p.swap);
	free(p.document);
	if (r)
		return r;
	*ret = v;
	v = (struct variant){};
	return 0;
}
