/* SPDX-License-Identifier: GPL-2.0-only */
#include "composed.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "compose/image.h"
#include "kernel/load.h"
#include "kernel/testrun.h"
#include "tap.h"

const char *const way_words[WAYS] = {"fused", "called", "tailcall", "mixed"};

struct composed {
	struct braid_plan *plan;
	struct image *image;
	struct loaded *loaded;
	bool records;
};

/* Segment @k and the one behind it become one. */
static void join(struct braid_plan *plan, size_t k)
{
	struct segment *v = plan->segments.v;

	v[k].n += v[k + 1].n;
	free(v[k + 1].name);
	memmove(&v[k + 1], &v[k + 2], (plan->segments.n - k - 2) * sizeof(*v));
	plan->segments.n--;
	array_foreach (ps, &plan->stages)
		if (ps->segment > k)
			ps->segment--;
}

/* Plans that braid makes only of the largest pipelines, or of what cannot be spliced. */
static void reshape(struct braid_plan *plan, enum way way, __u64 shape)
{
	for (size_t k = 0; k < plan->stages.n; k++)
		if (way == CALLED || (way == MIXED && shape >> k & 1)) {
			plan->stages.v[k].called = true;
			plan->stages.v[k].why_called = "a test wants it";
		}
	plan->clean_stack = shape >> 62 & 1;
	for (size_t k = plan->segments.n; way == MIXED && k-- > 1;)
		if (shape >> (STAGES + k) & 1)
			join(plan, k - 1);
}

int composed_new(const struct chain *c, const struct braid_pipeline *p, enum way way,
		 struct composed **ret, struct braid_error *err)
{
	struct composed *composed = calloc(1, sizeof(*composed));
	bool segments = way == TAILCALL || way == MIXED;
	int r;

	if (!composed)
		bail_out("no memory");
	r = plan_new(p, segments ? STRATEGY_TAILCALL : STRATEGY_FUSED, NULL, &composed->plan, err);
	if (!r)
		reshape(composed->plan, way, c->shape);
	r = r ?: image_new(composed->plan, way == MIXED, &composed->image, err)
			?: load_image(composed->image, NULL, 0, &composed->loaded, err);
	if (r) {
		composed_free(composed);
		return r;
	}
	composed->records = way == MIXED;
	*ret = composed;
	return 0;
}

void composed_free(struct composed *composed)
{
	loaded_free(composed->loaded);
	image_free(composed->image);
	braid_plan_free(composed->plan);
	free(composed);
}

static void run(void *ctx, const void *packet, size_t size, struct outcome *ret)
{
	_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
	struct composed *composed = ctx;
	struct testrun t = {
		.packet = packet,
		.size = size,
		.out = ret->bytes,
		.room = sizeof(ret->bytes),
	};
	struct testrun_result result;
	struct image_record record = {};

	if (testrun_packet(loaded_program(composed->loaded, 0), &t, &result, &err) ||
	    (composed->records &&
	     loaded_read(composed->loaded, IMAGE_RECORD_SECTION, &record, sizeof(record), &err)))
		bail_out("cannot run the pipeline: %s: %s", err.what ?: "", err.why ?: "");
	ret->verdict = result.verdict;
	ret->size = result.size;
	ret->stage = record.stage;
	ret->stage_verdict = record.verdict;
}

static int find_map(void *ctx, const struct map_name *name)
{
	struct composed *composed = ctx;
	const struct image_map *m = image_find_map(composed->image, name->stage, name->name);

	return m ? loaded_map(composed->loaded, m->symbol) : -1;
}

struct runner composed_runner(struct composed *composed)
{
	return (struct runner){
		.ctx = composed,
		.run = run,
		.map = find_map,
		.knows_stage = composed->records,
	};
}
