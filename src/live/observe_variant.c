/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * The variant of what runs for some observers: the same stages from the same objects, on the same
 * maps, in programs of its own.
 */
#include <errno.h>

#include "base/error.h"
#include "base/text.h"
#include "compose/count.h"
#include "compose/plan_json.h"
#include "kernel/bpffs.h"
#include "live/counters.h"
#include "live/observe.h"
#include "live/observe_ask.h"

void variant_done(struct variant *v)
{
	running_image_done(&v->run);
	json_decref(v->plan);
	front_done(&v->front);
	array_foreach (r, &v->reuse)
		closep(&r->fd);
	array_done(&v->reuse);
	braid_manifest_free(v->manifest);
	*v = (struct variant){};
}

/* Where it is pinned if it is there: that of an observer stays the same from variant to variant. */
static char *find_pin(const struct variant *v, const struct image_map *m)
{
	_cleanup_free_ char *slot = m->observer ? path_slot(v->folder, m->slot) : NULL;

	return m->observer && !slot ? NULL : path_map(slot ?: v->folder, m->symbol);
}

/* -ENOENT: that is one which only the variant has. */
static int reuse(struct variant *v, const struct image_map *m, struct braid_error *err)
{
	_cleanup_free_ char *pin = find_pin(v, m);
	struct load_reuse reuse = {.symbol = m->symbol, .fd = -1};
	int r = pin ? bpffs_get(pin, BPFFS_MAP, &reuse.fd, err) : error_oom(err);

	if (r == -ENOENT && m->braid) {
		braid_error_clear(err);
		return 0;
	}
	if (r)
		return r;
	if (array_add(&v->reuse, reuse))
		return 0;
	close(reuse.fd);
	return error_oom(err);
}

struct choosing {
	struct variant *v;
	const json_t *base; /* the plan of what runs */
	struct netns ns;    /* of the device that it is bound to */
};

static int choose(void *ctx, const struct image *image, struct chosen *ret, struct braid_error *err)
{
	struct choosing *c = ctx;
	struct variant *v = c->v;
	int r = 0;

	array_foreach (old, &v->reuse) /* of an attempt with another strategy */
		closep(&old->fd);
	v->reuse.n = 0;
	array_foreach (m, &image->maps)
		if (!r && !image_map_is_own(image, m))
			r = reuse(v, m, err);
	*ret = (struct chosen){v->reuse.v, v->reuse.n, 0};
	netns_done(&c->ns);
	return r ?: bound_read(c->base, &c->ns, ret, err);
}

/*
 * Fused may be too much for the verifier with observers: then it is another shape that takes the
 * place of the base for a while.
 */
static enum strategy strategy_for(const struct running *run)
{
	enum strategy base = plan_strategy(run->plan, STRATEGY_FUSED);

	return base == STRATEGY_FUSED ? STRATEGY_AUTO : base;
}

/* Both count into one map: there each counter must mean the same. */
static int counts_alike(const struct running *run, const struct variant *v, struct braid_error *err)
{
	_cleanup_count_model_ struct count_model base = {}, own = {};
	__u64 is = 0, want = 0;
	int r;

	if (!counters_are_in(run->plan))
		return 0;
	r = count_model_from_json(json_object_get(run->plan, "counting"), &base, err) ?:
	    count_model_new(v->run.plan, &own, err) ?: count_model_mark(&base, &want, err) ?:
	    count_model_mark(&own, &is, err);
	if (r || is == want)
		return r;
	error_set(err, -ESTALE, NULL, "another version of braid has loaded what runs");
	error_why(err, "it counts packets in another way, and one that looks must count alike");
	error_hint(err,
		   "change something, for example exchange a stage: this version loads it anew");
	return -ESTALE;
}

