/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* What an observer has seen: events out of its ring, and its counters. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <poll.h>

#include "base/clock.h"
#include "base/error.h"
#include "live/observer.h"

/* At most, at a time: whoever reads has other things to do. */
#define READ_NS 100000000ull

/* @size: with what the kernel side has reserved and not used. */
int observer_take_event(void *ctx, void *data, size_t size)
{
	struct braid_observer *o = ctx;
	const struct observe_event *e = data;
	struct braid_event event;

	if (size < sizeof(*e) || size - sizeof(*e) < e->captured)
		return 0; /* none of ours */
	event = (struct braid_event){
		.time_ns = e->time,
		.packet = e->packet + o->before.packets, /* they begin anew in each seat */
		.point = e->point,
		.verdict = e->verdict,
		.length = e->length,
		.captured = e->captured,
		.head = e->head,
		.ifindex = e->ifindex,
		.queue = e->queue,
		.cpu = e->cpu,
		.leaves = !!(e->flags & OBSERVE_LEAVES),
		.spent_ns = e->spent,
		.bytes = e + 1,
	};
	o->result = o->fn(o->ctx, &event);
	/* libbpf ends at what is negative; without that, not while more comes than is read */
	if (o->result)
		return -ECANCELED;
	return clock_ns(CLOCK_MONOTONIC) > o->until ? -EAGAIN : 0;
}

bool observer_has_events(const struct braid_observer *o)
{
	struct pollfd p = {.events = POLLIN};

	if (!o->seat.ring)
		return false;
	p.fd = ring_buffer__epoll_fd(o->seat.ring);
	return poll(&p, 1, 0) > 0;
}

int braid_observer_read(struct braid_observer *o, int (*fn)(void *ctx, const struct braid_event *e),
			void *ctx, struct braid_error *err)
{
	ERROR_SCRATCH(err);
	int r;

	if (!o->seat.ring)
		return 0;
	o->fn = fn;
	o->ctx = ctx;
	o->result = 0;
	o->until = clock_ns(CLOCK_MONOTONIC) + READ_NS;
	r = ring_buffer__consume(o->seat.ring);
	if (o->result)
		return o->result;
	return r < 0 && r != -EAGAIN ? error_errno(err, r, o->name, "cannot read events") : 0;
}

int observer_count_seat(const struct seat *s, struct braid_observer_count *ret,
			struct braid_error *err)
{
	struct braid_observer_count count = {};
	int cpus = libbpf_num_possible_cpus();
	_cleanup_free_ struct observe_state *states = NULL;
	__u32 zero = 0;

	if (s->state < 0) {
		*ret = count;
		return 0;
	}
	states = cpus > 0 ? calloc(cpus, sizeof(*states)) : NULL;
	if (!states)
		return error_oom(err);
	if (bpf_map_lookup_elem(s->state, &zero, states))
		return error_errno(err, -errno, NULL, "cannot read what an observer has counted");
	for (int cpu = 0; cpu < cpus; cpu++) {
		count.packets += states[cpu].packets;
		count.missed += states[cpu].missed;
	}
	*ret = count;
	return 0;
}

int braid_observer_count(struct braid_observer *o, struct braid_observer_count *ret,
			 struct braid_error *err)
{
	struct braid_observer_count now;
	ERROR_SCRATCH(err);
	int r = observer_count_seat(&o->seat, &now, err);

	if (r)
		return r;
	ret->packets = o->before.packets + now.packets;
	ret->missed = o->before.missed + now.missed;
	return 0;
}
