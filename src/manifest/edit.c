/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "manifest/edit.h"

#include <errno.h>
#include <limits.h>

#include "base/error.h"
#include "base/text.h"
#include "manifest/check.h"
#include "manifest/choice.h"
#include "manifest/hook.h"

/* Completes @err with the line of the earlier element, when it has one. */
static int error_earlier(struct braid_error *err, struct place earlier)
{
	char text[PATH_MAX + 32];

	if (earlier.line)
		error_why(err, "the other one is at %s", place_text(earlier, text, sizeof(text)));
	return error_code(err);
}

int pipeline_set_final(struct braid_pipeline *p, const char *word, struct place at,
		       struct braid_error *err)
{
	bool is_last = text_eq(word, final_names[0]);
	__u32 verdict = 0;
	int r = 0;

	if (!is_last)
		r = verdict_read(p->hook, "final verdict", final_names[0], word, at, &verdict, err);
	if (r)
		return r;
	p->has_final = !is_last;
	p->final = verdict;
	return 0;
}

/* The part of @netns that tells namespaces apart: the folder of names is left out. */
static const char *netns_key(const char *netns)
{
	static const char *const folders[] = {"/run/netns/", "/var/run/netns/"};

	for (size_t i = 0; netns && i < 2; i++) {
		if (text_has_prefix(netns, folders[i]))
			return netns + strlen(folders[i]);
	}
	return netns ?: "";
}

static bool is_same_interface(const struct interface *a, const struct interface *b)
{
	return text_eq(a->name, b->name) && text_eq(netns_key(a->netns), netns_key(b->netns));
}

static int error_same_interface(const struct interface *i, const struct interface *earlier,
				struct braid_error *err)
{
	if (i->netns)
		place_error(err, i->at,
			    "the interface '%s' of the network namespace '%s' is given "
			    "twice",
			    i->name, i->netns);
	else
		place_error(err, i->at, "the interface '%s' is given twice", i->name);
	return error_earlier(err, earlier->at);
}

int pipeline_add_interface(struct braid_pipeline *p, struct interface *i, struct braid_error *err)
{
	int r = check_interface(i->name, i->at, err);

	if (!r && i->netns)
		r = check_netns(i->netns, i->at, err);
	if (r)
		return r;
	array_foreach (other, &p->interfaces) {
		if (is_same_interface(i, other))
			return error_same_interface(i, other, err);
	}
	if (!array_add(&p->interfaces, *i))
		return error_oom(err);
	*i = (struct interface){};
	return 0;
}

/* Stages and choices share their names: commands take both. */
static int check_step_name(const struct braid_pipeline *p, const char *what, const char *name,
			   struct place at, struct braid_error *err)
{
	const struct stage *stage = pipeline_stage(p, name);
	__u32 choice = pipeline_choice(p, name);
	int r = check_name(what, name, at, err);

	if (r || (!stage && !choice))
		return r;
	if (text_eq(what, choice ? "choice" : "stage"))
		place_error(err, at, "two %ss have the name '%s'", what, name);
	else
		place_error(err, at, "a stage and a choice have the name '%s'", name);
	return error_earlier(err, stage ? stage->at : p->choices.v[choice - 1].at);
}

int pipeline_check_stage(const struct braid_pipeline *p, const struct stage *s,
			 struct braid_error *err)
{
	int r = check_step_name(p, "stage", s->name, s->at, err);

	return r ?: stage_check_object(s, err) ?: stage_check(s, err);
}

int pipeline_add_stage(struct braid_pipeline *p, struct stage *s, struct braid_error *err)
{
	int r = pipeline_check_stage(p, s, err);

	r = r ?: choice_check_next(p, s->choice, s->branch, s->at, err);
	if (r)
		return r;
	if (!array_add(&p->stages, *s))
		return error_oom(err);
	*s = (struct stage){};
	return 0;
}

static int check_depth(const struct braid_pipeline *p, const struct choice *c,
		       struct braid_error *err)
{
	unsigned int depth = 1;

