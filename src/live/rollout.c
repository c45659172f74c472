/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * A gradual rollout: two versions of a stage side by side, and more and more packets to the
 * new one for as long as the gates hold. Here it begins, and is stopped and ended by people.
 */
#include <errno.h>
#include <sys/random.h>

#include "base/error.h"
#include "base/text.h"
#include "kernel/probe.h"
#include "live/rollout.h"
#include "manifest/edit.h"
#include "manifest/hook.h"
#include "manifest/opts.h"

#define EVERY_NS    30000000000ull
#define MIN_PACKETS 1000

/* Another one each time: else the same flows would always be the first to try. */
static int new_candidate(const struct rollout *r, const struct braid_rollout_opts *o,
			 struct candidate **ret, struct braid_error *err)
{
	_cleanup_(candidate_freep) struct candidate *c = calloc(1, sizeof(*c));

	if (!c)
		return error_oom(err);
	c->object = strdup(r->object);
	c->program = o->program ? strdup(o->program) : NULL;
	c->key = r->key;
	c->share_maps = r->share_maps;
	if (!c->object || (o->program && !c->program))
		return error_oom(err);
	if (getrandom(&c->seed, sizeof(c->seed), 0) != sizeof(c->seed))
		return error_errno(err, -errno, NULL, "the system gives no random number");
	*ret = TAKE_PTR(c);
	return 0;
}

static int parse_key(const char *word, enum rollout_key *ret, struct braid_error *err)
{
	for (int i = 0; rollout_key_names[i]; i++)
		if (text_eq(rollout_key_names[i], word)) {
			*ret = i;
			return 0;
		}
	error_set(err, -EINVAL, NULL, "there is no key '%s'", word);
	error_why(err, "packets are sent to a version by flow, by source, or at random");
	error_hint(err, "expected flow, source or random");
	return -EINVAL;
}

/* With all packets at once there is no old version to compare the new one with. */
static int check_comparable(const struct rollout *r, struct braid_error *err)
{
	for (size_t i = 0; i < r->gates.n; i++)
		if (r->gates.v[i].limit != LIMIT_ABSOLUTE && r->steps.n < 2) {
			error_set(err, -EINVAL, NULL, "the gate '%s' has nothing to compare with",
				  r->gate_texts.v[i]);
			error_why(err, "the only step sends all packets to the new version");
			error_hint(err, "begin with a smaller step: --steps 5,100");
			return -EINVAL;
		}
	return 0;
}

/* A rate that is always 0 would say that all is well. */
static int check_rates(const struct rollout *r, enum hook hook, struct braid_error *err)
{
	for (size_t i = 0; i < r->gates.n && hook_facts(hook)->is_tc; i++) {
		enum metric m = r->gates.v[i].metric;

		if (m != METRIC_ABORTED_RATE && m != METRIC_TX_RATE)
			continue;
		error_set(err, -EINVAL, NULL, "the gate '%s' is for XDP", r->gate_texts.v[i]);
		error_why(err, "the hook %s has no such verdict", hook_names[hook]);
		error_hint(err, "drop_rate counts 'shot', pass_rate what goes on, redirect_rate "
				"'redirect'");
		return -EINVAL;
	}
	return 0;
}

static int read_opts(struct rollout *r, const char *stage, const char *object,
		     const struct braid_rollout_opts *o, struct braid_error *err)
{
	int result = parse_key(o->key ?: rollout_key_names[ROLLOUT_FLOW], &r->key, err);

	result = result ?: rollout_parse_steps(o->steps ?: "1,5,25,100", r, err);
	for (size_t i = 0; i < o->n_gates && !result; i++)
		result = rollout_add_gate(r, o->gates[i], err);
	result = result ?: check_comparable(r, err);
	if (result)
		return result;
	r->step = -1;
	r->every_ns = o->every_ns ?: EVERY_NS;
	r->min_packets = o->min_packets ?: MIN_PACKETS;
	r->share_maps = !o->separate_maps;
	r->stage = strdup(stage);
	r->object = strdup(object);
	return r->stage && r->object ? 0 : error_oom(err);
}