static int load(const struct running *run, const struct observe_set *set, struct variant *v,
		struct braid_error *err)
{
	const struct braid_pipeline *p = braid_manifest_get(v->manifest, 0);
	const struct image_opts opts = {.observe = set};
	struct choosing choosing = {v, run->plan, NETNS_INIT};
	struct reuse_chooser chooser = {choose, &choosing};
	int r = image_load(p, strategy_for(run), NULL, &opts, &chooser, &v->run, err);

	netns_done(&choosing.ns);
	return r ?: counts_alike(run, v, err) ?: plan_to_json(v->run.image, &v->plan, err) ?:
	       bound_note(&v->run, v->plan, err) ?:
	       front_of_loaded(v->plan, v->run.loaded, &v->front, err);
}

int variant_load(struct braid *b, const struct running *run, const struct observers *observers,
		 struct variant *ret, struct braid_error *err)
{
	_cleanup_variant_ struct variant v = {.folder = run->folder};
	_cleanup_asked_ struct asked asked = {};
	int r = asked_new(observers, run->plan, &asked, err);

	r = r ?: braid_revision(b, run->revision.pipeline, run->revision.number, &v.manifest, err);
	r = r ?: load(run, &asked.set, &v, err);
	if (r) {
		error_within(err, "the variant of '%s' that is looked at", run->revision.pipeline);
		return r;
	}
	*ret = v;
	v = (struct variant){};
	return 0;
}

static bool is_reused(const struct variant *v, const char *symbol)
{
	array_foreach (r, &v->reuse)
		if (text_eq(r->symbol, symbol))
			return true;
	return false;
}

static int make_folder(const char *parent, const char *name, struct braid_error *err)
{
	_cleanup_free_ char *path = parent ? text_fmt("%s/%s", parent, name) : NULL;

	return path ? bpffs_mkdir(path, err) : error_oom(err);
}

/* A new one of an observer into the observer's folder, any other into that of the variant. */
static int pin_map(const struct variant *v, const char *folder, const struct image_map *m,
		   struct braid_error *err)
{
	_cleanup_free_ char *slot = m->observer ? path_slot(v->folder, m->slot) : NULL, *pin = NULL;
	int r;

	if (m->observer && !slot)
		return error_oom(err);
	r = make_folder(slot ?: folder, "maps", err);
	pin = r ? NULL : path_map(slot ?: folder, m->symbol);
	return r
		       ?: pin ? bpffs_pin(loaded_map(v->run.loaded, m->symbol), pin, err)
			      : error_oom(err);
}

static int pin_program(const struct variant *v, const char *folder, __u32 segment,
		       struct braid_error *err)
{
	_cleanup_free_ char *pin = path_program(folder, v->run.image->segments.v[segment].name);

	return pin ? bpffs_pin(loaded_program(v->run.loaded, segment), pin, err) : error_oom(err);
}

static int count_up(void *ctx, const char *path, __u32 number, struct braid_error *err)
{
	__u32 *free_one = ctx;

	if (number >= *free_one)
		*free_one = number + 1;
	return 0;
}

static int pin_all(const struct variant *v, const char *folder, struct braid_error *err)
{
	int r = make_folder(folder, "programs", err);

	array_foreach (m, &v->run.image->maps)
		if (!r && !is_reused(v, m->symbol))
			r = pin_map(v, folder, m, err);
	for (size_t i = 0; i < v->run.image->segments.n && !r; i++)
		r = pin_program(v, folder, i, err);
	return r;
}

int variant_pin(const struct variant *v, __u32 *ret_number, struct braid_error *err)
{
	_cleanup_error_ struct braid_error second = BRAID_ERROR_INIT;
	_cleanup_free_ char *folder = NULL;
	__u32 number = 1;
	int r = variants_each(v->folder, count_up, &number, err);

	if (r)
		return r;
	folder = path_variant(v->folder, number);
	r = folder ? pin_all(v, folder, err) : error_oom(err);
	if (!r)
		*ret_number = number;
	else if (folder)
		bpffs_remove_tree(folder, &second);
	return r;
}
