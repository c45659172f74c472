/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* braid_signal(): what each signal means. */
#include <errno.h>

#include "base/error.h"
#include "base/text.h"
#include "kernel/bpffs.h"
#include "kernel/probe.h"
#include "kernel/rcu.h"
#include "live/signal.h"
#include "manifest/layout.h"
#include "manifest/opts.h"

#define STAGE_BITS (CONTROL_SIGNAL_PAUSE | CONTROL_SIGNAL_DRAIN | CONTROL_SIGNAL_SHUTDOWN)
/* Bits for programs and their operators: BRAID_SIGNAL_USER(0) to (15) of braid.bpf.h. */
#define LAST_BIT 15

static const struct signal_kind signals[] = {
	{.name = "pause", .set = CONTROL_SIGNAL_PAUSE, .closes = true},
	{.name = "resume", .clear = STAGE_BITS},
	{.name = "drain", .set = CONTROL_SIGNAL_DRAIN, .closes = true},
	{.name = "shutdown", .set = CONTROL_SIGNAL_SHUTDOWN, .closes = true},
	{.name = "reload"},
	{.name = "set", .bit_given = true},
	{.name = "clear", .bit_given = true},
};

#define N_SIGNALS (sizeof(signals) / sizeof(*signals))

static int find_signal(const char *word, const struct signal_kind **ret, struct braid_error *err)
{
	const char *names[N_SIGNALS], *near;

	for (size_t i = 0; i < N_SIGNALS; i++) {
		names[i] = signals[i].name;
		*ret = &signals[i];
		if (text_eq(word, names[i]))
			return 0;
	}
	near = text_nearest(word, names, N_SIGNALS);
	error_set(err, -EINVAL, NULL, "there is no signal '%s'", word);
	error_why(err, "signals are pause, resume, drain, shutdown, reload, set and clear");
	if (near)
		error_hint(err, "did you mean '%s'?", near);
	return -EINVAL;
}

/* What of the options goes with which signal. */
static int check_opts(struct signalling *s, const struct braid_signal_opts *o,
		      struct braid_error *err)
{
	const char *word = s->signal->name;

	if (o->verdict && (s->stage || !text_eq(word, "pause"))) {
		error_set(err, -EINVAL, NULL, "a verdict goes with pause of a whole pipeline only");
		error_hint(err, s->stage ? "packets go past a stage that is paused"
					 : "packets pass a pipeline that is drained");
		return -EINVAL;
	}
	if (o->verdict && !text_eq(o->verdict, "pass") && !text_eq(o->verdict, "drop")) {
		error_set(err, -EINVAL, NULL, "'%s' is no verdict for a pause", o->verdict);
		error_hint(err, "pass or drop");
		return -EINVAL;
	}
	if (s->stage && text_eq(word, "reload")) {
		error_set(err, -EINVAL, NULL, "reload is for a whole pipeline");
		error_hint(err, "objects that did not change keep their maps in any case");
		return -EINVAL;
	}
	if (s->signal->bit_given && o->bit > LAST_BIT) {
		error_set(err, -EINVAL, NULL, "there is no bit %u for operators", o->bit);
		error_why(err, "they are 0 to %d", LAST_BIT);
		return -EINVAL;
	}
	return 0;
}

static void take_bits(struct signalling *s, const struct braid_signal_opts *o)
{
	__u32 bit = s->signal->bit_given ? (__u32)CONTROL_SIGNAL_USER << o->bit : 0;

	s->bit = o->bit;
	s->set = s->signal->set | (text_eq(s->signal->name, "set") ? bit : 0);
	s->clear = s->signal->clear | (text_eq(s->signal->name, "clear") ? bit : 0);
}

static int change_and_wait(struct signalling *s, struct braid_error *err)
{
	bool leaves = s->signal->closes && !text_eq(s->signal->name, "pause");
	int r = signalling_open(s, err) ?: signalling_change(s, err);

	/* also when it was closed before: the command that did may have been killed in its wait */
	return r ?: leaves ? kernel_sync_rcu(err) : 0;
}

/* The pipeline without a stage, which packets go past by now. */
static int disable_stage(struct signalling *s, struct braid_error *err)
{
	_cleanup_(braid_manifest_freep) struct braid_manifest *m = NULL;
	_cleanup_json_ json_t *without = json_deep_copy(s->document);
	_cleanup_free_ char *text = NULL;
	int r = without ? braid_revision(s->b, s->name, 0, &m, err) : error_oom(err);

	r = r ?: pipeline_enable_stage(m->pipelines.v[0], s->stage, false, err) ?:
		 braid_apply(s->b, m->pipelines.v[0], NULL, NULL, err);
	if (r)
		return r;
	json_object_del(json_object_get(without, "stages"), s->stage);
	text = json_dumps(without, JSON_COMPACT | JSON_SORT_KEYS);
	return text ? runtime_put(s->b->store, s->b->home.name, s->name, RUNTIME_SIGNALS, text, err)
		    : error_oom(err);
}

static int shut_stage_down(struct signalling *s, struct braid_error *err)
{
	_cleanup_error_ struct braid_error second = BRAID_ERROR_INIT;
	_cleanup_json_ json_t *before = NULL;
	int r;

	s->announce = true;
	r = signalling_open(s, err);
	before = json_deep_copy(s->document);
	r = r ?: signalling_change(s, err) ?: kernel_sync_rcu(err) ?: disable_stage(s, err);
	if (r && s->changed && signalling_restore(s, before, &second))
		error_hint(err,
			   "packets still go past the stage: braid signal %s resume --stage %s",
			   s->name, s->stage);
	return r;
}