static int under_way(const struct rolling *ro, const char *stage, struct braid_error *err)
{
	error_set(err, -EBUSY, ro->name, "a rollout of the stage '%s' is under way", stage);
	error_why(err, "there is one of a pipeline at a time");
	error_hint(err, "'braid rollout status %s' shows it; continue, promote or abort it first",
		   ro->name);
	return -EBUSY;
}

/* @next: what is to begin; the document goes first, so that no revision lacks one. */
static int begin(struct rolling *ro, struct rollout *next, const struct braid_rollout_opts *o,
		 struct braid_error *err)
{
	_cleanup_(braid_manifest_freep) struct braid_manifest *m = NULL;
	_cleanup_(candidate_freep) struct candidate *c = NULL;
	struct stage *s;
	int r = braid_revision(ro->b, ro->name, 0, &m, err);

	r = r ?: check_rates(next, m->pipelines.v[0]->hook, err);
	r = r ?: pipeline_find_stage(m->pipelines.v[0], next->stage, (struct place){}, &s, err);
	if (r)
		return r;
	array_foreach (other, &m->pipelines.v[0]->stages) /* those of no rollout: from a rollback */
		other->candidate = candidate_free(other->candidate);
	r = new_candidate(next, o, &c, err) ?: stage_set_candidate(s, c, (struct place){}, err);
	if (r)
		return r;
	TAKE_PTR(c);
	r = stage_check(s, err) ?: rollout_save(ro->b, ro->name, next, NULL, err);
	if (r)
		return r;
	r = braid_apply(ro->b, m->pipelines.v[0], NULL, NULL, err);
	if (r) { /* what the last one was told is lost; better than one that never began */
		_cleanup_error_ struct braid_error second = BRAID_ERROR_INIT;

		runtime_put(ro->b->store, ro->b->home.name, ro->name, RUNTIME_ROLLOUT, NULL,
			    &second);
	}
	return r;
}

static int start_locked(struct rolling *ro, struct rollout *next,
			const struct braid_rollout_opts *o, struct braid_error *err)
{
	_cleanup_free_ char *facts = NULL, *what = NULL;
	int r = rolling_look_locked(ro, err);

	if (!r && !rollout_is_over(ro->r.state))
		r = under_way(ro, ro->r.stage, err);
	r = r ?: begin(ro, next, o, err);
	if (r)
		return r;
	rolling_done(ro);
	r = rolling_look_locked(ro, err);
	facts = text_fmt("%s begins, by %s", next->object, rollout_key_names[next->key]);
	what = !r && facts ? rolling_sentence(ro, facts) : NULL;
	return r ?: what ? rollout_save(ro->b, ro->name, &ro->r, what, err) : error_oom(err);
}

int braid_rollout_start(struct braid *b, const char *pipeline, const char *stage,
			const char *object, const struct braid_rollout_opts *opts, char **ret_json,
			struct braid_error *err)
{
	_cleanup_rolling_ struct rolling ro = ROLLING_INIT(b, pipeline);
	_cleanup_rollout_ struct rollout next = {};
	struct braid_rollout_opts o;
	ERROR_SCRATCH(err);
	int r;

	r = opts_take(&o, sizeof(o), opts, err) ?: read_opts(&next, stage, object, &o, err);
	r = r ?: probe_privileges(err) ?: store_lock(b->store, b->cause, b->wait_ns, err);
	if (r)
		return r;
	r = start_locked(&ro, &next, &o, err);
	store_unlock(b->store);
	return r ?: rolling_report(&ro, ret_json, err);
}

static int change_pause(struct rolling *ro, struct braid_error *err)
{
	_cleanup_free_ char *what = rolling_sentence(ro, "paused");

	if (ro->r.state == ROLLOUT_PAUSED)
		return 0;
	if (ro->r.state != ROLLOUT_RUNNING)
		return rolling_finish(ro, err);
	ro->r.state = ROLLOUT_PAUSED;
	return what ? rolling_record(ro, what, err) : error_oom(err);
}

