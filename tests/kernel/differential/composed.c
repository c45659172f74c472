/* SPDX-License-Identifier: GPL-2.0-only */
#include "composed.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "compose/control_abi.h"
#include "compose/count.h"
#include "compose/image.h"
#include "compose/rollout_abi.h"
#include "kernel/load.h"
#include "kernel/testrun.h"
#include "tap.h"
#include "watched.h"

const char *const way_words[WAYS] = {"fused",   "called",  "tailcall", "mixed",
				     "watched", "one off", "some off"};

struct composed {
	const struct chain *c;
	struct braid_plan *plan;
	struct image *image;
	struct loaded *loaded;
	bool records;
	struct watched *watched; /* NULL: nobody looks */
	struct control control;  /* as it was loaded */
};

/* The stage of the plan that is stage @k of the chain, or its second version. */
static long plan_index(const struct composed *composed, size_t k, bool new)
{
	char name[48];

	snprintf(name, sizeof(name), "%s%s", composed->c->stages[k].name, new ? "@new" : "");
	array_foreach (ps, &composed->plan->stages)
		if (text_eq(ps->stage->name, name))
			return ps - composed->plan->stages.v;
	return -1;
}

static bool leads_to(const struct plan_stage *ps, __u32 to)
{
	array_foreach (c, &ps->cases)
		if (c->next == to)
			return true;
	return ps->next == to;
}

/* Nobody in front of segment @k makes a tail call to the one behind it. */
static bool may_join(const struct braid_plan *plan, size_t k)
{
	array_foreach (ps, &plan->stages)
		if (ps->segment < k && leads_to(ps, plan->segments.v[k + 1].first))
			return false;
	return true;
}

/* Segment @k and the one behind it become one. */
static void join(struct braid_plan *plan, size_t k)
{
	struct segment *v = plan->segments.v;

	v[k].n += v[k + 1].n;
	free(v[k + 1].name);
	memmove(&v[k + 1], &v[k + 2], (plan->segments.n - k - 2) * sizeof(*v));
	plan->segments.n--;
	array_foreach (ps, &plan->stages)
		if (ps->segment > k)
			ps->segment--;
}

/* Plans that braid makes only of the largest pipelines, or of what cannot be spliced. */
static void reshape(struct braid_plan *plan, enum way way, __u64 shape)
{
	for (size_t k = 0; k < plan->stages.n; k++)
		if (way == CALLED || (way == MIXED && shape >> k % 61 & 1)) {
			plan->stages.v[k].called = true;
			plan->stages.v[k].why_called = "a test wants it";
		}
	plan->clean_stack = shape >> 62 & 1;
	/* a large one would get too many maps */
	for (size_t k = plan->segments.n; way == MIXED && plan->stages.n < STAGES && k-- > 1;)
		if (shape >> (20 + k) % 61 & 1 && may_join(plan, k - 1))
			join(plan, k - 1);
}

/* The bytes of every DICE's configuration into both versions. */
static void configure(const struct composed *composed)
{
	const struct image *image = composed->image;
	size_t size = CONFIGS * image->config_size;
	_cleanup_free_ __u8 *bytes = calloc(1, size + 1);
	int fd = loaded_map(composed->loaded, CONFIG_SECTION);
	__u32 zero = 0;

	if (fd < 0)
		return;
	if (!bytes || bpf_map_lookup_elem(fd, &zero, bytes))
		bail_out("cannot read the configuration");
	array_foreach (f, &image->fields)
		for (size_t k = 0; k < composed->c->n; k++)
			for (int i = 0; i < 2 * CONFIGS; i++) {
				long at = plan_index(composed, k, i & 1);
				__u32 value = composed->c->stages[k].twist[i & 1][i >> 1];

				if (at < 0 ||
				    !text_eq(f->stage, composed->plan->stages.v[at].stage->name) ||
				    text_eq(f->name, "nothing"))
					continue;
				value = text_eq(f->name, "b") ? ~value : value;
				memcpy(bytes + (i >> 1) * image->config_size + f->offset, &value,
				       sizeof(value));
			}
	if (bpf_map_update_elem(fd, &zero, bytes, BPF_ANY))
		bail_out("cannot write the configuration");
}

int composed_new(const struct chain *c, const struct braid_pipeline *p, enum way way,
		 struct composed **ret, struct braid_error *err)
{
	struct composed *composed = calloc(1, sizeof(*composed));
	bool segments = way == TAILCALL || way == MIXED || (way == SOME_OFF && c->shape >> 63) ||
			(way == WATCHED && c->shape >> 61 & 1);
	const struct observe_set *set = way == WATCHED ? &watched_set : NULL;
	struct image_opts opts = {.record = way == MIXED, .observe = set};
	int r;

	if (!composed)
		bail_out("no memory");
	opts.cpus = libbpf_num_possible_cpus();
	composed->c = c;
	/* auto: one program if the maps are not too many */
	r = plan_new(p, segments ? STRATEGY_TAILCALL : STRATEGY_AUTO, NULL, &composed->plan, err);
	r = r ?: plan_observe(composed->plan, set, err);
	if (!r)
		reshape(composed->plan, way, c->shape);
	r = r ?: image_new(composed->plan, &opts, &composed->image, err)
			?: load_image(composed->image, &(struct load_opts){}, &composed->loaded, err);
	if (r) {
		composed_free(composed);
		return r;
	}
	composed->records = way == MIXED;
	if (set)
		composed->watched = watched_open(composed->loaded);
	configure(composed);
	if (loaded_map(composed->loaded, CONTROL_SECTION) >= 0 &&
	    loaded_read(composed->loaded, CONTROL_SECTION, &composed->control,
			sizeof(composed->control), err))
		bail_out("cannot read the control block");
	*ret = composed;
	return 0;
}

