/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* What a change would do: two pipelines over the same packets, on copies of the same maps. */
#include "live/preflight.h"

#include <errno.h>

#include "base/error.h"
#include "base/text.h"
#include "compose/plan_json.h"
#include "kernel/cpus.h"
#include "kernel/inplace.h"
#include "kernel/testrun.h"
#include "live/change.h"
#include "live/runtime.h"
#include "manifest/hook.h"
#include "manifest/opts.h"

void braid_preflight_close(struct braid_preflight *f)
{
	if (!f)
		return;
	side_done(&f->was);
	side_done(&f->is);
	for (size_t i = 0; i < f->n_samples; i++)
		free(f->samples[i].bytes);
	array_done(&f->pairs);
	free(f);
}

/* The old one, if the caller has not given it: the current revision. */
static int find_old(struct braid_preflight *f, struct braid_error *err)
{
	int r;

	if (f->was.p)
		return 0;
	r = braid_revision(f->b, f->is.p->name, 0, &f->was.manifest, err);
	if (r == -ENOENT)
		error_hint(err, "compare it with another manifest, that of before");
	if (r)
		return r;
	f->was.p = braid_manifest_get(f->was.manifest, 0);
	f->was.revision = f->was.p->revision;
	return 0;
}

static int check_hooks(const struct braid_preflight *f, struct braid_error *err)
{
	if (f->was.p->hook == f->is.p->hook)
		return 0;
	error_set(err, -EINVAL, f->is.p->name, "the two pipelines are at different hooks");
	error_why(err, "the old one is at %s, the new one at %s", hook_names[f->was.p->hook],
		  hook_names[f->is.p->hook]);
	return -EINVAL;
}

/* What the store wants of signals and configuration, as for a new revision. */
static int fill_runtime(struct braid_preflight *f, struct side *side, struct braid_error *err)
{
	_cleanup_json_ json_t *plan = NULL, *dropped = NULL;

	return plan_to_json(side->base.image, &plan, err)
		       ?: runtime_fill(f->b, plan, side->base.image, side->base.loaded, &dropped,
				       err);
}

static int fill_maps(struct braid_preflight *f, struct braid_error *err)
{
	_cleanup_change_ struct change c = {.b = f->b, .p = f->is.p, .slot = SLOT_INIT};
	_cleanup_(snapshot_freep) struct snapshot *s = NULL;
	int r;

	if (f->empty)
		return 0;
	r = change_look(&c, err);
	if (r || !c.has_current)
		return r;
	return snapshot_new(&s, err) ?:
	       snapshot_fill(s, f->b, &f->was, c.old_plan, c.old_path, err) ?:
	       snapshot_fill(s, f->b, &f->is, c.old_plan, c.old_path, err) ?:
	       fill_runtime(f, &f->was, err) ?:
	       fill_runtime(f, &f->is, err);
}

static int load_side(struct side *side, int (*load)(struct side *side, struct braid_error *err),
		     struct braid_error *err)
{
	int r = load(side, err);

	if (r && r != -ENOMEM)
		error_within(err, "%s", side->label);
	return r;
}

/* The first that this thread may be on. */
static int find_cpu(struct braid_preflight *f, struct braid_error *err)
{
	int r = -EINVAL;

	int cpus = cpus_possible(err);

	for (f->cpu = 0; f->cpu < cpus; f->cpu++) {
		_cleanup_cpu_guard_ struct cpu_guard guard = {};

		r = cpu_enter(f->cpu, &guard);
		if (!r || r == -ENOMEM)
			break;
	}
	return cpus < 0 ? cpus : r ? error_errno(err, r, NULL, "cannot stay on one CPU") : 0;
}

static int open_both(struct braid_preflight *f, struct braid_error *err)
{
	return find_old(f, err) ?:
	       check_hooks(f, err) ?:
	       find_cpu(f, err) ?:
	       load_side(&f->was, side_load, err) ?:
	       load_side(&f->is, side_load, err) ?:
	       fill_maps(f, err) ?:
	       load_side(&f->was, side_watch, err) ?:
	       load_side(&f->is, side_watch, err);
}

int braid_preflight_open(struct braid *b, const struct braid_pipeline *p,
			 const struct braid_preflight_opts *user_opts, struct braid_preflight **ret,
			 struct braid_error *err)
{
	struct braid_preflight_opts opts;
	struct braid_preflight *f;
	ERROR_SCRATCH(err);
	int r = opts_take(&opts, sizeof(opts), user_opts, err);