int braid_rollout_pause(struct braid *b, const char *pipeline, char **ret_json,
			struct braid_error *err)
{
	_cleanup_rolling_ struct rolling ro = ROLLING_INIT(b, pipeline);
	ERROR_SCRATCH(err);

	return rolling_change(&ro, change_pause, false, ret_json, err);
}

/* The present step begins anew: what happened while nobody looked does not count. */
static int change_continue(struct rolling *ro, struct braid_error *err)
{
	_cleanup_free_ char *what = rolling_sentence(ro, "continued");
	int r = 0;

	if (ro->r.state != ROLLOUT_RUNNING && ro->r.state != ROLLOUT_PAUSED)
		return rolling_finish(ro, err);
	ro->r.state = ROLLOUT_RUNNING;
	free(TAKE_PTR(ro->r.why));
	r = rolling_check_map(ro, err);
	if (!r && ro->r.step >= 0)
		r = rollout_base_take(&ro->map, &ro->r.base, err);
	return r ?: what ? rolling_record(ro, what, err) : error_oom(err);
}

int braid_rollout_continue(struct braid *b, const char *pipeline, char **ret_json,
			   struct braid_error *err)
{
	_cleanup_rolling_ struct rolling ro = ROLLING_INIT(b, pipeline);
	ERROR_SCRATCH(err);

	return rolling_change(&ro, change_continue, false, ret_json, err);
}

static int change_abort(struct rolling *ro, struct braid_error *err)
{
	_cleanup_free_ char *what = rolling_sentence(ro, "aborted");

	if (rollout_is_over(ro->r.state)) /* of no rollout, and nobody goes there */
		return ro->has_candidate ? rolling_apply_one(ro, err) : rolling_none(ro, err);
	if (ro->r.state == ROLLOUT_FAILING || ro->r.state == ROLLOUT_ABORTING)
		return rolling_finish(ro, err);
	free(TAKE_PTR(ro->r.why));
	return what ? rolling_decide(ro, ROLLOUT_ABORTING, what, err) : error_oom(err);
}

int braid_rollout_abort(struct braid *b, const char *pipeline, char **ret_json,
			struct braid_error *err)
{
	_cleanup_rolling_ struct rolling ro = ROLLING_INIT(b, pipeline);
	ERROR_SCRATCH(err);

	return rolling_change(&ro, change_abort, true, ret_json, err);
}

static int change_promote(struct rolling *ro, struct braid_error *err)
{
	_cleanup_free_ char *what = rolling_sentence(ro, "promoted");

	if (ro->r.state == ROLLOUT_PROMOTING)
		return rolling_finish(ro, err);
	if (ro->r.state == ROLLOUT_FAILING || ro->r.state == ROLLOUT_ABORTING) {
		error_set(err, -ECANCELED, ro->name, "the rollout of '%s' is being taken back",
			  ro->r.stage);
		error_why(err, "%s", ro->r.why ?: "it was aborted");
		error_hint(err, "'braid rollout abort %s' ends it; then begin anew", ro->name);
		return -ECANCELED;
	}
	free(TAKE_PTR(ro->r.why));
	return what ? rolling_decide(ro, ROLLOUT_PROMOTING, what, err) : error_oom(err);
}

int braid_rollout_promote(struct braid *b, const char *pipeline, char **ret_json,
			  struct braid_error *err)
{
	_cleanup_rolling_ struct rolling ro = ROLLING_INIT(b, pipeline);
	ERROR_SCRATCH(err);

	return rolling_change(&ro, change_promote, false, ret_json, err);
}

int braid_rollout_status(struct braid *b, const char *pipeline, char **ret_json,
			 struct braid_error *err)
{
	_cleanup_rolling_ struct rolling ro = ROLLING_INIT(b, pipeline);
	ERROR_SCRATCH(err);
	int r;

	r = rolling_look(&ro, err);
	if (!r && !ro.r.stage)
		return rolling_none(&ro, err);
	if (!r && !ro.has_candidate)
		rolling_is_over_by_now(&ro.r);
	return r ?: rolling_report(&ro, ret_json, err);
}
