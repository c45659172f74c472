/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* The control block and the configuration of an image: sections that no stage brought. */
#include <bpf/btf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stddef.h>

#include "base/error.h"
#include "base/text.h"
#include "compose/control_abi.h"
#include "compose/image.h"
#include "manifest/hook.h"
#include "object/config.h"
#include "object/link.h"
#include "object/types.h"

static const struct section *source(const struct plan_stage *ps, const char *name)
{
	int i = unit_find_section(ps->unit, name);

	return i < 0 ? NULL : &ps->unit->sections.v[i];
}

static __u32 align_up(__u32 n, __u32 to)
{
	return to ? (n + to - 1) / to * to : n;
}

/* Where stage @k's fields begin in a version; for k one past the last: the end of all. */
static __u32 config_base(const struct image *image, __u32 k)
{
	__u32 at = 0;

	for (__u32 i = 0; i <= k; i++) {
		const struct plan_stage *ps = &image->plan->stages.v[i];
		const struct section *s;

		if (i == image->plan->stages.n)
			return align_up(at, 64);
		s = ps->uses_config ? source(ps, CONFIG_SOURCE_SECTION) : NULL;
		if (!s)
			continue;
		at = align_up(at, s->align > 8 ? s->align : 8);
		if (i == k)
			return at;
		at += s->bytes.n;
	}
	return at;
}

static int bad_field(const struct plan_stage *ps, const char *name, const char *why,
		     struct braid_error *err)
{
	_cleanup_free_ char *where = stage_where(ps->stage);

	error_set(err, -EINVAL, where, "'%s' cannot be a field of the configuration", name);
	error_why(err, "%s", why);
	return -EINVAL;
}

/* BTF_KIND_DECL_TAG "braid:range=MIN..MAX" on a member. */
static void find_range(struct image_field *f, __u32 holder, int member)
{
	for (__u32 id = 1; id < btf__type_cnt(f->btf); id++) {
		const struct btf_type *t = btf__type_by_id(f->btf, id);
		const char *tag = btf__name_by_offset(f->btf, t->name_off);

		if (!btf_is_decl_tag(t) || t->type != holder ||
		    btf_decl_tag(t)->component_idx != member || !tag)
			continue;
		f->has_range |= sscanf(tag, "braid:range=%lld..%lld", (long long *)&f->min,
				       (long long *)&f->max) == 2;
	}
}

/* Past const, volatile and typedef: the struct itself; 0: it is none. */
static __u32 struct_type(const struct btf *btf, __u32 id)
{
	const struct btf_type *t = btf__type_by_id(btf, id);

	while (t && (btf_is_mod(t) || btf_is_typedef(t))) {
		id = t->type;
		t = btf__type_by_id(btf, id);
	}
	return t && btf_is_struct(t) ? id : 0;
}

static int add_field(struct image *image, const struct plan_stage *ps, const struct image_field *f,
		     struct braid_error *err)
{
	array_foreach (other, &image->fields)
		if (text_eq(other->stage, f->stage) && text_eq(other->name, f->name))
			return bad_field(ps, f->name, "two fields have that name", err);
	return array_add(&image->fields, *f) ? 0 : error_oom(err);
}

/* The type's fields; a struct's one by one. @name: of what has the type, "": of the variable. */
static int add_fields(struct image *image, const struct plan_stage *ps, const char *name,
		      __u32 type, __u32 offset, struct braid_error *err)
{
	const struct btf *btf = ps->unit->btf;
	__u32 holder = struct_type(btf, type);
	const struct btf_type *t = btf__type_by_id(btf, holder);
	int r = 0;

	for (__u16 i = 0; holder && i < btf_vlen(t) && !r; i++) {
		const struct btf_member *m = &btf_members(t)[i];
		const char *member = btf__name_by_offset(btf, m->name_off) ?: "";
		struct image_field f = {
			.stage = ps->stage->name,
			.name = text_fmt("%s%s%s", name, *name && *member ? "." : "", member),
			.offset = offset + btf_member_bit_offset(t, i) / 8,
			.size = btf__resolve_size(btf, m->type),
			.btf = btf,
			.type = m->type,
		};

		if (!f.name)
			return error_oom(err);
		find_range(&f, holder, i);
		if (btf_member_bitfield_size(t, i))
			r = bad_field(ps, f.name, "it is a bit-field", err);
		else if (struct_type(btf, m->type))
			r = add_fields(image, ps, f.name, m->type, f.offset, err);
		else
			r = add_field(image, ps, &f, err);
		if (r || struct_type(btf, m->type))
			free(f.name);
	}
	return r;
}

