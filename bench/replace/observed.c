// SPDX-License-Identifier: GPL-2.0-only
/*
 * "observed": a pipeline of counters, and the variant of it that somebody looks through. Version 1
 * is the variant, with one observer that takes the time of each stage and frame; version 0 is what
 * runs otherwise. The maps are the same.
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

struct observed {
	struct braid *braid;
	struct braid_observer *observer; /* NULL: nobody looks */
	uint64_t looked;                 /* frames that earlier observers have looked at */
	int counters[COUNTERS], sink;
};

static void open_maps(struct observed *o)
{
	json_t *status = status_read(o->braid, NAME);

	for (unsigned int i = 0; i < COUNTERS; i++) {
		char stage[32];

		snprintf(stage, sizeof(stage), "counter_%u", i);
		o->counters[i] = status_map(status, stage, "count");
	}
	o->sink = status_map(status, "sink_0", "count");
	json_decref(status);
}

static void *observed_open(const struct variant *variant, const char *strategy, int ifindex)
{
	struct braid_error error = BRAID_ERROR_INIT;
	struct braid_pipeline *p = pipeline_open(NAME, strategy);
	struct observed *o = calloc(1, sizeof(*o));
	char ifname[IF_NAMESIZE];

	if (!o || !if_indextoname(ifindex, ifname))
		err(1, "%s", variant->name);
	o->braid = sandbox_braid();
	pipeline_repeat(p, "counter", EMBEDDED(counter), COUNTERS);
	pipeline_repeat(p, "sink", EMBEDDED(sink), 1);
	braid_must(braid_pipeline_add_interface(p, ifname, NULL, &error), &error, ifname);
	braid_must(braid_apply(o->braid, p, NULL, NULL, &error), &error, "applying");
	braid_pipeline_free(p);
	open_maps(o);
	return o;
}

static void *open_fused(const struct variant *variant, int ifindex)
{
	return observed_open(variant, "fused", ifindex);
}

static void *open_tailcall(const struct variant *variant, int ifindex)
{
	return observed_open(variant, "tailcall", ifindex);
}

static uint64_t looked_at(const struct observed *o)
{
	struct braid_error error = BRAID_ERROR_INIT;
	struct braid_observer_count count = {};

	if (o->observer)
		braid_must(braid_observer_count(o->observer, &count, &error), &error, "counting");
	return o->looked + count.packets;
}

static void observed_replace(void *self, unsigned int version)
{
	const struct braid_observe_opts opts = {.sz = sizeof(opts), .what = BRAID_OBSERVE_TIMES};
	struct braid_error error = BRAID_ERROR_INIT;
	struct observed *o = self;

	if (version) {
		braid_must(braid_observer_open(o->braid, NAME, &opts, &o->observer, &error), &error,
			   "looking");
		return;
	}
	o->looked = looked_at(o);
	braid_must(braid_observer_close(o->observer, &error), &error, "no more looking");
	o->observer = NULL;
}

/* Of frames that nobody looked at, and that somebody did. */
static uint64_t observed_count(void *self, unsigned int version)
{
	struct observed *o = self;
	uint64_t looked = looked_at(o), all = counter_read(o->sink, 0);

	return version ? looked : all > looked ? all - looked : 0;
}

static void observed_count_stages(void *self, struct counts *ret)
{
	struct observed *o = self;
	uint64_t n = counter_read(o->sink, 0);
	struct counts counts = {n, n};

	for (unsigned int i = 0; i < COUNTERS; i++) {
		n = counter_read(o->counters[i], 0);
		if (n < counts.fewest)
			counts.fewest = n;
		if (n > counts.most)
			counts.most = n;
	}
	*ret = counts;
}

static void observed_close(void *self)
{
	struct braid_error error = BRAID_ERROR_INIT;
	struct observed *o = self;

	braid_must(braid_delete(o->braid, NAME, &error), &error, "deleting");
	for (unsigned int i = 0; i < COUNTERS; i++)
		close(o->counters[i]);
	close(o->sink);
	braid_close(o->braid);
	free(o);
}

#define OBSERVED(strategy)                                                                         \
	{                                                                                          \
		.name = "observed " #strategy, .to = {"out", "in"}, .open = open_##strategy,       \
		.replace = observed_replace, .count = observed_count,                              \
		.count_stages = observed_count_stages, .close = observed_close,                    \
	}

const struct variant variant_observed_fused = OBSERVED(fused);
const struct variant variant_observed_tailcall = OBSERVED(tailcall);