	if (r)
		return r;
	f = calloc(1, sizeof(*f));
	if (!f)
		return error_oom(err);
	f->b = b;
	f->empty = opts.empty;
	f->every = 1;
	f->was = (struct side){.label = "old", .p = opts.old};
	f->is = (struct side){.label = "new", .p = p};
	r = open_both(f, err);
	if (r)
		braid_preflight_close(f);
	else
		*ret = f;
	return r;
}

static int count_pair(struct braid_preflight *f, struct braid_error *err)
{
	array_foreach (p, &f->pairs)
		if (p->was == f->was.res.verdict && p->is == f->is.res.verdict) {
			p->n++;
			return 0;
		}
	return array_add(&f->pairs, ((struct pair){f->was.res.verdict, f->is.res.verdict, 1}))
		       ? 0
		       : error_oom(err);
}

/* Every second one goes. */
static void thin_out(struct braid_preflight *f)
{
	size_t kept = 0;

	for (size_t i = 0; i < f->n_samples; i++)
		if (i % 2)
			free(f->samples[i].bytes);
		else
			f->samples[kept++] = f->samples[i];
	f->n_samples = kept;
	f->every *= 2;
}

static bool is_as_it_was(const struct side *side, const void *packet, size_t size)
{
	return side->res.size == size && !memcmp(side->out, packet, size);
}

static int take_sample(struct braid_preflight *f, const void *packet, size_t size,
		       struct braid_error *err)
{
	struct sample s = {.size = size};

	if (f->packets % f->every)
		return 0;
	if (f->n_samples == SAMPLES) {
		thin_out(f);
		if (f->packets % f->every)
			return 0;
	}
	s.bytes = malloc(size);
	if (!s.bytes)
		return error_oom(err);
	memcpy(s.bytes, packet, size);
	s.changed = !is_as_it_was(&f->was, packet, size) || !is_as_it_was(&f->is, packet, size);
	f->samples[f->n_samples++] = s;
	return 0;
}

static struct braid_preflight_outcome outcome_of(const struct side *side)
{
	const struct trail *t = &side->trail;

	return (struct braid_preflight_outcome){
		.verdict = side->res.verdict,
		.size = side->res.size,
		.bytes = side->out,
		.head = t->steps.n ? t->steps.v[t->steps.n - 1].head : 0,
	};
}

/*
 * Nobody will see the bytes of a packet that is dropped. What the kernel makes of verdicts: at XDP
 * only three let a packet out, at netkit so, too; at TC only "shot" keeps it in for certain, since
 * "stolen", "queued" and "trap" are the last of a packet in a filter and mean "next" at TCX.
 */
static bool comes_out(enum hook hook, __u32 verdict)
{
	bool netkit = hook == HOOK_NETKIT_PRIMARY || hook == HOOK_NETKIT_PEER;

	if (verdict == hook_facts(hook)->drop)
		return false;
	if (hook == HOOK_XDP || netkit)
		return verdict_name(hook, verdict) && verdict != hook_facts(hook)->lost;
	return true;
}

static unsigned int compare(const struct braid_preflight *f)
{
	const struct testrun_result *a = &f->was.res, *b = &f->is.res;
	enum hook hook = f->is.p->hook;
	bool same_bytes = !comes_out(hook, a->verdict) || !comes_out(hook, b->verdict) ||
			  (a->size == b->size && !memcmp(f->was.out, f->is.out, a->size));

	return (a->verdict == b->verdict ? 0 : BRAID_DIFFERS_VERDICT) |
	       (same_bytes ? 0 : BRAID_DIFFERS_BYTES);
}

int braid_preflight_packet(struct braid_preflight *f, const void *packet, size_t size,
			   struct braid_preflight_packet *ret, struct braid_error *err)
{
	_cleanup_cpu_guard_ struct cpu_guard guard = {};
	struct braid_preflight_packet p = {};
	ERROR_SCRATCH(err);
	int r = cpu_enter(f->cpu, &guard);

	if (r)
		return error_errno(err, r, NULL, "cannot stay on one CPU");
	r = side_run(&f->was, packet, size, err)
		    ?: side_run(&f->is, packet, size, err)
			       ?: count_pair(f, err) ?: take_sample(f, packet, size, err);
	if (r)
		return r;
	p.differs = compare(f);
	p.was = outcome_of(&f->was);
	p.is = outcome_of(&f->is);
	if (p.differs)
		trail_compare(&f->was, &f->is, &p.was, &p.is);
	f->packets++;
	f->differ += p.differs != 0;
	f->verdicts += p.differs & BRAID_DIFFERS_VERDICT;
	f->bytes += !!(p.differs & BRAID_DIFFERS_BYTES);
	*ret = p;
	return 0;
}

const char *braid_preflight_hook(const struct braid_preflight *f)
{
	return hook_names[f->is.p->hook];
}
