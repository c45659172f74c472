/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* An observer stays: it comes back behind a change, and knows when nobody looked, and where. */
#include <errno.h>

#include "base/clock.h"
#include "base/error.h"
#include "kernel/bpffs.h"
#include "live/observer.h"

#define COUNT_NS 1000000000ull /* between two looks at the interfaces */

/*
 * How many interfaces have the pipeline? Whoever changes it meanwhile removes what is being looked
 * at: then it is not known, and stays what it was.
 */
static void count_interfaces(struct braid_observer *o)
{
	_cleanup_error_ struct braid_error ignored = BRAID_ERROR_INIT;
	_cleanup_free_ char *root = NULL, *path = NULL;
	struct attachments all = {};
	size_t n = 0;

	o->counted_ns = o->seen_ns;
	if (bpffs_root(&root, &ignored))
		return;
	path = path_pipeline(root, o->b->home.name, o->name);
	if (!path || attachments_read(path, &all, &ignored))
		return;
	array_foreach (a, &all.list)
		n += a->live;
	attachments_done(&all);
	if (seat_is_kept(&o->seat))
		o->interfaces = n;
}

void observer_begins(struct braid_observer *o, size_t interfaces)
{
	o->seen_ns = o->counted_ns = clock_ns(CLOCK_MONOTONIC);
	o->interfaces = interfaces;
}

/* An interface that goes takes the pipeline with it, and tells nobody. Return: as tend's. */
static int look_at_interfaces(struct braid_observer *o, struct braid_error *err)
{
	size_t was = o->interfaces;

	if (o->seen_ns - o->counted_ns < COUNT_NS)
		return 0;
	count_interfaces(o);
	if (o->interfaces == was)
		return 0;
	return o->interfaces ? 2 : observe_is_nowhere(o->name, err);
}

/* It looks again; since @before it did not. */
static void end_gap(struct braid_observer *o, __u64 before)
{
	o->gaps.n++;
	o->gaps.last_ns = o->seen_ns - before;
	o->gaps.total_ns += o->gaps.last_ns;
}

/* With the lock. What was counted before goes on. */
static int join_again(struct braid_observer *o, struct braid_error *err)
{
	struct braid_observer_count count;
	__u64 before = o->seen_ns;
	int r = observer_count_seat(&o->seat, &count, err) ?: observer_join(o, false, err);

	if (r)
		return r;
	o->before.packets += count.packets;
	o->before.missed += count.missed;
	end_gap(o, before);
	return 1;
}

int braid_observer_tend(struct braid_observer *o, struct braid_error *err)
{
	ERROR_SCRATCH(err);
	int r;

	if (seat_is_kept(&o->seat)) {
		seat_renew(&o->seat);
		o->seen_ns = clock_ns(CLOCK_MONOTONIC);
		return look_at_interfaces(o, err);
	}
	if (observer_has_events(o))
		return 0; /* to be read first: their stages are those of this seat */
	r = store_lock(o->b->store, o->b->cause, 0, err);
	if (r)
		return r;
	r = join_again(o, err);
	store_unlock(o->b->store);
	return r;
}

void braid_observer_gaps(const struct braid_observer *o, struct braid_observer_gaps *ret)
{
	*ret = o->gaps;
}

size_t braid_observer_interfaces(const struct braid_observer *o)
{
	return o->interfaces;
}
