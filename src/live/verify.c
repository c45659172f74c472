/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* The verifier's opinion of an object. */
#include <errno.h>

#include "base/error.h"
#include "base/text.h"
#include "braid/inspect.h"
#include "kernel/trial.h"
#include "kernel/verifier.h"
#include "live/live.h"

static int add_refusal(const struct trial *t, json_t *j)
{
	struct verdict v = {};

	if (verdict_parse_log(t->log, &v))
		return -ENOMEM;
	if (v.has_insn)
		json_object_set_new(j, "at", json_integer(v.insn));
	json_object_set_new(j, "reason", json_string(v.reason ?: t->heard ?: error_name(t->code)));
	verdict_done(&v);
	return 0;
}

static int verify_one(const void *bytes, size_t size, const struct trial_name *n, json_t *list,
		      struct braid_error *err)
{
	struct trial t = {};
	int r = trial_load(bytes, size, n->name, &t, err);
	json_t *j;

	if (r)
		return r;
	j = json_pack("{s:s, s:s, s:b, s:s}", "program", n->name, "section", n->section, "accepted",
		      !t.code, "log", t.log);
	if (!j) /* a log that is no UTF-8 */
		j = json_pack("{s:s, s:s, s:b}", "program", n->name, "section", n->section,
			      "accepted", !t.code);
	if (t.code)
		r = add_refusal(&t, j) ? error_oom(err) : 0;
	else
		json_object_update_new(j, json_pack("{s:I, s:I, s:I, s:I}", "instructions",
						    (json_int_t)t.instructions, "processed",
						    (json_int_t)t.processed, "states",
						    (json_int_t)t.states, "stack",
						    (json_int_t)t.stack));
	json_array_append_new(list, j);
	trial_done(&t);
	return r;
}

int braid_verify(const void *bytes, size_t size, const char *name, char **ret_json,
		 struct braid_error *err)
{
	_cleanup_json_ json_t *list = json_array();
	struct trial_names names = {};
	ERROR_SCRATCH(err);
	int r;

	r = trial_names(bytes, size, &names, err);
	array_foreach (n, &names.list)
		r = r ?: verify_one(bytes, size, n, list, err);
	trial_names_done(&names);
	if (r) {
		error_within(err, "%s", name);
		return r;
	}
	return json_give(list, ret_json, err);
}
