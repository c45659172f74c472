/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "live/runtime.h"

#include <bpf/bpf.h>
#include <errno.h>

#include "base/error.h"
#include "base/text.h"
#include "kernel/bpffs.h"

static int damaged(const char *pipeline, const char *what, struct braid_error *err)
{
	error_set(err, -EBADMSG, pipeline, "the store's %s is damaged", what);
	error_hint(err, "what runs does not depend on it; delete the pipeline and apply it again");
	return -EBADMSG;
}

int runtime_document(struct braid *b, const char *home, const char *pipeline, const char *key,
		     json_t **ret, struct braid_error *err)
{
	_cleanup_free_ char *text = NULL;
	json_t *j;
	int r = runtime_get(b->store, home, pipeline, key, &text, err);

	if (r)
		return r;
	j = text ? json_loads(text, 0, NULL) : json_object();
	if (!json_is_object(j)) {
		json_decref(j);
		return damaged(pipeline, key, err);
	}
	*ret = j;
	return 0;
}

/* The block as the store wants it; @is: what of it the store does not know. */
static int wanted_block(struct braid *b, const char *pipeline, const json_t *plan,
			const struct control *is, struct control *ret, struct braid_error *err)
{
	_cleanup_json_ json_t *signals = NULL, *rollout = NULL;
	int r = runtime_document(b, b->home.name, pipeline, RUNTIME_SIGNALS, &signals, err);

	r = r ?: runtime_document(b, b->home.name, pipeline, RUNTIME_ROLLOUT, &rollout, err);
	if (!r)
		control_wanted(is, signals, rollout, plan, ret);
	return r;
}

static int fill_control(struct braid *b, const char *pipeline, const json_t *plan,
			const struct loaded *loaded, struct braid_error *err)
{
	struct control is = {.magic = CONTROL_MAGIC, .version = CONTROL_VERSION}, want;
	__u32 zero = 0;
	int r = wanted_block(b, pipeline, plan, &is, &want, err);

	if (r)
		return r;
	if (bpf_map_update_elem(loaded_map(loaded, CONTROL_SECTION), &zero, &want, BPF_ANY))
		return error_errno(err, -errno, pipeline, "cannot write the control block");
	return 0;
}

/* Also of an image without fields: then there is no place for what was set before. */
static int fill_config(struct braid *b, const char *pipeline, const struct image *image,
		       const struct loaded *loaded, json_t **ret_dropped, struct braid_error *err)
{
	_cleanup_fields_ struct config_fields fields = {};
	_cleanup_json_ json_t *values = NULL;
	_cleanup_free_ char *both = NULL;
	__u32 zero = 0, number;
	int r = fields_of_image(image, &fields, err)
			?: config_current(b, b->home.name, pipeline, &values, &number, err);

	if (r)
		return r;
	both = malloc((size_t)CONFIG_VERSIONS * fields.size ?: 1);
	if (!both)
		return error_oom(err);
	r = fields_fill(&fields, values, both, ret_dropped, err);
	if (r || !fields.size)
		return r;
	memcpy(both + fields.size, both, fields.size);
	if (bpf_map_update_elem(loaded_map(loaded, CONFIG_SECTION), &zero, both, BPF_ANY))
		return error_errno(err, -errno, pipeline, "cannot write the configuration");
	return 0;
}

int runtime_fill(struct braid *b, const json_t *plan, const struct image *image,
		 const struct loaded *loaded, json_t **ret_dropped, struct braid_error *err)
{
	const char *pipeline = image->plan->pipeline->name;
	int r = image->control < 0 ? 0 : fill_control(b, pipeline, plan, loaded, err);

	return r ?: fill_config(b, pipeline, image, loaded, ret_dropped, err);
}

int running_open(struct braid *b, const char *pipeline, struct running *ret,
		 struct braid_error *err)
{
	_cleanup_running_ struct running run = {};
	_cleanup_free_ char *root = NULL, *path = NULL;
	int r = bpffs_root(&root, err);

	r = r
		    ?: revision_find(b->store, b->home.name, pipeline, REVISION_CURRENT,
				     &run.revision, err);
	if (r)
		return r;
	path = path_pipeline(root, b->home.name, pipeline);
	run.folder = path ? path_revision(path, run.revision.number) : NULL;
	run.plan = json_loads(run.revision.plan, 0, NULL);
	if (!run.folder)
		return error_oom(err);
	if (!run.plan)
		return damaged(pipeline, "plan", err);
	*ret = run;
	run = (struct running){};
	return 0;
}

void running_done(struct running *r)
{
	revision_done(&r->revision);
	json_decref(r->plan);
	free(r->folder);
	*r = (struct running){};
}

static int add_sentence(char **to, const char *sentence, struct braid_error *err)
{
	char *both = text_fmt("%s%s%s", *to ?: "", *to ? "; " : "", sentence);

	if (!both)
		return error_oom(err);
	free(*to);
	*to = both;
	return 0;
}

static int sync_control(struct braid *b, const struct running *run, char **ret_what,
			struct braid_error *err)
{
	_cleanup_control_map_ struct control_map map = CONTROL_MAP_INIT;
	struct control want;
	int r = control_open(run->folder, &map, err);

	if (r == -ENOENT || r == -EPROTONOSUPPORT) { /* the next revision will have one */
		braid_error_clear(err);
		return 0;
	}
	r = r ?: wanted_block(b, run->revision.pipeline, run->plan, &map.is, &want, err);
	if (r == -EBADMSG) { /* must not keep anyone from deleting the pipeline */
		braid_error_clear(err);
		return 0;
	}
	if (r || !memcmp(&want, &map.is, sizeof(want)))
		return r;
	return control_write(&map, &want, err)
		       ?: add_sentence(ret_what, "signals were not as they are wanted: mended",
				       err);
}

int runtime_sync(struct braid *b, const char *pipeline, char **ret_what, struct braid_error *err)
{
	_cleanup_running_ struct running run = {};
	_cleanup_free_ char *config = NULL;
	int r = running_open(b, pipeline, &run, err);

	if (r == -ENOENT) {
		braid_error_clear(err);
		return 0;
	}
	r = r ?: config_settle(b, &run, &config, err) ?: sync_control(b, &run, ret_what, err);
	if (!r && config)
		r = add_sentence(ret_what, config, err);
	return r;
}
