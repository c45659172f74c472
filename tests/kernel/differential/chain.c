/* SPDX-License-Identifier: GPL-2.0-only */
#include "chain.h"

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "manifest/model.h"
#include "tap.h"

#define PICK(r, array) ((array)[rng_below(r, sizeof(array) / sizeof((array)[0]))])

const char *const kind_names[KINDS] = {
	[GUARD] = "guard",     [ACL] = "acl", [RATELIMIT] = "ratelimit", [FLOWSTAT] = "flowstat",
	[SAMPLER] = "sampler", [LB] = "lb",   [HELLO] = "hello",         [DICE] = "dice",
};

/* Maps of one definition in several kinds; "counters" differ in size only. */
static const struct {
	const char *map;
	__u32 kinds;
} shareable[] = {
	{"counters",
	 1 << GUARD | 1 << ACL | 1 << RATELIMIT | 1 << FLOWSTAT | 1 << SAMPLER | 1 << LB},
	{"rules4", 1 << ACL},
	{"hits", 1 << ACL},
	{"buckets", 1 << RATELIMIT},
	{"flows", 1 << FLOWSTAT},
	{"samples", 1 << SAMPLER},
	{"backends", 1 << LB},
};

/*
 * Names that a careless linker would confuse with its own, with the pipeline's, or with
 * what another stage's maps and functions are called in the linked object.
 */
static void random_name(struct rng *r, const struct chain *c, size_t k, char *ret, size_t size)
{
	static const char *const words[] = {"data", "maps",   "text",      "bss",  "counters",
					    "xdp",  "rodata", "license",   "edge", "edge_",
					    "stir", "braid",  "dice__stir"};
	const char *kind = kind_names[c->stages[k].kind];
	unsigned char number = k;

	switch (rng_below(r, 6)) {
	case 0:
		snprintf(ret, size, "%s", kind);
		break;
	case 1:
		snprintf(ret, size, "%s", PICK(r, words));
		break;
	case 2:
		snprintf(ret, size, "%s-of-a-team-on-floor-%u_", kind, number);
		break;
	case 3:
		snprintf(ret, size, "s%u_", number);
		break;
	case 4:
		snprintf(ret, size, "%.16s__counters", k ? c->stages[k - 1].name : "edge");
		break;
	default:
		snprintf(ret, size, "%s-%u", kind, number);
		break;
	}
}

/* braid refuses names that differ in '-' and '_' only. */
static bool are_alike(const char *a, const char *b)
{
	for (; *a && *b; a++, b++)
		if ((*a == '-' ? '_' : *a) != (*b == '-' ? '_' : *b))
			return false;
	return *a == *b;
}

static bool name_is_taken(const struct chain *c, size_t k)
{
	for (size_t i = 0; i < k; i++)
		if (are_alike(c->stages[i].name, c->stages[k].name))
			return true;
	return false;
}

static __u32 random_verdicts(struct rng *r)
{
	__u32 set = rng_below(r, 1 << 5);

	if (rng_chance(r, 35))
		return 0;
	if (rng_chance(r, 75))
		set |= 1 << XDP_PASS;
	return set ?: 1 << rng_below(r, 5);
}

static void random_share(struct rng *r, const struct chain *c, struct share *ret)
{
	__u32 which = rng_below(r, sizeof(shareable) / sizeof(shareable[0]));

	*ret = (struct share){.map = shareable[which].map};
	for (size_t k = 0; k < c->n; k++)
		if (shareable[which].kinds & 1 << c->stages[k].kind && rng_chance(r, 80))
			ret->members |= 1 << k;
}

static bool is_shared(const struct share *s)
{
	return s->members & (s->members - 1);
}

/* What a member that brings no map says about it would be said of the first one's. */
static void keep_first_settings(struct chain *c, const struct share *s)
{
	for (size_t k = __builtin_ctz(s->members) + 1; k < c->n; k++) {
		struct link *l = &c->stages[k];
		size_t kept = 0;

		for (size_t i = 0; i < l->n_settings; i++)
			if (!(s->members & 1 << k) || l->settings[i].what == CONSTANT ||
			    strcmp(l->settings[i].name, s->map))
				l->settings[kept++] = l->settings[i];
		l->n_settings = kept;
	}
}

