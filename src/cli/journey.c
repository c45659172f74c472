/* SPDX-License-Identifier: GPL-2.0-only */
#include "cli/journey.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define CPU_SHIFT 48 /* of braid_event.packet: the CPU is above */

static void journey_done(struct journey *j)
{
	array_foreach (e, &j->events)
		free((void *)e->bytes);
	array_done(&j->events);
}

static int emit(struct journeys *all, struct lane *lane, size_t i)
{
	struct journey j = lane->under_way[i];
	int r;

	lane->n--;
	memmove(&lane->under_way[i], &lane->under_way[i + 1], (lane->n - i) * sizeof(j));
	r = all->emit(all->ctx, &j);
	journey_done(&j);
	return r;
}

static int emit_left(struct journeys *all, struct lane *lane, uint64_t but)
{
	int r = 0;

	for (size_t i = 0; i < lane->n && !r;)
		if (lane->under_way[i].left && lane->under_way[i].packet != but)
			r = emit(all, lane, i);
		else
			i++;
	return r;
}

static struct lane *lane_of(struct journeys *all, uint64_t packet)
{
	size_t cpu = packet >> CPU_SHIFT;

	if (cpu >= all->lanes.n) {
		if (!array_reserve(&all->lanes, cpu + 1 - all->lanes.n))
			return NULL;
		all->lanes.n = cpu + 1; /* array_grow() has zeroed them */
	}
	return &all->lanes.v[cpu];
}

static struct journey *find(struct lane *lane, uint64_t packet)
{
	for (size_t i = 0; i < lane->n; i++)
		if (lane->under_way[i].packet == packet)
			return &lane->under_way[i];
	return NULL;
}

static int keep(struct journey *j, const struct braid_event *e)
{
	struct braid_event *kept;
	void *bytes = malloc(e->captured ?: 1);

	if (!bytes)
		return -ENOMEM;
	kept = array_push(&j->events);
	if (!kept) {
		free(bytes);
		return -ENOMEM;
	}
	if (e->captured)
		memcpy(bytes, e->bytes, e->captured);
	*kept = *e;
	kept->bytes = bytes;
	j->left = e->leaves;
	return 0;
}

int journeys_add(struct journeys *all, const struct braid_event *e)
{
	struct lane *lane = lane_of(all, e->packet);
	struct journey *j;
	int r;

	if (!lane)
		return -ENOMEM;
	/* A component of a dispatcher is left, and the packet comes to the next one. */
	r = emit_left(all, lane, e->packet);
	if (r)
		return r;
	j = find(lane, e->packet);
	if (!j) {
		if (lane->n == JOURNEYS_AT_ONCE)
			r = emit(all, lane, 0);
		if (r)
			return r;
		j = &lane->under_way[lane->n++];
		*j = (struct journey){.packet = e->packet};
	}
	return j->events.n < JOURNEY_EVENTS ? keep(j, e) : 0;
}

int journeys_round(struct journeys *all)
{
	int r = 0;

	for (size_t i = 0; i < all->lanes.n && !r; i++)
		r = emit_left(all, &all->lanes.v[i], UINT64_MAX);
	return r;
}

int journeys_expire(struct journeys *all, uint64_t before_ns)
{
	int r = 0;

	for (size_t i = 0; i < all->lanes.n; i++) {
		struct lane *lane = &all->lanes.v[i];

		for (size_t k = 0; k < lane->n && !r;) {
			const struct journey *j = &lane->under_way[k];

			if (j->events.n && j->events.v[j->events.n - 1].time_ns >= before_ns)
				k++;
			else
				r = emit(all, lane, k);
		}
	}
	return r;
}

void journeys_done(struct journeys *all)
{
	array_foreach (lane, &all->lanes)
		for (size_t i = 0; i < lane->n; i++)
			journey_done(&lane->under_way[i]);
	array_done(&all->lanes);
}
