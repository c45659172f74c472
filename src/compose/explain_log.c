/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * What each stage cost the verifier, by its log: with level 2 it has a line for each
 * instruction that is looked at, as often as it is.
 */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "compose/explain.h"
#include "compose/lines.h"

/* What an instruction belongs to. */
struct owner {
	int stage;
	bool seam;
};

struct owners {
	const struct image *image;
	__u32 segment;
	ARRAY(struct owner) list; /* by instruction as the verifier counts */
};

static int add_owners(void *ctx, __u32 func, __u32 first)
{
	struct owners *o = ctx;
	const struct func *f = &o->image->unit->funcs.v[func];
	bool main = func == o->image->segments.v[o->segment].func;
	__u32 base = o->image->plan->segments.v[o->segment].first;

	for (__u32 i = 0; i < f->insns.n; i++) {
		const struct splice_range *range = main ? image_range(o->image, o->segment, i)
							: NULL;
		struct owner owner = {LINE_NO_STAGE};

		if (range)
			owner = (struct owner){base + range->part, range->seam};
		else if (!main)
			owner.stage = image_func_stage(o->image, f);
		if (!array_add(&o->list, owner))
			return -ENOMEM;
	}
	return 0;
}

static struct explain_cost *cost_of(const struct owners *o, unsigned long insn,
				    struct explain_costs *costs)
{
	const struct owner *owner = insn < o->list.n ? &o->list.v[insn] : NULL;

	if (!owner || owner->stage < 0)
		return NULL;
	return owner->seam ? &costs->seams.v[owner->stage] : &costs->stages.v[owner->stage];
}

static bool is_safe(const char *line)
{
	size_t n = strcspn(line, "\n");

	return n >= 6 && !strncmp(line + n - 6, ": safe", 6);
}

/* "from 12 to 20…". Not by sscanf(), which looks for the end of the log first, for each line. */
static bool is_branch(const char *line, unsigned long *ret_to)
{
	char *end;

	if (strncmp(line, "from ", 5))
		return false;
	strtoul(line + 5, &end, 10);
	if (strncmp(end, " to ", 4))
		return false;
	*ret_to = strtoul(end + 4, NULL, 10);
	return true;
}

/*
 * "12: (61) r2 = …" is a visit, "from 12 to 20: R0=…" one that begins where it was left; and
 * where it is "safe", in a state like one of before, it is a visit that ends at once.
 */
static void take_line(const struct owners *o, const char *line, struct explain_costs *costs)
{
	struct explain_cost *c = NULL;
	unsigned long to;
	char *end;

	if (isdigit((unsigned char)*line)) {
		to = strtoul(line, &end, 10);
		if (!strncmp(end, ": (", 3) || !strncmp(end, ": safe", 6))
			c = cost_of(o, to, costs);
		if (c)
			c->processed++;
	} else if (is_branch(line, &to)) {
		c = cost_of(o, to, costs);
		if (!c)
			return;
		c->branches++;
		c->processed += is_safe(line);
	}
}

int explain_log(const struct image *image, __u32 segment, const char *log,
		struct explain_costs *costs)
{
	struct owners o = {.image = image, .segment = segment};
	int r = image_each_func(image, segment, add_owners, &o);

	while (!r && *log) {
		const char *newline = strchr(log, '\n');

		take_line(&o, log, costs);
		log = newline ? newline + 1 : "";
	}
	array_done(&o.list);
	return r;
}

int explain_costs_init(struct explain_costs *c, const struct image *image)
{
	*c = (struct explain_costs){};
	for (size_t i = 0; i < image->plan->stages.n; i++)
		if (!array_push(&c->stages) || !array_push(&c->seams))
			return -ENOMEM;
	return 0;
}

void explain_costs_done(struct explain_costs *c)
{
	array_done(&c->stages);
	array_done(&c->seams);
}
