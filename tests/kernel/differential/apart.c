/* SPDX-License-Identifier: GPL-2.0-only */
#include "apart.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "tap.h"

#define ACCEPT 0x42524402u /* braid_accept() */

struct apart {
	const struct chain *c;
	struct bpf_object *stages[STAGES];
	int programs[STAGES];
};

/* Where a constant is in .rodata. */
static __u8 *find_constant(struct bpf_object *obj, const char *name, __u32 size)
{
	const struct btf *btf = bpf_object__btf(obj);
	int id = btf__find_by_name_kind(btf, ".rodata", BTF_KIND_DATASEC);
	const struct btf_type *section = btf__type_by_id(btf, id);
	const struct btf_var_secinfo *var = btf_var_secinfos(section);
	struct bpf_map *map;

	for (int i = 0; i < btf_vlen(section); i++, var++)
		if (var->size == size &&
		    text_eq(btf__name_by_offset(btf, btf__type_by_id(btf, var->type)->name_off),
			    name))
			break;
	if (var == btf_var_secinfos(section) + btf_vlen(section))
		bail_out("there is no constant %s of %u bytes", name, size);
	bpf_object__for_each_map(map, obj)
	{
		const char *dot = strrchr(bpf_map__name(map), '.');
		size_t room;

		if (text_eq(dot, ".rodata"))
			return (__u8 *)bpf_map__initial_value(map, &room) + var->offset;
	}
	bail_out("there is no .rodata");
}

static struct bpf_map *must_find_map(struct bpf_object *obj, const char *name)
{
	struct bpf_map *map = bpf_object__find_map_by_name(obj, name);

	if (!map)
		bail_out("there is no map %s", name);
	return map;
}

static void put_entry(struct bpf_map *map, const struct setting *s)
{
	bool per_cpu = bpf_map__type(map) == BPF_MAP_TYPE_PERCPU_ARRAY;
	int cpus = per_cpu ? libbpf_num_possible_cpus() : 1;
	size_t step = per_cpu ? (s->value_size + 7) & ~7u : s->value_size;
	_cleanup_free_ __u8 *values = calloc(cpus, step);

	if (!values || s->key_size != bpf_map__key_size(map) ||
	    s->value_size != bpf_map__value_size(map))
		bail_out("an entry of %s has another size", s->name);
	for (int i = 0; i < cpus; i++)
		memcpy(values + i * step, s->value_bytes, s->value_size);
	if (bpf_map_update_elem(bpf_map__fd(map), s->key_bytes, values, BPF_ANY))
		bail_out("an entry of %s does not fit", s->name);
}

static void prepare(struct apart *a, size_t k)
{
	const struct link *l = &a->c->stages[k];
	struct bpf_object *obj = a->stages[k];
	struct bpf_map *map;

	for (const struct setting *s = l->settings; s < l->settings + l->n_settings; s++)
		if (s->what == CONSTANT)
			memcpy(find_constant(obj, s->name, s->value_size), s->value_bytes,
			       s->value_size);
		else if (s->what == MAX_ENTRIES &&
			 bpf_map__set_max_entries(must_find_map(obj, s->name), s->value_size))
			bail_out("cannot set the size of %s", s->name);
	bpf_object__for_each_map(map, obj)
	{
		size_t owner = chain_owner(a->c, k, bpf_map__name(map));

		if (owner != k &&
		    bpf_map__reuse_fd(
			    map, bpf_map__fd(must_find_map(a->stages[owner], bpf_map__name(map)))))
			bail_out("cannot share %s", bpf_map__name(map));
	}
}

struct apart *apart_new(const struct chain *c, const char *const *objects)
{
	struct apart *a = calloc(1, sizeof(*a));

	if (!a)
		bail_out("no memory");
	a->c = c;
	for (size_t k = 0; k < c->n; k++) {
		const struct link *l = &c->stages[k];
		const char *name = kind_names[l->kind];

		a->stages[k] = bpf_object__open(objects[l->kind]);
		if (!a->stages[k])
			bail_out("cannot open %s", objects[l->kind]);
		prepare(a, k);
		if (bpf_object__load(a->stages[k]))
			bail_out("cannot load %s", objects[l->kind]);
		for (const struct setting *s = l->settings; s < l->settings + l->n_settings; s++)
			if (s->what == ENTRY)
				put_entry(must_find_map(a->stages[k], s->name), s);
		a->programs[k] =
			bpf_program__fd(bpf_object__find_program_by_name(a->stages[k], name));
	}
	return a;
}

void apart_free(struct apart *a)
{
	for (size_t k = 0; k < a->c->n; k++)
		bpf_object__close(a->stages[k]);
	free(a);
}

void apart_list_maps(const struct apart *a, struct map_names *ret)
{
	struct bpf_map *map;

	for (size_t k = 0; k < a->c->n; k++)
		bpf_object__for_each_map(map, a->stages[k])
		{
			struct map_name *name;

			/* globals are seen by what their stages decide */
			if (bpf_map__is_internal(map))
				continue;
			name = array_push(&ret->v);
			if (!name)
				bail_out("no memory");
			name->stage = k;
			snprintf(name->name, sizeof(name->name), "%s", bpf_map__name(map));
		}
}

static void run_stage(int program, struct outcome *o)
{
	__u8 in[OUT_SIZE];
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = in, .data_size_in = o->size,
		    .data_out = o->bytes, .data_size_out = sizeof(o->bytes), .repeat = 1);
	int r;

	memcpy(in, o->bytes, o->size);
	r = bpf_prog_test_run_opts(program, &opts);
	if (r)
		bail_out("cannot run a stage alone: %s", strerror(-r));
	o->size = opts.data_size_out;
	o->stage_verdict = opts.retval;
}

static void run(void *ctx, const void *packet, size_t size, struct outcome *ret)
{
	const struct apart *a = ctx;

	memcpy(ret->bytes, packet, size);
	ret->size = size;
	for (size_t k = 0; k < a->c->n; k++) {
		__u32 proceed_on = a->c->stages[k].proceed_on ?: 1 << XDP_PASS;

		run_stage(a->programs[k], ret);
		ret->stage = k;
		ret->verdict = ret->stage_verdict;
		if (ret->verdict == ACCEPT) {
			ret->verdict = XDP_PASS;
			return;
		}
		if (ret->verdict >= 32 || !(proceed_on & 1u << ret->verdict))
			return;
		ret->unusual += ret->verdict != XDP_PASS;
	}
	if (a->c->final >= 0)
		ret->verdict = a->c->final;
}

static int find_map(void *ctx, const struct map_name *name)
{
	const struct apart *a = ctx;

	return bpf_map__fd(must_find_map(a->stages[name->stage], name->name));
}

struct runner apart_runner(struct apart *a)
{
	return (struct runner){.ctx = a, .run = run, .map = find_map, .knows_stage = true};
}
