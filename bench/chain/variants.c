// SPDX-License-Identifier: GPL-2.0-only
#include "chain/variants.h"

#include <stdio.h>
#include <string.h>

#include "common/compose.h"

/* Chains written by hand: all lengths of one kind are in one object, see chains.h. */
static void written_make(const struct variant *variant, const struct chain *chain,
			 struct image *ret)
{
	ret->object = strcmp(chain->kind, "bounds") == 0 ? EMBEDDED(bounds_chain)
							 : EMBEDDED(counter_chain);
	snprintf(ret->program, sizeof(ret->program), "%s_%u", variant->name, chain->length);
}

static void empty_make(const struct variant *variant, const struct chain *chain, struct image *ret)
{
	ret->object = EMBEDDED(bounds_chain);
	snprintf(ret->program, sizeof(ret->program), "empty");
}

/* Chains that braid composes of the stages' own objects; the variant is the strategy. */
static void composed_make(const struct variant *variant, const struct chain *chain,
			  struct image *ret)
{
	struct bytes stage = strcmp(chain->kind, "bounds") == 0 ? EMBEDDED(bounds)
								: EMBEDDED(counter);
	struct braid_pipeline *p = pipeline_open("chain", variant->name);

	pipeline_repeat(p, chain->kind, stage, chain->length);
	ret->object = pipeline_link(p);
	ret->owned = (void *)ret->object.data;
	snprintf(ret->program, sizeof(ret->program), "%s", braid_pipeline_name(p));
	braid_pipeline_free(p);
}

const struct variant variants[] = {
	[VARIANT_EMPTY] = {"empty", empty_make},
	[VARIANT_FLOOR] = {"floor", written_make},
	[VARIANT_BARRIER] = {"barrier", written_make},
	{"opaque", written_make},
	{"fused", composed_make},
	{"tailcall", composed_make},
	{"functions", written_make},
};

const unsigned int variants_n = sizeof(variants) / sizeof(*variants);
