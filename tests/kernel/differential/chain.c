/* SPDX-License-Identifier: GPL-2.0-only */
#include "chain.h"

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/text.h"
#include "manifest/model.h"
#include "tap.h"

#define PICK(r, array) ((array)[rng_below(r, sizeof(array) / sizeof((array)[0]))])

const char *const kind_names[KINDS] = {
	[GUARD] = "guard",       [ACL] = "acl",         [RATELIMIT] = "ratelimit",
	[FLOWSTAT] = "flowstat", [SAMPLER] = "sampler", [LB] = "lb",
	[HELLO] = "hello",       [DICE] = "dice",       [DICE_TC] = "dice_tc",
	[TALLY] = "tally",       [RELIC] = "relic",
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
	{"seen", 1 << TALLY},
	{"protocols", 1 << TALLY},
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

/* One of the hook's. */
static __u32 random_verdict(struct rng *r, enum hook hook)
{
	__u32 v;

	do {
		v = verdict_of_bit(rng_below(r, 32));
	} while (!verdict_name(hook, v));
	return v;
}

static __u32 all_verdicts(enum hook hook)
{
	__u32 set = 0;

	for (unsigned int bit = 0; bit < 32; bit++)
		if (verdict_name(hook, verdict_of_bit(bit)))
			set |= 1u << bit;
	return set;
}

static __u32 random_verdicts(struct rng *r, enum hook hook)
{
	__u32 set = rng_next(r) & all_verdicts(hook);

	if (rng_chance(r, 35))
		return 0;
	if (rng_chance(r, 30)) /* of few */
		set &= rng_next(r);
	if (rng_chance(r, 75))
		set |= verdict_bit(hook_facts(hook)->pass);
	return set ?: verdict_bit(random_verdict(r, hook));
}

static void random_share(struct rng *r, const struct chain *c, struct share *ret)
{
	__u32 which = rng_below(r, sizeof(shareable) / sizeof(shareable[0]));

	*ret = (struct share){.map = shareable[which].map};
	for (size_t k = 0; k < c->n; k++)
		if (shareable[which].kinds & 1 << c->stages[k].kind && tree_runs(c, k) &&
		    rng_chance(r, 80))
			ret->members |= 1ull << k;
}

static bool is_shared(const struct share *s)
{
	return s->members & (s->members - 1);
}

/* What a member that brings no map says about it would be said of the first one's. */
static void keep_first_settings(struct chain *c, const struct share *s)
{
	for (size_t k = __builtin_ctzll(s->members) + 1; k < c->n; k++) {
		struct link *l = &c->stages[k];
		size_t kept = 0;

		for (size_t i = 0; i < l->n_settings; i++)
			if (!(s->members & 1ull << k) || l->settings[i].what == CONSTANT ||
			    strcmp(l->settings[i].name, s->map))
				l->settings[kept++] = l->settings[i];
		l->n_settings = kept;
	}
}

static enum kind random_kind(struct rng *r, enum hook hook, bool large)
{
	static const enum kind tc[] = {DICE_TC, DICE_TC, TALLY, RELIC};
	/* an LB would take too much of the headroom, and most are small enough for the verifier */
	static const enum kind some[] = {DICE,     HELLO,    HELLO,   HELLO,   HELLO,
					 FLOWSTAT, FLOWSTAT, SAMPLER, SAMPLER, ACL};

	if (hook_facts(hook)->is_tc)
		return PICK(r, tc);
	return large ? PICK(r, some) : rng_below(r, DICE_TC);
}

static bool is_only_enabled(const struct chain *c, size_t k)
{
	for (size_t i = 0; i < c->n; i++)
		if (i != k && tree_runs(c, i))
			return false;
	return true;
}

/* What makes of a stage more than a program that runs. */
static void random_versions(struct rng *r, struct chain *c, size_t k)
{
	struct link *l = &c->stages[k];

	for (int version = 0; version < 2; version++)
		for (int i = 0; i < CONFIGS; i++)
			l->twist[version][i] = rng_next(r);
	l->disabled = rng_chance(r, 8);
	l->disabled &= !is_only_enabled(c, k); /* what it takes with it does not run either */
	l->rolled = !l->disabled && rng_chance(r, 12);
	l->share_maps = rng_chance(r, 50);
	l->key = rng_below(r, 3);
	l->seed = rng_next(r);
}

/* By lots: then only none or all can be foretold. */
static bool draws_lots(const struct chain *c)
{
	for (size_t k = 0; k < c->n; k++)
		if (c->stages[k].rolled && c->stages[k].key == ROLLOUT_RANDOM)
			return true;
	return false;
}

static void random_states(struct rng *r, struct chain *c)
{
	static const __u32 shares[] = {0, 65536, 100, 20000, 40000, 65000};
	bool lots = draws_lots(c);

	for (size_t i = 0; i < STATES; i++) {
		struct state *s = &c->states[i];

		*s = (struct state){.share = shares[rng_below(r, lots ? 2 : 6)],
				    .config = rng_below(r, CONFIGS)};
		s->closed = i && rng_chance(r, 10);
		s->verdict = random_verdict(r, c->hook);
		for (int version = 0; version < 2; version++)
			for (size_t k = 0; k < c->n && i; k++)
				if (rng_chance(r, 20))
					s->paused[version] |= 1ull << k;
	}
}

static void random_stages(struct rng *r, size_t packets, bool large, struct chain *c)
{
	for (size_t k = 0; k < c->n; k++) {
		struct link *l = &c->stages[k];

		l->kind = random_kind(r, c->hook, large);
		l->proceed_on = large ? all_verdicts(c->hook) : random_verdicts(r, c->hook);
		do {
			random_name(r, c, k, l->name, sizeof(l->name));
		} while (name_is_taken(c, k));
		settings_random(r, packets, l);
	}
}

void chain_random(struct rng *r, enum hook hook, size_t packets, bool large, struct chain *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->hook = hook;
	ret->has_final = rng_chance(r, 50);
	ret->final = random_verdict(r, hook);
	ret->n = large ? STAGES - rng_below(r, 8) : 1 + rng_below(r, rng_chance(r, 20) ? USUAL : 5);
	random_stages(r, packets, large, ret);
	tree_random(r, ret, large ? 3 : rng_below(r, CHOICES + 1));
	for (size_t k = 0; k < ret->n; k++)
		random_versions(r, ret, k);
	ret->signals = rng_chance(r, 80) ? SIGNALS_STAGES : rng_below(r, SIGNALS_NONE + 1);
	random_states(r, ret);
	strcpy(ret->name, rng_chance(r, 20) ? ret->stages[ret->n - 1].name : "edge");
	for (size_t i = 0; i < SHARES && !large; i++) {
		random_share(r, ret, &ret->shares[i]);
		/* a map is in one shared map at most */
		if (i && !strcmp(ret->shares[i].map, ret->shares[0].map))
			ret->shares[i].members = 0;
		if (is_shared(&ret->shares[i]))
			keep_first_settings(ret, &ret->shares[i]);
	}
	ret->shape = rng_next(r);
	do {
		ret->some_off = rng_below(r, 1u << OPTIMIZE_ALL);
	} while (!(ret->some_off & (ret->some_off - 1)));
}

static void drop_bit(__u64 *bits, size_t k)
{
	__u64 below = (1ull << k) - 1;

	*bits = (*bits & below) | (*bits >> 1 & ~below);
}

bool chain_drop(struct chain *c, size_t k)
{
	if (is_only_enabled(c, k) || !tree_drop(c, k))
		return false;
	memmove(&c->stages[k], &c->stages[k + 1], (c->n - k - 1) * sizeof(c->stages[0]));
	c->n--;
	for (size_t i = 0; i < SHARES; i++)
		drop_bit(&c->shares[i].members, k);
	for (size_t i = 0; i < STATES; i++)
		for (int version = 0; version < 2; version++)
			drop_bit(&c->states[i].paused[version], k);
	return true;
}

static void print_range(const struct chain *c, size_t from, size_t to, int outer, size_t branch,
			struct buf *b)
{
	for (size_t k = from; k < to;) {
		int i = tree_fork_at(c, k, outer, branch);
		const struct fork *f = i < 0 ? NULL : &c->forks[i];
		const struct link *l = &c->stages[k];

		buf_str(b, k > from ? " " : "");
		if (i < 0) {
			buf_fmt(b, "%s%s%s", l->disabled ? "-" : "", kind_names[l->kind],
				l->rolled ? "@" : "");
			k++;
			continue;
		}
		buf_fmt(b, "%s{", field_names[f->field]);
		for (size_t n = 0; n < f->n; n++) {
			buf_str(b, n ? " | " : "");
			print_range(c, f->first[n], f->first[n + 1], i, n, b);
		}
		buf_str(b, "}");
		k = f->first[f->n];
	}
}

const char *chain_text(const struct chain *c)
{
	static char text[STAGES * 40];
	struct buf b = {};

	print_range(c, 0, c->n, -1, 0, &b);
	snprintf(text, sizeof(text), "%s", b.v ?: "");
	buf_done(&b);
	return text;
}

struct owner chain_owner(const struct chain *c, struct owner of, const char *name)
{
	for (size_t i = 0; i < SHARES; i++)
		if (is_shared(&c->shares[i]) && c->shares[i].members & 1ull << of.stage &&
		    !strcmp(c->shares[i].map, name))
			return (struct owner){__builtin_ctzll(c->shares[i].members), false};
	return (struct owner){of.stage, of.new && !c->stages[of.stage].share_maps};
}
