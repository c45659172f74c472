/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "manifest/edit.h"

#include <errno.h>
#include <limits.h>

#include "base/error.h"
#include "base/text.h"
#include "manifest/check.h"

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
	unsigned int i;
	int r = word_parse("final verdict", word, final_names, at, &i, err);

	if (r)
		return r;
	p->has_final = i > 0;
	p->final = i > 0 ? i - 1 : 0;
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

int pipeline_add_stage(struct braid_pipeline *p, struct stage *s, struct braid_error *err)
{
	const struct stage *other = pipeline_stage(p, s->name);
	int r = check_name("stage", s->name, s->at, err);

	if (other) {
		place_error(err, s->at, "two stages have the name '%s'", s->name);
		return error_earlier(err, other->at);
	}
	r = r ?: check_path("object", s->object, s->at, err);
	if (!r && s->program)
		r = check_symbol("program", s->program, s->at, err);
	if (r)
		return r;
	if (!array_add(&p->stages, *s))
		return error_oom(err);
	*s = (struct stage){};
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
	if (s->members.n < 2) {
		place_error(err, s->at, "the shared map '%s' needs two members or more", s->name);
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
	if (p->stages.n)
		return 0;
	return error_code(place_error(err, p->at, "the pipeline '%s' has no stages", p->name));
}

int stage_add_verdict(struct stage *s, enum hook hook, const char *word, struct place at,
		      struct braid_error *err)
{
	unsigned int verdict;
	int r = word_parse("verdict", word, verdict_names, at, &verdict, err);

	if (r)
		return r;
	s->has_proceed_on = true;
	s->proceed_on |= 1u << verdict;
	return 0;
}

int stage_put_constant(struct stage *s, struct constant *c, struct braid_error *err)
{
	int r = check_symbol("variable", c->name, c->at, err);

	if (r)
		return r;
	array_foreach (old, &s->constants) {
		if (text_eq(old->name, c->name)) {
			constant_done(old);
			*old = *c;
			*c = (struct constant){};
			return 0;
		}
	}
	if (!array_add(&s->constants, *c))
		return error_oom(err);
	*c = (struct constant){};
	return 0;
}

int stage_map(struct stage *s, const char *name, struct place at, struct map_setup **ret,
	      struct braid_error *err)
{
	struct map_setup *m;
	char *copy;
	int r = check_symbol("map", name, at, err);

	if (r)
		return r;
	array_foreach (old, &s->maps) {
		if (text_eq(old->name, name)) {
			*ret = old;
			return 0;
		}
	}
	copy = strdup(name);
	m = copy ? array_push(&s->maps) : NULL;
	if (!m) {
		free(copy);
		return error_oom(err);
	}
	m->name = copy;
	m->at = at;
	*ret = m;
	return 0;
}

int map_set_max_entries(struct map_setup *m, unsigned long long n, struct place at,
			struct braid_error *err)
{
	if (n >= 1 && n <= UINT_MAX) {
		m->max_entries = n;
		return 0;
	}
	place_error(err, at, "max-entries of the map '%s' is out of range", m->name);
	return error_code(error_why(err, "it is 1 to %u", UINT_MAX));
}

int map_add_entry(struct map_setup *m, struct map_entry *e, struct braid_error *err)
{
	if (!array_add(&m->entries, *e))
		return error_oom(err);
	*e = (struct map_entry){};
	return 0;
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

static int check_pair(const struct braid_pipeline *a, const struct braid_pipeline *b,
		      struct braid_error *err)
{
	if (text_eq(a->name, b->name)) {
		place_error(err, b->at, "two pipelines have the name '%s'", b->name);
		return error_earlier(err, a->at);
	}
	array_foreach (i, &b->interfaces) {
		array_foreach (other, &a->interfaces) {
			if (a->hook == b->hook && is_same_interface(i, other))
				return error_same_hook(i, b, other, a, err);
		}
	}
	return 0;
}

int manifest_check(const struct braid_manifest *m, struct braid_error *err)
{
	for (size_t i = 0; i < m->pipelines.n; i++) {
		for (size_t j = 0; j < i; j++) {
			int r = check_pair(m->pipelines.v[j], m->pipelines.v[i], err);

			if (r)
				return r;
		}
	}
	return 0;
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
