/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Signals: bits of the control block that seams obey or programs look at. Store first, then
 * the word; both under the lock.
 */
#include "live/signal.h"

#include <errno.h>

#include "base/error.h"
#include "base/text.h"
#include "kernel/bpffs.h"
#include "kernel/probe.h"
#include "kernel/rcu.h"
#include "manifest/edit.h"
#include "manifest/hook.h"
#include "manifest/layout.h"
#include "manifest/opts.h"

void signalling_done(struct signalling *s)
{
	running_done(&s->run);
	braid_manifest_free(s->manifest);
	control_done(&s->map);
	json_decref(s->document);
	free(s->recovered);
}

static int has_none(const struct signalling *s, struct braid_error *err)
{
	error_set(err, -EOPNOTSUPP, s->name, "the pipeline takes no signals");
	error_why(err, "its manifest says signals: none, so that a packet pays for no check");
	error_hint(err, "apply it with signals: stages");
	return -EOPNOTSUPP;
}

static int has_no_stages(const struct signalling *s, struct braid_error *err)
{
	error_set(err, -EOPNOTSUPP, s->name, "stages of the pipeline take no signals");
	error_why(err, "its manifest says signals: pipeline");
	error_hint(err, "apply it with signals: stages%s",
		   s->signal->bit_given ? "" : ", or signal the whole pipeline");
	return -EOPNOTSUPP;
}

/* Of a recorded stage, in the control block. */
static json_int_t index_of(const json_t *stage)
{
	return json_integer_value(json_object_get(stage, "index"));
}

/* Does the control block have a place for it? */
static int check_stage(const struct signalling *s, const struct stage *stage,
		       struct braid_error *err)
{
	json_t *one;
	size_t i;

	json_array_foreach (json_object_get(s->run.plan, "stages"), i, one)
		if (text_eq(json_string_value(json_object_get(one, "name")), stage->name) &&
		    index_of(one) < CONTROL_STAGES)
			return 0;
	error_set(err, -EOPNOTSUPP, s->name, "stage '%s' takes no signals", stage->name);
	if (stage->disabled)
		error_why(err, "it is disabled");
	else
		error_why(err, "only the first %d stages of a pipeline do", CONTROL_STAGES);
	return -EOPNOTSUPP;
}

static int find_target(struct signalling *s, struct braid_error *err)
{
	const struct revision *rev = &s->run.revision;
	struct stage *stage = NULL;
	int r = braid_manifest_parse(rev->manifest, strlen(rev->manifest), "store", NULL,
				     &s->manifest, err);

	if (r)
		return r;
	s->p = s->manifest->pipelines.v[0];
	if (s->stage)
		r = pipeline_find_stage(s->p, s->stage, (struct place){}, &stage, err);
	if (r)
		return r;
	if (s->p->signals == SIGNALS_NONE)
		return has_none(s, err);
	if ((s->stage || s->signal->bit_given) && s->p->signals != SIGNALS_STAGES)
		return has_no_stages(s, err);
	if (s->stage)
		return check_stage(s, stage, err);
	array_foreach (each, &s->p->stages)
		if (s->signal->bit_given && !each->disabled)
			r = r ?: check_stage(s, each, err);
	return r;
}

int signalling_open(struct signalling *s, struct braid_error *err)
{
	int r = running_open(s->b, s->name, &s->run, err);

	if (r == -ENOENT)
		return pipeline_unknown(s->b, s->name, err);
	r = r ?: find_target(s, err) ?: control_open(s->run.folder, &s->map, err);
	return r
		       ?: runtime_document(s->b, s->b->home.name, s->name, RUNTIME_SIGNALS,
					   &s->document, err);
}

/* What the signal is called in history. */
static char *sentence(const struct signalling *s)
{
	bool has_bit = s->signal->bit_given;
	_cleanup_free_ char *what = has_bit ? text_fmt("%s %u", s->signal->name, s->bit)
				    : s->verdict && !s->stage && text_eq(s->signal->name, "pause")
					    ? text_fmt("%s, packets %s", s->signal->name,
						       text_eq(s->verdict, "drop") ? "are dropped"
										   : "pass")
					    : strdup(s->signal->name);

	if (!what)
		return NULL;
	return s->stage ? text_fmt("signal %s to stage %s", what, s->stage)
			: text_fmt("signal %s", what);
}

/* The store, and then the words. @document: becomes @s->document. */
static int make_wanted(struct signalling *s, json_t *document, struct braid_error *err)
{
	_cleanup_free_ char *text = json_dumps(document, JSON_COMPACT | JSON_SORT_KEYS);
	_cleanup_free_ char *what = sentence(s);
	_cleanup_json_ json_t *rollout = NULL;
	struct control want;
	int r = text && what ? 0 : error_oom(err);

	r = r ?: runtime_document(s->b, s->b->home.name, s->name, RUNTIME_ROLLOUT, &rollout, err) ?:
	    runtime_record(s->b->store, s->b->home.name, s->name, RUNTIME_SIGNALS, text,
			   s->b->cause, what, err);
	if (r)
		return r;
	control_wanted(&s->map.is, document, rollout, s->run.plan, &want);
	if (s->announce) { /* programs see the signal before packets go past them */
		struct control first = want;

		memcpy(first.bypass, s->map.is.bypass, sizeof(first.bypass));
		r = control_write(&s->map, &first, err) ?: kernel_sync_rcu(err);
	}
	r = r ?: control_write(&s->map, &want, err);
	if (r)
		return r;
	json_decref(s->document);
	s->document = json_incref(document);
	return 0;
}