static int add_variable(struct image *image, const struct plan_stage *ps, const struct var *v,
			bool only, __u32 base, struct braid_error *err)
{
	const struct btf *btf = ps->unit->btf;
	const char *name = unit_type_name(ps->unit, v->type_id);
	__u32 type = btf__type_by_id(btf, v->type_id)->type;
	struct image_field f = {.stage = ps->stage->name,
				.offset = base + v->offset,
				.size = v->size,
				.btf = btf,
				.type = type};
	int r;

	if (struct_type(btf, type))
		return add_fields(image, ps, only ? "" : name, type, f.offset, err);
	f.name = strdup(name);
	if (!f.name)
		return error_oom(err);
	find_range(&f, v->type_id, -1);
	r = add_field(image, ps, &f, err);
	if (r)
		free(f.name);
	return r;
}

/* A stage's defaults into both versions, and its fields. */
static int add_stage_config(struct image *image, __u32 k, struct braid_error *err)
{
	const struct plan_stage *ps = &image->plan->stages.v[k];
	const struct section *s = source(ps, CONFIG_SOURCE_SECTION);
	__u32 base = config_base(image, k);
	char *bytes = image->unit->sections.v[image->config].bytes.v;
	int r = 0;

	for (int version = 0; version < CONFIG_VERSIONS; version++)
		memcpy(bytes + version * image->config_size + base, s->bytes.v, s->bytes.n);
	array_foreach (v, &s->vars)
		r = r ?: add_variable(image, ps, v, s->vars.n == 1, base, err);
	return r;
}

static int add_config(struct image *image, struct braid_error *err)
{
	const struct braid_plan *plan = image->plan;
	int r;

	image->config_size = config_base(image, plan->stages.n);
	r = image_add_own_section(image, "config", CONFIG_SECTION,
				  (size_t)CONFIG_VERSIONS * image->config_size, 64, &image->config,
				  err);
	for (__u32 k = 0; k < plan->stages.n && !r; k++)
		if (plan->stages.v[k].uses_config)
			r = add_stage_config(image, k, err);
	return r;
}

int control_add(struct image *image, struct braid_error *err)
{
	struct control *c;
	int r;

	image->control = image->config = image->packet_map = -1;
	if (!plan_has_control(image->plan))
		return 0;
	r = image_add_own_section(image, "control", CONTROL_SECTION, sizeof(struct control), 64,
				  &image->control, err);
	if (r)
		return r;
	c = (struct control *)image->unit->sections.v[image->control].bytes.v;
	c->magic = CONTROL_MAGIC;
	c->version = CONTROL_VERSION;
	c->verdict = hook_facts(image->plan->pipeline->hook)->pass;
	return image->plan->uses_config ? add_config(image, err) : 0;
}

size_t control_places(const struct image *image, __u32 k, struct link_place *places)
{
	const struct plan_stage *ps = &image->plan->stages.v[k];
	const struct section *signals = source(ps, SIGNAL_SOURCE_SECTION);
	size_t n = 0;

	if (image->config >= 0 && ps->uses_config)
		places[n++] = (struct link_place){CONFIG_SOURCE_SECTION, image->config,
						  config_base(image, k)};
	if (image->control >= 0 && signals && signals->bytes.n == sizeof(__u32) &&
	    k < CONTROL_STAGES)
		places[n++] = (struct link_place){SIGNAL_SOURCE_SECTION, image->control,
						  offsetof(struct control, signals) + 4 * k};
	return n;
}

struct splice_control control_for_seams(const struct image *image, bool entry)
{
	const struct braid_plan *plan = image->plan;

	return (struct splice_control){
		.section = image->control,
		.closed = offsetof(struct control, closed),
		.verdict = offsetof(struct control, verdict),
		.share = offsetof(struct control, share),
		.bypass = offsetof(struct control, bypass),
		.config = offsetof(struct control, config),
		.entry = entry,
		/* one component that is left does not keep packets from the next */
		.closes = (entry || plan->strategy == STRATEGY_DISPATCHER) && plan_closes(plan),
	};
}

/* Does a function that is not spliced use the configuration? */
static bool used_in_functions(const struct image *image, const struct imported *stages)
{
	for (__u32 i = 0; i < image->unit->funcs.n; i++) {
		bool spliced = false;

		array_foreach (ps, &image->plan->stages)
			spliced |= !ps->called && stages[ps - image->plan->stages.v].func == i;
		if (!spliced && func_uses_section(&image->unit->funcs.v[i], image->config))
			return true;
	}
	return false;
}

int control_add_packet_map(struct image *image, const struct imported *stages,
			   struct braid_error *err)
{
	__u32 map;
	int r;

	if (image->config < 0 ||
	    (image->plan->segments.n == 1 && !used_in_functions(image, stages)))
		return 0;
	r = map_def_add_array(image->unit, "_braid_packet", BPF_MAP_TYPE_PERCPU_ARRAY,
			      sizeof(__u32), 1, &map, err);
	r = r ?: image_add_own_map(image, "packet", "_braid_packet", err);
	if (!r) {
		image->packet_map = map;
		r = map_def_read(image->unit, map, &image->maps.v[image->maps.n - 1].def, err);
	}
	return r;
}
