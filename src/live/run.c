/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Packets through a pipeline that is attached nowhere; its seams record where each left. */
#include <errno.h>

#include "base/error.h"
#include "braid/run.h"
#include "kernel/testrun.h"
#include "live/live.h"
#include "manifest/hook.h"

struct braid_run {
	struct running_image image;
};

int braid_run_open(const struct braid_pipeline *p, struct braid_run **ret, struct braid_error *err)
{
	/* nothing is attached here: components could not be run one behind the other */
	bool components = p->strategy == STRATEGY_DISPATCHER;
	enum strategy strategy = components ? STRATEGY_FUSED : p->strategy;
	const char *why = components ? "fused: there is no dispatcher in a test run" : NULL;
	struct braid_run *run = calloc(1, sizeof(*run));
	ERROR_SCRATCH(err);
	const struct image_opts recording = {.record = true};
	int r;

	if (!run)
		return error_oom(err);
	r = image_load(p, strategy, why, &recording, NULL, &run->image, err);
	if (r) {
		braid_run_close(run);
		return r;
	}
	*ret = run;
	return 0;
}

void braid_run_close(struct braid_run *run)
{
	if (!run)
		return;
	running_image_done(&run->image);
	free(run);
}

int braid_run_packet(struct braid_run *run, const void *packet, size_t size, void *out, size_t room,
		     struct braid_run_result *ret, struct braid_error *err)
{
	struct testrun t = {.packet = packet, .size = size, .out = out, .room = room};
	struct testrun_result res = {};
	struct image_record record;
	ERROR_SCRATCH(err);
	int r;

	r = testrun_packet(loaded_program(run->image.loaded, 0), &t, &res, err)
		    ?: loaded_read(run->image.loaded, IMAGE_RECORD_SECTION, &record, sizeof(record),
				   err);
	if (r)
		return r;
	*ret = (struct braid_run_result){
		.verdict = res.verdict,
		.stage = record.stage,
		.stage_verdict = record.verdict,
		.size = res.size,
		.nanoseconds = res.nanoseconds,
	};
	return 0;
}

size_t braid_run_stages(const struct braid_run *run)
{
	return run->image.plan->stages.n;
}

const char *braid_run_stage(const struct braid_run *run, size_t i)
{
	return i < run->image.plan->stages.n ? run->image.plan->stages.v[i].stage->name : NULL;
}

const char *braid_run_strategy(const struct braid_run *run)
{
	return strategy_names[run->image.plan->strategy];
}

const char *braid_verdict_name(const char *hook, uint32_t verdict)
{
	enum hook of;

	return hook_parse(hook, &of) ? verdict_name(of, verdict) : NULL;
}