static int shut_down(struct signalling *s, struct braid_error *err)
{
	if (s->stage)
		return shut_stage_down(s, err);
	return change_and_wait(s, err) ?: braid_delete(s->b, s->name, err);
}

/* What was read from a file at the time is read from it again. */
static int forget_bytes(const char *name, const char *object, void **bytes, size_t *size,
			struct braid_error *err)
{
	if (object[0] != '/') {
		error_set(err, -EOPNOTSUPP, name, "the object '%s' did not come from a file",
			  object);
		error_hint(err, "who applied the pipeline gave its bytes, and must give new ones");
		return -EOPNOTSUPP;
	}
	free(*bytes);
	*bytes = NULL;
	*size = 0;
	return 0;
}

static int reload(struct signalling *s, json_t **ret, struct braid_error *err)
{
	_cleanup_(braid_manifest_freep) struct braid_manifest *m = NULL;
	_cleanup_free_ char *report = NULL;
	struct braid_pipeline *p;
	int r = braid_revision(s->b, s->name, 0, &m, err);

	if (r)
		return r;
	p = m->pipelines.v[0];
	array_foreach (st, &p->stages) {
		struct candidate *c = st->candidate;

		if (st->disabled)
			continue;
		r = r ?: forget_bytes(st->name, st->object, &st->bytes, &st->size, err);
		if (!r && c)
			r = forget_bytes(st->name, c->object, &c->bytes, &c->size, err);
	}
	r = r ?: braid_apply(s->b, p, NULL, &report, err);
	if (r)
		return r;
	*ret = json_loads(report, 0, NULL);
	s->changed = json_is_true(json_object_get(*ret, "changed"));
	return *ret ? 0 : error_oom(err);
}

static int report(const struct signalling *s, json_t *state, char **ret, struct braid_error *err)
{
	if (!ret)
		return 0;
	json_object_set_new(state, "changed", json_boolean(s->changed));
	if (s->recovered)
		json_object_set_new(state, "recovered", json_string(s->recovered));
	*ret = json_dumps(state, JSON_INDENT(2));
	return *ret ? 0 : error_oom(err);
}

/* "pipeline", "state", "stages" with their "signals". */
static int state_to_json(struct braid *b, const char *name, json_t **ret, struct braid_error *err)
{
	_cleanup_running_ struct running run = {};
	_cleanup_json_ json_t *j = NULL, *stages = json_array();
	json_t *stage;
	size_t i;
	int r = running_open(b, name, &run, err);

	if (r == -ENOENT)
		return pipeline_unknown(b, name, err);
	if (r)
		return r;
	j = json_pack("{s:s, s:I}", "pipeline", name, "revision", (json_int_t)run.revision.number);
	json_array_foreach (json_object_get(run.plan, "stages"), i, stage)
		json_array_append_new(stages, json_pack("{s:O, s:O}", "name",
							json_object_get(stage, "name"), "index",
							json_object_get(stage, "index")));
	json_object_set(j, "stages", stages);
	r = signals_describe(b, b->home.name, name, run.plan, run.folder, j, err);
	if (!r)
		*ret = TAKE_PTR(j);
	return r;
}

int braid_signals(struct braid *b, const char *name, char **ret_json, struct braid_error *err)
{
	_cleanup_json_ json_t *j = NULL;
	ERROR_SCRATCH(err);
	int r = state_to_json(b, name, &j, err);

	if (r)
		return r;
	*ret_json = json_dumps(j, JSON_INDENT(2));
	return *ret_json ? 0 : error_oom(err);
}

static int send_locked(struct signalling *s, char **ret_report, struct braid_error *err)
{
	bool whole = !s->stage && text_eq(s->signal->name, "shutdown");
	_cleanup_json_ json_t *state = NULL;
	_cleanup_free_ char *root = NULL;
	int r = bpffs_root(&root, err)
			?: recover_beside(s->b, root, s->name, OBSERVERS_STAY_WELL, &s->recovered,
					  err);

	if (r)
		return r;
	if (text_eq(s->signal->name, "reload"))
		r = reload(s, &state, err);
	else if (text_eq(s->signal->name, "shutdown"))
		r = shut_down(s, err);
	else
		r = change_and_wait(s, err);
	if (!r && state)
		return report(s, state, ret_report, err);
	if (!r && whole)
		state = json_pack("{s:s, s:s}", "pipeline", s->name, "state", "deleted");
	else
		r = r ?: state_to_json(s->b, s->name, &state, err);
	return r ?: report(s, state, ret_report, err);
}

int braid_signal(struct braid *b, const char *name, const char *signal,
		 const struct braid_signal_opts *opts, char **ret_report, struct braid_error *err)
{
	_cleanup_signalling_ struct signalling s = {.b = b, .name = name, .map = CONTROL_MAP_INIT};
	struct braid_signal_opts o;
	ERROR_SCRATCH(err);
	int r = opts_take(&o, sizeof(o), opts, err) ?: find_signal(signal, &s.signal, err);

	if (r)
		return r;
	s.stage = o.stage;
	s.verdict = o.verdict;
	r = check_opts(&s, &o, err);
	if (r)
		return r;
	take_bits(&s, &o);
	r = probe_privileges(err) ?: store_lock(b->store, b->cause, b->wait_ns, err);
	if (r)
		return r;
	r = send_locked(&s, ret_report, err);
	store_unlock(b->store);
	return r;
}
