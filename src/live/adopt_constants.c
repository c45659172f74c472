/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Constants that a loader had written into .rodata before it loaded a program. They are in a
 * map of it, with the BTF that it was made of: what differs there from the object's own bytes
 * becomes a constant of the stage.
 */
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <errno.h>
#include <string.h>

#include "base/error.h"
#include "live/adopt.h"
#include "manifest/unfit.h"
#include "object/unit.h"

DEFINE_CLEANUP(struct btf *, btf__free)

static bool is_rodata(const struct bpf_map_info *info)
{
	size_t n = strnlen(info->name, sizeof(info->name));

	/* libbpf: the object's name, cut, and ".rodata", which stays whole */
	return info->type == BPF_MAP_TYPE_ARRAY && n >= 7 &&
	       memcmp(info->name + n - 7, ".rodata", 7) == 0;
}

/* The initial bytes of a variable of .rodata; NULL: there is no such variable, or of another size.
 */
static const char *initial(const struct unit *u, const char *name, __u32 size)
{
	__u32 section;
	const struct var *v = unit_find_var(u, name, &section);

	return v && v->size == size ? u->sections.v[section].bytes.v + v->offset : NULL;
}

static int set_constant(struct braid_pipeline *p, const char *stage, const struct btf *btf,
			const struct btf_type *var, const void *bytes, __u32 size,
			struct braid_error *err)
{
	_cleanup_json_ json_t *value = unfit_value(btf, var->type, bytes, size);
	_cleanup_free_ char *text = value ? json_dumps(value, JSON_ENCODE_ANY) : NULL;

	return text ? braid_pipeline_set_constant(p, stage, btf__name_by_offset(btf, var->name_off),
						  text, err)
		    : error_oom(err);
}

static int compare(const struct btf *btf, __u32 datasec, const char *bytes, size_t size,
		   const struct unit *u, struct braid_pipeline *p, const char *stage,
		   struct braid_error *err)
{
	const struct btf_type *t = btf__type_by_id(btf, datasec);
	const struct btf_var_secinfo *at;
	int r = 0;

	if (!t || !btf_is_datasec(t))
		return 0;
	at = btf_var_secinfos(t);
	for (int i = 0; i < btf_vlen(t) && !r; i++, at++) {
		const struct btf_type *var = btf__type_by_id(btf, at->type);
		const char *was;

		if (!var || at->offset > size || at->size > size - at->offset)
			continue;
		was = initial(u, btf__name_by_offset(btf, var->name_off), at->size);
		if (was && memcmp(was, bytes + at->offset, at->size))
			r = set_constant(p, stage, btf, var, bytes + at->offset, at->size, err);
	}
	return r;
}

static int read_back(const struct program_map *m, const struct unit *u, struct braid_pipeline *p,
		     const char *stage, struct braid_error *err)
{
	_cleanup_(btf__freep) struct btf *btf = NULL;
	_cleanup_free_ char *bytes = calloc(1, m->info.value_size);
	__u32 key = 0;
	int r;

	if (!bytes)
		return error_oom(err);
	if (!m->info.btf_id)
		return 0; /* nobody can tell what is what; the program has BTF, so this has, too */
	btf = btf__load_from_kernel_by_id(m->info.btf_id);
	r = btf ? bpf_map_lookup_elem(m->fd, &key, bytes) : -errno;
	if (r)
		return error_errno(err, r, stage, "cannot read the constants of '%s'",
				   m->info.name);
	return compare(btf, m->info.btf_value_type_id, bytes, m->info.value_size, u, p, stage, err);
}

int adopt_constants(const struct component *c, const struct origin_object *from,
		    const struct program_maps *maps, struct braid_pipeline *p, const char *stage,
		    struct braid_error *err)
{
	_cleanup_(unit_freep) struct unit *u = NULL;
	int r = unit_read(from->bytes, from->size, from->path, &u, err);

	array_foreach (m, &maps->list)
		if (!r && is_rodata(&m->info))
			r = read_back(m, u, p, stage, err);
	if (r)
		error_within(err, "component %s", c->name);
	return r;
}