void chain_random(struct rng *r, size_t packets, struct chain *ret)
{
	*ret = (struct chain){.final = rng_chance(r, 50) ? -1 : (int)rng_below(r, 5)};
	ret->n = 1 + rng_below(r, rng_chance(r, 20) ? STAGES : 5);
	for (size_t k = 0; k < ret->n; k++) {
		struct link *l = &ret->stages[k];

		l->kind = rng_below(r, KINDS);
		l->proceed_on = random_verdicts(r);
		do {
			random_name(r, ret, k, l->name, sizeof(l->name));
		} while (name_is_taken(ret, k));
		settings_random(r, packets, l);
	}
	strcpy(ret->name, rng_chance(r, 20) ? ret->stages[ret->n - 1].name : "edge");
	for (size_t i = 0; i < SHARES; i++) {
		random_share(r, ret, &ret->shares[i]);
		/* a map is in one shared map at most */
		if (i && !strcmp(ret->shares[i].map, ret->shares[0].map))
			ret->shares[i].members = 0;
		if (is_shared(&ret->shares[i]))
			keep_first_settings(ret, &ret->shares[i]);
	}
	ret->shape = rng_next(r);
}

void chain_drop(struct chain *c, size_t k)
{
	__u32 below = (1u << k) - 1;

	memmove(&c->stages[k], &c->stages[k + 1], (c->n - k - 1) * sizeof(c->stages[0]));
	c->n--;
	for (size_t i = 0; i < SHARES; i++) {
		__u32 *m = &c->shares[i].members;

		*m = (*m & below) | (*m >> 1 & ~below);
	}
}

const char *chain_text(const struct chain *c)
{
	static char text[STAGES * 16];
	int n = 0;

	for (size_t k = 0; k < c->n; k++)
		n += snprintf(text + n, sizeof(text) - n, "%s%s", k ? " " : "",
			      kind_names[c->stages[k].kind]);
	return text;
}

size_t chain_owner(const struct chain *c, size_t k, const char *name)
{
	for (size_t i = 0; i < SHARES; i++)
		if (is_shared(&c->shares[i]) && c->shares[i].members & 1 << k &&
		    !strcmp(c->shares[i].map, name))
			return __builtin_ctz(c->shares[i].members);
	return k;
}

static int put_setting(struct braid_pipeline *p, const struct link *l, const struct setting *s,
		       struct braid_error *err)
{
	switch (s->what) {
	case CONSTANT:
		return braid_pipeline_set_constant(p, l->name, s->name, s->value, err);
	case MAX_ENTRIES:
		return braid_pipeline_set_max_entries(p, l->name, s->name, s->value_size, err);
	default:
		return braid_pipeline_add_entry(p, l->name, s->name, *s->key ? s->key : NULL,
						s->value, err);
	}
}

static int put_stage(struct braid_pipeline *p, const struct link *l, const char *object,
		     struct braid_error *err)
{
	struct braid_stage_opts opts = {
		.sz = sizeof(opts),
		.object = object,
		.proceed_mask = l->proceed_on,
	};
	int r = braid_pipeline_add_stage(p, l->name, &opts, err);

	for (size_t i = 0; i < l->n_settings && !r; i++)
		r = put_setting(p, l, &l->settings[i], err);
	return r;
}

static int put_share(struct braid_pipeline *p, const struct chain *c, const struct share *s,
		     struct braid_error *err)
{
	char names[STAGES][64], shared[40];
	const char *members[STAGES];
	size_t n = 0;

	for (size_t k = 0; k < c->n; k++)
		if (s->members & 1 << k) {
			snprintf(names[n], sizeof(names[n]), "%s.%s", c->stages[k].name, s->map);
			members[n] = names[n];
			n++;
		}
	snprintf(shared, sizeof(shared), "all-%s", s->map);
	return braid_pipeline_share_map(p, shared, members, n, err);
}

struct braid_pipeline *chain_pipeline(const struct chain *c, const char *const *objects)
{
	_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
	struct braid_pipeline *p = NULL;
	int r = braid_pipeline_new(c->name, &p, &err);

	for (size_t k = 0; k < c->n && !r; k++)
		r = put_stage(p, &c->stages[k], objects[c->stages[k].kind], &err);
	for (size_t i = 0; i < SHARES && !r; i++)
		if (is_shared(&c->shares[i]))
			r = put_share(p, c, &c->shares[i], &err);
	if (!r && c->final >= 0)
		r = braid_pipeline_set_final(p, verdict_names[c->final], &err);
	if (r)
		bail_out("building a pipeline: %s: %s", err.where ?: "", err.what ?: "");
	return p;
}
