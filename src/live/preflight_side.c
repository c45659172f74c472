/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* One of the two pipelines: loaded as it would run, and with an observer at its seams. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>

#include "base/error.h"
#include "base/text.h"
#include "compose/observe.h"
#include "kernel/testrun.h"
#include "live/preflight.h"

#define EVENTS  "_observe0__events"
#define CONTROL ".data._observe0"

void side_done(struct side *side)
{
	ring_buffer__free(side->ring);
	array_done(&side->reuse.list);
	running_image_done(&side->watched);
	running_image_done(&side->base);
	array_foreach (f, &side->fates)
		free(f->why);
	array_done(&side->fates);
	array_done(&side->trail.steps);
	array_done(&side->trail.bytes);
	free(side->out);
	braid_manifest_free(side->manifest);
	*side = (struct side){};
}

/* Components cannot be run one behind the other: there is no dispatcher. */
static enum strategy strategy_of(const struct side *side, const char **ret_why)
{
	bool components = side->p->strategy == STRATEGY_DISPATCHER;

	*ret_why = components ? "fused: there is no dispatcher in a test run" : NULL;
	return components ? STRATEGY_FUSED : side->p->strategy;
}

int side_load(struct side *side, struct braid_error *err)
{
	const char *why;
	enum strategy strategy = strategy_of(side, &why);

	return image_load(side->p, strategy, why, NULL, NULL, &side->base, err);
}

static int choose(void *ctx, const struct image *image, struct chosen *ret, struct braid_error *err)
{
	struct side *side = ctx;

	side->reuse.list.n = 0;
	array_foreach (m, &image->maps) {
		struct load_reuse reuse = {m->symbol, loaded_map(side->base.loaded, m->symbol)};

		if (!m->observer && !image_map_is_own(image, m) && reuse.fd >= 0 &&
		    !array_add(&side->reuse.list, reuse))
			return error_oom(err);
	}
	*ret = (struct chosen){side->reuse.list.v, side->reuse.list.n};
	return 0;
}

/* Libbpf's callback: an event of the packet that has just been run. */
static int take_event(void *ctx, void *data, size_t size)
{
	struct trail *t = &((struct side *)ctx)->trail;
	const struct observe_event *e = data;
	struct trail_step step;

	if (size < sizeof(*e) || size - sizeof(*e) < e->captured)
		return 0;
	step = (struct trail_step){
		.point = e->point,
		.verdict = e->verdict,
		.leaves = e->flags & OBSERVE_LEAVES,
		.head = e->head,
		.size = e->captured,
		.at = t->bytes.n,
	};
	if (!array_reserve(&t->bytes, step.size) || !array_add(&t->steps, step)) {
		t->failed = true;
		return 0;
	}
	memcpy(t->bytes.v + t->bytes.n, e + 1, step.size);
	t->bytes.n += step.size;
	return 0;
}

/* Room for a packet at all seams; it is read behind each. */
static size_t ring_size(const struct braid_pipeline *p)
{
	size_t want = (p->stages.n + 3) * (OBSERVE_SNAP + 1 + 64), size = 1u << 18;

	while (size < want)
		size *= 2;
	return size;
}

static int open_ring(struct side *side, struct braid_error *err)
{
	const struct observe_control all = {.lease = UINT64_MAX, .sample = 1ull << 32};
	int control = loaded_map(side->watched.loaded, CONTROL);
	int events = loaded_map(side->watched.loaded, EVENTS);
	__u32 zero = 0;

	if (bpf_map_update_elem(control, &zero, &all, BPF_ANY))
		return error_errno(err, -errno, side->label, "cannot begin to look at packets");
	side->ring = ring_buffer__new(events, take_event, side, NULL);
	return side->ring ? 0 : error_errno(err, -errno, side->label, "cannot read events");
}

int side_watch(struct side *side, struct braid_error *err)
{
	struct observe_set set = {
		.slots[0] =
			{
				.used = true,
				.settings = {.what = OBSERVE_EVENTS, .snap = OBSERVE_SNAP},
				.ring = ring_size(side->p),
			},
	};
	const struct image_opts opts = {.observe = &set};
	struct reuse_chooser chooser = {choose, side};
	const char *why;
	enum strategy strategy = strategy_of(side, &why);
	int r;

	/* with an observer it may be too much for one program */
	if (strategy == STRATEGY_FUSED)
		strategy = STRATEGY_AUTO;
	r = image_load(side->p, strategy, why, &opts, &chooser, &side->watched, err);
	if (r)
		return r;
	side->out = malloc(PREFLIGHT_ROOM);
	return side->out ? open_ring(side, err) : error_oom(err);
}

int side_run(struct side *side, const void *packet, size_t size, struct braid_error *err)
{
	struct testrun t = {
		.packet = packet, .size = size, .out = side->out, .room = PREFLIGHT_ROOM};
	int r;

	side->trail.steps.n = side->trail.bytes.n = 0;
	r = testrun_packet(loaded_program(side->watched.loaded, 0), &t, &side->res, err);
	if (r)
		return r;
	r = ring_buffer__consume(side->ring);
	if (r < 0)
		return error_errno(err, r, side->label, "cannot read events");
	return side->trail.failed ? error_oom(err) : 0;
}

const char *side_stage(const struct side *side, __u32 point)
{
	const struct braid_plan *plan = side->watched.plan;

	return point < plan->stages.n ? plan->stages.v[point].stage->name : NULL;
}
