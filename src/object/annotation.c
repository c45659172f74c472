/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "object/annotation.h"

#include <bpf/btf.h>
#include <errno.h>

#include "base/error.h"
#include "base/text.h"

/* By enum xdp_action. */
static const char *const actions[] = {"XDP_ABORTED", "XDP_DROP", "XDP_PASS", "XDP_TX",
				      "XDP_REDIRECT"};

static const struct btf_type *find_config(const struct unit *u, const char *program)
{
	_cleanup_free_ char *name = text_fmt("_%s", program);
	const struct btf_type *var, *type;
	const struct var *v;
	__u32 section;

	v = name ? unit_find_var(u, name, &section) : NULL;
	if (!v || !text_eq(u->sections.v[section].name, ".xdp_run_config"))
		return NULL;
	var = btf__type_by_id(u->btf, v->type_id);
	type = btf__type_by_id(u->btf, var->type);
	return type && btf_is_struct(type) ? type : NULL;
}

/* The value of a member is the number of elements of the array that it points to. */
static bool member_value(const struct btf *btf, const struct btf_member *m, __u32 *ret)
{
	const struct btf_type *ptr = btf__type_by_id(btf, m->type);
	const struct btf_type *arr = ptr && btf_is_ptr(ptr) ? btf__type_by_id(btf, ptr->type)
							    : NULL;

	if (!arr || !btf_is_array(arr))
		return false;
	*ret = btf_array(arr)->nelems;
	return true;
}

static bool set_member(struct run_config *c, const char *name, __u32 value)
{
	if (text_eq(name, "priority")) {
		c->has_priority = true;
		c->priority = value;
		return true;
	}
	for (size_t i = 0; i < sizeof(actions) / sizeof(*actions); i++)
		if (text_eq(name, actions[i])) {
			c->has_actions = true;
			c->actions |= value ? 1u << i : 0;
			return true;
		}
	return false;
}

int run_config_read(const struct unit *u, const char *program, struct run_config *ret,
		    struct braid_error *err)
{
	const struct btf_type *type = find_config(u, program);
	struct run_config c = {};

	for (int i = 0; type && i < btf_vlen(type); i++) {
		const struct btf_member *m = btf_members(type) + i;
		const char *name = btf__name_by_offset(u->btf, m->name_off);
		__u32 value;

		if (!member_value(u->btf, m, &value) || !set_member(&c, name, value)) {
			error_set(err, -EINVAL, u->name,
				  "XDP_RUN_CONFIG(%s) has a member '%s' that cannot be read",
				  program, name);
			error_hint(err,
				   "it takes priority, XDP_ABORTED, XDP_DROP, XDP_PASS, XDP_TX "
				   "and XDP_REDIRECT");
			return -EINVAL;
		}
	}
	*ret = c;
	return 0;
}