void composed_free(struct composed *composed)
{
	watched_close(composed->watched);
	loaded_free(composed->loaded);
	image_free(composed->image);
	braid_plan_free(composed->plan);
	free(composed);
}

static void set(void *ctx, const struct state *state)
{
	struct composed *composed = ctx;
	int fd = loaded_map(composed->loaded, CONTROL_SECTION);
	struct control c = composed->control;
	__u32 zero = 0;

	if (fd < 0)
		return;
	c.closed = state->closed && composed->c->signals != SIGNALS_NONE;
	c.verdict = state->verdict;
	c.share = state->share;
	c.config = state->config;
	for (size_t k = 0; k < composed->c->n; k++)
		for (int n = 0; n < 2; n++) {
			long at = plan_index(composed, k, n);

			if (at >= 0 && state->paused[n] & 1ull << k)
				c.bypass[at / 32] |= 1u << at % 32;
		}
	if (bpf_map_update_elem(fd, &zero, &c, BPF_ANY))
		bail_out("cannot write the control block");
}

/* Of the chain: what a recording seam wrote as the number of a stage of the plan. */
static __u32 chain_index(const struct composed *composed, __u32 stage)
{
	for (size_t k = 0; k < composed->c->n; k++)
		for (int n = 0; n < 2; n++)
			if (plan_index(composed, k, n) == stage)
				return k + n * STAGES;
	return -1;
}

static void clear_record(const struct composed *composed)
{
	static const struct image_record none = {-1, -1};
	__u32 zero = 0;

	if (bpf_map_update_elem(loaded_map(composed->loaded, IMAGE_RECORD_SECTION), &zero, &none,
				BPF_ANY))
		bail_out("cannot write the record");
}

static void run(void *ctx, const void *packet, size_t size, struct outcome *ret)
{
	_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
	struct composed *composed = ctx;
	struct testrun t = {
		.packet = packet,
		.size = size,
		.out = ret->bytes,
		.room = sizeof(ret->bytes),
	};
	struct testrun_result result;
	struct image_record record = {};

	if (composed->records)
		clear_record(composed);
	if (testrun_packet(loaded_program(composed->loaded, 0), &t, &result, &err) ||
	    (composed->records &&
	     loaded_read(composed->loaded, IMAGE_RECORD_SECTION, &record, sizeof(record), &err)))
		bail_out("cannot run the pipeline: %s: %s", err.what ?: "", err.why ?: "");
	if (composed->watched)
		record = watched_last(composed->watched);
	ret->verdict = result.verdict;
	ret->size = result.size;
	ret->stage = composed->records || composed->watched ? chain_index(composed, record.stage)
							    : 0;
	ret->stage_verdict = record.verdict;
}

static int find_map(void *ctx, const struct map_name *name)
{
	struct composed *composed = ctx;
	struct owner owner = chain_owner(composed->c, (struct owner){name->stage, name->new},
					 name->name);
	long at = plan_index(composed, owner.stage, owner.new);
	const struct image_map *m = at < 0 ? NULL : image_find_map(composed->image, at, name->name);

	return m ? loaded_map(composed->loaded, m->symbol) : -1;
}

/* All CPUs together. */
static void count(void *ctx, size_t stage, struct tally *ret)
{
	struct composed *composed = ctx;
	long at = plan_index(composed, stage, false);
	const struct image_map *m =
		image_find_map(composed->image, composed->plan->stages.v[at].sender, ROLLOUT_MAP);
	int cpus = libbpf_num_possible_cpus();
	_cleanup_free_ struct rollout_counters *each = calloc(cpus, sizeof(*each));
	__u32 zero = 0;

	if (!each || !m ||
	    bpf_map_lookup_elem(loaded_map(composed->loaded, m->symbol), &zero, each))
		bail_out("cannot read what was counted");
	for (int cpu = 0; cpu < cpus; cpu++)
		for (int v = 0; v < ROLLOUT_VERSIONS; v++) {
			ret->version[v].packets += each[cpu].version[v].packets;
			for (int i = 0; i < 6; i++)
				ret->version[v].verdicts[i] += each[cpu].version[v].verdicts[i];
		}
}

static bool stage_of(const void *ctx, __u32 at, size_t *ret, bool *ret_new)
{
	const struct composed *composed = ctx;

	for (*ret = 0; *ret < composed->c->n; (*ret)++)
		for (int new = 0; new < 2; new ++) {
			*ret_new = new;
			if (plan_index(composed, *ret, new) == at)
				return true;
		}
	return false;
}

static void traffic(void *ctx, struct traffic *ret)
{
	const struct composed *composed = ctx;

	traffic_read(composed->image, composed->loaded, stage_of, ctx, ret);
}

struct runner composed_runner(struct composed *composed)
{
	bool counts = loaded_map(composed->loaded, COUNT_SECTION) >= 0;

	return (struct runner){
		.ctx = composed,
		.set = set,
		.run = run,
		.count = count,
		.traffic = counts ? traffic : NULL,
		.map = find_map,
		.knows_stage = composed->records || composed->watched,
	};
}
