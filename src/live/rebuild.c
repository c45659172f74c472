/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "live/rebuild.h"

#include <errno.h>

#include "base/error.h"
#include "base/text.h"
#include "compose/plan_json.h"
#include "kernel/bpffs.h"
#include "kernel/cpus.h"

void rebuilt_done(struct rebuilt *r)
{
	image_free(r->image);
	braid_plan_free(r->plan);
	braid_manifest_free(r->manifest);
	json_decref(r->recorded);
	free(r->folder);
	*r = (struct rebuilt){};
}

static int recorded_strategy(const json_t *plan)
{
	const char *word = json_string_value(json_object_get(plan, "strategy"));

	for (int s = STRATEGY_AUTO; s <= STRATEGY_DISPATCHER; s++)
		if (text_eq(strategy_names[s], word))
			return s;
	return STRATEGY_AUTO;
}

/* Segments have digests of what they are made of, which does not say how they were linked. */
static bool is_same_segment(const json_t *a, const json_t *b)
{
	return json_equal(json_object_get(a, "digest"), json_object_get(b, "digest")) &&
	       json_equal(json_object_get(a, "instructions"), json_object_get(b, "instructions"));
}

static bool is_same(const json_t *recorded, const struct image *image)
{
	_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
	_cleanup_json_ json_t *plan = NULL;
	const json_t *was = json_object_get(recorded, "segments"), *is, *segment;
	size_t i;

	if (plan_to_json(image, &plan, &err) ||
	    !json_equal(json_object_get(plan, "size"), json_object_get(recorded, "size")))
		return false;
	is = json_object_get(plan, "segments");
	json_array_foreach (is, i, segment)
		if (!is_same_segment(segment, json_array_get(was, i)))
			return false;
	return json_array_size(is) == json_array_size(was);
}

static int build(struct rebuilt *r, bool clean_stack, struct braid_error *err)
{
	int cpus = cpus_possible(err), code;
	struct image_opts opts = {.cpus = cpus};

	if (cpus < 0)
		return cpus;
	image_free(r->image);
	braid_plan_free(r->plan);
	r->image = NULL;
	r->plan = NULL;
	code = plan_new(braid_manifest_get(r->manifest, 0), recorded_strategy(r->recorded),
			json_string_value(json_object_get(r->recorded, "why")), &r->plan, err);
	if (code)
		return code;
	r->plan->clean_stack = clean_stack;
	code = image_new(r->plan, &opts, &r->image, err);
	if (!code)
		r->same = is_same(r->recorded, r->image);
	return code;
}

static int read_record(struct braid *b, const char *name, struct rebuilt *r,
		       struct braid_error *err)
{
	_cleanup_free_ char *root = NULL, *path = NULL;
	_cleanup_revision_ struct revision rev = {};
	int code = braid_revision(b, name, 0, &r->manifest, err);

	code = code ?: revision_find(b->store, b->home.name, name, REVISION_CURRENT, &rev, err);
	code = code ?: bpffs_root(&root, err);
	if (code)
		return code;
	path = path_pipeline(root, b->home.name, name);
	r->folder = path ? path_revision(path, rev.number) : NULL;
	r->recorded = json_loads(rev.plan, 0, NULL);
	r->revision = rev.number;
	return r->folder && r->recorded ? 0 : error_oom(err);
}

int rebuild(struct braid *b, const char *name, struct rebuilt *ret, struct braid_error *err)
{
	struct rebuilt r = {};
	int code = read_record(b, name, &r, err) ?: build(&r, false, err);

	/* the plan does not say how it was, and there are two ways */
	if (!code && !r.same)
		code = build(&r, true, err);
	if (code)
		rebuilt_done(&r);
	else
		*ret = r;
	return code;
}
