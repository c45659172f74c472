/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Maps: with a type that says all of them, or by words only. */
#include <bpf/btf.h>
#include <errno.h>
#include <stdint.h>

#include "base/error.h"
#include "base/text.h"
#include "object/asm_file.h"
#include "object/mapdef.h"

static int map_type(struct asm_file *a, __u32 *ret)
{
	const char *was;
	struct word w;
	__s64 n;

	scan_is_end(&a->s);
	was = a->s.at;
	if (scan_is_number(&a->s)) {
		int r = scan_number(&a->s, "number of a map type", 0, UINT32_MAX, &n);

		*ret = n;
		return r;
	}
	if (scan_word(&a->s, &w))
		for (__u32 type = 1; type < 64; type++)
			if (map_type_name(type) && word_is(w, map_type_name(type))) {
				*ret = type;
				return 0;
			}
	a->s.at = was;
	return scan_expected(&a->s, "a type of maps, such as hash");
}

struct map_words {
	struct map_def def;
	__u32 type, size;
};

static int map_attributes(struct asm_file *a, struct map_words *m)
{
	const struct {
		const char *name;
		__u32 *at;
	} known[] = {
		{"key", &m->def.key_size}, {"value", &m->def.value_size},
		{"flags", &m->def.flags},  {"entries", &m->def.max_entries},
		{"size", &m->size},        {"pinning", &m->def.pinning},
	};
	int r = 0;

	while (!r && !scan_is_end(&a->s)) {
		bool found = false;

		for (size_t i = 0; i < sizeof(known) / sizeof(*known) && !found && !r; i++) {
			__s64 n;

			found = asm_attribute(&a->s, known[i].name);
			if (!found)
				continue;
			r = scan_number(&a->s, known[i].name, 0, UINT32_MAX, &n);
			if (!r)
				*known[i].at = n;
		}
		if (!found && asm_attribute(&a->s, "type"))
			r = asm_type_attribute(a, 1u << BTF_KIND_VAR, &m->type);
		else if (!found)
			return scan_expected(&a->s, "key=, value=, entries=, flags=, pinning=, "
						    "type= or size=");
	}
	return r;
}

/* The struct that a variable of that type is; NULL: it is no struct. */
static const struct btf_type *struct_of(const struct btf *btf, __u32 var)
{
	const struct btf_type *t = btf__type_by_id(btf, btf__type_by_id(btf, var)->type);

	while (t && (btf_is_mod(t) || btf_is_typedef(t)))
		t = btf__type_by_id(btf, t->type);
	return t && btf_is_struct(t) ? t : NULL;
}

/* What the words say beside the type must be what the type says. */
static int typed_map(struct asm_file *a, const char *name, const struct map_words *words)
{
	struct map *m = array_push(&a->u->maps);
	struct map_def def = {};
	const struct btf_type *def_type;

	if (!m)
		return error_oom(a->s.err);
	m->name = strdup(name);
	m->type_id = words->type;
	m->size = words->size;
	if (!m->name)
		return error_oom(a->s.err);
	def_type = struct_of(a->u->btf, words->type);
	if (!def_type || map_def_read(a->u, m - a->u->maps.v, &def, a->s.err))
		return scan_wrong(&a->s, "type %u is not that of a map", words->type);
	if (def.type != words->def.type || def.key_size != words->def.key_size ||
	    def.value_size != words->def.value_size || def.max_entries != words->def.max_entries ||
	    def.flags != words->def.flags || def.pinning != words->def.pinning)
		return scan_wrong(&a->s, "type %u says another thing of map %s than this line",
				  words->type, name);
	if (m->size < def_type->size || m->size > 1u << 20)
		return scan_wrong(&a->s, "size=%u cannot be: the definition has %u bytes", m->size,
				  def_type->size);
	return 0;
}

/* .map NAME TYPE [key=N] [value=N] [entries=N] [flags=N] [pinning=N] [type=N size=N] */
int asm_map(struct asm_file *a)
{
	_cleanup_free_ char *map = NULL;
	struct map_words m = {};
	__u32 index;
	int r = asm_name(a, "the name of a map", &map) ?: map_type(a, &m.def.type);

	if (!r && unit_find_map(a->u, map) >= 0)
		return scan_wrong(&a->s, "there is a map '%s' already", map);
	r = r ?: map_attributes(a, &m);
	if (r)
		return r;
	if (m.type)
		return typed_map(a, map, &m);
	if (m.def.type == BPF_MAP_TYPE_PROG_ARRAY)
		return m.def.max_entries > 4096
			       ? scan_wrong(&a->s, "4096 entries at most")
			       : map_def_add_prog_array(a->u, map, m.def.max_entries, &index,
							a->s.err);
	return map_def_add(a->u, map, &m.def, &index, a->s.err);
}

/* .value MAP SLOT NAME: a program in a PROG_ARRAY, a map in a map */
int asm_map_value(struct asm_file *a)
{
	_cleanup_free_ char *map = NULL;
	struct asm_value v = {};
	__s64 slot = 0;
	int index, r = asm_name(a, "the name of a map", &map);

	if (r)
		return r;
	index = unit_find_map(a->u, map);
	if (index < 0 || !map_def_values_at(a->u, index))
		return scan_wrong(&a->s, "there is no map '%s' that holds programs or maps", map);
	r = scan_number(&a->s, "slot", 0, 1 << 16, &slot);
	v.map = index;
	v.slot = slot;
	scan_is_end(&a->s);
	v.at = a->s;
	r = r ?: scan_name(&a->s, "a program or a map", &v.name);
	return r ?: array_add(&a->values, v) ? r : error_oom(a->s.err);
}
