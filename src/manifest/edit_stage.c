/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Edits of one stage, one map of it, one choice. */
#include <errno.h>
#include <limits.h>

#include "base/error.h"
#include "base/text.h"
#include "manifest/check.h"
#include "manifest/edit.h"
#include "manifest/field.h"
#include "manifest/hook.h"

int stage_add_verdict(struct stage *s, enum hook hook, const char *word, struct place at,
		      struct braid_error *err)
{
	__u32 verdict;
	int r = verdict_read(hook, "verdict", NULL, word, at, &verdict, err);

	if (r)
		return r;
	s->has_proceed_on = true;
	s->proceed_on |= verdict_bit(verdict);
	return 0;
}

/* Return: whether there was one of that name; the old one is freed then. */
static bool replace_constant(struct constant *list, size_t n, const struct constant *c)
{
	for (size_t i = 0; i < n; i++) {
		if (text_eq(list[i].name, c->name)) {
			constant_done(&list[i]);
			list[i] = *c;
			return true;
		}
	}
	return false;
}

int stage_put_constant(struct stage *s, struct constant *c, struct braid_error *err)
{
	int r = check_symbol("variable", c->name, c->at, err);

	if (r)
		return r;
	if (!replace_constant(s->constants.v, s->constants.n, c) && !array_add(&s->constants, *c))
		return error_oom(err);
	*c = (struct constant){};
	return 0;
}

int stage_check_object(const struct stage *s, struct braid_error *err)
{
	int r = check_path("object", s->object, s->at, err);

	if (!r && s->program)
		r = check_symbol("program", s->program, s->at, err);
	return r;
}

int stage_check(const struct stage *s, struct braid_error *err)
{
	if (!s->disabled || !s->candidate)
		return 0;
	place_error(err, s->at, "the stage '%s' is disabled and has a rollout", s->name);
	return error_code(error_why(err, "a stage that does not run has no packets to share out"));
}

int stage_set_candidate(struct stage *s, struct candidate *c, struct place at,
			struct braid_error *err)
{
	int r = check_path("object", c->object, at, err);

	if (r)
		return r;
	candidate_free(s->candidate);
	s->candidate = c;
	return 0;
}

int stage_map(struct stage *s, const char *name, struct place at, struct map_setup **ret,
	      struct braid_error *err)
{
	struct map_setup *m;
	char *copy;
	int r = text_eq(name, GLOBALS) ? 0 : check_symbol("map", name, at, err);

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

/* The globals are one value: nothing of them can be counted or listed. */
static int check_not_globals(const struct map_setup *m, const char *key, struct place at,
			     struct braid_error *err)
{
	if (!text_eq(m->name, GLOBALS))
		return 0;
	place_error(err, at, "the globals of a stage have no %s", key);
	return error_code(error_why(err, "'%s' takes on-change and defaults", GLOBALS));
}

int map_set_max_entries(struct map_setup *m, unsigned long long n, struct place at,
			struct braid_error *err)
{
	int r = check_not_globals(m, "max-entries", at, err);

	if (r)
		return r;
	if (n >= 1 && n <= UINT_MAX) {
		m->max_entries = n;
		return 0;
	}
	place_error(err, at, "max-entries of the map '%s' is out of range", m->name);
	return error_code(error_why(err, "it is 1 to %u", UINT_MAX));
}

int map_add_entry(struct map_setup *m, struct map_entry *e, struct braid_error *err)
{
	int r = check_not_globals(m, "entries", e->at, err);

	if (r)
		return r;
	if (!array_add(&m->entries, *e))
		return error_oom(err);
	*e = (struct map_entry){};
	return 0;
}

int map_set_on_change(struct map_setup *m, const char *word, struct place at,
		      struct braid_error *err)
{
	unsigned int i;
	int r = word_parse("on-change", word, on_change_names, at, &i, err);

	if (r)
		return r;
	m->has_on_change = true;
	m->on_change = i;
	return 0;
}

int map_put_default(struct map_setup *m, struct constant *c, struct braid_error *err)
{
	int r = check_member_name(c->name, c->at, err);

	if (r)
		return r;
	if (!replace_constant(m->defaults.v, m->defaults.n, c) && !array_add(&m->defaults, *c))
		return error_oom(err);
	*c = (struct constant){};
	return 0;
}

static int error_taken(const struct choice *c, const struct branch *taken, const char *value,
		       struct place at, struct braid_error *err)
{
	char text[PATH_MAX + 32];

	place_error(err, at, "the value %s is given twice in the choice '%s'", value, c->name);
	if (taken->at.line)
		error_why(err, "the other one is in the case at %s",
			  place_text(taken->at, text, sizeof(text)));
	return error_code(err);
}

int choice_add_value(struct choice *c, size_t branch, enum hook hook, const char *word,
		     struct place at, struct braid_error *err)
{
	char text[FIELD_TEXT_MAX];
	__u32 value;
	int r = field_parse(c->field, hook, word, at, &value, err);

	if (r)
		return r;
	array_foreach (b, &c->branches) {
		array_foreach (v, &b->values) {
			if (*v == value)
				return error_taken(c, b, field_text(c->field, hook, value, text),
						   at, err);
		}
	}
	return array_add(&c->branches.v[branch].values, value) ? 0 : error_oom(err);
}
