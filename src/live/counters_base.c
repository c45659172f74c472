/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* What earlier revisions counted. */
#include <errno.h>

#include "base/error.h"
#include "base/text.h"
#include "kernel/boot.h"
#include "live/counters.h"
#include "live/runtime.h"

/* Revisions that are in the base are soon gone from bpffs: so many are remembered. */
#define FOLDED_MAX 16

bool counters_are_folded(const json_t *base, __u32 number)
{
	json_t *each;
	size_t i;

	json_array_foreach (json_object_get(base, "folded"), i, each)
		if (json_integer_value(each) == number)
			return true;
	return false;
}

static bool is_of_boot(const json_t *base, const char *boot)
{
	return text_eq(json_string_value(json_object_get(base, "boot")), boot);
}

int counters_base(struct braid *b, const char *home, const char *pipeline, json_t **ret,
		  struct braid_error *err)
{
	char boot[BOOT_ID_SIZE];
	json_t *base = NULL;
	int r = boot_id(boot, err)
			?: runtime_document(b, home, pipeline, RUNTIME_COUNTERS, &base, err);

	if (r == -EBADMSG) { /* what was counted is lost, and nothing else */
		braid_error_clear(err);
		base = json_object();
		r = base ? 0 : error_oom(err);
	}
	if (r)
		return r;
	if (!is_of_boot(base, boot))
		json_object_clear(base);
	*ret = base;
	return 0;
}

static int put(struct braid *b, const struct fold *f, json_t *base, struct braid_error *err)
{
	_cleanup_free_ char *text = base ? json_dumps(base, JSON_COMPACT) : NULL;

	if (base && !text)
		return error_oom(err);
	return runtime_put(b->store, f->home, f->pipeline, RUNTIME_COUNTERS, text, err);
}

/* The revision's own in front: its numbers are in the base from now on. */
static void note_folded(json_t *base, __u32 number)
{
	json_t *list = json_object_get(base, "folded");

	if (!list) {
		list = json_array();
		json_object_set_new(base, "folded", list);
	}
	json_array_insert_new(list, 0, json_integer(number));
	json_array_remove(list, FOLDED_MAX);
}

/* Do both revisions count in the same map? Then that goes on. */
static bool is_shared(const struct counters *c, const struct fold *f)
{
	_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
	_cleanup_counters_ struct counters stays = {};

	return f->beside && !counters_read(f->stays, f->beside, &stays, &err) &&
	       stays.map == c->map;
}

static int add_to_base(struct braid *b, const struct fold *f, const struct counters *c,
		       struct braid_error *err)
{
	_cleanup_count_model_ struct count_model like = {};
	_cleanup_json_ json_t *base = NULL, *j = NULL;
	char boot[BOOT_ID_SIZE];
	int r = counters_base(b, f->home, f->pipeline, &base, err);

	if (r || counters_are_folded(base, f->number))
		return r;
	r = boot_id(boot, err) ?: count_model_from_json(json_object_get(f->stays, "counting"), &like, err) ?:
	    counters_to_json(c, COUNTERS_ALL, &j, err) ?:
	    counters_add(j, base, err);
	if (r)
		return r;
	counters_prune(j, &like);
	json_object_set(j, "folded", json_object_get(base, "folded"));
	json_object_set_new(j, "boot", json_string(boot));
	note_folded(j, f->number);
	return put(b, f, j, err);
}

int counters_fold(struct braid *b, const struct fold *f, struct braid_error *err)
{
	_cleanup_error_ struct braid_error unread = BRAID_ERROR_INIT;
	_cleanup_counters_ struct counters c = {};
	int r = counters_are_in(f->stays) ? counters_read(f->plan, f->folder, &c, &unread)
					  : -ENODATA;

	if (r == -ENOMEM)
		return error_move(err, &unread);
	if (r)
		return f->failed ? 0 : put(b, f, NULL, err);
	return is_shared(&c, f) ? 0 : add_to_base(b, f, &c, err);
}
