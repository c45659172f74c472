// SPDX-License-Identifier: GPL-2.0-only
/*
 * "fused" and "tailcall": braid_apply() of a pipeline of counters with the sink behind
 * them. The versions differ in a constant of the sink, so each apply links, verifies and
 * attaches a new revision; the maps carry over from one to the next.
 */
#include "replace/variants.h"

#include <err.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/sandbox.h"
#include "common/status.h"

#define COUNTERS 10
#define NAME     "bench"

struct applied {
	struct braid *braid;
	struct braid_pipeline *versions[2];
	int counters[COUNTERS], sink; /* the maps of the first revision; fds */
};

static struct braid_pipeline *version_new(const char *strategy, const char *version, int ifindex)
{
	struct braid_error error = BRAID_ERROR_INIT;
	struct braid_pipeline *p = pipeline_open(NAME, strategy);
	char ifname[IF_NAMESIZE];

	if (!if_indextoname(ifindex, ifname))
		err(1, "interface %d", ifindex);
	pipeline_repeat(p, "counter", EMBEDDED(counter), COUNTERS);
	pipeline_repeat(p, "sink", EMBEDDED(sink), 1);
	braid_must(braid_pipeline_set_constant(p, "sink_0", "version", version, &error), &error,
		   "version");
	braid_must(braid_pipeline_add_interface(p, ifname, NULL, &error), &error, ifname);
	return p;
}

static void apply(struct applied *a, unsigned int version)
{
	struct braid_apply_opts opts = {.sz = sizeof(opts)};
	struct braid_error error = BRAID_ERROR_INIT;

	braid_must(braid_apply(a->braid, a->versions[version], &opts, NULL, &error), &error,
		   "applying");
}

static void open_maps(struct applied *a)
{
	json_t *status = status_read(a->braid, NAME);

	for (unsigned int i = 0; i < COUNTERS; i++) {
		char stage[32];

		snprintf(stage, sizeof(stage), "counter_%u", i);
		a->counters[i] = status_map(status, stage, "count");
	}
	a->sink = status_map(status, "sink_0", "count");
	json_decref(status);
}

static void *applied_open(const struct variant *variant, int ifindex)
{
	struct applied *a = calloc(1, sizeof(*a));

	if (!a)
		err(1, "%s", variant->name);
	a->braid = sandbox_braid();
	a->versions[0] = version_new(variant->name, "0", ifindex);
	a->versions[1] = version_new(variant->name, "1", ifindex);
	apply(a, 0);
	open_maps(a);
	return a;
}

static void applied_replace(void *self, unsigned int version)
{
	apply(self, version);
}

static uint64_t applied_count(void *self, unsigned int version)
{
	struct applied *a = self;

	return counter_read(a->sink, version);
}

static void applied_count_stages(void *self, struct counts *ret)
{
	struct applied *a = self;
	uint64_t n = counter_read(a->sink, 0) + counter_read(a->sink, 1);
	struct counts counts = {n, n};

	for (unsigned int i = 0; i < COUNTERS; i++) {
		n = counter_read(a->counters[i], 0);
		if (n < counts.fewest)
			counts.fewest = n;
		if (n > counts.most)
			counts.most = n;
	}
	*ret = counts;
}

static void applied_close(void *self)
{
	struct braid_error error = BRAID_ERROR_INIT;
	struct applied *a = self;

	braid_must(braid_delete(a->braid, NAME, &error), &error, "deleting");
	for (unsigned int i = 0; i < COUNTERS; i++)
		close(a->counters[i]);
	close(a->sink);
	braid_pipeline_free(a->versions[0]);
	braid_pipeline_free(a->versions[1]);
	braid_close(a->braid);
	free(a);
}

#define APPLIED(strategy)                                                                          \
	{                                                                                          \
		.name = strategy, .open = applied_open, .replace = applied_replace,                \
		.count = applied_count, .count_stages = applied_count_stages,                      \
		.close = applied_close,                                                            \
	}

const struct variant variant_fused = APPLIED("fused");
const struct variant variant_tailcall = APPLIED("tailcall");
