/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * A gradual rollout goes on: whoever calls braid_rollout_step() drives it, and nothing is kept
 * between two calls but what is in the store.
 */
#include "base/error.h"
#include "base/text.h"
#include "live/rollout.h"

/* How often a step looks at its gates: so many times, but not more or less often than this. */
#define LOOKS       10
#define LOOK_MIN_NS 20000000ull
#define LOOK_MAX_NS 1000000000ull

static int fail_gate(struct rolling *ro, size_t i, const struct gate_result *result,
		     struct braid_error *err)
{
	_cleanup_free_ char *facts = gate_describe(&ro->r.gates.v[i], result), *what = NULL;
	int r = facts ? 0 : error_oom(err);

	r = r
		    ?: rolling_set_why(ro,
				       text_fmt("the gate '%s' failed at %g %%: %s",
						ro->r.gate_texts.v[i], ro->r.steps.v[ro->r.step],
						facts),
				       err);
	what = r ? NULL : rolling_sentence(ro, ro->r.why);
	return r ?: what ? rolling_decide(ro, ROLLOUT_FAILING, what, err) : error_oom(err);
}

static int advance(struct rolling *ro, const struct rollout_step *step, struct braid_error *err)
{
	struct rollout *r = &ro->r;
	_cleanup_free_ char *what = NULL, *facts = NULL;

	if (r->step >= 0) {
		r->has_reference = true;
		r->reference = step->version[ROLLOUT_OLD];
	}
	r->step++;
	r->base = step->base;
	free(TAKE_PTR(r->why));
	facts = text_fmt("step %d of %zu, %g %% go to the new version", r->step + 1, r->steps.n,
			 r->steps.v[r->step]);
	what = facts ? rolling_sentence(ro, facts) : NULL;
	return what ? rolling_record(ro, what, err) : error_oom(err);
}

static int hold(struct rolling *ro, size_t gate, const struct rollout_step *step,
		struct braid_error *err)
{
	const struct rollout_version *v = step->version;
	char *why = text_fmt("the step is held: the gate '%s' needs more packets than %llu of the "
			     "new version and %llu of the old one (%llu and %llu timed)",
			     ro->r.gate_texts.v[gate], (unsigned long long)v[ROLLOUT_NEW].packets,
			     (unsigned long long)v[ROLLOUT_OLD].packets,
			     (unsigned long long)v[ROLLOUT_NEW].samples,
			     (unsigned long long)v[ROLLOUT_OLD].samples);

	return rolling_set_why(ro, why, err) ?: rollout_save(ro->b, ro->name, &ro->r, NULL, err);
}

/* The time of the step is over, and no gate failed. */
static int next(struct rolling *ro, const struct rollout_step *step, int waits,
		struct braid_error *err)
{
	_cleanup_free_ char *what = NULL;

	if (waits >= 0)
		return hold(ro, waits, step, err);
	if (ro->r.step + 1 < ro->r.steps.n)
		return advance(ro, step, err);
	what = rolling_sentence(ro, "all gates hold at 100 %: promoted");
	free(TAKE_PTR(ro->r.why));
	return what ? rolling_decide(ro, ROLLOUT_PROMOTING, what, err) : error_oom(err);
}

static int judge(struct rolling *ro, const struct rollout_step *step, struct braid_error *err)
{
	int waits = -1;

	for (size_t i = 0; i < ro->r.gates.n; i++) {
		struct gate_result result = rollout_judge(&ro->r, &ro->r.gates.v[i], step);

		if (result.state == GATE_FAILS)
			return fail_gate(ro, i, &result, err);
		if (result.state == GATE_WAITS)
			waits = i;
	}
	return step->elapsed_ns < ro->r.every_ns ? 0 : next(ro, step, waits, err);
}

static int drive(struct rolling *ro, struct braid_error *err)
{
	struct rollout_step step;
	int r = rollout_step_read(&ro->map, &ro->r, &step, err);

	if (r)
		return r;
	if (ro->r.step < 0)
		return advance(ro, &step, err);
	if (!step.anew)
		return judge(ro, &step, err);
	ro->r.base = step.base;
	return rolling_record(ro, NULL, err);
}

static int change_step(struct rolling *ro, struct braid_error *err)
{
	if (!ro->r.stage)
		return rolling_none(ro, err);
	if (ro->r.state == ROLLOUT_RUNNING)
		return rolling_check_map(ro, err) ?: drive(ro, err);
	if (ro->r.state == ROLLOUT_PAUSED || rollout_is_over(ro->r.state))
		return 0;
	return rolling_finish(ro, err);
}

static __u64 time_to_look(const struct rollout *r)
{
	__u64 ns = r->every_ns / LOOKS;

	if (r->state != ROLLOUT_RUNNING)
		return 0;
	return ns < LOOK_MIN_NS ? LOOK_MIN_NS : ns > LOOK_MAX_NS ? LOOK_MAX_NS : ns;
}

int braid_rollout_step(struct braid *b, const char *pipeline, uint64_t *ret_wait_ns,
		       char **ret_json, struct braid_error *err)
{
	_cleanup_rolling_ struct rolling ro = ROLLING_INIT(b, pipeline);
	ERROR_SCRATCH(err);
	int r;

	r = rolling_change(&ro, change_step, true, ret_json, err);
	if (!r)
		*ret_wait_ns = time_to_look(&ro.r);
	return r;
}
