/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Setting fields of the configuration while packets flow.
 *
 *	1  store: the new values as pending
 *	2  wait until no packet can use the version that is free any more
 *	3  write the new values there
 *	4  one word of the control block: packets use it from now on
 *	5  store: pending becomes current
 *
 * Killed before 4 has no effect, killed behind it has all: config_settle() looks which.
 */
#include <bpf/bpf.h>
#include <errno.h>

#include "base/error.h"
#include "base/text.h"
#include "kernel/bpffs.h"
#include "kernel/rcu.h"
#include "live/live_config.h"

int config_current(struct braid *b, const char *home, const char *pipeline, json_t **ret_values,
		   __u32 *ret_number, struct braid_error *err)
{
	_cleanup_config_version_ struct config_version now = {};
	json_t *j;
	int r = config_find(b->store, home, pipeline, CONFIG_CURRENT, &now, err);

	if (r && r != -ENOENT)
		return r;
	braid_error_clear(err);
	j = r ? json_object() : json_loads(now.fields, 0, NULL);
	if (!json_is_object(j)) {
		json_decref(j);
		error_set(err, -EBADMSG, pipeline, "the store's configuration %u is damaged",
			  now.number);
		error_hint(err, "go back to an earlier one: braid config rollback %s VERSION",
			   pipeline);
		return -EBADMSG;
	}
	*ret_values = j;
	*ret_number = now.number;
	return 0;
}

void live_config_done(struct live_config *c)
{
	running_done(&c->run);
	fields_done(&c->fields);
	control_done(&c->control);
	closep(&c->fd);
	free(c->both);
	json_decref(c->values);
	free(c->recovered);
}

static int has_none(const char *pipeline, struct braid_error *err)
{
	error_set(err, -EOPNOTSUPP, pipeline, "the pipeline has no configuration");
	error_why(err, "none of its stages declares fields");
	error_hint(err, "authors do with BRAID_CONFIG() of braid/bpf/braid.bpf.h");
	return -EOPNOTSUPP;
}

static int read_map(struct live_config *c, struct braid_error *err)
{
	_cleanup_free_ char *pin = path_map(c->run.folder, CONFIG_SECTION);
	struct bpf_map_info info = {};
	__u32 zero = 0, size = sizeof(info);
	int r = pin ? bpffs_get(pin, BPFFS_MAP, &c->fd, err) : error_oom(err);

	if (r)
		return r;
	if (bpf_obj_get_info_by_fd(c->fd, &info, &size))
		return error_errno(err, -errno, pin, "cannot look at the configuration");
	if (info.value_size != CONFIG_VERSIONS * c->fields.size) {
		error_set(err, -EBADMSG, pin, "the configuration that runs has another layout");
		error_why(err, "it has %u bytes, not %u", info.value_size,
			  CONFIG_VERSIONS * c->fields.size);
		error_hint(err, "apply the pipeline again with this braid");
		return -EBADMSG;
	}
	c->both = malloc(info.value_size);
	if (!c->both)
		return error_oom(err);
	if (bpf_map_lookup_elem(c->fd, &zero, c->both))
		return error_errno(err, -errno, pin, "cannot read the configuration");
	return 0;
}

/* The maps of @c->run, whose image is linked again to know what is where in them. */
static int open_maps(struct braid *b, struct live_config *c, struct braid_error *err)
{
	int r = fields_open(b, &c->run, &c->fields, err);

	if (!r && !c->fields.size)
		r = has_none(c->run.revision.pipeline, err);
	r = r ?: control_open(c->run.folder, &c->control, err) ?: read_map(c, err);
	if (!r && c->control.is.config >= CONFIG_VERSIONS) {
		error_set(err, -EBADMSG, c->run.revision.pipeline,
			  "the control block names version %u of the configuration",
			  c->control.is.config);
		error_hint(err, "apply the pipeline again");
		r = -EBADMSG;
	}
	return r;
}

int live_config_open(struct braid *b, const char *name, struct live_config *c,
		     struct braid_error *err)
{
	int r = running_open(b, name, &c->run, err);

	if (r == -ENOENT)
		return pipeline_unknown(b, name, err);
	return r ?: open_maps(b, c, err) ?:
	       config_current(b, b->home.name, name, &c->values, &c->number, err);
}

