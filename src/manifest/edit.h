/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Every change to a model goes through here, whether it comes from YAML, from a values
 * file or from C: so the rules stand in one place. An element is given whole and moved
 * on success; on failure it is still the caller's. Errors carry the element's place.
 */
#pragma once

#include "manifest/model.h"

/* "last", or a verdict. */
int pipeline_set_final(struct braid_pipeline *p, const char *word, struct place at,
		       struct braid_error *err);
/* Before all that depends on the hook: mode, verdicts, how it is attached, stages. */
int pipeline_set_hook(struct braid_pipeline *p, enum hook hook, struct place at,
		      struct braid_error *err);
int pipeline_set_mode(struct braid_pipeline *p, const char *word, struct place at,
		      struct braid_error *err);
/* Replaces how @p is attached. */
void pipeline_set_attach(struct braid_pipeline *p, struct attach *a);
int pipeline_add_interface(struct braid_pipeline *p, struct interface *i, struct braid_error *err);
/* At (@s->choice, @s->branch), behind what is there. */
int pipeline_add_stage(struct braid_pipeline *p, struct stage *s, struct braid_error *err);
/* What pipeline_add_stage() asks of a stage, but not of its place. */
int pipeline_check_stage(const struct braid_pipeline *p, const struct stage *s,
			 struct braid_error *err);
/*
 * At (@c->choice, @c->branch), behind what is there; with its branches but not their stages,
 * which are to follow. Without branches it gets the default.
 */
int pipeline_add_choice(struct braid_pipeline *p, struct choice *c, struct braid_error *err);
/* The stages of the members must be there already. */
int pipeline_add_shared(struct braid_pipeline *p, struct shared_map *s, struct braid_error *err);
/* -ENOENT with the nearest name. */
int pipeline_find_stage(const struct braid_pipeline *p, const char *name, struct place at,
			struct stage **ret, struct braid_error *err);
/*
 * What only the whole can break: no stage, none that is enabled, a choice without stages or
 * without the result that it looks at. For pipelines that were built or changed piece by piece.
 */
int pipeline_check(const struct braid_pipeline *p, struct braid_error *err);

/* One more verdict with which the next stage runs. */
int stage_add_verdict(struct stage *s, enum hook hook, const char *word, struct place at,
		      struct braid_error *err);
/* Replaces a constant of the same name. */
int stage_put_constant(struct stage *s, struct constant *c, struct braid_error *err);
/* Where its program comes from. */
int stage_check_object(const struct stage *s, struct braid_error *err);
/* What its parts say together. */
int stage_check(const struct stage *s, struct braid_error *err);
/* @c: owned by @s on success; one that was there is freed. */
int stage_set_candidate(struct stage *s, struct candidate *c, struct place at,
			struct braid_error *err);
#define GLOBALS ".data" /* as a map */
/* The setup of the map @name, a new one if need be; valid until the next one is made. */
int stage_map(struct stage *s, const char *name, struct place at, struct map_setup **ret,
	      struct braid_error *err);
int map_set_max_entries(struct map_setup *m, unsigned long long n, struct place at,
			struct braid_error *err);
int map_add_entry(struct map_setup *m, struct map_entry *e, struct braid_error *err);
int map_set_on_change(struct map_setup *m, const char *word, struct place at,
		      struct braid_error *err);
/* Replaces a default of the same member. */
int map_put_default(struct map_setup *m, struct constant *c, struct braid_error *err);
/* Where in the list: "first" or "last", or beside @who. One of them, once. */
int attach_set_order(struct attach *a, const char *word, struct place at, struct braid_error *err);
int attach_set_relative(struct attach *a, enum attach_order order, const char *who, struct place at,
			struct braid_error *err);
int attach_set_via(struct attach *a, const char *word, struct place at, struct braid_error *err);
int attach_set_priority(struct attach *a, unsigned long long n, struct place at,
			struct braid_error *err);
/* That hook, strategy and way to attach go together. */
int attach_check(const struct braid_pipeline *p, struct braid_error *err);
/* One more value of a branch that is there; the field must be known. */
int choice_add_value(struct choice *c, size_t branch, enum hook hook, const char *word,
		     struct place at, struct braid_error *err);
/* @ref: "guard.blocked", a stage and a map. */
int shared_map_add(struct shared_map *s, const char *ref, struct place at, struct braid_error *err);

/* Refuses two pipelines of one name, or on one interface and hook. */
int manifest_check(const struct braid_manifest *m, struct braid_error *err);
/* -ENOENT with the nearest name. */
int manifest_find(const struct braid_manifest *m, const char *name, struct place at,
		  struct braid_pipeline **ret, struct braid_error *err);
