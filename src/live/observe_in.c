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
#include <time.h>

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
	__u32 number; /* of its folder; 0: it has none yet */
};

static const struct observing *in_slot(const struct observers *all, __u32 slot)
{
	array_foreach (o, &all->list)
		if (o->slot == slot)
			return o;
	return NULL;
}

/* Those that somebody may still use: programs hold them, too. */
static int unpin_slots(const struct running *run, const struct observers *keep,
		       struct braid_error *err)
{
	int r = 0;

	for (__u32 slot = 0; slot < OBSERVE_SLOTS && !r; slot++) {
		const struct observing *o = in_slot(keep, slot);
		_cleanup_free_ char *path = path_slot(run->folder, slot);

		if (!o || o->is_new)
			r = path ? bpffs_remove_tree(path, err) : error_oom(err);
	}
	return r;
}

static __u64 now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ull + ts.tv_nsec;
}

/* It looks from the first packet on. */
static int begin_lease(const struct loaded *l, const struct observing *o, struct braid_error *err)
{
	__u64 every = json_integer_value(json_object_get(o->asks, "every"));
	const struct observe_control control = {
		.lease = now_ns() + OBSERVE_LEASE_NS,
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

/* Those who looked before go on to. */
static void abandon(const struct putting_in *p)
{
	_cleanup_error_ struct braid_error second = BRAID_ERROR_INIT;
	_cleanup_free_ char *folder = path_variant(p->swap.run->folder, p->number);
	struct observers before = {.revision = p->observers->revision};
	bool whole = true;

	array_foreach (o, &p->observers->list)
		if (!o->is_new)
			whole &= !!array_add(&before.list, *o);
	if (whole)
		observers_write(p->swap.b, p->swap.name, &before, NULL, &second);
	unpin_slots(p->swap.run, &before, &second);
	array_done(&before.list); /* what is in it is borrowed */
	kernel_sync_rcu(&second);
	if (p->number && folder)
		bpffs_remove_tree(folder, &second);
}

static int is_nowhere(const char *name, struct braid_error *err)
{
	error_set(err, -ENOENT, name, "the pipeline is attached to no interface now");
	error_hint(err, "see: braid status %s", name);
	return -ENOENT;
}

static int put_in(struct putting_in *p, struct braid_error *err)
{
	int r = observers_write(p->swap.b, p->swap.name, p->observers, &p->v->front, err);

	r = r
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
		r = is_nowhere(name, err);
	r = r ?: unpin_slots(run, observers, err) ?:
		 variant_load(b, run, observers, &v, err) ?:
		 put_in(&p, err);
	swap_done(&p.swap);
	if (r)
		return r;
	*ret = v;
	v = (struct variant){};
	return 0;
}
