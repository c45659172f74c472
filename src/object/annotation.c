/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "object/annotation.h"

#include <bpf/btf.h>
#include <errno.h>

#include "base/error.h"
#include "base/text.h"

#define SECTION ".xdp_run_config"

/* By enum xdp_action. */
static const char *const actions[] = {"XDP_ABORTED", "XDP_DROP", "XDP_PASS", "XDP_TX",
				      "XDP_REDIRECT"};

/* Without typedefs, const and volatile; NULL: no such type. */
static const struct btf_type *plain_type(const struct btf *btf, __u32 id)
{
	const struct btf_type *t = btf__type_by_id(btf, id);

	while (t && (btf_is_mod(t) || btf_is_typedef(t)))
		t = btf__type_by_id(btf, t->type);
	return t;
}

bool btf_number(const struct btf *btf, __u32 type_id, __u32 *ret)
{
	const struct btf_type *ptr = plain_type(btf, type_id);
	const struct btf_type *arr = ptr && btf_is_ptr(ptr) ? btf__type_by_id(btf, ptr->type)
							    : NULL;

	if (!arr || !btf_is_array(arr))
		return false;
	*ret = btf_array(arr)->nelems;
	return true;
}

static const struct btf_type *var_in(const struct btf *btf, const struct btf_type *section,
				     const char *name)
{
	const struct btf_var_secinfo *info = btf_var_secinfos(section);

	for (int i = 0; i < btf_vlen(section); i++) {
		const struct btf_type *var = btf__type_by_id(btf, info[i].type);

		if (var && btf_is_var(var) &&
		    text_eq(btf__name_by_offset(btf, var->name_off), name))
			return var;
	}
	return NULL;
}

const struct btf_type *btf_section_var(const struct btf *btf, const char *section, const char *name)
{
	for (__u32 id = 1; id < btf__type_cnt(btf); id++) {
		const struct btf_type *t = btf__type_by_id(btf, id);

		if (btf_is_datasec(t) && text_eq(btf__name_by_offset(btf, t->name_off), section))
			return var_in(btf, t, name);
	}
	return NULL;
}

char *program_whole_name(const struct btf *btf, const char *name)
{
	const char *whole = NULL;
	size_t found = 0;

	if (strlen(name) < BPF_OBJ_NAME_LEN - 1)
		return strdup(name);
	for (__u32 id = 1; id < btf__type_cnt(btf); id++) {
		const struct btf_type *t = btf__type_by_id(btf, id);
		const char *func = btf_is_func(t) ? btf__name_by_offset(btf, t->name_off) : NULL;

		if (!func || !text_has_prefix(func, name))
			continue;
		if (text_eq(func, name))
			return strdup(name);
		whole = func;
		found++;
	}
	return strdup(found == 1 ? whole : name);
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
			c->actions &= ~(1u << i);
			c->actions |= value ? 1u << i : 0;
			return true;
		}
	return false;
}

/* @var: the annotation; NULL: there is none. */
static int read_members(const struct btf *btf, const struct btf_type *var, const char *where,
			const char *program, struct run_config *ret, struct braid_error *err)
{
	const struct btf_type *type = var ? plain_type(btf, var->type) : NULL;
	struct run_config c = {.priority = RUN_CONFIG_PRIORITY, .actions = RUN_CONFIG_ACTIONS};

	if (var && (!type || !btf_is_struct(type)))
		return error_code(
			error_set(err, -EINVAL, where, "XDP_RUN_CONFIG(%s) is no struct", program));
	for (int i = 0; type && i < btf_vlen(type); i++) {
		const struct btf_member *m = btf_members(type) + i;
		const char *name = btf__name_by_offset(btf, m->name_off);
		__u32 value;

		if (!btf_number(btf, m->type, &value) || !set_member(&c, name, value)) {
			error_set(err, -EINVAL, where,
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

int run_config_read(const struct unit *u, const char *program, struct run_config *ret,
		    struct braid_error *err)
{
	_cleanup_free_ char *name = text_fmt("_%s", program);
	const struct var *v;
	__u32 section;

	if (!name)
		return error_oom(err);
	v = unit_find_var(u, name, &section);
	if (v && !text_eq(u->sections.v[section].name, SECTION))
		v = NULL;
	return read_members(u->btf, v ? btf__type_by_id(u->btf, v->type_id) : NULL, u->name,
			    program, ret, err);
}

int run_config_read_btf(const struct btf *btf, const char *program, struct run_config *ret,
			struct braid_error *err)
{
	_cleanup_free_ char *name = text_fmt("_%s", program);

	if (!name)
		return error_oom(err);
	return read_members(btf, btf_section_var(btf, SECTION, name), program, program, ret, err);
}