/* @document with other bits for the stage, or for all. */
static void change_bits(json_t *document, const struct signalling *s, const char *stage)
{
	json_t *stages = json_object_get(document, "stages");
	__u32 bits = json_integer_value(json_object_get(stages, stage));

	bits = (bits & ~s->clear) | s->set;
	if (!stages) {
		stages = json_object();
		json_object_set_new(document, "stages", stages);
	}
	if (bits)
		json_object_set_new(stages, stage, json_integer(bits));
	else
		json_object_del(stages, stage);
}

static void close_pipeline(json_t *document, const struct signalling *s)
{
	if (s->signal->closes) {
		json_object_set_new(document, "closed", json_string(s->signal->name));
		json_object_set_new(document, "verdict", json_string(s->verdict ?: "pass"));
	} else {
		json_object_del(document, "closed");
		json_object_del(document, "verdict");
	}
}

int signalling_change(struct signalling *s, struct braid_error *err)
{
	_cleanup_json_ json_t *document = json_deep_copy(s->document);

	if (!document)
		return error_oom(err);
	if (s->stage)
		change_bits(document, s, s->stage);
	else if (!s->signal->bit_given)
		close_pipeline(document, s);
	else
		array_foreach (stage, &s->p->stages)
			if (!stage->disabled)
				change_bits(document, s, stage->name);
	if (!json_object_size(json_object_get(document, "stages")))
		json_object_del(document, "stages");
	if (json_equal(document, s->document))
		return 0;
	s->changed = true;
	return make_wanted(s, document, err);
}

int signalling_restore(struct signalling *s, const json_t *document, struct braid_error *err)
{
	_cleanup_json_ json_t *copy = json_deep_copy(document);

	return copy ? make_wanted(s, copy, err) : error_oom(err);
}

/* "pause", "drain", "shutdown", and the operator's as "user-3". NULL: none is set. */
static json_t *bits_to_json(__u32 bits)
{
	static const char *const words[] = {"pause", "drain", "shutdown"};
	json_t *list = bits ? json_array() : NULL;

	for (unsigned int i = 0; i < 3; i++)
		if (bits >> i & 1)
			json_array_append_new(list, json_string(words[i]));
	for (unsigned int i = 0; i < 16; i++)
		if (bits & (__u32)CONTROL_SIGNAL_USER << i)
			json_array_append_new(list, json_sprintf("user-%u", i));
	return list;
}

static const char *state_word(const struct control *is, const json_t *document)
{
	const char *by = json_string_value(json_object_get(document, "closed"));

	if (!is->closed)
		return "running";
	return text_eq(by, "drain")      ? "drained"
	       : text_eq(by, "shutdown") ? "shutting-down"
					 : "paused";
}

/* Members "state" and "verdict" of a pipeline, "signals" of its stages. */
static void describe(const struct control *is, enum hook hook, const json_t *document,
		     json_t *pipeline)
{
	const char *verdict = hook_closed_word(hook, is->verdict);
	json_t *stage;
	size_t i;

	json_object_set_new(pipeline, "state", json_string(state_word(is, document)));
	if (is->closed)
		json_object_set_new(pipeline, "verdict", json_string(verdict ?: "?"));
	json_array_foreach (json_object_get(pipeline, "stages"), i, stage) {
		json_int_t k = index_of(stage);
		json_t *bits = k < CONTROL_STAGES ? bits_to_json(is->signals[k]) : NULL;

		if (bits)
			json_object_set_new(stage, "signals", bits);
	}
}

/* Should the revision have a control block? */
static bool has_control(const json_t *plan)
{
	size_t i;
	json_t *map;

	json_array_foreach (json_object_get(plan, "maps"), i, map)
		if (text_eq(json_string_value(json_object_get(map, "symbol")), CONTROL_SECTION))
			return true;
	return false;
}

int signals_describe(struct braid *b, const char *home, const char *name, const json_t *plan,
		     const char *folder, json_t *pipeline, struct braid_error *err)
{
	_cleanup_control_map_ struct control_map map = CONTROL_MAP_INIT;
	_cleanup_error_ struct braid_error unseen = BRAID_ERROR_INIT;
	_cleanup_json_ json_t *document = NULL;
	int r;

	if (!has_control(plan)) {
		json_object_set_new(pipeline, "state", json_string("running"));
		return 0;
	}
	r = control_open(folder, &map, &unseen);
	if (r == -ENOMEM)
		return error_oom(err);
	if (r) /* what cannot be looked at is left out, as in all of status */
		return 0;
	if (runtime_document(b, home, name, RUNTIME_SIGNALS, &document, &unseen))
		document = NULL;
	describe(&map.is, hook_of_plan(plan), document, pipeline);
	return 0;
}