	for (__u32 k = c->choice; k; k = p->choices.v[k - 1].choice)
		depth++;
	if (p->choices.n >= CHOICES_MAX) {
		place_error(err, c->at, "the pipeline has too many choices");
		return error_code(error_why(err, "it may have %u", CHOICES_MAX));
	}
	if (depth <= CHOICE_DEPTH)
		return 0;
	place_error(err, c->at, "the choice '%s' is nested too deeply", c->name);
	return error_code(error_why(err, "%u may stand in each other", CHOICE_DEPTH));
}

/* Without a stage in front there is no result to look at: said before anything is in it. */
static int check_result(const struct braid_pipeline *p, const struct choice *c,
			struct braid_error *err)
{
	const struct stage *last = p->stages.n ? &p->stages.v[p->stages.n - 1] : NULL;

	if (c->field != FIELD_RESULT || (last && !step_of(p, last, c->choice, c->branch)))
		return 0;
	return choice_no_classifier(c, err);
}

int pipeline_add_choice(struct braid_pipeline *p, struct choice *c, struct braid_error *err)
{
	int r = check_step_name(p, "choice", c->name, c->at, err);

	r = r ?: check_depth(p, c, err) ?: choice_check_next(p, c->choice, c->branch, c->at, err);
	r = r ?: check_result(p, c, err);
	if (r)
		return r;
	if (!c->branches.n && !array_push(&c->branches))
		return error_oom(err);
	if (!array_add(&p->choices, *c))
		return error_oom(err);
	*c = (struct choice){};
	return 0;
}

static const char *name_of_stage(const void *element)
{
	return ((const struct stage *)element)->name;
}

int pipeline_find_stage(const struct braid_pipeline *p, const char *name, struct place at,
			struct stage **ret, struct braid_error *err)
{
	struct stage *s = pipeline_stage(p, name);

	if (s) {
		*ret = s;
		return 0;
	}
	place_error(err, at, "the pipeline '%s' has no stage '%.64s'", p->name, name);
	err->code = -ENOENT;
	return error_unknown(err, name, "its stages are", p->stages.v, p->stages.n,
			     sizeof(*p->stages.v), name_of_stage);
}

static int check_member(const struct braid_pipeline *p, const struct shared_map *s,
			const struct map_ref *ref, struct braid_error *err)
{
	struct stage *stage;
	int r = pipeline_find_stage(p, ref->stage, ref->at, &stage, err);

	if (r)
		return r;
	for (const struct map_ref *other = s->members.v; other < ref; other++) {
		if (text_eq(other->stage, ref->stage)) {
			place_error(err, ref->at,
				    "the shared map '%s' has two maps of the stage "
				    "'%s'",
				    s->name, ref->stage);
			return error_code(
				error_why(err, "it takes the place of one map of a stage"));
		}
	}
	array_foreach (other, &p->shared) {
		array_foreach (taken, &other->members) {
			if (!text_eq(taken->stage, ref->stage) || !text_eq(taken->map, ref->map))
				continue;
			place_error(err, ref->at, "the map '%s.%s' is in two shared maps",
				    ref->stage, ref->map);
			return error_code(error_why(err, "it is in '%s' already", other->name));
		}
	}
	return 0;
}

int pipeline_add_shared(struct braid_pipeline *p, struct shared_map *s, struct braid_error *err)
{
	int r = check_name("shared map", s->name, s->at, err);

	if (r)
		return r;
	array_foreach (other, &p->shared) {
		if (text_eq(other->name, s->name)) {
			place_error(err, s->at, "two shared maps have the name '%s'", s->name);
			return error_earlier(err, other->at);
		}
	}
	if (s->members.n < (s->across ? 1 : 2)) {
		place_error(err, s->at, "the shared map '%s' needs %s or more", s->name,
			    s->across ? "a member" : "two members");
		return error_code(error_hint(err, "list maps of different stages, as in "
						  "[guard.blocked, acl.deny]"));
	}
	array_foreach (ref, &s->members) {
		r = check_member(p, s, ref, err);
		if (r)
			return r;
	}
	if (!array_add(&p->shared, *s))
		return error_oom(err);
	*s = (struct shared_map){};
	return 0;
}

