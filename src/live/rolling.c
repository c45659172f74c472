/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* What the commands of a rollout have in common: looking, recording, and bringing it to an end. */
#include <errno.h>

#include "base/error.h"
#include "base/text.h"
#include "kernel/bpffs.h"
#include "kernel/probe.h"
#include "live/rollout.h"

void rolling_done(struct rolling *ro)
{
	rollout_done(&ro->r);
	running_done(&ro->run);
	rollout_map_done(&ro->map);
}

int rolling_none(const struct rolling *ro, struct braid_error *err)
{
	if (!ro->run.folder && pipeline_elsewhere(ro->b, ro->b->home.name, ro->name, err))
		return -ENOENT;
	error_set(err, -ENOENT, ro->name, "no rollout is under way");
	if (ro->r.stage && ro->r.why)
		error_why(err, "the last one, of the stage '%s', %s: %s", ro->r.stage,
			  rollout_state_names[ro->r.state], ro->r.why);
	else if (ro->r.stage)
		error_why(err, "the last one, of the stage '%s', is %s", ro->r.stage,
			  rollout_state_names[ro->r.state]);
	error_hint(err, "'braid rollout %s STAGE=OBJECT' begins one", ro->name);
	return -ENOENT;
}

int rolling_set_why(struct rolling *ro, char *why, struct braid_error *err)
{
	if (!why)
		return error_oom(err);
	free(ro->r.why);
	ro->r.why = why;
	return 0;
}

/* Of the rollout, or, when none is under way, of any: from before a rollback, say. */
static int find_candidate(struct rolling *ro, struct braid_error *err)
{
	_cleanup_(braid_manifest_freep) struct braid_manifest *m = NULL;
	const char *text = ro->run.revision.manifest;
	bool any = rollout_is_over(ro->r.state);
	int r = braid_manifest_parse(text, strlen(text), "store", NULL, &m, err);

	if (r)
		return r;
	array_foreach (s, &m->pipelines.v[0]->stages)
		ro->has_candidate |= s->candidate && (any || text_eq(s->name, ro->r.stage));
	return 0;
}

bool rolling_is_over_by_now(struct rollout *r)
{
	static const enum rollout_state over[] = {
		[ROLLOUT_RUNNING] = ROLLOUT_ENDED,      [ROLLOUT_PAUSED] = ROLLOUT_ENDED,
		[ROLLOUT_FAILING] = ROLLOUT_FAILED,     [ROLLOUT_ABORTING] = ROLLOUT_ABORTED,
		[ROLLOUT_PROMOTING] = ROLLOUT_PROMOTED,
	};

	if (rollout_is_over(r->state))
		return false;
	r->state = over[r->state];
	return true;
}

int rolling_look(struct rolling *ro, struct braid_error *err)
{
	int r = rollout_load(ro->b, ro->name, &ro->r, err);

	if (r == -ENOENT)
		ro->r.state = ROLLOUT_ENDED;
	else if (r)
		return r;
	r = running_open(ro->b, ro->name, &ro->run, err);
	if (r == -ENOENT) {
		braid_error_clear(err);
		return 0;
	}
	r = r ?: find_candidate(ro, err);
	if (!r && ro->has_candidate)
		r = rollout_map_open(&ro->run, &ro->map, err);
	return r;
}

static const char *why_ended(const struct rollout *r)
{
	return r->step < 0 ? "it was interrupted before it had begun"
			   : "another change to the pipeline took the new version away";
}

int rolling_look_locked(struct rolling *ro, struct braid_error *err)
{
	_cleanup_free_ char *root = NULL, *recovered = NULL;
	int r = bpffs_root(&root, err)
			?: recover_beside(ro->b, root, ro->name, OBSERVERS_STAY_WELL, &recovered,
					  err);

	r = r ?: rolling_look(ro, err);
	if (r || ro->has_candidate || !rolling_is_over_by_now(&ro->r))
		return r;
	if (ro->r.state == ROLLOUT_ENDED)
		r = rolling_set_why(ro, strdup(why_ended(&ro->r)), err);
	return r ?: rollout_save(ro->b, ro->name, &ro->r, NULL, err);
}

static int put_share(const struct rolling *ro, struct braid_error *err)
{
	_cleanup_control_map_ struct control_map map = CONTROL_MAP_INIT;
	struct control want;
	int r = control_open(ro->run.folder, &map, err);

	if (r)
		return r;
	want = map.is;
	want.share = rollout_share(&ro->r);
	return control_write(&map, &want, err);
}

