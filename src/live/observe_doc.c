/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* The document "observers": who looks at a pipeline, and whether they still do. */
#include <bpf/bpf.h>
#include <errno.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/text.h"
#include "kernel/bpffs.h"
#include "live/observe.h"
#include "live/observe_ask.h"
#include "live/orphan.h"

void observing_done(struct observing *o)
{
	free(o->cause);
	json_decref(o->asks);
	*o = (struct observing){};
}

void observers_done(struct observers *all)
{
	array_foreach (o, &all->list)
		observing_done(o);
	array_done(&all->list);
	*all = (struct observers){};
}

static __u64 number(const json_t *j, const char *name)
{
	return json_integer_value(json_object_get(j, name));
}

static int take(const json_t *j, struct observers *all, struct braid_error *err)
{
	const char *cause = json_string_value(json_object_get(j, "cause"));
	struct observing *o = array_push(&all->list);

	if (!o)
		return error_oom(err);
	*o = (struct observing){
		.slot = number(j, "slot"),
		.process = {number(j, "pid"), number(j, "start"), number(j, "pid-ns")},
		.cause = strdup(cause ?: ""),
		.since = number(j, "since"),
		.asks = json_incref(json_object_get(j, "asks")),
	};
	return o->cause ? 0 : error_oom(err);
}

int observers_read(struct braid *b, const char *home, const char *pipeline, __u32 revision,
		   struct observers *ret, struct braid_error *err)
{
	struct observers all = {.revision = revision};
	_cleanup_json_ json_t *doc = NULL;
	json_t *j;
	size_t i;
	int r = runtime_document(b, home, pipeline, RUNTIME_OBSERVERS, &doc, err);

	if (r == -EBADMSG) { /* whoever it was is forgotten, and comes back */
		braid_error_clear(err);
		r = 0;
	}
	if (!r && number(doc, "revision") == revision)
		json_array_foreach (json_object_get(doc, "list"), i, j)
			if (number(j, "slot") < OBSERVE_SLOTS)
				r = r ?: take(j, &all, err);
	if (r)
		observers_done(&all);
	else
		*ret = all;
	return r;
}

static json_t *to_json(const struct observers *all, const struct front *front)
{
	json_t *list = json_array();

	array_foreach (o, &all->list)
		json_array_append_new(
			list, json_pack("{s:I, s:I, s:I, s:I, s:s, s:I, s:O*}", "slot",
					(json_int_t)o->slot, "pid", (json_int_t)o->process.pid,
					"start", (json_int_t)o->process.start, "pid-ns",
					(json_int_t)o->process.pid_ns, "cause", o->cause, "since",
					(json_int_t)o->since, "asks", o->asks));
	return json_pack("{s:I, s:o, s:o*}", "revision", (json_int_t)all->revision, "list", list,
			 "front", front ? orphan_note(front) : NULL);
}

int observers_write(struct braid *b, const char *pipeline, const struct observers *all,
		    const struct front *front, struct braid_error *err)
{
	_cleanup_json_ json_t *doc = all->list.n ? to_json(all, front) : NULL;
	_cleanup_free_ char *text = doc ? json_dumps(doc, JSON_COMPACT) : NULL;

	if (all->list.n && !text)
		return error_oom(err);
	return runtime_put(b->store, b->home.name, pipeline, RUNTIME_OBSERVERS, text, err);
}

int observers_add_known(struct braid *b, const char *home, const char *pipeline, __u32 revision,
			json_t *plan, struct braid_error *err)
{
	json_t *known = json_object_get(plan, "front");
	_cleanup_json_ json_t *doc = NULL;
	int r = runtime_document(b, home, pipeline, RUNTIME_OBSERVERS, &doc, err);

	if (r == -EBADMSG) {
		braid_error_clear(err);
		return 0;
	}
	if (r || !known || number(doc, "revision") != revision)
		return r;
	json_array_extend(known, json_object_get(doc, "front"));
	return 0;
}

bool observing_looks(const struct observing *o, const char *folder)
{
	_cleanup_error_ struct braid_error ignored = BRAID_ERROR_INIT;
	_cleanup_free_ char *slot = path_slot(folder, o->slot), *symbol = NULL, *pin = NULL;
	_cleanup_close_ int fd = -1;
	struct observe_control control;
	__u32 zero = 0;

	symbol = text_fmt(OBSERVE_CONTROL, o->slot);
	pin = slot && symbol ? path_map(slot, symbol) : NULL;
	if (process_is_gone(&o->process) || !pin || bpffs_get(pin, BPFFS_MAP, &fd, &ignored) ||
	    bpf_map_lookup_elem(fd, &zero, &control))
		return false;
	return control.lease > clock_ns(CLOCK_MONOTONIC);
}

bool observers_are_well(const struct observers *all, const char *folder)
{
	bool well = all->list.n;

	array_foreach (o, &all->list)
		well &= observing_looks(o, folder);
	return well;
}

json_t *observers_to_json(struct braid *b, const char *home, const char *pipeline, __u32 revision,
			  const char *folder)
{
	_cleanup_error_ struct braid_error ignored = BRAID_ERROR_INIT;
	_cleanup_free_ char *observed = path_observed(folder);
	_cleanup_observers_ struct observers all = {};
	json_t *list = json_array();
	bool any = false;

	if (!observed || access(observed, F_OK) ||
	    observers_read(b, home, pipeline, revision, &all, &ignored)) {
		json_decref(list);
		return NULL;
	}
	array_foreach (o, &all.list) {
		bool looks = observing_looks(o, folder);

		any |= looks;
		json_array_append_new(list,
				      json_pack("{s:I, s:s, s:I, s:b, s:o}", "pid",
						(json_int_t)o->process.pid, "command", o->cause,
						"since", (json_int_t)o->since, "looks", looks,
						"what", ask_what_to_json(o->asks)));
	}
	return json_pack("{s:b, s:o}", "looks", any, "observers", list);
}
