/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * A dispatcher that is bound to its device takes components that are, too, and the kernel binds a
 * program by what it is loaded for. So a pipeline that joins one is loaded for that device, which
 * its plan then says: "bound": {"cookie", "ifindex"}.
 */
#include <errno.h>

#include "base/error.h"
#include "kernel/iface.h"
#include "live/live.h"

static bool is_bound(const struct target *t)
{
	return t->way == &way_dispatcher && spot_has_chain(&t->at) && t->at.chain->config.devbound;
}

int bound_find(const struct targets *all, struct chosen *ret, struct braid_error *err)
{
	array_foreach (t, &all->list) {
		_cleanup_free_ char *where = NULL;

		if (!is_bound(t))
			continue;
		ret->bound_ns = &t->at.ns;
		ret->bound_to = t->at.ifindex;
		if (all->list.n == 1)
			return 0;
		where = iface_where(&t->at.ns, t->at.ifindex);
		error_set(err, -EINVAL, where, "the dispatcher here is bound to its device");
		error_why(err,
			  "what joins it runs on no other one, and the pipeline has %zu "
			  "interfaces",
			  all->list.n);
		error_hint(err, "give this interface a pipeline of its own");
		return -EINVAL;
	}
	return 0;
}

int bound_note(const struct running_image *run, json_t *plan, struct braid_error *err)
{
	json_t *bound;

	if (!run->bound_to)
		return 0;
	bound = json_pack("{s:I, s:I}", "cookie", (json_int_t)run->bound_cookie, "ifindex",
			  (json_int_t)run->bound_to);
	return json_object_set_new(plan, "bound", bound) ? error_oom(err) : 0;
}

int bound_read(const json_t *plan, struct netns *ns, struct chosen *ret, struct braid_error *err)
{
	const json_t *bound = json_object_get(plan, "bound");
	int r;

	if (!bound)
		return 0;
	r = attachment_netns(json_integer_value(json_object_get(bound, "cookie")), ns, err);
	if (r)
		return r;
	ret->bound_ns = ns;
	ret->bound_to = json_integer_value(json_object_get(bound, "ifindex"));
	return 0;
}