int pipeline_check(const struct braid_pipeline *p, struct braid_error *err)
{
	bool runs = false;
	int r = 0;

	if (!p->stages.n)
		return error_code(
			place_error(err, p->at, "the pipeline '%s' has no stages", p->name));
	array_foreach (s, &p->stages)
		runs |= !s->disabled;
	if (!runs) {
		place_error(err, p->at, "all stages of the pipeline '%s' are disabled", p->name);
		return error_code(error_hint(err, "enable one, or 'braid delete %s'", p->name));
	}
	for (__u32 k = 1; k <= p->choices.n && !r; k++)
		r = choice_check(p, k, err);
	return r ?: attach_check(p, err);
}

int shared_map_add(struct shared_map *s, const char *ref, struct place at, struct braid_error *err)
{
	const char *dot = strchr(ref, '.');
	struct map_ref *slot;
	int r;

	if (!dot || dot == ref) {
		place_error(err, at, "'%.64s' is not a map of a stage", ref);
		return error_code(error_hint(err, "write stage.map, as in guard.blocked"));
	}
	r = check_symbol("map", dot + 1, at, err);
	if (r)
		return r;
	slot = array_push(&s->members);
	if (!slot)
		return error_oom(err);
	slot->at = at;
	slot->stage = strndup(ref, dot - ref);
	slot->map = strdup(dot + 1);
	return slot->stage && slot->map ? 0 : error_oom(err);
}

/* Either may come from a values file: both places are told. */
static int error_same_hook(const struct interface *i, const struct braid_pipeline *p,
			   const struct interface *other, const struct braid_pipeline *has,
			   struct braid_error *err)
{
	char text[PATH_MAX + 32];

	place_error(err, i->at, "two pipelines are on the interface '%s' at the hook %s", i->name,
		    hook_names[p->hook]);
	place_text(other->at, text, sizeof(text));
	return error_code(error_why(err, "the pipeline '%s' has it already%s%s", has->name,
				    text[0] ? ", at " : "", text));
}

/* Where the kernel, or libxdp's dispatcher, keeps a list of programs. */
static bool may_share_hook(const struct braid_pipeline *a, const struct braid_pipeline *b)
{
	return hook_facts(a->hook)->is_tc ||
	       (a->strategy == STRATEGY_DISPATCHER && b->strategy == STRATEGY_DISPATCHER);
}

static int check_pair(const struct braid_pipeline *a, const struct braid_pipeline *b,
		      struct braid_error *err)
{
	if (text_eq(a->name, b->name)) {
		place_error(err, b->at, "two pipelines have the name '%s'", b->name);
		return error_earlier(err, a->at);
	}
	array_foreach (i, &b->interfaces) {
		array_foreach (other, &a->interfaces) {
			if (a->hook == b->hook && !may_share_hook(a, b) &&
			    is_same_interface(i, other))
				return error_same_hook(i, b, other, a, err);
		}
	}
	return 0;
}

int manifest_check(const struct braid_manifest *m, struct braid_error *err)
{
	int r = 0;

	for (size_t i = 0; i < m->pipelines.n && !r; i++) {
		for (size_t j = 0; j < i && !r; j++)
			r = check_pair(m->pipelines.v[j], m->pipelines.v[i], err);
		r = r ?: pipeline_check(m->pipelines.v[i], err);
	}
	return r;
}

static const char *name_of_pipeline(const void *element)
{
	return (*(struct braid_pipeline *const *)element)->name;
}

int manifest_find(const struct braid_manifest *m, const char *name, struct place at,
		  struct braid_pipeline **ret, struct braid_error *err)
{
	array_foreach (p, &m->pipelines) {
		if (text_eq((*p)->name, name)) {
			*ret = *p;
			return 0;
		}
	}
	place_error(err, at, "there is no pipeline '%.64s'", name);
	err->code = -ENOENT;
	return error_unknown(err, name, "the pipelines are", m->pipelines.v, m->pipelines.n,
			     sizeof(*m->pipelines.v), name_of_pipeline);
}
