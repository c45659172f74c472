/* SPDX-License-Identifier: GPL-2.0-only */
/* Which stages are in branches: random ranges in each other. */
#include <stdio.h>
#include <string.h>

#include "chain.h"

#define PICK(r, array) ((array)[rng_below(r, sizeof(array) / sizeof((array)[0]))])

/* What packets have (see vary.c), and what none has. */
static __u32 random_value(struct rng *r, enum field field)
{
	static const __u32 types[] = {0x0800, 0x86dd, 0x0806, 0x8100, 0x1234};
	static const __u32 vlans[] = {0, 7, 8, 4095};
	static const __u32 protocols[] = {6, 17, 1, 58, 132, 0, 41, 4, 44};
	static const __u32 dscps[] = {0, 10, 46, 63};
	static const __u32 ports[] = {0, 22, 53, 80, 443, 1024, 8080, 65535};
	static const __u32 results[] = {0,  1,  2,          3,          4,         5,
					31, 34, 0x80000002, 0xffffffff, 0x42524402};

	switch (field) {
	case FIELD_ETHERTYPE:
		return PICK(r, types);
	case FIELD_VLAN:
		return PICK(r, vlans);
	case FIELD_PROTOCOL:
		return PICK(r, protocols);
	case FIELD_DSCP:
		return PICK(r, dscps);
	case FIELD_DESTINATION_PORT:
		return PICK(r, ports);
	default:
		return PICK(r, results);
	}
}

static bool has_value(const struct fork *f, __u32 value)
{
	for (size_t b = 0; b + 1 < f->n; b++)
		for (size_t i = 0; i < f->n_values[b]; i++)
			if (f->values[b][i] == value)
				return true;
	return false;
}

static void random_values(struct rng *r, struct fork *f)
{
	for (size_t b = 0; b + 1 < f->n; b++) {
		size_t n = 1 + rng_below(r, VALUES);

		/* the pools are small: fewer if they do not come soon */
		for (int tries = 0; tries < 40 && f->n_values[b] < n; tries++) {
			__u32 value = random_value(r, f->field);

			if (!has_value(f, value))
				f->values[b][f->n_values[b]++] = value;
		}
		if (!f->n_values[b]) /* none is left for this one: there are fewer branches */
			f->n = b + 1;
	}
}

/* Some stages from @k on, at most up to @to; branches may be empty. */
static struct fork *random_fork(struct rng *r, struct chain *c, size_t k, size_t to, bool result)
{
	struct fork *f = &c->forks[c->n_forks];
	size_t end = k + 1 + rng_below(r, to - k < 6 ? to - k : 6);

	*f = (struct fork){.n = 2 + rng_below(r, BRANCHES - 1)};
	f->field = result ? FIELD_RESULT : rng_below(r, FIELD_RESULT);
	snprintf(f->name, sizeof(f->name), rng_chance(r, 50) ? "by-%zu" : "data_%zu", c->n_forks);
	random_values(r, f);
	f->first[0] = k;
	for (size_t b = 1; b < f->n; b++)
		f->first[b] = f->first[b - 1] + rng_below(r, end - f->first[b - 1] + 1);
	f->first[f->n] = end;
	c->n_forks++;
	return f;
}

static void random_range(struct rng *r, struct chain *c, size_t from, size_t to, int outer,
			 size_t branch, size_t n_forks)
{
	bool behind_stage = false;

	for (size_t k = from; k < to;) {
		int index = c->n_forks;
		struct fork *f;

		if (c->n_forks >= n_forks || !rng_chance(r, 45)) {
			behind_stage = true;
			k++;
			continue;
		}
		f = random_fork(r, c, k, to, behind_stage && rng_chance(r, 40));
		f->outer = outer;
		f->branch = branch;
		for (size_t b = 0; b < f->n; b++)
			random_range(r, c, f->first[b], f->first[b + 1], index, b, n_forks);
		k = f->first[f->n];
		behind_stage = false;
	}
}

void tree_random(struct rng *r, struct chain *c, size_t n_forks)
{
	random_range(r, c, 0, c->n, -1, 0, n_forks);
}

/* Where stage @k stands itself. */
static int innermost(const struct chain *c, size_t k, size_t *ret_branch)
{
	int found = -1;

	*ret_branch = 0;
	for (size_t i = 0; i < c->n_forks; i++) {
		const struct fork *f = &c->forks[i];

		if (k < f->first[0] || k >= f->first[f->n])
			continue;
		found = i;
		*ret_branch = 0;
		while (k >= f->first[*ret_branch + 1])
			++*ret_branch;
	}
	return found;
}

int tree_fork_at(const struct chain *c, size_t k, int outer, size_t branch)
{
	for (size_t i = 0; i < c->n_forks; i++)
		if (c->forks[i].first[0] == k && c->forks[i].outer == outer &&
		    c->forks[i].branch == branch)
			return i;
	return -1;
}

const struct fork *tree_seen_by(const struct chain *c, size_t k)
{
	size_t branch;
	int outer = innermost(c, k, &branch), i = tree_fork_at(c, k + 1, outer, branch);

	return i >= 0 && c->forks[i].field == FIELD_RESULT ? &c->forks[i] : NULL;
}

bool tree_runs(const struct chain *c, size_t k)
{
	for (size_t i = 0; i < c->n_forks; i++) {
		const struct fork *f = &c->forks[i];

		if (f->field == FIELD_RESULT && c->stages[f->first[0] - 1].disabled &&
		    k >= f->first[0] && k < f->first[f->n - 1])
			return false;
	}
	return !c->stages[k].disabled;
}

static void drop_fork(struct chain *c, size_t i)
{
	memmove(&c->forks[i], &c->forks[i + 1], (c->n_forks - i - 1) * sizeof(c->forks[0]));
	c->n_forks--;
	for (size_t k = 0; k < c->n_forks; k++)
		c->forks[k].outer -= c->forks[k].outer > (int)i;
}

bool tree_drop(struct chain *c, size_t k)
{
	if (tree_seen_by(c, k))
		return false;
	for (size_t i = c->n_forks; i-- > 0;) {
		struct fork *f = &c->forks[i];

		for (size_t b = 0; b <= f->n; b++)
			f->first[b] -= f->first[b] > k;
		if (f->first[0] == f->first[f->n])
			drop_fork(c, i);
	}
	return true;
}