/* The bytes that packets use. */
const char *live_config_active(const struct live_config *c)
{
	return c->both + c->control.is.config * c->fields.size;
}

/* One version with @values in it. NULL with @err filled. */
char *live_config_bytes(const struct live_config *c, const json_t *values, json_t **ret_dropped,
			struct braid_error *err)
{
	_cleanup_free_ char *bytes = malloc(c->fields.size ?: 1);

	if (!bytes) {
		error_oom(err);
		return NULL;
	}
	return fields_fill(&c->fields, values, bytes, ret_dropped, err) ? NULL : TAKE_PTR(bytes);
}

/* Steps 2 to 4. */
static int flip(struct live_config *c, const char *bytes, struct braid_error *err)
{
	__u32 next = (c->control.is.config + 1) % CONFIG_VERSIONS;

	return kernel_sync_rcu(err) ?:
	       map_write(c->fd, next * c->fields.size, bytes, c->fields.size, err) ?:
	       control_use_config(&c->control, next, err);
}

int live_config_switch(struct braid *b, struct live_config *c, const json_t *values,
		       const char *what, __u32 *ret_number, struct braid_error *err)
{
	_cleanup_free_ char *text = json_dumps(values, JSON_COMPACT | JSON_SORT_KEYS);
	_cleanup_free_ char *bytes = live_config_bytes(c, values, NULL, err);
	const char *name = c->run.revision.pipeline;
	struct config_version wanted = {.cause = b->cause, .what = (char *)what, .fields = text};
	_cleanup_error_ struct braid_error second = BRAID_ERROR_INIT;
	__u32 was = c->control.is.config, number;
	int r;

	if (!bytes)
		return err->code;
	r = text ? config_begin(b->store, b->home.name, name, &wanted, &number, err)
		 : error_oom(err);
	if (r)
		return r;
	r = flip(c, bytes, err) ?: config_commit(b->store, b->home.name, name, number, err);
	if (!r) {
		*ret_number = number;
		return 0;
	}
	/* the version of before is as it was */
	if (c->control.is.config != was && control_use_config(&c->control, was, &second))
		error_hint(err, "the new values are in use all the same: %s", second.what ?: "");
	config_abort(b->store, b->home.name, name, number, err->what ?: "", &second);
	return r;
}

/* Is the pending one what packets use? */
static int is_in_use(struct braid *b, const struct running *run,
		     const struct config_version *pending, bool *ret, struct braid_error *err)
{
	_cleanup_live_config_ struct live_config c = LIVE_CONFIG_INIT;
	_cleanup_json_ json_t *values = json_loads(pending->fields, 0, NULL);
	_cleanup_free_ char *bytes = NULL;
	int r = running_open(b, run->revision.pipeline, &c.run, err) ?: open_maps(b, &c, err);

	if (r)
		return r;
	bytes = live_config_bytes(&c, values, NULL, err);
	if (!bytes)
		return err->code;
	*ret = !memcmp(bytes, live_config_active(&c), c.fields.size);
	return 0;
}

int config_settle(struct braid *b, const struct running *run, char **ret_what,
		  struct braid_error *err)
{
	_cleanup_config_version_ struct config_version pending = {};
	_cleanup_error_ struct braid_error unread = BRAID_ERROR_INIT;
	const char *name = run->revision.pipeline;
	bool done = false;
	int r = config_find(b->store, b->home.name, name, CONFIG_PENDING, &pending, err);

	if (r == -ENOENT) {
		braid_error_clear(err);
		return 0;
	}
	if (r)
		return r;
	/* what cannot be looked at counts as undone: the next revision starts with what is current
	 */
	is_in_use(b, run, &pending, &done, &unread);
	if (done)
		r = config_commit(b->store, b->home.name, name, pending.number, err);
	else
		r = config_abort(b->store, b->home.name, name, pending.number,
				 "the command was interrupted; undone by the next one", err);
	if (r)
		return r;
	*ret_what = text_fmt("configuration %u (%s) was interrupted: %s", pending.number,
			     pending.cause, done ? "finished" : "undone");
	return *ret_what ? 0 : error_oom(err);
}