int rolling_record(const struct rolling *ro, const char *what, struct braid_error *err)
{
	return rollout_save(ro->b, ro->name, &ro->r, what, err) ?: put_share(ro, err);
}

static void promote(struct stage *s)
{
	struct candidate *c = s->candidate;

	free(s->object);
	free(s->bytes);
	s->object = TAKE_PTR(c->object);
	s->bytes = TAKE_PTR(c->bytes);
	s->size = c->size;
	if (c->program) {
		free(s->program);
		s->program = TAKE_PTR(c->program);
	}
}

int rolling_apply_one(const struct rolling *ro, struct braid_error *err)
{
	_cleanup_(braid_manifest_freep) struct braid_manifest *m = NULL;
	int r = braid_revision(ro->b, ro->name, 0, &m, err);

	if (r)
		return r;
	array_foreach (s, &m->pipelines.v[0]->stages) {
		if (s->candidate && ro->r.state == ROLLOUT_PROMOTING)
			promote(s);
		s->candidate = candidate_free(s->candidate);
	}
	return braid_apply(ro->b, m->pipelines.v[0], NULL, NULL, err);
}

int rolling_finish(struct rolling *ro, struct braid_error *err)
{
	bool back = ro->r.state != ROLLOUT_PROMOTING;
	int r = back ? put_share(ro, err) : 0;

	if (r == -ENOENT) { /* nothing that packets could look at */
		braid_error_clear(err);
		r = 0;
	}
	r = r ?: rolling_apply_one(ro, err);
	if (r) {
		error_hint(err, "%s; 'braid rollout %s %s' tries again",
			   back ? "no packet goes to the new version any more"
				: "both versions go on running",
			   back ? "abort" : "promote", ro->name);
		return r;
	}
	rolling_is_over_by_now(&ro->r);
	return rollout_save(ro->b, ro->name, &ro->r, NULL, err);
}

int rolling_decide(struct rolling *ro, enum rollout_state state, const char *what,
		   struct braid_error *err)
{
	ro->r.state = state;
	return rollout_save(ro->b, ro->name, &ro->r, what, err) ?: rolling_finish(ro, err);
}

char *rolling_sentence(const struct rolling *ro, const char *what)
{
	return text_fmt("rollout of %s: %s", ro->r.stage, what);
}

int rolling_check_map(const struct rolling *ro, struct braid_error *err)
{
	if (ro->map.fd >= 0)
		return 0;
	error_set(err, -EBADMSG, ro->name, "what runs has no counters of a rollout");
	error_hint(err, "'braid rollout abort %s' takes the new version away", ro->name);
	return -EBADMSG;
}

int rolling_report(struct rolling *ro, char **ret_json, struct braid_error *err)
{
	_cleanup_error_ struct braid_error unreadable = BRAID_ERROR_INIT;
	_cleanup_json_ json_t *j = NULL;
	struct rollout_step step;
	bool readable = ro->map.fd >= 0 && !rollout_is_over(ro->r.state) &&
			!rollout_step_read(&ro->map, &ro->r, &step, &unreadable);

	if (!ret_json)
		return 0;
	if (ro->r.stage)
		j = rollout_to_json(ro->name, &ro->r, readable ? &step : NULL);
	else /* of no rollout: what was aborted is not known any more */
		j = json_pack("{s:s, s:s}", "pipeline", ro->name, "state",
			      rollout_state_names[ROLLOUT_ABORTED]);
	*ret_json = j ? json_dumps(j, JSON_INDENT(2) | JSON_REAL_PRECISION(6)) : NULL;
	return *ret_json ? 0 : error_oom(err);
}

int rolling_change(struct rolling *ro, int (*change)(struct rolling *ro, struct braid_error *err),
		   bool even_over, char **ret_json, struct braid_error *err)
{
	int r = probe_privileges(err)
			?: store_lock(ro->b->store, ro->b->cause, ro->b->wait_ns, err);

	if (r)
		return r;
	r = rolling_look_locked(ro, err);
	if (!r && !even_over && rollout_is_over(ro->r.state))
		r = rolling_none(ro, err);
	r = r ?: change(ro, err);
	store_unlock(ro->b->store);
	return r ?: rolling_report(ro, ret_json, err);
}
